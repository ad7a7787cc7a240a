//! Products of pixels with streamed weights: what convolutions and fully connected layers share.

use super::requantize::Requantizer;
use super::sums::Sums;
use super::{LANES, MOST_ELEMENTS, PIXELS, Vector};
use crate::arena::Cells;
use core::cell::Cell;

crate::kernels::params! {
    /// Scalars of a product, behind those of its layer.
    Product {
        /// Zero point of the input.
        input_zero_point,
        /// Smallest output.
        min,
        /// Largest output.
        max,
    }
}

/// Pixels widened to int16, an even number of elements each.
pub(super) type Block = heapless::Vec<i16, { PIXELS * MOST_ELEMENTS }>;

/// Appends the elements of `from`.
#[inline(always)]
pub(super) fn widen(from: Cells<'_>, to: &mut Block) -> Option<()> {
    let wide = |cell: &Cell<u8>| i16::from(cell.get() as i8);
    let (chunks, rest) = from.as_chunks::<LANES>();
    for chunk in chunks {
        to.extend_from_slice(&chunk.each_ref().map(wide)).ok()?;
    }
    for cell in rest {
        to.push(wide(cell)).ok()?;
    }
    Some(())
}

/// A layer's weights. Per [`LANES`] channels: where sums start, `pairs` vectors of weights, two elements of every channel
/// each, and the three of a [`Requantizer`].
pub(super) struct Weights<'a> {
    pub(super) stream: &'a [Vector],
    pub(super) channels: usize,
    /// Elements of a pixel, in pairs.
    pub(super) pairs: usize,
    pub(super) product: Product,
}

impl Weights<'_> {
    /// Multiplies the pixels of `block`; `out` are their places, of `channels` bytes each.
    #[inline(always)]
    pub(super) fn multiply<S: Sums>(&self, block: &Block, out: &[Cells<'_>]) -> Option<()> {
        let (elements, _) = block.as_chunks::<2>();
        match out.first_chunk::<PIXELS>() {
            Some(out) => {
                let x: [&[[i16; 2]]; PIXELS] = split(elements, self.pairs)?;
                let rest = self.blocks::<S, PIXELS, 2>(&x, out, 0)?;
                self.blocks::<S, PIXELS, 1>(&x, out, rest)?;
            }
            None => {
                for (x, out) in elements.chunks_exact(self.pairs.max(1)).zip(out) {
                    let rest = self.blocks::<S, 1, 4>(&[x], &[out], 0)?;
                    self.blocks::<S, 1, 1>(&[x], &[out], rest)?;
                }
            }
        }
        Some(())
    }

    /// From the `first` group of channels on, as many as are a multiple of `C`; returns the first of those that are left.
    #[inline(always)]
    fn blocks<S: Sums, const P: usize, const C: usize>(
        &self,
        x: &[&[[i16; 2]]; P],
        out: &[Cells<'_>; P],
        mut first: usize,
    ) -> Option<usize> {
        let length = self.pairs + 4;
        while first + C <= self.channels.div_ceil(LANES) {
            let groups: [&[Vector]; C] = split(self.stream.get(first * length..)?, length)?;
            let sums = sums::<S, P, C>(x, groups, self.pairs)?;
            for (c, (sums, group)) in sums.into_iter().zip(groups).enumerate() {
                let requantizer = Requantizer::new(group.last_chunk()?, self.product.min, self.product.max);
                let channel = (first + c) * LANES;
                for (sums, out) in sums.into_iter().zip(out) {
                    put(requantizer.apply(sums.get()), out.get(channel..self.channels)?);
                }
            }
            first += C;
        }
        Some(first)
    }
}

/// The sums of `P` pixels and `C` groups of channels.
#[inline(always)]
fn sums<S: Sums, const P: usize, const C: usize>(
    x: &[&[[i16; 2]]; P],
    groups: [&[Vector]; C],
    pairs: usize,
) -> Option<[[S; P]; C]> {
    let mut sums = [[S::new(&[0; 4 * LANES]); P]; C];
    let mut weights: [&[Vector]; C] = [&[]; C];
    for ((sums, weights), group) in sums.iter_mut().zip(&mut weights).zip(groups) {
        let (start, rest) = group.split_first()?;
        (*sums, *weights) = ([S::new(start); P], rest.get(..pairs)?);
    }
    for k in 0..pairs {
        for (sums, weights) in sums.iter_mut().zip(&weights) {
            let w = weights.get(k)?;
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = sum.add_products(*x.get(k)?, w);
            }
        }
    }
    Some(sums)
}

/// The first `length` elements of `from`, and as many again, `N` times.
#[inline(always)]
fn split<T, const N: usize>(from: &[T], length: usize) -> Option<[&[T]; N]> {
    let mut parts = [&from[..0]; N];
    for (i, part) in parts.iter_mut().enumerate() {
        *part = from.get(i * length..)?.get(..length)?;
    }
    Some(parts)
}

/// Stores outputs, as many as there is room for.
#[inline(always)]
pub(super) fn put(bytes: [u8; LANES], out: Cells<'_>) {
    match out.first_chunk::<LANES>() {
        Some(out) => out.iter().zip(bytes).for_each(|(cell, byte)| cell.set(byte)),
        None => out.iter().zip(bytes).for_each(|(cell, byte)| cell.set(byte)),
    }
}
