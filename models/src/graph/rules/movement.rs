//! Rules of operators that move whole axes.

use super::{
    quant,
    view::{View, axis_of, broadcast, constant},
};
use crate::graph::{DType, MirrorMode, Refusal, Tensor, refusal::ensure};

pub(super) fn reshape(v: &View) -> Result<(), Refusal> {
    v.arity(1..=2, 1..=1)?;
    let (x, y) = (v.input(0, "x")?, v.output(0));
    ensure!(x.elements() == y.elements(), "element count differs: {:?} cannot become {:?}", x.shape, y.shape);
    quant::same(x, y)
}

pub(super) fn transpose(v: &View, perm: &[usize]) -> Result<(), Refusal> {
    let x = alone(v)?;
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    ensure!(sorted.iter().copied().eq(0..x.shape.len()), "{perm:?} is not a permutation of {} axes", x.shape.len());
    v.output_shape(0, Some(perm.iter().map(|&axis| x.shape[axis]).collect()))
}

pub(super) fn reverse(v: &View, axes: &[usize]) -> Result<(), Refusal> {
    let x = alone(v)?;
    ensure!(axes.is_sorted_by(|a, b| a < b), "axes {axes:?} are not in rising order");
    axes.iter().try_for_each(|&axis| axis_of(axis, x.shape.len()))?;
    v.output_shape(0, Some(x.shape.clone()))
}

pub(super) fn tile(v: &View, multiples: &[usize]) -> Result<(), Refusal> {
    let x = alone(v)?;
    ensure!(multiples.len() == x.shape.len(), "{} multiples for {} axes", multiples.len(), x.shape.len());
    v.output_shape(0, x.shape.iter().zip(multiples).map(|(&n, &m)| n.checked_mul(m)).collect())
}

pub(super) fn broadcast_to(v: &View) -> Result<(), Refusal> {
    let x = alone(v)?;
    v.output_shape(0, Some(broadcast([&x.shape[..], &v.output(0).shape])?))
}

pub(super) fn pad(v: &View) -> Result<(), Refusal> {
    v.arity(2..=3, 1..=1)?;
    let (x, paddings) = (v.input(0, "x")?, v.input(1, "paddings")?);
    quant::same(x, v.output(0))?;
    constant(paddings, "paddings")?;
    ensure!(paddings.shape == [x.shape.len(), 2], "paddings must be [{}, 2], not {:?}", x.shape.len(), paddings.shape);
    let amounts = paddings.integers().ok_or_else(|| Refusal::invalid("paddings must be INT32 or INT64"))?;
    ensure!(amounts.iter().all(|&n| n >= 0), "negative padding {amounts:?}");
    let pairs: Vec<_> = amounts.chunks(2).map(|p| (p[0] as usize, p[1] as usize)).collect();
    v.output_shape(0, padded(&x.shape, &pairs))?;
    let Some(value) = v.optional(2) else { return Ok(()) };
    ensure!(value.elements() == 1, "the padding value must be one element, not {:?}", value.shape);
    quant::same(x, value)
}

pub(super) fn mirror_pad(v: &View, mode: MirrorMode, paddings: &[(usize, usize)]) -> Result<(), Refusal> {
    let x = alone(v)?;
    ensure!(paddings.len() == x.shape.len(), "{} paddings for {} axes", paddings.len(), x.shape.len());
    for (&n, &(before, after)) in x.shape.iter().zip(paddings) {
        let most = if mode == MirrorMode::Reflect { n.saturating_sub(1) } else { n };
        ensure!(before.max(after) <= most, "padding {before}, {after} mirrors more than an axis of {n} has");
    }
    v.output_shape(0, padded(&x.shape, paddings))
}

/// The shape with so many elements added; `None` on overflow.
pub(super) fn padded(shape: &[usize], paddings: &[(usize, usize)]) -> Option<Vec<usize>> {
    let grow = |(&n, &(before, after)): (&usize, &(usize, usize))| {
        // What no tensor can hold is an overflow too.
        n.checked_add(before)?.checked_add(after).filter(|&n| n <= i32::MAX as usize)
    };
    shape.iter().zip(paddings).map(grow).collect()
}

/// The only input, copied to the only output without change of type or quantization.
pub(super) fn alone<'a>(v: &View<'a>) -> Result<&'a Tensor, Refusal> {
    v.arity(1..=1, 1..=1)?;
    let x = v.input(0, "x")?;
    v.type_among(&[DType::F32, DType::I8, DType::U8, DType::I16, DType::I32, DType::I64, DType::Bool])?;
    quant::same(x, v.output(0))?;
    Ok(x)
}
