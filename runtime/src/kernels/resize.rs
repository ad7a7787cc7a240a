//! Images brought to another size by bilinear interpolation.

use crate::arena::Element;
use crate::step::Step;

super::params! {
    /// Scalars of an interpolation.
    Bilinear {
        /// Rows of an input image.
        in_height,
        /// Rows of an output image.
        out_height,
        /// Columns of the output.
        out_width,
        /// Elements of a pixel.
        channels,
    }
}

/// Words of `channels` per output row or column: both neighbours' index and the distance from the first.
pub const NEIGHBOURS: usize = 3;

/// Bits of a distance in integer kernels.
pub const FRACTION_BITS: u32 = 10;

/// Scalars: [`Bilinear`]; channels: [`NEIGHBOURS`] per row, then per column of an output image, distances in 1/1024.
pub fn bilinear_s8(step: &Step<'_>) -> Option<()> {
    bilinear(step, |values: [i8; 4], y, x| {
        let one = 1 << FRACTION_BITS;
        let weights = [(one - y) * (one - x), (one - y) * x, y * (one - x), y * x];
        let sum: i32 = values.iter().zip(weights).map(|(value, weight)| i32::from(*value) * weight).sum();
        let half = 1 << (2 * FRACTION_BITS - 1);
        // A truncating division, not a shift.
        ((sum + if sum > 0 { half } else { -half }) / (1 << (2 * FRACTION_BITS))) as i8
    })
}

/// As [`bilinear_s8`]; distances are the bits of an f32.
pub fn bilinear_f32(step: &Step<'_>) -> Option<()> {
    bilinear(step, |[a, b, c, d]: [f32; 4], y, x| {
        let (y, x) = (f32::from_bits(y as u32), f32::from_bits(x as u32));
        a * (1.0 - y) * (1.0 - x) + c * y * (1.0 - x) + b * (1.0 - y) * x + d * y * x
    })
}

/// Applies `f` to the values above left, above right, below left and below right, and to both distances.
fn bilinear<T: Element>(step: &Step<'_>, f: impl Fn([T; 4], i32, i32) -> T) -> Option<()> {
    let p = Bilinear::read(step)?;
    let (rows, columns) = step.channels().as_chunks::<NEIGHBOURS>().0.split_at_checked(p.out_height as usize)?;
    let channels = p.channels as usize;
    for out_row in step.output_rows()? {
        let image = (out_row as i32).checked_div(p.out_height)?;
        let [above, below, y] = *rows.get((out_row as i32).checked_rem(p.out_height)? as usize)?;
        let row = |y: i32| step.input_row(0, (image * p.in_height + y) as usize);
        let (above, below) = (row(above)?, row(below)?);
        let out = step.output_row(0, out_row)?;
        for (column, [left, right, x]) in columns.iter().enumerate() {
            for channel in 0..channels {
                let (left, right) = (*left as usize * channels + channel, *right as usize * channels + channel);
                let values = [T::get(above, left)?, T::get(above, right)?, T::get(below, left)?, T::get(below, right)?];
                T::set(out, column * channels + channel, f(values, y, *x))?;
            }
        }
    }
    Some(())
}
