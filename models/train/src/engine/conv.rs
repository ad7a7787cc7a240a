//! Convolutions as products of matrices: the windows of a few images at a time become the rows of one matrix.

use super::fused::Fused;
use crate::parallel;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use std::borrow::Cow;
use tinderbox::graph::{Padding, Stride};

/// Floats of windows that are worked on at once: about a core's cache.
const CHUNK: usize = 1 << 17;

/// Where windows lie in an image \[h, w, c\].
#[derive(Clone, Debug)]
pub struct Windows {
    image: [usize; 3],
    kernel: [usize; 2],
    stride: Stride,
    dilation: Stride,
    /// Rows above and columns left of the image.
    before: [usize; 2],
    /// Rows and columns of windows.
    pub output: [usize; 2],
}

impl Windows {
    /// The windows of an operator that the graph's rules have accepted.
    pub fn new(image: [usize; 3], kernel: [usize; 2], stride: Stride, dilation: Stride, padding: Padding) -> Self {
        let along = |axis: usize, stride, dilation| {
            let count = padding.windows(image[axis], kernel[axis], stride, dilation).unwrap_or(0);
            (count, padding.amounts(image[axis], kernel[axis], stride, dilation).0)
        };
        let ((rows, top), (columns, left)) = (along(0, stride.h, dilation.h), along(1, stride.w, dilation.w));
        Self { image, kernel, stride, dilation, before: [top, left], output: [rows, columns] }
    }

    /// Elements of an image.
    pub fn image_len(&self) -> usize {
        self.image.iter().product()
    }

    /// Windows of an image.
    pub fn count(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Elements of a window.
    pub fn elements(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.image[2]
    }

    /// A window of one pixel at each of the image's: the image is the matrix already.
    fn is_identity(&self) -> bool {
        self.kernel == [1, 1] && self.output == self.image[..2]
    }

    /// Calls `visit` with (window, tap, offset of its pixel in the image) for every tap inside the image.
    pub(super) fn taps(&self, mut visit: impl FnMut(usize, usize, usize)) {
        self.runs(|window, tap, pixel, count| {
            (0..count).for_each(|i| visit(window, tap + i, pixel + i * self.image[2]));
        });
    }

    /// Calls `visit` with (window, first tap, offset of its pixel, taps) for neighbouring taps of neighbouring pixels.
    fn runs(&self, mut visit: impl FnMut(usize, usize, usize, usize)) {
        let [height, width, channels] = self.image;
        let [kernel_height, kernel_width] = self.kernel;
        let at_once = if self.dilation.w == 1 { kernel_width } else { 1 };
        for window in 0..self.count() {
            let (oy, ox) = (window / self.output[1], window % self.output[1]);
            for ky in 0..kernel_height {
                let y = (oy * self.stride.h + ky * self.dilation.h).wrapping_sub(self.before[0]);
                if y >= height {
                    continue;
                }
                for kx in (0..kernel_width).step_by(at_once) {
                    // Column of the first tap, shifted by the padding; the image's are from `before` on.
                    let x = ox * self.stride.w + kx * self.dilation.w;
                    let start = x.max(self.before[1]);
                    let end = (x + at_once).min(self.before[1] + width);
                    if start < end {
                        let pixel = (y * width + start - self.before[1]) * channels;
                        visit(window, ky * kernel_width + kx + start - x, pixel, end - start);
                    }
                }
            }
        }
    }

    /// The windows of `images` as rows \[images * windows, window\].
    pub fn rows(&self, images: &[f32]) -> Vec<f32> {
        if self.is_identity() {
            return images.to_vec();
        }
        let (channels, window, block) = (self.image[2], self.elements(), self.count() * self.elements());
        let mut rows = vec![0.0; images.len() / self.image_len() * block];
        for (image, rows) in images.chunks_exact(self.image_len()).zip(rows.chunks_exact_mut(block)) {
            self.runs(|row, tap, pixel, count| {
                let to = &mut rows[row * window + tap * channels..][..count * channels];
                to.copy_from_slice(&image[pixel..][..count * channels]);
            });
        }
        rows
    }

    /// Adds rows of windows back to the pixels that they were taken from.
    fn add_back(&self, rows: &[f32], images: &mut [f32]) {
        let (channels, window, block) = (self.image[2], self.elements(), self.count() * self.elements());
        for (image, rows) in images.chunks_exact_mut(self.image_len()).zip(rows.chunks_exact(block)) {
            self.runs(|row, tap, pixel, count| {
                let from = &rows[row * window + tap * channels..][..count * channels];
                image[pixel..][..count * channels].iter_mut().zip(from).for_each(|(to, from)| *to += from);
            });
        }
    }

    /// Images whose windows fit the cache.
    pub fn images_at_once(&self) -> usize {
        (CHUNK / (self.count() * self.elements())).max(1)
    }
}

/// Inputs: images \[n, h * w * in\], weights \[out, kh * kw * in\], bias \[1, out\]. Also a dense layer: one pixel.
#[derive(Clone, Debug)]
pub(super) struct Conv {
    pub(super) windows: Windows,
    pub(super) channels: usize,
}

impl Fused<3> for Conv {
    fn forward(&self, [images, weights, bias]: [&[f32]; 3]) -> Vec<f32> {
        let (windows, out) = (&self.windows, self.channels);
        let at_once = windows.images_at_once();
        let mut output = vec![0.0; images.len() / windows.image_len() * windows.count() * out];
        let chunks = output.chunks_mut(at_once * windows.count() * out);
        parallel::map(chunks.zip(images.chunks(at_once * windows.image_len())), |(output, images)| {
            let rows = windows.rows(images);
            output.chunks_exact_mut(out).for_each(|pixel| pixel.copy_from_slice(bias));
            let (rows, weights) = (matrix(&rows, windows.elements()), matrix(weights, windows.elements()));
            general_mat_mul(1.0, &rows, &weights.t(), 1.0, &mut matrix_mut(output, out));
        });
        output
    }

