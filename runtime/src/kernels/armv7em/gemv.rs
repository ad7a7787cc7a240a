//! Matrix times vector: the inner part of fully connected layers, eight output channels at a time.
//!
//! The vector holds `words` words of two int16 elements. Weights are streamed for four pairs of channels at a time:
//!
//! | words | meaning |
//! |---|---|
//! | 1 | form of the requantization of all eight: [`SHORT`], [`EXACT`] or [`CLAMPED`] |
//! | 8 | start of the sums: per pair `b0`, `256 * b1 + b0` |
//! | `4 * words` | weights: for every word of the vector a word for each pair, halfwords `256 * w1 + w0` |
//! | 16 or 24 | constants per channel: `m, z` (short) or `m, c, n` |
//!
//! Forms and the trick with two channels in a word are those of [`super::gemm`].

#[cfg(doc)]
use super::gemm::{CLAMPED, EXACT, SHORT};

/// Output channels that are computed together.
pub const CHANNELS: usize = 8;

/// What a product needs to know.
#[repr(C)]
pub struct Gemv {
    /// The vector.
    pub x: *const u32,
    /// Weights and constants, aligned to 4.
    pub stream: *const u32,
    /// The first output.
    pub out: *mut i8,
    /// Groups of eight channels; at least 1.
    pub groups: usize,
    /// Words of the vector; at least 1.
    pub words: usize,
    /// Bounds of the clamped form.
    pub min: i32,
    /// See `min`.
    pub max: i32,
}

/// Multiplies `groups` times eight channels.
///
/// # Safety
/// `x` holds `words` words, `stream` what the module describes for `groups` groups, `out` has room for their channels.
#[inline]
pub unsafe fn gemv(g: &Gemv) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::gemv(g)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin(g)
    }
}

