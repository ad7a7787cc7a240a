//! The largest elements of the last axis.

use crate::arena::{Cells, Element, view};
use crate::step::Step;

super::params! {
    /// Scalars of a choice of the largest.
    TopK {
        /// Elements to choose from.
        depth,
        /// Elements to choose.
        k,
    }
}

/// The `k` largest elements in falling order, of equal ones the first, and as a second output their indices (i32).
/// Scalars: [`TopK`].
pub fn top_k<T: Element + PartialOrd>(step: &Step<'_>) -> Option<()> {
    let p = TopK::read(step)?;
    let (depth, k) = (p.depth as usize, p.k as usize);
    for y in step.output_rows()? {
        let (row, values, indices) = (step.input_row(0, y)?, step.output_row(0, y)?, step.output_row(1, y)?);
        let count = row.len().checked_div(depth * T::BYTES)?;
        for run in 0..count {
            let x = view(row, run * depth * T::BYTES, depth * T::BYTES)?;
            let mut last = None;
            for i in run * k..(run + 1) * k {
                let (value, index) = next(x, depth, last)?;
                T::set(values, i, value)?;
                i32::set(indices, i, index as i32)?;
                last = Some((value, index));
            }
        }
    }
    Some(())
}

/// The largest element, and its index, of those that come after `last` in falling order.
#[inline]
fn next<T: Element + PartialOrd>(row: Cells<'_>, depth: usize, last: Option<(T, usize)>) -> Option<(T, usize)> {
    let mut best = None;
    for i in 0..depth {
        let x = T::get(row, i)?;
        let comes_after = last.is_none_or(|(value, index)| x < value || x == value && i > index);
        if comes_after && best.is_none_or(|(value, _)| x > value) {
            best = Some((x, i));
        }
    }
    best
}
