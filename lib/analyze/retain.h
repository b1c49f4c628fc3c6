/* Retained sizes, as they are kept. */
#ifndef LWI_ANALYZE_RETAIN_H
#define LWI_ANALYZE_RETAIN_H

#include "analyze/dominate.h"

#include <leakwatch/retain.h>

/* What the instances of a type dominate, every node once. */
typedef struct lwi_retained_type {
    uint64_t count, bytes, own;
} lwi_retained_type;

struct lw_dominators {
    lwi_mem mem;
    lw_snapshot *snapshot;
    lwi_domtree tree;
    lwi_retained_type *types;
    uint32_t *type_order; /* types, those that retain most first */
};

#endif
