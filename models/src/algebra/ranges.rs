//! Which values each channel of each tensor can have, whatever the input.

use super::pads;
use crate::graph::{Activation, DType, Graph, Node, Op, Tensor, TensorId};
use crate::lower::requant::Requantization;
use crate::lower::scale;
use std::ops::RangeInclusive;

/// The values of each channel.
pub(super) type Ranges = Vec<RangeInclusive<i32>>;

/// Whether a tensor is int8 with one scale.
pub(super) fn is_plain_int8(tensor: &Tensor) -> bool {
    tensor.dtype == DType::I8 && tensor.quant.as_ref().is_some_and(|q| q.scales.len() == 1)
}

/// Per tensor, the values of each channel; for tensors that are not int8, nothing.
pub(super) fn of_all_tensors(graph: &Graph) -> Vec<Ranges> {
    let full = |tensor: &Tensor| {
        let channels = if is_plain_int8(tensor) { tensor.shape.last().copied().unwrap_or(1) } else { 0 };
        vec![-128..=127; channels]
    };
    let mut all: Vec<Ranges> = graph.tensors.iter().map(full).collect();
    for node in &graph.nodes {
        for &output in &node.outputs {
            if let Some(ranges) = of_output(graph, node, output, &all) {
                all[output] = ranges;
            }
        }
    }
    all
}

/// The value of a channel that has only one.
pub(super) fn constant(range: &RangeInclusive<i32>) -> Option<i32> {
    (range.start() == range.end()).then_some(*range.start())
}

fn of_output(graph: &Graph, node: &Node, output: TensorId, all: &[Ranges]) -> Option<Ranges> {
    let input = node.inputs.first().copied().flatten()?;
    let (from, to) = (&graph.tensors[input], &graph.tensors[output]);
    if !is_plain_int8(from) || !is_plain_int8(to) {
        return None;
    }
    match &node.op {
        Op::Conv2d { activation, .. } => products(graph, node, *activation, &all[input], false),
        Op::DepthwiseConv2d { activation, multiplier: 1, .. } => products(graph, node, *activation, &all[input], true),
        Op::FullyConnected { activation } if from.shape.last() == graph.tensors[node.inputs[1]?].shape.get(1) => {
            products(graph, node, *activation, &all[input], false)
        }
        Op::AveragePool2d { activation, .. } | Op::MaxPool2d { activation, .. } => {
            let (low, high) = bounds(to, *activation)?;
            let clamp = |value: i32| value.max(low).min(high);
            Some(all[input].iter().map(|range| clamp(*range.start())..=clamp(*range.end())).collect())
        }
        Op::Reshape if all[input].len() == all[output].len() => Some(all[input].clone()),
        _ => None,
    }
}

/// Ranges of the outputs of a layer with weights.
fn products(graph: &Graph, node: &Node, activation: Activation, inputs: &Ranges, depthwise: bool) -> Option<Ranges> {
    let layer = Weights::of(graph, node, depthwise)?;
    if layer.inputs != inputs.len() && !depthwise {
        return None;
    }
    (0..layer.outputs)
        .map(|output| {
            let (mut low, mut high) = (i64::from(layer.bias(output)), i64::from(layer.bias(output)));
            for tap in 0..layer.taps {
                for input in 0..layer.inputs {
                    let channel = if depthwise { output } else { input };
                    let w = i64::from(layer.weight(output, tap, input));
                    let ends = [inputs[channel].start(), inputs[channel].end()];
                    let terms = ends.map(|x| w * i64::from(x - layer.input_zero_point));
                    let padding = if pads(&node.op) { Some(0) } else { None };
                    low += terms.iter().copied().chain(padding).min()?;
                    high += terms.iter().copied().chain(padding).max()?;
                }
            }
            let requantization = layer.requantization(output, activation)?;
            let apply = |sum: i64| i32::try_from(sum).ok().map(|sum| requantization.apply(sum));
            Some(apply(low)?..=apply(high)?)
        })
        .collect()
}

