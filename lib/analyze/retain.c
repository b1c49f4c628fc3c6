/* Questions to the dominator tree: of a node, of a type, and from the top down. */
#include "analyze/retain.h"

#include "analyze/content.h"
#include "base/error.h"
#include "base/order.h"
#include "base/structs.h"

enum {
    AHEAD = 16 /* ranks whose nodes' memory is asked for before their turn */
};

/* --- by type ------------------------------------------------------------------------------- */

/* Going through the ranks, a node counts if it is not below one of its own type: that one's
 * subtree, with all that the node dominates, is counted already. */
static bool add_up_types(lw_dominators *dominators)
{
    const lw_snapshot *snapshot = dominators->snapshot;
    const lwi_domtree *tree = &dominators->tree;
    uint64_t types = snapshot->info.types;
    uint32_t *until = lwi_alloc(&dominators->mem, lwi_array_size(types, sizeof *until));
    dominators->types = lwi_alloc(&dominators->mem,
                                  lwi_array_size(types, sizeof *dominators->types));
    bool ready = types == 0 || (until && dominators->types);
    for (uint32_t rank = 1; ready && rank <= tree->reached; rank++) {
        if (tree->reached - rank > AHEAD)
            LWI_PREFETCH(&snapshot->shape_of[tree->node[rank + AHEAD]]);
        const lwi_shape *shape = lwi_shape_at(snapshot, tree->node[rank]);
        lwi_retained_type *type = &dominators->types[shape->type];
        type->own += shape->size;
        if (rank < until[shape->type])
            continue;
        type->count += tree->count[rank];
        type->bytes += tree->bytes[rank];
        until[shape->type] = rank + tree->count[rank];
    }
    for (uint32_t i = 0; ready && i < snapshot->external.count; i++) {
        const lwi_rare *rare = &snapshot->external.items[i];
        if (tree->rank[rare->node])
            dominators->types[lwi_shape_at(snapshot, rare->node)->type].own += rare->value;
    }
    lwi_free(&dominators->mem, until, lwi_array_size(types, sizeof *until));
    return ready;
}

/* Most retained bytes first, then own bytes, then as types are numbered: by name. */
static int by_retained(const void *user, uint32_t a, uint32_t b)
{
    const lwi_retained_type *x = &((const lwi_retained_type *)user)[a];
    const lwi_retained_type *y = &((const lwi_retained_type *)user)[b];
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    if (x->own != y->own)
        return x->own > y->own ? -1 : 1;
    return (a > b) - (a < b);
}

static bool order_types(lw_dominators *dominators)
{
    uint32_t types = dominators->snapshot->info.types;
    size_t size = lwi_array_size(types, sizeof(uint32_t));
    uint32_t *scratch = lwi_alloc(&dominators->mem, size);
    dominators->type_order = lwi_alloc(&dominators->mem, size);
    bool ready = types == 0 || (scratch && dominators->type_order);
    for (uint32_t i = 0; ready && i < types; i++)
        dominators->type_order[i] = i;
    if (ready && types > 0)
        lwi_order_ids(dominators->type_order, scratch, types, by_retained, dominators->types);
    lwi_free(&dominators->mem, scratch, size);
    return ready;
}

/* --- life ---------------------------------------------------------------------------------- */

static lw_dominators *new_dominators(lw_snapshot *snapshot)
{
    lw_allocator allocator = snapshot->mem.allocator;
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_dominators *dominators = lwi_alloc(&mem, sizeof *dominators);
    if (!dominators)
        return NULL;
    lwi_mem_init(&dominators->mem, allocator, allocator);
    dominators->snapshot = lw_snapshot_retain(snapshot);
    return dominators;
}

void lw_dominators_release(lw_dominators *dominators)
{
    if (!dominators)
        return;
    lwi_mem *mem = &dominators->mem;
    lwi_free(mem, dominators->types,
             lwi_array_size(dominators->snapshot->info.types, sizeof *dominators->types));
    lwi_free(mem, dominators->type_order,
             lwi_array_size(dominators->snapshot->info.types, sizeof(uint32_t)));
    if (dominators->tree.node)
        lwi_domtree_free(&dominators->tree, mem);
    lw_snapshot_release(dominators->snapshot);
    lwi_mem own;
    lwi_mem_init(&own, mem->allocator, mem->allocator);
    lwi_free(&own, dominators, sizeof *dominators);
}

static lw_status say(lw_error *error, lw_status status)
{
    if (status == LW_E_CANCELLED)
        return lwi_fail(error, status, "dominators: the progress callback said to stop");
    if (status == LW_E_LIMIT)
        return lwi_fail(error, status, "dominators: over 2^32 references to neighbouring nodes");
    return lwi_nomem(error, "dominators");
}

lw_status lw_dominators_create(lw_snapshot *snapshot, const lw_dominators_options *options,
                               lw_dominators **dominators, lw_error *error)
{
    lw_dominators_options full;
    if (!dominators)
        return lwi_fail(error, LW_E_INVALID, "dominators is NULL: pass where they shall go");
    *dominators = NULL;
    lw_status status = lwi_take(&full, sizeof full, options, "lw_dominators_options", error);
    if (status == LW_OK)
        status = lwi_snapshot_check(snapshot, error);
    if (status != LW_OK)
        return status;
    lw_dominators *made = new_dominators(snapshot);
    status = made ? lwi_domtree_build(&made->tree, snapshot, &made->mem, full.progress, full.user)
                  : LW_E_NOMEM;
    if (status == LW_OK && (!add_up_types(made) || !order_types(made)))
        status = LW_E_NOMEM;
    if (status != LW_OK) {
        lw_dominators_release(made);
        return say(error, status);
    }
    *dominators = made;
    return LW_OK;
}

