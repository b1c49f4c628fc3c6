/* A comparison of two snapshots, by type name and by object. */
#ifndef LWI_ANALYZE_DIFF_H
#define LWI_ANALYZE_DIFF_H

#include "snapshot/snapshot.h"

#include <leakwatch/analyze.h>

/* One of the two snapshots. */
typedef struct lwi_side {
    lw_snapshot *snapshot;
    uint32_t *row_of;  /* type -> row */
    uint32_t *same_as; /* type -> number that the same type has on both sides */
    uint64_t *matched; /* one bit per node: the other side has it too */
} lwi_side;

struct lw_diff {
    lwi_mem mem;
    lwi_arena arena;
    lwi_side base, target;
    lw_diff_row *rows;
    lw_diff_info info;
};

/* Numbers types and names, so that rows stand for names and equal types have equal numbers. */
bool lwi_diff_rows(lw_diff *diff);

/* Finds which objects are in both, and counts. */
void lwi_diff_match(lw_diff *diff);

#endif
