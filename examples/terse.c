/* Names the piece of clothing in a picture: the least that firmware needs. */
#include "fashion.h"
#include "labels.h"
#include "semihosting.h"

TBX_ARENA(arena, FASHION_ARENA_BYTES);

int main(void) {
    tbx_model model;
    if (tbx_init(&model, &fashion_program, arena, sizeof arena) != TBX_OK) return 1;
    if (sh_read(sh_open("sample.bin", SH_READ_BINARY), tbx_input(&model, 0), FASHION_INPUT_0_BYTES) != 0) return 1;
    if (tbx_invoke(&model) != TBX_READY) return 1;

    const int8_t *scores = tbx_output(&model, 0);
    int best = 0;
    for (int i = 1; i < FASHION_OUTPUT_0_ELEMENTS; i++) {
        if (scores[i] > scores[best]) best = i;
    }
    sh_puts(labels[best]);
    sh_puts("\n");
    return 0;
}
