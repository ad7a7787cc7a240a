//! Changes of number format.

use crate::graph::{DType, Node};
use crate::lower::lowering::Lowering;
use crate::lower::{Error, rows_of, scale};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::quantize::{Affine, Requantize};

/// Lowers `QUANTIZE`, from float or from another scale.
pub(super) fn quantize(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    let (from, to) = (lowering.tensor(input), lowering.tensor(output));
    let (output_scale, output_zero_point) = lowering.scale_of(node, output)?;
    let (kernel, params) = match (from.dtype, to.dtype) {
        (DType::F32, DType::I8) => {
            let params = Affine { scale: output_scale.to_bits() as i32, zero_point: output_zero_point };
            (abi::QUANTIZE_F32_S8, params.words().to_vec())
        }
        (DType::I8, DType::I8) => {
            let (input_scale, input_zero_point) = lowering.scale_of(node, input)?;
            let factor = scale::multiplier(f64::from(input_scale) / f64::from(output_scale));
            let (multiplier, shift) = (factor.multiplier, factor.shift);
            let params = Requantize { input_zero_point, multiplier, shift, output_zero_point };
            (abi::REQUANTIZE_S8, params.words().to_vec())
        }
        (from, to) => return Err(Error::unsupported(node, format!("from {from:?} to {to:?}"))),
    };
    convert(lowering, node, kernel, &params, true);
    Ok(())
}

/// Lowers `DEQUANTIZE`.
pub(super) fn dequantize(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    lowering.expect_type(node, input, DType::I8)?;
    lowering.expect_type(node, output, DType::F32)?;
    let (scale, zero_point) = lowering.scale_of(node, input)?;
    let params = Affine { scale: scale.to_bits() as i32, zero_point };
    convert(lowering, node, abi::DEQUANTIZE_S8, &params.words(), false);
    Ok(())
}

/// A node that changes elements one by one. `shrinks`: no element grows, so that the output may replace the input.
fn convert(lowering: &mut Lowering<'_>, node: &Node, kernel: abi::Named, params: &[i32], shrinks: bool) {
    let (Some(input), output) = (node.inputs[0], node.outputs[0]) else { return };
    let (from, to) = (rows_of(lowering.tensor(input)), rows_of(lowering.tensor(output)));
    let layer = lowering
        .layer(node, kernel, to.rows)
        .reads(input, from, |y| y..y + 1)
        .writes(output, to, |y| y..y + 1)
        .params(params.iter().copied());
    let layer = if shrinks { layer.in_place(0) } else { layer };
    layer.finish();
}
