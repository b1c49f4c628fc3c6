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
