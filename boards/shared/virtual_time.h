#ifndef VIRTUAL_TIME_H
#define VIRTUAL_TIME_H

#include <stdint.h>

/* By the board: ticks of its timer in a microsecond. */
extern const uint32_t board_timer_mhz;

#endif
