/* Between the start-up code of a core and what all of them share. */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

/* Runs main with its variables initialised. The stack is set up, the core lets floats through and traps what is not
   aligned. */
void start(void) __attribute__((noreturn));

/* Ends the run and names the place: the instruction, what it would return to, and what it accessed. */
#define NO_ADDRESS UINTPTR_MAX
void fault(uintptr_t at, uintptr_t caller, uintptr_t address) __attribute__((noreturn));

/* By the board: starts its counter. */
void board_init(void);

#endif
