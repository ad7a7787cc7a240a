//! Arithmetic on integers that stand for themselves.

use super::elementwise::binary;
use super::reduce::reduce;
use crate::numeric::Integer;
use crate::step::Step;

super::params! {
    /// Bounds of the result.
    Clamp {
        /// Smallest output.
        min,
        /// Largest output.
        max,
    }
}

#[inline]
fn clamped(step: &Step<'_>, f: impl Fn(i32, i32) -> i32) -> Option<()> {
    let p = Clamp::read(step)?;
    binary(step, step.param_list().get(Clamp::FIELDS.len()..)?, |a, b| i32::clamped(f(a, b), p.min, p.max))
}

/// Addition, wrapping. Scalars: [`Clamp`], then the dimensions of a row (see [`super::elementwise`]).
pub fn add(step: &Step<'_>) -> Option<()> {
    clamped(step, i32::wrapping_add)
}

/// Subtraction, wrapping. Scalars as of [`add`].
pub fn sub(step: &Step<'_>) -> Option<()> {
    clamped(step, i32::wrapping_sub)
}

/// Multiplication, wrapping. Scalars as of [`add`].
pub fn mul(step: &Step<'_>) -> Option<()> {
    clamped(step, i32::wrapping_mul)
}

/// Squared difference, wrapping. Scalars as of [`add`].
pub fn squared_difference(step: &Step<'_>) -> Option<()> {
    clamped(step, super::add::squared_difference)
}

/// Sum, wrapping. Scalars: [`super::reduce::Reduce`], dimensions. State: an i32 per element of the output row.
pub fn sum(step: &Step<'_>) -> Option<()> {
    reduce(step, 0, |sum: Option<i32>, x: i32| sum.unwrap_or(0).wrapping_add(x), |sum| sum)
}
