//! Operators that move data or tell about shapes.

use super::{
    build::Builder,
    context::{Type, arity},
    layout::relabelled,
    node::Node,
    normalize::{droppable, without},
    value::{Value, View},
};
use crate::{
    graph::{DType, MirrorMode, Op, Refusal, ensure},
    import::axis,
};

pub(super) fn identity(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    let x = b.input_of(n, 0)?;
    if n.outputs.iter().skip(1).any(|name| !name.is_empty()) {
        return Err(Refusal::unsupported("only the first output is supported"));
    }
    b.define(&n.outputs[0], x)
}

/// Inputs: x, shape. A length of 0 is that of x, one may be -1.
pub(super) fn reshape(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=2, 1)?;
    let x = b.input_of(n, 0)?;
    let wanted = b.integers(n, 1, "shape")?.ok_or_else(|| Refusal::invalid("the shape is missing"))?;
    let zero_is_zero = n.flag("allowzero")?;
    let mut shape = Vec::new();
    for (i, &length) in wanted.iter().enumerate() {
        shape.push(match (length, x.shape.get(i)) {
            (0, Some(&n)) if !zero_is_zero => n,
            (-1, _) => usize::MAX,
            (n, _) => usize::try_from(n).map_err(|_| Refusal::invalid(format!("negative length in {wanted:?}")))?,
        });
    }
    let open: Vec<usize> = (0..shape.len()).filter(|&i| shape[i] == usize::MAX).collect();
    ensure!(open.len() <= 1, "two unknown dimensions in {wanted:?}");
    if let Some(&open) = open.first() {
        let known = shape.iter().filter(|&&n| n != usize::MAX).try_fold(1usize, |product, &n| product.checked_mul(n));
        let elements: usize = x.shape.iter().product();
        let known = known.filter(|&known| known > 0 && elements.is_multiple_of(known));
        let known = known.ok_or_else(|| Refusal::invalid(format!("{:?} cannot become {wanted:?}", x.shape)))?;
        shape[open] = elements / known;
    }
    super::tensor::shape(&shape.iter().map(|&n| n as i64).collect::<Vec<_>>(), DType::I8)?;
    let y = b.reshaped(&x, shape)?;
    b.define(&n.outputs[0], y)
}

pub(super) fn flatten(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let x = b.input_of(n, 0)?;
    let given = n.int("axis")?.unwrap_or(1);
    let at = if given == x.rank() as i64 { x.rank() } else { axis(given, x.rank())? };
    let (lead, rest) = x.shape.split_at(at);
    let y = b.reshaped(&x, vec![lead.iter().product(), rest.iter().product()])?;
    b.define(&n.outputs[0], y)
}

/// Inputs: x, axes? (all of length 1 where absent).
pub(super) fn squeeze(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=2, 1)?;
    let x = b.input_of(n, 0)?;
    let x = b.unflattened(&x)?;
    let axes = b.axes(n, 1, x.rank())?;
    let axes = axes.unwrap_or_else(|| (0..x.rank()).filter(|&axis| x.shape[axis] == 1).collect());
    droppable(&x, &axes)?;
    b.define(&n.outputs[0], without(&x, &axes))
}

/// Inputs: x, axes.
pub(super) fn unsqueeze(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=2, 1)?;
    let x = b.input_of(n, 0)?;
    let x = b.unflattened(&x)?;
    let given = b.integers(n, 1, "axes")?.ok_or_else(|| Refusal::invalid("axes are missing"))?;
    let rank = x.rank() + given.len();
    let axes: Vec<usize> = given.into_iter().map(|a| axis(a, rank)).collect::<Result<_, _>>()?;
    let mut lengths = x.shape.iter();
    let shape: Option<Vec<usize>> =
        (0..rank).map(|axis| if axes.contains(&axis) { Some(1) } else { lengths.next().copied() }).collect();
    let shape =
        shape.filter(|_| lengths.len() == 0).ok_or_else(|| Refusal::invalid(format!("axes {axes:?} repeat")))?;
    let mut kept = (0..rank).filter(|axis| !axes.contains(axis));
    let names: Vec<usize> = kept.by_ref().collect();
    let axes = x.axes.iter().map(|axis| axis.map(|axis| names[axis])).collect();
    b.define(&n.outputs[0], Value { shape, axes, ..x })
}

/// Nothing moves: the axes get other names.
pub(super) fn transpose(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let x = b.input_of(n, 0)?;
    let x = b.unflattened(&x)?;
    let reversed = || (0..x.rank() as i64).rev().collect();
    let perm: Vec<i64> = n.ints("perm").map_or_else(reversed, <[i64]>::to_vec);
    let perm: Vec<usize> = perm.into_iter().map(|a| axis(a, x.rank())).collect::<Result<_, _>>()?;
    let mut names = vec![usize::MAX; x.rank()];
    perm.iter().enumerate().for_each(|(to, &from)| names[from] = to);
    ensure!(perm.len() == x.rank() && !names.contains(&usize::MAX), "{perm:?} is not a permutation");
    let shape = perm.iter().map(|&axis| x.shape[axis]).collect();
    let axes = x.axes.iter().map(|axis| axis.map(|axis| names[axis])).collect();
    b.define(&n.outputs[0], Value { shape, axes, ..x })
}

