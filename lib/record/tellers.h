/* Allocators that tell of themselves, and what their domains hold. */
#ifndef LWI_RECORD_TELLERS_H
#define LWI_RECORD_TELLERS_H

#include "base/mem.h"

#include <leakwatch/memory.h>

enum { LWI_TELLERS = 16 };

typedef struct lwi_teller {
    char *name;
    lw_domain **domains;
    uint32_t domain_count;
    lw_memory_source_fn ask;
    void *user;
} lwi_teller;

typedef struct lwi_tellers {
    uint32_t count;
    lwi_teller items[LWI_TELLERS];
} lwi_tellers;

void lwi_tellers_done(lw_context *context);

/* lw_memory_get() for a snapshot or a hunt: zeros where the system does not tell. */
void lwi_memory_look(lw_context *context, lw_memory *memory);

#endif
