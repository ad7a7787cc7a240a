//! Multiply-accumulates: the unit in which the work of a network is told.

use super::{Graph, Node, Op};

/// Multiply-accumulates of one execution of `node`, which belongs to `graph`; border windows count in full. Zero for
/// operators that are not sums of products.
pub fn macs(graph: &Graph, node: &Node) -> u64 {
    let input = |i: usize| node.inputs[i].map_or(&[][..], |id| &graph.tensors[id].shape);
    let output = || &graph.tensors[node.outputs[0]].shape;
    let product = |shape: &[usize]| shape.iter().map(|&n| n as u64).product::<u64>();
    match &node.op {
        Op::Conv2d { .. } => product(output()) * product(&input(1)[1..]),
        Op::DepthwiseConv2d { .. } => product(output()) * product(&input(1)[1..3]),
        Op::TransposeConv { .. } => product(input(0)) * product(&input(1)[..3]),
        Op::FullyConnected { .. } => product(output()) * input(1)[1] as u64,
        Op::BatchMatMul { adj_x, .. } => {
            let depth = input(0).len() - if *adj_x { 2 } else { 1 };
            product(output()) * input(0)[depth] as u64
        }
        Op::Svdf { .. } => input(0)[0] as u64 * (product(input(1)) + product(input(2))),
        Op::UnidirectionalSequenceLstm { .. } => {
            let steps = input(0)[0] as u64 * input(0)[1] as u64;
            steps * (1..9).map(|i| product(input(i))).sum::<u64>()
        }
        _ => 0,
    }
}

impl Graph {
    /// Multiply-accumulates of one inference.
    pub fn macs(&self) -> u64 {
        self.nodes.iter().map(|node| macs(self, node)).sum()
    }
}
