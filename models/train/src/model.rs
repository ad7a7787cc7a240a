//! A model to evaluate: float networks run in the engine, quantized ones in the runtime, with the chip's own kernels.

use crate::data::{Examples, Inputs};
use crate::engine::{self, Network};
use crate::parallel;
use crate::quality::{NoAutoencoder, Objective, Quality};
use tinderbox::compile::{Options, compile};
use tinderbox::graph::{DType, Graph, Tensor};
use tinderbox::program::Image;
use tinderbox::run::host;

/// Examples that run at once.
const BATCH: usize = 64;

/// Why a model cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither the engine nor the runtime takes it.
    #[error("neither trainable ({engine}) nor runnable ({runtime})")]
    Unsupported {
        /// The engine's reason.
        engine: engine::Unsupported,
        /// The compiler's reason.
        runtime: Box<tinderbox::compile::Error>,
    },
    /// The examples are not the model's inputs.
    #[error("examples have {given} elements, input `{name}` has {expected}")]
    Shape {
        /// Of the model's input.
        name: String,
        /// Elements of an example in the file.
        given: usize,
        /// Elements of the input.
        expected: usize,
    },
    /// It cannot serve the objective.
    #[error(transparent)]
    NoAutoencoder(#[from] NoAutoencoder),
    /// The runtime stopped.
    #[error(transparent)]
    Stopped(#[from] host::Stopped),
}

/// A model that can be run.
pub enum Model {
    /// In the engine.
    Float(Box<Network>),
    /// In the runtime.
    Quantized(Box<Graph>, Box<Image>),
}

impl Model {
    /// Prepares a graph.
    pub fn new(graph: Graph) -> Result<Self, Error> {
        let engine = match Network::new(graph.clone(), &engine::device()) {
            Ok(network) => return Ok(Self::Float(Box::new(network))),
            Err(engine) => engine,
        };
        match compile(&graph, &Options::default()) {
            Ok(image) => Ok(Self::Quantized(Box::new(graph), Box::new(image))),
            Err(runtime) => Err(Error::Unsupported { engine, runtime: Box::new(runtime) }),
        }
    }

    fn graph(&self) -> &Graph {
        match self {
            Self::Float(network) => &network.graph,
            Self::Quantized(graph, _) => graph,
        }
    }

    /// The first output for every example, as real numbers.
    pub fn outputs(&self, inputs: &Inputs) -> Result<Vec<Vec<f32>>, Error> {
        let input = &self.graph().tensors[self.graph().inputs[0]];
        if input.elements() != inputs.elements() {
            let (name, given, expected) = (input.name.clone(), inputs.elements(), input.elements());
            return Err(Error::Shape { name, given, expected });
        }
        let batches: Vec<Vec<usize>> =
            (0..inputs.len()).collect::<Vec<_>>().chunks(BATCH).map(<[usize]>::to_vec).collect();
        let rows: Result<Vec<_>, Error> = match self {
            Self::Float(network) => batches.iter().map(|batch| Ok(floats(network, inputs, batch))).collect(),
            Self::Quantized(graph, image) => {
                parallel::map(&batches, |batch| quantized(graph, image, inputs, batch)).into_iter().collect()
            }
        };
        Ok(rows?.into_iter().flatten().collect())
    }

    /// How good it is at what it is for.
    pub fn quality(&self, objective: Objective, examples: &Examples, groups: &[usize]) -> Result<Quality, Error> {
        objective.check(self.graph())?;
        Ok(Quality::new(objective, &self.outputs(&examples.inputs)?, examples, groups))
    }
}

fn floats(network: &Network, inputs: &Inputs, batch: &[usize]) -> Vec<Vec<f32>> {
    let input = engine::value(inputs.take(batch.iter().copied()), batch.len(), network.device());
    let outputs = network.run(vec![input], &mut ());
    let columns = outputs[0].dims()[1];
    engine::elements(&outputs[0]).chunks_exact(columns).map(<[f32]>::to_vec).collect()
}

fn quantized(graph: &Graph, image: &Image, inputs: &Inputs, batch: &[usize]) -> Result<Vec<Vec<f32>>, Error> {
    let (input, output) = (&graph.tensors[graph.inputs[0]], &graph.tensors[graph.outputs[0]]);
    let stored: Vec<Vec<u8>> = batch.iter().map(|i| store(input, &inputs.take([*i]))).collect();
    let inferences: Vec<Vec<&[u8]>> = stored.iter().map(|bytes| vec![&bytes[..]]).collect();
    let results = host::run(image, &inferences, false)?;
    Ok(results.iter().map(|outputs| load(output, &outputs[0])).collect())
}

/// Real numbers as a tensor stores them.
pub fn store(tensor: &Tensor, numbers: &[f32]) -> Vec<u8> {
    let (scale, zero) = tensor.quant.as_ref().map_or((1.0, 0), |quant| (quant.scales[0], quant.zero_points[0]));
    let quantize = |x: &f32| (x / scale).round() as i32 + zero;
    match tensor.dtype {
        DType::I8 => numbers.iter().map(|x| quantize(x).clamp(-128, 127) as i8 as u8).collect(),
        DType::U8 | DType::Bool => numbers.iter().map(|x| quantize(x).clamp(0, 255) as u8).collect(),
        DType::I16 => numbers.iter().flat_map(|x| (quantize(x).clamp(-32768, 32767) as i16).to_le_bytes()).collect(),
        DType::I32 => numbers.iter().flat_map(|x| quantize(x).to_le_bytes()).collect(),
        DType::I64 => numbers.iter().flat_map(|x| i64::from(quantize(x)).to_le_bytes()).collect(),
        DType::F32 => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

/// What is stored, as real numbers.
pub fn load(tensor: &Tensor, bytes: &[u8]) -> Vec<f32> {
    let (scale, zero) = tensor.quant.as_ref().map_or((1.0, 0), |quant| (quant.scales[0], quant.zero_points[0]));
    crate::data::numbers(tensor.dtype, bytes).into_iter().map(|q| (q - zero as f32) * scale).collect()
}
