//! Windows over rows: which rows and columns of an input one output position sees.

use crate::arena::{Cells, view};
use crate::step::{Rows, Step};
use std::ops::Range;

super::params! {
    /// A two-dimensional sliding window. Rows count through all images of a batch.
    Window {
        /// Rows of one input image.
        in_height,
        /// Columns of the input.
        in_width,
        /// Channels of the input.
        in_channels,
        /// Rows of one output image.
        out_height,
        /// Columns of the output.
        out_width,
        /// Channels of the output.
        out_channels,
        /// Rows of the window.
        kernel_height,
        /// Columns of the window.
        kernel_width,
        /// Rows from one window to the next.
        stride_height,
        /// Columns from one window to the next.
        stride_width,
        /// Rows from one tap to the next.
        dilation_height,
        /// Columns from one tap to the next.
        dilation_width,
        /// Rows of padding above the image.
        pad_top,
        /// Columns of padding left of the image.
        pad_left,
    }
}

/// Input columns under a row of the window.
#[derive(Clone, Copy)]
pub(crate) struct Columns {
    /// The first tap inside the image.
    pub(crate) tap: usize,
    /// Its column.
    pub(crate) column: usize,
    /// How many taps are inside.
    pub(crate) count: usize,
}

/// Most window rows that are looked up once per output row instead of once per position.
const CACHED_ROWS: usize = 12;

/// The input rows under one output row.
pub(crate) struct Taps<'a> {
    rows: Rows<'a>,
    window: &'a Window,
    /// Row of the window's first tap inside its image, negative in the padding.
    top: i32,
    /// First row of the image.
    image: i32,
    cache: heapless::Vec<Option<Cells<'a>>, CACHED_ROWS>,
}

impl<'a> Taps<'a> {
    #[inline]
    pub(crate) fn new(window: &'a Window, rows: Rows<'a>) -> Self {
        Taps { rows, window, top: 0, image: 0, cache: heapless::Vec::new() }
    }

    /// Goes to output row `y`.
    #[cfg_attr(feature = "std", inline(always))]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn move_to(&mut self, y: usize) -> Option<()> {
        let w = self.window;
        self.image = (y as i32).checked_div(w.out_height)? * w.in_height;
        self.top = (y as i32).checked_rem(w.out_height)? * w.stride_height - w.pad_top;
        self.cache.clear();
        for tap in 0..(w.kernel_height as usize).min(CACHED_ROWS) {
            let row = self.look_up(tap);
            self.cache.push(row).ok()?;
        }
        Some(())
    }

    /// The row under tap `tap`; `None` in the padding.
    #[inline]
    pub(crate) fn row(&self, tap: usize) -> Option<Cells<'a>> {
        match self.cache.get(tap) {
            Some(row) => *row,
            None => self.look_up(tap),
        }
    }

    fn look_up(&self, tap: usize) -> Option<Cells<'a>> {
        let y = self.top + tap as i32 * self.window.dilation_height;
        if y < 0 || y >= self.window.in_height { None } else { self.rows.get((self.image + y) as usize) }
    }

    /// The columns under output column `x`: pairs of the tap and the input column, padding left out.
    #[inline]
    pub(crate) fn columns(&self, x: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Window { in_width, dilation_width, kernel_width, stride_width, pad_left, .. } = *self.window;
        let left = x as i32 * stride_width - pad_left;
        (0..kernel_width).filter_map(move |tap| {
            let column = left + tap * dilation_width;
            if column < 0 || column >= in_width { None } else { Some((tap as usize, column as usize)) }
        })
    }

    /// The columns under output column `x` that are inside the image: those of neighbouring taps.
    #[inline]
    pub(crate) fn inside(&self, x: usize) -> Option<Columns> {
        let Window { in_width, dilation_width, kernel_width, stride_width, pad_left, .. } = *self.window;
        let left = x as i32 * stride_width - pad_left;
        // How many taps come before a place.
        let before = |place: i32| place.max(0).wrapping_add(dilation_width - 1).checked_div(dilation_width);
        let (first, end) = (before(-left)?, before(in_width - left)?.min(kernel_width));
        if first >= end {
            return Some(Columns { tap: 0, column: 0, count: 0 });
        }
        let column = left + first * dilation_width;
        Some(Columns { tap: first as usize, column: column as usize, count: (end - first) as usize })
    }

    /// The rows of the window.
    #[inline]
    pub(crate) fn heights(&self) -> Range<usize> {
        0..self.window.kernel_height as usize
    }
}

/// Calls `f` with what every output position sees of the input, and with its pixel of elements of so many `bytes`. The step's
/// scalars begin with its [`Window`].
// Not generic, so that kernels share it.
#[cfg_attr(not(feature = "std"), inline(never))]
pub(crate) fn positions(
    step: &Step<'_>,
    bytes: usize,
    f: &mut dyn FnMut(&Taps<'_>, Columns, Cells<'_>) -> Option<()>,
) -> Option<()> {
    let window = Window::read(step)?;
    let pixel = window.out_channels as usize * bytes;
    let mut taps = Taps::new(&window, step.input(0)?);
    for y in step.output_rows()? {
        taps.move_to(y)?;
        let out = step.output_row(0, y)?;
        for x in 0..window.out_width as usize {
            f(&taps, taps.inside(x)?, view(out, x * pixel, pixel)?)?;
        }
    }
    Some(())
}
