//! Depthwise convolution, with 3x3 windows and with any.

use super::conv::{MAX_TAPS, Tap, taps as taps_of};
use super::depthwise_any::{Column, Columns, Source, Windows, column, stream_words, widen_columns, windows};
use super::depthwise3x3::{
    CHANNEL_WORDS, COLUMN_WORDS, Depthwise, Pack, fill_rows, one_row_by_two, pack, pack_by_two, two_rows,
};
use super::widen::fill_halves;
use crate::arena::view;
use crate::kernels::window::Window;
use crate::step::{Rows, Step};
use std::ops::Range;
use std::ptr::NonNull;

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
    let windows = (w.out_width - 1) * w.stride_width + 3;
    windows.max(w.pad_left + w.in_width) as usize
}

/// 3x3 windows over one image, at least two columns of them, channels a multiple of 4; strides 1, two output rows a
/// step. Scalars: [`Window`], [`Depthwise3x3`]. Weights: see [`super::depthwise3x3`]. Scratch: [`packed_columns`].
pub fn depthwise_3x3_s8(step: &Step<'_>) -> Option<()> {
    layer_3x3(step, pack, two_rows)
}

/// The same with strides 2, one output row a step.
pub fn depthwise_3x3_by_2_s8(step: &Step<'_>) -> Option<()> {
    layer_3x3(step, pack_by_two, one_row_by_two)
}

#[inline(never)]
fn layer_3x3(step: &Step<'_>, pack: unsafe fn(&Pack), compute: unsafe fn(&Depthwise)) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, params) = (Window::from(*window), Depthwise3x3::from(*rest.first_chunk()?));
    let (rows, output) = (step.output_rows()?, step.output(0)?);
    let (channels, columns) = (w.in_channels as usize, packed_columns(&w));
    let packed = view(step.scratch()?, 0, columns * COLUMN_WORDS * 4)?;
    let stream = step.weights().get(..channels * CHANNEL_WORDS * 4)?;
    let upper = view(output.get(rows.start)?, 0, w.out_width as usize * channels)?;
    let lower = if rows.len() > 1 { view(output.get(rows.start + 1)?, 0, upper.len())? } else { upper };
    let left = w.pad_left as usize;
    fill_halves(packed.get(..left * COLUMN_WORDS * 4)?, params.input_zero_point);
    fill_halves(packed.get((left + w.in_width as usize) * COLUMN_WORDS * 4..)?, params.input_zero_point);
    let (ends, missing) = sources(&w, step.input(0)?, rows.clone())?;
    let width = w.in_width as usize;
    let to = view(packed, 4 * COLUMN_WORDS * left, 4 * COLUMN_WORDS * width)?.as_ptr().cast_mut().cast();
    let mut pack_work = Pack { ends, offset: (width * channels).wrapping_neg(), step: channels, to };
    let mut work = Depthwise {
        x: packed.as_ptr().cast(),
        stream: stream.as_ptr().cast(),
        out: upper.as_ptr().cast_mut().cast(),
        step: channels,
        lower: (lower.as_ptr() as isize).wrapping_sub(upper.as_ptr() as isize),
        columns: w.out_width as usize,
        min: params.min,
        max: params.max,
    };
    for _ in (0..channels).step_by(GROUP) {
        // SAFETY: rows hold `channels` bytes at every column and are aligned, channels being a multiple of 4; packed
        // columns, stream and output rows are views of all that the layer needs, and each round takes its four channels.
        unsafe {
            pack(&pack_work);
            if missing != 0 {
                fill_rows(to, width, missing, params.input_zero_point);
            }
            compute(&work);
        }
        pack_work.offset = pack_work.offset.wrapping_add(GROUP);
        work.stream = work.stream.wrapping_add(GROUP * CHANNEL_WORDS);
        work.out = work.out.wrapping_add(GROUP);
    }
    Some(())
}

/// The ends of the four input rows under these output rows; of any row where there is none, or none is needed. The second
/// result has a bit set for each packed row of padding.
fn sources(w: &Window, input: Rows<'_>, rows: Range<usize>) -> Option<([*const u8; 4], u32)> {
    let top = rows.start as i32 * w.stride_height - w.pad_top;
    let needed = (rows.len() as i32 - 1) * w.stride_height + 3;
    let (mut found, mut any, mut missing) = ([std::ptr::null(); 4], std::ptr::null(), 0);
    for (i, found) in (0..needed).zip(&mut found) {
        match input.get((top + i) as usize) {
            Some(row) => {
                *found = view(row, 0, w.in_width as usize * w.in_channels as usize)?.as_ptr_range().end.cast::<u8>();
                any = *found;
            }
            None => missing |= 1 << i,
        }
    }
    for row in &mut found {
        *row = if row.is_null() { any } else { *row };
    }
    // By two rows, row 2 stands in the place of row 3 too.
    missing |= if w.stride_height == 2 { missing << 1 & 0b1000 } else { 0 };
    if any.is_null() { None } else { Some((found, missing)) }
}

