//! Division by the Euclidean norm over the last axis.

use super::softmax::runs;
use crate::numeric::sqrt::inverse_sqrt;
use crate::numeric::{Integer, Multiplier};
use crate::step::Step;

super::params! {
    /// Scalars of a normalization.
    L2Normalization {
        /// Elements that share a norm.
        depth,
        /// Zero point of the input.
        input_zero_point,
    }
}

/// Int8, output scale 1/128, zero point 0. Scalars: [`L2Normalization`].
pub fn s8(step: &Step<'_>) -> Option<()> {
    let p = L2Normalization::read(step)?;
    runs::<i8, i8>(step, p.depth as usize, |x, out| {
        let values = || x.iter().map(|x| i32::from(x.get() as i8) - p.input_zero_point);
        let squares = values().fold(0i32, |sum, x| sum.wrapping_add(x * x));
        let Multiplier { multiplier, shift } = inverse_sqrt(squares);
        let scale = Multiplier { multiplier, shift: shift + 7 };
        for (x, out) in values().zip(out) {
            out.set(i8::saturated(scale.apply(x)) as u8);
        }
        Some(())
    })
}
