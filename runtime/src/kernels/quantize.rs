//! Between floats and integers, and from one scale to another.

use crate::arena::Element;
use crate::numeric::{Multiplier, clamp_s8, round_f32};
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
    }
}

/// Scalars: [`Affine`].
pub fn dequantize_s8(step: &Step<'_>) -> Option<()> {
    let p = Affine::read(step)?;
    let scale = f32::from_bits(p.scale as u32);
    for y in step.output_rows()? {
        let (x, out) = (step.input(0)?.get(y)?, step.output(0)?.get(y)?);
        for (i, x) in x.iter().enumerate() {
            f32::set(out, i, scale * (i32::from(x.get() as i8) - p.zero_point) as f32)?;
        }
    }
    Some(())
}

/// Scalars: [`Affine`].
pub fn quantize_f32_s8(step: &Step<'_>) -> Option<()> {
    let p = Affine::read(step)?;
    let scale = f32::from_bits(p.scale as u32);
    for y in step.output_rows()? {
        let (x, out) = (step.input(0)?.get(y)?, step.output(0)?.get(y)?);
        for (i, out) in out.iter().enumerate() {
            let q = round_f32(f32::get(x, i)? / scale).saturating_add(p.zero_point);
            out.set(clamp_s8(q, i32::from(i8::MIN), i32::from(i8::MAX)) as u8);
        }
    }
    Some(())
}

/// Scalars: [`Requantize`].
pub fn requantize_s8(step: &Step<'_>) -> Option<()> {
    let p = Requantize::read(step)?;
    let scale = Multiplier { multiplier: p.multiplier, shift: p.shift };
    for y in step.output_rows()? {
        let (x, out) = (step.input(0)?.get(y)?, step.output(0)?.get(y)?);
        for (x, out) in x.iter().zip(out) {
            let q = scale.apply(i32::from(x.get() as i8) - p.input_zero_point).wrapping_add(p.output_zero_point);
            out.set(clamp_s8(q, i32::from(i8::MIN), i32::from(i8::MAX)) as u8);
        }
    }
    Some(())
}
