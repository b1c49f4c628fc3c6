/* A comparison by site: stacks of both snapshots that read alike are one. */
#include "analyze/content.h"
#include "analyze/diff.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/index.h"
#include "base/order.h"
#include "base/structs.h"

#include <string.h>

/* The first two rows are no sites. */
enum { BEFORE, UNRECORDED, FIRST };

/* --- which stacks are one ------------------------------------------------------------------ */

static const lw_frame *frame_at(lwi_stack_at at, uint32_t level)
{
    const lwi_stack *stack = &at.snapshot->stacks[at.stack];
    return &at.snapshot->frames[at.snapshot->stack_frames[stack->first + level]];
}

static uint32_t frames_of(lwi_stack_at at)
{
    return at.snapshot ? at.snapshot->stacks[at.stack].count : 0;
}

static uint64_t hash_stack(lwi_stack_at at)
{
    uint64_t hash = frames_of(at);
    for (uint32_t i = 0; i < frames_of(at); i++) {
        const lw_frame *frame = frame_at(at, i);
        hash = lwi_hash_mix(lwi_hash_text(lwi_hash_text(hash, frame->file), frame->function), frame->line);
    }
    return hash;
}

static int compare_stacks(lwi_stack_at a, lwi_stack_at b)
{
    uint32_t x = frames_of(a), y = frames_of(b);
    int order = (x > y) - (x < y);
    for (uint32_t i = 0; order == 0 && i < x; i++)
        order = lwi_compare_frames(frame_at(a, i), frame_at(b, i));
    return order;
}

static bool is_stack(const void *items, uint32_t id, const void *key)
{
    return compare_stacks(((const lwi_stack_at *)items)[id], *(const lwi_stack_at *)key) == 0;
}

static uint32_t stacks_of(const lw_snapshot *snapshot)
{
    uint32_t tenures = 0, stacks = 0;
    for (lw_node node = 0; snapshot->tenure_of && node < snapshot->info.nodes; node++)
        tenures = snapshot->tenure_of[node] > tenures ? snapshot->tenure_of[node] : tenures;
    for (uint32_t i = 1; i <= tenures; i++)
        stacks = snapshot->tenures[i].stack > stacks ? snapshot->tenures[i].stack : stacks;
    return stacks + 1;
}

static bool number_stacks(lw_diff *diff, lwi_side *side, uint32_t count, lwi_index *index)
{
    side->site_of = lwi_arena_array(&diff->arena, count, sizeof *side->site_of);
    if (!side->site_of)
        return false;
    for (uint32_t i = 0; side->snapshot->tenure_of && i < count; i++) {
        lwi_stack_at at = {side->snapshot, i};
        uint64_t hash = hash_stack(at);
        uint32_t site = lwi_index_find(index, hash, is_stack, diff->stacks, &at);
        if (site == LWI_INDEX_NONE) {
            site = diff->site_count++;
            diff->stacks[site] = at;
            if (!lwi_index_add(index, hash, site))
                return false;
        }
        side->site_of[i] = site;
    }
    return true;
}

/* --- counting ------------------------------------------------------------------------------ */

static void add(lw_diff *diff, lw_diff_site *site, bool base, lw_node node)
{
    const lwi_side *side = base ? &diff->base : &diff->target;
    const lw_snapshot *snapshot = side->snapshot;
    const lwi_shape *shape = lwi_shape_at(snapshot, node);
    const lwi_tenure *tenure = lwi_tenure_at(snapshot, node);
    uint64_t bytes = tenure ? tenure->bytes : 0;
    bool survived = lwi_bits_get(side->matched, node);
    if (base) {
        site->base_count++;
        site->base_size += shape->size;
        site->base_bytes += bytes;
        site->gone += !survived;
    } else {
        site->target_count++;
        site->target_size += shape->size;
        site->target_bytes += bytes;
        site->created += !survived;
        site->survived += survived;
    }
    if (snapshot->types[shape->type].flags & LW_TYPE_FREELIST ||
        (site->flags & LW_SITE_UNRECORDED && survived))
        site->flags |= LW_SITE_APPROXIMATE;
}

static uint32_t site_of(const lwi_side *side, const lwi_part *part, lw_node node)
{
    const lwi_tenure *tenure = lwi_tenure_at(side->snapshot, node);
    if (tenure)
        return side->site_of[tenure->stack];
    return part->recorded ? BEFORE : UNRECORDED;
}

static void count_side(lw_diff *diff, bool base)
{
    const lwi_side *side = base ? &diff->base : &diff->target;
    const lw_snapshot *snapshot = side->snapshot;
    for (uint32_t i = 0; i < snapshot->part_count; i++) {
        const lwi_part *part = &snapshot->parts[i];
        for (lw_node node = part->first; node - part->first < part->count; node++) {
            if (!lwi_is_garbage(snapshot, node))
                add(diff, &diff->sites[site_of(side, part, node)], base, node);
        }
    }
}

/* --- order --------------------------------------------------------------------------------- */

static int descending(int64_t a, int64_t b)
{
    return (a < b) - (a > b);
}

