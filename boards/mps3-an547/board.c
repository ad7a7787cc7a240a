/* System timer 0 of the SSE-300 at its secure address, which shows the system counter: 32 MHz. */
#include "board.h"
#include "startup.h"
#include "virtual_time.h"

#define COUNTER_CONTROL (*(volatile uint32_t *)0x58100000u)
#define TIMER0_CNTPCT_LOW (*(volatile uint32_t *)0x58000000u)

const uint32_t board_timer_mhz = 32;

void board_init(void) {
    COUNTER_CONTROL = 1;
}

__attribute__((noinline)) uint32_t board_count(void) {
    return TIMER0_CNTPCT_LOW;
}
