//! Rows that move without arithmetic.

use crate::arena::{copy as copy_cells, store, view};
use crate::step::Step;

super::params! {
    /// Scalars of a padding.
    Pad {
        /// Input rows of one image.
        in_height,
        /// Output rows of one image.
        out_height,
        /// Rows added above.
        top,
        /// Pixels of an input row.
        in_width,
        /// Pixels added on the left.
        left,
        /// Bytes of an input pixel.
        in_pixel,
        /// Bytes of an output pixel.
        out_pixel,
        /// Bytes added in front of the channels.
        front,
    }
}

/// Copies every row.
pub fn copy(step: &Step<'_>) -> Option<()> {
    for y in step.output_rows()? {
        copy_cells(step.input(0)?.get(y)?, step.output(0)?.get(y)?);
    }
    Some(())
}

/// Rows from the weights.
pub fn constant(step: &Step<'_>) -> Option<()> {
    let output = step.output(0)?;
    for y in step.output_rows()? {
        store(step.weights().get(y * output.row_bytes()..)?, output.get(y)?);
    }
    Some(())
}

/// Scalars: [`Pad`]; weights: one element, the value that is added around.
pub fn pad(step: &Step<'_>) -> Option<()> {
    let p = Pad::read(step)?;
    let (in_pixel, out_pixel) = (p.in_pixel as usize, p.out_pixel as usize);
    for y in step.output_rows()? {
        let out = step.output(0)?.get(y)?;
        for (cell, byte) in out.iter().zip(step.weights().iter().cycle()) {
            cell.set(*byte);
        }
        let image = (y as i32).checked_div(p.out_height)?;
        let row = (y as i32).checked_rem(p.out_height)? - p.top;
        if row < 0 || row >= p.in_height {
            continue;
        }
        let x = step.input(0)?.get((image * p.in_height + row) as usize)?;
        for pixel in 0..p.in_width as usize {
            let to = (pixel + p.left as usize) * out_pixel + p.front as usize;
            copy_cells(view(x, pixel * in_pixel, in_pixel)?, view(out, to, in_pixel)?);
        }
    }
    Some(())
}