/// Inputs: x, pads, value?, axes?.
pub(super) fn pad(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=4, 1)?;
    let x = b.input_of(n, 0)?;
    let mut x = b.unflattened(&x)?;
    let pads = b.integers(n, 1, "pads")?.ok_or_else(|| Refusal::invalid("pads are missing"))?;
    let axes = match b.integers(n, 3, "axes")? {
        Some(axes) => axes.into_iter().map(|a| axis(a, x.rank())).collect::<Result<_, _>>()?,
        None => (0..x.rank()).collect::<Vec<_>>(),
    };
    ensure!(pads.len() == 2 * axes.len(), "{} pads for {} axes", pads.len(), axes.len());
    if pads.iter().any(|n| !(0..=0xFFFF).contains(n)) {
        return Err(Refusal::unsupported(format!("pads {pads:?} are out of range")).help("crop by a Slice node"));
    }
    let is_padded = |i: usize| pads[i] != 0 || pads[axes.len() + i] != 0;
    if (0..axes.len()).any(|i| is_padded(i) && x.stored(axes[i]).is_none()) {
        x = b.file_order(&x)?;
    }
    let mut amounts = vec![(0, 0); x.axes.len()];
    let mut padded = x.clone();
    for (i, &axis) in axes.iter().enumerate() {
        let (before, after) = (pads[i] as usize, pads[axes.len() + i] as usize);
        if let Some(stored) = x.stored(axis) {
            amounts[stored] = (before, after);
            padded.shape[axis] += before + after;
        }
    }
    if amounts.iter().all(|&pair| pair == (0, 0)) {
        return b.define(&n.outputs[0], x);
    }
    let (op, inputs) = match n.text("mode")? {
        "" | "constant" => (Op::Pad, constant_border(b, n, &mut x, &amounts)?),
        "reflect" => (Op::MirrorPad { mode: MirrorMode::Reflect, paddings: amounts }, vec![x.id]),
        other => return Err(Refusal::unsupported(format!("mode {other:?} is not supported"))),
    };
    let kind = b.kind(&x);
    let id = b.emit(op, &inputs, padded.stored_shape(), &kind)?;
    b.define(&n.outputs[0], Value { view: x.view, ..padded.with(id) })
}

/// The inputs of a Pad by a value, 0 where there is none.
fn constant_border(
    b: &mut Builder,
    n: &Node,
    x: &mut Value,
    amounts: &[(usize, usize)],
) -> Result<Vec<usize>, Refusal> {
    let value = match n.has("value") {
        true => n.float("value")?,
        false => b.number(n, 2, "constant value")?,
    };
    let value = value.unwrap_or(0.0);
    if value != 0.0 {
        *x = b.as_float(x)?;
    }
    let data = amounts.iter().flat_map(|&(before, after)| [before as i32, after as i32]).flat_map(i32::to_le_bytes);
    let amounts = b.new_constant(vec![amounts.len(), 2], DType::I32, data.collect())?;
    let mut inputs = vec![x.id, amounts.id];
    if value != 0.0 {
        inputs.push(b.float_constant(vec![1], &[value])?.id);
    }
    Ok(inputs)
}

/// Shapes are static: the answer is known.
pub(super) fn shape(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let x = b.input_of(n, 0)?;
    let rank = x.rank() as i64;
    let bound = |given: i64| (if given < 0 { given.saturating_add(rank) } else { given }).clamp(0, rank) as usize;
    let (start, end) = (bound(n.int("start")?.unwrap_or(0)), bound(n.int("end")?.unwrap_or(rank)));
    let lengths: Vec<i64> = x.shape.get(start..end).unwrap_or_default().iter().map(|&n| n as i64).collect();
    let y = b.integer_constant(vec![lengths.len()], &lengths)?;
    b.define(&n.outputs[0], y)
}

pub(super) fn constant(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    let y = match (n.tensor("value")?, n.floats("value_floats"), n.ints("value_ints")) {
        (Some(record), ..) => b.constant(record)?,
        (_, Some(values), _) => b.float_constant(vec![values.len()], values)?,
        (.., Some(values)) => b.integer_constant(vec![values.len()], values)?,
        _ => match (n.float("value_float")?, n.int("value_int")?) {
            (Some(value), _) => b.float_constant(vec![], &[value])?,
            (_, Some(value)) => b.integer_constant(vec![], &[value])?,
            _ => return Err(Refusal::unsupported("a constant of this type is not supported")),
        },
    };
    b.define(&n.outputs[0], y)
}

