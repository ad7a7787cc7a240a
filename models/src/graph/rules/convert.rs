//! Rules of changes of type.

use super::{
    quant::{self, is_quantized},
    view::{View, typed},
};
use crate::graph::{DType, Refusal, refusal::ensure};

pub(super) fn quantize(v: &View) -> Result<(), Refusal> {
    same_shape(v)?;
    let from = v.type_among(&[DType::F32, DType::I8, DType::U8, DType::I16, DType::I32])?;
    let (x, y) = (v.input(0, "x")?, v.output(0));
    ensure!(is_quantized(y.dtype) || y.dtype == DType::I32, "output must be quantised, its type is {}", y.dtype);
    let (to, _) = quant::scale(y)?;
    if from == DType::F32 { Ok(()) } else { quant::factor(quant::scale(x)?.0 / to) }
}

pub(super) fn dequantize(v: &View) -> Result<(), Refusal> {
    same_shape(v)?;
    v.type_among(&[DType::I8, DType::U8, DType::I16, DType::I32])?;
    typed(v.output(0), "output", DType::F32)?;
    let x = v.input(0, "x")?;
    // Constants may be per channel: they are folded.
    if x.data.is_some() && x.quant.is_some() { Ok(()) } else { quant::scale(x).map(|_| ()) }
}

pub(super) fn cast(v: &View) -> Result<(), Refusal> {
    same_shape(v)
}

fn same_shape(v: &View) -> Result<(), Refusal> {
    v.arity(1..=1, 1..=1)?;
    v.output_shape(0, Some(v.input(0, "x")?.shape.clone()))
}
