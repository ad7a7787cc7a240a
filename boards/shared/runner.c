/* Firmware that `tinderbox run` links against a compiled model: reads inferences from input.bin, writes their outputs
   to output.bin and what it measured to measured.txt, all by semihosting. It goes through the C ABI alone. */
#include "board.h"
#include "model.h" /* written by `tinderbox run`: the MODEL_ macros */
#include "semihosting.h"

TBX_ARENA(arena, MODEL_ARENA_BYTES);
static tbx_model model;
static uint8_t inputs[MODEL_INPUT_BYTES];
static uint32_t layer_counts[MODEL_NODES], layer_calls[MODEL_NODES];
static const uint32_t input_bytes[MODEL_INPUTS] = MODEL_INPUT_SIZES;
static const uint32_t input_row_bytes[MODEL_INPUTS] = MODEL_INPUT_ROW_SIZES;
static const uint32_t output_bytes[MODEL_OUTPUTS] = MODEL_OUTPUT_SIZES;

static int measured;

static void fail(const char *what, int32_t status) {
    sh_puts(what);
    sh_puts(": ");
    sh_puts(tbx_status_str(status));
    sh_puts("\n");
    sh_exit(1);
}

static void report(const char *what, uint32_t value) {
    sh_write_text(measured, what);
    sh_write_text(measured, " ");
    sh_write_number(measured, value);
    sh_write_text(measured, "\n");
}

/* Instructions since a reading of the counter, less those of reading it. */
static uint32_t since(uint32_t start) {
    static uint32_t reading;
    uint32_t now = board_count();
    if (reading == 0u) {
        uint32_t a = board_count();
        uint32_t b = board_count();
        reading = board_instructions(b - a);
    }
    return board_instructions(now - start) - reading;
}

/* Where each input's next byte for the model stands in `inputs`. */
static uint32_t taken[MODEL_INPUTS];

static void rewind_inputs(void) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
        taken[i] = at;
        at += input_bytes[i];
    }
}

static const uint8_t *next_row(uint32_t *bytes) {
    int32_t input = tbx_wanted_input(&model);
    if (input < 0) fail("tbx_wanted_input", input);
    const uint8_t *row = inputs + taken[input];
    *bytes = input_row_bytes[input];
    taken[input] += *bytes;
    return row;
}

static void fill_inputs(void) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
        uint8_t *to = tbx_input(&model, i);
        for (uint32_t n = 0; n < input_bytes[i]; n++) to[n] = inputs[at + n];
        at += input_bytes[i];
    }
}

/* One inference; returns its instructions. */
static uint32_t infer(void) {
    tbx_status status = TBX_NEED_ROW;
    uint32_t total = 0;
    rewind_inputs();
    if (!MODEL_PUSHED) {
        fill_inputs();
        uint32_t start = board_count();
        status = tbx_invoke(&model);
        total = since(start);
    }
    while (status == TBX_NEED_ROW) {
        uint32_t bytes;
        const uint8_t *row = next_row(&bytes);
        uint32_t start = board_count();
        status = tbx_push_row(&model, row, bytes);
        total += since(start);
    }
    if (status != TBX_READY) fail("inference", status);
    return total;
}

/* The same inference step by step, each step's instructions on the account of its node. A row's move to its slot is on
   the account of the node before it. */
static void profile(void) {
    tbx_status status = TBX_OK;
    int32_t node = 0;
    rewind_inputs();
    if (!MODEL_PUSHED) fill_inputs();
    while (status != TBX_READY) {
        if (status == TBX_NEED_ROW) {
            uint32_t bytes;
            const uint8_t *row = next_row(&bytes);
            status = tbx_take_row(&model, row, bytes);
        } else {
            int32_t next = tbx_next_node(&model);
            if (next >= 0) node = next;
            uint32_t start = board_count();
            status = tbx_step(&model);
            layer_counts[node] += since(start);
            layer_calls[node]++;
        }
        if (status < 0) fail("profile", status);
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        report("layer", layer_counts[i]);
        report("calls", layer_calls[i]);
    }
}

int main(void) {
    int in = sh_open("input.bin", SH_READ_BINARY);
    int out = sh_open("output.bin", SH_WRITE_BINARY);
    measured = sh_open("measured.txt", SH_WRITE_TEXT);
    uint32_t start = board_count();
    tbx_status status = tbx_init(&model, &MODEL_PROGRAM, arena, sizeof arena);
    report("init", since(start));
    if (status != TBX_OK) fail("tbx_init", status);
    for (uint32_t n = 0; sh_read(in, inputs, MODEL_INPUT_BYTES) == 0; n++) {
        if (n == 0) board_paint_stack();
        if (n > 0 && !MODEL_KEEP_STATE) tbx_reset(&model);
        uint32_t count = infer();
        if (n == 0) {
            report("stack", board_stack_used());
            report("instructions", count);
        }
        for (uint32_t i = 0; i < MODEL_OUTPUTS; i++) sh_write(out, tbx_output(&model, i), output_bytes[i]);
    }
    report("model", sizeof model);
    sh_write_text(measured, "kernels ");
    sh_write_text(measured, tbx_kernel_set());
    sh_write_text(measured, "\n");
    sh_seek(in, 0);
    if (MODEL_PROFILE && sh_read(in, inputs, MODEL_INPUT_BYTES) == 0) {
        tbx_reset(&model);
        profile();
    }
    sh_exit(0);
}