/// Columns, with the padding on both sides, that a row of windows sees.
fn padded_columns(w: &Window) -> usize {
    let windows = (w.out_width - 1) * w.stride_width + w.kernel_width;
    windows.max(w.pad_left + w.in_width) as usize
}

/// Bytes of scratch of [`depthwise_s8`].
pub fn scratch_bytes(w: &Window) -> usize {
    8 * padded_columns(w) * w.kernel_height as usize
}

/// Any windows at most [`MAX_TAPS`] rows high, without gaps between columns; channels a multiple of 4. Scalars:
/// [`Window`], [`Depthwise3x3`]. Weights: see [`super::depthwise_any`]. Channels: input channels bytes of the input's zero
/// point. Scratch: [`scratch_bytes`].
pub fn depthwise_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, params) = (Window::from(*window), Depthwise3x3::from(*rest.first_chunk()?));
    let (channels, height) = (w.in_channels as usize, w.kernel_height as usize);
    let taps = height * w.kernel_width as usize;
    let column_bytes = 8 * height;
    let widened = view(step.scratch()?, 0, scratch_bytes(&w))?;
    let stream = step.weights().get(..channels / GROUP * stream_words(taps) * 4)?;
    let padding: *const u8 = step.channels().get(..channels / 4)?.as_ptr().cast();
    let left = w.pad_left as usize;
    fill_halves(widened.get(..left * column_bytes)?, params.input_zero_point);
    fill_halves(widened.get((left + w.in_width as usize) * column_bytes..)?, params.input_zero_point);
    for y in step.output_rows()? {
        let source = |row: &Tap| match row {
            Some(row) => Source { at: row.as_ptr(), step: channels },
            None => Source { at: padding, step: 0 },
        };
        let mut rows: heapless::Vec<Source, MAX_TAPS> = heapless::Vec::new();
        for tap in &taps_of(&w, step.input(0)?, y)? {
            rows.push(source(tap)).ok()?;
        }
        let out = view(step.output_row(0, y)?, 0, w.out_width as usize * channels)?;
        let columns = Columns {
            rows: rows.as_mut_ptr(),
            height,
            width: w.in_width as usize,
            to: widened.as_ptr().cast_mut().cast::<u32>().wrapping_add(left * column_bytes / 4),
        };
        let mut work = Windows {
            x: widened.as_ptr().cast(),
            stream: stream.as_ptr().cast(),
            out: out.as_ptr().cast_mut().cast(),
            step: channels,
            count: w.out_width as usize,
            taps,
            x_step: w.stride_width as usize * column_bytes,
            min: params.min,
            max: params.max,
        };
        for _ in (0..channels).step_by(GROUP) {
            // SAFETY: rows hold `channels` bytes at every column and are aligned, channels being a multiple of 4; the
            // scratch has room for all columns; stream and output row are views of all that the layer needs, and each
            // round takes its four channels.
            unsafe {
                widen_columns(&columns);
                windows(&work);
            }
            work.stream = work.stream.wrapping_add(stream_words(taps));
            work.out = work.out.wrapping_add(GROUP);
        }
    }
    Some(())
}

/// Images and windows of a single column, windows at most [`MAX_TAPS`] rows high; channels a multiple of 4. Scalars,
/// weights and channels as of [`depthwise_s8`].
pub fn depthwise_column_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let (w, params) = (Window::from(*window), Depthwise3x3::from(*rest.first_chunk()?));
    let (channels, taps) = (w.in_channels as usize, w.kernel_height as usize);
    let stream = step.weights().get(..channels / GROUP * stream_words(taps) * 4)?;
    let padding = NonNull::from(step.channels().get(..channels / 4)?).cast();
    for y in step.output_rows()? {
        let mut rows = taps_of(&w, step.input(0)?, y)?;
        for row in &mut rows {
            row.get_or_insert(padding);
        }
        let work = Column {
            rows: rows.as_ptr().cast(),
            stream: stream.as_ptr().cast(),
            out: view(step.output_row(0, y)?, 0, channels)?.as_ptr().cast_mut().cast(),
            groups: channels / GROUP,
            taps,
            min: params.min,
            max: params.max,
        };
        // SAFETY: rows, padding and output are views of all channels, aligned since channels are a multiple of 4; the
        // stream is that of all groups.
        unsafe { column(&work) };
    }
    Some(())
}
