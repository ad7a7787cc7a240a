//! The graph without some channels.

use super::walk::Kept;
use crate::engine::{Network, elements, value};
use tinderbox::graph::{Op, TensorId};

/// The network with only the channels of each tensor that `kept` names. Node and tensor indices stay.
pub fn shrink(network: &Network, kept: &Kept) -> Network {
    let mut smaller = network.clone();
    for node in &network.graph.nodes {
        let channels = |id: TensorId| kept[id].as_deref();
        let (Some(Some(input)), [output]) = (node.inputs.first(), node.outputs.as_slice()) else { continue };
        let Some(Some(weights)) = node.inputs.get(1).copied() else { continue };
        let bias = node.inputs.get(2).copied().flatten();
        match node.op {
            Op::Conv2d { .. } | Op::FullyConnected { .. } => {
                take(&mut smaller, weights, 0, channels(*output));
                let last = network.graph.tensors[weights].shape.len() - 1;
                take(&mut smaller, weights, last, channels(*input));
            }
            Op::DepthwiseConv2d { .. } => take(&mut smaller, weights, 3, channels(*output)),
            _ => continue,
        }
        if let Some(bias) = bias {
            take(&mut smaller, bias, 0, channels(*output));
        }
    }
    for (tensor, kept) in smaller.graph.tensors.iter_mut().zip(kept) {
        if let (Some(kept), None, Some(last)) = (kept, &tensor.data, tensor.shape.last_mut()) {
            *last = kept.len();
        }
    }
    smaller
}

/// Keeps some indices along an axis of a constant.
fn take(network: &mut Network, id: TensorId, axis: usize, kept: Option<&[usize]>) {
    let Some(kept) = kept else { return };
    let shape = network.graph.tensors[id].shape.clone();
    let inner: usize = shape[axis + 1..].iter().product();
    let numbers = elements(&network.constants[&id]);
    let outer = numbers.chunks_exact(shape[axis] * inner);
    let taken: Vec<f32> =
        outer.flat_map(|part| kept.iter().flat_map(move |i| &part[i * inner..][..inner])).copied().collect();
    let tensor = &mut network.graph.tensors[id];
    tensor.shape[axis] = kept.len();
    tensor.data = Some(taken.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>().into());
    let device = network.device().clone();
    network.constants.insert(id, value(taken, 1, &device));
}
