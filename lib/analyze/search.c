/* Finds one path after the other, one pass for each strength: first over firm references to firm
 * roots alone, then with weaker ones let in, until a root is met. So a path is as strong as can
 * be, and among the equally strong as short as can be. */
#include "analyze/paths.h"

#include "analyze/content.h"
#include "base/hash.h"
#include "snapshot/strength.h"

static uint64_t *bits(lwi_mem *mem, uint64_t count)
{
    return lwi_alloc(mem, (size_t)lwi_bits_words(count) * sizeof(uint64_t));
}

static void free_bits(lwi_mem *mem, uint64_t *items, uint64_t count)
{
    lwi_free(mem, items, (size_t)lwi_bits_words(count) * sizeof(uint64_t));
}

#define BLOCK (LWI_DISTANCES * sizeof(uint32_t))

static uint64_t blocks_of(uint64_t nodes)
{
    return (nodes + LWI_DISTANCES - 1) / LWI_DISTANCES;
}

/* Memory of the size of the heap is asked for and left alone: only what is reached is touched. */
bool lwi_search_init(lwi_search *search, lw_snapshot *snapshot, lwi_mem *mem,
                     const lw_node *targets, uint64_t count, const lw_paths_options *options)
{
    uint64_t nodes = snapshot->info.nodes;
    size_t size = lwi_array_size(nodes, sizeof(uint32_t));
    *search = (lwi_search){.snapshot = snapshot, .mem = mem, .targets = targets,
                           .target_count = count};
    lwi_index_init(&search->cut_index, mem);
    bool filtered = lwi_filter_init(&search->filter, snapshot, options, mem);
    search->used = bits(mem, snapshot->info.roots);
    search->seen = bits(mem, nodes);
    search->block_of = lwi_alloc(mem, lwi_array_size(blocks_of(nodes), sizeof(uint32_t)));
    search->distance = lwi_resize(mem, NULL, 0, lwi_array_size(blocks_of(nodes), BLOCK));
    search->queue = lwi_resize(mem, NULL, 0, size);
    if (!filtered || !search->used || !search->seen || !search->block_of || !search->distance ||
        !search->queue)
        return false;
    if (!options->ignore_node_count && !options->ignore_type_count)
        return true;
    search->banned = bits(mem, nodes);
    if (search->banned)
        lwi_filter_nodes(&search->filter, search->banned);
    return search->banned;
}

void lwi_search_free(lwi_search *search)
{
    lwi_mem *mem = search->mem;
    uint64_t nodes = search->snapshot->info.nodes;
    size_t size = lwi_array_size(nodes, sizeof(uint32_t));
    lwi_filter_free(&search->filter, mem);
    lwi_holders_free(&search->own, mem);
    free_bits(mem, search->banned, nodes);
    free_bits(mem, search->began, nodes);
    lwi_free(mem, search->cuts, lwi_array_size(search->cut_room, sizeof(lwi_cut)));
    lwi_index_free(&search->cut_index);
    free_bits(mem, search->used, search->snapshot->info.roots);
    free_bits(mem, search->used_outside, nodes);
    free_bits(mem, search->seen, nodes);
    lwi_free(mem, search->block_of, lwi_array_size(blocks_of(nodes), sizeof(uint32_t)));
    lwi_free(mem, search->distance, lwi_array_size(blocks_of(nodes), BLOCK));
    lwi_free(mem, search->queue, size);
    free_bits(mem, search->ahead.seen, nodes);
    lwi_free(mem, search->ahead.queue, size);
    lwi_free(mem, search->taken, lwi_array_size(search->taken_room, sizeof(lwi_taken)));
}

/* --- roots --------------------------------------------------------------------------------- */

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
    uint32_t i, end = lwi_roots_of(snapshot, node, &i);
    for (; i < end; i++) {
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
    if (lwi_rare_get(&snapshot->outside, node) &&
        !(search->used_outside && lwi_bits_get(search->used_outside, node))) {
        *root = LWI_NO_ROOT;
        found = true;
    }
    return found;
}

/* --- one pass ------------------------------------------------------------------------------ */


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
               (search->strength == LWI_EPHEMERON && lwi_filter_has(&search->filter, LW_EDGE_EPHEMERON)) ||
               (search->strength == LWI_DOUBTFUL && lwi_filter_has(&search->filter, LW_EDGE_UNKNOWN));
    if (search->strength == LWI_OUTSIDE)
        return search->bystanders && snapshot->outside.count > 0 && !search->filter.outside;
    if (search->strength == LWI_ASKER)
        return search->bystanders && has_roots(snapshot, LW_ROOT_ASKER);
    return now && (!search->bystanders || has_roots(snapshot, LW_ROOT_BYSTANDER));
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
    return search->began && lwi_bits_get(search->began, from) &&
           lwi_index_find(&search->cut_index, hash_cut(from, to), is_same_cut, search->cuts,
                          &key) != LWI_INDEX_NONE;
}

bool lwi_search_takes(const lwi_search *search, uint64_t edge)
{
    return lwi_edge_strength(lwi_kind_at(search->snapshot, edge)) <= search->strength &&
           !(lwi_filter_has_edges(&search->filter) && lwi_filter_edge(&search->filter, edge));
}

/* Sets a bit among those that are made when the first is needed. */
static bool set_bit(lwi_search *search, uint64_t **items, lw_node node)
{
    if (!*items)
        *items = bits(search->mem, search->snapshot->info.nodes);
    if (*items)
        lwi_bits_set(*items, node);
    return *items;
}

static bool cut(lwi_search *search, lw_node from, lw_node to)
{
    void *cuts = search->cuts;
    if (!lwi_grow(search->mem, &cuts, &search->cut_room, search->cut_count + 1,
                  sizeof *search->cuts))
        return false;
    search->cuts = cuts;
    search->cuts[search->cut_count] = (lwi_cut){from, to};
    if (!set_bit(search, &search->began, from))
        return false;
    return lwi_index_add(&search->cut_index, hash_cut(from, to), (uint32_t)search->cut_count++);
}

/* No later path may go where this one went; it may begin where this one began, since a module or
 * a global table holds most of what there is. */
static bool ban(lwi_search *search, const lw_paths *paths)
{
    const lwi_path *path = &paths->items[paths->count - 1];
    const lwi_step *steps = path->steps ? paths->steps + path->first_step : NULL;
    search->complete = false;
    for (uint32_t i = 1; i < path->steps; i++) {
        if (!set_bit(search, &search->banned, steps[i].from))
            return false;
    }
    if (path->steps > 0)
        return cut(search, path->first, path->steps > 1 ? steps[1].from : path->target);
    if (path->root == LWI_NO_ROOT)
        return set_bit(search, &search->used_outside, path->first);
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
        if (!lwi_search_pass(search, &begin, &end, found))
            return false;
        if (*found)
            return lwi_search_pick(search, begin, end, paths) && ban(search, paths);
    }
    return true;
}
