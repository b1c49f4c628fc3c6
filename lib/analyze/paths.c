#include "analyze/paths.h"

#include "base/error.h"
#include "base/sort.h"
#include "base/structs.h"
#include "snapshot/strength.h"

#include <string.h>

static lw_paths *new_paths(lw_snapshot *snapshot)
{
    lw_allocator allocator = snapshot->mem.allocator;
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_paths *paths = lwi_alloc(&mem, sizeof *paths);
    if (!paths)
        return NULL;
    lwi_mem_init(&paths->mem, allocator, allocator);
    paths->snapshot = lw_snapshot_retain(snapshot);
    return paths;
}

void lw_paths_release(lw_paths *paths)
{
    if (!paths)
        return;
    lwi_free(&paths->mem, paths->items, lwi_array_size(paths->room, sizeof *paths->items));
    lwi_free(&paths->mem, paths->steps, lwi_array_size(paths->step_room, sizeof *paths->steps));
    lw_snapshot_release(paths->snapshot);
    lwi_mem mem;
    lwi_mem_init(&mem, paths->mem.allocator, paths->mem.allocator);
    lwi_free(&mem, paths, sizeof *paths);
}

static int by_node(const void *a, const void *b, const void *user)
{
    lw_node x = *(const lw_node *)a, y = *(const lw_node *)b;
    (void)user;
    return (x > y) - (x < y);
}

static bool find_all(lw_paths *paths, const lw_node *targets, uint64_t count,
                     const lw_paths_options *options)
{
    lwi_search search;
    bool found = true;
    uint32_t limit = options->limit ? options->limit : 1;
    size_t size = lwi_array_size(count, sizeof *targets);
    lw_node *sorted = lwi_resize(&paths->mem, NULL, 0, size);
    if (!sorted)
        return false;
    memcpy(sorted, targets, size);
    lwi_sort(sorted, (size_t)count, sizeof *sorted, by_node, NULL);
    bool ready = lwi_search_init(&search, paths->snapshot, &paths->mem, sorted, count, options);
    while (ready && found && paths->count < limit)
        ready = lwi_search_next(&search, paths, &found);
    lwi_search_free(&search);
    lwi_free(&paths->mem, sorted, size);
    return ready;
}

lw_status lw_paths_find(lw_snapshot *snapshot, const lw_node *targets, uint64_t count,
                        const lw_paths_options *options, lw_paths **paths, lw_error *error)
{
    lw_paths_options full;
    if (!paths)
        return lwi_fail(error, LW_E_INVALID, "paths is NULL: pass where the paths shall go");
    *paths = NULL;
    lw_status status = lwi_take(&full, sizeof full, options, "lw_paths_options", error);
    if (status == LW_OK)
        status = lwi_snapshot_check(snapshot, error);
    if (status != LW_OK)
        return status;
    if (!targets || count == 0)
        return lwi_fail(error, LW_E_INVALID, "no targets: pass at least one node");
    for (uint64_t i = 0; i < count; i++) {
        status = lwi_node_check(snapshot, targets[i], error);
        if (status != LW_OK)
            return status;
    }
    status = lwi_filter_check(snapshot, &full, error);
    if (status != LW_OK)
        return status;
    lw_paths *made = new_paths(snapshot);
    if (!made || !find_all(made, targets, count, &full)) {
        lw_paths_release(made);
        return lwi_nomem(error, "retention paths");
    }
    *paths = made;
    return LW_OK;
}

uint32_t lw_paths_count(const lw_paths *paths)
{
    return paths ? (uint32_t)paths->count : 0;
}

lw_snapshot *lw_paths_snapshot(const lw_paths *paths)
{
    return paths ? paths->snapshot : NULL;
}

lw_status lwi_path_check(const lw_paths *paths, uint32_t index, lw_error *error)
{
    if (!paths)
        return lwi_fail(error, LW_E_INVALID, "paths is NULL: find some with lw_paths_find()");
    if (index >= paths->count)
        return lwi_fail(error, LW_E_NOT_FOUND, "path %u: %u were found, from 0", (unsigned)index,
                        (unsigned)paths->count);
    return LW_OK;
}

lw_status lw_path_get(const lw_paths *paths, uint32_t index, lw_path *path, lw_error *error)
{
    lw_status status = lwi_result_check(path, "lw_path", error);
    if (status == LW_OK)
        status = lwi_path_check(paths, index, error);
    if (status != LW_OK)
        return status;
    const lw_snapshot *snapshot = paths->snapshot;
    const lwi_path *from = &paths->items[index];
    lw_path full = LW_PATH_INIT;
    full.steps = from->steps;
    full.first = from->first;
    full.target = from->target;
    if (from->root == LWI_NO_ROOT) {
        uint64_t count = lwi_rare_get(&snapshot->outside, from->first);
        full.outside = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
        full.root_kind = LWI_OUTSIDE_NAME;
        full.root_label = lwi_label_of(snapshot, 0);
    } else {
        const lwi_root *root = &snapshot->roots[from->root];
        const lwi_root_kind *kind = &snapshot->root_kinds[root->kind];
        full.asker = lwi_root_strength(kind->flags) == LWI_ASKER;
        full.bystander = lwi_root_stands_by(kind->flags);
        full.root_kind = kind->name;
        full.root_label = lwi_label_of(snapshot, root->label);
    }
    lwi_give(path, &full, sizeof full);
    return LW_OK;
}

lw_status lw_path_step_get(const lw_paths *paths, uint32_t index, uint32_t step, lw_edge *edge,
                           lw_error *error)
{
    lw_status status = lwi_result_check(edge, "lw_edge", error);
    if (status == LW_OK)
        status = lwi_path_check(paths, index, error);
    if (status != LW_OK)
        return status;
    const lwi_path *path = &paths->items[index];
    if (step >= path->steps)
        return lwi_fail(error, LW_E_NOT_FOUND, "step %u: path %u has %u steps, from 0",
                        (unsigned)step, (unsigned)index, (unsigned)path->steps);
    const lwi_step *from = &paths->steps[path->first_step + step];
    lw_edge full = lwi_edge_at(paths->snapshot, from->from, from->edge);
    lwi_give(edge, &full, sizeof full);
    return LW_OK;
}
