//! Operators that normalize, or reduce, along axes.

use super::{
    build::Builder,
    context::{Type, arity},
    elementwise,
    node::Node,
    value::{Value, View},
};
use crate::{
    graph::{Arg, DType, Op, Reduction, Refusal, ensure},
    import::axis,
};

/// A batch normalization that no product comes before.
pub(super) fn batch_normalization(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    let x = b.input_of(n, 0)?;
    let x = b.as_float(&x)?;
    let x = if x.rank() == 2 { b.file_order(&x)? } else { b.image(&x)? };
    ensure!(x.rank() > 1, "a batch normalization of shape {:?}", x.shape);
    let parameters = b.batch_normalization(n, x.shape[1])?;
    let y = elementwise::affine(b, x, &parameters)?;
    b.define(&n.outputs[0], y)
}

/// Up to set 12 over all axes from one on, later over that one.
pub(super) fn softmax<'f>(b: &mut Builder<'f>, n: &'f Node, op: Op) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let x = b.input_of(n, 0)?;
    let rank = x.rank();
    let flattens = b.opset < 13;
    let axis = axis(n.int("axis")?.unwrap_or(if flattens { 1 } else { -1 }), rank)?;
    let x = b.unflattened(&x)?;
    let long = |from: usize| x.shape[from..].iter().any(|&n| n != 1);
    if flattens && long(axis + 1) {
        return Err(
            Refusal::unsupported("softmax over several axes is not supported").help("export with opset 13 or later")
        );
    }
    let mut axes = x.axes.clone();
    if axes.last() != Some(&Some(axis)) {
        axes.retain(|&a| a != Some(axis));
        axes.push(Some(axis));
    }
    let x = b.arrange(&x, &axes)?;
    elementwise::mapped(b, n, x, op)
}

/// Inputs: x, axes? (all where absent).
pub(super) fn reduce<'f>(b: &mut Builder<'f>, n: &'f Node, kind: Reduction) -> Result<(), Refusal> {
    arity(n, 1..=2, 1)?;
    let x = b.input_of(n, 0)?;
    let x = b.unflattened(&x)?;
    let rank = x.rank();
    let axes = b.axes(n, 1, rank)?.filter(|axes| !axes.is_empty());
    if axes.is_none() && n.flag("noop_with_empty_axes")? {
        return b.define(&n.outputs[0], x);
    }
    let axes = axes.unwrap_or_else(|| (0..rank).collect());
    let mut stored: Vec<usize> = axes.iter().filter_map(|&axis| x.stored(axis)).collect();
    stored.sort_unstable();
    let keeps = n.int("keepdims")?.unwrap_or(1) != 0;
    let op = Op::Reduce { kind, axes: stored, keep_dims: true };
    let mut reduced = x.clone();
    axes.iter().for_each(|&axis| reduced.shape[axis] = 1);
    let (name, mut y) = reduced_value(b, n, op, &x, reduced)?;
    if !keeps {
        y = without(&y, &axes);
    }
    b.define(name, y)
}

/// The value reduced: quantized where it stands between quantized values.
fn reduced_value<'f>(
    b: &mut Builder<'f>,
    n: &'f Node,
    op: Op,
    x: &Value,
    like: Value,
) -> Result<(&'f str, Value), Refusal> {
    let shape = like.stored_shape();
    let keeps_scale = matches!(op, Op::Reduce { kind: Reduction::Max | Reduction::Min, .. });
    if b.is_integer(x) || b.is_quantized(x) && keeps_scale {
        let kind = b.kind(x);
        let id = b.emit(op, &[x.id], shape, &kind)?;
        return Ok((&n.outputs[0], like.with(id)));
    }
    let tail = if b.is_quantized(x) { b.integer_tail(n, false)? } else { None };
    if let Some((name, format)) = tail.and_then(|tail| Some((tail.output, tail.format?))) {
        let id = b.emit(op, &[x.id], shape, &format.kind)?;
        return Ok((name, Value { view: format.view, ..like.with(id) }));
    }
    let x = b.as_float(x)?;
    let id = b.emit(op, &[x.id], shape, &Type::of(DType::F32))?;
    Ok((&n.outputs[0], Value { view: View::Real, ..like.with(id) }))
}

/// The index of an extreme element.
pub(super) fn arg(b: &mut Builder, n: &Node, kind: Arg) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    if n.flag("select_last_index")? {
        return Err(Refusal::unsupported("select_last_index is not supported"));
    }
    let x = b.input_of(n, 0)?;
    let x = b.file_order(&x)?;
    let axis = axis(n.int("axis")?.unwrap_or(0), x.rank())?;
    let mut shape = x.shape.clone();
    shape.remove(axis);
    let id = b.emit(Op::Arg { kind, axis }, &[x.id], shape.clone(), &Type::of(DType::I32))?;
    let y = Value::plain(id, shape);
    let y = match n.int("keepdims")?.unwrap_or(1) {
        0 => y,
        _ => super::layout::relabelled(&y, [&x.shape[..axis], &[1], &x.shape[axis + 1..]].concat()),
    };
    b.define(&n.outputs[0], y)
}

/// The value without axes of length 1.
pub(super) fn without(value: &Value, axes: &[usize]) -> Value {
    let mut names = vec![None; value.rank()];
    let mut shape = Vec::new();
    for (axis, &n) in value.shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)) {
        names[axis] = Some(shape.len());
        shape.push(n);
    }
    let axes = value.axes.iter().map(|axis| names[(*axis)?]).collect();
    Value { shape, axes, ..value.clone() }
}

/// Demands that the axes have length 1.
pub(super) fn droppable(value: &Value, axes: &[usize]) -> Result<(), Refusal> {
    let long = axes.iter().find(|&&axis| value.shape[axis] != 1);
    ensure!(long.is_none(), "axis {long:?} of {:?} cannot be dropped: its length is not 1", value.shape);
    Ok(())
}
