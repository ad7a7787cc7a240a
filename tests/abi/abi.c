/* The C ABI from the caller's side: what is wrong gets a status and touches nothing outside the arena; what is right gives the
   expected bytes however it is interleaved. C99 and C++11; on the host and on boards. Exit status: the number of failures. */
#include "data.h" /* picture and expected: an inference of the model, made by the test */
#include "rows.h" /* the model compiled with --input-mode rows */
#include "semihosting.h"
#include "whole.h" /* the same model with its input whole */

#define LARGER(a, b) ((a) > (b) ? (a) : (b))
enum { GUARD = 256, ROOM = LARGER(WHOLE_ARENA_BYTES, ROWS_ARENA_BYTES), CANARY = 0xa5 };

/* Memory with guards around two arenas. */
TBX_ARENA(memory, 3 * GUARD + 2 * (ROOM + TBX_ARENA_ALIGN));
static uint8_t *const arena = memory + GUARD;
static uint8_t *const other = memory + 2 * GUARD + (ROOM + TBX_ARENA_ALIGN) / TBX_ARENA_ALIGN * TBX_ARENA_ALIGN;

static int failures;

static void expect(int holds, const char *what) {
    if (holds) return;
    failures++;
    sh_puts("fails: ");
    sh_puts(what);
    sh_puts("\n");
}

#define EXPECT(condition) expect(condition, #condition)

static void set_canaries(void) {
    for (size_t i = 0; i < sizeof memory; i++) memory[i] = CANARY;
}

/* Whether all memory is untouched beside `bytes` bytes of `used`. */
static int untouched_beside(const uint8_t *used, size_t bytes) {
    for (size_t i = 0; i < sizeof memory; i++) {
        int inside = memory + i >= used && memory + i < used + bytes;
        if (!inside && memory[i] != CANARY) return 0;
    }
    return 1;
}

static int is_expected(tbx_model *model) {
    const uint8_t *output = (const uint8_t *)tbx_output(model, 0);
    if (output == NULL) return 0;
    for (size_t i = 0; i < sizeof expected; i++) {
        if (output[i] != expected[i]) return 0;
    }
    return 1;
}

static void fill_input(tbx_model *model) {
    uint8_t *input = (uint8_t *)tbx_input(model, 0);
    for (size_t i = 0; i < sizeof picture; i++) input[i] = picture[i];
}

static tbx_status push(tbx_model *model, int row) {
    return tbx_push_row(model, picture + row * ROWS_INPUT_0_ROW_BYTES, ROWS_INPUT_0_ROW_BYTES);
}

/* Pushes rows `from` to the last; whether the output is as expected then. */
static int push_rest(tbx_model *model, int from) {
    for (int row = from; row < ROWS_INPUT_0_ROWS - 1; row++) {
        if (push(model, row) != TBX_NEED_ROW) return 0;
    }
    return push(model, ROWS_INPUT_0_ROWS - 1) == TBX_READY && is_expected(model);
}

/* Every call on a model that is not ready, or null. */
static void expect_everywhere(tbx_model *model, tbx_status status) {
    EXPECT(tbx_reset(model) == status);
    EXPECT(tbx_invoke(model) == status);
    EXPECT(tbx_push_row(model, picture, ROWS_INPUT_0_ROW_BYTES) == status);
    EXPECT(tbx_take_row(model, picture, ROWS_INPUT_0_ROW_BYTES) == status);
    EXPECT(tbx_step(model) == status);
    EXPECT(tbx_wanted_input(model) == (int32_t)status);
    EXPECT(tbx_next_node(model) < 0);
    EXPECT(tbx_input(model, 0) == NULL);
    EXPECT(tbx_output(model, 0) == NULL);
}

