//! Elements that move without arithmetic: transposes, slices, tiles, paddings, gathers by constant indices. One kernel
//! does them all, because each output dimension contributes to the place of an element in the input by itself.

use crate::arena::{Cells, copy, store, view};
use crate::step::{Rows, Step};

super::params! {
    /// Scalars of a rearrangement, before those of its dimensions.
    Rearrange {
        /// Bytes that are copied together.
        run,
        /// Byte of the input that all offsets count from.
        base,
    }
}

super::params! {
    /// One dimension of the output; an offset counts bytes of the input.
    Dimension {
        /// Number of indices.
        size,
        /// Offset from one index to the next.
        step,
        /// Where the offsets of all indices stand among the channels, in place of `step`; -1 for nowhere.
        table,
    }
}

/// In a table of offsets: no element of the input is meant, but the fill value.
pub const OUTSIDE: i32 = i32::MIN;

impl Dimension {
    #[inline]
    fn offset(&self, tables: &[i32], index: i32) -> Option<i32> {
        match usize::try_from(self.table) {
            Ok(table) => tables.get(table + index as usize).copied(),
            Err(_) => Some(index.wrapping_mul(self.step)),
        }
    }
}

/// Scalars: [`Rearrange`], then each [`Dimension`] of the output in runs, outermost first; none crosses the border of a
/// row. Channels: tables of offsets. Weights: the fill value.
pub fn rearrange(step: &Step<'_>) -> Option<()> {
    let (scalars, dimensions) = step.param_list().split_first_chunk()?;
    let p = Rearrange::from(*scalars);
    let run = p.run as usize;
    let (outer, last) = dimensions.split_last_chunk()?;
    let last = Dimension::from(*last);
    let input = step.input(0)?;
    for y in step.output_rows()? {
        let out = step.output_row(0, y)?;
        let lines = out.len().checked_div(run.checked_mul(last.size as usize)?)?;
        let mut runs = out.chunks_exact(run.max(1));
        for line in y * lines..(y + 1) * lines {
            let start = p.base.saturating_add(offset(outer, step.channels(), line)?);
            for (i, out) in runs.by_ref().take(last.size as usize).enumerate() {
                match usize::try_from(start.saturating_add(last.offset(step.channels(), i as i32)?)) {
                    Ok(at) => copy(source(&input, at, run)?, out),
                    Err(_) => fill(step.weights(), out),
                }
            }
        }
    }
    Some(())
}

/// The offset of a line of runs; negative if it lies outside.
#[inline]
fn offset(dimensions: &[i32], tables: &[i32], mut line: usize) -> Option<i32> {
    let mut sum = 0i32;
    for words in dimensions.rchunks_exact(Dimension::FIELDS.len()) {
        let dimension = Dimension::from(*words.first_chunk()?);
        let index = line.checked_rem(dimension.size as usize)?;
        line = line.checked_div(dimension.size as usize)?;
        sum = sum.saturating_add(dimension.offset(tables, index as i32)?);
    }
    Some(sum)
}

/// `bytes` from byte `at` of the tensor, which lie in one row.
#[inline]
fn source<'a>(rows: &Rows<'a>, at: usize, bytes: usize) -> Option<Cells<'a>> {
    let row = at.checked_div(rows.row_bytes())?;
    view(rows.get(row)?, at - row * rows.row_bytes(), bytes)
}

/// Sets `out` to the value, over and over.
fn fill(value: &[u8], out: Cells<'_>) {
    for (cell, byte) in out.iter().zip(value.iter().cycle()) {
        cell.set(*byte);
    }
}

/// Copies every row.
pub fn copy_rows(step: &Step<'_>) -> Option<()> {
    for y in step.output_rows()? {
        copy(step.input_row(0, y)?, step.output_row(0, y)?);
    }
    Some(())
}

/// Rows from the weights.
pub fn constant(step: &Step<'_>) -> Option<()> {
    let output = step.output(0)?;
    for y in step.output_rows()? {
        store(step.weights().get(y * output.row_bytes()..)?, output.get(y)?);
    }
    Some(())
}

/// The rows of all inputs, one input after the other.
pub fn stack(step: &Step<'_>) -> Option<()> {
    for y in step.output_rows()? {
        let out = step.output_row(0, y)?;
        let mut before = 0;
        for i in 0..step.inputs() {
            let input = step.input(i)?;
            if let Some(row) = y.checked_sub(before).filter(|row| *row < input.count()) {
                copy(input.get(row)?, out);
            }
            before += input.count();
        }
    }
    Some(())
}

super::params! {
    /// Scalars of inputs that are joined within rows.
    Join {
        /// Parts of every input that a row has.
        parts,
    }
}

/// Scalars: [`Join`]. The first parts of all inputs, then the second ones, and so on.
pub fn join(step: &Step<'_>) -> Option<()> {
    let p = Join::read(step)?;
    for y in step.output_rows()? {
        let out = step.output_row(0, y)?;
        let mut at = 0;
        for part in 0..p.parts as usize {
            for i in 0..step.inputs() {
                let row = step.input_row(i, y)?;
                let bytes = row.len().checked_div(p.parts as usize)?;
                copy(view(row, part * bytes, bytes)?, view(out, at, bytes)?);
                at += bytes;
            }
        }
    }
    Some(())
}
