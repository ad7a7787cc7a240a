//! Rules of operators that cut, join and index.

use super::{
    movement::alone,
    quant,
    view::{View, axis_of},
};
use crate::graph::{DType, Refusal, Tensor, refusal::ensure};

pub(super) fn strided_slice(v: &View, begin: &[usize], size: &[usize], stride: &[isize]) -> Result<(), Refusal> {
    let (x, y) = (alone(v)?, v.output(0));
    let rank = x.shape.len();
    ensure!(begin.len() == rank && size.len() == rank && stride.len() == rank, "the slice must have {rank} axes");
    for (axis, &n) in x.shape.iter().enumerate() {
        ensure!(stride[axis] != 0, "stride 0 along axis {axis}");
        let (first, steps) = (begin[axis] as i128, size[axis] as i128 - 1);
        let last = first + steps * stride[axis] as i128;
        ensure!(
            steps >= 0 && (0..n as i128).contains(&first) && (0..n as i128).contains(&last),
            "slice of {} from {first} by {} leaves axis {axis} of {n} elements",
            size[axis],
            stride[axis]
        );
    }
    let taken: usize = size.iter().product();
    ensure!(y.elements() == taken, "the stored shape {:?} does not hold the {taken} elements taken, {size:?}", y.shape);
    Ok(())
}

pub(super) fn concatenation(v: &View, axis: usize) -> Result<(), Refusal> {
    v.arity(1..=usize::MAX, 1..=1)?;
    let (parts, y) = (v.inputs()?, v.output(0));
    axis_of(axis, parts[0].shape.len())?;
    parts.iter().try_for_each(|part| quant::same(part, y))?;
    v.output_shape(0, joined(&parts, axis)?)
}

pub(super) fn split(v: &View, axis: usize) -> Result<(), Refusal> {
    v.arity(1..=1, 1..=usize::MAX)?;
    let x = v.input(0, "x")?;
    axis_of(axis, x.shape.len())?;
    let parts: Vec<_> = v.outputs().collect();
    parts.iter().try_for_each(|part| quant::same(x, part))?;
    let shape = joined(&parts, axis)?;
    ensure!(shape.as_ref() == Some(&x.shape), "the parts' sizes do not add up to {:?}", x.shape);
    Ok(())
}

/// The shape of the parts side by side; `None` on overflow.
fn joined(parts: &[&Tensor], axis: usize) -> Result<Option<Vec<usize>>, Refusal> {
    let mut shape = parts[0].shape.clone();
    let mut length = Some(0);
    for part in parts {
        let matches = |(i, (a, b)): (usize, (&usize, &usize))| i == axis || a == b;
        ensure!(
            part.shape.len() == shape.len() && part.shape.iter().zip(&shape).enumerate().all(matches),
            "shapes {:?} and {shape:?} differ outside of axis {axis}",
            part.shape
        );
        length = length.and_then(|n: usize| n.checked_add(part.shape[axis]));
    }
    Ok(length.map(|n| {
        shape[axis] = n;
        shape
    }))
}

pub(super) fn pack(v: &View, axis: usize) -> Result<(), Refusal> {
    v.arity(1..=usize::MAX, 1..=1)?;
    let (parts, y) = (v.inputs()?, v.output(0));
    let mut shape = parts[0].shape.clone();
    axis_of(axis, shape.len() + 1)?;
    for part in &parts {
        quant::same(part, y)?;
        ensure!(part.shape == shape, "shapes {shape:?} and {:?} differ", part.shape);
    }
    shape.insert(axis, parts.len());
    v.output_shape(0, Some(shape))
}

pub(super) fn unpack(v: &View, axis: usize) -> Result<(), Refusal> {
    v.arity(1..=1, 1..=usize::MAX)?;
    let x = v.input(0, "x")?;
    axis_of(axis, x.shape.len())?;
    let mut shape = x.shape.clone();
    let parts = shape.remove(axis);
    let found = v.node.outputs.len();
    ensure!(found == parts, "number of outputs, {found}, does not match axis {axis} of {:?}", x.shape);
    for (i, y) in v.outputs().enumerate() {
        quant::same(x, y)?;
        v.output_shape(i, Some(shape.clone()))?;
    }
    Ok(())
}

pub(super) fn gather(v: &View, axis: usize, batch_dims: usize) -> Result<(), Refusal> {
    let (x, indices) = indexed(v)?;
    axis_of(axis, x.shape.len())?;
    ensure!(
        batch_dims <= axis && indices.shape.get(..batch_dims) == Some(&x.shape[..batch_dims]),
        "batch_dims {batch_dims} does not fit {:?} and {:?}",
        x.shape,
        indices.shape
    );
    in_range(indices, |_| x.shape[axis])?;
    let shape = [&x.shape[..axis], &indices.shape[batch_dims..], &x.shape[axis + 1..]].concat();
    v.output_shape(0, Some(shape))
}

pub(super) fn gather_nd(v: &View) -> Result<(), Refusal> {
    let (x, indices) = indexed(v)?;
    let Some((&k, lead)) = indices.shape.split_last() else { return Err(Refusal::invalid("indices are a scalar")) };
    ensure!(k > 0 && k <= x.shape.len(), "indices of length {k} into {} axes", x.shape.len());
    in_range(indices, |i| x.shape[i % k])?;
    v.output_shape(0, Some([lead, &x.shape[k..]].concat()))
}

fn indexed<'a>(v: &View<'a>) -> Result<(&'a Tensor, &'a Tensor), Refusal> {
    v.arity(2..=2, 1..=1)?;
    let (x, indices) = (v.input(0, "x")?, v.input(1, "indices")?);
    let is_index = matches!(indices.dtype, DType::I32 | DType::I64);
    ensure!(is_index, "indices must be INT32 or INT64, not {}", indices.dtype);
    quant::same(x, v.output(0))?;
    Ok((x, indices))
}

/// Demands of constant indices that each is below the length that `limit` gives for its position.
fn in_range(indices: &Tensor, limit: impl Fn(usize) -> usize) -> Result<(), Refusal> {
    for (i, index) in indices.integers().unwrap_or_default().into_iter().enumerate() {
        let n = limit(i);
        if usize::try_from(index).is_ok_and(|index| index < n) {
            continue;
        }
        return Err(Refusal::invalid(format!("index {index} out of range: the axis has {n} elements")).on(indices));
    }
    Ok(())
}
