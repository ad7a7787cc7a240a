//! Operators on floats. Functions are libm's, the same on the device and here.

use super::elementwise::{binary, unary};
use super::l2_normalization::L2Normalization;
use super::reduce::{Reduce, reduce};
use super::softmax::runs;
use crate::arena::{Cells, Element};
use crate::step::Step;

super::params! {
    /// Bounds of the result, as the bits of f32s.
    Clamp {
        /// Smallest output.
        min,
        /// Largest output.
        max,
    }
}

super::params! {
    /// A factor.
    Factor {
        /// The bits of an f32.
        factor,
    }
}

super::params! {
    /// Scalars of a softmax.
    Softmax {
        /// Elements that share a sum.
        depth,
        /// Inverse temperature, the bits of an f32.
        beta,
    }
}

impl Clamp {
    #[inline]
    fn apply(&self, x: f32) -> f32 {
        x.max(float(self.min)).min(float(self.max))
    }
}

#[inline]
fn float(bits: i32) -> f32 {
    f32::from_bits(bits as u32)
}

/// Scalars: [`Clamp`], then the dimensions of a row (see [`super::elementwise`]).
#[inline]
fn clamped(step: &Step<'_>, f: impl Fn(f32, f32) -> f32) -> Option<()> {
    let p = Clamp::read(step)?;
    binary(step, step.param_list().get(Clamp::FIELDS.len()..)?, |a, b| p.apply(f(a, b)))
}

/// Addition. Scalars as of [`clamped`].
pub fn add(step: &Step<'_>) -> Option<()> {
    clamped(step, |a, b| a + b)
}

/// Subtraction. Scalars as of [`clamped`].
pub fn sub(step: &Step<'_>) -> Option<()> {
    clamped(step, |a, b| a - b)
}

/// Multiplication. Scalars as of [`clamped`].
pub fn mul(step: &Step<'_>) -> Option<()> {
    clamped(step, |a, b| a * b)
}

/// Squared difference. Scalars as of [`clamped`].
pub fn squared_difference(step: &Step<'_>) -> Option<()> {
    clamped(step, |a, b| (a - b) * (a - b))
}

/// A rectifier with a tensor of slopes. Scalars: the dimensions of a row.
pub fn prelu(step: &Step<'_>) -> Option<()> {
    binary(step, step.param_list(), |x: f32, alpha: f32| if x >= 0.0 { x } else { x * alpha })
}

/// A clamp. Scalars: [`Clamp`].
pub fn relu(step: &Step<'_>) -> Option<()> {
    let p = Clamp::read(step)?;
    unary(step, |x| p.apply(x))
}

/// A rectifier with a slope. Scalars: [`Factor`].
pub fn leaky_relu(step: &Step<'_>) -> Option<()> {
    let alpha = float(Factor::read(step)?.factor);
    unary(step, |x: f32| if x > 0.0 { x } else { x * alpha })
}

/// The size of a number. No scalars.
pub fn abs(step: &Step<'_>) -> Option<()> {
    unary(step, |x: f32| x.abs())
}

/// The smallest whole number that is not smaller. No scalars.
pub fn ceil(step: &Step<'_>) -> Option<()> {
    unary(step, libm::ceilf)
}

/// The largest whole number that is not larger. No scalars.
pub fn floor(step: &Step<'_>) -> Option<()> {
    unary(step, libm::floorf)
}

/// The nearest whole number, the even one of two. No scalars.
pub fn round(step: &Step<'_>) -> Option<()> {
    unary(step, libm::rintf)
}

/// The negative. No scalars.
pub fn neg(step: &Step<'_>) -> Option<()> {
    unary(step, |x: f32| -x)
}

/// The square root. No scalars.
pub fn sqrt(step: &Step<'_>) -> Option<()> {
    unary(step, libm::sqrtf)
}

/// The square. No scalars.
pub fn square(step: &Step<'_>) -> Option<()> {
    unary(step, |x: f32| x * x)
}

/// The exponential linear unit. No scalars.
pub fn elu(step: &Step<'_>) -> Option<()> {
    unary(step, |x: f32| if x < 0.0 { libm::expm1f(x) } else { x })
}

/// The exponential. No scalars.
pub fn exp(step: &Step<'_>) -> Option<()> {
    unary(step, libm::expf)
}

