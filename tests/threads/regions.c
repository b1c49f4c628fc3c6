/* Regions over threads: rounds of the process within the stated bound of the truth, tasks handed
 * from thread to thread, rounds of many threads at once. */
#define _POSIX_C_SOURCE 200809L

#include "crew.h"

#include <sched.h>

enum { THREADS = 6 };

static lw_context *context;
static lw_domain *heap;
static pthread_barrier_t barrier;

static void *own(int thread, uint64_t number)
{
    return at(0x1000000 * ((uint64_t)thread + 1) + number * 1024);
}

static void check_near(int64_t got, int64_t want, int64_t bound, const char *what)
{
    if (!CHECK(llabs(got - want) <= bound))
        fprintf(stderr, "%s: %lld, should be %lld within %lld\n", what, (long long)got,
                (long long)want, (long long)bound);
}

/* ---- PROCESS: all hold something at once, and let go ---- */

/* Just under and just over what a thread keeps to itself, in one block and in many. */
static const struct {
    uint64_t blocks, size;
} loads[] = {{1, 60000}, {60, 1000}, {1, 70000}, {3, 30000}, {500, 1000}, {1, 1 << 20}};
enum { LOADS = sizeof loads / sizeof *loads };

static void *lift(void *user)
{
    worker *worker = user;
    for (int i = 0; i < LOADS; i++) {
        pthread_barrier_wait(&barrier); /* the round has begun */
        for (uint64_t j = 0; j < loads[i].blocks; j++)
            lw_block_alloc(heap, own(worker->index, j), loads[i].size, NULL);
        pthread_barrier_wait(&barrier); /* all hold theirs: the peak */
        pthread_barrier_wait(&barrier);
        for (uint64_t j = 0; j < loads[i].blocks; j++)
            lw_block_free(heap, own(worker->index, j));
        pthread_barrier_wait(&barrier); /* the round ends */
    }
    return NULL;
}

static void lift_together(void)
{
    lw_region *region = add_region(context, "lift", LW_SCOPE_PROCESS);
    lw_region *mine = add_region(context, "mine", LW_SCOPE_THREAD);
    pthread_t threads[THREADS];
    worker workers[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){i, 0, NULL};
        pthread_create(&threads[i], NULL, lift, &workers[i]);
    }
    for (int i = 0; i < LOADS; i++) {
        int64_t peak = (int64_t)(THREADS * loads[i].blocks * loads[i].size);
        lw_region_stats stats = LW_REGION_STATS_INIT;
        lw_round round = begin(region), local = begin(mine);
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        stats = region_stats(region, round);
        CHECK_EQ(stats.current_bytes, peak);
        CHECK_EQ(stats.net_bytes, peak);
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        CHECK_EQ(lw_region_end(mine, local, &stats, NULL), LW_OK);
        CHECK_EQ(stats.peak_bytes, 0); /* nothing was born on this thread */
        check_near(stats.net_peak_bytes, peak, stats.net_peak_error, "net peak of a thread");
        CHECK_EQ(lw_region_end(region, round, &stats, NULL), LW_OK);
        CHECK_EQ(stats.current_bytes, 0);
        CHECK_EQ(stats.net_bytes, 0);
        check_near(stats.peak_bytes, peak, stats.peak_error, "peak of the process");
        CHECK(stats.peak_bytes <= peak); /* too low perhaps, never too high */
        check_near(stats.net_peak_bytes, peak, stats.net_peak_error, "net peak of the process");
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
}

/* ---- TASK: handed on in a ring ---- */

enum { TASKS = 40, LAPS = 300 };

typedef struct task {
    lw_round round;
    int laps;
    int64_t bytes, peak;
} task;

static lw_region *task_region;
static task tasks[TASKS];
static int queue[TASKS * 2], queued;
static _Atomic int left;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int next_task(void)
{
    pthread_mutex_lock(&mutex);
    int task = queued ? queue[0] : -1;
    if (queued)
        memmove(queue, queue + 1, (size_t)--queued * sizeof *queue);
    pthread_mutex_unlock(&mutex);
    return task;
}

static void put_back(int task)
{
    pthread_mutex_lock(&mutex);
    queue[queued++] = task;
    pthread_mutex_unlock(&mutex);
}

/* A lap of a task: a temporary, and a block that stays or goes. */
static void lap(worker *worker, int number)
{
    task *task = &tasks[number];
    uint64_t base = 0x40000000 + (uint64_t)number * 0x100000 + (uint64_t)task->laps / 2 * 64;
    CHECK_EQ(lw_region_resume(task_region, task->round, NULL), LW_OK);
    uint64_t size = random_below(worker, 500) + 1;
    lw_block_alloc(heap, at(base + 32), size, NULL);
    if (task->bytes + (int64_t)size > task->peak)
        task->peak = task->bytes + (int64_t)size;
    lw_block_free(heap, at(base + 32));
    if (task->laps % 2 == 0) {
        lw_block_alloc_at(heap, at(base), 10, LW_HERE);
        task->bytes += 10;
    } else if (task->laps % 6 != 1) { /* the block of the lap before: two in three go */
        lw_block_free(heap, at(base));
        task->bytes -= 10;
    }
    if (task->bytes > task->peak)
        task->peak = task->bytes;
    task->laps++;
    CHECK_EQ(lw_region_suspend(task_region, task->round, NULL), LW_OK);
}

