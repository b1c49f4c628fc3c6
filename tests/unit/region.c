/* Regions and their rounds. Rounds that move between threads: task.c; tables: survivors.c. */
#include "region_host.h"

#include <pthread.h>

/* ---- making ---- */

Test(region, create_finds_the_region_of_a_name)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_region_options options = LW_REGION_OPTIONS_INIT;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_TASK), *other = region;
    cr_assert_eq(add_region(host.context, "r", LW_SCOPE_TASK), region);
    cr_assert_neq(add_region(host.context, "s", LW_SCOPE_TASK), region);
    options.scope = LW_SCOPE_PROCESS;
    expect_error(lw_region_create(host.context, "r", &options, &other, &error), LW_E_STATE,
                 &error);
    cr_assert_null(other);
    expect_error(lw_region_create(host.context, "r", NULL, &other, &error), LW_E_STATE, &error);
    close_host(&host);
}

Test(region, create_refuses_bad_arguments)
{
    static const int32_t scopes[] = {-1, 3, INT32_MIN, INT32_MAX};
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_region_options options = LW_REGION_OPTIONS_INIT;
    open_host(&host);
    lw_region *region = at(1);
    expect_error(lw_region_create(NULL, "r", NULL, &region, &error), LW_E_INVALID, &error);
    cr_assert_null(region);
    region = at(1);
    expect_error(lw_region_create(host.context, NULL, NULL, &region, &error), LW_E_INVALID,
                 &error);
    cr_assert_null(region);
    expect_error(lw_region_create(host.context, "", NULL, &region, &error), LW_E_INVALID, &error);
    expect_error(lw_region_create(host.context, "r", NULL, NULL, &error), LW_E_INVALID, &error);
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        options.scope = scopes[i];
        expect_error(lw_region_create(host.context, "r", &options, &region, &error), LW_E_INVALID,
                     &error);
    }
    close_host(&host);
}

Test(region, create_takes_options_of_every_size)
{
    host host;
    lw_region *region = NULL;
    lw_region_options good = LW_REGION_OPTIONS_INIT;
    open_host(&host);
    good.scope = LW_SCOPE_PROCESS;
    EXPECT_OPTION_SIZES(lw_region_options, good,
                        lw_region_create(host.context, "r", given, &region, &error));
    good.struct_size = 4; /* ends before the scope: THREAD */
    cr_assert_eq(lw_region_create(host.context, "s", &good, &region, NULL), LW_OK);
    cr_assert_eq(add_region(host.context, "s", LW_SCOPE_THREAD), region);
    close_host(&host);
}

Test(region, create_without_memory_changes_nothing)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_region *region = at(1);
    host.memory.persistent = 1;
    host.memory.fail_at = host.memory.calls + 1;
    expect_error(lw_region_create(host.context, "r", NULL, &region, &error), LW_E_NOMEM, &error);
    cr_assert_null(region);
    host.memory.fail_at = 0;
    add_region(host.context, "r", LW_SCOPE_TASK);
    close_host(&host);
}

Test(region, null_is_refused)
{
    host host;
    lw_round round = 1;
    lw_error error = LW_ERROR_INIT;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_TASK);
    expect_error(lw_region_begin(NULL, &round, &error), LW_E_INVALID, &error);
    cr_assert_eq(round, 0);
    expect_error(lw_region_begin(region, NULL, &error), LW_E_INVALID, &error);
    stats.rounds = 7;
    expect_error(lw_region_end(NULL, 1, &stats, &error), LW_E_INVALID, &error);
    cr_assert_eq(stats.rounds, 0);
    expect_error(lw_region_suspend(NULL, 1, &error), LW_E_INVALID, &error);
    expect_error(lw_region_resume(NULL, 1, &error), LW_E_INVALID, &error);
    stats.rounds = 7;
    expect_error(lw_region_stats_get(NULL, 0, &stats, &error), LW_E_INVALID, &error);
    cr_assert_eq(stats.rounds, 0);
    close_host(&host);
}

Test(region, results_take_every_size)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    lw_round round = begin(region);
    EXPECT_RESULT_SIZES(lw_region_stats, lw_region_stats_get(region, round, to, &error));
    lw_region_stats stats = {.struct_size = 3};
    lw_error error = LW_ERROR_INIT;
    expect_error(lw_region_end(region, round, &stats, &error), LW_E_INVALID, &error);
    cr_assert_eq(stats_of(&host, region, round).open, 1); /* unchanged */
    cr_assert_eq(lw_region_end(region, round, NULL, NULL), LW_OK);
    close_host(&host);
}

