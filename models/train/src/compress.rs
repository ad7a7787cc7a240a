//! Prune, fine-tune, quantize, and say what it did.

mod goal;
mod report;

use crate::data::Examples;
use crate::engine::Unsupported;
use crate::model::{self, Model};
use crate::prune::{self, LayerReport, Prune, prune};
use crate::quantize::range::Method;
use crate::quantize::sensitivity::Sensitivity;
use crate::quantize::{self, Quantized, quantize};
use crate::tune::{self, Task, tune};
pub use goal::Goal;
use report::worst;
pub use report::{Cost, Report, State, Worst};
use std::collections::BTreeMap;
use tinderbox::compile;
use tinderbox::graph::Graph;

/// Why a network could not be compressed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine does not run it.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// It cannot be quantized.
    #[error(transparent)]
    Quantize(#[from] quantize::Error),
    /// It cannot be compiled.
    #[error(transparent)]
    Compile(#[from] compile::Error),
    /// It cannot be evaluated.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The goal cannot be met.
    #[error("{most:?} does not reach {goal:?}: {reached:?}; allow a larger share, or prune the other way")]
    OutOfReach {
        /// What was asked for.
        goal: Goal,
        /// The most that may be removed.
        most: Prune,
        /// The cost with that.
        reached: Box<Cost>,
    },
    /// Training stopped.
    #[error(transparent)]
    Failed(#[from] tune::Error),
}

/// What the user chooses.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to remove; with a goal, at most so much.
    pub prune: Option<Prune>,
    /// Remove no more than this takes.
    pub goal: Option<Goal>,
    /// How the program is compiled whose cost is told.
    pub compile: compile::Options,
    /// Into which types; see [`quantization`].
    pub quantize: Option<quantize::Options>,
    /// Nothing if `epochs` is zero. The network as it was given is the teacher.
    pub tune: tune::Options,
    /// Set this share of the training examples aside, to choose options by.
    pub holdout: f64,
    /// Fine-tune without pruning too.
    pub control: bool,
}

/// A smaller network.
pub struct Compressed {
    /// The network.
    pub graph: Graph,
    /// What it cost.
    pub report: Report,
}

/// Compresses a float network. With `options.holdout`, qualities are those on the held-out examples of `train`, and
/// `test` is not looked at.
pub fn compress(
    graph: &Graph,
    train: &Examples,
    test: &Examples,
    groups: &[usize],
    options: &Options,
) -> Result<Compressed, Error> {
    let (train, held) = &train.split(options.holdout, options.tune.seed);
    let held = (!held.labels.is_empty()).then_some(held);
    let (judged, groups) = held.map_or((test, groups), |held| (held, &[]));
    let graph = quantize::fuse::activations(graph);
    let pruned = pruned(&graph, train, options)?;
    let options = &with_layers_chosen(&pruned, train, options)?;
    let quantized = |float: &Graph| quantized(float, train, options);
    let cost = |float: &Graph, quantized: &Graph| cost(&graph, float, quantized, options);
    let sparse: Vec<usize> = match options.prune {
        Some(Prune::Blocks(_)) => (0..graph.nodes.len()).filter(|index| prune::is_large(&graph, *index)).collect(),
        _ => vec![],
    };
    let task = Task { graph: &pruned, sparse: &sparse, teacher: Some(&graph), train, held };
    let tuned = tuned(&task, &options.tune)?;
    let Quantized { graph: after, sensitivity } = quantized(&tuned)?;
    let state = |graph: &Graph, cost: Cost| -> Result<State, Error> {
        let quality = Model::new(graph.clone())?.quality(options.tune.objective, judged, groups)?;
        Ok(State { quality, cost })
    };
    let control = match options.control {
        true => {
            let task = Task { graph: &graph, sparse: &[], ..task };
            let control = self::tuned(&task, &tune::Options { checkpoint: None, ..options.tune.clone() })?;
            let after = quantized(&control)?.graph;
            Some(state(&after, cost(&control, &after)?)?)
        }
        false => None,
    };
    let before = state(&graph, cost(&graph, &quantized(&graph)?.graph)?)?;
    let after_state = state(&after, cost(&tuned, &after)?)?;
    let layers = layers(&graph, &tuned, [&before.cost, &after_state.cost], &sensitivity);
    let worst = worst(&before, &after_state);
    let report = Report { before, control, after: after_state, worst, layers };
    Ok(Compressed { graph: after, report })
}

/// The network without what is to be removed, not fine-tuned yet.
fn pruned(graph: &Graph, train: &Examples, options: &Options) -> Result<Graph, Error> {
    let cost_of = |float: &Graph| cost(graph, float, &quantized(float, train, options)?.graph, options);
    Ok(match (options.prune, options.goal) {
        (Some(Prune::Channels(share)), Some(Goal::Instructions(most))) => {
            let estimate = |float: &Graph| estimate(float, train, options);
            goal::channels_to(graph, &train.inputs, share, most, estimate, cost_of)?
        }
        (Some(most), Some(goal)) => goal::prune_to(graph, &train.inputs, most, goal, cost_of)?,
        (Some(what), None) => prune(graph, &train.inputs, what)?,
        (None, _) => graph.clone(),
    })
}

/// The options with layers of 4 bits decided for `pruned`, so that they train as what they will be.
fn with_layers_chosen(pruned: &Graph, train: &Examples, options: &Options) -> Result<Options, Error> {
    let trained = options.tune.epochs > 0;
    let Some(how) = options.quantize.as_ref().filter(|how| trained && how.narrows()) else {
        return Ok(options.clone());
    };
    let how = quantize::with_layers_chosen(pruned, &train.inputs.first(CALIBRATION), how)?;
    let tune = tune::Options { int4: how.int4.iter().cloned().collect(), ..options.tune.clone() };
    Ok(Options { quantize: Some(how), tune, ..options.clone() })
}

fn tuned(task: &Task<'_>, options: &tune::Options) -> Result<Graph, Error> {
    match options.epochs {
        0 => Ok(task.graph.clone()),
        _ => Ok(tune(task, options)?),
    }
}

/// The network as the user wants it, float if need be.
fn quantized(graph: &Graph, train: &Examples, options: &Options) -> Result<Quantized, Error> {
    match &options.quantize {
        None => Ok(Quantized { graph: graph.clone(), sensitivity: vec![] }),
        Some(how) => Ok(quantize(graph, &train.inputs.first(CALIBRATION), how)?),
    }
}

/// Predicted instructions of a float network, quantized by what a single example shows, with no regard to RAM.
fn estimate(graph: &Graph, train: &Examples, options: &Options) -> Result<f64, Error> {
    let how = options.quantize.clone().unwrap_or_default();
    let quantized = quantize(graph, &train.inputs.first(1), &how)?.graph;
    let costs = options.compile.costs.as_ref();
    Ok(costs.map(|costs| compile::least_instructions(&quantized, &options.compile, costs)).transpose()?.unwrap_or(0.0))
}

/// Training examples that ranges are observed on.
const CALIBRATION: usize = 500;

/// Into int8, with ranges that leave out the rarest values: of the methods this was the best on training images for pruned
/// ResNet-8.
pub fn quantization() -> quantize::Options {
    quantize::Options { method: Method::Percentile(99.99), ..Default::default() }
}

/// What `float`, made from `dense`, costs, and what it costs as `quantized`.
fn cost(dense: &Graph, float: &Graph, quantized: &Graph, options: &Options) -> Result<Cost, Error> {
    let nonzero = |(_, layer): (usize, LayerReport)| layer.macs[1] as f64 * layer.density;
    let constants = quantized.tensors.iter().filter(|tensor| tensor.data.is_some());
    // Float networks are not what a chip runs.
    let image = options.quantize.as_ref().and_then(|_| compile::compile(quantized, &options.compile).ok());
    let costs = options.compile.costs.as_ref();
    let mut layers = BTreeMap::new();
    if let (Some(image), Some(costs)) = (&image, costs) {
        for (node, instructions) in image.nodes().zip(costs.layers(image)) {
            *layers.entry(node.layer.name.clone()).or_default() += instructions;
        }
    }
    Ok(Cost {
        macs: float.macs(),
        nonzero_macs: prune::compare(dense, float).into_iter().map(nonzero).sum::<f64>().round() as u64,
        weight_bytes: constants.map(|tensor| tensor.stored_bytes()).sum(),
        arena_bytes: image.as_ref().map(|image| image.plan().arena_bytes),
        program_bytes: image.as_ref().map(|image| image.weight_bytes() + image.constant_bytes()),
        instructions: image.as_ref().and_then(|image| Some(costs?.instructions(image))),
        layers,
    })
}

/// What became of every layer with weights.
fn layers(dense: &Graph, tuned: &Graph, costs: [&Cost; 2], sensitivity: &[Sensitivity]) -> Vec<LayerReport> {
    let mut layers: Vec<LayerReport> = prune::compare(dense, tuned).into_iter().map(|(_, layer)| layer).collect();
    for layer in &mut layers {
        layer.instructions = costs.map(|cost| cost.layers.get(&layer.layer).copied());
        let quantized = sensitivity.iter().find(|quantized| quantized.layer == layer.layer);
        layer.weight_bits = quantized.map(|quantized| quantized.weight_bits);
        layer.decibels = quantized.map(|quantized| quantized.decibels);
    }
    layers
}
