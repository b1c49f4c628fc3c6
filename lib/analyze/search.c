/* Finds paths from the targets backwards, breadth first, one pass for each strength: first over
 * firm references to firm roots alone, then with weaker ones let in, until a root is met. So a
 * path is as strong as can be, and among the equally strong as short as can be. What is reached
 * is usually little; the rows of holders are built once, and further paths cost what they reach. */
#include "analyze/paths.h"

#include "analyze/content.h"
#include "snapshot/strength.h"

#include <string.h>

#define FAR UINT32_MAX

enum {
    AHEAD = 16 /* nodes of the queue whose rows are asked for before their turn */
};

static void *bits(lwi_mem *mem, uint64_t count)
{
    return lwi_alloc(mem, (size_t)lwi_bits_words(count) * sizeof(uint64_t));
}

static void free_bits(lwi_mem *mem, uint64_t *items, uint64_t count)
{
    lwi_free(mem, items, (size_t)lwi_bits_words(count) * sizeof(uint64_t));
}

bool lwi_search_init(lwi_search *search, const lw_snapshot *snapshot, lwi_mem *mem,
                     const lw_node *targets, uint64_t count)
{
    uint64_t nodes = snapshot->info.nodes;
    size_t size = lwi_array_size(nodes, sizeof(uint32_t));
    *search = (lwi_search){.snapshot = snapshot, .mem = mem, .holder_strength = -1};
    search->targets = bits(mem, nodes);
    search->banned = bits(mem, nodes);
    search->began = bits(mem, nodes);
    search->rooted = bits(mem, nodes);
    search->used = bits(mem, snapshot->info.roots);
    search->used_outside = bits(mem, nodes);
    search->distance = lwi_resize(mem, NULL, 0, size);
    search->queue = lwi_resize(mem, NULL, 0, size);
    if (!search->targets || !search->banned || !search->began || !search->rooted || !search->used ||
        !search->used_outside || !search->distance || !search->queue)
        return false;
    memset(search->distance, 0xff, size);
    for (uint64_t i = 0; i < count; i++)
        lwi_bits_set(search->targets, targets[i]);
    for (uint32_t i = 0; i < snapshot->info.roots; i++)
        lwi_bits_set(search->rooted, snapshot->roots[i].node);
    for (uint32_t i = 0; i < snapshot->outside.count; i++)
        lwi_bits_set(search->rooted, snapshot->outside.items[i].node);
    return true;
}

void lwi_search_free(lwi_search *search)
{
    lwi_mem *mem = search->mem;
    uint64_t nodes = search->snapshot->info.nodes;
    free_bits(mem, search->targets, nodes);
    free_bits(mem, search->banned, nodes);
    free_bits(mem, search->began, nodes);
    lwi_free(mem, search->cuts, lwi_array_size(search->cut_room, sizeof(lwi_cut)));
    free_bits(mem, search->rooted, nodes);
    free_bits(mem, search->used, search->snapshot->info.roots);
    free_bits(mem, search->used_outside, nodes);
    lwi_free(mem, search->distance, lwi_array_size(nodes, sizeof(uint32_t)));
    lwi_free(mem, search->queue, lwi_array_size(nodes, sizeof(uint32_t)));
    lwi_free(mem, search->taken, lwi_array_size(search->taken_room, sizeof(lwi_taken)));
    lwi_search_turn_free(search);
}

/* --- roots --------------------------------------------------------------------------------- */

static uint32_t first_root(const lw_snapshot *snapshot, lw_node node)
{
    uint32_t low = 0, high = snapshot->info.roots;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (snapshot->roots[middle].node < node)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int strength_of_root(const lw_snapshot *snapshot, uint32_t root)
{
    return lwi_root_strength(snapshot->root_kinds[snapshot->roots[root].kind].flags);
}

bool lwi_search_root(const lwi_search *search, lw_node node, uint32_t *root)
{
    const lw_snapshot *snapshot = search->snapshot;
    bool found = false;
    if (!lwi_bits_get(search->rooted, node))
        return false;
    for (uint32_t i = first_root(snapshot, node);
         i < snapshot->info.roots && snapshot->roots[i].node == node; i++) {
        int strength = strength_of_root(snapshot, i);
        if (strength > search->strength || lwi_bits_get(search->used, i))
            continue;
        if (!found || strength < strength_of_root(snapshot, *root) ||
            (strength == strength_of_root(snapshot, *root) &&
             lwi_compare_roots(snapshot, &snapshot->roots[i], &snapshot->roots[*root]) < 0))
            *root = i;
        found = true;
    }
    if (search->strength < LWI_OUTSIDE || (found && strength_of_root(snapshot, *root) == LWI_FIRM))
        return found;
    if (lwi_rare_get(&snapshot->outside, node) && !lwi_bits_get(search->used_outside, node)) {
        *root = LWI_NO_ROOT;
        found = true;
    }
    return found;
}

/* --- one pass ------------------------------------------------------------------------------ */

static bool has_edges(const lw_snapshot *snapshot, int32_t kind)
{
    return snapshot->edge_kinds >> kind & 1;
}

static bool has_askers(const lw_snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->root_kind_count; i++) {
        if (lwi_root_strength(snapshot->root_kinds[i].flags) == LWI_ASKER)
            return true;
    }
    return false;
}

