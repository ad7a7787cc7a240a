//! The graph without the channels that are not kept. Constant channels that must stay, for their neighbours' sake, get
//! weights of zero and a bias within reason: some trained models reach them by biases near 2^30 and a scale of nothing.

use super::Dependence;
use super::ranges::{Ranges, Weights, constant};
use crate::graph::{DType, Graph, Node, Op, Quantization, Tensor, TensorId};
use std::sync::Arc;

/// The graph with the channels that `keep` names; constants that were added to a removed channel's readers move into
/// their biases. `None` if a bias would overflow.
pub(super) fn keep_channels(graph: &Graph, ranges: &[Ranges], keep: &[Vec<bool>]) -> Option<Graph> {
    let mut rewritten = graph.clone();
    for (index, node) in graph.nodes.iter().enumerate() {
        let &[output] = node.outputs.as_slice() else { continue };
        let weighted = match Dependence::of(graph, index) {
            Dependence::Weighted => true,
            Dependence::Channelwise if matches!(node.op, Op::DepthwiseConv2d { .. }) => false,
            _ => continue,
        };
        let input = node.inputs[0]?;
        let layer = Weights::of(graph, node, !weighted)?;
        // A single scale for all weights is rounded otherwise than many.
        let silent = |channel: usize| constant(&ranges[output][channel]).filter(|_| !layer.single_precision);
        let nothing_to_do = keep[output].iter().chain(&keep[input]).all(|keep| *keep);
        if nothing_to_do && (0..keep[output].len()).all(|channel| silent(channel).is_none()) {
            continue;
        }
        let kept_inputs = if weighted { &keep[input][..] } else { &[true] };
        let mut bias = biases(&layer, &ranges[input], kept_inputs, &keep[output])?;
        let mut weights = weights(&layer, kept_inputs, &keep[output]);
        let kept: Vec<usize> = (0..layer.outputs).filter(|channel| keep[output][*channel]).collect();
        let mut scales = layer.scales_of(&kept);
        for (i, channel) in kept.iter().enumerate() {
            if let Some((scale, sum)) = silent(*channel).and_then(|value| layer.constant(value)) {
                (bias[i], scales[i]) = (sum, scale);
                silence(&mut weights, i, kept.len(), !weighted);
            }
        }
        let ids = [
            add_weights(&mut rewritten, graph, node, weights, scales, [kept_inputs, &keep[output]], !weighted)?,
            add_bias(&mut rewritten, node, bias),
        ];
        rewritten.nodes[index].inputs = vec![Some(input), Some(ids[0]), Some(ids[1])];
    }
    for (id, tensor) in rewritten.tensors.iter_mut().enumerate().take(graph.tensors.len()) {
        if tensor.data.is_none()
            && let (Some(last), Some(keep)) = (tensor.shape.last_mut(), keep.get(id))
            && !is_untouched(graph, id)
        {
            *last = keep.iter().filter(|keep| **keep).count();
        }
    }
    Some(rewritten)
}

/// Tensors that no rewritten operator touches keep their shape: `keep` says nothing of them.
fn is_untouched(graph: &Graph, id: TensorId) -> bool {
    let touches = |node: &Node| node.outputs.contains(&id) || node.inputs.contains(&Some(id));
    !graph.nodes.iter().any(touches)
}

fn biases(layer: &Weights<'_>, inputs: &Ranges, keep_inputs: &[bool], keep_outputs: &[bool]) -> Option<Vec<i32>> {
    let kept = (0..layer.outputs).filter(|output| keep_outputs[*output]);
    kept.map(|output| {
        let mut bias = i64::from(layer.bias(output));
        for (channel, _) in keep_inputs.iter().enumerate().filter(|(_, keep)| !**keep) {
            let weights: i64 = (0..layer.taps).map(|tap| i64::from(layer.weight(output, tap, channel))).sum();
            // A channel that is read and not kept is constant; any other has no weights here.
            let value = constant(&inputs[channel]).unwrap_or(layer.input_zero_point);
            bias += weights * i64::from(value - layer.input_zero_point);
        }
        i32::try_from(bias).ok()
    })
    .collect()
}

/// Zeros in place of a channel's weights.
fn silence(weights: &mut [u8], channel: usize, channels: usize, depthwise: bool) {
    if depthwise {
        weights.iter_mut().skip(channel).step_by(channels).for_each(|w| *w = 0);
    } else {
        let filter = weights.len() / channels;
        weights[channel * filter..][..filter].fill(0);
    }
}

fn weights(layer: &Weights<'_>, keep_inputs: &[bool], keep_outputs: &[bool]) -> Vec<u8> {
    let depthwise = layer.depthwise;
    let outputs: Vec<usize> = (0..layer.outputs).filter(|output| keep_outputs[*output]).collect();
    let inputs: Vec<usize> = (0..layer.inputs).filter(|input| keep_inputs[*input]).collect();
    let mut data = vec![];
    if depthwise {
        for tap in 0..layer.taps {
            data.extend(outputs.iter().map(|output| layer.weight(*output, tap, 0) as u8));
        }
    } else {
        for &output in &outputs {
            for tap in 0..layer.taps {
                data.extend(inputs.iter().map(|input| layer.weight(output, tap, *input) as u8));
            }
        }
    }
    data
}

/// Adds the remaining weights as a new constant; other nodes may share the old one.
fn add_weights(
    rewritten: &mut Graph,
    graph: &Graph,
    node: &Node,
    data: Vec<u8>,
    scales: Vec<f32>,
    [keep_inputs, keep_outputs]: [&[bool]; 2],
    depthwise: bool,
) -> Option<TensorId> {
    let old = &graph.tensors[node.inputs[1]?];
    let count = |keep: &[bool]| keep.iter().filter(|keep| **keep).count();
    let mut shape = old.shape.clone();
    let last = shape.len() - 1;
    if depthwise {
        shape[last] = count(keep_outputs);
    } else {
        (shape[0], shape[last]) = (count(keep_outputs), count(keep_inputs));
    }
    let quant = Quantization { zero_points: vec![0; scales.len()], scales, axis: if depthwise { last } else { 0 } };
    rewritten.tensors.push(Tensor { shape, quant: Some(quant), data: Some(Arc::from(data)), ..old.clone() });
    Some(rewritten.tensors.len() - 1)
}

fn add_bias(rewritten: &mut Graph, node: &Node, biases: Vec<i32>) -> TensorId {
    let data: Vec<u8> = biases.iter().flat_map(|bias| bias.to_le_bytes()).collect();
    rewritten.tensors.push(Tensor {
        name: format!("{}/bias", node.name),
        shape: vec![biases.len()],
        dtype: DType::I32,
        quant: None,
        data: Some(Arc::from(data)),
        bits: 32,
    });
    rewritten.tensors.len() - 1
}
