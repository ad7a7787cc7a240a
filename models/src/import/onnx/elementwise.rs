//! Operators that work element by element.

use super::{
    build::Builder,
    context::{Type, arity},
    fuse::Affine,
    node::Node,
    value::{Value, View, file_axes},
};
use crate::graph::{Activation, Binary, DType, Op, Quantization, Refusal, Unary, ensure};

/// An operator on one tensor. Quantized between quantized tensors, where its kernels may demand one scale of the output.
pub(super) fn unary<'f>(b: &mut Builder<'f>, n: &'f Node, op: Op) -> Result<(), Refusal> {
    ensure!(!n.inputs.is_empty(), "required input 0 is missing");
    let x = b.input_of(n, 0)?;
    mapped(b, n, x, op)
}

/// The same, of a value that has been prepared.
pub(super) fn mapped<'f>(b: &mut Builder<'f>, n: &'f Node, x: Value, op: Op) -> Result<(), Refusal> {
    let tail = if b.is_quantized(&x) { b.integer_tail(n, false)? } else { None };
    let Some((tail, format)) = tail.and_then(|tail| Some((tail.output, tail.format?))) else {
        let x = b.as_float(&x)?;
        let y = b.map(op, &x, &Type::of(DType::F32))?;
        return b.define(&n.outputs[0], y);
    };
    let mut made = format.kind.clone();
    if let Some((scale, zero_point)) = fixed(&op, made.dtype) {
        made.quant = Some(Quantization::per_tensor(scale, zero_point));
    }
    let mut y = b.map(op, &x, &made)?;
    if made.quant != format.kind.quant {
        y = b.map(Op::Quantize, &y, &format.kind)?;
    }
    b.define(tail, Value { view: format.view, ..y })
}

/// The scale and zero point that an operator's integer kernels give.
fn fixed(op: &Op, dtype: DType) -> Option<(f32, i32)> {
    match (op, dtype) {
        (Op::Softmax { .. } | Op::Unary(Unary::Logistic), DType::I8) => Some((1.0 / 256.0, -128)),
        (Op::LogSoftmax, DType::I8) => Some((1.0 / 16.0, 127)),
        (Op::Unary(Unary::Tanh), DType::I8) => Some((1.0 / 128.0, 0)),
        (Op::Softmax { .. } | Op::Unary(Unary::Logistic | Unary::Tanh), DType::I16) => Some((1.0 / 32768.0, 0)),
        _ => None,
    }
}

pub(super) fn leaky_relu<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    let alpha = n.float("alpha")?.unwrap_or(0.01);
    unary(b, n, Op::Unary(Unary::LeakyRelu { alpha }))
}

pub(super) fn elu<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    if n.float("alpha")?.unwrap_or(1.0) != 1.0 {
        return Err(Refusal::unsupported("alpha other than 1 is not supported"));
    }
    unary(b, n, Op::Unary(Unary::Elu))
}

pub(super) fn gelu<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    let approximate = n.text("approximate")? == "tanh";
    unary(b, n, Op::Unary(Unary::Gelu { approximate }))
}

/// `clamp(alpha * x + beta, 0, 1)`.
pub(super) fn hard_sigmoid<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    let (alpha, beta) = (n.float("alpha")?.unwrap_or(0.2), n.float("beta")?.unwrap_or(0.5));
    let x = b.input_of(n, 0)?;
    let x = b.as_float(&x)?;
    let y = affine(b, x, &Affine { scale: vec![alpha], shift: vec![beta] })?;
    mapped(b, n, y, Op::Unary(Unary::Relu0To1))
}

/// `scale * x + shift`; one number for all, or one for each channel of an image.
pub(super) fn affine(b: &mut Builder, x: Value, by: &Affine) -> Result<Value, Refusal> {
    let (activation, kind) = (Activation::None, Type::of(DType::F32));
    let shape = x.stored_shape();
    let scale = b.float_constant(vec![by.scale.len()], &by.scale)?;
    let y = b.emit(Op::Mul { activation }, &[x.id, scale.id], shape.clone(), &kind)?;
    let shift = b.float_constant(vec![by.shift.len()], &by.shift)?;
    let y = b.emit(Op::Add { activation }, &[y, shift.id], shape, &kind)?;
    Ok(x.with(y))
}

