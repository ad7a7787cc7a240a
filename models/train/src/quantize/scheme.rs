//! Scales and zero points for a network, and the network simulated with them.

use super::bits::Bits;
use super::range::Range;
use crate::engine::{Hook, Network, Value, elements, output_channels, value};
use std::collections::{BTreeMap, BTreeSet};
use tinderbox::graph::{Graph, Op, TensorId, Unary};

/// Scale and zero point of an int8 or int16 tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Real units per step.
    pub scale: f32,
    /// -128 to 127; 0 in int16.
    pub zero_point: i32,
    /// 8 or 16.
    pub bits: u8,
}

impl Affine {
    /// 256 steps from the least to the largest value; any steps where all values were as good as zero, as in networks
    /// with dead layers.
    pub fn int8(range: Range) -> Self {
        let width = range.max - range.min;
        let scale = if width > NOTHING { width / 255.0 } else { 1.0 / 255.0 };
        let zero_point = (-128.0 - range.min / scale).round().clamp(-128.0, 127.0) as i32;
        Self { scale, zero_point, bits: 8 }
    }

    /// As many steps below zero as above.
    pub fn int16(range: Range) -> Self {
        let largest = range.max.max(-range.min);
        let scale = if largest > NOTHING { largest / 32767.0 } else { 1.0 / 32767.0 };
        Self { scale, zero_point: 0, bits: 16 }
    }

    /// The least and the largest step.
    pub fn limits(self) -> [i32; 2] {
        let half = 1 << (self.bits - 1);
        [-half, half - 1]
    }

    /// The nearest step, as it is stored.
    pub fn quantize(self, x: f32) -> Vec<u8> {
        let [min, max] = self.limits();
        let step = ((x / self.scale).round() as i32 + self.zero_point).clamp(min, max);
        step.to_le_bytes()[..usize::from(self.bits) / 8].to_vec()
    }
}

/// A range that holds no information.
const NOTHING: f32 = 1e-6;

/// Weights of a product on a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// 8 or 4.
    pub bits: u8,
    /// One per output channel.
    pub scales: Vec<f32>,
}

impl Grid {
    /// Largest magnitude of a step: the grid is symmetric.
    pub fn limit(&self) -> f32 {
        f32::from((1i16 << (self.bits - 1)) - 1)
    }
}

/// How a network is quantized.
#[derive(Clone, Debug)]
pub struct Scheme {
    /// By tensor; `None` for constants.
    pub activations: Vec<Option<Affine>>,
    /// By node that is a product.
    pub weights: BTreeMap<usize, Grid>,
}

impl Scheme {
    /// Scales for the observed ranges. Weights have 8 bits, and 4 in the layers that `bits` names so; the tensors in `wide`
    /// are int16.
    pub fn new(network: &Network, ranges: &[Range], bits: &Bits, wide: &BTreeSet<TensorId>) -> Self {
        let graph = &network.graph;
        let products = (0..graph.nodes.len()).filter(|index| is_product(graph, *index));
        let bits_of = |index: usize| if bits.int4.contains(&graph.nodes[index].name) { 4 } else { 8 };
        let weights = products.map(|index| (index, grid(network, index, bits_of(index)))).collect();
        Self { activations: activations(graph, ranges, wide), weights }
    }

    /// Scale of a product's input.
    pub fn input(&self, graph: &Graph, index: usize) -> Affine {
        let input = graph.nodes[index].inputs[0];
        input.and_then(|id| self.activations[id]).expect("inputs of products are activations")
    }
}

/// Whether a node has weights.
pub fn is_product(graph: &Graph, index: usize) -> bool {
    matches!(graph.nodes[index].op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. })
}

/// Output channel of weight `i` of so many weights: the first dimension's index, or the last's for depthwise ones.
pub fn channel_of(graph: &Graph, index: usize, i: usize, weights: usize) -> usize {
    let channels = output_channels(graph, index);
    match graph.nodes[index].op {
        Op::DepthwiseConv2d { .. } => i % channels,
        _ => i / (weights / channels),
    }
}

/// Tensors between which an operator cannot rescale share a range.
fn activations(graph: &Graph, ranges: &[Range], wide: &BTreeSet<TensorId>) -> Vec<Option<Affine>> {
    let mut group: Vec<TensorId> = (0..graph.tensors.len()).collect();
    for node in &graph.nodes {
        let tied = shares_range(&node.op);
        let data = node.inputs.iter().flatten().filter(|id| graph.tensors[**id].data.is_none());
        let ids: Vec<TensorId> = if tied { data.chain(&node.outputs).copied().collect() } else { vec![] };
        for pair in ids.windows(2) {
            let (from, to) = (group[pair[0]], group[pair[1]]);
            group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
        }
    }
    let mut shared = vec![Range::default(); ranges.len()];
    ranges.iter().zip(&group).for_each(|(range, group)| shared[*group] = shared[*group].union(*range));
    let chosen = |id: TensorId| match fixed(graph, id, wide.contains(&id)) {
        _ if graph.tensors[id].data.is_some() => None,
        Some(fixed) => Some(fixed),
        None if wide.contains(&id) => Some(Affine::int16(shared[group[id]])),
        None => Some(Affine::int8(shared[group[id]])),
    };
    (0..ranges.len()).map(chosen).collect()
}

