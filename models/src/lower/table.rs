//! Functions of a byte, as TensorFlow Lite Micro computes them element by element. Here they are computed once for each of
//! the 256 values.

use super::lowering::Lowering;
use super::operators::rectifier_bounds;
use super::{Error, scale};
use crate::graph::{DType, Node, TensorId, Unary};
use tinderbox_runtime::kernels::lookup::ENTRIES;
use tinderbox_runtime::kernels::mul::Rectifier;
use tinderbox_runtime::kernels::quantize::Requantize;
use tinderbox_runtime::numeric::fixed::{Q, logistic, tanh};
use tinderbox_runtime::numeric::sqrt::inverse_sqrt;
use tinderbox_runtime::numeric::{Integer, Multiplier, rounding_shift_right};

/// The quantization of a tensor of bytes. Unsigned ones are seen as signed, with the zero point moved as they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) scale: f32,
    pub(super) zero_point: i32,
    /// What turns the stored byte into the signed one.
    flip: u8,
}

impl Format {
    pub(super) fn of(lowering: &Lowering<'_>, node: &Node, tensor: TensorId) -> Result<Self, Error> {
        let (scale, zero_point) = lowering.scale_of(node, tensor)?;
        match lowering.tensor(tensor).dtype {
            DType::I8 => Ok(Self { scale, zero_point, flip: 0 }),
            DType::U8 => Ok(Self { scale, zero_point: zero_point - 128, flip: 0x80 }),
            _ => Err(lowering.unsupported_type(node, tensor)),
        }
    }

    /// The number that a stored byte is.
    pub(super) fn signed(&self, byte: u8) -> i8 {
        (byte ^ self.flip) as i8
    }

    /// The byte to store.
    pub(super) fn byte(&self, signed: i8) -> u8 {
        signed as u8 ^ self.flip
    }
}

/// A function of a signed byte.
type Function = Box<dyn Fn(i8) -> i8>;

/// `kind` from `x` to `y`, or why there is none.
pub(super) fn function(kind: Unary, x: Format, y: Format) -> Result<Function, &'static str> {
    Ok(match kind {
        Unary::Abs => abs(x, y),
        Unary::Elu => real(x, y, |v| if v < 0.0 { exp(v) - 1.0 } else { v }),
        Unary::Exp => real(x, y, exp),
        Unary::Gelu { approximate: false } => {
            real(x, y, |v| 0.5 * v * libm::erfcf(v * -std::f32::consts::FRAC_1_SQRT_2))
        }
        Unary::Gelu { approximate: true } => real(x, y, |v| {
            let slope = (std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2) as f32;
            0.5 * v * (1.0 + (slope * (v + 0.044715 * v * v * v)).tanh())
        }),
        Unary::HardSwish => {
            hard_swish(x, y).ok_or("the output's scale must not be smaller than 1/128 of the input's")?
        }
        Unary::LeakyRelu { alpha } => {
            let params = leaky_relu((x.scale, x.zero_point), (y.scale, y.zero_point), alpha);
            Box::new(move |q| params.element(q, 1))
        }
        Unary::Log => real(x, y, |v| f64::from(v).ln() as f32),
        Unary::Logistic => sigmoid(x, |q| rounding_shift_right(logistic(q).0, 23) - 128),
        Unary::Tanh => sigmoid(x, |q| rounding_shift_right(tanh::<4, 5>(q).0, 24)),
        Unary::Rsqrt => rsqrt(x, y),
        _ => {
            let bounds = rectifier_bounds(kind).ok_or("there is a kernel for FLOAT32 only")?;
            let (min, max) = scale::quantized_bounds(bounds, y.scale, y.zero_point, DType::I8);
            requantize(x, y, min, max)
        }
    })
}

/// Scalars of a rectifier with the slope `alpha`, between scales and zero points.
pub(super) fn leaky_relu(x: (f32, i32), y: (f32, i32), alpha: f32) -> Rectifier {
    let positive = scale::multiplier(f64::from(x.0) / f64::from(y.0));
    let negative = scale::multiplier(f64::from(x.0) * f64::from(alpha.abs()) / f64::from(y.0));
    Rectifier {
        input_zero_point: x.1,
        alpha_zero_point: 0,
        multiplier: positive.multiplier,
        shift: positive.shift,
        alpha_multiplier: if alpha < 0.0 { -negative.multiplier } else { negative.multiplier },
        alpha_shift: negative.shift,
        output_zero_point: y.1,
    }
}

