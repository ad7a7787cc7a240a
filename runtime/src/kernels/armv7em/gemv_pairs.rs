//! Matrix times vector, two output channels at a time: the inner part of fully connected layers with many zeros, or with
//! sums that [`super::gemv`] does not hold.
//!
//! Per pair of channels the stream has the start of both sums, the weights, and
//!
//! | words | meaning |
//! |---|---|
//! | 1 | form of the requantization: [`SHORT`], [`EXACT`] or [`CLAMPED`], plus [`MORE`] and [`PAIR`] |
//! | 4 or 6 | constants of both channels: `m, z` (short) or `m, c, n` |
//!
//! [`gemv_wide`] reads a vector of int8. Its weights are bytes: for every four elements `w0, w1` of elements 0 and 2, then
//! of 1 and 3. Sums start at `b0` and `b1` and may be any.
//!
//! [`gemv_sparse`] reads words of two int16 elements. Its weights are the words that are not zero: halfwords `256 * w1 + w0`,
//! with sums that start at `b0` and `256 * b1 + b0`, the trick and the forms being those of [`super::gemm`]. They come in
//! parts, one for each [`PART`] words of the vector, and within a part in rounds of [`ROUND`] words:
//!
//! | words | meaning |
//! |---|---|
//! | 1 | twice the rounds after the part's first one, and 1 more in the last part |
//! | 1 | per round: which words of the vector its weights meet, a byte each, counted from the part's first |
//! | 4 | and the weights |

#[cfg(doc)]
use super::gemm::{CLAMPED, EXACT, MORE, PAIR, SHORT};

/// Words of weights in a round.
pub const ROUND: usize = 4;

/// Words of the vector that a byte can tell apart.
pub const PART: usize = 256;

/// What a product needs to know.
#[repr(C)]
pub struct GemvPairs {
    /// The vector; of words, aligned to 4.
    pub x: *const u8,
    /// Weights and constants, aligned to 4; not empty.
    pub stream: *const u32,
    /// The first output.
    pub out: *mut i8,
    /// Fours of elements, at least 1; to [`gemv_sparse`] they do not matter.
    pub quads: usize,
    /// Bounds of the clamped form.
    pub min: i32,
    /// See `min`.
    pub max: i32,
}

/// Multiplies all channels of the stream by all of their weights.
///
/// # Safety
/// `x` holds `4 * quads` bytes, `stream` what the module describes, `out` has room for its channels.
#[inline]
pub unsafe fn gemv_wide(g: &GemvPairs) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::gemv_wide(g)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin::<false>(g)
    }
}

/// Multiplies all channels of the stream by the weights that are not zero.
///
/// # Safety
/// As for [`gemv_wide`], but `x` holds every word that `stream` names.
#[inline]
pub unsafe fn gemv_sparse(g: &GemvPairs) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::gemv_sparse(g)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin::<true>(g)
    }
}

