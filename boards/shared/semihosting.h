/* Files and text of the machine that runs the emulator (Arm semihosting 2.0). */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SH_READ_BINARY = 1, SH_WRITE_TEXT = 4, SH_WRITE_BINARY = 5 };

/* By the core: one call. */
uintptr_t sh_call(uintptr_t operation, const void *arguments);

int sh_open(const char *path, int mode);
/* 0 if all of `bytes` could be read or written. */
int sh_read(int file, void *to, uint32_t bytes);
int sh_write(int file, const void *from, uint32_t bytes);
void sh_seek(int file, uint32_t position);
void sh_write_text(int file, const char *text);
void sh_write_number(int file, uint32_t number);
/* To the console. */
void sh_puts(const char *text);
void sh_put_hex(uintptr_t number);
/* Ends the emulator with this status. */
void sh_exit(int status) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
