//! Convolution, depthwise and transposed convolution.

use super::arithmetic::{Arithmetic, Quantized};
use super::window::{Window, positions};
use crate::arena::{Cells, Element, view};
use crate::step::Step;

/// A layer's scalars: the window, the quantization, and one more.
struct Layer<A> {
    window: Window,
    arithmetic: A,
    last: usize,
}

impl<A: Arithmetic> Layer<A> {
    // A kernel that looks at a few scalars loads no others.
    #[inline(always)]
    fn read(step: &Step<'_>) -> Option<Self> {
        let (window, rest) = step.param_list().split_first_chunk()?;
        let (quantized, rest) = rest.split_first_chunk()?;
        let arithmetic = A::new(Quantized::from(*quantized));
        Some(Layer { window: Window::from(*window), arithmetic, last: *rest.first()? as usize })
    }
}

/// Most output channels that are computed together.
pub const BLOCK_CHANNELS: usize = 32;

/// What makes a convolution depthwise or not: which elements and weights an output channel has.
struct Layout<A: Arithmetic> {
    /// Groups of channels, and a group's channels in input and output.
    groups: usize,
    group_in: usize,
    group_out: usize,
    /// Whether an output channel has an input channel of its own.
    own: bool,
    /// Whether an output channel's weights of a row of taps are one run.
    dense: bool,
    /// Weights from one output channel to the next, and from one tap to the next.
    per_channel: usize,
    per_tap: usize,
    /// Adds products to the sums of a block.
    add: Add<A>,
}

/// [`Arithmetic::add_dots`] or [`Arithmetic::add_products`].
type Add<A> = fn(&A, &mut [<A as Arithmetic>::Sum], Cells<'_>, &[u8], usize, usize) -> Option<()>;

/// Scalars: [`Window`], [`Quantized`], input channels per group. Weights \[out, kernel height, kernel width,
/// in / groups\].
pub fn conv_2d<A: Arithmetic>(step: &Step<'_>) -> Option<()> {
    let Layer { window, arithmetic, last: group_in } = Layer::<A>::read(step)?;
    let groups = (window.in_channels as usize).checked_div(group_in)?;
    let layout = Layout {
        groups,
        group_in,
        group_out: (window.out_channels as usize).checked_div(groups)?,
        own: false,
        dense: groups == 1 && window.dilation_width == 1,
        per_channel: (window.kernel_height * window.kernel_width) as usize * group_in,
        per_tap: group_in,
        add: A::add_dots,
    };
    convolve(step, &arithmetic, &layout)
}

/// Scalars: [`Window`], [`Quantized`], output channels per input channel. Weights \[kernel height, kernel width,
/// in * multiplier\].
pub fn depthwise_conv_2d<A: Arithmetic>(step: &Step<'_>) -> Option<()> {
    let Layer { window, arithmetic, last: multiplier } = Layer::<A>::read(step)?;
    let (in_channels, out_channels) = (window.in_channels as usize, window.out_channels as usize);
    let own = multiplier == 1;
    let layout = Layout {
        groups: if own { 1 } else { in_channels },
        group_in: 1,
        group_out: if own { out_channels } else { multiplier },
        own,
        dense: false,
        per_channel: 1,
        per_tap: out_channels,
        add: A::add_products,
    };
    convolve(step, &arithmetic, &layout)
}

#[cfg_attr(not(feature = "std"), inline(never))]
fn convolve<A: Arithmetic>(step: &Step<'_>, arithmetic: &A, layout: &Layout<A>) -> Option<()> {
    let window = Window::read(step)?;
    let (in_channels, width, dilation) =
        (window.in_channels as usize, window.kernel_width as usize, window.dilation_width as usize);
    positions(step, A::Value::BYTES, &mut move |taps, columns, out| {
        let (runs, run) = if layout.dense { (1, columns.count) } else { (columns.count, 1) };
        let mut sums = [A::ZERO; BLOCK_CHANNELS];
        for group in 0..layout.groups {
            let mut first = 0;
            while first < layout.group_out {
                let channel = group * layout.group_out + first;
                let sums = sums.get_mut(..BLOCK_CHANNELS.min(layout.group_out - first))?;
                sums.fill(A::ZERO);
                let (input, inputs) =
                    if layout.own { (first, sums.len()) } else { (group * layout.group_in, run * layout.group_in) };
                for tap_y in taps.heights() {
                    let Some(row) = taps.row(tap_y) else { continue };
                    for i in 0..runs {
                        let x = elements::<A>(row, (columns.column + i * dilation) * in_channels + input, inputs)?;
                        let weight = channel * layout.per_channel + (tap_y * width + columns.tap + i) * layout.per_tap;
                        (layout.add)(arithmetic, sums, x, step.weights(), weight, layout.per_channel)?;
                    }
                }
                arithmetic.store(step, channel, sums, elements::<A>(out, channel, sums.len())?)?;
                first += sums.len();
            }
        }
        Some(())
    })
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
