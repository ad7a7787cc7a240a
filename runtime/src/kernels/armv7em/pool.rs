//! Average pooling over a whole image.

use crate::kernels::pool::{finish_global, layer};
use crate::step::Step;

/// Most columns of a row: their sums fit halfwords.
pub const MAX_COLUMNS: i32 = 255;

/// As the portable [`global_average`](crate::kernels::pool::global_average), with at most [`MAX_COLUMNS`] columns
/// and channels a multiple of 4.
pub fn global_average_s8(step: &Step<'_>) -> Option<()> {
    let (window, _) = layer(step)?;
    let (channels, columns) = (window.in_channels as usize, window.in_width as usize);
    let state = step.state()?;
    if step.index() == 0 {
        state.iter().for_each(|cell| cell.set(0));
    }
    let row = step.input_row(0, step.index())?;
    if row.len() < channels * columns || state.len() < 4 * channels || columns == 0 || channels == 0 {
        return None;
    }
    // SAFETY: the row holds `columns` pixels of `channels` bytes, the state a word per channel; both are aligned to 4.
    unsafe { add_row(row.as_ptr().cast(), channels, columns, state.as_ptr().cast_mut().cast()) };
    finish_global::<i8>(step)
}

/// Adds the pixels of a row to the sums of their channels.
///
/// # Safety
/// `row` holds `columns` (at least 1) pixels of `channels` bytes, `sums` a word per channel; channels are a multiple of
/// 4, both pointers aligned to 4.
unsafe fn add_row(row: *const u8, channels: usize, columns: usize, sums: *mut i32) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::add_row(row, channels, columns, sums)
    }
    #[cfg(not(tbx_dsp))]
    for channel in 0..channels {
        // SAFETY: by this function's contract.
        unsafe {
            let pixels = (0..columns).map(|x| i32::from(row.add(x * channels + channel).read() as i8));
            let sum = sums.add(channel);
            sum.write(sum.read() + pixels.sum::<i32>());
        }
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use core::arch::global_asm;

    global_asm!(
        r#"
        .syntax unified
        .section .text.tbx_armv7em_pool_add_row, "ax", %progbits
        .balign 4
        .global tbx_armv7em_pool_add_row
        .type tbx_armv7em_pool_add_row, %function
        .thumb_func
        tbx_armv7em_pool_add_row:
            push {{r4-r11, lr}}
            mov lr, r1
        1:  mov r4, r0                  @ four channels: r5 their pixels, r6 and r7 sums of channels 0, 2 and 1, 3
            mov r8, r2
            movs r6, #0
            movs r7, #0
        2:  ldr r5, [r4]
            add r4, r4, r1
            sxtab16 r6, r6, r5
            sxtab16 r7, r7, r5, ror #8
            subs r8, r8, #1
            bne 2b
            ldmia r3, {{r8, r9, r10, r11}}
            sxtah r8, r8, r6
            sxtah r9, r9, r7
            add r10, r10, r6, asr #16
            add r11, r11, r7, asr #16
            stmia r3!, {{r8, r9, r10, r11}}
            adds r0, r0, #4
            subs lr, lr, #4
            bne 1b
            pop {{r4-r11, pc}}
        .size tbx_armv7em_pool_add_row, . - tbx_armv7em_pool_add_row
        .text
        "#
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_pool_add_row"]
        pub(super) fn add_row(row: *const u8, channels: usize, columns: usize, sums: *mut i32);
    }
}
