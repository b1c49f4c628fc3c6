/* The paths of recording that a host goes all the time, each by itself: fixed sequences of events
 * whose instructions test_instructions.py counts. No block here exists: addresses are numbers.
 *
 * Usage: paths           goes each path once, for valgrind to count
 *        paths EVENTS    prints nanoseconds of CPU time for each, over so many events on one thread
 *                        and on two at once
 */
#include <leakwatch.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAMES = 22, LIVE = 4096, COUNTED = 2000 };

/* What a thread works with. */
typedef struct work {
    lw_domain *domain;  /* any thread may send events */
    lw_domain *serial;  /* one lock orders all */
    lw_region *region;  /* of scope THREAD */
    lw_region *process; /* of scope PROCESS */
    lw_type *type;
    uint64_t words[2][LW_STACK_MAX];
    lw_stack stack[2]; /* differ in their innermost word */
    lw_stack deep;     /* LW_STACK_MAX frames, without a hash */
    lw_stack unhashed;
    uint64_t base; /* of its addresses */
    uint64_t seed;
    lw_round round;
} work;

static void *at(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

/* Blocks of 64 bytes in a page that is used by nothing else. */
static void *hot_block(const work *work, uint64_t index)
{
    return at(work->base + (index & 31) * 80);
}

static void *live_block(const work *work, uint64_t index)
{
    return at(work->base + UINT64_C(0x100000) + index * 80);
}

static uint64_t next(work *work)
{
    work->seed ^= work->seed << 13;
    work->seed ^= work->seed >> 7;
    work->seed ^= work->seed << 17;
    return work->seed;
}

/* ---- the paths ---- */

static void pair(work *work, long events)
{
    for (long i = 0; i < events; i++) {
        void *block = hot_block(work, (uint64_t)i);
        lw_block_alloc(work->domain, block, 64, &work->stack[0]);
        lw_block_free(work->domain, block);
    }
}

static void pair_serial(work *work, long events)
{
    for (long i = 0; i < events; i++) {
        void *block = hot_block(work, (uint64_t)i);
        lw_block_alloc(work->serial, block, 64, &work->stack[0]);
        lw_block_free(work->serial, block);
    }
}

static void pair_two_sites(work *work, long events)
{
    for (long i = 0; i < events; i++) {
        void *block = hot_block(work, (uint64_t)i);
        lw_block_alloc(work->serial, block, 64, &work->stack[i & 1]);
        lw_block_free(work->serial, block);
    }
}

static void pair_place(work *work, long events)
{
    for (long i = 0; i < events; i++) {
        void *block = hot_block(work, (uint64_t)i);
        lw_block_alloc_at(work->domain, block, 64, LW_HERE);
        lw_block_free(work->domain, block);
    }
}

static void pair_unhashed(work *work, long events)
{
    for (long i = 0; i < events; i++) {
        void *block = hot_block(work, (uint64_t)i);
        lw_block_alloc(work->domain, block, 64, &work->unhashed);
        lw_block_free(work->domain, block);
    }
}

static void pair_deep(work *work, long events)
{
    for (long i = 0; i < events; i++) {
        void *block = hot_block(work, (uint64_t)i);
        lw_block_alloc(work->domain, block, 64, &work->deep);
        lw_block_free(work->domain, block);
    }
}

/* A live set, of which a random block is exchanged at a time. */
static void churn(work *work, long events)
{
    for (long i = 0; i < events; i++) {
        uint64_t random = next(work);
        void *block = live_block(work, (random >> 20) % LIVE);
        lw_block_free(work->domain, block);
        lw_block_alloc(work->domain, block, 16 + (random & 63), &work->stack[random >> 63]);
    }
}

static void move(work *work, long events)
{
    lw_move move;
    for (long i = 0; i < events; i++) {
        void *block = live_block(work, (uint64_t)i % LIVE);
        lw_move_begin(work->domain, block, &move);
        lw_move_end(&move, block, 48, &work->stack[0]);
    }
}

static void free_unknown(work *work, long events)
{
    for (long i = 0; i < events; i++)
        lw_block_free(work->domain, at(work->base + UINT64_C(0x800000) + (uint64_t)(i & 255) * 80));
}

static void region(work *work, long events)
{
    lw_round round;
    for (long i = 0; i < events; i++) {
        lw_region_begin(work->region, &round, NULL);
        lw_region_end(work->region, round, NULL, NULL);
    }
}

static void region_pair(work *work, long events)
{
    lw_round round;
    for (long i = 0; i < events; i++) {
        lw_region_begin(work->region, &round, NULL);
        lw_block_alloc(work->domain, hot_block(work, 0), 64, &work->stack[0]);
        lw_block_free(work->domain, hot_block(work, 0));
        lw_region_end(work->region, round, NULL, NULL);
    }
}

static void object(work *work, long events)
{
    for (long i = 0; i < events; i++) {
        void *thing = hot_block(work, (uint64_t)i);
        lw_object_created(work->type, thing);
        lw_object_destroyed(work->type, thing);
    }
}

/* ---- what must be so before and after ---- */

static void enter(work *work)
{
    lw_region_begin(work->region, &work->round, NULL);
}

static void leave(work *work)
{
    lw_region_end(work->region, work->round, NULL, NULL);
}

static void enter_process(work *work)
{
    lw_region_begin(work->process, &work->round, NULL);
}

static void leave_process(work *work)
{
    lw_region_end(work->process, work->round, NULL, NULL);
}

static void fill(work *work)
{
    for (uint64_t i = 0; i < LIVE; i++)
        lw_block_alloc(work->domain, live_block(work, i), 48, &work->stack[0]);
}

static void empty(work *work)
{
    for (uint64_t i = 0; i < LIVE; i++)
        lw_block_free(work->domain, live_block(work, i));
}

static const struct path {
    const char *name;
    void (*run)(work *work, long events);
    void (*before)(work *work);
    void (*after)(work *work);
} paths[] = {
    {"pair", pair, NULL, NULL},
    {"pair_serial", pair_serial, NULL, NULL},
    {"pair_two_sites", pair_two_sites, NULL, NULL},
    {"pair_place", pair_place, NULL, NULL},
    {"pair_unhashed", pair_unhashed, NULL, NULL},
    {"pair_deep", pair_deep, NULL, NULL},
    {"pair_in_region", pair, enter, leave},
    {"pair_in_process_region", pair, enter_process, leave_process},
    {"churn", churn, fill, empty},
    {"move", move, fill, empty},
    {"free_unknown", free_unknown, NULL, NULL},
    {"region", region, NULL, NULL},
    {"region_pair", region_pair, NULL, NULL},
    {"object", object, NULL, NULL},
};

enum { PATHS = sizeof paths / sizeof *paths };

/* ---- making it all ---- */

static void check(lw_status status)
{
    if (status != LW_OK)
        abort();
}

static lw_domain *make_domain(lw_context *context, const char *name, int32_t kind, uint32_t flags)
{
    lw_domain *domain = NULL;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    options.name = name;
    options.kind = kind;
    options.flags = flags;
    check(lw_domain_create(context, &options, &domain, NULL));
    return domain;
}

static lw_region *make_region(lw_context *context, const char *name, int32_t scope)
{
    lw_region *region = NULL;
    lw_region_options options = LW_REGION_OPTIONS_INIT;
    options.scope = scope;
    check(lw_region_create(context, name, &options, &region, NULL));
    return region;
}

static void make_stacks(work *work)
{
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned i = 0; i < LW_STACK_MAX; i++)
            work->words[s][i] = 0x400000 + i * 16 + (i == 0 ? s * 8 : 0);
        uint64_t hash = 0;
        for (unsigned i = 0; i < FRAMES; i++)
            hash += work->words[s][i] * lw_stack_factors()[i];
        work->stack[s] = (lw_stack){work->words[s], FRAMES, 0, hash};
    }
    work->unhashed = (lw_stack){work->words[0], FRAMES, 0, 0};
    work->deep = (lw_stack){work->words[1], LW_STACK_MAX, 1, 0};
}

