//! Training: gradient descent, mostly from a network that works already.
//!
//! Batch normalization is put back first ([`norms`]), since folded networks train badly; masks hold pruned weights at
//! zero, and weights may be rounded to the grid that they will have. Everything follows from the seed: batch `n` is the
//! same whether the run was interrupted before it or not.

pub mod batches;
pub mod checkpoint;
pub mod norms;

use crate::accuracy::Accuracy;
use crate::data::Examples;
use crate::engine::{self, Hook, Network, Value, elements, value};
use crate::quantize::scheme::{Grid, grid, is_product, on_grid};
use batches::{Augmentation, Batches};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{Adam, AdamConfig, AdamState, Optimizer};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};
use checkpoint::Checkpoint;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tinderbox::graph::{Graph, Op, TensorId};

/// How long a run is silent, and how much of it an interruption can cost.
const REPORT_EVERY: Duration = Duration::from_secs(20);

/// What the user chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples of a step.
    pub batch: usize,
    /// A step's gradient is the mean over so many batches.
    pub accumulate: usize,
    /// Learning rate at the start; it falls to a hundredth along a cosine.
    pub rate: f64,
    /// Decides the order of examples and their variations.
    pub seed: u64,
    /// How examples are varied.
    pub augmentation: Augmentation,
    /// Train with weights rounded to so many bits, in all layers but the first and the last.
    pub weight_bits: Option<u8>,
    /// Examples at the end of the training set that are not trained on: accuracy on them is told after each epoch.
    pub holdout: usize,
    /// Where the state is kept; a run that finds one goes on from there.
    pub checkpoint: Option<PathBuf>,
}

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine does not run the network.
    #[error(transparent)]
    Unsupported(#[from] engine::Unsupported),
    /// The state could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// The loss became infinite.
    #[error("the loss is {loss} at step {step}: try a lower learning rate")]
    Diverged {
        /// When.
        step: usize,
        /// What it was.
        loss: f32,
    },
    /// Nothing to learn from.
    #[error("{0} examples are too few for a batch of {1}")]
    TooFew(usize, usize),
}

/// Trains a float classifier on. Weights that are zero in a `sparse` layer stay so.
pub fn tune(graph: &Graph, examples: &Examples, options: &Options, sparse: &[usize]) -> Result<Graph, Error> {
    let available = examples.labels.len().saturating_sub(options.holdout);
    if available < options.batch * options.accumulate {
        return Err(Error::TooFew(available, options.batch * options.accumulate));
    }
    let batches = Batches::new(examples, graph, available, options);
    let mut network = Network::new(without_softmax(graph), &engine::device())?;
    norms::insert(&mut network, &batches);
    let mut trainer = Trainer::new(network, sparse, options);
    trainer.resume()?;
    trainer.run(&batches, examples)?;
    let mut network = trainer.network;
    norms::estimate(&mut network, &batches);
    norms::fold(&mut network);
    network.graph = with_outputs_of(network.graph, graph);
    Ok(crate::prune::into_graph(network))
}

/// Ends at the logits: their logarithm of softmax is what the loss needs.
fn without_softmax(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let softmax =
        graph.nodes.iter().find(|node| node.outputs[0] == graph.outputs[0] && matches!(node.op, Op::Softmax { .. }));
    if let Some(logits) = softmax.and_then(|node| node.inputs[0]) {
        graph.outputs[0] = logits;
    }
    graph
}

fn with_outputs_of(graph: Graph, original: &Graph) -> Graph {
    Graph { outputs: original.outputs.clone(), ..graph }
}

/// A parameter: a constant of the graph, or a node's scale or shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Parameter {
    /// Weights or bias.
    Constant(TensorId),
    /// See [`engine::Norm::gamma`].
    Gamma(usize),
    /// See [`engine::Norm::beta`].
    Beta(usize),
}

struct Trainer<'a> {
    network: Network,
    options: &'a Options,
    adam: Adam,
    states: BTreeMap<Parameter, AdamState<2>>,
    masks: BTreeMap<TensorId, Value>,
    step: usize,
}

