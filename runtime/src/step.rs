//! What a kernel sees of the program while it executes one step of a node.

use crate::arena::{Cells, view};
use crate::program::{Node, Tensor};
use std::ops::Range;

/// One step of one node.
pub struct Step<'a> {
    pub(crate) node: &'a Node<'a>,
    pub(crate) tensors: &'a [Tensor],
    pub(crate) arena: Cells<'a>,
    pub(crate) marks: Marks<'a>,
    pub(crate) index: usize,
}

impl<'a> Step<'a> {
    /// Number of this step, from 0.
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether this is the inference's last step of the node.
    #[inline]
    pub fn is_last(&self) -> bool {
        self.index + 1 == usize::from(self.node.steps)
    }

    /// The node's scalars, where the kernel knows how many there are.
    #[inline]
    pub fn params<const N: usize>(&self) -> Option<&'a [i32; N]> {
        self.node.params.get().first_chunk()
    }

    /// All the node's scalars, for kernels with lists of them.
    #[inline]
    pub fn param_list(&self) -> &'a [i32] {
        self.node.params.get()
    }

    /// The node's constants per channel.
    #[inline]
    pub fn channels(&self) -> &'a [i32] {
        self.node.channels.get()
    }

    /// The node's weights.
    #[inline]
    pub fn weights(&self) -> &'a [u8] {
        self.node.weights.get()
    }

    /// Number of input tensors.
    #[inline]
    pub fn inputs(&self) -> usize {
        usize::from(self.node.inputs)
    }

    /// Number of output tensors.
    #[inline]
    pub fn outputs(&self) -> usize {
        self.node.tensors.get().len().saturating_sub(self.inputs())
    }

    /// The `i`th input.
    #[inline]
    pub fn input(&self, i: usize) -> Option<Rows<'a>> {
        if i < self.inputs() { self.rows_of(i) } else { None }
    }

    /// The `i`th output.
    #[inline]
    pub fn output(&self, i: usize) -> Option<Rows<'a>> {
        self.rows_of(self.inputs().checked_add(i)?)
    }

    /// A row of the `i`th input; `None` above or below it.
    #[inline]
    pub fn input_row(&self, i: usize, row: usize) -> Option<Cells<'a>> {
        if i < self.inputs() { self.row(i, row) } else { None }
    }

    /// A row of the `i`th output.
    #[inline]
    pub fn output_row(&self, i: usize, row: usize) -> Option<Cells<'a>> {
        self.row(self.inputs().checked_add(i)?, row)
    }

    /// The rows of the outputs that this step makes.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn output_rows(&self) -> Option<Range<usize>> {
        let rows = rows_of_step(self.node, self.index);
        Some(rows.start..rows.end.min(self.output(0)?.count()))
    }

    /// Memory for this step only; its contents are undefined at the start.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn scratch(&self) -> Option<Cells<'a>> {
        view(self.arena, self.node.scratch as usize, self.node.scratch_bytes as usize)
    }

    /// Memory that keeps its contents from this node's first step to its last; undefined before the first.
    #[inline]
    pub fn state(&self) -> Option<Cells<'a>> {
        view(self.arena, self.node.state as usize, self.node.state_bytes as usize)
    }

    // Called by every kernel: worth a function of its own, as are those above.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn row(&self, slot: usize, row: usize) -> Option<Cells<'a>> {
        self.rows_of(slot)?.get(row)
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn rows_of(&self, slot: usize) -> Option<Rows<'a>> {
        let index = usize::from(*self.node.tensors.get().get(slot)?);
        Some(Rows::new(self.tensors.get(index)?, self.arena, self.marks.get(index)?))
    }
}

/// The output rows that step `index` of `node` makes, were the output tall enough; none if it comes too early.
#[inline]
pub(crate) fn rows_of_step(node: &Node<'_>, index: usize) -> Range<usize> {
    let (height, lag) = (usize::from(node.rows_per_step), usize::from(node.lag));
    let end = index.wrapping_add(1).wrapping_mul(height);
    end.saturating_sub(height).saturating_sub(lag)..end.saturating_sub(lag)
}

/// No row has this number.
const NO_ROW: usize = u16::MAX as usize;

