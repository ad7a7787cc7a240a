//! What the compiler calls to copy and to clear rows: a tenth of the code of Rust's own, and as fast on rows. Weak, so that
//! firmware may bring another.

#[cfg(tbx_dsp)]
core::arch::global_asm!(
    r#"
    .syntax unified
    .section .text.__aeabi_memcpy, "ax", %progbits
    .balign 4
    .weak __aeabi_memcpy
    .weak __aeabi_memcpy4
    .weak __aeabi_memcpy8
    .type __aeabi_memcpy, %function
    .thumb_func
    __aeabi_memcpy:                 @ r0 to, r1 from, r2 bytes; by words where both are aligned, else by bytes
    .set __aeabi_memcpy4, __aeabi_memcpy
    .set __aeabi_memcpy8, __aeabi_memcpy
        push {{r4, r5, r6, lr}}
        orr r3, r0, r1
        lsls r3, r3, #30
        bne 6f
        subs r2, r2, #16
        blt 2f
    1:  ldmia r1!, {{r3, r4, r5, r6}}
        stmia r0!, {{r3, r4, r5, r6}}
        subs r2, r2, #16
        bpl 1b
    2:  adds r2, r2, #12
        bmi 3f
    1:  ldr r3, [r1], #4
        str r3, [r0], #4
        subs r2, r2, #4
        bpl 1b
    3:  adds r2, r2, #4
    6:  cbz r2, 5f
    4:  ldrb r3, [r1], #1
        strb r3, [r0], #1
        subs r2, r2, #1
        bne 4b
    5:  pop {{r4, r5, r6, pc}}
    .size __aeabi_memcpy, . - __aeabi_memcpy

    .section .text.__aeabi_memset, "ax", %progbits
    .balign 4
    .weak __aeabi_memset
    .weak __aeabi_memset4
    .weak __aeabi_memset8
    .weak __aeabi_memclr
    .weak __aeabi_memclr4
    .weak __aeabi_memclr8
    .type __aeabi_memclr, %function
    .type __aeabi_memset, %function
    .thumb_func
    __aeabi_memclr:                 @ r0 to, r1 bytes
    .set __aeabi_memclr4, __aeabi_memclr
    .set __aeabi_memclr8, __aeabi_memclr
        movs r2, #0
    .thumb_func
    __aeabi_memset:                 @ r2 byte; by words where r0 is aligned
    .set __aeabi_memset4, __aeabi_memset
    .set __aeabi_memset8, __aeabi_memset
        bfi r2, r2, #8, #8
        bfi r2, r2, #16, #16
        lsls r3, r0, #30
        bne 5f
        subs r1, r1, #4
        blo 2f
    1:  str r2, [r0], #4
        subs r1, r1, #4
        bhs 1b
    2:  adds r1, r1, #4
    5:  cbz r1, 4f
    3:  strb r2, [r0], #1
        subs r1, r1, #1
        bne 3b
    4:  bx lr
    .size __aeabi_memset, . - __aeabi_memset
    .text
    "#
);
