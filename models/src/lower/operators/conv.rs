//! Convolution, depthwise and transposed convolution.

use crate::graph::{Activation, DType, Node, Padding, Stride, TensorId};
use crate::lower::convolution::{Convolution, Kind};
use crate::lower::lowering::Lowering;
use crate::lower::product::{Format, Product, in_double, short_channels};
use crate::lower::window::{Geometry, Windows};
use crate::lower::{Algorithm, Error, Kernels, Variant, armv7em, host, sparse};
use crate::passes::Pass;
use tinderbox_runtime::abi::{self, Named};

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

/// Lowers `TRANSPOSE_CONV`: its windows are those of the convolution from output to input.
pub(super) fn transpose(
    lowering: &mut Lowering<'_>,
    node: &Node,
    stride: Stride,
    padding: Padding,
    activation: Activation,
) -> Result<(), Error> {
    let [_, h, w, channels] = weights_shape(lowering, node)?;
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    let geometry = Geometry::dense(Stride { h, w }, stride, padding);
    let windows = Windows::new(lowering.tensor(output), lowering.tensor(input), geometry).map(|w| w.inverted());
    let windows = windows.ok_or_else(|| Error::unsupported(node, "a dimension is too large"))?;
    let count = windows.window.out_channels as usize;
    let product = Product::new(lowering, node, input, activation, count, in_double)?;
    let kernel = match product.format {
        Format::S8 => abi::TRANSPOSE_CONV_S8,
        Format::S8W4 => abi::TRANSPOSE_CONV_S8W4,
        Format::S16 | Format::S16Narrow => abi::TRANSPOSE_CONV_S16,
        Format::F32 => abi::TRANSPOSE_CONV_F32,
    };
    portable(lowering, node, input, &windows, &product, kernel, channels);
    Ok(())
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
    let windows = Windows::new(lowering.tensor(input), lowering.tensor(output), geometry)
        .ok_or_else(|| Error::unsupported(node, "a dimension is too large"))?;
    let mut product = Product::new(lowering, node, input, activation, windows.window.out_channels as usize, in_double)?;
    // TensorFlow Lite Micro sums in 32 bits where there is a bias of no more; in this operator only.
    let narrow = node.inputs.get(2).copied().flatten().is_some_and(|bias| lowering.tensor(bias).dtype == DType::I32);
    if product.format == Format::S16 && narrow && matches!(kind, Kind::Grouped(_)) {
        product.format = Format::S16Narrow;
    }
    let (product, kind) = match kind {
        // Over a single channel it is an ordinary convolution; of floats the sums would have another order.
        Kind::Depthwise(_) if windows.window.in_channels == 1 && product.format != Format::F32 => {
            (product.transposed(windows.window.out_channels as usize), Kind::Grouped(1))
        }
        _ => (product, kind),
    };
    convolve(lowering, node, input, windows, &product, kind);
    Ok(())
}

/// Adds the node of a convolution.
pub(super) fn convolve(
    lowering: &mut Lowering<'_>,
    node: &Node,
    input: TensorId,
    windows: Windows,
    product: &Product,
    kind: Kind,
) {
    let convolution = Convolution::new(lowering, input, windows, product, kind);
    let mut variants = match (lowering.kernels, &convolution) {
        (Kernels::Armv7em, Some(convolution)) => armv7em::variants(lowering, convolution),
        (Kernels::Host, Some(convolution)) => host::variants(lowering, convolution),
        _ => vec![],
    };
    // Packed weights stay packed unless speed is worth the flash.
    let place = if product.format == Format::S8W4 { 0 } else { variants.len() };
    variants.insert(place, Variant::PORTABLE);
    if let Some(convolution) = convolution.as_ref().filter(|_| lowering.kernels != Kernels::Host) {
        variants.extend(sparse::variants(lowering, convolution));
    }
    match (lowering.choose(variants), convolution) {
        (Some(Variant { algorithm: Algorithm::Portable, .. }), _) | (None, _) | (_, None) => {
            let (kernel, last) = kind.portable(product.format);
            portable(lowering, node, input, &windows, product, kernel, last);
        }
        (Some(variant @ Variant { algorithm: Algorithm::Sparse, .. }), Some(convolution)) => {
            sparse::lower(lowering, node, &convolution, variant);
        }
        (Some(variant), Some(convolution)) if lowering.kernels == Kernels::Host => {
            host::lower(lowering, node, &convolution, variant.rows);
        }
        (Some(variant), Some(convolution)) => {
            lowering.apply(Pass::Requantization, short_channels(&convolution.channels));
            armv7em::lower(lowering, node, &convolution, variant);
        }
    }
}

impl Kind {
    /// The portable kernel and its last scalar.
    fn portable(self, format: Format) -> (Named, usize) {
        let kernels = match format {
            Format::S8 => [abi::CONV_2D_S8, abi::DEPTHWISE_CONV_2D_S8],
            Format::S8W4 => [abi::CONV_2D_S8W4, abi::DEPTHWISE_CONV_2D_S8W4],
            Format::S16 => [abi::CONV_2D_S16, abi::DEPTHWISE_CONV_2D_S16],
            Format::S16Narrow => [abi::CONV_2D_S16_NARROW, abi::DEPTHWISE_CONV_2D_S16],
            Format::F32 => [abi::CONV_2D_F32, abi::DEPTHWISE_CONV_2D_F32],
        };
        match self {
            Kind::Grouped(channels) => (kernels[0], channels),
            Kind::Depthwise(multiplier) => (kernels[1], multiplier),
        }
    }
}

fn portable(
    lowering: &mut Lowering<'_>,
    node: &Node,
    input: TensorId,
    windows: &Windows,
    product: &Product,
    kernel: Named,
    last: usize,
) {
    let view = windows.output(product.element());
    lowering
        .layer(node, kernel, view.rows)
        .reads(input, windows.input(product.element()), |y| windows.rows(y))
        .writes(node.outputs[0], view, |y| y..y + 1)
        .params(windows.window.words())
        .params(product.scalars.words())
        .params([last as i32])
        .channels(product.constants())
        .weights(product.stored())
        .finish();
}
