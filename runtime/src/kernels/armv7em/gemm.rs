//! Matrix products on int16 pixels: the inner part of convolutions.
//!
//! A block holds 4, 2 or 1 pixels of `2 * words` int16 elements each, in words of two elements: word 0 of every pixel,
//! then word 1 of every pixel, and so on. Weights are streamed for two output channels at a time:
//!
//! | words | meaning |
//! |---|---|
//! | 2 | start of the sums: `b0`, `256 * b1 + b0` |
//! | `words` | weights: halfwords `256 * w1 + w0` |
//! | 1 | form of the requantization: [`SHORT`], [`EXACT`] or [`CLAMPED`], plus [`MORE`] and [`PAIR`] |
//! | 4 or 6 | constants of both channels: `m, z` (short) or `m, c, n` |
//!
//! One weight word serves both channels with one extraction: multiplied as it is, it yields `256 * sum1 + sum0`, its low
//! bytes yield `sum0`. That is exact while `|sum1| < 2^23`, which the compiler checks.
//!
//! The exact requantization is TensorFlow Lite's double rounding: `floor((2 * sum * m + c * 2^32 + 2^31) / 2^32)`, one
//! less where the sum is negative, shifted right by `n`; `c` holds the half that rounds the shift, and the zero point.
//! The short one is `z + floor(sum * m / 2^32)`, where the compiler proved it equal.
//!
//! A sparse stream has only the weights that are not zero, each with its way through the pixels. Before the starts of the
//! sums stands how many bytes of [`gemm_sparse`]'s loop its first round leaves out, which only what follows the first
//! weights goes through; in place of all weights, in words:
//!
//! | words | meaning |
//! |---|---|
//! | 1 | weights |
//! | 1 | twice the bytes from the pixels of the weights before, or from `x`; 1 more with the last ones |
//!
//! A stream of int4 weights has a byte `16 * w1 + w0 + 8` for each element, four of them in a word, in the order of
//! [`widen_quads`](super::widen::widen_quads); its sums start at `b0` and `16 * b1 + b0`. The bytes yield `16 * sum1 + low`,
//! their low nibbles `low`, which is `sum0` and eight times the sum of the pixel.

/// Requantization in two instructions.
pub const SHORT: u32 = 0;
/// Requantization in five.
pub const EXACT: u32 = 1;
/// As [`EXACT`], limited to bounds narrower than int8.
pub const CLAMPED: u32 = 3;
/// Another pair of channels follows.
pub const MORE: u32 = 1 << 2;
/// The second channel exists. Where it does not, it is stored in the place of the first, and then overwritten by it.
pub const PAIR: u32 = 1 << 8;

/// What a product needs to know.
#[repr(C)]
pub struct Gemm {
    /// The block of pixels.
    pub x: *const u32,
    /// Weights and constants, aligned to 4; not empty.
    pub stream: *const u32,
    /// Output of the first pixel's first channel.
    pub out: *mut i8,
    /// Bytes from one pixel's output to the next.
    pub out_stride: usize,
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
/// `x` holds `pixels * words` words, `stream` what the module describes, and every pixel's output has room for the channels.
#[inline]
pub unsafe fn gemm(gemm: &Gemm, pixels: usize) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        match pixels {
            4 => arm::gemm4(gemm),
            2 => arm::gemm2(gemm),
            _ => arm::gemm1(gemm),
        }
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        match pixels {
            4 => twin::<4, DENSE>(gemm),
            2 => twin::<2, DENSE>(gemm),
            _ => twin::<1, DENSE>(gemm),
        }
    }
}

/// Multiplies a block of 4 pixels with a sparse stream; `words` does not matter.
///
/// # Safety
/// As for [`gemm`], but every way of the stream must lead to four words in one allocation with `x`.
#[inline]
pub unsafe fn gemm_sparse(gemm: &Gemm) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::gemm4_sparse(gemm)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin::<4, SPARSE>(gemm)
    }
}