/// Whether an operator cannot change the scale.
fn shares_range(op: &Op) -> bool {
    matches!(
        op,
        Op::MaxPool2d { .. }
            | Op::AveragePool2d { .. }
            | Op::Reshape
            | Op::Transpose { .. }
            | Op::Pad
            | Op::StridedSlice { .. }
            | Op::Split { .. }
            | Op::Unpack { .. }
            | Op::Pack { .. }
            | Op::Concatenation { .. }
            | Op::Tile { .. }
            | Op::BroadcastTo
            | Op::Gather { .. }
            | Op::Reverse { .. }
            | Op::Binary(_)
    )
}

/// Scales that TensorFlow Lite prescribes.
fn fixed(graph: &Graph, id: TensorId, is_wide: bool) -> Option<Affine> {
    let producer = graph.nodes.iter().find(|node| node.outputs.contains(&id))?;
    let affine = |scale: f32, zero_point| Some(Affine { scale, zero_point, bits: 8 });
    match producer.op {
        Op::Softmax { .. } | Op::Unary(Unary::Logistic | Unary::Tanh) if is_wide => {
            Some(Affine { scale: 1.0 / 32768.0, zero_point: 0, bits: 16 })
        }
        Op::Softmax { .. } | Op::Unary(Unary::Logistic) => affine(1.0 / 256.0, -128),
        Op::LogSoftmax => affine(16.0 / 256.0, 127),
        Op::Unary(Unary::Tanh) | Op::L2Normalization => affine(1.0 / 128.0, 0),
        _ => None,
    }
}

/// A grid for a product's weights: of 8 bits that reaches the largest, of 4 bits the one with the least squared error.
pub fn grid(network: &Network, index: usize, bits: u8) -> Grid {
    let weights = elements(&network.constants[&network.graph.nodes[index].inputs[1].expect("products have weights")]);
    let mut channels = vec![vec![]; output_channels(&network.graph, index)];
    for (i, w) in weights.iter().enumerate() {
        channels[channel_of(&network.graph, index, i, weights.len())].push(*w);
    }
    let mut grid = Grid { bits, scales: vec![] };
    let limit = grid.limit();
    grid.scales = channels.iter().map(|channel| scale(channel, limit, bits < 8)).collect();
    grid
}

/// Weights that count as zero: a scale for them, times that of an activation, would be no normal number.
const NO_WEIGHT: f32 = 1e-30;

fn scale(weights: &[f32], limit: f32, clip: bool) -> f32 {
    let largest = weights.iter().fold(0.0f32, |max, w| max.max(w.abs()));
    if largest < NO_WEIGHT {
        return 1.0 / limit;
    }
    let error = |scale: f32| -> f32 {
        weights.iter().map(|w| w - (w / scale).round().clamp(-limit, limit) * scale).map(|e| e * e).sum()
    };
    let parts = if clip { 60 } else { 0 };
    let candidates = (0..=parts).map(|step| largest * (1.0 - step as f32 / 100.0) / limit);
    candidates.min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap_or(largest / limit)
}

/// Runs a network as if it were quantized. Gradients pass straight through, except where values are clipped.
pub struct Simulated<'a> {
    /// The network's structure.
    pub graph: &'a Graph,
    /// How it is quantized.
    pub scheme: &'a Scheme,
    /// Whether tensors are rounded.
    pub activations: bool,
}

impl Hook for Simulated<'_> {
    fn weights(&mut self, node: usize, weights: Value) -> Value {
        match self.scheme.weights.get(&node) {
            Some(grid) => on_grid(self.graph, node, grid, weights),
            None => weights,
        }
    }

    fn value(&mut self, tensor: TensorId, value: Value) -> Value {
        match self.scheme.activations[tensor].filter(|_| self.activations) {
            Some(affine) => rounded(value, affine),
            None => value,
        }
    }
}

/// Weights rounded to their grid.
pub fn on_grid(graph: &Graph, node: usize, grid: &Grid, weights: Value) -> Value {
    let dims = weights.dims();
    let channels = grid.scales.len();
    let scales = value(grid.scales.clone(), 1, &weights.device().without_autodiff());
    let depthwise = matches!(graph.nodes[node].op, Op::DepthwiseConv2d { .. });
    let (rows, scales) = match depthwise {
        true => (weights.reshape([-1, channels as i32]), scales),
        false => (weights.reshape([channels as i32, -1]), scales.reshape([channels, 1])),
    };
    let steps = (rows.clone().detach() / scales.clone()).round().clamp(-grid.limit(), grid.limit());
    straight_through(rows, steps * scales).reshape(dims)
}

/// A tensor rounded to its steps.
pub fn rounded(value: Value, affine: Affine) -> Value {
    let scale = affine.scale;
    let [min, max] = affine.limits().map(|limit| (limit - affine.zero_point) as f32 * scale);
    let clipped = value.clamp(min, max);
    let steps = (clipped.clone().detach() / scale).round();
    straight_through(clipped, steps * scale)
}

fn straight_through(value: Value, rounded: Value) -> Value {
    match value.is_autodiff() {
        true => value.clone() + (rounded - value.detach()),
        false => rounded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_training_has_let_go_have_a_scale() {
        let (weights, input) = ([1e-38, -1e-40, 0.0], 1e-3);
        assert!((scale(&weights, 127.0, false) * input).is_normal());
    }
}