/// The Gaussian error linear unit. No scalars.
pub fn gelu(step: &Step<'_>) -> Option<()> {
    unary(step, |x: f32| 0.5 * x * libm::erfcf(-x * core::f32::consts::FRAC_1_SQRT_2))
}

/// The same by a hyperbolic tangent. No scalars.
pub fn gelu_approximate(step: &Step<'_>) -> Option<()> {
    const SQRT_2_OVER_PI: f32 = core::f32::consts::FRAC_2_SQRT_PI * core::f32::consts::FRAC_1_SQRT_2;
    unary(step, |x: f32| 0.5 * x * (1.0 + libm::tanhf(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x))))
}

/// `x * clamp(x + 3, 0, 6) / 6`. No scalars.
pub fn hard_swish(step: &Step<'_>) -> Option<()> {
    unary(step, |x: f32| x * (x + 3.0).clamp(0.0, 6.0) / 6.0)
}

/// The natural logarithm. No scalars.
pub fn log(step: &Step<'_>) -> Option<()> {
    unary(step, libm::logf)
}

/// The logistic function. No scalars.
pub fn logistic(step: &Step<'_>) -> Option<()> {
    unary(step, |x: f32| 1.0 / (1.0 + libm::expf(-x)))
}

/// The inverse square root. No scalars.
pub fn rsqrt(step: &Step<'_>) -> Option<()> {
    unary(step, |x: f32| 1.0 / libm::sqrtf(x))
}

/// The hyperbolic tangent. No scalars.
pub fn tanh(step: &Step<'_>) -> Option<()> {
    unary(step, libm::tanhf)
}

/// Sum times a factor. Scalars: [`Reduce`], the divisor as [`Factor`], dimensions. State: an f32 per element of the
/// output row.
pub fn mean(step: &Step<'_>) -> Option<()> {
    let divisor = float(*step.param_list().get(Reduce::FIELDS.len())?);
    reduce(step, Factor::FIELDS.len(), |sum, x: f32| sum.unwrap_or(0.0) + x, |sum: f32| sum / divisor)
}

/// Product. Scalars: [`Reduce`], dimensions. State: an f32 per element of the output row.
pub fn product(step: &Step<'_>) -> Option<()> {
    reduce(step, 0, |product, x: f32| product.unwrap_or(1.0) * x, |product: f32| product)
}

/// The elements of a row, each with its number.
#[inline]
fn elements(row: Cells<'_>) -> impl Iterator<Item = (usize, f32)> {
    (0..row.len() / 4).map_while(move |i| Some((i, f32::get(row, i)?)))
}

/// Softmax over the last axis. Scalars: [`Softmax`].
pub fn softmax(step: &Step<'_>) -> Option<()> {
    let p = Softmax::read(step)?;
    let beta = float(p.beta);
    runs::<f32, f32>(step, p.depth as usize, |x, out| {
        let largest = elements(x).fold(f32::MIN, |largest, (_, x)| largest.max(x));
        let mut sum = 0.0;
        for (i, x) in elements(x) {
            let term = libm::expf((x - largest) * beta);
            f32::set(out, i, term)?;
            sum += term;
        }
        elements(out).try_for_each(|(i, term)| f32::set(out, i, term / sum))
    })
}

/// Logarithm of the softmax over the last axis. Scalars: [`Softmax`].
pub fn log_softmax(step: &Step<'_>) -> Option<()> {
    let p = Softmax::read(step)?;
    runs::<f32, f32>(step, p.depth as usize, |x, out| {
        let largest = elements(x).fold(f32::MIN, |largest, (_, x)| largest.max(x));
        let log = libm::logf(elements(x).map(|(_, x)| libm::expf(x - largest)).sum());
        elements(x).try_for_each(|(i, x)| f32::set(out, i, x - largest - log))
    })
}

/// Division by the Euclidean norm over the last axis. Scalars: [`L2Normalization`].
pub fn l2_normalization(step: &Step<'_>) -> Option<()> {
    let p = L2Normalization::read(step)?;
    runs::<f32, f32>(step, p.depth as usize, |x, out| {
        let norm = libm::sqrtf(elements(x).map(|(_, x)| x * x).sum()).max(1e-6);
        elements(x).try_for_each(|(i, x)| f32::set(out, i, x / norm))
    })
}