/* ---- one round ---- */

Test(region, counts_what_is_born_inside)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    put(&host, 0x1000, 1000);
    lw_round round = begin(region);
    put(&host, 0x2000, 64);
    put(&host, 0x3000, 32);
    drop(&host, 0x3000);
    lw_region_stats stats = stats_of(&host, region, round);
    cr_assert_eq(stats.open, 1);
    cr_assert_eq(stats.current_bytes, 64);
    cr_assert_eq(stats.current_blocks, 1);
    cr_assert_eq(stats.peak_bytes, 96);
    cr_assert_eq(stats.at_end_bytes, 0);
    cr_assert_eq(stats.net_bytes, 64);
    cr_assert_eq(stats.net_peak_bytes, 96);
    cr_assert_eq(stats.peak_error, 0);
    cr_assert_eq(stats.net_peak_error, 0);
    end(region, round);
    put(&host, 0x4000, 16);
    expect_current(&host, region, round, 64, 1);
    close_host(&host);
}

/* current goes on falling; at_end, peak and net stay. */
Test(region, after_the_end_current_goes_on_falling)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    lw_round round = begin(region);
    put(&host, 0x1000, 100);
    put(&host, 0x2000, 50);
    lw_region_stats at_end = end(region, round);
    cr_assert_eq(at_end.current_bytes, 150);
    cr_assert_eq(at_end.at_end_bytes, 150);
    cr_assert_eq(at_end.at_end_blocks, 2);
    drop(&host, 0x1000);
    put(&host, 0x5000, 7777);
    lw_region_stats after = stats_of(&host, region, round);
    cr_assert_eq(after.current_bytes, 50);
    cr_assert_eq(after.current_blocks, 1);
    cr_assert_eq(after.at_end_bytes, 150);
    cr_assert_eq(after.at_end_blocks, 2);
    cr_assert_eq(after.peak_bytes, 150);
    cr_assert_eq(after.net_bytes, 150);
    cr_assert_eq(after.net_blocks, 2);
    cr_assert_eq(after.net_peak_bytes, 150);
    close_host(&host);
}

Test(region, net_may_be_negative)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    put(&host, 0x1000, 1000);
    put(&host, 0x2000, 500);
    lw_round round = begin(region);
    drop(&host, 0x1000);
    put(&host, 0x3000, 100);
    drop(&host, 0x2000);
    lw_region_stats stats = end(region, round);
    cr_assert_eq(stats.net_bytes, -1400);
    cr_assert_eq(stats.net_blocks, -1);
    cr_assert_eq(stats.net_peak_bytes, 0);
    cr_assert_eq(stats.current_bytes, 100);
    cr_assert_eq(stats.peak_bytes, 100);
    close_host(&host);
}

/* What was high before the round is none of its business, nor what comes after it. */
Test(region, peaks_are_of_the_round_alone)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    put(&host, 0x1000, 1000000);
    drop(&host, 0x1000);
    lw_round round = begin(region);
    put(&host, 0x1000, 10);
    drop(&host, 0x1000);
    lw_region_stats stats = end(region, round);
    cr_assert_eq(stats.peak_bytes, 10);
    cr_assert_eq(stats.net_peak_bytes, 10);
    put(&host, 0x1000, 1000000);
    round = begin(region);
    stats = end(region, round);
    cr_assert_eq(stats.peak_bytes, 0);
    cr_assert_eq(stats.net_peak_bytes, 0);
    close_host(&host);
}

Test(region, a_round_of_nothing)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    lw_region_stats stats = end(region, begin(region));
    cr_assert_eq(stats.current_bytes, 0);
    cr_assert_eq(stats.net_bytes, 0);
    stats = stats_of(&host, region, 0);
    cr_assert_eq(stats.rounds, 1);
    cr_assert_eq(stats.open, 0);
    close_host(&host);
}

/* ---- all rounds of a region ---- */

