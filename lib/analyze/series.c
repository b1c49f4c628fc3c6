/* What stayed: objects that a target has, that the base has not and that all later ones have. Each
 * snapshot is compared with the next, and a bit is handed on from object to object. */
#include "analyze/diff.h"

#include "base/error.h"
#include "base/order.h"
#include "base/structs.h"

#include <string.h>

struct lw_series {
    lwi_mem mem;
    lw_snapshot *last;
    uint64_t *stayed; /* bits: nodes of `last` */
    lw_diff *ends;    /* from the target to `last`: its types are the rows; NULL while being made */
    lw_series_row *rows;
    uint32_t *row_of; /* row of `ends` -> row of ours; UINT32_MAX: none */
    uint32_t ends_rows;
    lw_series_info info;
};

/* The objects that are followed, in one snapshot. */
typedef struct trail {
    uint64_t *here;   /* bits */
    uint64_t *unsure; /* bits: an address alone led here */
    uint64_t nodes;
} trail;

static bool make_trail(trail *trail, lwi_mem *mem, const lw_snapshot *snapshot)
{
    size_t size = (size_t)lwi_bits_words(snapshot->info.nodes) * sizeof(uint64_t);
    trail->nodes = snapshot->info.nodes;
    trail->here = lwi_alloc(mem, size);
    trail->unsure = lwi_alloc(mem, size);
    return trail->here && trail->unsure;
}

static void free_trail(trail *trail, lwi_mem *mem)
{
    size_t size = (size_t)lwi_bits_words(trail->nodes) * sizeof(uint64_t);
    lwi_free(mem, trail->here, size);
    lwi_free(mem, trail->unsure, size);
    *trail = (struct trail){NULL, NULL, 0};
}

typedef struct step {
    trail from, to;
} step;

static void follow(lw_node base, lw_node target, bool unsure, void *user)
{
    step *step = user;
    if (!lwi_bits_get(step->from.here, base))
        return;
    lwi_bits_set(step->to.here, target);
    if (unsure || lwi_bits_get(step->from.unsure, base))
        lwi_bits_set(step->to.unsure, target);
}

/* What the target has and the base has not; false: no memory. */
static bool begin(lw_series *series, lw_snapshot *base, lw_snapshot *target, trail *trail)
{
    lw_diff *diff = lwi_diff_make(base, target, NULL, NULL);
    bool ready = diff && make_trail(trail, &series->mem, target);
    for (lw_node node = 0; ready && node < target->info.nodes; node++) {
        if (!lwi_is_garbage(target, node) && !lwi_bits_get(diff->target.matched, node))
            lwi_bits_set(trail->here, node);
    }
    lw_diff_release(diff);
    return ready;
}

/* From each snapshot to the next; false: no memory. */
static bool go_on(lw_series *series, lw_snapshot *const *snapshots, uint32_t count, trail *trail)
{
    for (uint32_t i = 0; i + 1 < count; i++) {
        step step = {*trail, {NULL, NULL, 0}};
        lw_diff *diff = NULL;
        if (make_trail(&step.to, &series->mem, snapshots[i + 1]))
            diff = lwi_diff_make(snapshots[i], snapshots[i + 1], follow, &step);
        lw_diff_release(diff);
        free_trail(&step.from, &series->mem);
        *trail = step.to;
        if (!diff)
            return false;
    }
    return true;
}

/* --- rows ---------------------------------------------------------------------------------- */

static int by_size(const void *user, uint32_t a, uint32_t b)
{
    const lw_series_row *x = (const lw_series_row *)user + a, *y = (const lw_series_row *)user + b;
    int order = (x->size < y->size) - (x->size > y->size);
    if (order == 0)
        order = (x->count < y->count) - (x->count > y->count);
    if (order == 0)
        order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->runtime, y->runtime);
}

