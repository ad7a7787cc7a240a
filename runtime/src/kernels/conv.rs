//! Convolution, depthwise and transposed convolution.

use super::arithmetic::{Arithmetic, Quantized};
use super::window::{Taps, Window};
use crate::arena::{Cells, Element, view};
use crate::step::Step;

/// A layer's scalars: the window, the quantization, and one more.
struct Layer<A> {
    window: Window,
    arithmetic: A,
    last: usize,
}

impl<A: Arithmetic> Layer<A> {
    fn read(step: &Step<'_>) -> Option<Self> {
        let (window, rest) = step.param_list().split_first_chunk()?;
        let (quantized, rest) = rest.split_first_chunk()?;
        let arithmetic = A::new(Quantized::from(*quantized));
        Some(Layer { window: Window::from(*window), arithmetic, last: *rest.first()? as usize })
    }
}

/// Scalars: [`Window`], [`Quantized`], input channels per group. Weights \[out, kernel height, kernel width,
/// in / groups\].
pub fn conv_2d<A: Arithmetic>(step: &Step<'_>) -> Option<()> {
    let Layer { window, arithmetic, last: group_in } = Layer::<A>::read(step)?;
    let out_channels = window.out_channels as usize;
    let groups = (window.in_channels as usize).checked_div(group_in)?;
    let group_out = out_channels.checked_div(groups)?;
    let filter = (window.kernel_height * window.kernel_width) as usize * group_in;
    for y in step.output_rows()? {
        let taps = Taps::new(window, step.input(0)?, y)?;
        let out = step.output_row(0, y)?;
        for x in 0..window.out_width as usize {
            for channel in 0..out_channels {
                let first = channel.checked_div(group_out)? * group_in;
                let mut sum = A::ZERO;
                for tap_y in taps.heights() {
                    let Some(row) = taps.row(tap_y) else { continue };
                    for (tap_x, column) in taps.columns(x) {
                        let pixel = elements::<A>(row, column * window.in_channels as usize + first, group_in)?;
                        let tap = tap_y * window.kernel_width as usize + tap_x;
                        sum = arithmetic.dot(sum, pixel, step.weights(), channel * filter + tap * group_in)?;
                    }
                }
                let value = arithmetic.finish(step.channels(), channel, sum)?;
                A::Value::set(out, x * out_channels + channel, value)?;
            }
        }
    }
    Some(())
}

/// Scalars: [`Window`], [`Quantized`], output channels per input channel. Weights \[kernel height, kernel width,
/// in * multiplier\].
pub fn depthwise_conv_2d<A: Arithmetic>(step: &Step<'_>) -> Option<()> {
    let Layer { window, arithmetic, last: multiplier } = Layer::<A>::read(step)?;
    let out_channels = window.out_channels as usize;
    for y in step.output_rows()? {
        let taps = Taps::new(window, step.input(0)?, y)?;
        let out = step.output_row(0, y)?;
        for x in 0..window.out_width as usize {
            for channel in 0..out_channels {
                let first = channel.checked_div(multiplier)?;
                let mut sum = A::ZERO;
                for tap_y in taps.heights() {
                    let Some(row) = taps.row(tap_y) else { continue };
                    for (tap_x, column) in taps.columns(x) {
                        let element = elements::<A>(row, column * window.in_channels as usize + first, 1)?;
                        let tap = tap_y * window.kernel_width as usize + tap_x;
                        sum = arithmetic.dot(sum, element, step.weights(), tap * out_channels + channel)?;
                    }
                }
                let value = arithmetic.finish(step.channels(), channel, sum)?;
                A::Value::set(out, x * out_channels + channel, value)?;
            }
        }
    }
    Some(())
}

/// As [`conv_2d`], each input pixel adding a window to the output: the strides and paddings are those of the
/// convolution from output to input. Written from the output's side: which input pixels reach it.
pub fn transpose_conv<A: Arithmetic>(step: &Step<'_>) -> Option<()> {
    let Layer { window: w, arithmetic, last: in_channels } = Layer::<A>::read(step)?;
    let out_channels = w.out_channels as usize;
    let filter = (w.kernel_height * w.kernel_width) as usize * in_channels;
    for y in step.output_rows()? {
        let image = (y as i32).checked_div(w.out_height)? * w.in_height;
        let y_in_image = (y as i32).checked_rem(w.out_height)? + w.pad_top;
        let out = step.output_row(0, y)?;
        for x in 0..w.out_width {
            for channel in 0..out_channels {
                let mut sum = A::ZERO;
                for tap_y in 0..w.kernel_height {
                    let Some(row) = source(y_in_image - tap_y, w.stride_height, w.in_height) else { continue };
                    let row = step.input(0)?.get((image + row) as usize)?;
                    for tap_x in 0..w.kernel_width {
                        let Some(column) = source(x + w.pad_left - tap_x, w.stride_width, w.in_width) else { continue };
                        let pixel = elements::<A>(row, column as usize * in_channels, in_channels)?;
                        let tap = (tap_y * w.kernel_width + tap_x) as usize;
                        sum = arithmetic.dot(sum, pixel, step.weights(), channel * filter + tap * in_channels)?;
                    }
                }
                let value = arithmetic.finish(step.channels(), channel, sum)?;
                A::Value::set(out, x as usize * out_channels + channel, value)?;
            }
        }
    }
    Some(())
}

/// The input index whose window starts at `place`, if there is one.
#[inline]
fn source(place: i32, stride: i32, size: i32) -> Option<i32> {
    let index = place.checked_div(stride)?;
    if place >= 0 && index * stride == place && index < size { Some(index) } else { None }
}

/// `count` elements of a row.
#[inline]
fn elements<A: Arithmetic>(row: Cells<'_>, first: usize, count: usize) -> Option<Cells<'_>> {
    view(row, first * A::Value::BYTES, count * A::Value::BYTES)
}
