//! Layers in int16 among others in int8: where tensors change their type.

use super::range::Range;
use std::collections::BTreeSet;
use tinderbox::graph::{Graph, Node, Op, TensorId};

/// Inserts a [`Op::Quantize`] wherever a layer of `int16` meets another one; the tensors that are int16 then. A reshape goes
/// with what it reshapes, and so does an input with its readers. An output that an int16 layer writes stays int16. New
/// tensors get the ranges of the old ones.
pub(super) fn insert(graph: &mut Graph, ranges: &mut Vec<Range>, int16: &BTreeSet<String>) -> BTreeSet<TensorId> {
    let mut wide = BTreeSet::new();
    if int16.is_empty() {
        return wide;
    }
    for input in &graph.inputs {
        let mut readers = graph.nodes.iter().filter(|node| node.inputs.contains(&Some(*input))).peekable();
        if readers.peek().is_some() && readers.all(|node| int16.contains(&node.name)) {
            wide.insert(*input);
        }
    }
    // What tensors are called in the other type.
    let mut other: Vec<Option<TensorId>> = vec![None; graph.tensors.len()];
    for mut node in std::mem::take(&mut graph.nodes) {
        let follows = matches!(node.op, Op::Reshape) && node.inputs[0].is_some_and(|id| wide.contains(&id));
        let is_wide = follows || int16.contains(&node.name);
        for input in node.inputs.iter_mut().flatten() {
            if graph.tensors[*input].data.is_some() || wide.contains(input) == is_wide {
                continue;
            }
            if other[*input].is_none() {
                other[*input] = Some(convert(graph, *input));
                ranges.push(ranges[*input]);
                wide.extend(other[*input].filter(|_| is_wide));
            }
            *input = other[*input].unwrap_or(*input);
        }
        wide.extend(node.outputs.iter().filter(|_| is_wide));
        graph.nodes.push(node);
    }
    wide
}

/// A tensor in the other type.
fn convert(graph: &mut Graph, from: TensorId) -> TensorId {
    let mut tensor = graph.tensors[from].clone();
    tensor.name.push_str("/requantized");
    graph.tensors.push(tensor);
    let to = graph.tensors.len() - 1;
    let name = graph.tensors[to].name.clone();
    graph.nodes.push(Node { name, op: Op::Quantize, inputs: vec![Some(from)], outputs: vec![to] });
    to
}
