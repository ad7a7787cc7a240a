//! Training: gradient descent, mostly from a network that works already.
//!
//! Batch normalization is put back first ([`norms`]), since folded networks train badly; masks hold pruned weights at
//! zero, and weights may be rounded to the grid that they will have. Everything follows from the seed: batch `n` is the
//! same whether the run was interrupted before it or not.

pub mod batches;
pub mod checkpoint;
pub mod norms;
mod parameter;
mod trainer;

use crate::data::Examples;
use crate::engine::{self, Network};
use batches::{Augmentation, Batches};
use std::path::PathBuf;
use tinderbox::graph::{Graph, Op};
use trainer::Trainer;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Inputs, Units};
    use crate::engine::{elements, value};
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
        let network = &trainer.network;
        parameter::all(network).into_iter().map(|parameter| elements(parameter.of(network))).collect()
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
