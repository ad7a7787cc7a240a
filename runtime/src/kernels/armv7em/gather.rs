//! Windows over int8 rows as blocks for [`super::gemm`].
//!
//! Every row of a window is widened by pairs of elements; where their number is odd, the last elements of all rows follow,
//! by pairs too. Rows may begin at any byte.

/// What gathering windows needs to know.
#[repr(C)]
pub struct Gather {
    /// The rows that windows see.
    pub rows: *const *const u8,
    /// How many; at least 1.
    pub height: usize,
    /// Bytes from a row's start to the first window.
    pub offset: usize,
    /// Bytes from one window to the next.
    pub step: usize,
    /// Elements of a window's row.
    pub run: usize,
    /// The block.
    pub to: *mut u32,
}

/// Words of a window of `height` rows of `run` elements.
pub fn words(height: usize, run: usize) -> usize {
    height * (run / 2) + (height * (run % 2)).div_ceil(2)
}

/// Gathers the windows of `pixels` (4, 2 or 1) pixels.
///
/// # Safety
/// All rows of the windows can be read; `to` has room for them.
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
    for pixel in 0..pixels {
        let put = |element: usize, row: usize, i: usize| {
            // SAFETY: by this function's contract.
            unsafe {
                let from = g.rows.add(row).read().wrapping_add(g.offset + pixel * g.step + i);
                let to = g.to.add(pixels * (element / 2) + pixel).cast::<i16>().add(element % 2);
                to.write(i16::from(from.read() as i8));
            }
        };
        let paired = g.run / 2 * 2;
        for row in 0..g.height {
            (0..paired).for_each(|i| put(row * paired + i, row, i));
            (paired..g.run).for_each(|i| put(g.height * paired + row, row, i));
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

        .set TBX_GATHER_ROWS, 0     @ the next row
        .set TBX_GATHER_HEIGHT, 4   @ rows left
        .set TBX_GATHER_OFFSET, 8
        .set TBX_GATHER_STEP, 12
        .set TBX_GATHER_RUN, 16
        .set TBX_GATHER_LAST, 20    @ place of the next row's last element
        .set TBX_GATHER_FRAME, 24

        @ r0-r3 windows, r4-r7 and r8-r11 their elements, r12 the block.
        .macro TBX_GATHER name, pixels
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type \name, %function
        .thumb_func
        \name:
            push {{r4-r11, lr}}
            sub sp, sp, #TBX_GATHER_FRAME
            ldmia r0, {{r4-r8, r12}}
            lsr r9, r8, #1
            mul r9, r9, r5
            add r9, r12, r9, lsl #(\pixels / 2 + 2)     @ 4 bytes of each pixel
            stmia sp, {{r4-r9}}
        1:  ldmia sp, {{r4, r5, r6, r7, lr}}
            ldr r0, [r4], #4
            subs r5, r5, #1
            strd r4, r5, [sp, #TBX_GATHER_ROWS]
            add r0, r0, r6
        .if \pixels > 1
            add r1, r0, r7
        .endif
        .if \pixels > 2
            add r2, r1, r7
            add r3, r2, r7
        .endif
            lsrs lr, lr, #1
            beq 3f
        2:  ldrsb r8, [r0, #1]
            ldrsb r4, [r0], #2
        .if \pixels > 1
            ldrsb r9, [r1, #1]
            ldrsb r5, [r1], #2
        .endif
        .if \pixels > 2
            ldrsb r10, [r2, #1]
            ldrsb r6, [r2], #2
            ldrsb r11, [r3, #1]
            ldrsb r7, [r3], #2
        .endif
            pkhbt r4, r4, r8, lsl #16
        .if \pixels > 1
            pkhbt r5, r5, r9, lsl #16
        .endif
        .if \pixels > 2
            pkhbt r6, r6, r10, lsl #16
            pkhbt r7, r7, r11, lsl #16
            stmia r12!, {{r4, r5, r6, r7}}
        .elseif \pixels > 1
            strd r4, r5, [r12], #8
        .else
            str r4, [r12], #4
        .endif
            subs lr, lr, #1
            bne 2b
        3:  ldrd r8, r9, [sp, #TBX_GATHER_RUN]
            lsls r8, r8, #31
            beq 4f
            ldrsb r4, [r0]
        .if \pixels > 1
            ldrsb r5, [r1]
        .endif
        .if \pixels > 2
            ldrsb r6, [r2]
            ldrsb r7, [r3]
        .endif
            strh r4, [r9]
        .if \pixels > 1
            strh r5, [r9, #4]
        .endif
        .if \pixels > 2
            strh r6, [r9, #8]
            strh r7, [r9, #12]
        .endif
            add r9, r9, #2
        .if \pixels > 1
            tst r9, #2
            it eq                       @ the words of the other pixels come between
            addeq r9, r9, #(4 * \pixels - 4)
        .endif
            str r9, [sp, #TBX_GATHER_LAST]
        4:  ldr r5, [sp, #TBX_GATHER_HEIGHT]
            cmp r5, #0
            bne 1b
            add sp, sp, #TBX_GATHER_FRAME
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
        #[link_name = "tbx_armv7em_gather4"]
        pub(super) fn gather4(gather: &Gather);
        #[link_name = "tbx_armv7em_gather2"]
        pub(super) fn gather2(gather: &Gather);
        #[link_name = "tbx_armv7em_gather1"]
        pub(super) fn gather1(gather: &Gather);
    }
}
