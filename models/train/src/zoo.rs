//! Networks to start from: defined here, trained by the same engine that fine-tunes.

use std::sync::Arc;
use tinderbox::graph::{Activation, DType, Graph, Node, Op, Padding, Stride, Tensor, TensorId};

/// Makes an untrained network from a seed.
pub type Untrained = fn(u64) -> Graph;

/// Networks by name.
pub const NETWORKS: [(&str, Untrained); 2] = [("digits", digits), ("gestures", gestures)];

/// Ten handwritten digits in 8x8 pixels: two depthwise-separable blocks.
fn digits(seed: u64) -> Graph {
    let mut net = Builder::new("digits", &[1, 8, 8, 1], seed);
    let x = net.conv(net.input(), 16, [3, 3], 1);
    let x = net.separable(x, 32, [3, 3], 2);
    let x = net.separable(x, 32, [3, 3], 1);
    net.classify(x, 10)
}

/// Five gestures in 119 readings of three accelerations and three angular rates. Time runs down the image.
fn gestures(seed: u64) -> Graph {
    let mut net = Builder::new("gestures", &[1, 119, 1, 6], seed);
    let x = net.conv(net.input(), 16, [7, 1], 2);
    let x = net.separable(x, 24, [5, 1], 2);
    let x = net.separable(x, 32, [5, 1], 2);
    net.classify(x, 5)
}

/// Adds layers to a graph, with random weights.
struct Builder {
    graph: Graph,
    random: fastrand::Rng,
}

impl Builder {
    fn new(name: &str, input: &[usize], seed: u64) -> Self {
        let mut graph = Graph { name: name.into(), ..Graph::default() };
        graph.tensors.push(tensor("input", input, None));
        graph.inputs.push(0);
        Self { graph, random: fastrand::Rng::with_seed(seed) }
    }

    fn input(&self) -> TensorId {
        self.graph.inputs[0]
    }

    /// A convolution with ReLU; its border is padded.
    fn conv(&mut self, x: TensorId, channels: usize, [h, w]: [usize; 2], stride: usize) -> TensorId {
        let image = self.graph.tensors[x].shape.clone();
        let stride = Stride { h: stride, w: if image[2] > 1 { stride } else { 1 } };
        let weights = self.weights(&[channels, h, w, image[3]], h * w * image[3]);
        let bias = self.constant("bias", &[channels], vec![0.0; channels]);
        let op = Op::Conv2d { stride, dilation: ONE, padding: Padding::Same, activation: Activation::Relu };
        let shape = [1, image[1].div_ceil(stride.h), image[2].div_ceil(stride.w), channels];
        self.add("conv", op, vec![x, weights, bias], &shape)
    }

    /// A depthwise convolution, and one of single pixels to so many channels.
    fn separable(&mut self, x: TensorId, channels: usize, [h, w]: [usize; 2], stride: usize) -> TensorId {
        let image = self.graph.tensors[x].shape.clone();
        let stride = Stride { h: stride, w: if image[2] > 1 { stride } else { 1 } };
        let weights = self.weights(&[1, h, w, image[3]], h * w);
        let bias = self.constant("bias", &[image[3]], vec![0.0; image[3]]);
        let (padding, activation) = (Padding::Same, Activation::Relu);
        let op = Op::DepthwiseConv2d { stride, dilation: ONE, padding, activation, multiplier: 1 };
        let shape = [1, image[1].div_ceil(stride.h), image[2].div_ceil(stride.w), image[3]];
        let x = self.add("depthwise", op, vec![x, weights, bias], &shape);
        self.conv(x, channels, [1, 1], 1)
    }

    /// The mean over the image, a dense layer and softmax: the finished graph.
    fn classify(mut self, x: TensorId, classes: usize) -> Graph {
        let image = self.graph.tensors[x].shape.clone();
        let kernel = Stride { h: image[1], w: image[2] };
        let (padding, activation) = (Padding::Valid, Activation::None);
        let op = Op::AveragePool2d { kernel, stride: kernel, padding, activation };
        let x = self.add("mean", op, vec![x], &[1, 1, 1, image[3]]);
        let x = self.add("flat", Op::Reshape, vec![x], &[1, image[3]]);
        let weights = self.weights(&[classes, image[3]], image[3]);
        let bias = self.constant("bias", &[classes], vec![0.0; classes]);
        let x = self.add("dense", Op::FullyConnected { activation }, vec![x, weights, bias], &[1, classes]);
        let output = self.add("softmax", Op::Softmax { beta: 1.0 }, vec![x], &[1, classes]);
        self.graph.outputs.push(output);
        self.graph
    }

    /// Uniform, of variance 2 / `inputs`: what ReLU keeps as it is (He et al., "Delving Deep into Rectifiers", 2015).
    fn weights(&mut self, shape: &[usize], inputs: usize) -> TensorId {
        let limit = (6.0 / inputs as f32).sqrt();
        let count = shape.iter().product();
        let numbers = (0..count).map(|_| (2.0 * self.random.f32() - 1.0) * limit).collect();
        self.constant("weights", shape, numbers)
    }

    fn constant(&mut self, name: &str, shape: &[usize], numbers: Vec<f32>) -> TensorId {
        let name = format!("{name}_{}", self.graph.nodes.len());
        self.graph.tensors.push(tensor(&name, shape, Some(numbers)));
        self.graph.tensors.len() - 1
    }

    fn add(&mut self, name: &str, op: Op, inputs: Vec<TensorId>, shape: &[usize]) -> TensorId {
        let name = format!("{name}_{}", self.graph.nodes.len());
        self.graph.tensors.push(tensor(&name, shape, None));
        let output = self.graph.tensors.len() - 1;
        self.graph.nodes.push(Node { name, op, inputs: inputs.into_iter().map(Some).collect(), outputs: vec![output] });
        output
    }
}

const ONE: Stride = Stride { h: 1, w: 1 };

fn tensor(name: &str, shape: &[usize], numbers: Option<Vec<f32>>) -> Tensor {
    let bytes = |numbers: Vec<f32>| Arc::from(numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    let (name, shape, data) = (name.into(), shape.to_vec(), numbers.map(bytes));
    Tensor { name, shape, dtype: DType::F32, quant: None, data, bits: 32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_networks_are_valid() {
        for (name, network) in NETWORKS {
            network(1).validate().unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        }
    }
}
