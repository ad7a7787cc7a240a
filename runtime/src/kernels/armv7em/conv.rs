//! Convolution as a product of int16 pixel blocks with streamed weights.

use super::gemm::{Gemm, gemm};
use super::widen::{widen_bytes, widen_quads};
use crate::arena::Cells;
use crate::kernels::window::Window;
use crate::step::{Rows, Step};

crate::kernels::params! {
    /// Scalars of a convolution behind its [`Window`].
    Conv {
        /// Words of a pixel block per pixel: half the elements of a window, rounded up.
        words,
        /// 1: elements stand in [`widen_quads`]' order, for which input channels are a multiple of 4; 0: in their own.
        quads,
        /// Smallest output, where the stream says that it is not int8's.
        min,
        /// Largest output.
        max,
    }
}

/// Scalars: [`Window`], [`Conv`]. Weights: a stream for [`gemm`]. Channels: a padded window row, that is kernel width
/// times input channels bytes of the input's zero point. Scratch: 16 bytes a word.
pub fn conv_2d_s8(step: &Step<'_>) -> Option<()> {
    let (window, rest) = step.param_list().split_first_chunk()?;
    let window = Window::from(*window);
    let layer = Layer {
        window,
        conv: Conv::from(*rest.first_chunk()?),
        input: step.input(0)?,
        padding: step.channels(),
        stream: step.weights(),
        block: step.scratch()?,
    };
    let (rows, output) = (step.output_rows()?, step.output(0)?);
    let width = window.out_width as usize;
    let mut y = rows.start;
    while y < rows.end {
        // Neighbouring rows that are neighbours in memory too are one run of pixels.
        let first = output.get(y)?;
        let mut together = 1;
        while y + together < rows.end
            && std::ptr::eq(end(output.get(y + together - 1)?), output.get(y + together)?.as_ptr())
        {
            together += 1;
        }
        let pixels = together * width;
        let mut pixel = 0;
        while pixel < pixels {
            let count = match pixels - pixel {
                4.. => 4,
                2 | 3 => 2,
                _ => 1,
            };
            if first.len() < width * window.out_channels as usize {
                return None;
            }
            // SAFETY: `first` and the rows behind it hold `pixels` pixels of `out_channels` bytes.
            let out = unsafe { first.as_ptr().add(pixel * window.out_channels as usize) };
            layer.pixels(y * width + pixel, count, out.cast_mut().cast())?;
            pixel += count;
        }
        y += together;
    }
    Some(())
}

fn end(row: Cells<'_>) -> *const std::cell::Cell<u8> {
    row.as_ptr_range().end
}

struct Layer<'a> {
    window: Window,
    conv: Conv,
    input: Rows<'a>,
    padding: &'a [i32],
    stream: &'a [u8],
    block: Cells<'a>,
}

/// Most pixels of a block.
const BLOCK: usize = 4;

impl Layer<'_> {
    /// Computes `count` pixels from the `first` on, counted through the whole output.
    fn pixels(&self, first: usize, count: usize, out: *mut i8) -> Option<()> {
        let (words, channels) = (self.conv.words as usize, self.window.out_channels as usize);
        if self.block.len() < 4 * words * count {
            return None;
        }
        self.fill(first, count)?;
        let product = Gemm {
            x: self.block.as_ptr().cast(),
            stream: self.stream.as_ptr().cast(),
            out,
            out_stride: channels,
            pairs: channels.div_ceil(2),
            words,
            min: self.conv.min,
            max: self.conv.max,
        };
        // SAFETY: the block was filled for these pixels; the compiler made the stream for this layer's channels; the
        // caller's `out` has room for the pixels.
        unsafe { gemm(&product, count) };
        Some(())
    }

    /// Copies the windows of `count` pixels into the block.
    fn fill(&self, first: usize, count: usize) -> Option<()> {
        let w = &self.window;
        let channels = w.in_channels as usize;
        let at: [Position; BLOCK] = std::array::from_fn(|p| Position::new(w, first + p));
        let at = at.get(..count)?;
        let inside = |p: &Position| p.left >= 0 && p.left + w.kernel_width <= w.in_width;
        let whole_rows = w.dilation_width == 1 && at.iter().all(inside);
        let (runs, run) = if whole_rows { (1, w.kernel_width as usize * channels) } else { (w.kernel_width, channels) };
        if 4 * self.padding.len() < run {
            return None;
        }
        let mut element = 0;
        for tap_y in 0..w.kernel_height {
            for tap_x in 0..runs {
                let mut sources = [self.padding.as_ptr().cast::<u8>(); BLOCK];
                let mut row = None;
                for (p, position) in at.iter().enumerate() {
                    if p == 0 || position.y != at.get(p - 1)?.y {
                        row = self.row(position.y, tap_y);
                    }
                    let column = position.left + tap_x * w.dilation_width;
                    if let (Some(row), 0..) = (row, column)
                        && let Some(cells) = crate::arena::view(row, column as usize * channels, run)
                    {
                        *sources.get_mut(p)? = cells.as_ptr().cast();
                    }
                }
                self.widen(sources.get(..count)?, run, element);
                element += run;
            }
        }
        Some(())
    }

    /// Appends `run` bytes of each source to the block, in which every pixel has `element` elements already.
    fn widen(&self, sources: &[*const u8], run: usize, element: usize) {
        let block = self.block.as_ptr().cast_mut().cast::<u32>();
        // SAFETY: every source is a view of `run` bytes or the padding, which is as long; with quads, rows and channels
        // are multiples of 4 bytes. The block has room for all elements of a window.
        unsafe {
            if self.conv.quads != 0 {
                widen_quads(sources, run / 4, block.add(element / 2 * sources.len()));
            } else {
                for (p, source) in sources.iter().enumerate() {
                    widen_bytes(*source, run, block, (p, sources.len()), element);
                }
            }
        }
    }

    /// The input row under tap row `tap` of output row `y`; `None` in the padding.
    fn row(&self, y: usize, tap: i32) -> Option<Cells<'_>> {
        let w = &self.window;
        let image = (y as i32).checked_div(w.out_height)?;
        let row = (y as i32 - image * w.out_height) * w.stride_height - w.pad_top + tap * w.dilation_height;
        if row < 0 || row >= w.in_height { None } else { self.input.get((image * w.in_height + row) as usize) }
    }
}

/// Where an output pixel is.
#[derive(Clone, Copy)]
struct Position {
    /// Its row, counted through all images.
    y: usize,
    /// The input column of its window's first tap, negative in the padding.
    left: i32,
}

impl Position {
    fn new(w: &Window, pixel: usize) -> Self {
        let y = pixel.checked_div(w.out_width as usize).unwrap_or(0);
        let x = pixel - y * w.out_width as usize;
        Position { y, left: x as i32 * w.stride_width - w.pad_left }
    }
}
