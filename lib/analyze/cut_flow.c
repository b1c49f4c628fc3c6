/* The smallest cut. One unit of flow after the other is sent from the roots to what is leaked, each
 * over the shortest way that is left (Edmonds and Karp), looked for backwards, so that only what
 * leads to the leaked is ever seen. When none is left, what still leads there lies behind the
 * smallest cut that is nearest to the leaked; there is only one such cut. */
#include "analyze/cut.h"

#include "base/hash.h"
#include "base/index.h"

/* Flow over all edges from one node to another; from LW_NODE_NONE: from its roots. */
typedef struct pipe {
    lw_node from, to;
    uint32_t units;
} pipe;

/* How the search came to a node: over an edge to `next`, or back over flow from it. */
typedef struct visit {
    lw_node node;
    uint32_t next; /* place in the queue; NO_NEXT: a leaked node */
    bool back;
} visit;

#define NO_NEXT UINT32_MAX

typedef struct flow {
    lwi_cutting *cutting;
    uint64_t *seen;  /* bits by node */
    uint64_t *wet;   /* bits by node: flow goes through */
    visit *queue;
    uint64_t queue_room, tail;
    pipe *pipes;
    uint64_t pipe_count, pipe_room;
    lwi_index index; /* of pipes */
} flow;

/* --- pipes ------------------------------------------------------------------------------------ */

static bool same_pipe(const void *items, uint32_t id, const void *key)
{
    const pipe *a = (const pipe *)items + id, *b = key;
    return a->from == b->from && a->to == b->to;
}

static uint64_t hash_pipe(const pipe *key)
{
    return lwi_hash_u64((uint64_t)key->from << 32 | key->to);
}

static uint32_t find_pipe(const flow *flow, lw_node from, lw_node to)
{
    pipe key = {from, to, 0};
    return lwi_index_find(&flow->index, hash_pipe(&key), same_pipe, flow->pipes, &key);
}

static uint32_t units(const flow *flow, lw_node from, lw_node to)
{
    if (!lwi_bits_get(flow->wet, to) || (from != LW_NODE_NONE && !lwi_bits_get(flow->wet, from)))
        return 0;
    uint32_t at = find_pipe(flow, from, to);
    return at == LWI_INDEX_NONE ? 0 : flow->pipes[at].units;
}

/* A unit more, or, back over flow, a unit less. */
static bool send(flow *flow, lw_node from, lw_node to, bool back)
{
    uint32_t at = find_pipe(flow, from, to);
    if (at != LWI_INDEX_NONE) {
        flow->pipes[at].units += back ? -1u : 1u;
        return true;
    }
    void *pipes = flow->pipes;
    pipe fresh = {from, to, 1};
    if (!lwi_grow(flow->cutting->mem, &pipes, &flow->pipe_room, flow->pipe_count + 1,
                  sizeof *flow->pipes))
        return false;
    flow->pipes = pipes;
    flow->pipes[flow->pipe_count] = fresh;
    lwi_bits_set(flow->wet, to);
    if (from != LW_NODE_NONE)
        lwi_bits_set(flow->wet, from);
    return lwi_index_add(&flow->index, hash_pipe(&fresh), (uint32_t)flow->pipe_count++);
}

/* --- one search ------------------------------------------------------------------------------- */

static bool see(flow *flow, lw_node node, uint32_t next, bool back)
{
    void *queue = flow->queue;
    if (lwi_bits_get(flow->seen, node))
        return true;
    if (!lwi_grow(flow->cutting->mem, &queue, &flow->queue_room, flow->tail + 1,
                  sizeof *flow->queue))
        return false;
    flow->queue = queue;
    flow->queue[flow->tail++] = (visit){node, next, back};
    lwi_bits_set(flow->seen, node);
    return true;
}

static uint32_t root_places(const lw_snapshot *snapshot, lw_node node)
{
    uint32_t begin, end = lwi_roots_of(snapshot, node, &begin);
    return end - begin + (lwi_rare_get(&snapshot->outside, node) > 0);
}

