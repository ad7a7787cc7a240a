//! Rows of int16 elements, and windows over them as blocks for [`super::gemm`].

/// Writes `quads` (at least 1) times four int8 elements as int16, in their own order.
///
/// # Safety
/// `from` holds `4 * quads` bytes, `to` has room for `2 * quads` words, both are aligned to 4.
#[inline]
pub unsafe fn widen_row(from: *const u8, quads: usize, to: *mut u32) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::widen_row(from, quads, to)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        super::widen::widen_bytes(from, 4 * quads, to.cast())
    }
}

/// Writes elements one place further on: element `i` of `from` becomes element `i + 1` of `to`.
///
/// # Safety
/// `from` holds `words` (at least 1) words of two elements, `to` has room for as many.
#[inline]
pub unsafe fn shift_row(from: *const u32, words: usize, to: *mut u32) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::shift_row(from, words, to)
    }
    #[cfg(not(tbx_dsp))]
    for i in 0..words {
        // SAFETY: by this function's contract.
        unsafe {
            let before = if i == 0 { 0 } else { from.add(i - 1).read() };
            to.add(i).write(before >> 16 | from.add(i).read() << 16);
        }
    }
}

/// What gathering windows needs to know.
#[repr(C)]
pub struct Gather {
    /// Per pixel, the first word of its window.
    pub from: [*const u32; 4],
    /// Words of a window's row; at least 1.
    pub run: usize,
    /// Rows of a window; at least 1.
    pub rows: usize,
    /// Bytes from the end of a window's row to the start of the next.
    pub skip: usize,
    /// The block.
    pub to: *mut u32,
}

/// Gathers the windows of `pixels` (4, 2 or 1) pixels.
///
/// # Safety
/// All rows of the first `pixels` windows can be read; `to` has room for them.
#[inline]
pub unsafe fn gather(g: &Gather, pixels: usize) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        match pixels {
            4 => arm::gather4(g),
            2 => arm::gather2(g),
            _ => arm::gather1(g),
        }
    }
    #[cfg(not(tbx_dsp))]
    for (p, from) in g.from.iter().enumerate().take(pixels) {
        for row in 0..g.rows {
            for i in 0..g.run {
                // SAFETY: by this function's contract.
                unsafe {
                    let word = from.byte_add(row * (4 * g.run + g.skip)).add(i).read();
                    g.to.add((row * g.run + i) * pixels + p).write(word);
                }
            }
        }
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use super::Gather;
    use core::arch::global_asm;

    global_asm!(
        r#"
        .syntax unified

        .section .text.tbx_armv7em_widen_row, "ax", %progbits
        .balign 4
        .global tbx_armv7em_widen_row
        .type tbx_armv7em_widen_row, %function
        .thumb_func
        tbx_armv7em_widen_row:
            push {{r4, r5}}
        1:  ldr r3, [r0], #4
            sxtb16 r4, r3               @ elements 0, 2
            sxtb16 r5, r3, ror #8       @ elements 1, 3
            pkhbt r3, r4, r5, lsl #16
            pkhtb r4, r5, r4, asr #16
            strd r3, r4, [r2], #8
            subs r1, r1, #1
            bne 1b
            pop {{r4, r5}}
            bx lr
        .size tbx_armv7em_widen_row, . - tbx_armv7em_widen_row

        .section .text.tbx_armv7em_shift_row, "ax", %progbits
        .balign 4
        .global tbx_armv7em_shift_row
        .type tbx_armv7em_shift_row, %function
        .thumb_func
        tbx_armv7em_shift_row:
            push {{r4}}
            movs r3, #0
        1:  ldr r4, [r0], #4
            lsrs r3, r3, #16
            orr r3, r3, r4, lsl #16
            str r3, [r2], #4
            mov r3, r4
            subs r1, r1, #1
            bne 1b
            pop {{r4}}
            bx lr
        .size tbx_armv7em_shift_row, . - tbx_armv7em_shift_row

        .macro TBX_GATHER name, pixels
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type \name, %function
        .thumb_func
        \name:
            push {{r4-r11, lr}}
            ldmia r0, {{r3-r10}}        @ four sources, run, rows, skip, to
        1:  mov r12, r7
        2:  ldr r0, [r3], #4
        .if \pixels > 1
            ldr r1, [r4], #4
        .endif
        .if \pixels > 2
            ldr r2, [r5], #4
            ldr r11, [r6], #4
            stmia r10!, {{r0, r1, r2, r11}}
        .elseif \pixels > 1
            stmia r10!, {{r0, r1}}
        .else
            str r0, [r10], #4
        .endif
            subs r12, r12, #1
            bne 2b
            add r3, r3, r9
            add r4, r4, r9
            add r5, r5, r9
            add r6, r6, r9
            subs r8, r8, #1
            bne 1b
            pop {{r4-r11, pc}}
        .size \name, . - \name
        .endm

        TBX_GATHER tbx_armv7em_gather4, 4
        TBX_GATHER tbx_armv7em_gather2, 2
        TBX_GATHER tbx_armv7em_gather1, 1
        .text
        "#
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_widen_row"]
        pub(super) fn widen_row(from: *const u8, quads: usize, to: *mut u32);
        #[link_name = "tbx_armv7em_shift_row"]
        pub(super) fn shift_row(from: *const u32, words: usize, to: *mut u32);
        #[link_name = "tbx_armv7em_gather4"]
        pub(super) fn gather4(gather: &Gather);
        #[link_name = "tbx_armv7em_gather2"]
        pub(super) fn gather2(gather: &Gather);
        #[link_name = "tbx_armv7em_gather1"]
        pub(super) fn gather1(gather: &Gather);
    }
}
