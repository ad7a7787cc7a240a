//! Networks to start from: defined in Burn, trained by the same engine that fine-tunes.

mod autoencoder;
mod separable;

use crate::data::Units;
use crate::engine;
use crate::quality::Objective;
use crate::trace::{Layers, trace};
use crate::tune::Options;
use crate::tune::batches::Augmentation;
pub use autoencoder::{Autoencoder, AutoencoderConfig};
use burn::tensor::Device;
pub use separable::{SeparableNet, SeparableNetConfig};
use tinderbox::graph::Graph;

/// A network and how it is trained.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// Its name, and its data's.
    pub name: &'static str,
    /// What the numbers in the files of examples mean.
    pub units: Units,
    /// The layers.
    pub architecture: Architecture,
    /// What it is for.
    pub objective: Objective,
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples of a step.
    pub batch: usize,
    /// Learning rate at the start.
    pub rate: f64,
    /// How examples are varied.
    pub augmentation: Augmentation,
}

/// The layers.
#[derive(Clone, Copy, Debug)]
pub enum Architecture {
    /// For pictures and the like.
    Separable(SeparableNetConfig),
    /// For anomalies.
    Autoencoder(AutoencoderConfig),
}

const AS_THEY_ARE: Units = Units { scale: 1.0, zero_point: 0.0 };

/// The zoo.
pub const RECIPES: [Recipe; 5] = [
    // A movement done right: 32 readings of three accelerations and three angular rates, 12.5 a second.
    Recipe {
        name: "autoencoder",
        units: AS_THEY_ARE,
        architecture: Architecture::Autoencoder(AutoencoderConfig { values: 192, hidden: &[64], code: 8 }),
        objective: Objective::Reconstruction,
        epochs: 100,
        batch: 64,
        rate: 2e-3,
        augmentation: Augmentation { mirror: false, shift: 0 },
    },
    // Handwritten digits of 8x8 pixels.
    Recipe {
        name: "digits",
        units: Units { scale: 1.0 / 16.0, zero_point: 0.0 },
        architecture: Architecture::Separable(SeparableNetConfig {
            image: [8, 8, 1],
            stem: (16, [3, 3], [1, 1]),
            kernel: [3, 3],
            blocks: &[(32, [2, 2]), (32, [1, 1])],
            classes: 10,
        }),
        objective: Objective::Classification,
        epochs: 60,
        batch: 64,
        rate: 1e-2,
        augmentation: Augmentation { mirror: false, shift: 1 },
    },
    // Clothing in 28x28 pixels.
    Recipe {
        name: "fashion",
        units: Units { scale: 1.0 / 255.0, zero_point: 0.0 },
        architecture: Architecture::Separable(SeparableNetConfig {
            image: [28, 28, 1],
            stem: (16, [5, 5], [2, 2]),
            kernel: [3, 3],
            blocks: &[(32, [1, 1]), (32, [1, 1]), (64, [2, 2]), (64, [1, 1]), (64, [1, 1])],
            classes: 10,
        }),
        objective: Objective::Classification,
        epochs: 40,
        batch: 128,
        rate: 4e-3,
        augmentation: Augmentation { mirror: true, shift: 2 },
    },
    // Movements of a hand: 119 readings of three accelerations and three angular rates. Time runs down the image.
    Recipe {
        name: "gestures",
        units: AS_THEY_ARE,
        architecture: Architecture::Separable(SeparableNetConfig {
            image: [119, 1, 6],
            stem: (16, [7, 1], [2, 1]),
            kernel: [5, 1],
            blocks: &[(24, [2, 1]), (32, [2, 1])],
            classes: 5,
        }),
        objective: Objective::Classification,
        epochs: 100,
        batch: 16,
        rate: 1e-2,
        augmentation: Augmentation { mirror: false, shift: 6 },
    },
    // Spoken digits: ten cepstral coefficients of 49 frames.
    Recipe {
        name: "spoken",
        units: AS_THEY_ARE,
        architecture: Architecture::Separable(SeparableNetConfig {
            image: [49, 10, 1],
            stem: (32, [10, 4], [2, 2]),
            kernel: [3, 3],
            blocks: &[(32, [1, 1]), (32, [1, 1]), (32, [1, 1]), (32, [1, 1])],
            classes: 10,
        }),
        objective: Objective::Classification,
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
        let network = self.architecture.init(&device);
        trace(self.name, self.architecture.image(), |x| network.forward(x))
    }

    /// How it is trained.
    pub fn options(&self, seed: u64) -> Options {
        let &Self { objective, epochs, batch, rate, augmentation, .. } = self;
        Options { objective, epochs, batch, rate, augmentation, seed, ..Options::default() }
    }
}

impl Architecture {
    /// What the network takes, \[h, w, c\].
    fn image(&self) -> [usize; 3] {
        match self {
            Self::Separable(config) => config.image,
            Self::Autoencoder(config) => [1, 1, config.values],
        }
    }

    fn init(&self, device: &Device) -> Network {
        match self {
            Self::Separable(config) => Network::Separable(Box::new(SeparableNet::new(config, device))),
            Self::Autoencoder(config) => Network::Autoencoder(Autoencoder::new(config, device)),
        }
    }
}

/// A network of the zoo.
enum Network {
    Separable(Box<SeparableNet>),
    Autoencoder(Autoencoder),
}

impl Network {
    fn forward<L: Layers>(&self, image: L) -> L {
        match self {
            Self::Separable(network) => network.forward(image),
            Self::Autoencoder(network) => network.forward(image),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{self, elements, value};
    use tinderbox::import::import;

    #[test]
    fn graphs_compute_what_their_modules_do() {
        for recipe in RECIPES {
            let device = engine::device();
            let module = recipe.architecture.init(&device);
            let [h, w, c] = recipe.architecture.image();
            let graph = trace(recipe.name, [h, w, c], |x| module.forward(x));
            graph.validate().unwrap_or_else(|refusal| panic!("{}: {refusal}", recipe.name));
            let mut random = fastrand::Rng::with_seed(1);
            let images = value((0..3 * h * w * c).map(|_| random.f32()).collect(), 3, &device);
            let network = engine::Network::new(graph, &device).expect("supported");
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
