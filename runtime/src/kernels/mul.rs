//! Products of quantized tensors, element by element.

use super::elementwise::{binary, unary};
use crate::numeric::{Integer, Multiplier};
use crate::step::Step;

super::params! {
    /// Scalars of a product.
    Mul {
        /// Zero point of the first input.
        a_zero_point,
        /// Zero point of the second input.
        b_zero_point,
        /// The input scales' product over the output scale.
        multiplier,
        /// Its exponent.
        shift,
        /// Zero point of the output.
        output_zero_point,
        /// Smallest output, activation included.
        min,
        /// Largest output.
        max,
    }
}

super::params! {
    /// Scalars of a rectifier with a slope.
    Rectifier {
        /// Zero point of the input.
        input_zero_point,
        /// Zero point of the slopes.
        alpha_zero_point,
        /// Input scale over output scale, for what is not negative.
        multiplier,
        /// Its exponent.
        shift,
        /// The same times the slope, which may be negative, or times the slopes' scale.
        alpha_multiplier,
        /// Its exponent.
        alpha_shift,
        /// Zero point of the output.
        output_zero_point,
    }
}

impl Mul {
    /// One element.
    #[inline]
    pub fn element<T: Integer>(&self, a: T, b: T) -> T {
        let (a, b): (i32, i32) = (a.into(), b.into());
        let product = (a - self.a_zero_point).wrapping_mul(b - self.b_zero_point);
        let scale = Multiplier { multiplier: self.multiplier, shift: self.shift };
        T::clamped(scale.apply(product).wrapping_add(self.output_zero_point), self.min, self.max)
    }
}

impl Rectifier {
    /// One element, whose slope is `alpha` quanta.
    #[inline]
    pub fn element<T: Integer>(&self, x: T, alpha: i32) -> T {
        let x: i32 = x.into();
        let x = x - self.input_zero_point;
        let scaled = if x >= 0 {
            Multiplier { multiplier: self.multiplier, shift: self.shift }.apply(x)
        } else {
            let product = x.wrapping_mul(alpha - self.alpha_zero_point);
            let size = Multiplier { multiplier: self.alpha_multiplier.wrapping_abs(), shift: self.alpha_shift };
            // The sign comes last: rounding is not symmetric.
            if self.alpha_multiplier < 0 { -size.apply(product) } else { size.apply(product) }
        };
        T::saturated(scaled.wrapping_add(self.output_zero_point))
    }
}

/// Multiplication. Scalars: [`Mul`], then the dimensions of a row (see [`super::elementwise`]).
pub fn mul<T: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Mul::read(step)?;
    binary(step, step.param_list().get(Mul::FIELDS.len()..)?, |a: T, b| p.element(a, b))
}

/// A rectifier with a tensor of slopes, the second input. Scalars: [`Rectifier`], then the dimensions of a row.
pub fn prelu<T: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Rectifier::read(step)?;
    binary(step, step.param_list().get(Rectifier::FIELDS.len()..)?, |x: T, alpha| p.element(x, alpha.into()))
}

/// A rectifier with one slope, which is in its multiplier. Scalars: [`Rectifier`].
pub fn leaky_relu<T: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Rectifier::read(step)?;
    unary(step, |x: T| p.element(x, p.alpha_zero_point + 1))
}
