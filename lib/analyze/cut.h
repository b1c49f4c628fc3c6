/* What to cut. `lwi_cutting` is the work, `lw_cut` the answer. */
#ifndef LWI_ANALYZE_CUT_H
#define LWI_ANALYZE_CUT_H

#include "analyze/dominate.h"
#include "snapshot/holders.h"

#include <leakwatch/cut.h>

/* A reference, or what roots or the outside hold. */
typedef struct lwi_cut_place {
    lw_node from;    /* LW_NODE_NONE: a root */
    lw_node to;
    uint64_t number; /* of the edge or of the root; LWI_CUT_OUTSIDE: held from outside */
    uint64_t alone_bytes, alone_leaked;
    bool bystander;
} lwi_cut_place;

#define LWI_CUT_OUTSIDE UINT64_MAX

struct lw_cut {
    lwi_mem mem;
    lw_snapshot *snapshot;
    lw_cut_info info;
    lwi_cut_place *places;
    uint64_t room;
    lw_cut_holder *holders;
    uint64_t holder_room;
};

typedef struct lwi_cutting {
    lw_cut *cut;
    lwi_mem *mem;
    const lw_snapshot *snapshot;
    const lwi_domtree *tree;
    const lwi_holders *holders;
    uint64_t *leaked;  /* bits by node: it shall go */
    uint64_t *ranks;   /* of these in the dominator tree, in order */
    uint64_t *before;  /* by place in `ranks`: weight of those before; one more for the end */
    uint64_t count, room;
    uint32_t limit;
    lwi_progress progress;
} lwi_cutting;

/* The same as lw_cut_find(), of a snapshot whose dominators are known. */
lw_status lwi_cut_with(lw_snapshot *snapshot, const lwi_domtree *tree, const lw_node *leaked,
                       uint64_t count, const lw_cut_options *options, lw_cut **cut,
                       lw_error *error);

/* --- within the cut --------------------------------------------------------------------------- */

/* Adds a place to the cut; false: no memory. */
bool lwi_cut_add(lwi_cutting *cutting, lw_node from, lw_node to, uint64_t number);

/* Adds all that holds `to` and comes from `from`, or all its roots if that is LW_NODE_NONE. */
bool lwi_cut_add_all(lwi_cutting *cutting, lw_node from, lw_node to);

/* Leaked bytes and number of what a node of the tree dominates. */
uint64_t lwi_cut_weight(const lwi_cutting *cutting, uint32_t rank, uint64_t *count);

/* One place that alone frees at least 90 %. *found: there is one, and it was added. */
bool lwi_cut_single(lwi_cutting *cutting, bool *found);

/* What a place frees alone, as the dominators say. */
void lwi_cut_alone(const lwi_cutting *cutting, lwi_cut_place *place);

/* The objects that hold most. */
bool lwi_cut_holders(lwi_cutting *cutting);

/* The fewest places that part the leaked from the roots, if they are no more than the limit.
 * LW_OK, LW_E_NOMEM or LW_E_CANCELLED. */
lw_status lwi_cut_flow(lwi_cutting *cutting, bool *found);

/* Walks without the places of the cut, and counts what is not reached; tells which of them no
 * owner leads to. */
bool lwi_cut_verify(lwi_cutting *cutting);

#endif
