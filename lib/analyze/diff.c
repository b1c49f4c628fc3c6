#include "analyze/diff.h"

#include "base/error.h"
#include "base/order.h"
#include "base/structs.h"

#include <string.h>

static lw_diff *new_diff(lw_allocator allocator)
{
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_diff *diff = lwi_alloc(&mem, sizeof *diff);
    if (!diff)
        return NULL;
    lwi_mem_init(&diff->mem, allocator, allocator);
    lwi_arena_init(&diff->arena, &diff->mem);
    return diff;
}

void lw_diff_release(lw_diff *diff)
{
    if (!diff)
        return;
    lw_snapshot_release(diff->base.snapshot);
    lw_snapshot_release(diff->target.snapshot);
    lwi_arena_free(&diff->arena);
    lwi_mem mem;
    lwi_mem_init(&mem, diff->mem.allocator, diff->mem.allocator);
    lwi_free(&mem, diff, sizeof *diff);
}

static bool prepare_side(lw_diff *diff, lwi_side *side, lw_snapshot *snapshot)
{
    uint32_t types = snapshot->info.types;
    side->snapshot = lw_snapshot_retain(snapshot);
    side->row_of = lwi_arena_array(&diff->arena, types, sizeof *side->row_of);
    side->same_as = lwi_arena_array(&diff->arena, types, sizeof *side->same_as);
    side->matched =
        lwi_arena_zeros(&diff->arena, lwi_bits_words(snapshot->info.nodes), sizeof(uint64_t));
    return side->row_of && side->same_as && side->matched;
}

static int compare_growth(int64_t a, int64_t b)
{
    return (a < b) - (a > b);
}

static int by_growth(const void *user, uint32_t a, uint32_t b)
{
    const lw_diff_row *x = (const lw_diff_row *)user + a, *y = (const lw_diff_row *)user + b;
    int order = compare_growth(x->size_diff, y->size_diff);
    if (order == 0)
        order = compare_growth(x->count_diff, y->count_diff);
    if (order == 0)
        order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->runtime, y->runtime);
}

/* Puts the rows in the order of growth, and what points to them with them. */
static bool order_rows(lw_diff *diff)
{
    uint32_t count = diff->info.rows;
    uint32_t *ids = lwi_arena_array(&diff->arena, (uint64_t)count * 2, sizeof *ids);
    lw_diff_row *rows = lwi_arena_array(&diff->arena, count, sizeof *rows);
    if (!ids || !rows)
        return false;
    for (uint32_t i = 0; i < count; i++)
        ids[i] = i;
    lwi_order_ids(ids, ids + count, count, by_growth, diff->rows);
    uint32_t *place = ids + count;
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = diff->rows[ids[i]];
        place[ids[i]] = i;
    }
    diff->rows = rows;
    lwi_side *sides[] = {&diff->base, &diff->target};
    for (int i = 0; i < 2; i++) {
        for (uint32_t type = 0; type < sides[i]->snapshot->info.types; type++)
            sides[i]->row_of[type] = place[sides[i]->row_of[type]];
    }
    return true;
}

static void add_up(lw_diff *diff)
{
    lw_diff_info *info = &diff->info;
    const lw_snapshot_info *base = &diff->base.snapshot->info;
    const lw_snapshot_info *target = &diff->target.snapshot->info;
    for (uint32_t i = 0; i < info->rows; i++) {
        lw_diff_row *row = &diff->rows[i];
        row->count_diff = (int64_t)(row->target_count - row->base_count);
        row->size_diff = (int64_t)(row->target_size - row->base_size);
        row->created = row->target_count - row->survived;
        row->gone = row->base_count - row->survived;
        info->grew += row->count_diff > 0 || row->size_diff > 0;
        info->approximate |= row->approximate;
        info->count_diff += row->count_diff;
        info->size_diff += row->size_diff;
        info->created += row->created;
        info->gone += row->gone;
        info->survived += row->survived;
    }
    info->base_garbage = base->garbage;
    info->base_garbage_size = base->garbage_size;
    info->base_name = base->name;
    info->target_garbage = target->garbage;
    info->target_garbage_size = target->garbage_size;
    info->target_name = target->name;
}

