//! Matrix products on int16 pixels: the inner part of convolutions.
//!
//! A block holds 4, 2 or 1 pixels of `2 * words` int16 elements each, in words of two elements: word 0 of every pixel,
//! then word 1 of every pixel, and so on. Weights are streamed for two output channels at a time:
//!
//! | words | meaning |
//! |---|---|
//! | 1 | form of the requantization: [`SHORT`], [`EXACT`] or [`CLAMPED`], plus [`SINGLE`] |
//! | 2 | start of the sums: `b0`, `256 * b1 + b0` |
//! | `words` | weights: halfwords `256 * w1 + w0` |
//! | 4 or 6 | constants of both channels: `m, z` (short) or `m, c, n` |
//!
//! One weight word serves both channels with one extraction: multiplied as it is, it yields `256 * sum1 + sum0`, its low
//! bytes yield `sum0`. That is exact while `|sum1| < 2^23`, which the compiler checks.
//!
//! The exact requantization is TensorFlow Lite's double rounding: `floor((2 * sum * m + c * 2^32 + 2^31) / 2^32)`, one
//! less where the sum is negative, shifted right by `n`; `c` holds the half that rounds the shift, and the zero point.
//! The short one is `z + floor(sum * m / 2^32)`, where the compiler proved it equal.

/// Requantization in two instructions.
pub const SHORT: u32 = 0;
/// Requantization in five.
pub const EXACT: u32 = 1;
/// As [`EXACT`], limited to bounds narrower than int8.
pub const CLAMPED: u32 = 3;
/// The second channel does not exist: nothing is stored for it.
pub const SINGLE: u32 = 4;

/// What a product needs to know.
#[repr(C)]
pub struct Gemm {
    /// The block of pixels.
    pub x: *const u32,
    /// Weights and constants, aligned to 4.
    pub stream: *const u32,
    /// Output of the first pixel's first channel.
    pub out: *mut i8,
    /// Bytes from one pixel's output to the next.
    pub out_stride: usize,
    /// Pairs of channels.
    pub pairs: usize,
    /// Words of a pixel; at least 1.
    pub words: usize,
    /// Bounds of [`CLAMPED`].
    pub min: i32,
    /// See `min`.
    pub max: i32,
}

/// Multiplies a block of `pixels` (4, 2 or 1) pixels.
///
/// # Safety
/// `x` holds `pixels * words` words, `stream` what the module describes for `pairs` pairs, and every pixel's output has
/// room for the channels.
#[inline]
pub unsafe fn gemm(gemm: &Gemm, pixels: usize) {
    #[cfg(target_arch = "arm")]
    // SAFETY: by this function's contract.
    unsafe {
        match pixels {
            4 => arm::gemm4(gemm),
            2 => arm::gemm2(gemm),
            _ => arm::gemm1(gemm),
        }
    }
    #[cfg(not(target_arch = "arm"))]
    // SAFETY: by this function's contract.
    unsafe {
        match pixels {
            4 => twin::<4>(gemm),
            2 => twin::<2>(gemm),
            _ => twin::<1>(gemm),
        }
    }
}

/// The same in plain Rust, instruction for instruction.
#[cfg(not(target_arch = "arm"))]
unsafe fn twin<const PIXELS: usize>(g: &Gemm) {
    let mut stream = g.stream;
    let mut next = || {
        // SAFETY: the caller's promise about `stream`; below, about `x` and `out`.
        let word = unsafe { stream.read() };
        stream = stream.wrapping_add(1);
        word
    };
    for pair in 0..g.pairs {
        let form = next();
        let (b0, raw) = (next() as i32, next() as i32);
        let (mut low, mut both) = ([b0; PIXELS], [raw; PIXELS]);
        for k in 0..g.words {
            let w = next();
            for p in 0..PIXELS {
                // SAFETY: see above.
                let x = unsafe { g.x.add(PIXELS * k + p).read() };
                both[p] = smlad(w, x, both[p]);
                low[p] = smlad(extract(w), x, low[p]);
            }
        }
        for channel in 0..2 {
            let constants = if form & EXACT == 0 {
                [next() as i32, next() as i32, 0]
            } else {
                [next(), next(), next()].map(|c| c as i32)
            };
            if channel == 1 && form & SINGLE != 0 {
                continue;
            }
            for p in 0..PIXELS {
                let sum = if channel == 0 { low[p] } else { both[p].wrapping_sub(low[p]) >> 8 };
                let q = requantize(form, constants, sum, g.min, g.max);
                // SAFETY: see above.
                unsafe { g.out.add(p * g.out_stride + 2 * pair + channel).write(q) };
            }
        }
    }
}

