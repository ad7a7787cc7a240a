//! The inner part of 3x3 depthwise convolutions: four channels of four input rows at a time.
//!
//! Rows are packed in vertical pairs: a word holds one channel of one column in two neighbouring rows. A multiply of two
//! halfwords then does two taps of a window, and where windows advance by one row, the same words serve two output rows:
//! 12 multiplies for the 18 taps of two windows. A column of the packed block is 8 words: rows (0, 1) and rows (2, 3) of
//! channel 0, then of channels 1, 2 and 3. Columns left and right of the image hold the input's zero point.
//!
//! Where windows advance by two rows, there is no row 3: second words hold row 2 of two channels, (0, 2) or (1, 3).
//!
//! Weights are a stream of 11 words for each channel:
//!
//! | words | meaning |
//! |---|---|
//! | 1 | form of the requantization: [`SHORT`], [`EXACT`] or [`CLAMPED`] |
//! | 1 | start of the sum |
//! | 6 | per window column, weights of rows (0, 1), then of rows (1, 2) or, by two rows, of row 2 in the channel's half |
//! | 3 | `m, z, 0` (short) or `m, c, n`: see [`super::gemm`] |
//!
//! Under the exact forms weights and the start of the sum are stored doubled, which saves doubling the sum.

#[cfg(doc)]
use super::gemm::{CLAMPED, EXACT, SHORT};

/// Words of the weight stream per channel.
pub const CHANNEL_WORDS: usize = 11;
/// Words of a packed column.
pub const COLUMN_WORDS: usize = 8;

/// What packing needs to know.
#[repr(C)]
pub struct Pack {
    /// The ends of four input rows.
    pub ends: [*const u8; 4],
    /// Bytes from a row's end to the first of the four channels in its first column: negative, modulo the word size.
    pub offset: usize,
    /// Bytes from one column to the next: the channels.
    pub step: usize,
    /// The packed columns.
    pub to: *mut u32,
}

/// Packs four rows of four channels.
///
/// # Safety
/// Rows are aligned to 4 and hold four bytes at every column; `to` has room for the columns.
#[inline]
pub unsafe fn pack(p: &Pack) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::pack(p)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        pack_twin(p, |channel| [(2, channel), (3, channel)])
    }
}

/// Packs rows 0 to 2 of four channels for [`one_row_by_two`].
///
/// # Safety
/// As for [`pack`].
#[inline]
pub unsafe fn pack_by_two(p: &Pack) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::pack_by_two(p)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        pack_twin(p, |channel| [(2, channel % 2), (2, channel % 2 + 2)])
    }
}

/// Both in plain Rust; `second` tells rows and channels of the halves of a channel's second word.
#[cfg(not(tbx_dsp))]
unsafe fn pack_twin(p: &Pack, second: impl Fn(usize) -> [(usize, usize); 2]) {
    let columns = (p.step - 1).wrapping_sub(p.offset).checked_div(p.step).unwrap_or(0);
    for column in 0..columns {
        let half = |(row, channel): (usize, usize)| {
            let offset = p.offset.wrapping_add(column * p.step + channel);
            // SAFETY: by this function's contract; there are four rows.
            let element = unsafe { p.ends.as_ptr().add(row).read().wrapping_add(offset).read() };
            u32::from(element as i8 as i16 as u16)
        };
        for channel in 0..4 {
            // SAFETY: by this function's contract.
            unsafe {
                let to = p.to.add(COLUMN_WORDS * column + 2 * channel);
                to.write(half((0, channel)) | half((1, channel)) << 16);
                let [low, high] = second(channel).map(half);
                to.add(1).write(low | high << 16);
            }
        }
    }
}

/// Zero points in the packed rows of `missing`, which has a bit for each row.
///
/// # Safety
/// `to` holds `columns` packed columns.
pub unsafe fn fill_rows(to: *mut u32, columns: usize, missing: u32, zero_point: i32) {
    for row in (0..4).filter(|row| missing >> row & 1 != 0) {
        let mut half = to.cast::<i16>().wrapping_add(row);
        for _ in 0..4 * columns {
            // SAFETY: by this function's contract.
            unsafe { half.write(zero_point as i16) };
            half = half.wrapping_add(4);
        }
    }
}