/// Another scale and zero point, between bounds.
pub(super) fn requantize(x: Format, y: Format, min: i32, max: i32) -> Function {
    let Multiplier { multiplier, shift } = scale::multiplier(f64::from(x.scale) / f64::from(y.scale));
    let (input_zero_point, output_zero_point) = (x.zero_point, y.zero_point);
    let params = Requantize { input_zero_point, multiplier, shift, output_zero_point, min, max };
    Box::new(move |q| params.element(q.into()))
}

/// The size; here TensorFlow Lite Micro divides scales in single precision.
fn abs(x: Format, y: Format) -> Function {
    let ratio = scale::multiplier(f64::from(x.scale / y.scale));
    Box::new(move |q| {
        let size = (i32::from(q) - x.zero_point).abs();
        let scaled = if x.scale == y.scale { size } else { ratio.apply(size) };
        i8::saturated(scaled + y.zero_point)
    })
}

/// The exponential, rounded once: the same on every machine.
fn exp(x: f32) -> f32 {
    f64::from(x).exp() as f32
}

/// A function of real numbers, in single precision. What is not a number is the smallest one.
fn real(x: Format, y: Format, f: impl Fn(f32) -> f32 + 'static) -> Function {
    let inverse = 1.0 / y.scale;
    Box::new(move |q| {
        let value = f(x.scale * (i32::from(q) - x.zero_point) as f32);
        if value.is_nan() { i8::MIN } else { i8::saturated(((value * inverse).round() + y.zero_point as f32) as i32) }
    })
}

/// A function of the argument as Q4.27 that stays in bounds beyond +-16.
fn sigmoid(x: Format, f: impl Fn(Q<4>) -> i32 + 'static) -> Function {
    const BITS: i32 = 4;
    const ONE: f64 = (1 << (31 - BITS)) as f64;
    let scale = f64::from(x.scale) * ONE;
    let (_, shift) = scale::split(scale);
    let radius = (15.0 * ONE / f64::from(shift).exp2()).floor() as i32;
    let scale = scale::multiplier(scale);
    Box::new(move |q| match i32::from(q) - x.zero_point {
        small if small <= -radius => i8::MIN,
        large if large >= radius => i8::MAX,
        value => i8::saturated(f(Q(scale.apply(value)))),
    })
}

/// The inverse square root; of zero, the largest number, and so of what is negative and has none.
fn rsqrt(x: Format, y: Format) -> Function {
    const SHIFT: i32 = 20;
    let scale = scale::multiplier(1.0 / f64::from(x.scale.sqrt() * y.scale));
    let scale = Multiplier { shift: scale.shift - SHIFT, ..scale };
    Box::new(move |q| {
        let value = i32::from(q) - x.zero_point;
        if value <= 0 {
            return i8::MAX;
        }
        let inverse = inverse_sqrt(value);
        let root = Multiplier { shift: inverse.shift + SHIFT, ..inverse }.apply(1);
        i8::saturated(scale.apply(root).saturating_add(y.zero_point))
    })
}

/// `x * relu6(x + 3) / 6` in 16-bit fixed point.
fn hard_swish(x: Format, y: Format) -> Option<Function> {
    let fine = 1.0 / 128.0 * x.scale;
    let output = scale::multiplier(f64::from(fine / y.scale));
    let relu = scale::multiplier(f64::from(fine / (3.0 / 32768.0)));
    if output.shift > 0 {
        return None;
    }
    let (output_short, relu_short) = (short(output.multiplier), short(relu.multiplier));
    Some(Box::new(move |q| {
        let input = ((i32::from(q) - x.zero_point) * 128) as i16;
        let scaled = high_mul(input, output_short);
        let mut gate = input;
        if relu.shift > 0 {
            gate = shift_left(gate, relu.shift - 1);
        }
        gate = high_mul(gate, relu_short);
        if relu.shift > 0 {
            gate = shift_left(gate, 1);
        } else {
            gate = short_shift_right(gate, -relu.shift as u32);
        }
        // From -1..1 to 0..1.
        let gate = (i32::from(gate) + (1 << 15)) >> 1;
        let product = (gate * i32::from(scaled) / (1 << 15)) as i16;
        i8::saturated(i32::from(short_shift_right(product, -output.shift as u32)) + y.zero_point)
    }))
}

