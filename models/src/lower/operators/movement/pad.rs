//! Padding, as an operator and as part of another one.

use super::map::Map;
use super::{move_elements, real_zero, source};
use crate::graph::{Graph, Node, Op, Padding, TensorId};
use crate::lower::Error;
use crate::lower::lowering::Lowering;
use std::collections::HashMap;

/// A tensor that is another one with zero points around it.
#[derive(Clone, Copy, Debug)]
pub(in crate::lower) struct Padded {
    pub(in crate::lower) source: TensorId,
    pub(in crate::lower) top: usize,
    pub(in crate::lower) left: usize,
}

/// Paddings by the zero point whose only reader is a VALID convolution: its windows reach into the padding instead.
pub(in crate::lower) fn paddings_to_merge(graph: &Graph) -> HashMap<TensorId, Padded> {
    let mut merged = HashMap::new();
    for node in &graph.nodes {
        let (Op::Pad, None | Some(None), Some(Some(source))) = (&node.op, node.inputs.get(2), node.inputs.first())
        else {
            continue;
        };
        let output = node.outputs[0];
        let mut readers = graph.nodes.iter().filter(|n| n.inputs.contains(&Some(output)));
        let convolves = |n: &Node| match n.op {
            Op::Conv2d { padding, .. } | Op::DepthwiseConv2d { padding, .. } => padding == Padding::Valid,
            _ => false,
        };
        let only_reader = readers.next().is_some_and(convolves) && readers.next().is_none();
        if let (true, false, Some([(0, 0), (top, _), (left, _), (0, 0)])) =
            (only_reader, graph.outputs.contains(&output), amounts(graph, node).as_deref())
        {
            merged.insert(output, Padded { source: *source, top: *top, left: *left });
        }
    }
    merged
}

/// Elements added before and after, per axis.
fn amounts(graph: &Graph, node: &Node) -> Option<Vec<(usize, usize)>> {
    let amounts = graph.tensors[(*node.inputs.get(1)?)?].integers()?;
    Some(amounts.chunks(2).map(|pair| (pair[0] as usize, pair[1] as usize)).collect())
}

/// Lowers `PAD` and `PADV2`.
pub(in crate::lower) fn pad(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    if lowering.padded.contains_key(&output) {
        return Ok(());
    }
    let from = lowering.tensor(input);
    let paddings =
        amounts(lowering.graph, node).ok_or_else(|| Error::unsupported(node, "paddings must be constant"))?;
    let value = match node.inputs.get(2) {
        Some(Some(_)) => lowering.constant_input(node, 2)?.to_vec(),
        _ => real_zero(from),
    };
    let axes = source::pad(&from.shape, &paddings);
    move_elements(lowering, node, input, output, &Map::new(axes), &value);
    Ok(())
}