fn bounds(tensor: &Tensor, activation: Activation) -> Option<(i32, i32)> {
    let quant = tensor.quant.as_ref()?;
    Some(scale::activation_range_s8(activation, quant.scales[0], quant.zero_points[0]))
}

/// Constant weights of a convolution or fully connected layer.
pub(super) struct Weights<'a> {
    data: &'a [u8],
    biases: Option<&'a [u8]>,
    pub(super) depthwise: bool,
    pub(super) outputs: usize,
    /// Window positions.
    pub(super) taps: usize,
    /// Input channels that an output channel sees.
    pub(super) inputs: usize,
    pub(super) input_zero_point: i32,
    scales: &'a [f32],
    input_scale: f32,
    output: &'a Tensor,
    /// Scales are multiplied in single precision, as those of a fully connected layer with one scale.
    pub(super) single_precision: bool,
}

impl<'a> Weights<'a> {
    pub(super) fn of(graph: &'a Graph, node: &Node, depthwise: bool) -> Option<Self> {
        let tensor = |i: usize| node.inputs.get(i).copied().flatten().map(|id| &graph.tensors[id]);
        let (input, weights) = (tensor(0)?, tensor(1)?);
        let (outputs, inputs) = match (depthwise, weights.shape.as_slice()) {
            (true, [_, _, _, channels]) => (*channels, 1),
            (false, [outputs, .., inputs]) => (*outputs, *inputs),
            _ => return None,
        };
        let quant = weights.quant.as_ref()?;
        if weights.dtype != DType::I8 || quant.zero_points.iter().any(|zero_point| *zero_point != 0) {
            return None;
        }
        let biases = match tensor(2) {
            Some(bias) if bias.dtype == DType::I32 => Some(bias.data.as_deref()?),
            Some(_) => return None,
            None => None,
        };
        Some(Self {
            data: weights.data.as_deref()?,
            biases,
            depthwise,
            outputs,
            taps: weights.elements() / (outputs * inputs).max(1),
            inputs,
            input_zero_point: input.quant.as_ref()?.zero_points[0],
            scales: &quant.scales,
            input_scale: input.quant.as_ref()?.scales[0],
            output: &graph.tensors[node.outputs[0]],
            single_precision: matches!(node.op, Op::FullyConnected { .. }) && quant.scales.len() == 1,
        })
    }

    pub(super) fn weight(&self, output: usize, tap: usize, input: usize) -> i8 {
        let index =
            if self.depthwise { tap * self.outputs + output } else { (output * self.taps + tap) * self.inputs + input };
        self.data[index] as i8
    }

    pub(super) fn bias(&self, output: usize) -> i32 {
        self.biases.map_or(0, |bytes| i32::from_le_bytes(bytes.as_chunks().0[output]))
    }

    /// For a channel without weights: a scale of weights and a bias that yield this output.
    pub(super) fn constant(&self, value: i32) -> Option<(f32, i32)> {
        let quant = self.output.quant.as_ref()?;
        // Sums are four times the output.
        Some((quant.scales[0] / self.input_scale / 4.0, 4 * (value - quant.zero_points[0])))
    }

    /// The scales of these channels' weights.
    pub(super) fn scales_of(&self, channels: &[usize]) -> Vec<f32> {
        if self.single_precision {
            return vec![self.scales[0]];
        }
        channels.iter().map(|channel| *self.scales.get(*channel).unwrap_or(&self.scales[0])).collect()
    }

    fn requantization(&self, output: usize, activation: Activation) -> Option<Requantization> {
        let quant = self.output.quant.as_ref()?;
        let scale = *self.scales.get(output).or(self.scales.first())?;
        let product = match self.single_precision {
            true => f64::from(self.input_scale * scale),
            false => f64::from(self.input_scale) * f64::from(scale),
        };
        let (min, max) = bounds(self.output, activation)?;
        let scale = scale::multiplier(product / f64::from(quant.scales[0]));
        Some(Requantization { scale, zero_point: quant.zero_points[0], min, max })
    }
}
