//! What the planner knows of a network: buffers made of rows, and nodes that read and write row ranges step by step.
//!
//! Nothing here knows of operators. `lower` writes a `Dataflow`; `plan` orders its steps and places its bytes; `check`
//! replays the result. Row indices count from the top of the whole tensor, never from a ring slot.

use std::ops::Range;

/// Index into [`Dataflow::buffers`].
pub type BufferId = usize;
/// Index into [`Dataflow::nodes`].
pub type NodeId = usize;

/// A tensor in the arena, seen as rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// For messages.
    pub name: String,
    /// Rows of the whole tensor.
    pub rows: usize,
    /// Bytes from one row to the next (the payload, rounded up to the alignment unless `flat`).
    pub row_bytes: usize,
    /// Somebody addresses it as one contiguous block: its capacity must be `rows`, and it has no fresh row.
    pub flat: bool,
    /// Who else touches it.
    pub role: Role,
}

/// What a buffer is to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Written and read by nodes only.
    Inner,
    /// Whole in the arena before the first step, written by the caller; its spent rows are free (the input is consumed).
    InputWhole,
    /// As `InputWhole`, but intact until the last step.
    InputKept,
    /// Handed over row by row through [`Action::Push`], each row just before it is needed.
    InputPushed,
    /// Whole in the arena after the last step, for the caller to read.
    Output,
    /// Survives from one inference to the next: shares its bytes with nothing.
    Persistent,
}

/// The rows of one buffer that a node touches, a range per step. Ranges start and end in non-decreasing order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Which buffer.
    pub buffer: BufferId,
    /// One range per step; empty where the step does not touch it.
    pub rows: Vec<Range<usize>>,
}

/// One operator, executed in `steps` steps, always in order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Node {
    /// For messages.
    pub name: String,
    /// How many steps; every `Access` has as many ranges.
    pub steps: usize,
    /// Rows that must be there, and stay untouched, during the step.
    pub reads: Vec<Access>,
    /// Rows written in the step. A buffer has one writer for each of its rows, in order; several nodes may write
    /// disjoint column slices of one row only if they are listed in `Dataflow::slices`.
    pub writes: Vec<Access>,
    /// Bytes used only within a step (repacked pixels); may hold anything between steps. Written while inputs are
    /// still being read, dead before or while the output is written: it conflicts with inputs and outputs of its step.
    pub scratch: usize,
    /// Bytes kept from the first step to the last (accumulators).
    pub state: usize,
    /// Index into `reads` of an input whose row, in its last use, may be overwritten by the output row of the same
    /// step, provided that the output row starts at or below the start of the input row.
    pub in_place: Option<usize>,
}

/// A network as the planner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Dataflow {
    /// Rows in memory.
    pub buffers: Vec<Buffer>,
    /// In topological order.
    pub nodes: Vec<Node>,
}

/// One entry of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The next row of a pushed input arrives.
    Push(BufferId),
    /// The node executes its next step.
    Run(NodeId),
    /// The row that stands in the buffer's fresh row is copied to its ring slot (`row % capacity`).
    Commit(BufferId),
}

/// Where a buffer lives. Row `r` is at `offset + (r % capacity) * row_bytes`, or, from its writing to its
/// `Commit`, at `fresh` where the plan says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Byte offset of slot 0 in the arena.
    pub offset: usize,
    /// Slots in the ring.
    pub capacity: usize,
    /// Byte offset of the fresh row, for buffers that have one.
    pub fresh: Option<usize>,
}
