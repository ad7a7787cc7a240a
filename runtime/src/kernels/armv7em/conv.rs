//! Convolution as a product of int16 pixel blocks with streamed weights.

use super::gemm::{Gemm, gemm, gemm_int4};
use super::widen::{Windows, widen_quads, widen_windows};
use crate::arena::{Cells, view};
use crate::kernels::window::Window;
use crate::step::{Rows, Step};
use std::ops::Range;
use std::ptr::NonNull;

crate::kernels::params! {
    /// Scalars of a convolution behind its [`Window`].
    Conv {
        /// Smallest output, where the stream says that it is not int8's.
        min,
        /// Largest output.
        max,
    }
}

/// Most pixels of a block.
pub const BLOCK: usize = 4;

/// Most rows of a window.
pub const MAX_TAPS: usize = 16;

/// How many pixels the next block takes.
pub fn block_of(left: usize) -> usize {
    match left {
        BLOCK.. => BLOCK,
        2 | 3 => 2,
        left => left,
    }
}

/// Input channels are a multiple of 4, windows at most [`MAX_TAPS`] rows high. Scalars: [`Window`], [`Conv`]. Weights: a
/// stream for [`gemm`] over windows in [`widen_quads`]' order. Channels: a window's row, that is kernel width times input
/// channels bytes, of the input's zero point. Scratch: [`BLOCK`] pixels, 2 bytes for each element of a window.
pub fn conv_2d_s8(step: &Step<'_>) -> Option<()> {
    convolve::<false>(step)
}

/// As [`conv_2d_s8`] with a stream for [`gemm_int4`]; outputs are at least [`BLOCK`] columns wide.
pub fn conv_2d_s8w4(step: &Step<'_>) -> Option<()> {
    convolve::<true>(step)
}

fn convolve<const INT4: bool>(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, bounds) = (Window::from(*window), Conv::from(*rest.first_chunk()?));
    let (input, output) = (step.input(0)?, step.output(0)?);
    let words = (w.kernel_height * w.kernel_width * w.in_channels / 2) as usize;
    let padding = step.channels().get(..(w.kernel_width * w.in_channels / 4) as usize)?;
    let product = Gemm {
        x: view(step.scratch()?, 0, BLOCK * 4 * words)?.as_ptr().cast(),
        stream: step.weights().as_ptr().cast(),
        out: std::ptr::null_mut(),
        out_stride: w.out_channels as usize,
        words,
        min: bounds.min,
        max: bounds.max,
    };
    let inside = Windows {
        rows: std::ptr::null(),
        height: w.kernel_height as usize,
        offset: 0,
        step: (w.stride_width * w.in_channels) as usize,
        quads: (w.kernel_width * w.in_channels / 4) as usize,
        padding: padding.as_ptr().cast(),
        to: product.x.cast_mut(),
    };
    let mut layer = Layer { w, inside, product };
    let pointwise = (w.kernel_height, w.kernel_width, w.stride_height, w.stride_width) == (1, 1, 1, 1);
    let mut rows = step.output_rows()?;
    while !rows.is_empty() {
        let out = view(output.get(rows.start)?, 0, (w.out_width * w.out_channels) as usize)?;
        layer.product.out = out.as_ptr().cast_mut().cast();
        // Rows that follow each other in memory are one long row to a pointwise convolution.
        let together = if pointwise { adjacent(output, rows.clone())?.min(adjacent(input, rows.clone())?) } else { 1 };
        (layer.w.in_width, layer.w.out_width) = (w.in_width * together as i32, w.out_width * together as i32);
        layer.row::<INT4>(&taps(&w, input, rows.start)?);
        rows.start += together;
    }
    Some(())
}

/// How many of `range` follow each other in memory without a gap.
fn adjacent(rows: Rows<'_>, range: Range<usize>) -> Option<usize> {
    let mut count = 1;
    let mut last = rows.get(range.start)?;
    while range.start + count < range.end {
        let next = rows.get(range.start + count)?;
        if !std::ptr::eq(last.as_ptr_range().end, next.as_ptr()) {
            break;
        }
        (last, count) = (next, count + 1);
    }
    Some(count)
}

/// The start of an input row; `None` where padding is.
pub(super) type Tap = Option<NonNull<u8>>;

