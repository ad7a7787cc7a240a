//! Operators' names and inputs. Attributes that TensorFlow Lite keeps in constant inputs become such again.

use super::slice::Slice;
use crate::graph::{Graph, Node, Op, TensorId};

/// An input in the file.
pub(super) enum Input {
    /// An optional one that is not there.
    Absent,
    /// One of the graph's tensors.
    Tensor(TensorId),
    /// A constant of type INT32 that the graph does not have.
    Numbers { role: &'static str, shape: Vec<usize>, values: Vec<i32> },
}

/// The name and inputs of a node's operator.
pub(super) fn inputs(graph: &Graph, node: &Node) -> (&'static str, Vec<Input>) {
    let input = |i: usize| node.inputs.get(i).copied().flatten().map_or(Input::Absent, Input::Tensor);
    let shape = |i: usize| graph.tensors[node.outputs[i]].shape.clone();
    let with = |numbers: Vec<Input>| std::iter::once(input(0)).chain(numbers).collect::<Vec<_>>();
    let inputs = match &node.op {
        Op::TransposeConv { .. } => vec![vector("output_shape", shape(0)), input(1), input(0), input(2)],
        Op::Resize(_) => with(vec![vector("size", shape(0)[1..3].to_vec())]),
        Op::Reduce { axes, .. } | Op::Reverse { axes } => with(vec![vector("axes", axes.clone())]),
        Op::Arg { axis, .. } => with(vec![scalar("axis", *axis)]),
        Op::TopK { k } => with(vec![scalar("k", *k)]),
        Op::Reshape | Op::BroadcastTo => with(vec![vector("shape", shape(0))]),
        Op::Transpose { perm } => with(vec![vector("perm", perm.clone())]),
        Op::Tile { multiples } => with(vec![vector("multiples", multiples.clone())]),
        Op::StridedSlice { begin, size, stride } => {
            let slice = Slice::new(begin, size, stride, &shape(0));
            with(vec![numbers("begin", slice.begin), numbers("end", slice.end), numbers("strides", slice.stride)])
        }
        Op::MirrorPad { paddings, .. } => with(vec![pairs("paddings", paddings)]),
        Op::SpaceToBatchNd { block, paddings } => {
            with(vec![vector("block", block.clone()), pairs("paddings", paddings)])
        }
        Op::BatchToSpaceNd { block, crops } => with(vec![vector("block", block.clone()), pairs("crops", crops)]),
        Op::Pad if node.inputs.len() == 3 => return ("PADV2", (0..3).map(input).collect()),
        Op::Split { axis } => {
            let parts = parts(graph, node, *axis);
            if !are_equal(&parts) {
                return ("SPLIT_V", with(vec![vector("sizes", parts), scalar("axis", *axis)]));
            }
            vec![scalar("axis", *axis), input(0)]
        }
        Op::UnidirectionalSequenceLstm { .. } => lstm(input),
        _ => (0..node.inputs.len()).map(input).collect(),
    };
    (node.op.name(), inputs)
}

/// The lengths that a SPLIT cuts its axis into.
pub(super) fn parts(graph: &Graph, node: &Node, axis: usize) -> Vec<usize> {
    node.outputs.iter().map(|&id| graph.tensors[id].shape[axis]).collect()
}

/// SPLIT makes equal parts only; for others there is SPLIT_V.
pub(super) fn are_equal(parts: &[usize]) -> bool {
    parts.windows(2).all(|pair| pair[0] == pair[1])
}

/// The 24 slots, without peepholes, projection and layer normalization.
fn lstm(input: impl Fn(usize) -> Input) -> Vec<Input> {
    let slot = |slot| match slot {
        0..9 => input(slot),
        12..16 => input(slot - 3),
        18..20 => input(slot - 5),
        _ => Input::Absent,
    };
    (0..24).map(slot).collect()
}

fn scalar(role: &'static str, value: usize) -> Input {
    Input::Numbers { role, shape: vec![], values: vec![value as i32] }
}

fn numbers(role: &'static str, values: Vec<i32>) -> Input {
    Input::Numbers { role, shape: vec![values.len()], values }
}

fn vector(role: &'static str, values: Vec<usize>) -> Input {
    numbers(role, values.into_iter().map(|n| n as i32).collect())
}

fn pairs(role: &'static str, values: &[(usize, usize)]) -> Input {
    let numbers = values.iter().flat_map(|&(before, after)| [before as i32, after as i32]);
    Input::Numbers { role, shape: vec![values.len(), 2], values: numbers.collect() }
}