/// Two products of halfwords added to a sum, modulo 2^32.
#[cfg(not(target_arch = "arm"))]
pub(super) fn smlad(a: u32, b: u32, sum: i32) -> i32 {
    let half = |word: u32, shift: u32| i32::from((word >> shift) as i16);
    sum.wrapping_add(half(a, 0).wrapping_mul(half(b, 0))).wrapping_add(half(a, 16).wrapping_mul(half(b, 16)))
}

/// The sign-extended low bytes of both halfwords.
#[cfg(not(target_arch = "arm"))]
pub(super) fn extract(word: u32) -> u32 {
    let low = |shift: u32| u32::from((word >> shift) as i8 as i16 as u16);
    low(0) | low(16) << 16
}

/// The requantizations; `constants` are `m, z` or `m, c, n`.
#[cfg(not(target_arch = "arm"))]
pub(super) fn requantize(form: u32, constants: [i32; 3], sum: i32, min: i32, max: i32) -> i8 {
    let [m, c, n] = constants;
    if form & EXACT == 0 {
        let high = (i64::from(sum) * i64::from(m)).wrapping_add(i64::from(c) << 32) >> 32;
        return high.clamp(-128, 127) as i8;
    }
    let doubled = sum.wrapping_mul(2);
    let high =
        ((i64::from(doubled) * i64::from(m)).wrapping_add(i64::from(c) << 32).wrapping_add(1 << 31) >> 32) as i32;
    let shifted = high.wrapping_add(doubled >> 31) >> n;
    let limited = if form & CLAMPED == CLAMPED { shifted.max(min).min(max) } else { shifted };
    limited.clamp(-128, 127) as i8
}

#[cfg(target_arch = "arm")]
mod arm {
    use super::Gemm;
    use core::arch::global_asm;

