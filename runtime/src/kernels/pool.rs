//! Average and maximum pooling.

use super::window::{Taps, Window};
use crate::arena::Element;
use crate::numeric::clamp_s8;
use crate::step::Step;

super::params! {
    /// Bounds of a pooling layer; input and output have the same scale and zero point.
    Bounds {
        /// Smallest output, activation included.
        min,
        /// Largest output.
        max,
    }
}

/// Scalars of a pool.
pub(crate) fn layer(step: &Step<'_>) -> Option<(Window, Bounds)> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    Some((Window::from(*window), Bounds::from(*rest.first_chunk()?)))
}

/// `sum / count` rounded to nearest, ties away from zero.
#[inline]
fn average(sum: i32, count: i32) -> Option<i32> {
    let half = count / 2;
    if sum > 0 { sum.wrapping_add(half) } else { sum.wrapping_sub(half) }.checked_div(count)
}

/// Scalars: [`Window`], [`Bounds`]. The divisor counts only positions inside the image.
pub fn average_s8(step: &Step<'_>) -> Option<()> {
    windows(step, |bounds, values| {
        let (mut sum, mut count) = (0i32, 0);
        for value in values {
            sum += i32::from(value?);
            count += 1;
        }
        Some(clamp_s8(average(sum, count)?, bounds.min, bounds.max))
    })
}

/// Scalars: [`Window`], [`Bounds`].
pub fn max_s8(step: &Step<'_>) -> Option<()> {
    windows(step, |bounds, values| {
        let mut largest = i8::MIN;
        for value in values {
            largest = largest.max(value?);
        }
        Some(clamp_s8(i32::from(largest), bounds.min, bounds.max))
    })
}

/// Applies `f` to the values under each window.
fn windows(step: &Step<'_>, f: impl Fn(&Bounds, &mut dyn Iterator<Item = Option<i8>>) -> Option<i8>) -> Option<()> {
    let (window, bounds) = layer(step)?;
    let channels = window.in_channels as usize;
    for y in step.output_rows()? {
        let taps = Taps::new(window, step.input(0)?, y)?;
        let out = step.output(0)?.get(y)?;
        for x in 0..window.out_width as usize {
            for channel in 0..channels {
                let rows = taps.heights().filter_map(|tap| taps.row(tap));
                let mut values = rows
                    .flat_map(|row| taps.columns(x).map(move |(_, column)| i8::get(row, column * channels + channel)));
                out.get(x * channels + channel)?.set(f(&bounds, &mut values)? as u8);
            }
        }
    }
    Some(())
}

/// Average over a whole image: adds up a row a step, divides in the last. Scalars: [`Window`], [`Bounds`]. State: an
/// i32 per channel.
pub fn global_average_s8(step: &Step<'_>) -> Option<()> {
    let (window, bounds) = layer(step)?;
    let channels = window.in_channels as usize;
    let state = step.state()?;
    let row = step.input(0)?.get(step.index())?;
    for channel in 0..channels {
        let mut sum = if step.index() == 0 { 0 } else { i32::get(state, channel)? };
        for x in 0..window.in_width as usize {
            sum += i32::from(i8::get(row, x * channels + channel)?);
        }
        i32::set(state, channel, sum)?;
    }
    finish_global(step, &window, &bounds)
}

/// Divides the sums in the last step of a global average.
pub(crate) fn finish_global(step: &Step<'_>, window: &Window, bounds: &Bounds) -> Option<()> {
    for y in step.output_rows()? {
        let (state, out) = (step.state()?, step.output(0)?.get(y)?);
        for channel in 0..window.in_channels as usize {
            let mean = average(i32::get(state, channel)?, window.in_height.wrapping_mul(window.in_width))?;
            out.get(channel)?.set(clamp_s8(mean, bounds.min, bounds.max) as u8);
        }
    }
    Some(())
}
