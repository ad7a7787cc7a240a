//! How much quantizing one layer alone disturbs the output.

use super::scheme::{Affine, Scheme, on_grid, rounded};
use crate::data::Inputs;
use crate::engine::{Hook, Network, Value, elements, value};
use serde::Serialize;
use tinderbox::graph::TensorId;

/// Examples that are compared.
const EXAMPLES: usize = 64;

/// One layer.
#[derive(Clone, Debug, Serialize)]
pub struct Sensitivity {
    /// The node.
    pub layer: String,
    /// Bits of its weights.
    pub weight_bits: u8,
    /// Signal to noise at the network's output in decibels, with this layer's weights and result alone quantized: a low
    /// number marks a layer that deserves more bits.
    pub decibels: f64,
}

/// Every product of the network, in its order.
pub fn of_layers(network: &Network, scheme: &Scheme, calibration: &Inputs) -> Vec<Sensitivity> {
    let examples = calibration.len().min(EXAMPLES);
    let input = value(calibration.take(0..examples), examples, network.device());
    let wanted = elements(&network.run(vec![input.clone()], &mut ())[0]);
    let layer = |(&node, grid): (&usize, &super::scheme::Grid)| {
        let output = network.graph.nodes[node].outputs[0];
        let affine = scheme.activations[output].filter(|_| !network.graph.outputs.contains(&output));
        let mut one = One { network, scheme, node, output, affine };
        let got = elements(&network.run(vec![input.clone()], &mut one)[0]);
        let layer = network.graph.nodes[node].name.clone();
        Sensitivity { layer, weight_bits: grid.bits, decibels: signal_to_noise(&wanted, &got) }
    };
    scheme.weights.iter().map(layer).collect()
}

struct One<'a> {
    network: &'a Network,
    scheme: &'a Scheme,
    node: usize,
    output: TensorId,
    affine: Option<Affine>,
}

impl Hook for One<'_> {
    fn weights(&mut self, node: usize, weights: Value) -> Value {
        match node == self.node {
            true => on_grid(&self.network.graph, node, &self.scheme.weights[&node], weights),
            false => weights,
        }
    }

    fn value(&mut self, tensor: TensorId, value: Value) -> Value {
        match self.affine.filter(|_| tensor == self.output) {
            Some(affine) => rounded(value, affine),
            None => value,
        }
    }
}

/// Capped at 200 dB, where there is no noise.
fn signal_to_noise(wanted: &[f32], got: &[f32]) -> f64 {
    let power = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|x| f64::from(x) * f64::from(x)).sum::<f64>();
    let signal = power(&mut wanted.iter().copied());
    let noise = power(&mut wanted.iter().zip(got).map(|(w, g)| w - g));
    (10.0 * (signal / noise).log10()).min(200.0)
}
