//! Matrix times vector by the weights that are not zero: the inner part of sparse fully connected layers, two output
//! channels at a time.
//!
//! The vector holds words of two int16 elements. The weights of two channels come in parts, one for each [`PART`] words of
//! the vector, and within a part in rounds of four words. Per pair of channels:
//!
//! | words | meaning |
//! |---|---|
//! | 2 | start of the sums: `b0`, `256 * b1 + b0` |
//! | 1 | per part: twice the rounds after its first one, and 1 more if it is the last part |
//! | 1 | per round: which words of the vector its weights meet, a byte each, counted from the part's first |
//! | 4 | and the weights: halfwords `256 * w1 + w0` |
//! | 1 | form of the requantization: [`SHORT`], [`EXACT`] or [`CLAMPED`], plus [`MORE`] and [`PAIR`] |
//! | 4 or 6 | constants of both channels: `m, z` (short) or `m, c, n` |
//!
//! Forms and the trick with two channels in a word are those of [`super::gemm`].

#[cfg(doc)]
use super::gemm::{CLAMPED, EXACT, MORE, PAIR, SHORT};

/// Words of the vector that a byte can tell apart.
pub const PART: usize = 256;

/// Words of weights in a round.
pub const ROUND: usize = 4;

/// What a product needs to know.
#[repr(C)]
pub struct GemvSparse {
    /// The vector.
    pub x: *const u32,
    /// Weights and constants, aligned to 4; not empty.
    pub stream: *const u32,
    /// The first output.
    pub out: *mut i8,
    /// Bounds of the clamped form.
    pub min: i32,
    /// See `min`.
    pub max: i32,
}

/// Multiplies all channels of the stream.
///
/// # Safety
/// `x` holds every word that `stream` names, `stream` what the module describes, `out` has room for its channels.
#[inline]
pub unsafe fn gemv_sparse(g: &GemvSparse) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::gemv_sparse(g)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin(g)
    }
}

/// The same in plain Rust.
#[cfg(not(tbx_dsp))]
unsafe fn twin(g: &GemvSparse) {
    use super::gemm::{EXACT, MORE, PAIR, extract, requantize, smlad};
    let mut stream = g.stream;
    let mut next = || {
        // SAFETY: the caller's promise about `stream`; below, about `x` and `out`.
        let word = unsafe { stream.read() };
        stream = stream.wrapping_add(1);
        word
    };
    for pair in 0.. {
        let (mut even, mut both) = (next() as i32, next() as i32);
        let mut x = g.x;
        loop {
            let part = next();
            for _ in 0..=part / 2 {
                let places = next().to_le_bytes();
                for place in places {
                    // SAFETY: see above.
                    let (w, x) = (next(), unsafe { x.add(usize::from(place)).read() });
                    both = smlad(w, x, both);
                    even = smlad(extract(w), x, even);
                }
            }
            if part % 2 == 1 {
                break;
            }
            x = x.wrapping_add(PART);
        }
        let form = next();
        let mut constants = || match form & EXACT {
            0 => [next() as i32, next() as i32, 0],
            _ => [next(), next(), next()].map(|word| word as i32),
        };
        let [first, second] = [constants(), constants()];
        let odd = requantize(form, second, both.wrapping_sub(even) >> 8, g.min, g.max);
        let even = requantize(form, first, even, g.min, g.max);
        // SAFETY: see above.
        unsafe {
            let out = g.out.add(2 * pair);
            out.add((form / PAIR) as usize).write(odd);
            out.write(even);
        }
        if form & MORE == 0 {
            break;
        }
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use super::GemvSparse;
    use core::arch::global_asm;

    // Registers: r0 stream, r1 part of the vector, r2 places, r3 to r6 weights, r7 word of the vector, r8 place; r9 sum of
    // the even channel, r10 of both, r11 rounds left, r12 output, lr vector. On the stack: where the bounds are.
    global_asm!(
        r#"
        .syntax unified

        @ Weights, and the place of their word of the vector in r8.
        .macro TBX_GEMV_SPARSE_STEP weights
            ldr r7, [r1, r8, lsl #2]
            smlad r10, \weights, r7, r10
            sxtb16 \weights, \weights
            smlad r9, \weights, r7, r9
        .endm

        @ Exact requantization of a doubled sum.
        .macro TBX_GEMV_SPARSE_EXACT sum, m, c, n
            smmlar r8, \sum, \m, \c
            add r8, r8, \sum, asr #31
            asr \sum, r8, \n
        .endm

        @ Limits to r2 and r3.
        .macro TBX_GEMV_SPARSE_CLAMP sum
            cmp \sum, r2
            it lt
            movlt \sum, r2
            cmp \sum, r3
            it gt
            movgt \sum, r3
        .endm

        .section .text.tbx_armv7em_gemv_sparse, "ax", %progbits
        .balign 4
        .global tbx_armv7em_gemv_sparse
        .type tbx_armv7em_gemv_sparse, %function
        .thumb_func
        tbx_armv7em_gemv_sparse:
            push {{r4-r11, lr}}
            add r1, r0, #12
            push {{r1, r2}}
            ldr lr, [r0]
            ldr r12, [r0, #8]
            ldr r0, [r0, #4]
        1:  @ a pair of channels
            ldmia r0!, {{r9, r10, r11}}
            mov r1, lr
        2:  @ a round
            ldmia r0!, {{r2, r3, r4, r5, r6}}
            uxtb r8, r2
            TBX_GEMV_SPARSE_STEP r3
            uxtb r8, r2, ror #8
            TBX_GEMV_SPARSE_STEP r4
            uxtb r8, r2, ror #16
            TBX_GEMV_SPARSE_STEP r5
            lsr r8, r2, #24
            TBX_GEMV_SPARSE_STEP r6
            subs r11, r11, #2
            bpl 2b
            adds r11, r11, #1           @ -1: the last part
            itt mi
            ldrmi r11, [r0], #4
            addmi r1, r1, #{part_bytes}
            bmi 2b
            ldr r1, [r0], #4            @ form
            sub r10, r10, r9
            lsls r2, r1, #30            @ zero: the short form; carry, kept to the end: more pairs follow
            bne 4f
            asr r10, r10, #8
            ldmia r0!, {{r2, r3, r4, r5}}   @ m0, z0, m1, z1
            smmla r9, r9, r2, r3
            smmla r10, r10, r4, r5
        3:  ssat r9, #8, r9
            ssat r10, #8, r10
            add r2, r12, r1, lsr #8
            strb r10, [r2]
            strb r9, [r12], #2
            bcs 1b
            pop {{r1, r2}}
            pop {{r4-r11, pc}}
        4:  ldmia r0!, {{r2, r3, r4, r5, r6, r7}}   @ m0, c0, n0, m1, c1, n1
            lsl r9, r9, #1
            asr r10, r10, #7
            TBX_GEMV_SPARSE_EXACT r9, r2, r3, r4
            TBX_GEMV_SPARSE_EXACT r10, r5, r6, r7
            bpl 3b
            ldr r2, [sp]
            ldrd r2, r3, [r2]
            TBX_GEMV_SPARSE_CLAMP r9
            TBX_GEMV_SPARSE_CLAMP r10
            lsls r2, r1, #30
            b 3b
        .size tbx_armv7em_gemv_sparse, . - tbx_armv7em_gemv_sparse
        .text
        "#,
        part_bytes = const 4 * super::PART,
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_gemv_sparse"]
        pub(super) fn gemv_sparse(gemv: &GemvSparse);
    }
}
