/* Timer 0 of the nRF51: 32 bits at 16 MHz. */
#include "board.h"
#include "startup.h"
#include "virtual_time.h"

#define TIMER0(offset) (*(volatile uint32_t *)(0x40008000u + (offset)))
#define TASKS_START TIMER0(0x000)
#define TASKS_CAPTURE0 TIMER0(0x040)
#define BITMODE TIMER0(0x508)
#define PRESCALER TIMER0(0x510)
#define CC0 TIMER0(0x540)

const uint32_t board_timer_mhz = 16;

void board_init(void) {
    BITMODE = 3;
    PRESCALER = 0;
    TASKS_START = 1;
}

__attribute__((noinline)) uint32_t board_count(void) {
    TASKS_CAPTURE0 = 1;
    return CC0;
}
