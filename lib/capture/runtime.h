/* The runtimes that are plugged into a context. */
#ifndef LWI_CAPTURE_RUNTIME_H
#define LWI_CAPTURE_RUNTIME_H

#include "record/view.h"

#include <leakwatch/runtime.h>

struct lw_runtime {
    lw_runtime *next;
    lw_context *context;
    char *name;
    lw_domain **domains;
    uint64_t domain_count;
    lw_enumerate_fn enumerate;
    void *user;
    bool address; /* keys are addresses */
};

/* What capture hangs on a context. */
typedef struct lwi_runtimes {
    lw_runtime *first; /* in the order of their creation */
    uint32_t count;
    bool busy;         /* an `enumerate` runs */
    uint64_t token;    /* tells contexts apart without pointing to them */
} lwi_runtimes;

/* The runtimes of a context, made on first use; NULL without memory. */
lwi_runtimes *lwi_runtimes_of(lw_context *context);

#endif
