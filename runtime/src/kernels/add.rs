//! Sums and differences of tensors with different scales.

use super::elementwise::binary;
use crate::numeric::{Integer, Multiplier};
use crate::step::Step;

super::params! {
    /// Scalars of an operator that brings its inputs to one scale: twice the larger of theirs, over a power of two.
    Add {
        /// Zero point of the first input.
        a_zero_point,
        /// Scale of the first input over twice the larger input scale.
        a_multiplier,
        /// Its exponent.
        a_shift,
        /// Zero point of the second input.
        b_zero_point,
        /// Scale of the second input over twice the larger input scale.
        b_multiplier,
        /// Its exponent.
        b_shift,
        /// Bits by which inputs are scaled up.
        left_shift,
        /// The scale of what is computed over the output scale.
        output_multiplier,
        /// Its exponent.
        output_shift,
        /// Zero point of the output.
        output_zero_point,
        /// Smallest output, activation included.
        min,
        /// Largest output.
        max,
    }
}

impl Add {
    /// `combine` of both inputs on their common scale.
    #[inline]
    pub fn element<T: Integer>(&self, a: T, b: T, combine: impl Fn(i32, i32) -> i32) -> T {
        let scaled = |x: T, zero_point: i32, multiplier: i32, shift: i32| {
            let x: i32 = x.into();
            Multiplier { multiplier, shift }.apply((x - zero_point).wrapping_shl(self.left_shift as u32))
        };
        let a = scaled(a, self.a_zero_point, self.a_multiplier, self.a_shift);
        let b = scaled(b, self.b_zero_point, self.b_multiplier, self.b_shift);
        let output = Multiplier { multiplier: self.output_multiplier, shift: self.output_shift };
        T::clamped(output.apply(combine(a, b)).wrapping_add(self.output_zero_point), self.min, self.max)
    }
}

/// The square of a difference.
#[inline]
pub fn squared_difference(a: i32, b: i32) -> i32 {
    let difference = a.wrapping_sub(b);
    difference.wrapping_mul(difference)
}

/// Addition. Scalars: [`Add`], then the dimensions of a row (see [`super::elementwise`]).
pub fn add<T: Integer>(step: &Step<'_>) -> Option<()> {
    combined::<T>(step, i32::wrapping_add)
}

/// Subtraction. Scalars as of [`add`].
pub fn sub<T: Integer>(step: &Step<'_>) -> Option<()> {
    combined::<T>(step, i32::wrapping_sub)
}

/// Squared difference. Scalars as of [`add`].
pub fn square_difference<T: Integer>(step: &Step<'_>) -> Option<()> {
    combined::<T>(step, squared_difference)
}

#[inline]
fn combined<T: Integer>(step: &Step<'_>, combine: impl Fn(i32, i32) -> i32) -> Option<()> {
    let p = Add::read(step)?;
    binary(step, step.param_list().get(Add::FIELDS.len()..)?, |a: T, b| p.element(a, b, &combine))
}
