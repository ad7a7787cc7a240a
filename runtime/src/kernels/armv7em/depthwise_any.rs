//! The inner part of depthwise convolutions with any window: four channels at a time.
//!
//! Columns are widened first: for every column the `height` rows under it, two words each, channels (0, 2) and (1, 3). A
//! window of any width is then one run of words. Images of a single column are read as they are.
//!
//! Weights are a stream for every four channels:
//!
//! | words | meaning |
//! |---|---|
//! | 4 | start of the sums of channels 0, 2, 1, 3 |
//! | 2 for each tap | weights of channels (0, 2) and (1, 3), column by column |
//! | 1 | form of the requantization of all four: [`SHORT`], [`EXACT`] or [`CLAMPED`] |
//! | 12 | constants of channels 0, 2, 1, 3: `m, z, 0` (short) or `m, c, n`: see [`super::gemm`] |
//!
//! Under the exact forms weights and the start of the sums are stored doubled.

#[cfg(doc)]
use super::gemm::{CLAMPED, EXACT, SHORT};

/// Words of a stream for four channels with this many taps.
pub const fn stream_words(taps: usize) -> usize {
    4 + 2 * taps + 1 + 12
}

/// A row to be widened.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Source {
    /// The four channels of its next column.
    pub at: *const u8,
    /// Bytes to the next column; 0 for a row that is all alike.
    pub step: usize,
}

/// What widening needs to know.
#[repr(C)]
pub struct Columns {
    /// One for each row; each moves on by four channels.
    pub rows: *mut Source,
    /// How many.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The first widened column.
    pub to: *mut u32,
}

/// Widens `width` columns of four channels.
///
/// # Safety
/// Every row can be read at all columns, and is aligned to 4; `to` has room for `2 * height * width` words.
#[inline]
pub unsafe fn widen_columns(c: &Columns) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::widen_columns(c)
    }
    #[cfg(not(tbx_dsp))]
    for y in 0..c.height {
        // SAFETY: by this function's contract.
        unsafe {
            let row = &mut *c.rows.add(y);
            for x in 0..c.width {
                let channel = |i: usize| u32::from(row.at.add(x * row.step + i).read() as i8 as i16 as u16);
                let to = c.to.add(2 * (x * c.height + y));
                to.write(channel(0) | channel(2) << 16);
                to.add(1).write(channel(1) | channel(3) << 16);
            }
            row.at = row.at.wrapping_add(4);
        }
    }
}

/// What computing needs to know.
#[repr(C)]
pub struct Windows {
    /// The first window.
    pub x: *const u32,
    /// The four channels' weights.
    pub stream: *const u32,
    /// Output of the first pixel, at the first of the four channels.
    pub out: *mut i8,
    /// Bytes from one pixel's output to the next: the channels.
    pub step: usize,
    /// Pixels; at least 1.
    pub count: usize,
    /// Taps of a window; at least 1.
    pub taps: usize,
    /// Bytes from one window to the next.
    pub x_step: usize,
    /// Bounds of the clamped form.
    pub min: i32,
    /// See `min`.
    pub max: i32,
}

/// Computes a row of pixels of four channels.
///
/// # Safety
/// `x` holds the windows, `stream` what the module describes, `out` four bytes at every pixel.
#[inline]
pub unsafe fn windows(w: &Windows) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::windows(w)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin(w)
    }
}

