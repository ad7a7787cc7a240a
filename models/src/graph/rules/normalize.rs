//! Rules of operators that normalize the last axis.

use super::{
    quant,
    view::{View, typed},
};
use crate::graph::{DType, Refusal, Tensor, refusal::ensure};

pub(super) fn softmax(v: &View, beta: f32) -> Result<(), Refusal> {
    let (x, y) = last_axis(v)?;
    ensure!(beta.is_finite() && beta > 0.0, "invalid beta {beta}: it must be positive");
    match (x.dtype, y.dtype) {
        (DType::F32, DType::F32) => Ok(()),
        (DType::I8, DType::I8) => quant::fixed(y, 1.0 / 256.0, -128),
        (DType::U8, DType::U8) => quant::fixed(y, 1.0 / 256.0, 0),
        (DType::I8, DType::I16) => quant::fixed(y, 1.0 / 65536.0, -32768),
        (DType::I16, DType::I16) => quant::fixed(y, 1.0 / 32768.0, 0),
        (x, y) => Err(Refusal::unsupported(format!("{x} to {y} is not supported"))),
    }
}

pub(super) fn log_softmax(v: &View) -> Result<(), Refusal> {
    let (x, y) = last_axis(v)?;
    typed(y, "output", x.dtype)?;
    match x.dtype {
        DType::F32 => Ok(()),
        DType::I8 => quant::fixed(y, 1.0 / 16.0, 127),
        DType::U8 => quant::fixed(y, 1.0 / 16.0, 255),
        other => Err(Refusal::unsupported(format!("type {other} is not supported here")).on(x)),
    }
}

pub(super) fn l2_normalization(v: &View) -> Result<(), Refusal> {
    let (x, y) = last_axis(v)?;
    typed(y, "output", x.dtype)?;
    match x.dtype {
        DType::F32 => Ok(()),
        DType::I8 => quant::fixed(y, 1.0 / 128.0, 0),
        DType::U8 => quant::fixed(y, 1.0 / 128.0, 128),
        other => Err(Refusal::unsupported(format!("type {other} is not supported here")).on(x)),
    }
}

fn last_axis<'a>(v: &View<'a>) -> Result<(&'a Tensor, &'a Tensor), Refusal> {
    v.arity(1..=1, 1..=1)?;
    v.type_among(&[DType::F32, DType::I8, DType::U8, DType::I16])?;
    let (x, y) = (v.input(0, "x")?, v.output(0));
    ensure!(!x.shape.is_empty(), "input must have at least 1 dimension");
    v.output_shape(0, Some(x.shape.clone()))?;
    Ok((x, y))
}
