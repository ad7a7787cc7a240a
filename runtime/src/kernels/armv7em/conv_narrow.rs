//! Convolution of few channels, or of an odd number: first layers, above all.
//!
//! Rows are widened, borders included, and windows gathered from them. A window must begin at a word; where one may begin
//! at an odd element, rows are shifted by one element.
//!
//! Where RAM is short, rows are widened in parts: as many columns as some outputs need.

use super::conv::{BLOCK, block_of, taps};
use super::gather::{Gather, gather, shift_row, widen_row};
use super::gemm::{Gemm, gemm};
use super::widen::{fill_halves, widen_bytes};
use crate::arena::{Cells, view};
use crate::kernels::window::Window;
use crate::step::Step;

crate::kernels::params! {
    /// Scalars of a convolution behind its [`Window`].
    ConvNarrow {
        /// Zero point of the input.
        input_zero_point,
        /// Outputs of a row for which rows are widened at a time; at least 1.
        columns,
        /// Smallest output, where the stream says that it is not int8's.
        min,
        /// Largest output.
        max,
    }
}

/// Which copies of a widened row there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// As it is: all windows begin at even elements.
    Plain,
    /// Shifted by one element: all windows begin at odd elements.
    Shifted,
    /// Both.
    Both,
}

/// How widened rows are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Words of a window's row: its elements, rounded up.
    pub run: usize,
    /// Elements in front of the first window's first column, the padding included; whole words of int8.
    pub front: usize,
    /// Words of a widened row.
    pub row: usize,
    /// Its copies.
    pub copies: Copies,
}

impl Layout {
    /// The layout for a window, for `columns` outputs at a time.
    pub fn new(w: &Window, columns: usize) -> Self {
        let (channels, pad) = (w.in_channels as usize, w.pad_left as usize);
        let step = w.stride_width as usize * channels;
        let run = (w.kernel_width as usize * channels).div_ceil(2);
        let front = (pad * channels).next_multiple_of(4);
        let start = front - pad * channels;
        let elements = start + (columns - 1) * step + 2 * run;
        let copies = match (start % 2, step % 2) {
            (0, 0) => Copies::Plain,
            (1, 0) => Copies::Shifted,
            _ => Copies::Both,
        };
        Layout { run, front, row: elements / 2 + 1, copies }
    }

    /// Words of a window.
    pub fn window(&self, w: &Window) -> usize {
        self.run * w.kernel_height as usize
    }

    /// Bytes of scratch: a block, and as many rows as a window has, with their copies.
    pub fn scratch_bytes(&self, w: &Window) -> usize {
        let rows = w.kernel_height as usize;
        let rows = match self.copies {
            Copies::Plain => rows,
            Copies::Shifted => rows + 1,
            Copies::Both => 2 * rows,
        };
        4 * (BLOCK * self.window(w) + rows * self.row)
    }
}

/// Windows at most [`super::conv::MAX_TAPS`] rows high, without gaps between columns. Scalars: [`Window`],
/// [`ConvNarrow`]. Weights: a stream for [`gemm`]; each row of a window is filled up to whole words. Scratch:
/// [`Layout::scratch_bytes`].
pub fn conv_narrow_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, params) = (Window::from(*window), ConvNarrow::from(*rest.first_chunk()?));
    let columns = params.columns.max(1);
    let layout = Layout::new(&w, columns as usize);
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
        let taps = taps(&w, step.input(0)?, y)?;
        let out = view(step.output_row(0, y)?, 0, (w.out_width * w.out_channels) as usize)?;
        product.out = out.as_ptr().cast_mut().cast();
        let mut first = 0;
        while first < w.out_width {
            let pixels = columns.min(w.out_width - first);
            let element = first * w.stride_width * w.in_channels - layout.front as i32;
            for (i, tap) in taps.iter().enumerate() {
                widen_copies(&w, &layout, *tap, element, widened, i, params.input_zero_point)?;
            }
            multiply(&w, &layout, widened, &mut product, pixels as usize);
            first += pixels;
        }
    }
    Some(())
}

/// Widens row `i` of the windows, from `element` of the image's row on.
fn widen_copies(
    w: &Window,
    layout: &Layout,
    from: Option<Cells<'_>>,
    element: i32,
    widened: Cells<'_>,
    i: usize,
    zero_point: i32,
) -> Option<()> {
    let (rows, bytes) = (w.kernel_height as usize, 4 * layout.row);
    let copy = |place: usize| view(widened, bytes * place, bytes);
    let (plain, shifted) = match layout.copies {
        Copies::Plain => (copy(i)?, None),
        Copies::Shifted => (copy(rows)?, Some(copy(i)?)),
        Copies::Both => (copy(i)?, Some(copy(rows + i)?)),
    };
    widen((w.in_width * w.in_channels) as usize, from, element, plain, zero_point)?;
    if let Some(shifted) = shifted {
        // SAFETY: both are views of a row's words.
        unsafe { shift_row(plain.as_ptr().cast(), layout.row, shifted.as_ptr().cast_mut().cast()) };
    }
    Some(())
}

/// A part of a row of the image, of so many elements, from `first` on; zero points where there is none.
fn widen(elements: usize, from: Option<Cells<'_>>, first: i32, to: Cells<'_>, zero_point: i32) -> Option<()> {
    let Some(from) = from else {
        fill_halves(to, zero_point);
        return Some(());
    };
    let mut start = first.max(0) as usize;
    let mut count = to.len() / 2;
    let mut to = to;
    if first < 0 || start + count > elements {
        let (before, rest) = to.split_at_checked(2 * (start as i32 - first) as usize)?;
        start = start.min(elements);
        count = (elements - start).min(rest.len() / 2);
        let (image, after) = rest.split_at_checked(2 * count)?;
        fill_halves(before, zero_point);
        fill_halves(after, zero_point);
        to = image;
    }
    let (from, to) = (view(from, start, count)?.as_ptr().cast::<u8>(), to.as_ptr().cast_mut().cast::<i16>());
    // Rows of an input that stands whole in the arena may begin anywhere.
    let quads = if from.addr() % 4 == 0 { count / 4 } else { 0 };
    // SAFETY: `from` and `to` are views of so many elements; the quads are aligned: the arena's words are, and what is
    // filled in front are whole words.
    unsafe {
        if quads > 0 {
            widen_row(from, quads, to.cast());
        }
        widen_bytes(from.add(4 * quads), count - 4 * quads, to.add(4 * quads));
    }
    Some(())
}

/// Computes the first `pixels` outputs from widened rows.
fn multiply(w: &Window, layout: &Layout, widened: Cells<'_>, product: &mut Gemm, pixels: usize) {
    let rows = w.kernel_height as usize;
    let channels = w.in_channels as usize;
    let step = w.stride_width as usize * channels;
    let start = layout.front - w.pad_left as usize * channels;
    let skip = 4 * (layout.row - layout.run);
    // An odd element begins a word in the shifted copy.
    let shifted = if layout.copies == Copies::Both { layout.row * rows } else { 0 };
    let mut work = Gather { from: [std::ptr::null(); BLOCK], run: layout.run, rows, skip, to: product.x.cast_mut() };
    let mut pixel = 0;
    while pixel < pixels {
        let count = block_of(pixels - pixel);
        for (p, from) in work.from.iter_mut().enumerate() {
            let element = start + (pixel + p) * step;
            let word = if element.is_multiple_of(2) { element / 2 } else { shifted + element.div_ceil(2) };
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
