//! Elementwise operators over two tensors that broadcast against each other.

use crate::arena::Cells;
use crate::step::{Rows, Step};

/// Scalars per dimension of a broadcast: its size, then the elements from one index to the next in each input (0 where
/// it is repeated).
pub const DIMENSION: usize = 3;

/// Applies `f` to pairs of bytes. `dimensions` describes one output row, outermost first; an input of one row only is
/// used for every output row.
pub(crate) fn binary_s8(step: &Step<'_>, dimensions: &[i32], f: impl Fn(i8, i8) -> Option<i8>) -> Option<()> {
    for y in step.output_rows()? {
        let a = row(step.input(0)?, y)?;
        let b = row(step.input(1)?, y)?;
        let out = step.output(0)?.get(y)?;
        for (i, out) in out.iter().enumerate() {
            let (at_a, at_b) = offsets(dimensions, i)?;
            out.set(f(a.get(at_a)?.get() as i8, b.get(at_b)?.get() as i8)? as u8);
        }
    }
    Some(())
}

/// The row of a broadcast input that output row `y` reads.
fn row(rows: Rows<'_>, y: usize) -> Option<Cells<'_>> {
    rows.get(if rows.count() == 1 { 0 } else { y })
}

/// Where element `i` of an output row is found in each input row.
#[inline]
fn offsets(dimensions: &[i32], mut i: usize) -> Option<(usize, usize)> {
    let [_, a, b] = *dimensions.first_chunk::<DIMENSION>()?;
    if dimensions.len() == DIMENSION {
        return Some((i * a as usize, i * b as usize));
    }
    let (mut at_a, mut at_b) = (0, 0);
    for dimension in dimensions.rchunks_exact(DIMENSION) {
        let [size, a, b] = *dimension.first_chunk()?;
        let index = i.checked_rem(size as usize)?;
        i = i.checked_div(size as usize)?;
        at_a += index * a as usize;
        at_b += index * b as usize;
    }
    Some((at_a, at_b))
}
