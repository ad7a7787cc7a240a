//! Values taken over into another type, without regard to scales.

use crate::arena::{Cells, Element};
use crate::step::Step;

super::params! {
    /// Scalars of a cast.
    Cast {
        /// Elements of a row.
        elements,
        /// Type of the input: one of [`code`]; of no use for floats.
        from,
        /// Type of the output.
        to,
    }
}

/// Element types.
pub mod code {
    /// 8-bit signed.
    pub const I8: i32 = 0;
    /// 8-bit unsigned.
    pub const U8: i32 = 1;
    /// 16-bit signed.
    pub const I16: i32 = 2;
    /// 32-bit signed.
    pub const I32: i32 = 3;
    /// 64-bit signed.
    pub const I64: i32 = 4;
    /// One byte, 0 or 1.
    pub const BOOL: i32 = 5;
}

#[inline]
fn get(code: i32, cells: Cells<'_>, i: usize) -> Option<i64> {
    match code {
        code::I8 => i8::get(cells, i).map(i64::from),
        code::U8 | code::BOOL => u8::get(cells, i).map(i64::from),
        code::I16 => i16::get(cells, i).map(i64::from),
        code::I32 => i32::get(cells, i).map(i64::from),
        code::I64 => i64::get(cells, i),
        _ => None,
    }
}

#[inline]
fn set(code: i32, cells: Cells<'_>, i: usize, value: i64) -> Option<()> {
    match code {
        code::I8 => i8::set(cells, i, value as i8),
        code::U8 => u8::set(cells, i, value as u8),
        code::I16 => i16::set(cells, i, value as i16),
        code::I32 => i32::set(cells, i, value as i32),
        code::I64 => i64::set(cells, i, value),
        code::BOOL => u8::set(cells, i, u8::from(value != 0)),
        _ => None,
    }
}

/// Applies `f` to the number of each element of the rows at work.
#[inline]
fn each(step: &Step<'_>, p: &Cast, f: impl Fn(Cells<'_>, Cells<'_>, usize) -> Option<()>) -> Option<()> {
    for y in step.output_rows()? {
        let (x, out) = (step.input_row(0, y)?, step.output_row(0, y)?);
        (0..p.elements as usize).try_for_each(|i| f(x, out, i))?;
    }
    Some(())
}

/// Integers to integers, wrapping. Scalars: [`Cast`].
pub fn integers(step: &Step<'_>) -> Option<()> {
    let p = Cast::read(step)?;
    each(step, &p, |x, out, i| set(p.to, out, i, get(p.from, x, i)?))
}

/// Integers to floats. Scalars: [`Cast`].
pub fn to_f32(step: &Step<'_>) -> Option<()> {
    let p = Cast::read(step)?;
    each(step, &p, |x, out, i| f32::set(out, i, get(p.from, x, i)? as f32))
}

/// Floats to integers, towards zero, saturating at 64 bits. Scalars: [`Cast`].
pub fn from_f32(step: &Step<'_>) -> Option<()> {
    let p = Cast::read(step)?;
    each(step, &p, |x, out, i| {
        let x = f32::get(x, i)?;
        let whole = if p.to == code::BOOL { i64::from(x != 0.0) } else { x as i64 };
        set(p.to, out, i, whole)
    })
}