static void make(work *work, lw_context *context, unsigned index)
{
    char name[32];
    work->domain = make_domain(context, index ? "second" : "first", LW_DOMAIN_SHARED, 0);
    snprintf(name, sizeof name, "serial %u", index);
    work->serial = make_domain(context, name, LW_DOMAIN_APART, LW_DOMAIN_SERIAL);
    snprintf(name, sizeof name, "region %u", index);
    work->region = make_region(context, name, LW_SCOPE_THREAD);
    snprintf(name, sizeof name, "process %u", index);
    work->process = make_region(context, name, LW_SCOPE_PROCESS);
    snprintf(name, sizeof name, "type %u", index);
    check(lw_type_create(context, name, 64, &work->type, NULL));
    work->base = UINT64_C(0x7f0000000000) + (uint64_t)index * UINT64_C(0x40000000);
    work->seed = 88172645463325252u + index;
    make_stacks(work);
}

/* ---- counting and timing ---- */

/* Valgrind counts what runs between the beginning and the end of this function, which it knows by
 * its name; the warm-up is over by then. */
void counted(const struct path *path, work *work);
void counted(const struct path *path, work *work)
{
    path->run(work, COUNTED);
}

/* Read each time, so that the compiler makes no copy of the function under another name. */
static void (*volatile call_counted)(const struct path *path, work *work) = counted;

