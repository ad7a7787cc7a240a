//! Networks of one or a few int8 operators with random shapes, weights and scales.

use fastrand::Rng;
use std::sync::Arc;
use tinderbox::graph::{Activation, DType, Graph, Node, Op, Padding, Quantization, Stride, Tensor, TensorId};

/// A network being put together.
pub struct Builder {
    /// The network so far.
    pub graph: Graph,
    /// Where numbers come from.
    pub rng: Rng,
}

impl Builder {
    /// An empty network.
    pub fn new(seed: u64) -> Self {
        Self { graph: Graph { name: format!("random{seed}"), ..Graph::default() }, rng: Rng::with_seed(seed) }
    }

    /// An input of this shape.
    pub fn input(&mut self, shape: &[usize]) -> TensorId {
        let id = self.activation(shape);
        self.graph.inputs.push(id);
        id
    }

    /// Makes `id` an output.
    pub fn output(&mut self, id: TensorId) {
        self.graph.outputs.push(id);
    }

    pub(crate) fn tensor(&mut self, tensor: Tensor) -> TensorId {
        self.graph.tensors.push(tensor);
        self.graph.tensors.len() - 1
    }

    /// A computed int8 tensor with a random scale.
    pub fn activation(&mut self, shape: &[usize]) -> TensorId {
        let scale = 0.01 + self.rng.f32() * 0.1;
        let zero_point = if self.rng.bool() { -128 } else { self.rng.i32(-128..128) };
        self.activation_like(shape, Quantization::per_tensor(scale, zero_point))
    }

    pub(crate) fn activation_like(&mut self, shape: &[usize], quant: Quantization) -> TensorId {
        let name = format!("t{}", self.graph.tensors.len());
        let shape = shape.to_vec();
        self.tensor(Tensor { name, shape, dtype: DType::I8, quant: Some(quant), data: None, bits: 8 })
    }

    pub(crate) fn constant(
        &mut self,
        shape: &[usize],
        dtype: DType,
        data: Vec<u8>,
        quant: Option<Quantization>,
    ) -> TensorId {
        let (name, shape, bits) = (format!("c{}", self.graph.tensors.len()), shape.to_vec(), 8 * dtype.bytes() as u8);
        self.tensor(Tensor { name, shape, dtype, quant, data: Some(Arc::from(data)), bits })
    }

    pub(crate) fn node(&mut self, op: Op, inputs: &[TensorId], output: TensorId) -> TensorId {
        let name = self.graph.tensors[output].name.clone();
        let inputs = inputs.iter().map(|id| Some(*id)).collect();
        self.graph.nodes.push(Node { name, op, inputs, outputs: vec![output] });
        output
    }

    /// Int8 weights, extremes among them: from -127, or from -128 now and then.
    pub(crate) fn weights(&mut self, shape: &[usize], channels: usize, axis: usize) -> TensorId {
        let lowest = if self.rng.u8(0..8) == 0 { -128 } else { -127 };
        let extreme = self.rng.u8(0..6) == 0;
        let count = shape.iter().product();
        let draw = |rng: &mut Rng| match extreme {
            true => {
                if rng.bool() {
                    127
                } else {
                    lowest
                }
            }
            false => rng.i8(lowest..=127),
        };
        let data = (0..count).map(|_| draw(&mut self.rng) as u8).collect();
        let scales = (0..channels).map(|_| 0.0005 + self.rng.f32() * 0.01).collect();
        let quant = Quantization { scales, zero_points: vec![0; channels], axis };
        self.constant(shape, DType::I8, data, Some(quant))
    }

    /// In the units of the products that it is added to.
    pub(crate) fn bias(&mut self, input: TensorId, weights: TensorId, channels: usize) -> TensorId {
        let range = if self.rng.u8(0..8) == 0 { 1_000_000 } else { 4000 };
        let data = (0..channels).flat_map(|_| self.rng.i32(-range..range).to_le_bytes()).collect();
        let scale = |id: TensorId| self.graph.tensors[id].quant.as_ref().map_or(vec![], |quant| quant.scales.clone());
        let scales: Vec<f32> = scale(weights).iter().map(|weight| scale(input)[0] * weight).collect();
        let quant = Quantization { zero_points: vec![0; scales.len()], scales, axis: 0 };
        self.constant(&[channels], DType::I32, data, Some(quant))
    }

    fn any_activation(&mut self) -> Activation {
        [Activation::None, Activation::Relu, Activation::Relu6][self.rng.usize(0..3)]
    }

    pub(crate) fn shape(&self, id: TensorId) -> Vec<usize> {
        self.graph.tensors[id].shape.clone()
    }

