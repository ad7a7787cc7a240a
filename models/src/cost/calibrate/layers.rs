//! Networks to measure: single layers of all kinds, and chains of two.

mod builder;

use crate::graph::{Activation, Graph, Node, Op, Padding, Stride};
use crate::lower::{Algorithm, InputMode, Kernels, Lowerer, Selection, Variant};
use builder::Builder;
use fastrand::Rng;
use std::sync::Arc;

/// Layers of each kind.
const LAYERS: usize = 20;

/// A network of one layer, and the variant in which it is to be measured, if it has several.
pub(super) type Sample = (Graph, Option<Variant>);

/// Layers of all kinds in all their variants.
pub(super) fn samples(kernels: Kernels) -> Vec<Sample> {
    let mut rng = Rng::with_seed(11);
    let mut graphs = vec![];
    for i in 0..LAYERS {
        graphs.extend(convolutions(&mut rng, i));
        graphs.extend(others(&mut rng));
    }
    graphs.extend((0..LAYERS).map(|i| sparse_convolution(&mut rng, i)));
    let variants = |graph: Graph| -> Vec<Sample> {
        let lowered = Lowerer::new(&graph, InputMode::Whole, kernels).lower(&Selection::default());
        let variants = lowered.map(|lowered| lowered.variants[0].clone()).unwrap_or_default();
        if variants.is_empty() {
            return vec![(graph, None)];
        }
        variants.into_iter().map(|variant| (graph.clone(), Some(variant))).collect()
    };
    let mut samples: Vec<Sample> = graphs.into_iter().flat_map(variants).collect();
    // Unpacked, int4 weights are like others.
    let int4 = (0..LAYERS).flat_map(|i| convolutions(&mut rng, i)).map(int4).flat_map(variants);
    samples.extend(int4.filter(|(_, variant)| {
        variant.is_none_or(|v| matches!(v.algorithm, Algorithm::Portable | Algorithm::PackedProduct))
    }));
    let dense = (0..LAYERS).flat_map(|_| [sparse_dense(&mut rng), wide_dense(&mut rng)]);
    samples.extend(dense.flat_map(variants));
    samples
}

/// Networks as one, with all their inputs and outputs.
pub(super) fn side_by_side(samples: &[Sample]) -> (Graph, Selection) {
    let (mut all, mut selection) = (Graph::default(), Selection::new());
    for (graph, variant) in samples {
        let first = all.tensors.len();
        selection.extend(variant.map(|variant| (all.nodes.len(), variant)));
        all.tensors.extend(graph.tensors.iter().cloned());
        all.inputs.extend(graph.inputs.iter().map(|id| id + first));
        all.outputs.extend(graph.outputs.iter().map(|id| id + first));
        all.nodes.extend(graph.nodes.iter().map(|node| Node {
            inputs: node.inputs.iter().map(|id| id.map(|id| id + first)).collect(),
            outputs: node.outputs.iter().map(|id| id + first).collect(),
            ..node.clone()
        }));
    }
    (all, selection)
}

/// One layer with weights of each kind.
fn convolutions(rng: &mut Rng, i: usize) -> Vec<Graph> {
    let padding = if rng.bool() { Padding::Same } else { Padding::Valid };
    let (h, w, out) = (rng.usize(3..12), rng.usize(3..36), rng.usize(2..40));
    let [wide, column, three] = [16, 24, 8].map(|most| 4 * rng.usize(1..=most));
    let (taps, inputs, outputs) = (rng.usize(2..15), 4 * rng.usize(1..60), rng.usize(1..80));
    let (odd_inputs, few_outputs) = (rng.usize(1..40), rng.usize(1..20));
    let stride = |s: usize| Stride { h: s, w: s };
    let few = [1, 3, 3, 6, 10][i % 5];
    let window = [(3, 3), (10, 4), (5, 5)][i % 3];
    vec![
        Builder::conv(rng, [h, w, wide], out, (1, 1), stride(1), padding),
        Builder::conv(rng, [h, 1, column], out, (1, 1), stride(1), padding),
        Builder::conv(rng, [h, w, three], out, (3, 3), stride(2), padding),
        Builder::conv(rng, [h, w, three], out / 2 * 2, (3, 3), stride(1), padding),
        Builder::conv(rng, [h, w.max(4), few], out, window, stride(1 + i % 2), Padding::Same),
        Builder::depthwise(rng, [h, w, wide], (3, 3), stride(1), padding),
        Builder::depthwise(rng, [h, w, wide], (3, 3), stride(2), padding),
        Builder::depthwise(rng, [h, w, wide], (5, 5), stride(1), Padding::Same),
        Builder::depthwise(rng, [h + 14, 1, wide], (taps, 1), stride(1), Padding::Valid),
        Builder::dense(rng, inputs, outputs),
        Builder::dense(rng, odd_inputs, few_outputs),
    ]
}

/// A layer with its weights as int4.
fn int4(mut graph: Graph) -> Graph {
    let weights = graph.nodes[0].inputs[1].expect("layers with weights");
    let tensor = &mut graph.tensors[weights];
    let data = tensor.data.as_deref().expect("weights are constant");
    (tensor.data, tensor.bits) = (Some(data.iter().map(|byte| (*byte as i8 >> 4) as u8).collect()), 4);
    if let Some(quant) = &mut tensor.quant {
        quant.scales.iter_mut().for_each(|scale| *scale *= 16.0);
    }
    graph
}

