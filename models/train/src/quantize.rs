//! Float networks to int8, after training: TensorFlow Lite's scheme.
//!
//! Activations have one scale and zero point per tensor, weights one scale per output channel and a zero point of zero,
//! biases are int32 (int64 in layers of int16) at the product of both scales (Jacob et al., "Quantization and Training of Neural Networks for
//! Efficient Integer-Arithmetic-Only Inference", 2018). The order: [`fuse`] activations, [`equalize`] if asked for,
//! observe the [`range`] of every tensor, give layers their [`bits`], choose a [`scheme`], [`correct`] the biases, [`rewrite`] the graph.

pub mod bits;
mod borders;
pub mod correct;
pub mod equalize;
pub mod fuse;
pub mod range;
pub mod rewrite;
pub mod scheme;
pub mod sensitivity;

use crate::data::Inputs;
use crate::engine::{self, Network, Unsupported};
use bits::Bits;
use range::{Method, Range};
use scheme::Scheme;
use sensitivity::Sensitivity;
use tinderbox::graph::{Graph, Refusal};

/// Why a network cannot be quantized.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine does not run it.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// Its operators have no int8 form.
    #[error("as int8: {0}")]
    Refused(#[from] Refusal),
    /// A layer that the user named is not there.
    #[error("{what} has `{name}` in its name; --report lists the layers")]
    Layer {
        /// What the user said.
        name: String,
        /// How many have it.
        what: &'static str,
    },
    /// There is more than one input: the examples say nothing of the others.
    #[error("the network has {0} inputs; quantization takes networks with one")]
    Inputs(usize),
    /// The examples are not the network's input.
    #[error("calibration examples have {given} elements, input `{name}` has {expected}")]
    Shape {
        /// Of the network's input.
        name: String,
        /// Elements of an example.
        given: usize,
        /// Elements of the input.
        expected: usize,
    },
}

/// What the user chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// How ranges of activations come from what was observed.
    pub method: Method,
    /// Bits of the weights of convolutions and dense layers, 8 or 4. The first and the last layer keep 8.
    pub weight_bits: u8,
    /// Layers whose weights get 4 bits whatever the others have, by name or by a part of it that is theirs alone.
    pub int4: Vec<String>,
    /// Layers too, but for the first and the last, that with 4 bits leave the output at least this signal to noise, in
    /// decibels.
    pub int4_above: Option<f64>,
    /// Layers whose activations get 16 bits, by name likewise.
    pub int16: Vec<String>,
    /// Even out channels between layers first.
    pub equalize: bool,
    /// Shift biases by the mean error that quantization brings.
    pub correct_bias: bool,
}

impl Default for Options {
    fn default() -> Self {
        let (int4, int16) = (vec![], vec![]);
        Self {
            method: Method::MinMax,
            weight_bits: 8,
            int4,
            int4_above: None,
            int16,
            equalize: false,
            correct_bias: true,
        }
    }
}

impl Options {
    /// Whether any layer may get 4 bits.
    pub fn narrows(&self) -> bool {
        self.weight_bits == 4 || !self.int4.is_empty() || self.int4_above.is_some()
    }
}

/// A quantized network.
pub struct Quantized {
    /// In int8.
    pub graph: Graph,
    /// What each layer alone costs.
    pub sensitivity: Vec<Sensitivity>,
}

/// Quantizes a float network by the examples given.
pub fn quantize(graph: &Graph, calibration: &Inputs, options: &Options) -> Result<Quantized, Error> {
    let Observed { network, mut ranges, bits } = observe(graph, calibration, options)?;
    let mut graph = network.graph;
    let wide = borders::insert(&mut graph, &mut ranges, &bits.int16);
    let mut network = Network::new(graph, &engine::device())?;
    let scheme = Scheme::new(&network, &ranges, &bits, &wide);
    let sensitivity = sensitivity::of_layers(&network, &scheme, calibration);
    if options.correct_bias {
        correct::correct_biases(&mut network, &scheme, calibration);
    }
    let graph = rewrite::to_integers(&network, &scheme)?;
    Ok(Quantized { graph, sensitivity })
}

/// Options that name the layers which get 4 bits by `options`, decided by what the network is before training.
pub fn with_layers_chosen(graph: &Graph, calibration: &Inputs, options: &Options) -> Result<Options, Error> {
    let bits = observe(graph, calibration, options)?.bits;
    Ok(Options { weight_bits: 8, int4: bits.int4.into_iter().collect(), int4_above: None, ..options.clone() })
}

/// A network ready to be quantized.
struct Observed {
    network: Network,
    ranges: Vec<Range>,
    bits: Bits,
}

fn observe(graph: &Graph, calibration: &Inputs, options: &Options) -> Result<Observed, Error> {
    let mut graph = fuse::activations(graph);
    if options.equalize {
        equalize::equalize(&mut graph);
    }
    let network = Network::new(graph, &engine::device())?;
    check(&network.graph, calibration)?;
    let ranges = range::observe(&network, calibration, options.method);
    let bits = Bits::choose(&network, &ranges, calibration, options)?;
    Ok(Observed { network, ranges, bits })
}

fn check(graph: &Graph, calibration: &Inputs) -> Result<(), Error> {
    let &[input] = graph.inputs.as_slice() else { return Err(Error::Inputs(graph.inputs.len())) };
    let (tensor, given) = (&graph.tensors[input], calibration.elements());
    if tensor.elements() != given {
        return Err(Error::Shape { name: tensor.name.clone(), given, expected: tensor.elements() });
    }
    Ok(())
}