    /// A convolution with a window that fits, or `None`.
    pub fn conv(
        &mut self,
        input: TensorId,
        out: usize,
        kernel: (usize, usize),
        stride: Stride,
        padding: Padding,
    ) -> Option<TensorId> {
        let [n, h, w, c] = *self.shape(input).as_slice() else { return None };
        let (out_h, out_w) = (size(h, kernel.0, stride.h, padding)?, size(w, kernel.1, stride.w, padding)?);
        let weights = self.weights(&[out, kernel.0, kernel.1, c], out, 0);
        let bias = self.bias(input, weights, out);
        let output = self.activation(&[n, out_h, out_w, out]);
        let activation = self.any_activation();
        let op = Op::Conv2d { stride, dilation: Stride { h: 1, w: 1 }, padding, activation };
        Some(self.node(op, &[input, weights, bias], output))
    }

    /// A depthwise convolution with a window that fits, or `None`.
    pub fn depthwise(
        &mut self,
        input: TensorId,
        kernel: (usize, usize),
        stride: Stride,
        padding: Padding,
    ) -> Option<TensorId> {
        let [n, h, w, c] = *self.shape(input).as_slice() else { return None };
        let (out_h, out_w) = (size(h, kernel.0, stride.h, padding)?, size(w, kernel.1, stride.w, padding)?);
        let weights = self.weights(&[1, kernel.0, kernel.1, c], c, 3);
        let bias = self.bias(input, weights, c);
        let output = self.activation(&[n, out_h, out_w, c]);
        let activation = self.any_activation();
        let op = Op::DepthwiseConv2d { stride, dilation: Stride { h: 1, w: 1 }, padding, activation, multiplier: 1 };
        Some(self.node(op, &[input, weights, bias], output))
    }

    /// The sum of two tensors of one shape.
    pub fn add(&mut self, a: TensorId, b: TensorId) -> TensorId {
        let output = self.activation(&self.shape(a));
        let activation = self.any_activation();
        self.node(Op::Add { activation }, &[a, b], output)
    }

    /// The same elements in another shape.
    pub fn reshape(&mut self, input: TensorId, shape: &[usize]) -> TensorId {
        let output = self.same_numbers(input, shape);
        self.node(Op::Reshape, &[input], output)
    }

    /// Rows of the zero point before and after those of an image.
    pub fn pad_rows(&mut self, input: TensorId, before: usize, after: usize) -> TensorId {
        let mut shape = self.shape(input);
        shape[1] += before + after;
        let amounts = [0, 0, before, after, 0, 0, 0, 0];
        let data = amounts.iter().flat_map(|n| (*n as i32).to_le_bytes()).collect();
        let paddings = self.constant(&[4, 2], DType::I32, data, None);
        let output = self.same_numbers(input, &shape);
        self.node(Op::Pad, &[input, paddings], output)
    }

    /// All elements, in their order.
    pub fn slice_all(&mut self, input: TensorId) -> TensorId {
        let size = self.shape(input);
        let output = self.same_numbers(input, &size);
        self.node(Op::StridedSlice { begin: vec![0; size.len()], stride: vec![1; size.len()], size }, &[input], output)
    }

    /// The average over windows of a size, one next to the other.
    pub fn average_pool(&mut self, input: TensorId, kernel: Stride) -> TensorId {
        let [n, h, w, c] = *self.shape(input).as_slice() else { return input };
        let output = self.same_numbers(input, &[n, h / kernel.h, w / kernel.w, c]);
        let op = Op::AveragePool2d { kernel, stride: kernel, padding: Padding::Valid, activation: Activation::None };
        self.node(op, &[input], output)
    }

    /// Softmax over the last axis.
    pub fn softmax(&mut self, input: TensorId) -> TensorId {
        let output = self.activation_like(&self.shape(input), Quantization::per_tensor(1.0 / 256.0, -128));
        self.node(Op::Softmax { beta: 1.0 }, &[input], output)
    }

    /// A tensor of the scale of another.
    pub(crate) fn same_numbers(&mut self, of: TensorId, shape: &[usize]) -> TensorId {
        let quant = self.graph.tensors[of].quant.clone().expect("activations are quantized");
        self.activation_like(shape, quant)
    }

    /// A fully connected layer over all elements.
    pub fn fully_connected(&mut self, input: TensorId, out: usize) -> TensorId {
        let elements = self.graph.tensors[input].elements();
        let weights = self.weights(&[out, elements], out, 0);
        let bias = self.bias(input, weights, out);
        let output = self.activation(&[1, out]);
        let activation = self.any_activation();
        self.node(Op::FullyConnected { activation }, &[input, weights, bias], output)
    }