static void *turn(void *user)
{
    worker *worker = user;
    while (atomic_load(&left) > 0) {
        int number = next_task();
        if (number < 0)
            continue;
        lap(worker, number);
        lw_block_alloc(heap, own(worker->index, 0), 1, NULL); /* of no task */
        lw_block_free(heap, own(worker->index, 0));
        if (tasks[number].laps < LAPS) {
            put_back(number);
            continue;
        }
        lw_region_stats stats = LW_REGION_STATS_INIT;
        CHECK_EQ(lw_region_resume(task_region, tasks[number].round, NULL), LW_OK);
        CHECK_EQ(lw_region_end(task_region, tasks[number].round, &stats, NULL), LW_OK);
        CHECK_EQ(stats.current_bytes, tasks[number].bytes);
        CHECK_EQ(stats.peak_bytes, tasks[number].peak);
        CHECK_EQ(stats.peak_error, 0);
        atomic_fetch_sub(&left, 1);
    }
    return NULL;
}

static void tasks_go_round(void)
{
    int64_t bytes = 0;
    task_region = add_region(context, "task", LW_SCOPE_TASK);
    for (int i = 0; i < TASKS; i++) {
        tasks[i].round = begin(task_region);
        CHECK_EQ(lw_region_suspend(task_region, tasks[i].round, NULL), LW_OK);
        put_back(i);
    }
    atomic_store(&left, TASKS);
    crew_run(THREADS, turn, NULL);
    for (int i = 0; i < TASKS; i++) {
        CHECK_EQ(tasks[i].bytes, 10 * LAPS / 6);
        check_survivors(context, task_region, tasks[i].round, tasks[i].bytes, tasks[i].bytes / 10);
        bytes += tasks[i].bytes;
    }
    CHECK_EQ(region_stats(task_region, 0).current_bytes, bytes);
    CHECK_EQ(domain_stats(heap).bytes, bytes);
}

/* ---- PROCESS rounds begin and end while others record ---- */

enum { TURNS = 2000, KEPT = 8 };

static lw_region *window;

static void *record_and_mark(void *user)
{
    worker *worker = user;
    for (uint64_t i = 0; i < TURNS; i++) {
        lw_round round = worker->index == 0 && i % 4 == 0 ? begin(window) : 0;
        lw_block_alloc_at(heap, own(worker->index, i % 16), 100, LW_HERE);
        if (i >= KEPT)
            lw_block_free(heap, own(worker->index, (i - KEPT) % 16));
        if (round)
            CHECK_EQ(lw_region_end(window, round, NULL, NULL), LW_OK);
    }
    return NULL;
}

/* Nothing is lost when every thread changes where its blocks are born all the time. */
static void windows_come_and_go(void)
{
    window = add_region(context, "window", LW_SCOPE_PROCESS);
    int64_t before = domain_stats(heap).blocks;
    crew_run(THREADS, record_and_mark, NULL);
    lw_region_stats stats = region_stats(window, 0);
    check_survivors(context, window, 0, stats.current_bytes, stats.current_blocks);
    for (int i = 0; i < THREADS; i++) {
        for (uint64_t j = TURNS - KEPT; j < TURNS; j++)
            lw_block_free(heap, own(i, j % 16));
    }
    CHECK_EQ(domain_stats(heap).blocks, before);
    CHECK_EQ(region_stats(window, 0).current_blocks, 0);
    check_survivors(context, window, 0, 0, 0);
}

/* ---- a round whose blocks others free as soon as they are there ---- */

enum { GIVEN = 120000, TAKERS = 2 };

static lw_region *giver;
static lw_round giving;
static _Atomic uint64_t given;

static void *give_or_take(void *user)
{
    worker *worker = user;
    if (worker->index == TAKERS) {
        giving = begin(giver);
        for (uint64_t i = 0; i < GIVEN; i++) {
            lw_block_alloc(heap, at(0x2000000 + i * 16), 16, NULL);
            atomic_store(&given, i + 1);
        }
        return NULL;
    }
    for (uint64_t i = (uint64_t)worker->index; i < GIVEN; i += TAKERS) {
        while (atomic_load(&given) <= i)
            sched_yield();
        if (i % 16)
            lw_block_free(heap, at(0x2000000 + i * 16));
    }
    return NULL;
}

static void given_and_taken(void)
{
    giver = add_region(context, "giver", LW_SCOPE_THREAD);
    crew_run(TAKERS + 1, give_or_take, NULL);
    lw_region_stats stats = region_stats(giver, giving);
    CHECK_EQ(stats.current_blocks, GIVEN / 16);
    CHECK_EQ(stats.current_bytes, GIVEN);
    CHECK(stats.peak_bytes >= GIVEN && stats.peak_bytes <= GIVEN * 16);
    for (uint64_t i = 0; i < GIVEN; i += 16)
        lw_block_free(heap, at(0x2000000 + i * 16));
    check_survivors(context, giver, 0, 0, 0);
}

int main(void)
{
    context = open_context();
    heap = add_domain(context, "heap", 0, NULL);
    lift_together();
    tasks_go_round();
    windows_come_and_go();
    given_and_taken();
    CHECK_EQ(context_stats(context).dropped, 0);
    lw_context_release(context);
    return check_result();
}
