//! Number formats of layers with weights: how products are summed and what becomes of the sums. Convolutions and fully
//! connected layers are written once, over [`Arithmetic`].

use crate::arena::{Cells, Element};
use crate::numeric::{Integer, Multiplier};
use crate::step::Step;
use std::marker::PhantomData;

super::params! {
    /// Zero points and bounds of a layer. In a float layer the bounds are the bits of f32s and the rest is 0.
    Quantized {
        /// Zero point of the input.
        input_zero_point,
        /// Zero point of the weights.
        weight_zero_point,
        /// Zero point of the output.
        output_zero_point,
        /// Smallest output, activation included.
        min,
        /// Largest output.
        max,
    }
}

impl Quantized {
    #[inline]
    fn offset(&self) -> Option<i32> {
        if self.weight_zero_point == 0 { None } else { Some(self.centred(0)) }
    }

    #[inline]
    fn centred(&self, weight: i32) -> i32 {
        weight.wrapping_sub(self.weight_zero_point)
    }
}

/// A number format.
pub trait Arithmetic {
    /// An element of input and output.
    type Value: Element;
    /// A weight, unpacked.
    type Weight: Copy;
    /// What products add up to.
    type Sum: Copy;
    /// Constants of a channel.
    const CONSTANTS: usize;
    /// The empty sum.
    const ZERO: Self::Sum;

    /// The format of a layer with these scalars.
    fn new(scalars: Quantized) -> Self;

    /// The stored weights from the `first` on.
    fn weights(stored: &[u8], first: usize) -> Option<impl Iterator<Item = Self::Weight>>;

    /// What is added to every weight, if anything: minus the zero point.
    fn offset(&self) -> Option<Self::Weight>;

    /// A weight less its zero point.
    fn centred(&self, weight: Self::Weight) -> Self::Weight;

    /// `sum + x * weight`.
    fn add(&self, sum: Self::Sum, x: Self::Value, weight: Self::Weight) -> Self::Sum;

    /// The output of a channel, whose constants are among `channels`.
    fn finish(&self, channels: &[i32], channel: usize, sum: Self::Sum) -> Option<Self::Value>;

    /// `sum` and the products of all elements of `x` with the weights from `first` on.
    #[inline]
    fn dot(&self, mut sum: Self::Sum, x: Cells<'_>, stored: &[u8], first: usize) -> Option<Self::Sum> {
        for (x, weight) in Self::Value::all(x).zip(Self::weights(stored, first)?) {
            sum = self.add(sum, x, self.centred(weight));
        }
        Some(sum)
    }

    /// Adds to each sum the products of all elements of `x` with its channel's weights: those from the `first` on, and so many
    /// `further` those of the next channel. An element is loaded once for two channels.
    // A function of its own has its sums and zero points in registers.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn add_dots(
        &self,
        sums: &mut [Self::Sum],
        x: Cells<'_>,
        stored: &[u8],
        mut first: usize,
        further: usize,
    ) -> Option<()> {
        for pair in sums.chunks_mut(2) {
            // A channel without a neighbour is its own.
            let second = if pair.len() == 1 { first } else { first + further };
            let (mut a, mut b) = (*pair.first()?, *pair.last()?);
            let weights = Self::weights(stored, first)?.zip(Self::weights(stored, second)?);
            for (x, (weight_a, weight_b)) in Self::Value::all(x).zip(weights) {
                a = self.add(a, x, weight_a);
                b = self.add(b, x, weight_b);
            }
            if let Some(offset) = self.offset() {
                for x in Self::Value::all(x) {
                    a = self.add(a, x, offset);
                    b = self.add(b, x, offset);
                }
            }
            *pair.first_mut()? = a;
            *pair.last_mut()? = b;
            first = second + further;
        }
        Some(())
    }

    /// Adds to each sum the product of its element of `x`, or of the only one, with its weight, from the `first` on.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn add_products(&self, sums: &mut [Self::Sum], x: Cells<'_>, stored: &[u8], first: usize, _: usize) -> Option<()> {
        if x.len() == Self::Value::BYTES {
            let x = Self::Value::get(x, 0)?;
            for (sum, weight) in sums.iter_mut().zip(Self::weights(stored, first)?) {
                *sum = self.add(*sum, x, self.centred(weight));
            }
        } else {
            for ((sum, x), weight) in sums.iter_mut().zip(Self::Value::all(x)).zip(Self::weights(stored, first)?) {
                *sum = self.add(*sum, x, self.centred(weight));
            }
        }
        Some(())
    }

    /// Stores the outputs of the channels from the `first` on, as many as `out` holds.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn store(&self, step: &Step<'_>, first: usize, sums: &[Self::Sum], out: Cells<'_>) -> Option<()> {
        let constants = step.channels().get(Self::CONSTANTS * first..)?.chunks_exact(Self::CONSTANTS);
        for ((sum, constants), out) in sums.iter().zip(constants).zip(out.chunks_exact(Self::Value::BYTES)) {
            Self::Value::set(out, 0, self.finish(constants, 0, *sum)?)?;
        }
        Some(())
    }
}