    fn backward(&self, [images, weights, _]: [&[f32]; 3], gradient: &[f32], wanted: [bool; 3]) -> [Vec<f32>; 3] {
        let (windows, out) = (&self.windows, self.channels);
        let at_once = windows.images_at_once();
        let chunks = gradient.chunks(at_once * windows.count() * out).zip(images.chunks(at_once * windows.image_len()));
        // One sum per chunk, added up in order: the result does not depend on the number of threads.
        let parts = parallel::map(chunks, |(gradient, images)| {
            let gradient = matrix(gradient, out);
            let mut rows = windows.rows(images);
            let mut sum = vec![0.0; weights.len()];
            let product = &mut matrix_mut(&mut sum, windows.elements());
            general_mat_mul(1.0, &gradient.t(), &matrix(&rows, windows.elements()), 0.0, product);
            let mut of_images = vec![0.0; if wanted[0] { images.len() } else { 0 }];
            if wanted[0] {
                let product = &mut matrix_mut(&mut rows, windows.elements());
                general_mat_mul(1.0, &gradient, &matrix(weights, windows.elements()), 0.0, product);
                windows.add_back(&rows, &mut of_images);
            }
            [of_images, sum, column_sums(gradient)]
        });
        collect(parts)
    }
}

/// The gradients of images one after the other, those of weights and biases added up.
fn collect(parts: Vec<[Vec<f32>; 3]>) -> [Vec<f32>; 3] {
    let mut parts = parts.into_iter();
    let Some(mut total) = parts.next() else { return [vec![], vec![], vec![]] };
    for [images, weights, bias] in parts {
        total[0].extend(images);
        total[1].iter_mut().zip(weights).for_each(|(t, x)| *t += x);
        total[2].iter_mut().zip(bias).for_each(|(t, x)| *t += x);
    }
    total
}

/// Inputs: images \[n, h * w * in\], weights \[1, kh * kw * in * multiplier\], bias \[1, in * multiplier\].
#[derive(Clone, Debug)]
pub(super) struct Depthwise {
    pub(super) windows: Windows,
    pub(super) multiplier: usize,
}

impl Depthwise {
    fn channels(&self) -> usize {
        self.windows.image[2] * self.multiplier
    }

