/* Names the piece of clothing in a picture that arrives a line at a time and is never in RAM whole. */
#include "fashion.h" /* compiled with --input-mode rows */
#include "labels.h"
#include "semihosting.h"

TBX_ARENA(arena, FASHION_ARENA_BYTES);

int main(void) {
    int8_t line[FASHION_INPUT_0_ROW_BYTES];
    tbx_model model;
    tbx_status status = tbx_init(&model, &fashion_program, arena, sizeof arena);
    if (status != TBX_OK) return 1;

    /* Each call does all the work that its line makes possible. */
    int camera = sh_open("sample.bin", SH_READ_BINARY);
    do {
        if (sh_read(camera, line, sizeof line) != 0) return 1;
        status = tbx_push_row(&model, line, sizeof line);
    } while (status == TBX_NEED_ROW);
    if (status != TBX_READY) return 1;

    const int8_t *scores = tbx_output(&model, 0);
    int best = 0;
    for (int i = 1; i < FASHION_OUTPUT_0_ELEMENTS; i++) {
        if (scores[i] > scores[best]) best = i;
    }
    sh_puts(labels[best]);
    sh_puts("\n");
    return 0;
}
