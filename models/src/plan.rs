//! Memory and order: segments, ring capacities, offsets, and the checker that proves them.

pub mod bound;
pub mod check;
pub mod dataflow;
pub mod lifetime;
pub mod order;
pub mod pack;
pub mod schedule;
pub mod segments;
pub mod stream;

use check::Violation;
use dataflow::{BufferId, Dataflow, NodeId, Role, Worker};
use lifetime::{Layout, Purpose, Ring, Surroundings};
use order::{Demand, Event};
use pack::Packing;
use std::ops::Range;
use thiserror::Error;
use tinderbox_runtime::program::executor_bytes;

/// Where a buffer lives. Row `r` is at `offset + (r + phase) % capacity * stride` or, while it is the `i`th fresh row, at
/// `fresh + i * stride`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Placement {
    /// Byte offset of slot 0 in the arena.
    pub offset: usize,
    /// Slots in the ring.
    pub capacity: usize,
    /// The slot of row 0.
    pub phase: usize,
    /// Byte offset of the fresh rows.
    pub fresh: usize,
    /// How many rows stand apart at a time, or 0.
    pub fresh_rows: usize,
}

/// A schedule and a place for every byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Nodes that kernels execute, in order: the schedule's node indices count these.
    pub kernels: Vec<NodeId>,
    /// Steps that each node takes.
    pub steps: Vec<usize>,
    /// Entries for the runtime.
    pub schedule: Vec<u16>,
    /// Per buffer.
    pub placements: Vec<Placement>,
    /// Per node, the offset of its scratch.
    pub scratch: Vec<usize>,
    /// Per node, the offset of its state.
    pub state: Vec<usize>,
    /// Bytes at the start that are the executor's own.
    pub executor_bytes: usize,
    /// Size of the arena.
    pub arena_bytes: usize,
    /// Bytes in use at the worst moment of this order; the packing cannot be smaller.
    pub live_bytes: usize,
    /// Bytes that no order of steps can go below.
    pub lower_bound_bytes: usize,
    /// How the nodes were grouped.
    pub segments: Vec<Range<NodeId>>,
    /// The node at work at the worst moment.
    pub busiest: NodeId,
    /// The entry of the schedule that follows the last one.
    pub resume: usize,
    /// In a stream, what is repeated.
    pub period: Option<stream::Period>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// More nodes, tensors or steps than the schedule can name.
    #[error("network too large: {0}")]
    TooLarge(&'static str),
    /// A tensor of a stream that is addressed as a whole.
    #[error("`{0}` is read in other rows than it is written; it cannot be streamed over time")]
    NotByRows(String),
    /// The plan does not hold; a bug of the planner, caught before it does harm.
    #[error("internal error, please report it: the plan was refused by its checker: {0}")]
    Refused(#[from] Violation),
}

/// How nodes become segments.
#[derive(Clone, Debug, Default)]
pub enum Grouping {
    /// The way that takes least memory.
    #[default]
    Best,
    /// Each node by itself: layer by layer.
    Single,
    /// These segments, which cover the nodes in order.
    Given(Vec<Range<NodeId>>),
}

/// What the planner may do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The segments.
    pub grouping: Grouping,
    /// Do not set rows apart: bigger rings, no copies.
    pub no_fresh_rows: bool,
}

/// How memory may be used.
#[derive(Clone, Debug, Default)]
struct Rules {
    no_fresh_rows: bool,
    /// Per buffer, the rows after which its ring is back at its first slot; 0 where that does not matter.
    ring_rows: Option<Vec<usize>>,
}

/// Orders the steps of `flow` and places its bytes; the checker has seen the plan.
pub fn plan(flow: &Dataflow, options: &Options) -> Result<Plan, Error> {
    let plan = bounded(flow, options)?;
    check::check(flow, &plan)?;
    Ok(plan)
}

/// The same plan, not checked: for what it says of the least RAM.
pub fn bounded(flow: &Dataflow, options: &Options) -> Result<Plan, Error> {
    too_large(flow)?;
    if is_stream(flow) {
        return stream::plan(flow);
    }
    let demand = Demand::new(flow);
    let (draft, packing) = best(&demand, options)?;
    let lower_bound = lower_bound(&demand, &draft);
    let plan = finish(&demand, draft, packing)?;
    Ok(Plan { lower_bound_bytes: plan.executor_bytes + lower_bound, ..plan })
}

/// The same plan without its proofs, neither checked nor bounded from below: for comparisons.
pub fn draft(flow: &Dataflow, options: &Options) -> Result<Plan, Error> {
    too_large(flow)?;
    if is_stream(flow) {
        return stream::draft(flow);
    }
    let demand = Demand::new(flow);
    let (draft, packing) = best(&demand, options)?;
    finish(&demand, draft, packing)
}

fn is_stream(flow: &Dataflow) -> bool {
    flow.nodes.iter().any(|node| node.worker == Worker::Reader)
}

