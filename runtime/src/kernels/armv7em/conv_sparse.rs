//! Convolution by the weights that are not zero.
//!
//! A row of the image is widened once for all windows that see it: for every two channels the words of all columns stand
//! side by side, so that those of four neighbouring pixels do for each tap. Where the stride is `s`, columns `0, s, ...`
//! come first, then `1, s + 1, ...`, as far as taps differ. No window is gathered; weights say where their words are.

use super::conv::{BLOCK, Conv, Tap, sources, taps};
use super::gemm::{Gemm, gemm_sparse};
use super::widen::{Columns, widen_columns};
use crate::arena::{Cells, view};
use crate::kernels::window::Window;
use crate::step::Step;

/// Where the words of widened rows are.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Taps that begin at different columns of a stride.
    pub phases: usize,
    /// Columns of a phase, a multiple of [`BLOCK`].
    pub columns: usize,
    /// Words of a widened row.
    pub row: usize,
}

impl Layout {
    /// The layout for a window.
    pub fn new(w: &Window) -> Self {
        let reach = ((w.kernel_width - 1) * w.dilation_width) as usize;
        let stride = w.stride_width.max(1) as usize;
        let phases = stride.min(reach + 1);
        let columns = (w.out_width as usize + reach / stride).next_multiple_of(BLOCK);
        Self { phases, columns, row: w.in_channels as usize / 2 * phases * columns }
    }

    /// The word of a tap's channels `2 * pair` and `2 * pair + 1` for the first pixel; those of its neighbours follow.
    pub fn word(&self, w: &Window, row: usize, column: usize, pair: usize) -> usize {
        let (column, stride) = (column * w.dilation_width as usize, w.stride_width as usize);
        row * self.row + (pair * self.phases + column % stride) * self.columns + column / stride
    }

    /// Rows of the image that `rows` rows of the output see together.
    pub fn seen(w: &Window, rows: usize) -> usize {
        w.kernel_height as usize + rows.saturating_sub(1) * w.stride_height as usize
    }

    /// Bytes of scratch for steps of `rows` rows: all rows that they see.
    pub fn scratch_bytes(&self, w: &Window, rows: usize) -> usize {
        4 * self.row * Self::seen(w, rows)
    }
}

/// Input channels are a multiple of 4, outputs at least [`BLOCK`] columns wide; the rows of a step see at most
/// [`super::conv::MAX_TAPS`] rows, of one image and without gaps if they are several. Scalars: [`Window`], [`Conv`].
/// Weights: a stream for [`gemm_sparse`] over rows of this [`Layout`]. Channels: a column of the input's zero point.
/// Scratch: [`Layout::scratch_bytes`].
pub fn conv_sparse_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, bounds) = (Window::from(*window), Conv::from(*rest.first_chunk()?));
    let layout = Layout::new(&w);
    let rows = step.output_rows()?;
    let widened = view(step.scratch()?, 0, layout.scratch_bytes(&w, rows.len()))?;
    let padding = step.channels().get(..w.in_channels as usize / 4)?.as_ptr().cast();
    let seen = Window { kernel_height: Layout::seen(&w, rows.len()) as i32, ..w };
    for (i, row) in taps(&seen, step.input(0)?, rows.start)?.iter().enumerate() {
        widen(&w, &layout, padding, *row, view(widened, 4 * i * layout.row, 4 * layout.row)?);
    }
    let (width, channels) = (w.out_width as usize, w.out_channels as usize);
    let last = width.checked_sub(BLOCK)?;
    for (i, y) in rows.enumerate() {
        let x = i * w.stride_height as usize * layout.row;
        let out = view(step.output_row(0, y)?, 0, width * channels)?;
        for pixel in (0..width).step_by(BLOCK) {
            // The last block does again what of the one before it takes to be whole.
            let pixel = pixel.min(last);
            let product = Gemm {
                x: widened.as_ptr().cast::<u32>().wrapping_add(x + pixel),
                stream: step.weights().as_ptr().cast(),
                out: out.as_ptr().cast_mut().cast::<i8>().wrapping_add(pixel * channels),
                out_stride: channels,
                words: 0,
                min: bounds.min,
                max: bounds.max,
            };
            // SAFETY: the compiler made the stream for this layer: its ways lead to words of columns for all pixels;
            // the output row has room for four pixels from `pixel` on.
            unsafe { gemm_sparse(&product) };
        }
    }
    Some(())
}

/// Widens a row of the image, padding included.
fn widen(w: &Window, layout: &Layout, padding: *const u8, from: Tap, to: Cells<'_>) {
    let (stride, channels) = (w.stride_width.max(1), w.in_channels as usize);
    let block = BLOCK * stride as usize;
    for phase in 0..layout.phases {
        let mut place = phase * layout.columns;
        let mut first = phase as i32 - w.pad_left;
        let mut left = layout.columns / BLOCK;
        while left > 0 {
            // Blocks that are all in the image follow each other; so does nothing but padding.
            let inside = if first < 0 { 0 } else { (w.in_width + stride - 1 - first).max(0) as usize };
            let (blocks, advance) = match from {
                None => (left, 0),
                Some(_) => (inside.checked_div(block).unwrap_or(0).min(left).max(1), block * channels),
            };
            let columns = Columns {
                to: to.as_ptr().cast_mut().cast::<u32>().wrapping_add(place),
                step: 4 * layout.phases * layout.columns,
                from: sources(w, padding, from, first),
                quads: channels / 4,
                blocks,
                advance: advance.wrapping_sub(channels),
            };
            // SAFETY: every source is a column of a view of an input row, or the padding; rows and channels are
            // multiples of 4 bytes. A widened row has these columns of every two channels, `step` bytes apart.
            unsafe { widen_columns(&columns) };
            place += BLOCK * blocks;
            first += (block * blocks) as i32;
            left -= blocks;
        }
    }
}
