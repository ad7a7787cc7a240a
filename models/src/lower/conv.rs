//! Convolution and depthwise convolution.

use super::window::{Geometry, Windows};
use super::{Error, Lowering, per_tensor, scale, unsupported};
use crate::graph::{Activation, DType, Node, Op, Stride, TensorId};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::conv::Quantized;

/// Lowers `CONV_2D`.
pub(super) fn conv_2d(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let Op::Conv2d { stride, dilation, padding, activation } = node.op else { return Ok(()) };
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let [_, h, w, group_in] = *weights.shape.as_slice() else {
        return Err(unsupported(node, "weights must have rank 4"));
    };
    let geometry = Geometry { kernel: Stride { h, w }, stride, dilation, padding, extra: (0, 0) };
    let bytes = lowering.constant_input(node, 1)?.to_vec();
    lower(lowering, node, geometry, activation, abi::CONV_2D_S8, group_in as i32, bytes)
}

/// Lowers `DEPTHWISE_CONV_2D`.
pub(super) fn depthwise(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let Op::DepthwiseConv2d { stride, dilation, padding, activation, multiplier } = node.op else { return Ok(()) };
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let [_, h, w, _] = *weights.shape.as_slice() else { return Err(unsupported(node, "weights must have rank 4")) };
    let geometry = Geometry { kernel: Stride { h, w }, stride, dilation, padding, extra: (0, 0) };
    let bytes = lowering.constant_input(node, 1)?.to_vec();
    lower(lowering, node, geometry, activation, abi::DEPTHWISE_CONV_2D_S8, multiplier as i32, bytes)
}

fn lower(
    lowering: &mut Lowering<'_>,
    node: &Node,
    mut geometry: Geometry,
    activation: Activation,
    kernel: abi::Named,
    last: i32,
    weights: Vec<u8>,
) -> Result<(), Error> {
    let (mut input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    if let Some(padded) = lowering.padded.get(&input) {
        (input, geometry.extra) = (padded.source, (padded.top, padded.left));
    }
    lowering.expect_type(node, input, DType::I8)?;
    lowering.expect_type(node, output, DType::I8)?;
    let windows = Windows::new(lowering.tensor(input), lowering.tensor(output), geometry)
        .ok_or_else(|| unsupported(node, "a dimension is too large"))?;
    let (_, input_zero_point) = per_tensor(node, lowering.tensor(input))?;
    let (output_scale, output_zero_point) = per_tensor(node, lowering.tensor(output))?;
    let (min, max) = scale::activation_range_s8(activation, output_scale, output_zero_point);
    let channels = channels(lowering, node, input, windows.window.out_channels as usize)?;
    let view = windows.output(1);
    lowering
        .layer(node, kernel, view.rows)
        .reads(input, windows.input(1), |y| windows.rows(y))
        .writes(output, view, |y| y..y + 1)
        .params(windows.window.words())
        .params(Quantized { input_zero_point, output_zero_point, min, max }.words())
        .params([last])
        .channels(channels)
        .weights(weights)
        .finish();
    Ok(())
}

/// Bias, multiplier and shift of every output channel. Scales are multiplied in double precision.
fn channels(lowering: &Lowering<'_>, node: &Node, input: TensorId, count: usize) -> Result<Vec<i32>, Error> {
    let (input_scale, _) = per_tensor(node, lowering.tensor(input))?;
    let (output_scale, _) = per_tensor(node, lowering.tensor(node.outputs[0]))?;
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let scales = weights.quant.as_ref().map_or(&[][..], |q| &q.scales);
    let biases = biases(lowering, node, count)?;
    let channel = |i: usize| {
        let scale = *scales.get(i).or(scales.first())?;
        let real = f64::from(input_scale) * f64::from(scale) / f64::from(output_scale);
        let scale = scale::multiplier(real);
        Some([biases[i], scale.multiplier, scale.shift])
    };
    let channels: Option<Vec<[i32; 3]>> = (0..count).map(channel).collect();
    Ok(channels.ok_or_else(|| unsupported(node, format!("`{}` has no scale", weights.name)))?.concat())
}

/// The int32 biases of `count` channels; zeros if there are none.
pub(super) fn biases(lowering: &Lowering<'_>, node: &Node, count: usize) -> Result<Vec<i32>, Error> {
    let Some(Some(bias)) = node.inputs.get(2) else { return Ok(vec![0; count]) };
    lowering.expect_type(node, *bias, DType::I32)?;
    Ok(lowering.constant_input(node, 2)?.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
}
