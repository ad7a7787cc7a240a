//! Convolution and depthwise convolution.

use super::window::{Taps, Window};
use crate::arena::{Element, view};
use crate::numeric::{Multiplier, clamp_s8};
use crate::step::Step;

super::params! {
    /// Zero points and bounds of a quantized layer.
    Quantized {
        /// Zero point of the input.
        input_zero_point,
        /// Zero point of the output.
        output_zero_point,
        /// Smallest output, activation included.
        min,
        /// Largest output.
        max,
    }
}

/// Scalars of a convolution: the window, then the quantization, then input channels per group.
pub const CONV_PARAMS: usize = Window::FIELDS.len() + Quantized::FIELDS.len() + 1;

struct Layer {
    window: Window,
    quantized: Quantized,
    last: i32,
}

fn layer(step: &Step<'_>) -> Option<Layer> {
    let words = step.param_list();
    let (window, rest) = words.split_first_chunk()?;
    let (quantized, rest) = rest.split_first_chunk()?;
    Some(Layer { window: Window::from(*window), quantized: Quantized::from(*quantized), last: *rest.first()? })
}

/// Bias and scale of one output channel: three words of `channels`.
fn finish(channels: &[i32], channel: usize, sum: i32, quantized: &Quantized) -> Option<u8> {
    let [bias, multiplier, shift] = *channels.get(3 * channel..)?.first_chunk()?;
    let scaled = Multiplier { multiplier, shift }.apply(sum.wrapping_add(bias));
    Some(clamp_s8(scaled.wrapping_add(quantized.output_zero_point), quantized.min, quantized.max) as u8)
}

/// Weights \[out, kernel height, kernel width, in / groups\]; channels: bias, multiplier, shift each.
pub fn conv_2d_s8(step: &Step<'_>) -> Option<()> {
    let Layer { window, quantized, last: group_in } = layer(step)?;
    let (group_in, out_channels) = (group_in as usize, window.out_channels as usize);
    let groups = (window.in_channels as usize).checked_div(group_in)?;
    let group_out = out_channels.checked_div(groups)?;
    let filter = (window.kernel_height * window.kernel_width) as usize * group_in;
    for y in step.output_rows()? {
        let taps = Taps::new(window, step.input(0)?, y)?;
        let out = step.output(0)?.get(y)?;
        for x in 0..window.out_width as usize {
            for channel in 0..out_channels {
                let weights = step.weights().get(channel * filter..)?;
                let first = channel.checked_div(group_out)? * group_in;
                let mut sum = 0i32;
                for tap_y in taps.heights() {
                    let Some(row) = taps.row(tap_y) else { continue };
                    for (tap_x, column) in taps.columns(x) {
                        let x = view(row, column * window.in_channels as usize + first, group_in)?;
                        let w = weights.get((tap_y * window.kernel_width as usize + tap_x) * group_in..)?;
                        for (x, w) in x.iter().zip(w) {
                            sum += (i32::from(x.get() as i8) - quantized.input_zero_point) * i32::from(*w as i8);
                        }
                    }
                }
                out.get(x * out_channels + channel)?.set(finish(step.channels(), channel, sum, &quantized)?);
            }
        }
    }
    Some(())
}

/// Weights \[kernel height, kernel width, in * multiplier\]; channels: bias, multiplier, shift each.
pub fn depthwise_conv_2d_s8(step: &Step<'_>) -> Option<()> {
    let Layer { window, quantized, last: multiplier } = layer(step)?;
    let out_channels = window.out_channels as usize;
    for y in step.output_rows()? {
        let taps = Taps::new(window, step.input(0)?, y)?;
        let out = step.output(0)?.get(y)?;
        for x in 0..window.out_width as usize {
            for channel in 0..out_channels {
                let first = channel.checked_div(multiplier as usize)?;
                let mut sum = 0i32;
                for tap_y in taps.heights() {
                    let Some(row) = taps.row(tap_y) else { continue };
                    for (tap_x, column) in taps.columns(x) {
                        let x = i32::from(i8::get(row, column * window.in_channels as usize + first)?);
                        let tap = tap_y * window.kernel_width as usize + tap_x;
                        let w = *step.weights().get(tap * out_channels + channel)? as i8;
                        sum += (x - quantized.input_zero_point) * i32::from(w);
                    }
                }
                out.get(x * out_channels + channel)?.set(finish(step.channels(), channel, sum, &quantized)?);
            }
        }
    }
    Some(())
}
