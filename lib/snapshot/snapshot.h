/* The immutable graph, as capture builds it and analyze reads it.
 *
 * Per node: a bit or a few of its key, the id of its shape (type and size), the end of its row,
 * a byte of reference count; per edge: its target, and, if any are in use, half a byte of kind
 * and a label. What few nodes have lies in sorted side tables. Everything lives in one arena. */
#ifndef LWI_SNAPSHOT_SNAPSHOT_H
#define LWI_SNAPSHOT_SNAPSHOT_H

#include "base/arena.h"
#include "base/bits.h"
#include "snapshot/keys.h"
#include "snapshot/rows.h"

#include <leakwatch/snapshot.h>

/* One runtime's nodes: `count` from `first` on, in the order of their keys. */
typedef struct lwi_part {
    const char *name;
    lwi_keys keys;
    lw_node first;
    uint32_t count;
    bool recorded; /* its blocks are, as far as recording was on */
} lwi_part;

typedef struct lwi_type {
    const char *name;
    uint64_t key;
    uint64_t count, size, garbage;
    uint32_t part;
    uint32_t flags;
} lwi_type;

typedef struct lwi_shape {
    uint64_t size;
    uint32_t type;
} lwi_shape;

/* What many nodes' blocks have in common; number 0 stands for "not recorded". */
typedef struct lwi_tenure {
    uint64_t bytes;
    uint64_t epoch;
    uint32_t stack; /* 0: no stack */
} lwi_tenure;

typedef struct lwi_stack {
    uint64_t first; /* in stack_frames */
    uint32_t count;
} lwi_stack;

typedef struct lwi_name {
    const char *text;
    size_t length;
    int32_t style;
} lwi_name;

typedef struct lwi_root_kind {
    const char *name;
    uint32_t part;
    uint32_t flags;
} lwi_root_kind;

typedef struct lwi_root {
    lw_node node;
    uint32_t kind;
    uint32_t label;
} lwi_root;

/* A number that few nodes have; tables are sorted by node. */
typedef struct lwi_rare {
    uint64_t value;
    lw_node node;
} lwi_rare;

typedef struct lwi_rares {
    lwi_rare *items;
    uint32_t count;
} lwi_rares;

typedef struct lwi_file lwi_file;

/* What is added here goes into a file too: file_tables.c, file_save.c, docs/lws.md. */
struct lw_snapshot {
    lwi_mem mem;
    lwi_arena arena;
    _Atomic uint32_t references;
    lw_snapshot_info info;
    uint64_t context; /* which context it was taken of: a number, not a pointer */
    uint64_t run;     /* of which process: lwi_process_run() */
    lwi_file *file;   /* what it was opened from; NULL: captured */
    lwi_part *parts;
    uint32_t part_count;
    lwi_type *types; /* by part, name, key */
    lwi_shape *shapes;
    uint32_t *shape_of;
    lwi_tenure *tenures;
    uint32_t *tenure_of; /* NULL: no runtime has blocks that are recorded */
    lwi_stack *stacks;
    uint32_t *stack_frames;
    lw_frame *frames;
    lwi_rows rows;
    uint8_t *kinds;     /* two edges to a byte; NULL: all are strong */
    uint32_t *labels;   /* NULL: none has a label */
    lwi_name *names;    /* of labels, by style and text within a part; number 0 is no label */
    uint32_t name_count;
    lwi_root *roots;    /* by node, kind, label */
    lwi_root_kind *root_kinds; /* by part, name, flags */
    uint32_t root_kind_count;
    uint32_t edge_kinds;       /* bit 1 << kind: an edge of this kind exists */
    uint8_t *counts;           /* stated references; LWI_COUNT_RARE: in `many`; NULL: none */
    lwi_rares many;
    lwi_rares external;
    lwi_rares outside; /* counted references that nobody pushed */
    uint64_t *garbage; /* one bit per node */
    struct lwi_holders *_Atomic holders; /* made when first asked for: snapshot/holders.h */
};

#define LWI_COUNT_RARE 255u

/* An empty snapshot with one reference, its memory and arena ready; NULL without memory. */
lw_snapshot *lwi_snapshot_new(lw_allocator allocator);

/* Whether `snapshot` may be read: else the error is filled. The first call for an opened file looks
 * at all of it; lwi_snapshot_given() leaves that, for what needs totals and types only. */
lw_status lwi_snapshot_check(const lw_snapshot *snapshot, lw_error *error);
lw_status lwi_snapshot_given(const lw_snapshot *snapshot, lw_error *error);
lw_status lwi_node_check(const lw_snapshot *snapshot, lw_node node, lw_error *error);

uint64_t lwi_rare_get(const lwi_rares *rares, lw_node node); /* 0: not in the table */

/* The roots of a node: [*begin, result) in lw_snapshot::roots. */
uint32_t lwi_roots_of(const lw_snapshot *snapshot, lw_node node, uint32_t *begin);

/* The innermost frame of the user's own code, in lw_snapshot::frames; without any the innermost;
 * LWI_NO_FRAME of an empty stack. */
#define LWI_NO_FRAME UINT32_MAX
uint32_t lwi_stack_own(const lw_snapshot *snapshot, uint32_t stack);

/* By style, then by text. */
int lwi_name_compare(const lwi_name *a, const lwi_name *b);

lw_label lwi_label_of(const lw_snapshot *snapshot, uint32_t label);

const lwi_part *lwi_part_of(const lw_snapshot *snapshot, lw_node node);
lw_key lwi_key_of_node(const lw_snapshot *snapshot, lw_node node);
const lwi_part *lwi_part_named(const lw_snapshot *snapshot, const char *name);

lw_edge lwi_edge_at(const lw_snapshot *snapshot, lw_node from, uint64_t edge);

static inline int32_t lwi_kind_at(const lw_snapshot *snapshot, uint64_t edge)
{
    return snapshot->kinds ? snapshot->kinds[edge / 2] >> (edge % 2 * 4) & 15 : LW_EDGE_STRONG;
}

static inline uint32_t lwi_label_at(const lw_snapshot *snapshot, uint64_t edge)
{
    return snapshot->labels ? snapshot->labels[edge] : 0;
}

static inline const lwi_shape *lwi_shape_at(const lw_snapshot *snapshot, lw_node node)
{
    return &snapshot->shapes[snapshot->shape_of[node]];
}

static inline const lwi_type *lwi_type_at(const lw_snapshot *snapshot, lw_node node)
{
    return &snapshot->types[lwi_shape_at(snapshot, node)->type];
}

/* Of the block a node lies in; NULL: not recorded. */
static inline const lwi_tenure *lwi_tenure_at(const lw_snapshot *snapshot, lw_node node)
{
    uint32_t tenure = snapshot->tenure_of ? snapshot->tenure_of[node] : 0;
    return tenure ? &snapshot->tenures[tenure] : NULL;
}

static inline bool lwi_is_garbage(const lw_snapshot *snapshot, lw_node node)
{
    return lwi_bits_get(snapshot->garbage, node);
}

#endif