/// Per tensor, one more than its first fresh row, or 0 where all its rows are in the ring.
#[derive(Clone, Copy)]
pub(crate) struct Marks<'a>(pub(crate) Counters<'a>);

impl Marks<'_> {
    /// The first fresh row, or [`NO_ROW`].
    #[inline]
    pub(crate) fn get(self, tensor: usize) -> Option<usize> {
        Some(usize::from(self.0.get(tensor)?.wrapping_sub(1)))
    }

    #[inline]
    pub(crate) fn set(self, tensor: usize, first: Option<usize>) -> Option<()> {
        self.0.set(tensor, first.unwrap_or(NO_ROW).wrapping_add(1) as u16)
    }
}

/// 16-bit counters in the arena.
#[derive(Clone, Copy)]
pub(crate) struct Counters<'a>(pub(crate) Cells<'a>);

impl Counters<'_> {
    #[inline]
    pub(crate) fn get(self, index: usize) -> Option<u16> {
        crate::arena::Element::get(self.0, index)
    }

    #[inline]
    pub(crate) fn set(self, index: usize, value: u16) -> Option<()> {
        crate::arena::Element::set(self.0, index, value)
    }
}

/// The rows of one tensor.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    tensor: &'a Tensor,
    arena: Cells<'a>,
    /// The first of the rows that stand apart from the ring, or [`NO_ROW`].
    fresh: usize,
}

impl<'a> Rows<'a> {
    #[inline]
    pub(crate) fn new(tensor: &'a Tensor, arena: Cells<'a>, fresh: usize) -> Self {
        Rows { tensor, arena, fresh }
    }

    /// Rows of the whole tensor.
    #[inline]
    pub fn count(&self) -> usize {
        usize::from(self.tensor.rows)
    }

    /// Bytes of a row.
    #[inline]
    pub fn row_bytes(&self) -> usize {
        self.tensor.row_bytes as usize
    }

    /// Row `row` of the tensor; `None` above or below it, where padding is.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn get(&self, row: usize) -> Option<Cells<'a>> {
        if row >= self.count() {
            return None;
        }
        // Beyond any number of rows where the row comes before the first fresh one, or none is fresh.
        let ahead = row.wrapping_sub(self.fresh);
        if ahead < usize::from(self.tensor.fresh_rows) {
            return self.at((self.tensor.fresh as usize).wrapping_add(ahead.wrapping_mul(self.tensor.stride as usize)));
        }
        self.slot(row)
    }

    /// The slot of the ring that `row` belongs to, also while the row itself is fresh.
    #[inline]
    pub(crate) fn slot(&self, row: usize) -> Option<Cells<'a>> {
        let slot = row.wrapping_add(usize::from(self.tensor.phase)).checked_rem(usize::from(self.tensor.capacity))?;
        self.at((self.tensor.offset as usize).wrapping_add(slot.wrapping_mul(self.tensor.stride as usize)))
    }

    /// The rows that stand apart from the ring; empty if none do.
    #[inline]
    pub(crate) fn fresh(&self) -> Range<usize> {
        self.fresh..(self.fresh + usize::from(self.tensor.fresh_rows)).min(self.count())
    }

    /// The row that follows the last one.
    #[inline]
    pub(crate) fn restart(&self) -> u16 {
        self.tensor.restart
    }

    /// All rows of the ring as one block, for tensors that are contiguous: whole, or in a stream the newest row.
    #[inline]
    pub fn whole(&self) -> Option<Cells<'a>> {
        view(self.arena, self.tensor.offset as usize, self.row_bytes().wrapping_mul(usize::from(self.tensor.capacity)))
    }

    /// Vector `i` of `bytes`: a row where rows are vectors, else a part of a contiguous tensor that holds them one after the
    /// other.
    #[inline]
    pub fn vector(&self, i: usize, bytes: usize) -> Option<Cells<'a>> {
        if self.row_bytes() == bytes { self.get(i) } else { view(self.whole()?, i.wrapping_mul(bytes), bytes) }
    }

    #[inline]
    fn at(&self, offset: usize) -> Option<Cells<'a>> {
        view(self.arena, offset, self.row_bytes())
    }
}
