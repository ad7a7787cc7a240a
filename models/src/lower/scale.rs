//! Real scales as the fixed-point numbers that TensorFlow Lite Micro computes from them.

use crate::graph::Activation;
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
fn split(real: f64) -> (f64, i32) {
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
    activation_range(activation, scale, zero_point, i8::MIN.into(), i8::MAX.into())
}

/// As [`activation_range_s8`], for integers from `lowest` to `highest`.
pub fn activation_range(activation: Activation, scale: f32, zero_point: i32, lowest: i32, highest: i32) -> (i32, i32) {
    let quantized = |real: f32| zero_point.saturating_add((real / scale).round() as i32);
    let above = |real| lowest.max(quantized(real));
    let below = |real| highest.min(quantized(real));
    match activation {
        Activation::None => (lowest, highest),
        Activation::Relu => (above(0.0), highest),
        Activation::Relu6 => (above(0.0), below(6.0)),
        Activation::ReluN1To1 => (above(-1.0), below(1.0)),
    }
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
