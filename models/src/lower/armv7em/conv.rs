//! Streams for convolutions as matrix products.

use super::bytes;
use super::product::{Row, Words, natural, pairs, quads};
use crate::graph::Node;
use crate::lower::Lowering;
use crate::lower::conv::Convolution;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::conv::{BLOCK, Conv, MAX_TAPS};
use tinderbox_runtime::kernels::armv7em::conv_narrow::{ConvNarrow, Layout};
use tinderbox_runtime::kernels::window::Window;

/// Lowers a convolution in which all channels meet; `false` if it is out of the kernels' range.
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution) -> bool {
    let w = convolution.windows.window;
    if w.kernel_height as usize > MAX_TAPS {
        return false;
    }
    match w.in_channels % 4 {
        0 => wide(lowering, node, convolution),
        _ if w.dilation_width == 1 => narrow(lowering, node, convolution),
        _ => false,
    }
}

/// Channels by fours.
fn wide(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution) -> bool {
    let w = convolution.windows.window;
    let run = (w.kernel_width * w.in_channels) as usize;
    let words = quads(run * w.kernel_height as usize);
    let Some(stream) = stream(convolution, &words) else { return false };
    let requantization = convolution.channels[0].requantization;
    let conv = Conv { min: requantization.min, max: requantization.max };
    let padding = i32::from_le_bytes([convolution.input_zero_point as u8; 4]);
    let view = convolution.windows.output(1);
    let layer = lowering
        .layer(node, abi::ARMV7EM_CONV_2D_S8, view.rows)
        .reads(convolution.input, convolution.windows.input(1), |y| convolution.windows.rows(y))
        .writes(node.outputs[0], view, |y| y..y + 1)
        .params(w.words())
        .params(conv.words())
        .channels(vec![padding; run / 4])
        .weights(bytes(&stream))
        .scratch(4 * BLOCK * words.len());
    // A block of pixels is widened before it is overwritten.
    let layer = if is_pointwise(&w) && w.out_channels <= w.in_channels { layer.in_place(0) } else { layer };
    layer.finish();
    true
}

fn is_pointwise(w: &Window) -> bool {
    (w.kernel_height, w.kernel_width, w.stride_height, w.stride_width) == (1, 1, 1, 1)
}

/// Rows widened as a whole.
fn narrow(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution) -> bool {
    let w = convolution.windows.window;
    let run = (w.kernel_width * w.in_channels) as usize;
    let words: Words = (0..w.kernel_height as usize).flat_map(|row| natural(row * run..(row + 1) * run)).collect();
    let Some(stream) = stream(convolution, &words) else { return false };
    let requantization = convolution.channels[0].requantization;
    let input_zero_point = convolution.input_zero_point;
    let params = ConvNarrow { input_zero_point, min: requantization.min, max: requantization.max };
    let view = convolution.windows.output(1);
    lowering
        .layer(node, abi::ARMV7EM_CONV_NARROW_S8, view.rows)
        .reads(convolution.input, convolution.windows.input(1), |y| convolution.windows.rows(y))
        .writes(node.outputs[0], view, |y| y..y + 1)
        .params(w.words())
        .params(params.words())
        .weights(bytes(&stream))
        .scratch(Layout::new(&w).scratch_bytes(&w))
        .finish();
    true
}

fn stream(convolution: &Convolution, words: &Words) -> Option<Vec<u32>> {
    let w = convolution.windows.window;
    let filter = (w.kernel_height * w.kernel_width * w.in_channels) as usize;
    let weights = convolution.weights.chunks(filter);
    let rows: Vec<Row<'_>> =
        convolution.channels.iter().zip(weights).map(|(channel, weights)| Row { channel, weights }).collect();
    pairs(&rows, convolution.input_zero_point, words)
}
