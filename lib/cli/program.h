/* What can be told of a program by its file. */
#ifndef LWCLI_PROGRAM_H
#define LWCLI_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

enum { LWCLI_PATH = 4096 };

typedef struct lwcli_program {
    char path[LWCLI_PATH];
    bool is_static;     /* there is no loader that could put anything before its malloc */
    bool is_privileged; /* set-user-id and the like: the loader ignores LD_PRELOAD */
    bool has_malloc;    /* its symbols say that it defines one */
    bool is_extended;   /* it uses an allocator with calls of its own: jemalloc, tcmalloc, mimalloc */
} lwcli_program;

/* Finds a program as a shell does; false with errno if there is none that can be run. */
bool lwcli_program_find(const char *name, lwcli_program *program);

#endif
