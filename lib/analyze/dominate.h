/* The dominator tree: of each node the nearest one that every path from a root to it goes through.
 * What a node dominates is what is freed if the node goes.
 *
 * Numbered in preorder of the tree itself: the nodes below a node come right after it, so that
 * "dominates" is a comparison and the subtree, the children and any union are walks of an array. */
#ifndef LWI_ANALYZE_DOMINATE_H
#define LWI_ANALYZE_DOMINATE_H

#include "snapshot/snapshot.h"

/* By rank: 0 stands for all roots together, 1 to `reached` for nodes. */
typedef struct lwi_domtree {
    uint32_t nodes;   /* of the graph */
    uint32_t reached; /* of these, held by a root */
    uint32_t *rank;   /* by node; 0: unreachable */
    lw_node *node;    /* by rank; of rank 0: `nodes` */
    uint32_t *above;  /* by rank: the rank of its dominator */
    uint32_t *count;  /* by rank: nodes dominated, itself included */
    uint32_t *depth;  /* by rank: dominators above it; of rank 0: 0 */
    uint64_t *bytes;  /* by rank: of all that is dominated: sizes and external bytes */
} lwi_domtree;

/* What is dominated in: rows of references, and where walks begin. */
typedef struct lwi_flow {
    const lwi_rows *rows;
    const lw_snapshot *snapshot; /* whose edges `rows` are, not all of them retain; NULL: all do */
    uint32_t nodes;
    uint64_t edges;
    const uint32_t *starts;
    uint64_t start_count;
    uint32_t reached; /* at most so many are reached from the starts */
} lwi_flow;

typedef struct lwi_progress {
    lw_progress_fn tell; /* NULL: nobody listens */
    void *user;
} lwi_progress;

/* Of all that is held in a snapshot, over the edges that retain, from each root and each node held
 * from outside. LW_OK, LW_E_NOMEM, LW_E_LIMIT or LW_E_CANCELLED; but for LW_OK the tree is empty. */
lw_status lwi_domtree_build(lwi_domtree *tree, const lw_snapshot *snapshot, lwi_mem *mem,
                            lw_progress_fn progress, void *user);
void lwi_domtree_free(lwi_domtree *tree, lwi_mem *mem);

/* The same of any rows; `bytes` are zero until they are filled in and summed up. */
lw_status lwi_domtree_of_flow(lwi_domtree *tree, const lwi_flow *flow, lwi_mem *mem,
                              lwi_progress progress);

/* Turns each node's own bytes into those of all it dominates. */
void lwi_domtree_sum(lwi_domtree *tree);

/* Size and external bytes of one node; of rank 0: 0. */
uint64_t lwi_own_bytes(const lw_snapshot *snapshot, lw_node node);

/* Whether all paths to `b` go through `a`; a node dominates itself. False if one is unreachable. */
static inline bool lwi_dominates(const lwi_domtree *tree, lw_node a, lw_node b)
{
    uint32_t first = tree->rank[a], rank = tree->rank[b];
    return first && rank && rank - first < tree->count[first];
}

/* The dominator; `nodes` if only all roots together are, LW_NODE_NONE if nothing holds the node. */
static inline lw_node lwi_idom(const lwi_domtree *tree, lw_node node)
{
    uint32_t rank = tree->rank[node];
    return rank ? tree->node[tree->above[rank]] : LW_NODE_NONE;
}

/* Bytes and nodes freed if this node goes; 0 if nothing holds it. */
static inline uint64_t lwi_retained_bytes(const lwi_domtree *tree, lw_node node)
{
    uint32_t rank = tree->rank[node];
    return rank ? tree->bytes[rank] : 0;
}

static inline uint32_t lwi_retained_count(const lwi_domtree *tree, lw_node node)
{
    uint32_t rank = tree->rank[node];
    return rank ? tree->count[rank] : 0;
}

#endif