/// Clamp, by one operator where there is one for the bounds.
pub(super) fn clip<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    let (low, high) = (b.number(n, 1, "min")?, b.number(n, 2, "max")?);
    let kind = match (b.activation(n)?, low, high) {
        (Some(Activation::Relu), ..) => Unary::Relu,
        (Some(Activation::Relu6), ..) => Unary::Relu6,
        (Some(Activation::ReluN1To1), ..) => Unary::ReluN1To1,
        (_, Some(0.0), Some(1.0)) => Unary::Relu0To1,
        _ => return clamp(b, n, low, high),
    };
    unary(b, n, Op::Unary(kind))
}

fn clamp(b: &mut Builder, n: &Node, low: Option<f32>, high: Option<f32>) -> Result<(), Refusal> {
    let x = b.input_of(n, 0)?;
    let mut y = b.as_float(&x)?;
    for (bound, kind) in [(low, Binary::Maximum), (high, Binary::Minimum)] {
        let Some(bound) = bound else { continue };
        let bound = b.float_constant(vec![1], &[bound])?;
        let id = b.emit(Op::Binary(kind), &[y.id, bound.id], y.stored_shape(), &Type::of(DType::F32))?;
        y = y.with(id);
    }
    b.define(&n.outputs[0], y)
}

/// An operator on two tensors, broadcast, that can have an activation.
pub(super) fn arithmetic<'f>(b: &mut Builder<'f>, n: &'f Node, op: fn(Activation) -> Op) -> Result<(), Refusal> {
    arity(n, 2..=2, 1)?;
    let (x, y) = (b.input_of(n, 0)?, b.input_of(n, 1)?);
    if b.is_integer(&x) && b.is_integer(&y) {
        let kind = b.kind(&x);
        let z = combined(b, op(Activation::None), &x, &y, &kind)?;
        return b.define(&n.outputs[0], z);
    }
    if b.is_quantized(&x)
        && b.is_quantized(&y)
        && let Some(tail) = b.integer_tail(n, true)?
    {
        let (x, y) = align(b, &x, &y)?;
        let like = Value { shape: broadcast(&x.shape, &y.shape)?, ..x.clone() };
        return b.finish_with(&tail, op(tail.activation), vec![Some(x.id), Some(y.id)], like);
    }
    let (x, y) = (b.as_float(&x)?, b.as_float(&y)?);
    let tail = b.float_tail(n, None)?;
    let (x, y) = align(b, &x, &y)?;
    let like = Value { shape: broadcast(&x.shape, &y.shape)?, ..x.clone() };
    b.finish_with(&tail, op(tail.activation), vec![Some(x.id), Some(y.id)], like)
}

/// Division is by constants only: integers by integers, floats by multiplication.
pub(super) fn div<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    arity(n, 2..=2, 1)?;
    let (x, y) = (b.input_of(n, 0)?, b.input_of(n, 1)?);
    let integers = |b: &Builder, v: &Value| b.graph.tensors[v.id].integers();
    if let (Some(a), Some(d)) = (integers(b, &x), integers(b, &y)) {
        let at = |values: &[i64], i: usize| values[if values.len() == 1 { 0 } else { i }];
        let fits = a.len() == d.len() || a.len() == 1 || d.len() == 1;
        ensure!(fits && !a.is_empty() && !d.is_empty(), "{} integers by {}", a.len(), d.len());
        let quotients = (0..a.len().max(d.len())).map(|i| at(&a, i).checked_div(at(&d, i)));
        let quotients: Option<Vec<i64>> = quotients.collect();
        let quotients = quotients.ok_or_else(|| Refusal::invalid("division by zero"))?;
        let z = b.integer_constant(broadcast(&x.shape, &y.shape)?, &quotients)?;
        return b.define(&n.outputs[0], z);
    }
    let y = b.as_float(&y)?;
    let Some(divisors) = b.floats(&y) else {
        return Err(Refusal::unsupported("division by what is not constant is not supported"));
    };
    let inverse: Vec<f32> = divisors.iter().map(|d| 1.0 / d).collect();
    let inverse = b.float_constant(y.stored_shape(), &inverse)?;
    let (x, y) = (b.as_float(&x)?, y.with(inverse.id));
    let tail = b.float_tail(n, None)?;
    let (x, y) = align(b, &x, &y)?;
    let like = Value { shape: broadcast(&x.shape, &y.shape)?, ..x.clone() };
    b.finish_with(&tail, Op::Mul { activation: tail.activation }, vec![Some(x.id), Some(y.id)], like)
}