static void count_rows(lw_series *series, lw_series_row *rows, const uint64_t *created,
                       const trail *trail)
{
    const lw_diff *ends = series->ends;
    const lw_snapshot *target = ends->base.snapshot, *last = ends->target.snapshot;
    for (uint32_t i = 0; i < series->ends_rows; i++) {
        rows[i] = (lw_series_row)LW_SERIES_ROW_INIT;
        rows[i].name = ends->rows[i].name;
        rows[i].runtime = ends->rows[i].runtime;
    }
    for (lw_node node = 0; node < target->info.nodes; node++) {
        if (lwi_bits_get(created, node))
            rows[ends->base.row_of[lwi_shape_at(target, node)->type]].created++;
    }
    for (lw_node node = 0; node < last->info.nodes; node++) {
        if (!lwi_bits_get(trail->here, node))
            continue;
        lw_series_row *row = &rows[ends->target.row_of[lwi_shape_at(last, node)->type]];
        row->count++;
        row->size += lwi_shape_at(last, node)->size;
        row->approximate |= lwi_bits_get(trail->unsure, node);
    }
}

/* Puts those rows of which anything was created in order; false: no memory. */
static bool make_rows(lw_series *series, const uint64_t *created, const trail *trail)
{
    lwi_arena *arena = &series->ends->arena;
    uint32_t all = series->ends_rows;
    lw_series_row *rows = lwi_arena_array(arena, all, sizeof *rows);
    uint32_t *ids = lwi_arena_array(arena, (uint64_t)all * 2, sizeof *ids);
    series->rows = lwi_arena_array(arena, all, sizeof *rows);
    series->row_of = lwi_arena_array(arena, all, sizeof *ids);
    if (!rows || !ids || !series->rows || !series->row_of)
        return false;
    count_rows(series, rows, created, trail);
    for (uint32_t i = 0; i < all; i++) {
        series->row_of[i] = UINT32_MAX;
        if (rows[i].created)
            ids[series->info.rows++] = i;
    }
    lwi_order_ids(ids, ids + all, series->info.rows, by_size, rows);
    for (uint32_t i = 0; i < series->info.rows; i++) {
        const lw_series_row *row = &rows[ids[i]];
        series->rows[i] = *row;
        series->row_of[ids[i]] = i;
        series->info.created += row->created;
        series->info.count += row->count;
        series->info.size += row->size;
        series->info.approximate |= row->approximate;
    }
    return true;
}

/* --- making -------------------------------------------------------------------------------- */

static lw_series *new_series(lw_snapshot *last)
{
    lw_allocator allocator = last->mem.allocator;
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_series *series = lwi_alloc(&mem, sizeof *series);
    if (!series)
        return NULL;
    lwi_mem_init(&series->mem, allocator, allocator);
    series->info = (lw_series_info)LW_SERIES_INFO_INIT;
    series->last = lw_snapshot_retain(last);
    return series;
}

void lw_series_release(lw_series *series)
{
    if (!series)
        return;
    lwi_free(&series->mem, series->stayed,
             (size_t)lwi_bits_words(series->last->info.nodes) * sizeof(uint64_t));
    lw_diff_release(series->ends);
    lw_snapshot_release(series->last);
    lwi_mem mem;
    lwi_mem_init(&mem, series->mem.allocator, series->mem.allocator);
    lwi_free(&mem, series, sizeof *series);
}

/* `snapshots` from the target on; false: no memory. */
static bool make(lw_series *series, lw_snapshot *base, lw_snapshot *const *snapshots,
                 uint32_t count)
{
    trail trail = {NULL, NULL, 0};
    lwi_mem *mem = &series->mem;
    size_t size = (size_t)lwi_bits_words(snapshots[0]->info.nodes) * sizeof(uint64_t);
    uint64_t *created = NULL;
    bool ready = begin(series, base, snapshots[0], &trail);
    if (ready) {
        created = lwi_alloc(mem, size);
        if (created)
            memcpy(created, trail.here, size);
        ready = created && go_on(series, snapshots, count, &trail);
    }
    if (ready) {
        series->ends = lwi_diff_make(snapshots[0], series->last, NULL, NULL);
        series->ends_rows = series->ends ? series->ends->info.rows : 0;
        ready = series->ends && make_rows(series, created, &trail);
    }
    if (ready) {
        series->stayed = trail.here;
        trail.here = NULL;
    }
    lwi_free(mem, created, size);
    free_trail(&trail, mem);
    return ready;
}