/// A convolution with zeros.
fn sparse_convolution(rng: &mut Rng, i: usize) -> Graph {
    let shape = [rng.usize(3..10), rng.usize(4..20), 4 * rng.usize(1..9)];
    let (window, stride) = ([(3, 3), (1, 1), (3, 3), (5, 2)][i % 4], 1 + i % 3 / 2);
    let (out, density) = (rng.usize(2..33), 0.05 + 0.65 * rng.f32());
    let graph = Builder::conv(rng, shape, out, window, Stride { h: stride, w: stride }, Padding::Same);
    sparse(rng, graph, density)
}

/// A fully connected layer with zeros.
fn sparse_dense(rng: &mut Rng) -> Graph {
    let (inputs, outputs, density) = (2 * rng.usize(2..400), rng.usize(2..60), 0.05 + 0.65 * rng.f32());
    let graph = Builder::dense(rng, inputs, outputs);
    sparse(rng, graph, density)
}

/// A fully connected layer whose sums are large.
fn wide_dense(rng: &mut Rng) -> Graph {
    let (inputs, outputs) = (4 * rng.usize(300..750), rng.usize(2..9));
    Builder::dense(rng, inputs, outputs)
}

/// A layer that keeps so much of its weights, in blocks of two outputs by two inputs.
fn sparse(rng: &mut Rng, mut graph: Graph, density: f32) -> Graph {
    let weights = graph.nodes[0].inputs[1].expect("a layer with weights");
    let row = graph.tensors[weights].elements() / graph.tensors[weights].shape[0];
    let mut data = graph.tensors[weights].data.as_ref().expect("weights are constant").to_vec();
    for pair in data.chunks_mut(2 * row) {
        for i in (0..row).step_by(2).filter(|_| rng.f32() >= density) {
            pair.chunks_mut(row).for_each(|row| row[i..i + 2].fill(0));
        }
    }
    graph.tensors[weights].data = Some(Arc::from(data));
    graph
}

/// One layer without weights of each kind.
fn others(rng: &mut Rng) -> Vec<Graph> {
    let shape = [rng.usize(2..12), rng.usize(2..20), 4 * rng.usize(1..12)];
    let whole = Stride { h: shape[0], w: shape[1] };
    let two = Stride { h: 2, w: 2 };
    let (padding, activation) = (Padding::Valid, Activation::None);
    vec![
        Builder::unary(rng, shape, [1, 1], Op::AveragePool2d { kernel: whole, stride: whole, padding, activation }),
        Builder::unary(
            rng,
            shape,
            [shape[0] / 2, shape[1] / 2],
            Op::AveragePool2d { kernel: two, stride: two, padding, activation },
        ),
        Builder::unary(
            rng,
            shape,
            [shape[0] / 2, shape[1] / 2],
            Op::MaxPool2d { kernel: two, stride: two, padding, activation },
        ),
        Builder::unary(rng, [1, 1, 1 + 3 * shape[0]], [1, 1], Op::Softmax { beta: 1.0 }),
        Builder::add(rng, shape),
        Builder::add(rng, [shape[0], 4 * shape[1], shape[2]]),
    ]
}

/// As little work as a network can have.
pub(super) fn copy() -> Graph {
    let mut builder = Builder::default();
    let input = builder.activation(&[1, 1, 1, 4]);
    builder.graph.inputs.push(input);
    builder.graph.outputs.push(input);
    builder.graph
}

/// Two layers whose rows meet in a ring.
pub(crate) fn chains() -> Vec<Graph> {
    let mut rng = Rng::with_seed(12);
    let mut two = |(w, c)| chain(&mut rng, [24, w, c], &[(c, 1, 1), (4, 3, 2)]);
    [(4, 4), (8, 4), (16, 8), (16, 32), (24, 16)].map(&mut two).into()
}

/// Convolutions one after the other: output channels, size of the kernel, stride.
pub(crate) fn chain(rng: &mut Rng, [h, w, c]: [usize; 3], layers: &[(usize, usize, usize)]) -> Graph {
    let mut builder = Builder::default();
    let input = builder.activation(&[1, h, w, c]);
    let add = |input, &(out, kernel, stride): &(usize, usize, usize)| {
        builder.add_conv(rng, input, out, (kernel, kernel), Stride { h: stride, w: stride }, Padding::Same)
    };
    let output = layers.iter().fold(input, add);
    builder.finish(vec![input], output)
}

/// The layers of a network side by side, each with inputs and outputs of its own.
pub(super) fn apart(graph: &Graph) -> Graph {
    let alone = |node: &Node| {
        let (inputs, outputs) = (node.inputs.iter().flatten().copied(), node.outputs.clone());
        let inputs = inputs.filter(|id| graph.tensors[*id].data.is_none()).collect();
        let mut alone = Graph { inputs, outputs, nodes: vec![node.clone()], ..graph.clone() };
        alone.prune();
        (alone, None)
    };
    side_by_side(&graph.nodes.iter().map(alone).collect::<Vec<_>>()).0
}
