//! Windows of convolutions and pools: from sizes and strides to the rows that each output row needs.

use super::View;
use crate::graph::{Padding, Stride, Tensor};
use std::ops::Range;
use tinderbox_runtime::kernels::window::Window;

/// A window over a batch of images.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    pub(super) window: Window,
    images: usize,
    /// Every input pixel spreads over a window of the output.
    inverted: bool,
}

/// What a node says of its window.
#[derive(Clone, Copy)]
pub(super) struct Geometry {
    pub(super) kernel: Stride,
    pub(super) stride: Stride,
    pub(super) dilation: Stride,
    pub(super) padding: Padding,
    /// Rows and columns that were added above and on the left by an operator before this one.
    pub(super) extra: (usize, usize),
}

impl Geometry {
    /// A window without gaps.
    pub(super) fn dense(kernel: Stride, stride: Stride, padding: Padding) -> Self {
        Self { kernel, stride, dilation: Stride { h: 1, w: 1 }, padding, extra: (0, 0) }
    }
}

impl Windows {
    /// The window of an operator from `input` to `output`, both NHWC. One-dimensional data that stand on the width axis
    /// are turned, so that their steps are rows. `None` if a size is out of the kernels' range.
    pub(super) fn new(input: &Tensor, output: &Tensor, geometry: Geometry) -> Option<Self> {
        let [images, in_h, in_w, in_c] = *input.shape.as_slice() else { return None };
        let [_, out_h, out_w, out_c] = *output.shape.as_slice() else { return None };
        let Geometry { kernel, stride, dilation, padding, extra } = geometry;
        let vertical = |size: usize, out: usize, k: usize, s: usize, d: usize, extra: usize| {
            extra
                + if padding == Padding::Same {
                    ((out.max(1) - 1) * s + (k - 1) * d + 1).saturating_sub(size) / 2
                } else {
                    0
                }
        };
        let window = Window {
            in_height: int(in_h)?,
            in_width: int(in_w)?,
            in_channels: int(in_c)?,
            out_height: int(out_h)?,
            out_width: int(out_w)?,
            out_channels: int(out_c)?,
            kernel_height: int(kernel.h)?,
            kernel_width: int(kernel.w)?,
            stride_height: int(stride.h)?,
            stride_width: int(stride.w)?,
            dilation_height: int(dilation.h)?,
            dilation_width: int(dilation.w)?,
            pad_top: int(vertical(in_h, out_h, kernel.h, stride.h, dilation.h, extra.0))?,
            pad_left: int(vertical(in_w, out_w, kernel.w, stride.w, dilation.w, extra.1))?,
        };
        let window = if in_h == 1 && out_h == 1 && kernel.h == 1 && extra.0 == 0 { turned(window) } else { window };
        Some(Windows { window, images, inverted: false })
    }

    /// Output and input exchanged: the windows of a transposed convolution.
    pub(super) fn inverted(self) -> Self {
        let w = self.window;
        let window = Window {
            in_height: w.out_height,
            in_width: w.out_width,
            in_channels: w.out_channels,
            out_height: w.in_height,
            out_width: w.in_width,
            out_channels: w.in_channels,
            ..w
        };
        Windows { window, inverted: true, ..self }
    }

    /// The window of so many rows, as wide as they are, over rows without columns, rows being of so many elements: `None`
    /// as above.
    pub(super) fn over_rows(input: View, height: usize, outputs: View) -> Option<Self> {
        let window = Window {
            in_height: int(input.rows)?,
            in_width: 1,
            in_channels: int(input.row_bytes)?,
            out_height: int(outputs.rows)?,
            out_width: 1,
            out_channels: int(outputs.row_bytes)?,
            kernel_height: int(height)?,
            kernel_width: 1,
            stride_height: 1,
            stride_width: 1,
            dilation_height: 1,
            dilation_width: 1,
            pad_top: 0,
            pad_left: 0,
        };
        Some(Windows { window, images: 1, inverted: false })
    }

    /// How many images there are.
    pub(super) fn images(&self) -> usize {
        self.images
    }

    /// The input's rows.
    pub(super) fn input(&self, element: usize) -> View {
        let w = &self.window;
        View { rows: self.images * w.in_height as usize, row_bytes: (w.in_width * w.in_channels) as usize * element }
    }

    /// The output's rows.
    pub(super) fn output(&self, element: usize) -> View {
        let w = &self.window;
        View { rows: self.images * w.out_height as usize, row_bytes: (w.out_width * w.out_channels) as usize * element }
    }

    /// Input rows under output row `y`, both counted through all images; empty where only padding is.
    pub(super) fn rows(&self, y: usize) -> Range<usize> {
        let w = &self.window;
        let (image, y) = (y as i32 / w.out_height, y as i32 % w.out_height);
        let (top, bottom) = if self.inverted {
            // The first and last input row whose window reaches `y`.
            let last = y + w.pad_top;
            ((last - w.kernel_height).div_euclid(w.stride_height) + 1, last / w.stride_height + 1)
        } else {
            let top = y * w.stride_height - w.pad_top;
            (top, top + (w.kernel_height - 1) * w.dilation_height + 1)
        };
        let clamp = |row: i32| (image * w.in_height + row.clamp(0, w.in_height)) as usize;
        clamp(top)..clamp(bottom)
    }

    /// Whether one window covers the whole image.
    pub(super) fn is_global(&self) -> bool {
        let w = &self.window;
        let covers = |k: i32, size: i32, pad: i32| pad == 0 && k >= size;
        w.out_height == 1
            && w.out_width == 1
            && self.images == 1
            && (w.dilation_height, w.dilation_width) == (1, 1)
            && covers(w.kernel_height, w.in_height, w.pad_top)
            && covers(w.kernel_width, w.in_width, w.pad_left)
    }
}

/// Height and width exchanged.
fn turned(w: Window) -> Window {
    Window {
        in_height: w.in_width,
        in_width: w.in_height,
        out_height: w.out_width,
        out_width: w.out_height,
        kernel_height: w.kernel_width,
        kernel_width: w.kernel_height,
        stride_height: w.stride_width,
        stride_width: w.stride_height,
        dilation_height: w.dilation_width,
        dilation_width: w.dilation_height,
        pad_top: w.pad_left,
        pad_left: w.pad_top,
        ..w
    }
}

/// A size that fits the kernels' arithmetic.
pub(super) fn int(size: usize) -> Option<i32> {
    i32::try_from(size).ok().filter(|size| *size < 1 << 24)
}
