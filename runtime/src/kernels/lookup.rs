//! Functions of one element from tables that the compiler made.

use super::elementwise::unary;
use crate::step::Step;

/// Any function of a byte. Weights: its 256 values.
pub fn bytes(step: &Step<'_>) -> Option<()> {
    let table: &[u8; 256] = step.weights().first_chunk()?;
    unary(step, |x: u8| table[usize::from(x)])
}

super::params! {
    /// Scalars of a sigmoid: an argument in units of 3/2^15 for the logistic function, of 3/2^16 for the tangent.
    Sigmoid {
        /// What the input is multiplied with to give the argument.
        multiplier,
        /// And then shifted by, to the right, rounded.
        shift,
    }
}

impl Sigmoid {
    #[inline]
    fn argument(&self, x: i16) -> i32 {
        let product = i32::from(x).wrapping_mul(self.multiplier);
        let round = if self.shift > 0 { 1 << (self.shift - 1) } else { 0 };
        product.wrapping_add(round) >> self.shift.clamp(0, 31)
    }

    /// The logistic function as Q0.15, from a table of it at 0, 1/24 and so on to 255/24, as Q0.16.
    #[inline]
    pub fn logistic(&self, table: &[u8], x: i16) -> Option<i16> {
        let x = self.argument(x);
        let size = interpolate(table, x.unsigned_abs(), 9)?.unwrap_or(0x7fff << 10);
        let positive = if x >= 0 { size + (1 << 9) } else { (1 << 25) - size + (1 << 9) - 1 };
        Some((positive >> 10) as i16)
    }

    /// The hyperbolic tangent as Q0.15, from the same table: `2 logistic(2x) - 1`.
    #[inline]
    pub fn tanh(&self, table: &[u8], x: i16) -> Option<i16> {
        let x = self.argument(x);
        let size = interpolate(table, x.unsigned_abs(), 8)?.unwrap_or(0xffff << 8);
        let half = 1 << 23;
        let signed = if x >= 0 { size - half + (1 << 7) } else { half - size + (1 << 7) - 1 };
        Some((signed >> 8) as i16)
    }
}

/// Between two entries of the table, scaled up by 2^bits; `None` inside beyond its end.
#[inline]
fn interpolate(table: &[u8], x: u32, bits: u32) -> Option<Option<i32>> {
    let at = (x >> bits) as usize;
    if at >= 255 {
        return Some(None);
    }
    let entry = |i: usize| Some(i32::from(u16::from_le_bytes(*table.get(2 * i..)?.first_chunk()?)));
    let (low, high) = (entry(at)?, entry(at + 1)?);
    let rest = (x & ((1 << bits) - 1)) as i32;
    Some(Some((low << bits) + rest * (high - low)))
}

/// The logistic function. Scalars: [`Sigmoid`]; weights: its table.
pub fn logistic_s16(step: &Step<'_>) -> Option<()> {
    let p = Sigmoid::read(step)?;
    unary(step, |x: i16| p.logistic(step.weights(), x).unwrap_or_default())
}

/// The hyperbolic tangent. Scalars: [`Sigmoid`]; weights: the logistic function's table.
pub fn tanh_s16(step: &Step<'_>) -> Option<()> {
    let p = Sigmoid::read(step)?;
    unary(step, |x: i16| p.tanh(step.weights(), x).unwrap_or_default())
}

/// Entries of a table for [`interpolated`].
pub const ENTRIES: usize = 513;

/// A function of int16 between the entries of a table of [`ENTRIES`], 128 apart.
#[inline]
pub(crate) fn interpolated(table: &[u8], x: i16) -> Option<i16> {
    let at = (256 + (i32::from(x) >> 7)) as usize;
    let entry = |i: usize| Some(i32::from(i16::from_le_bytes(*table.get(2 * i..)?.first_chunk()?)));
    let (low, high) = (entry(at)?, entry(at + 1)?);
    // The slope wraps as TensorFlow Lite's does.
    let slope = i32::from((high - low) as i16);
    Some((low + ((slope * (i32::from(x) & 0x7f) + 64) >> 7)) as i16)
}
