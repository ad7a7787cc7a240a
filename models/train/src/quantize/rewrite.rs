//! The network in int8.

use super::scheme::{Affine, Grid, Scheme, channel_of};
use crate::engine::{Network, elements, output_channels};
use crate::quantize::range::Range;
use std::sync::Arc;
use tinderbox::graph::{DType, Graph, Op, Quantization, Refusal, Tensor, TensorId};

/// Biases stay well inside of int32, so that sums do.
const BIAS_LIMIT: f32 = (1u32 << 30) as f32;

/// The network's graph with tensors, weights and biases as `scheme` says.
pub fn to_int8(network: &Network, scheme: &Scheme) -> Result<Graph, Refusal> {
    let mut graph = network.graph.clone();
    for (tensor, affine) in graph.tensors.iter_mut().zip(&scheme.activations) {
        if let Some(affine) = affine.filter(|_| tensor.dtype == DType::F32) {
            (tensor.dtype, tensor.bits) = (DType::I8, 8);
            tensor.quant = Some(Quantization::per_tensor(affine.scale, affine.zero_point));
        }
    }
    for index in 0..graph.nodes.len() {
        match scheme.weights.get(&index) {
            Some(grid) => product(&mut graph, network, index, grid, scheme.input(&network.graph, index)),
            None => constants(&mut graph, network, index),
        }
    }
    graph.prune();
    graph.validate()?;
    Ok(graph)
}

/// Weights and bias of a product. They become new tensors: another node may use the old ones otherwise.
fn product(graph: &mut Graph, network: &Network, index: usize, grid: &Grid, input: Affine) {
    let (weights_id, bias_id) = (graph.nodes[index].inputs[1], graph.nodes[index].inputs.get(2).copied().flatten());
    let weights_id = weights_id.expect("products have weights");
    let weights = elements(&network.constants[&weights_id]);
    let bias = bias_id.map(|id| elements(&network.constants[&id]));
    let channels = output_channels(&network.graph, index);
    let bias = bias.unwrap_or_else(|| vec![0.0; channels]);
    // A channel of nearly nothing beside a large bias needs a coarser scale.
    let scales: Vec<f32> =
        grid.scales.iter().zip(&bias).map(|(s, b)| s.max(b.abs() / (input.scale * BIAS_LIMIT))).collect();
    let channel = |i: usize| channel_of(&network.graph, index, i, weights.len());
    let step = |(i, w): (usize, &f32)| (w / scales[channel(i)]).round().clamp(-grid.limit(), grid.limit()) as i8 as u8;
    let bias_scales: Vec<f32> = scales.iter().map(|s| s * input.scale).collect();
    let sum = |(b, s): (&f32, &f32)| ((b / s).round() as i32).to_le_bytes();
    let old = &graph.tensors[weights_id];
    let axis = if matches!(graph.nodes[index].op, Op::DepthwiseConv2d { .. }) { old.shape.len() - 1 } else { 0 };
    let quant = |scales: Vec<f32>, axis| Some(Quantization { zero_points: vec![0; scales.len()], scales, axis });
    let new_weights = Tensor {
        dtype: DType::I8,
        bits: grid.bits,
        data: Some(weights.iter().enumerate().map(step).collect::<Vec<u8>>().into()),
        quant: quant(scales, axis),
        ..old.clone()
    };
    let new_bias = Tensor {
        name: bias_id.map_or_else(|| format!("{}/bias", graph.nodes[index].name), |id| graph.tensors[id].name.clone()),
        shape: vec![channels],
        dtype: DType::I32,
        bits: 32,
        data: Some(bias.iter().zip(&bias_scales).flat_map(sum).collect::<Vec<u8>>().into()),
        quant: quant(bias_scales, 0),
    };
    let ids = [add(graph, new_weights), add(graph, new_bias)];
    let x = graph.nodes[index].inputs[0];
    graph.nodes[index].inputs = vec![x, Some(ids[0]), Some(ids[1])];
}

/// Float constants of other operators, by their own range.
fn constants(graph: &mut Graph, network: &Network, index: usize) {
    for slot in 0..graph.nodes[index].inputs.len() {
        let Some(id) = graph.nodes[index].inputs[slot] else { continue };
        let Some(values) = network.constants.get(&id) else { continue };
        let numbers = elements(values);
        let affine = Affine::of(Range::of(&numbers));
        let data: Vec<u8> = numbers.iter().map(|x| affine.quantize(*x) as u8).collect();
        let quant = Some(Quantization::per_tensor(affine.scale, affine.zero_point));
        let tensor =
            Tensor { dtype: DType::I8, bits: 8, data: Some(Arc::from(data)), quant, ..graph.tensors[id].clone() };
        graph.nodes[index].inputs[slot] = Some(add(graph, tensor));
    }
}

fn add(graph: &mut Graph, tensor: Tensor) -> TensorId {
    graph.tensors.push(tensor);
    graph.tensors.len() - 1
}
