//! Requantization of a layer's sums in two instructions, where that provably yields the same bytes.
//!
//! TensorFlow Lite scales a sum by a fixed-point multiplication that rounds twice. The result is int8 and grows with the
//! sum, so that two formulas are equal on an interval of sums if they reach each of the at most 255 outputs in it at the
//! same sum. The short form is `z + floor((sum + d) * m / 2^32)`: the integers `d` and `z` together supply a constant of
//! 64 bits, `d` for free, since the sum may start at `bias + d`.

use std::ops::RangeInclusive;
use tinderbox_runtime::numeric::Multiplier;

/// How far from the ideal the multiplier is searched, and how far sums may be shifted.
const MULTIPLIERS: i64 = 400;
const OFFSETS: i64 = 1 << 16;

/// What becomes of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requantization {
    /// Scale of the sum.
    pub scale: Multiplier,
    /// Zero point of the output.
    pub zero_point: i32,
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

/// The short form: `z + floor((sum + d) * m / 2^32)`, saturated to int8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// Multiplier.
    pub m: i32,
    /// Added to the result.
    pub z: i32,
    /// Added to the sum.
    pub d: i32,
}

impl Requantization {
    /// The output of a sum, as TensorFlow Lite Micro computes it.
    pub fn apply(&self, sum: i32) -> i32 {
        (self.scale.apply(sum).wrapping_add(self.zero_point)).max(self.min).min(self.max)
    }

    /// The short form that equals this one for every sum in `sums`, if one is found.
    pub fn short(&self, sums: &RangeInclusive<i32>) -> Option<Short> {
        let (low, high) = (*sums.start(), *sums.end());
        let (first, last) = (self.apply(low), self.apply(high));
        // The short form saturates at int8's bounds only.
        if first == self.min && self.min > -128 && last > first || last == self.max && self.max < 127 && last > first {
            return None;
        }
        if first == last {
            return Some(Short { m: 0, z: first, d: 0 });
        }
        // The first sum that reaches each output; outputs that are jumped over share it.
        let thresholds: Vec<(i64, i64)> =
            (first + 1..=last).map(|output| (output.into(), self.first_sum(output, low, high).into())).collect();
        let real = f64::from(self.scale.multiplier) * 2f64.powi(self.scale.shift + 1);
        let ideal = real.round() as i64;
        let mut windows: Vec<(i64, i64, i64)> = (ideal - MULTIPLIERS..=ideal + MULTIPLIERS)
            .filter(|m| *m > 0 && *m <= i64::from(i32::MAX))
            .filter_map(|m| window(&thresholds, m, (first, low, last, high)).map(|(from, to)| (from, to, m)))
            .collect();
        windows.sort_by_key(|(from, to, m)| (from - to, (m - ideal).abs()));
        windows.iter().find_map(|(from, to, m)| fill(*from, *to, *m, sums))
    }

    /// The smallest sum in `low..=high` with at least this output.
    fn first_sum(&self, output: i32, mut low: i32, mut high: i32) -> i32 {
        while low < high {
            let middle = (i64::from(low) + i64::from(high)).div_euclid(2) as i32;
            if self.apply(middle) >= output { high = middle } else { low = middle + 1 }
        }
        low
    }
}

/// The constants `r` (from, up to but not including) for which `floor((sum * m + r) / 2^32)` has these thresholds and
/// does not leave the outputs at both ends of the interval.
fn window(thresholds: &[(i64, i64)], m: i64, (first, low, last, high): (i32, i32, i32, i32)) -> Option<(i64, i64)> {
    let (mut from, mut to) = (i64::MIN, i64::MAX);
    for (output, sum) in thresholds {
        from = from.max((output << 32) - sum * m);
        to = to.min((output << 32) - (sum - 1) * m);
    }
    // Beyond the last threshold and before the first, saturation takes care of int8's bounds.
    if first > -128 {
        from = from.max((i64::from(first) << 32) - i64::from(low) * m);
    }
    if last < 127 {
        to = to.min((i64::from(last + 1) << 32) - i64::from(high) * m);
    }
    (from < to).then_some((from, to))
}

/// `d` and `z` with `from <= d * m + z * 2^32 < to`, the smallest `d` first.
fn fill(from: i64, to: i64, m: i64, sums: &RangeInclusive<i32>) -> Option<Short> {
    let largest = i64::from(*sums.end()).max(-i64::from(*sums.start()));
    (0..OFFSETS).flat_map(|d| [d, -d]).find_map(|d| {
        let z = (from - d * m).div_euclid(1 << 32) + i64::from((from - d * m).rem_euclid(1 << 32) != 0);
        let fits = (z << 32) + d * m < to && largest + d.abs() < i64::from(i32::MAX);
        Some(Short { m: m as i32, z: i32::try_from(z).ok()?, d: d as i32 }).filter(|_| fits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::scale::multiplier;

    fn short(form: &Short, sum: i32) -> i32 {
        let high = (i64::from(sum + form.d) * i64::from(form.m) + (i64::from(form.z) << 32)) >> 32;
        high.clamp(-128, 127) as i32
    }

    /// Every short form that is found equals TensorFlow Lite's on the whole interval, and many are found.
    #[test]
    fn short_forms_are_exact() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut found = 0;
        for _ in 0..60 {
            let relu = random.bool();
            let zero_point = if relu { -128 } else { random.i32(-128..128) };
            let scale = multiplier(f64::from(random.u32(1..1000)) * 1e-5);
            let requantization = Requantization { scale, zero_point, min: -128, max: 127 };
            let sums = -random.i32(1..60_000)..=random.i32(1..60_000);
            if let Some(form) = requantization.short(&sums) {
                found += 1;
                for sum in sums {
                    assert_eq!(short(&form, sum), requantization.apply(sum), "{form:?} {requantization:?} {sum}");
                }
            }
        }
        assert!(found > 20, "{found}");
    }
}
