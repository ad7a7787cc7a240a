//! Arithmetic on constants of type INT32 and INT64: shapes and indices.

use crate::graph::{Activation, Binary, DType, Op, Reduction, Tensor};

/// The output's contents; `None` where the operator or a type is none of these, or a value overflows.
pub(super) fn compute(op: &Op, inputs: &[&Tensor], y: &Tensor) -> Option<Vec<u8>> {
    let values = match op {
        Op::Add { activation: Activation::None } => binary(inputs, y, i64::checked_add),
        Op::Sub { activation: Activation::None } => binary(inputs, y, i64::checked_sub),
        Op::Mul { activation: Activation::None } => binary(inputs, y, i64::checked_mul),
        Op::Binary(Binary::Maximum) => binary(inputs, y, |a, b| Some(a.max(b))),
        Op::Binary(Binary::Minimum) => binary(inputs, y, |a, b| Some(a.min(b))),
        Op::Reduce { kind, axes, .. } if axes.len() == inputs[0].shape.len() => reduce(*kind, &inputs[0].integers()?),
        Op::Cast => inputs[0].integers(),
        _ => None,
    }?;
    write(&values, y.dtype)
}

fn binary(inputs: &[&Tensor], y: &Tensor, f: impl Fn(i64, i64) -> Option<i64>) -> Option<Vec<i64>> {
    let (a, b) = (inputs[0].integers()?, inputs[1].integers()?);
    // Shapes are vectors: broadcasting beyond scalars is not worth having.
    let n = y.elements();
    let fits = |x: &[i64]| x.len() == n || x.len() == 1;
    let at = |x: &[i64], i: usize| x[if x.len() == 1 { 0 } else { i }];
    (fits(&a) && fits(&b)).then(|| (0..n).map(|i| f(at(&a, i), at(&b, i))).collect())?
}

fn reduce(kind: Reduction, x: &[i64]) -> Option<Vec<i64>> {
    let value = match kind {
        Reduction::Sum => x.iter().try_fold(0i64, |sum, &n| sum.checked_add(n)),
        Reduction::Prod => x.iter().try_fold(1i64, |product, &n| product.checked_mul(n)),
        Reduction::Max => x.iter().max().copied(),
        Reduction::Min => x.iter().min().copied(),
        Reduction::Mean => None,
    };
    value.map(|value| vec![value])
}

fn write(values: &[i64], dtype: DType) -> Option<Vec<u8>> {
    match dtype {
        DType::I32 => {
            let narrow: Result<Vec<i32>, _> = values.iter().map(|&n| i32::try_from(n)).collect();
            Some(narrow.ok()?.into_iter().flat_map(i32::to_le_bytes).collect())
        }
        DType::I64 => Some(values.iter().flat_map(|n| n.to_le_bytes()).collect()),
        DType::F32 => Some(values.iter().flat_map(|&n| (n as f32).to_le_bytes()).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[i32]) -> Tensor {
        let data: Vec<u8> = values.iter().flat_map(|n| n.to_le_bytes()).collect();
        let (name, shape) = (String::new(), vec![values.len()]);
        Tensor { name, shape, dtype: DType::I32, quant: None, data: Some(data.into()), bits: 32 }
    }

    #[test]
    fn scalars_are_broadcast_and_overflow_is_not_folded() {
        let (a, b, mul) = (numbers(&[2, 3]), numbers(&[5]), Op::Mul { activation: Activation::None });
        assert_eq!(compute(&mul, &[&a, &b], &a), numbers(&[10, 15]).data.map(|d| d.to_vec()));
        assert_eq!(compute(&mul, &[&numbers(&[i32::MAX]), &b], &b), None);
    }
}
