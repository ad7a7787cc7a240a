//! Layer by layer through a dense network and a pruned one: each layer of the pruned one is solved anew for the inputs
//! that those before it leave, with the dense one's results as its aim.

use super::obs::Gram;
use crate::data::Inputs;
use crate::engine::{Network, Value, elements, matrix, output_channels, value, windows};
use crate::parallel;
use nalgebra::DMatrix;
use ndarray::{Array2, ArrayView2, Axis, concatenate};
use tinderbox::graph::{Op, TensorId};

/// Examples that layers are solved for.
pub const EXAMPLES: usize = 1000;

/// How strongly weights are held to what they were, relative to the mean square of the inputs: decides only what the
/// examples leave open.
const RIDGE: f64 = 1e-4;

/// Channels of each tensor of the dense network that the pruned one has; all of them where `None`.
pub type Kept = Vec<Option<Vec<usize>>>;

/// What is known of a layer when it is its turn.
pub struct Layer<'a> {
    /// The node.
    pub index: usize,
    /// Rows are results, columns their inputs and, last, the bias.
    pub gram: &'a Gram,
}

/// Solves every convolution and dense layer of `pruned` anew. `solve` yields its weights: a row for each column of the
/// Gram matrix, a column per output; `None` leaves the layer as it is.
pub fn walk(
    dense: &Network,
    pruned: &mut Network,
    kept: &Kept,
    examples: &Inputs,
    mut solve: impl FnMut(&Layer<'_>) -> Option<DMatrix<f64>>,
) {
    let count = examples.len().min(EXAMPLES);
    let input = value(examples.take(0..count), count, dense.device());
    let last_readers = dense.last_readers();
    let mut wanted = dense.start(vec![input.clone()], &mut ());
    let mut got = pruned.start(vec![input], &mut ());
    for index in 0..dense.graph.nodes.len() {
        if is_dense_product(pruned, index) {
            let target = target(dense, kept, index, &wanted, &got);
            let gram = regularised(gram(pruned, index, &got, &target), pruned, index);
            if let Some(weights) = solve(&Layer { index, gram: &gram }) {
                set_weights(pruned, index, &weights);
            }
        }
        dense.step(index, &mut wanted, &mut ());
        pruned.step(index, &mut got, &mut ());
        for id in dense.graph.nodes[index].inputs.iter().flatten().filter(|id| last_readers[**id] == Some(index)) {
            (wanted[*id], got[*id]) = (None, None);
        }
    }
}

/// Whether a node multiplies all inputs with all outputs.
pub fn is_dense_product(network: &Network, index: usize) -> bool {
    matches!(network.graph.nodes[index].op, Op::Conv2d { .. } | Op::FullyConnected { .. })
}

/// What a layer should yield before its activation. If its result is only added to another that is there already, it
/// makes up for what that one has lost.
fn target(dense: &Network, kept: &Kept, index: usize, wanted: &[Option<Value>], got: &[Option<Value>]) -> Vec<f32> {
    let output = dense.graph.nodes[index].outputs[0];
    let channels = output_channels(&dense.graph, index);
    let product = dense.product(index, wanted, &mut ());
    let select = |value: &Value| channels_of(&elements(value), channels, kept[output].as_deref());
    let mut target = select(&product);
    if let Some(other) = addend(dense, index, output)
        && let (Some(dense), Some(pruned)) = (&wanted[other], &got[other])
    {
        let (dense, pruned) = (select(dense), elements(pruned));
        target.iter_mut().zip(dense.iter().zip(pruned)).for_each(|(t, (d, p))| *t += d - p);
    }
    target
}

/// What a linear product is added to, if nothing else reads it.
fn addend(network: &Network, index: usize, output: TensorId) -> Option<TensorId> {
    use crate::quantize::fuse::{readers, slot};
    use tinderbox::graph::Activation;
    let mut op = network.graph.nodes[index].op.clone();
    let linear = slot(&mut op).is_some_and(|activation| *activation == Activation::None);
    let add = network.graph.nodes.iter().find(|node| node.inputs.contains(&Some(output)))?;
    if !linear || readers(&network.graph, output) != 1 || !matches!(add.op, Op::Add { .. }) {
        return None;
    }
    let other = add.inputs.iter().flatten().copied().find(|id| *id != output)?;
    let shape = |id: TensorId| &network.graph.tensors[id].shape;
    (shape(other) == shape(output) && network.graph.tensors[other].data.is_none()).then_some(other)
}

/// Some channels of every pixel.
fn channels_of(pixels: &[f32], channels: usize, kept: Option<&[usize]>) -> Vec<f32> {
    match kept {
        None => pixels.to_vec(),
        Some(kept) => {
            pixels.chunks_exact(channels).flat_map(|pixel| kept.iter().map(|channel| pixel[*channel])).collect()
        }
    }
}

/// Gram matrices of a layer for inputs that are there.
pub fn gram(network: &Network, index: usize, values: &[Option<Value>], target: &[f32]) -> Gram {
    let windows = windows(&network.graph, index).expect("a product has windows");
    let id = network.graph.nodes[index].inputs[0].expect("a product has an input");
    let images = elements(values[id].as_ref().expect("the walk keeps what is read later"));
    let outputs = output_channels(&network.graph, index);
    let at_once = windows.images_at_once();
    let n = windows.elements() + 1;
    let chunks = images.chunks(at_once * windows.image_len()).zip(target.chunks(at_once * windows.count() * outputs));
    let parts = parallel::map(chunks, |(images, target)| {
        let rows = windows.rows(images);
        let (rows, target) = (matrix(&rows, windows.elements()), matrix(target, outputs));
        products(rows, target)
    });
    // Summed in f32 over some images, and in f64 over all.
    let mut gram =
        Gram { inputs: DMatrix::zeros(n, n), targets: DMatrix::zeros(n, outputs), energy: energy(target, outputs) };
    for (square, right) in parts {
        gram.inputs.zip_apply(&square, |sum, x| *sum += f64::from(x));
        gram.targets.zip_apply(&right, |sum, x| *sum += f64::from(x));
    }
    gram
}

/// X'X and X'T of some rows, a constant one added to each.
fn products(rows: ArrayView2<'_, f32>, target: ArrayView2<'_, f32>) -> (DMatrix<f32>, DMatrix<f32>) {
    let ones = Array2::ones([rows.nrows(), 1]);
    let x = concatenate(Axis(1), &[rows, ones.view()]).expect("one more column");
    let owned = |m: Array2<f32>| DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| m[[i, j]]);
    (owned(x.t().dot(&x)), owned(x.t().dot(&target)))
}

