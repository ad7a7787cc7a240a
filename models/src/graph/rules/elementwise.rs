//! Rules of operators that work element by element.

use super::{
    quant::{self, is_quantized},
    view::{View, broadcast, typed},
};
use crate::graph::{Binary, DType, Refusal, Tensor, Unary, refusal::ensure};

const NUMBERS: [DType; 6] = [DType::F32, DType::I8, DType::U8, DType::I16, DType::I32, DType::I64];
const REAL: [DType; 4] = [DType::F32, DType::I8, DType::U8, DType::I16];

/// ADD and SUB bring both operands to twice the larger scale, shifted left by 20 bits (15 for INT16).
pub(super) fn sum(v: &View) -> Result<(), Refusal> {
    let (a, b, y) = operands(v)?;
    if !is_quantized(a.dtype) {
        return Ok(());
    }
    for t in [a, b, y] {
        quant::symmetric_i16(t)?;
    }
    let (a, b, y) = (quant::scale(a)?.0, quant::scale(b)?.0, quant::scale(y)?.0);
    ensure!(2.0 * a.max(b) / y < f64::from(1 << 20), "scale ratio out of range: inputs {a:?} and {b:?}, output {y:?}");
    Ok(())
}

pub(super) fn product(v: &View) -> Result<(), Refusal> {
    let (a, b, y) = operands(v)?;
    if !is_quantized(a.dtype) {
        return Ok(());
    }
    for t in [a, b, y] {
        quant::symmetric_i16(t)?;
    }
    quant::factor(quant::scale(a)?.0 * quant::scale(b)?.0 / quant::scale(y)?.0)
}

pub(super) fn binary(v: &View, kind: Binary) -> Result<(), Refusal> {
    let (a, b, y) = operands(v)?;
    match kind {
        Binary::Maximum | Binary::Minimum => quant::same(y, a).and_then(|()| quant::same(y, b)),
        Binary::SquaredDifference if is_quantized(a.dtype) => {
            let (a, b, y) = (quant::scale(a)?.0, quant::scale(b)?.0, quant::scale(y)?.0);
            quant::factor(4.0 * a.max(b) * a.max(b) / y)
        }
        Binary::SquaredDifference => Ok(()),
    }
}

pub(super) fn compare(v: &View) -> Result<(), Refusal> {
    v.arity(2..=2, 1..=1)?;
    let dtype = v.type_among(&NUMBERS)?;
    let (a, b) = (v.input(0, "x")?, v.input(1, "y")?);
    typed(b, "second operand", dtype)?;
    typed(v.output(0), "output", DType::Bool)?;
    v.output_shape(0, Some(broadcast([&a.shape[..], &b.shape])?))
}

pub(super) fn select(v: &View) -> Result<(), Refusal> {
    v.arity(3..=3, 1..=1)?;
    let (condition, a, b) = (v.input(0, "condition")?, v.input(1, "x")?, v.input(2, "y")?);
    typed(condition, "condition", DType::Bool)?;
    quant::same(a, v.output(0))?;
    quant::same(b, v.output(0))?;
    v.output_shape(0, Some(broadcast([&condition.shape[..], &a.shape, &b.shape])?))
}

pub(super) fn unary(v: &View, kind: Unary) -> Result<(), Refusal> {
    v.arity(1..=1, 1..=1)?;
    let dtype = v.type_among(&REAL)?;
    let (x, y) = (v.input(0, "x")?, v.output(0));
    typed(y, "output", dtype)?;
    v.output_shape(0, Some(x.shape.clone()))?;
    if let Unary::LeakyRelu { alpha } = kind {
        ensure!(alpha.is_finite(), "invalid alpha {alpha}");
    }
    match (kind, dtype) {
        (_, DType::F32) => Ok(()),
        (Unary::Logistic, DType::I8) => quant::fixed(y, 1.0 / 256.0, -128),
        (Unary::Logistic, DType::U8) => quant::fixed(y, 1.0 / 256.0, 0),
        (Unary::Tanh, DType::I8) => quant::fixed(y, 1.0 / 128.0, 0),
        (Unary::Tanh, DType::U8) => quant::fixed(y, 1.0 / 128.0, 128),
        (Unary::Logistic | Unary::Tanh, _) => {
            quant::symmetric_i16(x)?;
            quant::fixed(y, 1.0 / 32768.0, 0)
        }
        _ => quant::factor(quant::scale(x)?.0 / quant::scale(y)?.0),
    }
}

pub(super) fn prelu(v: &View) -> Result<(), Refusal> {
    let (x, alpha, y) = operands(v)?;
    v.output_shape(0, Some(x.shape.clone()))?;
    if !is_quantized(x.dtype) {
        return Ok(());
    }
    quant::factor(quant::scale(x)?.0 / quant::scale(y)?.0)?;
    quant::factor(quant::scale(x)?.0 * quant::scale(alpha)?.0 / quant::scale(y)?.0)
}

/// Two operands of one type, broadcast, and an output of the same type.
fn operands<'a>(v: &View<'a>) -> Result<(&'a Tensor, &'a Tensor, &'a Tensor), Refusal> {
    v.arity(2..=2, 1..=1)?;
    let dtype = v.type_among(&NUMBERS)?;
    let (a, b, y) = (v.input(0, "first operand")?, v.input(1, "second operand")?, v.output(0));
    typed(b, "second operand", dtype)?;
    typed(y, "output", dtype)?;
    v.output_shape(0, Some(broadcast([&a.shape[..], &b.shape])?))?;
    Ok((a, b, y))
}
