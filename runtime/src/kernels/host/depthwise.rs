//! Depthwise convolution, [`LANES`] channels at a time.

use super::product::{Product, put};
use super::requantize::Requantizer;
use super::sums::{Sums, words};
use super::{LANES, Vector, Work, on_best};
use crate::arena::Cells;
use crate::kernels::window::{Taps, Window};
use crate::step::Step;

/// Most taps of a window.
pub const MOST_TAPS: usize = 64;

/// As many output channels as input channels, windows of at most [`MOST_TAPS`]. Scalars: [`Window`], [`Product`]. Weights:
/// per [`LANES`] channels a vector of biases, the taps' weights as halfwords, two taps to a vector, and the three vectors
/// of a [`Requantizer`].
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
        let (width, channels) = (w.kernel_width as usize, w.in_channels as usize);
        let groups = step.weights().as_chunks().0.chunks_exact(4 + (w.kernel_height as usize * width).div_ceil(2));
        let mut window: heapless::Vec<Tap<'_>, MOST_TAPS> = heapless::Vec::new();
        let mut taps = Taps::new(&w, step.input(0)?);
        for y in step.output_rows()? {
            taps.move_to(y)?;
            let out = step.output_row(0, y)?;
            window.clear();
            for (tap_y, row) in taps.heights().filter_map(|tap_y| Some((tap_y, taps.row(tap_y)?))) {
                for x in 0..width {
                    window.push(Tap { row, column: x as i32 * w.dilation_width, number: tap_y * width + x }).ok()?;
                }
            }
            for (group, first) in groups.clone().zip((0..channels).step_by(LANES)) {
                let requantizer = Requantizer::new(group.last_chunk()?, product.min, product.max);
                for x in 0..w.out_width as usize {
                    let left = x as i32 * w.stride_width - w.pad_left;
                    let at = Place { left, width: w.in_width, channels, first, zero_point: product.input_zero_point };
                    let sums = match at.sums(&window, group, all) {
                        Some(sums) => sums,
                        None => at.sums(&window, group, some)?,
                    };
                    put(requantizer.apply(sums), out.get(x * channels + first..(x + 1) * channels)?);
                }
            }
        }
        Some(())
    }
}

/// A tap of a window.
struct Tap<'a> {
    row: Cells<'a>,
    /// Columns from the window's left edge.
    column: i32,
    number: usize,
}

/// Where a window stands.
struct Place {
    /// Its left edge; negative in the padding.
    left: i32,
    /// Columns of the image.
    width: i32,
    channels: usize,
    /// The first channel of a group.
    first: usize,
    zero_point: i32,
}

impl Place {
    /// The sums of a group of channels, whose elements `load` finds at the front of cells.
    #[inline(always)]
    fn sums(
        &self,
        window: &[Tap<'_>],
        group: &[Vector],
        load: impl Fn(Cells<'_>) -> Option<[i8; LANES]>,
    ) -> Option<[i32; LANES]> {
        let (bias, weights) = group.split_first()?;
        let weights: &[[u8; 2 * LANES]] = weights.as_flattened().as_chunks().0;
        let mut sums = words(bias);
        for tap in window {
            let column = self.left + tap.column;
            if column < 0 || column >= self.width {
                continue;
            }
            let x = load(tap.row.get(column as usize * self.channels + self.first..)?)?;
            for ((sum, x), weight) in sums.iter_mut().zip(x).zip(weights.get(tap.number)?.as_chunks::<2>().0) {
                *sum = sum.wrapping_add((i32::from(x) - self.zero_point) * i32::from(i16::from_le_bytes(*weight)));
            }
        }
        Some(sums)
    }
}

/// A vector of elements, if there are as many.
#[inline(always)]
fn all(cells: Cells<'_>) -> Option<[i8; LANES]> {
    let cells = cells.first_chunk::<LANES>()?;
    let mut elements = [0; LANES];
    elements.iter_mut().zip(cells).for_each(|(x, cell)| *x = cell.get() as i8);
    Some(elements)
}

/// The elements up to the end of the row, then zeros.
#[inline(always)]
fn some(cells: Cells<'_>) -> Option<[i8; LANES]> {
    let mut elements = [0; LANES];
    elements.iter_mut().zip(cells).for_each(|(x, cell)| *x = cell.get() as i8);
    Some(elements)
}
