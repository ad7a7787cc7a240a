//! Convolution of few channels, or of an odd number: first layers, above all.
//!
//! Rows are widened as a whole, borders included, and windows gathered from them. A window must begin at a word; where
//! one may begin at an odd element, every row stands there twice, the second time one element further on.

use super::conv::{BLOCK, block_of, taps};
use super::gather::{Gather, gather, shift_row, widen_row};
use super::gemm::{Gemm, gemm};
use super::widen::widen_bytes;
use crate::arena::{Cells, view};
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

/// How widened rows are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Words of a window's row: its elements, rounded up.
    pub run: usize,
    /// Elements in front of the image: the padding, rounded up.
    pub front: usize,
    /// Words of a widened row.
    pub row: usize,
    /// Whether every row stands there twice.
    pub twice: bool,
}

impl Layout {
    /// The layout for a window.
    pub fn new(w: &Window) -> Self {
        let (channels, pad) = (w.in_channels as usize, w.pad_left as usize);
        let step = w.stride_width as usize * channels;
        let run = (w.kernel_width as usize * channels).div_ceil(2);
        let front = (pad * channels).next_multiple_of(2);
        let start = front - pad * channels;
        let windows = start + (w.out_width as usize - 1) * step + 2 * run;
        let elements = windows.max(front + w.in_width as usize * channels);
        Layout { run, front, row: elements / 2 + 1, twice: start % 2 == 1 || step % 2 == 1 }
    }

    /// Words of a window.
    pub fn window(&self, w: &Window) -> usize {
        self.run * w.kernel_height as usize
    }

    /// Bytes of scratch: a block, and as many rows as a window has.
    pub fn scratch_bytes(&self, w: &Window) -> usize {
        let rows = w.kernel_height as usize * if self.twice { 2 } else { 1 };
        4 * (BLOCK * self.window(w) + rows * self.row)
    }
}

/// Windows at most [`super::conv::MAX_TAPS`] rows high, without gaps between columns. Scalars: [`Window`],
/// [`ConvNarrow`]. Weights: a stream for [`gemm`]; each row of a window is filled up to whole words. Scratch:
/// [`Layout::scratch_bytes`].
pub fn conv_narrow_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, params) = (Window::from(*window), ConvNarrow::from(*rest.first_chunk()?));
    let layout = Layout::new(&w);
    let words = layout.window(&w);
    let (block, widened) = step.scratch()?.split_at_checked(4 * BLOCK * words)?;
    let stream = step.weights().as_ptr_range();
    let mut product = Gemm {
        x: block.as_ptr().cast(),
        stream: stream.start.cast(),
        stream_end: stream.end.cast(),
        out: std::ptr::null_mut(),
        out_stride: w.out_channels as usize,
        words,
        min: params.min,
        max: params.max,
    };
    for y in step.output_rows()? {
        let copy_bytes = 4 * layout.row * w.kernel_height as usize;
        for (i, tap) in taps(&w, step.input(0)?, y)?.iter().enumerate() {
            let row = view(widened, 4 * layout.row * i, 4 * layout.row)?;
            widen(&w, &layout, *tap, row, params.input_zero_point as i16)?;
            if layout.twice {
                let shifted = view(widened, copy_bytes + 4 * layout.row * i, 4 * layout.row)?;
                // SAFETY: both are views of a row's words.
                unsafe { shift_row(row.as_ptr().cast(), layout.row, shifted.as_ptr().cast_mut().cast()) };
            }
        }
        let out = view(step.output(0)?.get(y)?, 0, (w.out_width * w.out_channels) as usize)?;
        product.out = out.as_ptr().cast_mut().cast();
        multiply_row(&w, &layout, widened, &mut product);
    }
    Some(())
}

/// One row of the image with zero points around it; zero points only if there is none.
fn widen(w: &Window, layout: &Layout, from: Option<Cells<'_>>, to: Cells<'_>, zero_point: i16) -> Option<()> {
    let elements = (w.in_width * w.in_channels) as usize;
    let fill = |range: std::ops::Range<usize>| {
        for half in to.get(2 * range.start..2 * range.end).into_iter().flat_map(|cells| cells.as_chunks::<2>().0) {
            let [low, high] = zero_point.to_le_bytes();
            half[0].set(low);
            half[1].set(high);
        }
    };
    let Some(from) = from else {
        fill(0..2 * layout.row);
        return Some(());
    };
    fill(0..layout.front);
    fill(layout.front + elements..2 * layout.row);
    let (from, to) = (view(from, 0, elements)?.as_ptr().cast::<u8>(), view(to, 2 * layout.front, 2 * elements)?);
    let to = to.as_ptr().cast_mut().cast::<i16>();
    // Rows of an input that stands whole in the arena may begin anywhere.
    let quads = if from.addr() % 4 == 0 { elements / 4 } else { 0 };
    // SAFETY: `from` and `to` are views of the row's elements; the quads are aligned: the arena's words are, and the front
    // is an even number of elements.
    unsafe {
        if quads > 0 {
            widen_row(from, quads, to.cast());
        }
        widen_bytes(from.add(4 * quads), elements - 4 * quads, to.add(4 * quads));
    }
    Some(())
}

/// Computes an output row from widened rows.
fn multiply_row(w: &Window, layout: &Layout, widened: Cells<'_>, product: &mut Gemm) {
    let rows = w.kernel_height as usize;
    let channels = w.in_channels as usize;
    let step = w.stride_width as usize * channels;
    let start = layout.front - w.pad_left as usize * channels;
    let skip = 4 * (layout.row - layout.run);
    let mut work = Gather { from: [std::ptr::null(); BLOCK], run: layout.run, rows, skip, to: product.x.cast_mut() };
    let mut pixel = 0;
    while pixel < w.out_width as usize {
        let count = block_of(w.out_width as usize - pixel);
        for (p, from) in work.from.iter_mut().enumerate() {
            let element = start + (pixel + p) * step;
            // An odd element begins a word in the second copy.
            let word = if element.is_multiple_of(2) { element / 2 } else { layout.row * rows + element.div_ceil(2) };
            *from = widened.as_ptr().cast::<u32>().wrapping_add(word);
        }
        // SAFETY: every window lies in its widened rows, which have words to spare; the block has room for `count`
        // windows; the compiler made the stream for this layer; the output row has room for the pixels that are left.
        unsafe {
            gather(&work, count);
            gemm(product, count);
        }
        product.out = product.out.wrapping_add(count * w.out_channels as usize);
        pixel += count;
    }
}
