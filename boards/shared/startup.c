/* What every core does between reset and main, and after a fault. */
#include "startup.h"
#include "board.h"
#include "semihosting.h"

int main(void);

extern uint32_t __stack_limit[], __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

static const uint32_t PAINT = 0xa5c3e187u;
static uint32_t *painted_top;

void board_paint_stack(void) {
    uint32_t *here = __builtin_frame_address(0);
    painted_top = here;
    /* The frame of this function lies below `here`: leave it alone. */
    for (volatile uint32_t *word = __stack_limit; word < here - 32; word++) *word = PAINT;
}

uint32_t board_stack_used(void) {
    volatile uint32_t *word = __stack_limit;
    while (word < painted_top && *word == PAINT) word++;
    return (uint32_t)((uintptr_t)painted_top - (uintptr_t)word);
}

void start(void) {
    volatile uint32_t *from = __data_load;
    for (volatile uint32_t *to = __data_start; to < __data_end;) *to++ = *from++;
    for (volatile uint32_t *to = __bss_start; to < __bss_end;) *to++ = 0;
    board_init();
    sh_exit(main());
}

void fault(uintptr_t at, uintptr_t caller, uintptr_t address) {
    sh_puts("fault at ");
    sh_put_hex(at);
    sh_puts(", called from ");
    sh_put_hex(caller);
    if (address != NO_ADDRESS) {
        sh_puts(", accessing ");
        sh_put_hex(address);
    }
    sh_puts("\n");
    sh_exit(1);
}
