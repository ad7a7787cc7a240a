/* Reset, traps, semihosting calls and the instruction counter of a RISC-V core in machine mode. */
#include "board.h"
#include "semihosting.h"
#include "startup.h"

__attribute__((naked, section(".vectors"), used)) void reset_handler(void) {
    __asm__("la sp, __stack_top\n"
            "la t0, trap\n"
            "csrw mtvec, t0\n"
            "j start");
}

/* The stack may be what is broken: the report gets the whole of it. */
__attribute__((naked, aligned(4), used)) static void trap(void) {
    __asm__("csrr a0, mepc\n"
            "mv a1, ra\n"
            "csrr a2, mtval\n"
            "la sp, __stack_top\n"
            "j fault");
}

#define UNUSED __attribute__((unused)) /* by C: they stay in their registers */

/* The emulator knows a semihosting call by the three instructions, uncompressed and within a page. */
__attribute__((naked, noinline)) uintptr_t sh_call(UNUSED uintptr_t operation, UNUSED const void *arguments) {
    __asm__(".option push\n"
            ".option norvc\n"
            ".balign 16\n"
            "slli x0, x0, 0x1f\n"
            "ebreak\n"
            "srai x0, x0, 7\n"
            "ret\n"
            ".option pop");
}

void board_init(void) {}

__attribute__((noinline)) uint32_t board_count(void) {
    uintptr_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count)::"memory");
    return (uint32_t)count;
}

uint32_t board_instructions(uint32_t difference) {
    return difference;
}