static void count(work *work)
{
    for (int i = 0; i < PATHS; i++) {
        if (paths[i].before)
            paths[i].before(work);
        paths[i].run(work, COUNTED);
        call_counted(&paths[i], work);
        if (paths[i].after)
            paths[i].after(work);
        printf("%s %d\n", paths[i].name, COUNTED);
    }
}

typedef struct timing {
    const struct path *path;
    work *work;
    long events;
    double ns;
    pthread_barrier_t *start;
} timing;

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *run_timed(void *user)
{
    timing *timing = user;
    if (timing->path->before)
        timing->path->before(timing->work);
    timing->path->run(timing->work, timing->events / 10);
    pthread_barrier_wait(timing->start);
    double begun = cpu_ns();
    timing->path->run(timing->work, timing->events);
    timing->ns = (cpu_ns() - begun) / (double)timing->events;
    if (timing->path->after)
        timing->path->after(timing->work);
    return NULL;
}

static double run_threads(const struct path *path, work *works, unsigned threads, long events)
{
    pthread_t thread[2];
    timing timing[2];
    pthread_barrier_t start;
    double sum = 0;
    pthread_barrier_init(&start, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        timing[i] = (struct timing){path, &works[i], events, 0, &start};
        if (pthread_create(&thread[i], NULL, run_timed, &timing[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        sum += timing[i].ns;
    }
    pthread_barrier_destroy(&start);
    return sum / threads;
}

int main(int argc, char **argv)
{
    static work works[2];
    lw_context *context = NULL;
    check(lw_context_create(NULL, &context, NULL));
    for (unsigned i = 0; i < 2; i++)
        make(&works[i], context, i);
    if (argc < 2) {
        count(&works[0]);
    } else {
        printf("%-24s%10s%12s\n", "ns per event or pair", "1 thread", "2 threads");
        for (int i = 0; i < PATHS; i++) {
            double one = run_threads(&paths[i], works, 1, atol(argv[1]));
            double two = run_threads(&paths[i], works, 2, atol(argv[1]));
            printf("%-24s%10.1f%12.1f\n", paths[i].name, one, two);
        }
    }
    lw_context_release(context);
    return 0;
}
