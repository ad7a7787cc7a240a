//! Operators that reduce axes.

use super::broadcast::dimensions;
use crate::graph::{Arg, DType, Node, Reduction};
use crate::lower::lowering::Lowering;
use crate::lower::window::int;
use crate::lower::{Error, View, rows_of, scale};
use tinderbox_runtime::abi::{self, Named};
use tinderbox_runtime::kernels::float::Factor;
use tinderbox_runtime::kernels::reduce::{Product, Reduce, Sum};
use tinderbox_runtime::kernels::top_k::TopK;
use tinderbox_runtime::numeric::Multiplier;

/// Lowers reductions over `axes`.
pub(super) fn reduce(lowering: &mut Lowering<'_>, node: &Node, kind: Reduction, axes: &[usize]) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    let dtype = lowering.tensor(input).dtype;
    let count: usize = axes.iter().map(|axis| lowering.tensor(input).shape[*axis]).product();
    let count = int(count).ok_or_else(|| Error::unsupported(node, "too many elements are reduced to one"))?;
    let divisor = |n: i32| Factor { factor: (n as f32).to_bits() as i32 }.words().to_vec();
    let (kernel, params) = match (kind, dtype) {
        (Reduction::Sum, DType::F32) => (abi::SUM_F32, divisor(1)),
        (Reduction::Mean, DType::F32) => (abi::SUM_F32, divisor(count)),
        (Reduction::Sum, DType::I32) => (abi::SUM_S32, vec![]),
        (Reduction::Sum | Reduction::Mean, DType::I8) => (abi::SUM_S8, sum(lowering, node, kind, count)?),
        (Reduction::Sum | Reduction::Mean, DType::I16) => (abi::SUM_S16, sum(lowering, node, kind, count)?),
        (Reduction::Prod, DType::F32) => (abi::PRODUCT_F32, vec![]),
        (Reduction::Prod, DType::I8) => (abi::PRODUCT_S8, product(lowering, node, count)?),
        (Reduction::Prod, DType::I16) => (abi::PRODUCT_S16, product(lowering, node, count)?),
        (Reduction::Max, DType::I8) => (abi::REDUCE_MAX_S8, vec![]),
        (Reduction::Max, DType::U8) => (abi::REDUCE_MAX_U8, vec![]),
        (Reduction::Max, DType::I16) => (abi::REDUCE_MAX_S16, vec![]),
        (Reduction::Max, DType::I32) => (abi::REDUCE_MAX_S32, vec![]),
        (Reduction::Max, DType::F32) => (abi::REDUCE_MAX_F32, vec![]),
        (Reduction::Min, DType::I8) => (abi::REDUCE_MIN_S8, vec![]),
        (Reduction::Min, DType::U8) => (abi::REDUCE_MIN_U8, vec![]),
        (Reduction::Min, DType::I16) => (abi::REDUCE_MIN_S16, vec![]),
        (Reduction::Min, DType::I32) => (abi::REDUCE_MIN_S32, vec![]),
        (Reduction::Min, DType::F32) => (abi::REDUCE_MIN_F32, vec![]),
        _ => return Err(lowering.unsupported_type(node, input)),
    };
    let state = match kind {
        Reduction::Max | Reduction::Min => dtype.bytes(),
        _ => 4,
    };
    add_node(lowering, node, kernel, axes, &params, state)
}

/// Lowers `ARG_MAX` and `ARG_MIN`.
pub(super) fn arg(lowering: &mut Lowering<'_>, node: &Node, kind: Arg, axis: usize) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    let dtype = lowering.tensor(input).dtype;
    let kernel = match (kind, dtype) {
        (Arg::Max, DType::I8) => abi::ARG_MAX_S8,
        (Arg::Max, DType::U8) => abi::ARG_MAX_U8,
        (Arg::Max, DType::I16) => abi::ARG_MAX_S16,
        (Arg::Max, DType::I32) => abi::ARG_MAX_S32,
        (Arg::Max, DType::F32) => abi::ARG_MAX_F32,
        (Arg::Min, DType::I8) => abi::ARG_MIN_S8,
        (Arg::Min, DType::U8) => abi::ARG_MIN_U8,
        (Arg::Min, DType::I16) => abi::ARG_MIN_S16,
        (Arg::Min, DType::I32) => abi::ARG_MIN_S32,
        (Arg::Min, DType::F32) => abi::ARG_MIN_F32,
        _ => return Err(lowering.unsupported_type(node, input)),
    };
    add_node(lowering, node, kernel, &[axis], &[], 4 + dtype.bytes())
}