/* Whether a pass of this strength can find more than the one before. */
static bool worth_while(const lw_snapshot *snapshot, int strength)
{
    switch (strength) {
    case LWI_FIRM:
        return true;
    case LWI_EPHEMERON:
        return has_edges(snapshot, LW_EDGE_EPHEMERON);
    case LWI_DOUBTFUL:
        return has_edges(snapshot, LW_EDGE_UNKNOWN);
    case LWI_OUTSIDE:
        return snapshot->outside.count > 0;
    default:
        return has_askers(snapshot);
    }
}

/* The weakest edges that there are up to a strength. */
static int edge_strength(const lw_snapshot *snapshot, int strength)
{
    if (strength >= LWI_DOUBTFUL && has_edges(snapshot, LW_EDGE_UNKNOWN))
        return LWI_DOUBTFUL;
    return strength >= LWI_EPHEMERON && has_edges(snapshot, LW_EDGE_EPHEMERON) ? LWI_EPHEMERON
                                                                               : LWI_FIRM;
}

static void start(lwi_search *search)
{
    const lw_snapshot *snapshot = search->snapshot;
    search->reached = 0;
    for (uint64_t i = 0; i < lwi_bits_words(snapshot->info.nodes); i++) {
        uint64_t left = search->targets[i] & ~snapshot->garbage[i];
        for (; left; left &= left - 1) {
            lw_node node = (lw_node)(i * 64 + lwi_bits_lowest(left));
            search->distance[node] = 0;
            search->queue[search->reached++] = node;
        }
    }
}

static void forget(lwi_search *search)
{
    for (uint32_t i = 0; i < search->reached; i++)
        search->distance[search->queue[i]] = FAR;
}

static void expand(lwi_search *search, lw_node node)
{
    uint64_t end = lwi_row_end(&search->holders, node);
    for (uint64_t i = lwi_row_start(&search->holders, node); i < end; i++) {
        lw_node holder = search->holders.items[i];
        if (search->distance[holder] != FAR || lwi_bits_get(search->banned, holder) ||
            lwi_search_is_cut(search, holder, node))
            continue;
        search->distance[holder] = search->distance[node] + 1;
        search->queue[search->reached++] = holder;
    }
}

/* Goes outwards level by level until a root holds a node of the level, which starts at *level. */
static bool pass(lwi_search *search, uint32_t *level, bool *found)
{
    int edges = edge_strength(search->snapshot, search->strength);
    uint32_t begin = 0, root;
    *found = false;
    start(search);
    while (begin < search->reached) {
        uint32_t end = search->reached;
        for (uint32_t i = begin; i < end && !*found; i++)
            *found = lwi_search_root(search, search->queue[i], &root);
        *level = begin;
        if (*found)
            return true;
        if (search->holder_strength != edges && !lwi_search_turn(search, edges))
            return false;
        for (; begin < end; begin++) {
            if (begin + AHEAD < search->reached)
                LWI_PREFETCH(&search->holders.end[search->queue[begin + AHEAD]]);
            expand(search, search->queue[begin]);
        }
    }
    return true;
}

bool lwi_search_is_cut(const lwi_search *search, lw_node from, lw_node to)
{
    if (!lwi_bits_get(search->began, from))
        return false;
    for (uint64_t i = 0; i < search->cut_count; i++) {
        if (search->cuts[i].from == from && search->cuts[i].to == to)
            return true;
    }
    return false;
}

static bool cut(lwi_search *search, lw_node from, lw_node to)
{
    void *cuts = search->cuts;
    if (!lwi_grow(search->mem, &cuts, &search->cut_room, search->cut_count + 1,
                  sizeof *search->cuts))
        return false;
    search->cuts = cuts;
    search->cuts[search->cut_count++] = (lwi_cut){from, to};
    lwi_bits_set(search->began, from);
    return true;
}

/* No later path may go where this one went; it may begin where this one began, since a module or
 * a global table holds most of what there is. */
static bool ban(lwi_search *search, const lw_paths *paths)
{
    const lwi_path *path = &paths->items[paths->count - 1];
    const lwi_step *steps = paths->steps + path->first_step;
    for (uint32_t i = 1; i < path->steps; i++)
        lwi_bits_set(search->banned, steps[i].from);
    if (path->steps > 0)
        return cut(search, path->first, path->steps > 1 ? steps[1].from : path->target);
    if (path->root == LWI_NO_ROOT)
        lwi_bits_set(search->used_outside, path->first);
    else
        lwi_bits_set(search->used, path->root);
    return true;
}

bool lwi_search_next(lwi_search *search, lw_paths *paths, bool *found)
{
    uint32_t level;
    *found = false;
    /* What was banned meanwhile makes no path stronger: go on where the last one was found. */
    for (; search->strength < LWI_NEVER; search->strength++) {
        if (!worth_while(search->snapshot, search->strength))
            continue;
        bool ready = pass(search, &level, found);
        if (ready && *found)
            ready = lwi_search_pick(search, level, paths);
        forget(search);
        if (!ready)
            return false;
        if (*found)
            return ban(search, paths);
    }
    return true;
}
