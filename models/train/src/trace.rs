//! Burn modules as graphs: a network written over [`Layers`] runs in Burn on tensors, and becomes a [`Graph`] on [`Traced`].
//!
//! Burn's images are \[n, c, h, w\], the graph's \[1, h, w, c\]; weights are turned accordingly.

use crate::engine::elements;
use burn::nn::conv::Conv2d;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::Tensor;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tinderbox::graph::{self, Activation, DType, Graph, Node, Op, Padding, Stride, TensorId, Unary};

/// What a network is made of. Vectors are images of one pixel.
pub trait Layers: Clone {
    /// A convolution; in as many groups as there are channels, a depthwise one. Other groups are unknown here.
    fn conv(self, layer: &Conv2d) -> Self;
    /// A dense layer over the channels.
    fn linear(self, layer: &Linear) -> Self;
    /// Negative elements become zero.
    fn relu(self) -> Self;
    /// The sum of two images.
    fn add(self, other: Self) -> Self;
    /// The mean over all pixels.
    fn mean(self) -> Self;
    /// Probabilities over the channels.
    fn softmax(self) -> Self;
}

impl Layers for Tensor<4> {
    fn conv(self, layer: &Conv2d) -> Self {
        layer.forward(self)
    }

    fn linear(self, layer: &Linear) -> Self {
        layer.forward(self.flatten::<2>(1, 3)).unsqueeze_dims(&[2, 3])
    }

    fn relu(self) -> Self {
        burn::tensor::activation::relu(self)
    }

    fn add(self, other: Self) -> Self {
        self + other
    }

    fn mean(self) -> Self {
        self.mean_dim(2).mean_dim(3)
    }

    fn softmax(self) -> Self {
        burn::tensor::activation::softmax(self, 1)
    }
}

/// A tensor of a graph that is being written.
#[derive(Clone)]
pub struct Traced {
    graph: Rc<RefCell<Graph>>,
    id: TensorId,
}

/// The graph of a network for images \[h, w, c\].
pub fn trace(name: &str, image: [usize; 3], network: impl FnOnce(Traced) -> Traced) -> Graph {
    let graph = Rc::new(RefCell::new(Graph { name: name.into(), ..Graph::default() }));
    let [h, w, c] = image;
    let start = Traced { graph: graph.clone(), id: 0 };
    let input = start.tensor("input", &[1, h, w, c], None);
    graph.borrow_mut().inputs.push(input);
    let output = network(Traced { id: input, ..start }).id;
    graph.borrow_mut().outputs.push(output);
    crate::quantize::fuse::activations(&graph.borrow())
}

impl Layers for Traced {
    fn conv(self, layer: &Conv2d) -> Self {
        let [out, in_group, kh, kw] = layer.weight.dims();
        let weights = elements(&layer.weight.val().swap_dims(1, 2).swap_dims(2, 3).reshape([1, -1]));
        let [h, w, c] = self.image();
        let step = |[h, w]: [usize; 2]| Stride { h, w };
        let (stride, dilation) = (step(layer.stride), step(layer.dilation));
        let padding = match layer.padding {
            PaddingConfig2d::Valid | PaddingConfig2d::Explicit(0, 0, 0, 0) => Padding::Valid,
            PaddingConfig2d::Same => Padding::Same,
            PaddingConfig2d::Explicit(..) => panic!("explicit padding has no form in a graph: use `Same` or `Valid`"),
        };
        let windows = |len, kernel, stride, dilation| {
            padding.windows(len, kernel, stride, dilation).expect("a window that fits the image")
        };
        let shape = [1, windows(h, kh, stride.h, dilation.h), windows(w, kw, stride.w, dilation.w), out];
        let activation = Activation::None;
        let bias = layer.bias.as_ref().map(|bias| elements(&bias.val().reshape([1, -1])));
        if layer.groups == 1 {
            let op = Op::Conv2d { stride, dilation, padding, activation };
            return self.product("conv", op, (&[out, kh, kw, in_group], weights), bias, &shape);
        }
        assert_eq!(layer.groups, c, "a grouped convolution that is not depthwise");
        // One input channel each: \[out, kh, kw\] to \[kh, kw, out\].
        let taps = kh * kw;
        let weights = (0..taps * out).map(|i| weights[i % out * taps + i / out]).collect();
        let op = Op::DepthwiseConv2d { stride, dilation, padding, activation, multiplier: out / c };
        self.product("depthwise", op, (&[1, kh, kw, out], weights), bias, &shape)
    }

    fn linear(self, layer: &Linear) -> Self {
        let [inputs, out] = layer.weight.dims();
        let weights = elements(&layer.weight.val().transpose().reshape([1, -1]));
        let bias = layer.bias.as_ref().map(|bias| elements(&bias.val().reshape([1, -1])));
        let is_flat = self.shape().len() == 2;
        let flat = if is_flat { self } else { self.add_node("flat", Op::Reshape, &[], &[1, inputs]) };
        let op = Op::FullyConnected { activation: Activation::None };
        flat.product("dense", op, (&[out, inputs], weights), bias, &[1, out])
    }

    fn relu(self) -> Self {
        let shape = self.shape();
        self.add_node("relu", Op::Unary(Unary::Relu), &[], &shape)
    }

    fn add(self, other: Self) -> Self {
        let shape = self.shape();
        self.add_node("add", Op::Add { activation: Activation::None }, &[Some(other.id)], &shape)
    }

    fn mean(self) -> Self {
        let [h, w, c] = self.image();
        let kernel = Stride { h, w };
        let op = Op::AveragePool2d { kernel, stride: kernel, padding: Padding::Valid, activation: Activation::None };
        self.add_node("mean", op, &[], &[1, 1, 1, c])
    }

    fn softmax(self) -> Self {
        let shape = self.shape();
        self.add_node("softmax", Op::Softmax { beta: 1.0 }, &[], &shape)
    }
}

impl Traced {
    fn shape(&self) -> Vec<usize> {
        self.graph.borrow().tensors[self.id].shape.clone()
    }

    fn image(&self) -> [usize; 3] {
        self.shape()[1..].try_into().expect("convolutions and means come before dense layers")
    }

    fn product(
        self,
        name: &str,
        op: Op,
        (dims, weights): (&[usize], Vec<f32>),
        bias: Option<Vec<f32>>,
        shape: &[usize],
    ) -> Self {
        let node = self.graph.borrow().nodes.len();
        let weights = self.tensor(&format!("weights_{node}"), dims, Some(weights));
        let bias = bias.map(|bias| self.tensor(&format!("bias_{node}"), &[bias.len()], Some(bias)));
        self.add_node(name, op, &[Some(weights), bias], shape)
    }

    /// A node that reads this tensor and `others`; the tensor it writes.
    fn add_node(self, name: &str, op: Op, others: &[Option<TensorId>], shape: &[usize]) -> Self {
        let name = format!("{name}_{}", self.graph.borrow().nodes.len());
        let output = self.tensor(&name, shape, None);
        let inputs = [&[Some(self.id)], others].concat();
        self.graph.borrow_mut().nodes.push(Node { name, op, inputs, outputs: vec![output] });
        Self { id: output, ..self }
    }

    fn tensor(&self, name: &str, shape: &[usize], numbers: Option<Vec<f32>>) -> TensorId {
        let data = numbers.map(|numbers| Arc::from(numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()));
        let (name, shape) = (name.into(), shape.to_vec());
        let tensors = &mut self.graph.borrow_mut().tensors;
        tensors.push(graph::Tensor { name, shape, dtype: DType::F32, quant: None, data, bits: 32 });
        tensors.len() - 1
    }
}