/// Inputs: shape. All elements are the attribute `value`, 0 where it is absent.
pub(super) fn constant_of_shape(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let lengths = b.integers(n, 0, "shape")?.unwrap_or_default();
    let element = n.tensor("value")?.map(|record| b.constant(record)).transpose()?;
    let dtype = element.as_ref().map_or(DType::F32, |value| b.dtype(value));
    let shape = super::tensor::shape(&lengths, dtype)?;
    let bytes = shape.iter().product::<usize>() * dtype.bytes();
    b.budget.spend(bytes)?;
    let element = element.and_then(|value| b.graph.tensors[value.id].data.clone());
    let element = element.unwrap_or_else(|| vec![0; dtype.bytes()].into());
    ensure!(element.len() == dtype.bytes(), "the value must be one element");
    let data: Vec<u8> = element.iter().copied().cycle().take(bytes).collect();
    let y = b.new_constant(shape, dtype, data.into())?;
    b.define(&n.outputs[0], y)
}

/// Inputs: x, shape: broadcast to it.
pub(super) fn expand(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 2..=2, 1)?;
    let x = b.input_of(n, 0)?;
    let lengths = b.integers(n, 1, "target shape")?.unwrap_or_default();
    let wanted = super::tensor::shape(&lengths, b.dtype(&x))?;
    let shape = super::elementwise::broadcast(&x.shape, &wanted)?;
    if shape.iter().product::<usize>() == x.shape.iter().product::<usize>() {
        return b.define(&n.outputs[0], relabelled(&x, shape));
    }
    let x = b.file_order(&x)?;
    let kind = b.kind(&x);
    let id = b.emit(Op::BroadcastTo, &[x.id], shape.clone(), &kind)?;
    b.define(&n.outputs[0], Value { view: x.view, ..Value::plain(id, shape) })
}

/// Floats stay floats, whatever their width; indices become what is asked for.
pub(super) fn cast(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let to = n.int("to")?.ok_or_else(|| Refusal::invalid("attribute to is missing"))?;
    let to = super::tensor::dtype(i32::try_from(to).unwrap_or(-1))?;
    let x = b.input_of(n, 0)?;
    if b.dtype(&x) == to || to == DType::F32 && b.is_quantized(&x) {
        return b.define(&n.outputs[0], x);
    }
    let is_index = |dtype| matches!(dtype, DType::I32 | DType::I64);
    if let Some(values) = b.floats(&x).filter(|_| is_index(to)) {
        let y = b.integer_constant(x.stored_shape(), &values.iter().map(|&v| v as i64).collect::<Vec<_>>())?;
        return b.define(&n.outputs[0], x.with(y.id));
    }
    if x.view != View::Real || !(is_index(to) || to == DType::F32) {
        return Err(Refusal::unsupported(format!("a cast from {} to {to} is not supported", b.dtype(&x))));
    }
    let y = b.map(Op::Cast, &x, &Type::of(to))?;
    b.define(&n.outputs[0], y)
}

/// Inputs: image. Blocks of channels become space.
pub(super) fn depth_to_space(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    if !matches!(n.text("mode")?, "" | "DCR") {
        return Err(Refusal::unsupported("mode CRD is not supported"));
    }
    let (x, block) = blocks(b, n)?;
    let (c, h, w) = (x.shape[1], x.shape[2], x.shape[3]);
    ensure!(c.is_multiple_of(block * block), "{c} channels are not divisible into blocks of {block}x{block}");
    rearranged(b, n, x.clone(), vec![x.shape[0], c / (block * block), h * block, w * block], Op::DepthToSpace { block })
}

/// Inputs: image. Blocks of space become channels.
pub(super) fn space_to_depth(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let (x, block) = blocks(b, n)?;
    let (c, h, w) = (x.shape[1], x.shape[2], x.shape[3]);
    ensure!(h.is_multiple_of(block) && w.is_multiple_of(block), "{h}x{w} is not divisible into blocks of {block}");
    rearranged(b, n, x.clone(), vec![x.shape[0], c * block * block, h / block, w / block], Op::SpaceToDepth { block })
}

fn blocks(b: &mut Builder, n: &Node) -> Result<(Value, usize), Refusal> {
    let block = n.int("blocksize")?.and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=0xFF).contains(n));
    let block = block.ok_or_else(|| Refusal::invalid("attribute blocksize is out of range"))?;
    let x = b.input_of(n, 0)?;
    ensure!(x.rank() == 4, "an image must have 4 dimensions, not {:?}", x.shape);
    Ok((b.image(&x)?, block))
}

fn rearranged(b: &mut Builder, n: &Node, x: Value, shape: Vec<usize>, op: Op) -> Result<(), Refusal> {
    let kind = b.kind(&x);
    let y = Value { shape, ..x.clone() };
    let id = b.emit(op, &[x.id], y.stored_shape(), &kind)?;
    b.define(&n.outputs[0], y.with(id))
}
