//! Rules of matrix products.

use super::{
    quant::{self, Product, is_quantized},
    view::{View, broadcast, constant, rank, typed},
};
use crate::graph::{DType, Refusal, refusal::ensure};

pub(super) fn fully_connected(v: &View) -> Result<(), Refusal> {
    v.arity(2..=3, 1..=1)?;
    let (x, w, y) = (v.input(0, "x")?, v.input(1, "weights")?, v.output(0));
    rank(w, "weights", 2)?;
    constant(w, "weights")?;
    let (units, k) = (w.shape[0], w.shape[1]);
    ensure!(
        k > 0 && x.elements().is_multiple_of(k),
        "input {:?} cannot be read as rows of {k}, the weights' depth",
        x.shape
    );
    // Either all leading dimensions are kept, or they are flattened to one.
    let kept = x.shape.split_last().map(|(_, lead)| [lead, &[units]].concat());
    if x.shape.last() != Some(&k) || Some(&y.shape) != kept.as_ref() {
        v.output_shape(0, Some(vec![x.elements() / k, units]))?;
    }
    let bias = v.optional(2);
    Product { x, weights: w, bias, output: y, axis: 0, channels: units, weight_zero_point: true }.check()
}

pub(super) fn batch_matmul(v: &View, adj_x: bool, adj_y: bool) -> Result<(), Refusal> {
    v.arity(2..=2, 1..=1)?;
    let (a, b, y) = (v.input(0, "a")?, v.input(1, "b")?, v.output(0));
    let dtype = v.type_among(&[DType::F32, DType::I8, DType::I16])?;
    typed(b, "b", dtype)?;
    typed(y, "output", dtype)?;
    ensure!(a.shape.len() >= 2 && b.shape.len() >= 2, "operands must have at least 2 dimensions");
    let (a_lead, a_matrix) = a.shape.split_at(a.shape.len() - 2);
    let (b_lead, b_matrix) = b.shape.split_at(b.shape.len() - 2);
    let (m, k) = if adj_x { (a_matrix[1], a_matrix[0]) } else { (a_matrix[0], a_matrix[1]) };
    let (k2, n) = if adj_y { (b_matrix[1], b_matrix[0]) } else { (b_matrix[0], b_matrix[1]) };
    ensure!(k == k2, "inner dimensions differ: {:?} and {:?}", a.shape, b.shape);
    let shape = [broadcast([a_lead, b_lead])?, vec![m, n]].concat();
    v.output_shape(0, Some(shape))?;
    if !is_quantized(dtype) {
        return Ok(());
    }
    for t in [a, b, y] {
        quant::symmetric_i16(t)?;
    }
    quant::factor(quant::scale(a)?.0 * quant::scale(b)?.0 / quant::scale(y)?.0)
}
