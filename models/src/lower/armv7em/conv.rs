//! Streams for the matrix product of convolutions.

use super::{Form, bytes, folded_bias, pair, sums};
use crate::graph::Node;
use crate::lower::Lowering;
use crate::lower::conv::Convolution;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::conv::Conv;
use tinderbox_runtime::kernels::armv7em::gemm::{EXACT, SINGLE};

/// The odd channel's sum travels in the upper 24 bits of a word.
const LARGEST_ODD_SUM: i32 = 1 << 23;

/// Lowers a convolution in which all channels meet; `false` if a channel's numbers are out of the kernel's range.
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution) -> bool {
    let window = convolution.windows.window;
    let run = (window.kernel_width * window.in_channels) as usize;
    let filter = run * window.kernel_height as usize;
    let quads = window.in_channels % 4 == 0;
    let order = order(filter, quads);
    let Some(stream) = stream(convolution, filter, &order) else { return false };
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

/// Which elements of a window stand in each word; `None` fills the last word.
fn order(filter: usize, quads: bool) -> Vec<[Option<usize>; 2]> {
    if quads {
        return (0..filter).step_by(4).flat_map(|i| [[Some(i), Some(i + 2)], [Some(i + 1), Some(i + 3)]]).collect();
    }
    (0..filter).step_by(2).map(|i| [Some(i), Some(i + 1).filter(|i| *i < filter)]).collect()
}

/// The stream of all pairs of channels.
fn stream(convolution: &Convolution, filter: usize, order: &[[Option<usize>; 2]]) -> Option<Vec<u32>> {
    let count = convolution.channels.len();
    let weights = |c: usize| &convolution.weights[c * filter..][..filter];
    let form =
        |c: usize, exact: bool| Form::new(&convolution.channels[c], convolution.input_zero_point, weights(c), exact);
    let mut stream = vec![];
    for even in (0..count).step_by(2) {
        let odd = Some(even + 1).filter(|odd| *odd < count);
        if let Some(odd) = odd {
            fits_beside(convolution, odd, weights(odd))?;
        }
        let (mut low, mut high) =
            (form(even, false)?, odd.map(|c| form(c, false)).unwrap_or_else(|| form(even, false))?);
        // Both channels of a pair take the same way.
        if low.form != high.form {
            low = form(even, true)?;
            high = form(odd.unwrap_or(even), true)?;
        }
        let odd_weights = odd.map(weights);
        let start = if odd.is_some() { high.start.wrapping_mul(256) } else { 0 };
        stream.push(low.form | if odd.is_none() { SINGLE } else { 0 });
        stream.push(low.start as u32);
        stream.push(start.wrapping_add(low.start) as u32);
        for word in order {
            let half = |element: &Option<usize>| {
                let Some(i) = *element else { return Some(0) };
                let both = 256 * odd_weights.map_or(0, |w| i32::from(w[i])) + i32::from(weights(even)[i]);
                i16::try_from(both).ok().map(i32::from)
            };
            stream.push(pair(half(&word[0])?, half(&word[1])?));
        }
        let constants = if low.form & EXACT == 0 { 2 } else { 3 };
        for form in [low, high] {
            stream.extend(form.constants[..constants].iter().map(|n| *n as u32));
        }
    }
    Some(stream)
}

/// Whether an odd channel's sums fit in 24 bits, whatever offset the short form adds.
fn fits_beside(convolution: &Convolution, channel: usize, weights: &[i8]) -> Option<()> {
    let start = folded_bias(&convolution.channels[channel], convolution.input_zero_point, weights)?;
    let sums = sums(start, weights)?;
    let room = LARGEST_ODD_SUM - (1 << 16);
    (*sums.start() > -room && *sums.end() < room).then_some(())
}
