//! Vectors of sums of products, per instruction set. All yield the same numbers: activations are moved up by 128, to uint8,
//! so that the instruction that multiplies uint8 by int8 does, and four such products fit int32 by far.

use super::{LANES, Vector};

/// [`LANES`] sums.
pub(super) trait Sums: Copy {
    /// Name of the instruction set.
    const NAME: &'static str;
    /// How many of these the registers hold, beside what they are made from.
    const IN_REGISTERS: usize;

    /// Sums that start as the words of `start`.
    fn new(start: &Vector) -> Self;

    /// Adds the products of `x` and bytes `4 * i` to `4 * i + 3` of `w`, which are int8, to sum `i`.
    fn add_products(self, x: [u8; 4], w: &Vector) -> Self;

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
    const IN_REGISTERS: usize = 4;

    #[inline(always)]
    fn new(start: &Vector) -> Self {
        Self(words(start))
    }

    #[inline(always)]
    fn add_products(mut self, x: [u8; 4], w: &Vector) -> Self {
        for (sum, w) in self.0.iter_mut().zip(w.as_chunks::<4>().0) {
            let products = x.iter().zip(w).map(|(x, w)| i32::from(*x) * i32::from(*w as i8));
            *sum = sum.wrapping_add(products.sum());
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

    /// `vpdpbusd` on 512 bits. Made only where [`on_best`](crate::kernels::host::on_best) found AVX-512 F and VNNI.
    #[derive(Clone, Copy)]
    pub(in crate::kernels::host) struct Avx512(__m512i);

    impl Sums for Avx512 {
        const NAME: &'static str = "avx512vnni";
        const IN_REGISTERS: usize = 16;

        #[inline(always)]
        fn new(start: &Vector) -> Self {
            // SAFETY: the processor has the features; the load is as long as the vector.
            unsafe { Self(_mm512_loadu_si512(start.as_ptr().cast())) }
        }

        #[inline(always)]
        fn add_products(self, x: [u8; 4], w: &Vector) -> Self {
            // SAFETY: as above.
            unsafe {
                let w = _mm512_loadu_si512(w.as_ptr().cast());
                Self(_mm512_dpbusd_epi32(self.0, _mm512_set1_epi32(i32::from_le_bytes(x)), w))
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

    /// `vpmaddwd` on 256 bits, bytes being widened first: each sum in two words. Made only where
    /// [`on_best`](crate::kernels::host::on_best) found AVX2.
    #[derive(Clone, Copy)]
    pub(in crate::kernels::host) struct Avx2([__m256i; LANES / 4]);

    /// The `i`th quarter of a vector.
    ///
    /// # Safety
    /// The processor has AVX2; `i` is less than 4.
    #[inline(always)]
    unsafe fn quarter(vector: &Vector, i: usize) -> __m128i {
        // SAFETY: by this function's contract; the load is as long as a quarter.
        unsafe { _mm_loadu_si128(vector.as_ptr().add(16 * i).cast()) }
    }

    impl Sums for Avx2 {
        const NAME: &'static str = "avx2";
        const IN_REGISTERS: usize = 2;

        #[inline(always)]
        fn new(start: &Vector) -> Self {
            // SAFETY: the processor has AVX2; arrays have four elements.
            Self(std::array::from_fn(|i| unsafe { _mm256_cvtepu32_epi64(quarter(start, i)) }))
        }

        #[inline(always)]
        fn add_products(self, x: [u8; 4], w: &Vector) -> Self {
            // SAFETY: the processor has AVX2; arrays have four elements.
            unsafe {
                let x = _mm256_cvtepu8_epi16(_mm_set1_epi32(i32::from_le_bytes(x)));
                Self(std::array::from_fn(|i| {
                    let w = _mm256_cvtepi8_epi16(quarter(w, i));
                    _mm256_add_epi32(self.0[i], _mm256_madd_epi16(x, w))
                }))
            }
        }

        #[inline(always)]
        fn get(self) -> [i32; LANES] {
            let mut sums = [0; LANES];
            for (halves, to) in self.0.as_chunks::<2>().0.iter().zip(sums.as_chunks_mut::<8>().0) {
                // SAFETY: the processor has AVX2; the store is as long as the chunk.
                unsafe {
                    // Sums 0, 1, 4, 5 and 2, 3, 6, 7.
                    let added = _mm256_hadd_epi32(halves[0], halves[1]);
                    _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm256_permute4x64_epi64::<0b11_01_10_00>(added));
                }
            }
            sums
        }
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
        const IN_REGISTERS: usize = 4;

        #[inline(always)]
        fn new(start: &Vector) -> Self {
            // SAFETY: loads are as long as a quarter of the vector, and those of bytes need no alignment.
            let quarter = |i: usize| unsafe { vreinterpretq_s32_u8(vld1q_u8(start.as_ptr().add(16 * i))) };
            Self(std::array::from_fn(quarter))
        }

        #[inline(always)]
        fn add_products(self, x: [u8; 4], w: &Vector) -> Self {
            // SAFETY: loads are as long as a quarter of the vector; the processor has NEON.
            unsafe {
                let x = vreinterpretq_s16_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(u32::from_le_bytes(x)))));
                Self(std::array::from_fn(|i| {
                    let w = vreinterpretq_s8_u8(vld1q_u8(w.as_ptr().add(16 * i)));
                    // A product of uint8 and int8 fits int16.
                    let low = vpaddlq_s16(vmulq_s16(x, vmovl_s8(vget_low_s8(w))));
                    let high = vpaddlq_s16(vmulq_s16(x, vmovl_high_s8(w)));
                    vaddq_s32(self.0[i], vpaddq_s32(low, high))
                }))
            }
        }

        #[inline(always)]
        fn get(self) -> [i32; LANES] {
            let mut sums = [0; LANES];
            for (quarter, to) in self.0.into_iter().zip(sums.as_chunks_mut::<4>().0) {
                // SAFETY: the store is as long as the chunk.
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

    /// Bytes that look random, extremes among them.
    fn bytes(seed: u32) -> Vector {
        let mut state = seed;
        std::array::from_fn(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if i % 7 == seed as usize % 7 { 0x80 } else { (state >> 24) as u8 }
        })
    }

    #[inline(always)]
    fn sums<S: Sums>(seed: u32) -> [i32; LANES] {
        let add = |sums: S, i: u32| {
            let [a, b, c, d, ..] = bytes(seed + 7 * i);
            sums.add_products(if i < 5 { [255; 4] } else { [a, b, c, d] }, &bytes(seed + i))
        };
        (1..40).fold(S::new(&bytes(seed)), add).get()
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
