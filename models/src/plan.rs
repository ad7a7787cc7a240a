//! Memory and order: segments, ring capacities, offsets, and the checker that proves them.

pub mod bound;
pub mod check;
pub mod dataflow;
mod draft;
pub mod lifetime;
mod limits;
pub mod order;
pub mod pack;
pub mod schedule;
pub mod segments;
pub mod stream;

use check::Violation;
use dataflow::{Dataflow, NodeId, Role, Worker};
use draft::{Draft, best};
use lifetime::{Purpose, Ring};
use limits::too_large;
use order::Demand;
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
