//! A described network, layer by layer, as a graph.

use super::{Input, Kind, Layer, Network, arithmetic, movement, windows};
use crate::layers::Builder;
use fastrand::Rng;
use std::collections::HashSet;
use tinderbox::graph::{DType, Graph, Op, Quantization, Tensor, TensorId};

/// Layers that would make larger tensors are left out.
const MAX_ELEMENTS: usize = 2048;
/// Layers are left out, too, whose output would have a scale beyond 2 to the power of this, or its inverse: there, some of
/// TFLM's shifts are by more than 31 bits, which may give anything.
pub(super) const MAX_SCALE: f32 = 24.0;

/// The graph of a network, and values for some inferences.
pub(super) fn build(network: &Network) -> (Graph, Vec<Vec<Vec<u8>>>) {
    let mut assembly = Assembly { b: Builder::new(0), made: vec![], shown: vec![] };
    network.inputs.iter().for_each(|input| assembly.input(input));
    for layer in &network.layers {
        assembly.b.rng = Rng::with_seed(layer.seed);
        let outputs = assembly.layer(layer).unwrap_or_default();
        assembly.shown.extend(outputs.iter().filter(|_| layer.shown));
        assembly.made.extend(outputs);
    }
    let mut b = assembly.finish();
    b.rng = Rng::with_seed(network.values);
    let values = b.values(4);
    (b.graph, values)
}

/// A network in the making. Layers that do not fit give `None` and leave no node behind.
pub(super) struct Assembly {
    pub(super) b: Builder,
    /// Tensors that layers can read.
    made: Vec<TensorId>,
    /// Those that are outputs whoever reads them.
    shown: Vec<TensorId>,
}

impl Assembly {
    fn input(&mut self, input: &Input) {
        let id = self.b.activation_like(&input.shape, Quantization::per_tensor(input.scale.exp2(), input.zero_point));
        self.b.graph.inputs.push(id);
        self.made.push(id);
    }

    fn layer(&mut self, layer: &Layer) -> Option<Vec<TensorId>> {
        let one = match &layer.kind {
            Kind::Conv(window, weights) => windows::conv(self, layer, window, weights),
            Kind::Depthwise(window, weights) => windows::depthwise(self, layer, window, weights),
            Kind::FullyConnected(weights, activation, extent) => {
                windows::fully_connected(self, layer, weights, *activation, *extent)
            }
            Kind::AveragePool(window) => windows::pool(self, layer, window, false),
            Kind::MaxPool(window) => windows::pool(self, layer, window, true),
            Kind::Nearest { size, align_corners, half_pixel_centers } => {
                windows::nearest(self, layer, *size, *align_corners, *half_pixel_centers)
            }
            Kind::Arithmetic(kind, activation, operand) => {
                arithmetic::arithmetic(self, layer, *kind, *activation, *operand)
            }
            Kind::Prelu => arithmetic::prelu(self, layer),
            Kind::Unary(kind) => arithmetic::unary(self, layer, *kind),
            Kind::Softmax { beta } => arithmetic::softmax(self, layer, *beta),
            Kind::Mean { axes, keep_dims } => arithmetic::mean(self, layer, *axes, *keep_dims),
            Kind::Requantize => arithmetic::requantize(self, layer),
            Kind::Pad(amounts) => movement::pad(self, layer, amounts),
            Kind::Concatenation { axis } => movement::concatenation(self, layer, *axis),
            Kind::Reshape => movement::reshape(self, layer),
            Kind::Transpose => movement::transpose(self, layer),
            Kind::Slice(cuts) => movement::slice(self, layer, cuts),
            Kind::Split { axis, at } => return movement::split(self, layer, *axis, *at),
        };
        one.map(|id| vec![id])
    }