static lw_status series_check(lw_snapshot *const *snapshots, uint32_t count, uint32_t target,
                              lw_error *error)
{
    if (!snapshots || count < 3)
        return lwi_fail(error, LW_E_INVALID, "%u snapshots: pass three at least, from before, "
                                             "during and after", snapshots ? (unsigned)count : 0);
    for (uint32_t i = 0; i < count; i++) {
        lw_status status = lwi_snapshot_check(snapshots[i], error);
        if (status != LW_OK)
            return status;
        if (snapshots[i]->context != snapshots[0]->context)
            return lwi_fail(error, LW_E_INVALID, "snapshot %u is of another context than the first",
                            (unsigned)i);
        if (i > 0 && snapshots[i]->info.epoch < snapshots[i - 1]->info.epoch)
            return lwi_fail(error, LW_E_INVALID, "snapshot %u is older than the one before it: "
                                                 "pass them in order of time", (unsigned)i);
    }
    if (target >= count - 1)
        return lwi_fail(error, LW_E_INVALID, "target %u: of %u snapshots it must be 1 to %u, so "
                                             "that one comes after it",
                        (unsigned)target, (unsigned)count, (unsigned)count - 2);
    return LW_OK;
}

lw_status lw_series_create(lw_snapshot *const *snapshots, uint32_t count,
                           const lw_series_options *options, lw_series **series, lw_error *error)
{
    lw_series_options full;
    if (!series)
        return lwi_fail(error, LW_E_INVALID, "series is NULL: pass where what stayed shall go");
    *series = NULL;
    lw_status status = lwi_take(&full, sizeof full, options, "lw_series_options", error);
    if (status != LW_OK)
        return status;
    uint32_t target = full.target ? full.target : 1;
    status = series_check(snapshots, count, target, error);
    if (status != LW_OK)
        return status;
    lw_series *made = new_series(snapshots[count - 1]);
    if (!made || !make(made, snapshots[0], snapshots + target, count - target)) {
        lw_series_release(made);
        return lwi_nomem(error, "what stayed");
    }
    made->info.snapshots = count;
    *series = made;
    return LW_OK;
}

/* --- what it says -------------------------------------------------------------------------- */

static lw_status given(const lw_series *series, lw_error *error)
{
    if (!series)
        return lwi_fail(error, LW_E_INVALID, "series is NULL: make one with lw_series_create()");
    return LW_OK;
}

static lw_status row_check(const lw_series *series, uint32_t index, lw_error *error)
{
    lw_status status = given(series, error);
    if (status == LW_OK && index >= series->info.rows)
        return lwi_fail(error, LW_E_NOT_FOUND, "row %u: the series has %u rows, from 0",
                        (unsigned)index, (unsigned)series->info.rows);
    return status;
}

lw_status lw_series_info_get(const lw_series *series, lw_series_info *info, lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_series_info", error);
    if (status == LW_OK)
        status = given(series, error);
    if (status == LW_OK)
        lwi_give(info, &series->info, sizeof *info);
    return status;
}

lw_status lw_series_row_get(const lw_series *series, uint32_t index, lw_series_row *row,
                            lw_error *error)
{
    lw_status status = lwi_result_check(row, "lw_series_row", error);
    if (status == LW_OK)
        status = row_check(series, index, error);
    if (status == LW_OK)
        lwi_give(row, &series->rows[index], sizeof *row);
    return status;
}

lw_status lw_series_each(const lw_series *series, uint32_t index, lw_node_fn visit, void *user,
                         lw_error *error)
{
    lw_status status =
        index == LW_SERIES_ALL ? given(series, error) : row_check(series, index, error);
    if (status != LW_OK)
        return status;
    if (!visit)
        return lwi_fail(error, LW_E_INVALID, "visit is NULL: pass what to call for each object");
    const lw_snapshot *last = series->last;
    for (lw_node node = 0; node < last->info.nodes; node++) {
        uint32_t row = series->ends->target.row_of[lwi_shape_at(last, node)->type];
        if (lwi_bits_get(series->stayed, node) &&
            (index == LW_SERIES_ALL || series->row_of[row] == index) && visit(node, user) != 0)
            break;
    }
    return LW_OK;
}
