/* Finds paths from the targets backwards, breadth first, one pass for each strength: first over
 * firm references to firm roots alone, then with weaker ones let in, until a root is met. So a
 * path is as strong as can be, and among the equally strong as short as can be. What is reached
 * is usually little; the rows of holders are built once, and further paths cost what they reach. */
#include "analyze/paths.h"

#include "analyze/content.h"
#include "base/hash.h"
#include "snapshot/strength.h"

#include <string.h>

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

bool lwi_search_init(lwi_search *search, lw_snapshot *snapshot, lwi_mem *mem,
                     const lw_node *targets, uint64_t count, const lw_paths_options *options)
{
    uint64_t nodes = snapshot->info.nodes;
    size_t size = lwi_array_size(nodes, sizeof(uint32_t));
    *search = (lwi_search){.snapshot = snapshot, .mem = mem};
    lwi_index_init(&search->cut_index, mem);
    bool filtered = lwi_filter_init(&search->filter, snapshot, options, mem);
    search->targets = bits(mem, nodes);
    search->banned = bits(mem, nodes);
    search->began = bits(mem, nodes);
    search->rooted = bits(mem, nodes);
    search->used = bits(mem, snapshot->info.roots);
    search->used_outside = bits(mem, nodes);
    search->seen = bits(mem, nodes);
    search->distance = lwi_resize(mem, NULL, 0, size);
    search->queue = lwi_resize(mem, NULL, 0, size);
    if (!filtered || !search->targets || !search->banned || !search->began || !search->rooted ||
        !search->used || !search->used_outside || !search->seen || !search->distance ||
        !search->queue)
        return false;
    for (uint64_t i = 0; i < count; i++)
        lwi_bits_set(search->targets, targets[i]);
    for (uint32_t i = 0; i < snapshot->info.roots; i++)
        lwi_bits_set(search->rooted, snapshot->roots[i].node);
    for (uint32_t i = 0; i < snapshot->outside.count; i++)
        lwi_bits_set(search->rooted, snapshot->outside.items[i].node);
    lwi_filter_nodes(&search->filter, search->banned);
    return true;
}

void lwi_search_free(lwi_search *search)
{
    lwi_mem *mem = search->mem;
    uint64_t nodes = search->snapshot->info.nodes;
    lwi_filter_free(&search->filter, mem);
    lwi_holders_free(&search->own, mem);
    free_bits(mem, search->targets, nodes);
    free_bits(mem, search->banned, nodes);
    free_bits(mem, search->began, nodes);
    lwi_free(mem, search->cuts, lwi_array_size(search->cut_room, sizeof(lwi_cut)));
    lwi_index_free(&search->cut_index);
    free_bits(mem, search->rooted, nodes);
    free_bits(mem, search->used, search->snapshot->info.roots);
    free_bits(mem, search->used_outside, nodes);
    free_bits(mem, search->seen, nodes);
    lwi_free(mem, search->distance, lwi_array_size(nodes, sizeof(uint32_t)));
    lwi_free(mem, search->queue, lwi_array_size(nodes, sizeof(uint32_t)));
    lwi_free(mem, search->taken, lwi_array_size(search->taken_room, sizeof(lwi_taken)));
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

static bool may_begin(const lwi_search *search, uint32_t kind)
{
    return (search->bystanders ||
            !lwi_root_stands_by(search->snapshot->root_kinds[kind].flags)) &&
           !lwi_filter_root_kind(&search->filter, kind);
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
        if (strength > search->strength || lwi_bits_get(search->used, i) ||
            !may_begin(search, snapshot->roots[i].kind))
            continue;
        if (!found || strength < strength_of_root(snapshot, *root) ||
            (strength == strength_of_root(snapshot, *root) &&
             lwi_compare_roots(snapshot, &snapshot->roots[i], &snapshot->roots[*root]) < 0))
            *root = i;
        found = true;
    }
    if (search->strength < LWI_OUTSIDE || search->filter.outside ||
        (found && strength_of_root(snapshot, *root) == LWI_FIRM))
        return found;
    if (lwi_rare_get(&snapshot->outside, node) && !lwi_bits_get(search->used_outside, node)) {
        *root = LWI_NO_ROOT;
        found = true;
    }
    return found;
}

