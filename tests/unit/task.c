/* Rounds of scope TASK: set aside, taken up again, also on other threads. */
#include "region_host.h"

#include <pthread.h>

static void suspend(lw_region *region, lw_round round)
{
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_region_suspend(region, round, &error), LW_OK, "%s", error.message);
}

static void resume(lw_region *region, lw_round round)
{
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_region_resume(region, round, &error), LW_OK, "%s", error.message);
}

/* Two tasks take turns on one thread, as in an event loop. */
Test(task, interleaved_tasks_count_their_own)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "task", LW_SCOPE_TASK);
    lw_round a = begin(region);
    put(&host, 0x1000, 1);
    suspend(region, a);
    lw_round b = begin(region);
    put(&host, 0x2000, 10);
    suspend(region, b);
    put(&host, 0x3000, 100); /* of neither */
    resume(region, a);
    put(&host, 0x4000, 1000);
    drop(&host, 0x2000); /* of the other */
    suspend(region, a);
    resume(region, b);
    put(&host, 0x5000, 10000);
    lw_region_stats of_b = end(region, b);
    resume(region, a);
    lw_region_stats of_a = end(region, a);
    cr_assert_eq(of_a.current_bytes, 1001);
    cr_assert_eq(of_a.peak_bytes, 1001);
    cr_assert_eq(of_b.current_bytes, 10000);
    cr_assert_eq(of_b.peak_bytes, 10000);
    expect_current(&host, region, 0, 11001, 3);
    expect_current(&host, region, a, 1001, 2);
    expect_current(&host, region, b, 10000, 1);
    close_host(&host);
}

Test(task, suspended_rounds_are_open_and_go_on_falling)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "task", LW_SCOPE_TASK);
    lw_round round = begin(region);
    put(&host, 0x1000, 10);
    put(&host, 0x2000, 20);
    suspend(region, round);
    drop(&host, 0x1000);
    lw_region_stats stats = stats_of(&host, region, round);
    cr_assert_eq(stats.open, 1);
    cr_assert_eq(stats.current_bytes, 20);
    resume(region, round);
    cr_assert_eq(end(region, round).current_bytes, 20);
    close_host(&host);
}

/* The one that is set aside need not be the innermost. */
Test(task, an_outer_round_may_be_suspended)
{
    host host;
    open_host(&host);
    lw_region *outer = add_region(host.context, "outer", LW_SCOPE_TASK);
    lw_region *inner = add_region(host.context, "inner", LW_SCOPE_TASK);
    lw_round a = begin(outer), b = begin(inner);
    put(&host, 0x1000, 1);
    suspend(outer, a);
    put(&host, 0x2000, 10); /* of b alone */
    resume(outer, a);       /* inside b now */
    put(&host, 0x3000, 100);
    lw_error error = LW_ERROR_INIT;
    expect_error(lw_region_end(inner, b, NULL, &error), LW_E_STATE, &error);
    end(outer, a);
    end(inner, b);
    expect_current(&host, outer, a, 101, 2);
    expect_current(&host, inner, b, 111, 3);
    close_host(&host);
}

/* A round taken up inside another one of its region: the region counts each block once. */
Test(task, resumed_inside_its_own_region)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "task", LW_SCOPE_TASK);
    lw_round a = begin(region);
    suspend(region, a);
    lw_round b = begin(region);
    resume(region, a);
    put(&host, 0x1000, 10);
    expect_current(&host, region, a, 10, 1);
    expect_current(&host, region, b, 10, 1);
    expect_current(&host, region, 0, 10, 1);
    end(region, a);
    end(region, b);
    expect_current(&host, region, 0, 10, 1);
    close_host(&host);
}

Test(task, a_suspended_round_cannot_end)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_region *region = add_region(host.context, "task", LW_SCOPE_TASK);
    lw_round round = begin(region);
    suspend(region, round);
    expect_error(lw_region_end(region, round, NULL, &error), LW_E_STATE, &error);
    expect_error(lw_region_suspend(region, round, &error), LW_E_STATE, &error);
    resume(region, round);
    expect_error(lw_region_resume(region, round, &error), LW_E_STATE, &error);
    end(region, round);
    expect_error(lw_region_suspend(region, round, &error), LW_E_STATE, &error);
    expect_error(lw_region_resume(region, round, &error), LW_E_STATE, &error);
    close_host(&host);
}

