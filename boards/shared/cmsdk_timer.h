#ifndef CMSDK_TIMER_H
#define CMSDK_TIMER_H

#include <stdint.h>

/* By the board: where its timer is. It counts down. */
extern volatile uint32_t *const cmsdk_timer;

#endif
