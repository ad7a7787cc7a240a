//! Cross-layer equalization: a channel may be scaled up in one layer and down in the next, since ReLU and the identity
//! commute with positive factors (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
//! 2019, section 4.1). Tensors whose channels have similar ranges lose less to their common scale.

use super::fuse::readers;
use super::scheme::is_product;
use std::sync::Arc;
use tinderbox::graph::{Activation, Graph, Op, TensorId};

/// Passes over the network; ranges settle quickly.
const PASSES: usize = 10;

/// A channel with weights so much smaller than its layer's largest is dead: it is left alone.
const DEAD: f32 = 1e-3;

/// Evens out the weights of every two neighbouring products, in place. The float function stays what it is.
pub fn equalize(graph: &mut Graph) {
    let pairs: Vec<(usize, usize)> =
        (0..graph.nodes.len()).filter_map(|first| Some((first, partner(graph, first)?))).collect();
    for _ in 0..PASSES {
        for (first, second) in &pairs {
            let out = largest(graph, *first, Side::Output);
            let into = largest(graph, *second, Side::Input);
            let limit = |channels: &[f32]| DEAD * channels.iter().fold(0.0f32, |max, x| max.max(*x));
            let (least_out, least_into) = (limit(&out), limit(&into));
            let factor = |(out, into): (&f32, &f32)| match *out > least_out && *into > least_into {
                true => (into / out).sqrt(),
                false => 1.0,
            };
            let factors: Vec<f32> = out.iter().zip(&into).map(factor).collect();
            let inverse: Vec<f32> = factors.iter().map(|factor| 1.0 / factor).collect();
            scale(graph, *first, Side::Output, &factors);
            scale(graph, *second, Side::Input, &inverse);
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Input,
    Output,
}

/// The product that alone reads what product `first` yields.
fn partner(graph: &Graph, first: usize) -> Option<usize> {
    let node = &graph.nodes[first];
    let activation = match node.op {
        Op::Conv2d { activation, .. } | Op::DepthwiseConv2d { activation, .. } | Op::FullyConnected { activation } => {
            activation
        }
        _ => return None,
    };
    let output = node.outputs[0];
    let second = graph.nodes.iter().position(|node| node.inputs.first() == Some(&Some(output)))?;
    let fits = is_product(graph, second)
        && readers(graph, output) == 1
        && matches!(activation, Activation::None | Activation::Relu)
        && !matches!(graph.nodes[second].op, Op::DepthwiseConv2d { multiplier, .. } if multiplier != 1);
    let own = [first, second].iter().all(|index| constants(graph, *index).iter().all(|id| readers(graph, *id) == 1));
    (fits && own).then_some(second)
}

/// Weights, and bias if there is one.
fn constants(graph: &Graph, index: usize) -> Vec<TensorId> {
    graph.nodes[index].inputs[1..].iter().flatten().copied().collect()
}

/// Channel of a weight on one side.
fn channel(graph: &Graph, index: usize, side: Side, i: usize, shape: &[usize]) -> usize {
    let last = shape[shape.len() - 1];
    match (&graph.nodes[index].op, side) {
        (Op::DepthwiseConv2d { .. }, _) | (_, Side::Input) => i % last,
        (_, Side::Output) => i / (shape.iter().product::<usize>() / shape[0]),
    }
}

/// Largest weight of each channel.
fn largest(graph: &Graph, index: usize, side: Side) -> Vec<f32> {
    let weights = &graph.tensors[constants(graph, index)[0]];
    let mut largest = vec![];
    for (i, w) in floats(graph, constants(graph, index)[0]).iter().enumerate() {
        let channel = channel(graph, index, side, i, &weights.shape);
        largest.resize(largest.len().max(channel + 1), 0.0f32);
        largest[channel] = largest[channel].max(w.abs());
    }
    largest
}

fn scale(graph: &mut Graph, index: usize, side: Side, factors: &[f32]) {
    let ids = constants(graph, index);
    let shape = graph.tensors[ids[0]].shape.clone();
    let weights = floats(graph, ids[0]).into_iter().enumerate();
    let weights = weights.map(|(i, w)| w * factors[channel(graph, index, side, i, &shape)]).collect();
    set(graph, ids[0], weights);
    if let Some(bias) = ids.get(1).filter(|_| side == Side::Output) {
        let biases = floats(graph, *bias).iter().zip(factors).map(|(b, factor)| b * factor).collect();
        set(graph, *bias, biases);
    }
}

fn floats(graph: &Graph, id: TensorId) -> Vec<f32> {
    let data = graph.tensors[id].data.as_deref().unwrap_or_default();
    data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn set(graph: &mut Graph, id: TensorId, numbers: Vec<f32>) {
    graph.tensors[id].data = Some(Arc::from(numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()));
}
