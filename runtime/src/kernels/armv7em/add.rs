//! Addition of quantized tensors, four elements at a time.
//!
//! Every element is `floor((r + floor(ma * a / 2^8) + floor(mb * b / 2^8)) / 2^16) - 128`, saturated to int8. The compiler
//! uses the kernel where it found numbers for which that is TensorFlow Lite's sum for all 65,536 pairs of elements.

use crate::step::Step;

crate::kernels::params! {
    /// Scalars of an addition.
    Add {
        /// Multiplier of the first input.
        ma,
        /// Multiplier of the second input.
        mb,
        /// Constant.
        r,
    }
}

/// One element, as the assembly computes it.
#[inline]
pub fn element(p: &Add, a: i8, b: i8) -> i8 {
    let product = |m: i32, x: i8| ((i64::from(m) * i64::from(x)) >> 8) as i32;
    let sum = p.r.wrapping_add(product(p.ma, a)).wrapping_add(product(p.mb, b));
    ((sum >> 16).clamp(0, 255) - 128) as i8
}

/// Inputs and output of one shape; rows of both inputs may be overwritten. Scalars: [`Add`].
pub fn add_s8(step: &Step<'_>) -> Option<()> {
    let p = Add::read(step)?;
    for y in step.output_rows()? {
        let (a, b, out) = (step.input_row(0, y)?, step.input_row(1, y)?, step.output_row(0, y)?);
        let quads = out.len() / 4;
        let (a, b) = (a.get(..out.len())?, b.get(..out.len())?);
        if quads > 0 {
            // SAFETY: all three rows hold `4 * quads` elements; rows are aligned to 4, as is every tensor's start, so
            // that contiguous ones whose length is no multiple of 4 are never handed to this kernel.
            unsafe { add_quads(&p, a.as_ptr().cast(), b.as_ptr().cast(), out.as_ptr().cast_mut().cast(), quads) };
        }
        for ((a, b), out) in a.iter().zip(b).zip(out).skip(4 * quads) {
            out.set(element(&p, a.get() as i8, b.get() as i8) as u8);
        }
    }
    Some(())
}

/// # Safety
/// All three point at `quads` (at least 1) words.
unsafe fn add_quads(p: &Add, a: *const u32, b: *const u32, out: *mut u32, quads: usize) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::add(a, b, out, quads, p)
    }
    #[cfg(not(tbx_dsp))]
    for i in 0..quads {
        // SAFETY: by this function's contract.
        unsafe {
            let (a, b) = (a.add(i).read().to_le_bytes(), b.add(i).read().to_le_bytes());
            let sum = std::array::from_fn(|i| element(p, a[i] as i8, b[i] as i8) as u8);
            out.add(i).write(u32::from_le_bytes(sum));
        }
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use super::Add;
    use core::arch::global_asm;

    global_asm!(
        r#"
        .syntax unified
        .section .text.tbx_armv7em_add_quads, "ax", %progbits
        .balign 4
        .global tbx_armv7em_add_quads
        .type tbx_armv7em_add_quads, %function
        .thumb_func
        tbx_armv7em_add_quads:
            ldr r12, [sp]
            push {{r4-r11, lr}}
            ldmia r12, {{r4, r5, r6}}   @ ma, mb, r
            mov r7, #0xff00ff00
        1:  ldr r8, [r0], #4
            ldr r9, [r1], #4
            and r10, r7, r8, lsl #8     @ elements 0 and 2, times 256
            and r8, r7, r8              @ elements 1 and 3
            and r11, r7, r9, lsl #8
            and r9, r7, r9
            smlawb r12, r4, r10, r6
            smlawb r12, r5, r11, r12
            smlawt r10, r4, r10, r6
            smlawt r10, r5, r11, r10
            pkhtb r12, r10, r12, asr #16
            smlawb r10, r4, r8, r6
            smlawb r10, r5, r9, r10
            smlawt r8, r4, r8, r6
            smlawt r8, r5, r9, r8
            pkhtb r10, r8, r10, asr #16
            usat16 r12, #8, r12
            usat16 r10, #8, r10
            orr r12, r12, r10, lsl #8
            eor r12, r12, #0x80808080
            str r12, [r2], #4
            subs r3, r3, #1
            bne 1b
            pop {{r4-r11, pc}}
        .size tbx_armv7em_add_quads, . - tbx_armv7em_add_quads
        .text
        "#
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_add_quads"]
        pub(super) fn add(a: *const u32, b: *const u32, out: *mut u32, quads: usize, p: &Add);
    }
}
