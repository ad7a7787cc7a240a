/* Instructions from a timer that counts the emulator's virtual time. With -icount shift=7 an instruction takes 128 ns,
   at least two ticks of the timer: a difference is off by less than a tick, so that rounding finds the exact number. */
#include "virtual_time.h"
#include "board.h"

uint32_t board_instructions(uint32_t difference) {
    uint32_t ticks = 128u * board_timer_mhz; /* in a thousand instructions */
    return (uint32_t)((1000ull * difference + ticks / 2u) / ticks);
}
