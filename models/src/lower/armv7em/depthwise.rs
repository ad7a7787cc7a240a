//! Streams for depthwise convolutions.

use super::{bytes, pair};
use crate::graph::Node;
use crate::lower::convolution::Convolution;
use crate::lower::form::Form;
use crate::lower::lowering::Lowering;
use crate::lower::variant::heights;
use crate::lower::{Algorithm, Variant};
use std::sync::Arc;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::conv::MAX_TAPS;
use tinderbox_runtime::kernels::armv7em::depthwise::{Depthwise3x3, packed_columns, scratch_bytes};
use tinderbox_runtime::kernels::armv7em::gemm::EXACT;
use tinderbox_runtime::kernels::window::Window;

/// Variants of a depthwise convolution; none if it is out of the kernels' range.
pub(super) fn variants(lowering: &Lowering<'_>, convolution: &Convolution) -> Vec<Variant> {
    let w = convolution.windows.window;
    if w.in_channels % 4 != 0 || w.dilation_width != 1 || w.kernel_height as usize > MAX_TAPS {
        return vec![];
    }
    let rows = convolution.windows.output(1).rows;
    let pairs =
        is_3x3(&w) && convolution.windows.images() == 1 && stream(lowering, convolution, Algorithm::Pairs).is_some();
    // A pair's second row may be left out: twice the work, a row less.
    let pair_heights: &[usize] = if w.stride_height == 1 { &[2, 1] } else { &[1] };
    let mut variants = if pairs { heights(Algorithm::Pairs, pair_heights, rows) } else { vec![] };
    if stream(lowering, convolution, Algorithm::Windows).is_some() {
        variants.extend(heights(Algorithm::Windows, if pairs { &[1] } else { &[1, 2, 4] }, rows));
    }
    variants
}

/// Lowers one of the [`variants`].
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, variant: Variant) {
    let Some(stream) = stream(lowering, convolution, variant.algorithm) else { return };
    match variant.algorithm {
        Algorithm::Pairs => lower_3x3(lowering, node, convolution, variant.rows, stream),
        _ => lower_any(lowering, node, convolution, variant.rows, stream),
    }
}

fn stream(lowering: &Lowering<'_>, convolution: &Convolution, algorithm: Algorithm) -> Option<Arc<[u8]>> {
    lowering.stream(algorithm, || match algorithm {
        Algorithm::Pairs => stream_3x3(convolution).map(|words| bytes(&words)),
        _ => stream_any(convolution).map(|words| bytes(&words)),
    })
}

fn is_3x3(w: &Window) -> bool {
    let strides = (w.stride_height, w.stride_width);
    (w.kernel_height, w.kernel_width) == (3, 3)
        && w.dilation_height == 1
        && (strides == (1, 1) || strides == (2, 2))
        && w.pad_top <= 2
        && w.out_width > 1
}

fn params(convolution: &Convolution) -> Depthwise3x3 {
    let requantization = convolution.channels[0].requantization;
    let input_zero_point = convolution.input_zero_point;
    Depthwise3x3 { input_zero_point, min: requantization.min, max: requantization.max }
}

fn lower_3x3(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, rows: usize, stream: Arc<[u8]>) {
    let w = convolution.windows.window;
    let kernel = if w.stride_width == 1 { abi::ARMV7EM_DEPTHWISE_3X3_S8 } else { abi::ARMV7EM_DEPTHWISE_3X3_BY_2_S8 };
    convolution
        .layer(lowering, node, kernel, rows)
        .params(params(convolution).words())
        .weights(stream)
        .scratch(32 * packed_columns(&w))
        .finish();
}

fn lower_any(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, rows: usize, stream: Arc<[u8]>) {
    let w = convolution.windows.window;
    let padding = i32::from_le_bytes([convolution.input_zero_point as u8; 4]);
    let column = (w.in_width, w.kernel_width, w.out_width) == (1, 1, 1);
    let (kernel, scratch) = match column {
        true => (abi::ARMV7EM_DEPTHWISE_COLUMN_S8, 0),
        false => (abi::ARMV7EM_DEPTHWISE_S8, scratch_bytes(&w)),
    };
    convolution
        .layer(lowering, node, kernel, rows)
        .params(params(convolution).words())
        .channels(vec![padding; w.in_channels as usize / 4])
        .weights(stream)
        .scratch(scratch)
        .finish();
}

fn form_of(convolution: &Convolution, channel: usize, must_be_exact: bool) -> Option<Form> {
    let weights = convolution.weights_of(channel);
    Form::new(&convolution.channels[channel], convolution.input_zero_point, &weights, must_be_exact)
}

/// Sums are doubled under the exact form.
fn factor(form: &Form) -> i32 {
    if form.form & EXACT == 0 { 1 } else { 2 }
}

fn stream_3x3(convolution: &Convolution) -> Option<Vec<u32>> {
    let mut stream = vec![];
    for channel in 0..convolution.channels.len() {
        let form = form_of(convolution, channel, false)?;
        let weights = convolution.weights_of(channel);
        let w = |row: usize, column: usize| factor(&form) * i32::from(weights[3 * row + column]);
        stream.extend([form.form, (factor(&form) * form.start) as u32]);
        for column in 0..3 {
            stream.push(pair(w(0, column), w(1, column)));
            stream.push(match (convolution.windows.window.stride_height, channel % 4) {
                (1, _) => pair(w(1, column), w(2, column)),
                (_, 0 | 1) => pair(w(2, column), 0),
                _ => pair(0, w(2, column)),
            });
        }
        stream.extend(form.constants.map(|n| n as u32));
    }
    Some(stream)
}

fn stream_any(convolution: &Convolution) -> Option<Vec<u32>> {
    let w = convolution.windows.window;
    let mut stream = vec![];
    for first in (0..convolution.channels.len()).step_by(4) {
        let places = [first, first + 2, first + 1, first + 3];
        let all = |exact: bool| -> Option<Vec<Form>> {
            places.iter().map(|channel| form_of(convolution, *channel, exact)).collect()
        };
        let mut forms = all(false)?;
        if forms.iter().any(|form| form.form != forms[0].form) {
            forms = all(true)?;
        }
        let factor = factor(&forms[0]);
        let weights = places.map(|channel| convolution.weights_of(channel));
        stream.extend(forms.iter().map(|form| (factor * form.start) as u32));
        for column in 0..w.kernel_width {
            for row in 0..w.kernel_height {
                let tap = (row * w.kernel_width + column) as usize;
                let [a, b, c, d] = weights.each_ref().map(|weights| factor * i32::from(weights[tap]));
                stream.extend([pair(a, b), pair(c, d)]);
            }
        }
        stream.push(forms[0].form);
        stream.extend(forms.iter().flat_map(|form| form.constants).map(|n| n as u32));
    }
    Some(stream)
}
