//! Which channels anything depends on.

use super::ranges::{Ranges, Weights, constant};
use super::{Dependence, pads};
use crate::graph::{Graph, TensorId};

/// Kernels work on this many channels at a time: tensors that have a multiple of it keep one.
const GROUP: usize = 4;

/// Per tensor, whether each channel is kept.
pub(super) fn channels_to_keep(graph: &Graph, ranges: &[Ranges]) -> Vec<Vec<bool>> {
    let mut keep: Vec<Vec<bool>> =
        graph.tensors.iter().map(|tensor| vec![false; tensor.shape.last().copied().unwrap_or(1)]).collect();
    for &id in graph.inputs.iter().chain(&graph.outputs) {
        keep[id].fill(true);
    }
    for (index, _) in
        graph.nodes.iter().enumerate().filter(|(index, _)| Dependence::of(graph, *index) == Dependence::Unknown)
    {
        let node = &graph.nodes[index];
        for id in node.inputs.iter().flatten().chain(&node.outputs) {
            keep[*id].fill(true);
        }
    }
    // What is kept only grows, so that this ends.
    loop {
        let before = keep.clone();
        for index in (0..graph.nodes.len()).rev() {
            propagate(graph, ranges, index, &mut keep);
        }
        keep.iter_mut().for_each(|channels| round_up(channels));
        if keep == before {
            return keep;
        }
    }
}

fn propagate(graph: &Graph, ranges: &[Ranges], index: usize, keep: &mut [Vec<bool>]) {
    let node = &graph.nodes[index];
    let &[output] = node.outputs.as_slice() else { return };
    match Dependence::of(graph, index) {
        Dependence::Unknown => {}
        // All have the same channels.
        Dependence::Channelwise => {
            // Weights and biases of a depthwise convolution are inputs too, but not activations.
            let tied: Vec<TensorId> =
                node.inputs.iter().flatten().copied().filter(|id| graph.tensors[*id].data.is_none()).collect();
            for channel in 0..keep[output].len() {
                let any = keep[output][channel] || tied.iter().any(|id| keep[*id][channel]);
                keep[output][channel] = any;
                tied.iter().for_each(|id| keep[*id][channel] = any);
            }
        }
        Dependence::Weighted => {
            let (Some(input), Some(layer)) = (node.inputs[0], Weights::of(graph, node, false)) else { return };
            for channel in 0..layer.inputs {
                let folds = constant(&ranges[input][channel])
                    .is_some_and(|value| value == layer.input_zero_point || !pads(&node.op));
                let reads = |output_channel: usize| {
                    keep[output][output_channel]
                        && (0..layer.taps).any(|tap| layer.weight(output_channel, tap, channel) != 0)
                };
                if !folds && (0..layer.outputs).any(reads) {
                    keep[input][channel] = true;
                }
            }
        }
    }
}

/// Keeps a few more, so that no kernel is worse off than before; and one at least.
fn round_up(channels: &mut [bool]) {
    let kept = channels.iter().filter(|keep| **keep).count();
    let wanted = if channels.len().is_multiple_of(GROUP) { kept.max(1).next_multiple_of(GROUP) } else { kept.max(1) };
    let more = channels.iter_mut().filter(|keep| !**keep).take(wanted.saturating_sub(kept));
    more.for_each(|keep| *keep = true);
}
