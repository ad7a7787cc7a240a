//! Kernels for the machine that the compiler runs on: x86-64 with AVX2 or AVX-512 VNNI, AArch64 with NEON, any other.
//!
//! They are written once, over [`Sums`], and compiled once per instruction set; a step asks the processor which one it
//! runs. Whatever they find beside a vector's products is plain Rust for the compiler to vectorize.

pub mod add;
pub mod conv;
pub mod depthwise;
pub mod fully_connected;
pub mod product;
mod requantize;
mod sums;

use sums::Sums;

/// Channels that are computed together, and lanes of a vector of sums.
pub const LANES: usize = 16;

/// A vector in a stream of weights: 16 words, 32 halfwords or 64 bytes, little-endian.
pub type Vector = [u8; 4 * LANES];

/// Most elements of a window, or of a vector that is multiplied by a matrix.
pub const MOST_ELEMENTS: usize = 4096;

/// Most output pixels that are computed together.
const PIXELS: usize = 8;

/// The instruction set that kernels use.
pub fn instruction_set() -> &'static str {
    struct Name;
    impl Work for Name {
        type Result = &'static str;
        #[inline(always)]
        fn run<S: Sums>(self) -> &'static str {
            S::NAME
        }
    }
    on_best(Name)
}

/// What a step does, on any instruction set.
trait Work {
    /// What it yields.
    type Result;
    /// Does it. Always inlined, with all that it calls, into a function for the instruction set of `S`.
    fn run<S: Sums>(self) -> Self::Result;
}

/// Does `work` on the best instruction set that there is.
fn on_best<W: Work>(work: W) -> W::Result {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512vnni") {
            // SAFETY: the processor has the features.
            return unsafe { on_avx512(work) };
        }
        if has!("avx2") {
            // SAFETY: the processor has the feature.
            return unsafe { on_avx2(work) };
        }
    }
    #[cfg(target_arch = "aarch64")]
    return work.run::<sums::Neon>();
    #[cfg(not(target_arch = "aarch64"))]
    work.run::<sums::Plain>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn on_avx512<W: Work>(work: W) -> W::Result {
    work.run::<sums::Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn on_avx2<W: Work>(work: W) -> W::Result {
    work.run::<sums::Avx2>()
}
