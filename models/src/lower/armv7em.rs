//! Weights and constants for the kernels of Armv7E-M's DSP extension.

pub(super) mod add;
mod conv;
mod conv3x3;
mod depthwise;
pub(super) mod fully_connected;
mod product;

use super::lowering::Lowering;
use super::operators::conv::{Convolution, Kind};
use super::operators::product::Channel;
use super::requant::Short;
use super::{Algorithm, Variant};
use crate::graph::Node;
use std::ops::RangeInclusive;
use tinderbox_runtime::kernels::armv7em::gemm::{CLAMPED, EXACT, SHORT};

/// The variants of a convolution that the kernels compute, the fastest ones first.
pub(super) fn variants(lowering: &Lowering<'_>, convolution: &Convolution) -> Vec<Variant> {
    match convolution.kind {
        Kind::Grouped(channels) if channels == convolution.windows.window.in_channels as usize => {
            [conv3x3::variants(lowering, convolution), conv::variants(lowering, convolution)].concat()
        }
        Kind::Depthwise(1) => depthwise::variants(lowering, convolution),
        _ => vec![],
    }
}

/// Lowers a convolution by one of its [`variants`].
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, variant: Variant) {
    match variant.algorithm {
        Algorithm::Winograd => conv3x3::lower(lowering, node, convolution, variant.rows),
        Algorithm::Product | Algorithm::Parts | Algorithm::Vectors => conv::lower(lowering, node, convolution, variant),
        Algorithm::Pairs | Algorithm::Windows => depthwise::lower(lowering, node, convolution, variant),
        Algorithm::Portable => {}
    }
}

/// How a channel's sums are requantized.
struct Form {
    /// [`SHORT`], [`EXACT`] or [`CLAMPED`].
    form: u32,
    /// Where sums start: the bias, the input's zero point folded in.
    start: i32,
    /// `m, z, 0` or `m, c, n`.
    constants: [i32; 3],
}

impl Form {
    /// The short form where there is one, unless it `must_be_exact`; `None` if the scale is out of the exact form's range
    /// too.
    fn new(channel: &Channel, input_zero_point: i32, weights: &[i8], must_be_exact: bool) -> Option<Self> {
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
fn folded_bias(channel: &Channel, input_zero_point: i32, weights: &[i8]) -> Option<i32> {
    let sum: i64 = weights.iter().map(|w| i64::from(*w)).sum();
    i32::try_from(i64::from(channel.bias) - sum * i64::from(input_zero_point)).ok()
}

/// All sums that int8 inputs can make.
fn sums(start: i32, weights: &[i8]) -> Option<RangeInclusive<i32>> {
    let extreme = |for_positive: i64, for_negative: i64| {
        let term = |w: &i8| i64::from(*w) * if *w > 0 { for_positive } else { for_negative };
        i32::try_from(i64::from(start) + weights.iter().map(term).sum::<i64>()).ok()
    };
    Some(extreme(-128, 127)?..=extreme(127, -128)?)
}

/// Little-endian bytes of words.
fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Two halfwords as a word, the first one low.
fn pair(low: i32, high: i32) -> u32 {
    low as u32 & 0xffff | (high as u32) << 16
}