/// The input rows under output row `y`, long enough for all that is read of them.
pub(super) fn taps(w: &Window, input: Rows<'_>, y: usize) -> Option<heapless::Vec<Tap, MAX_TAPS>> {
    let image = (y as i32).checked_div(w.out_height)?;
    let top = (y as i32 - image * w.out_height) * w.stride_height - w.pad_top;
    let bytes = (w.in_width * w.in_channels) as usize;
    let mut taps = heapless::Vec::new();
    for tap in 0..w.kernel_height {
        let row = top + tap * w.dilation_height;
        let tap = match (0..w.in_height).contains(&row) {
            true => {
                let row = view(input.get((image * w.in_height + row) as usize)?, 0, bytes)?;
                NonNull::new(row.as_ptr().cast_mut().cast())
            }
            false => None,
        };
        taps.push(tap).ok()?;
    }
    Some(taps)
}

/// A part of a row of the image from byte `first` on; zero points where there is none.
pub(super) fn pad(w: &Window, from: Tap, first: i32, to: Cells<'_>, zero_point: i32) {
    to.iter().for_each(|cell| cell.set(zero_point as u8));
    let Some(from) = from else { return };
    let end = (w.in_width * w.in_channels).min(first + to.len() as i32);
    let start = first.max(0);
    if start < end {
        let (from, to) = (from.as_ptr().cast_const(), to.as_ptr().cast_mut().cast::<u8>());
        // SAFETY: both ends lie in the row, and as far from its start in `to`, which is scratch.
        unsafe {
            from.add(start as usize).copy_to_nonoverlapping(to.add((start - first) as usize), (end - start) as usize);
        }
    }
}

struct Layer {
    w: Window,
    /// For windows that are all in the image.
    inside: Windows,
    product: Gemm,
}

impl Layer {
    /// Computes a row of `out_width` pixels, for which `product` knows the place.
    fn row<const INT4: bool>(&mut self, taps: &[Tap]) {
        let (stride, channels) = (self.w.stride_width, self.w.out_channels as usize);
        self.inside.rows = taps.as_ptr().cast();
        let mut left = -self.w.pad_left;
        let mut pixels = self.w.out_width as usize;
        while pixels > 0 {
            let count = if INT4 { BLOCK } else { block_of(pixels) };
            if INT4 && pixels < BLOCK {
                // The last block does again what of the one before it takes to be whole.
                left -= (BLOCK - pixels) as i32 * stride;
                self.product.out = self.product.out.wrapping_sub((BLOCK - pixels) * channels);
                pixels = BLOCK;
            }
            self.widen(taps, left, count);
            // SAFETY: the block holds `count` pixels; the compiler made the stream for this layer; the output row has
            // room for the pixels that are left.
            unsafe { if INT4 { gemm_int4(&self.product) } else { gemm(&self.product, count) } }
            self.product.out = self.product.out.wrapping_add(count * channels);
            left += count as i32 * stride;
            pixels -= count;
        }
    }

    /// Makes a block of `count` windows, the first one's first column at `left`.
    #[inline]
    fn widen(&mut self, taps: &[Tap], left: i32, count: usize) {
        let w = &self.w;
        let end = left + (count as i32 - 1) * w.stride_width + w.kernel_width;
        if left >= 0 && end <= w.in_width && w.dilation_width == 1 {
            self.inside.offset = (left * w.in_channels) as usize;
            // SAFETY: windows in the image lie in its rows; these, channels and the padding are multiples of 4 bytes. The
            // block has room for all elements of a window.
            unsafe { widen_windows(&self.inside, count) };
        } else {
            self.widen_columns(taps, left, count);
        }
    }

    /// The same, column by column: each may lie in the padding.
    #[inline(never)]
    fn widen_columns(&self, taps: &[Tap], left: i32, count: usize) {
        let (w, padding, quads) = (&self.w, self.inside.padding, self.w.in_channels as usize / 4);
        let mut to = self.inside.to;
        for row in taps {
            for column in 0..w.kernel_width {
                let sources = sources(w, padding, *row, left + column * w.dilation_width);
                // SAFETY: every source is a column of an input row, or the padding; see above.
                unsafe { widen_quads(&sources, count, quads, to) };
                to = to.wrapping_add(2 * quads * count);
            }
        }
    }
}

/// Per pixel, the elements of `row` at a column, `first` for the first pixel; `padding` beyond the image.
pub(super) fn sources(w: &Window, padding: *const u8, row: Tap, first: i32) -> [*const u8; BLOCK] {
    let mut sources = [padding; BLOCK];
    let Some(row) = row else { return sources };
    let mut column = first;
    for source in &mut sources {
        if (0..w.in_width).contains(&column) {
            *source = row.as_ptr().cast_const().wrapping_add((column * w.in_channels) as usize);
        }
        column += w.stride_width;
    }
    sources
}
