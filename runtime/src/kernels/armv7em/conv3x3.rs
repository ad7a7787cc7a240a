//! 3x3 convolution by Winograd's method.

use super::winograd::{COLUMNS, MoveUp, OUTPUTS, SLOTS, TILES, Transform, Winograd, move_up, transform, winograd};
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
    };
    let nowhere = view(nowhere, 0, output)?;
    let rows = step.output_rows()?;
    let per_row = (w.out_width as usize).div_ceil(OUTPUTS);
    let tiles = rows.len() * per_row;
    // Blocks are computed downwards, where rows are of whole blocks.
    let down = if per_row.is_multiple_of(TILES) { rows.len() } else { 1 };
    let mut above = None;
    for block in 0..tiles.div_ceil(TILES) {
        let (band, below) = (block.checked_div(down)?, block.checked_rem(down)?);
        let first = below * per_row + band * TILES;
        let mut out = [[pointer(nowhere); TILES]; OUTPUTS];
        let mut place = 0;
        while place < TILES && first + place < tiles {
            let (below, x) = ((first + place).checked_div(per_row)?, (first + place).checked_rem(per_row)?);
            let strip = Strip { place, tiles: (per_row - x).min(TILES - place), y: rows.start + below, x: x * OUTPUTS };
            layer.transform(&strip, above)?;
            layer.places(&strip, &mut out)?;
            place += strip.tiles;
            above = Some(strip);
        }
        layer.multiply(&out);
    }
    Some(())
}

/// Where outputs begin that a view holds.
fn pointer(outputs: Cells<'_>) -> *mut i8 {
    outputs.as_ptr().cast::<Cell<i8>>().cast_mut().cast()
}

/// Tiles of a block that lie in one row.
#[derive(Clone, Copy)]
struct Strip {
    /// The first one's place in the block.
    place: usize,
    tiles: usize,
    /// Output row.
    y: usize,
    /// The first output column.
    x: usize,
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
}

impl Layer<'_> {
    /// Transforms the input of a strip's tiles into the block. What it shares with a strip directly `above`, transformed
    /// just before, it takes from there.
    fn transform(&self, strip: &Strip, above: Option<Strip>) -> Option<()> {
        let channels = self.w.in_channels as usize;
        let known = match above {
            Some(above) if (above.y + 1, above.x, above.tiles) == (strip.y, strip.x, strip.tiles) => {
                let place = |place: usize| self.block.as_ptr().cast_mut().cast::<u32>().wrapping_add(place);
                let work = MoveUp { from: place(above.place), to: place(strip.place), tiles: strip.tiles, channels };
                // SAFETY: the block was made for this many channels and has places for both strips.
                unsafe { move_up(&work) };
                2
            }
            _ => 0,
        };
        let slot = self.block.len() / SLOTS;
        for tap in known..3 {
            let y = strip.y as i32 + tap as i32 - self.w.pad_top;
            let row = if y < 0 || y >= self.w.in_height { None } else { self.input.get(y as usize) };
            let mut done = 0;
            while done < strip.tiles {
                let left = (strip.x + OUTPUTS * done) as i32 - self.w.pad_left;
                let inside = (self.w.in_width - left - (COLUMNS - OUTPUTS) as i32) / OUTPUTS as i32;
                let (from, tiles) = match row {
                    Some(row) if left >= 0 && inside > 0 => {
                        (row.get(left as usize * channels..)?, (inside as usize).min(strip.tiles - done))
                    }
                    row => (self.padded(row, left)?, 1),
                };
                let to = view(self.block, tap * (slot / 3) + 4 * (strip.place + done), (SLOTS - 1) * slot + 4)?;
                let work = Transform {
                    from: view(from, 0, (OUTPUTS * tiles + COLUMNS - OUTPUTS) * channels)?.as_ptr().cast(),
                    step: channels,
                    to: to.as_ptr().cast_mut().cast(),
                    slot,
                    channels,
                    tiles,
                };
                // SAFETY: `from` is a view of the tiles' columns, aligned because rows and channels are; `to` lies in the
                // block, which was made for this many channels, with no more tiles behind it than there are places.
                unsafe { transform(&work) };
                done += tiles;
            }
        }
        Some(())
    }

    /// Notes where a strip's outputs belong.
    fn places(&self, strip: &Strip, out: &mut [[*mut i8; TILES]; OUTPUTS]) -> Option<()> {
        let channels = self.w.out_channels as usize;
        let pixels = self.output.get(strip.y)?.chunks_exact(channels.max(1)).take(self.w.out_width as usize);
        for (i, pixel) in pixels.skip(strip.x).take(OUTPUTS * strip.tiles).enumerate() {
            *out.get_mut(i % OUTPUTS)?.get_mut(strip.place + i / OUTPUTS)? = pointer(pixel);
        }
        Some(())
    }

    /// Six columns from `left` on with zero points where there is no image.
    fn padded(&self, row: Option<Cells<'_>>, left: i32) -> Option<Cells<'_>> {
        let channels = self.w.in_channels as usize;
        let zero_point = *self.padding.first()? as u8;
        self.border.iter().for_each(|cell| cell.set(zero_point));
        let inside = row.and_then(|row| row.get(left.max(0) as usize * channels..));
        if let (Some(from), Some(to)) = (inside, self.border.get((-left).max(0) as usize * channels..)) {
            copy(from, to);
        }
        Some(self.border)
    }

    fn multiply(&self, out: &[[*mut i8; TILES]; OUTPUTS]) {
        let work = Winograd {
            x: self.block.as_ptr().cast(),
            stream: self.stream.as_ptr().cast(),
            out,
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