impl<'a> Trainer<'a> {
    fn new(network: Network, sparse: &[usize], options: &'a Options) -> Self {
        let mask = |index: &usize| {
            let id = network.graph.nodes[*index].inputs[1]?;
            let weights = elements(&network.constants[&id]).iter().map(|w| f32::from(*w != 0.0)).collect();
            Some((id, value(weights, 1, network.device())))
        };
        let masks = sparse.iter().filter_map(mask).collect();
        let adam = AdamConfig::new().with_epsilon(1e-7).with_weight_decay(Some(WeightDecayConfig::new(1e-4))).build();
        Self { network, options, adam, states: BTreeMap::new(), masks, step: 0 }
    }

    /// All that is trained.
    fn parameters(&self) -> Vec<Parameter> {
        let graph = &self.network.graph;
        let products = (0..graph.nodes.len()).filter(|index| is_product(graph, *index));
        let mut parameters: Vec<Parameter> = products
            .flat_map(|index| match self.network.norms.contains_key(&index) {
                true => vec![
                    graph.nodes[index].inputs[1].map(Parameter::Constant),
                    Some(Parameter::Gamma(index)),
                    Some(Parameter::Beta(index)),
                ],
                false => graph.nodes[index].inputs[1..].iter().map(|id| id.map(Parameter::Constant)).collect(),
            })
            .flatten()
            .collect();
        parameters.sort();
        parameters.dedup();
        parameters
    }

    fn run(&mut self, batches: &Batches<'_>, examples: &Examples) -> Result<(), Error> {
        let total = self.options.epochs * batches.per_epoch();
        self.run_until(total, batches, examples)
    }

    /// Steps up to `end`, which may be before the last.
    fn run_until(&mut self, end: usize, batches: &Batches<'_>, examples: &Examples) -> Result<(), Error> {
        let per_epoch = batches.per_epoch();
        let total = self.options.epochs * per_epoch;
        let (start, first) = (Instant::now(), self.step);
        let mut reported = Instant::now();
        while self.step < end {
            let loss = self.descend(batches, total);
            if !loss.is_finite() {
                return Err(Error::Diverged { step: self.step, loss });
            }
            self.step += 1;
            if reported.elapsed() > REPORT_EVERY || self.step == end {
                let left = start.elapsed() * (total - self.step) as u32 / (self.step - first) as u32;
                eprintln!("step {} of {total}, loss {loss:.4}, {} s left", self.step, left.as_secs());
                self.save()?;
                reported = Instant::now();
            }
            if self.step.is_multiple_of(per_epoch) && self.options.holdout > 0 {
                let accuracy = self.accuracy(batches, examples);
                eprintln!(
                    "epoch {}: {:.2} % of the held-out examples",
                    self.step / per_epoch,
                    accuracy.overall.percent
                );
            }
        }
        Ok(())
    }

    /// The grids that weights are rounded to; none without `weight_bits`.
    fn grids(&self) -> BTreeMap<usize, Grid> {
        let Some(bits) = self.options.weight_bits else { return BTreeMap::new() };
        let graph = &self.network.graph;
        let products: Vec<usize> = (0..graph.nodes.len()).filter(|index| is_product(graph, *index)).collect();
        let inner = products.get(1..products.len() - 1).unwrap_or_default();
        inner.iter().map(|index| (*index, grid(&self.network, *index, bits))).collect()
    }

