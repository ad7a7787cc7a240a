/* The console of the host, for firmware that is tested there. */
#include "semihosting.h"
#include <stdio.h>

void sh_puts(const char *text) {
    fputs(text, stderr);
}
