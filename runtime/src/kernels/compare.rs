//! Comparisons, and what is chosen by them.

use super::elementwise::{binary, row, walk};
use crate::arena::Element;
use crate::numeric::{Integer, Multiplier};
use crate::step::Step;
use core::cmp::Ordering;

/// Outcomes of a comparison, one bit each; a relation is the set of those for which it holds.
pub mod outcome {
    /// The first operand is smaller.
    pub const LESS: i32 = 1;
    /// Both are equal.
    pub const EQUAL: i32 = 2;
    /// The first operand is larger.
    pub const GREATER: i32 = 4;
    /// One of them is not a number.
    pub const UNORDERED: i32 = 8;
}

/// Bits by which quantized operands are scaled up.
pub const LEFT_SHIFT: u32 = 8;

super::params! {
    /// Scalars of a comparison of quantized tensors.
    Compare {
        /// Set of [`outcome`]s.
        relation,
        /// Zero point of the first input.
        a_zero_point,
        /// Scale of the first input.
        a_multiplier,
        /// Its exponent.
        a_shift,
        /// Zero point of the second input.
        b_zero_point,
        /// Scale of the second input.
        b_multiplier,
        /// Its exponent.
        b_shift,
    }
}

#[inline]
fn holds(relation: i32, ordering: Option<Ordering>) -> u8 {
    let outcome = match ordering {
        Some(Ordering::Less) => outcome::LESS,
        Some(Ordering::Equal) => outcome::EQUAL,
        Some(Ordering::Greater) => outcome::GREATER,
        None => outcome::UNORDERED,
    };
    u8::from(relation & outcome != 0)
}

/// Compares quantized elements. Scalars: [`Compare`], then the dimensions of a row (see [`super::elementwise`]).
pub fn quantized<T: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Compare::read(step)?;
    let scaled = |x: T, zero_point: i32, multiplier: i32, shift: i32| {
        let x: i32 = x.into();
        Multiplier { multiplier, shift }.apply((x - zero_point).wrapping_shl(LEFT_SHIFT))
    };
    binary(step, step.param_list().get(Compare::FIELDS.len()..)?, |a: T, b: T| {
        let a = scaled(a, p.a_zero_point, p.a_multiplier, p.a_shift);
        let b = scaled(b, p.b_zero_point, p.b_multiplier, p.b_shift);
        holds(p.relation, Some(a.cmp(&b)))
    })
}

/// Compares elements as they are. Scalars: a set of [`outcome`]s, then the dimensions of a row.
pub fn plain<T: Element + PartialOrd>(step: &Step<'_>) -> Option<()> {
    let (relation, dimensions) = step.param_list().split_first()?;
    binary(step, dimensions, |a: T, b: T| holds(*relation, a.partial_cmp(&b)))
}

/// The larger of two elements. Scalars: the dimensions of a row.
pub fn maximum<T: Element + PartialOrd>(step: &Step<'_>) -> Option<()> {
    binary(step, step.param_list(), |a: T, b: T| if a > b { a } else { b })
}

/// The smaller of two elements. Scalars: the dimensions of a row.
pub fn minimum<T: Element + PartialOrd>(step: &Step<'_>) -> Option<()> {
    binary(step, step.param_list(), |a: T, b: T| if a < b { a } else { b })
}

/// The second or the third input, as the first says. Scalars: the dimensions of a row.
pub fn select<T: Element>(step: &Step<'_>) -> Option<()> {
    for y in step.output_rows()? {
        let out = step.output_row(0, y)?;
        let (condition, a, b) = (row(step.input(0)?, y)?, row(step.input(1)?, y)?, row(step.input(2)?, y)?);
        walk(step.param_list(), |i, [at, at_a, at_b]| {
            let chosen = if u8::get(condition, at)? != 0 { T::get(a, at_a)? } else { T::get(b, at_b)? };
            T::set(out, i, chosen)
        })?;
    }
    Some(())
}
