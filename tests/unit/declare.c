/* Blocks that are ignored, and blocks that are declared to live for good. */
#include "region_host.h"

Test(declare, ignored_block_leaves_the_books)
{
    host host;
    lw_block block;
    open_host(&host);
    lw_region *region = add_region(host.context, "work", LW_SCOPE_THREAD);
    lw_round round = begin(region);
    put(&host, 0x1000, 100);
    put(&host, 0x2000, 10);
    cr_assert_eq(lw_block_ignore(host.heap, at(0x1000), NULL), LW_OK);
    cr_assert_eq(lw_block_ignore(host.heap, at(0x1000), NULL), LW_OK, "twice is the same");
    expect_live(host.heap, 10, 1);
    expect_current(&host, region, round, 10, 1);
    cr_assert_eq(find_block(host.heap, 0x1000, &block), LW_E_NOT_FOUND);
    lw_region_stats stats = end(region, round);
    cr_assert_eq(stats.peak_bytes, 110, "what was, was");
    drop(&host, 0x1000);
    expect_live(host.heap, 10, 1);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0, "its end is silent");
    put(&host, 0x1000, 7);
    expect_live(host.heap, 17, 2);
    cr_assert_eq(context_stats(host.context).replaced, 0);
    close_host(&host);
}

/* Nothing is left of a round whose only block is ignored, and the block outlives it. */
Test(declare, ignored_block_outlives_its_round)
{
    host host;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_host(&host);
    lw_region *region = add_region(host.context, "work", LW_SCOPE_THREAD);
    for (int i = 0; i < 5000; i++) {
        lw_round round = begin(region);
        put(&host, 0x10000 + (uint64_t)i * 64, 10);
        lw_block_ignore(host.heap, at(0x10000 + (uint64_t)i * 64), NULL);
        cr_assert_eq(end(region, round).current_blocks, 0);
        cr_assert_eq(lw_region_stats_get(region, round, &stats, NULL), LW_E_NOT_FOUND);
    }
    for (int i = 0; i < 5000; i++)
        drop(&host, 0x10000 + (uint64_t)i * 64);
    expect_live(host.heap, 0, 0);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    close_host(&host);
}

Test(declare, resized_in_or_out_of_a_scope_it_stays_ignored)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_ignore_begin(host.context);
    put(&host, 0x1000, 10);
    lw_ignore_end(host.context);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_move_end(&move, at(0x2000), 20, NULL);
    expect_live(host.heap, 0, 0);
    lw_move_begin(host.heap, at(0x2000), &move);
    lw_move_cancel(&move);
    expect_live(host.heap, 0, 0);
    drop(&host, 0x2000);
    lw_context_stats stats = context_stats(host.context);
    cr_assert(stats.unknown_frees == 0 && stats.replaced == 0 && stats.events == 0);
    close_host(&host);
}

/* PyObject_Malloc() calls malloc(): both hooks see the block, in a scope too. */
Test(declare, hooks_inside_one_another)
{
    host host;
    open_host(&host);
    lw_domain *outer = add_domain(host.context, "outer", LW_DOMAIN_SHARED, NULL);
    lw_ignore_begin(host.context);
    put(&host, 0x1000, 100);
    lw_block_alloc(outer, at(0x1000), 90, NULL);
    lw_ignore_end(host.context);
    expect_live(host.heap, 0, 0);
    expect_live(outer, 0, 0);
    lw_block_free(outer, at(0x1000));
    drop(&host, 0x1000);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    close_host(&host);
}

