/* A comparison of two snapshots, by type name and by object. */
#ifndef LWI_ANALYZE_DIFF_H
#define LWI_ANALYZE_DIFF_H

#include "snapshot/snapshot.h"

#include <leakwatch/series.h>

/* One of the two snapshots. */
typedef struct lwi_side {
    lw_snapshot *snapshot;
    uint32_t *row_of;  /* type -> row */
    uint32_t *same_as; /* type -> number that the same type has on both sides */
    uint64_t *matched; /* one bit per node: the other side has it too */
    uint32_t *site_of; /* stack -> site; NULL: no sites wanted */
} lwi_side;

/* Receives each object that is in both; `unsure`: known by its address alone. */
typedef void (*lwi_pair_fn)(lw_node base, lw_node target, bool unsure, void *user);

/* Where the frames of a site are. */
typedef struct lwi_stack_at {
    const lw_snapshot *snapshot; /* NULL: it has none */
    uint32_t stack;
} lwi_stack_at;

struct lw_diff {
    lwi_mem mem;
    lwi_arena arena;
    lwi_side base, target;
    lw_diff_row *rows;
    lw_diff_info info;
    lw_diff_site *sites;   /* the first two are what was before recording and what is not recorded,
                              until they are put in order */
    lwi_stack_at *stacks;  /* of each */
    uint32_t *site_order;  /* index -> site */
    uint32_t site_count;
};

/* Numbers types and names, so that rows stand for names and equal types have equal numbers. */
bool lwi_diff_rows(lw_diff *diff);

/* Finds which objects are in both, and counts; `pair` may be NULL. */
void lwi_diff_match(lw_diff *diff, lwi_pair_fn pair, void *user);

/* Counts by site, once it is known which objects are in both; false: no memory. */
bool lwi_diff_sites(lw_diff *diff);

/* A comparison without sites, of snapshots that are known to be of one context; NULL: no memory. */
lw_diff *lwi_diff_make(lw_snapshot *base, lw_snapshot *target, lwi_pair_fn pair, void *user);

/* Whether a node of the base, alive then and now, is a node of the target: same type, same block;
 * their keys are known to be equal. */
bool lwi_is_same(const lw_snapshot *base, lw_node before, const lw_snapshot *target,
                 lw_node after);
/* Whether only the address says so. */
bool lwi_is_unsure(const lw_snapshot *base, const lw_snapshot *target, lw_node after);

lw_status lwi_diff_visit_check(int32_t set, lw_node_fn visit, lw_error *error);
lw_status lwi_diff_check(const lw_diff *diff, lw_error *error);

#endif
