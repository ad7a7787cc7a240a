//! Which graphs the engine runs.

use super::shape::MAX_RANK;
use tinderbox::graph::{DType, Graph, Node, Op};

/// Why a graph does not run in the engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{op} `{node}`: {what}")]
pub struct Unsupported {
    op: String,
    node: String,
    what: String,
}

/// Demands a float graph of known operators.
pub(super) fn check(graph: &Graph) -> Result<(), Unsupported> {
    for (index, node) in graph.nodes.iter().enumerate() {
        if let Err(what) = check_node(graph, node) {
            return Err(Unsupported { op: graph.place(index).op, node: node.name.clone(), what });
        }
    }
    Ok(())
}

fn check_node(graph: &Graph, node: &Node) -> Result<(), String> {
    let indices = matches!(node.op, Op::Pad | Op::Reshape | Op::Gather { .. });
    for (slot, id) in node.inputs.iter().enumerate().filter_map(|(slot, id)| Some((slot, (*id)?))) {
        let tensor = &graph.tensors[id];
        if tensor.dtype != DType::F32 && !(indices && slot == 1) {
            let name = &tensor.name;
            return Err(format!(
                "`{name}` is {}; only float models can be trained, give the float model",
                tensor.dtype
            ));
        }
        if tensor.shape.len() > MAX_RANK {
            return Err(format!("`{}` has {} dimensions, at most {MAX_RANK} here", tensor.name, tensor.shape.len()));
        }
    }
    let depth = |slot: usize| node.inputs[slot].and_then(|id| graph.tensors[id].shape.last());
    match node.op {
        Op::Conv2d { .. } if depth(0) != depth(1) => Err("grouped convolutions are not supported here".into()),
        Op::Gather { .. } if node.inputs[1].is_none_or(|id| graph.tensors[id].data.is_none()) => {
            Err("only constant indices are supported here".into())
        }
        Op::Conv2d { .. }
        | Op::DepthwiseConv2d { .. }
        | Op::FullyConnected { .. }
        | Op::AveragePool2d { .. }
        | Op::MaxPool2d { .. }
        | Op::Add { .. }
        | Op::Sub { .. }
        | Op::Mul { .. }
        | Op::Binary(_)
        | Op::Unary(_)
        | Op::Prelu
        | Op::Softmax { .. }
        | Op::LogSoftmax
        | Op::L2Normalization
        | Op::Reduce { .. }
        | Op::Reshape
        | Op::Transpose { .. }
        | Op::StridedSlice { .. }
        | Op::Pad
        | Op::Concatenation { .. }
        | Op::Split { .. }
        | Op::Pack { .. }
        | Op::Unpack { .. }
        | Op::Tile { .. }
        | Op::BroadcastTo
        | Op::Gather { batch_dims: 0, .. }
        | Op::Reverse { .. } => Ok(()),
        // Between types of integers that are still to come.
        Op::Quantize if graph.tensors[node.outputs[0]].dtype == DType::F32 => Ok(()),
        _ => Err("not supported here: evaluate, quantize or prune a model without it".into()),
    }
}
