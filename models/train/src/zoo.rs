//! Networks to start from: defined in Burn, trained by the same engine that fine-tunes.

use crate::data::Units;
use crate::engine;
use crate::trace::{Layers, trace};
use crate::tune::Options;
use crate::tune::batches::Augmentation;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::Device;
use tinderbox::graph::Graph;

/// A network and how it is trained.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// Its name, and its data's.
    pub name: &'static str,
    /// What the numbers in the files of examples mean.
    pub units: Units,
    /// The layers.
    pub network: Architecture,
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples of a step.
    pub batch: usize,
    /// Learning rate at the start.
    pub rate: f64,
    /// How examples are varied.
    pub augmentation: Augmentation,
}

/// A convolution and depthwise-separable blocks (Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers", 2017).
#[derive(Clone, Copy, Debug)]
pub struct Architecture {
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

const AS_THEY_ARE: Units = Units { scale: 1.0, zero_point: 0.0 };

/// The zoo.
pub const RECIPES: [Recipe; 4] = [
    // Handwritten digits of 8x8 pixels.
    Recipe {
        name: "digits",
        units: Units { scale: 1.0 / 16.0, zero_point: 0.0 },
        network: Architecture {
            image: [8, 8, 1],
            stem: (16, [3, 3], [1, 1]),
            kernel: [3, 3],
            blocks: &[(32, [2, 2]), (32, [1, 1])],
            classes: 10,
        },
        epochs: 60,
        batch: 64,
        rate: 1e-2,
        augmentation: Augmentation { mirror: false, shift: 1 },
    },
    // Clothing in 28x28 pixels.
    Recipe {
        name: "fashion",
        units: Units { scale: 1.0 / 255.0, zero_point: 0.0 },
        network: Architecture {
            image: [28, 28, 1],
            stem: (16, [5, 5], [2, 2]),
            kernel: [3, 3],
            blocks: &[(32, [1, 1]), (32, [1, 1]), (64, [2, 2]), (64, [1, 1]), (64, [1, 1])],
            classes: 10,
        },
        epochs: 40,
        batch: 128,
        rate: 4e-3,
        augmentation: Augmentation { mirror: true, shift: 2 },
    },
    // Movements of a hand: 119 readings of three accelerations and three angular rates. Time runs down the image.
    Recipe {
        name: "gestures",
        units: AS_THEY_ARE,
        network: Architecture {
            image: [119, 1, 6],
            stem: (16, [7, 1], [2, 1]),
            kernel: [5, 1],
            blocks: &[(24, [2, 1]), (32, [2, 1])],
            classes: 5,
        },
        epochs: 100,
        batch: 16,
        rate: 1e-2,
        augmentation: Augmentation { mirror: false, shift: 6 },
    },
    // Spoken digits: ten cepstral coefficients of 49 frames.
    Recipe {
        name: "spoken",
        units: AS_THEY_ARE,
        network: Architecture {
            image: [49, 10, 1],
            stem: (32, [10, 4], [2, 2]),
            kernel: [3, 3],
            blocks: &[(32, [1, 1]), (32, [1, 1]), (32, [1, 1]), (32, [1, 1])],
            classes: 10,
        },
        epochs: 40,
        batch: 64,
        rate: 4e-3,
        augmentation: Augmentation { mirror: false, shift: 0 },
    },
];

impl Recipe {
    /// The network, untrained, from a seed.
    pub fn untrained(&self, seed: u64) -> Graph {
        let device = engine::device();
        device.seed(seed);
        let network = SeparableNet::new(&self.network, &device);
        trace(self.name, self.network.image, |x| network.forward(x))
    }

    /// How it is trained.
    pub fn options(&self, seed: u64) -> Options {
        let &Self { epochs, batch, rate, augmentation, .. } = self;
        Options { epochs, batch, rate, augmentation, seed, ..Options::default() }
    }
}

/// See [`Architecture`].
#[derive(Module, Debug)]
pub struct SeparableNet {
    stem: Conv2d,
    blocks: Vec<Separable>,
    head: Linear,
}

impl SeparableNet {
    /// Random weights.
    pub fn new(architecture: &Architecture, device: &Device) -> Self {
        let &Architecture { image, stem: (channels, kernel, stride), kernel: inner, blocks, classes } = architecture;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Network, elements, value};
    use tinderbox::import::import;

    #[test]
    fn graphs_compute_what_their_modules_do() {
        for recipe in RECIPES {
            let device = engine::device();
            let module = SeparableNet::new(&recipe.network, &device);
            let [h, w, c] = recipe.network.image;
            let graph = trace(recipe.name, [h, w, c], |x| module.forward(x));
            graph.validate().unwrap_or_else(|refusal| panic!("{}: {refusal}", recipe.name));
            let mut random = fastrand::Rng::with_seed(1);
            let images = value((0..3 * h * w * c).map(|_| random.f32()).collect(), 3, &device);
            let network = Network::new(graph, &device).expect("supported");
            let traced = elements(&network.run(vec![images.clone()], &mut ())[0]);
            let images = images.reshape([3, h, w, c]).permute([0, 3, 1, 2]);
            let burn = elements(&module.forward(images).reshape([3, -1]));
            assert_eq!(traced.len(), burn.len());
            for (traced, burn) in traced.iter().zip(&burn) {
                assert!((traced - burn).abs() < 1e-5, "{}: {traced}, in Burn {burn}", recipe.name);
            }
        }
    }

    #[test]
    fn the_demo_model_is_of_the_fashion_recipe() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../zoo/fashion/fashion_float.tflite");
        let demo = import(path.as_ref()).expect("the zoo's model");
        let recipe = RECIPES.iter().find(|recipe| recipe.name == "fashion").expect("a recipe");
        let work = |graph: &Graph| {
            graph.nodes.iter().map(|node| tinderbox::graph::macs(graph, node)).filter(|n| *n > 0).collect::<Vec<_>>()
        };
        assert_eq!(work(&recipe.untrained(1)), work(&demo));
    }
}
