//! From sums to outputs.

use super::sums::words;
use super::{LANES, Vector};

/// How the sums of [`LANES`] channels become outputs: `(t + sign(t) + c) >> n`, `t` being the rounded high half of twice
/// the sum times `m`. That is TensorFlow Lite's double rounding where `n` is at least 1 and sums are below 2^30; the
/// output's zero point and half a unit are in `c`.
pub(super) struct Requantizer {
    m: [i32; LANES],
    c: [i32; LANES],
    n: [i32; LANES],
    min: i32,
    max: i32,
}

impl Requantizer {
    /// From vectors of `m`, `c` and `n`.
    #[inline(always)]
    pub(super) fn new([m, c, n]: &[Vector; 3], min: i32, max: i32) -> Self {
        Self { m: words(m), c: words(c), n: words(n), min, max }
    }

    /// The outputs, as bytes.
    #[inline(always)]
    pub(super) fn apply(&self, sums: [i32; LANES]) -> [u8; LANES] {
        let mut out = [0; LANES];
        for i in 0..LANES {
            let t = ((i64::from(sums[i]) * i64::from(self.m[i]) + (1 << 30)) >> 31) as i32;
            let scaled = t.wrapping_add(t >> 31).wrapping_add(self.c[i]) >> (self.n[i] & 31);
            out[i] = scaled.max(self.min).min(self.max) as u8;
        }
        out
    }
}
