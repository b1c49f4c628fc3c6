#include "region_host.h"

static int walks;

static const lw_stack *take_stack(void *user)
{
    walks++;
    return user;
}

static void set_mode(host *host, int32_t mode, uint64_t interval)
{
    cr_assert_eq(lw_mode_set(host->context, mode, interval, NULL), LW_OK);
}

/* ---- setting and getting ---- */

Test(mode, is_sites_unless_told_otherwise)
{
    host host;
    int32_t mode = -1;
    uint64_t interval = 1;
    open_host(&host);
    cr_assert_eq(lw_mode_get(host.context, &mode, &interval, NULL), LW_OK);
    cr_assert_eq(mode, LW_MODE_SITES);
    cr_assert_eq(interval, 0);
    set_mode(&host, LW_MODE_COUNTS, 0);
    cr_assert_eq(lw_mode_get(host.context, &mode, NULL, NULL), LW_OK);
    cr_assert_eq(mode, LW_MODE_COUNTS);
    close_host(&host);
}

Test(mode, refuses_what_is_no_mode)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    int32_t mode = 7;
    uint64_t interval = 7;
    open_host(&host);
    expect_error(lw_mode_set(NULL, 0, 0, &error), LW_E_INVALID, &error);
    expect_error(lw_mode_set(host.context, -1, 0, &error), LW_E_INVALID, &error);
    expect_error(lw_mode_set(host.context, 3, 0, &error), LW_E_INVALID, &error);
    expect_error(lw_mode_set(host.context, LW_MODE_SITES, 1, &error), LW_E_INVALID, &error);
    expect_error(lw_mode_set(host.context, LW_MODE_COUNTS, 1, &error), LW_E_INVALID, &error);
    expect_error(lw_mode_get(NULL, &mode, &interval, &error), LW_E_INVALID, &error);
    cr_assert_eq(mode, 0);
    cr_assert_eq(interval, 0);
    expect_error(lw_mode_get(host.context, NULL, &interval, &error), LW_E_INVALID, &error);
    close_host(&host);
}

/* ---- counts ---- */

Test(mode, counts_are_exact_and_walk_no_stack)
{
    host host;
    uint64_t words[] = {1, 2};
    lw_stack stack = {words, 2, 0, 0};
    lw_move move;
    open_host(&host);
    set_mode(&host, LW_MODE_COUNTS, 0);
    walks = 0;
    lw_block_alloc_with(host.heap, at(0x1000), 100, take_stack, &stack);
    lw_block_alloc(host.heap, at(0x2000), 50, &stack);
    lw_block_alloc_at(host.heap, at(0x3000), 7, LW_HERE);
    expect_live(host.heap, 157, 3);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_move_end_with(&move, at(0x4000), 300, take_stack, &stack);
    lw_block_free(host.heap, at(0x2000));
    expect_live(host.heap, 307, 2);
    cr_assert_eq(walks, 0);
    lw_block block;
    cr_assert_eq(find_block(host.heap, 0x4010, &block), LW_OK);
    cr_assert_eq(block.size, 300);
    cr_assert_eq(block.site, 0);
    cr_assert_eq(block.epoch, 0);
    cr_assert_eq(context_stats(host.context).sites, 0);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    close_host(&host);
}

Test(mode, a_stack_is_taken_once_per_event_in_sites)
{
    host host;
    uint64_t words[] = {1, 2};
    lw_stack stack = {words, 2, 0, 0};
    lw_move move;
    open_host(&host);
    walks = 0;
    lw_block_alloc_with(host.heap, at(0x1000), 100, take_stack, &stack);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_move_end_with(&move, at(0x2000), 300, take_stack, &stack);
    cr_assert_eq(walks, 2);
    lw_block_alloc(host.heap, at(0x3000), 300, &stack);
    cr_assert_eq(site_at(host.heap, 0x2000), site_at(host.heap, 0x3000));
    lw_block_alloc_with(host.heap, at(0x4000), 10, take_stack, NULL);
    cr_assert_eq(site_at(host.heap, 0x4000), 0);
    lw_block_alloc_with(host.heap, at(0x5000), 10, NULL, NULL);
    lw_block_alloc_with(NULL, at(0x5000), 10, take_stack, NULL);
    lw_block_alloc_with(host.heap, NULL, 10, take_stack, NULL);
    lw_move_end_with(NULL, NULL, 10, take_stack, NULL);
    cr_assert_eq(walks, 3);
    expect_live(host.heap, 620, 4);
    close_host(&host);
}

