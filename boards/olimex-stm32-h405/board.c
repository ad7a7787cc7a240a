/* Timer 2 of the STM32F405: 32 bits. The emulator's counts at 1 GHz, divided by 10 here. */
#include "board.h"
#include "startup.h"
#include "virtual_time.h"

#define TIM2(offset) (*(volatile uint32_t *)(0x40000000u + (offset)))
#define CR1 TIM2(0x00)
#define CNT TIM2(0x24)
#define PSC TIM2(0x28)
#define ARR TIM2(0x2c)

const uint32_t board_timer_mhz = 1000 / 10;

void board_init(void) {
    PSC = 9;
    ARR = UINT32_MAX;
    CR1 = 1;
}

__attribute__((noinline)) uint32_t board_count(void) {
    return CNT;
}
