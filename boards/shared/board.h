/* What every board offers to firmware that runs on it. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A counter of the emulator's deterministic time, and the instructions that a difference of two readings stands for. */
uint32_t board_count(void);
uint32_t board_instructions(uint32_t difference);

/* Fills the unused stack with a pattern; later, the bytes from the painter's frame down to the deepest change. */
void board_paint_stack(void);
uint32_t board_stack_used(void);

#ifdef __cplusplus
}
#endif

#endif