/// The same in plain Rust.
#[cfg(not(tbx_dsp))]
unsafe fn twin(w: &Windows) {
    use super::gemm::{EXACT, requantize};
    // SAFETY: the caller's promise about `stream`; below, about `x` and `out`.
    let word = |i: usize| unsafe { w.stream.add(i).read() };
    let half = |word: u32, i: usize| i32::from((word >> (16 * i)) as i16);
    let form = word(4 + 2 * w.taps);
    for pixel in 0..w.count {
        for place in 0..4 {
            // Channels 0, 2, 1, 3.
            let (pair, side) = (place / 2, place % 2);
            let mut sum = word(place) as i32;
            for tap in 0..w.taps {
                // SAFETY: see above.
                let x = unsafe { w.x.byte_add(pixel * w.x_step).add(2 * tap + pair).read() };
                sum += half(x, side) * half(word(4 + 2 * tap + pair), side);
            }
            let constants = std::array::from_fn(|i| word(5 + 2 * w.taps + 3 * place + i) as i32);
            let sum = if form & EXACT == 0 { sum } else { sum >> 1 };
            let q = requantize(form, constants, sum, w.min, w.max);
            // SAFETY: see above.
            unsafe { w.out.add(pixel * w.step + pair + 2 * side).write(q) };
        }
    }
}

/// What computing a single column needs to know.
#[repr(C)]
pub struct Column {
    /// Per tap, the row under it, aligned to 4.
    pub rows: *const *const u8,
    /// Weights of all channels.
    pub stream: *const u32,
    /// Output of the first channel.
    pub out: *mut i8,
    /// Groups of four channels; at least 1.
    pub groups: usize,
    /// Taps; at least 1.
    pub taps: usize,
    /// Bounds of the clamped form.
    pub min: i32,
    /// See `min`.
    pub max: i32,
}

