//! Constant folding: what is computed from constants alone is computed here.
//!
//! Converters write shape arithmetic into models (SHAPE, STRIDED_SLICE, PACK, .. before a RESHAPE) and keep float16 or
//! int8 constants behind a DEQUANTIZE. Since all shapes are static, the former are constants too. Nodes are folded in
//! the file's order, so that a conversion that needs a constant finds it.

mod integer;
mod movement;
mod scale;

use crate::graph::{Graph, Node, Op, Refusal, Tensor, check};
use std::sync::Arc;

/// The contents of each output of node `index`, if all its inputs are constant, the operator is one that is folded, and
/// `affordable` allows for the bytes read and written.
pub(super) fn evaluate(
    graph: &Graph,
    index: usize,
    affordable: impl Fn(usize) -> bool,
) -> Result<Option<Vec<Arc<[u8]>>>, Refusal> {
    let node = &graph.nodes[index];
    let tensors = |id: usize| &graph.tensors[id];
    let inputs: Option<Vec<&Tensor>> = node.inputs.iter().map(|id| id.map(tensors)).collect();
    let Some(inputs) = inputs.filter(|inputs| inputs.iter().all(|t| t.data.is_some())) else { return Ok(None) };
    let outputs: Vec<&Tensor> = node.outputs.iter().copied().map(tensors).collect();
    let cost = inputs.iter().chain(&outputs).fold(0, |sum: usize, t| sum.saturating_add(t.bytes()));
    if inputs.is_empty() || outputs.is_empty() || !is_folded(&node.op) || !affordable(cost) {
        return Ok(None);
    }
    check(graph, node)?;
    Ok(compute(node, &inputs, &outputs))
}

fn is_folded(op: &Op) -> bool {
    use Op::*;
    let moves = matches!(op, Reshape | Transpose { .. } | StridedSlice { .. } | Concatenation { .. } | Split { .. })
        || matches!(op, Pack { .. } | Unpack { .. } | Gather { .. });
    moves
        || matches!(op, Add { .. } | Sub { .. } | Mul { .. } | Binary(_) | Reduce { .. } | Cast | Quantize | Dequantize)
}

/// `None` where this operator is not folded for these types, or an integer would overflow.
fn compute(node: &Node, inputs: &[&Tensor], outputs: &[&Tensor]) -> Option<Vec<Arc<[u8]>>> {
    let x = inputs[0];
    let one = |data: Option<Vec<u8>>| data.map(|data| vec![Arc::from(data)]);
    match &node.op {
        Op::Reshape => Some(vec![x.data.clone()?]),
        Op::Transpose { perm } => one(movement::transpose(x, perm)),
        Op::StridedSlice { begin, size, stride } => one(movement::slice(x, begin, size, stride)),
        Op::Concatenation { axis, .. } | Op::Pack { axis } => one(movement::join(inputs, outputs[0], *axis)),
        Op::Split { axis } | Op::Unpack { axis } => movement::cut(x, outputs, *axis),
        Op::Gather { axis, batch_dims: 0 } => one(movement::gather(x, inputs[1], *axis)),
        Op::Quantize => one(scale::quantize(x, outputs[0])),
        Op::Dequantize => one(scale::dequantize(x)),
        op => one(integer::compute(op, inputs, outputs[0])),
    }
}
