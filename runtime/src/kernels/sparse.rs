//! Convolution by the blocks of weights that are not zero: two output channels by two inputs each.

use super::arithmetic::{Arithmetic, Narrow, Quantized};
use super::window::{Taps, Window};
use crate::arena::{Cells, Element, copy, view};
use crate::step::Step;

/// Bytes of a block: how many blocks are left out before it, then both inputs' weights of the first channel, then of the
/// second.
pub const BLOCK_BYTES: usize = 5;

/// Scalars: [`Window`], [`Quantized`]. Weights: for every two output channels the number of their blocks, 2 bytes, and the
/// blocks, in the order of a window's elements; a single last channel has a companion of zeros. Channels: bias, multiplier,
/// shift each; the input's zero point is folded into the bias. Scratch: a window, 1 byte for each element, of an even
/// number.
pub fn conv_2d_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, quantized) = (Window::from(*window), Quantized::from(*rest.first_chunk()?));
    let arithmetic = Narrow::<i8>::new(quantized);
    let out_channels = w.out_channels as usize;
    let mut taps = Taps::new(&w, step.input(0)?);
    for y in step.output_rows()? {
        taps.move_to(y)?;
        let out = step.output_row(0, y)?;
        for x in 0..w.out_width as usize {
            let pixel = view(out, x * out_channels, out_channels)?;
            gather(&taps, &w, x, quantized.input_zero_point as u8, step.scratch()?)?;
            let mut stream = step.weights();
            for first in (0..out_channels).step_by(2) {
                let (count, rest) = stream.split_first_chunk()?;
                let (blocks, rest) = rest.split_at_checked(u16::from_le_bytes(*count) as usize * BLOCK_BYTES)?;
                stream = rest;
                let sums = products(step.scratch()?, blocks.as_chunks().0)?;
                for (channel, sum) in (first..out_channels).zip(sums) {
                    i8::set(pixel, channel, arithmetic.finish(step.channels(), channel, sum)?)?;
                }
            }
        }
    }
    Some(())
}

/// The window of output column `x`, zero points where it is in the padding.
fn gather(taps: &Taps<'_>, w: &Window, x: usize, zero_point: u8, to: Cells<'_>) -> Option<()> {
    let channels = w.in_channels as usize;
    let mut rows = to.chunks_exact((channels * w.kernel_width as usize).max(1));
    for tap_y in taps.heights() {
        let to = rows.next()?;
        let row = taps.row(tap_y);
        let mut done = 0;
        for (tap_x, column) in taps.columns(x).take_while(|_| row.is_some()) {
            to.get(done * channels..tap_x * channels)?.iter().for_each(|cell| cell.set(zero_point));
            copy(view(row?, column * channels, channels)?, view(to, tap_x * channels, channels)?);
            done = tap_x + 1;
        }
        to.get(done * channels..)?.iter().for_each(|cell| cell.set(zero_point));
    }
    Some(())
}

/// Sums of two channels.
#[inline]
fn products(window: Cells<'_>, blocks: &[[u8; BLOCK_BYTES]]) -> Option<[i32; 2]> {
    let inputs = window.as_chunks::<2>().0;
    let (mut place, mut first, mut second) = (0, 0i32, 0i32);
    for &[gap, a, b, c, d] in blocks {
        place += usize::from(gap);
        let [x, y] = inputs.get(place)?;
        let (x, y) = (signed(x.get()), signed(y.get()));
        first = first.wrapping_add(x * signed(a)).wrapping_add(y * signed(b));
        second = second.wrapping_add(x * signed(c)).wrapping_add(y * signed(d));
        place += 1;
    }
    Some([first, second])
}

#[inline]
fn signed(byte: u8) -> i32 {
    i32::from(byte as i8)
}