/// The larger or smaller of any number of tensors.
pub(super) fn extremum(b: &mut Builder, n: &Node, kind: Binary) -> Result<(), Refusal> {
    arity(n, 1..=usize::MAX, 1)?;
    let mut all = Vec::new();
    for i in 0..n.inputs.len() {
        let x = b.input_of(n, i)?;
        all.push(if b.is_integer(&x) { x } else { b.as_float(&x)? });
    }
    let mut result = all[0].clone();
    for next in &all[1..] {
        let kept = b.kind(&result);
        result = combined(b, Op::Binary(kind), &result, next, &kept)?;
    }
    b.define(&n.outputs[0], result)
}

/// Only squares.
pub(super) fn pow(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 2..=2, 1)?;
    if b.number(n, 1, "exponent")? != Some(2.0) {
        return Err(Refusal::unsupported("powers other than 2 are not supported"));
    }
    let x = b.input_of(n, 0)?;
    let x = b.as_float(&x)?;
    let op = Op::Mul { activation: Activation::None };
    let id = b.emit(op, &[x.id, x.id], x.stored_shape(), &Type::of(DType::F32))?;
    b.define(&n.outputs[0], x.with(id))
}

pub(super) fn neg(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let x = b.input_of(n, 0)?;
    let x = b.as_float(&x)?;
    let minus = b.float_constant(vec![1], &[-1.0])?;
    let op = Op::Mul { activation: Activation::None };
    let id = b.emit(op, &[x.id, minus.id], x.stored_shape(), &Type::of(DType::F32))?;
    b.define(&n.outputs[0], x.with(id))
}

/// Inputs: x, slope.
pub(super) fn prelu(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 2..=2, 1)?;
    let (x, slope) = (b.input_of(n, 0)?, b.input_of(n, 1)?);
    let (x, slope) = (b.as_float(&x)?, b.as_float(&slope)?);
    let y = combined(b, Op::Prelu, &x, &slope, &Type::of(DType::F32))?;
    b.define(&n.outputs[0], y)
}

/// A node of two tensors, broadcast.
fn combined(b: &mut Builder, op: Op, x: &Value, y: &Value, kind: &Type) -> Result<Value, Refusal> {
    let (x, y) = align(b, x, y)?;
    let z = Value { shape: broadcast(&x.shape, &y.shape)?, ..x.clone() };
    let id = b.emit(op, &[x.id, y.id], z.stored_shape(), kind)?;
    Ok(z.with(id))
}

/// Both with the same number of dimensions, stored in the same order: that of the one that would cost more to move.
fn align(b: &mut Builder, x: &Value, y: &Value) -> Result<(Value, Value), Refusal> {
    let rank = x.rank().max(y.rank());
    for (flat, other, swapped) in [(x, y, false), (y, x, true)] {
        let Some(columns) = flat.columns.clone().filter(|_| rank == 2 && b.is_constant(other)) else { continue };
        let mut other = b.arrange(&other.raised(2), &file_axes(2))?;
        if other.shape[1] != 1 {
            ensure!(other.shape[1] == columns.len(), "shapes cannot be broadcast: {:?}, {:?}", x.shape, y.shape);
            other = b.gather_columns(&other, &columns)?;
        }
        other.columns = flat.columns.clone();
        return Ok(if swapped { (other, flat.clone()) } else { (flat.clone(), other) });
    }
    let (x, y) = (b.unflattened(x)?.raised(rank), b.unflattened(y)?.raised(rank));
    let complete = |value: &&Value| (0..rank).all(|axis| value.axes.contains(&Some(axis)));
    let (first, second) = if b.is_constant(&x) || x.shape.len() < y.shape.len() { (&y, &x) } else { (&x, &y) };
    let leader = [first, second].into_iter().find(complete);
    let axes = leader.map_or_else(|| file_axes(rank), |value| value.axes.clone());
    Ok((b.arrange(&x, &axes)?, b.arrange(&y, &axes)?))
}

/// The shape that both are broadcast to, NumPy's way.
pub(super) fn broadcast(x: &[usize], y: &[usize]) -> Result<Vec<usize>, Refusal> {
    let rank = x.len().max(y.len());
    let at = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    let length = |i| match (at(x, i), at(y, i)) {
        (a, b) if a == b || b == 1 => Ok(a),
        (1, b) => Ok(b),
        _ => Err(Refusal::invalid(format!("shapes cannot be broadcast: {x:?} and {y:?}"))),
    };
    (0..rank).map(length).collect()
}

impl Builder<'_> {
    /// Whether a value holds indices or lengths.
    pub(super) fn is_integer(&self, value: &Value) -> bool {
        value.view == View::Real && matches!(self.dtype(value), DType::I32 | DType::I64)
    }
}
