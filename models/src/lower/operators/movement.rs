//! Operators that move elements: each becomes a [`Map`], or nothing where no element moves.

mod join;
mod map;
mod pad;
mod source;

pub(super) use join::{concatenation, pack};
use map::{Axis, Map};
pub(super) use pad::pad;
pub(in crate::lower) use pad::{Padded, paddings_to_merge};

use crate::graph::{Node, Op, Tensor, TensorId};
use crate::lower::lowering::Lowering;
use crate::lower::{Error, rows_of};
use crate::passes::Pass;
use crate::plan::dataflow::BufferId;
use tinderbox_runtime::abi;

/// Lowers an operator whose every output is a rearrangement of its first input.
pub(super) fn rearrange(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    for (i, output) in node.outputs.iter().enumerate() {
        let axes = axes(lowering, node, i)?;
        move_elements(lowering, node, input, *output, &Map::new(axes), &[]);
    }
    Ok(())
}

/// Where the elements of output `i` come from.
fn axes(lowering: &Lowering<'_>, node: &Node, i: usize) -> Result<Vec<Axis>, Error> {
    let shape = &lowering.tensor(lowering.input(node, 0)?).shape;
    let output = &lowering.tensor(node.outputs[i]).shape;
    Ok(match &node.op {
        Op::Transpose { perm } => source::transpose(shape, perm),
        Op::StridedSlice { begin, size, stride } => source::slice(shape, begin, size, stride),
        Op::Split { axis } => {
            let before = node.outputs[..i].iter().map(|id| lowering.tensor(*id).shape[*axis]).sum();
            source::part(shape, *axis, before, output[*axis])
        }
        Op::Unpack { axis } => source::part(shape, *axis, i, 1),
        Op::Tile { multiples } => source::tile(shape, multiples),
        Op::BroadcastTo => source::broadcast(shape, output),
        Op::Reverse { axes } => source::reverse(shape, axes),
        Op::MirrorPad { mode, paddings } => source::mirror_pad(shape, *mode, paddings),
        Op::BatchToSpaceNd { block, crops } => source::batch_to_space(shape, output, block, crops),
        Op::SpaceToDepth { block } => source::space_to_depth(shape, *block),
        Op::DepthToSpace { block } => source::depth_to_space(shape, *block),
        Op::Resize(resize) => source::nearest(shape, output, *resize),
        Op::Gather { axis, batch_dims: 0 } => source::gather(shape, *axis, &indices(lowering, node)?),
        Op::GatherNd => {
            let depth = lowering.tensor(lowering.input(node, 1)?).shape.last().copied().unwrap_or(1);
            source::gather_nd(shape, depth, &indices(lowering, node)?)
        }
        _ => return Err(Error::unsupported(node, "there is no kernel for this form of it")),
    })
}

/// Constant indices, which the importer has checked.
fn indices(lowering: &Lowering<'_>, node: &Node) -> Result<Vec<usize>, Error> {
    let tensor = lowering.tensor(lowering.input(node, 1)?);
    let indices =
        tensor.integers().ok_or_else(|| Error::unsupported(node, format!("`{}` must be constant", tensor.name)))?;
    Ok(indices.into_iter().map(|index| index as usize).collect())
}

/// Lowers `SPACE_TO_BATCH_ND`: first the padding, then the blocks.
pub(super) fn space_to_batch(
    lowering: &mut Lowering<'_>,
    node: &Node,
    block: &[usize],
    paddings: &[(usize, usize)],
) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    let mut padded = lowering.tensor(input).clone();
    let rest = padded.shape.len() - 1 - paddings.len();
    let paddings = [vec![(0, 0)], paddings.to_vec(), vec![(0, 0); rest]].concat();
    let axes = source::pad(&padded.shape, &paddings);
    for (n, (before, after)) in padded.shape.iter_mut().zip(&paddings) {
        *n += before + after;
    }
    let plan = Map::new(axes).plan(lowering.tensor(input), &padded);
    let zero = real_zero(&padded);
    add(lowering, node, input, output, plan, &zero);
    let plan = Map::new(source::space_to_batch(&padded.shape, block)).plan(&padded, lowering.tensor(output));
    // The padded image stands in for the output until now.
    add(lowering, node, output, output, plan, &[]);
    Ok(())
}

/// The first operand of a product with its last two axes exchanged; it stands in for the output for a while.
pub(super) fn turned(lowering: &mut Lowering<'_>, node: &Node, input: TensorId) -> TensorId {
    let from = lowering.tensor(input);
    let mut perm: Vec<usize> = (0..from.shape.len()).collect();
    let rank = perm.len();
    perm.swap(rank - 2, rank - 1);
    let to = Tensor { shape: perm.iter().map(|axis| from.shape[*axis]).collect(), ..from.clone() };
    let plan = Map::new(source::transpose(&from.shape, &perm)).plan(from, &to);
    add(lowering, node, input, node.outputs[0], plan, &[]);
    node.outputs[0]
}

/// The bytes of an element that means 0.
pub(super) fn real_zero(tensor: &Tensor) -> Vec<u8> {
    let zero = tensor.quant.as_ref().map_or(0i64, |q| q.zero_points[0].into());
    zero.to_le_bytes()[..tensor.dtype.bytes()].to_vec()
}

fn move_elements(lowering: &mut Lowering<'_>, node: &Node, input: TensorId, output: TensorId, map: &Map, fill: &[u8]) {
    let (from, to) = (lowering.tensor(input), lowering.tensor(output));
    if map.moves_nothing(from.elements()) && lowering.apply(Pass::Identities, 1) {
        return alias(lowering, input, output);
    }
    add(lowering, node, input, output, map.plan(from, to), fill);
}

fn add(lowering: &mut Lowering<'_>, node: &Node, input: TensorId, output: TensorId, plan: map::Plan, fill: &[u8]) {
    lowering
        .layer(node, abi::REARRANGE, plan.output.rows)
        .reads(input, plan.input, |y| plan.rows[y].clone())
        .writes(output, plan.output, |y| y..y + 1)
        .params(plan.params)
        .channels(plan.tables)
        .weights(fill)
        .macs(0)
        .finish();
}

/// Lowers `RESHAPE`.
pub(super) fn reshape(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    alias(lowering, input, node.outputs[0]);
    Ok(())
}

/// The output is the input's buffer.
pub(in crate::lower) fn alias(lowering: &mut Lowering<'_>, input: TensorId, output: TensorId) {
    let buffer = lowering.buffer_of(input);
    lowering.buffers[output] = Some(buffer);
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
