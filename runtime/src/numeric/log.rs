//! The natural logarithm in fixed point: TensorFlow Lite's `log_x_for_x_greater_than_or_equal_to_1`.

use super::fixed::{Q, mul_by_power_of_two, reciprocal_of_one_plus};

/// Integer bits of the argument.
const INPUT_BITS: i32 = 12;

/// `ln(x)` for `x` >= 1: a power of two beside a number near 1, whose logarithm is a quotient of polynomials.
pub fn ln(x: Q<12>) -> Q<5> {
    const LN_2: Q<0> = Q(1_488_522_236);
    const SQRT_HALF: Q<0> = Q(1_518_500_250);
    let quarter: Q<6> = Q::<0>(1 << 29).rescale();
    let power = |exponent: i32| mul_by_power_of_two(exponent, 31 - 6);
    // The power below x, and the one below sqrt(1/2) x; the nearer one counts.
    let a = Q::<0>(x.0);
    let a_zeros = a.0.leading_zeros() as i32;
    let scaled: Q<0> = Q::<0>(mul_by_power_of_two(a.0, a_zeros - 1)).times(SQRT_HALF);
    let a_rest = mul_by_power_of_two(scaled.0, 1);
    let a_power = power(INPUT_BITS - a_zeros).saturating_add(quarter.0);
    let b: Q<0> = a.times(SQRT_HALF);
    let b_zeros = b.0.leading_zeros() as i32 - 1;
    let b_rest = mul_by_power_of_two(a.0, b_zeros);
    let b_power = power(INPUT_BITS - b_zeros).saturating_sub(quarter.0);
    let powers: Q<6> = Q::<6>(a_power.max(b_power)).times(LN_2);
    let rest: Q<6> = ln_near_one(Q(a_rest.min(b_rest)));
    powers.plus(rest).rescale()
}

/// The logarithm of `r * 2^(1/4)`, for `r` from 1/2 to sqrt(1/2).
fn ln_near_one(r: Q<0>) -> Q<6> {
    const FOURTH_ROOT_OF_HALF: Q<0> = Q(1_805_811_301);
    // Of the quotient; the first three have a factor of 2^(1/4).
    const N: Q<0> = Q(117_049_297); // 11 / 240
    const D: Q<0> = Q(127_690_142); // 1 / 20
    const F: Q<0> = Q(638_450_708); // 1 / 4
    const I: Q<0> = Q(1_057_819_769); // 2 / 2^(1/4) - 2^(1/4)
    let p = r.half_sum(FOURTH_ROOT_OF_HALF);
    let q = r.minus(FOURTH_ROOT_OF_HALF);
    let q = q.plus(q);
    let square: Q<0> = q.times(q);
    let cube: Q<0> = q.times(square);
    let product: Q<0> = q.times(r);
    let numerator = product.plus(cube.times(N));
    let inner = I.plus(q).plus(D.times(square));
    let denominator: Q<0> = p.times(inner);
    let denominator = denominator.plus(F.times(q));
    numerator.rescale::<6>().times(reciprocal_of_one_plus(denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_close_to_the_real_one() {
        for x in [1.0, 1.1, 1.5, 2.0, 2.9, 10.0, 511.0, 4095.0] {
            let found = f64::from(ln(Q((x * f64::from(1 << 19)) as i32)).0) / f64::from(1 << 26);
            assert!((found - f64::ln(x)).abs() < 1e-5, "{x}: {found}");
        }
    }
}
