/* Retention paths, and the search for them. */
#ifndef LWI_ANALYZE_PATHS_H
#define LWI_ANALYZE_PATHS_H

#include "snapshot/snapshot.h"

#include <leakwatch/analyze.h>

typedef struct lwi_path {
    uint64_t first_step;
    uint32_t steps;
    uint32_t root;    /* in lw_snapshot::roots; LWI_NO_ROOT: held from outside */
    lw_node first;
    lw_node target;
} lwi_path;

#define LWI_NO_ROOT UINT32_MAX

typedef struct lwi_step {
    uint64_t edge;
    lw_node from;
} lwi_step;

struct lw_paths {
    lwi_mem mem;
    lw_snapshot *snapshot;
    lwi_path *items;
    uint64_t count, room;
    lwi_step *steps;
    uint64_t step_count, step_room;
};

/* One reference that the search has taken: how it came to a node. */
typedef struct lwi_taken {
    uint64_t edge;
    uint64_t parent; /* the one before; none for a root */
    lw_node node;
} lwi_taken;

/* The first step of a path that was found: later paths may begin at `from`, and go elsewhere. */
typedef struct lwi_cut {
    lw_node from, to;
} lwi_cut;

/* The state of a search that finds one path after the other. */
typedef struct lwi_search {
    const lw_snapshot *snapshot;
    lwi_mem *mem;
    lwi_rows holders;    /* who holds each node, over edges of `holder_strength` or stronger */
    uint64_t holder_count;
    int holder_strength; /* -1: not built yet */
    int strength;        /* of the paths that are looked for now */
    uint64_t *targets;   /* bits: a path ends here */
    uint64_t *banned;    /* bits: a path found before goes through here */
    uint64_t *began;     /* bits: a path found before begins here, with one of `cuts` */
    lwi_cut *cuts;
    uint64_t cut_count, cut_room;
    uint64_t *rooted;    /* bits: a root or something outside holds it */
    uint64_t *used;      /* bits: this root is a whole path of no steps already */
    uint64_t *used_outside;
    uint32_t *distance;  /* to the nearest target; FAR: not reached */
    lw_node *queue;
    uint32_t reached;
    lwi_taken *taken;
    uint64_t taken_count, taken_room;
} lwi_search;

bool lwi_search_init(lwi_search *search, const lw_snapshot *snapshot, lwi_mem *mem,
                     const lw_node *targets, uint64_t count);
void lwi_search_free(lwi_search *search);

/* Whether a path found before began with this step. */
bool lwi_search_is_cut(const lwi_search *search, lw_node from, lw_node to);

/* Adds the next path, if there is one; false: no memory. */
bool lwi_search_next(lwi_search *search, lw_paths *paths, bool *found);

/* Fills `holders` for edges of a strength; false: no memory. */
bool lwi_search_turn(lwi_search *search, int strength);
void lwi_search_turn_free(lwi_search *search);

/* Picks the first path by content among the nearest: `level` to the end of the queue are the
 * nodes at the distance at which a root was found. False: no memory. */
bool lwi_search_pick(lwi_search *search, uint32_t level, lw_paths *paths);

/* The best root of a node that may begin a path now, by strength and content; false: none. For a
 * node that is only held from outside, *root is LWI_NO_ROOT. */
bool lwi_search_root(const lwi_search *search, lw_node node, uint32_t *root);

#endif
