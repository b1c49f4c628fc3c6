/* A host that marks regions, and checks of every number it reads what is always true of it. */
#ifndef TESTS_UNIT_REGION_HOST_H
#define TESTS_UNIT_REGION_HOST_H

#include "record_host.h"

static inline lw_region *add_region(lw_context *context, const char *name, int32_t scope)
{
    lw_region_options options = LW_REGION_OPTIONS_INIT;
    lw_region *region = NULL;
    options.scope = scope;
    cr_assert_eq(lw_region_create(context, name, &options, &region, NULL), LW_OK);
    return region;
}

static inline lw_round begin(lw_region *region)
{
    lw_round round = 0;
    cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
    cr_assert_neq(round, 0);
    return round;
}

static inline lw_region_stats end(lw_region *region, lw_round round)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_region_end(region, round, &stats, &error), LW_OK, "%s", error.message);
    cr_assert_eq(stats.open, 0);
    cr_assert_eq(stats.rounds, 1);
    cr_assert_eq(stats.current_bytes, stats.at_end_bytes);
    cr_assert_eq(stats.current_blocks, stats.at_end_blocks);
    return stats;
}

/* The rows of a table add up to its whole, which is `bytes` and `blocks`. */
static inline void expect_survivors(lw_survivors *survivors, int64_t bytes, int64_t blocks)
{
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    int64_t row_bytes = 0, row_blocks = 0, last = INT64_MAX;
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    for (uint32_t i = 0; i < info.rows; i++) {
        lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
        cr_assert_eq(lw_survivors_row_get(survivors, i, &row, NULL), LW_OK);
        cr_assert_leq(row.bytes, last, "most bytes come first");
        cr_assert_gt(row.blocks, 0);
        last = row.bytes;
        row_bytes += row.bytes;
        row_blocks += row.blocks;
    }
    cr_assert_eq(row_bytes, info.bytes);
    cr_assert_eq(row_blocks, info.blocks);
    cr_assert_eq(info.bytes, bytes, "survivors: %" PRId64 " bytes, should be %" PRId64, info.bytes,
                 bytes);
    cr_assert_eq(info.blocks, blocks);
}

/* The numbers of a round, or with round 0 of all; their survivors agree. */
static inline lw_region_stats stats_of(host *host, lw_region *region, lw_round round)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_survivors *survivors = NULL;
    cr_assert_eq(lw_region_stats_get(region, round, &stats, NULL), LW_OK);
    cr_assert_eq(lw_survivors_take(host->context, region, round, &survivors, NULL), LW_OK);
    expect_survivors(survivors, stats.current_bytes, stats.current_blocks);
    lw_survivors_release(survivors);
    cr_assert_geq(stats.peak_bytes, 0);
    return stats;
}

static inline void expect_current(host *host, lw_region *region, lw_round round, int64_t bytes,
                                  int64_t blocks)
{
    lw_region_stats stats = stats_of(host, region, round);
    cr_assert_eq(stats.current_bytes, bytes, "current: %" PRId64 " bytes, should be %" PRId64,
                 stats.current_bytes, bytes);
    cr_assert_eq(stats.current_blocks, blocks);
}

static inline void put(host *host, uint64_t address, uint64_t size)
{
    lw_block_alloc(host->heap, at(address), size, NULL);
}

static inline void drop(host *host, uint64_t address)
{
    lw_block_free(host->heap, at(address));
}

#endif
