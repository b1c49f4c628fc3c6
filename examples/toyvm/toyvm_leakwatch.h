/* Watches a toy machine: what it allocates, and what its objects hold. */
#ifndef TOYVM_LEAKWATCH_H
#define TOYVM_LEAKWATCH_H

#include "toyvm.h"

#include <leakwatch.h>

typedef struct toy_watch {
    toy_vm *vm;
    lw_domain *domain;
    lw_runtime *runtime;
    toy_realloc_fn realloc; // what the machine used before
    void *realloc_user;
    const char *owner_runtime; // whose object `owner` holds the machine; NULL: the program does
    lw_key owner;
} toy_watch;

/* Objects that the machine made before are seen too, but not where they were made. `watch` is zeroed
 * the first time; after a stop it may start again, in the same context. */
lw_status toy_watch_start(toy_watch *watch, toy_vm *vm, lw_context *context, lw_error *error);
void toy_watch_stop(toy_watch *watch);

#endif