Test(region, all_rounds_together)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    lw_round one = begin(region);
    put(&host, 0x1000, 100);
    end(region, one);
    lw_round two = begin(region);
    put(&host, 0x2000, 30);
    put(&host, 0x3000, 40);
    drop(&host, 0x1000); /* of round one */
    drop(&host, 0x3000);
    end(region, two);
    lw_round three = begin(region);
    put(&host, 0x4000, 5);
    cr_assert_neq(one, two);
    cr_assert_neq(two, three);
    lw_region_stats stats = stats_of(&host, region, 0);
    cr_assert_eq(stats.rounds, 3);
    cr_assert_eq(stats.open, 1);
    cr_assert_eq(stats.current_bytes, 35);
    cr_assert_eq(stats.current_blocks, 2);
    cr_assert_eq(stats.peak_bytes, 100);
    cr_assert_eq(stats.at_end_bytes, 130);
    cr_assert_eq(stats.at_end_blocks, 2);
    cr_assert_eq(stats.net_bytes, 100 - 70 + 5);
    cr_assert_eq(stats.net_blocks, 1 + 0 + 1);
    cr_assert_eq(stats.net_peak_bytes, 100);
    lw_region_stats of_two = stats_of(&host, region, two);
    cr_assert_eq(of_two.current_bytes, 30);
    cr_assert_eq(of_two.peak_bytes, 70);
    cr_assert_eq(of_two.net_bytes, -70);
    cr_assert_eq(of_two.net_peak_bytes, 70);
    end(region, three);
    close_host(&host);
}

/* A round that left nothing is forgotten, but not what it was. */
Test(region, forgotten_rounds_still_count)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_survivors *survivors = at(1);
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    put(&host, 0x9000, 1000);
    lw_round round = begin(region);
    put(&host, 0x1000, 300);
    drop(&host, 0x1000);
    drop(&host, 0x9000);
    end(region, round);
    stats.rounds = 7;
    expect_error(lw_region_stats_get(region, round, &stats, &error), LW_E_NOT_FOUND, &error);
    cr_assert_eq(stats.rounds, 0);
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    cr_assert_eq(lw_survivors_take(host.context, region, round, &survivors, &error), LW_OK);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, &error), LW_OK);
    cr_assert_eq(info.rows, 0);
    cr_assert_str_eq(info.region, "r");
    lw_survivors_release(survivors);
    expect_error(lw_region_end(region, round, NULL, &error), LW_E_STATE, &error);
    stats = stats_of(&host, region, 0);
    cr_assert_eq(stats.rounds, 1);
    cr_assert_eq(stats.open, 0);
    cr_assert_eq(stats.peak_bytes, 300);
    cr_assert_eq(stats.net_bytes, -1000);
    cr_assert_eq(stats.net_blocks, -1);
    cr_assert_eq(stats.net_peak_bytes, 300);
    cr_assert_eq(stats.at_end_bytes, 0);
    close_host(&host);
}

/* ---- nesting ---- */

Test(region, nested_rounds_count_in_both)
{
    host host;
    open_host(&host);
    lw_region *outer = add_region(host.context, "outer", LW_SCOPE_THREAD);
    lw_region *inner = add_region(host.context, "inner", LW_SCOPE_THREAD);
    lw_round a = begin(outer);
    put(&host, 0x1000, 1);
    lw_round b = begin(inner);
    put(&host, 0x2000, 10);
    end(inner, b);
    put(&host, 0x3000, 100);
    expect_current(&host, outer, a, 111, 3);
    expect_current(&host, inner, b, 10, 1);
    drop(&host, 0x2000);
    lw_region_stats stats = end(outer, a);
    cr_assert_eq(stats.current_bytes, 101);
    cr_assert_eq(stats.peak_bytes, 111);
    expect_current(&host, inner, 0, 0, 0);
    close_host(&host);
}

/* Recursion: each round counts its own, the region counts each block once. */
Test(region, nested_in_itself)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    lw_round rounds[5];
    for (uint64_t i = 0; i < 5; i++) {
        rounds[i] = begin(region);
        put(&host, (i + 1) * 64, 10);
    }
    for (int i = 0; i < 5; i++)
        expect_current(&host, region, rounds[i], 10 * (5 - i), 5 - i);
    expect_current(&host, region, 0, 50, 5);
    cr_assert_eq(stats_of(&host, region, 0).open, 5);
    cr_assert_eq(stats_of(&host, region, 0).rounds, 5);
    for (int i = 4; i >= 0; i--)
        end(region, rounds[i]);
    drop(&host, 5 * 64);
    expect_current(&host, region, 0, 40, 4);
    expect_current(&host, region, rounds[0], 40, 4);
    close_host(&host);
}

