//! What a compression gained, and what it cost.

use crate::prune::LayerReport;
use crate::quality::Quality;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

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
    pub(super) layers: BTreeMap<String, f64>,
}

/// What a network costs and how good it is.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// On the test set, or the held-out examples.
    #[serde(flatten)]
    pub quality: Quality,
    /// What it costs.
    #[serde(flatten)]
    pub cost: Cost,
}

/// What lost most.
#[derive(Clone, Debug, Serialize)]
pub struct Worst {
    /// A class or group.
    pub what: String,
    /// Points of accuracy, of AUC for an autoencoder, against the network before.
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

/// The class or group that lost most, if there are any.
pub(super) fn worst(before: &State, after: &State) -> Option<Worst> {
    let mean = before.quality.percent()? - after.quality.percent()?;
    let (what, points) = after.quality.worst_loss(&before.quality)?;
    Some(Worst { what, points, above_mean: points - mean })
}

/// For people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = [("before", Some(&self.before)), ("control", self.control.as_ref()), ("after", Some(&self.after))];
        for (name, state) in states.into_iter().filter_map(|(name, state)| Some((name, state?))) {
            let State { quality, cost } = state;
            write!(f, "{name:8} {quality}, {} MACs ", cost.macs)?;
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
