/* Growth, one snapshot at a time: only the first and the last need to stay in memory. */
#ifndef LWI_ANALYZE_GROWTH_H
#define LWI_ANALYZE_GROWTH_H

#include "analyze/growth_trie.h"

#include <leakwatch/growth.h>

/* What is kept of each snapshot: objects and bytes by trie node, for as many as there were. */
typedef struct lwi_growth_sums {
    uint32_t *objects;
    uint64_t *bytes;
    uint32_t count;
} lwi_growth_sums;

typedef struct lwi_growing {
    lwi_mem mem;
    lwi_names names;
    lwi_trie trie;
    lwi_growth_sums *sums; /* one for each snapshot */
    uint64_t count, room;
    lw_snapshot *first, *last; /* `last` is NULL until there are two */
    uint32_t *first_places;    /* node -> trie node; LWI_NOWHERE: nothing holds it */
    uint32_t *last_places;
    uint64_t per_step;
} lwi_growing;

/* `per_step` as in lw_growth_options. False: no memory; to be closed all the same. */
bool lwi_growing_open(lwi_growing *growing, lw_allocator allocator, uint64_t per_step);
void lwi_growing_close(lwi_growing *growing);

/* Takes in the next snapshot, and lets go of the one before unless it is the first. */
lw_status lwi_growing_add(lwi_growing *growing, lw_snapshot *snapshot, lw_error *error);

/* What grew, after at least 3 snapshots. */
lw_status lwi_growing_finish(lwi_growing *growing, lw_growth **growth, lw_error *error);

/* --- within growth ------------------------------------------------------------------------- */

/* Walks a snapshot; `places` receives the place of each node. LW_OK, LW_E_NOMEM, LW_E_LIMIT. */
lw_status lwi_growth_walk(lwi_growing *growing, const lw_snapshot *snapshot, uint32_t *places);

/* The trie after the whole of every structure became one node: the paths that people see. */
typedef struct lwi_fold {
    lwi_trie trie;
    uint32_t *to;          /* node of the first trie -> node of this one */
    uint32_t from_count;
    lwi_growth_sums *sums; /* as in lwi_growing; all of full length */
    uint64_t count;
    lwi_mem *mem;
} lwi_fold;

bool lwi_fold_make(lwi_fold *fold, lwi_growing *growing);
void lwi_fold_free(lwi_fold *fold);

typedef struct lwi_head {
    lw_growth_head info;
    lw_growth_point *points;
    lw_growth_step *path;
    uint64_t grown; /* where its objects begin in lw_growth::grown */
} lwi_head;

struct lw_growth {
    lwi_mem mem;
    lwi_arena arena;
    lw_snapshot *last;
    lwi_head *heads;
    uint32_t count;
    uint32_t snapshots;
    lw_node *grown;
};

/* Finds heads in a folded trie. `head_of` becomes the head, from 0, whose growth a trie node is
 * part of, or LWI_NOWHERE; `places` the trie node of each head. */
typedef struct lwi_heads {
    uint32_t *head_of;
    uint32_t *places;
    uint64_t count, room;
    uint64_t holding; /* the first so many hold what grows; the others swell */
    uint32_t *firsts; /* the snapshot where each head's path appears */
    uint64_t first_room;
} lwi_heads;

bool lwi_heads_find(lwi_heads *heads, const lwi_fold *fold, uint64_t per_step, lwi_mem *mem);
void lwi_heads_free(lwi_heads *heads, const lwi_fold *fold, lwi_mem *mem);

/* The concrete holders: of each head the one that gained most, and the nodes it gained. Fills
 * info.node, info.grown and lw_growth::grown. */
lw_status lwi_growth_holders(lw_growth *growth, lwi_growing *growing, const lwi_fold *fold,
                             const lwi_heads *heads, lw_error *error);

#endif
