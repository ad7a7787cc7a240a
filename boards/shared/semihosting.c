#include "semihosting.h"

enum {
    SYS_OPEN = 0x01,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_SEEK = 0x0a,
    SYS_EXIT_EXTENDED = 0x20,
};

static uint32_t length(const char *text) {
    uint32_t n = 0;
    while (text[n] != '\0') n++;
    return n;
}

int sh_open(const char *path, int mode) {
    uintptr_t arguments[] = {(uintptr_t)path, (uintptr_t)mode, length(path)};
    int file = (int)sh_call(SYS_OPEN, arguments);
    if (file < 0) {
        sh_puts("cannot open ");
        sh_puts(path);
        sh_puts("\n");
        sh_exit(1);
    }
    return file;
}

int sh_read(int file, void *to, uint32_t bytes) {
    uintptr_t arguments[] = {(uintptr_t)file, (uintptr_t)to, bytes};
    return bytes == 0 ? 1 : (int)sh_call(SYS_READ, arguments);
}

int sh_write(int file, const void *from, uint32_t bytes) {
    uintptr_t arguments[] = {(uintptr_t)file, (uintptr_t)from, bytes};
    return (int)sh_call(SYS_WRITE, arguments);
}

void sh_seek(int file, uint32_t position) {
    uintptr_t arguments[] = {(uintptr_t)file, position};
    sh_call(SYS_SEEK, arguments);
}

void sh_write_text(int file, const char *text) {
    sh_write(file, text, length(text));
}

void sh_write_number(int file, uint32_t number) {
    char digits[10];
    uint32_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0u);
    sh_write(file, digits + n, (uint32_t)sizeof digits - n);
}

void sh_puts(const char *text) {
    sh_call(SYS_WRITE0, text);
}

void sh_put_hex(uintptr_t number) {
    char text[2 + 2 * sizeof number + 1];
    uint32_t end = sizeof text - 1;
    text[0] = '0';
    text[1] = 'x';
    for (uint32_t i = 2; i < end; i++) text[i] = "0123456789abcdef"[number >> (4 * (end - 1 - i)) & 15u];
    text[end] = '\0';
    sh_puts(text);
}

void sh_exit(int status) {
    uintptr_t arguments[] = {0x20026 /* ADP_Stopped_ApplicationExit */, (uintptr_t)status};
    for (;;) sh_call(SYS_EXIT_EXTENDED, arguments);
}
