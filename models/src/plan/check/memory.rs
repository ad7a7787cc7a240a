//! The shadow memory: what every byte of the arena holds.

use super::{Replay, Violation};
use crate::plan::Placement;
use crate::plan::dataflow::{Buffer, BufferId, Node, NodeId, Role};
use std::ops::Range;

/// What a byte of the arena holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Nothing,
    /// A row, counted from the beginning of a stream.
    Row {
        buffer: BufferId,
        row: usize,
        inference: usize,
    },
    State {
        node: NodeId,
        inference: usize,
    },
    Executor,
}

/// Rows of a buffer: the numbers by which the runtime finds them, and which rows they are.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) numbers: Range<usize>,
    pub(super) rows: Range<usize>,
}

impl Rows {
    pub(super) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        self.numbers.clone().zip(self.rows.clone())
    }
}

impl Replay<'_> {
    /// Whether the place of row `number` holds `row`.
    pub(super) fn holds(&self, buffer: BufferId, number: usize, row: usize) -> Result<bool, Violation> {
        // A variable is read as the last inference left it, or as it was at first where nobody writes it.
        let persistent = self.flow.buffers[buffer].role == Role::Persistent;
        let inference = if persistent && self.writers[buffer].is_none() { 0 } else { self.inference };
        let content = Content::Row { buffer, row, inference };
        Ok(self.memory[self.row_bytes(buffer, number)?].iter().all(|byte| *byte == content))
    }

    /// A step writes rows, those of a variable for the next inference.
    pub(super) fn write_rows(&mut self, buffer: BufferId, rows: Rows) -> Result<(), Violation> {
        let persistent = self.flow.buffers[buffer].role == Role::Persistent;
        self.fill_rows(buffer, rows, self.inference + usize::from(persistent))
    }

    pub(super) fn fill_rows(&mut self, buffer: BufferId, rows: Rows, inference: usize) -> Result<(), Violation> {
        for (number, row) in rows.pairs() {
            let bytes = self.row_bytes(buffer, number)?;
            self.memory[bytes].fill(Content::Row { buffer, row, inference });
        }
        Ok(())
    }

    /// Where the row of this number is now, by the runtime's rule.
    pub(super) fn row_bytes(&self, buffer: BufferId, row: usize) -> Result<Range<usize>, Violation> {
        let Buffer { rows, stride, flat, align, ref name, .. } = self.flow.buffers[buffer];
        let Placement { offset, capacity, phase, fresh, fresh_rows } = self.plan.placements[buffer];
        if capacity == 0
            || flat && (capacity < rows || phase > 0 || fresh_rows > 0)
            || offset % align != 0
            || fresh % align != 0
        {
            return Err(Violation::Ring { buffer: name.clone() });
        }
        let start = match &self.fresh[buffer] {
            Some(Rows { numbers, .. }) if row >= numbers.start && row < numbers.start + fresh_rows => {
                fresh + (row - numbers.start) * stride
            }
            _ => offset + (row + phase) % capacity * stride,
        };
        self.bytes(start, stride, || format!("`{name}`"))
    }

    pub(super) fn bytes(
        &self,
        start: usize,
        bytes: usize,
        what: impl Fn() -> String,
    ) -> Result<Range<usize>, Violation> {
        let range = start..start.saturating_add(bytes);
        let inside = start >= self.plan.executor_bytes && range.end <= self.memory.len();
        if bytes > 0 && !inside { Err(Violation::OutOfBounds { what: what() }) } else { Ok(range) }
    }

    /// State is there from the first step to the last, and persistent state before the first.
    pub(super) fn touch_state(&mut self, id: NodeId, step: usize) -> Result<(), Violation> {
        let node = &self.flow.nodes[id];
        let state = self.state(id, node)?;
        let content = Content::State { node: id, inference: if node.persistent { 0 } else { self.inference } };
        if (step > 0 || node.persistent) && self.memory[state.clone()].iter().any(|byte| *byte != content) {
            let buffer = format!("state of {}", node.name);
            return Err(Violation::Lost { node: node.name.clone(), step, buffer, row: 0 });
        }
        self.memory[state].fill(content);
        Ok(())
    }

    pub(super) fn state(&self, id: NodeId, node: &Node) -> Result<Range<usize>, Violation> {
        self.bytes(self.plan.state[id], node.state, || format!("state of `{}`", node.name))
    }
}
