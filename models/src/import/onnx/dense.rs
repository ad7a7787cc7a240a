//! Gemm and MatMul.

use super::{
    build::Builder,
    context::arity,
    fuse::Channels,
    node::Node,
    product::{Operands, Product},
    value::Value,
};
use crate::graph::{Op, Refusal, ensure};

/// Inputs: a \[m, k\], b \[k, n\], c?: `alpha * a * b + beta * c`.
pub(super) fn gemm<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    arity(n, 2..=3, 1)?;
    if n.flag("transA")? {
        return Err(Refusal::unsupported("transA is not supported"));
    }
    let (x, weights) = (b.input_of(n, 0)?, b.input_of(n, 1)?);
    let (alpha, beta) = (n.float("alpha")?.unwrap_or(1.0), n.float("beta")?.unwrap_or(1.0));
    let weights = scaled(b, weights, alpha)?;
    let bias = b.optional(n, 2)?.map(|bias| scaled(b, bias, beta)).transpose()?;
    let axis = if n.flag("transB")? { 0 } else { 1 };
    dense(b, n, Operands { x, weights, bias, axis })
}

/// Inputs: a \[.., m, k\], b \[.., k, n\].
pub(super) fn matmul<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    arity(n, 2..=2, 1)?;
    let (x, weights) = (b.input_of(n, 0)?, b.input_of(n, 1)?);
    if b.is_constant(&weights) && weights.rank() == 2 && !b.is_constant(&x) {
        return dense(b, n, Operands { x, weights, bias: None, axis: 1 });
    }
    let (x, y) = (b.file_order(&x)?, b.file_order(&weights)?);
    ensure!(x.rank() >= 2 && y.rank() >= 2, "operands must have at least 2 dimensions");
    let tail = if b.is_quantized(&x) && b.is_quantized(&y) { b.integer_tail(n, false)? } else { None };
    let (tail, x, y) = match tail {
        Some(tail) => (tail, x, y),
        None => (b.no_tail(n), b.as_float(&x)?, b.as_float(&y)?),
    };
    let (lead, matrix) = x.shape.split_at(x.rank() - 2);
    let (other, columns) = (&y.shape[..y.rank() - 2], y.shape[y.rank() - 1]);
    let lead = super::elementwise::broadcast(lead, other)?;
    let shape = [&lead[..], &[matrix[0], columns]].concat();
    let op = Op::BatchMatMul { adj_x: false, adj_y: false };
    b.finish_with(&tail, op, vec![Some(x.id), Some(y.id)], Value::plain(0, shape))
}

/// x as rows times constant weights. Where x is a flattened image, the weights follow its order.
fn dense<'f>(b: &mut Builder<'f>, n: &'f Node, operands: Operands) -> Result<(), Refusal> {
    let (w, axis) = (operands.weights.shape.clone(), operands.axis);
    ensure!(w.len() == 2, "weights must have 2 dimensions, not {w:?}");
    let (k, count, rank) = (w[1 - axis], w[axis], operands.x.rank());
    ensure!(
        rank >= 2 && k > 0 && count > 0 && operands.x.shape[rank - 1] == k,
        "dimensions do not match: {:?} and {w:?}",
        operands.x.shape
    );
    let Product { x, weights, bias, tail } = b.product(n, operands, Channels { axis: rank - 1, count, rank })?;
    let mut weights = b.arrange(&weights, &[Some(axis), Some(1 - axis)])?;
    let x = match x.columns.clone() {
        Some(columns) => {
            weights = b.gather_columns(&weights, &columns)?;
            Value { columns: None, ..x }
        }
        None => b.file_order(&x)?,
    };
    let mut shape = x.shape.clone();
    shape[rank - 1] = count;
    let op = Op::FullyConnected { activation: tail.activation };
    b.finish_with(&tail, op, vec![Some(x.id), Some(weights.id), bias], Value::plain(0, shape))
}

/// A constant times a number.
fn scaled(b: &mut Builder, x: Value, factor: f32) -> Result<Value, Refusal> {
    if factor == 1.0 {
        return Ok(x);
    }
    let x = b.as_float(&x)?;
    let what = "alpha and beta other than 1 are supported for constants only";
    let values = b.floats(&x).ok_or_else(|| Refusal::unsupported(what))?;
    let values: Vec<f32> = values.iter().map(|x| x * factor).collect();
    let id = b.float_constant(x.stored_shape(), &values)?.id;
    Ok(x.with(id))
}
