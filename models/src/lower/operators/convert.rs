//! Changes of number format.

use super::unary::table;
use crate::graph::{DType, Node};
use crate::lower::lowering::Lowering;
use crate::lower::table::{Format, requantize};
use crate::lower::{Error, rows_of, scale};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::cast::{Cast, code};
use tinderbox_runtime::kernels::quantize::{Affine, Requantize};

/// Lowers `QUANTIZE`, from float or from another scale.
pub(super) fn quantize(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    let kernel = match (lowering.tensor(input).dtype, lowering.tensor(output).dtype) {
        (DType::I8 | DType::U8, DType::I8 | DType::U8) => return bytes(lowering, node),
        (DType::F32, DType::I8) => return float(lowering, node, abi::QUANTIZE_F32_S8),
        (DType::F32, DType::U8) => return float(lowering, node, abi::QUANTIZE_F32_U8),
        (DType::F32, DType::I16) => return float(lowering, node, abi::QUANTIZE_F32_S16),
        (DType::I8, DType::I16) => abi::REQUANTIZE_S8_S16,
        (DType::I8, DType::I32) => abi::REQUANTIZE_S8_S32,
        (DType::I16, DType::I8) => abi::REQUANTIZE_S16_S8,
        (DType::I16, DType::I16) => abi::REQUANTIZE_S16_S16,
        (DType::I16, DType::I32) => abi::REQUANTIZE_S16_S32,
        (DType::I32, DType::I8) => abi::REQUANTIZE_S32_S8,
        (DType::I32, DType::I16) => abi::REQUANTIZE_S32_S16,
        (from, to) => return Err(Error::unsupported(node, format!("there is no kernel from {from} to {to}"))),
    };
    let (input_scale, input_zero_point) = lowering.scale_of(node, input)?;
    let (output_scale, output_zero_point) = lowering.scale_of(node, output)?;
    let factor = scale::multiplier(f64::from(input_scale) / f64::from(output_scale));
    let (multiplier, shift) = (factor.multiplier, factor.shift);
    let (min, max) = scale::range(lowering.tensor(output).dtype);
    let params = Requantize { input_zero_point, multiplier, shift, output_zero_point, min, max };
    lowering.rows_alike(node, 0, kernel).params(params.words()).finish();
    Ok(())
}

/// From bytes to bytes: a table.
fn bytes(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let x = Format::of(lowering, node, lowering.input(node, 0)?)?;
    let y = Format::of(lowering, node, node.outputs[0])?;
    let (min, max) = scale::range(DType::I8);
    let f = requantize(x, y, min, max);
    table(lowering, node, 0, |byte| y.byte(f(x.signed(byte))));
    Ok(())
}

/// From float.
fn float(lowering: &mut Lowering<'_>, node: &Node, kernel: abi::Named) -> Result<(), Error> {
    let (scale, zero_point) = lowering.scale_of(node, node.outputs[0])?;
    let params = Affine { scale: scale.to_bits() as i32, zero_point };
    lowering.rows_alike(node, 0, kernel).params(params.words()).finish();
    Ok(())
}

/// Lowers `DEQUANTIZE`.
pub(super) fn dequantize(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    lowering.expect_type(node, node.outputs[0], DType::F32)?;
    let kernel = match lowering.tensor(input).dtype {
        DType::I8 => abi::DEQUANTIZE_S8,
        DType::U8 => abi::DEQUANTIZE_U8,
        DType::I16 => abi::DEQUANTIZE_S16,
        DType::I32 => abi::DEQUANTIZE_S32,
        _ => return Err(lowering.unsupported_type(node, input)),
    };
    let (scale, zero_point) = lowering.scale_of(node, input)?;
    let params = Affine { scale: scale.to_bits() as i32, zero_point };
    lowering.rows_alike(node, 0, kernel).params(params.words()).finish();
    Ok(())
}

/// Lowers `CAST`.
pub(super) fn cast(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let (x, y) = (lowering.tensor(lowering.input(node, 0)?), lowering.tensor(node.outputs[0]));
    let kernel = match (x.dtype, y.dtype) {
        (DType::F32, DType::F32) => abi::COPY,
        (DType::F32, _) => abi::CAST_FROM_F32,
        (_, DType::F32) => abi::CAST_TO_F32,
        _ => abi::CAST,
    };
    let elements = rows_of(y).row_bytes / y.dtype.bytes();
    let params = Cast { elements: elements as i32, from: type_code(x.dtype), to: type_code(y.dtype) };
    lowering.rows_alike(node, 0, kernel).params(params.words()).finish();
    Ok(())
}

fn type_code(dtype: DType) -> i32 {
    match dtype {
        DType::I8 => code::I8,
        DType::U8 => code::U8,
        DType::I16 => code::I16,
        DType::I32 | DType::F32 => code::I32,
        DType::I64 => code::I64,
        DType::Bool => code::BOOL,
    }
}
