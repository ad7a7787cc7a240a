//! 3x3 convolution by Winograd's method.

use super::winograd::{COLUMNS, OUTPUTS, SLOTS, TILES, Transform, Winograd, transform, winograd};
use crate::arena::{Cells, copy, view};
use crate::kernels::window::Window;
use crate::step::{Rows, Step};
use std::cell::Cell;

crate::kernels::params! {
    /// Scalars of a convolution behind its [`Window`].
    Conv3x3 {
        /// Smallest output, where the stream says that it is not int8's.
        min,
        /// Largest output.
        max,
    }
}

/// Bytes of a block of tiles for this many input channels.
pub fn block_bytes(channels: usize) -> usize {
    SLOTS * 3 * channels / 2 * TILES * 4
}

/// Bytes of scratch: a block, the columns of a tile at the border, and a place for outputs that do not exist.
pub fn scratch_bytes(w: &Window) -> usize {
    let (input, output) = (w.in_channels as usize, w.out_channels as usize);
    block_bytes(input) + COLUMNS * input + output
}

/// One image, strides 1, input channels a multiple of 4, output channels of 2. Scalars: [`Window`], [`Conv3x3`].
/// Weights: see [`super::winograd`]. Channels: input channels bytes of the input's zero point. Scratch:
/// [`scratch_bytes`].
pub fn conv_3x3_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let w = Window::from(*window);
    let (input, output) = (w.in_channels as usize, w.out_channels as usize);
    let (block, rest_of_scratch) = step.scratch()?.split_at_checked(block_bytes(input))?;
    let (border, nowhere) = rest_of_scratch.split_at_checked(COLUMNS * input)?;
    let layer = Layer {
        w,
        bounds: Conv3x3::from(*rest.first_chunk()?),
        input: step.input(0)?,
        output: step.output(0)?,
        stream: step.weights(),
        padding: step.channels(),
        block,
        border,
        nowhere: view(nowhere, 0, output)?,
    };
    let rows = step.output_rows()?;
    let per_row = (w.out_width as usize).div_ceil(OUTPUTS);
    let tiles = rows.len() * per_row;
    for first in (0..tiles).step_by(TILES) {
        let mut out = [[layer.nowhere; TILES]; OUTPUTS];
        for tile in first..(first + TILES).min(tiles) {
            let (y, x) = (rows.start + tile.checked_div(per_row)?, tile.checked_rem(per_row)? * OUTPUTS);
            layer.transform(tile - first, y, x)?;
            let row = layer.output.get(y)?;
            for (i, places) in out.iter_mut().enumerate().take(w.out_width as usize - x) {
                *places.get_mut(tile - first)? = view(row, (x + i) * output, output)?;
            }
        }
        layer.multiply(&out);
    }
    Some(())
}

struct Layer<'a> {
    w: Window,
    bounds: Conv3x3,
    input: Rows<'a>,
    output: Rows<'a>,
    stream: &'a [u8],
    padding: &'a [i32],
    block: Cells<'a>,
    border: Cells<'a>,
    nowhere: Cells<'a>,
}

impl Layer<'_> {
    /// Transforms the input of the tile at output row `y`, column `x` into place `tile` of the block.
    fn transform(&self, tile: usize, y: usize, x: usize) -> Option<()> {
        let channels = self.w.in_channels as usize;
        let slot = self.block.len() / SLOTS;
        let left = x as i32 - self.w.pad_left;
        for tap in 0..3 {
            let y = y as i32 + tap - self.w.pad_top;
            let row = if y < 0 || y >= self.w.in_height { None } else { self.input.get(y as usize) };
            let inside = left >= 0 && left + COLUMNS as i32 <= self.w.in_width;
            let from = match row {
                Some(row) if inside => view(row, left as usize * channels, COLUMNS * channels)?,
                row => self.padded(row, left)?,
            };
            let to = view(self.block, tap as usize * (slot / 3) + 4 * tile, (SLOTS - 1) * slot + 4)?;
            let work = Transform {
                from: from.as_ptr().cast(),
                step: channels,
                to: to.as_ptr().cast_mut().cast(),
                slot,
                channels,
            };
            // SAFETY: `from` is a view of six columns, aligned because rows and channels are; `to` lies in the block,
            // which was made for this many channels.
            unsafe { transform(&work) };
        }
        Some(())
    }

    /// Six columns from `left` on with zero points where there is no image.
    fn padded(&self, row: Option<Cells<'_>>, left: i32) -> Option<Cells<'_>> {
        let channels = self.w.in_channels as usize;
        for (i, to) in self.border.chunks_exact(channels.max(1)).enumerate() {
            let column = left + i as i32;
            match row {
                Some(row) if column >= 0 && column < self.w.in_width => {
                    copy(view(row, column as usize * channels, channels)?, to);
                }
                _ => {
                    let zero_point = *self.padding.first()? as u8;
                    to.iter().for_each(|cell| cell.set(zero_point));
                }
            }
        }
        Some(self.border)
    }

    fn multiply(&self, out: &[[Cells<'_>; TILES]; OUTPUTS]) {
        let out = out.map(|places| places.map(|place| place.as_ptr().cast::<Cell<i8>>().cast_mut().cast::<i8>()));
        let work = Winograd {
            x: self.block.as_ptr().cast(),
            stream: self.stream.as_ptr().cast(),
            out: &raw const out,
            pairs: self.w.out_channels as usize / 2,
            slot: self.block.len() / SLOTS,
            min: self.bounds.min,
            max: self.bounds.max,
        };
        // SAFETY: the block holds four tiles (of those that do not exist, whatever was there); the compiler made the
        // stream for this layer; every place is a view of all output channels.
        unsafe { winograd(&work) };
    }
}