/// The same in plain Rust.
#[cfg(not(tbx_dsp))]
unsafe fn twin(g: &Gemv) {
    use super::gemm::{constants, extract, requantize, smlad};
    debug_assert!(g.groups > 0 && g.words > 0);
    let mut stream = g.stream;
    let mut next = || {
        // SAFETY: the caller's promise about `stream`; below, about `x` and `out`.
        let word = unsafe { stream.read() };
        stream = stream.wrapping_add(1);
        word
    };
    for group in 0..g.groups {
        let form = next();
        let mut sums: [i32; CHANNELS] = std::array::from_fn(|_| next() as i32);
        for k in 0..g.words {
            // SAFETY: see above.
            let x = unsafe { g.x.add(k).read() };
            for pair in sums.as_chunks_mut::<2>().0 {
                let w = next();
                *pair = [smlad(extract(w), x, pair[0]), smlad(w, x, pair[1])];
            }
        }
        for (channel, _) in sums.iter().enumerate() {
            let constants = constants(form, &mut next);
            let even = sums[channel & !1];
            let sum = if channel % 2 == 0 { even } else { sums[channel].wrapping_sub(even) >> 8 };
            let q = requantize(form, constants, sum, g.min, g.max);
            // SAFETY: see above.
            unsafe { g.out.add(CHANNELS * group + channel).write(q) };
        }
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use super::Gemv;
    use core::arch::global_asm;

    // Registers: r0 stream, r1 vector, r2 its word, r3 r4 weights; sums of even channels r5 r7 r9 r11, of both channels
    // r6 r8 r10 r12. On the stack: what is touched once per group.
    global_asm!(
        r#"
        .syntax unified

        .set TBX_GEMV_X, 0
        .set TBX_GEMV_X_END, 4
        .set TBX_GEMV_ENTRY, 8
        .set TBX_GEMV_OUT, 12
        .set TBX_GEMV_GROUPS, 16
        .set TBX_GEMV_MIN, 20
        .set TBX_GEMV_MAX, 24
        .set TBX_GEMV_FORM, 28
        .set TBX_GEMV_FRAME, 36
        .set TBX_GEMV_COPIES, 4
        .set TBX_GEMV_STEP_BYTES, 60

        .macro TBX_GEMV_STEP
            ldrd r3, r4, [r0], #8
            ldr r2, [r1], #4
            smlad r6, r3, r2, r6
            smlad r8, r4, r2, r8
            sxtb16 r3, r3
            sxtb16 r4, r4
            smlad r5, r3, r2, r5
            smlad r7, r4, r2, r7
            ldrd r3, r4, [r0], #8
            smlad r10, r3, r2, r10
            smlad r12, r4, r2, r12
            sxtb16 r3, r3
            sxtb16 r4, r4
            smlad r9, r3, r2, r9
            smlad r11, r4, r2, r11
        .endm

        @ A pair: the even sum, and both; outputs at offset.
        .macro TBX_GEMV_SHORT even, both, offset
            sub \both, \both, \even
            asr \both, \both, #8
            ldmia r0!, {{r2, r3}}
            smmla \even, \even, r2, r3
            ssat \even, #8, \even
            ldmia r0!, {{r2, r3}}
            smmla \both, \both, r2, r3
            ssat \both, #8, \both
            strb \even, [r1, #\offset]
            strb \both, [r1, #(\offset + 1)]
        .endm

        @ One doubled sum.
        .macro TBX_GEMV_EXACT sum, offset
            ldmia r0!, {{r2, r3, r4}}
            smmlar lr, \sum, r2, r3
            add lr, lr, \sum, asr #31
            asr \sum, lr, r4
            ssat \sum, #8, \sum
            strb \sum, [r1, #\offset]
        .endm

        .macro TBX_GEMV_EXACT_PAIR even, both, offset
            sub \both, \both, \even
            lsl \even, \even, #1
            asr \both, \both, #7
            TBX_GEMV_EXACT \even, \offset
            TBX_GEMV_EXACT \both, (\offset + 1)
        .endm

        .section .text.tbx_armv7em_gemv, "ax", %progbits
        .balign 4
        .global tbx_armv7em_gemv
        .type tbx_armv7em_gemv, %function
        .thumb_func
        tbx_armv7em_gemv:
            push {{r4-r11, lr}}
            sub sp, sp, #TBX_GEMV_FRAME
            ldmia r0, {{r1-r7}}         @ x, stream, out, groups, words, min, max
            str r1, [sp, #TBX_GEMV_X]
            str r3, [sp, #TBX_GEMV_OUT]
            str r4, [sp, #TBX_GEMV_GROUPS]
            str r6, [sp, #TBX_GEMV_MIN]
            str r7, [sp, #TBX_GEMV_MAX]
            add r6, r1, r5, lsl #2
            str r6, [sp, #TBX_GEMV_X_END]
            rsbs r5, r5, #0             @ copies to leave out: -words mod copies
            and r5, r5, #(TBX_GEMV_COPIES - 1)
            movs r6, #TBX_GEMV_STEP_BYTES
            adr r7, 2f
            mla r5, r5, r6, r7
            orr r5, r5, #1
            str r5, [sp, #TBX_GEMV_ENTRY]
            mov r0, r2
        1:  @ eight channels
            ldmia r0!, {{r4-r12}}
            str r4, [sp, #TBX_GEMV_FORM]
            ldr r1, [sp, #TBX_GEMV_X]
            ldr r4, [sp, #TBX_GEMV_ENTRY]
            bx r4
        .balign 4
        2:
        .rept TBX_GEMV_COPIES
            TBX_GEMV_STEP
        .endr
        7:  @ both of length zero, or an error: every step has the same size
        .skip TBX_GEMV_COPIES * TBX_GEMV_STEP_BYTES - (7b - 2b)
        .skip (7b - 2b) - TBX_GEMV_COPIES * TBX_GEMV_STEP_BYTES
            ldr r4, [sp, #TBX_GEMV_X_END]
            cmp r1, r4
            bne 2b
            ldr r4, [sp, #TBX_GEMV_FORM]
            ldr r1, [sp, #TBX_GEMV_OUT]
            cmp r4, #0
            bne 3f
            TBX_GEMV_SHORT r5, r6, 0
            TBX_GEMV_SHORT r7, r8, 2
            TBX_GEMV_SHORT r9, r10, 4
            TBX_GEMV_SHORT r11, r12, 6
            b 5f
        3:  TBX_GEMV_EXACT_PAIR r5, r6, 0
            TBX_GEMV_EXACT_PAIR r7, r8, 2
            TBX_GEMV_EXACT_PAIR r9, r10, 4
            TBX_GEMV_EXACT_PAIR r11, r12, 6
            ldr r4, [sp, #TBX_GEMV_FORM]
            cmp r4, #1
            beq 5f
            ldrd r2, r3, [sp, #TBX_GEMV_MIN]
            movs r4, #8                 @ clamped: the outputs once more
        4:  ldrsb r5, [r1]
            cmp r5, r2
            it lt
            movlt r5, r2
            cmp r5, r3
            it gt
            movgt r5, r3
            strb r5, [r1], #1
            subs r4, r4, #1
            bne 4b
            subs r1, r1, #8
        5:  adds r1, r1, #8
            str r1, [sp, #TBX_GEMV_OUT]
            ldr r4, [sp, #TBX_GEMV_GROUPS]
            subs r4, r4, #1
            str r4, [sp, #TBX_GEMV_GROUPS]
            bne.w 1b
            add sp, sp, #TBX_GEMV_FRAME
            pop {{r4-r11, pc}}
        .size tbx_armv7em_gemv, . - tbx_armv7em_gemv
        .text
        "#
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_gemv"]
        pub(super) fn gemv(gemv: &Gemv);
    }
}