Test(region, nested_end_out_of_order)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_host(&host);
    lw_region *outer = add_region(host.context, "outer", LW_SCOPE_THREAD);
    lw_region *inner = add_region(host.context, "inner", LW_SCOPE_THREAD);
    lw_round a = begin(outer), b = begin(inner);
    stats.rounds = 7;
    expect_error(lw_region_end(outer, a, &stats, &error), LW_E_STATE, &error);
    cr_assert_eq(stats.rounds, 0);
    cr_assert(strstr(error.message, "\"outer\"") && strstr(error.message, "\"inner\""));
    put(&host, 0x1000, 10);
    expect_current(&host, outer, a, 10, 1); /* both are open still */
    expect_current(&host, inner, b, 10, 1);
    end(inner, b);
    end(outer, a);
    close_host(&host);
}

Test(region, ended_twice)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    lw_round round = begin(region);
    put(&host, 0x1000, 10);
    end(region, round);
    expect_error(lw_region_end(region, round, NULL, &error), LW_E_STATE, &error);
    expect_current(&host, region, round, 10, 1);
    cr_assert_eq(stats_of(&host, region, 0).open, 0);
    close_host(&host);
}

Test(region, rounds_that_are_none)
{
    static const lw_round wrong[] = {0, 2, 99, UINT64_MAX};
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_TASK);
    lw_region *other = add_region(host.context, "other", LW_SCOPE_TASK);
    lw_round round = begin(region);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_error(lw_region_end(region, wrong[i], NULL, &error), LW_E_INVALID, &error);
        expect_error(lw_region_suspend(region, wrong[i], &error), LW_E_INVALID, &error);
        expect_error(lw_region_resume(region, wrong[i], &error), LW_E_INVALID, &error);
        if (wrong[i])
            expect_error(lw_region_stats_get(region, wrong[i], &stats, &error), LW_E_INVALID,
                         &error);
    }
    expect_error(lw_region_end(other, round, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_region_suspend(other, round, &error), LW_E_INVALID, &error);
    expect_error(lw_region_stats_get(other, round, &stats, &error), LW_E_INVALID, &error);
    end(region, round);
    close_host(&host);
}

/* ---- threads ---- */

struct other {
    host *host;
    lw_region *region;
    lw_round round;
    lw_status status;
    lw_error error;
};

static void *end_elsewhere(void *user)
{
    struct other *other = user;
    other->status = lw_region_end(other->region, other->round, NULL, &other->error);
    return NULL;
}

static void on_another_thread(void *(*run)(void *), void *user)
{
    pthread_t thread;
    pthread_create(&thread, NULL, run, user);
    pthread_join(thread, NULL);
}

Test(region, ended_on_another_thread)
{
    static const int32_t scopes[] = {LW_SCOPE_THREAD, LW_SCOPE_TASK};
    for (int i = 0; i < 2; i++) {
        host host;
        open_host(&host);
        lw_region *region = add_region(host.context, "r", scopes[i]);
        struct other other = {&host, region, begin(region), LW_OK, LW_ERROR_INIT};
        on_another_thread(end_elsewhere, &other);
        expect_error(other.status, LW_E_STATE, &other.error);
        end(region, other.round);
        close_host(&host);
    }
}

static void *free_and_alloc(void *user)
{
    struct other *other = user;
    drop(other->host, 0x1000);
    put(other->host, 0x7000, 500);
    return NULL;
}

/* Another thread's frees count, its allocations do not; net counts both. */
Test(region, of_a_thread_sees_frees_of_others)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    struct other other = {.host = &host, .region = region};
    lw_round round = begin(region);
    put(&host, 0x1000, 100);
    put(&host, 0x2000, 10);
    on_another_thread(free_and_alloc, &other);
    lw_region_stats stats = stats_of(&host, region, round);
    cr_assert_eq(stats.current_bytes, 10);
    cr_assert_eq(stats.peak_bytes, 110);
    cr_assert_eq(stats.net_bytes, 510);
    cr_assert_eq(stats.net_blocks, 2);
    cr_assert_eq(stats.peak_error, 0);
    cr_assert_gt(stats.net_peak_error, 0); /* two threads lived */
    cr_assert_leq(llabs(stats.net_peak_bytes - 510), stats.net_peak_error);
    end(region, round);
    close_host(&host);
}

