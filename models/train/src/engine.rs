//! A float network that runs in Burn, on any number of examples at a time, with gradients where the device has them.
//!
//! The graph describes one example. Every tensor of it becomes a [`Value`] with a row per example, and operators view
//! it in the shape that they need; so no operator has to know which dimension a model uses for its batch.

mod conv;
mod elementwise;
mod fused;
mod movement;
mod norm;
mod pool;
mod shape;
mod support;

pub use conv::Windows;
pub(crate) use conv::matrix;
pub use norm::{EPSILON, moments};
pub use support::Unsupported;

use burn::tensor::{Device, Tensor, TensorData};
use conv::{Conv, Depthwise};
use norm::BatchNorm;
use std::collections::BTreeMap;
use tinderbox::graph::{Activation, DType, Graph, Op, Stride, TensorId};

/// A tensor of the graph for several examples: \[examples, elements\], or \[1, elements\] if it is constant.
pub type Value = Tensor<2>;

/// Batch normalization after a product, in place of its bias. Both \[1, channels\].
#[derive(Clone, Debug)]
pub struct Norm {
    /// Scale.
    pub gamma: Value,
    /// Shift.
    pub beta: Value,
    /// Mean and variance; those of the batch itself where absent.
    pub moments: Option<(Vec<f32>, Vec<f32>)>,
}

/// A float network.
#[derive(Clone)]
pub struct Network {
    /// What is computed.
    pub graph: Graph,
    /// The contents of float constants, by tensor: \[1, elements\].
    pub constants: BTreeMap<TensorId, Value>,
    /// Normalizations, by node.
    pub norms: BTreeMap<usize, Norm>,
    device: Device,
}

/// Sees, and may replace, what flows through a network.
pub trait Hook {
    /// The weights of a convolution or dense layer, before they are used.
    fn weights(&mut self, _node: usize, weights: Value) -> Value {
        weights
    }

    /// A convolution's or dense layer's result before it is normalized. Only called where there is a normalization.
    fn product(&mut self, _node: usize, _product: &Value) {}

    /// An input, or an operator's result.
    fn value(&mut self, _tensor: TensorId, value: Value) -> Value {
        value
    }
}

/// Changes nothing.
impl Hook for () {}

/// The backend that this was built with, without gradients.
#[cfg_attr(not(feature = "flex"), expect(deprecated, reason = "the backend is a feature; this one is the default"))]
pub fn device() -> Device {
    #[cfg(feature = "flex")]
    return Device::flex();
    #[cfg(not(feature = "flex"))]
    Device::ndarray()
}

/// Values of so many examples.
pub fn value(data: Vec<f32>, examples: usize, device: &Device) -> Value {
    let columns = data.len() / examples;
    Tensor::from_data(TensorData::new(data, [examples, columns]), device)
}

/// The elements of a value, row by row.
pub fn elements(value: &Value) -> Vec<f32> {
    fused::read_value(value.clone())
}

impl Network {
    /// Prepares a float graph to run on `device`.
    pub fn new(graph: Graph, device: &Device) -> Result<Self, Unsupported> {
        support::check(&graph)?;
        let float = |id: TensorId| Some((id, floats(&graph.tensors[id])?));
        let constants = (0..graph.tensors.len()).filter_map(float);
        let constants = constants.map(|(id, data)| (id, value(data, 1, device))).collect();
        Ok(Self { constants, norms: BTreeMap::new(), device: device.clone(), graph })
    }

    /// Where its tensors live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Runs the network: a value per input, and one per output.
    pub fn run(&self, inputs: Vec<Value>, hook: &mut dyn Hook) -> Vec<Value> {
        let mut values = self.start(inputs, hook);
        let last_reader = self.last_readers();
        for index in 0..self.graph.nodes.len() {
            self.step(index, &mut values, hook);
            for id in self.graph.nodes[index].inputs.iter().flatten() {
                if last_reader[*id] == Some(index) && !self.graph.outputs.contains(id) {
                    values[*id] = None;
                }
            }
        }
        self.graph.outputs.iter().filter_map(|id| values[*id].take()).collect()
    }

    /// The values before the first node: per tensor of the graph, `None` where nothing is known yet or constant.
    pub fn start(&self, inputs: Vec<Value>, hook: &mut dyn Hook) -> Vec<Option<Value>> {
        let mut values = vec![None; self.graph.tensors.len()];
        for (id, value) in self.graph.inputs.iter().zip(inputs) {
            values[*id] = Some(hook.value(*id, value));
        }
        values
    }

    /// Computes a node from values that are there.
    pub fn step(&self, index: usize, values: &mut [Option<Value>], hook: &mut dyn Hook) {
        let results = match &self.graph.nodes[index].op {
            Op::Conv2d { activation, .. }
            | Op::DepthwiseConv2d { activation, .. }
            | Op::FullyConnected { activation } => vec![activate(self.product(index, values, hook), *activation)],
            _ => self.compute(index, values),
        };
        for (id, result) in self.graph.nodes[index].outputs.iter().zip(results) {
            values[*id] = Some(hook.value(*id, result));
        }
    }

