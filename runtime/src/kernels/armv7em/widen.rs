//! Int8 pixels as blocks of int16 words for [`super::gemm`].

use crate::arena::Cells;

/// Writes `quads` (at least 1) times four elements of each of `pixels` (4, 2 or 1) pixels, in words (0, 2) and (1, 3) of
/// every four.
///
/// # Safety
/// Each of the first `pixels` sources holds `4 * quads` bytes and is aligned to 4; `to` has room for `2 * quads` words of each pixel.
#[inline]
pub unsafe fn widen_quads(from: &[*const u8; 4], pixels: usize, quads: usize, to: *mut u32) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        match pixels {
            4 => arm::widen4(from.as_ptr(), quads, to),
            2 => arm::widen2(from.as_ptr(), quads, to),
            _ => arm::widen1(from.as_ptr(), quads, to),
        }
    }
    #[cfg(not(tbx_dsp))]
    for (p, source) in from.iter().enumerate().take(pixels) {
        for word in 0..2 * quads {
            let first = 4 * (word / 2) + word % 2;
            // SAFETY: by this function's contract.
            unsafe {
                let element = |i: usize| u32::from(source.add(i).read() as i8 as i16 as u16);
                to.add(word * pixels + p).write(element(first) | element(first + 2) << 16);
            }
        }
    }
}

/// What widening windows needs to know.
#[repr(C)]
pub struct Windows {
    /// The rows that windows see; null where padding is.
    pub rows: *const *const u8,
    /// How many; at least 1.
    pub height: usize,
    /// Bytes from a row's start to the first window, a multiple of 4.
    pub offset: usize,
    /// Bytes from one window to the next, a multiple of 4.
    pub step: usize,
    /// Elements of a window's row in fours; at least 1.
    pub quads: usize,
    /// A window's row of padding.
    pub padding: *const u8,
    /// The block.
    pub to: *mut u32,
}

/// Writes the windows of `pixels` (4, 2 or 1) pixels row by row, as [`widen_quads`] does.
///
/// # Safety
/// All rows of the windows can be read and are aligned to 4, and so is the padding; `to` has room for them.
#[inline]
pub unsafe fn widen_windows(w: &Windows, pixels: usize) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        match pixels {
            4 => arm::windows4(w),
            2 => arm::windows2(w),
            _ => arm::windows1(w),
        }
    }
    #[cfg(not(tbx_dsp))]
    for i in 0..w.height {
        // SAFETY: by this function's contract.
        unsafe {
            let row = w.rows.add(i).read();
            let at = |pixel: usize| row.wrapping_add(w.offset + pixel * w.step);
            let from = if row.is_null() { [w.padding; 4] } else { [0, 1, 2, 3].map(at) };
            widen_quads(&from, pixels, w.quads, w.to.add(2 * w.quads * pixels * i));
        }
    }
}

/// What widening columns four at a time needs to know.
#[repr(C)]
pub struct Columns {
    /// The first column's word 0; those of its neighbours follow.
    pub to: *mut u32,
    /// Bytes from word 0 of a column to its word 1, and so on.
    pub step: usize,
    /// The first four columns.
    pub from: [*const u8; 4],
    /// Elements of a column in fours; at least 1.
    pub quads: usize,
    /// How many times four columns there are; at least 1.
    pub blocks: usize,
    /// Bytes from the end of a column to the one in its place in the next block.
    pub advance: usize,
}

/// Writes the elements of columns in their own order.
///
/// # Safety
/// All columns hold `4 * quads` bytes and are aligned to 4; `to` has room for `2 * quads` times all columns' words.
#[inline]
pub unsafe fn widen_columns(columns: &Columns) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::widen_columns(columns)
    }
    #[cfg(not(tbx_dsp))]
    for i in 0..4 * columns.blocks {
        let skip = i / 4 * columns.advance.wrapping_add(4 * columns.quads);
        for word in 0..2 * columns.quads {
            // SAFETY: by this function's contract.
            unsafe {
                let from = columns.from[i % 4].add(skip + 2 * word);
                widen_bytes(from, 2, columns.to.byte_add(word * columns.step).add(i).cast());
            }
        }
    }
}

/// Sets every element; there are whole words of them.
#[inline(never)]
pub(super) fn fill_halves(elements: Cells<'_>, value: i32) {
    let word = value as u32 & 0xffff | (value as u32) << 16;
    for pair in elements.as_chunks().0 {
        crate::abi::bytes::save(word.to_le_bytes(), pair);
    }
}

