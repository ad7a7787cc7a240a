//! Plans without offsets, and the best of them.

use super::dataflow::{BufferId, NodeId, Role, Worker};
use super::lifetime::{self, Layout, Surroundings};
use super::order::{Demand, Event};
use super::pack::{self, Packing};
use super::{Error, Grouping, Options, segments, stream};
use std::ops::Range;

/// How memory may be used.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) no_fresh_rows: bool,
    /// Per buffer, the rows after which its ring is back at its first slot; 0 where that does not matter.
    pub(super) ring_rows: Option<Vec<usize>>,
}

/// Of several segmentations, the one that takes the least memory once it is packed.
pub(super) fn best(demand: &Demand<'_>, options: &Options) -> Result<(Draft, Packing), Error> {
    let flow = demand.flow;
    let rules = Rules { no_fresh_rows: options.no_fresh_rows, ring_rows: None };
    let forward = vec![false; flow.nodes.len()];
    let candidates = match &options.grouping {
        Grouping::Best => candidates(demand, &forward),
        Grouping::Single => vec![(0..flow.nodes.len()).map(|node| node..node + 1).collect()],
        Grouping::Given(segments) => vec![segments.clone()],
    };
    let mut drafts: Vec<Draft> =
        candidates.into_iter().map(|segments| Draft::new(demand, segments, &forward, &rules)).collect();
    drafts.sort_by_key(|draft| draft.live);
    drafts.dedup_by(|a, b| a.segments == b.segments);
    drafts.truncate(3);
    let mut best = Err(Error::TooLarge("no nodes"));
    for draft in drafts {
        let draft = draft.ask_other_way_round(demand, &rules);
        let least = best.as_ref().map_or(usize::MAX, |(_, packing): &(Draft, Packing)| packing.bytes);
        if draft.live >= least {
            continue;
        }
        match pack::pack(&draft.layout, draft.live) {
            Ok(packing) if packing.bytes < least => best = Ok((draft, packing)),
            // What cannot be packed is an error only if nothing can.
            Err(error) if best.is_err() => best = Err(error),
            _ => {}
        }
    }
    best
}

/// Segmentations worth packing.
fn candidates(demand: &Demand<'_>, reversed: &[bool]) -> Vec<Vec<Range<NodeId>>> {
    let peaks = segments::Peaks::new(demand, reversed);
    let mut all: Vec<Vec<Range<NodeId>>> = [0, 64, 256, 1024].map(|slack| peaks.best(slack)).into();
    all.push(std::iter::once(0..demand.flow.nodes.len()).collect());
    all
}

/// Steps that are ordered anew in all to find the best order of inputs.
const MAX_REORDERED: usize = 1 << 22;

/// A plan without offsets.
pub(super) struct Draft {
    pub(super) segments: Vec<Range<NodeId>>,
    reversed: Vec<bool>,
    pub(super) events: Vec<Event>,
    pub(super) layout: Layout,
    pub(super) live: usize,
    pub(super) worst: lifetime::Time,
    /// The event at which a stream's period begins.
    pub(super) period: usize,
}

impl Draft {
    pub(super) fn new(demand: &Demand<'_>, segments: Vec<Range<NodeId>>, reversed: &[bool], rules: &Rules) -> Self {
        let events = demand.order(&segments, reversed);
        let input = |b: BufferId| matches!(demand.flow.buffers[b].role, Role::Input | Role::Persistent);
        let output = |b: BufferId| matches!(demand.flow.buffers[b].role, Role::Output | Role::Persistent);
        let may_be_fresh = |b: BufferId| !rules.no_fresh_rows && segments::may_be_fresh(demand, b);
        let ring_rows = |b: BufferId, least: usize| {
            let round = rules.ring_rows.as_ref().map_or(0, |rows| rows[b]);
            stream::ring_rows(least, round).unwrap_or(least)
        };
        let is_reading = |event: &Event| demand.flow.nodes[event.node].worker == Worker::Reader;
        let readings = events.iter().enumerate().filter(|(_, event)| is_reading(event));
        let pauses: Vec<lifetime::Time> = readings.map(|(i, _)| i as lifetime::Time + 1).collect();
        let around = Surroundings {
            present: &input,
            wanted: &output,
            may_be_fresh: &may_be_fresh,
            ring_rows: &ring_rows,
            pauses: &pauses,
        };
        let layout = Layout::new(demand.flow, &events, &around);
        let (live, worst) = layout.peak();
        Draft { segments, reversed: reversed.to_vec(), events, layout, live, worst, period: 0 }
    }

    /// Turns round the order in which nodes with several inputs ask for them, one after the other, where it saves.
    fn ask_other_way_round(mut self, demand: &Demand<'_>, rules: &Rules) -> Self {
        let tries = MAX_REORDERED / self.events.len().max(1);
        let several = demand.flow.nodes.iter().enumerate().filter(|(_, node)| node.reads.len() > 1);
        for (id, _) in several.take(tries) {
            let mut reversed = self.reversed.clone();
            reversed[id] = !reversed[id];
            let other = Draft::new(demand, self.segments.clone(), &reversed, rules);
            if other.live < self.live {
                self = other;
            }
        }
        self
    }
}
