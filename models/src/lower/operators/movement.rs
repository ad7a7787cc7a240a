//! Operators that move elements: padding, reshapes, copies, constants.

use crate::graph::{Graph, Node, Op, Padding, TensorId};
use crate::lower::lowering::Lowering;
use crate::lower::window::int;
use crate::lower::{Error, View, rows_of};
use crate::plan::dataflow::BufferId;
use std::collections::HashMap;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::shape::Pad;

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
        if let (true, false, Some([[0, 0], [top, _], [left, _], [0, 0]])) =
            (only_reader, graph.outputs.contains(&output), amounts(graph, node).as_deref())
        {
            merged.insert(output, Padded { source: *source, top: *top, left: *left });
        }
    }
    merged
}

/// Elements added before and after, per dimension.
fn amounts(graph: &Graph, node: &Node) -> Option<Vec<[usize; 2]>> {
    let tensor = &graph.tensors[(*node.inputs.get(1)?)?];
    let data = tensor.data.as_deref()?;
    let numbers: Vec<usize> = match tensor.dtype.bytes() {
        4 => data.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes) as usize).collect(),
        8 => data.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as usize).collect(),
        _ => return None,
    };
    Some(numbers.as_chunks().0.to_vec())
}

/// Lowers `PAD` and `PADV2` over rows, columns and channels.
pub(super) fn pad(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    if lowering.padded.contains_key(&output) {
        return Ok(());
    }
    let (from, to) = (lowering.tensor(input), lowering.tensor(output));
    let amounts = amounts(lowering.graph, node).ok_or_else(|| Error::unsupported(node, "paddings must be constant"))?;
    let pad = |i: usize| amounts.len().checked_sub(i).map_or([0, 0], |at| amounts[at]);
    let size = |shape: &[usize], i: usize| shape.len().checked_sub(i).map_or(1, |at| shape[at]);
    if amounts.iter().rev().skip(3).any(|p| *p != [0, 0]) {
        return Err(Error::unsupported(node, "only rows, columns and channels can be padded"));
    }
    let element = from.dtype.bytes();
    let (in_h, out_h) = (size(&from.shape, 3), size(&to.shape, 3));
    let images = from.shape.iter().rev().skip(3).product::<usize>();
    let small = |n: usize| int(n).ok_or_else(|| Error::unsupported(node, "a dimension is too large"));
    let params = Pad {
        in_height: small(in_h)?,
        out_height: small(out_h)?,
        top: small(pad(3)[0])?,
        in_width: small(size(&from.shape, 2))?,
        left: small(pad(2)[0])?,
        in_pixel: small(size(&from.shape, 1) * element)?,
        out_pixel: small(size(&to.shape, 1) * element)?,
        front: small(pad(1)[0] * element)?,
    };
    let value = match node.inputs.get(2) {
        Some(Some(_)) => lowering.constant_input(node, 2)?.to_vec(),
        _ => from.quant.as_ref().map_or(0i64, |q| q.zero_points[0].into()).to_le_bytes()[..element].to_vec(),
    };
    let view = |tensor: &crate::graph::Tensor, rows: usize| View { rows, row_bytes: tensor.bytes() / rows.max(1) };
    let top = pad(3)[0];
    let rows = move |y: usize| {
        let (image, y) = (y / out_h, y % out_h);
        let inside = |row: usize| image * in_h + row.clamp(top, top + in_h) - top;
        inside(y)..inside(y + 1)
    };
    lowering
        .layer(node, abi::PAD, images * out_h)
        .reads(input, view(from, images * in_h), rows)
        .writes(output, view(to, images * out_h), |y| y..y + 1)
        .params(params.words())
        .weights(value)
        .finish();
    Ok(())
}

/// Lowers `RESHAPE`: the output is the input's buffer.
pub(super) fn reshape(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    let buffer = lowering.buffer_of(input);
    lowering.buffers[node.outputs[0]] = Some(buffer);
    Ok(())
}

/// A buffer with a copy of `tensor`.
pub(in crate::lower) fn copy(lowering: &mut Lowering<'_>, tensor: TensorId) -> BufferId {
    let record = lowering.tensor(tensor);
    let view = rows_of(record);
    lowering
        .added_layer(&record.name, "COPY", abi::COPY, view.rows)
        .reads(tensor, view, |y| y..y + 1)
        .writes(tensor, view, |y| y..y + 1)
        .finish();
    lowering.flow.buffers.len() - 1
}

/// A buffer that is filled, row by row, from the program's constants.
pub(in crate::lower) fn constant(lowering: &mut Lowering<'_>, tensor: TensorId) -> BufferId {
    let record = lowering.tensor(tensor);
    let view = rows_of(record);
    let data = record.data.as_deref().unwrap_or_default().to_vec();
    lowering
        .added_layer(&record.name, "CONSTANT", abi::CONSTANT, view.rows)
        .writes(tensor, view, |y| y..y + 1)
        .weights(data)
        .finish();
    lowering.flow.buffers.len() - 1
}
