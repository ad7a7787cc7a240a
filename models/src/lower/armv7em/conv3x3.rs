//! Streams for 3x3 convolutions by Winograd's method.

use super::{bytes, pair};
use crate::graph::Node;
use crate::lower::convolution::Convolution;
use crate::lower::form::{Form, folded_bias, sums};
use crate::lower::lowering::Lowering;
use crate::lower::product::Channel;
use crate::lower::variant::heights;
use crate::lower::{Algorithm, Variant};
use std::sync::Arc;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::conv3x3::{Conv3x3, scratch_bytes};
use tinderbox_runtime::kernels::armv7em::winograd::{OUTPUTS, SLOTS, TILES, WEIGHTS};

/// All numbers of the method are this many times the real ones.
const SCALE: i64 = 24;

/// Whether Winograd's method does this convolution.
fn fits(convolution: &Convolution) -> bool {
    let w = convolution.windows.window;
    (w.kernel_height, w.kernel_width) == (3, 3)
        && (w.stride_height, w.stride_width) == (1, 1)
        && (w.dilation_height, w.dilation_width) == (1, 1)
        && w.in_channels % 4 == 0
        && w.out_channels % 2 == 0
        && convolution.windows.images() == 1
}

/// Variants by Winograd's method; none if the convolution is out of its range.
pub(super) fn variants(lowering: &Lowering<'_>, convolution: &Convolution) -> Vec<Variant> {
    if !fits(convolution) || weights(lowering, convolution).is_none() {
        return vec![];
    }
    let w = convolution.windows.window;
    // Steps whose tiles fill blocks.
    let per_row = (w.out_width as usize).div_ceil(OUTPUTS);
    let first = if per_row.is_multiple_of(TILES) { 1 } else { 2 };
    heights(Algorithm::Winograd, &[first, 2 * first, 4 * first], w.out_height as usize)
}

fn weights(lowering: &Lowering<'_>, convolution: &Convolution) -> Option<Arc<[u8]>> {
    lowering.stream(Algorithm::Winograd, || stream(convolution).map(|words| bytes(&words)))
}

/// Lowers one of the [`variants`].
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, rows_per_step: usize) {
    let Some(stream) = weights(lowering, convolution) else { return };
    let window = convolution.windows.window;
    let requantization = convolution.channels[0].requantization;
    let padding = i32::from_le_bytes([convolution.input_zero_point as u8; 4]);
    convolution
        .layer(lowering, node, abi::ARMV7EM_CONV_3X3_S8, rows_per_step)
        .params(Conv3x3 { min: requantization.min, max: requantization.max }.words())
        .channels(vec![padding])
        .weights(stream)
        .scratch(scratch_bytes(&window))
        .finish();
}

fn stream(convolution: &Convolution) -> Option<Vec<u32>> {
    let channels = convolution.windows.window.in_channels as usize;
    let filter = 9 * channels;
    let weights = |c: usize| &convolution.weights[c * filter..][..filter];
    let mut stream = vec![];
    for first in (0..convolution.channels.len()).step_by(2) {
        let both = [first, first + 1];
        let all = |exact: bool| -> Option<Vec<Form>> {
            both.iter()
                .map(|c| form(&convolution.channels[*c], convolution.input_zero_point, weights(*c), exact))
                .collect()
        };
        let mut forms = all(false)?;
        if forms[0].form != forms[1].form {
            forms = all(true)?;
        }
        stream.push(forms[0].form);
        stream.extend(forms.iter().map(|form| form.start.wrapping_mul(SCALE as i32) as u32));
        stream.extend(forms.iter().flat_map(|form| form.constants).map(|n| n as u32));
        for factors in WEIGHTS {
            for row in 0..3 {
                for word in 0..channels / 2 {
                    let channel = 4 * (word / 2) + word % 2;
                    for c in both {
                        let weight = |channel: usize| transformed(&factors, weights(c), row, channel, channels);
                        stream.push(pair(weight(channel), weight(channel + 2)));
                    }
                }
            }
        }
    }
    debug_assert_eq!(stream.len() * 2, convolution.channels.len() * (9 + 6 * SLOTS * channels / 2 * 2 / 2));
    Some(stream)
}

/// The requantization of a channel whose sums, 24-fold, fit 32 bits.
fn form(channel: &Channel, input_zero_point: i32, weights: &[i8], must_be_exact: bool) -> Option<Form> {
    let sums = sums(folded_bias(channel, input_zero_point, weights)?, weights)?;
    let largest = i64::from(*sums.end()).max(-i64::from(*sums.start())) + (1 << 16);
    (largest * SCALE < i64::from(i32::MAX)).then(|| Form::new(channel, input_zero_point, weights, must_be_exact))?
}

/// A kernel row of one input channel, transformed for one slot.
fn transformed(factors: &[i32; 3], weights: &[i8], row: usize, channel: usize, channels: usize) -> i32 {
    let weight = |column: usize| i32::from(weights[(3 * row + column) * channels + channel]);
    (0..3).map(|column| factors[column] * weight(column)).sum()
}