/// The same in plain Rust.
#[cfg(not(tbx_dsp))]
unsafe fn twin<const SPARSE: bool>(g: &GemvPairs) {
    use super::gemm::{MORE, PAIR, constants, extract, requantize, smlad};
    let mut stream = g.stream;
    let mut next = || {
        // SAFETY: the caller's promise about `stream`; below, about `x` and `out`.
        let word = unsafe { stream.read() };
        stream = stream.wrapping_add(1);
        word
    };
    for pair in 0.. {
        let (mut even, mut odd) = (next() as i32, next() as i32);
        if SPARSE {
            let mut x: *const u32 = g.x.cast();
            loop {
                let part = next();
                for _ in 0..=part / 2 {
                    for place in next().to_le_bytes() {
                        // SAFETY: see above.
                        let (w, x) = (next(), unsafe { x.add(usize::from(place)).read() });
                        (even, odd) = (smlad(extract(w), x, even), smlad(w, x, odd));
                    }
                }
                if part % 2 == 1 {
                    break;
                }
                x = x.wrapping_add(PART);
            }
            odd = odd.wrapping_sub(even) >> 8;
        } else {
            for quad in 0..g.quads {
                // SAFETY: see above.
                let four = unsafe { g.x.add(4 * quad).cast::<u32>().read_unaligned() };
                for x in [extract(four), extract(four >> 8)] {
                    let w = next();
                    (even, odd) = (smlad(extract(w), x, even), smlad(extract(w >> 8), x, odd));
                }
            }
        }
        let form = next();
        let [first, second] = [constants(form, &mut next), constants(form, &mut next)];
        // SAFETY: see above.
        unsafe {
            let out = g.out.add(2 * pair);
            out.add((form / PAIR) as usize).write(requantize(form, second, odd, g.min, g.max));
            out.write(requantize(form, first, even, g.min, g.max));
        }
        if form & MORE == 0 {
            break;
        }
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use super::GemvPairs;
    use core::arch::global_asm;

    // Registers: r0 stream, r1 vector, r10 and r11 sums, lr rounds left. On the stack: what is touched once per pair.
    global_asm!(
        r#"
        .syntax unified

        .set TBX_GEMV_PAIRS_X, 0
        .set TBX_GEMV_PAIRS_OUT, 4
        .set TBX_GEMV_PAIRS_QUADS, 8
        .set TBX_GEMV_PAIRS_MIN, 12
        .set TBX_GEMV_PAIRS_FRAME, 20

        .macro TBX_GEMV_PAIRS_BEGIN name
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type \name, %function
        .thumb_func
        \name:
            push {{r4-r11, lr}}
            ldmia r0, {{r1-r6}}         @ x, stream, out, quads, min, max
            push {{r1, r3, r4, r5, r6}}
            mov r0, r2
        .endm

        @ Exact requantization of a sum.
        .macro TBX_GEMV_PAIRS_EXACT sum, m, c, n
            lsl \sum, \sum, #1
            smmlar r8, \sum, \m, \c
            add r8, r8, \sum, asr #31
            asr \sum, r8, \n
        .endm

        @ Limits to r2 and r3.
        .macro TBX_GEMV_PAIRS_CLAMP sum
            cmp \sum, r2
            it lt
            movlt \sum, r2
            cmp \sum, r3
            it gt
            movgt \sum, r3
        .endm

        @ Both sums to outputs; to `pair` as long as there are more.
        .macro TBX_GEMV_PAIRS_END name, pair
            ldr r1, [r0], #4            @ form
            ldr r12, [sp, #TBX_GEMV_PAIRS_OUT]
            lsls r2, r1, #30            @ zero: the short form; carry, kept to the end: more pairs follow
            bne 8f
            ldmia r0!, {{r2, r3, r4, r5}}   @ m0, z0, m1, z1
            smmla r10, r10, r2, r3
            smmla r11, r11, r4, r5
        7:  ssat r10, #8, r10
            ssat r11, #8, r11
            add r2, r12, r1, lsr #8
            strb r11, [r2]
            strb r10, [r12], #2
            str r12, [sp, #TBX_GEMV_PAIRS_OUT]
            bcs \pair
            add sp, sp, #TBX_GEMV_PAIRS_FRAME
            pop {{r4-r11, pc}}
        8:  ldmia r0!, {{r2, r3, r4, r5, r6, r7}}   @ m0, c0, n0, m1, c1, n1
            TBX_GEMV_PAIRS_EXACT r10, r2, r3, r4
            TBX_GEMV_PAIRS_EXACT r11, r5, r6, r7
            bpl 7b
            ldrd r2, r3, [sp, #TBX_GEMV_PAIRS_MIN]
            TBX_GEMV_PAIRS_CLAMP r10
            TBX_GEMV_PAIRS_CLAMP r11
            lsls r2, r1, #30
            b 7b
        .size \name, . - \name
        .endm

        .macro TBX_GEMV_WIDE_STEP weights, x
            sxtb16 r12, \weights
            smlad r10, r12, \x, r10
            sxtb16 \weights, \weights, ror #8
            smlad r11, \weights, \x, r11
        .endm

        @ Four elements.
        .macro TBX_GEMV_WIDE_QUAD
            ldrd r2, r3, [r0], #8
            ldr r4, [r1], #4
            sxtb16 r5, r4
            TBX_GEMV_WIDE_STEP r2, r5
            sxtb16 r5, r4, ror #8
            TBX_GEMV_WIDE_STEP r3, r5
        .endm

        TBX_GEMV_PAIRS_BEGIN tbx_armv7em_gemv_wide
        1:  ldmia r0!, {{r10, r11}}
            ldr r1, [sp, #TBX_GEMV_PAIRS_X]
            ldr lr, [sp, #TBX_GEMV_PAIRS_QUADS]
            adds lr, lr, #1
            lsrs lr, lr, #1
            bcc 3f                      @ an odd number
        2:  TBX_GEMV_WIDE_QUAD
        3:  TBX_GEMV_WIDE_QUAD
            subs lr, lr, #1
            bne 2b
            TBX_GEMV_PAIRS_END tbx_armv7em_gemv_wide, 1b

        @ Weights, and the place of their word of the vector in r8.
        .macro TBX_GEMV_SPARSE_STEP weights
            ldr r7, [r1, r8, lsl #2]
            smlad r11, \weights, r7, r11
            sxtb16 \weights, \weights
            smlad r10, \weights, r7, r10
        .endm

        TBX_GEMV_PAIRS_BEGIN tbx_armv7em_gemv_sparse
        1:  ldmia r0!, {{r10, r11, lr}}
            ldr r1, [sp, #TBX_GEMV_PAIRS_X]
        2:  ldmia r0!, {{r2, r3, r4, r5, r6}}
            uxtb r8, r2
            TBX_GEMV_SPARSE_STEP r3
            uxtb r8, r2, ror #8
            TBX_GEMV_SPARSE_STEP r4
            uxtb r8, r2, ror #16
            TBX_GEMV_SPARSE_STEP r5
            lsr r8, r2, #24
            TBX_GEMV_SPARSE_STEP r6
            subs lr, lr, #2
            bpl 2b
            adds lr, lr, #1             @ negative: another part follows
            itt mi
            ldrmi lr, [r0], #4
            addmi r1, r1, #{part_bytes}
            bmi 2b
            sub r11, r11, r10
            asr r11, r11, #8
            TBX_GEMV_PAIRS_END tbx_armv7em_gemv_sparse, 1b
        .text
        "#,
        part_bytes = const 4 * super::PART,
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_gemv_wide"]
        pub(super) fn gemv_wide(gemv: &GemvPairs);
        #[link_name = "tbx_armv7em_gemv_sparse"]
        pub(super) fn gemv_sparse(gemv: &GemvPairs);
    }
}
