/* Start-up, stack painting and fault reports of a Cortex-M. */
#include "board.h"
#include "semihosting.h"

int main(void);
void board_init(void);

extern uint32_t __stack_top[], __stack_limit[], __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

static const uint32_t PAINT = 0xa5c3e187u;
static uint32_t *painted_top;

void board_paint_stack(void) {
    uint32_t *here = __builtin_frame_address(0);
    painted_top = here;
    /* The frame of this function lies below `here`: leave it alone. */
    for (volatile uint32_t *word = __stack_limit; word < here - 16; word++) *word = PAINT;
}

uint32_t board_stack_used(void) {
    volatile uint32_t *word = __stack_limit;
    while (word < painted_top && *word == PAINT) word++;
    return (uint32_t)((uintptr_t)painted_top - (uintptr_t)word);
}

void reset_handler(void) {
    volatile uint32_t *from = __data_load;
    for (volatile uint32_t *to = __data_start; to < __data_end;) *to++ = *from++;
    for (volatile uint32_t *to = __bss_start; to < __bss_end;) *to++ = 0;
    board_init();
    sh_exit(main());
}

/* A fault ends the run and names the place. */
__attribute__((used)) void fault(const uint32_t *frame) {
    sh_puts("fault at ");
    sh_put_hex(frame[6]);
    sh_puts(", called from ");
    sh_put_hex(frame[5]);
    sh_puts("\n");
    sh_exit(1);
}

__attribute__((naked)) static void fault_handler(void) {
    __asm__("mrs r0, msp\n b fault");
}

__attribute__((section(".vectors"), used)) const uintptr_t vectors[16] = {
    (uintptr_t)__stack_top, (uintptr_t)reset_handler, (uintptr_t)fault_handler, (uintptr_t)fault_handler,
    (uintptr_t)fault_handler, (uintptr_t)fault_handler, (uintptr_t)fault_handler,
};