/// What computing needs to know.
#[repr(C)]
pub struct Depthwise {
    /// Packed columns; the first window begins at the first.
    pub x: *const u32,
    /// The four channels' weights.
    pub stream: *const u32,
    /// Output of the first pixel of the upper row, at the first of the four channels.
    pub out: *mut i8,
    /// Bytes from one pixel's output to the next: the channels.
    pub step: usize,
    /// Bytes from the upper output row to the lower; 0 if there is no lower row.
    pub lower: isize,
    /// Output columns.
    pub columns: usize,
    /// Bounds of the clamped form.
    pub min: i32,
    /// See `min`.
    pub max: i32,
}

/// Two output rows of four channels, windows advancing by one row and column.
///
/// # Safety
/// `x` holds `columns + 2` packed columns; `stream` the weights of four channels; both output rows have room. `columns` is
/// at least 2.
#[inline]
pub unsafe fn two_rows(d: &Depthwise) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::two_rows(d)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin(d, 1)
    }
}

/// One output row of four channels, windows advancing by two columns.
///
/// # Safety
/// `x` holds `2 * columns + 1` columns by [`pack_by_two`]; `stream` the weights of four channels; the output row has room.
#[inline]
pub unsafe fn one_row_by_two(d: &Depthwise) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::one_row_by_two(d)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin(d, 2)
    }
}

