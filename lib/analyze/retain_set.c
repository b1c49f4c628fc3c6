/* What several nodes hold together: by walking without them.
 *
 * What is freed if they go lies among what they reach. Of that, whatever a root or a node outside
 * of it refers to stays, with all that it leads to. So one pass over the edges, in the order in
 * which they lie in memory, and two walks within what is reached, do for a walk from all roots. */
#include "analyze/retain.h"
#include "base/error.h"
#include "base/structs.h"
#include "snapshot/strength.h"

typedef struct lwi_set {
    const lw_snapshot *snapshot;
    uint64_t *given;   /* bits: the nodes themselves */
    uint64_t *reached; /* bits: and what they lead to */
    uint64_t *kept;    /* bits: of that, what others hold too */
    lw_node *queue;
    uint32_t head, tail;
} lwi_set;

static void put(lwi_set *set, uint64_t *bits, lw_node node)
{
    lwi_bits_set(bits, node);
    set->queue[set->tail++] = node;
}

static void find_reached(lwi_set *set, const lw_node *nodes, uint64_t count)
{
    const lw_snapshot *snapshot = set->snapshot;
    for (uint64_t i = 0; i < count; i++) {
        if (lwi_is_garbage(snapshot, nodes[i]) || lwi_bits_get(set->given, nodes[i]))
            continue;
        lwi_bits_set(set->given, nodes[i]);
        put(set, set->reached, nodes[i]);
    }
    while (set->head < set->tail) {
        lw_node node = set->queue[set->head++];
        uint64_t end = lwi_row_end(&snapshot->rows, node);
        for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < end; edge++) {
            lw_node to = snapshot->rows.items[edge];
            if (!lwi_bits_get(set->reached, to) && lwi_edge_retains(lwi_kind_at(snapshot, edge)))
                put(set, set->reached, to);
        }
    }
}

/* Something that stays holds this one: it stays too. */
static void keep(lwi_set *set, lw_node node)
{
    if (lwi_bits_get(set->reached, node) && !lwi_bits_get(set->given, node) &&
        !lwi_bits_get(set->kept, node))
        put(set, set->kept, node);
}

static void keep_held_by(lwi_set *set, lw_node node)
{
    const lw_snapshot *snapshot = set->snapshot;
    uint64_t end = lwi_row_end(&snapshot->rows, node);
    for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < end; edge++) {
        if (lwi_edge_retains(lwi_kind_at(snapshot, edge)))
            keep(set, snapshot->rows.items[edge]);
    }
}

static void find_kept(lwi_set *set)
{
    const lw_snapshot *snapshot = set->snapshot;
    set->head = set->tail = 0;
    for (uint32_t i = 0; i < snapshot->info.roots; i++)
        keep(set, snapshot->roots[i].node);
    for (uint32_t i = 0; i < snapshot->outside.count; i++)
        keep(set, snapshot->outside.items[i].node);
    for (lw_node node = 0; node < snapshot->info.nodes; node++) {
        if (!lwi_is_garbage(snapshot, node) && !lwi_bits_get(set->reached, node))
            keep_held_by(set, node);
    }
    while (set->head < set->tail)
        keep_held_by(set, set->queue[set->head++]);
}

static void add_up(const lwi_set *set, lw_set_info *info)
{
    for (uint64_t i = 0; i < lwi_bits_words(set->snapshot->info.nodes); i++) {
        for (uint64_t left = set->reached[i]; left; left &= left - 1) {
            lw_node node = (lw_node)(i * 64 + lwi_bits_lowest(left));
            uint64_t bytes = lwi_own_bytes(set->snapshot, node);
            bool given = lwi_bits_get(set->given, node), kept = lwi_bits_get(set->kept, node);
            info->own_count += given;
            info->own_bytes += given ? bytes : 0;
            info->reachable_count++;
            info->reachable_bytes += bytes;
            info->shared_count += kept;
            info->shared_bytes += kept ? bytes : 0;
        }
    }
    info->exclusive_count = info->reachable_count - info->shared_count;
    info->exclusive_bytes = info->reachable_bytes - info->shared_bytes;
}

lw_status lw_dominators_set(const lw_dominators *dominators, const lw_node *nodes, uint64_t count,
                            lw_set_info *info, lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_set_info", error);
    if (status != LW_OK)
        return status;
    if (!dominators)
        return lwi_fail(error, LW_E_INVALID,
                        "dominators is NULL: make some with lw_dominators_create()");
    if (!nodes && count)
        return lwi_fail(error, LW_E_INVALID, "nodes is NULL: pass the nodes of the set");
    for (uint64_t i = 0; status == LW_OK && i < count; i++)
        status = lwi_node_check(dominators->snapshot, nodes[i], error);
    if (status != LW_OK)
        return status;
    const lw_snapshot *snapshot = dominators->snapshot;
    uint64_t words = lwi_bits_words(snapshot->info.nodes);
    size_t bits_size = lwi_array_size(words * 3, sizeof(uint64_t));
    size_t queue_size = lwi_array_size(dominators->tree.reached, sizeof(lw_node));
    lwi_mem mem;
    lwi_mem_init(&mem, dominators->mem.allocator, dominators->mem.allocator);
    lwi_set set = {.snapshot = snapshot, .given = lwi_alloc(&mem, bits_size)};
    set.queue = lwi_resize(&mem, NULL, 0, queue_size);
    if (set.given && (set.queue || queue_size == 0)) {
        lw_set_info full = LW_SET_INFO_INIT;
        set.reached = set.given + words;
        set.kept = set.reached + words;
        find_reached(&set, nodes, count);
        find_kept(&set);
        add_up(&set, &full);
        lwi_give(info, &full, sizeof full);
    } else {
        status = lwi_nomem(error, "a walk without some nodes");
    }
    lwi_free(&mem, set.given, bits_size);
    lwi_free(&mem, set.queue, queue_size);
    return status;
}
