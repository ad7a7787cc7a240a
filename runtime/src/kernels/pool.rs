//! Average and maximum pooling.

use super::window::{Window, positions};
use crate::arena::Element;
use crate::numeric::Integer;
use crate::step::Step;

super::params! {
    /// Bounds of a pooling layer; input and output have the same scale and zero point. In a float layer they are the
    /// bits of f32s.
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

/// Elements that can be pooled.
pub trait Poolable: Element {
    /// What they add up to; 4 bytes.
    type Sum: Element + Default;
    /// The smallest element.
    const LOWEST: Self;
    /// The larger of both.
    fn larger(self, other: Self) -> Self;
    /// `sum + value`.
    fn add(sum: Self::Sum, value: Self) -> Self::Sum;
    /// The mean of `count` values.
    fn mean(sum: Self::Sum, count: i32) -> Option<Self>;
    /// The value, limited.
    fn bounded(self, bounds: &Bounds) -> Self;
}

macro_rules! poolable_integer {
    ($($type:ty),*) => { $(
        impl Poolable for $type {
            type Sum = i32;
            const LOWEST: Self = Self::MIN;

            #[inline]
            fn larger(self, other: Self) -> Self {
                self.max(other)
            }

            #[inline]
            fn add(sum: i32, value: Self) -> i32 {
                sum.wrapping_add(value.into())
            }

            /// Rounded to nearest, ties away from zero.
            #[inline]
            fn mean(sum: i32, count: i32) -> Option<Self> {
                let half = count / 2;
                let mean = if sum > 0 { sum.wrapping_add(half) } else { sum.wrapping_sub(half) }.checked_div(count)?;
                Some(mean as Self)
            }

            #[inline]
            fn bounded(self, bounds: &Bounds) -> Self {
                Self::clamped(self.into(), bounds.min, bounds.max)
            }
        }
    )* };
}

poolable_integer!(i8, i16);

impl Poolable for f32 {
    type Sum = f32;
    const LOWEST: Self = f32::MIN;

    #[inline]
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }

    #[inline]
    fn add(sum: f32, value: f32) -> f32 {
        sum + value
    }

    #[inline]
    fn mean(sum: f32, count: i32) -> Option<Self> {
        Some(sum / count as f32)
    }

    #[inline]
    fn bounded(self, bounds: &Bounds) -> Self {
        self.max(f32::from_bits(bounds.min as u32)).min(f32::from_bits(bounds.max as u32))
    }
}

/// Average. Scalars: [`Window`], [`Bounds`]. The divisor counts only positions inside the image.
pub fn average<T: Poolable>(step: &Step<'_>) -> Option<()> {
    windows(step, |values| {
        let (mut sum, mut count) = (T::Sum::default(), 0);
        for value in values {
            sum = T::add(sum, value?);
            count += 1;
        }
        T::mean(sum, count)
    })
}

/// Maximum. Scalars: [`Window`], [`Bounds`].
pub fn max<T: Poolable>(step: &Step<'_>) -> Option<()> {
    windows(step, |values| {
        let mut largest = T::LOWEST;
        for value in values {
            largest = largest.larger(value?);
        }
        Some(largest)
    })
}

/// Applies `f` to the values under each window.
fn windows<T: Poolable>(step: &Step<'_>, f: impl Fn(&mut dyn Iterator<Item = Option<T>>) -> Option<T>) -> Option<()> {
    let (window, bounds) = layer(step)?;
    let (channels, dilation) = (window.in_channels as usize, window.dilation_width as usize);
    positions(step, T::BYTES, &mut move |taps, columns, out| {
        for channel in 0..channels {
            let rows = taps.heights().filter_map(|tap| taps.row(tap));
            let mut values = rows.flat_map(|row| {
                (0..columns.count).map(move |i| T::get(row, (columns.column + i * dilation) * channels + channel))
            });
            T::set(out, channel, f(&mut values)?.bounded(&bounds))?;
        }
        Some(())
    })
}

/// Average over a whole image: adds up a row a step, divides in the last. Scalars: [`Window`], [`Bounds`]. State: 4 bytes
/// per channel.
pub fn global_average<T: Poolable>(step: &Step<'_>) -> Option<()> {
    let (window, _) = layer(step)?;
    let channels = window.in_channels as usize;
    let state = step.state()?;
    let row = step.input_row(0, step.index())?;
    for channel in 0..channels {
        let mut sum = if step.index() == 0 { T::Sum::default() } else { T::Sum::get(state, channel)? };
        for x in 0..window.in_width as usize {
            sum = T::add(sum, T::get(row, x * channels + channel)?);
        }
        T::Sum::set(state, channel, sum)?;
    }
    finish_global::<T>(step)
}

/// Divides the sums in the last step of a global average.
pub(crate) fn finish_global<T: Poolable>(step: &Step<'_>) -> Option<()> {
    let (window, bounds) = layer(step)?;
    for y in step.output_rows()? {
        let (state, out) = (step.state()?, step.output_row(0, y)?);
        for channel in 0..window.in_channels as usize {
            let mean = T::mean(T::Sum::get(state, channel)?, window.in_height.wrapping_mul(window.in_width))?;
            T::set(out, channel, mean.bounded(&bounds))?;
        }
    }
    Some(())
}