/// Activations of type `T`, int8 weights, int32 sums. Channels: bias, multiplier, shift each.
pub struct Narrow<T>(Quantized, PhantomData<T>);

/// As [`Narrow`], with two weights to a byte, the low nibble first.
pub struct Int4(Narrow<i8>);

/// Int16 activations, int8 weights, int64 sums. Channels: low and high word of the bias, multiplier, shift each.
pub struct Wide(Quantized);

/// Float activations and weights. Channels: bias each.
pub struct F32 {
    min: f32,
    max: f32,
}

/// The constants of one channel.
#[inline]
fn constants<const N: usize>(channels: &[i32], channel: usize) -> Option<[i32; N]> {
    channels.get(N * channel..)?.first_chunk().copied()
}

#[inline]
fn int8s(stored: &[u8], first: usize) -> Option<impl Iterator<Item = i32>> {
    Some(stored.get(first..)?.iter().map(|weight| i32::from(*weight as i8)))
}

impl<T: Integer> Arithmetic for Narrow<T> {
    type Value = T;
    type Weight = i32;
    type Sum = i32;
    const CONSTANTS: usize = 3;
    const ZERO: i32 = 0;

    #[inline]
    fn new(scalars: Quantized) -> Self {
        Self(scalars, PhantomData)
    }

    #[inline]
    fn weights(stored: &[u8], first: usize) -> Option<impl Iterator<Item = i32>> {
        int8s(stored, first)
    }

    #[inline]
    fn offset(&self) -> Option<i32> {
        self.0.offset()
    }

    #[inline]
    fn centred(&self, weight: i32) -> i32 {
        self.0.centred(weight)
    }

    #[inline]
    fn add(&self, sum: i32, x: T, weight: i32) -> i32 {
        let x: i32 = x.into();
        sum.wrapping_add((x - self.0.input_zero_point).wrapping_mul(weight))
    }

    #[inline]
    fn finish(&self, channels: &[i32], channel: usize, sum: i32) -> Option<T> {
        let [bias, multiplier, shift] = constants(channels, channel)?;
        let scaled = Multiplier { multiplier, shift }.apply(sum.wrapping_add(bias));
        Some(T::clamped(scaled.wrapping_add(self.0.output_zero_point), self.0.min, self.0.max))
    }
}

impl Arithmetic for Int4 {
    type Value = i8;
    type Weight = i32;
    type Sum = i32;
    const CONSTANTS: usize = 3;
    const ZERO: i32 = 0;

    #[inline]
    fn new(scalars: Quantized) -> Self {
        Self(Narrow::new(scalars))
    }

    #[inline]
    fn weights(stored: &[u8], first: usize) -> Option<impl Iterator<Item = i32>> {
        let nibbles = stored.get(first / 2..)?.iter().flat_map(|byte| [*byte << 4, *byte]);
        Some(nibbles.skip(first % 2).map(|high| i32::from(high as i8 >> 4)))
    }

    #[inline]
    fn offset(&self) -> Option<i32> {
        self.0.offset()
    }

