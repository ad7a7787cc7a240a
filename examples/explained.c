/* Names the piece of clothing in a picture, step by step.

   `tinderbox compile fashion.tflite --target cortex-m4 --name fashion -o DIR` has written into DIR:

     fashion.h       sizes, shapes, scales and the declaration of fashion_program
     fashion.c       the network as constant data: no code, nothing to be initialised, all of it stays in flash
     tinderbox.h     the calls
     libtinderbox.a  the code behind them, and behind the operators; the linker takes what fashion.c names

   Instead of a camera there is a file on the machine that emulates the board; semihosting.h reads it. */
#include "fashion.h" /* includes tinderbox.h */
#include "labels.h"
#include "semihosting.h"

/* All the RAM that inference needs beside the stack (1 KB) and the handle below: a static array, suitably aligned. Its size was
   computed by the compiler; a smaller one is refused by tbx_init, a larger one is no faster. To place it in a memory of your
   choice, declare an array of your own, aligned to TBX_ARENA_ALIGN. */
TBX_ARENA(arena, FASHION_ARENA_BYTES);

/* The handle. It belongs to you, is a few words small, and may be static, automatic or part of a structure. There are no other
   globals: for a second model, declare a second handle and a second arena. */
static tbx_model model;

/* Every call returns a tbx_status: negative for errors, each with a text. Nothing prints, aborts or waits. */
static int fail(const char *what, tbx_status status) {
    sh_puts(what);
    sh_puts(": ");
    sh_puts(tbx_status_str(status));
    sh_puts("\n");
    return 1;
}

/* Of int8 inputs and outputs, real value = (byte - zero point) * scale; the header has both as macros. */
static int percent(int8_t score) {
    return (int)((float)(score - FASHION_OUTPUT_0_ZERO_POINT) * FASHION_OUTPUT_0_SCALE * 100.0f + 0.5f);
}

int main(void) {
    /* Binds the network to the arena and checks both: version, size, alignment. It costs some hundred instructions and may be
       called again at any time. */
    tbx_status status = tbx_init(&model, &fashion_program, arena, sizeof arena);
    if (status != TBX_OK) return fail("tbx_init", status);

    /* The input stands in the arena: let the camera, DMA or your preprocessing write there. A row is a line of 28 pixels, a byte
       each (FASHION_INPUT_0_SHAPE is {1, 28, 28, 1}): grey value - 128. Inference consumes it, so fill it anew every time. Who
       cannot spare the RAM compiles with `--input-mode rows` and hands over line by line: see rows.c. */
    int8_t *picture = tbx_input(&model, 0);
    int camera = sh_open("sample.bin", SH_READ_BINARY);
    if (sh_read(camera, picture, FASHION_INPUT_0_BYTES) != 0) {
        sh_puts("sample.bin is too short\n");
        return 1;
    }

    /* One inference, start to end. Firmware that must not be away for so long calls tbx_step instead, until it returns
       TBX_READY: the same work in small parts. */
    status = tbx_invoke(&model);
    if (status != TBX_READY) return fail("tbx_invoke", status);

    /* The output stands in the arena too, until the next inference begins. */
    const int8_t *scores = tbx_output(&model, 0);
    int best = 0;
    for (int i = 1; i < FASHION_OUTPUT_0_ELEMENTS; i++) {
        if (scores[i] > scores[best]) best = i;
    }
    int sure = percent(scores[best]);
    sh_puts(labels[best]);
    sh_puts(sure >= 90 ? ", certainly\n" : sure >= 60 ? ", probably\n" : ", perhaps\n");
    return 0;
}
