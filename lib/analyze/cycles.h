/* Cycles of garbage, and how they are found. */
#ifndef LWI_ANALYZE_CYCLES_H
#define LWI_ANALYZE_CYCLES_H

#include "snapshot/snapshot.h"
#include "snapshot/strength.h"

#include <leakwatch/retain.h>

typedef struct lwi_cycle {
    uint64_t first; /* in lw_cycles::nodes */
    uint64_t bytes, frees_nodes, frees;
    uint64_t edge; /* the one to break, and where it comes from */
    lw_node from;
    lw_node least; /* the first of its nodes by content */
    uint32_t count;
    uint32_t back_edges;
} lwi_cycle;

struct lw_cycles {
    lwi_mem mem;
    lw_snapshot *snapshot;
    lw_node *nodes; /* of one cycle after the other; within a cycle by id */
    uint64_t node_count;
    lwi_cycle *items;
    uint64_t room;
    uint32_t count;
};

/* --- garbage in components: sets of nodes that all lead to each other ----------------------- */

typedef struct lwi_trash {
    const lw_snapshot *snapshot;
    lwi_mem *mem;
    uint32_t count;      /* nodes of garbage, numbered in the order of their ids */
    uint32_t *before;    /* by word of lw_snapshot::garbage: how many are in those before it */
    uint32_t components; /* numbered so that references lead to lower ones */
    uint32_t *component; /* by number of the node */
    uint32_t *place;     /* by number of the node: its place among its component's */
    uint32_t *start;     /* by component, one more at the end: where in `member` it starts */
    lw_node *member;
} lwi_trash;

/* LW_OK or LW_E_NOMEM; to be freed in any case. */
lw_status lwi_trash_sort(lwi_trash *trash, const lw_snapshot *snapshot, lwi_mem *mem);
void lwi_trash_free(lwi_trash *trash);

/* What goes if a component goes: for each of `cycles`, whose first member's component it is. */
lw_status lwi_trash_weigh(const lwi_trash *trash, lw_cycles *cycles);

/* Whether an edge from garbage keeps garbage. */
static inline bool lwi_trash_leads(const lw_snapshot *snapshot, uint64_t edge)
{
    return lwi_is_garbage(snapshot, snapshot->rows.items[edge]) &&
           lwi_edge_retains(lwi_kind_at(snapshot, edge));
}

/* The number of a node that is garbage. */
static inline uint32_t lwi_trash_number(const lwi_trash *trash, lw_node node)
{
    uint64_t lower = trash->snapshot->garbage[node / 64] & ((UINT64_C(1) << node % 64) - 1);
    return trash->before[node / 64] + lwi_bits_count(lower);
}

/* --- one component: where to break it -------------------------------------------------------- */

typedef struct lwi_arc {
    uint64_t edge;
    uint32_t to; /* a place in the component */
} lwi_arc;

/* Room for the largest component, used for one after the other; a node is its place in it. */
typedef struct lwi_knot {
    const lwi_trash *trash;
    lwi_mem *mem;
    uint32_t room;
    uint32_t count;
    const lw_node *nodes;
    uint32_t *first; /* by node, one more at the end: where in `arcs` its row starts */
    lwi_arc *arcs;
    uint64_t arc_count, arc_room;
    uint32_t *ring;  /* by node: its place on a ring; none */
    uint32_t *order; /* nodes, each before all it leads to, but for the ring's own arcs */
    uint32_t *width; /* by node: arcs that are left to it */
    uint32_t *most;  /* by node: the farthest place on the ring that it leads to, plus 1; 0 */
    uint32_t *least; /* by node: the nearest one; none */
    uint32_t *by;    /* by node: the farthest place on the ring that leads to it, plus 1; 0 */
} lwi_knot;

bool lwi_knot_open(lwi_knot *knot, const lwi_trash *trash, uint32_t room, lwi_mem *mem);
void lwi_knot_close(lwi_knot *knot);

/* Fills in `least`, `edge`, `from` and `back_edges`. LW_OK, LW_E_NOMEM or LW_E_LIMIT. */
lw_status lwi_knot_break(lwi_knot *knot, const lw_node *nodes, lwi_cycle *cycle);

#endif
