//! Rules of operators that remove axes.

use super::{
    quant::{self, is_quantized},
    view::{View, axis_of, typed},
};
use crate::graph::{DType, Reduction, Refusal, refusal::ensure};

const NUMBERS: [DType; 6] = [DType::F32, DType::I8, DType::U8, DType::I16, DType::I32, DType::I64];

pub(super) fn reduce(v: &View, kind: Reduction, axes: &[usize], keep_dims: bool) -> Result<(), Refusal> {
    v.arity(1..=1, 1..=1)?;
    let dtype = v.type_among(&NUMBERS)?;
    let (x, y) = (v.input(0, "x")?, v.output(0));
    typed(y, "output", dtype)?;
    ensure!(axes.is_sorted_by(|a, b| a < b), "axes {axes:?} are not in rising order");
    axes.iter().try_for_each(|&axis| axis_of(axis, x.shape.len()))?;
    let kept = x.shape.iter().enumerate();
    let shape = match keep_dims {
        true => kept.map(|(i, &n)| if axes.contains(&i) { 1 } else { n }).collect(),
        false => kept.filter(|(i, _)| !axes.contains(i)).map(|(_, &n)| n).collect(),
    };
    v.output_shape(0, Some(shape))?;
    match kind {
        Reduction::Max | Reduction::Min => quant::same(x, y),
        _ if is_quantized(dtype) => quant::factor(quant::scale(x)?.0 / quant::scale(y)?.0),
        _ => Ok(()),
    }
}

pub(super) fn arg(v: &View, axis: usize) -> Result<(), Refusal> {
    v.arity(1..=1, 1..=1)?;
    v.type_among(&NUMBERS)?;
    let (x, y) = (v.input(0, "x")?, v.output(0));
    axis_of(axis, x.shape.len())?;
    ensure!(matches!(y.dtype, DType::I32 | DType::I64), "output must be INT32 or INT64, not {}", y.dtype);
    let mut shape = x.shape.clone();
    shape.remove(axis);
    v.output_shape(0, Some(shape))
}

pub(super) fn top_k(v: &View, k: usize) -> Result<(), Refusal> {
    v.arity(1..=1, 2..=2)?;
    v.type_among(&NUMBERS)?;
    let x = v.input(0, "x")?;
    quant::same(x, v.output(0))?;
    typed(v.output(1), "indices", DType::I32)?;
    let Some((&last, lead)) = x.shape.split_last() else { return Err(Refusal::invalid("input is a scalar")) };
    ensure!(k > 0 && k <= last, "k is {k}, the last axis has {last} elements");
    let shape = [lead, &[k]].concat();
    v.output_shape(0, Some(shape.clone()))?;
    v.output_shape(1, Some(shape))
}
