//! Batch normalization over the channels of a batch.

use super::fused::Fused;
use crate::parallel;

/// Added to variances.
pub const EPSILON: f32 = 1e-3;

/// Pixels that one core works on at a time.
const PIXELS: usize = 4096;

/// Inputs: images \[n, pixels * c\], gamma \[1, c\], beta \[1, c\]. Normalizes by the batch's own mean and variance.
#[derive(Clone, Debug)]
pub(super) struct BatchNorm {
    pub(super) channels: usize,
}

impl Fused<3> for BatchNorm {
    fn forward(&self, [images, gamma, beta]: [&[f32]; 3]) -> Vec<f32> {
        let (mean, variance) = moments(images, self.channels);
        let scale: Vec<f32> = gamma.iter().zip(&variance).map(|(g, v)| g / (v + EPSILON).sqrt()).collect();
        let shift: Vec<f32> = beta.iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
        let mut output = images.to_vec();
        parallel::map(output.chunks_mut(self.channels * PIXELS), |part| {
            for pixel in part.chunks_exact_mut(self.channels) {
                pixel.iter_mut().zip(&scale).zip(&shift).for_each(|((x, s), t)| *x = *x * s + t);
            }
        });
        output
    }

    fn backward(&self, [images, gamma, _]: [&[f32]; 3], gradient: &[f32], _: [bool; 3]) -> [Vec<f32>; 3] {
        let c = self.channels;
        let (mean, variance) = moments(images, c);
        let inverse: Vec<f32> = variance.iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
        let partial = |(images, gradient): (&[f32], &[f32])| {
            let (mut of_gamma, mut of_beta) = (vec![0.0f32; c], vec![0.0f32; c]);
            for (x, g) in images.chunks_exact(c).zip(gradient.chunks_exact(c)) {
                for i in 0..c {
                    of_gamma[i] += g[i] * (x[i] - mean[i]) * inverse[i];
                    of_beta[i] += g[i];
                }
            }
            [of_gamma, of_beta]
        };
        let chunks = || images.chunks(c * PIXELS).zip(gradient.chunks(c * PIXELS));
        let parts: Vec<[Vec<f32>; 2]> = parallel::map(chunks(), partial);
        let [of_gamma, of_beta] = [0, 1].map(|i| sum(parts.iter().map(|part| &part[i][..]), c));
        let count = (images.len() / c) as f32;
        let mut of_images = vec![0.0; images.len()];
        parallel::map(of_images.chunks_mut(c * PIXELS).zip(chunks()), |(to, (images, gradient))| {
            let pixels = images.chunks_exact(c).zip(gradient.chunks_exact(c));
            for (to, (x, g)) in to.chunks_exact_mut(c).zip(pixels) {
                for i in 0..c {
                    let normal = (x[i] - mean[i]) * inverse[i];
                    to[i] = gamma[i] * inverse[i] * (g[i] - (of_beta[i] + normal * of_gamma[i]) / count);
                }
            }
        });
        [of_images, of_gamma, of_beta]
    }
}

/// Mean and variance of each channel.
pub fn moments(images: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let mean = means(images, channels, |_, x| x);
    let variance = means(images, channels, |i, x| (x - mean[i]) * (x - mean[i]));
    (mean, variance)
}

/// The mean of `term` over the pixels of each channel.
fn means(images: &[f32], channels: usize, term: impl Fn(usize, f32) -> f32 + Sync) -> Vec<f32> {
    let parts: Vec<Vec<f32>> = parallel::map(images.chunks(channels * PIXELS), |part| {
        let mut sum = vec![0.0f32; channels];
        for pixel in part.chunks_exact(channels) {
            sum.iter_mut().zip(pixel).enumerate().for_each(|(i, (sum, x))| *sum += term(i, *x));
        }
        sum
    });
    let count = (images.len() / channels) as f32;
    sum(parts.iter().map(Vec::as_slice), channels).into_iter().map(|sum| sum / count).collect()
}

fn sum<'a>(parts: impl Iterator<Item = &'a [f32]>, channels: usize) -> Vec<f32> {
    let mut total = vec![0.0f64; channels];
    parts.for_each(|part| total.iter_mut().zip(part).for_each(|(t, x)| *t += f64::from(*x)));
    total.into_iter().map(|t| t as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fused::tests::check_gradients;

    #[test]
    fn gradients_are_differences() {
        check_gradients(&BatchNorm { channels: 4 }, [48, 4, 4]);
    }

    #[test]
    fn moments_are_those_of_channels() {
        assert_eq!(moments(&[1.0, 5.0, 3.0, 5.0], 2), (vec![2.0, 5.0], vec![1.0, 0.0]));
    }
}