/// Multiplies a block of 4 pixels with a stream of int4 weights.
///
/// # Safety
/// As for [`gemm`]; `words` must be even.
#[inline]
pub unsafe fn gemm_int4(gemm: &Gemm) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::gemm4_int4(gemm)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin::<4, INT4>(gemm)
    }
}

// Kinds of streams.
#[cfg(not(tbx_dsp))]
const DENSE: u8 = 0;
#[cfg(not(tbx_dsp))]
const SPARSE: u8 = 1;
#[cfg(not(tbx_dsp))]
const INT4: u8 = 2;

/// Copies of a step in the loop of [`gemm_sparse`]; the first round enters it late enough to end with its last copy, or
/// behind that where there is no round.
pub const SPARSE_COPIES: usize = 8;

/// Bytes of such a copy.
pub const SPARSE_STEP: usize = 52;

/// Bytes of them all: the last one counts, too.
pub const SPARSE_LOOP: usize = SPARSE_COPIES * SPARSE_STEP + 2;

/// The same in plain Rust.
#[cfg(not(tbx_dsp))]
unsafe fn twin<const PIXELS: usize, const KIND: u8>(g: &Gemm) {
    let stream = std::cell::Cell::new(g.stream);
    let next = || {
        // SAFETY: the caller's promise about `stream`; below, about `x` and `out`.
        let word = unsafe { stream.get().read() };
        stream.set(stream.get().wrapping_add(1));
        word
    };
    for pair in 0.. {
        if KIND == SPARSE {
            next(); // Nothing is unrolled here.
        }
        let (b0, raw) = (next() as i32, next() as i32);
        let (mut low, mut both) = ([b0; PIXELS], [raw; PIXELS]);
        let mut eights = [0; PIXELS];
        let mut add = |w: u32, place: usize| {
            let lower = if KIND == INT4 { w & 0x000f_000f } else { extract(w) };
            for p in 0..PIXELS {
                // SAFETY: see above.
                let x = unsafe { g.x.add(place + p).read() };
                both[p] = smlad(w, x, both[p]);
                low[p] = smlad(lower, x, low[p]);
                eights[p] = smlad(0x0008_0008, x, eights[p]);
            }
        };
        if KIND == INT4 {
            for k in (0..g.words).step_by(2) {
                let w = next();
                add(extract(w), PIXELS * k);
                add(extract(w >> 8), PIXELS * (k + 1));
            }
        } else if KIND == SPARSE {
            let (mut place, mut way) = (0, 0);
            while way & 1 == 0 {
                let w = next();
                way = next();
                place += (way / 8) as usize;
                add(w, place);
            }
        } else {
            (0..g.words).for_each(|k| add(next(), PIXELS * k));
        }
        let form = next();
        let [first, second] = [constants(form, next), constants(form, next)];
        for p in 0..PIXELS {
            let (shift, offset) = if KIND == INT4 { (4, eights[p]) } else { (8, 0) };
            let even = requantize(form, first, low[p].wrapping_sub(offset), g.min, g.max);
            let odd = requantize(form, second, both[p].wrapping_sub(low[p]) >> shift, g.min, g.max);
            // SAFETY: see above.
            unsafe {
                let out = g.out.add(p * g.out_stride + 2 * pair);
                out.add((form / PAIR) as usize).write(odd);
                out.write(even);
            }
        }
        if form & MORE == 0 {
            break;
        }
    }
}

/// Two products of halfwords added to a sum, modulo 2^32.
#[cfg(not(tbx_dsp))]
pub(super) fn smlad(a: u32, b: u32, sum: i32) -> i32 {
    let half = |word: u32, shift: u32| i32::from((word >> shift) as i16);
    sum.wrapping_add(half(a, 0).wrapping_mul(half(b, 0))).wrapping_add(half(a, 16).wrapping_mul(half(b, 16)))
}

/// The sign-extended low bytes of both halfwords.
#[cfg(not(tbx_dsp))]
pub(super) fn extract(word: u32) -> u32 {
    let low = |shift: u32| u32::from((word >> shift) as i8 as i16 as u16);
    low(0) | low(16) << 16
}

