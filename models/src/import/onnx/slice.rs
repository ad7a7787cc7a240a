//! Operators that cut, join and index.

use super::{
    build::Builder,
    context::arity,
    node::Node,
    normalize::without,
    value::{Value, View, file_axes},
};
use crate::{
    graph::{Activation, Op, Refusal, ensure},
    import::axis,
};

/// Inputs: x, starts, ends, axes?, steps?.
pub(super) fn slice(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=5, 1)?;
    let x = b.input_of(n, 0)?;
    let x = b.unflattened(&x)?;
    let missing = || Refusal::invalid("starts or ends are missing");
    let starts = b.integers(n, 1, "starts")?.ok_or_else(missing)?;
    let ends = b.integers(n, 2, "ends")?.ok_or_else(missing)?;
    let axes = b.integers(n, 3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = b.integers(n, 4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    let count = starts.len();
    ensure!([ends.len(), axes.len(), steps.len()] == [count; 3], "starts, ends, axes and steps differ in length");
    let mut cut = Cut::whole(&x);
    for i in 0..count {
        cut.narrow(axis(axes[i], x.rank())?, starts[i], ends[i], steps[i])?;
    }
    let y = cut.apply(b, &x)?;
    b.define(&n.outputs[0], y)
}

/// What is taken along each axis of the file.
struct Cut {
    lengths: Vec<usize>,
    begin: Vec<usize>,
    size: Vec<usize>,
    stride: Vec<isize>,
}

impl Cut {
    fn whole(x: &Value) -> Self {
        let rank = x.rank();
        Self { lengths: x.shape.clone(), begin: vec![0; rank], size: x.shape.clone(), stride: vec![1; rank] }
    }

    fn narrow(&mut self, axis: usize, start: i64, end: i64, step: i64) -> Result<(), Refusal> {
        let n = self.lengths[axis] as i64;
        ensure!(step != 0, "step 0");
        let from_end = |index: i64| if index < 0 { index.saturating_add(n) } else { index };
        let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
        let (begin, end) = (from_end(start).clamp(low.max(0), high.max(0)), from_end(end).clamp(low, high));
        let distance = if step > 0 { end - begin } else { begin - end };
        ensure!(distance > 0, "the slice {start}..{end} of an axis of {n} elements is empty");
        self.begin[axis] = begin as usize;
        self.size[axis] = (distance as u64).div_ceil(step.unsigned_abs()) as usize;
        self.stride[axis] = if self.size[axis] == 1 { 1 } else { step as isize };
        Ok(())
    }

    fn apply(self, b: &mut Builder, x: &Value) -> Result<Value, Refusal> {
        if self.size == self.lengths && self.stride.iter().all(|&step| step == 1) {
            return Ok(x.clone());
        }
        let y = Value { shape: self.size.clone(), ..x.clone() };
        let of = |values: &[usize], other: usize| -> Vec<usize> {
            x.axes.iter().map(|axis| axis.map_or(other, |axis| values[axis])).collect()
        };
        let (begin, size) = (of(&self.begin, 0), of(&self.size, 1));
        let stride = x.axes.iter().map(|axis| axis.map_or(1, |axis| self.stride[axis])).collect();
        let kind = b.kind(x);
        let id = b.emit(Op::StridedSlice { begin, size, stride }, &[x.id], y.stored_shape(), &kind)?;
        Ok(y.with(id))
    }
}

/// Inputs: x, sizes? (equal parts where absent).
pub(super) fn split(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=2, usize::MAX)?;
    let x = b.input_of(n, 0)?;
    let mut x = b.unflattened(&x)?;
    let axis = axis(n.int("axis")?.unwrap_or(0), x.rank())?;
    if x.stored(axis).is_none() {
        x = b.file_order(&x)?;
    }
    let (length, parts) = (x.shape[axis], n.outputs.len());
    let sizes = match b.integers(n, 1, "split")? {
        Some(sizes) => sizes.into_iter().map(|n| usize::try_from(n).unwrap_or(usize::MAX)).collect(),
        None => {
            let each = length.div_ceil(parts);
            (0..parts).map(|i| each.min(length.saturating_sub(i * each))).collect::<Vec<_>>()
        }
    };
    let sum = sizes.iter().fold(0usize, |sum, &n| sum.saturating_add(n));
    ensure!(sizes.len() == parts && sum == length, "sizes {sizes:?} for {parts} parts of {length}");
    let kind = b.kind(&x);
    let mut values = Vec::new();
    for size in sizes {
        let mut part = x.clone();
        part.shape[axis] = size;
        part.id = b.tensor(part.stored_shape(), &kind)?;
        values.push(part);
    }
    let stored = x.stored(axis).unwrap_or_default();
    b.push(Op::Split { axis: stored }, vec![Some(x.id)], values.iter().map(|v| v.id).collect())?;
    for (name, value) in n.outputs.iter().zip(values) {
        b.define(name, value)?;
    }
    Ok(())
}

