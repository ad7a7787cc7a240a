//! Operators that leave one element where there were several.
//!
//! A step reads one row of the input. Where rows are kept apart it makes a row of the output; where they are reduced, too,
//! the steps add up in the node's state, and the last one makes the output.

use super::elementwise::walk;
use crate::arena::{Cells, Element};
use crate::numeric::{Integer, Multiplier};
use crate::step::Step;

super::params! {
    /// Scalars of a reduction. After them and the operator's own come the dimensions of an input row (see
    /// [`super::elementwise`]), with two operands: the element of the output row, and the number of elements before this
    /// one that are reduced to the same.
    Reduce {
        /// Input rows that are reduced to one output row.
        rows,
    }
}

super::params! {
    /// Scalars of a mean or sum.
    Sum {
        /// What is subtracted from the sum: the zero points of the inputs.
        offset,
        /// Input scale over output scale; for a mean, over the number of elements.
        multiplier,
        /// Its exponent.
        shift,
        /// Zero point of the output.
        output_zero_point,
    }
}

super::params! {
    /// Scalars of a product.
    Product {
        /// Zero point of the input.
        input_zero_point,
        /// The scale of each of the n factors: the nth root of the whole.
        multiplier,
        /// Its exponent.
        shift,
        /// Zero point of the output.
        output_zero_point,
    }
}

/// Visits the elements of the input row at work: calls `f` with the element of the output row, the number of elements
/// before that were reduced to it, and the value. `skip` are the operator's own scalars.
#[inline]
fn visit<T: Element>(step: &Step<'_>, skip: usize, mut f: impl FnMut(usize, usize, T) -> Option<()>) -> Option<()> {
    let p = Reduce::read(step)?;
    let dimensions = step.param_list().get(Reduce::FIELDS.len() + skip..)?;
    let row = step.input_row(0, step.index())?;
    let rows_before = step.index().checked_rem(p.rows as usize)?;
    walk(dimensions, |i, [to, before]| f(to, rows_before + before, T::get(row, i)?))
}

/// Accumulates the row at work, and makes the output row if it is complete. `next` is given the accumulated value, or
/// nothing at first.
#[inline]
pub(crate) fn reduce<T: Element, A: Element, U: Element>(
    step: &Step<'_>,
    skip: usize,
    next: impl Fn(Option<A>, T) -> A,
    finish: impl Fn(A) -> U,
) -> Option<()> {
    let state = step.state()?;
    visit(step, skip, |to, before, x| {
        let so_far = if before == 0 { None } else { Some(A::get(state, to)?) };
        A::set(state, to, next(so_far, x))
    })?;
    for y in step.output_rows()? {
        let out = step.output_row(0, y)?;
        for i in 0..out.len() / U::BYTES {
            U::set(out, i, finish(A::get(state, i)?))?;
        }
    }
    Some(())
}

/// Mean or sum. Scalars: [`Reduce`], [`Sum`], dimensions. State: an i32 per element of the output row.
pub fn sum<T: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Sum::from(*step.param_list().get(Reduce::FIELDS.len()..)?.first_chunk()?);
    let scale = Multiplier { multiplier: p.multiplier, shift: p.shift };
    let next = |sum: Option<i32>, x: T| sum.unwrap_or(0).wrapping_add(x.into());
    reduce(step, Sum::FIELDS.len(), next, |sum| {
        T::saturated(scale.apply(sum.wrapping_sub(p.offset)).wrapping_add(p.output_zero_point))
    })
}

/// Product. Scalars: [`Reduce`], [`Product`], dimensions. State: an i32 per element of the output row.
pub fn product<T: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Product::from(*step.param_list().get(Reduce::FIELDS.len()..)?.first_chunk()?);
    let scale = Multiplier { multiplier: p.multiplier, shift: p.shift };
    let next = |product: Option<i32>, x: T| {
        let x = x.into() - p.input_zero_point;
        product.map_or(x, |product| scale.apply_wide(i64::from(product) * i64::from(x)))
    };
    reduce(step, Product::FIELDS.len(), next, |product| {
        T::saturated(scale.apply_wide(product.into()).wrapping_add(p.output_zero_point))
    })
}

/// Largest element. Scalars: [`Reduce`], dimensions. State: an output row.
pub fn max<T: Element + PartialOrd>(step: &Step<'_>) -> Option<()> {
    reduce(step, 0, |best: Option<T>, x| best.filter(|best| *best >= x).unwrap_or(x), |best| best)
}

/// Smallest element. As [`max`].
pub fn min<T: Element + PartialOrd>(step: &Step<'_>) -> Option<()> {
    reduce(step, 0, |best: Option<T>, x| best.filter(|best| *best <= x).unwrap_or(x), |best| best)
}

/// Index of the largest element, the first of several. Scalars: [`Reduce`], dimensions. State: see [`arg`].
pub fn arg_max<T: Element + PartialOrd>(step: &Step<'_>) -> Option<()> {
    arg(step, |x: T, best| x > best)
}

/// Index of the smallest element. As [`arg_max`].
pub fn arg_min<T: Element + PartialOrd>(step: &Step<'_>) -> Option<()> {
    arg(step, |x: T, best| x < best)
}

/// State: an i32 per element of the output row, the index, and behind them as many elements, the best ones. The output
/// is i32 or i64.
#[inline]
fn arg<T: Element>(step: &Step<'_>, better: impl Fn(T, T) -> bool) -> Option<()> {
    let state = step.state()?;
    let (indices, best): (Cells<'_>, Cells<'_>) = state.split_at_checked(state.len() / (4 + T::BYTES) * 4)?;
    visit(step, 0, |to, index, x| {
        if index == 0 || better(x, T::get(best, to)?) {
            T::set(best, to, x)?;
            i32::set(indices, to, index as i32)?;
        }
        Some(())
    })?;
    for y in step.output_rows()? {
        let out = step.output_row(0, y)?;
        let wide = out.len() / 8 == indices.len() / 4;
        for i in 0..indices.len() / 4 {
            let index = i32::get(indices, i)?;
            if wide { i64::set(out, i, index.into())? } else { i32::set(out, i, index)? }
        }
    }
    Some(())
}
