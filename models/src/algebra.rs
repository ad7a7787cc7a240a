//! Exact algebra: what provably does not change a byte of the output, and costs less.
//!
//! [`drop_channels`] removes channels that are constant, or that nothing depends on. Trained networks have many: filters
//! that weight decay drove to zero, and what only they would have read.

mod needs;
mod ranges;
mod rewrite;

use crate::graph::{Graph, Op, Tensor, TensorId};
use crate::passes::{Gains, Pass};

/// Removes channels of int8 tensors that do not matter. The graph's inputs and outputs keep theirs.
pub fn drop_channels(graph: &Graph) -> Graph {
    let ranges = ranges::of_all_tensors(graph);
    let keep = needs::channels_to_keep(graph, &ranges);
    rewrite::keep_channels(graph, &ranges, &keep).unwrap_or_else(|| graph.clone())
}

/// Adds what it gave to drop channels of `graph`: those of computed tensors that `smaller` does not have.
pub fn count_dropped(graph: &Graph, smaller: &Graph, gains: &mut Gains) {
    let channels = |tensor: &Tensor| if tensor.data.is_none() { tensor.shape.last().copied().unwrap_or(1) } else { 0 };
    let dropped = graph.tensors.iter().zip(&smaller.tensors).map(|(from, to)| channels(from) - channels(to)).sum();
    gains.macs += graph.macs() - smaller.macs();
    gains.add(Pass::Channels, dropped);
}

/// How an operator's output channels depend on its input's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dependence {
    /// Every output channel on every input channel, by weights \[out, .., in\].
    Weighted,
    /// Every output channel on the input channel of the same number, and equal numbers of them.
    Channelwise,
    /// In a way that is not looked into.
    Unknown,
}

impl Dependence {
    /// Of node `index`.
    fn of(graph: &Graph, index: usize) -> Self {
        let node = &graph.nodes[index];
        let channels = |id: TensorId| graph.tensors[id].shape.last().copied().unwrap_or(1);
        let (Some(Some(input)), [output]) = (node.inputs.first(), node.outputs.as_slice()) else {
            return Self::Unknown;
        };
        let int8 = |id: TensorId| ranges::is_plain_int8(&graph.tensors[id]);
        if !int8(*input) || !int8(*output) {
            return Self::Unknown;
        }
        let weights = node.inputs.get(1).copied().flatten().map(|id| &graph.tensors[id]);
        let constant = weights.is_some_and(|w| w.data.is_some());
        match node.op {
            Op::Conv2d { .. } if constant && weights.is_some_and(|w| w.shape.last() == Some(&channels(*input))) => {
                Self::Weighted
            }
            Op::FullyConnected { .. }
                if constant && weights.is_some_and(|w| w.shape.get(1) == Some(&channels(*input))) =>
            {
                Self::Weighted
            }
            Op::DepthwiseConv2d { multiplier: 1, .. } if constant => Self::Channelwise,
            Op::AveragePool2d { .. } | Op::MaxPool2d { .. } => Self::Channelwise,
            Op::Reshape if channels(*input) == channels(*output) => Self::Channelwise,
            Op::Add { .. }
                if node.inputs.iter().flatten().all(|id| {
                    graph.tensors[*id].data.is_none()
                        && graph.tensors[*id].shape == graph.tensors[*output].shape
                        && int8(*id)
                }) =>
            {
                Self::Channelwise
            }
            _ => Self::Unknown,
        }
    }
}

/// Whether windows of a convolution may reach beyond the image.
fn pads(op: &Op) -> bool {
    match op {
        Op::Conv2d { padding, .. } | Op::DepthwiseConv2d { padding, .. } => *padding == crate::graph::Padding::Same,
        _ => false,
    }
}
