//! Bias correction: what quantization adds to a channel on average is taken from its bias.

use super::scheme::{Scheme, Simulated};
use crate::data::Inputs;
use crate::engine::{Network, Value, elements, output_channels, value};

/// Examples that the means are taken over.
const EXAMPLES: usize = 500;

/// Layer by layer, so that each is corrected for those before it too (Nagel et al., "Data-Free Quantization Through
/// Weight Equalization and Bias Correction", 2019, section 4.2, with data).
pub fn correct_biases(network: &mut Network, scheme: &Scheme, calibration: &Inputs) {
    let examples = calibration.len().min(EXAMPLES);
    let input = value(calibration.take(0..examples), examples, network.device());
    let exact = network.clone();
    let graph = exact.graph.clone();
    let mut simulated = Simulated { graph: &graph, scheme, activations: true };
    let last_readers = exact.last_readers();
    let mut wanted = exact.start(vec![input.clone()], &mut ());
    let mut got = network.start(vec![input], &mut simulated);
    for index in 0..graph.nodes.len() {
        let bias = graph.nodes[index].inputs.get(2).copied().flatten();
        if let Some(bias) = bias.filter(|_| scheme.weights.contains_key(&index)) {
            let channels = output_channels(&graph, index);
            let means = [
                channel_means(&exact.product(index, &wanted, &mut ()), channels),
                channel_means(&network.product(index, &got, &mut simulated), channels),
            ];
            let mut corrected = elements(&network.constants[&bias]);
            for (channel, bias) in corrected.iter_mut().enumerate() {
                *bias += (means[0][channel] - means[1][channel]) as f32;
            }
            network.constants.insert(bias, value(corrected, 1, network.device()));
        }
        exact.step(index, &mut wanted, &mut ());
        network.step(index, &mut got, &mut simulated);
        for id in graph.nodes[index].inputs.iter().flatten().filter(|id| last_readers[**id] == Some(index)) {
            (wanted[*id], got[*id]) = (None, None);
        }
    }
}

fn channel_means(product: &Value, channels: usize) -> Vec<f64> {
    let numbers = elements(product);
    let mut means = vec![0.0; channels];
    for pixel in numbers.chunks_exact(channels) {
        means.iter_mut().zip(pixel).for_each(|(mean, x)| *mean += f64::from(*x));
    }
    means.iter_mut().for_each(|mean| *mean *= channels as f64 / numbers.len() as f64);
    means
}
