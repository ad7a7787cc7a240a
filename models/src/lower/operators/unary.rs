//! Functions of one element.

use super::movement;
use crate::graph::{Activation, DType, Node, Unary};
use crate::lower::lowering::Lowering;
use crate::lower::table::{Format, function, leaky_relu, sigmoid_table};
use crate::lower::{Error, scale};
use crate::passes::Pass;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::float::{Clamp, Factor};
use tinderbox_runtime::kernels::lookup::Sigmoid;
use tinderbox_runtime::kernels::quantize::Requantize;

/// Lowers a function: a table for bytes, a kernel of its own for other types.
pub(super) fn unary(lowering: &mut Lowering<'_>, node: &Node, kind: Unary) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    match lowering.tensor(input).dtype {
        DType::I8 | DType::U8 => {
            let (x, y) = (Format::of(lowering, node, input)?, Format::of(lowering, node, node.outputs[0])?);
            let f = function(kind, x, y).map_err(|what| Error::unsupported(node, what))?;
            table(lowering, node, 0, |byte| y.byte(f(x.signed(byte))));
            Ok(())
        }
        DType::I16 => int16(lowering, node, kind),
        DType::F32 => float(lowering, node, kind),
        _ => Err(lowering.unsupported_type(node, input)),
    }
}

/// A function of the int8 input `i`.
pub(super) fn lookup(lowering: &mut Lowering<'_>, node: &Node, i: usize, f: impl Fn(i8) -> i8) {
    table(lowering, node, i, |byte| f(byte as i8) as u8);
}

/// A function of the bytes of input `i`.
pub(super) fn table(lowering: &mut Lowering<'_>, node: &Node, i: usize, f: impl Fn(u8) -> u8) {
    let values: Vec<u8> = (0..=u8::MAX).map(f).collect();
    let same = (0..=u8::MAX).eq(values.iter().copied());
    if let (true, Some(Some(input))) = (same, node.inputs.get(i))
        && lowering.apply(Pass::Identities, 1)
    {
        return movement::alias(lowering, *input, node.outputs[0]);
    }
    lowering.rows_alike(node, i, abi::LOOKUP_8).weights(values).finish();
}

fn int16(lowering: &mut Lowering<'_>, node: &Node, kind: Unary) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    let (input_scale, input_zero_point) = lowering.scale_of(node, input)?;
    let (output_scale, output_zero_point) = lowering.scale_of(node, output)?;
    let factor = scale::multiplier(f64::from(input_scale) / f64::from(output_scale));
    let (multiplier, shift) = (factor.multiplier, factor.shift);
    match kind {
        Unary::Logistic | Unary::Tanh => {
            let is_tanh = kind == Unary::Tanh;
            let (multiplier, shift) = scale::sigmoid_multiplier(input_scale, if is_tanh { 1 } else { 0 });
            let kernel = if is_tanh { abi::TANH_S16 } else { abi::LOGISTIC_S16 };
            let layer = lowering.rows_alike(node, 0, kernel);
            layer.params(Sigmoid { multiplier, shift }.words()).weights(sigmoid_table()).finish();
        }
        Unary::LeakyRelu { alpha } => {
            let params = leaky_relu((input_scale, input_zero_point), (output_scale, output_zero_point), alpha);
            lowering.rows_alike(node, 0, abi::LEAKY_RELU_S16).params(params.words()).finish();
        }
        _ => {
            let bounds = rectifier_bounds(kind).ok_or_else(|| lowering.unsupported_type(node, input))?;
            let (min, max) = scale::quantized_bounds(bounds, output_scale, output_zero_point, DType::I16);
            let params = Requantize { input_zero_point, multiplier, shift, output_zero_point, min, max };
            lowering.rows_alike(node, 0, abi::REQUANTIZE_S16_S16).params(params.words()).finish();
        }
    }
    Ok(())
}

fn float(lowering: &mut Lowering<'_>, node: &Node, kind: Unary) -> Result<(), Error> {
    let kernel = match kind {
        Unary::Abs => abi::ABS_F32,
        Unary::Ceil => abi::CEIL_F32,
        Unary::Elu => abi::ELU_F32,
        Unary::Exp => abi::EXP_F32,
        Unary::Floor => abi::FLOOR_F32,
        Unary::Gelu { approximate: false } => abi::GELU_F32,
        Unary::Gelu { approximate: true } => abi::GELU_APPROXIMATE_F32,
        Unary::HardSwish => abi::HARD_SWISH_F32,
        Unary::LeakyRelu { .. } => abi::LEAKY_RELU_F32,
        Unary::Log => abi::LOG_F32,
        Unary::Logistic => abi::LOGISTIC_F32,
        Unary::Neg => abi::NEG_F32,
        Unary::Relu | Unary::Relu0To1 | Unary::Relu6 | Unary::ReluN1To1 => abi::RELU_F32,
        Unary::Round => abi::ROUND_F32,
        Unary::Rsqrt => abi::RSQRT_F32,
        Unary::Sqrt => abi::SQRT_F32,
        Unary::Square => abi::SQUARE_F32,
        Unary::Tanh => abi::TANH_F32,
    };
    let params = match (kind, rectifier_bounds(kind)) {
        (_, Some((min, max))) => Clamp { min: min.to_bits() as i32, max: max.to_bits() as i32 }.words().to_vec(),
        (Unary::LeakyRelu { alpha }, _) => Factor { factor: alpha.to_bits() as i32 }.words().to_vec(),
        _ => vec![],
    };
    lowering.rows_alike(node, 0, kernel).params(params).finish();
    Ok(())
}

/// The bounds of a function that only clamps.
pub(in crate::lower) fn rectifier_bounds(kind: Unary) -> Option<(f32, f32)> {
    Some(match kind {
        Unary::Relu => scale::activation_bounds(Activation::Relu),
        Unary::Relu6 => scale::activation_bounds(Activation::Relu6),
        Unary::ReluN1To1 => scale::activation_bounds(Activation::ReluN1To1),
        Unary::Relu0To1 => (0.0, 1.0),
        _ => return None,
    })
}
