//! Convolution as products of pixels, each with its window.

use super::product::{Block, Product, Weights, append, fill_quad};
use super::sums::Sums;
use super::{PIXELS, Work, on_best};
use crate::arena::{Cells, view};
use crate::kernels::window::{Taps, Window};
use crate::step::Step;

/// Windows have at most [`super::MOST_ELEMENTS`] elements. Scalars: [`Window`], [`Product`]. Weights: a stream for
/// [`Weights`].
pub fn conv_2d_s8(step: &Step<'_>) -> Option<()> {
    on_best(Convolution(step))
}

struct Convolution<'s, 'a>(&'s Step<'a>);

impl Work for Convolution<'_, '_> {
    type Result = Option<()>;

    #[inline(always)]
    fn run<S: Sums>(self) -> Option<()> {
        let Self(step) = self;
        let (window, rest) = step.param_list().split_first_chunk()?;
        let (w, product) = (Window::from(*window), Product::from(*rest.first_chunk()?));
        let (channels, elements) =
            (w.out_channels as usize, (w.kernel_height * w.kernel_width * w.in_channels) as usize);
        let weights = Weights { stream: step.weights().as_chunks().0, channels, quads: elements.div_ceil(4), product };
        let mut block = Block::new();
        let mut places: heapless::Vec<Cells<'_>, PIXELS> = heapless::Vec::new();
        let mut taps = Taps::new(&w, step.input(0)?);
        for y in step.output_rows()? {
            taps.move_to(y)?;
            let out = step.output_row(0, y)?;
            for x in 0..w.out_width as usize {
                append_window(&w, &taps, x, product.input_zero_point as u8, &mut block)?;
                places.push(view(out, x * channels, channels)?).ok()?;
                if places.is_full() {
                    weights.multiply::<S>(&block, &places)?;
                    block.clear();
                    places.clear();
                }
            }
        }
        weights.multiply::<S>(&block, &places)
    }
}

/// Appends the window at output column `x`.
#[inline(always)]
fn append_window(w: &Window, taps: &Taps<'_>, x: usize, zero_point: u8, block: &mut Block) -> Option<()> {
    let (channels, width) = (w.in_channels as usize, w.kernel_width as usize);
    let left = x as i32 * w.stride_width - w.pad_left;
    let inside = w.dilation_width == 1 && left >= 0 && left + w.kernel_width <= w.in_width;
    for tap in taps.heights() {
        match taps.row(tap) {
            Some(row) if inside => append(view(row, left as usize * channels, width * channels)?, block)?,
            Some(row) => {
                for tap in 0..w.kernel_width {
                    let column = left + tap * w.dilation_width;
                    if column >= 0 && column < w.in_width {
                        append(view(row, column as usize * channels, channels)?, block)?;
                    } else {
                        pad(channels, zero_point, block)?;
                    }
                }
            }
            None => pad(width * channels, zero_point, block)?,
        }
    }
    fill_quad(block)
}

/// Appends zero points.
#[inline(always)]
fn pad(count: usize, zero_point: u8, block: &mut Block) -> Option<()> {
    block.resize(block.len() + count, zero_point ^ 0x80).ok()
}
