//! Prune, fine-tune, quantize, and say what it did.

use crate::accuracy::Accuracy;
use crate::data::Examples;
use crate::engine::Unsupported;
use crate::model::{self, Model};
use crate::prune::{self, LayerReport, Prune, prune};
use crate::quantize::{self, quantize};
use crate::tune::{self, tune};
use serde::Serialize;
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
#[derive(Clone, Debug)]
pub struct Options {
    /// What to remove.
    pub prune: Option<Prune>,
    /// Into which type.
    pub quantize: Option<Quantize>,
    /// Nothing if `epochs` is zero.
    pub tune: tune::Options,
    /// Fine-tune without pruning too.
    pub control: bool,
}

/// What a network costs and how good it is.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// On the test set, or the held-out examples.
    pub accuracy: Accuracy,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Those with weights in blocks that are not all zero.
    pub nonzero_macs: u64,
    /// Bytes of all constants as they are stored.
    pub weight_bytes: usize,
    /// RAM for an inference; `None` for float networks, which the runtime does not run.
    pub arena_bytes: Option<usize>,
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

/// Compresses a float classifier. With `options.tune.holdout`, accuracies are those on the held-out examples of `train`,
/// and `test` is not looked at.
pub fn compress(
    graph: &Graph,
    train: &Examples,
    test: &Examples,
    groups: &[usize],
    options: &Options,
) -> Result<Compressed, Error> {
    let holdout = options.tune.holdout.min(train.labels.len());
    let held = (holdout > 0).then(|| train.last(holdout));
    let (judged, groups) = held.as_ref().map_or((test, groups), |held| (held, &[]));
    let graph = quantize::fuse::activations(graph);
    let pruned = match options.prune {
        Some(what) => prune(&graph, &train.inputs, what)?,
        None => graph.clone(),
    };
    let sparse: Vec<usize> = match options.prune {
        Some(Prune::Blocks(_)) => (0..graph.nodes.len()).filter(|index| prune::is_large(&graph, *index)).collect(),
        _ => vec![],
    };
    let tuned = tuned(&pruned, train, options, &sparse, options.tune.checkpoint.is_some())?;
    let layers: Vec<LayerReport> = prune::compare(&graph, &tuned).into_iter().map(|(_, layer)| layer).collect();
    let after = quantized(&tuned, train, options)?;
    let control = match options.control {
        true => {
            let control = quantized(&self::tuned(&graph, train, options, &[], false)?, train, options)?;
            Some(state(&control, judged, groups, control.macs())?)
        }
        false => None,
    };
    let before = state(&graph, judged, groups, graph.macs())?;
    let nonzero = layers.iter().map(|layer| layer.macs[1] as f64 * layer.density).sum::<f64>().round() as u64;
    let after_state = state(&after, judged, groups, nonzero)?;
    let worst = worst(&before, &after_state);
    let report = Report { before, control, after: after_state, worst, layers };
    Ok(Compressed { graph: after, report })
}

fn tuned(graph: &Graph, train: &Examples, options: &Options, sparse: &[usize], resume: bool) -> Result<Graph, Error> {
    if options.tune.epochs == 0 {
        return Ok(graph.clone());
    }
    let checkpoint = options.tune.checkpoint.clone().filter(|_| resume);
    Ok(tune(graph, train, &tune::Options { checkpoint, ..options.tune.clone() }, sparse)?)
}

fn quantized(graph: &Graph, train: &Examples, options: &Options) -> Result<Graph, Error> {
    let Some(Quantize { weight_bits }) = options.quantize else { return Ok(graph.clone()) };
    let calibration = train.inputs.first(CALIBRATION);
    let options = quantize::Options { weight_bits, ..quantize::Options::default() };
    Ok(quantize(graph, &calibration, &options)?.graph)
}

/// Training examples that ranges are observed on.
const CALIBRATION: usize = 500;

fn state(graph: &Graph, judged: &Examples, groups: &[usize], nonzero_macs: u64) -> Result<State, Error> {
    let accuracy = Model::new(graph.clone())?.accuracy(judged, groups)?;
    let image = compile::compile(graph, &compile::Options::default()).ok();
    let constants = graph.tensors.iter().filter(|tensor| tensor.data.is_some());
    Ok(State {
        accuracy,
        macs: graph.macs(),
        nonzero_macs,
        weight_bytes: constants.map(|tensor| tensor.stored_bytes()).sum(),
        arena_bytes: image.map(|image| image.plan().arena_bytes),
    })
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
            let State { accuracy, macs, nonzero_macs, weight_bytes, arena_bytes } = state;
            write!(f, "{name:8} {:6.2} %, {macs} MACs ({nonzero_macs} in non-zero blocks)", accuracy.overall.percent)?;
            write!(f, ", {weight_bytes} bytes of constants")?;
            match arena_bytes {
                Some(bytes) => writeln!(f, ", arena {bytes}")?,
                None => writeln!(f)?,
            }
        }
        match &self.worst {
            Some(Worst { what, points, above_mean }) => {
                writeln!(f, "worst    {what} loses {points:.1} points, {above_mean:.1} more than the mean")
            }
            None => Ok(()),
        }
    }
}
