//! Windows over rows: which rows and columns of an input one output position sees.

use crate::arena::Cells;
use crate::step::Rows;
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

/// Most window rows that are looked up once per output row instead of once per position.
const CACHED_ROWS: usize = 16;

/// The input rows under one output row.
pub(crate) struct Taps<'a> {
    rows: Rows<'a>,
    window: Window,
    /// Row of the window's first tap inside its image, negative in the padding.
    top: i32,
    /// First row of the image.
    image: i32,
    cache: heapless::Vec<Option<Cells<'a>>, CACHED_ROWS>,
}

impl<'a> Taps<'a> {
    #[cfg_attr(feature = "std", inline(always))]
    pub(crate) fn new(window: Window, rows: Rows<'a>, out_row: usize) -> Option<Self> {
        let image = (out_row as i32).checked_div(window.out_height)?;
        let y = (out_row as i32).checked_rem(window.out_height)?;
        let top = y * window.stride_height - window.pad_top;
        let mut taps = Taps { rows, window, top, image: image * window.in_height, cache: heapless::Vec::new() };
        for tap in 0..(window.kernel_height as usize).min(CACHED_ROWS) {
            let row = taps.look_up(tap);
            taps.cache.push(row).ok()?;
        }
        Some(taps)
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
        let Window { in_width, dilation_width, kernel_width, stride_width, pad_left, .. } = self.window;
        let left = x as i32 * stride_width - pad_left;
        (0..kernel_width).filter_map(move |tap| {
            let column = left + tap * dilation_width;
            if column < 0 || column >= in_width { None } else { Some((tap as usize, column as usize)) }
        })
    }

    /// The rows of the window.
    #[inline]
    pub(crate) fn heights(&self) -> Range<usize> {
        0..self.window.kernel_height as usize
    }
}
