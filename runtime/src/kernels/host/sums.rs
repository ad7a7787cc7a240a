//! Vectors of sums of products, per instruction set. All yield the same numbers: products of int16 and their sums are
//! exact in int32.

use super::{LANES, Vector};

/// [`LANES`] sums.
pub(super) trait Sums: Copy {
    /// Name of the instruction set.
    const NAME: &'static str;
    /// How many vector registers there are, of [`LANES`] words each.
    const REGISTERS: usize;

    /// Sums that start as the words of `start`.
    fn new(start: &Vector) -> Self;

    /// Adds `x[0] * w[2 * i] + x[1] * w[2 * i + 1]` to sum `i`; `w` are halfwords.
    fn add_products(self, x: [i16; 2], w: &Vector) -> Self;

    /// The sums.
    fn get(self) -> [i32; LANES];
}

/// The words of a vector.
#[inline(always)]
pub(super) fn words(vector: &Vector) -> [i32; LANES] {
    let mut words = [0; LANES];
    words.iter_mut().zip(vector.as_chunks().0).for_each(|(word, bytes)| *word = i32::from_le_bytes(*bytes));
    words
}

/// What any machine can do.
#[derive(Clone, Copy)]
pub(super) struct Plain([i32; LANES]);

impl Sums for Plain {
    const NAME: &'static str = "plain";
    const REGISTERS: usize = 8;

    #[inline(always)]
    fn new(start: &Vector) -> Self {
        Self(words(start))
    }

    #[inline(always)]
    fn add_products(mut self, [a, b]: [i16; 2], w: &Vector) -> Self {
        let (pairs, _) = w.as_chunks::<4>();
        for (sum, [a0, a1, b0, b1]) in self.0.iter_mut().zip(pairs) {
            let (first, second) = (i16::from_le_bytes([*a0, *a1]), i16::from_le_bytes([*b0, *b1]));
            *sum = sum.wrapping_add(i32::from(a) * i32::from(first) + i32::from(b) * i32::from(second));
        }
        self
    }

    #[inline(always)]
    fn get(self) -> [i32; LANES] {
        self.0
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{LANES, Sums, Vector};
    use core::arch::x86_64::*;

    /// `vpdpwssd` on 512 bits. Made only where `super::super::on_best` found AVX-512 F, BW, VL and VNNI.
    #[derive(Clone, Copy)]
    pub(in crate::kernels::host) struct Avx512(__m512i);

    impl Sums for Avx512 {
        const NAME: &'static str = "avx512vnni";
        const REGISTERS: usize = 32;

        #[inline(always)]
        fn new(start: &Vector) -> Self {
            // SAFETY: the processor has the features; the load is as long as the vector.
            unsafe { Self(_mm512_loadu_si512(start.as_ptr().cast())) }
        }

        #[inline(always)]
        fn add_products(self, x: [i16; 2], w: &Vector) -> Self {
            // SAFETY: as above.
            unsafe {
                let w = _mm512_loadu_si512(w.as_ptr().cast());
                Self(_mm512_dpwssd_epi32(self.0, _mm512_set1_epi32(pair(x)), w))
            }
        }

        #[inline(always)]
        fn get(self) -> [i32; LANES] {
            let mut sums = [0; LANES];
            // SAFETY: as above; the store is as long as the array.
            unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), self.0) };
            sums
        }
    }

    /// `vpmaddwd` on two vectors of 256 bits. Made only where `super::super::on_best` found AVX2.
    #[derive(Clone, Copy)]
    pub(in crate::kernels::host) struct Avx2([__m256i; 2]);

    /// Both halves of a vector.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn halves(vector: &Vector) -> [__m256i; 2] {
        let (low, high) = vector.split_at(32);
        // SAFETY: by this function's contract; both loads are as long as a half.
        unsafe { [low, high].map(|half| _mm256_loadu_si256(half.as_ptr().cast())) }
    }

    impl Sums for Avx2 {
        const NAME: &'static str = "avx2";
        const REGISTERS: usize = 8;

        #[inline(always)]
        fn new(start: &Vector) -> Self {
            // SAFETY: the processor has AVX2.
            unsafe { Self(halves(start)) }
        }

        #[inline(always)]
        fn add_products(self, x: [i16; 2], w: &Vector) -> Self {
            // SAFETY: the processor has AVX2.
            unsafe {
                let ([low, high], x) = (halves(w), _mm256_set1_epi32(pair(x)));
                Self([
                    _mm256_add_epi32(self.0[0], _mm256_madd_epi16(x, low)),
                    _mm256_add_epi32(self.0[1], _mm256_madd_epi16(x, high)),
                ])
            }
        }

        #[inline(always)]
        fn get(self) -> [i32; LANES] {
            let mut sums = [0; LANES];
            for (half, to) in self.0.into_iter().zip(sums.chunks_exact_mut(LANES / 2)) {
                // SAFETY: the processor has AVX2; the store is as long as half of the array.
                unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), half) };
            }
            sums
        }
    }

    /// Two halfwords as a word.
    #[inline(always)]
    fn pair([a, b]: [i16; 2]) -> i32 {
        i32::from(a as u16) | i32::from(b) << 16
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "aarch64")]
mod neon {
    use super::{LANES, Sums, Vector};
    use core::arch::aarch64::*;

