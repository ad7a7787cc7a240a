//! The inverse square root of an integer: TensorFlow Lite's `GetInvSqrtQuantizedMultiplierExp`.

use super::Multiplier;
use super::fixed::Q;

/// `1 / sqrt(x)` for positive `x`; what is smaller counts as 1.
pub fn inverse_sqrt(x: i32) -> Multiplier {
    const HALF_THREE: Q<3> = Q((1 << 28) + (1 << 27));
    const HALF_SQRT_2: Q<0> = Q(1_518_500_250);
    if x <= 1 {
        return Multiplier { multiplier: i32::MAX, shift: 0 };
    }
    let (normal, right) = normalized(x);
    let input = Q::<3>(normal >> 1);
    let half_input: Q<3> = Q(super::rounding_shift_right(input.0, 1));
    // Five Newton steps from 1.
    let mut y = Q::<3>::ONE;
    for _ in 0..5 {
        let square: Q<6> = y.times(y);
        let cube: Q<9> = square.times(y);
        let more: Q<6> = HALF_THREE.times(y);
        let less: Q<6> = half_input.times(cube.rescale::<3>());
        y = more.minus(less).rescale();
    }
    let y: Q<3> = y.times(HALF_SQRT_2);
    // No shift to the right by less than nothing.
    Multiplier { multiplier: y.0.wrapping_shl((-right).max(0) as u32), shift: -right.max(0) }
}

/// `x` times a power of four, in 2^27..2^29, and the shift to the right that makes up for it in the result.
fn normalized(mut x: i32) -> (i32, i32) {
    let mut right = 11;
    while x >= 1 << 29 {
        x /= 4;
        right += 1;
    }
    let pairs = (x.leading_zeros() as i32 - 1) / 2 - 1;
    (x.wrapping_shl(2 * pairs as u32), right - pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_close_to_the_real_one() {
        for x in [2, 3, 4, 100, 12_345, 1 << 20, 1 << 29, i32::MAX] {
            let Multiplier { multiplier, shift } = inverse_sqrt(x);
            let found = f64::from(multiplier) * f64::from(shift - 31).exp2();
            let real = 1.0 / f64::from(x).sqrt();
            assert!((found - real).abs() < 2e-4 * real, "{x}: {found}, not {real}");
        }
    }
}
