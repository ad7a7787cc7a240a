//! How the sums of an output channel become outputs, as kernels for instruction sets want it.

use super::lowering::Lowering;
use super::product::Channel;
use super::requant::Short;
use std::ops::RangeInclusive;
use tinderbox_runtime::kernels::armv7em::gemm::{CLAMPED, EXACT, SHORT};

/// How a channel's sums are requantized.
pub(super) struct Form {
    /// [`SHORT`], [`EXACT`] or [`CLAMPED`].
    pub(super) form: u32,
    /// Where sums start: the bias, the input's zero point folded in.
    pub(super) start: i32,
    /// `m, z, 0` or `m, c, n`.
    pub(super) constants: [i32; 3],
}

impl Form {
    /// The short form where there is one, unless it `must_be_exact`; `None` if the scale is out of the exact form's range
    /// too.
    pub(super) fn new(channel: &Channel, input_zero_point: i32, weights: &[i8], must_be_exact: bool) -> Option<Self> {
        let start = folded_bias(channel, input_zero_point, weights)?;
        let sums = sums(start, weights)?;
        let r = &channel.requantization;
        if !must_be_exact && let Some(Short { m, z, d }) = channel.short {
            return Some(Form { form: SHORT, start: start.checked_add(d)?, constants: [m, z, 0] });
        }
        let n = -r.scale.shift;
        // Doubled sums must fit, and so must the rounded product, the zero point beside it.
        let largest = sums.start().unsigned_abs().max(sums.end().unsigned_abs());
        if !(1..=20).contains(&n) || largest >= 1 << 30 {
            return None;
        }
        let c = (1 << (n - 1)) + (r.zero_point << n);
        let form = if (r.min, r.max) == (-128, 127) { EXACT } else { CLAMPED };
        Some(Form { form, start, constants: [r.scale.multiplier, c, n] })
    }
}

/// Finds the channels whose short form is exact for all sums that their weights can make.
pub(super) fn shorten(
    lowering: &Lowering<'_>,
    channels: &mut [Channel],
    input_zero_point: i32,
    weights: impl Fn(usize) -> Vec<i8>,
) {
    let short = |(i, channel): (usize, &Channel)| {
        let weights = weights(i);
        let start = folded_bias(channel, input_zero_point, &weights)?;
        channel.requantization.short(&sums(start, &weights)?)
    };
    let found = lowering.shorts(|| channels.iter().enumerate().map(short).collect());
    channels.iter_mut().zip(found.iter()).for_each(|(channel, short)| channel.short = *short);
}

/// The bias with the input's zero point folded in: sums are then over plain inputs, padding included.
pub(super) fn folded_bias(channel: &Channel, input_zero_point: i32, weights: &[i8]) -> Option<i32> {
    let sum: i64 = weights.iter().map(|w| i64::from(*w)).sum();
    i32::try_from(i64::from(channel.bias) - sum * i64::from(input_zero_point)).ok()
}

/// All sums that int8 inputs can make.
pub(super) fn sums(start: i32, weights: &[i8]) -> Option<RangeInclusive<i32>> {
    let extreme = |for_positive: i64, for_negative: i64| {
        let term = |w: &i8| i64::from(*w) * if *w > 0 { for_positive } else { for_negative };
        i32::try_from(i64::from(start) + weights.iter().map(term).sum::<i64>()).ok()
    };
    Some(extreme(-128, 127)?..=extreme(127, -128)?)
}