/// What a channel of this form has in the stream: `m, z` or `m, c, n`.
#[cfg(not(tbx_dsp))]
pub(super) fn constants(form: u32, mut next: impl FnMut() -> u32) -> [i32; 3] {
    match form & EXACT {
        0 => [next() as i32, next() as i32, 0],
        _ => [next(), next(), next()].map(|word| word as i32),
    }
}

/// The requantizations; `constants` are `m, z` or `m, c, n`.
#[cfg(not(tbx_dsp))]
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

#[cfg(tbx_dsp)]
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
        .set TBX_GEMM_STRIDE_3, 20
        .set TBX_GEMM_MIN, 24
        .set TBX_GEMM_MAX, 28
        .set TBX_GEMM_RETURN, 32    @ where the exact requantization returns to
        .set TBX_GEMM_FRAME, 36
        .set TBX_GEMM_EIGHTS, 36    @ for int4 weights: eight times the sum of each pixel
        .set TBX_GEMM_INT4_FRAME, 52

        @ Kinds of streams.
        .set TBX_GEMM_DENSE, 0
        .set TBX_GEMM_SPARSE, 1
        .set TBX_GEMM_INT4, 2

        @ The start of the sums, r3 and r4, and the first word: pixels stand in registers of sums that do not exist yet.
        .macro TBX_GEMM_FIRST pixels
            ldmia r0!, {{r3, r4, r5}}
            ldr r1, [sp, #TBX_GEMM_X]
        .if \pixels == 4
            ldmia r1!, {{r6, r7, r8, r9}}
        .elseif \pixels == 2
            ldmia r1!, {{r6, r7}}
        .else
            ldr r6, [r1], #4
        .endif
            TBX_GEMM_FIRST_PRODUCTS \pixels
        .endm

        .macro TBX_GEMM_FIRST_PRODUCTS pixels
            smlad r10, r5, r6, r4
        .if \pixels > 1
            smlad r11, r5, r7, r4
        .endif
        .if \pixels > 2
            smlad r12, r5, r8, r4
            smlad lr, r5, r9, r4
        .endif
            sxtb16 r5, r5
            smlad r6, r5, r6, r3
        .if \pixels > 1
            smlad r7, r5, r7, r3
        .endif
        .if \pixels > 2
            smlad r8, r5, r8, r3
            smlad r9, r5, r9, r3
        .endif
        .endm

        @ The same of a sparse stream, r2 being how far into the loop it leads; the carry keeps whether this is all.
        .macro TBX_GEMM_SPARSE_FIRST
            ldmia r0!, {{r2, r3, r4, r5, r6}}
            ldr r1, [sp, #TBX_GEMM_X]
            lsrs r6, r6, #1
            add r1, r1, r6
            ldmia r1, {{r6, r7, r8, r9}}
            TBX_GEMM_FIRST_PRODUCTS 4
        .endm

        @ All sums start from those of the first pixel.
        .macro TBX_GEMM_SPREAD
            mov r7, r6
            mov r8, r6
            mov r9, r6
            mov r11, r10
            mov r12, r10
            mov lr, r10
        .endm

        @ Every other word.
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

        @ A word of a sparse stream: one instruction brings the weights and their way. The last copy keeps in the carry
        @ whether there are more.
        .macro TBX_GEMM_SPARSE_STEP last
            ldrd r4, r2, [r0], #8
            add r1, r1, r2, lsr #1
        .if \last
            lsrs r2, r2, #1
        .endif
            ldrd r2, r3, [r1]
            smlad r10, r4, r2, r10
            smlad r11, r4, r3, r11
            sxtb16 r5, r4
            smlad r6, r5, r2, r6
            smlad r7, r5, r3, r7
            ldrd r2, r3, [r1, #8]
            smlad r12, r4, r2, r12
            smlad lr, r4, r3, lr
            smlad r8, r5, r2, r8
            smlad r9, r5, r3, r9
        .endm

        @ Half a word of int4 weights, whose bytes r4 has as halfwords.
        .macro TBX_GEMM_INT4_HALF
            ldr r2, [r1], #4
            ldr r3, [r1], #4
            and r5, r4, #0x000f000f
            smlad r10, r4, r2, r10
            smlad r11, r4, r3, r11
            smlad r6, r5, r2, r6
            smlad r7, r5, r3, r7
            ldrd r2, r3, [r1], #8
            smlad r12, r4, r2, r12
            smlad lr, r4, r3, lr
            smlad r8, r5, r2, r8
            smlad r9, r5, r3, r9
        .endm

        @ A word of int4 weights: loaded twice, there is no register to keep it in.
        .macro TBX_GEMM_INT4_STEP
            ldr r4, [r0]
            sxtb16 r4, r4
            TBX_GEMM_INT4_HALF
            ldr r4, [r0], #4
            sxtb16 r4, r4, ror #8
            TBX_GEMM_INT4_HALF
        .endm

        @ Eight times the sums of all pixels' elements.
        .macro TBX_GEMM_SUM_PIXELS
            mov r12, #0x00080008
            ldr r10, [sp, #TBX_GEMM_X_END]
            movs r6, #0
            mov r7, r6
            mov r8, r6
            mov r9, r6
        9:
        .rept 2
            ldmia r1!, {{r2, r3, r4, r5}}
            smlad r6, r2, r12, r6
            smlad r7, r3, r12, r7
            smlad r8, r4, r12, r8
            smlad r9, r5, r12, r9
        .endr
            cmp r1, r10
            bne 9b
            add r1, sp, #TBX_GEMM_EIGHTS
            stmia r1, {{r6, r7, r8, r9}}
        .endm

        @ `operation` on the sums of one channel.
        .macro TBX_GEMM_EACH pixels, operation, s0, s1, s2, s3, more:vararg
            \operation \s0, \s0, \more
        .if \pixels > 1
            \operation \s1, \s1, \more
        .endif
        .if \pixels > 2
            \operation \s2, \s2, \more
            \operation \s3, \s3, \more
        .endif
        .endm

        .macro TBX_GEMM_SATURATE s, same, unused
            ssat \s, #8, \s
        .endm

        @ Exact requantization of a doubled sum: multiplier r2, constant r3, shift r4.
        .macro TBX_GEMM_EXACT s, same, unused
            smmlar r5, \s, r2, r3
            add r5, r5, \s, asr #31
            asr \s, r5, r4
        .endm

        @ Limits to r2 and r3.
        .macro TBX_GEMM_CLAMP s, same, unused
            cmp \s, r2
            it lt
            movlt \s, r2
            cmp \s, r3
            it gt
            movgt \s, r3
        .endm

        @ The exact requantization of both channels, of four pixels whatever the block has: the other registers do not
        @ matter.
        .section .text.tbx_armv7em_gemm_exact, "ax", %progbits
        .balign 4
        .type tbx_armv7em_gemm_exact, %function
        .thumb_func
        tbx_armv7em_gemm_exact:
            TBX_GEMM_EACH 4, lsl, r6, r7, r8, r9, #1
            TBX_GEMM_EACH 4, asr, r10, r11, r12, lr, #7
            ldmia r0!, {{r2, r3, r4}}
            TBX_GEMM_EACH 4, TBX_GEMM_EXACT, r6, r7, r8, r9, 0
            ldmia r0!, {{r2, r3, r4}}
            TBX_GEMM_EACH 4, TBX_GEMM_EXACT, r10, r11, r12, lr, 0
            lsls r5, r1, #30
            bpl 1f
            ldrd r2, r3, [sp, #TBX_GEMM_MIN]
            TBX_GEMM_EACH 4, TBX_GEMM_CLAMP, r6, r7, r8, r9, 0
            TBX_GEMM_EACH 4, TBX_GEMM_CLAMP, r10, r11, r12, lr, 0
        1:  TBX_GEMM_EACH 4, TBX_GEMM_SATURATE, r6, r7, r8, r9, 0
            TBX_GEMM_EACH 4, TBX_GEMM_SATURATE, r10, r11, r12, lr, 0
            lsls r5, r1, #30            @ carry: more pairs follow
            ldr pc, [sp, #TBX_GEMM_RETURN]
        .size tbx_armv7em_gemm_exact, . - tbx_armv7em_gemm_exact

        @ One channel of every pixel to `place`, r2 apart; r5 is three times as much.
        .macro TBX_GEMM_STORE pixels, place, s0, s1, s2, s3
            strb \s0, [\place]
        .if \pixels > 1
            strb \s1, [\place, r2]
        .endif
        .if \pixels > 2
            strb \s2, [\place, r2, lsl #1]
            strb \s3, [\place, r5]
        .endif
        .endm

        .macro TBX_GEMM name, pixels, step_bytes, copies, kind=TBX_GEMM_DENSE, frame=TBX_GEMM_FRAME
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type \name, %function
        .thumb_func
        \name:
            push {{r4-r11, lr}}
            sub sp, sp, #\frame
            ldmia r0, {{r1-r7}}         @ x, stream, out, stride, words, min, max
            str r1, [sp, #TBX_GEMM_X]
            strd r3, r4, [sp, #TBX_GEMM_OUT]
            add r4, r4, r4, lsl #1
            str r4, [sp, #TBX_GEMM_STRIDE_3]
            strd r6, r7, [sp, #TBX_GEMM_MIN]
            adr.w r7, 6f + 1
            str r7, [sp, #TBX_GEMM_RETURN]
        .if \kind == TBX_GEMM_SPARSE
            adr.w r8, 2f + 1
        .else
            movs r7, #(4 * \pixels)
            mla r7, r5, r7, r1
            str r7, [sp, #TBX_GEMM_X_END]
        .if \kind == TBX_GEMM_INT4
            lsrs r5, r5, #1
            adr.w r8, 2f + 1
        .else
            adr.w r8, 3f + 1
            subs r5, r5, #1             @ the first word is done apart
            beq 1f
            adr.w r8, 2f + 1
        .endif
            rsbs r5, r5, #0             @ copies to leave out: -words mod copies
            and r5, r5, #(\copies - 1)
            movs r7, #\step_bytes
            mla r8, r5, r7, r8
        .endif
        1:  str r8, [sp, #TBX_GEMM_ENTRY]
            mov r0, r2
        .if \kind == TBX_GEMM_INT4
            TBX_GEMM_SUM_PIXELS
        .endif
        1:  @ a pair of channels
        .if \kind == TBX_GEMM_SPARSE
            TBX_GEMM_SPARSE_FIRST
            ldr r4, [sp, #TBX_GEMM_ENTRY]
            add r4, r4, r2
            bx r4
        .elseif \kind == TBX_GEMM_DENSE
            TBX_GEMM_FIRST \pixels
            ldr pc, [sp, #TBX_GEMM_ENTRY]
        .else
            ldmia r0!, {{r6, r10}}
            ldr r1, [sp, #TBX_GEMM_X]
            TBX_GEMM_SPREAD
            ldr pc, [sp, #TBX_GEMM_ENTRY]
        .endif
        .balign 4
        2:
        .if \kind == TBX_GEMM_SPARSE
        .rept \copies - 1
            TBX_GEMM_SPARSE_STEP 0
        .endr
        7:
        .skip (\copies - 1) * \step_bytes - (7b - 2b)
        .skip (7b - 2b) - (\copies - 1) * \step_bytes
            TBX_GEMM_SPARSE_STEP 1
        7:
        .skip {sparse_loop} - (7b - 2b)
        .skip (7b - 2b) - {sparse_loop}
            bcc 2b
        .else
        .rept \copies
        .if \kind == TBX_GEMM_INT4
            TBX_GEMM_INT4_STEP
        .else
            TBX_GEMM_STEP \pixels
        .endif
        .endr
        7:  @ both of length zero, or an error: every step has the same size
        .skip \copies * \step_bytes - (7b - 2b)
        .skip (7b - 2b) - \copies * \step_bytes
            ldr r4, [sp, #TBX_GEMM_X_END]
            cmp r1, r4
            bne 2b
        .endif
        3:  ldr r1, [r0], #4            @ form
            sub r10, r10, r6
        .if \pixels > 1
            sub r11, r11, r7
        .endif
        .if \pixels > 2
            sub r12, r12, r8
            sub lr, lr, r9
        .endif
        .if \kind == TBX_GEMM_INT4
            ldrd r2, r3, [sp, #TBX_GEMM_EIGHTS]
            sub r6, r6, r2
            sub r7, r7, r3
            ldrd r2, r3, [sp, #(TBX_GEMM_EIGHTS + 8)]
            sub r8, r8, r2
            sub r9, r9, r3
            TBX_GEMM_EACH 4, lsl, r10, r11, r12, lr, #4     @ 256 times the odd channel's, as elsewhere
        .endif
            lsls r5, r1, #30            @ zero: the short form; carry, kept to the end: more pairs follow
            bne 4f
            TBX_GEMM_EACH \pixels, asr, r10, r11, r12, lr, #8
            ldmia r0!, {{r2, r3, r4, r5}}   @ m0, z0, m1, z1
            TBX_GEMM_EACH \pixels, smmla, r6, r7, r8, r9, r2, r3
            TBX_GEMM_EACH \pixels, smmla, r10, r11, r12, lr, r4, r5
            TBX_GEMM_EACH \pixels, TBX_GEMM_SATURATE, r6, r7, r8, r9, 0
            TBX_GEMM_EACH \pixels, TBX_GEMM_SATURATE, r10, r11, r12, lr, 0
        6:  ldrd r3, r2, [sp, #TBX_GEMM_OUT]
        .if \pixels > 2
            ldr r5, [sp, #TBX_GEMM_STRIDE_3]
        .endif
            add r1, r3, r1, lsr #8
            add r4, r3, #2
            str r4, [sp, #TBX_GEMM_OUT]
            TBX_GEMM_STORE \pixels, r1, r10, r11, r12, lr
            TBX_GEMM_STORE \pixels, r3, r6, r7, r8, r9
            bcs.w 1b
            add sp, sp, #\frame
            pop {{r4-r11, pc}}
        4:  b.w tbx_armv7em_gemm_exact
        .size \name, . - \name
        .endm

        TBX_GEMM tbx_armv7em_gemm4, 4, 52, 8
        TBX_GEMM tbx_armv7em_gemm2, 2, 32, 8
        TBX_GEMM tbx_armv7em_gemm1, 1, 20, 8
        TBX_GEMM tbx_armv7em_gemm4_sparse, 4, {sparse_step}, {sparse_copies}, TBX_GEMM_SPARSE
        TBX_GEMM tbx_armv7em_gemm4_int4, 4, 110, 4, TBX_GEMM_INT4, TBX_GEMM_INT4_FRAME
        .text
        "#,
        sparse_step = const super::SPARSE_STEP,
        sparse_copies = const super::SPARSE_COPIES,
        sparse_loop = const super::SPARSE_LOOP,
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_gemm4"]
        pub(super) fn gemm4(gemm: &Gemm);
        #[link_name = "tbx_armv7em_gemm2"]
        pub(super) fn gemm2(gemm: &Gemm);
        #[link_name = "tbx_armv7em_gemm1"]
        pub(super) fn gemm1(gemm: &Gemm);
        #[link_name = "tbx_armv7em_gemm4_sparse"]
        pub(super) fn gemm4_sparse(gemm: &Gemm);
        #[link_name = "tbx_armv7em_gemm4_int4"]
        pub(super) fn gemm4_int4(gemm: &Gemm);
    }
}
