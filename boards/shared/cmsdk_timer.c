/* The counter of boards with Arm's CMSDK timer. */
#include "cmsdk_timer.h"
#include "board.h"
#include "startup.h"

enum { CTRL, VALUE, RELOAD };

void board_init(void) {
    cmsdk_timer[RELOAD] = UINT32_MAX;
    cmsdk_timer[VALUE] = UINT32_MAX;
    cmsdk_timer[CTRL] = 1;
}

__attribute__((noinline)) uint32_t board_count(void) {
    return ~cmsdk_timer[VALUE];
}
