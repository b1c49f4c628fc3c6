/* A type of objects, as recording keeps it. */
#ifndef LWI_RECORD_TYPE_H
#define LWI_RECORD_TYPE_H

#include "record/context.h"

struct lw_type {
    lwi_type_facts facts; /* first */
    lw_context *context;
    _Atomic(lw_type *) next;
    lwi_map map;
    _Atomic uint64_t created, live, high_water, unseen, unknown, dropped;
};

void lwi_fields_free(lw_type *type);
void lwi_variables_done(lw_context *context);

#endif
