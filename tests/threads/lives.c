/* Threads that end and are replaced: what they counted stays, what we kept for them is used again,
 * and blocks and rounds they leave behind are as alive as before. */
#include "../support/counting.h"
#include "crew.h"

#include <sched.h>

enum { LIVES = 400 };

static lw_context *context;
static lw_domain *heap;
static lw_region *region;

/* ---- many short lives ---- */

/* Each leaves a block, frees the one of its predecessor, and forgets to end an ignore scope. */
static void *live(void *user)
{
    uint64_t life = *(uint64_t *)user;
    lw_round round = begin(region);
    lw_block_alloc_at(heap, at(0x10000 + life * 32), 100, LW_HERE);
    lw_block_free(heap, at(0x10000 + (life - 1) * 32));
    CHECK_EQ(lw_region_end(region, round, NULL, NULL), LW_OK);
    lw_ignore_begin(context);
    return NULL;
}

static void many_short_lives(void)
{
    uint64_t own = 0;
    lw_block_alloc(heap, at(0x10000), 100, NULL);
    for (uint64_t life = 1; life <= LIVES; life++) {
        pthread_t thread;
        pthread_create(&thread, NULL, live, &life);
        pthread_join(thread, NULL);
        if (life == LIVES / 2)
            own = context_stats(context).own_bytes;
    }
    lw_domain_stats stats = domain_stats(heap);
    CHECK_EQ(stats.bytes, 100);
    CHECK_EQ(stats.blocks, 1);
    CHECK_EQ(stats.allocated, LIVES + 1);
    CHECK_EQ(context_stats(context).threads, 1);
    /* A record of a thread is some 40 KiB; rounds without blocks wait for being recycled. */
    CHECK(context_stats(context).own_bytes <= own + (1 << 20));
    CHECK_EQ(region_stats(region, 0).rounds, LIVES);
    check_survivors(context, region, 0, 100, 1);
    lw_block_free(heap, at(0x10000 + LIVES * 32));
}

/* ---- a round that its thread never ended ---- */

static lw_round left_open;

static void *leave_open(void *user)
{
    (void)user;
    left_open = begin(region);
    lw_block_alloc(heap, at(0x500000), 70, NULL);
    return NULL;
}

static void a_round_left_open(void)
{
    pthread_t thread;
    lw_error error = LW_ERROR_INIT;
    pthread_create(&thread, NULL, leave_open, NULL);
    pthread_join(thread, NULL);
    CHECK_EQ(region_stats(region, left_open).open, 0); /* it ended with its thread */
    CHECK_EQ(region_stats(region, left_open).at_end_bytes, 70);
    check_survivors(context, region, left_open, 70, 1);
    CHECK_EQ(lw_region_end(region, left_open, NULL, &error), LW_E_STATE);
    lw_block_free(heap, at(0x500000));
    CHECK_EQ(region_stats(region, left_open).current_bytes, 0);
}

/* ---- a task whose thread ends goes on in another ---- */

static lw_region *tasks;
static lw_round task;

static void *leave_task(void *user)
{
    (void)user;
    CHECK_EQ(lw_region_begin(tasks, &task, NULL), LW_OK);
    lw_block_alloc(heap, at(0x600000), 30, NULL);
    return NULL;
}

static void a_task_handed_on(void)
{
    pthread_t thread;
    tasks = add_region(context, "task", LW_SCOPE_TASK);
    pthread_create(&thread, NULL, leave_task, NULL);
    pthread_join(thread, NULL);
    CHECK_EQ(lw_region_resume(tasks, task, NULL), LW_OK);
    lw_block_alloc(heap, at(0x600040), 12, NULL);
    CHECK_EQ(lw_region_end(tasks, task, NULL, NULL), LW_OK);
    check_survivors(context, tasks, task, 42, 2);
    lw_block_free(heap, at(0x600000));
    lw_block_free(heap, at(0x600040));
}

/* ---- events after our own thread's end ---- */

static pthread_key_t late;

/* Runs among the destructors of the thread, before or after ours. */
static void free_late(void *block)
{
    lw_block_free(heap, block);
    lw_block_alloc(heap, at((uint64_t)(uintptr_t)block + 16), 5, NULL);
}