    /// One step; the loss before it.
    fn descend(&mut self, batches: &Batches<'_>, total: usize) -> f32 {
        let grids = self.grids();
        let parameters = self.parameters();
        let mut sums: Vec<Option<Tensor<2>>> = vec![None; parameters.len()];
        let mut loss = 0.0;
        for part in 0..self.options.accumulate {
            let (images, labels) = batches.get(self.step, part);
            let tracked: Vec<Tensor<2>> =
                parameters.iter().map(|p| self.get(*p).clone().autodiff().require_grad()).collect();
            let mut network = self.network.clone();
            parameters.iter().zip(&tracked).for_each(|(p, tensor)| *slot(&mut network, *p) = tensor.clone());
            let input = value(images, labels.len(), network.device());
            let mut rounding = Rounding { graph: &self.network.graph, grids: &grids };
            let logits = network.run(vec![input], &mut rounding).swap_remove(0);
            let objective = cross_entropy(logits, &labels);
            loss += elements(&objective.clone().inner().reshape([1, 1]))[0] / self.options.accumulate as f32;
            let gradients = objective.backward();
            for (sum, tensor) in sums.iter_mut().zip(&tracked) {
                let gradient = tensor.grad(&gradients);
                *sum = match (sum.take(), gradient) {
                    (Some(sum), Some(gradient)) => Some(sum + gradient),
                    (sum, gradient) => sum.or(gradient),
                };
            }
        }
        let phase = self.step as f64 / total as f64;
        let rate = self.options.rate * (0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * phase).cos()));
        for (parameter, gradient) in parameters.into_iter().zip(sums) {
            if let Some(gradient) = gradient {
                self.update(parameter, gradient / self.options.accumulate as f32, rate);
            }
        }
        loss
    }

    fn update(&mut self, parameter: Parameter, gradient: Tensor<2>, rate: f64) {
        let old = self.get(parameter).clone();
        let (mut new, state) = self.adam.step(rate, old, gradient, self.states.remove(&parameter));
        if let Parameter::Constant(id) = parameter
            && let Some(mask) = self.masks.get(&id)
        {
            new = new * mask.clone();
        }
        *slot(&mut self.network, parameter) = new;
        if let Some(state) = state {
            self.states.insert(parameter, state);
        }
    }

    fn get(&self, parameter: Parameter) -> &Value {
        match parameter {
            Parameter::Constant(id) => &self.network.constants[&id],
            Parameter::Gamma(node) => &self.network.norms[&node].gamma,
            Parameter::Beta(node) => &self.network.norms[&node].beta,
        }
    }

    fn accuracy(&self, batches: &Batches<'_>, examples: &Examples) -> Accuracy {
        let mut network = self.network.clone();
        norms::estimate(&mut network, batches);
        let held: Vec<usize> = (batches.examples()..examples.labels.len()).collect();
        let said: Vec<usize> = held
            .chunks(100)
            .flat_map(|part| {
                let input = value(examples.inputs.take(part.iter().copied()), part.len(), network.device());
                let logits = network
                    .run(vec![input], &mut Rounding { graph: &self.network.graph, grids: &self.grids() })
                    .swap_remove(0);
                let columns = logits.dims()[1];
                elements(&logits).chunks_exact(columns).map(crate::accuracy::class).collect::<Vec<_>>()
            })
            .collect();
        let labels: Vec<usize> = held.iter().map(|i| examples.labels[*i]).collect();
        Accuracy::new(&said, &labels, &[])
    }

    fn resume(&mut self) -> Result<(), Error> {
        let Some(path) = self.options.checkpoint.as_ref().filter(|path| path.exists()) else { return Ok(()) };
        let checkpoint = Checkpoint::read(path, self.options)?;
        let device = self.network.device().clone();
        for saved in checkpoint.parameters {
            let row = |data: Vec<f32>| value(data, 1, &device);
            let moments =
                burn::optim::AdaptiveMomentumState::new(saved.time, row(saved.moments.0), row(saved.moments.1));
            *slot(&mut self.network, saved.parameter) = row(saved.value);
            self.states.insert(saved.parameter, AdamState::new(moments));
        }
        self.step = checkpoint.step;
        eprintln!("{}: going on after step {}", path.display(), self.step);
        Ok(())
    }

    fn save(&self) -> Result<(), Error> {
        let Some(path) = &self.options.checkpoint else { return Ok(()) };
        let saved = |(parameter, state): (&Parameter, &AdamState<2>)| checkpoint::Saved {
            parameter: *parameter,
            value: elements(self.get(*parameter)),
            time: state.momentum.time,
            moments: (elements(&state.momentum.moment_1), elements(&state.momentum.moment_2)),
        };
        let parameters = self.states.iter().map(saved).collect();
        Ok(Checkpoint::new(self.step, self.options, parameters).write(path).map_err(checkpoint::Error::from)?)
    }
}

/// Where a network keeps a parameter.
fn slot(network: &mut Network, parameter: Parameter) -> &mut Value {
    match parameter {
        Parameter::Constant(id) => network.constants.get_mut(&id).expect("a constant of the graph"),
        Parameter::Gamma(node) => &mut network.norms.get_mut(&node).expect("a node with a normalization").gamma,
        Parameter::Beta(node) => &mut network.norms.get_mut(&node).expect("a node with a normalization").beta,
    }
}