/* --- one pass ------------------------------------------------------------------------------ */

static bool has_edges(const lwi_search *search, int32_t kind)
{
    return search->snapshot->edge_kinds >> kind & 1 &&
           !(search->filter.options->ignore_edges >> kind & 1);
}

static bool has_roots(const lw_snapshot *snapshot, uint32_t flag)
{
    for (uint32_t i = 0; i < snapshot->root_kind_count; i++) {
        if (snapshot->root_kinds[i].flags & flag)
            return true;
    }
    return false;
}

/* Whether a pass can find more than the one before. */
static bool worth_while(const lwi_search *search)
{
    const lw_snapshot *snapshot = search->snapshot;
    bool now = search->strength == LWI_FIRM ||
               (search->strength == LWI_EPHEMERON && has_edges(search, LW_EDGE_EPHEMERON)) ||
               (search->strength == LWI_DOUBTFUL && has_edges(search, LW_EDGE_UNKNOWN));
    if (search->strength == LWI_OUTSIDE)
        return search->bystanders && snapshot->outside.count > 0 && !search->filter.outside;
    if (search->strength == LWI_ASKER)
        return search->bystanders && has_roots(snapshot, LW_ROOT_ASKER);
    return now && (!search->bystanders || has_roots(snapshot, LW_ROOT_BYSTANDER));
}

/* The weakest edges that there are up to a strength. */
static int edge_strength(const lwi_search *search)
{
    if (search->strength >= LWI_DOUBTFUL && has_edges(search, LW_EDGE_UNKNOWN))
        return LWI_DOUBTFUL;
    return search->strength >= LWI_EPHEMERON && has_edges(search, LW_EDGE_EPHEMERON)
               ? LWI_EPHEMERON
               : LWI_FIRM;
}

static void forget(lwi_search *search)
{
    for (uint32_t i = 0; i < search->reached; i++)
        lwi_bits_clear(search->seen, search->queue[i]);
    search->reached = 0;
    search->complete = false;
}

static void reach(lwi_search *search, lw_node node, uint32_t distance)
{
    lwi_bits_set(search->seen, node);
    search->distance[node] = distance;
    search->queue[search->reached++] = node;
}

static void start(lwi_search *search)
{
    const lw_snapshot *snapshot = search->snapshot;
    forget(search);
    search->edges = edge_strength(search);
    for (uint64_t i = 0; i < lwi_bits_words(snapshot->info.nodes); i++) {
        uint64_t left = search->targets[i] & ~snapshot->garbage[i];
        for (; left; left &= left - 1)
            reach(search, (lw_node)(i * 64 + lwi_bits_lowest(left)), 0);
    }
}

static void expand(lwi_search *search, lw_node node)
{
    const lwi_holders *holders = search->holders;
    uint64_t end = lwi_row_end(&holders->rows, node);
    for (uint64_t i = lwi_row_start(&holders->rows, node); i < end; i++) {
        lw_node holder = holders->rows.items[i];
        if (lwi_bits_get(search->seen, holder) || lwi_bits_get(search->banned, holder) ||
            lwi_holder_strength(holders, i) > search->edges ||
            lwi_search_is_cut(search, holder, node))
            continue;
        reach(search, holder, search->distance[node] + 1);
    }
}

static bool get_holders(lwi_search *search)
{
    if (search->holders)
        return true;
    if (!lwi_filter_has_edges(&search->filter)) {
        search->holders = lwi_holders_of(search->snapshot);
    } else if (lwi_holders_build(&search->own, search->snapshot, search->mem, lwi_filter_edge,
                                 &search->filter)) {
        search->holders = &search->own;
    }
    return search->holders != NULL;
}