/// Both in plain Rust.
#[cfg(not(tbx_dsp))]
unsafe fn twin(d: &Depthwise, stride: usize) {
    use super::gemm::{EXACT, requantize};
    // SAFETY (of all reads and writes): the caller's promise about `x`, `stream` and `out`.
    for channel in 0..4 {
        // SAFETY: see above.
        let word = |i: usize| unsafe { d.stream.add(CHANNEL_WORDS * channel + i).read() };
        let constants = [word(8) as i32, word(9) as i32, word(10) as i32];
        let halved = |sum: i32| if word(0) & EXACT == 0 { sum } else { sum >> 1 };
        let half = |word: u32, i: u32| i32::from((word >> (16 * i)) as i16);
        for column in 0..d.columns {
            let (mut upper, mut lower) = (word(1) as i32, word(1) as i32);
            for tap in 0..3 {
                // SAFETY: see above.
                let pair =
                    |i: usize| unsafe { d.x.add(COLUMN_WORDS * (stride * column + tap) + 2 * channel + i).read() };
                let (p01, p23) = (pair(0), pair(1));
                let (w01, w12) = (word(2 + 2 * tap), word(3 + 2 * tap));
                upper += half(p01, 0) * half(w01, 0) + half(p01, 1) * half(w01, 1);
                if stride == 2 {
                    upper += half(p23, 0) * half(w12, 0) + half(p23, 1) * half(w12, 1);
                    continue;
                }
                upper += half(p23, 0) * half(w12, 1);
                lower += half(p01, 1) * half(w01, 0) + half(p23, 0) * half(w12, 0) + half(p23, 1) * half(w12, 1);
            }
            let finish = |sum: i32| requantize(word(0), constants, halved(sum), d.min, d.max);
            // SAFETY: see above.
            unsafe {
                let out = d.out.add(column * d.step + channel);
                if stride == 1 {
                    out.offset(d.lower).write(finish(lower));
                }
                out.write(finish(upper));
            }
        }
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use super::{Depthwise, Pack};
    use core::arch::global_asm;

    global_asm!(
        r#"
        .syntax unified

        @ Rows 0 and 1 are r0 and r1; r5 and r6 hold their bytes, r11 of channels 0, 1 and r5 of channels 2, 3.
        .macro TBX_DW3_PACK name, by_two
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type \name, %function
        .thumb_func
        \name:
            push {{r4-r11, lr}}
            ldr r8, [r0, #16]           @ offset
            ldrd r10, r4, [r0, #20]     @ step, to
            ldmia r0, {{r0, r1, r2, r3}}
        1:  ldr r5, [r0, r8]
            ldr r6, [r1, r8]
            ldr r7, [r2, r8]
        .if \by_two
            pkhbt r11, r5, r6, lsl #16
            pkhtb r5, r6, r5, asr #16
            sxtb16 r12, r7              @ row 2 of channels 0, 2
            sxtb16 lr, r7, ror #8       @ of channels 1, 3
            sxtb16 r6, r11
            sxtb16 r7, r11, ror #8
            strd r6, r12, [r4], #8
            strd r7, lr, [r4], #8
            sxtb16 r6, r5
            sxtb16 r7, r5, ror #8
            strd r6, r12, [r4], #8
            strd r7, lr, [r4], #8
        .else
            ldr r9, [r3, r8]
            pkhbt r11, r5, r6, lsl #16
            pkhtb r5, r6, r5, asr #16
            pkhbt r6, r7, r9, lsl #16   @ of rows 2, 3
            pkhtb r7, r9, r7, asr #16
            sxtb16 r9, r11
            sxtb16 r12, r6
            strd r9, r12, [r4], #8
            sxtb16 r9, r11, ror #8
            sxtb16 r12, r6, ror #8
            strd r9, r12, [r4], #8
            sxtb16 r9, r5
            sxtb16 r12, r7
            strd r9, r12, [r4], #8
            sxtb16 r9, r5, ror #8
            sxtb16 r12, r7, ror #8
            strd r9, r12, [r4], #8
        .endif
            adds r8, r8, r10            @ carries behind the last column
            bcc 1b
            pop {{r4-r11, pc}}
        .size \name, . - \name
        .endm

        TBX_DW3_PACK tbx_armv7em_dw3x3_pack, 0
        TBX_DW3_PACK tbx_armv7em_dw3x3_pack_by_two, 1

        @ Registers: r4-r9 weights, r12 packed columns, lr output, r2 r3 a column; sums r0 and r1 of the upper and lower
        @ row, r10 and r11 of the next column. On the stack: what is touched once per channel or pair of columns.
        .set TBX_DW3_M, 0           @ m, z or c, n of the channel
        .set TBX_DW3_N, 8
        .set TBX_DW3_BIAS, 12
        .set TBX_DW3_STEP, 16
        .set TBX_DW3_LOWER, 20
        .set TBX_DW3_END, 24        @ the column behind all pairs; a word before it if no single one follows
        .set TBX_DW3_CHANNELS, 28   @ that are left
        .set TBX_DW3_W0, 32         @ weights that the exact form displaces
        .set TBX_DW3_X, 36
        .set TBX_DW3_OUT, 40
        .set TBX_DW3_STREAM, 44
        .set TBX_DW3_MIN, 48
        .set TBX_DW3_MAX, 52
        .set TBX_DW3_W5, 56
        .set TBX_DW3_FORM, 60
        .set TBX_DW3_FRAME, 64

        @ Two taps of the upper row and two of the lower for window column w01, w12.
        .macro TBX_DW3_TAPS upper, lower, from_upper, from_lower, w01, w12
            smlad \upper, r2, \w01, \from_upper
            smlatb \lower, r2, \w01, \from_lower
            smlabt \upper, r3, \w12, \upper
            smlad \lower, r3, \w12, \lower
        .endm

        .macro TBX_DW3_SHORT s0, s1, s2, s3
            smmla \s0, \s0, r2, r3
            smmla \s1, \s1, r2, r3
            ssat \s0, #8, \s0
            ssat \s1, #8, \s1
        .ifnb \s2
            smmla \s2, \s2, r2, r3
            smmla \s3, \s3, r2, r3
            ssat \s2, #8, \s2
            ssat \s3, #8, \s3
        .endif
        .endm

        @ One doubled sum: m r2, c r3, n r4.
        .macro TBX_DW3_EXACT sum
            smmlar r9, \sum, r2, r3
            add r9, r9, \sum, asr #31
            asr \sum, r9, r4
            ssat \sum, #8, \sum
        .endm

        @ Limits to r2 and r3.
        .macro TBX_DW3_CLAMP sum
            cmp \sum, r2
            it lt
            movlt \sum, r2
            cmp \sum, r3
            it gt
            movgt \sum, r3
        .endm

        .macro TBX_DW3_REQUANTIZE form, s0, s1, s2, s3
            ldrd r2, r3, [sp, #TBX_DW3_M]
        .if \form == 0
            TBX_DW3_SHORT \s0, \s1, \s2, \s3
        .else
            ldr r4, [sp, #TBX_DW3_N]
            TBX_DW3_EXACT \s0
            TBX_DW3_EXACT \s1
        .ifnb \s2
            TBX_DW3_EXACT \s2
            TBX_DW3_EXACT \s3
        .endif
            ldr r4, [sp, #TBX_DW3_FORM]
            cmp r4, #3
            bne 2f
            ldrd r2, r3, [sp, #TBX_DW3_MIN]
            TBX_DW3_CLAMP \s0
            TBX_DW3_CLAMP \s1
        .ifnb \s2
            TBX_DW3_CLAMP \s2
            TBX_DW3_CLAMP \s3
        .endif
        2:
            ldr r4, [sp, #TBX_DW3_W0]
            ldr r9, [sp, #TBX_DW3_W5]
        .endif
            ldrd r2, r3, [sp, #TBX_DW3_STEP]
        .endm

        @ All columns of one channel, two rows.
        .macro TBX_DW3_TWO_ROWS form
        3:  ldr r11, [sp, #TBX_DW3_BIAS]
            ldrd r2, r3, [r12]
            TBX_DW3_TAPS r0, r1, r11, r11, r4, r5
            ldrd r2, r3, [r12, #32]
            TBX_DW3_TAPS r0, r1, r0, r1, r6, r7
            TBX_DW3_TAPS r10, r11, r11, r11, r4, r5
            ldrd r2, r3, [r12, #64]!
            TBX_DW3_TAPS r0, r1, r0, r1, r8, r9
            TBX_DW3_TAPS r10, r11, r10, r11, r6, r7
            ldrd r2, r3, [r12, #32]
            TBX_DW3_TAPS r10, r11, r10, r11, r8, r9
            TBX_DW3_REQUANTIZE \form, r0, r1, r10, r11
            strb r1, [lr, r3]
            strb r0, [lr]
            add lr, lr, r2
            strb r11, [lr, r3]
            strb r10, [lr]
            add lr, lr, r2
            ldr r3, [sp, #TBX_DW3_END]
            cmp r12, r3
            blo 3b
            bne 9f
            ldr r11, [sp, #TBX_DW3_BIAS]
            ldrd r2, r3, [r12]
            TBX_DW3_TAPS r0, r1, r11, r11, r4, r5
            ldrd r2, r3, [r12, #32]
            TBX_DW3_TAPS r0, r1, r0, r1, r6, r7
            ldrd r2, r3, [r12, #64]
            TBX_DW3_TAPS r0, r1, r0, r1, r8, r9
            TBX_DW3_REQUANTIZE \form, r0, r1
            strb r1, [lr, r3]
            strb r0, [lr]
            b 9f
        .endm

        @ The same for one row and windows two columns apart: the sums are r0 and r1 of neighbouring windows. Half of w2
        @ is zero, where r3 has another channel.
        .macro TBX_DW3_TAPS_ONE sum, from, w01, w2
            smlad \sum, r2, \w01, \from
            smlad \sum, r3, \w2, \sum
        .endm

        .macro TBX_DW3_ONE_ROW form
        3:  ldr r11, [sp, #TBX_DW3_BIAS]
            ldrd r2, r3, [r12]
            TBX_DW3_TAPS_ONE r0, r11, r4, r5
            ldrd r2, r3, [r12, #32]
            TBX_DW3_TAPS_ONE r0, r0, r6, r7
            ldrd r2, r3, [r12, #64]
            TBX_DW3_TAPS_ONE r0, r0, r8, r9
            TBX_DW3_TAPS_ONE r1, r11, r4, r5
            ldrd r2, r3, [r12, #96]
            TBX_DW3_TAPS_ONE r1, r1, r6, r7
            ldrd r2, r3, [r12, #128]!
            TBX_DW3_TAPS_ONE r1, r1, r8, r9
            TBX_DW3_REQUANTIZE \form, r0, r1
            strb r0, [lr]
            strb r1, [lr, r2]
            add lr, lr, r2, lsl #1
            ldr r3, [sp, #TBX_DW3_END]
            cmp r12, r3
            blo 3b
            bne 9f
            ldr r11, [sp, #TBX_DW3_BIAS]
            ldrd r2, r3, [r12]
            TBX_DW3_TAPS_ONE r0, r11, r4, r5
            ldrd r2, r3, [r12, #32]
            TBX_DW3_TAPS_ONE r0, r0, r6, r7
            ldrd r2, r3, [r12, #64]
            TBX_DW3_TAPS_ONE r0, r0, r8, r9
            movs r1, #0
            TBX_DW3_REQUANTIZE \form, r0, r1
            strb r0, [lr]
            b 9f
        .endm

        @ 1 << pair_shift: bytes from the packed columns of a window to those of the next but one.
        .macro TBX_DW3 name, body, pair_shift
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type \name, %function
        .thumb_func
        \name:
            push {{r4-r11, lr}}
            sub sp, sp, #TBX_DW3_FRAME
            ldmia r0, {{r1-r8}}         @ x, stream, out, step, lower, columns, min, max
            strd r1, r3, [sp, #TBX_DW3_X]
            str r2, [sp, #TBX_DW3_STREAM]
            strd r4, r5, [sp, #TBX_DW3_STEP]
            strd r7, r8, [sp, #TBX_DW3_MIN]
            mov r12, r1
            mov lr, r3
            lsrs r6, r6, #1
            add r6, r1, r6, lsl #\pair_shift
            it cc
            subcc r6, r6, #4
            movs r7, #4
            strd r6, r7, [sp, #TBX_DW3_END]
        1:  @ a channel
            ldr r0, [sp, #TBX_DW3_STREAM]
            ldmia r0!, {{r1, r2, r4, r5, r6, r7, r8, r9}}
            str r2, [sp, #TBX_DW3_BIAS]
            ldmia r0!, {{r2, r3, r10}}
            str r0, [sp, #TBX_DW3_STREAM]
            strd r2, r3, [sp, #TBX_DW3_M]
            cmp r1, #0
            bne.w 7f
            \body 0
        7:  str r1, [sp, #TBX_DW3_FORM]
            str r4, [sp, #TBX_DW3_W0]
            str r9, [sp, #TBX_DW3_W5]
            str r10, [sp, #TBX_DW3_N]
            \body 1
        9:  ldrd r12, lr, [sp, #TBX_DW3_X]
            ldrd r2, r3, [sp, #TBX_DW3_END]
            add r12, r12, #8
            add lr, lr, #1
            adds r2, r2, #8
            subs r3, r3, #1
            strd r12, lr, [sp, #TBX_DW3_X]
            strd r2, r3, [sp, #TBX_DW3_END]
            bne.w 1b
            add sp, sp, #TBX_DW3_FRAME
            pop {{r4-r11, pc}}
        .size \name, . - \name
        .endm

        TBX_DW3 tbx_armv7em_dw3x3_two_rows, TBX_DW3_TWO_ROWS, 6
        TBX_DW3 tbx_armv7em_dw3x3_one_row_by_two, TBX_DW3_ONE_ROW, 7
        .text
        "#
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_dw3x3_pack"]
        pub(super) fn pack(pack: &Pack);
        #[link_name = "tbx_armv7em_dw3x3_pack_by_two"]
        pub(super) fn pack_by_two(pack: &Pack);
        #[link_name = "tbx_armv7em_dw3x3_two_rows"]
        pub(super) fn two_rows(depthwise: &Depthwise);
        #[link_name = "tbx_armv7em_dw3x3_one_row_by_two"]
        pub(super) fn one_row_by_two(depthwise: &Depthwise);
    }
}