static void test_init(void) {
    tbx_model model;
    const tbx_program *program = &whole_program;
    set_canaries();
    EXPECT(tbx_init(NULL, program, arena, WHOLE_ARENA_BYTES) == TBX_NULL_POINTER);
    EXPECT(tbx_init(&model, NULL, arena, WHOLE_ARENA_BYTES) == TBX_NULL_POINTER);
    EXPECT(tbx_init(&model, program, NULL, WHOLE_ARENA_BYTES) == TBX_NULL_POINTER);
    EXPECT(tbx_init(&model, program, arena, 0) == TBX_ARENA_TOO_SMALL);
    EXPECT(tbx_init(&model, program, arena, WHOLE_ARENA_BYTES - 1) == TBX_ARENA_TOO_SMALL);
    for (size_t off = 1; off < TBX_ARENA_ALIGN; off++) {
        EXPECT(tbx_init(&model, program, arena + off, WHOLE_ARENA_BYTES) == TBX_ARENA_MISALIGNED);
    }
    tbx_program stranger = *program;
    stranger.abi_version = TBX_ABI_VERSION + 1;
    EXPECT(tbx_init(&model, &stranger, arena, WHOLE_ARENA_BYTES) == TBX_ABI_MISMATCH);
    expect_everywhere(&model, TBX_NOT_INITIALIZED);
    EXPECT(untouched_beside(arena, 0));
    EXPECT(tbx_init(&model, program, arena, WHOLE_ARENA_BYTES) == TBX_OK);
    EXPECT(tbx_init(&model, program, arena, WHOLE_ARENA_BYTES + 1) == TBX_OK);
    EXPECT(untouched_beside(arena, WHOLE_ARENA_BYTES));
    EXPECT(tbx_init(&model, program, arena, 1) == TBX_ARENA_TOO_SMALL);
    expect_everywhere(&model, TBX_NOT_INITIALIZED);
}

static void test_before_init(void) {
    static tbx_model zero;
    expect_everywhere(&zero, TBX_NOT_INITIALIZED);
    expect_everywhere(NULL, TBX_NULL_POINTER);
}

static void test_whole(void) {
    tbx_model model;
    set_canaries();
    EXPECT(tbx_init(&model, &whole_program, arena, WHOLE_ARENA_BYTES) == TBX_OK);
    EXPECT(tbx_input(&model, 1) == NULL);
    EXPECT(tbx_input(&model, (size_t)-1) == NULL);
    EXPECT(tbx_output(&model, 1) == NULL);
    EXPECT(tbx_output(&model, (size_t)-1) == NULL);
    EXPECT(tbx_push_row(&model, picture, WHOLE_INPUT_0_ROW_BYTES) == TBX_INPUT_MODE);
    EXPECT(tbx_take_row(&model, picture, WHOLE_INPUT_0_ROW_BYTES) == TBX_INPUT_MODE);
    EXPECT(tbx_wanted_input(&model) == TBX_INPUT_MODE);
    for (int again = 0; again < 2; again++) {
        fill_input(&model);
        EXPECT(tbx_invoke(&model) == TBX_READY);
        EXPECT(is_expected(&model));
    }
    EXPECT(untouched_beside(arena, WHOLE_ARENA_BYTES));
}

static void test_rows(void) {
    tbx_model model;
    set_canaries();
    EXPECT(tbx_init(&model, &rows_program, arena, ROWS_ARENA_BYTES) == TBX_OK);
    EXPECT(tbx_input(&model, 0) == NULL);
    EXPECT(tbx_invoke(&model) == TBX_INPUT_MODE);
    EXPECT(tbx_wanted_input(&model) == 0);
    EXPECT(push(&model, 0) == TBX_NEED_ROW);
    EXPECT(tbx_push_row(&model, NULL, ROWS_INPUT_0_ROW_BYTES) == TBX_NULL_POINTER);
    EXPECT(tbx_push_row(&model, picture, 0) == TBX_ROW_SIZE);
    EXPECT(tbx_push_row(&model, picture, ROWS_INPUT_0_ROW_BYTES - 1) == TBX_ROW_SIZE);
    EXPECT(tbx_push_row(&model, picture, ROWS_INPUT_0_ROW_BYTES + 1) == TBX_ROW_SIZE);
    EXPECT(push_rest(&model, 1));
    EXPECT(push_rest(&model, 0));
    EXPECT(untouched_beside(arena, ROWS_ARENA_BYTES));
}