/* What leads to the node at a place of the queue. */
static bool look_back(flow *flow, uint32_t at)
{
    const lwi_cutting *cutting = flow->cutting;
    const lwi_rows *rows = &cutting->holders->rows;
    lw_node node = flow->queue[at].node;
    uint64_t end = lwi_row_end(rows, node);
    for (uint64_t i = lwi_row_start(rows, node), next; i < end; i = next) {
        lw_node holder = rows->items[i];
        for (next = i + 1; next < end && rows->items[next] == holder; next++) {
        }
        if (!lwi_bits_get(cutting->leaked, holder) && next - i > units(flow, holder, node) &&
            !see(flow, holder, at, false))
            return false;
    }
    if (!lwi_bits_get(flow->wet, node) || lwi_bits_get(cutting->leaked, node))
        return true;
    const lwi_rows *edges = &cutting->snapshot->rows;
    for (uint64_t i = lwi_row_start(edges, node); i < lwi_row_end(edges, node); i++) {
        if (units(flow, node, edges->items[i]) > 0 && !see(flow, edges->items[i], at, true))
            return false;
    }
    return true;
}

static bool has_root(const flow *flow, lw_node node)
{
    return root_places(flow->cutting->snapshot, node) > units(flow, LW_NODE_NONE, node);
}

/* Looks for a way; *at is where a root holds it, or NO_NEXT if there is none left. */
static bool search(flow *flow, uint32_t *at)
{
    const lwi_cutting *cutting = flow->cutting;
    for (uint64_t i = 0; i < flow->tail; i++)
        lwi_bits_clear(flow->seen, flow->queue[i].node);
    flow->tail = 0;
    for (uint64_t i = 0; i < cutting->count; i++) {
        if (!see(flow, cutting->tree->node[cutting->ranks[i]], NO_NEXT, false))
            return false;
    }
    for (*at = 0; *at < flow->tail; ++*at) {
        if (has_root(flow, flow->queue[*at].node))
            return true;
        if (!look_back(flow, *at))
            return false;
    }
    *at = NO_NEXT;
    return true;
}

static bool send_all(flow *flow, uint32_t at)
{
    if (!send(flow, LW_NODE_NONE, flow->queue[at].node, false))
        return false;
    for (uint32_t next; (next = flow->queue[at].next) != NO_NEXT; at = next) {
        lw_node node = flow->queue[at].node, to = flow->queue[next].node;
        bool back = flow->queue[at].back;
        if (!send(flow, back ? to : node, back ? node : to, back))
            return false;
    }
    return true;
}

/* --- the cut ---------------------------------------------------------------------------------- */

/* All that leads from what was not seen to what was. */
static bool collect(flow *flow)
{
    lwi_cutting *cutting = flow->cutting;
    const lwi_rows *rows = &cutting->holders->rows;
    for (uint64_t i = 0; i < flow->tail; i++) {
        lw_node node = flow->queue[i].node, last = LW_NODE_NONE;
        if (root_places(cutting->snapshot, node) &&
            !lwi_cut_add_all(cutting, LW_NODE_NONE, node))
            return false;
        for (uint64_t j = lwi_row_start(rows, node); j < lwi_row_end(rows, node); j++) {
            lw_node holder = rows->items[j];
            if (lwi_bits_get(flow->seen, holder) || holder == last)
                continue;
            last = holder; /* comes again for each of its edges */
            if (!lwi_cut_add_all(cutting, holder, node))
                return false;
        }
    }
    return true;
}

static lw_status run(flow *flow, bool *found)
{
    const lwi_progress *progress = &flow->cutting->progress;
    uint32_t at, limit = flow->cutting->limit;
    for (uint32_t sent = 0;; sent++) {
        if (progress->tell && progress->tell("cut", sent, limit, progress->user))
            return LW_E_CANCELLED;
        if (!search(flow, &at))
            return LW_E_NOMEM;
        *found = at == NO_NEXT;
        if (*found)
            return collect(flow) ? LW_OK : LW_E_NOMEM;
        if (sent == limit)
            return LW_OK;
        if (!send_all(flow, at))
            return LW_E_NOMEM;
    }
}

lw_status lwi_cut_flow(lwi_cutting *cutting, bool *found)
{
    lwi_mem *mem = cutting->mem;
    size_t bits = (size_t)lwi_bits_words(cutting->snapshot->info.nodes) * sizeof(uint64_t);
    flow flow = {.cutting = cutting};
    lwi_index_init(&flow.index, mem);
    flow.seen = lwi_alloc(mem, bits);
    flow.wet = lwi_alloc(mem, bits);
    lw_status status = flow.seen && flow.wet ? run(&flow, found) : LW_E_NOMEM;
    lwi_free(mem, flow.seen, bits);
    lwi_free(mem, flow.wet, bits);
    lwi_free(mem, flow.queue, lwi_array_size(flow.queue_room, sizeof *flow.queue));
    lwi_free(mem, flow.pipes, lwi_array_size(flow.pipe_room, sizeof *flow.pipes));
    lwi_index_free(&flow.index);
    return status;
}
