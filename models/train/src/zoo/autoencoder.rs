//! Fully connected autoencoders.

use crate::trace::Layers;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;

/// Dense layers to a short code and back, as in MLPerf Tiny's anomaly detection (Banbury et al., "MLPerf Tiny Benchmark",
/// 2021), but without normalization, and linear in the middle: where ReLU stands there, parts of the code die.
#[derive(Clone, Copy, Debug)]
pub struct AutoencoderConfig {
    /// Values of an example, which the last layer is to give back.
    pub values: usize,
    /// Outputs of the layers before the code, and in reverse of those behind it.
    pub hidden: &'static [usize],
    /// Values of the code.
    pub code: usize,
}

/// See [`AutoencoderConfig`].
#[derive(Module, Debug)]
pub struct Autoencoder {
    encoder: Dense,
    decoder: Dense,
}

impl Autoencoder {
    /// Random weights.
    pub fn new(config: &AutoencoderConfig, device: &Device) -> Self {
        let &AutoencoderConfig { values, hidden, code } = config;
        let down = [&[values], hidden, &[code]].concat();
        let up: Vec<usize> = down.iter().rev().copied().collect();
        Self { encoder: Dense::new(&down, device), decoder: Dense::new(&up, device) }
    }

    /// What the code tells of the example.
    pub fn forward<L: Layers>(&self, example: L) -> L {
        self.decoder.forward(self.encoder.forward(example))
    }
}

/// Dense layers with ReLU between them.
#[derive(Module, Debug)]
struct Dense {
    layers: Vec<Linear>,
}

impl Dense {
    /// Layers from each of the sizes to the next.
    fn new(sizes: &[usize], device: &Device) -> Self {
        Self { layers: sizes.windows(2).map(|pair| LinearConfig::new(pair[0], pair[1]).init(device)).collect() }
    }

    fn forward<L: Layers>(&self, x: L) -> L {
        let apply = |x: L, (i, layer): (usize, &Linear)| if i > 0 { x.relu().linear(layer) } else { x.linear(layer) };
        self.layers.iter().enumerate().fold(x, apply)
    }
}