Test(task, other_scopes_stay_where_they_are)
{
    static const int32_t scopes[] = {LW_SCOPE_THREAD, LW_SCOPE_PROCESS};
    for (int i = 0; i < 2; i++) {
        host host;
        lw_error error = LW_ERROR_INIT;
        open_host(&host);
        lw_region *region = add_region(host.context, "r", scopes[i]);
        lw_round round = begin(region);
        expect_error(lw_region_suspend(region, round, &error), LW_E_INVALID, &error);
        expect_error(lw_region_resume(region, round, &error), LW_E_INVALID, &error);
        put(&host, 0x1000, 10);
        cr_assert_eq(end(region, round).current_bytes, 10);
        close_host(&host);
    }
}

Test(task, resume_without_memory_changes_nothing)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_region *region = add_region(host.context, "task", LW_SCOPE_TASK);
    lw_round round = begin(region);
    suspend(region, round);
    lw_region *other = add_region(host.context, "other", LW_SCOPE_THREAD);
    begin(other); /* inside this one the task has no span yet */
    host.memory.persistent = 1;
    host.memory.fail_at = host.memory.calls + 1;
    expect_error(lw_region_resume(region, round, &error), LW_E_NOMEM, &error);
    host.memory.fail_at = 0;
    put(&host, 0x1000, 10);
    expect_current(&host, region, round, 0, 0);
    resume(region, round);
    put(&host, 0x2000, 20);
    expect_current(&host, region, round, 20, 1);
    expect_current(&host, other, 0, 30, 2);
    close_host(&host);
}

struct worker {
    host *host;
    lw_region *region;
    lw_round round;
    uint64_t address;
    lw_status status;
};

static void *work(void *user)
{
    struct worker *worker = user;
    cr_assert_eq(lw_region_suspend(worker->region, worker->round, NULL), LW_E_STATE);
    resume(worker->region, worker->round);
    put(worker->host, worker->address, 10);
    drop(worker->host, worker->address - 64);
    put(worker->host, worker->address + 16, 100); /* a temporary */
    drop(worker->host, worker->address + 16);
    suspend(worker->region, worker->round);
    put(worker->host, worker->address + 32, 7); /* not of the task */
    return NULL;
}

/* A task goes from thread to thread; its peak is exact on each. */
Test(task, goes_from_thread_to_thread)
{
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "task", LW_SCOPE_TASK);
    lw_round round = begin(region);
    put(&host, 0x1000, 10);
    suspend(region, round);
    struct worker worker = {&host, region, round, 0x1000, LW_OK};
    for (int i = 0; i < 8; i++) {
        pthread_t thread;
        worker.address += 64;
        pthread_create(&thread, NULL, work, &worker);
        pthread_join(thread, NULL);
        expect_current(&host, region, round, 10, 1);
    }
    resume(region, round);
    lw_region_stats stats = end(region, round);
    cr_assert_eq(stats.current_bytes, 10);
    cr_assert_eq(stats.peak_bytes, 110);
    cr_assert_eq(stats.peak_error, 0);
    expect_live(host.heap, 10 + 8 * 7, 9);
    close_host(&host);
}

/* Ten thousand tasks at once, each with a block, ended in another order than they began. */
Test(task, very_many_at_once)
{
    enum { TASKS = 10000 };
    static lw_round rounds[TASKS];
    host host;
    open_host(&host);
    lw_region *region = add_region(host.context, "task", LW_SCOPE_TASK);
    for (uint64_t i = 0; i < TASKS; i++) {
        rounds[i] = begin(region);
        put(&host, (i + 1) * 16, i % 7 + 1);
        suspend(region, rounds[i]);
    }
    for (uint64_t i = 0; i < TASKS; i++) {
        uint64_t n = i * 7919 % TASKS;
        resume(region, rounds[n]);
        if (n % 2)
            drop(&host, (n + 1) * 16);
        lw_region_stats stats = end(region, rounds[n]);
        cr_assert_eq(stats.current_blocks, n % 2 ? 0 : 1);
        cr_assert_eq(stats.peak_bytes, (int64_t)(n % 7 + 1));
    }
    cr_assert_eq(stats_of(&host, region, 0).current_blocks, TASKS / 2);
    close_host(&host);
}
