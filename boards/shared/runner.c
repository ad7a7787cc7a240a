/* Firmware that `tinderbox run` links against a compiled model: reads inferences from input.bin, writes their outputs
   to output.bin and what it measured to measured.txt, all by semihosting. It goes through the C ABI alone, and calls only
   what the way of its inputs needs: conditions that are constant leave the rest out of the image. */
#include "board.h"
#include "model.h" /* written by `tinderbox run`: the MODEL_ macros */
#include "semihosting.h"

TBX_ARENA(arena, MODEL_ARENA_BYTES);
static tbx_model model;
static uint8_t row[MODEL_ROW_BYTES];
static uint32_t layer_counts[MODEL_PROFILE ? MODEL_NODES : 1], layer_calls[MODEL_PROFILE ? MODEL_NODES : 1];
static const uint32_t input_bytes[MODEL_INPUTS] = MODEL_INPUT_SIZES;
static const uint32_t input_row_bytes[MODEL_INPUTS] = MODEL_INPUT_ROW_SIZES;
static const uint32_t output_bytes[MODEL_OUTPUTS] = MODEL_OUTPUT_SIZES;

static int input, measured;
/* Where each input's next byte for the model stands in its file. */
static uint32_t next[MODEL_INPUTS];

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

/* Makes the inputs of an inference the next to be read. */
static void begin(uint32_t inference) {
    uint32_t at = inference * MODEL_INPUT_BYTES;
    for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
        next[i] = at;
        at += input_bytes[i];
    }
}

static void read_next(uint32_t i, void *to, uint32_t bytes) {
    sh_seek(input, next[i]);
    if (sh_read(input, to, bytes) != 0) fail("input.bin", TBX_ROW_SIZE);
    next[i] += bytes;
}

/* Reads the row that the model wants; returns its size. */
static uint32_t read_row(void) {
    int32_t wanted = tbx_wanted_input(&model);
    if (wanted < 0) fail("tbx_wanted_input", wanted);
    read_next((uint32_t)wanted, row, input_row_bytes[wanted]);
    return input_row_bytes[wanted];
}

static void fill_inputs(void) {
    for (uint32_t i = 0; i < MODEL_INPUTS; i++) read_next(i, tbx_input(&model, i), input_bytes[i]);
}

/* Pushes rows until the outputs are complete; returns the instructions. */
static uint32_t push_rows(void) {
    tbx_status status = TBX_NEED_ROW;
    uint32_t total = 0;
    while (status == TBX_NEED_ROW) {
        uint32_t bytes = read_row();
        uint32_t start = board_count();
        status = tbx_push_row(&model, row, bytes);
        total += since(start);
    }
    if (status != TBX_READY) fail("tbx_push_row", status);
    return total;
}

/* An inference on whole inputs; returns its instructions. */
static uint32_t invoke(void) {
    fill_inputs();
    uint32_t start = board_count();
    tbx_status status = tbx_invoke(&model);
    uint32_t total = since(start);
    if (status != TBX_READY) fail("tbx_invoke", status);
    return total;
}

static void write_outputs(int output) {
    for (uint32_t i = 0; i < MODEL_OUTPUTS; i++) sh_write(output, tbx_output(&model, i), output_bytes[i]);
}

static void inferences(int output) {
    for (uint32_t n = 0; n < MODEL_INFERENCES; n++) {
        begin(n);
        if (n > 0 && !MODEL_KEEP_STATE) tbx_reset(&model);
        uint32_t count = MODEL_PUSHED ? push_rows() : invoke();
        if (n == 0) report("instructions", count);
        write_outputs(output);
    }
}

/* The next row of a stream: they stand in the file in the order in which they are wanted. */
static uint32_t read_stream(void) {
    int32_t wanted = tbx_wanted_input(&model);
    if (wanted < 0) fail("tbx_wanted_input", wanted);
    if (sh_read(input, row, input_row_bytes[wanted]) != 0) fail("input.bin", TBX_ROW_SIZE);
    return input_row_bytes[wanted];
}