    /// What nobody reads is an output; inputs that nobody reads are none.
    fn finish(mut self) -> Builder {
        if self.b.graph.nodes.is_empty() {
            let x = self.made[0];
            let y = self.b.same_numbers(x, &self.b.shape(x));
            self.b.node(Op::Quantize, &[x], y);
            self.made.push(y);
        }
        let Graph { nodes, inputs, outputs, .. } = &mut self.b.graph;
        let read: HashSet<TensorId> = nodes.iter().flat_map(|node| node.inputs.iter().flatten()).copied().collect();
        let is_input = |id: &TensorId| inputs.contains(id);
        let is_output = |id: &&TensorId| !is_input(id) && (!read.contains(id) || self.shown.contains(id));
        *outputs = self.made.iter().filter(is_output).copied().collect();
        inputs.retain(|id| read.contains(id));
        self.b.graph.prune();
        self.b
    }

    /// Operand `i` of a layer, among the tensors that fit.
    pub(super) fn pick(&self, layer: &Layer, i: usize, fits: impl Fn(&Tensor) -> bool) -> Option<TensorId> {
        let all: Vec<TensorId> = self.made.iter().rev().copied().filter(|id| fits(self.tensor(*id))).collect();
        (!all.is_empty()).then(|| all[layer.reads[i] % all.len()])
    }

    /// The operand of an image operator, and its shape.
    pub(super) fn image(&self, layer: &Layer) -> Option<(TensorId, [usize; 4])> {
        let id = self.pick(layer, 0, |tensor| tensor.shape.len() == 4)?;
        Some((id, self.shape(id).try_into().ok()?))
    }

    /// The operand of an operator that takes any.
    pub(super) fn any(&self, layer: &Layer) -> Option<TensorId> {
        self.pick(layer, 0, |_| true)
    }

    pub(super) fn tensor(&self, id: TensorId) -> &Tensor {
        &self.b.graph.tensors[id]
    }

    pub(super) fn shape(&self, id: TensorId) -> Vec<usize> {
        self.b.shape(id)
    }

    /// The largest scale of a tensor.
    pub(super) fn scale(&self, id: TensorId) -> f32 {
        let quant = self.tensor(id).quant.as_ref().expect("it is quantized");
        quant.scales.iter().copied().fold(0.0, f32::max)
    }

    /// An output whose scale is `natural` where the layer says nothing else.
    pub(super) fn output(&mut self, layer: &Layer, shape: &[usize], natural: f32) -> Option<TensorId> {
        let scale = natural.log2() + layer.scale;
        (scale.abs() <= MAX_SCALE).then_some(())?;
        self.output_like(shape, Quantization::per_tensor(scale.exp2(), layer.zero_point))
    }

    /// An output of the scale and zero point of another tensor.
    pub(super) fn output_as(&mut self, of: TensorId, shape: &[usize]) -> Option<TensorId> {
        self.output_like(shape, self.tensor(of).quant.clone()?)
    }

    pub(super) fn output_like(&mut self, shape: &[usize], quant: Quantization) -> Option<TensorId> {
        (shape.iter().product::<usize>() <= MAX_ELEMENTS).then(|| self.b.activation_like(shape, quant))
    }

    /// A node with this output.
    pub(super) fn node(&mut self, op: Op, inputs: &[TensorId], output: TensorId) -> Option<TensorId> {
        Some(self.b.node(op, inputs, output))
    }

    /// An int8 constant of random values.
    pub(super) fn constant(&mut self, shape: &[usize], quant: Quantization) -> TensorId {
        let data = (0..shape.iter().product()).map(|_| self.b.rng.u8(..)).collect();
        self.b.constant(shape, DType::I8, data, Some(quant))
    }

    /// Makes every other index of the axis of an int8 constant zero.
    pub(super) fn silence(&mut self, id: TensorId, shape: &[usize], axis: usize) {
        let inner: usize = shape[axis + 1..].iter().product();
        let data = self.b.graph.tensors[id].data.take().expect("a constant");
        let is_silent = |i: usize| (i / inner % shape[axis]).is_multiple_of(2);
        let data = data.iter().enumerate().map(|(i, value)| if is_silent(i) { 0 } else { *value });
        self.b.graph.tensors[id].data = Some(data.collect());
    }
}