/* ---- PROCESS ---- */

Test(region, of_the_process_sees_every_thread)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_PROCESS);
    struct other other = {.host = &host, .region = region};
    put(&host, 0x1000, 100);
    lw_round round = begin(region);
    put(&host, 0x2000, 10);
    on_another_thread(free_and_alloc, &other);
    lw_region_stats stats = stats_of(&host, region, round);
    cr_assert_eq(stats.current_bytes, 510);
    cr_assert_eq(stats.current_blocks, 2);
    cr_assert_eq(stats.net_bytes, 410);
    cr_assert_leq(llabs(stats.peak_bytes - 510), stats.peak_error);
    other.round = round;
    on_another_thread(end_elsewhere, &other);
    cr_assert_eq(other.status, LW_OK);
    put(&host, 0x3000, 1);
    expect_current(&host, region, round, 510, 2);
    close_host(&host);
}

Test(region, of_the_process_is_exact_with_one_thread)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_PROCESS);
    put(&host, 0x1000, 1 << 20);
    lw_round round = begin(region);
    for (uint64_t i = 1; i <= 100; i++)
        put(&host, i << 16, 1000);
    for (uint64_t i = 1; i <= 50; i++)
        drop(&host, i << 16);
    drop(&host, 0x1000);
    lw_region_stats stats = end(region, round);
    cr_assert_eq(stats.current_bytes, 50000);
    cr_assert_eq(stats.peak_bytes, 100000);
    cr_assert_eq(stats.net_bytes, 50000 - (1 << 20));
    cr_assert_eq(stats.net_peak_bytes, 100000);
    cr_assert_eq(stats.peak_error, 0);
    cr_assert_eq(stats.net_peak_error, 0);
    close_host(&host);
}

Test(region, of_the_process_ends_in_any_order)
{
    host host;
    open_host(&host);
    lw_region *a = add_region(host.context, "a", LW_SCOPE_PROCESS);
    lw_region *b = add_region(host.context, "b", LW_SCOPE_PROCESS);
    lw_region *mine = add_region(host.context, "mine", LW_SCOPE_THREAD);
    lw_round one = begin(a), two = begin(b), three = begin(mine);
    put(&host, 0x1000, 1);
    end(a, one);
    put(&host, 0x2000, 10);
    lw_round four = begin(a);
    put(&host, 0x3000, 100);
    end(b, two);
    put(&host, 0x4000, 1000);
    end(mine, three);
    put(&host, 0x5000, 10000);
    end(a, four);
    expect_current(&host, a, one, 1, 1);
    expect_current(&host, b, two, 111, 3);
    expect_current(&host, mine, three, 1111, 4);
    expect_current(&host, a, four, 11100, 3);
    expect_current(&host, a, 0, 11101, 4);
    close_host(&host);
}

/* Two rounds of one region at once: the region counts each block once. */
Test(region, of_the_process_overlaps_itself)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_PROCESS);
    lw_round one = begin(region);
    put(&host, 0x1000, 1);
    lw_round two = begin(region);
    put(&host, 0x2000, 10);
    end(region, one);
    put(&host, 0x3000, 100);
    end(region, two);
    expect_current(&host, region, one, 11, 2);
    expect_current(&host, region, two, 110, 2);
    expect_current(&host, region, 0, 111, 3);
    close_host(&host);
}

/* ---- epochs ---- */

Test(region, begin_advances_the_epoch)
{
    host host;
    lw_block before, inside;
    open_host(&host);
    lw_region *region = add_region(host.context, "r", LW_SCOPE_THREAD);
    put(&host, 0x1000, 1);
    lw_round round = begin(region);
    put(&host, 0x2000, 1);
    cr_assert_eq(find_block(host.heap, 0x1000, &before), LW_OK);
    cr_assert_eq(find_block(host.heap, 0x2000, &inside), LW_OK);
    cr_assert_eq(inside.epoch, before.epoch + 1);
    end(region, round);
    close_host(&host);
}
