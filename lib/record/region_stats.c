/* The numbers of a round, and of all rounds of a region together. */
#include "base/error.h"
#include "base/structs.h"
#include "record/context.h"
#include "record/enter.h"
#include "record/sampled.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void raise(int64_t *most, int64_t *margin, int64_t value, int64_t its_margin)
{
    if (value < *most || (value == *most && its_margin < *margin))
        return;
    *most = value;
    *margin = its_margin;
}

/* Sums of variances, while margins do not add up. */
typedef struct spreads {
    lwi_spread current, at_end, net;
} spreads;

static void give_margins(lw_region_stats *stats, const spreads *spreads)
{
    stats->current_bytes_margin = lwi_margin(spreads->current.bytes);
    stats->current_blocks_margin = lwi_margin(spreads->current.blocks);
    stats->at_end_bytes_margin = lwi_margin(spreads->at_end.bytes);
    stats->at_end_blocks_margin = lwi_margin(spreads->at_end.blocks);
    stats->net_bytes_margin = lwi_margin(spreads->net.bytes);
    stats->net_blocks_margin = lwi_margin(spreads->net.blocks);
}

/* The peak of a PROCESS round is taken when threads publish. */
static int64_t peak_error(uint32_t threads)
{
    return threads > 1 ? LWI_PUBLISH * threads : 0;
}

/* Off by what others have not published, at the beginning and again at the peak. */
static int64_t net_peak_error(uint32_t threads)
{
    return threads > 1 ? 2 * LWI_PUBLISH * (threads - 1) : 0;
}

void lwi_round_stats(const lwi_round *round, lw_region_stats *stats)
{
    lw_context *context = round->region->context;
    bool ended = round->state == LWI_ROUND_ENDED;
    stats->open = !ended;
    stats->rounds = 1;
    stats->name = round->region->name;
    stats->modes = round->modes;
    stats->current_bytes = lwi_round_bytes(round);
    stats->current_blocks = lwi_round_blocks(round);
    stats->at_end_bytes = round->at_end_bytes;
    stats->at_end_blocks = round->at_end_blocks;
    stats->net_bytes = round->net_bytes;
    stats->net_blocks = round->net_blocks;
    if (!ended) {
        lwi_live_sum(context, &stats->net_bytes, &stats->net_blocks);
        stats->net_bytes -= round->base_bytes;
        stats->net_blocks -= round->base_blocks;
    }
    const spreads spreads = {round->spread, round->at_end_spread, round->net_spread};
    give_margins(stats, &spreads);
    stats->peak_bytes = LWI_READ(round->peak);
    stats->peak_margin = lwi_margin(round->peak_spread);
    stats->net_peak_bytes = round->net_peak;
    stats->net_peak_margin = lwi_margin(round->net_peak_spread);
    raise(&stats->peak_bytes, &stats->peak_margin, stats->current_bytes,
          stats->current_bytes_margin);
    raise(&stats->net_peak_bytes, &stats->net_peak_margin, stats->net_bytes,
          stats->net_bytes_margin);
    stats->peak_error = round->stripes ? peak_error(round->threads) : 0;
    stats->net_peak_error = net_peak_error(round->threads);
}

static void add(lw_region_stats *sum, spreads *spreads, const lwi_round *round)
{
    lw_region_stats full = LW_REGION_STATS_INIT, *one = &full;
    lwi_round_stats(round, one);
    lwi_spread_add(&spreads->current, &round->spread, 1);
    lwi_spread_add(&spreads->at_end, &round->at_end_spread, 1);
    lwi_spread_add(&spreads->net, &round->net_spread, 1);
    sum->current_bytes += one->current_bytes;
    sum->current_blocks += one->current_blocks;
    sum->at_end_bytes += one->at_end_bytes;
    sum->at_end_blocks += one->at_end_blocks;
    sum->net_bytes += one->net_bytes;
    sum->net_blocks += one->net_blocks;
    raise(&sum->peak_bytes, &sum->peak_margin, one->peak_bytes, one->peak_margin);
    raise(&sum->net_peak_bytes, &sum->net_peak_margin, one->net_peak_bytes, one->net_peak_margin);
    sum->peak_error = larger(sum->peak_error, one->peak_error);
    sum->net_peak_error = larger(sum->net_peak_error, one->net_peak_error);
}

lw_status lwi_region_stats(const lw_region *region, lw_region_stats *stats, lw_error *error)
{
    stats->at_end_bytes = region->at_end_bytes;
    stats->at_end_blocks = region->at_end_blocks;
    stats->net_bytes = region->net_bytes;
    stats->net_blocks = region->net_blocks;
    stats->peak_bytes = region->peak;
    stats->net_peak_bytes = region->net_peak;
    stats->peak_error = region->scope == LW_SCOPE_PROCESS ? peak_error(region->threads) : 0;
    stats->net_peak_error = net_peak_error(region->threads);
    stats->peak_margin = lwi_margin(region->peak_spread);
    stats->net_peak_margin = lwi_margin(region->net_peak_spread);
    spreads spreads = {{0, 0}, region->at_end_spread, region->net_spread};
    for (const lwi_round *round = region->rounds; round; round = round->next)
        add(stats, &spreads, round);
    stats->rounds = region->begun;
    stats->name = region->name;
    stats->modes = region->modes;
    stats->open = region->open;
    if (region->overlaps && !lwi_region_live(region->context, region, &stats->current_bytes,
                                             &stats->current_blocks, &spreads.current))
        return lwi_nomem(error, "counting what survives");
    give_margins(stats, &spreads);
    return LW_OK;
}

lw_status lw_region_stats_get(lw_region *region, lw_round number, lw_region_stats *stats,
                              lw_error *error)
{
    lw_region_stats full = LW_REGION_STATS_INIT;
    lw_status status = lwi_result_check(stats, "lw_region_stats", error);
    if (status != LW_OK)
        return status;
    if (!region)
        return lwi_fail(error, LW_E_INVALID, "region is NULL: make one with lw_region_create()");
    lwi_thread *thread;
    status = lwi_enter(region->context, &thread, error);
    if (status != LW_OK)
        return status;
    lwi_thread_publish_locked(thread); /* so that this thread's last peak counts */
    lwi_round *round = NULL;
    if (number == 0)
        status = lwi_region_stats(region, &full, error);
    else if ((status = lwi_round_find(region, number, &round, LW_E_NOT_FOUND, error)) == LW_OK)
        lwi_round_stats(round, &full);
    lwi_leave(thread);
    if (status == LW_OK)
        lwi_give(stats, &full, sizeof full);
    return status;
}
