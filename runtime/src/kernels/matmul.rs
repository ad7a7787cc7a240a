//! Products of two computed matrices.

use crate::arena::Element;
use crate::numeric::{Integer, Multiplier};
use crate::step::Step;

super::params! {
    /// Scalars of a matrix product. The first operand's rows are vectors.
    MatMul {
        /// Rows of one output matrix.
        rows,
        /// Columns of it.
        columns,
        /// Elements of the second operand from one term to the next.
        b_term,
        /// Elements of the second operand from one column to the next.
        b_column,
    }
}

super::params! {
    /// Quantization of a matrix product.
    Scales {
        /// Zero point of the first operand.
        a_zero_point,
        /// Zero point of the second operand.
        b_zero_point,
        /// Zero point of the output.
        output_zero_point,
        /// Scale of the sums.
        multiplier,
        /// Its exponent.
        shift,
    }
}

/// Scalars: [`MatMul`], [`Scales`]. Channels, for each output matrix: the first row of the first operand, the first
/// element of the second, which is contiguous.
pub fn s8(step: &Step<'_>) -> Option<()> {
    let s = scales(step)?;
    let product = |a: i8, b: i8| (i32::from(a) - s.a_zero_point) * (i32::from(b) - s.b_zero_point);
    matmul(
        step,
        0,
        |sum: i32, a, b| sum.wrapping_add(product(a, b)),
        |sum| {
            let scaled = Multiplier { multiplier: s.multiplier, shift: s.shift }.apply(sum);
            i8::saturated(scaled.wrapping_add(s.output_zero_point))
        },
    )
}

/// As [`s8`], with int64 sums.
pub fn s16(step: &Step<'_>) -> Option<()> {
    let s = scales(step)?;
    let product = |a: i16, b: i16| i64::from(i32::from(a) * i32::from(b));
    matmul(
        step,
        0,
        |sum: i64, a, b| sum.wrapping_add(product(a, b)),
        |sum| {
            let scaled = Multiplier { multiplier: s.multiplier, shift: s.shift }.apply_wide(sum);
            i16::saturated(scaled)
        },
    )
}

/// As [`s8`], without scales.
pub fn f32(step: &Step<'_>) -> Option<()> {
    matmul(step, 0.0, |sum, a: f32, b: f32| sum + a * b, |sum| sum)
}

fn scales(step: &Step<'_>) -> Option<Scales> {
    Some(Scales::from(*step.param_list().get(MatMul::FIELDS.len()..)?.first_chunk()?))
}

fn matmul<T: Element, S: Copy>(
    step: &Step<'_>,
    zero: S,
    add: impl Fn(S, T, T) -> S,
    finish: impl Fn(S) -> T,
) -> Option<()> {
    let p = MatMul::from(*step.param_list().first_chunk()?);
    let b = step.input(1)?.whole()?;
    for row in step.output_rows()? {
        let matrix = row.checked_div(p.rows as usize)?;
        let [a_row, b_first] = *step.channels().get(2 * matrix..)?.first_chunk()?;
        let a = step.input(0)?.get(a_row as usize + row - matrix * p.rows as usize)?;
        let out = step.output(0)?.get(row)?;
        for column in 0..p.columns as usize {
            let first = b_first as usize + column * p.b_column as usize;
            let mut sum = zero;
            for (term, a) in a.chunks_exact(T::BYTES).enumerate() {
                sum = add(sum, T::get(a, 0)?, T::get(b, first + term * p.b_term as usize)?);
            }
            T::set(out, column, finish(sum))?;
        }
    }
    Some(())
}
