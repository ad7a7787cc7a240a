//! Convolution of few channels, or of an odd number: first layers, above all.
//!
//! Windows are gathered from the input's rows. Where some reach beyond the image, what they see of it is copied first, with
//! zero points around it.

use super::conv::{BLOCK, MAX_TAPS, block_of, pad, taps};
use super::gather::{Gather, gather, words};
use super::gemm::{Gemm, gemm};
use crate::arena::view;
use crate::kernels::window::Window;
use crate::step::Step;

crate::kernels::params! {
    /// Scalars of a convolution behind its [`Window`].
    ConvNarrow {
        /// Zero point of the input.
        input_zero_point,
        /// Smallest output, where the stream says that it is not int8's.
        min,
        /// Largest output.
        max,
    }
}

/// How windows are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Elements of a window's row.
    pub run: usize,
    /// Rows of a window.
    pub height: usize,
    /// Outputs that are made from the same copy: those of a row if they are few.
    pub columns: usize,
    /// Bytes of a row that they see.
    pub seen: usize,
}

impl Layout {
    /// The layout for a window.
    pub fn new(w: &Window) -> Self {
        let channels = w.in_channels as usize;
        let columns = if w.out_width as usize <= 2 * BLOCK { w.out_width as usize } else { BLOCK };
        let run = w.kernel_width as usize * channels;
        let seen = columns.saturating_sub(1) * w.stride_width as usize * channels + run;
        Layout { run, height: w.kernel_height as usize, columns, seen }
    }

    /// Words of a window.
    pub fn words(&self) -> usize {
        words(self.height, self.run)
    }

    /// Bytes of scratch: a block, and a copy of the rows that it sees.
    pub fn scratch_bytes(&self) -> usize {
        4 * BLOCK * self.words() + self.height * self.seen
    }
}

/// Windows at most [`MAX_TAPS`] rows high, without gaps between columns. Scalars: [`Window`], [`ConvNarrow`]. Weights: a
/// stream for [`gemm`] over windows in [`gather`]'s order. Scratch: [`Layout::scratch_bytes`].
pub fn conv_narrow_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, params) = (Window::from(*window), ConvNarrow::from(*rest.first_chunk()?));
    let layout = Layout::new(&w);
    let (block, copies) = step.scratch()?.split_at_checked(4 * BLOCK * layout.words())?;
    let copies = view(copies, 0, layout.height * layout.seen)?;
    let mut product = Gemm {
        x: block.as_ptr().cast(),
        stream: step.weights().as_ptr().cast(),
        out: std::ptr::null_mut(),
        out_stride: w.out_channels as usize,
        words: layout.words(),
        min: params.min,
        max: params.max,
    };
    let mut work = Gather {
        rows: std::ptr::null(),
        height: layout.height,
        offset: 0,
        step: (w.stride_width * w.in_channels) as usize,
        run: layout.run,
        to: block.as_ptr().cast_mut().cast(),
    };
    let copied: [*const u8; MAX_TAPS] =
        std::array::from_fn(|row| copies.as_ptr().cast::<u8>().wrapping_add(row * layout.seen));
    for y in step.output_rows()? {
        let taps = taps(&w, step.input(0)?, y)?;
        let whole = taps.iter().all(Option::is_some);
        let out = view(step.output_row(0, y)?, 0, (w.out_width * w.out_channels) as usize)?;
        product.out = out.as_ptr().cast_mut().cast();
        let (mut left, mut missing) = (-w.pad_left, w.out_width as usize);
        while missing > 0 {
            // Windows that lie in the image: all, or whole blocks.
            let inside =
                (w.in_width - w.kernel_width - left + w.stride_width).checked_div(w.stride_width)?.max(0) as usize;
            let mut pixels = match whole && left >= 0 {
                true if inside >= missing => missing,
                true => inside / BLOCK * BLOCK,
                false => 0,
            };
            if pixels > 0 {
                (work.rows, work.offset) = (taps.as_ptr().cast(), (left * w.in_channels) as usize);
            } else {
                for (tap, to) in taps.iter().zip(copies.chunks_exact(layout.seen.max(1))) {
                    pad(&w, *tap, left * w.in_channels, to, params.input_zero_point);
                }
                (work.rows, work.offset) = (copied.as_ptr(), 0);
                pixels = missing.min(layout.columns);
            }
            multiply(&mut work, &mut product, pixels);
            left += pixels as i32 * w.stride_width;
            missing -= pixels;
        }
    }
    Some(())
}

/// Computes `pixels` outputs.
fn multiply(work: &mut Gather, product: &mut Gemm, mut pixels: usize) {
    while pixels > 0 {
        let count = block_of(pixels);
        // SAFETY: every window lies in its rows; the block has room for `count` windows; the compiler made the stream for
        // this layer; the output row has room for the pixels that are left.
        unsafe {
            gather(work, count);
            gemm(product, count);
        }
        product.out = product.out.wrapping_add(count * product.out_stride);
        work.offset += count * work.step;
        pixels -= count;
    }
}
