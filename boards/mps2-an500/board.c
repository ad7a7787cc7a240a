/* Timer 0 of the FPGA image. */
#include "cmsdk_timer.h"
#include "virtual_time.h"

volatile uint32_t *const cmsdk_timer = (volatile uint32_t *)0x40000000;
const uint32_t board_timer_mhz = 25;
