//! Numbers for the addition kernel, proved on all pairs of elements.

use tinderbox_runtime::kernels::armv7em::add::Add;

/// How far from the ideal multipliers are searched.
const NEAR: i32 = 2;

/// Numbers with which the kernel yields `expected(a, b)` for all elements. `factors` are the input scales over the
/// output scale.
pub(in crate::lower) fn search(factors: [f64; 2], expected: impl Fn(i8, i8) -> i8) -> Option<Add> {
    let table: Vec<[i32; 3]> = all_bytes()
        .flat_map(|a| all_bytes().map(move |b| (a, b)))
        .map(|(a, b)| [a.into(), b.into(), expected(a, b).into()])
        .collect();
    let [ideal_a, ideal_b] = factors.map(|factor| (factor * f64::from(1 << 24)).round());
    if ideal_a.abs() + ideal_b.abs() > f64::from(1 << 30) {
        return None;
    }
    let mut candidates: Vec<(i32, i32)> = (-NEAR..=NEAR).flat_map(|a| (-NEAR..=NEAR).map(move |b| (a, b))).collect();
    candidates.sort_by_key(|(a, b)| a.abs() + b.abs());
    candidates.iter().find_map(|(a, b)| constant(&table, ideal_a as i32 + a, ideal_b as i32 + b))
}

fn all_bytes() -> impl Iterator<Item = i8> {
    i8::MIN..=i8::MAX
}

/// A constant with which these multipliers do for all pairs, if sums with it stay in 32 bits.
fn constant(table: &[[i32; 3]], ma: i32, mb: i32) -> Option<Add> {
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    let (mut smallest, mut largest) = (i64::MAX, i64::MIN);
    for &[a, b, sum] in table {
        let product = |m: i32, x: i32| (i64::from(m) * i64::from(x)) >> 8;
        let x = product(ma, a) + product(mb, b);
        (smallest, largest) = (smallest.min(x), largest.max(x));
        // Saturation takes care of what lies beyond int8.
        let target = i64::from(sum + 128) << 16;
        if sum > -128 {
            low = low.max(target - x);
        }
        if sum < 127 {
            high = high.min(target + (1 << 16) - 1 - x);
        }
        if low > high {
            return None;
        }
    }
    // A constant input has no thresholds on one side.
    let r = if low == i64::MIN { high } else { low };
    let fits = |n: i64| i32::try_from(n).is_ok();
    // After the shift by 16, sums must fit a halfword.
    let fits_halfword = |n: i64| i16::try_from(n >> 16).is_ok();
    let all = fits(r) && [smallest, largest].iter().all(|x| fits(r + x) && fits_halfword(r + x));
    all.then_some(Add { ma, mb, r: r as i32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_beyond_32_bits_have_no_kernel() {
        assert_eq!(search([148.0, -148.0], i8::wrapping_sub), None);
    }
}
