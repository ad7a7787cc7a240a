/* Instruction counter of the MPS2 boards: CMSDK timer 0, which counts the emulator's virtual time. With -icount shift=7
   an instruction takes 128 ns, 3.2 ticks of the 25 MHz clock: a difference is off by less than a tick, so that rounding
   finds the exact number. */
#include "board.h"

static volatile uint32_t *const TIMER0_CTRL = (volatile uint32_t *)0x40000000;
static volatile uint32_t *const TIMER0_VALUE = (volatile uint32_t *)0x40000004;
static volatile uint32_t *const TIMER0_RELOAD = (volatile uint32_t *)0x40000008;

void board_init(void) {
    *TIMER0_RELOAD = UINT32_MAX;
    *TIMER0_VALUE = UINT32_MAX;
    *TIMER0_CTRL = 1;
}

__attribute__((noinline)) uint32_t board_count(void) {
    return ~*TIMER0_VALUE;
}

uint32_t board_instructions(uint32_t difference) {
    return (uint32_t)(((uint64_t)difference * 5u + 8u) / 16u);
}