/* All rows of a stream. Reports the instructions from the last but one output to the last. */
static void stream(int output) {
    uint32_t sum = 0, most = 0, instructions = 0, worst = 0;
    for (uint32_t n = 0; n < MODEL_INFERENCES; n++) {
        uint32_t bytes = read_stream();
        uint32_t start = board_count();
        tbx_status status = tbx_push_row(&model, row, bytes);
        uint32_t count = since(start);
        sum += count;
        if (count > most) most = count;
        if (status < 0) fail("tbx_push_row", status);
        if (status == TBX_READY) {
            write_outputs(output);
            instructions = sum;
            worst = most;
            sum = most = 0;
        }
    }
    report("instructions", instructions);
    report("worst_row", worst);
}

/* One call of tbx_step, its instructions on the account of its node. A row's move to its slot is on the account of the
   node before it. */
static tbx_status counted_step(void) {
    static int32_t node;
    int32_t ahead = tbx_next_node(&model);
    if (ahead >= 0) node = ahead;
    uint32_t start = board_count();
    tbx_status status = tbx_step(&model);
    layer_counts[node] += since(start);
    layer_calls[node]++;
    return status;
}

/* An inference step by step. */
static void profile(void) {
    tbx_status status = TBX_OK;
    begin(0);
    if (!MODEL_PUSHED) fill_inputs();
    while (status != TBX_READY) {
        if (MODEL_PUSHED && status == TBX_NEED_ROW) {
            uint32_t bytes = read_row();
            status = tbx_take_row(&model, row, bytes);
        } else {
            status = counted_step();
        }
        if (status < 0) fail("profile", status);
    }
}

static void move_counts(uint32_t *to, uint32_t *from) {
    for (uint32_t i = 0; i < (MODEL_PROFILE ? MODEL_NODES : 1); i++) {
        to[i] = from[i];
        from[i] = 0;
    }
}

/* A stream step by step; leaves the counts from the last but one output to the last. */
static void profile_stream(void) {
    static uint32_t counts[MODEL_PROFILE ? MODEL_NODES : 1], calls[MODEL_PROFILE ? MODEL_NODES : 1];
    tbx_status status = TBX_OK;
    sh_seek(input, 0);
    for (uint32_t n = 0; n < MODEL_INFERENCES || status != TBX_NEED_ROW;) {
        if (status == TBX_NEED_ROW) {
            uint32_t bytes = read_stream();
            status = tbx_take_row(&model, row, bytes);
            n++;
        } else {
            status = counted_step();
        }
        if (status < 0) fail("profile", status);
        if (status == TBX_READY) {
            move_counts(counts, layer_counts);
            move_counts(calls, layer_calls);
        }
    }
    move_counts(layer_counts, counts);
    move_counts(layer_calls, calls);
}

static void report_layers(void) {
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        report("layer", layer_counts[i]);
        report("calls", layer_calls[i]);
    }
}

int main(void) {
    input = sh_open("input.bin", SH_READ_BINARY);
    measured = sh_open("measured.txt", SH_WRITE_TEXT);
    int output = sh_open("output.bin", SH_WRITE_BINARY);
    uint32_t start = board_count();
    tbx_status status = tbx_init(&model, &MODEL_PROGRAM, arena, sizeof arena);
    report("init", since(start));
    if (status != TBX_OK) fail("tbx_init", status);
    board_paint_stack();
    if (MODEL_STREAM) {
        stream(output);
    } else {
        inferences(output);
    }
    report("stack", board_stack_used());
    report("model", sizeof model);
    sh_write_text(measured, "kernels ");
    sh_write_text(measured, tbx_kernel_set());
    sh_write_text(measured, "\n");
    if (MODEL_PROFILE) {
        tbx_reset(&model);
        if (MODEL_STREAM) {
            profile_stream();
        } else {
            profile();
        }
        report_layers();
    }
    sh_exit(0);
}