static void *end_late(void *user)
{
    worker *worker = user;
    void *block = at(0x600000 + (uint64_t)worker->index * 64);
    lw_block_alloc(heap, block, 30, NULL);
    pthread_setspecific(late, block);
    return NULL;
}

static void events_of_a_thread_that_ends(void)
{
    pthread_key_create(&late, free_late);
    for (int i = 0; i < 20; i++)
        crew_run(4, end_late, NULL);
    CHECK_EQ(domain_stats(heap).blocks, 4);
    CHECK_EQ(domain_stats(heap).bytes, 20);
    CHECK_EQ(context_stats(context).threads, 1);
    pthread_key_delete(late);
}

/* ---- threads that end while the context goes ---- */

static lw_context *passing;
static lw_domain *passing_heap;
static _Atomic int done;

static void *say_one_thing(void *user)
{
    worker *worker = user;
    lw_block_alloc(passing_heap, at(0x1000 + (uint64_t)worker->index * 64), 10, NULL);
    atomic_fetch_add(&done, 1);
    return NULL; /* and its end may come before or after that of the context */
}

static void ends_of_threads_and_context(void)
{
    enum { THREADS = 6 };
    for (int i = 0; i < 150; i++) {
        pthread_t threads[THREADS];
        worker workers[THREADS];
        atomic_store(&done, 0);
        passing = open_context();
        passing_heap = add_domain(passing, "heap", 0, NULL);
        for (int j = 0; j < THREADS; j++) {
            workers[j] = (worker){j, 0, NULL};
            pthread_create(&threads[j], NULL, say_one_thing, &workers[j]);
        }
        while (atomic_load(&done) < THREADS) {
        }
        CHECK_EQ(domain_stats(passing_heap).blocks, THREADS);
        lw_context_release(passing);
        for (int j = 0; j < THREADS; j++)
            pthread_join(threads[j], NULL);
    }
}

/* ---- a thread that ends in the middle of the context's end ---- */

static counting memory;
static _Atomic long long frees_left = -1; /* until the thread ends */
static _Atomic int may_end;
static pthread_t ending;

static void *realloc_and_let_end(void *block, size_t old_size, size_t new_size, void *user)
{
    if (new_size == 0 && atomic_load(&frees_left) >= 0 && atomic_fetch_sub(&frees_left, 1) == 0) {
        atomic_store(&may_end, 1);
        pthread_join(ending, NULL);
    }
    return counting_realloc(block, old_size, new_size, user);
}

static void *wait_to_end(void *user)
{
    lw_region *work = user;
    begin(work);
    lw_block_alloc(passing_heap, at(0x1000), 10, NULL);
    atomic_store(&done, 1);
    while (!atomic_load(&may_end))
        sched_yield();
    return NULL;
}

/* Returns whether the context's end had so many frees. */
static int end_at_free(long long number)
{
    lw_context_options options = counting_options(&memory);
    options.allocator.realloc = realloc_and_let_end;
    atomic_store(&done, 0);
    atomic_store(&may_end, 0);
    CHECK_EQ(lw_context_create(&options, &passing, NULL), LW_OK);
    passing_heap = add_domain(passing, "heap", 0, NULL);
    pthread_create(&ending, NULL, wait_to_end, add_region(passing, "work", LW_SCOPE_THREAD));
    while (!atomic_load(&done))
        sched_yield();
    atomic_store(&frees_left, number);
    lw_context_release(passing);
    int came = atomic_load(&frees_left) < 0;
    atomic_store(&frees_left, -1);
    if (!came) {
        atomic_store(&may_end, 1);
        pthread_join(ending, NULL);
    }
    CHECK_EQ(memory.bytes, 0);
    CHECK_EQ(memory.wrong, 0);
    return came;
}

static void end_of_a_thread_within_that_of_the_context(void)
{
    long long number = 0;
    while (end_at_free(number))
        number++;
    CHECK(number > 10);
}

int main(void)
{
    context = open_context();
    heap = add_domain(context, "heap", 0, NULL);
    region = add_region(context, "life", LW_SCOPE_THREAD);
    many_short_lives();
    a_round_left_open();
    a_task_handed_on();
    events_of_a_thread_that_ends();
    lw_context_release(context);
    ends_of_threads_and_context();
    end_of_a_thread_within_that_of_the_context();
    return check_result();
}
