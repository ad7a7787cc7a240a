//! Batch normalization in networks that were exported without it.

use super::batches::Batches;
use crate::engine::{EPSILON, Hook, Network, Norm, Value, elements, moments, output_channels, value};
use std::collections::BTreeMap;
use tinderbox::graph::Op;

/// Batches that statistics are taken over.
const BATCHES: usize = 32;

/// Puts a normalization behind every convolution, in place of its bias, so that the network computes what it did: scale
/// and shift are the deviation and mean that the examples have there. Filters get length one, so that a step of the
/// optimizer means the same to each.
pub fn insert(network: &mut Network, batches: &Batches<'_>) {
    let convolutions: Vec<usize> = (0..network.graph.nodes.len())
        .filter(|index| matches!(network.graph.nodes[*index].op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. }))
        .filter(|index| network.graph.nodes[*index].inputs.get(2).copied().flatten().is_some())
        .collect();
    for index in &convolutions {
        let lengths = lengths(network, *index);
        let inverse: Vec<f32> = lengths.iter().map(|length| 1.0 / length).collect();
        scale_filters(network, *index, &inverse);
        // For the statistics: gamma and beta that undo the scaling, with moments of the identity.
        let bias =
            network.graph.nodes[*index].inputs[2].map(|id| elements(&network.constants[&id])).unwrap_or_default();
        let identity = (vec![0.0; lengths.len()], vec![1.0 - EPSILON; lengths.len()]);
        let row = |data: Vec<f32>| value(data, 1, network.device());
        let norm = Norm { gamma: row(lengths), beta: row(bias), moments: Some(identity) };
        network.norms.insert(*index, norm);
    }
    let statistics = statistics(network, batches);
    for (index, (mean, variance)) in statistics {
        let device = network.device().clone();
        let Some(norm) = network.norms.get_mut(&index) else { continue };
        let (lengths, bias) = (elements(&norm.gamma), elements(&norm.beta));
        let gamma = lengths.iter().zip(&variance).map(|(l, v)| l * (v + EPSILON).sqrt()).collect();
        let beta = bias.iter().zip(lengths.iter().zip(&mean)).map(|(b, (l, m))| b + l * m).collect();
        *norm = Norm { gamma: value(gamma, 1, &device), beta: value(beta, 1, &device), moments: None };
    }
}

/// Fixes every normalization to the mean and variance over some batches.
pub fn estimate(network: &mut Network, batches: &Batches<'_>) {
    for (index, moments) in statistics(network, batches) {
        if let Some(norm) = network.norms.get_mut(&index) {
            norm.moments = Some(moments);
        }
    }
}

/// Turns normalizations with fixed moments into weights and biases.
pub fn fold(network: &mut Network) {
    for (index, norm) in std::mem::take(&mut network.norms) {
        let (gamma, beta) = (elements(&norm.gamma), elements(&norm.beta));
        let (mean, variance) = norm.moments.unwrap_or_else(|| (vec![0.0; gamma.len()], vec![1.0; gamma.len()]));
        let factors: Vec<f32> = gamma.iter().zip(&variance).map(|(g, v)| g / (v + EPSILON).sqrt()).collect();
        let bias = beta.iter().zip(mean.iter().zip(&factors)).map(|(b, (m, f))| b - m * f).collect();
        scale_filters(network, index, &factors);
        if let Some(id) = network.graph.nodes[index].inputs[2] {
            let device = network.device().clone();
            network.constants.insert(id, value(bias, 1, &device));
        }
    }
}

/// Mean and variance of every channel before it is normalized.
fn statistics(network: &Network, batches: &Batches<'_>) -> BTreeMap<usize, (Vec<f32>, Vec<f32>)> {
    let mut sums = Sums { channels: BTreeMap::new(), sums: BTreeMap::new() };
    for index in network.norms.keys() {
        sums.channels.insert(*index, output_channels(&network.graph, *index));
    }
    for batch in 0..BATCHES {
        let (images, labels) = batches.get(batch, 0);
        network.run(vec![value(images, labels.len(), network.device())], &mut sums);
    }
    let mean = |sum: &[f64]| sum.iter().map(|x| (x / BATCHES as f64) as f32).collect::<Vec<f32>>();
    let moments = |(means, squares): &(Vec<f64>, Vec<f64>)| {
        let (mean, square) = (mean(means), mean(squares));
        let variance = mean.iter().zip(square).map(|(m, s)| (s - m * m).max(0.0)).collect();
        (mean, variance)
    };
    sums.sums.iter().map(|(index, sums)| (*index, moments(sums))).collect()
}

struct Sums {
    channels: BTreeMap<usize, usize>,
    /// Of means and mean squares, over batches.
    sums: BTreeMap<usize, (Vec<f64>, Vec<f64>)>,
}

impl Hook for Sums {
    fn product(&mut self, node: usize, product: &Value) {
        let channels = self.channels[&node];
        let (mean, variance) = moments(&elements(product), channels);
        let (means, squares) = self.sums.entry(node).or_insert_with(|| (vec![0.0; channels], vec![0.0; channels]));
        for channel in 0..channels {
            let (m, v) = (f64::from(mean[channel]), f64::from(variance[channel]));
            means[channel] += m;
            squares[channel] += v + m * m;
        }
    }
}

/// Euclidean length of each output channel's weights; 1 where there are none.
fn lengths(network: &Network, index: usize) -> Vec<f32> {
    let id = network.graph.nodes[index].inputs[1].expect("a convolution has weights");
    let weights = elements(&network.constants[&id]);
    let mut squares = vec![0.0f32; output_channels(&network.graph, index)];
    for (i, w) in weights.iter().enumerate() {
        squares[channel(network, index, i, weights.len())] += w * w;
    }
    squares.into_iter().map(|square| if square > 0.0 { square.sqrt() } else { 1.0 }).collect()
}

fn scale_filters(network: &mut Network, index: usize, factors: &[f32]) {
    let id = network.graph.nodes[index].inputs[1].expect("a convolution has weights");
    let weights = elements(&network.constants[&id]);
    let scaled =
        weights.iter().enumerate().map(|(i, w)| w * factors[channel(network, index, i, weights.len())]).collect();
    let device = network.device().clone();
    network.constants.insert(id, value(scaled, 1, &device));
}

fn channel(network: &Network, index: usize, i: usize, weights: usize) -> usize {
    crate::quantize::scheme::channel_of(&network.graph, index, i, weights)
}