/* Where the level ends that begins at `begin`. */
static uint32_t level_end(const lwi_search *search, uint32_t begin)
{
    uint32_t end = begin, distance = search->distance[search->queue[begin]];
    if (!search->complete)
        return search->reached;
    while (end < search->reached && search->distance[search->queue[end]] == distance)
        end++;
    return end;
}

/* Goes outwards level by level until a root holds a node of the level [*begin, *end). What a pass
 * has reached in vain, the next one over the same edges need not reach again. */
static bool pass(lwi_search *search, uint32_t *begin, uint32_t *end, bool *found)
{
    uint32_t root;
    *found = false;
    if (!search->complete || search->edges != edge_strength(search))
        start(search);
    for (*begin = 0; *begin < search->reached; *begin = *end) {
        *end = level_end(search, *begin);
        for (uint32_t i = *begin; i < *end && !*found; i++)
            *found = lwi_search_root(search, search->queue[i], &root);
        if (*found)
            return true;
        if (search->complete)
            continue;
        if (!get_holders(search))
            return false;
        for (uint32_t i = *begin; i < *end; i++) {
            if (i + AHEAD < search->reached)
                LWI_PREFETCH(&search->holders->rows.end[search->queue[i + AHEAD]]);
            expand(search, search->queue[i]);
        }
    }
    search->complete = true;
    return true;
}

/* --- what a path takes away from the next ones --------------------------------------------- */

static uint64_t hash_cut(lw_node from, lw_node to)
{
    return lwi_hash_u64((uint64_t)from << 32 | to);
}

static bool is_same_cut(const void *items, uint32_t id, const void *key)
{
    const lwi_cut *cut = (const lwi_cut *)items + id, *wanted = key;
    return cut->from == wanted->from && cut->to == wanted->to;
}

bool lwi_search_is_cut(const lwi_search *search, lw_node from, lw_node to)
{
    const lwi_cut key = {from, to};
    return lwi_bits_get(search->began, from) &&
           lwi_index_find(&search->cut_index, hash_cut(from, to), is_same_cut, search->cuts,
                          &key) != LWI_INDEX_NONE;
}

bool lwi_search_takes(const lwi_search *search, uint64_t edge)
{
    return lwi_edge_strength(lwi_kind_at(search->snapshot, edge)) <= search->strength &&
           !(lwi_filter_has_edges(&search->filter) && lwi_filter_edge(&search->filter, edge));
}

static bool cut(lwi_search *search, lw_node from, lw_node to)
{
    void *cuts = search->cuts;
    if (!lwi_grow(search->mem, &cuts, &search->cut_room, search->cut_count + 1,
                  sizeof *search->cuts))
        return false;
    search->cuts = cuts;
    search->cuts[search->cut_count] = (lwi_cut){from, to};
    lwi_bits_set(search->began, from);
    return lwi_index_add(&search->cut_index, hash_cut(from, to), (uint32_t)search->cut_count++);
}

/* No later path may go where this one went; it may begin where this one began, since a module or
 * a global table holds most of what there is. */
static bool ban(lwi_search *search, const lw_paths *paths)
{
    const lwi_path *path = &paths->items[paths->count - 1];
    const lwi_step *steps = paths->steps + path->first_step;
    search->complete = false;
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

/* To the next kind of paths: owners before bystanders of one strength. */
static void weaken(lwi_search *search)
{
    search->strength += search->bystanders;
    search->bystanders = !search->bystanders;
}

bool lwi_search_next(lwi_search *search, lw_paths *paths, bool *found)
{
    uint32_t begin, end;
    *found = false;
    /* What was banned meanwhile makes no path stronger: go on where the last one was found. */
    for (; search->strength < LWI_NEVER; weaken(search)) {
        if (!worth_while(search))
            continue;
        if (!pass(search, &begin, &end, found))
            return false;
        if (*found)
            return lwi_search_pick(search, begin, end, paths) && ban(search, paths);
    }
    return true;
}
