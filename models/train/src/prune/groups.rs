//! Tensors that must keep the same channels: what an addition, a depthwise convolution or a pool joins.

use tinderbox::graph::{Graph, Op, Reduction, TensorId};

/// A set of tensors with the same channels.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The tensors.
    pub tensors: Vec<TensorId>,
    /// Number of channels.
    pub channels: usize,
    /// Convolutions and dense layers that read one of them.
    pub readers: Vec<usize>,
}

/// All groups whose channels may go: each is written by products only, and read by products only, beside operators that
/// work channel by channel.
pub fn of(graph: &Graph) -> Vec<Group> {
    let mut group: Vec<TensorId> = (0..graph.tensors.len()).collect();
    let mut pinned: Vec<TensorId> = graph.inputs.iter().chain(&graph.outputs).copied().collect();
    for node in &graph.nodes {
        let data: Vec<TensorId> =
            node.inputs.iter().flatten().copied().filter(|id| graph.tensors[*id].data.is_none()).collect();
        match node.op {
            Op::Conv2d { .. } | Op::FullyConnected { .. } => {}
            _ if is_channelwise(graph, node) => {
                for id in data {
                    let (from, to) = (group[id], group[node.outputs[0]]);
                    group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
                }
            }
            _ => pinned.extend(data.into_iter().chain(node.outputs.iter().copied())),
        }
    }
    let pinned: Vec<TensorId> = pinned.into_iter().map(|id| group[id]).collect();
    let channels = |id: TensorId| graph.tensors[id].shape.last().copied().unwrap_or(1);
    let mut roots: Vec<TensorId> = (0..group.len())
        .filter(|id| group[*id] == *id && graph.tensors[*id].data.is_none() && !pinned.contains(id))
        .collect();
    roots.retain(|root| channels(*root) > 1);
    let reads = |index: &usize, root: TensorId| {
        let node = &graph.nodes[*index];
        matches!(node.op, Op::Conv2d { .. } | Op::FullyConnected { .. })
            && node.inputs[0].is_some_and(|id| group[id] == root)
    };
    let group_of = |root: TensorId| Group {
        tensors: (0..group.len()).filter(|id| group[*id] == root && graph.tensors[*id].data.is_none()).collect(),
        channels: channels(root),
        readers: (0..graph.nodes.len()).filter(|index| reads(index, root)).collect(),
    };
    roots.into_iter().map(group_of).filter(|group| !group.readers.is_empty()).collect()
}

fn is_channelwise(graph: &Graph, node: &tinderbox::graph::Node) -> bool {
    let shape = |id: TensorId| &graph.tensors[id].shape;
    let (Some(Some(input)), [output]) = (node.inputs.first(), node.outputs.as_slice()) else { return false };
    let same_channels = shape(*input).last() == shape(*output).last();
    match &node.op {
        Op::DepthwiseConv2d { multiplier, .. } => *multiplier == 1,
        Op::AveragePool2d { .. } | Op::MaxPool2d { .. } | Op::Unary(_) => true,
        Op::Add { .. } | Op::Sub { .. } => {
            node.inputs.iter().flatten().all(|id| graph.tensors[*id].data.is_none() && shape(*id) == shape(*output))
        }
        // One pixel: its elements are the channels.
        Op::Reshape => same_channels && graph.tensors[*input].elements() == *shape(*input).last().unwrap_or(&1),
        Op::Reduce { kind: Reduction::Mean, axes, .. } => same_channels && !axes.contains(&(shape(*input).len() - 1)),
        Op::Pad => {
            let amounts = node.inputs.get(1).copied().flatten().and_then(|id| graph.tensors[id].integers());
            same_channels && amounts.is_some_and(|a| a.ends_with(&[0, 0]))
        }
        _ => false,
    }
}
