//! Which examples a step sees, and how they are varied. Both follow from the seed and the step's number alone.

use super::Options;
use crate::data::Examples;
use tinderbox::graph::Graph;

/// Variations of images \[h, w, c\] that leave their class what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Half of the images are mirrored, left to right.
    pub mirror: bool,
    /// Images move by up to so many pixels each way; the border is repeated where it
    /// comes into view.
    pub shift: usize,
}

/// Batches of the training set.
pub struct Batches<'a> {
    source: &'a Examples,
    /// The last three dimensions of the input.
    shape: [usize; 3],
    batch: usize,
    accumulate: usize,
    seed: u64,
    augmentation: Augmentation,
}

impl<'a> Batches<'a> {
    /// Batches of all examples.
    pub fn new(source: &'a Examples, graph: &Graph, options: &Options) -> Self {
        let shape = &graph.tensors[graph.inputs[0]].shape;
        let image = match shape.as_slice() {
            [.., h, w, c] if shape.len() == 4 => [*h, *w, *c],
            _ => [1, 1, shape.iter().product()],
        };
        let &Options { batch, accumulate, seed, augmentation, .. } = options;
        Self { source, shape: image, batch, accumulate, seed, augmentation }
    }

    /// Steps of an epoch; the few examples that fill no step are others in every epoch.
    pub fn per_epoch(&self) -> usize {
        self.source.labels.len() / (self.batch * self.accumulate)
    }

    /// Images and labels of part `part` of step `step`.
    pub fn get(&self, step: usize, part: usize) -> (Vec<f32>, Vec<usize>) {
        let epoch = step / self.per_epoch();
        let mut order: Vec<usize> = (0..self.source.labels.len()).collect();
        fastrand::Rng::with_seed(self.seed ^ (epoch as u64) << 32).shuffle(&mut order);
        let start = ((step % self.per_epoch()) * self.accumulate + part) * self.batch;
        let chosen = &order[start..start + self.batch];
        let mut images = self.source.inputs.take(chosen.iter().copied());
        let mut random = fastrand::Rng::with_seed(
            self.seed.wrapping_mul(0x9E37_79B9).wrapping_add((step * self.accumulate + part) as u64),
        );
        let len = self.shape.iter().product();
        images.chunks_exact_mut(len).for_each(|image| self.vary(image, &mut random));
        (images, chosen.iter().map(|i| self.source.labels[*i]).collect())
    }

    fn vary(&self, image: &mut [f32], random: &mut fastrand::Rng) {
        let Augmentation { mirror, shift } = self.augmentation;
        let [height, width, channels] = self.shape;
        let flip = mirror && random.bool();
        let offset = |random: &mut fastrand::Rng| random.usize(0..=2 * shift);
        // Offsets are from 0 to twice the shift.
        let moved = |at: usize, offset: usize, len: usize| (at + offset).saturating_sub(shift).min(len - 1);
        let (dy, dx) = (offset(random), offset(random));
        if !flip && dy == shift && dx == shift {
            return;
        }
        let original = image.to_vec();
        for y in 0..height {
            for x in 0..width {
                let (from_y, from_x) = (moved(y, dy, height), moved(x, dx, width));
                let from_x = if flip { width - 1 - from_x } else { from_x };
                let to = &mut image[(y * width + x) * channels..][..channels];
                to.copy_from_slice(&original[(from_y * width + from_x) * channels..][..channels]);
            }
        }
    }
}