    /// Four vectors of 128 bits. Every AArch64 processor has NEON.
    #[derive(Clone, Copy)]
    pub(in crate::kernels::host) struct Neon([int32x4_t; LANES / 4]);

    impl Sums for Neon {
        const NAME: &'static str = "neon";
        const REGISTERS: usize = 8;

        #[inline(always)]
        fn new(start: &Vector) -> Self {
            let quarters = std::array::from_fn(|i| start.as_ptr().wrapping_add(16 * i));
            // SAFETY: each load is as long as a quarter of the vector; loads of bytes need no alignment.
            Self(quarters.map(|quarter| unsafe { vreinterpretq_s32_u8(vld1q_u8(quarter)) }))
        }

        #[inline(always)]
        fn add_products(self, [a, b]: [i16; 2], w: &Vector) -> Self {
            let quarter = |i: usize| {
                // SAFETY: the load is as long as a quarter of the vector; the intrinsics are NEON's.
                unsafe {
                    let w = vreinterpretq_s16_u8(vld1q_u8(w.as_ptr().wrapping_add(16 * i)));
                    let (even, odd) = (vuzp1q_s16(w, w), vuzp2q_s16(w, w));
                    let sums = vmlal_n_s16(self.0[i], vget_low_s16(even), a);
                    vmlal_n_s16(sums, vget_low_s16(odd), b)
                }
            };
            Self(std::array::from_fn(quarter))
        }

        #[inline(always)]
        fn get(self) -> [i32; LANES] {
            let mut sums = [0; LANES];
            for (quarter, to) in self.0.into_iter().zip(sums.chunks_exact_mut(4)) {
                // SAFETY: the store is as long as a quarter of the array.
                unsafe { vst1q_s32(to.as_mut_ptr(), quarter) };
            }
            sums
        }
    }
}

#[cfg(target_arch = "aarch64")]
pub(super) use neon::Neon;

#[cfg(test)]
mod tests {
    use super::*;

    /// Halfwords that look random, extremes among them.
    fn halves(seed: u32) -> [i16; 2 * LANES] {
        let mut state = seed;
        std::array::from_fn(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if i == seed as usize % 32 { i16::MIN } else { (state >> 16) as i16 }
        })
    }

    fn vector(halves: [i16; 2 * LANES]) -> Vector {
        let mut vector = [0; 4 * LANES];
        vector.as_chunks_mut().0.iter_mut().zip(halves).for_each(|(to, half)| *to = half.to_le_bytes());
        vector
    }

    #[inline(always)]
    fn sums<S: Sums>(seed: u32) -> [i32; LANES] {
        let add = |sums: S, i: u32| {
            let [a, b, ..] = halves(seed + 7 * i);
            // As int8 activations.
            sums.add_products([a >> 8, b >> 8], &vector(halves(seed + i)))
        };
        (1..40).fold(S::new(&vector(halves(seed))), add).get()
    }

    #[test]
    fn all_instruction_sets_sum_alike() {
        for seed in 0..200 {
            let expected = sums::<Plain>(seed);
            #[cfg(target_arch = "x86_64")]
            {
                use std::arch::is_x86_feature_detected as has;
                if has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512vnni") {
                    assert_eq!(sums::<Avx512>(seed), expected, "AVX-512, seed {seed}");
                }
                if has!("avx2") {
                    assert_eq!(sums::<Avx2>(seed), expected, "AVX2, seed {seed}");
                }
            }
            #[cfg(target_arch = "aarch64")]
            assert_eq!(sums::<Neon>(seed), expected, "NEON, seed {seed}");
            assert!(expected.iter().any(|sum| *sum != 0));
        }
    }
}
