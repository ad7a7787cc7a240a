//! Softmax over the last axis.

use crate::arena::view;
use crate::numeric::fixed::{Q, exp_of_negative, reciprocal};
use crate::numeric::{Multiplier, clamp_s8, rounding_shift_right};
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

/// Integer bits of the sum: it is exact up to 4096 terms.
const SUM_BITS: i32 = 12;

/// Scalars: [`Softmax`]. The output's scale is 1/256, its zero point -128. A sum so large that nothing is left of any
/// term (512 equal elements) yields -128.
pub fn s8(step: &Step<'_>) -> Option<()> {
    let p = Softmax::read(step)?;
    let scale = Multiplier { multiplier: p.multiplier, shift: p.shift };
    let exp = |difference: i32| exp_of_negative(Q::<5>(scale.apply(difference)));
    let depth = p.depth as usize;
    for y in step.output_rows()? {
        let (row, out) = (step.input(0)?.get(y)?, step.output(0)?.get(y)?);
        for first in (0..row.len()).step_by(depth.max(1)) {
            let (x, out) = (view(row, first, depth)?, view(out, first, depth)?);
            let largest = x.iter().map(|x| x.get() as i8).max()?;
            let differences = || x.iter().map(|x| i32::from(x.get() as i8) - i32::from(largest));
            let mut sum = 0i32;
            for difference in differences().filter(|d| *d >= p.smallest_difference) {
                sum = sum.wrapping_add(exp(difference).rescale::<SUM_BITS>().0);
            }
            let (scale, bits) = reciprocal(sum, SUM_BITS);
            for (difference, out) in differences().zip(out) {
                let value = match u32::try_from(bits + 23) {
                    Ok(shift @ 0..=31) if difference >= p.smallest_difference => {
                        let product: Q<0> = scale.times(exp(difference));
                        rounding_shift_right(product.0, shift)
                    }
                    _ => 0,
                };
                out.set(clamp_s8(value + i32::from(i8::MIN), -128, 127) as u8);
            }
        }
    }
    Some(())
}