    /// Which node is the last to read each tensor.
    pub fn last_readers(&self) -> Vec<Option<usize>> {
        let mut last = vec![None; self.graph.tensors.len()];
        for (index, node) in self.graph.nodes.iter().enumerate() {
            node.inputs.iter().flatten().for_each(|id| last[*id] = Some(index));
        }
        last
    }

    /// A convolution or dense layer up to its activation.
    pub fn product(&self, index: usize, values: &[Option<Value>], hook: &mut dyn Hook) -> Value {
        let node = &self.graph.nodes[index];
        let windows = windows(&self.graph, index).expect("only products have products");
        let input = self.read(node.inputs[0], values);
        let weights_id = node.inputs[1].expect("rules demand weights");
        let weights = hook.weights(index, self.constants[&weights_id].clone());
        let channels = output_channels(&self.graph, index);
        let bias = match node.inputs.get(2).copied().flatten() {
            Some(bias) if !self.norms.contains_key(&index) => self.constants[&bias].clone(),
            _ => Tensor::zeros([1, channels], &self.device.clone().without_autodiff()),
        };
        let pixels = self.graph.tensors[node.outputs[0]].elements() / channels;
        let examples = input.dims()[0];
        let images = input.reshape([-1, windows.image_len() as i32]);
        let columns = windows.count() * channels;
        let weights = weights.reshape([-1, windows.elements() as i32]);
        let product = match node.op {
            Op::DepthwiseConv2d { multiplier, .. } => {
                fused::apply(Depthwise { windows, multiplier }, [images, weights.reshape([1, -1]), bias], columns)
            }
            _ => fused::apply(Conv { windows, channels }, [images, weights, bias], columns),
        };
        let product = product.reshape([examples, pixels * channels]);
        match self.norms.get(&index) {
            Some(norm) => {
                hook.product(index, &product);
                normalize(product, norm, channels)
            }
            None => product,
        }
    }

    fn read(&self, id: Option<TensorId>, values: &[Option<Value>]) -> Value {
        let id = id.expect("rules demand this input");
        values[id].clone().unwrap_or_else(|| self.constants[&id].clone())
    }

    fn shape(&self, id: TensorId) -> &[usize] {
        &self.graph.tensors[id].shape
    }
}

/// The windows of a convolution or dense layer, which has one pixel per row; `None` for other operators.
pub fn windows(graph: &Graph, index: usize) -> Option<Windows> {
    let node = &graph.nodes[index];
    let shape = |input: usize| node.inputs.get(input).copied().flatten().map(|id| &graph.tensors[id].shape[..]);
    match node.op {
        Op::Conv2d { stride, dilation, padding, .. } | Op::DepthwiseConv2d { stride, dilation, padding, .. } => {
            let (image, kernel) = (shape(0)?, shape(1)?);
            let image = [image[1], image[2], image[3]];
            Some(Windows::new(image, [kernel[1], kernel[2]], stride, dilation, padding))
        }
        Op::FullyConnected { .. } => {
            let one = Stride { h: 1, w: 1 };
            Some(Windows::new([1, 1, shape(1)?[1]], [1, 1], one, one, tinderbox::graph::Padding::Valid))
        }
        _ => None,
    }
}

/// Channels of a product.
pub fn output_channels(graph: &Graph, index: usize) -> usize {
    graph.tensors[graph.nodes[index].outputs[0]].shape.last().copied().unwrap_or(1)
}

fn normalize(product: Value, norm: &Norm, channels: usize) -> Value {
    let [examples, columns] = product.dims();
    let Some((mean, variance)) = &norm.moments else {
        return fused::apply(BatchNorm { channels }, [product, norm.gamma.clone(), norm.beta.clone()], columns);
    };
    let row = |data: Vec<f32>| value(data, 1, &product.device().without_autodiff());
    let inverse = row(variance.iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect());
    let scale = norm.gamma.clone() * inverse;
    let shift = norm.beta.clone() - scale.clone() * row(mean.clone());
    (product.clone().reshape([-1, channels as i32]) * scale + shift).reshape([examples, columns])
}

/// Applies a fused activation.
pub fn activate(value: Value, activation: Activation) -> Value {
    match activation {
        Activation::None => value,
        Activation::Relu => burn::tensor::activation::relu(value),
        Activation::ReluN1To1 => value.clamp(-1.0, 1.0),
        Activation::Relu6 => value.clamp(0.0, 6.0),
    }
}

/// The contents of a float constant.
pub fn floats(tensor: &tinderbox::graph::Tensor) -> Option<Vec<f32>> {
    let data = tensor.data.as_ref().filter(|_| tensor.dtype == DType::F32)?;
    Some(data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
