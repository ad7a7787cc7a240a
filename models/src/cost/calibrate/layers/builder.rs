//! Layers with random weights, whose sums fill the outputs' range.

use crate::graph::{Activation, DType, Graph, Node, Op, Padding, Quantization, Stride, Tensor, TensorId};
use fastrand::Rng;
use std::sync::Arc;

/// A network on its way. Its functions without `self` make whole ones, of a single layer.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) graph: Graph,
}

impl Builder {
    pub(super) fn conv(
        rng: &mut Rng,
        [h, w, c]: [usize; 3],
        out: usize,
        kernel: (usize, usize),
        stride: Stride,
        padding: Padding,
    ) -> Graph {
        let mut builder = Self::default();
        let (h, w) = (h.max(kernel.0), w.max(kernel.1));
        let input = builder.activation(&[1, h, w, c]);
        let output = builder.add_conv(rng, input, out.max(2), kernel, stride, padding);
        builder.finish(vec![input], output)
    }

    pub(super) fn add_conv(
        &mut self,
        rng: &mut Rng,
        input: TensorId,
        out: usize,
        kernel: (usize, usize),
        stride: Stride,
        padding: Padding,
    ) -> TensorId {
        let shape = self.graph.tensors[input].shape.clone();
        let output = self.output_of(&shape, out, kernel, stride, padding);
        let weights = self.weights(rng, &[out, kernel.0, kernel.1, shape[3]], out, 0);
        let bias = self.bias(rng, out);
        let op = Op::Conv2d { stride, dilation: Stride { h: 1, w: 1 }, padding, activation: Activation::Relu };
        self.node(op, vec![input, weights, bias], output)
    }

    pub(super) fn depthwise(
        rng: &mut Rng,
        [h, w, c]: [usize; 3],
        kernel: (usize, usize),
        stride: Stride,
        padding: Padding,
    ) -> Graph {
        let mut builder = Self::default();
        let (h, w) = (h.max(kernel.0), w.max(kernel.1));
        let input = builder.activation(&[1, h, w, c]);
        let output = builder.output_of(&[1, h, w, c], c, kernel, stride, padding);
        let weights = builder.weights(rng, &[1, kernel.0, kernel.1, c], c, 3);
        let bias = builder.bias(rng, c);
        let op = Op::DepthwiseConv2d {
            stride,
            dilation: Stride { h: 1, w: 1 },
            padding,
            activation: Activation::Relu,
            multiplier: 1,
        };
        builder.node(op, vec![input, weights, bias], output);
        builder.finish(vec![input], output)
    }

    pub(super) fn dense(rng: &mut Rng, inputs: usize, outputs: usize) -> Graph {
        let mut builder = Self::default();
        let (input, output) = (builder.activation(&[1, inputs]), builder.activation(&[1, outputs]));
        let weights = builder.weights(rng, &[outputs, inputs], outputs, 0);
        let bias = builder.bias(rng, outputs);
        builder.node(Op::FullyConnected { activation: Activation::Relu }, vec![input, weights, bias], output);
        builder.finish(vec![input], output)
    }

    pub(super) fn unary(_: &mut Rng, [h, w, c]: [usize; 3], [out_h, out_w]: [usize; 2], op: Op) -> Graph {
        let mut builder = Self::default();
        let (input, output) = (builder.activation(&[1, h, w, c]), builder.activation(&[1, out_h, out_w, c]));
        builder.node(op, vec![input], output);
        builder.finish(vec![input], output)
    }

    pub(super) fn add(_: &mut Rng, [h, w, c]: [usize; 3]) -> Graph {
        let mut builder = Self::default();
        let [a, b, output] = [0; 3].map(|_| builder.activation(&[1, h, w, c]));
        builder.node(Op::Add { activation: Activation::None }, vec![a, b], output);
        builder.finish(vec![a, b], output)
    }

    pub(super) fn finish(mut self, inputs: Vec<TensorId>, output: TensorId) -> Graph {
        (self.graph.inputs, self.graph.outputs) = (inputs, vec![output]);
        self.graph
    }

    fn output_of(
        &mut self,
        shape: &[usize],
        out: usize,
        kernel: (usize, usize),
        stride: Stride,
        padding: Padding,
    ) -> TensorId {
        let size =
            |size: usize, kernel: usize, stride: usize| padding.windows(size, kernel, stride, 1).unwrap_or(1).max(1);
        let (h, w) = (size(shape[1], kernel.0, stride.h), size(shape[2], kernel.1, stride.w));
        self.activation(&[1, h, w, out])
    }

    pub(super) fn activation(&mut self, shape: &[usize]) -> TensorId {
        self.tensor(shape, DType::I8, Some(Quantization::per_tensor(0.05, -128)), None)
    }

    fn tensor(
        &mut self,
        shape: &[usize],
        dtype: DType,
        quant: Option<Quantization>,
        data: Option<Vec<u8>>,
    ) -> TensorId {
        let name = format!("tensor{}", self.graph.tensors.len());
        let bits = 8 * dtype.bytes() as u8;
        self.graph.tensors.push(Tensor { name, shape: shape.to_vec(), dtype, quant, data: data.map(Arc::from), bits });
        self.graph.tensors.len() - 1
    }

    /// Scales are such that sums fill the outputs' range.
    fn weights(&mut self, rng: &mut Rng, shape: &[usize], channels: usize, axis: usize) -> TensorId {
        let count: usize = shape.iter().product();
        let data = (0..count).map(|_| rng.i8(-127..=127) as u8).collect();
        let fan_in = (count / channels) as f32;
        let scales = (0..channels).map(|_| (0.5 + rng.f32()) / (60.0 * fan_in.sqrt())).collect();
        let quant = Quantization { scales, zero_points: vec![0; channels], axis };
        self.tensor(shape, DType::I8, Some(quant), Some(data))
    }

    fn bias(&mut self, rng: &mut Rng, channels: usize) -> TensorId {
        let data = (0..channels).flat_map(|_| rng.i32(-2000..2000).to_le_bytes()).collect();
        self.tensor(&[channels], DType::I32, None, Some(data))
    }

    fn node(&mut self, op: Op, inputs: Vec<TensorId>, output: TensorId) -> TensorId {
        let inputs = inputs.into_iter().map(Some).collect();
        self.graph.nodes.push(Node {
            name: format!("node{}", self.graph.nodes.len()),
            op,
            inputs,
            outputs: vec![output],
        });
        output
    }
}