/// Sum of squares about each output's mean.
fn energy(target: &[f32], outputs: usize) -> f64 {
    let count = (target.len() / outputs) as f64;
    let of_output = |output: usize| {
        let values = || target[output..].iter().step_by(outputs).map(|x| f64::from(*x));
        let mean = values().sum::<f64>() / count;
        values().map(|x| (x - mean) * (x - mean)).sum::<f64>()
    };
    (0..outputs).map(of_output).sum()
}

/// Adds a pull towards the weights that are there.
fn regularised(mut gram: Gram, network: &Network, index: usize) -> Gram {
    let columns = gram.inputs.nrows() - 1;
    let mean = (0..columns).map(|i| gram.inputs[(i, i)]).sum::<f64>() / columns as f64;
    let ridge = (RIDGE * mean).max(1e-9);
    let weights = network.graph.nodes[index].inputs[1].expect("a product has weights");
    let weights = elements(&network.constants[&weights]);
    for column in 0..columns {
        gram.inputs[(column, column)] += ridge;
        for output in 0..gram.targets.ncols() {
            gram.targets[(column, output)] += ridge * f64::from(weights[output * columns + column]);
        }
    }
    // Keeps the bias's column positive where there is nothing to learn from.
    gram.inputs[(columns, columns)] += 1e-9;
    gram
}

fn set_weights(network: &mut Network, index: usize, solved: &DMatrix<f64>) {
    let columns = solved.nrows() - 1;
    let node = &network.graph.nodes[index];
    let (weights, bias) = (node.inputs[1], node.inputs.get(2).copied().flatten());
    let outputs = solved.ncols();
    let row = |i: usize| solved[(i % columns, i / columns)] as f32;
    let device = network.device().clone();
    if let Some(weights) = weights {
        network.constants.insert(weights, value((0..outputs * columns).map(row).collect(), 1, &device));
    }
    if let Some(bias) = bias {
        let biases = (0..outputs).map(|output| solved[(columns, output)] as f32).collect();
        network.constants.insert(bias, value(biases, 1, &device));
    }
}
