//! Pooling: windows without weights. The divisor of an average counts only pixels inside the image.

use super::conv::Windows;
use super::fused::Fused;
use crate::parallel;

/// Input: images \[n, h * w * c\].
#[derive(Clone, Debug)]
pub(super) struct AveragePool {
    pub(super) windows: Windows,
    pub(super) channels: usize,
}

impl AveragePool {
    /// One over the number of pixels of each window.
    fn shares(&self) -> Vec<f32> {
        let mut counts = vec![0.0; self.windows.count()];
        self.windows.taps(|window, _, _| counts[window] += 1.0);
        counts.into_iter().map(|count: f32| 1.0 / count).collect()
    }
}

impl Fused<1> for AveragePool {
    fn forward(&self, [images]: [&[f32]; 1]) -> Vec<f32> {
        let (windows, c, shares) = (&self.windows, self.channels, self.shares());
        let per_image = parallel::map(images.chunks(windows.image_len()), |image| {
            let mut output = vec![0.0; windows.count() * c];
            windows.taps(|window, _, pixel| {
                let to = &mut output[window * c..][..c];
                to.iter_mut().zip(&image[pixel..]).for_each(|(to, x)| *to += x * shares[window]);
            });
            output
        });
        per_image.concat()
    }

    fn backward(&self, _: [&[f32]; 1], gradient: &[f32], _: [bool; 1]) -> [Vec<f32>; 1] {
        let (windows, c, shares) = (&self.windows, self.channels, self.shares());
        let per_image = parallel::map(gradient.chunks(windows.count() * c), |gradient| {
            let mut of_image = vec![0.0; windows.image_len()];
            windows.taps(|window, _, pixel| {
                let to = &mut of_image[pixel..][..c];
                to.iter_mut().zip(&gradient[window * c..]).for_each(|(to, g)| *to += g * shares[window]);
            });
            of_image
        });
        [per_image.concat()]
    }
}

/// Input: images \[n, h * w * c\].
#[derive(Clone, Debug)]
pub(super) struct MaxPool {
    pub(super) windows: Windows,
    pub(super) channels: usize,
}

impl MaxPool {
    /// Where in the image the largest element of each window is, the first of several.
    fn sources(&self, image: &[f32]) -> Vec<usize> {
        let c = self.channels;
        let mut sources = vec![usize::MAX; self.windows.count() * c];
        self.windows.taps(|window, _, pixel| {
            for (channel, source) in sources[window * c..][..c].iter_mut().enumerate() {
                if *source == usize::MAX || image[pixel + channel] > image[*source] {
                    *source = pixel + channel;
                }
            }
        });
        sources
    }
}

impl Fused<1> for MaxPool {
    fn forward(&self, [images]: [&[f32]; 1]) -> Vec<f32> {
        let largest = |image: &[f32]| self.sources(image).into_iter().map(|source| image[source]).collect::<Vec<_>>();
        parallel::map(images.chunks(self.windows.image_len()), largest).concat()
    }

    fn backward(&self, [images]: [&[f32]; 1], gradient: &[f32], _: [bool; 1]) -> [Vec<f32>; 1] {
        let mut of_images = vec![0.0; images.len()];
        let (image, window) = (self.windows.image_len(), self.windows.count() * self.channels);
        for ((to, image), gradient) in
            of_images.chunks_mut(image).zip(images.chunks(image)).zip(gradient.chunks(window))
        {
            self.sources(image).into_iter().zip(gradient).for_each(|(source, g)| to[source] += g);
        }
        [of_images]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fused::tests::check_gradients;
    use tinderbox::graph::{Padding, Stride};

    #[test]
    fn gradients_are_differences() {
        let step = |n| Stride { h: n, w: n };
        let windows = Windows::new([5, 5, 3], [2, 2], step(2), step(1), Padding::Same);
        check_gradients(&AveragePool { windows, channels: 3 }, [2 * 75]);
    }

    #[test]
    fn the_largest_gets_the_gradient() {
        let step = |n| Stride { h: n, w: n };
        let windows = Windows::new([2, 3, 1], [2, 2], step(1), step(1), Padding::Valid);
        let (pool, image) = (MaxPool { windows, channels: 1 }, [1.0, 5.0, 2.0, 4.0, 3.0, 6.0]);
        assert_eq!(pool.forward([&image]), [5.0, 6.0]);
        assert_eq!(pool.backward([&image], &[10.0, 20.0], [true]), [[0.0, 10.0, 0.0, 0.0, 0.0, 20.0]]);
    }
}
