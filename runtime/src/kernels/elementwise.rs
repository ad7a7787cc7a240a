//! Operators that work element by element: how they walk over rows.

use crate::arena::{Cells, Element};
use crate::step::{Rows, Step};

/// Applies `f` to every element of the rows at work.
#[inline]
pub(crate) fn unary<T: Element, U: Element>(step: &Step<'_>, f: impl Fn(T) -> U) -> Option<()> {
    for y in step.output_rows()? {
        let (x, out) = (step.input_row(0, y)?, step.output_row(0, y)?);
        for i in 0..out.len() / U::BYTES {
            U::set(out, i, f(T::get(x, i)?))?;
        }
    }
    Some(())
}

/// Applies `f` to pairs of elements. `dimensions` describes an output row: see [`walk`]. An input of one row only is used
/// for every output row.
#[inline]
pub(crate) fn binary<T: Element, U: Element>(step: &Step<'_>, dimensions: &[i32], f: impl Fn(T, T) -> U) -> Option<()> {
    for y in step.output_rows()? {
        let (a, b, out) = (row(step.input(0)?, y)?, row(step.input(1)?, y)?, step.output_row(0, y)?);
        walk(dimensions, |i, [at_a, at_b]| U::set(out, i, f(T::get(a, at_a)?, T::get(b, at_b)?)))?;
    }
    Some(())
}

/// The row of a broadcast input that output row `y` reads.
#[inline]
pub(crate) fn row(rows: Rows<'_>, y: usize) -> Option<Cells<'_>> {
    rows.get(if rows.count() == 1 { 0 } else { y })
}

/// Visits the elements of a row in order. `f` is called with an element's number and where each of `N` operands has its
/// own. `dimensions` has, per dimension of the row, outermost first, its size and then each operand's elements from one
/// index to the next (0 where the operand is repeated).
#[inline]
pub(crate) fn walk<const N: usize>(
    dimensions: &[i32],
    mut f: impl FnMut(usize, [usize; N]) -> Option<()>,
) -> Option<()> {
    let (outer, inner) = dimensions.split_at_checked(dimensions.len().checked_sub(N + 1)?)?;
    let (size, strides) = inner.split_first()?;
    let (size, strides) = (*size as usize, strides.first_chunk::<N>()?.map(|stride| stride as usize));
    let runs = outer.chunks_exact(N + 1).filter_map(|dimension| dimension.first()).map(|size| *size as usize).product();
    for run in 0..runs {
        let mut at = start(outer, run)?;
        for i in 0..size {
            f(run * size + i, at)?;
            for (at, stride) in at.iter_mut().zip(strides) {
                *at += stride;
            }
        }
    }
    Some(())
}

/// Where the operands' elements of run number `run` begin.
#[inline]
fn start<const N: usize>(dimensions: &[i32], mut run: usize) -> Option<[usize; N]> {
    let mut at = [0; N];
    for dimension in dimensions.rchunks_exact(N + 1) {
        let (size, strides) = dimension.split_first()?;
        let index = run.checked_rem(*size as usize)?;
        run = run.checked_div(*size as usize)?;
        for (at, stride) in at.iter_mut().zip(strides) {
            *at += index * *stride as usize;
        }
    }
    Some(at)
}
