//! Fixed-point arithmetic exactly as TensorFlow Lite Micro's reference kernels do it.

pub mod fixed;
pub mod log;
pub mod sqrt;

use crate::arena::Element;

/// `round(a * b / 2^31)`, ties upwards: gemmlowp's `SaturatingRoundingDoublingHighMul`. (Its nudge and its truncating
/// division amount to this for negative products too.)
#[inline]
pub fn doubling_high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    rounded_high_mul(a, b)
}

/// As [`doubling_high_mul`], but for the one product that saturates.
#[inline]
fn rounded_high_mul(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b) + (1 << 30)) >> 31) as i32
}

/// `x / 2^exponent` rounded to nearest, ties away from zero: gemmlowp's `RoundingDivideByPOT`. `exponent` is 0..=31.
#[inline]
pub fn rounding_shift_right(x: i32, exponent: u32) -> i32 {
    let mask = (1u32.wrapping_shl(exponent) - 1) as i32;
    let threshold = (mask >> 1) + i32::from(x < 0);
    x.wrapping_shr(exponent) + i32::from(x & mask > threshold)
}

/// A positive real number as `multiplier * 2^(shift - 31)`, `multiplier` in 2^30..2^31 (or 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    /// Significand, Q0.31.
    pub multiplier: i32,
    /// Exponent; positive is a left shift.
    pub shift: i32,
}

impl Multiplier {
    /// `x` times this number, rounded twice: TensorFlow Lite's `MultiplyByQuantizedMultiplier`.
    #[inline]
    pub fn apply(self, x: i32) -> i32 {
        let left = self.shift.clamp(0, 31) as u32;
        let right = (-self.shift).clamp(0, 31) as u32;
        rounding_shift_right(rounded_high_mul(x.wrapping_shl(left), self.multiplier), right)
    }

    /// `x` times this number, whose significand is cut to 16 bits, rounded once: TensorFlow Lite's
    /// `MultiplyByQuantizedMultiplier` of 64-bit integers.
    #[inline]
    pub fn apply_wide(self, x: i64) -> i32 {
        let short = if self.multiplier < 0x7fff_0000 { (self.multiplier + (1 << 15)) >> 16 } else { 0x7fff };
        let right = (15 - self.shift).clamp(1, 62) as u32;
        (x.wrapping_mul(short.into()).wrapping_add(1 << (right - 1)) >> right) as i32
    }
}

/// Element types of quantized tensors, and int32.
pub trait Integer: Element + Into<i32> {
    /// `x` limited to bounds that this type holds.
    fn clamped(x: i32, min: i32, max: i32) -> Self;

    /// The nearest value of this type.
    fn saturated(x: i32) -> Self;
}

macro_rules! integer {
    ($($type:ty),*) => { $(
        impl Integer for $type {
            #[inline]
            fn clamped(x: i32, min: i32, max: i32) -> Self {
                // `min`/`max` instead of `clamp`: that panics where the bounds are crossed.
                x.max(min).min(max) as Self
            }

            #[inline]
            fn saturated(x: i32) -> Self {
                Self::clamped(x, Self::MIN as i32, Self::MAX as i32)
            }
        }
    )* };
}

integer!(i8, u8, i16, i32);

/// `x` limited to int8 bounds that lie in `min..=max`.
#[inline]
pub fn clamp_s8(x: i32, min: i32, max: i32) -> i8 {
    i8::clamped(x, min, max)
}

/// `x` rounded to nearest, ties away from zero; saturating.
#[inline]
pub fn round_f32(x: f32) -> i32 {
    let whole = x as i32;
    let rest = x - whole as f32;
    whole.saturating_add(i32::from(rest >= 0.5)).saturating_sub(i32::from(rest <= -0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_mul_rounds_to_nearest() {
        assert_eq!(doubling_high_mul(1 << 30, 1 << 30), 1 << 29);
        assert_eq!(doubling_high_mul(1, 1 << 30), 1);
        assert_eq!(doubling_high_mul(-1, 1 << 30), 0);
        assert_eq!(doubling_high_mul(-3, 1 << 30), -1);
        assert_eq!(doubling_high_mul(i32::MIN, i32::MIN), i32::MAX);
    }

    #[test]
    fn shift_rounds_ties_away_from_zero() {
        assert_eq!([5, -5, 6, -6, 7].map(|x| rounding_shift_right(x, 2)), [1, -1, 2, -2, 2]);
        assert_eq!(rounding_shift_right(-7, 0), -7);
        assert_eq!(rounding_shift_right(i32::MIN, 31), -1);
    }

    #[test]
    fn round_is_std_round() {
        for x in [0.5, -0.5, 1.5, -1.5, 0.499_999_97, 8_388_609.0, -2.5e9, f32::NAN] {
            assert_eq!(round_f32(x), x.round() as i32, "{x}");
        }
    }
}
