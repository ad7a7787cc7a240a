//! Streams for convolutions as matrix products.

use super::bytes;
use super::fully_connected::Vectors;
use super::product::{Row, Words, int4_pairs, natural, pairs, quads};
use crate::graph::Node;
use crate::lower::convolution::Convolution;
use crate::lower::layer::LayerBuilder;
use crate::lower::lowering::Lowering;
use crate::lower::variant::heights;
use crate::lower::{Algorithm, Variant};
use std::sync::Arc;
use tinderbox_runtime::abi::{self, Named};
use tinderbox_runtime::kernels::armv7em::conv::{BLOCK, Conv, MAX_TAPS};
use tinderbox_runtime::kernels::armv7em::conv_narrow::{ConvNarrow, Layout};
use tinderbox_runtime::kernels::window::Window;

/// Variants by matrix products; none if the convolution is out of the kernels' range.
pub(super) fn variants(lowering: &Lowering<'_>, convolution: &Convolution) -> Vec<Variant> {
    let w = convolution.windows.window;
    if w.kernel_height as usize > MAX_TAPS || w.in_channels % 4 != 0 && w.dilation_width != 1 {
        return vec![];
    }
    let rows = convolution.windows.output(1).rows;
    let mut variants = vec![];
    if int4_stream(lowering, convolution).is_some() {
        variants.extend(heights(Algorithm::PackedProduct, &[1], rows));
    }
    if stream(lowering, convolution).is_some() {
        // Taller steps fill blocks of pixels where rows are narrow; all rows at once save steps where there are few.
        let steps: &[usize] = if is_pointwise(&w) && w.out_width < 64 { &[1, 2, 4, rows] } else { &[1, rows] };
        variants.extend(heights(
            Algorithm::Product,
            if rows > MANY_ROWS { &steps[..steps.len() - 1] } else { steps },
            rows,
        ));
    }
    if is_pointwise(&w) && w.out_width == 1 && vector_stream(lowering, convolution).is_some() {
        variants.extend(heights(Algorithm::Vectors, &[1], rows));
    }
    variants
}

/// Outputs of more rows are not made in one step.
const MANY_ROWS: usize = 16;

/// Lowers one of the [`variants`].
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, variant: Variant) {
    match variant.algorithm {
        Algorithm::Vectors => lower_vectors(lowering, node, convolution),
        Algorithm::PackedProduct => int4(lowering, node, convolution, variant.rows),
        _ if convolution.windows.window.in_channels % 4 == 0 => wide(lowering, node, convolution, variant.rows),
        _ => narrow(lowering, node, convolution, variant.rows),
    }
}

/// Weights for the product kernels.
fn stream(lowering: &Lowering<'_>, convolution: &Convolution) -> Option<Arc<[u8]>> {
    lowering.stream(Algorithm::Product, || {
        let stream = pairs(&rows(convolution), convolution.input_zero_point, &words(&convolution.windows.window))?;
        Some(bytes(&stream))
    })
}

/// The same for int4 weights, where they are stored as such.
fn int4_stream(lowering: &Lowering<'_>, convolution: &Convolution) -> Option<Arc<[u8]>> {
    let w = convolution.windows.window;
    if !convolution.packed || w.in_channels % 4 != 0 || (w.out_width as usize) < BLOCK {
        return None;
    }
    lowering.stream(Algorithm::PackedProduct, || {
        Some(bytes(&int4_pairs(&rows(convolution), convolution.input_zero_point)?))
    })
}

/// Where the elements of a window stand.
fn words(w: &Window) -> Words {
    let run = (w.kernel_width * w.in_channels) as usize;
    let height = w.kernel_height as usize;
    if w.in_channels % 4 == 0 {
        return quads(run * height);
    }
    // Of every row by pairs, then the last ones of all rows.
    let paired = run / 2 * 2;
    let by_pairs = (0..height).flat_map(|row| row * run..row * run + paired);
    let last = (0..height).flat_map(|row| row * run + paired..(row + 1) * run);
    natural(by_pairs.chain(last))
}