lw_diff *lwi_diff_make(lw_snapshot *base, lw_snapshot *target, lwi_pair_fn pair, void *user)
{
    lw_diff *made = new_diff(target->mem.allocator);
    if (!made)
        return NULL;
    made->info = (lw_diff_info)LW_DIFF_INFO_INIT;
    if (!prepare_side(made, &made->base, base) || !prepare_side(made, &made->target, target) ||
        !lwi_diff_rows(made)) {
        lw_diff_release(made);
        return NULL;
    }
    lwi_diff_match(made, pair, user);
    add_up(made);
    if (!order_rows(made)) {
        lw_diff_release(made);
        return NULL;
    }
    return made;
}

lw_status lw_diff_create(lw_snapshot *base, lw_snapshot *target, lw_diff **diff, lw_error *error)
{
    if (!diff)
        return lwi_fail(error, LW_E_INVALID, "diff is NULL: pass where the comparison shall go");
    *diff = NULL;
    lw_status status = lwi_snapshot_check(base, error);
    if (status == LW_OK)
        status = lwi_snapshot_check(target, error);
    if (status != LW_OK)
        return status;
    if (base->context != target->context)
        return lwi_fail(error, LW_E_INVALID, "the snapshots are of two contexts: their objects "
                                             "have nothing to do with each other");
    lw_diff *made = lwi_diff_make(base, target, NULL, NULL);
    if (!made || !lwi_diff_sites(made)) {
        lw_diff_release(made);
        return lwi_nomem(error, "a comparison");
    }
    *diff = made;
    return LW_OK;
}

lw_status lwi_diff_check(const lw_diff *diff, lw_error *error)
{
    if (!diff)
        return lwi_fail(error, LW_E_INVALID, "diff is NULL: make one with lw_diff_create()");
    return LW_OK;
}

static lw_status row_check(const lw_diff *diff, uint32_t index, lw_error *error)
{
    lw_status status = lwi_diff_check(diff, error);
    if (status == LW_OK && index >= diff->info.rows)
        return lwi_fail(error, LW_E_NOT_FOUND, "row %u: the comparison has %u rows, from 0",
                        (unsigned)index, (unsigned)diff->info.rows);
    return status;
}

lw_status lw_diff_info_get(const lw_diff *diff, lw_diff_info *info, lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_diff_info", error);
    if (status == LW_OK)
        status = lwi_diff_check(diff, error);
    if (status == LW_OK)
        lwi_give(info, &diff->info, sizeof diff->info);
    return status;
}

lw_status lw_diff_row_get(const lw_diff *diff, uint32_t index, lw_diff_row *row, lw_error *error)
{
    lw_status status = lwi_result_check(row, "lw_diff_row", error);
    if (status == LW_OK)
        status = row_check(diff, index, error);
    if (status == LW_OK)
        lwi_give(row, &diff->rows[index], sizeof *row);
    return status;
}

lw_status lwi_diff_visit_check(int32_t set, lw_node_fn visit, lw_error *error)
{
    if (!visit)
        return lwi_fail(error, LW_E_INVALID, "visit is NULL: pass what to call for each object");
    if (set < LW_DIFF_CREATED || set > LW_DIFF_SURVIVED)
        return lwi_fail(error, LW_E_INVALID, "set %d is none of lw_diff_set", (int)set);
    return LW_OK;
}

lw_status lw_diff_each(const lw_diff *diff, uint32_t index, int32_t set, lw_node_fn visit,
                       void *user, lw_error *error)
{
    lw_status status = row_check(diff, index, error);
    if (status != LW_OK)
        return status;
    status = lwi_diff_visit_check(set, visit, error);
    if (status != LW_OK)
        return status;
    const lwi_side *side = set == LW_DIFF_GONE ? &diff->base : &diff->target;
    const lw_snapshot *snapshot = side->snapshot;
    for (lw_node node = 0; node < snapshot->info.nodes; node++) {
        if (side->row_of[lwi_shape_at(snapshot, node)->type] == index &&
            !lwi_is_garbage(snapshot, node) &&
            lwi_bits_get(side->matched, node) == (set == LW_DIFF_SURVIVED) &&
            visit(node, user) != 0)
            break;
    }
    return LW_OK;
}
