//! Plans of streams. The dataflow is that of a very long inference. The schedule holds its beginning, up to where all is
//! in motion, and then one period: so many rows of output that every ring is back at its first slot. Behind the period the
//! runtime takes it up again, with the row numbers that it began with.

use super::dataflow::{Access, BufferId, Dataflow, NodeId, Worker};
use super::draft::{Draft, Rules};
use super::lifetime::Ring;
use super::order::{Demand, Event};
use super::{Error, Plan, bound, finish, pack};
use crate::stream::MAX_PERIOD;
use std::ops::Range;

/// What a plan says of its period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Per node, the steps before it and those up to its end.
    pub steps: Vec<Range<usize>>,
    /// Per buffer, the rows written before it and those up to its end.
    pub rows: Vec<Range<usize>>,
    /// Rows of the first input until the first output.
    pub window: usize,
    /// Rows of the first input from one output to the next.
    pub hop: usize,
}

/// Orders and places a stream.
pub(super) fn plan(flow: &Dataflow) -> Result<Plan, Error> {
    let (motion, plan) = (Motion::new(flow)?, draft(flow)?);
    let bound = motion.bound();
    Ok(Plan { lower_bound_bytes: plan.executor_bytes + bound, ..plan })
}

/// The same without a bound.
pub(super) fn draft(flow: &Dataflow) -> Result<Plan, Error> {
    let motion = Motion::new(flow)?;
    // How high rings must be, then for how many outputs they come round.
    let draft = motion.draft(motion.settled(), None);
    let period = motion.period(&draft.layout.rings).ok_or(Error::TooLarge("rings that never come round together"))?;
    let end = motion.first + period;
    let ring_rows = motion.rate.buffers.iter().map(|rate| rate * period).collect();
    let mut draft = motion.draft(end + motion.memory, Some(ring_rows));
    let packing = pack::pack(&draft.layout, draft.live)?;
    motion.cut(&mut draft, end);
    let plan = finish(&Demand::until(flow, end), draft, packing)?;
    Ok(Plan { period: Some(motion.describe(end)), ..plan })
}

/// Steps per output, and rows.
struct Rate {
    nodes: Vec<usize>,
    buffers: Vec<usize>,
}

/// How a stream moves.
struct Motion<'a> {
    flow: &'a Dataflow,
    rate: Rate,
    /// After so many outputs every output takes the same steps.
    first: usize,
    /// No row is wanted for more outputs than that.
    memory: usize,
    /// Outputs that the dataflow has.
    readings: usize,
}

impl<'a> Motion<'a> {
    fn new(flow: &'a Dataflow) -> Result<Self, Error> {
        let readings =
            flow.nodes.iter().filter(|n| n.worker == Worker::Reader).map(|n| n.steps).max().unwrap_or_default();
        let (last, before) = (flow.needed_steps(readings), flow.needed_steps(readings.saturating_sub(1)));
        let nodes: Vec<usize> = last.iter().zip(before).map(|(last, before)| last - before).collect();
        let mut buffers = vec![0; flow.buffers.len()];
        for (node, rate) in flow.nodes.iter().zip(&nodes) {
            node.writes.iter().for_each(|access| buffers[access.buffer] = *rate);
        }
        let rate = Rate { nodes, buffers };
        let moving = |b: &BufferId| rate.buffers[*b] > 0 && flow.buffers[*b].flat;
        if let Some(buffer) = (0..flow.buffers.len()).find(moving) {
            return Err(Error::NotByRows(flow.buffers[buffer].name.clone()));
        }
        let regular = flow.nodes.iter().enumerate().map(|(id, node)| {
            let accesses = node.reads.iter().chain(&node.writes);
            accesses.map(|access| irregular(access, rate.nodes[id], rate.buffers[access.buffer])).max().unwrap_or(0)
        });
        let regular: Vec<usize> = regular.collect();
        let in_motion =
            |outputs: &usize| flow.needed_steps(*outputs).iter().zip(&regular).all(|(done, from)| done >= from);
        let first = (1..readings).find(in_motion).ok_or(Error::TooLarge("a stream that never settles"))?;
        let pushed = |steps: &[usize]| pushes(flow).map(|id| steps[id]).max().unwrap_or(0);
        let memory = pushed(&flow.needed_steps(first)).div_ceil(pushed(&rate.nodes).max(1)) + 1;
        Ok(Motion { flow, rate, first, memory, readings })
    }

