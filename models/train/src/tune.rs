//! Training: gradient descent, mostly from a network that works already.
//!
//! Batch normalization is put back first ([`norms`]), since folded networks train badly; masks hold pruned weights at
//! zero, and weights may be rounded to the grid that they will have. Everything follows from the seed: batch `n` is the
//! same whether the run was interrupted before it or not.

pub mod batches;
pub mod checkpoint;
mod loss;
pub mod norms;
mod parameter;
mod trainer;

use crate::data::Examples;
use crate::engine;
use crate::quality::{NoAutoencoder, Objective};
use batches::{Augmentation, Batches};
use std::collections::BTreeSet;
use std::path::PathBuf;
use tinderbox::graph::{Graph, Op};
use trainer::Trainer;

/// What the user chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the network is for.
    pub objective: Objective,
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
    /// Layers, by name, that train with their weights rounded to 4 bits.
    pub int4: BTreeSet<String>,
    /// Train with the other weights and all activations rounded to 8 bits, the latter within what a batch shows: fake
    /// quantization (Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    /// Inference", 2018).
    pub int8: bool,
    /// Share of the loss that is the distance from the teacher's probabilities, where there is a teacher.
    pub distill: f64,
    /// Where the state is kept; a run that finds one goes on from there.
    pub checkpoint: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            objective: Objective::default(),
            epochs: 0,
            batch: 128,
            accumulate: 1,
            rate: 1e-3,
            seed: 1,
            augmentation: Augmentation::default(),
            int4: BTreeSet::new(),
            int8: false,
            distill: 0.0,
            checkpoint: None,
        }
    }
}

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine does not run the network.
    #[error(transparent)]
    Unsupported(#[from] engine::Unsupported),
    /// It cannot serve the objective.
    #[error(transparent)]
    NoAutoencoder(#[from] NoAutoencoder),
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

/// What is trained on what.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// A float network.
    pub graph: &'a Graph,
    /// Nodes whose zero weights stay zero.
    pub sparse: &'a [usize],
    /// A float network whose outputs are to be met.
    pub teacher: Option<&'a Graph>,
    /// Examples to train on.
    pub train: &'a Examples,
    /// Examples that are not trained on: the quality on them is told after each epoch.
    pub held: Option<&'a Examples>,
}

/// Trains a network.
pub fn tune(task: &Task<'_>, options: &Options) -> Result<Graph, Error> {
    options.objective.check(task.graph)?;
    let (examples, step) = (task.train.labels.len(), options.batch * options.accumulate);
    if examples < step {
        return Err(Error::TooFew(examples, step));
    }
    let batches = Batches::new(task.train, task.graph, options);
    let mut trainer = Trainer::new(task, &batches, options)?;
    trainer.resume()?;
    trainer.run()?;
    let mut network = trainer.network;
    norms::estimate(&mut network, &batches);
    norms::fold(&mut network);
    network.graph = with_outputs_of(network.graph, task.graph);
    Ok(crate::prune::into_graph(network))
}

/// What is trained. A classifier ends at the logits: their logarithm of softmax is what the loss needs.
fn trained(graph: &Graph, objective: Objective) -> Graph {
    let mut graph = graph.clone();
    if objective != Objective::Classification {
        return graph;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Inputs, Units};
    use crate::engine::{Network, elements, value};
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
        let augmentation = Augmentation { mirror: true, shift: 1 };
        let graph = tinderbox::import::import(FASHION.as_ref()).expect("the zoo's model");
        let (int4, distill) = (graph.nodes.iter().skip(1).map(|node| node.name.clone()).collect(), 0.5);
        Options { epochs: 2, batch: 8, accumulate: 2, augmentation, int4, int8: true, distill, ..Options::default() }
    }

    fn parameters(trainer: &Trainer<'_>) -> Vec<Vec<f32>> {
        let network = &trainer.network;
        parameter::all(network).into_iter().map(|parameter| elements(parameter.of(network))).collect()
    }

    #[test]
    fn an_interrupted_run_ends_where_an_uninterrupted_one_does() {
        let graph = tinderbox::import::import(FASHION.as_ref()).expect("the zoo's model");
        let (examples, folder) = (noise(), tempfile::tempdir().expect("a folder"));
        let options = Options { checkpoint: Some(folder.path().join("state.json")), ..options() };
        let batches = Batches::new(&examples, &graph, &options);
        let task = Task { graph: &graph, sparse: &[], teacher: Some(&graph), train: &examples, held: None };
        let start = || Trainer::new(&task, &batches, &options).expect("supported");
        let mut whole = start();
        whole.run().expect("runs");
        std::fs::remove_file(options.checkpoint.as_ref().expect("set above")).expect("was written");
        start().run_until(3).expect("runs");
        let mut rest = start();
        rest.resume().expect("the state is there");
        assert_eq!(rest.step, 3);
        rest.run().expect("runs");
        assert!(parameters(&rest) == parameters(&whole), "the parameters differ");
    }

    #[test]
    fn normalization_comes_and_goes_without_a_trace() {
        let graph = tinderbox::import::import(FASHION.as_ref()).expect("the zoo's model");
        let examples = noise();
        // One batch of all: its moments are those of the whole.
        let options = Options { batch: 64, accumulate: 1, augmentation: Augmentation::default(), ..options() };
        let batches = Batches::new(&examples, &graph, &options);
        let mut network = Network::new(trained(&graph, options.objective), &engine::device()).expect("supported");
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
