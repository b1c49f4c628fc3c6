/* Every allocation of ours that recording asks for fails in turn, once and for good, over a day in
 * which each of its functions has something to do. A call says LW_E_NOMEM, changes nothing, and
 * succeeds when there is memory again; an event is recorded or counted as dropped, and all sums
 * agree after each step. At the end nothing of ours is left. */
#include "../support/counting.h"

#include <leakwatch.h>

#include <limits.h>
#include <pthread.h>
#include <stdio.h>

enum { BLOCKS = 1400, WORDS = 40, NEVER = -1 };

typedef struct block {
    lw_domain *domain;
    uint64_t address, size;
} block;

/* What is recorded, as far as a plain account goes. */
typedef struct day {
    counting memory;
    long long calls;   /* for memory, by what is tested */
    long long fail_at; /* the one that fails, 0: none */
    int persistent;
    lw_context *context;
    lw_domain *heap, *object, *pool, *device;
    lw_region *region, *task, *process;
    lw_round round, inner, set_aside, of_all;
    lw_type *type;
    block blocks[BLOCKS];
    int block_count;
} day;

static unsigned long failures;
static const char *step;

static int expect(day *day, int right, const char *what)
{
    if (!right && failures++ < 20)
        fprintf(stderr, "%s: allocation %lld %s: %s\n", step, day->fail_at,
                day->persistent ? "and all after it" : "alone", what);
    return right;
}

/* ---- memory that runs out, and comes back ---- */

/* Only allocations between these two are counted, and fail: those of our own questions do not. */
static void go_on_failing(day *day)
{
    day->memory.calls = day->calls;
    day->memory.fail_at = day->fail_at ? day->fail_at : LLONG_MAX;
}

static void have_memory(day *day)
{
    if (day->memory.fail_at != NEVER)
        day->calls = day->memory.calls;
    day->memory.fail_at = NEVER;
}

/* `call` is made once while memory may run out, and a second time if it did. */
#define TRY(day, call, unchanged)                                                                  \
    do {                                                                                           \
        lw_error error = LW_ERROR_INIT;                                                            \
        step = #call;                                                                              \
        go_on_failing(day);                                                                        \
        lw_status status = (call);                                                                 \
        have_memory(day);                                                                          \
        if (status != LW_OK) {                                                                     \
            expect(day, status == LW_E_NOMEM && error.status == status, lw_status_name(status));   \
            expect(day, error.message[0] != 0, "no message");                                      \
            expect(day, day->memory.failed > 0, "nothing had failed");                             \
            expect(day, (unchanged), "something changed: " #unchanged);                            \
            check_sums(day);                                                                       \
            status = (call);                                                                       \
            expect(day, status == LW_OK, "does not succeed a second time");                        \
            check_sums(day);                                                                       \
        }                                                                                          \
    } while (0)

/* ---- what must be true after every step ---- */

static lw_context_stats about(day *day)
{
    lw_context_stats stats = LW_CONTEXT_STATS_INIT;
    expect(day, lw_context_stats_get(day->context, &stats, NULL) == LW_OK, "no stats");
    return stats;
}

static void check_domain(day *day, lw_domain *domain)
{
    lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
    int64_t bytes = 0, blocks = 0;
    if (!domain)
        return;
    for (int i = 0; i < day->block_count; i++) {
        if (day->blocks[i].domain == domain) {
            bytes += (int64_t)day->blocks[i].size;
            blocks++;
        }
    }
    lw_domain_stats_get(domain, &stats, NULL);
    expect(day, stats.bytes == bytes && stats.blocks == blocks, "a domain's sums are wrong");
}

static void check_sums(day *day)
{
    lw_domain *domains[] = {day->heap, day->object, day->pool, day->device};
    expect(day, day->memory.wrong == 0, "a size given back is not the size asked for");
    if (!day->context)
        return;
    for (int i = 0; i < 4; i++)
        check_domain(day, domains[i]);
    lw_context_stats stats = about(day);
    expect(day, stats.own_bytes == (uint64_t)day->memory.bytes, "own_bytes is not what we hold");
    expect(day, day->memory.failed > 0 || stats.dropped == 0, "dropped without need");
}

static void check_region(day *day, lw_region *region, lw_round round)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    if (!region || (round && lw_region_stats_get(region, round, &stats, NULL) == LW_E_NOT_FOUND))
        return;
    expect(day, lw_region_stats_get(region, round, &stats, NULL) == LW_OK, "no stats of a region");
    expect(day, lw_survivors_take(day->context, region, round, &survivors, NULL) == LW_OK,
           "no survivors");
    lw_survivors_info_get(survivors, &info, NULL);
    expect(day, info.bytes == stats.current_bytes && info.blocks == stats.current_blocks,
           "current is not what survives");
    lw_survivors_release(survivors);
}