/// Computes the only pixel of a row, all channels.
///
/// # Safety
/// Every row and `out` hold `4 * groups` bytes; `stream` what the module describes for all groups.
#[inline]
pub unsafe fn column(c: &Column) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::column(c)
    }
    #[cfg(not(tbx_dsp))]
    for group in 0..c.groups {
        let mut words = [0u32; 2 * super::conv::MAX_TAPS];
        for (i, word) in words.iter_mut().take(2 * c.taps).enumerate() {
            // SAFETY: by this function's contract.
            let channel =
                |n: usize| unsafe { u32::from((*c.rows.add(i / 2)).add(4 * group + n).read() as i8 as i16 as u16) };
            *word = channel(i % 2) | channel(i % 2 + 2) << 16;
        }
        let x = words.as_ptr();
        let (stream, out) = (c.stream.wrapping_add(group * stream_words(c.taps)), c.out.wrapping_add(4 * group));
        let work = Windows { x, stream, out, step: 0, count: 1, taps: c.taps, x_step: 0, min: c.min, max: c.max };
        // SAFETY: one window of `taps` taps; stream and output are those of this group.
        unsafe { twin(&work) };
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use super::{Column, Columns, Windows};
    use core::arch::global_asm;

    global_asm!(
        r#"
        .syntax unified

        .section .text.tbx_armv7em_dw_columns, "ax", %progbits
        .balign 4
        .global tbx_armv7em_dw_columns
        .type tbx_armv7em_dw_columns, %function
        .thumb_func
        tbx_armv7em_dw_columns:
            push {{r4-r11, lr}}
            ldmia r0, {{r0, r1, r2, r3}}    @ rows, height, width, to
            lsls r4, r1, #3             @ bytes of a widened column
        1:  ldrd r5, r6, [r0]
            add r7, r5, #4
            str r7, [r0], #8
            mov r7, r2
            mov r8, r3
        2:  ldr r9, [r5]
            add r5, r5, r6
            sxtb16 r10, r9
            sxtb16 r11, r9, ror #8
            strd r10, r11, [r8]
            add r8, r8, r4
            subs r7, r7, #1
            bne 2b
            adds r3, r3, #8
            subs r1, r1, #1
            bne 1b
            pop {{r4-r11, pc}}
        .size tbx_armv7em_dw_columns, . - tbx_armv7em_dw_columns

        @ r0 stream, r1 window, r2 r3 a tap's inputs, r4 r5 its weights, r6-r9 sums, r10 end of the window, r11 output,
        @ r12 pixels left, lr where the unrolled loop is entered.
        .set TBX_DW_STREAM, 0
        .set TBX_DW_X, 4
        .set TBX_DW_X_STEP, 8
        .set TBX_DW_STEP, 12
        .set TBX_DW_MIN, 16
        .set TBX_DW_MAX, 20
        .set TBX_DW_FRAME, 28
        .set TBX_DW_COPIES, 8
        .set TBX_DW_STEP_BYTES, 24

        .macro TBX_DW_EXACT sum, clamped
            ldmia r0!, {{r2, r3, r4}}
            smmlar r5, \sum, r2, r3
            add r5, r5, \sum, asr #31
            asr \sum, r5, r4
        .if \clamped
            ldr r5, [sp, #TBX_DW_MIN]
            cmp \sum, r5
            it lt
            movlt \sum, r5
            ldr r5, [sp, #TBX_DW_MAX]
            cmp \sum, r5
            it gt
            movgt \sum, r5
        .else
            ssat \sum, #8, \sum
        .endif
        .endm

        .macro TBX_DW_SHORT sum
            ldmia r0!, {{r2, r3, r4}}
            smmla \sum, \sum, r2, r3
            ssat \sum, #8, \sum
        .endm

        .section .text.tbx_armv7em_dw_windows, "ax", %progbits
        .balign 4
        .global tbx_armv7em_dw_windows
        .type tbx_armv7em_dw_windows, %function
        .thumb_func
        tbx_armv7em_dw_windows:
            push {{r4-r11, lr}}
            sub sp, sp, #TBX_DW_FRAME
            ldmia r0, {{r1-r9}}         @ x, stream, out, step, count, taps, x step, min, max
            strd r2, r1, [sp, #TBX_DW_STREAM]
            strd r7, r4, [sp, #TBX_DW_X_STEP]
            strd r8, r9, [sp, #TBX_DW_MIN]
            mov r11, r3
            mov r12, r5
            add r10, r1, r6, lsl #3
            rsbs r6, r6, #0             @ copies to leave out: -taps mod copies
            and r6, r6, #(TBX_DW_COPIES - 1)
            movs r7, #TBX_DW_STEP_BYTES
            adr lr, 2f
            mla lr, r6, r7, lr
            orr lr, lr, #1
        1:  ldrd r0, r1, [sp, #TBX_DW_STREAM]
            ldmia r0!, {{r6, r7, r8, r9}}
            bx lr
        .balign 4
        2:
        .rept TBX_DW_COPIES
            ldrd r4, r5, [r0], #8
            ldrd r2, r3, [r1], #8
            smlabb r6, r2, r4, r6
            smlatt r7, r2, r4, r7
            smlabb r8, r3, r5, r8
            smlatt r9, r3, r5, r9
        .endr
        7:  @ both of length zero, or an error: every step has the same size
        .skip TBX_DW_COPIES * TBX_DW_STEP_BYTES - (7b - 2b)
        .skip (7b - 2b) - TBX_DW_COPIES * TBX_DW_STEP_BYTES
            cmp r1, r10
            bne 2b
            ldr r2, [r0], #4
            cmp r2, #1
            beq 4f
            bhi 5f
            TBX_DW_SHORT r6
            TBX_DW_SHORT r7
            TBX_DW_SHORT r8
            TBX_DW_SHORT r9
        3:  strb r6, [r11]
            strb r8, [r11, #1]
            strb r7, [r11, #2]
            strb r9, [r11, #3]
            ldrd r2, r3, [sp, #TBX_DW_X_STEP]
            ldr r1, [sp, #TBX_DW_X]
            add r1, r1, r2
            str r1, [sp, #TBX_DW_X]
            add r10, r10, r2
            add r11, r11, r3
            subs r12, r12, #1
            bne 1b
            add sp, sp, #TBX_DW_FRAME
            pop {{r4-r11, pc}}
        4:  TBX_DW_EXACT r6, 0
            TBX_DW_EXACT r7, 0
            TBX_DW_EXACT r8, 0
            TBX_DW_EXACT r9, 0
            b 3b
        5:  TBX_DW_EXACT r6, 1
            TBX_DW_EXACT r7, 1
            TBX_DW_EXACT r8, 1
            TBX_DW_EXACT r9, 1
            b 3b
        .size tbx_armv7em_dw_windows, . - tbx_armv7em_dw_windows

        @ As above, but r1 walks over the rows' addresses, and r12 is the channel.
        .set TBX_DWC_ROWS, 0
        .set TBX_DWC_OUT_END, 4
        .set TBX_DWC_COPIES, 4
        .set TBX_DWC_STEP_BYTES, 36

        .section .text.tbx_armv7em_dw_column, "ax", %progbits
        .balign 4
        .global tbx_armv7em_dw_column
        .type tbx_armv7em_dw_column, %function
        .thumb_func
        tbx_armv7em_dw_column:
            push {{r4-r11, lr}}
            sub sp, sp, #TBX_DW_FRAME
            ldmia r0, {{r1-r7}}         @ rows, stream, out, groups, taps, min, max
            str r1, [sp, #TBX_DWC_ROWS]
            add r4, r3, r4, lsl #2
            str r4, [sp, #TBX_DWC_OUT_END]
            strd r6, r7, [sp, #TBX_DW_MIN]
            mov r0, r2
            mov r11, r3
            movs r12, #0
            add r10, r1, r5, lsl #2
            rsbs r5, r5, #0
            and r5, r5, #(TBX_DWC_COPIES - 1)
            movs r7, #TBX_DWC_STEP_BYTES
            adr lr, 2f
            mla lr, r5, r7, lr
            orr lr, lr, #1
        1:  ldmia r0!, {{r6, r7, r8, r9}}
            ldr r1, [sp, #TBX_DWC_ROWS]
            bx lr
        .balign 4
        2:
        .rept TBX_DWC_COPIES
            ldr r2, [r1], #4
            ldrd r4, r5, [r0], #8
            ldr r2, [r2, r12]
            sxtb16 r3, r2, ror #8
            sxtb16 r2, r2
            smlabb r6, r2, r4, r6
            smlatt r7, r2, r4, r7
            smlabb r8, r3, r5, r8
            smlatt r9, r3, r5, r9
        .endr
        7:  @ both of length zero, or an error: every step has the same size
        .skip TBX_DWC_COPIES * TBX_DWC_STEP_BYTES - (7b - 2b)
        .skip (7b - 2b) - TBX_DWC_COPIES * TBX_DWC_STEP_BYTES
            cmp r1, r10
            bne 2b
            ldr r2, [r0], #4
            cmp r2, #1
            beq 4f
            bhi 5f
            TBX_DW_SHORT r6
            TBX_DW_SHORT r7
            TBX_DW_SHORT r8
            TBX_DW_SHORT r9
        3:  strb r8, [r11, #1]
            strb r7, [r11, #2]
            strb r9, [r11, #3]
            strb r6, [r11], #4
            add r12, r12, #4
            ldr r2, [sp, #TBX_DWC_OUT_END]
            cmp r11, r2
            bne 1b
            add sp, sp, #TBX_DW_FRAME
            pop {{r4-r11, pc}}
        4:  TBX_DW_EXACT r6, 0
            TBX_DW_EXACT r7, 0
            TBX_DW_EXACT r8, 0
            TBX_DW_EXACT r9, 0
            b 3b
        5:  TBX_DW_EXACT r6, 1
            TBX_DW_EXACT r7, 1
            TBX_DW_EXACT r8, 1
            TBX_DW_EXACT r9, 1
            b 3b
        .size tbx_armv7em_dw_column, . - tbx_armv7em_dw_column
        .text
        "#
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_dw_columns"]
        pub(super) fn widen_columns(columns: &Columns);
        #[link_name = "tbx_armv7em_dw_windows"]
        pub(super) fn windows(windows: &Windows);
        #[link_name = "tbx_armv7em_dw_column"]
        pub(super) fn column(column: &Column);
    }
}
