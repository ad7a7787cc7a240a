//! Softmax and its logarithm over the last axis.

use super::lookup::{ENTRIES, interpolated};
use crate::arena::{Cells, Element, view};
use crate::numeric::fixed::{Q, exp_of_negative, reciprocal};
use crate::numeric::log::ln;
use crate::numeric::{Integer, Multiplier, rounding_shift_right};
use crate::step::Step;

super::params! {
    /// Scalars of a softmax.
    Softmax {
        /// Elements that share a sum.
        depth,
        /// Input scale times beta, as Q5.26.
        multiplier,
        /// Its exponent.
        shift,
        /// Differences from the largest element below this one count as nothing.
        smallest_difference,
    }
}

super::params! {
    /// The inverse of a softmax's input scale, for its logarithm.
    Inverse {
        /// Significand.
        inverse_multiplier,
        /// Exponent.
        inverse_shift,
    }
}

/// Integer bits of the sum: it is exact up to 4096 terms.
const SUM_BITS: i32 = 12;

impl Softmax {
    #[inline]
    fn scaled(&self, difference: i32) -> Q<5> {
        Q(Multiplier { multiplier: self.multiplier, shift: self.shift }.apply(difference))
    }

    /// Sum of the exponentials of differences.
    #[inline]
    fn sum(&self, differences: impl Iterator<Item = i32>) -> i32 {
        let counts = differences.filter(|difference| *difference >= self.smallest_difference);
        counts.fold(0i32, |sum, d| sum.wrapping_add(exp_of_negative(self.scaled(d)).rescale::<SUM_BITS>().0))
    }
}

/// Calls `f` with each run of `depth` elements of the rows at work, input and output.
#[inline]
pub(crate) fn runs<T: Element, U: Element>(
    step: &Step<'_>,
    depth: usize,
    f: impl Fn(Cells<'_>, Cells<'_>) -> Option<()>,
) -> Option<()> {
    for y in step.output_rows()? {
        let (row, out) = (step.input_row(0, y)?, step.output_row(0, y)?);
        let count = row.len() / T::BYTES;
        for first in (0..count).step_by(depth.max(1)) {
            let x = view(row, first * T::BYTES, depth * T::BYTES)?;
            f(x, view(out, first * U::BYTES, depth * U::BYTES)?)?;
        }
    }
    Some(())
}

/// The elements of `row` less the largest one.
#[inline]
fn differences(row: Cells<'_>) -> Option<impl Iterator<Item = i32> + Clone> {
    let values = row.iter().map(|x| i32::from(x.get() as i8));
    let largest = values.clone().max()?;
    Some(values.map(move |x| x - largest))
}

/// Int8 to `U`, whose scale is 1 over the number of its values and whose zero point is the smallest one. Scalars:
/// [`Softmax`]. A sum so large that nothing is left of any term (512 equal elements) yields the smallest value.
pub fn quantized<U: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Softmax::read(step)?;
    let zero: i32 = U::saturated(i32::MIN).into();
    runs::<i8, U>(step, p.depth as usize, |x, out| {
        let differences = differences(x)?;
        let (scale, bits) = reciprocal(p.sum(differences.clone()), SUM_BITS);
        for (i, difference) in differences.enumerate() {
            let value = match u32::try_from(bits + 31 - 8 * U::BYTES as i32) {
                Ok(shift @ 0..=31) if difference >= p.smallest_difference => {
                    let product: Q<0> = scale.times(exp_of_negative(p.scaled(difference)));
                    rounding_shift_right(product.0, shift)
                }
                _ => 0,
            };
            U::set(out, i, U::saturated(value + zero))?;
        }
        Some(())
    })
}

/// Int16, output scale 1/32768. Scalars: [`Softmax`], the multiplier to units of 10/65535. Weights: tables for
/// [`interpolated`], of `e^x` from -10 to 0 and of `1 / (1 + x)` from 0 to 1.
pub fn s16(step: &Step<'_>) -> Option<()> {
    let p = Softmax::read(step)?;
    let scale = Multiplier { multiplier: p.multiplier, shift: p.shift };
    let (exp, reciprocal) = step.weights().split_at_checked(2 * ENTRIES)?;
    let depth = p.depth as usize;
    runs::<i16, i16>(step, depth, |x, out| {
        let mut largest = i16::MIN;
        for i in 0..depth {
            largest = largest.max(i16::get(x, i)?);
        }
        let mut sum = 0i32;
        for i in 0..depth {
            let scaled = scale.apply(i32::from(i16::get(x, i)?) - i32::from(largest));
            let term = interpolated(exp, i16::saturated(scaled.saturating_add(32767)))?;
            sum = sum.wrapping_add(term.into());
            // The terms wait in the output.
            i16::set(out, i, term)?;
        }
        let zeros = sum.leading_zeros();
        let normal = ((i64::from(sum) << zeros.saturating_sub(1)) + (1 << 13)) >> 14;
        let argument = i16::saturated(normal as i32 - (1 << 15) - (1 << 16));
        let factor = i64::from(interpolated(reciprocal, argument)?);
        let right = 31u32.saturating_sub(zeros).max(1);
        for i in 0..depth {
            let product = (i64::from(i16::get(out, i)?) * factor + (1 << (right - 1))) >> right;
            i16::set(out, i, i16::clamped(product as i32, 0, i16::MAX.into()))?;
        }
        Some(())
    })
}

/// Logarithm of the softmax, int8, output scale 1/16, zero point 127. Scalars: [`Softmax`], [`Inverse`].
pub fn log_s8(step: &Step<'_>) -> Option<()> {
    let p = Softmax::read(step)?;
    let inverse = Inverse::from(*step.param_list().get(Softmax::FIELDS.len()..)?.first_chunk()?);
    let inverse = Multiplier { multiplier: inverse.inverse_multiplier, shift: inverse.inverse_shift };
    runs::<i8, i8>(step, p.depth as usize, |x, out| {
        let differences = differences(x)?;
        let log = ln(Q(p.sum(differences.clone()))).0;
        let smallest = (p.smallest_difference - 1).max(inverse.apply(log.wrapping_add(i32::MIN)));
        for (difference, out) in differences.zip(out) {
            let value = if difference > smallest {
                i8::saturated(rounding_shift_right(p.scaled(difference).0.wrapping_sub(log), 22) + 127)
            } else {
                i8::MIN
            };
            out.set(value as u8);
        }
        Some(())
    })
}
