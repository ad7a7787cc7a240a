//! Addition of quantized tensors with different scales.

use super::elementwise::binary_s8;
use crate::numeric::{Multiplier, clamp_s8};
use crate::step::Step;

super::params! {
    /// Scalars of an addition. Inputs are scaled up by 2^20 before their multipliers.
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
        /// Twice the larger input scale over 2^20 output scales.
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

/// Bits by which inputs are scaled up.
pub const LEFT_SHIFT: u32 = 20;

/// One element.
#[inline]
pub fn element(p: &Add, a: i8, b: i8) -> i8 {
    let scaled = |x: i8, zero_point: i32, multiplier: i32, shift: i32| {
        Multiplier { multiplier, shift }.apply((i32::from(x) - zero_point).wrapping_shl(LEFT_SHIFT))
    };
    let a = scaled(a, p.a_zero_point, p.a_multiplier, p.a_shift);
    let b = scaled(b, p.b_zero_point, p.b_multiplier, p.b_shift);
    let output = Multiplier { multiplier: p.output_multiplier, shift: p.output_shift };
    clamp_s8(output.apply(a.wrapping_add(b)).wrapping_add(p.output_zero_point), p.min, p.max)
}

/// Scalars: [`Add`], then the dimensions of a row (see [`binary_s8`]).
pub fn s8(step: &Step<'_>) -> Option<()> {
    let p = Add::read(step)?;
    binary_s8(step, step.param_list().get(Add::FIELDS.len()..)?, |a, b| Some(element(&p, a, b)))
}
