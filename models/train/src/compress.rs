//! Prune, fine-tune, quantize, and say what it did.

mod goal;

use crate::accuracy::Accuracy;
use crate::data::Examples;
use crate::engine::Unsupported;
use crate::model::{self, Model};
use crate::prune::{self, LayerReport, Prune, prune};
use crate::quantize::range::Method;
use crate::quantize::{self, quantize};
use crate::tune::{self, Task, tune};
pub use goal::Goal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
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

/// How the result is quantized.
#[derive(Clone, Copy, Debug)]
pub struct Quantize {
    /// 8, or 4 for all layers but the first and the last.
    pub weight_bits: u8,
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
    /// Into which type.
    pub quantize: Option<Quantize>,
    /// Nothing if `epochs` is zero. The network as it was given is the teacher.
    pub tune: tune::Options,
    /// Set this share of the training examples aside, to choose options by.
    pub holdout: f64,
    /// Fine-tune without pruning too.
    pub control: bool,
}

/// What a network costs.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Those with weights in blocks that are not all zero.
    pub nonzero_macs: u64,
    /// Bytes of all constants as a file stores them.
    pub weight_bytes: usize,
    /// RAM for an inference; this and what follows of the quantized network, `None` if nothing is quantized.
    pub arena_bytes: Option<usize>,
    /// Bytes of weights and constants in the program.
    pub program_bytes: Option<usize>,
    /// Predicted for an inference; `None` without a target whose costs are known.
    pub instructions: Option<f64>,
    #[serde(skip)]
    layers: BTreeMap<String, f64>,
}

/// What a network costs and how good it is.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// On the test set, or the held-out examples.
    pub accuracy: Accuracy,
    /// What it costs.
    #[serde(flatten)]
    pub cost: Cost,
}

/// What lost most.
#[derive(Clone, Debug, Serialize)]
pub struct Worst {
    /// A class or group.
    pub what: String,
    /// Points of accuracy, against the network before.
    pub points: f64,
    /// The same less the mean loss: what this one pays more than the others.
    pub above_mean: f64,
}

/// Before and after.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The network as it was given.
    pub before: State,
    /// The same after fine-tuning and quantizing, but not pruned.
    pub control: Option<State>,
    /// The result.
    pub after: State,
    /// The class or group that lost most.
    pub worst: Option<Worst>,
    /// Per layer with weights.
    pub layers: Vec<LayerReport>,
}

/// A smaller network.
pub struct Compressed {
    /// The network.
    pub graph: Graph,
    /// What it cost.
    pub report: Report,
}

/// Compresses a float classifier. With `options.holdout`, accuracies are those on the held-out examples of `train`, and
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
    let quantized = |float: &Graph| quantized(float, train, options);
    let cost = |float: &Graph, quantized: &Graph| cost(&graph, float, quantized, options);
    let cost_of = |float: &Graph| cost(float, &quantized(float)?);
    let pruned = match (options.prune, options.goal) {
        (Some(most), Some(goal)) => goal::prune_to(&graph, &train.inputs, most, goal, cost_of)?,
        (Some(what), None) => prune(&graph, &train.inputs, what)?,
        (None, _) => graph.clone(),
    };
    let sparse: Vec<usize> = match options.prune {
        Some(Prune::Blocks(_)) => (0..graph.nodes.len()).filter(|index| prune::is_large(&graph, *index)).collect(),
        _ => vec![],
    };
    let task = Task { graph: &pruned, sparse: &sparse, teacher: Some(&graph), train, held };
    let tuned = tuned(&task, &options.tune)?;
    let after = quantized(&tuned)?;
    let state = |graph: &Graph, cost: Cost| -> Result<State, Error> {
        let accuracy = Model::new(graph.clone())?.accuracy(judged, groups)?;
        Ok(State { accuracy, cost })
    };
    let control = match options.control {
        true => {
            let task = Task { graph: &graph, sparse: &[], ..task };
            let control = self::tuned(&task, &tune::Options { checkpoint: None, ..options.tune.clone() })?;
            let after = quantized(&control)?;
            Some(state(&after, cost(&control, &after)?)?)
        }
        false => None,
    };
    let before = state(&graph, cost_of(&graph)?)?;
    let after_state = state(&after, cost(&tuned, &after)?)?;
    let layers = layers(&graph, &tuned, &before.cost, &after_state.cost);
    let worst = worst(&before, &after_state);
    let report = Report { before, control, after: after_state, worst, layers };
    Ok(Compressed { graph: after, report })
}

fn tuned(task: &Task<'_>, options: &tune::Options) -> Result<Graph, Error> {
    match options.epochs {
        0 => Ok(task.graph.clone()),
        _ => Ok(tune(task, options)?),
    }
}

fn quantized(graph: &Graph, train: &Examples, options: &Options) -> Result<Graph, Error> {
    let Some(Quantize { weight_bits }) = options.quantize else { return Ok(graph.clone()) };
    let calibration = train.inputs.first(CALIBRATION);
    let options = quantize::Options { method: RANGE, weight_bits, ..quantize::Options::default() };
    Ok(quantize(graph, &calibration, &options)?.graph)
}

/// Training examples that ranges are observed on.
const CALIBRATION: usize = 500;

/// How ranges come from what they show. Of the methods this was the best on training images for pruned ResNet-8.
const RANGE: Method = Method::Percentile(99.99);

/// What `float`, made from `dense`, costs, and what it costs as `quantized`.
fn cost(dense: &Graph, float: &Graph, quantized: &Graph, options: &Options) -> Result<Cost, Error> {
    let nonzero = |(_, layer): (usize, LayerReport)| layer.macs[1] as f64 * layer.density;
    let constants = quantized.tensors.iter().filter(|tensor| tensor.data.is_some());
    // Float networks are not what a chip runs.
    let image = options.quantize.and_then(|_| compile::compile(quantized, &options.compile).ok());
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
fn layers(dense: &Graph, tuned: &Graph, before: &Cost, after: &Cost) -> Vec<LayerReport> {
    let mut layers: Vec<LayerReport> = prune::compare(dense, tuned).into_iter().map(|(_, layer)| layer).collect();
    for layer in &mut layers {
        layer.instructions = [before, after].map(|cost| cost.layers.get(&layer.layer).copied());
    }
    layers
}

fn worst(before: &State, after: &State) -> Option<Worst> {
    let mean = before.accuracy.overall.percent - after.accuracy.overall.percent;
    let (what, points) = after.accuracy.worst_loss(&before.accuracy)?;
    Some(Worst { what, points, above_mean: points - mean })
}

/// For people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = [("before", Some(&self.before)), ("control", self.control.as_ref()), ("after", Some(&self.after))];
        for (name, state) in states.into_iter().filter_map(|(name, state)| Some((name, state?))) {
            let State { accuracy, cost } = state;
            write!(f, "{name:8} {:6.2} %, {} MACs ", accuracy.overall.percent, cost.macs)?;
            write!(f, "({} in non-zero blocks), {} bytes of constants", cost.nonzero_macs, cost.weight_bytes)?;
            if let (Some(arena), Some(program)) = (cost.arena_bytes, cost.program_bytes) {
                write!(f, ", {program} in the program, arena {arena}")?;
            }
            if let Some(instructions) = cost.instructions {
                write!(f, ", {instructions:.0} instructions predicted")?;
            }
            writeln!(f)?;
        }
        match &self.worst {
            Some(Worst { what, points, above_mean }) => {
                writeln!(f, "worst    {what} loses {points:.1} points, {above_mean:.1} more than the mean")
            }
            None => Ok(()),
        }
    }
}