/// Writes `count` elements in their own order.
///
/// # Safety
/// `from` holds `count` bytes; `to` has room for as many elements.
#[inline(never)]
pub unsafe fn widen_bytes(from: *const u8, count: usize, to: *mut i16) {
    for i in 0..count {
        // SAFETY: by this function's contract.
        unsafe { to.add(i).write(i16::from(from.add(i).read() as i8)) };
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use core::arch::global_asm;

    global_asm!(
        r#"
        .syntax unified

        @ r1 times four elements of every pixel, from r3-r6 to r2.
        .macro TBX_WIDEN_QUADS pixels
        .if \pixels == 4
        2:  ldr r7, [r3], #4
            ldr r8, [r4], #4
            ldr r9, [r5], #4
            ldr r10, [r6], #4
            sxtb16 r0, r7
            sxtb16 r11, r8
            sxtb16 r12, r9
            sxtb16 lr, r10
            stmia r2!, {{r0, r11, r12, lr}}
            sxtb16 r7, r7, ror #8
            sxtb16 r8, r8, ror #8
            sxtb16 r9, r9, ror #8
            sxtb16 r10, r10, ror #8
            stmia r2!, {{r7, r8, r9, r10}}
        .elseif \pixels == 2
        2:  ldr r7, [r3], #4
            ldr r8, [r4], #4
            sxtb16 r5, r7
            sxtb16 r6, r8
            sxtb16 r7, r7, ror #8
            sxtb16 r8, r8, ror #8
            stmia r2!, {{r5, r6, r7, r8}}
        .else
        2:  ldr r7, [r3], #4
            sxtb16 r6, r7
            sxtb16 r7, r7, ror #8
            stmia r2!, {{r6, r7}}
        .endif
            subs r1, r1, #1
            bne 2b
        .endm

        .macro TBX_WIDEN name, pixels
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type \name, %function
        .thumb_func
        \name:
            push {{r4-r11, lr}}
            ldmia r0, {{r3, r4, r5, r6}}
            TBX_WIDEN_QUADS \pixels
            pop {{r4-r11, pc}}
        .size \name, . - \name
        .endm

        .set TBX_WINDOWS_ROWS, 0    @ the next row
        .set TBX_WINDOWS_HEIGHT, 4  @ rows left
        .set TBX_WINDOWS_PADDING, 20
        .set TBX_WINDOWS_FRAME, 24

        .macro TBX_WIDEN_WINDOWS name, pixels
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type \name, %function
        .thumb_func
        \name:
            push {{r4-r11, lr}}
            sub sp, sp, #TBX_WINDOWS_FRAME
            ldmia r0, {{r2-r8}}         @ rows, height, offset, step, quads, padding, to
            stmia sp, {{r2-r7}}
            mov r2, r8
        1:  ldmia sp, {{r6-r10}}
            mov r1, r10
            ldr r3, [r6], #4
            subs r7, r7, #1
            strd r6, r7, [sp, #TBX_WINDOWS_ROWS]
            cmp r3, #0
            ittee ne
            addne r3, r3, r8
            movne r8, r9
            ldreq r3, [sp, #TBX_WINDOWS_PADDING]
            moveq r8, #0
        .if \pixels > 1
            add r4, r3, r8
        .endif
        .if \pixels > 2
            add r5, r4, r8
            add r6, r5, r8
        .endif
            TBX_WIDEN_QUADS \pixels
            ldr r7, [sp, #TBX_WINDOWS_HEIGHT]
            cmp r7, #0
            bne 1b
            add sp, sp, #TBX_WINDOWS_FRAME
            pop {{r4-r11, pc}}
        .size \name, . - \name
        .endm

        @ Two columns: their words of elements 0, 1 to r2, of elements 2, 3 to r0.
        .macro TBX_WIDEN_COLUMNS a, b, place
            ldr r8, [\a], #4
            ldr r9, [\b], #4
            sxtb16 r10, r8              @ elements 0, 2
            sxtb16 r8, r8, ror #8       @ elements 1, 3
            sxtb16 r11, r9
            sxtb16 r9, r9, ror #8
            pkhbt r12, r10, r8, lsl #16
            pkhtb r8, r8, r10, asr #16
            pkhbt lr, r11, r9, lsl #16
            pkhtb r9, r9, r11, asr #16
            strd r12, lr, [r2, #\place]
            strd r8, r9, [r0, #\place]
        .endm

        .section .text.tbx_armv7em_widen_columns, "ax", %progbits
        .balign 4
        .global tbx_armv7em_widen_columns
        .type tbx_armv7em_widen_columns, %function
        .thumb_func
        tbx_armv7em_widen_columns:
            push {{r4-r11, lr}}
            sub sp, sp, #20
            ldmia r0!, {{r2-r7}}        @ to, step, columns
            ldmia r0, {{r8, r9, r10}}   @ quads, blocks, advance
            stmia sp, {{r8, r9, r10}}
        1:  str r2, [sp, #12]
            ldr r1, [sp]
        2:  add r0, r2, r3
            TBX_WIDEN_COLUMNS r4, r5, 0
            TBX_WIDEN_COLUMNS r6, r7, 8
            add r2, r0, r3
            subs r1, r1, #1
            bne 2b
            ldr r0, [sp, #4]
            ldrd r1, r2, [sp, #8]       @ advance, to
            add r4, r4, r1
            add r5, r5, r1
            add r6, r6, r1
            add r7, r7, r1
            adds r2, r2, #16
            subs r0, r0, #1
            str r0, [sp, #4]
            bne 1b
            add sp, sp, #20
            pop {{r4-r11, pc}}
        .size tbx_armv7em_widen_columns, . - tbx_armv7em_widen_columns

        TBX_WIDEN tbx_armv7em_widen4, 4
        TBX_WIDEN tbx_armv7em_widen2, 2
        TBX_WIDEN tbx_armv7em_widen1, 1
        TBX_WIDEN_WINDOWS tbx_armv7em_windows4, 4
        TBX_WIDEN_WINDOWS tbx_armv7em_windows2, 2
        TBX_WIDEN_WINDOWS tbx_armv7em_windows1, 1
        .text
        "#
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_widen4"]
        pub(super) fn widen4(from: *const *const u8, quads: usize, to: *mut u32);
        #[link_name = "tbx_armv7em_widen2"]
        pub(super) fn widen2(from: *const *const u8, quads: usize, to: *mut u32);
        #[link_name = "tbx_armv7em_widen1"]
        pub(super) fn widen1(from: *const *const u8, quads: usize, to: *mut u32);
        #[link_name = "tbx_armv7em_windows4"]
        pub(super) fn windows4(windows: &super::Windows);
        #[link_name = "tbx_armv7em_windows2"]
        pub(super) fn windows2(windows: &super::Windows);
        #[link_name = "tbx_armv7em_windows1"]
        pub(super) fn windows1(windows: &super::Windows);
        #[link_name = "tbx_armv7em_widen_columns"]
        pub(super) fn widen_columns(columns: &super::Columns);
    }
}
