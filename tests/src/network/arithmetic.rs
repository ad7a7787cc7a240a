//! Operators element by element, and over axes.

use super::assembly::Assembly;
use super::{Arithmetic, Layer, Operand};
use tinderbox::graph::{Activation, Binary, Op, Quantization, Reduction, TensorId, Unary};

pub(super) fn arithmetic(
    a: &mut Assembly,
    layer: &Layer,
    kind: Arithmetic,
    activation: Activation,
    operand: Operand,
) -> Option<TensorId> {
    let x = a.any(layer)?;
    let y = match operand {
        Operand::Tensor => a.pick(layer, 1, |other| broadcast(&a.tensor(x).shape, &other.shape).is_some())?,
        Operand::Constant { dimensions, .. } => {
            let shape = a.shape(x);
            let quant = Quantization::per_tensor(a.scale(x) * a.b.rng.f32().exp2(), a.b.rng.i32(-128..128));
            a.constant(&shape[shape.len().saturating_sub(dimensions)..], quant)
        }
    };
    let shape = broadcast(&a.shape(x), &a.shape(y))?;
    let (p, q) = (a.scale(x), a.scale(y));
    let (op, natural) = match kind {
        Arithmetic::Add => (Op::Add { activation }, p.max(q)),
        Arithmetic::Sub => (Op::Sub { activation }, p.max(q)),
        Arithmetic::Mul => (Op::Mul { activation }, p * q * 64.0),
        Arithmetic::Maximum => return extremum(a, Binary::Maximum, x, y, &shape),
        Arithmetic::Minimum => return extremum(a, Binary::Minimum, x, y, &shape),
    };
    let output = a.output(layer, &shape, natural)?;
    match operand {
        Operand::Constant { first: true, .. } => a.node(op, &[y, x], output),
        _ => a.node(op, &[x, y], output),
    }
}

/// Only of numbers of one scale.
fn extremum(a: &mut Assembly, kind: Binary, x: TensorId, y: TensorId, shape: &[usize]) -> Option<TensorId> {
    let quant = a.tensor(x).quant.clone()?;
    let y = match a.tensor(y).data {
        Some(_) => a.constant(&a.shape(y), quant),
        None => in_scale_of(a, y, x)?,
    };
    let output = a.output_as(x, shape)?;
    a.node(Op::Binary(kind), &[x, y], output)
}

/// A tensor with the scale and zero point of another: itself if it has them.
pub(super) fn in_scale_of(a: &mut Assembly, x: TensorId, like: TensorId) -> Option<TensorId> {
    if a.tensor(x).quant == a.tensor(like).quant {
        return Some(x);
    }
    // The limit of fixed-point factors.
    ((a.scale(x) / a.scale(like)).log2() < 30.0).then_some(())?;
    let y = a.output_as(like, &a.shape(x))?;
    a.node(Op::Quantize, &[x], y)
}

/// The shape that two are broadcast to.
fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let mut shape = long.to_vec();
    for (n, &m) in shape.iter_mut().rev().zip(short.iter().rev()) {
        (*n == m || *n == 1 || m == 1).then_some(())?;
        *n = (*n).max(m);
    }
    Some(shape)
}

/// With a slope for each channel.
pub(super) fn prelu(a: &mut Assembly, layer: &Layer) -> Option<TensorId> {
    let (x, [_, _, _, c]) = a.image(layer)?;
    let quant = Quantization::per_tensor(a.b.rng.f32() * 0.02 + 0.0005, a.b.rng.i32(-128..128));
    let slopes = a.constant(&[1, 1, c], quant);
    let y = a.output(layer, &a.shape(x), a.scale(x))?;
    a.node(Op::Prelu, &[x, slopes], y)
}

pub(super) fn unary(a: &mut Assembly, layer: &Layer, kind: Unary) -> Option<TensorId> {
    let x = a.any(layer)?;
    let shape = a.shape(x);
    let y = match kind {
        Unary::Logistic => a.output_like(&shape, Quantization::per_tensor(1.0 / 256.0, -128)),
        Unary::Tanh => a.output_like(&shape, Quantization::per_tensor(1.0 / 128.0, 0)),
        // TFLM's kernel takes no notice of a change of scale.
        Unary::Relu6 => a.output_as(x, &shape),
        Unary::HardSwish if layer.scale < -7.0 => None, // which TFLM refuses
        _ => a.output(layer, &shape, a.scale(x)),
    };
    a.node(Op::Unary(kind), &[x], y?)
}

pub(super) fn softmax(a: &mut Assembly, layer: &Layer, beta: f32) -> Option<TensorId> {
    let x = a.any(layer)?;
    let y = a.output_like(&a.shape(x), Quantization::per_tensor(1.0 / 256.0, -128))?;
    a.node(Op::Softmax { beta }, &[x], y)
}

pub(super) fn mean(a: &mut Assembly, layer: &Layer, bits: usize, keep_dims: bool) -> Option<TensorId> {
    let x = a.any(layer)?;
    let shape = a.shape(x);
    let axes: Vec<usize> = (0..shape.len()).filter(|axis| bits >> axis & 1 == 1).collect();
    (!axes.is_empty()).then_some(())?;
    // One dimension at least is left.
    let keep_dims = keep_dims || axes.len() == shape.len();
    let reduced = |(axis, n): (usize, &usize)| match axes.contains(&axis) {
        true => keep_dims.then_some(1),
        false => Some(*n),
    };
    let shape: Vec<usize> = shape.iter().enumerate().filter_map(reduced).collect();
    let y = a.output(layer, &shape, a.scale(x))?;
    a.node(Op::Reduce { kind: Reduction::Mean, axes, keep_dims }, &[x], y)
}

pub(super) fn requantize(a: &mut Assembly, layer: &Layer) -> Option<TensorId> {
    let x = a.any(layer)?;
    let y = a.output(layer, &a.shape(x), a.scale(x))?;
    a.node(Op::Quantize, &[x], y)
}
