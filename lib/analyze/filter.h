/* What a search looks past: what its asker wants ignored. */
#ifndef LWI_ANALYZE_FILTER_H
#define LWI_ANALYZE_FILTER_H

#include "snapshot/snapshot.h"

#include <leakwatch/analyze.h>

/* What stands for the kind of a root that nobody pushed. */
#define LWI_OUTSIDE_NAME "held from outside"

typedef struct lwi_filter {
    const lw_snapshot *snapshot;
    const lw_paths_options *options;
    uint64_t *names;      /* bits by label that is no index; NULL: none is ignored */
    uint64_t *root_kinds; /* bits; NULL: none is ignored */
    uint64_t *types;      /* bits; NULL: none is ignored */
    bool outside;         /* "held from outside" is ignored */
} lwi_filter;

/* Whether the options make sense for the snapshot: else the error is filled. */
lw_status lwi_filter_check(const lw_snapshot *snapshot, const lw_paths_options *options,
                           lw_error *error);

/* False: no memory. `options` must outlive the filter. */
bool lwi_filter_init(lwi_filter *filter, const lw_snapshot *snapshot,
                     const lw_paths_options *options, lwi_mem *mem);
void lwi_filter_free(lwi_filter *filter, lwi_mem *mem);

/* Sets a bit for every node that is ignored. */
void lwi_filter_nodes(const lwi_filter *filter, uint64_t *ignored);

static inline bool lwi_filter_has_edges(const lwi_filter *filter)
{
    return filter->options->ignore_edges || filter->options->ignore_label_count;
}

/* Whether there are edges of a kind that are not ignored. */
static inline bool lwi_filter_has(const lwi_filter *filter, int32_t kind)
{
    return filter->snapshot->edge_kinds >> kind & 1 &&
           !(filter->options->ignore_edges >> kind & 1);
}

/* An lwi_without_fn. */
bool lwi_filter_edge(const void *filter, uint64_t edge);

static inline bool lwi_filter_root_kind(const lwi_filter *filter, uint32_t kind)
{
    return filter->root_kinds && lwi_bits_get(filter->root_kinds, kind);
}

#endif