/// Quantized parts keep one scale, that of the result where one follows.
pub(super) fn concat<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    arity(n, 1..=usize::MAX, 1)?;
    let mut parts = Vec::new();
    for i in 0..n.inputs.len() {
        let part = b.input_of(n, i)?;
        parts.push(b.unflattened(&part)?);
    }
    let rank = parts[0].rank();
    let axis = axis(n.int("axis")?.unwrap_or(1), rank)?;
    ensure!(parts.iter().all(|part| part.rank() == rank), "operands differ in their number of dimensions");
    let tail = if parts.iter().all(|part| b.is_quantized(part)) { b.integer_tail(n, false)? } else { None };
    let format = tail.as_ref().and_then(|tail| tail.format.clone());
    let complete = |value: &&Value| (0..rank).all(|axis| value.axes.contains(&Some(axis)));
    let leader = parts.iter().filter(|part| !b.is_constant(part)).find(complete);
    let axes = leader.map_or_else(|| file_axes(rank), |value| value.axes.clone());
    for part in &mut parts {
        *part = b.arrange(part, &axes)?;
        *part = match &format {
            Some(format) if b.kind(part).quant == format.kind.quant => part.clone(),
            Some(format) => b.map(Op::Quantize, part, &format.kind)?,
            None if b.is_integer(part) => part.clone(),
            None => b.as_float(part)?,
        };
    }
    let mut y = parts[0].clone();
    y.shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
    let kind = b.kind(&y);
    let stored = y.stored(axis).unwrap_or_default();
    let op = Op::Concatenation { axis: stored, activation: Activation::None };
    let inputs: Vec<usize> = parts.iter().map(|part| part.id).collect();
    let id = b.emit(op, &inputs, y.stored_shape(), &kind)?;
    let view = format.map_or(View::Real, |format| format.view);
    let name = tail.map_or(&n.outputs[0][..], |tail| tail.output);
    b.define(name, Value { view, ..y.with(id) })
}

/// Inputs: x, indices. One constant index is a slice.
pub(super) fn gather(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 2..=2, 1)?;
    let x = b.input_of(n, 0)?;
    let x = b.unflattened(&x)?;
    let axis = axis(n.int("axis")?.unwrap_or(0), x.rank())?;
    let length = x.shape[axis] as i64;
    let shape = b.input_of(n, 1)?.shape;
    let indices = b.integers(n, 1, "indices")?.unwrap_or_default();
    let indices: Vec<i64> = indices.into_iter().map(|i| if i < 0 { i.saturating_add(length) } else { i }).collect();
    let outside = indices.iter().find(|i| !(0..length).contains(i));
    ensure!(outside.is_none(), "index {outside:?} is out of range: the axis has {length} elements");
    if let ([index], []) = (&indices[..], &shape[..]) {
        let mut cut = Cut::whole(&x);
        (cut.begin[axis], cut.size[axis]) = (*index as usize, 1);
        let y = cut.apply(b, &x)?;
        return b.define(&n.outputs[0], without(&y, &[axis]));
    }
    let x = b.file_order(&x)?;
    let indices = b.integer_constant(shape.clone(), &indices)?;
    let result = [&x.shape[..axis], &shape, &x.shape[axis + 1..]].concat();
    let kind = b.kind(&x);
    let id = b.emit(Op::Gather { axis, batch_dims: 0 }, &[x.id, indices.id], result.clone(), &kind)?;
    b.define(&n.outputs[0], Value { view: x.view, ..Value::plain(id, result) })
}
