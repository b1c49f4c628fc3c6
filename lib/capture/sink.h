/* What an `enumerate` has pushed, as it was pushed. */
#ifndef LWI_CAPTURE_SINK_H
#define LWI_CAPTURE_SINK_H

#include "base/arena.h"
#include "base/error.h"
#include "base/index.h"
#include "base/log.h"
#include "capture/progress.h"
#include "capture/runtime.h"
#include "snapshot/snapshot.h"

/* What check tells an author about, and a snapshot merely counts. */
enum lwi_stray_kind {
    LWI_STRAY_TARGET,     /* an edge's target was never pushed; `about` is its holder */
    LWI_STRAY_HOLDER,     /* an edge's holder was never pushed */
    LWI_STRAY_ROOT,       /* a root's node was never pushed; `about` is the kind of root */
    LWI_STRAY_DETAIL,     /* references or bytes were stated for a node that was never pushed */
    LWI_STRAY_NODE,       /* a node was pushed twice; `about` is the node, `shape` the second one */
    LWI_STRAY_REFERENCES, /* references were stated twice, unlike; `about` is the node */
    LWI_STRAY_BRIDGE      /* a bridge's other end was never pushed; `about` is the node on this side */
};

typedef struct lwi_stray {
    lw_key key;
    uint32_t kind;
    uint32_t about; /* LW_NODE_NONE: nothing is known */
    uint32_t shape; /* without `about`: the number of the runtime */
} lwi_stray;

typedef struct lwi_strays {
    lwi_stray *items;
    uint64_t count, room;
} lwi_strays;

/* Calls that make no sense. They end a capture; a check counts them and goes on. */
enum lwi_misuse_kind {
    LWI_MISUSE_KEY,
    LWI_MISUSE_TYPE,
    LWI_MISUSE_LABEL,
    LWI_MISUSE_EDGE_KIND,
    LWI_MISUSE_ROOT_KIND,
    LWI_MISUSE_WORDS,      /* NULL, or unknown flags or style, where something is named */
    LWI_MISUSE_TYPE_AGAIN, /* a type named twice, unlike: no misuse, a conflict */
    LWI_MISUSES
};

typedef struct lwi_misuse {
    uint64_t count;
    lw_key example;
    char message[200]; /* of the first */
} lwi_misuse;

#define LWI_SHAPES_LATELY 256u

struct lw_sink {
    lwi_mem *mem;
    lwi_arena *arena; /* the snapshot's: text goes there at once */
    const lw_runtime *runtime;
    const lw_runtime *runtimes; /* all that are captured, in their order */
    lwi_misuse *misuses;        /* LWI_MISUSES of them while somebody checks, else NULL */
    lwi_progress *progress;
    uint64_t before; /* nodes that other runtimes have pushed */

    lwi_type *types; /* type id - 1 */
    uint64_t type_count, type_room, type_conflicts;
    lwi_index type_index;

    lwi_shape *shapes;
    uint64_t shape_count, shape_room;
    lwi_index shape_index;
    uint32_t shapes_lately[LWI_SHAPES_LATELY]; /* by type and size */

    lwi_name *names; /* label id; number 0 is no label */
    uint64_t name_count, name_room;
    lwi_index name_index;

    lwi_root_kind *root_kinds; /* root kind id - 1 */
    uint64_t root_kind_count, root_kind_room;

    lwi_bitmap marks;   /* addresses pushed as nodes */
    lwi_log nodes;      /* lwi_node_words() each */
    lwi_log edges;      /* runs: lwi_run_words() of head, then so many per edge */
    lwi_log roots;      /* key, kind, label */
    lwi_log references; /* key, count */
    lwi_log external;   /* key, bytes */
    lwi_log hidden;     /* key */
    lwi_log bridges;    /* own key, other key, number of the other runtime, kind, label */
    uint64_t node_count, root_count, hidden_count, run_count;
    uint64_t lost_edges; /* known to lead nowhere */

    uint32_t *last_item; /* of the node pushed last */
    lw_key last_key;
    uint64_t last_place;
    bool stated;       /* a count of references is in `nodes` */
    bool counts_apart; /* from now on all are in `references` */

