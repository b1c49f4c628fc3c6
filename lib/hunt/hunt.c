/* The whole hunt: rounds of the suspected work, a snapshot after each, and what grew. */
#include "analyze/growth.h"
#include "base/error.h"
#include "base/structs.h"
#include "hunt/advice.h"
#include "hunt/blocks.h"
#include "hunt/memory.h"
#include "platform/pages.h"
#include "platform/process.h"
#include "record/view.h"

#include <leakwatch/context.h>
#include <leakwatch/mode.h>

typedef struct hunt {
    lw_context *context;
    lw_round_fn work;
    void *user;
    lw_find_options options;
    lw_region *region;
    lwi_growing growing;
    lw_snapshot *first, *last;
    uint32_t calls;   /* of the work, so far */
    uint64_t took_ns; /* by us */
    uint64_t resident; /* bytes of the process before the first snapshot */
    lw_survivors *before; /* lwi_live_blocks() at that time */
    lwi_reading *readings; /* one for each look */
    uint32_t looks;
} hunt;

static lw_status tell(const hunt *hunt, const char *phase, uint64_t done, uint64_t total,
                      lw_error *error)
{
    if (hunt->options.progress && hunt->options.progress(phase, done, total, hunt->options.user))
        return lwi_fail(error, LW_E_CANCELLED, "cancelled during %s", phase);
    return LW_OK;
}

static lw_status do_work(hunt *hunt, lw_error *error)
{
    if (hunt->work(hunt->calls, hunt->user))
        return lwi_fail(error, LW_E_CANCELLED, "the work said stop when it was called for the "
                        "%u. time", (unsigned)hunt->calls + 1);
    hunt->calls++;
    return LW_OK;
}

static lw_status warm_up(hunt *hunt, lw_error *error)
{
    lw_status status = LW_OK;
    uint64_t total = (uint64_t)hunt->options.warm_up * hunt->options.calls;
    for (uint64_t i = 0; status == LW_OK && i < total; i++) {
        status = tell(hunt, "warming up", i, total, error);
        if (status == LW_OK)
            status = do_work(hunt, error);
    }
    return status;
}

/* One round of the region, so that the blocks that it leaves are known by round. */
static lw_status do_round(hunt *hunt, lw_error *error)
{
    lw_round round;
    lw_status status = lw_region_begin(hunt->region, &round, error);
    if (status != LW_OK)
        return status;
    for (uint32_t i = 0; status == LW_OK && i < hunt->options.calls; i++)
        status = do_work(hunt, error);
    lw_status ended = lw_region_end(hunt->region, round, NULL, status == LW_OK ? error : NULL);
    return status == LW_OK ? ended : status;
}

/* Takes the next snapshot into the growth; the one before it goes, unless it is the first. */
static lw_status look(hunt *hunt, lw_error *error)
{
    uint64_t start = lwi_time_ns();
    lw_snapshot *taken;
    lw_status status = LW_OK;
    if (hunt->options.flags & LW_FIND_COLLECT)
        status = lwi_collect_all(hunt->context, error);
    lwi_reading *reading = &hunt->readings[hunt->looks++];
    if (hunt->options.flags & LW_FIND_MEMORY)
        lwi_reading_take(hunt->context, reading);
    if (status == LW_OK)
        status = lw_snapshot_take(hunt->context, NULL, &taken, error);
    if (status != LW_OK)
        return status;
    if (!hunt->first)
        hunt->first = lw_snapshot_retain(taken);
    lw_snapshot_release(hunt->last);
    hunt->last = taken;
    reading->graph = (int64_t)(taken->info.size + taken->info.external);
    status = lwi_growing_add(&hunt->growing, taken, error);
    hunt->took_ns += lwi_time_ns() - start;
    return status;
}

static lw_status do_rounds(hunt *hunt, lw_error *error)
{
    hunt->resident = lwi_process_resident();
    lw_status status = lwi_live_blocks(hunt->context, &hunt->before, error);
    if (status == LW_OK)
        status = look(hunt, error);
    for (uint32_t round = 0; status == LW_OK && round < hunt->options.rounds; round++) {
        status = tell(hunt, "rounds", round, hunt->options.rounds, error);
        if (status == LW_OK)
            status = do_round(hunt, error);
        if (status == LW_OK)
            status = look(hunt, error);
    }
    return status;
}

/* --- what only the live process knows ------------------------------------------------------ */

/* Snapshots are in memory now: what the process uses without them is what it used before the
 * first, and what was gained since. */
static void forecast(const hunt *hunt, const lw_findings_info *info, lw_finding *finding)
{
    uint64_t limit = hunt->options.memory_limit, used = hunt->resident;
    if (limit == 0 || finding->bytes_per_round < 1.0)
        return;
    used += info->bytes_diff > 0 ? (uint64_t)info->bytes_diff : 0;
    double left = limit > used ? (double)(limit - used) / finding->bytes_per_round : 0.0;
    finding->rounds_left = left < 1.0 ? 1 : left < 1e18 ? (uint64_t)left : 0;
}

