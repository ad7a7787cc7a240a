//! Products of pixels with streamed weights: what convolutions and fully connected layers share.

use super::requantize::Requantizer;
use super::sums::Sums;
use super::{LANES, MOST_ELEMENTS, PIXELS, Vector};
use crate::arena::Cells;

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

/// Pixels moved up by 128, whole quads of elements each.
pub(super) type Block = heapless::Vec<u8, { PIXELS * MOST_ELEMENTS }>;

/// Appends the elements of `from`.
#[inline(always)]
pub(super) fn append(from: Cells<'_>, to: &mut Block) -> Option<()> {
    let rest = append_chunks::<LANES>(from, to)?;
    let rest = append_chunks::<4>(rest, to)?;
    append_chunks::<1>(rest, to).map(drop)
}

/// Appends as many elements as are a multiple of `N`, and returns the others.
#[inline(always)]
fn append_chunks<'a, const N: usize>(from: Cells<'a>, to: &mut Block) -> Option<Cells<'a>> {
    let (chunks, rest) = from.as_chunks::<N>();
    for chunk in chunks {
        to.extend_from_slice(&chunk.each_ref().map(|cell| cell.get() ^ 0x80)).ok()?;
    }
    Some(rest)
}

/// Appends what fills the last quad: its weights are zeros.
#[inline(always)]
pub(super) fn fill_quad(block: &mut Block) -> Option<()> {
    block.resize(block.len().next_multiple_of(4), 0).ok()
}

/// A layer's weights. Per [`LANES`] channels: where sums start, `quads` vectors of weights, four elements of every channel
/// each, and the three of a [`Requantizer`].
pub(super) struct Weights<'a> {
    pub(super) stream: &'a [Vector],
    pub(super) channels: usize,
    /// Elements of a pixel, in quads.
    pub(super) quads: usize,
    pub(super) product: Product,
}

impl Weights<'_> {
    /// Multiplies the pixels of `block`; `out` are their places, of `channels` bytes each.
    #[inline(always)]
    pub(super) fn multiply<S: Sums>(&self, block: &Block, out: &[Cells<'_>]) -> Option<()> {
        let (mut x, _) = block.as_chunks::<4>();
        let mut out = out;
        if S::IN_REGISTERS >= 16 {
            while out.len() >= 8 {
                self.pixels::<S, 8, 2>(&mut x, &mut out)?;
            }
            while out.len() >= 5 {
                self.pixels::<S, 5, 2>(&mut x, &mut out)?;
            }
            while out.len() >= 3 {
                self.pixels::<S, 3, 4>(&mut x, &mut out)?;
            }
        }
        while out.len() >= 2 {
            self.pixels::<S, 2, 1>(&mut x, &mut out)?;
        }
        while !out.is_empty() {
            self.pixels::<S, 1, 4>(&mut x, &mut out)?;
        }
        Some(())
    }

    /// The next `P` pixels, `C` groups of channels at a time.
    #[inline(always)]
    fn pixels<S: Sums, const P: usize, const C: usize>(
        &self,
        x: &mut &[[u8; 4]],
        out: &mut &[Cells<'_>],
    ) -> Option<()> {
        let (these, others) = out.split_first_chunk::<P>()?;
        let rest = self.blocks::<S, P, C>(x, these, 0)?;
        self.blocks::<S, P, 1>(x, these, rest)?;
        (*x, *out) = (x.get(P * self.quads..)?, others);
        Some(())
    }

    /// From the `first` group of channels on, as many as are a multiple of `C`; returns the first of those that are left.
    #[inline(always)]
    fn blocks<S: Sums, const P: usize, const C: usize>(
        &self,
        x: &[[u8; 4]],
        out: &[Cells<'_>; P],
        mut first: usize,
    ) -> Option<usize> {
        let length = self.quads + 4;
        while first + C <= self.channels.div_ceil(LANES) {
            let groups = self.stream.get(first * length..)?.get(..C * length)?;
            let sums = sums::<S, P, C>(x, groups, self.quads)?;
            for ((sums, group), channel) in
                sums.iter().zip(groups.chunks_exact(length)).zip((first * LANES..).step_by(LANES))
            {
                let requantizer = Requantizer::new(group.last_chunk()?, self.product.min, self.product.max);
                for (sums, out) in sums.iter().zip(out) {
                    put(requantizer.apply(sums.get()), out.get(channel..self.channels)?);
                }
            }
            first += C;
        }
        Some(first)
    }
}

/// The sums of `P` pixels, of `quads` quads of elements each, and `C` groups of channels.
#[inline(always)]
fn sums<S: Sums, const P: usize, const C: usize>(
    x: &[[u8; 4]],
    groups: &[Vector],
    quads: usize,
) -> Option<[[S; P]; C]> {
    let length = quads + 4;
    if x.len() < P * quads || groups.len() < C * length {
        return None;
    }
    let mut sums = [[S::new(groups.first()?); P]; C];
    for (sums, group) in sums.iter_mut().zip(groups.chunks_exact(length)) {
        *sums = [S::new(group.first()?); P];
    }
    for k in 0..quads {
        for (c, sums) in sums.iter_mut().enumerate() {
            for (p, sum) in sums.iter_mut().enumerate() {
                // SAFETY: k < quads, p < P and c < C, so that both indices are below what was asked for above.
                let (x, w) = unsafe { (x.get_unchecked(p * quads + k), groups.get_unchecked(c * length + 1 + k)) };
                *sum = sum.add_products(*x, w);
            }
        }
    }
    Some(sums)
}

/// Stores outputs, as many as there is room for.
#[inline(always)]
pub(super) fn put(bytes: [u8; LANES], out: Cells<'_>) {
    match out.first_chunk::<LANES>() {
        Some(out) => out.iter().zip(bytes).for_each(|(cell, byte)| cell.set(byte)),
        None => out.iter().zip(bytes).for_each(|(cell, byte)| cell.set(byte)),
    }
}