static int by_growth(const void *user, uint32_t a, uint32_t b)
{
    const lw_diff *diff = user;
    const lw_diff_site *x = &diff->sites[a], *y = &diff->sites[b];
    int order = descending(x->bytes_diff, y->bytes_diff);
    if (order == 0)
        order = descending(x->size_diff, y->size_diff);
    if (order == 0)
        order = descending(x->count_diff, y->count_diff);
    if (order == 0)
        order = (x->flags > y->flags) - (x->flags < y->flags);
    return order ? order : compare_stacks(diff->stacks[a], diff->stacks[b]);
}

/* Leaves out what no object was allocated at. */
static bool order_sites(lw_diff *diff)
{
    uint32_t count = 0;
    uint32_t *ids = lwi_arena_array(&diff->arena, (uint64_t)diff->site_count * 2, sizeof *ids);
    if (!ids)
        return false;
    for (uint32_t i = 0; i < diff->site_count; i++) {
        lw_diff_site *site = &diff->sites[i];
        site->count_diff = (int64_t)(site->target_count - site->base_count);
        site->size_diff = (int64_t)(site->target_size - site->base_size);
        site->bytes_diff = (int64_t)(site->target_bytes - site->base_bytes);
        site->frames = frames_of(diff->stacks[i]);
        if (site->base_count || site->target_count)
            ids[count++] = i;
    }
    lwi_order_ids(ids, ids + diff->site_count, count, by_growth, diff);
    diff->site_order = ids;
    diff->site_count = count;
    return true;
}

bool lwi_diff_sites(lw_diff *diff)
{
    lwi_index index;
    uint32_t base = stacks_of(diff->base.snapshot), target = stacks_of(diff->target.snapshot);
    uint64_t most = FIRST + (uint64_t)base + target;
    diff->stacks = lwi_arena_zeros(&diff->arena, most, sizeof *diff->stacks);
    diff->sites = lwi_arena_zeros(&diff->arena, most, sizeof *diff->sites);
    if (!diff->stacks || !diff->sites)
        return false;
    diff->site_count = FIRST;
    diff->sites[BEFORE].flags = LW_SITE_BEFORE;
    diff->sites[UNRECORDED].flags = LW_SITE_UNRECORDED;
    lwi_index_init(&index, &diff->mem);
    bool ready = number_stacks(diff, &diff->base, base, &index) &&
                 number_stacks(diff, &diff->target, target, &index);
    lwi_index_free(&index);
    if (!ready)
        return false;
    count_side(diff, true);
    count_side(diff, false);
    return order_sites(diff);
}

/* --- what it says -------------------------------------------------------------------------- */

uint32_t lw_diff_site_count(const lw_diff *diff)
{
    return diff ? diff->site_count : 0;
}

static lw_status site_check(const lw_diff *diff, uint32_t index, lw_error *error)
{
    lw_status status = lwi_diff_check(diff, error);
    if (status == LW_OK && index >= diff->site_count)
        return lwi_fail(error, LW_E_NOT_FOUND, "site %u: the comparison has %u sites, from 0",
                        (unsigned)index, (unsigned)diff->site_count);
    return status;
}

lw_status lw_diff_site_get(const lw_diff *diff, uint32_t index, lw_diff_site *site,
                           lw_error *error)
{
    lw_status status = lwi_result_check(site, "lw_diff_site", error);
    if (status == LW_OK)
        status = site_check(diff, index, error);
    if (status == LW_OK)
        lwi_give(site, &diff->sites[diff->site_order[index]], sizeof *site);
    return status;
}

lw_status lw_diff_site_frame_get(const lw_diff *diff, uint32_t index, uint32_t level,
                                 lw_frame *frame, lw_error *error)
{
    lw_status status = lwi_result_check(frame, "lw_frame", error);
    if (status == LW_OK)
        status = site_check(diff, index, error);
    if (status != LW_OK)
        return status;
    lwi_stack_at at = diff->stacks[diff->site_order[index]];
    if (level >= frames_of(at))
        return lwi_fail(error, LW_E_NOT_FOUND, "frame %u: site %u has %u frames", (unsigned)level,
                        (unsigned)index, (unsigned)frames_of(at));
    lwi_give(frame, frame_at(at, level), sizeof *frame);
    return LW_OK;
}

lw_status lw_diff_site_each(const lw_diff *diff, uint32_t index, int32_t set, lw_node_fn visit,
                            void *user, lw_error *error)
{
    lw_status status = site_check(diff, index, error);
    if (status == LW_OK)
        status = lwi_diff_visit_check(set, visit, error);
    if (status != LW_OK)
        return status;
    const lwi_side *side = set == LW_DIFF_GONE ? &diff->base : &diff->target;
    const lw_snapshot *snapshot = side->snapshot;
    uint32_t site = diff->site_order[index];
    for (uint32_t i = 0; i < snapshot->part_count; i++) {
        const lwi_part *part = &snapshot->parts[i];
        for (lw_node node = part->first; node - part->first < part->count; node++) {
            if (!lwi_is_garbage(snapshot, node) && site_of(side, part, node) == site &&
                lwi_bits_get(side->matched, node) == (set == LW_DIFF_SURVIVED) &&
                visit(node, user) != 0)
                return LW_OK;
        }
    }
    return LW_OK;
}