static lw_survivors *survivors_of(host *host, lw_region *region, lw_verdict *verdict)
{
    lw_survivors *survivors = NULL;
    *verdict = (lw_verdict)LW_VERDICT_INIT;
    cr_assert_eq(lw_survivors_take(host->context, region, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_verdict_get(survivors, verdict, NULL), LW_OK);
    return survivors;
}

/* Two of three blocks of one place are declared in each round: a row of their own. */
Test(declare, once_is_reported_apart_and_never_a_leak)
{
    host host;
    lw_verdict verdict;
    lw_trend trend = LW_TREND_INIT;
    open_host(&host);
    lw_region *region = add_region(host.context, "work", LW_SCOPE_THREAD);
    for (uint64_t i = 0; i < 10; i++) {
        lw_round round = begin(region);
        for (uint64_t j = 0; j < 3; j++) {
            uint64_t address = 0x10000 + i * 4096 + j * 1024;
            lw_block_alloc_at(host.heap, at(address), 100, "table.c:7");
            if (j < 2)
                cr_assert_eq(lw_block_once(host.heap, at(address), NULL), LW_OK);
        }
        end(region, round);
        cr_assert_eq(lw_block_once(host.heap, at(0x10000 + i * 4096), NULL), LW_OK, "again");
    }
    lw_survivors *survivors = survivors_of(&host, region, &verdict);
    expect_survivors(survivors, 3000, 30);
    cr_assert_eq(verdict.kind, LW_VERDICT_GROWS);
    cr_assert(verdict.growth_blocks == 10 && verdict.once_blocks == 20 && verdict.once_bytes == 2000);
    cr_assert_eq(lw_survivors_trend_get(survivors, 0, &trend, NULL), LW_OK);
    cr_assert(trend.kind == LW_VERDICT_ONCE && trend.blocks == 20 && trend.rounds == 10);
    cr_assert_eq(lw_survivors_trend_get(survivors, 1, &trend, NULL), LW_OK);
    cr_assert(trend.kind == LW_VERDICT_GROWS && trend.blocks == 10);
    lw_survivors_release(survivors);
    for (uint64_t i = 0; i < 10; i++)
        cr_assert_eq(lw_block_once(host.heap, at(0x10000 + i * 4096 + 2048), NULL), LW_OK);
    lw_survivors_release(survivors_of(&host, region, &verdict));
    cr_assert(verdict.kind == LW_VERDICT_CLEAN && verdict.once_blocks == 30);
    expect_live(host.heap, 3000, 30);
    for (uint64_t i = 0; i < 10; i++)
        drop(&host, 0x10000 + i * 4096);
    expect_current(&host, region, 0, 2000, 20);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    close_host(&host);
}

Test(declare, wrong_arguments)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_domain *pool = add_domain(host.context, "pool", LW_DOMAIN_CARVED, host.heap);
    put(&host, 0x1000, 100);
    put(&host, 0x2000, 1000);
    cr_assert_eq(lw_domain_adopt(pool, at(0x2000), NULL), LW_OK);
    lw_status (*const calls[])(lw_domain *, const void *, lw_error *) = {lw_block_ignore,
                                                                         lw_block_once};
    for (int i = 0; i < 2; i++) {
        expect_error(calls[i](NULL, at(0x1000), &error), LW_E_INVALID, &error);
        expect_error(calls[i](host.heap, NULL, &error), LW_E_INVALID, &error);
        expect_error(calls[i](host.heap, at(0x1010), &error), LW_E_NOT_FOUND, &error);
        expect_error(calls[i](host.heap, at(0x1001), &error), LW_E_NOT_FOUND, &error);
        expect_error(calls[i](host.heap, at(0x2000), &error), LW_E_STATE, &error);
        expect_error(calls[i](pool, at(0x1000), &error), LW_E_NOT_FOUND, &error);
    }
    lw_block_ignore(host.heap, at(0x1000), NULL);
    expect_error(lw_block_once(host.heap, at(0x1000), &error), LW_E_NOT_FOUND, &error);
    close_host(&host);
}

/* Without memory nothing changes, and the next try succeeds. */
Test(declare, no_memory)
{
    for (int once = 0; once < 2; once++) {
        lw_status (*call)(lw_domain *, const void *, lw_error *) =
            once ? lw_block_once : lw_block_ignore;
        host host;
        lw_error error = LW_ERROR_INIT;
        open_host(&host);
        put(&host, 0x1000, 100);
        int failures = 0;
        for (int n = 1;; n++) {
            host.memory.fail_at = host.memory.calls + n;
            lw_status status = call(host.heap, at(0x1000), &error);
            host.memory.fail_at = 0;
            if (status == LW_OK)
                break;
            failures++;
            expect_error(status, LW_E_NOMEM, &error);
            expect_live(host.heap, 100, 1);
        }
        cr_assert_gt(failures, 0);
        expect_live(host.heap, once ? 100 : 0, once);
        close_host(&host);
    }
}