pub(super) fn rows(convolution: &Convolution) -> Vec<Row<'_>> {
    let filter = convolution.weights.len() / convolution.channels.len();
    let weights = convolution.weights.chunks(filter);
    convolution.channels.iter().zip(weights).map(|(channel, weights)| Row { channel, weights }).collect()
}

/// Channels by fours.
fn wide(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, rows_per_step: usize) {
    let w = convolution.windows.window;
    let Some(stream) = stream(lowering, convolution) else { return };
    let layer = by_fours(lowering, node, convolution, abi::ARMV7EM_CONV_2D_S8, rows_per_step).weights(stream);
    // A block of pixels is widened before it is overwritten.
    let layer = if is_pointwise(&w) && w.out_channels <= w.in_channels { layer.in_place(0) } else { layer };
    layer.finish();
}

fn int4(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, rows_per_step: usize) {
    let Some(stream) = int4_stream(lowering, convolution) else { return };
    by_fours(lowering, node, convolution, abi::ARMV7EM_CONV_2D_S8W4, rows_per_step).weights(stream).finish();
}

/// Starts a layer with channels by fours.
fn by_fours<'l, 'a>(
    lowering: &'l mut Lowering<'a>,
    node: &Node,
    convolution: &Convolution,
    kernel: Named,
    rows_per_step: usize,
) -> LayerBuilder<'l, 'a> {
    let w = convolution.windows.window;
    let requantization = convolution.channels[0].requantization;
    let conv = Conv { min: requantization.min, max: requantization.max };
    let padding = i32::from_le_bytes([convolution.input_zero_point as u8; 4]);
    convolution
        .layer(lowering, node, kernel, rows_per_step)
        .params(conv.words())
        .channels(vec![padding; (w.kernel_width * w.in_channels / 4) as usize])
        .scratch(4 * BLOCK * words(&w).len())
}

fn is_pointwise(w: &Window) -> bool {
    (w.kernel_height, w.kernel_width, w.stride_height, w.stride_width) == (1, 1, 1, 1)
}

/// Any channels.
fn narrow(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, rows_per_step: usize) {
    let w = convolution.windows.window;
    let Some(stream) = stream(lowering, convolution) else { return };
    let requantization = convolution.channels[0].requantization;
    let input_zero_point = convolution.input_zero_point;
    let params = ConvNarrow { input_zero_point, min: requantization.min, max: requantization.max };
    convolution
        .layer(lowering, node, abi::ARMV7EM_CONV_NARROW_S8, rows_per_step)
        .params(params.words())
        .weights(stream)
        .scratch(Layout::new(&w).scratch_bytes())
        .finish();
}

/// Every pixel of a single column as a vector.
fn vectors(convolution: &Convolution) -> Vectors<'_> {
    let inputs = convolution.windows.window.in_channels as usize;
    Vectors::new(rows(convolution), inputs, convolution.windows.output(1).rows)
}

fn vector_stream(lowering: &Lowering<'_>, convolution: &Convolution) -> Option<Arc<[u8]>> {
    lowering.stream(Algorithm::Vectors, || vectors(convolution).stream(convolution.input_zero_point))
}

fn lower_vectors(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution) {
    let Some(stream) = vector_stream(lowering, convolution) else { return };
    let (input, output) = (convolution.windows.input(1), convolution.windows.output(1));
    let vectors = vectors(convolution);
    let layer = lowering
        .layer(node, vectors.kernel(), output.rows)
        .reads(convolution.input, input, |y| y..y + 1)
        .writes(node.outputs[0], output, |y| y..y + 1)
        .params(vectors.params(&stream).words())
        .weights(stream)
        .scratch(vectors.scratch());
    // A vector is widened before it is overwritten.
    let layer = if output.row_bytes <= input.row_bytes { layer.in_place(0) } else { layer };
    layer.finish();
}
