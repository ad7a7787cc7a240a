/* Stands in for Tinderbox where the size of the same firmware without it is wanted. Its own bytes are kept apart, in
   sections that do not count. */
#include "model.h"

#define APART __attribute__((section(".apart.text")))
#define APART_DATA __attribute__((section(".apart.rodata")))

const tbx_program model_program APART_DATA = {0};

APART tbx_status tbx_init(tbx_model *m, const tbx_program *p, void *a, size_t n) { (void)m, (void)p, (void)a, (void)n; return 0; }
APART tbx_status tbx_reset(tbx_model *m) { (void)m; return 0; }
APART void *tbx_input(tbx_model *m, size_t i) { (void)i; return m; }
APART tbx_status tbx_invoke(tbx_model *m) { (void)m; return 0; }
APART tbx_status tbx_push_row(tbx_model *m, const void *r, size_t n) { (void)m, (void)r, (void)n; return 0; }
APART tbx_status tbx_take_row(tbx_model *m, const void *r, size_t n) { (void)m, (void)r, (void)n; return 0; }
APART int32_t tbx_wanted_input(tbx_model *m) { (void)m; return 0; }
APART tbx_status tbx_step(tbx_model *m) { (void)m; return 0; }
APART int32_t tbx_next_node(tbx_model *m) { (void)m; return 0; }
APART const void *tbx_output(tbx_model *m, size_t i) { (void)i; return m; }
APART const char *tbx_status_str(int32_t status) { (void)status; return ""; }
APART const char *tbx_kernel_set(void) { return ""; }