struct Rounding<'a> {
    graph: &'a Graph,
    grids: &'a BTreeMap<usize, Grid>,
}

impl Hook for Rounding<'_> {
    fn weights(&mut self, node: usize, weights: Value) -> Value {
        match self.grids.get(&node) {
            Some(grid) => on_grid(self.graph, node, grid, weights),
            None => weights,
        }
    }
}

/// Mean of the negative logarithms of the right classes' probabilities.
fn cross_entropy(logits: Value, labels: &[usize]) -> Tensor<1> {
    let device = logits.device().without_autodiff();
    let labels: Vec<i64> = labels.iter().map(|label| *label as i64).collect();
    let count = labels.len();
    let chosen = Tensor::<2, Int>::from_data(TensorData::new(labels, [count, 1]), &device);
    log_softmax(logits, 1).gather(1, chosen).mean().neg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Inputs, Units};
    use tinderbox::graph::DType;
    use tinderbox::run::npy::Array;

    const FASHION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../zoo/fashion/fashion_float.tflite");

    fn noise() -> Examples {
        let mut random = fastrand::Rng::with_seed(5);
        let data = (0..64 * 28 * 28).map(|_| random.u8(..)).collect();
        let array = Array { shape: vec![64, 28, 28, 1], dtype: DType::U8, data };
        let inputs = Inputs::new(array, Units { scale: 1.0 / 255.0, zero_point: 0.0 });
        Examples { inputs, labels: (0..64).map(|i| i % 10).collect() }
    }

    fn options() -> Options {
        Options {
            epochs: 2,
            batch: 8,
            accumulate: 2,
            rate: 1e-3,
            seed: 1,
            augmentation: Augmentation { mirror: true, shift: 1 },
            weight_bits: Some(4),
            holdout: 0,
            checkpoint: None,
        }
    }

    fn parameters(trainer: &Trainer<'_>) -> Vec<Vec<f32>> {
        trainer.parameters().into_iter().map(|parameter| elements(trainer.get(parameter))).collect()
    }

    #[test]
    fn an_interrupted_run_ends_where_an_uninterrupted_one_does() {
        let graph = tinderbox::import::import(FASHION.as_ref()).expect("the zoo's model");
        let (examples, folder) = (noise(), tempfile::tempdir().expect("a folder"));
        let options = Options { checkpoint: Some(folder.path().join("state.json")), ..options() };
        let batches = Batches::new(&examples, &graph, 64, &options);
        let start = || {
            let mut network = Network::new(without_softmax(&graph), &engine::device()).expect("supported");
            norms::insert(&mut network, &batches);
            Trainer::new(network, &[], &options)
        };
        let mut whole = start();
        whole.run(&batches, &examples).expect("runs");
        std::fs::remove_file(options.checkpoint.as_ref().expect("set above")).expect("was written");
        start().run_until(3, &batches, &examples).expect("runs");
        let mut rest = start();
        rest.resume().expect("the state is there");
        assert_eq!(rest.step, 3);
        rest.run(&batches, &examples).expect("runs");
        assert!(parameters(&rest) == parameters(&whole), "the parameters differ");
    }

    #[test]
    fn normalization_comes_and_goes_without_a_trace() {
        let graph = tinderbox::import::import(FASHION.as_ref()).expect("the zoo's model");
        let examples = noise();
        // One batch of all: its moments are those of the whole.
        let options = Options { batch: 64, accumulate: 1, augmentation: Augmentation::default(), ..options() };
        let batches = Batches::new(&examples, &graph, 64, &options);
        let mut network = Network::new(without_softmax(&graph), &engine::device()).expect("supported");
        let input = value(examples.inputs.take(0..64), 64, network.device());
        let before = elements(&network.run(vec![input.clone()], &mut ())[0]);
        norms::insert(&mut network, &batches);
        assert!(!network.norms.is_empty());
        norms::estimate(&mut network, &batches);
        norms::fold(&mut network);
        let after = elements(&network.run(vec![input], &mut ())[0]);
        let largest = before.iter().fold(0.0f32, |max, x| max.max(x.abs()));
        for (before, after) in before.iter().zip(after) {
            assert!((before - after).abs() < 1e-3 * largest, "{before} became {after}");
        }
    }
}
