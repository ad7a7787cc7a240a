//! Streams for depthwise convolutions.

use super::{Form, bytes, pair};
use crate::graph::Node;
use crate::lower::Lowering;
use crate::lower::conv::Convolution;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::depthwise::{Depthwise3x3, packed_columns};
use tinderbox_runtime::kernels::armv7em::gemm::EXACT;
use tinderbox_runtime::kernels::window::Window;

/// Lowers a depthwise convolution; `false` if no kernel does it.
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution) -> bool {
    let window = convolution.windows.window;
    if !is_3x3(&window) || convolution.windows.images() != 1 {
        return false;
    }
    let Some(stream) = stream_3x3(convolution) else { return false };
    let requantization = convolution.channels[0].requantization;
    let params = Depthwise3x3 {
        input_zero_point: convolution.input_zero_point,
        min: requantization.min,
        max: requantization.max,
    };
    let view = convolution.windows.output(1);
    let rows = if window.stride_height == 1 { 2.min(view.rows) } else { 1 };
    lowering
        .layer(node, abi::ARMV7EM_DEPTHWISE_3X3_S8, view.rows)
        .rows_per_step(rows)
        .reads(convolution.input, convolution.windows.input(1), |y| convolution.windows.rows(y))
        .writes(node.outputs[0], view, |y| y..y + 1)
        .params(window.words())
        .params(params.words())
        .weights(bytes(&stream))
        .scratch(32 * packed_columns(&window))
        .finish();
    true
}

fn is_3x3(w: &Window) -> bool {
    let strides = (w.stride_height, w.stride_width);
    (w.kernel_height, w.kernel_width) == (3, 3)
        && (w.dilation_height, w.dilation_width) == (1, 1)
        && (strides == (1, 1) || strides == (2, 2))
        && w.in_channels % 4 == 0
        && w.pad_top <= 2
}

fn stream_3x3(convolution: &Convolution) -> Option<Vec<u32>> {
    let count = convolution.channels.len();
    let mut stream = vec![];
    for channel in 0..count {
        let weights: Vec<i8> = (0..9).map(|tap| convolution.weights[tap * count + channel]).collect();
        let form = Form::new(&convolution.channels[channel], convolution.input_zero_point, &weights, false)?;
        let factor = if form.form & EXACT == 0 { 1 } else { 2 };
        let w = |row: usize, column: usize| factor * i32::from(weights[3 * row + column]);
        stream.extend([form.form, (factor * form.start) as u32]);
        for column in 0..3 {
            stream.push(pair(w(0, column), w(1, column)));
            stream.push(pair(w(1, column), w(2, column)));
        }
        stream.extend(form.constants.map(|n| n as u32));
    }
    Some(stream)
}