/// The upper half of a multiplier, rounded.
fn short(multiplier: i32) -> i16 {
    if multiplier >= i32::MAX - (1 << 15) { i16::MAX } else { ((multiplier + (1 << 15)) >> 16) as i16 }
}

/// `round(2ab / 2^16)`; the nudge is as of [`tinderbox_runtime::numeric::doubling_high_mul`].
fn high_mul(a: i16, b: i16) -> i16 {
    let product = i32::from(a) * i32::from(b);
    let nudge = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
    i16::saturated((product + nudge) / (1 << 15))
}

/// gemmlowp's `RoundingDivideByPOT` of 16 bits. Beyond 15, its mask has all bits, and what is not negative gives 1.
fn short_shift_right(x: i16, bits: u32) -> i16 {
    let mask = ((1i64 << bits) - 1) as i16;
    let threshold = (mask >> 1) + i16::from(x < 0);
    (x >> bits.min(15)) + i16::from(x & mask > threshold)
}

fn shift_left(x: i16, bits: i32) -> i16 {
    i16::saturated(i32::from(x).saturating_mul(1 << bits.min(16)))
}

/// The logistic function at 0, 1/24 and so on to 255/24 as Q0.16, each moved by half of what a chord lies below it.
pub(super) fn sigmoid_table() -> Vec<u8> {
    let at = |x: f64| 65536.0 / (1.0 + (-x / 24.0).exp());
    let entry = |i: u16| {
        let i = f64::from(i);
        (at(i) + (at(i + 0.5) - (at(i) + at(i + 1.0)) / 2.0) / 2.0).round() as u16
    };
    (0..255).map(entry).chain([u16::MAX]).flat_map(u16::to_le_bytes).collect()
}

/// A table of `f` for `low` + 1/512 of the way to `high` each, with 32768 as the `unit`: TensorFlow Lite's `LUTPopulate` for
/// int16.
pub(super) fn interpolation_table(low: f32, high: f32, f: impl Fn(f32) -> f32) -> Vec<u8> {
    let steps = ENTRIES - 1;
    let step = (high - low) / steps as f32;
    let at = |i: f32| f(i) * 32768.0;
    let entry = |i: usize| {
        let x = low + i as f32 * step;
        let next = low + (i + 1) as f32 * step;
        let sample = at(x).round();
        let chord = ((at(next) + sample) / 2.0).round();
        let bias = ((chord - at(x + step / 2.0).round()) / 2.0).round();
        (sample - bias) as i16
    };
    (0..steps).map(entry).chain([at(high).round() as i16]).flat_map(i16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values are TFLM's.
    fn values(kind: Unary, x: f32, y: (f32, i32)) -> Vec<i8> {
        let format = |(scale, zero_point)| Format { scale, zero_point, flip: 0 };
        let f = function(kind, format((x, 0)), format(y)).unwrap();
        [-128, -1, 0, 1, 127].map(f).to_vec()
    }

    #[test]
    fn sigmoids_of_large_steps_have_nothing_between_the_ends() {
        assert_eq!(values(Unary::Logistic, 6662.8706, (1.0 / 256.0, -128)), [-128, -128, -128, 127, 127]);
        assert_eq!(values(Unary::Tanh, 9.0, (1.0 / 128.0, 0)), [-128, -128, -128, 127, 127]);
    }

    #[test]
    fn hard_swish_to_large_steps_shifts_by_more_than_16_bits() {
        assert_eq!(values(Unary::HardSwish, 1.0, (27652.0, 0)), [1, -1, 1, 1, 1]);
    }
}