static lw_status look_for_blocks(hunt *hunt, lw_findings *found, lw_error *error)
{
    lw_context_stats stats = LW_CONTEXT_STATS_INIT;
    lw_status status = lw_context_stats_get(hunt->context, &stats, error);
    lw_region_stats region = LW_REGION_STATS_INIT;
    if (status == LW_OK)
        status = lw_region_stats_get(hunt->region, 0, &region, error);
    found->info.recorded = stats.events > 0 && region.modes != LW_MODES_COUNTS;
    if (status != LW_OK || !found->info.recorded)
        return status;
    return lwi_findings_blocks(found, hunt->context, hunt->region, hunt->before,
                               hunt->options.least, error);
}

static lw_status fill(hunt *hunt, lw_findings *found, const lw_growth *growth, lw_error *error)
{
    lwi_findings_sum(found, hunt->options.rounds, &hunt->options);
    lw_status status = lwi_findings_grow(found, growth, &hunt->options, error);
    if (status == LW_OK)
        status = look_for_blocks(hunt, found, error);
    if (status == LW_OK)
        status = lwi_findings_memory(found, hunt->readings, hunt->looks, hunt->options.least,
                                     error);
    if (status != LW_OK)
        return status;
    lwi_findings_rank(found, &hunt->options);
    status = lwi_findings_inquire(found, growth, &hunt->options, error);
    for (uint32_t i = 0; status == LW_OK && i < found->info.findings; i++) {
        forecast(hunt, &found->info, &found->items[i].info);
        status = lwi_advise(hunt->context, found, &found->items[i], error);
    }
    return status;
}

static lw_status conclude(hunt *hunt, lw_findings **findings, lw_error *error)
{
    uint64_t start = lwi_time_ns();
    lw_growth *growth;
    lw_status status = lwi_growing_finish(&hunt->growing, &growth, error);
    if (status != LW_OK)
        return status;
    lw_findings *found = lwi_findings_new(hunt->first, hunt->last);
    status = found ? fill(hunt, found, growth, error) : lwi_nomem(error, "findings");
    lw_growth_release(growth);
    if (status != LW_OK) {
        lw_findings_release(found);
        return status;
    }
    found->info.took_ns = hunt->took_ns + (lwi_time_ns() - start);
    *findings = found;
    return LW_OK;
}

/* --- the call ------------------------------------------------------------------------------ */

/* Two hunts would take each other's rounds for their own. */
static lw_status open_region(hunt *hunt, lw_error *error)
{
    lw_region_options process = LW_REGION_OPTIONS_INIT;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    process.scope = LW_SCOPE_PROCESS;
    lw_status status = lw_region_create(hunt->context, "find_leaks", &process, &hunt->region, error);
    if (status == LW_OK)
        status = lw_region_stats_get(hunt->region, 0, &stats, error);
    if (status == LW_OK && stats.open > 0)
        return lwi_fail(error, LW_E_STATE, "a round of another lw_find_leaks() is running in this "
                                           "context: let that one end first");
    return status;
}

lw_status lw_find_leaks(lw_context *context, lw_round_fn work, void *user,
                        const lw_find_options *options, lw_findings **findings, lw_error *error)
{
    hunt hunt = {.context = context, .work = work, .user = user};
    if (!findings)
        return lwi_fail(error, LW_E_INVALID, "findings is NULL: pass where they shall go");
    *findings = NULL;
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL: pass the context to look into");
    if (!work)
        return lwi_fail(error, LW_E_INVALID, "work is NULL: pass a callback that does a round");
    lw_status status = lwi_find_options_take(&hunt.options, options, error);
    if (status != LW_OK)
        return status;
    status = open_region(&hunt, error);
    if (status != LW_OK)
        return status;
    lwi_mem *mem = lwi_view_mem(context);
    size_t readings = lwi_array_size((uint64_t)hunt.options.rounds + 1, sizeof *hunt.readings);
    if (!lwi_growing_open(&hunt.growing, lwi_view_allocator(context), hunt.options.calls) ||
        !(hunt.readings = lwi_alloc(mem, readings)))
        status = lwi_nomem(error, "a hunt");
    if (status == LW_OK)
        status = warm_up(&hunt, error);
    if (status == LW_OK)
        status = do_rounds(&hunt, error);
    if (status == LW_OK)
        status = conclude(&hunt, findings, error);
    lwi_growing_close(&hunt.growing);
    lwi_free(mem, hunt.readings, readings);
    lw_survivors_release(hunt.before);
    lw_snapshot_release(hunt.first);
    lw_snapshot_release(hunt.last);
    return status;
}