/* The same and what takes longer. */
static void check_all(day *day)
{
    step = "all sums";
    check_sums(day);
    check_region(day, day->region, 0);
    check_region(day, day->region, day->round);
    check_region(day, day->process, 0);
}

/* ---- events ---- */

static block *known(day *day, lw_domain *domain, uint64_t address)
{
    for (int i = 0; i < day->block_count; i++) {
        int shared = domain != day->device && domain != day->pool &&
                     day->blocks[i].domain != day->device && day->blocks[i].domain != day->pool;
        if (day->blocks[i].address == address && (shared || day->blocks[i].domain == domain))
            return &day->blocks[i];
    }
    return NULL;
}

static void forget(day *day, lw_domain *domain, uint64_t address)
{
    block *block = known(day, domain, address);
    if (block)
        *block = day->blocks[--day->block_count];
}

static void *at(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

/* After an allocation that was made while memory might run out. */
static void born(day *day, lw_domain *domain, uint64_t address, uint64_t size,
                 const lw_context_stats *before)
{
    have_memory(day);
    lw_context_stats after = about(day);
    lw_block found = LW_BLOCK_INIT;
    uint64_t dropped = after.dropped_memory - before->dropped_memory;
    forget(day, domain, address);
    int recorded = lw_block_find(domain, at(address), &found, NULL) == LW_OK &&
                   found.address == at(address);
    expect(day, recorded ? dropped == 0 && found.size == size : dropped == 1,
           "neither recorded nor dropped");
    expect(day, after.dropped_stack - before->dropped_stack <= 1, "dropped_stack is wrong");
    if (recorded)
        day->blocks[day->block_count++] = (block){domain, address, size};
    check_domain(day, domain);
}

static void put(day *day, lw_domain *domain, uint64_t address, uint64_t size, uint64_t word)
{
    uint64_t words[] = {word + 1, word % 7 + 1, 3};
    lw_stack stack = {words, 3, 0, 0};
    lw_context_stats before = about(day);
    step = "an allocation";
    go_on_failing(day);
    lw_block_alloc(domain, at(address), size, word ? &stack : NULL);
    born(day, domain, address, size, &before);
}

/* While there is memory: what others go on from. */
static void put_surely(day *day, lw_domain *domain, uint64_t address, uint64_t size)
{
    lw_context_stats before = about(day);
    lw_block_alloc_at(domain, at(address), size, LW_HERE);
    born(day, domain, address, size, &before);
}

static void put_here(day *day, lw_domain *domain, uint64_t address, uint64_t size)
{
    lw_context_stats before = about(day);
    step = "an allocation with a place";
    go_on_failing(day);
    lw_block_alloc_at(domain, at(address), size, LW_HERE);
    born(day, domain, address, size, &before);
}

/* Freeing never needs memory. */
static void drop(day *day, lw_domain *domain, uint64_t address)
{
    long long calls = day->calls;
    step = "a free";
    go_on_failing(day);
    lw_block_free(domain, at(address));
    have_memory(day);
    expect(day, day->calls == calls, "freeing asked for memory");
    forget(day, domain, address);
    check_domain(day, domain);
}

static void move(day *day, uint64_t from, uint64_t to, uint64_t size)
{
    lw_context_stats before = about(day);
    lw_move moving;
    step = "a move";
    go_on_failing(day);
    lw_move_begin(day->heap, at(from), &moving);
    forget(day, day->heap, from);
    lw_move_end(&moving, at(to), size, NULL);
    born(day, day->heap, to, size, &before);
}

static void fail_to_move(day *day, uint64_t address)
{
    lw_context_stats before = about(day);
    block *was = known(day, day->heap, address);
    block copy = was ? *was : (block){day->heap, address, 0};
    lw_move moving;
    step = "a move that fails";
    go_on_failing(day);
    lw_move_begin(day->heap, at(address), &moving);
    lw_move_cancel(&moving);
    have_memory(day);
    if (was)
        born(day, copy.domain, address, copy.size, &before);
    else
        expect(day, about(day).dropped == before.dropped, "dropped what was not there");
}

/* ---- the day ---- */

static int describe(uint64_t word, lw_frame *frame, void *user)
{
    static char name[64];
    day *day = user;
    snprintf(name, sizeof name, "function %d", (int)word);
    frame->function = name;
    frame->file = word % 2 ? "odd.x" : "even.x";
    if (word % 20 == 0) { /* may fail: then the word is shown as a number */
        lw_status status = lw_code_watch(day->object, at(0x50000000 + word * 4096), 4096);
        expect(day, status == LW_OK || status == LW_E_NOMEM, "watching");
        return status != LW_OK;
    }
    return 0;
}

static lw_status add_domain(day *day, lw_domain **domain, const char *name, int32_t kind,
                            lw_error *error)
{
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    options.name = name;
    options.kind = kind;
    options.parent = kind == LW_DOMAIN_CARVED ? day->heap : NULL;
    options.describe_frame = kind == LW_DOMAIN_APART ? NULL : describe;
    options.user = day;
    return lw_domain_create(day->context, &options, domain, error);
}

static lw_status add_region(day *day, lw_region **region, const char *name, int32_t scope,
                            lw_error *error)
{
    lw_region_options options = LW_REGION_OPTIONS_INIT;
    options.scope = scope;
    return lw_region_create(day->context, name, &options, region, error);
}

static void morning(day *day)
{
    lw_context_options options = counting_options(&day->memory);
    TRY(day, lw_context_create(&options, &day->context, &error),
        !day->context && day->memory.bytes == 0);
    TRY(day, add_domain(day, &day->heap, "heap", LW_DOMAIN_SHARED, &error), !day->heap);
    TRY(day, add_domain(day, &day->object, "object", LW_DOMAIN_SHARED, &error), !day->object);
    TRY(day, add_domain(day, &day->pool, "pool", LW_DOMAIN_CARVED, &error), !day->pool);
    TRY(day, add_domain(day, &day->device, "device", LW_DOMAIN_APART, &error), !day->device);
    TRY(day, add_region(day, &day->region, "region", LW_SCOPE_THREAD, &error), !day->region);
    TRY(day, add_region(day, &day->task, "task", LW_SCOPE_TASK, &error), !day->task);
    TRY(day, add_region(day, &day->process, "process", LW_SCOPE_PROCESS, &error), !day->process);
    TRY(day, lw_type_create(day->context, "type", 8, &day->type, &error), !day->type);
}

static void blocks_of_all_kinds(day *day)
{
    put(day, day->heap, 0x10000, 100, 0);
    put_here(day, day->heap, 0x20000, 200);
    for (uint64_t i = 0; i < WORDS; i++)
        put(day, day->object, 0x100000 + i * 4096, 50, i + 1);
    for (uint64_t i = 0; i < 64; i++) /* a page becomes dense */
        put(day, day->heap, 0x200000 + i * 1040 % 4096 / 16 * 16, 4096, 0);
    put(day, day->heap, UINT64_C(0x123456789000), 10, 0);
    put(day, day->heap, UINT64_C(0xffff000000000000), 10, 0);
    put(day, day->heap, 0x300000, UINT64_C(5) << 30, 0);
    fail_to_move(day, 0x300000);
    put(day, day->heap, 0x300000, UINT64_C(6) << 30, 0);
    put(day, day->device, 0x300000, UINT64_C(1) << 30, 0);
    put(day, day->object, 0x10000, 100, 5); /* an outer hook sees it too */
    move(day, 0x20000, 0x24000, 300);
    move(day, 0x24000, UINT64_C(0x200000000), 300);
    fail_to_move(day, UINT64_C(0x200000000));
    fail_to_move(day, 0x77770);
    drop(day, day->heap, 0x300000);
    drop(day, day->heap, 0x10000);
    check_all(day);
}

static void rounds_of_all_kinds(day *day)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    TRY(day, lw_region_begin(day->region, &day->round, &error), day->round == 0);
    put(day, day->heap, 0x400000, 10, 1);
    TRY(day, lw_region_begin(day->region, &day->inner, &error), day->inner == 0);
    put(day, day->heap, 0x400010, 10, 1);
    TRY(day, lw_region_begin(day->process, &day->of_all, &error), day->of_all == 0);
    put(day, day->heap, 0x400020, 10, 1);
    TRY(day, lw_region_begin(day->task, &day->set_aside, &error), day->set_aside == 0);
    put(day, day->heap, 0x400030, 10, 1);
    TRY(day, lw_region_suspend(day->task, day->set_aside, &error), 1);
    put(day, day->heap, 0x400040, 10, 1);
    TRY(day, lw_region_resume(day->task, day->set_aside, &error), 1);
    put(day, day->heap, 0x400050, 10, 1);
    TRY(day, lw_region_stats_get(day->region, 0, &stats, &error), stats.rounds == 0);
    TRY(day, lw_region_end(day->task, day->set_aside, &stats, &error), stats.rounds == 0);
    TRY(day, lw_region_end(day->process, day->of_all, &stats, &error), 1);
    TRY(day, lw_region_end(day->region, day->inner, &stats, &error), 1);
    put(day, day->heap, 0x400060, 10, 1);
    TRY(day, lw_region_end(day->region, day->round, &stats, &error), 1);
    put(day, day->heap, 0x400070, 10, 1);
    check_all(day);
}

