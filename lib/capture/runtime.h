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
    lw_collect_fn collect;
    lw_preview_fn preview;
    lw_advise_fn advise;
    void *user;
    bool address; /* keys are addresses */
    bool doomed;  /* destroyed inside a callback: goes when that returns */
};

/* What capture hangs on a context. */
typedef struct lwi_runtimes {
    lw_runtime *first; /* in the order of their creation */
    uint32_t count;
    bool busy;         /* a callback of a runtime runs */
    lw_runtime objects; /* registered objects; in the list, last, while they are captured */
    uint64_t token;    /* tells contexts apart without pointing to them */
} lwi_runtimes;

/* The runtimes of a context, made on first use; NULL without memory. */
lwi_runtimes *lwi_runtimes_of(lw_context *context);

/* Around callbacks of runtimes, which may not do again what is being done: LW_E_STATE. */
lw_status lwi_runtimes_begin(lwi_runtimes *runtimes, lw_error *error);
void lwi_runtimes_end(lw_context *context, lwi_runtimes *runtimes);

/* The name of the runtime that the core makes of registered objects. */
#define LWI_OBJECTS_NAME "objects"

#endif
