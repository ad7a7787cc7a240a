//! Streams for the matrix product of convolutions.

use super::bytes;
use super::product::{Row, order, pairs};
use crate::graph::Node;
use crate::lower::Lowering;
use crate::lower::conv::Convolution;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::conv::Conv;

/// Lowers a convolution in which all channels meet; `false` if a channel's numbers are out of the kernel's range.
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution) -> bool {
    let window = convolution.windows.window;
    let run = (window.kernel_width * window.in_channels) as usize;
    let filter = run * window.kernel_height as usize;
    let quads = window.in_channels % 4 == 0;
    let order = order(filter, quads);
    let rows = convolution.weights.chunks(filter);
    let channels: Vec<Row<'_>> =
        convolution.channels.iter().zip(rows).map(|(channel, weights)| Row { channel, weights }).collect();
    let Some(stream) = pairs(&channels, convolution.input_zero_point, &order) else { return false };
    let words = order.len();
    let requantization = convolution.channels[0].requantization;
    let conv = Conv { words: words as i32, quads: i32::from(quads), min: requantization.min, max: requantization.max };
    let padding = i32::from_le_bytes([convolution.input_zero_point as u8; 4]);
    let view = convolution.windows.output(1);
    let mut layer = lowering
        .layer(node, abi::ARMV7EM_CONV_2D_S8, view.rows)
        .reads(convolution.input, convolution.windows.input(1), |y| convolution.windows.rows(y))
        .writes(node.outputs[0], view, |y| y..y + 1)
        .params(window.words())
        .params(conv.words())
        .channels(vec![padding; run.div_ceil(4)])
        .weights(bytes(&stream))
        .scratch(16 * words);
    if window.out_channels <= window.in_channels && (window.kernel_height, window.kernel_width) == (1, 1) {
        if (window.stride_height, window.stride_width) == (1, 1) {
            layer = layer.in_place(0);
        }
    }
    layer.finish();
    true
}
