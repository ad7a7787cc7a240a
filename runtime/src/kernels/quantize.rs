//! Between floats and integers, and from one scale to another.

use super::elementwise::unary;
use crate::numeric::{Integer, Multiplier, round_f32};
use crate::step::Step;

super::params! {
    /// Scalars of a conversion between floats and integers.
    Affine {
        /// Scale, the bits of an f32.
        scale,
        /// Zero point.
        zero_point,
    }
}

super::params! {
    /// Scalars of a change of scale.
    Requantize {
        /// Zero point of the input.
        input_zero_point,
        /// Input scale over output scale.
        multiplier,
        /// Its exponent.
        shift,
        /// Zero point of the output.
        output_zero_point,
        /// Smallest output.
        min,
        /// Largest output.
        max,
    }
}

impl Requantize {
    /// One element.
    #[inline]
    pub fn element<T: Integer>(&self, x: i32) -> T {
        let scale = Multiplier { multiplier: self.multiplier, shift: self.shift };
        let scaled = scale.apply(x.wrapping_sub(self.input_zero_point));
        T::clamped(scaled.wrapping_add(self.output_zero_point), self.min, self.max)
    }
}

/// Scalars: [`Affine`].
pub fn dequantize<T: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Affine::read(step)?;
    let scale = f32::from_bits(p.scale as u32);
    unary(step, |x: T| {
        let x: i32 = x.into();
        scale * x.wrapping_sub(p.zero_point) as f32
    })
}

/// Scalars: [`Affine`].
pub fn quantize<T: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Affine::read(step)?;
    let scale = f32::from_bits(p.scale as u32);
    unary(step, |x: f32| T::saturated(round_f32(x / scale).saturating_add(p.zero_point)))
}

/// Scalars: [`Requantize`].
pub fn requantize<T: Integer, U: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Requantize::read(step)?;
    unary(step, |x: T| p.element::<U>(x.into()))
}