static lw_status adopt(day *day, uint64_t chunk, lw_error *error)
{
    lw_status status = lw_domain_adopt(day->pool, at(chunk), error);
    if (status == LW_OK)
        forget(day, day->heap, chunk);
    return status;
}

static void chunks(day *day)
{
    put_surely(day, day->heap, 0x600000, 65536);
    TRY(day, adopt(day, 0x600000, &error), known(day, day->heap, 0x600000) != NULL);
    for (uint64_t i = 0; i < 10; i++)
        put(day, day->pool, 0x600000 + i * 512, 500, i);
    lw_block_free(day->heap, at(0x600000));
    for (uint64_t i = 0; i < 10; i++)
        forget(day, day->pool, 0x600000 + i * 512);
    check_sums(day);
}

/* TRY without an lw_error to look at. */
static lw_status watch(day *day, uint64_t code, lw_error *error)
{
    lw_status status = lw_code_watch(day->object, at(code), 4096);
    if (status != LW_OK)
        *error = (lw_error){sizeof *error, status, "not told"};
    return status;
}

static void code(day *day)
{
    put_surely(day, day->object, 0x100000, 50);
    TRY(day, watch(day, 0x100000, &error), 1);
    TRY(day, watch(day, 0x50900000, &error), 1);
    drop(day, day->object, 0x100000);
    lw_block_free(day->object, at(0x50900000));
    lw_code_retire(day->heap, 1, 10);
    for (uint64_t i = 0; i < WORDS; i++)
        put(day, day->object, 0x100000 + i * 4096, 50, i + 1);
    check_all(day);
}

