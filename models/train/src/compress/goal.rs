//! Pruning as far as a goal asks for, and no further.

use super::{Cost, Error};
use crate::data::Inputs;
use crate::engine::{self, Network};
use crate::prune::channels::Channels;
use crate::prune::{Prune, into_graph, prune};
use std::str::FromStr;
use tinderbox::graph::Graph;

/// Prunings that are tried at most: shares are known to a hundredth then.
const TRIALS: usize = 6;

/// A result with so many times fewer instructions than it may have is good enough.
const CLOSE: f64 = 1.01;

/// What the result may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Multiply-accumulates in non-zero blocks.
    Macs(u64),
    /// Bytes of weights and constants in the program.
    Bytes(usize),
    /// Predicted instructions of an inference.
    Instructions(f64),
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not macs=N, bytes=N or instructions=N");
        let (what, number) = text.split_once('=').ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        match what {
            "macs" => Ok(Self::Macs(number)),
            "bytes" => Ok(Self::Bytes(number as usize)),
            "instructions" => Ok(Self::Instructions(number as f64)),
            _ => Err(wrong()),
        }
    }
}

impl Goal {
    fn is_met(self, cost: &Cost) -> bool {
        match self {
            Self::Macs(most) => cost.nonzero_macs <= most,
            Self::Bytes(most) => cost.program_bytes.is_some_and(|bytes| bytes <= most),
            Self::Instructions(most) => cost.instructions.is_some_and(|instructions| instructions <= most),
        }
    }
}

/// Prunes by the least share, up to that of `most`, with which `cost` meets the goal.
pub(super) fn prune_to(
    graph: &Graph,
    examples: &Inputs,
    most: Prune,
    goal: Goal,
    cost: impl Fn(&Graph) -> Result<Cost, Error>,
) -> Result<Graph, Error> {
    let mut best = prune(graph, examples, most)?;
    let reached = cost(&best)?;
    if !goal.is_met(&reached) {
        return Err(Error::OutOfReach { goal, most, reached: Box::new(reached) });
    }
    let (mut too_little, mut enough) = (0.0, most.share());
    for _ in 0..TRIALS {
        let share = (too_little + enough) / 2.0;
        let pruned = prune(graph, examples, most.with_share(share))?;
        let is_met = goal.is_met(&cost(&pruned)?);
        eprintln!("share {share:.3} {} the goal", if is_met { "meets" } else { "misses" });
        if is_met {
            (best, enough) = (pruned, share);
        } else {
            too_little = share;
        }
    }
    Ok(best)
}

/// Removes channels until `cost` meets a goal of `instructions`, those that lose least for the instructions they save, but
/// no more than the share `share` of the multiply-accumulates. `estimate` says sooner about how many are left.
pub(super) fn channels_to(
    graph: &Graph,
    examples: &Inputs,
    share: f64,
    instructions: f64,
    estimate: impl Fn(&Graph) -> Result<f64, Error>,
    cost: impl Fn(&Graph) -> Result<Cost, Error>,
) -> Result<Graph, Error> {
    let (goal, most) = (Goal::Instructions(instructions), Prune::Channels(share));
    let dense = Network::new(graph.clone(), &engine::device())?;
    let mut channels = Channels::new(&dense, examples, estimate);
    // Aims that were enough, or too much, and that were not: it takes no fewer instructions than estimated.
    let (mut enough, mut missed) = (None, instructions);
    let (mut best, mut last) = (None, None);
    let mut aim = instructions;
    for _ in 0..TRIALS {
        let (pruned, estimated) = channels.shrink_to(aim)?;
        let pruned = into_graph(pruned);
        let reached = cost(&pruned)?;
        let (is_met, macs) = (goal.is_met(&reached), pruned.macs());
        eprintln!("{macs} multiply-accumulates {} the goal", if is_met { "meet" } else { "miss" });
        let is_allowed = macs as f64 >= graph.macs() as f64 * (1.0 - share);
        match is_met || !is_allowed {
            true => enough = Some(aim),
            false => missed = estimated,
        }
        best = if is_met && is_allowed { Some(pruned) } else { best };
        // Where no program fits the budgets, a tenth less may.
        let part = reached.instructions.map_or(0.9, |left| instructions / left);
        last = Some(reached);
        if best.is_some() && (part < CLOSE || enough.is_some_and(|enough| missed - enough < (CLOSE - 1.0) * missed)) {
            break;
        }
        aim = enough.map_or(estimated * part, |enough| (enough + missed) / 2.0);
    }
    let out_of_reach = |reached| Error::OutOfReach { goal, most, reached: Box::new(reached) };
    best.ok_or_else(|| out_of_reach(last.expect("there are trials")))
}
