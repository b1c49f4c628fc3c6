/* Turns what runtimes pushed into a snapshot: keys become numbers, edges become rows. */
#ifndef LWI_CAPTURE_BUILD_H
#define LWI_CAPTURE_BUILD_H

#include "capture/sink.h"

/* One runtime's share of the work. */
typedef struct lwi_job {
    lw_sink sink;
    lwi_part *part;
    uint64_t *hidden;   /* sorted */
    uint32_t *type_map; /* from the sink's ids to the snapshot's */
    uint32_t *name_map;
    uint32_t *kind_map;
    uint32_t first_shape; /* the snapshot's id of the sink's shape 0 */
} lwi_job;

typedef struct lwi_build {
    lw_snapshot *snapshot;
    lwi_job *jobs;
    uint32_t count;
    lwi_strays *strays; /* NULL: count them only */
    lwi_progress progress;
} lwi_build;

typedef struct lwi_request {
    lw_context *context;
    const lw_runtime *checked; /* the one whose mistakes are noted, or NULL */
    lwi_strays *strays;        /* with it */
    lwi_misuse *misuses;       /* with it; NULL: they end the capture */
    lw_progress_fn progress;
    void *user;
    lw_allocator allocator; /* of the snapshot; `realloc` NULL: the context's */
} lwi_request;

/* Runs all runtimes and builds the snapshot of what they push. On failure there is none. */
lw_status lwi_capture(const lwi_request *request, lw_snapshot **snapshot, lw_error *error);

/* The same as users get it: with its name and numbers; advances the epoch. */
lw_status lwi_capture_named(const lwi_request *request, const char *name, lw_snapshot **snapshot,
                            lw_error *error);

void lwi_strays_free(lwi_strays *strays, lwi_mem *mem);

/* How far the building of a graph has come, for the one who waits. */
enum {
    LWI_STEP_KEYS,
    LWI_STEP_NODES,
    LWI_STEP_EDGES,
    LWI_STEP_ROOTS,
    LWI_STEP_BLOCKS,
    LWI_STEP_VERDICTS,
    LWI_STEPS
};

/* The steps, in this order; false: no memory, or stopped. Keys: LW_E_NOMEM or LW_E_LIMIT. */
lw_status lwi_build_keys(lwi_build *build, lw_error *error);
bool lwi_build_words(lwi_build *build); /* types, labels, kinds of roots, shapes */
bool lwi_build_nodes(lwi_build *build);
lw_status lwi_build_edges(lwi_build *build, lw_error *error);
bool lwi_number_bridges(lwi_build *build, lwi_job *job); /* as part of edges */
void lwi_place_bridges(lw_snapshot *snapshot, lwi_job *job);
bool lwi_build_roots(lwi_build *build);
bool lwi_build_details(lwi_build *build); /* stated references, external bytes */
bool lwi_build_blocks(lwi_build *build);
bool lwi_build_verdicts(lwi_build *build); /* held from outside, garbage, totals */

/* The node of a key; LW_NODE_NONE: never pushed, or hidden. */
static inline lw_node lwi_job_node(const lwi_job *job, lw_key key)
{
    uint32_t place = lwi_keys_find(&job->part->keys, key);
    return place == LWI_NO_RANK ? LW_NODE_NONE : job->part->first + place;
}

/* The same for up to LWI_BATCH places of the logs, faster. */
static inline void lwi_job_nodes(const lwi_job *job, const uint64_t *places, uint32_t count,
                                 lw_node *nodes)
{
    const lwi_keys *keys = &job->part->keys;
    if (keys->address)
        lwi_bitmap_ranks_at(&keys->bitmap, places, count, nodes);
    else
        lwi_keys_find_all(keys, places, count, nodes);
    for (uint32_t i = 0; i < count; i++)
        nodes[i] = nodes[i] == LWI_NO_RANK ? LW_NODE_NONE : job->part->first + nodes[i];
}

static inline lw_key lwi_job_key(const lwi_job *job, uint64_t place)
{
    const lwi_keys *keys = &job->part->keys;
    return keys->address ? lwi_bitmap_key_at(&keys->bitmap, place) : place;
}

static inline uint32_t lwi_map_label(const lwi_job *job, uint32_t label)
{
    return label == 0 || label & LW_LABEL_INDEX(0) ? label : job->name_map[label];
}

bool lwi_job_hides(const lwi_job *job, lw_key key);

/* An edge of a key that has no node is left out: it dangles, or its end is hidden. */
bool lwi_stray_edge(lwi_build *build, const lwi_job *job, lw_key key, uint32_t kind, lw_node about);

/* Puts an edge into its row. */
void lwi_place_edge(lw_snapshot *snapshot, lw_node from, lw_node to, uint32_t kind,
                    uint32_t label);

/* Notes something for a check; true when nobody checks. */
bool lwi_note(lwi_build *build, uint32_t kind, lw_key key, uint32_t about, uint32_t shape);

/* Sorts a growing table by node; equal nodes are added up, or the first one stands and the others
 * that differ are counted as conflicts. */
typedef struct lwi_rare_list {
    lwi_rare *items;
    uint64_t count, room;
} lwi_rare_list;

bool lwi_rare_push(lwi_build *build, lwi_rare_list *list, lw_node node, uint64_t value);
bool lwi_rare_close(lwi_build *build, lwi_rare_list *list, bool add, lwi_rares *rares);

#endif