static void objects(day *day)
{
    lw_type_stats stats = LW_TYPE_STATS_INIT;
    step = "objects";
    for (uint64_t i = 1; i <= 40; i++) {
        go_on_failing(day);
        lw_object_created(day->type, at(i * 1000003));
        have_memory(day);
    }
    lw_type_stats_get(day->type, &stats, NULL);
    expect(day, stats.live + stats.dropped == 40, "neither live nor dropped");
    for (uint64_t i = 1; i <= 40; i++)
        lw_object_destroyed(day->type, at(i * 1000003));
    lw_type_stats_get(day->type, &stats, NULL);
    expect(day, stats.live == 0 && stats.unknown == stats.dropped, "objects are left");
}

static lw_status take_and_release(day *day, lw_region *region, lw_error *error)
{
    lw_survivors *survivors = NULL;
    lw_status status = lw_survivors_take(day->context, region, 0, &survivors, error);
    expect(day, (survivors != NULL) == (status == LW_OK), "a table and no success, or none");
    lw_survivors_release(survivors);
    return status;
}

/* A thread of which we know nothing yet. */
static void *other_thread(void *user)
{
    day *day = user;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_round round = 0;
    put(day, day->heap, 0x700000, 10, 3);
    TRY(day, lw_region_begin(day->region, &round, &error), round == 0);
    put(day, day->heap, 0x700010, 10, 3);
    TRY(day, lw_region_end(day->region, round, &stats, &error), 1);
    TRY(day, take_and_release(day, day->region, &error), 1);
    return NULL;
}