static void test_steps(void) {
    tbx_model model;
    set_canaries();
    EXPECT(tbx_init(&model, &rows_program, arena, ROWS_ARENA_BYTES) == TBX_OK);
    tbx_status status;
    int row = 0;
    while ((status = tbx_step(&model)) >= 0 && status != TBX_READY) {
        if (status == TBX_NEED_ROW) {
            const uint8_t *line = picture + row++ * ROWS_INPUT_0_ROW_BYTES;
            EXPECT(tbx_take_row(&model, NULL, ROWS_INPUT_0_ROW_BYTES) == TBX_NULL_POINTER);
            EXPECT(tbx_take_row(&model, line, ROWS_INPUT_0_ROW_BYTES - 1) == TBX_ROW_SIZE);
            EXPECT(tbx_take_row(&model, line, ROWS_INPUT_0_ROW_BYTES) == TBX_OK);
        }
        if (tbx_next_node(&model) >= 0 && row == 1) {
            EXPECT(tbx_take_row(&model, picture, ROWS_INPUT_0_ROW_BYTES) == TBX_INPUT_MODE);
        }
    }
    EXPECT(status == TBX_READY);
    EXPECT(is_expected(&model));
    EXPECT(row == ROWS_INPUT_0_ROWS);
    EXPECT(untouched_beside(arena, ROWS_ARENA_BYTES));
}

static void test_starting_over(void) {
    tbx_model model;
    set_canaries();
    EXPECT(tbx_init(&model, &rows_program, arena, ROWS_ARENA_BYTES) == TBX_OK);
    for (int row = 0; row < 7; row++) push(&model, row);
    EXPECT(tbx_reset(&model) == TBX_OK);
    EXPECT(push_rest(&model, 0));
    for (int row = 0; row < 3; row++) push(&model, row);
    EXPECT(tbx_init(&model, &rows_program, arena, ROWS_ARENA_BYTES) == TBX_OK);
    EXPECT(push_rest(&model, 0));
    EXPECT(tbx_init(&model, &whole_program, arena, WHOLE_ARENA_BYTES) == TBX_OK);
    fill_input(&model);
    EXPECT(tbx_invoke(&model) == TBX_READY);
    EXPECT(is_expected(&model));
}

/* Two programs, and then one program twice, a step or a row of each in turn. */
static void test_interleaved(void) {
    tbx_model first, second;
    set_canaries();
    EXPECT(tbx_init(&first, &whole_program, arena, WHOLE_ARENA_BYTES) == TBX_OK);
    EXPECT(tbx_init(&second, &rows_program, other, ROWS_ARENA_BYTES) == TBX_OK);
    fill_input(&first);
    tbx_status one = TBX_OK, two = TBX_NEED_ROW;
    for (int row = 0; one == TBX_OK || two == TBX_NEED_ROW;) {
        if (one == TBX_OK) one = tbx_step(&first);
        if (two == TBX_NEED_ROW) two = push(&second, row++);
    }
    EXPECT(one == TBX_READY && is_expected(&first));
    EXPECT(two == TBX_READY && is_expected(&second));
    EXPECT(tbx_init(&first, &rows_program, arena, ROWS_ARENA_BYTES) == TBX_OK);
    EXPECT(push(&first, 0) == TBX_NEED_ROW);
    EXPECT(push_rest(&second, 0));
    EXPECT(push_rest(&first, 1));
    EXPECT(is_expected(&second));
}

/* A program that claims less memory than it uses: an error, and nothing touched behind what it claims. */
static void test_corrupt(void) {
    for (uint32_t bytes = 0; bytes < WHOLE_ARENA_BYTES; bytes += WHOLE_ARENA_BYTES / 24u + 1u) {
        tbx_program liar = whole_program;
        tbx_model model;
        liar.arena_bytes = bytes;
        set_canaries();
        tbx_status status = tbx_init(&model, &liar, arena, bytes);
        if (status == TBX_OK) status = tbx_invoke(&model);
        EXPECT(status == TBX_CORRUPT);
        EXPECT(untouched_beside(arena, bytes));
    }
}

static void test_texts(void) {
    EXPECT(tbx_abi_version() == TBX_ABI_VERSION);
    for (int32_t status = -100; status < 100; status++) {
        EXPECT(tbx_status_str(status) != NULL && tbx_status_str(status)[0] != '\0');
    }
}

int main(void) {
    test_texts();
    test_before_init();
    test_init();
    test_whole();
    test_rows();
    test_steps();
    test_starting_over();
    test_interleaved();
    test_corrupt();
    return failures;
}
