//! Real scales as the fixed-point numbers that TensorFlow Lite Micro computes from them.

use crate::graph::{Activation, DType};
use tinderbox_runtime::numeric::Multiplier;

/// A real number as significand and exponent: TensorFlow Lite's `QuantizeMultiplier`.
pub fn multiplier(real: f64) -> Multiplier {
    if real == 0.0 || !real.is_finite() {
        return Multiplier { multiplier: 0, shift: 0 };
    }
    let (significand, mut shift) = split(real);
    let mut fixed = (significand * (1i64 << 31) as f64).round() as i64;
    if fixed == 1 << 31 {
        fixed /= 2;
        shift += 1;
    }
    match shift {
        ..-31 => Multiplier { multiplier: 0, shift: 0 },
        31.. => Multiplier { multiplier: i32::MAX, shift: 30 },
        _ => Multiplier { multiplier: fixed as i32, shift },
    }
}

/// `real = significand * 2^exponent` with the significand in [1/2, 1): C's `frexp` for positive numbers.
pub(super) fn split(real: f64) -> (f64, i32) {
    let mut exponent = 0;
    let mut significand = real;
    while significand >= 1.0 {
        significand /= 2.0;
        exponent += 1;
    }
    while significand < 0.5 {
        significand *= 2.0;
        exponent -= 1;
    }
    (significand, exponent)
}

/// The int8 bounds of a fused activation: TensorFlow Lite's `CalculateActivationRangeQuantized`.
pub fn activation_range_s8(activation: Activation, scale: f32, zero_point: i32) -> (i32, i32) {
    activation_range(activation, scale, zero_point, DType::I8)
}

/// As [`activation_range_s8`], for any integer type.
pub fn activation_range(activation: Activation, scale: f32, zero_point: i32, dtype: DType) -> (i32, i32) {
    quantized_bounds(activation_bounds(activation), scale, zero_point, dtype)
}

/// The real bounds of a fused activation.
pub fn activation_bounds(activation: Activation) -> (f32, f32) {
    match activation {
        Activation::None => (f32::NEG_INFINITY, f32::INFINITY),
        Activation::Relu => (0.0, f32::INFINITY),
        Activation::Relu6 => (0.0, 6.0),
        Activation::ReluN1To1 => (-1.0, 1.0),
    }
}

/// Real bounds as quanta, as far as the type holds them.
pub fn quantized_bounds((min, max): (f32, f32), scale: f32, zero_point: i32, dtype: DType) -> (i32, i32) {
    let quantized = |real: f32| zero_point.saturating_add((real / scale).round() as i32);
    let (lowest, highest) = range(dtype);
    (lowest.max(quantized(min)), highest.min(quantized(max)))
}

/// Smallest and largest number of a type, as far as an int32 holds them.
pub fn range(dtype: DType) -> (i32, i32) {
    match dtype {
        DType::I8 => (i8::MIN.into(), i8::MAX.into()),
        DType::U8 => (0, u8::MAX.into()),
        DType::I16 => (i16::MIN.into(), i16::MAX.into()),
        DType::Bool => (0, 1),
        DType::F32 | DType::I32 | DType::I64 => (i32::MIN, i32::MAX),
    }
}

/// Multiplier and right shift that bring an int16 input to units of 1/12288, as the logistic function's table has them. A
/// scale that is a power of two needs no rounding, if the shift to the left from 1/4096 is at most `largest_shift`.
pub fn sigmoid_multiplier(input_scale: f32, largest_shift: i32) -> (i32, i32) {
    let log = f64::from(input_scale).log2();
    let left = 12 + log.round() as i32;
    if (log - log.round()).abs() < 1e-3 && (0..=largest_shift).contains(&left) {
        return (3 << left, 0);
    }
    let (mut multiplier, mut shift) = (f64::from(input_scale) * 4096.0 * 3.0, 0);
    while multiplier <= 32767.0 / 2.0 && shift <= 30 {
        multiplier *= 2.0;
        shift += 1;
    }
    (multiplier as i32, shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_are_tflites() {
        assert_eq!(multiplier(1.0), Multiplier { multiplier: 1 << 30, shift: 1 });
        assert_eq!(multiplier(0.75), Multiplier { multiplier: 3 << 29, shift: 0 });
        assert_eq!(multiplier(1.0 - 1e-12), Multiplier { multiplier: 1 << 30, shift: 1 });
        assert_eq!(multiplier(1e-12), Multiplier { multiplier: 0, shift: 0 });
    }

    #[test]
    fn relu6_stops_at_six() {
        assert_eq!(activation_range_s8(Activation::Relu6, 0.05, -128), (-128, -8));
        assert_eq!(activation_range_s8(Activation::None, 0.05, 3), (-128, 127));
    }
}