static lw_status check(const lw_dominators *dominators, lw_error *error)
{
    if (!dominators)
        return lwi_fail(error, LW_E_INVALID,
                        "dominators is NULL: make some with lw_dominators_create()");
    return LW_OK;
}

/* --- one node, one type -------------------------------------------------------------------- */

lw_status lw_dominators_get(const lw_dominators *dominators, lw_node node, lw_retained *retained,
                            lw_error *error)
{
    lw_status status = lwi_result_check(retained, "lw_retained", error);
    if (status == LW_OK)
        status = check(dominators, error);
    if (status == LW_OK)
        status = lwi_node_check(dominators->snapshot, node, error);
    if (status != LW_OK)
        return status;
    const lwi_domtree *tree = &dominators->tree;
    uint32_t rank = tree->rank[node];
    lw_retained full = LW_RETAINED_INIT;
    full.dominator = LW_NODE_NONE;
    full.own = lwi_own_bytes(dominators->snapshot, node);
    if (rank) {
        if (tree->above[rank])
            full.dominator = tree->node[tree->above[rank]];
        full.depth = tree->depth[rank];
        full.count = tree->count[rank];
        full.bytes = tree->bytes[rank];
    } else {
        full.flags = LW_RETAINED_GARBAGE;
    }
    lwi_give(retained, &full, sizeof full);
    return LW_OK;
}

lw_status lw_dominators_type_get(const lw_dominators *dominators, uint32_t type,
                                 lw_retained *retained, lw_error *error)
{
    lw_status status = lwi_result_check(retained, "lw_retained", error);
    if (status == LW_OK)
        status = check(dominators, error);
    if (status != LW_OK)
        return status;
    if (type >= dominators->snapshot->info.types)
        return lwi_fail(error, LW_E_NOT_FOUND, "type %u: the snapshot has %u types, from 0",
                        (unsigned)type, (unsigned)dominators->snapshot->info.types);
    const lwi_retained_type *from = &dominators->types[type];
    lw_retained full = LW_RETAINED_INIT;
    full.dominator = LW_NODE_NONE;
    full.count = from->count;
    full.bytes = from->bytes;
    full.own = from->own;
    lwi_give(retained, &full, sizeof full);
    return LW_OK;
}

/* --- from the top down --------------------------------------------------------------------- */

static int more_retained(const void *user, uint32_t a, uint32_t b)
{
    const lw_dominators *dominators = user;
    const lwi_domtree *tree = &dominators->tree;
    if (tree->bytes[a] != tree->bytes[b])
        return tree->bytes[a] > tree->bytes[b] ? -1 : 1;
    if (tree->count[a] != tree->count[b])
        return tree->count[a] > tree->count[b] ? -1 : 1;
    int order = lwi_compare_nodes(dominators->snapshot, tree->node[a], tree->node[b]);
    if (order)
        return order;
    return tree->node[a] < tree->node[b] ? -1 : 1; /* they say the same: in the order of ids */
}

/* The ranks right below a rank; `children` NULL: only how many. */
static uint32_t list_children(const lwi_domtree *tree, uint32_t parent, uint32_t *children)
{
    uint32_t count = 0, end = parent + (tree->count[parent] - 1);
    for (uint32_t rank = parent; rank < end; rank += tree->count[rank + 1]) {
        if (children)
            children[count] = rank + 1;
        count++;
    }
    return count;
}

lw_status lw_dominators_each(const lw_dominators *dominators, lw_node parent, lw_node_fn visit,
                             void *user, lw_error *error)
{
    lw_status status = check(dominators, error);
    if (status == LW_OK && parent != LW_NODE_NONE)
        status = lwi_node_check(dominators->snapshot, parent, error);
    if (status != LW_OK)
        return status;
    if (!visit)
        return lwi_fail(error, LW_E_INVALID, "visit is NULL: pass what to call for each node");
    const lwi_domtree *tree = &dominators->tree;
    uint32_t rank = parent == LW_NODE_NONE ? 0 : tree->rank[parent];
    if (parent != LW_NODE_NONE && rank == 0)
        return LW_OK; /* garbage */
    lwi_mem mem;
    lwi_mem_init(&mem, dominators->mem.allocator, dominators->mem.allocator);
    uint32_t count = list_children(tree, rank, NULL);
    size_t size = lwi_array_size((uint64_t)count * 2, sizeof(uint32_t));
    uint32_t *children = lwi_resize(&mem, NULL, 0, size);
    if (!children && count)
        return lwi_nomem(error, "nodes to be sorted");
    list_children(tree, rank, children);
    lwi_order_ids(children, children + count, count, more_retained, dominators);
    for (uint32_t i = 0; i < count; i++) {
        if (visit(tree->node[children[i]], user) != 0)
            break;
    }
    lwi_free(&mem, children, size);
    return LW_OK;
}