    /// An order up to so many outputs.
    fn draft(&self, outputs: usize, ring_rows: Option<Vec<usize>>) -> Draft {
        let demand = Demand::until(self.flow, outputs.min(self.readings));
        let nodes = self.flow.nodes.len();
        let segments = std::iter::once(0..nodes).collect();
        Draft::new(&demand, segments, &vec![false; nodes], &Rules { ring_rows, ..Rules::default() })
    }

    /// After how many outputs rings of these rows, or slightly more, are where they were: the period that costs the least
    /// memory, and the shortest of those.
    fn period(&self, rings: &[Ring]) -> Option<usize> {
        let longest = MAX_PERIOD.min(self.readings.saturating_sub(self.first + self.memory));
        let bytes = |period: usize| -> Option<usize> {
            let moving = rings.iter().enumerate().filter(|(buffer, _)| self.rate.buffers[*buffer] > 0);
            moving
                .map(|(buffer, ring)| {
                    let rows = ring_rows(ring.capacity, period * self.rate.buffers[buffer])?;
                    Some(rows * self.flow.buffers[buffer].stride)
                })
                .sum()
        };
        (1..=longest).filter_map(|period| Some((bytes(period)?, period))).min().map(|(_, period)| period)
    }

    /// Takes off what comes after `end` outputs, and marks where the period begins.
    fn cut(&self, draft: &mut Draft, end: usize) {
        let after = |outputs: usize| {
            let mut readings = draft.events.iter().enumerate().filter(|(_, event)| self.is_reading(event));
            readings.nth(outputs - 1).map_or(draft.events.len(), |(i, _)| i + 1)
        };
        let (begin, end) = (after(self.first), after(end));
        draft.events.truncate(end);
        draft.period = begin;
    }

    fn is_reading(&self, event: &Event) -> bool {
        self.flow.nodes[event.node].worker == Worker::Reader
    }

    /// So many outputs show a steady state from its beginning to the end of what it remembers.
    fn settled(&self) -> usize {
        self.first + 2 * self.memory
    }

    /// The bound at the steps of one output of the steady state.
    fn bound(&self) -> usize {
        let demand = &Demand::until(self.flow, self.settled());
        let nodes = self.flow.nodes.len();
        let all: Vec<Range<NodeId>> = std::iter::once(0..nodes).collect();
        let events = demand.order(&all, &vec![false; nodes]);
        let middle = events
            .split_inclusive(|event| self.is_reading(event))
            .nth(self.first + self.memory / 2)
            .unwrap_or_default();
        middle.iter().map(|event| bound::at(demand, *event)).max().unwrap_or(0)
    }

    fn describe(&self, end: usize) -> Period {
        let ranges = |first: Vec<usize>, end: Vec<usize>| first.into_iter().zip(end).map(|(a, b)| a..b).collect();
        let steps = |outputs: usize| self.flow.needed_steps(outputs);
        let rows = |outputs: usize| {
            let mut rows: Vec<usize> = vec![0; self.flow.buffers.len()];
            for (node, steps) in self.flow.nodes.iter().zip(steps(outputs)) {
                node.writes.iter().for_each(|access| rows[access.buffer] = steps);
            }
            rows
        };
        let push = pushes(self.flow).next().unwrap_or(0);
        Period {
            steps: ranges(steps(self.first), steps(end)),
            rows: ranges(rows(self.first), rows(end)),
            window: steps(1)[push],
            hop: self.rate.nodes[push],
        }
    }
}

/// The smallest ring of at least `least` rows that comes round in `rows` rows.
pub(super) fn ring_rows(least: usize, rows: usize) -> Option<usize> {
    (least.max(1)..=rows).find(|capacity| rows.is_multiple_of(*capacity))
}

fn pushes(flow: &Dataflow) -> impl Iterator<Item = NodeId> {
    flow.nodes.iter().enumerate().filter(|(_, n)| matches!(n.worker, Worker::Caller { .. })).map(|(id, _)| id)
}

/// From which step on a node touches, `steps` steps later, what is `rows` rows further.
fn irregular(access: &Access, steps: usize, rows: usize) -> usize {
    if steps == 0 {
        return 0;
    }
    let regular = |step: &usize| {
        let (now, later) = (&access.rows[*step], &access.rows[*step + steps]);
        now.start + rows == later.start && now.end + rows == later.end
    };
    let compared = access.rows.len().saturating_sub(steps);
    (0..compared).rev().find(|step| !regular(step)).map_or(0, |step| step + 1)
}
