//! Depthwise-separable networks.

use crate::trace::Layers;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::Device;

/// A convolution and depthwise-separable blocks (Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers", 2017).
#[derive(Clone, Copy, Debug)]
pub struct SeparableNetConfig {
    /// Input \[h, w, c\].
    pub image: [usize; 3],
    /// The first convolution's channels, window and stride.
    pub stem: (usize, [usize; 2], [usize; 2]),
    /// Window of the depthwise convolutions.
    pub kernel: [usize; 2],
    /// Channels and stride of each block. Where neither changes the image's shape, the block is residual.
    pub blocks: &'static [(usize, [usize; 2])],
    /// What is told apart.
    pub classes: usize,
}

/// See [`SeparableNetConfig`].
#[derive(Module, Debug)]
pub struct SeparableNet {
    stem: Conv2d,
    blocks: Vec<Separable>,
    head: Linear,
}

impl SeparableNet {
    /// Random weights.
    pub fn new(config: &SeparableNetConfig, device: &Device) -> Self {
        let &SeparableNetConfig { image, stem: (channels, kernel, stride), kernel: inner, blocks, classes } = config;
        let stem = conv([image[2], channels], kernel, stride, 1, device);
        let mut last = channels;
        let block = |&(channels, stride): &(usize, [usize; 2])| {
            let block = Separable::new([last, channels], inner, stride, device);
            last = channels;
            block
        };
        let blocks = blocks.iter().map(block).collect();
        Self { stem, blocks, head: LinearConfig::new(last, classes).init(device) }
    }

    /// Probabilities of the classes.
    pub fn forward<L: Layers>(&self, image: L) -> L {
        let x = image.conv(&self.stem).relu();
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        x.mean().linear(&self.head).softmax()
    }
}

/// A convolution of each channel, then one of single pixels.
#[derive(Module, Debug)]
struct Separable {
    depthwise: Conv2d,
    pointwise: Conv2d,
    residual: bool,
}

impl Separable {
    fn new(channels: [usize; 2], kernel: [usize; 2], stride: [usize; 2], device: &Device) -> Self {
        let [from, to] = channels;
        Self {
            depthwise: conv([from, from], kernel, stride, from, device),
            pointwise: conv(channels, [1, 1], [1, 1], 1, device),
            residual: from == to && stride == [1, 1],
        }
    }

    fn forward<L: Layers>(&self, x: L) -> L {
        let y = x.clone().conv(&self.depthwise).relu().conv(&self.pointwise);
        if self.residual { x.add(y).relu() } else { y.relu() }
    }
}

/// A padded convolution for ReLU (He et al., "Delving Deep into Rectifiers", 2015), without bias at first.
fn conv(channels: [usize; 2], kernel: [usize; 2], stride: [usize; 2], groups: usize, device: &Device) -> Conv2d {
    let config = Conv2dConfig::new(channels, kernel)
        .with_stride(stride)
        .with_groups(groups)
        .with_padding(PaddingConfig2d::Same)
        .with_initializer(Initializer::KaimingUniform { gain: 2f64.sqrt(), fan_out_only: false });
    Conv2d { bias: Some(Initializer::Zeros.init([channels[1]], device)), ..config.init(device) }
}
