//! Depthwise convolution, [`LANES`] channels at a time.

use super::product::{Product, put};
use super::requantize::Requantizer;
use super::sums::{Sums, words};
use super::{LANES, Vector, Work, on_best};
use crate::arena::Cells;
use crate::kernels::window::{Taps, Window};
use crate::step::Step;

/// As many output channels as input channels. Scalars: [`Window`], [`Product`]. Weights: per [`LANES`] channels a vector
/// of biases, the taps' weights as halfwords, two taps to a vector, and the three vectors of a [`Requantizer`].
pub fn depthwise_s8(step: &Step<'_>) -> Option<()> {
    on_best(Depthwise(step))
}

struct Depthwise<'s, 'a>(&'s Step<'a>);

impl Work for Depthwise<'_, '_> {
    type Result = Option<()>;

    #[inline(always)]
    fn run<S: Sums>(self) -> Option<()> {
        let Self(step) = self;
        let (window, rest) = step.param_list().split_first_chunk()?;
        let (w, product) = (Window::from(*window), Product::from(*rest.first_chunk()?));
        let channels = w.in_channels as usize;
        let length = 4 + ((w.kernel_height * w.kernel_width) as usize).div_ceil(2);
        let stream: &[Vector] = step.weights().as_chunks().0;
        for y in step.output_rows()? {
            let (taps, out) = (Taps::new(w, step.input(0)?, y)?, step.output(0)?.get(y)?);
            for (group, first) in stream.chunks_exact(length).zip((0..channels).step_by(LANES)) {
                let (bias, weights) = group.split_first()?;
                let (bias, requantizer) =
                    (words(bias), Requantizer::new(group.last_chunk()?, product.min, product.max));
                for x in 0..w.out_width as usize {
                    let sums = sums(&w, &taps, x, first, (bias, weights), product.input_zero_point)?;
                    let place = x * channels + first..(x + 1) * channels;
                    put(requantizer.apply(sums), out.get(place)?);
                }
            }
        }
        Some(())
    }
}

/// The sums of a window over channels from `first` on.
#[inline(always)]
fn sums(
    w: &Window,
    taps: &Taps<'_>,
    x: usize,
    first: usize,
    (bias, weights): ([i32; LANES], &[Vector]),
    zero_point: i32,
) -> Option<[i32; LANES]> {
    let weights: &[[u8; 2 * LANES]] = weights.as_flattened().as_chunks().0;
    let mut sums = bias;
    for tap_y in taps.heights() {
        let Some(row) = taps.row(tap_y) else { continue };
        for (tap_x, column) in taps.columns(x) {
            let weights = weights.get(tap_y * w.kernel_width as usize + tap_x)?.as_chunks::<2>().0;
            let x = elements(row.get(column * w.in_channels as usize + first..)?);
            for ((sum, x), weight) in sums.iter_mut().zip(x).zip(weights) {
                *sum = sum.wrapping_add((i32::from(x) - zero_point) * i32::from(i16::from_le_bytes(*weight)));
            }
        }
    }
    Some(sums)
}

/// The first elements, zeros where there are no more.
#[inline(always)]
fn elements(from: Cells<'_>) -> [i8; LANES] {
    match from.first_chunk::<LANES>() {
        Some(cells) => std::array::from_fn(|i| cells[i].get() as i8),
        None => std::array::from_fn(|i| from.get(i).map_or(0, |cell| cell.get() as i8)),
    }
}
