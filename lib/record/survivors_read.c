/* Reading a table of survivors. */
#include "base/error.h"
#include "base/sort.h"
#include "base/structs.h"
#include "record/sampled.h"
#include "record/survivors.h"

#include <string.h>

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_frames(const lw_frame *a, const lw_frame *b)
{
    int order = compare_text(a->file, b->file);
    if (order == 0 && a->line != b->line)
        order = a->line < b->line ? -1 : 1;
    return order ? order : compare_text(a->function, b->function);
}

int lwi_survivors_by_text(const lw_survivors *survivors, const lwi_row *x, const lwi_row *y)
{
    int order = strcmp(x->domain_name, y->domain_name);
    for (uint32_t i = 0; order == 0 && i < x->depth && i < y->depth; i++)
        order = compare_frames(&survivors->frames[x->frames + i], &survivors->frames[y->frames + i]);
    if (order == 0 && x->depth != y->depth)
        order = x->depth < y->depth ? -1 : 1;
    if (order == 0)
        order = x->truncated - y->truncated;
    return order ? order : x->once - y->once;
}

/* Most bytes first, then most blocks, then by text: never by the order of events. */
static int by_rank(const void *a, const void *b, const void *user)
{
    const lwi_row *x = a, *y = b;
    if (x->live.bytes != y->live.bytes)
        return x->live.bytes > y->live.bytes ? -1 : 1;
    if (x->live.blocks != y->live.blocks)
        return x->live.blocks > y->live.blocks ? -1 : 1;
    return lwi_survivors_by_text(user, x, y);
}

static uint32_t own_frame(const lw_survivors *survivors, const lwi_row *row)
{
    uint32_t level = 0;
    while (level < row->depth &&
           !(survivors->frames[row->frames + level].flags & LW_FRAME_OWN))
        level++;
    return level;
}

/* A row's line: the innermost frame of the user's own code; without one, the innermost. */
static const lw_frame *line_of(const lw_survivors *survivors, const lwi_row *row)
{
    uint32_t own = own_frame(survivors, row);
    if (row->depth == 0)
        return NULL;
    return &survivors->frames[row->frames + (own < row->depth ? own : 0)];
}

int lwi_survivors_by_line(const lw_survivors *survivors, const lwi_row *a, const lwi_row *b)
{
    const lw_frame *x = line_of(survivors, a), *y = line_of(survivors, b);
    if (!x || !y)
        return x || y ? (x ? 1 : -1) : strcmp(a->domain_name, b->domain_name);
    return compare_frames(x, y);
}

void lwi_survivors_finish(lw_survivors *survivors, const lw_context_stats *stats)
{
    survivors->ourselves = *stats;
    lwi_sort(survivors->rows, survivors->count, sizeof(lwi_row), by_rank, survivors);
}

void lw_survivors_release(lw_survivors *survivors)
{
    if (!survivors)
        return;
    lwi_mem mem;
    lwi_mem_init(&mem, survivors->mem.allocator, survivors->mem.allocator);
    lwi_free(&mem, survivors->rows, lwi_array_size(survivors->room, sizeof(lwi_row)));
    lwi_free(&mem, survivors->left, lwi_array_size(survivors->left_room, sizeof(lwi_left)));
    lwi_free(&mem, survivors->frames, lwi_array_size(survivors->frame_count, sizeof(lw_frame)));
    lwi_free(&mem, survivors->text, survivors->text_size);
    lwi_free(&mem, survivors, sizeof *survivors);
}

static lw_status row_find(const lw_survivors *survivors, uint32_t index, const lwi_row **row,
                          lw_error *error)
{
    if (!survivors)
        return lwi_fail(error, LW_E_INVALID, "survivors is NULL");
    if (index >= survivors->count)
        return lwi_fail(error, LW_E_NOT_FOUND, "there is no row %u: the table has %u",
                        (unsigned)index, (unsigned)survivors->count);
    *row = &survivors->rows[index];
    return LW_OK;
}

lw_status lw_survivors_info_get(const lw_survivors *survivors, lw_survivors_info *info,
                                lw_error *error)
{
    lw_survivors_info full = LW_SURVIVORS_INFO_INIT;
    lw_status status = lwi_result_check(info, "lw_survivors_info", error);
    if (status != LW_OK)
        return status;
    if (!survivors)
        return lwi_fail(error, LW_E_INVALID, "survivors is NULL");
    full.rows = survivors->count;
    lwi_spread spread = {0, 0};
    for (uint32_t i = 0; i < survivors->count; i++) {
        full.bytes += survivors->rows[i].live.bytes;
        full.blocks += survivors->rows[i].live.blocks;
        lwi_spread_add(&spread, &survivors->rows[i].samples.spread, 1);
    }
    full.bytes_margin = lwi_margin(spread.bytes);
    full.blocks_margin = lwi_margin(spread.blocks);
    full.interval = survivors->modes & LW_MODES_SAMPLED ? survivors->interval : 0;
    full.region = survivors->region;
    full.events = survivors->ourselves.events;
    full.dropped = survivors->ourselves.dropped;
    full.dropped_memory = survivors->ourselves.dropped_memory;
    full.dropped_reentry = survivors->ourselves.dropped_reentry;
    full.dropped_stack = survivors->ourselves.dropped_stack;
    full.dropped_address = survivors->ourselves.dropped_address;
    full.unknown_frees = survivors->ourselves.unknown_frees;
    full.own_bytes = survivors->ourselves.own_bytes;
    full.own_peak_bytes = survivors->ourselves.own_peak_bytes;
    full.modes = survivors->modes;
    full.counted_bytes = survivors->counted.bytes;
    full.counted_blocks = survivors->counted.blocks;
    lwi_give(info, &full, sizeof full);
    return LW_OK;
}

lw_status lw_survivors_row_get(const lw_survivors *survivors, uint32_t index,
                               lw_survivors_row *row, lw_error *error)
{
    lw_survivors_row full = LW_SURVIVORS_ROW_INIT;
    const lwi_row *found = NULL;
    lw_status status = lwi_result_check(row, "lw_survivors_row", error);
    if (status == LW_OK)
        status = row_find(survivors, index, &found, error);
    if (status != LW_OK)
        return status;
    full.frames = found->depth;
    full.bytes = found->live.bytes;
    full.blocks = found->live.blocks;
    full.domain = found->domain_name;
    full.own_frame = own_frame(survivors, found);
    full.truncated = found->truncated;
    full.bytes_margin = lwi_margin(found->samples.spread.bytes);
    full.blocks_margin = lwi_margin(found->samples.spread.blocks);
    full.samples = found->samples.count;
    lwi_give(row, &full, sizeof full);
    return LW_OK;
}

lw_status lw_survivors_frame_get(const lw_survivors *survivors, uint32_t index, uint32_t level,
                                 lw_frame *frame, lw_error *error)
{
    const lwi_row *found = NULL;
    lw_status status = lwi_result_check(frame, "lw_frame", error);
    if (status == LW_OK)
        status = row_find(survivors, index, &found, error);
    if (status != LW_OK)
        return status;
    if (level >= found->depth)
        return lwi_fail(error, LW_E_NOT_FOUND, "row %u has no frame %u: its stack has %u",
                        (unsigned)index, (unsigned)level, (unsigned)found->depth);
    lwi_give(frame, &survivors->frames[found->frames + level], sizeof *frame);
    return LW_OK;
}