    /// Values for `inferences` inferences: uniform, then all smallest, then all largest.
    pub fn values(&mut self, inferences: usize) -> Vec<Vec<Vec<u8>>> {
        let sizes: Vec<usize> = self.graph.inputs.iter().map(|i| self.graph.tensors[*i].elements()).collect();
        let mut draw = |n: usize, size: usize| -> Vec<u8> {
            match n {
                1 => vec![i8::MIN as u8; size],
                2 => vec![i8::MAX as u8; size],
                _ => (0..size).map(|_| self.rng.u8(..)).collect(),
            }
        };
        (0..inferences).map(|n| sizes.iter().map(|size| draw(n, *size)).collect()).collect()
    }
}

fn size(size: usize, kernel: usize, stride: usize, padding: Padding) -> Option<usize> {
    match padding {
        Padding::Same => Some(size.div_ceil(stride)),
        Padding::Valid => Some((size + 1).checked_sub(kernel)?.div_ceil(stride)).filter(|out| *out > 0),
    }
}

/// Layers with weights side by side: convolutions, depthwise or not, and fully connected layers.
pub fn random_layers(seed: u64, count: usize) -> (Graph, Vec<Vec<Vec<u8>>>) {
    let mut b = Builder::new(seed);
    while b.graph.outputs.len() < count {
        let channels = if b.rng.bool() { 4 * b.rng.usize(1..9) } else { b.rng.usize(1..20) };
        let (height, width) = (b.rng.usize(1..14), if b.rng.u8(0..5) == 0 { 1 } else { b.rng.usize(1..20) });
        let (h, w) = [(1, 1), (3, 3), (3, 3), (5, 5), (3, 1), (1, 3), (2, 4)][b.rng.usize(0..7)];
        let s = b.rng.usize(1..3);
        let stride = Stride { h: s, w: s };
        let padding = if b.rng.bool() { Padding::Same } else { Padding::Valid };
        if size(height, h, s, padding).and(size(width, w, s, padding)).is_none() {
            continue;
        }
        let input = b.input(&[1, height, width, channels]);
        let out = b.rng.usize(1..24);
        let output = match b.rng.u8(0..5) {
            0 | 1 => b.conv(input, out, (h, w), stride, padding),
            2 | 3 => b.depthwise(input, (h, w), stride, padding),
            _ => Some(b.fully_connected(input, out)),
        };
        b.output(output.expect("the window fits"));
    }
    let values = b.values(4);
    (b.graph, values)
}

/// Makes weights int4, each a sixteenth of what it was.
pub fn narrow_weights(graph: &mut Graph) {
    for node in &graph.nodes {
        let Some(weights) = node.inputs.get(1).copied().flatten() else { continue };
        let tensor = &mut graph.tensors[weights];
        if let Some(data) = tensor.data.take() {
            tensor.data = Some(data.iter().map(|byte| (*byte as i8 >> 4) as u8).collect());
            tensor.bits = 4;
        }
    }
}

/// A convolution or fully connected layer whose weights are zero in most blocks of two output channels by two inputs.
pub fn random_sparse_layer(seed: u64) -> (Graph, Vec<Vec<Vec<u8>>>) {
    let mut b = Builder::new(seed);
    let out = b.rng.usize(1..24);
    let output = if seed.is_multiple_of(4) {
        let (rows, channels) = [(1, 1200), (1, 60), (4, 60)][b.rng.usize(0..3)];
        let shape = [1, rows, 3, b.rng.usize(1..channels)];
        let input = b.input(&shape);
        b.fully_connected(input, out)
    } else {
        let channels = if b.rng.bool() { 4 * b.rng.usize(1..9) } else { b.rng.usize(1..20) };
        let (height, width) = (b.rng.usize(1..10), b.rng.usize(1..14));
        let input = b.input(&[1, height, width, channels]);
        let (kernel, s) = ([(1, 1), (3, 3), (5, 2)][b.rng.usize(0..3)], b.rng.usize(1..3));
        b.conv(input, out, kernel, Stride { h: s, w: s }, Padding::Same).expect("any window fits")
    };
    let weights = b.graph.nodes[0].inputs[1].expect("a layer with weights");
    let row = b.graph.tensors[weights].elements() / out;
    let mut data = b.graph.tensors[weights].data.as_ref().expect("constant").to_vec();
    let density = b.rng.f32() * 0.7;
    for pair in data.chunks_mut(2 * row) {
        for i in (0..row).step_by(2).filter(|_| b.rng.f32() >= density) {
            pair.chunks_mut(row).for_each(|row| row[i..].iter_mut().take(2).for_each(|weight| *weight = 0));
        }
    }
    b.graph.tensors[weights].data = Some(Arc::from(data));
    b.output(output);
    let values = b.values(4);
    (b.graph, values)
}
