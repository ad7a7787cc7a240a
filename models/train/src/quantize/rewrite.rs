//! The network in int8 and int16.

use super::scheme::{Affine, Grid, Scheme, channel_of};
use crate::engine::{Network, elements, output_channels};
use crate::quantize::range::Range;
use std::sync::Arc;
use tinderbox::graph::{DType, Graph, Op, Quantization, Refusal, Tensor, TensorId};

/// Biases stay well inside of int32, and of 48 bits where sums are int64, so that sums do.
fn bias_limit(input: Affine) -> f32 {
    if input.bits == 8 { (1u64 << 30) as f32 } else { (1u64 << 40) as f32 }
}

/// The network's graph with tensors, weights and biases as `scheme` says.
pub fn to_integers(network: &Network, scheme: &Scheme) -> Result<Graph, Refusal> {
    let mut graph = network.graph.clone();
    for (tensor, affine) in graph.tensors.iter_mut().zip(&scheme.activations) {
        if let Some(affine) = affine.filter(|_| tensor.dtype == DType::F32) {
            (tensor.dtype, tensor.bits) = (if affine.bits == 8 { DType::I8 } else { DType::I16 }, affine.bits);
            tensor.quant = Some(Quantization::per_tensor(affine.scale, affine.zero_point));
        }
    }
    for index in 0..graph.nodes.len() {
        match scheme.weights.get(&index) {
            Some(grid) => product(&mut graph, network, index, grid, scheme.input(&network.graph, index)),
            None => constants(&mut graph, network, index, scheme),
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
        grid.scales.iter().zip(&bias).map(|(s, b)| s.max(b.abs() / (input.scale * bias_limit(input)))).collect();
    let channel = |i: usize| channel_of(&network.graph, index, i, weights.len());
    let step = |(i, w): (usize, &f32)| (w / scales[channel(i)]).round().clamp(-grid.limit(), grid.limit()) as i8 as u8;
    let bias_scales: Vec<f32> = scales.iter().map(|s| s * input.scale).collect();
    let (sum_type, sum_bits) = if input.bits == 8 { (DType::I32, 32) } else { (DType::I64, 64) };
    let sum = |(b, s): (&f32, &f32)| ((b / s).round() as i64).to_le_bytes().into_iter().take(sum_type.bytes());
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
        dtype: sum_type,
        bits: sum_bits,
        data: Some(bias.iter().zip(&bias_scales).flat_map(sum).collect::<Vec<u8>>().into()),
        quant: quant(bias_scales, 0),
    };
    let ids = [add(graph, new_weights), add(graph, new_bias)];
    let x = graph.nodes[index].inputs[0];
    graph.nodes[index].inputs = vec![x, Some(ids[0]), Some(ids[1])];
}

/// Float constants of other operators, by their own range.
fn constants(graph: &mut Graph, network: &Network, index: usize, scheme: &Scheme) {
    let is_wide = scheme.activations[graph.nodes[index].outputs[0]].is_some_and(|affine| affine.bits == 16);
    let dtype = if is_wide { DType::I16 } else { DType::I8 };
    for slot in 0..graph.nodes[index].inputs.len() {
        let Some(id) = graph.nodes[index].inputs[slot] else { continue };
        let Some(values) = network.constants.get(&id) else { continue };
        let numbers = elements(values);
        let range = Range::of(&numbers);
        let affine = if is_wide { Affine::int16(range) } else { Affine::int8(range) };
        let data: Vec<u8> = numbers.iter().flat_map(|x| affine.quantize(*x)).collect();
        let quant = Some(Quantization::per_tensor(affine.scale, affine.zero_point));
        let tensor =
            Tensor { dtype, bits: affine.bits, data: Some(Arc::from(data)), quant, ..graph.tensors[id].clone() };
        graph.nodes[index].inputs[slot] = Some(add(graph, tensor));
    }
}

fn add(graph: &mut Graph, tensor: Tensor) -> TensorId {
    graph.tensors.push(tensor);
    graph.tensors.len() - 1
}
