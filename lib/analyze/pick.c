/* Which of the nearest paths comes first by content.
 *
 * All shortest paths run along falling distances. From the roots on we keep the set of nodes that
 * the best words so far lead to, and take the best next words from any of them: that is the first
 * path in the order of its words, found in one walk, however many paths there are. */
#include "analyze/content.h"
#include "analyze/paths.h"
#include "snapshot/strength.h"

#include <string.h>

#define NO_PARENT UINT64_MAX
#define TAKEN (UINT32_MAX - 1) /* a distance: it is in the set that is being made */

/* --- sets of nodes ------------------------------------------------------------------------- */

static bool take(lwi_search *search, lw_node node, uint64_t edge, uint64_t parent)
{
    void *items = search->taken;
    if (!lwi_grow(search->mem, &items, &search->taken_room, search->taken_count + 1,
                  sizeof *search->taken))
        return false;
    search->taken = items;
    search->taken[search->taken_count++] = (lwi_taken){edge, parent, node};
    return true;
}

/* Roots by strength and words, then what they hold. */
static int compare_starts(const lw_snapshot *snapshot, uint32_t a, lw_node a_node, uint32_t b,
                          lw_node b_node)
{
    int order = (a == LWI_NO_ROOT) - (b == LWI_NO_ROOT);
    if (order == 0 && a != LWI_NO_ROOT)
        order = lwi_compare_roots(snapshot, &snapshot->roots[a], &snapshot->roots[b]);
    return order ? order : lwi_compare_nodes(snapshot, a_node, b_node);
}

static bool take_starts(lwi_search *search, uint32_t begin, uint32_t end)
{
    uint32_t best = LWI_NO_ROOT, root;
    lw_node best_node = LW_NODE_NONE;
    search->taken_count = 0;
    for (uint32_t i = begin; i < end; i++) {
        lw_node node = search->queue[i];
        if (!lwi_search_root(search, node, &root))
            continue;
        int order = best_node == LW_NODE_NONE
                        ? -1
                        : compare_starts(search->snapshot, root, node, best, best_node);
        if (order < 0) {
            best = root;
            best_node = node;
            search->taken_count = 0;
        }
        if (order <= 0 && !take(search, node, 0, NO_PARENT))
            return false;
    }
    return true;
}

/* Unmarks the set that begins at `begin`: it is done, or something better was found. */
static void unmark(lwi_search *search, uint64_t begin, uint32_t distance)
{
    for (uint64_t i = begin; i < search->taken_count; i++)
        *lwi_search_distance(search, search->taken[i].node) = distance;
}

/* The set after the set [begin, end): what the best next words lead to, at `distance`. */
static bool take_nearer(lwi_search *search, uint64_t begin, uint64_t end, uint32_t distance)
{
    const lw_snapshot *snapshot = search->snapshot;
    uint64_t best = 0;
    for (uint64_t i = begin; i < end; i++) {
        lw_node from = search->taken[i].node;
        uint64_t row_end = lwi_row_end(&snapshot->rows, from);
        for (uint64_t edge = lwi_row_start(&snapshot->rows, from); edge < row_end; edge++) {
            lw_node to = snapshot->rows.items[edge];
            if (!lwi_bits_get(search->seen, to))
                continue;
            uint32_t *far = lwi_search_distance(search, to);
            bool taken = *far == TAKEN;
            if ((!taken && *far != distance) || !lwi_search_takes(search, edge) ||
                lwi_search_is_cut(search, from, to))
                continue;
            bool none = search->taken_count == end;
            int order = none ? -1 : lwi_compare_edges(snapshot, edge, best);
            if (order < 0) {
                unmark(search, end, distance);
                search->taken_count = end;
                best = edge;
                taken = false;
            }
            if (order > 0 || taken)
                continue;
            if (!take(search, to, edge, i))
                return false;
            *far = TAKEN;
        }
    }
    unmark(search, end, distance);
    return true;
}

/* --- the path ------------------------------------------------------------------------------ */

/* Writes down the path that ends at `last` of what was taken. */
static bool write_path(lwi_search *search, uint64_t last, uint32_t steps, lw_paths *paths)
{
    void *items = paths->items, *all = paths->steps;
    if (!lwi_grow(&paths->mem, &items, &paths->room, paths->count + 1, sizeof *paths->items))
        return false;
    paths->items = items;
    if (!lwi_grow(&paths->mem, &all, &paths->step_room, paths->step_count + steps,
                  sizeof *paths->steps))
        return false;
    paths->steps = all;
    lwi_path path = {.first_step = paths->step_count, .steps = steps};
    path.target = search->taken[last].node;
    for (uint32_t i = steps; i > 0; i--) {
        const lwi_taken *taken = &search->taken[last];
        last = taken->parent;
        paths->steps[path.first_step + i - 1] =
            (lwi_step){taken->edge, search->taken[last].node};
    }
    path.first = search->taken[last].node;
    lwi_search_root(search, path.first, &path.root);
    paths->step_count += steps;
    paths->items[paths->count++] = path;
    return true;
}

bool lwi_search_pick(lwi_search *search, uint32_t begin, uint32_t end, lw_paths *paths)
{
    uint32_t steps = *lwi_search_distance(search, search->queue[begin]);
    if (!take_starts(search, begin, end))
        return false;
    uint64_t from = 0, to = search->taken_count;
    for (uint32_t left = steps; left > 0; left--) {
        if (!take_nearer(search, from, to, left - 1))
            return false;
        from = to;
        to = search->taken_count;
    }
    return write_path(search, from, steps, paths);
}
