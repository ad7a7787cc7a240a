//! Signed 32-bit fixed point, `Q<I>`: `I` integer bits, `31 - I` fractional bits, one sign bit. After gemmlowp's
//! `fixedpoint.h`, whose roundings the softmax and logistic kernels of TensorFlow Lite Micro inherit.

use super::{doubling_high_mul, rounding_shift_right};

/// A number with `I` integer bits: its value is `raw / 2^(31 - I)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Q<const I: i32>(pub i32);

impl<const I: i32> Q<I> {
    /// 1, or the largest number below where 1 does not fit.
    pub const ONE: Self = Q(if I == 0 { i32::MAX } else { 1 << (31 - I) });

    /// The same number with other integer bits, saturated or rounded.
    #[inline]
    pub fn rescale<const J: i32>(self) -> Q<J> {
        Q(mul_by_power_of_two(self.0, I - J))
    }

    /// The product; its integer bits are the sum of both, which the caller states.
    #[inline]
    pub fn times<const J: i32, const SUM: i32>(self, other: Q<J>) -> Q<SUM> {
        debug_assert!(SUM == I + J);
        Q(high_mul(self.0, other.0))
    }

    /// Half of the sum of non-negative numbers, rounded up.
    #[inline]
    pub fn half_sum(self, other: Self) -> Self {
        Q(((i64::from(self.0) + i64::from(other.0) + 1) / 2) as i32)
    }

    /// Wrapping sum.
    #[inline]
    pub fn plus(self, other: Self) -> Self {
        Q(self.0.wrapping_add(other.0))
    }

    /// Wrapping difference.
    #[inline]
    pub fn minus(self, other: Self) -> Self {
        Q(self.0.wrapping_sub(other.0))
    }
}

/// [`doubling_high_mul`], of which an exponential has a dozen: a call each.
#[cfg_attr(not(feature = "std"), inline(never))]
fn high_mul(a: i32, b: i32) -> i32 {
    doubling_high_mul(a, b)
}

/// `x * 2^exponent`, saturated or rounded to nearest.
#[cfg_attr(not(feature = "std"), inline(never))]
pub fn mul_by_power_of_two(x: i32, exponent: i32) -> i32 {
    if exponent <= 0 {
        return rounding_shift_right(x, (-exponent).min(31) as u32);
    }
    let wide = i64::from(x) << exponent.min(31);
    wide.max(i64::from(i32::MIN)).min(i64::from(i32::MAX)) as i32
}

/// `e^a` for `a` in [-1/4, 0): a Taylor polynomial of degree 4 around -1/8.
fn exp_near_zero(a: Q<0>) -> Q<0> {
    const EXP_MINUS_EIGHTH: Q<0> = Q(1_895_147_668);
    const THIRD: Q<0> = Q(715_827_883);
    let x = a.plus(Q(1 << 28));
    let x2: Q<0> = x.times(x);
    let x3: Q<0> = x2.times(x);
    let x4: Q<0> = x2.times(x2);
    let x4_over_4 = Q(mul_by_power_of_two(x4.0, -2));
    let thirds: Q<0> = x4_over_4.plus(x3).times(THIRD);
    let tail = Q(mul_by_power_of_two(thirds.plus(x2).0, -1));
    EXP_MINUS_EIGHTH.plus(EXP_MINUS_EIGHTH.times(x.plus(tail)))
}

/// `e^a` for `a` <= 0.
#[cfg_attr(not(feature = "std"), inline(never))]
pub fn exp_of_negative<const I: i32>(a: Q<I>) -> Q<0> {
    // e^-(2^k) for k = -2..=4, as Q0.31.
    const FACTORS: [(i32, i32); 7] = [
        (-2, 1_672_461_947),
        (-1, 1_302_514_674),
        (0, 790_015_084),
        (1, 290_630_308),
        (2, 39_332_535),
        (3, 720_401),
        (4, 242),
    ];
    if a.0 == 0 {
        return Q::ONE;
    }
    let fraction_bits = 31 - I;
    let quarter = 1i32 << (fraction_bits - 2);
    let in_quarter = (a.0 & (quarter - 1)) - quarter;
    let remainder = in_quarter.wrapping_sub(a.0);
    let mut result = exp_near_zero(Q::<I>(in_quarter).rescale());
    for (exponent, factor) in FACTORS {
        if exponent < I && remainder & (1 << (fraction_bits + exponent)) != 0 {
            result = result.times(Q::<0>(factor));
        }
    }
    // Below -32 nothing is left.
    if I > 5 && a.0 < -(1 << (36 - I)) { Q(0) } else { result }
}

/// `2 / (1 + a)` for `a` in [0, 1): three Newton steps.
fn twice_reciprocal_of_one_plus(a: Q<0>) -> Q<2> {
    const C48_OVER_17: Q<2> = Q(1_515_870_810);
    const C32_OVER_17: Q<2> = Q(1_010_580_540);
    let half_denominator = Q::<0>::ONE.half_sum(a);
    let mut x: Q<2> = C48_OVER_17.plus(half_denominator.times(Q::<2>(-C32_OVER_17.0)));
    for _ in 0..3 {
        let product: Q<2> = half_denominator.times(x);
        let error = Q::<2>::ONE.minus(product);
        let correction: Q<4> = x.times(error);
        x = x.plus(correction.rescale());
    }
    x
}

/// `1 / (1 + a)` for `a` in [0, 1).
pub fn reciprocal_of_one_plus(a: Q<0>) -> Q<0> {
    // Half of a Q2 number is the same bits as Q1.
    Q::<1>(twice_reciprocal_of_one_plus(a).0).rescale()
}

/// `1 / x` for positive `x` with `integer_bits` integer bits: the reciprocal, scaled up by the second number as a power
/// of two.
pub fn reciprocal(x: i32, integer_bits: i32) -> (Q<0>, i32) {
    let headroom = x.leading_zeros() as i32;
    let fraction = ((x as u32).wrapping_shl(headroom as u32)).wrapping_sub(1 << 31);
    (reciprocal_of_one_plus(Q(fraction as i32)), integer_bits - headroom)
}

/// `1 / (1 + e^-a)`.
pub fn logistic<const I: i32>(a: Q<I>) -> Q<0> {
    let positive = reciprocal_of_one_plus(exp_of_negative(Q::<I>(-a.0.wrapping_abs())));
    match a.0 {
        0 => Q(1 << 30),
        1.. => positive,
        _ => Q::<0>::ONE.minus(positive),
    }
}

/// The hyperbolic tangent; `TWICE` is one more than `I`.
pub fn tanh<const I: i32, const TWICE: i32>(a: Q<I>) -> Q<0> {
    debug_assert!(TWICE == I + 1);
    if a.0 == 0 {
        return Q(0);
    }
    // (1 - e) / (1 + e) = 2 / (1 + e) - 1 for e = e^-2a; twice a Q number is the same bits with another integer bit.
    let e = exp_of_negative(Q::<TWICE>(-a.0.wrapping_abs()));
    let size: Q<0> = twice_reciprocal_of_one_plus(e).minus(Q::<2>::ONE).rescale();
    if a.0 < 0 { Q(-size.0) } else { size }
}