    uint32_t *run; /* the run that a further edge of the same holder and kind continues */
    lw_key run_from;
    uint32_t run_head; /* without the count */
    uint32_t edge_kinds; /* bit 1 << kind */
    bool labelled;

    lw_error failure; /* the first; its status is LW_OK while all is well */
};

enum {
    LWI_ROOT_WORDS = 4,   /* key, key, kind, label */
    LWI_DETAIL_WORDS = 4, /* key, key, number, number */
    LWI_HIDDEN_WORDS = 2, /* key, key */
    LWI_BRIDGE_WORDS = 7  /* own, own, other, other, runtime, kind, label */
};

/* Nodes and the ends of edges are known by their place: of addresses the spot in the marks, whose
 * upper bits lie in words that have room; else the key, whose upper half is a word more.
 *
 *     node   place, shape, count of references:8 upper:5, [upper]
 *     run    place, kind:3 upper:5 upper of targets:5 edges:19, [upper]
 *     edge   place, label, [upper] */
enum {
    LWI_NODE_UPPER = 8,
    LWI_RUN_UPPER = 3,
    LWI_RUN_TARGETS = 8,
    LWI_RUN_COUNT = 13,
    LWI_UPPER_MASK = 31
};

static inline uint32_t lwi_node_words(const lw_sink *sink)
{
    return sink->runtime->address ? 3 : 4;
}

static inline uint32_t lwi_run_words(const lw_sink *sink)
{
    return sink->runtime->address ? 2 : 3;
}

static inline uint64_t lwi_node_place(const lw_sink *sink, const uint32_t *item)
{
    uint32_t upper = sink->runtime->address ? item[2] >> LWI_NODE_UPPER : item[3];
    return (uint64_t)upper << 32 | item[0];
}

/* LWI_COUNT_RARE: the count is in `references`. */
static inline uint8_t lwi_node_count(const uint32_t *item)
{
    return (uint8_t)item[2];
}

static inline uint64_t lwi_run_place(const lw_sink *sink, const uint32_t *run)
{
    bool address = sink->runtime->address;
    uint32_t upper = address ? run[1] >> LWI_RUN_UPPER & LWI_UPPER_MASK : run[2];
    return (uint64_t)upper << 32 | run[0];
}

static inline uint64_t lwi_edge_place(const lw_sink *sink, const uint32_t *run,
                                      const uint32_t *edge)
{
    bool address = sink->runtime->address;
    uint32_t upper = address ? run[1] >> LWI_RUN_TARGETS & LWI_UPPER_MASK : edge[2];
    return (uint64_t)upper << 32 | edge[0];
}

static inline uint32_t lwi_run_kind(const uint32_t *run)
{
    return run[1] & 7;
}

static inline uint32_t lwi_run_count(const uint32_t *run)
{
    return run[1] >> LWI_RUN_COUNT;
}

/* With a bridge's kind: it leads to this runtime. */
#define LWI_BRIDGE_FROM 0x100u

void lwi_sink_init(lw_sink *sink, lw_snapshot *snapshot, const lw_runtime *runtime);
void lwi_sink_free(lw_sink *sink);

/* Failing: the first failure stands. All give what the call is to answer. */
int lwi_sink_fail(lw_sink *sink, lw_status status, const char *format, ...) LWI_PRINTF(3, 4);
int lwi_sink_fail_memory(lw_sink *sink);
int lwi_sink_refuse(lw_sink *sink, enum lwi_misuse_kind kind, lw_key key, const char *format, ...)
    LWI_PRINTF(4, 5);

static inline bool lwi_sink_usable(const lw_sink *sink)
{
    return sink && sink->failure.status == LW_OK;
}

/* Room for one more item; fails the sink. */
bool lwi_sink_grow(lw_sink *sink, void **items, uint64_t *room, uint64_t count, size_t item_size);

/* Runs the runtime's `enumerate` into the sink. */
lw_status lwi_sink_run(lw_sink *sink, lw_error *error);

#endif
