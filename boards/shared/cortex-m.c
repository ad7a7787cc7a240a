/* Vectors, fault reports and semihosting calls of a Cortex-M. */
#include "semihosting.h"
#include "startup.h"

extern uint32_t __stack_top[];

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CCR REGISTER(0xe000ed14u)   /* configuration: UNALIGN_TRP is bit 3 */
#define CFSR REGISTER(0xe000ed28u)  /* fault status: MMARVALID is bit 7, BFARVALID bit 15 */
#define MMFAR REGISTER(0xe000ed34u) /* address of a memory fault */
#define BFAR REGISTER(0xe000ed38u)  /* address of a bus fault */
#define CPACR REGISTER(0xe000ed88u) /* coprocessors: 10 and 11 are floats and vectors */

void reset_handler(void) {
    /* The Cortex-M0 has none of this: it traps all that is not aligned anyway. */
#if __ARM_ARCH >= 7
    CCR |= 1u << 3;
    CPACR |= 15u << 20;
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
    start();
}

__attribute__((used)) static void report(const uint32_t *frame) {
    uintptr_t address = NO_ADDRESS;
#if __ARM_ARCH >= 7
    if (CFSR & 1u << 7) address = MMFAR;
    if (CFSR & 1u << 15) address = BFAR;
#endif
    fault(frame[6], frame[5], address);
}

__attribute__((naked)) static void fault_handler(void) {
    __asm__("mrs r0, msp\n b report");
}

__attribute__((section(".vectors"), used)) const uintptr_t vectors[16] = {
    (uintptr_t)__stack_top, (uintptr_t)reset_handler, (uintptr_t)fault_handler, (uintptr_t)fault_handler,
    (uintptr_t)fault_handler, (uintptr_t)fault_handler, (uintptr_t)fault_handler, (uintptr_t)fault_handler,
};

uintptr_t sh_call(uintptr_t operation, const void *arguments) {
    register uintptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
