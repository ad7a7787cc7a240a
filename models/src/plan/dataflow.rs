//! What the planner knows of a network: buffers made of rows, and nodes that read and write row ranges step by step.
//!
//! Nothing here knows of operators. [`crate::lower`] writes a `Dataflow`; [`crate::plan`] orders its steps and places
//! its bytes; [`super::check`] replays the result. Row indices count from the top of the whole tensor, never from a ring
//! slot.

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
    /// Bytes from one row to the next: a row's elements, rounded up unless `flat`.
    pub stride: usize,
    /// Somebody addresses it as one contiguous block: all its rows are kept, and none stands apart.
    pub flat: bool,
    /// Required alignment of its first byte; a power of two.
    pub align: usize,
    /// Who else touches it.
    pub role: Role,
}

impl Buffer {
    /// Bytes of all rows.
    pub fn bytes(&self) -> usize {
        self.rows * self.stride
    }
}

/// What a buffer is to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Written and read by nodes only (a push is a node).
    Inner,
    /// Whole in the arena before the first step, written by the caller; its spent rows are free: the input is consumed.
    Input,
    /// Whole in the arena after the last step, for the caller to read.
    Output,
    /// Survives from one inference to the next: shares its bytes with nothing. Nodes read what the last inference left;
    /// its writer, which all of them precede, writes for the next.
    Persistent,
}

/// The rows of one buffer that a node touches, a range per step. Ranges start and end in non-decreasing order; a step
/// that does not touch the buffer has an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Which buffer.
    pub buffer: BufferId,
    /// One range per step.
    pub rows: Vec<Range<usize>>,
}

/// Who does a node's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// A kernel.
    Kernel,
    /// The caller, who pushes the next row of this input.
    Caller {
        /// Index among the model's inputs.
        input: usize,
    },
    /// The caller, who reads the newest row of every output of a stream.
    Reader,
}

/// One operator, executed in `steps` steps, always in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// For messages.
    pub name: String,
    /// Who executes it.
    pub worker: Worker,
    /// How many steps; every `Access` has as many ranges.
    pub steps: usize,
    /// Rows of each output that a step makes at most.
    pub rows_per_step: usize,
    /// Rows that must be there, and stay untouched, during the step.
    pub reads: Vec<Access>,
    /// Rows written in the step. A buffer has one writer.
    pub writes: Vec<Access>,
    /// Bytes used only within a step. They are written while inputs are still being read and read while outputs are
    /// being written.
    pub scratch: usize,
    /// Bytes kept from the first step to the last (accumulators).
    pub state: usize,
    /// The state survives from one inference to the next (recurrent cells): it shares its bytes with nothing.
    pub persistent: bool,
    /// Indices into `reads` of inputs whose row, in its last use, may be overwritten by the output row of the same
    /// step, provided that the output row starts at or below the start of the input row. In steps of several rows the
    /// kernel is done with a row before it starts the next.
    pub in_place: Vec<usize>,
    /// Nodes that must be done before this one starts, though it reads nothing of theirs.
    pub after: Vec<NodeId>,
}

impl Node {
    /// A node that touches nothing yet.
    pub fn new(name: &str, worker: Worker, steps: usize) -> Self {
        Node {
            name: name.into(),
            worker,
            steps,
            rows_per_step: 1,
            reads: vec![],
            writes: vec![],
            scratch: 0,
            state: 0,
            persistent: false,
            in_place: vec![],
            after: vec![],
        }
    }
}

/// A network as the planner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Dataflow {
    /// Rows in memory.
    pub buffers: Vec<Buffer>,
    /// In topological order.
    pub nodes: Vec<Node>,
    /// Further views of flat buffers with other rows, which the runtime counts as tensors.
    pub views: usize,
}

impl Dataflow {
    /// The node that writes each buffer; `None` for inputs that are there from the start.
    pub fn writers(&self) -> Vec<Option<NodeId>> {
        let mut writers = vec![None; self.buffers.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            for access in &node.writes {
                writers[access.buffer] = Some(id);
            }
        }
        writers
    }

    /// How many steps of each node an inference needs, or in a stream the caller who reads the outputs so many times:
    /// rows that nobody reads are not made, except by nodes whose state must move on.
    pub fn needed_steps(&self, readings: usize) -> Vec<usize> {
        let mut needed_rows: Vec<usize> = self
            .buffers
            .iter()
            .map(|b| if matches!(b.role, Role::Output | Role::Persistent) { b.rows } else { 0 })
            .collect();
        let mut needed = vec![0; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate().rev() {
            let steps = |access: &Access| access.steps_for(needed_rows[access.buffer]);
            needed[id] = match node.worker {
                Worker::Reader => node.steps.min(readings),
                _ if node.persistent => node.steps,
                _ => node.writes.iter().map(steps).max().unwrap_or(0),
            };
            for access in &node.reads {
                let rows = access.rows[..needed[id]].iter().map(|rows| rows.end).max().unwrap_or(0);
                needed_rows[access.buffer] = needed_rows[access.buffer].max(rows);
            }
            for &before in &node.after {
                debug_assert!(before < id);
            }
        }
        needed
    }
}

impl Access {
    /// How many steps it takes until the first `rows` rows have been touched.
    pub fn steps_for(&self, rows: usize) -> usize {
        if rows == 0 { 0 } else { self.rows.partition_point(|range| range.end < rows) + 1 }
    }
}