fn best(demand: &Demand<'_>, options: &Options) -> Result<(Draft, Packing), Error> {
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

/// Rows and bytes that an inference may touch, again and again those of overlapping windows: so much is replayed.
const MAX_ROWS: u64 = 1 << 24;
const MAX_BYTES: u64 = 1 << 32;

fn too_large(flow: &Dataflow) -> Result<(), Error> {
    use tinderbox_runtime::schedule::Action;
    if flow.nodes.len() > Action::MAX_INDEX || flow.buffers.len() > Action::MAX_INDEX {
        return Err(Error::TooLarge("more than 8,191 operators or tensors"));
    }
    if flow.nodes.iter().any(|node| node.steps >= usize::from(u16::MAX))
        || flow.buffers.iter().any(|b| b.rows >= usize::from(u16::MAX))
    {
        return Err(Error::TooLarge("a tensor of more than 65,534 rows"));
    }
    let (mut rows, mut bytes) = (0, 0);
    for access in flow.nodes.iter().flat_map(|node| node.reads.iter().chain(&node.writes)) {
        let touched: u64 = access.rows.iter().map(|rows| rows.len() as u64).sum();
        rows += touched;
        bytes += touched * flow.buffers[access.buffer].stride as u64;
    }
    if rows > MAX_ROWS || bytes > MAX_BYTES {
        return Err(Error::TooLarge("its steps touch more than 16,777,216 rows, or more than 4 GB"));
    }
    Ok(())
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
struct Draft {
    segments: Vec<Range<NodeId>>,
    reversed: Vec<bool>,
    events: Vec<Event>,
    layout: Layout,
    live: usize,
    worst: lifetime::Time,
    /// The event at which a stream's period begins.
    period: usize,
}

impl Draft {
    fn new(demand: &Demand<'_>, segments: Vec<Range<NodeId>>, reversed: &[bool], rules: &Rules) -> Self {
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

fn finish(demand: &Demand<'_>, draft: Draft, packing: Packing) -> Result<Plan, Error> {
    let flow = demand.flow;
    let is_kernel = |node: &NodeId| flow.nodes[*node].worker == Worker::Kernel;
    let kernels: Vec<NodeId> = (0..flow.nodes.len()).filter(is_kernel).collect();
    let pushes = flow.nodes.iter().filter(|node| matches!(node.worker, Worker::Caller { .. })).count();
    let inputs = pushes + flow.buffers.iter().filter(|b| b.role == Role::Input).count();
    let executor_bytes = executor_bytes(kernels.len(), flow.buffers.len() + flow.views, inputs).next_multiple_of(8);
    let (beginning, rest) = schedule::actions(flow, &draft.events, draft.period, &draft.layout);
    let mut schedule = schedule::encode(&beginning).ok_or(Error::TooLarge("schedule"))?;
    let resume = schedule.len();
    schedule.extend(schedule::encode(&rest).ok_or(Error::TooLarge("schedule"))?);
    let mut plan = Plan {
        kernels,
        steps: demand.needed.clone(),
        schedule,
        resume,
        placements: draft
            .layout
            .rings
            .iter()
            .map(|&Ring { capacity, phase, fresh }| Placement {
                capacity,
                phase,
                fresh_rows: fresh,
                ..Placement::default()
            })
            .collect(),
        scratch: vec![0; flow.nodes.len()],
        state: vec![0; flow.nodes.len()],
        executor_bytes,
        arena_bytes: executor_bytes + packing.bytes,
        live_bytes: executor_bytes + draft.live,
        lower_bound_bytes: 0,
        busiest: draft.events.get((draft.worst.saturating_sub(1)) as usize).map_or(0, |event| event.node),
        segments: draft.segments,
        period: None,
    };
    for (block, offset) in draft.layout.blocks.iter().zip(&packing.offsets) {
        let offset = executor_bytes + offset;
        match block.purpose {
            Purpose::Ring(buffer) => plan.placements[buffer].offset = offset,
            Purpose::Fresh(buffer) => plan.placements[buffer].fresh = offset,
            Purpose::Scratch(node) => plan.scratch[node] = offset,
            Purpose::State(node) => plan.state[node] = offset,
        }
    }
    Ok(plan)
}

/// Steps at which the lower bound is looked for, fewer where that is a lot of work.
const BOUND_SAMPLES: usize = 24;
/// About a second.
const BOUND_WORK: usize = 1 << 27;

/// The bound at the worst moments of this order, where it is likely to be high, and at some others.
fn lower_bound(demand: &Demand<'_>, draft: &Draft) -> usize {
    let worst = draft.worst.saturating_sub(1) as usize;
    let count = BOUND_SAMPLES.min(BOUND_WORK / bound::work(demand));
    let spread = draft.events.len().div_ceil(count.max(1)).max(1);
    let samples = std::iter::once(worst).chain((0..draft.events.len()).step_by(spread)).take(count);
    samples.filter_map(|i| draft.events.get(i)).map(|event| bound::at(demand, *event)).max().unwrap_or(0)
}
