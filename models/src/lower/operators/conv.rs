//! Convolution and depthwise convolution.

use crate::graph::{Activation, DType, Node, Padding, Stride, TensorId};
use crate::lower::lowering::Lowering;
use crate::lower::requant::Requantization;
use crate::lower::window::{Geometry, Windows};
use crate::lower::{Algorithm, Error, Kernels, Variant, armv7em, scale};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::conv::Quantized;

/// A convolution, depthwise or not, ready for any kernel.
pub(in crate::lower) struct Convolution {
    pub(in crate::lower) input: TensorId,
    pub(in crate::lower) windows: Windows,
    pub(in crate::lower) input_zero_point: i32,
    /// Per output channel.
    pub(in crate::lower) channels: Vec<Channel>,
    /// As stored: \[out, height, width, in / groups\], or \[height, width, out\] if depthwise.
    pub(in crate::lower) weights: Vec<i8>,
    pub(in crate::lower) kind: Kind,
}

/// Which channels meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lower) enum Kind {
    /// Every output channel sees this many input channels.
    Grouped(usize),
    /// Every input channel has this many outputs of its own.
    Depthwise(usize),
}

/// One output channel.
#[derive(Clone, Copy, Debug)]
pub(in crate::lower) struct Channel {
    pub(in crate::lower) bias: i32,
    pub(in crate::lower) requantization: Requantization,
}

/// Lowers `CONV_2D`.
pub(super) fn conv_2d(
    lowering: &mut Lowering<'_>,
    node: &Node,
    stride: Stride,
    dilation: Stride,
    padding: Padding,
    activation: Activation,
) -> Result<(), Error> {
    let [_, h, w, group_in] = weights_shape(lowering, node)?;
    let geometry = Geometry { kernel: Stride { h, w }, stride, dilation, padding, extra: (0, 0) };
    lower(lowering, node, geometry, activation, Kind::Grouped(group_in))
}

/// Lowers `DEPTHWISE_CONV_2D`.
pub(super) fn depthwise(
    lowering: &mut Lowering<'_>,
    node: &Node,
    stride: Stride,
    dilation: Stride,
    padding: Padding,
    activation: Activation,
    multiplier: usize,
) -> Result<(), Error> {
    let [_, h, w, _] = weights_shape(lowering, node)?;
    let geometry = Geometry { kernel: Stride { h, w }, stride, dilation, padding, extra: (0, 0) };
    lower(lowering, node, geometry, activation, Kind::Depthwise(multiplier))
}

fn weights_shape(lowering: &Lowering<'_>, node: &Node) -> Result<[usize; 4], Error> {
    let weights = lowering.tensor(lowering.input(node, 1)?);
    weights.shape.as_slice().try_into().map_err(|_| Error::unsupported(node, "weights must have rank 4"))
}

fn lower(
    lowering: &mut Lowering<'_>,
    node: &Node,
    mut geometry: Geometry,
    activation: Activation,
    kind: Kind,
) -> Result<(), Error> {
    let (mut input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    if let Some(padded) = lowering.padded.get(&input) {
        (input, geometry.extra) = (padded.source, (padded.top, padded.left));
    }
    lowering.expect_type(node, input, DType::I8)?;
    lowering.expect_type(node, output, DType::I8)?;
    let windows = Windows::new(lowering.tensor(input), lowering.tensor(output), geometry)
        .ok_or_else(|| Error::unsupported(node, "a dimension is too large"))?;
    let (_, input_zero_point) = lowering.scale_of(node, input)?;
    let channels = channels(lowering, node, input, activation, windows.window.out_channels as usize)?;
    let weights = lowering.constant_input(node, 1)?.iter().map(|byte| *byte as i8).collect();
    let convolution = Convolution { input, windows, input_zero_point, channels, weights, kind };
    let mut variants = match lowering.kernels {
        Kernels::Armv7em => armv7em::variants(lowering, &convolution),
        Kernels::Portable => vec![],
    };
    variants.push(Variant::PORTABLE);
    match lowering.choose(variants) {
        Some(variant) if variant.algorithm != Algorithm::Portable => {
            armv7em::lower(lowering, node, &convolution, variant)
        }
        _ => portable(lowering, node, &convolution),
    }
    Ok(())
}

fn portable(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution) {
    let Convolution { input, windows, input_zero_point, channels, weights, kind } = convolution;
    let (kernel, last) = match kind {
        Kind::Grouped(channels) => (abi::CONV_2D_S8, *channels),
        Kind::Depthwise(multiplier) => (abi::DEPTHWISE_CONV_2D_S8, *multiplier),
    };
    let view = windows.output(1);
    let Requantization { zero_point: output_zero_point, min, max, .. } = channels[0].requantization;
    let words = |c: &Channel| [c.bias, c.requantization.scale.multiplier, c.requantization.scale.shift];
    lowering
        .layer(node, kernel, view.rows)
        .reads(*input, windows.input(1), |y| windows.rows(y))
        .writes(node.outputs[0], view, |y| y..y + 1)
        .params(windows.window.words())
        .params(Quantized { input_zero_point: *input_zero_point, output_zero_point, min, max }.words())
        .params([last as i32])
        .channels(channels.iter().flat_map(words).collect())
        .weights(weights.iter().map(|w| *w as u8).collect::<Vec<u8>>())
        .finish();
}

/// What becomes of the sums of every output channel. Scales are multiplied in double precision.
fn channels(
    lowering: &Lowering<'_>,
    node: &Node,
    input: TensorId,
    activation: Activation,
    count: usize,
) -> Result<Vec<Channel>, Error> {
    let (input_scale, _) = lowering.scale_of(node, input)?;
    let (output_scale, zero_point) = lowering.scale_of(node, node.outputs[0])?;
    let (min, max) = scale::activation_range_s8(activation, output_scale, zero_point);
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let scales = weights.quant.as_ref().map_or(&[][..], |q| &q.scales);
    let biases = biases(lowering, node, count)?;
    let channel = |i: usize| {
        let scale = *scales.get(i).or(scales.first())?;
        let real = f64::from(input_scale) * f64::from(scale) / f64::from(output_scale);
        let requantization = Requantization { scale: scale::multiplier(real), zero_point, min, max };
        Some(Channel { bias: biases[i], requantization })
    };
    let channels: Option<Vec<Channel>> = (0..count).map(channel).collect();
    channels.ok_or_else(|| Error::unsupported(node, format!("`{}` has no scale", weights.name)))
}

/// The int32 biases of `count` channels; zeros if there are none.
pub(in crate::lower) fn biases(lowering: &Lowering<'_>, node: &Node, count: usize) -> Result<Vec<i32>, Error> {
    let Some(Some(bias)) = node.inputs.get(2) else { return Ok(vec![0; count]) };
    lowering.expect_type(node, *bias, DType::I32)?;
    Ok(lowering.constant_input(node, 2)?.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
}
