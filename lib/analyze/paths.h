/* Retention paths, and the search for them. */
#ifndef LWI_ANALYZE_PATHS_H
#define LWI_ANALYZE_PATHS_H

#include "analyze/filter.h"
#include "base/index.h"
#include "snapshot/holders.h"

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

lw_status lwi_path_check(const lw_paths *paths, uint32_t index, lw_error *error);

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

/* The search from the roots, which meets the one from the targets half-way. */
typedef struct lwi_ahead {
    uint64_t *seen;     /* bits; NULL: never needed so far */
    lw_node *queue;
    uint32_t reached;
    uint32_t begin;     /* of the last level in the queue */
    uint32_t levels;    /* 0: not begun in this pass */
    uint64_t work;      /* edges of the last level */
} lwi_ahead;

/* The state of a search that finds one path after the other. */
typedef struct lwi_search {
    lw_snapshot *snapshot;
    lwi_mem *mem;
    lwi_filter filter;
    const lwi_holders *holders; /* NULL: not asked for yet */
    lwi_holders own;     /* `holders`, where edges are ignored */
    int strength;        /* of the paths that are looked for now */
    bool bystanders;     /* may begin them; the owners of this strength are done */
    const lw_node *targets; /* in order; those that are garbage are held by nothing */
    uint64_t target_count;
    uint64_t *banned;    /* bits: ignored, or a path found before goes through here; or NULL */
    uint64_t *began;     /* bits: a path found before begins here, with one of `cuts`; or NULL */
    lwi_cut *cuts;
    uint64_t cut_count, cut_room;
    lwi_index cut_index; /* by both ends */
    uint64_t *used;      /* bits: this root is a whole path of no steps already */
    uint64_t *used_outside; /* the same of what is held from outside; or NULL */
    uint64_t *seen;      /* bits: reached, so its distance holds */
    uint32_t *distance;  /* to the nearest target; of what only `ahead` has seen, from the roots:
                            in blocks, so that a search touches no more than it reaches */
    uint32_t *block_of;  /* by node / LWI_DISTANCES: which of these, from 1; 0: none so far */
    uint32_t block_count;
    lw_node *queue;
    uint32_t reached;
    bool complete;       /* the queue holds all that can be reached over `edges`, nearest first */
    int edges;           /* the weakest that the queue was made with */
    lwi_ahead ahead;
    lwi_taken *taken;
    uint64_t taken_count, taken_room;
} lwi_search;

#define LWI_DISTANCES 64u /* in a block */

static inline uint32_t *lwi_search_distance(lwi_search *search, lw_node node)
{
    uint32_t *block = &search->block_of[node / LWI_DISTANCES];
    if (*block == 0)
        *block = ++search->block_count;
    return &search->distance[(uint64_t)(*block - 1) * LWI_DISTANCES + node % LWI_DISTANCES];
}

/* `targets`, in order, and `options` must outlive the search. */
bool lwi_search_init(lwi_search *search, lw_snapshot *snapshot, lwi_mem *mem,
                     const lw_node *targets, uint64_t count, const lw_paths_options *options);
void lwi_search_free(lwi_search *search);

/* One pass: sets *found if there is a path of now, and the nodes [*begin, *end) of the queue that
 * the nearest roots hold; the distances of all nodes on shortest paths hold. False: no memory. */
bool lwi_search_pass(lwi_search *search, uint32_t *begin, uint32_t *end, bool *found);

static inline bool lwi_search_is_banned(const lwi_search *search, lw_node node)
{
    return search->banned && lwi_bits_get(search->banned, node);
}

/* Whether a path found before began with this step. */
bool lwi_search_is_cut(const lwi_search *search, lw_node from, lw_node to);

/* Whether paths of now may take an edge. */
bool lwi_search_takes(const lwi_search *search, uint64_t edge);

/* Adds the next path, if there is one; false: no memory. */
bool lwi_search_next(lwi_search *search, lw_paths *paths, bool *found);

/* Picks the first path by content among the nearest: [begin, end) of the queue are the nodes at
 * the distance at which a root was found. False: no memory. */
bool lwi_search_pick(lwi_search *search, uint32_t begin, uint32_t end, lw_paths *paths);

/* The best root of a node that may begin a path now, by strength and content; false: none. For a
 * node that is only held from outside, *root is LWI_NO_ROOT. */
bool lwi_search_root(const lwi_search *search, lw_node node, uint32_t *root);

#endif
