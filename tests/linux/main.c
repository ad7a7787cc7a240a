/* Runs the demo model on one of its pictures through an installed libtinderbox. */
#include "data.h"
#include "demo.h"
#include <string.h>

TBX_ARENA(arena, DEMO_ARENA_BYTES);

int main(void) {
    tbx_model model;
    if (strcmp(tbx_kernel_set(), "portable") != 0) return 1;
    if (tbx_init(&model, &demo_program, arena, sizeof arena) != TBX_OK) return 2;
    memcpy(tbx_input(&model, 0), picture, sizeof picture);
    if (tbx_invoke(&model) != TBX_READY) return 3;
    return memcmp(tbx_output(&model, 0), expected, sizeof expected) == 0 ? 0 : 4;
}