Test(mode, a_block_weighs_what_it_did_at_its_birth_over_switches)
{
    host host;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 1, NULL);
    set_mode(&host, LW_MODE_COUNTS, 0);
    lw_block_alloc(host.heap, at(0x2000), 10, NULL);
    set_mode(&host, LW_MODE_SITES, 0);
    lw_block_alloc(host.heap, at(0x3000), 100, NULL);
    set_mode(&host, LW_MODE_COUNTS, 0);
    expect_live(host.heap, 111, 3);
    lw_block_free(host.heap, at(0x1000));
    expect_live(host.heap, 110, 2);
    set_mode(&host, LW_MODE_SITES, 0);
    lw_block_free(host.heap, at(0x2000));
    expect_live(host.heap, 100, 1);
    lw_domain_stats stats = domain_stats(host.heap);
    cr_assert_eq(stats.allocated, 3);
    cr_assert_eq(stats.freed, 2);
    close_host(&host);
}

Test(mode, a_region_knows_net_and_its_peak_from_counts)
{
    host host;
    lw_region *region = NULL;
    lw_round round;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 1000, NULL);
    set_mode(&host, LW_MODE_COUNTS, 0);
    cr_assert_eq(lw_region_create(host.context, "work", NULL, &region, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
    lw_block_alloc(host.heap, at(0x2000), 50, NULL);
    lw_block_alloc(host.heap, at(0x3000), 60, NULL);
    lw_block_free(host.heap, at(0x1000));
    lw_block_free(host.heap, at(0x3000));
    cr_assert_eq(lw_region_end(region, round, &stats, NULL), LW_OK);
    cr_assert_eq(stats.net_bytes, 50 - 1000);
    cr_assert_eq(stats.net_blocks, 0);
    cr_assert_eq(stats.net_peak_bytes, 110);
    cr_assert_eq(stats.modes, LW_MODES_COUNTS);
    cr_assert_eq(stats.current_bytes, 0);
    close_host(&host);
}

Test(mode, what_counts_cannot_know_is_an_error)
{
    host host;
    lw_region *region = NULL;
    lw_round round;
    lw_survivors *survivors = NULL;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    set_mode(&host, LW_MODE_COUNTS, 0);
    cr_assert_eq(lw_region_create(host.context, "work", NULL, &region, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
    lw_block_alloc(host.heap, at(0x2000), 50, NULL);
    expect_error(lw_survivors_take(host.context, region, round, &survivors, &error), LW_E_STATE,
                 &error);
    cr_assert_null(survivors);
    cr_assert(strstr(error.message, "COUNTS"));
    expect_error(lw_survivors_take(host.context, region, 0, &survivors, &error), LW_E_STATE,
                 &error);
    expect_error(lw_survivors_take(host.context, NULL, 0, &survivors, &error), LW_E_STATE, &error);
    cr_assert_null(survivors);
    close_host(&host);
}

Test(mode, a_region_over_a_switch_says_so)
{
    host host;
    lw_region *region = NULL;
    lw_round round;
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_host(&host);
    set_mode(&host, LW_MODE_COUNTS, 0);
    cr_assert_eq(lw_region_create(host.context, "work", NULL, &region, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
    lw_block_alloc(host.heap, at(0x2000), 50, NULL);
    set_mode(&host, LW_MODE_SITES, 0);
    lw_block_alloc(host.heap, at(0x3000), 7, NULL);
    cr_assert_eq(lw_region_stats_get(region, round, &stats, NULL), LW_OK);
    cr_assert_eq(stats.modes, LW_MODES_COUNTS | LW_MODES_SITES);
    cr_assert_eq(stats.current_bytes, 7);
    cr_assert_eq(stats.net_bytes, 57);
    cr_assert_eq(lw_survivors_take(host.context, region, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert_eq(info.modes, LW_MODES_COUNTS | LW_MODES_SITES);
    cr_assert_eq(info.bytes, 7);
    cr_assert_eq(info.counted_bytes, 50);
    cr_assert_eq(info.counted_blocks, 1);
    lw_survivors_release(survivors);
    cr_assert_eq(lw_survivors_take(host.context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert_eq(info.bytes, 7);
    lw_survivors_release(survivors);
    close_host(&host);
}

Test(mode, counted_blocks_are_chunks_ignored_and_watched_like_others)
{
    host host;
    open_host(&host);
    set_mode(&host, LW_MODE_COUNTS, 0);
    lw_domain *pool = add_domain(host.context, "pool", LW_DOMAIN_CARVED, host.heap);
    lw_block_alloc(host.heap, at(0x1000), 1000, NULL);
    lw_block_alloc(host.heap, at(0x2000), 10, NULL);
    cr_assert_eq(lw_domain_adopt(pool, at(0x1000), NULL), LW_OK);
    lw_block_alloc(pool, at(0x1000), 16, NULL);
    expect_live(host.heap, 10, 1);
    expect_live(pool, 16, 1);
    lw_block_free(host.heap, at(0x1000));
    expect_live(pool, 0, 0);
    cr_assert_eq(lw_block_ignore(host.heap, at(0x2000), NULL), LW_OK);
    expect_live(host.heap, 0, 0);
    lw_block_free(host.heap, at(0x2000));
    expect_live(host.heap, 0, 0);
    lw_block_alloc(host.heap, at(0x3000), 20, NULL);
    cr_assert_eq(lw_block_once(host.heap, at(0x3000), NULL), LW_OK);
    lw_block_free(host.heap, at(0x3000));
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

/* ---- samples ---- */

/* Blocks of a size so large beside the interval that each is a sample, as good as surely. */
enum { SURE = 100000, GAP = 1000 };

Test(mode, sampled_has_an_interval)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    int32_t mode = -1;
    uint64_t interval = 0;
    open_host(&host);
    set_mode(&host, LW_MODE_SAMPLED, 0);
    cr_assert_eq(lw_mode_get(host.context, &mode, &interval, NULL), LW_OK);
    cr_assert_eq(mode, LW_MODE_SAMPLED);
    cr_assert_eq(interval, LW_SAMPLE_INTERVAL);
    expect_error(lw_mode_set(host.context, LW_MODE_SAMPLED, (UINT64_C(1) << 40) + 1, &error),
                 LW_E_INVALID, &error);
    cr_assert_eq(lw_mode_get(host.context, &mode, &interval, NULL), LW_OK);
    cr_assert_eq(interval, LW_SAMPLE_INTERVAL);
    set_mode(&host, LW_MODE_SITES, 0);
    cr_assert_eq(lw_mode_get(host.context, &mode, &interval, NULL), LW_OK);
    cr_assert_eq(interval, 0);
    close_host(&host);
}

Test(mode, a_block_far_larger_than_the_interval_is_itself)
{
    host host;
    open_host(&host);
    set_mode(&host, LW_MODE_SAMPLED, GAP);
    lw_block_alloc(host.heap, at(0x100000), SURE, NULL);
    expect_live(host.heap, SURE, 1);
    cr_assert_eq(domain_stats(host.heap).bytes_margin, 0);
    lw_block_free(host.heap, at(0x100000));
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

/* Of blocks of 16 bytes at an interval of 16 KiB about one in 1,024.5 is a sample, and weighs so many
 * blocks: 1 / (1 - e^(-1/1024)) = 1024.5. */
Test(mode, a_small_sample_stands_for_many_and_has_its_margin)
{
    host host;
    int64_t samples = 0;
    uint64_t words[] = {5};
    lw_stack stack = {words, 1, 0, 0};
    open_host(&host);
    set_mode(&host, LW_MODE_SAMPLED, 16384);
    walks = 0;
    for (uint64_t i = 0; i < 20000; i++)
        lw_block_alloc_with(host.heap, at(0x100000 + i * 16), 16, take_stack, &stack);
    lw_block block;
    for (uint64_t i = 0; i < 20000; i++)
        samples += find_block(host.heap, 0x100000 + i * 16, &block) == LW_OK;
    cr_assert_gt(samples, 0);
    cr_assert_eq(walks, samples);
    lw_domain_stats stats = domain_stats(host.heap);
    cr_assert_geq(stats.blocks, samples * 1024);
    cr_assert_leq(stats.blocks, samples * 1025);
    cr_assert_geq(stats.bytes, samples * 16391);
    cr_assert_leq(stats.bytes, samples * 16393);
    /* 1.96 * sqrt(samples) * 16 * sqrt(e^(-1/1024)) / p */
    double square = (double)stats.bytes_margin * (double)stats.bytes_margin;
    double truth = (double)samples * 1.96 * 1.96 * 16384.0 * 16384.0;
    cr_assert(square > 0.998 * truth && square < 1.002 * truth);
    for (uint64_t i = 0; i < 20000; i++)
        lw_block_free(host.heap, at(0x100000 + i * 16));
    stats = domain_stats(host.heap);
    cr_assert_eq(stats.bytes, 0);
    cr_assert_eq(stats.blocks, 0);
    cr_assert_eq(stats.bytes_margin, 0);
    cr_assert_eq(stats.blocks_margin, 0);
    cr_assert_eq(stats.freed, stats.allocated);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    close_host(&host);
}

Test(mode, a_sample_is_left_to_the_outer_hook_that_takes_none)
{
    host host;
    open_host(&host);
    lw_domain *object = add_domain(host.context, "object", LW_DOMAIN_SHARED, NULL);
    set_mode(&host, LW_MODE_SAMPLED, GAP);
    lw_block_alloc(host.heap, at(0x100000), SURE, NULL);
    lw_block_alloc(object, at(0x100000), 1, NULL); /* as good as surely no sample */
    expect_live(host.heap, 0, 0);
    expect_live(object, 0, 0);
    lw_block_alloc(host.heap, at(0x200000), SURE, NULL);
    lw_block_alloc(object, at(0x200000), SURE, NULL);
    expect_live(host.heap, 0, 0);
    expect_live(object, SURE, 1);
    close_host(&host);
}

Test(mode, samples_keep_their_weight_when_the_interval_changes)
{
    host host;
    open_host(&host);
    set_mode(&host, LW_MODE_SAMPLED, 4096);
    for (uint64_t i = 0; i < 4000; i++)
        lw_block_alloc(host.heap, at(0x100000 + i * 64), 64, NULL);
    lw_domain_stats before = domain_stats(host.heap);
    cr_assert_gt(before.bytes, 0);
    set_mode(&host, LW_MODE_SAMPLED, 64);
    set_mode(&host, LW_MODE_SITES, 0);
    expect_live(host.heap, before.bytes, before.blocks);
    lw_block_alloc(host.heap, at(0x80000), 10, NULL);
    expect_live(host.heap, before.bytes + 10, before.blocks + 1);
    cr_assert_eq(domain_stats(host.heap).bytes_margin, before.bytes_margin);
    for (uint64_t i = 0; i < 4000; i++)
        lw_block_free(host.heap, at(0x100000 + i * 64));
    expect_live(host.heap, 10, 1);
    cr_assert_eq(domain_stats(host.heap).bytes_margin, 0);
    close_host(&host);
}

Test(mode, sampled_chunks_and_ignored_samples_leave_nothing)
{
    host host;
    open_host(&host);
    set_mode(&host, LW_MODE_SAMPLED, GAP);
    lw_domain *pool = add_domain(host.context, "pool", LW_DOMAIN_CARVED, host.heap);
    lw_block_alloc(host.heap, at(0x100000), SURE, NULL);
    lw_block_alloc(host.heap, at(0x200000), SURE, NULL);
    cr_assert_eq(lw_domain_adopt(pool, at(0x100000), NULL), LW_OK);
    expect_live(host.heap, SURE, 1);
    cr_assert_eq(domain_stats(host.heap).adopted_bytes, SURE);
    cr_assert_eq(lw_block_ignore(host.heap, at(0x200000), NULL), LW_OK);
    expect_live(host.heap, 0, 0);
    lw_block_free(host.heap, at(0x100000));
    lw_block_free(host.heap, at(0x200000));
    expect_live(host.heap, 0, 0);
    cr_assert_eq(domain_stats(host.heap).adopted_bytes, 0);
    close_host(&host);
}

Test(mode, rows_of_samples_say_how_sure_they_are)
{
    host host;
    uint64_t words[] = {5};
    lw_stack stack = {words, 1, 0, 0};
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    lw_region_stats stats;
    open_host(&host);
    set_mode(&host, LW_MODE_SAMPLED, 4096);
    lw_region *region = add_region(host.context, "work", LW_SCOPE_THREAD);
    lw_round round = begin(region);
    for (uint64_t i = 0; i < 4000; i++)
        lw_block_alloc(host.heap, at(0x100000 + i * 64), 64, &stack);
    stats = end(region, round);
    cr_assert_eq(stats.modes, LW_MODES_SAMPLED);
    cr_assert_eq(lw_survivors_take(host.context, region, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert_eq(info.rows, 1);
    cr_assert_eq(info.interval, 4096);
    cr_assert_eq(info.modes, LW_MODES_SAMPLED);
    cr_assert_eq(lw_survivors_row_get(survivors, 0, &row, NULL), LW_OK);
    cr_assert_eq(row.bytes, stats.current_bytes);
    cr_assert_eq(row.bytes, stats.peak_bytes);
    cr_assert_eq(row.bytes, stats.at_end_bytes);
    cr_assert_eq(row.bytes, stats.net_bytes);
    cr_assert_eq(row.bytes, stats.net_peak_bytes);
    cr_assert_gt(row.bytes_margin, 0);
    cr_assert_gt(row.samples, 0);
    cr_assert_eq(row.bytes_margin, info.bytes_margin);
    cr_assert_eq(row.bytes_margin, stats.current_bytes_margin);
    cr_assert_eq(row.bytes_margin, stats.peak_margin);
    cr_assert_eq(row.bytes_margin, stats.at_end_bytes_margin);
    cr_assert_eq(row.bytes_margin, stats.net_bytes_margin);
    cr_assert_eq(row.bytes_margin, stats.net_peak_margin);
    cr_assert_eq(row.blocks_margin, info.blocks_margin);
    cr_assert_eq(row.blocks_margin, stats.current_blocks_margin);
    cr_assert_eq(row.blocks_margin, stats.at_end_blocks_margin);
    cr_assert_eq(row.blocks_margin, stats.net_blocks_margin);
    lw_survivors_release(survivors);
    close_host(&host);
}
