/* Reset, exceptions, semihosting calls and the instruction counter of an AArch64 core at EL1. */
#include "board.h"
#include "semihosting.h"
#include "startup.h"

__asm__(".section .vectors, \"ax\"\n"
        ".global reset_handler\n"
        "reset_handler:\n"
        "ldr x0, =__stack_top\n"
        "mov sp, x0\n"
        "ldr x0, =exceptions\n"
        "msr vbar_el1, x0\n"
        "mov x0, #(3 << 20)\n" /* CPACR_EL1.FPEN: floats and vectors */
        "msr cpacr_el1, x0\n"
        "mrs x0, sctlr_el1\n"
        "orr x0, x0, #2\n" /* SCTLR_EL1.A: what is not aligned is a fault */
        "msr sctlr_el1, x0\n"
        "isb\n"
        "b start\n"
        /* Whatever happens, from wherever: sixteen entries, 128 bytes apart. The stack may be what is broken: the report
           gets the whole of it. */
        ".balign 2048\n"
        "exceptions:\n"
        ".rept 16\n"
        ".balign 128\n"
        "mrs x0, elr_el1\n"
        "mov x1, x30\n"
        "mrs x2, far_el1\n"
        "ldr x3, =__stack_top\n"
        "mov sp, x3\n"
        "b fault\n"
        ".endr\n"
        ".text");

uintptr_t sh_call(uintptr_t operation, const void *arguments) {
    register uintptr_t x0 __asm__("x0") = operation;
    register const void *x1 __asm__("x1") = arguments;
    __asm__ volatile("hlt 0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
}

/* The cycle counter: with -icount shift=0 an instruction takes a nanosecond, and the counter counts those. */
void board_init(void) {
    __asm__ volatile("msr pmccfiltr_el0, xzr\n"
                     "msr pmcntenset_el0, %0\n"
                     "msr pmcr_el0, %1\n"
                     "isb" ::"r"(1ul << 31), "r"(1ul));
}

__attribute__((noinline)) uint32_t board_count(void) {
    uint64_t count;
    __asm__ volatile("mrs %0, pmccntr_el0" : "=r"(count)::"memory");
    return (uint32_t)count;
}

uint32_t board_instructions(uint32_t difference) {
    return difference;
}