static int see_frame(const lw_frame *frame, void *user)
{
    (void)frame, (void)user;
    return 0;
}

/* A call that is the first of its thread asks for memory too. */
static void *asking_thread(void *user)
{
    day *day = user;
    lw_block found = LW_BLOCK_INIT;
    TRY(day, lw_block_find(day->heap, at(0x700008), &found, &error), found.size == 0);
    return NULL;
}

static void *framing_thread(void *user)
{
    day *day = user;
    TRY(day, lw_site_frames(day->context, 1, see_frame, NULL, &error), 1);
    return NULL;
}

static void on_a_thread(day *day, void *(*run)(void *))
{
    pthread_t thread;
    pthread_create(&thread, NULL, run, day);
    pthread_join(thread, NULL);
}

static void evening(day *day)
{
    lw_survivors *survivors = NULL;
    TRY(day, take_and_release(day, NULL, &error), 1);
    lw_survivors_take(day->context, NULL, 0, &survivors, NULL);
    lw_context_release(day->context);
    expect(day, day->memory.bytes > 0, "a table without memory");
    lw_survivors_release(survivors);
    step = "the end";
    expect(day, day->memory.bytes == 0, "something of ours is left");
    expect(day, day->memory.wrong == 0, "a size given back is not the size asked for");
}

/* Returns how many allocations the day had. */
static long long live_through(long long fail_at, int persistent)
{
    static day day;
    memset(&day, 0, sizeof day);
    day.fail_at = fail_at;
    day.persistent = persistent;
    day.memory.persistent = persistent;
    day.memory.fail_at = NEVER;
    morning(&day);
    blocks_of_all_kinds(&day);
    rounds_of_all_kinds(&day);
    chunks(&day);
    code(&day);
    objects(&day);
    on_a_thread(&day, other_thread);
    put_surely(&day, day.heap, 0x700000, 10);
    on_a_thread(&day, asking_thread);
    on_a_thread(&day, framing_thread);
    evening(&day);
    return day.calls;
}

/* usage: record [stride: each so-many-th allocation also fails for good; 1 with all tests] */
int main(int argc, char **argv)
{
    long long calls = live_through(0, 0);
    long long stride = argc > 1 ? atoll(argv[1]) : getenv("LW_TEST_ALL") ? 1 : 5;
    if (stride < 1)
        return 2;
    for (long long n = 1; n <= calls && !failures; n++) {
        live_through(n, 0);
        if (n % stride == 0)
            live_through(n, 1);
    }
    printf("%lld allocations\n", calls);
    if (failures)
        fprintf(stderr, "%lu failures\n", failures);
    return failures != 0;
}