    /// The image with every channel as often as outputs read it: then all that follows goes element by element.
    fn repeated<'a>(&self, image: &'a [f32]) -> Cow<'a, [f32]> {
        match self.multiplier {
            1 => Cow::Borrowed(image),
            times => Cow::Owned(image.iter().flat_map(|x| std::iter::repeat_n(*x, times)).collect()),
        }
    }
}

/// Adds the products of `a` and `b`.
fn add_products(sums: &mut [f32], a: &[f32], b: &[f32]) {
    sums.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum += a * b);
}

impl Fused<3> for Depthwise {
    fn forward(&self, [images, weights, bias]: [&[f32]; 3]) -> Vec<f32> {
        let (windows, out, m) = (&self.windows, self.channels(), self.multiplier);
        let per_image = parallel::map(images.chunks(windows.image_len()), |image| {
            let (image, mut output) = (self.repeated(image), bias.repeat(windows.count()));
            windows.taps(|row, tap, pixel| {
                let (weights, from) = (&weights[tap * out..][..out], &image[pixel * m..][..out]);
                add_products(&mut output[row * out..][..out], weights, from);
            });
            output
        });
        per_image.concat()
    }

    fn backward(&self, [images, weights, _]: [&[f32]; 3], gradient: &[f32], _: [bool; 3]) -> [Vec<f32>; 3] {
        let (windows, out, m) = (&self.windows, self.channels(), self.multiplier);
        let per_image = images.chunks(windows.image_len()).zip(gradient.chunks(windows.count() * out));
        let parts = parallel::map(per_image, |(image, gradient)| {
            let image = self.repeated(image);
            let (mut of_image, mut sum) = (vec![0.0; image.len()], vec![0.0; weights.len()]);
            windows.taps(|row, tap, pixel| {
                let (gradient, weights) = (&gradient[row * out..][..out], &weights[tap * out..][..out]);
                add_products(&mut of_image[pixel * m..][..out], gradient, weights);
                add_products(&mut sum[tap * out..][..out], gradient, &image[pixel * m..][..out]);
            });
            let of_image = of_image.chunks_exact(m).map(|copies| copies.iter().sum()).collect();
            [of_image, sum, column_sums(matrix(gradient, out))]
        });
        collect(parts)
    }
}

/// Rows of so many columns.
pub(crate) fn matrix(rows: &[f32], columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape([rows.len() / columns, columns], rows).expect("whole rows")
}

/// See [`matrix`].
pub(crate) fn matrix_mut(rows: &mut [f32], columns: usize) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape([rows.len() / columns, columns], rows).expect("whole rows")
}

fn column_sums(rows: ArrayView2<'_, f32>) -> Vec<f32> {
    rows.sum_axis(ndarray::Axis(0)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fused::tests::check_gradients;

    fn windows(stride: usize, dilation: usize, padding: Padding) -> Windows {
        let step = |n| Stride { h: n, w: n };
        Windows::new([6, 5, 2], [3, 2], step(stride), step(dilation), padding)
    }

    #[test]
    fn gradients_are_differences() {
        for (stride, dilation, padding) in [(1, 1, Padding::Same), (2, 1, Padding::Valid), (1, 2, Padding::Same)] {
            let windows = windows(stride, dilation, padding);
            check_gradients(&Conv { windows: windows.clone(), channels: 4 }, [3 * 60, 4 * 12, 4]);
            check_gradients(&Depthwise { windows, multiplier: 2 }, [3 * 60, 24, 4]);
        }
    }
}