    // Registers of a step: r0 stream, r1 pixels, r2 r3 pixel words, r4 weights, r5 their low bytes; sums of the first
    // channel from r6, of both from r10. On the stack: what is touched once per pair.
    global_asm!(
        r#"
        .syntax unified

        .set TBX_GEMM_X, 0          @ first word of the block
        .set TBX_GEMM_X_END, 4      @ behind its last
        .set TBX_GEMM_ENTRY, 8      @ where the unrolled loop is entered, so that it ends with its last copy
        .set TBX_GEMM_OUT, 12
        .set TBX_GEMM_STRIDE, 16
        .set TBX_GEMM_PAIRS, 20
        .set TBX_GEMM_MIN, 24
        .set TBX_GEMM_MAX, 28
        .set TBX_GEMM_FORM, 32
        .set TBX_GEMM_FRAME, 36
        .set TBX_GEMM_COPIES, 8

        @ One word of weights times one word of each pixel.
        .macro TBX_GEMM_STEP pixels
            ldr r4, [r0], #4
            ldr r2, [r1], #4
        .if \pixels > 1
            ldr r3, [r1], #4
        .endif
            smlad r10, r4, r2, r10
        .if \pixels > 1
            smlad r11, r4, r3, r11
        .endif
            sxtb16 r5, r4
            smlad r6, r5, r2, r6
        .if \pixels > 1
            smlad r7, r5, r3, r7
        .endif
        .if \pixels > 2
            ldrd r2, r3, [r1], #8
            smlad r12, r4, r2, r12
            smlad lr, r4, r3, lr
            smlad r8, r5, r2, r8
            smlad r9, r5, r3, r9
        .endif
        .endm

        @ Exact requantization of one doubled sum: multiplier r2, constant r3, shift r4.
        .macro TBX_GEMM_EXACT sum, clamped
            smmlar r5, \sum, r2, r3
            add r5, r5, \sum, asr #31
            asr \sum, r5, r4
        .if \clamped
            ldr r5, [sp, #TBX_GEMM_MIN]
            cmp \sum, r5
            it lt
            movlt \sum, r5
            ldr r5, [sp, #TBX_GEMM_MAX]
            cmp \sum, r5
            it gt
            movgt \sum, r5
        .else
            ssat \sum, #8, \sum
        .endif
        .endm

        @ Stores one channel of every pixel at r1, which is spoilt.
        .macro TBX_GEMM_STORE pixels, s0, s1, s2, s3
        .if \pixels > 1
            ldr r2, [sp, #TBX_GEMM_STRIDE]
        .endif
            strb \s0, [r1]
        .if \pixels > 1
            strb \s1, [r1, r2]
        .endif
        .if \pixels > 2
            strb \s2, [r1, r2, lsl #1]
            add r1, r1, r2
            strb \s3, [r1, r2, lsl #1]
        .endif
        .endm

        .macro TBX_GEMM_DOUBLE pixels, s0, s1, s2, s3
            lsl \s0, \s0, #1
        .if \pixels > 1
            lsl \s1, \s1, #1
        .endif
        .if \pixels > 2
            lsl \s2, \s2, #1
            lsl \s3, \s3, #1
        .endif
        .endm

        .macro TBX_GEMM_SHIFT pixels, by
            asr r10, r10, #\by
        .if \pixels > 1
            asr r11, r11, #\by
        .endif
        .if \pixels > 2
            asr r12, r12, #\by
            asr lr, lr, #\by
        .endif
        .endm

        .macro TBX_GEMM_EXACT_ALL pixels, clamped, s0, s1, s2, s3
            TBX_GEMM_EXACT \s0, \clamped
        .if \pixels > 1
            TBX_GEMM_EXACT \s1, \clamped
        .endif
        .if \pixels > 2
            TBX_GEMM_EXACT \s2, \clamped
            TBX_GEMM_EXACT \s3, \clamped
        .endif
        .endm

        .macro TBX_GEMM_SHORT_ALL pixels, m, z, s0, s1, s2, s3
            smmla \s0, \s0, \m, \z
        .if \pixels > 1
            smmla \s1, \s1, \m, \z
        .endif
        .if \pixels > 2
            smmla \s2, \s2, \m, \z
            smmla \s3, \s3, \m, \z
        .endif
            ssat \s0, #8, \s0
        .if \pixels > 1
            ssat \s1, #8, \s1
        .endif
        .if \pixels > 2
            ssat \s2, #8, \s2
            ssat \s3, #8, \s3
        .endif
        .endm

        @ Both channels, exact: constants m, c, n each.
        .macro TBX_GEMM_EXACT_PAIR pixels, clamped
            TBX_GEMM_DOUBLE \pixels, r6, r7, r8, r9
            ldmia r0!, {{r2, r3, r4}}
            TBX_GEMM_EXACT_ALL \pixels, \clamped, r6, r7, r8, r9
            ldr r1, [sp, #TBX_GEMM_OUT]
            TBX_GEMM_STORE \pixels, r6, r7, r8, r9
            ldmia r0!, {{r2, r3, r4}}
            TBX_GEMM_SHIFT \pixels, 7
            TBX_GEMM_EXACT_ALL \pixels, \clamped, r10, r11, r12, lr
        .endm

        .macro TBX_GEMM name, pixels, step_bytes
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type \name, %function
        .thumb_func
        \name:
            push {{r4-r11, lr}}
            sub sp, sp, #TBX_GEMM_FRAME
            ldmia r0, {{r1-r8}}         @ x, stream, out, stride, pairs, words, min, max
            str r1, [sp, #TBX_GEMM_X]
            str r3, [sp, #TBX_GEMM_OUT]
            str r4, [sp, #TBX_GEMM_STRIDE]
            str r5, [sp, #TBX_GEMM_PAIRS]
            str r7, [sp, #TBX_GEMM_MIN]
            str r8, [sp, #TBX_GEMM_MAX]
            movs r7, #(4 * \pixels)
            mla r7, r6, r7, r1
            str r7, [sp, #TBX_GEMM_X_END]
            rsbs r6, r6, #0             @ copies to leave out: -words mod copies
            and r6, r6, #(TBX_GEMM_COPIES - 1)
            movs r7, #\step_bytes
            adr r8, 2f
            mla r6, r6, r7, r8
            orr r6, r6, #1
            str r6, [sp, #TBX_GEMM_ENTRY]
            mov r0, r2
        1:  @ a pair of channels
            ldmia r0!, {{r4, r6, r10}}
            ldr r1, [sp, #TBX_GEMM_X]
            str r4, [sp, #TBX_GEMM_FORM]
        .if \pixels > 1
            mov r7, r6
            mov r11, r10
        .endif
        .if \pixels > 2
            mov r8, r6
            mov r9, r6
            mov r12, r10
            mov lr, r10
        .endif
            ldr r4, [sp, #TBX_GEMM_ENTRY]
            bx r4
        .balign 4
        2:
        .rept TBX_GEMM_COPIES
            TBX_GEMM_STEP \pixels
        .endr
        .if . - 2b != TBX_GEMM_COPIES * \step_bytes
            .error "a step has another size"
        .endif
            ldr r4, [sp, #TBX_GEMM_X_END]
            cmp r1, r4
            bne 2b
            ldr r4, [sp, #TBX_GEMM_FORM]
            sub r10, r10, r6
        .if \pixels > 1
            sub r11, r11, r7
        .endif
        .if \pixels > 2
            sub r12, r12, r8
            sub lr, lr, r9
        .endif
            lsls r5, r4, #31
            bne 4f
            ldmia r0!, {{r2, r3, r4, r5}}   @ m0, z0, m1, z1
            TBX_GEMM_SHORT_ALL \pixels, r2, r3, r6, r7, r8, r9
            ldr r1, [sp, #TBX_GEMM_OUT]
            TBX_GEMM_STORE \pixels, r6, r7, r8, r9
            TBX_GEMM_SHIFT \pixels, 8
            TBX_GEMM_SHORT_ALL \pixels, r4, r5, r10, r11, r12, lr
            b 6f
        4:  lsls r5, r4, #30
            bmi 5f
            TBX_GEMM_EXACT_PAIR \pixels, 0
            b 6f
        5:  TBX_GEMM_EXACT_PAIR \pixels, 1
        6:  ldr r1, [sp, #TBX_GEMM_OUT]
            ldr r4, [sp, #TBX_GEMM_FORM]
            adds r5, r1, #2
            str r5, [sp, #TBX_GEMM_OUT]
            lsls r4, r4, #29
            bmi 7f
            adds r1, r1, #1
            TBX_GEMM_STORE \pixels, r10, r11, r12, lr
        7:  ldr r4, [sp, #TBX_GEMM_PAIRS]
            subs r4, r4, #1
            str r4, [sp, #TBX_GEMM_PAIRS]
            bne 1b
            add sp, sp, #TBX_GEMM_FRAME
            pop {{r4-r11, pc}}
        .size \name, . - \name
        .endm

        TBX_GEMM tbx_armv7em_gemm4, 4, 52
        TBX_GEMM tbx_armv7em_gemm2, 2, 32
        TBX_GEMM tbx_armv7em_gemm1, 1, 20
        .text
        "#
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_gemm4"]
        pub(super) fn gemm4(gemm: &Gemm);
        #[link_name = "tbx_armv7em_gemm2"]
        pub(super) fn gemm2(gemm: &Gemm);
        #[link_name = "tbx_armv7em_gemm1"]
        pub(super) fn gemm1(gemm: &Gemm);
    }
}