    #[inline]
    fn centred(&self, weight: i32) -> i32 {
        self.0.centred(weight)
    }

    #[inline]
    fn add(&self, sum: i32, x: i8, weight: i32) -> i32 {
        self.0.add(sum, x, weight)
    }

    #[inline]
    fn finish(&self, channels: &[i32], channel: usize, sum: i32) -> Option<i8> {
        self.0.finish(channels, channel, sum)
    }
}

impl Arithmetic for Wide {
    type Value = i16;
    type Weight = i32;
    type Sum = i64;
    const CONSTANTS: usize = 4;
    const ZERO: i64 = 0;

    #[inline]
    fn new(scalars: Quantized) -> Self {
        Self(scalars)
    }

    #[inline]
    fn weights(stored: &[u8], first: usize) -> Option<impl Iterator<Item = i32>> {
        int8s(stored, first)
    }

    #[inline]
    fn offset(&self) -> Option<i32> {
        self.0.offset()
    }

    #[inline]
    fn centred(&self, weight: i32) -> i32 {
        self.0.centred(weight)
    }

    #[inline]
    fn add(&self, sum: i64, x: i16, weight: i32) -> i64 {
        sum.wrapping_add(i64::from(i32::from(x).wrapping_mul(weight)))
    }

    #[inline]
    fn finish(&self, channels: &[i32], channel: usize, sum: i64) -> Option<i16> {
        let [low, high, multiplier, shift] = constants(channels, channel)?;
        let bias = i64::from(high) << 32 | i64::from(low as u32);
        let scaled = Multiplier { multiplier, shift }.apply_wide(sum.wrapping_add(bias));
        Some(i16::clamped(scaled, self.0.min, self.0.max))
    }
}

impl Arithmetic for F32 {
    type Value = f32;
    type Weight = f32;
    type Sum = f32;
    const CONSTANTS: usize = 1;
    const ZERO: f32 = 0.0;

    #[inline]
    fn new(scalars: Quantized) -> Self {
        Self { min: f32::from_bits(scalars.min as u32), max: f32::from_bits(scalars.max as u32) }
    }

    #[inline]
    fn weights(stored: &[u8], first: usize) -> Option<impl Iterator<Item = f32>> {
        let words = stored.get(4 * first..)?.as_chunks().0;
        Some(words.iter().map(|bytes| f32::from_le_bytes(*bytes)))
    }

    #[inline]
    fn offset(&self) -> Option<f32> {
        None
    }

    #[inline]
    fn centred(&self, weight: f32) -> f32 {
        weight
    }

    #[inline]
    fn add(&self, sum: f32, x: f32, weight: f32) -> f32 {
        sum + x * weight
    }

    #[inline]
    fn finish(&self, channels: &[i32], channel: usize, sum: f32) -> Option<f32> {
        let [bias] = constants(channels, channel)?;
        Some((sum + f32::from_bits(bias as u32)).max(self.min).min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Channels in pairs, an odd last one, and one by one: the same sums, whatever the zero points.
    #[test]
    fn pairs_equal_single_channels() {
        const LENGTH: usize = 7;
        let mut bytes: [u8; LENGTH] = std::array::from_fn(|i| (37 * i) as u8);
        let stored: [u8; 3 * LENGTH] = std::array::from_fn(|i| (101 * i) as u8);
        let x = Cell::from_mut(bytes.as_mut_slice()).as_slice_of_cells();
        for weight_zero_point in [0, -9, 127] {
            let scalars = Quantized { input_zero_point: 5, weight_zero_point, output_zero_point: 0, min: 0, max: 0 };
            let arithmetic = Narrow::<i8>::new(scalars);
            let mut sums = [1000, -1000, 0];
            let expected: [_; 3] = std::array::from_fn(|i| arithmetic.dot(sums[i], x, &stored, i * LENGTH));
            arithmetic.add_dots(&mut sums, x, &stored, 0, LENGTH).expect("in bounds");
            assert_eq!(sums.map(Some), expected);
        }
    }
}
