//! Depthwise convolution with 3x3 windows.

use super::depthwise3x3::{CHANNEL_WORDS, COLUMN_WORDS, Depthwise, Pack, one_row_by_two, pack, two_rows};
use crate::arena::{Cells, Element, view};
use crate::kernels::window::Window;
use crate::step::{Rows, Step};

crate::kernels::params! {
    /// Scalars of a depthwise convolution behind its [`Window`].
    Depthwise3x3 {
        /// Zero point of the input.
        input_zero_point,
        /// Smallest output, where the stream says that it is not int8's.
        min,
        /// Largest output.
        max,
    }
}

/// Channels that are computed together.
const GROUP: usize = 4;

/// Packed columns that a layer needs; its scratch is 32 bytes each.
pub fn packed_columns(w: &Window) -> usize {
    let windows = (w.out_width - 1) * w.stride_width + 3 + w.out_width % 2;
    windows.max(w.pad_left + w.in_width) as usize
}

/// 3x3 windows over one image, channels a multiple of 4; strides both 1, two output rows a step, or both 2, one a step.
/// Scalars: [`Window`], [`Depthwise3x3`]. Weights: see [`super::depthwise3x3`]. Scratch: [`packed_columns`].
pub fn depthwise_3x3_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, params) = (Window::from(*window), Depthwise3x3::from(*rest.first_chunk()?));
    let rows = step.output_rows()?;
    let layer = Layer { w, params, packed: step.scratch()?, stream: step.weights() };
    let columns = packed_columns(&w);
    if layer.packed.len() < columns * COLUMN_WORDS * 4
        || layer.stream.len() < w.in_channels as usize * CHANNEL_WORDS * 4
    {
        return None;
    }
    let upper = step.output(0)?.get(rows.start)?;
    let lower = if rows.len() > 1 { step.output(0)?.get(rows.start + 1)? } else { upper };
    let (source, missing) = layer.sources(step.input(0)?, rows.start)?;
    layer.fill_columns(0..w.pad_left as usize)?;
    layer.fill_columns((w.pad_left + w.in_width) as usize..columns)?;
    for channel in (0..w.in_channels as usize).step_by(GROUP) {
        layer.pack(&source, &missing, channel)?;
        layer.compute(channel, upper, lower)?;
    }
    Some(())
}

struct Layer<'a> {
    w: Window,
    params: Depthwise3x3,
    packed: Cells<'a>,
    stream: &'a [u8],
}

impl<'a> Layer<'a> {
    /// The four input rows under output row `y`, any row where there is none, and which are missing.
    fn sources(&self, input: Rows<'a>, y: usize) -> Option<([Cells<'a>; 4], [bool; 4])> {
        let top = y as i32 * self.w.stride_height - self.w.pad_top;
        let row = |i: i32| u32::try_from(top + i).ok().and_then(|row| input.get(row as usize));
        // Rows that only a missing lower output row would read may be gone already.
        let wanted = if self.w.stride_height == 1 && y as i32 + 1 < self.w.out_height { 4 } else { 3 };
        let rows: [Option<Cells<'a>>; 4] = std::array::from_fn(|i| if i < wanted { row(i as i32) } else { None });
        let any = rows.iter().flatten().next()?;
        Some((rows.map(|row| row.unwrap_or(any)), rows.map(|row| row.is_none())))
    }

    /// Zero points in whole columns.
    fn fill_columns(&self, columns: std::ops::Range<usize>) -> Option<()> {
        for half in columns.start * 2 * COLUMN_WORDS..columns.end * 2 * COLUMN_WORDS {
            i16::set(self.packed, half, self.params.input_zero_point as i16)?;
        }
        Some(())
    }

    /// Packs four channels, with zero points in missing rows.
    fn pack(&self, rows: &[Cells<'_>; 4], missing: &[bool; 4], channel: usize) -> Option<()> {
        let (step, columns) = (self.w.in_channels as usize, self.w.in_width as usize);
        let mut starts = [std::ptr::null(); 4];
        for (start, row) in starts.iter_mut().zip(rows) {
            *start = view(row, channel, (columns - 1) * step + GROUP)?.as_ptr().cast();
        }
        let first = self.w.pad_left as usize;
        let to = view(self.packed, 4 * COLUMN_WORDS * first, 4 * COLUMN_WORDS * columns)?;
        // SAFETY: each row is a view of four bytes at every column; channels are a multiple of 4 and rows aligned, so
        // that all are; `to` has room for the columns.
        unsafe { pack(&Pack { rows: starts, step, columns, to: to.as_ptr().cast_mut().cast() }) };
        for (row, _) in missing.iter().enumerate().filter(|(_, missing)| **missing) {
            for column in 0..columns * GROUP {
                i16::set(to, 4 * column + row, self.params.input_zero_point as i16)?;
            }
        }
        Some(())
    }

    fn compute(&self, channel: usize, upper: Cells<'_>, lower: Cells<'_>) -> Option<()> {
        let (step, columns) = (self.w.in_channels as usize, self.w.out_width as usize);
        let bytes = (columns - 1) * step + GROUP;
        let (upper, lower) = (view(upper, channel, bytes)?, view(lower, channel, bytes)?);
        let stream = self.stream.get(4 * CHANNEL_WORDS * channel..)?;
        let work = Depthwise {
            x: self.packed.as_ptr().cast(),
            stream: stream.as_ptr().cast(),
            out: upper.as_ptr().cast_mut().cast(),
            step,
            lower: (lower.as_ptr() as isize).wrapping_sub(upper.as_ptr() as isize),
            columns,
            min: self.params.min,
            max: self.params.max,
        };
        // SAFETY: the block holds `packed_columns`, the stream four channels, both rows four bytes at every column.
        unsafe { if self.w.stride_width == 1 { two_rows(&work) } else { one_row_by_two(&work) } };
        Some(())
    }
}
