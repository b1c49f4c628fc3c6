/* Walks that show what a cut frees: of what was held, all that is no longer reached. */
#include "analyze/cut.h"
#include "snapshot/strength.h"

#include <string.h>

enum {
    AHEAD = 16 /* nodes of the queue whose rows are asked for before their turn */
};

typedef struct walk {
    const lwi_cutting *cutting;
    uint64_t *reached; /* bits by node */
    uint64_t *cut;     /* bits by node: a reference from here is cut */
    lw_node *queue;
    uint32_t tail;
} walk;

static bool is_cut(const lw_cut *cut, lw_node from, lw_node to, uint64_t number)
{
    for (uint32_t i = 0; i < cut->info.edges; i++) {
        const lwi_cut_place *place = &cut->places[i];
        if (place->from == from && place->to == to && place->number == number)
            return true;
    }
    return false;
}

static void reach(walk *walk, lw_node node)
{
    if (lwi_bits_get(walk->reached, node))
        return;
    lwi_bits_set(walk->reached, node);
    walk->queue[walk->tail++] = node;
}

/* Begins at owners' roots only, or at all that are not cut. */
static void start(walk *walk, bool owners)
{
    const lw_snapshot *snapshot = walk->cutting->snapshot;
    const lw_cut *cut = walk->cutting->cut;
    for (uint32_t i = 0; i < snapshot->info.roots; i++) {
        const lwi_root *root = &snapshot->roots[i];
        uint32_t flags = snapshot->root_kinds[root->kind].flags;
        if (owners ? lwi_root_strength(flags) == LWI_FIRM && !lwi_root_stands_by(flags)
                   : !is_cut(cut, LW_NODE_NONE, root->node, i))
            reach(walk, root->node);
    }
    for (uint32_t i = 0; !owners && i < snapshot->outside.count; i++) {
        lw_node node = snapshot->outside.items[i].node;
        if (!is_cut(cut, LW_NODE_NONE, node, LWI_CUT_OUTSIDE))
            reach(walk, node);
    }
}

static void go(walk *walk, bool owners)
{
    const lw_snapshot *snapshot = walk->cutting->snapshot;
    const lwi_rows *rows = &snapshot->rows;
    memset(walk->reached, 0, (size_t)lwi_bits_words(snapshot->info.nodes) * sizeof(uint64_t));
    walk->tail = 0;
    start(walk, owners);
    for (uint32_t head = 0; head < walk->tail; head++) {
        lw_node node = walk->queue[head];
        if (head + AHEAD < walk->tail)
            LWI_PREFETCH(&rows->end[walk->queue[head + AHEAD]]);
        if (head + AHEAD / 2 < walk->tail)
            LWI_PREFETCH(rows->items + lwi_row_start(rows, walk->queue[head + AHEAD / 2]));
        bool some_cut = !owners && lwi_bits_get(walk->cut, node);
        uint64_t end = lwi_row_end(rows, node);
        for (uint64_t edge = lwi_row_start(rows, node); edge < end; edge++) {
            if (lwi_edge_retains(lwi_kind_at(snapshot, edge)) &&
                !(some_cut && is_cut(walk->cutting->cut, node, rows->items[edge], edge)))
                reach(walk, rows->items[edge]);
        }
    }
}

static void count_freed(const walk *walk)
{
    const lwi_cutting *cutting = walk->cutting;
    const lw_snapshot *snapshot = cutting->snapshot;
    lw_cut_info *info = &cutting->cut->info;
    for (lw_node node = 0; node < snapshot->info.nodes; node++) {
        if (lwi_bits_get(walk->reached, node) || lwi_is_garbage(snapshot, node))
            continue;
        uint64_t bytes = lwi_own_bytes(snapshot, node);
        info->freed_count++;
        info->freed_bytes += bytes;
        info->freed_leaked_bytes += lwi_bits_get(cutting->leaked, node) ? bytes : 0;
    }
    info->innocent_bytes = info->freed_bytes - info->freed_leaked_bytes;
}

/* Whether a root is an owner's, or an owner leads to what refers. */
static bool is_bystander(const walk *walk, const lwi_cut_place *place)
{
    const lw_snapshot *snapshot = walk->cutting->snapshot;
    if (place->from != LW_NODE_NONE)
        return !lwi_bits_get(walk->reached, place->from);
    if (place->number == LWI_CUT_OUTSIDE)
        return true;
    uint32_t flags = snapshot->root_kinds[snapshot->roots[place->number].kind].flags;
    return lwi_root_strength(flags) != LWI_FIRM || lwi_root_stands_by(flags);
}

bool lwi_cut_verify(lwi_cutting *cutting)
{
    lwi_mem *mem = cutting->mem;
    lw_cut *cut = cutting->cut;
    uint64_t nodes = cutting->snapshot->info.nodes;
    size_t bits = (size_t)lwi_bits_words(nodes) * sizeof(uint64_t);
    size_t size = lwi_array_size(nodes, sizeof(lw_node));
    walk walk = {.cutting = cutting};
    walk.reached = lwi_alloc(mem, bits);
    walk.cut = lwi_alloc(mem, bits);
    walk.queue = lwi_resize(mem, NULL, 0, size);
    bool ready = walk.reached && walk.cut && walk.queue;
    for (uint32_t i = 0; ready && i < cut->info.edges; i++) {
        if (cut->places[i].from != LW_NODE_NONE)
            lwi_bits_set(walk.cut, cut->places[i].from);
    }
    if (ready) {
        go(&walk, false);
        count_freed(&walk);
        go(&walk, true);
        for (uint32_t i = 0; i < cut->info.edges; i++)
            cut->places[i].bystander = is_bystander(&walk, &cut->places[i]);
    }
    lwi_free(mem, walk.reached, bits);
    lwi_free(mem, walk.cut, bits);
    lwi_free(mem, walk.queue, size);
    return ready;
}