/// Lowers `TOPK_V2`.
pub(super) fn top_k(lowering: &mut Lowering<'_>, node: &Node, k: usize) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    let x = lowering.tensor(input);
    let kernel = match x.dtype {
        DType::I8 => abi::TOP_K_S8,
        DType::U8 => abi::TOP_K_U8,
        DType::I16 => abi::TOP_K_S16,
        DType::I32 => abi::TOP_K_S32,
        DType::F32 => abi::TOP_K_F32,
        _ => return Err(lowering.unsupported_type(node, input)),
    };
    let depth = x.shape.last().and_then(|depth| int(*depth));
    let depth = depth.ok_or_else(|| Error::unsupported(node, "the last axis is too long"))?;
    let from = rows_of(x);
    let to =
        |output: usize| View { rows: from.rows, row_bytes: lowering.tensor(node.outputs[output]).bytes() / from.rows };
    let (values, indices) = (to(0), to(1));
    lowering
        .layer(node, kernel, from.rows)
        .reads(input, from, |y| y..y + 1)
        .writes(node.outputs[0], values, |y| y..y + 1)
        .writes(node.outputs[1], indices, |y| y..y + 1)
        .params(TopK { depth, k: k as i32 }.words())
        .finish();
    Ok(())
}

/// Scalars of a sum or mean of `count` elements.
fn sum(lowering: &Lowering<'_>, node: &Node, kind: Reduction, count: i32) -> Result<Vec<i32>, Error> {
    let (input_scale, input_zero_point) = lowering.scale_of(node, lowering.input(node, 0)?)?;
    let (output_scale, output_zero_point) = lowering.scale_of(node, node.outputs[0])?;
    let ratio = scale::multiplier(f64::from(input_scale) / f64::from(output_scale));
    let Multiplier { multiplier, shift } = if kind == Reduction::Mean { divided(ratio, count) } else { ratio };
    let offset = input_zero_point.checked_mul(count);
    let offset = offset.ok_or_else(|| Error::unsupported(node, "too many elements are reduced to one"))?;
    Ok(Sum { offset, multiplier, shift, output_zero_point }.words().to_vec())
}

/// `ratio / count` as TensorFlow Lite Micro folds a mean's divisor in: as many bits as the shift allows, cut off.
fn divided(ratio: Multiplier, count: i32) -> Multiplier {
    let bits = (count.ilog2() as i32).min(31 + ratio.shift);
    let multiplier = (i64::from(ratio.multiplier) << bits) / i64::from(count);
    Multiplier { multiplier: multiplier as i32, shift: ratio.shift - bits }
}

/// Scalars of a product of `count` factors, each of which takes its part of the scale.
fn product(lowering: &Lowering<'_>, node: &Node, count: i32) -> Result<Vec<i32>, Error> {
    let (input_scale, input_zero_point) = lowering.scale_of(node, lowering.input(node, 0)?)?;
    let (output_scale, output_zero_point) = lowering.scale_of(node, node.outputs[0])?;
    let whole = f64::from(input_scale).powi(count) / f64::from(output_scale);
    let Multiplier { multiplier, shift } = scale::multiplier(whole.powf(1.0 / f64::from(count)));
    Ok(Product { input_zero_point, multiplier, shift, output_zero_point }.words().to_vec())
}

/// Adds the node: a row of the input per step, and `state` bytes per element of an output row.
fn add_node(
    lowering: &mut Lowering<'_>,
    node: &Node,
    kernel: Named,
    axes: &[usize],
    params: &[i32],
    state: usize,
) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    let (x, y) = (lowering.tensor(input), lowering.tensor(output));
    let from = rows_of(x);
    // The dimensions inside a row, behind those of length 1 and the rows.
    let outer = x.shape.iter().position(|d| *d != 1).unwrap_or(x.shape.len());
    let inside = if from.rows > 1 { outer + 1 } else { 0 };
    let whole = from.rows > 1 && axes.contains(&outer);
    let rows = if whole { 1 } else { from.rows };
    let to = View { rows, row_bytes: y.bytes() / rows };
    let strides = |kept: bool| strides(&x.shape, inside, |axis| axes.contains(&axis) != kept);
    let walk = dimensions(&x.shape[inside..], &[strides(true), strides(false)]);
    let params = [&Reduce { rows: if whole { from.rows as i32 } else { 1 } }.words(), params, &walk].concat();
    let last = from.rows - 1;
    let layer = lowering.layer(node, kernel, from.rows).reads(input, from, |row| row..row + 1);
    let layer = if whole {
        layer.writes(output, to, |row| if row == last { 0..1 } else { 0..0 }).lag(last)
    } else {
        layer.writes(output, to, |row| row..row + 1)
    };
    layer.params(params).state(state * y.elements() / rows).finish();
    Ok(())
}

/// Elements from one index to the next in a row of the dimensions that `counts`, from `first` on; 0 for the others.
fn strides(shape: &[usize], first: usize, counts: impl Fn(usize) -> bool) -> Vec<usize> {
    let inside = |d: usize| (d + 1..shape.len()).filter(|d| counts(*d)).map(|d| shape[d]).product();
    (first..shape.len()).map(|d| if counts(d) { inside(d) } else { 0 }).collect()
}
