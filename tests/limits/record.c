/* Recording within 512 MiB of address space, as under `ulimit -v 524288`: what grows grows with
 * what lives, tables start small, and a system that gives no more memory is no more than a drop.
 * Not with a sanitizer, which needs terabytes of addresses. */
#define _GNU_SOURCE

#include "../support/check.h"

#include <errno.h>
#include <leakwatch.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { MILLION = 1000000, MIB = 1 << 20 };

static lw_context *context;
static lw_domain *heap;
static lw_region *region;

static void *at(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

static lw_domain *add_domain(const char *name, int32_t kind, uint32_t alignment)
{
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *domain = NULL;
    options.name = name;
    options.kind = kind;
    options.alignment = alignment;
    options.parent = kind == LW_DOMAIN_CARVED ? heap : NULL;
    CHECK_EQ(lw_domain_create(context, &options, &domain, NULL), LW_OK);
    return domain;
}

static void open_all(void)
{
    context = NULL;
    CHECK_EQ(lw_context_create(NULL, &context, NULL), LW_OK);
    heap = add_domain("heap", LW_DOMAIN_SHARED, 0);
    CHECK_EQ(lw_region_create(context, "round", NULL, &region, NULL), LW_OK);
}

static lw_context_stats about(void)
{
    lw_context_stats stats = LW_CONTEXT_STATS_INIT;
    CHECK_EQ(lw_context_stats_get(context, &stats, NULL), LW_OK);
    return stats;
}

static lw_region_stats of_region(lw_round round)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    CHECK_EQ(lw_region_stats_get(region, round, &stats, NULL), LW_OK);
    return stats;
}

static void put(lw_domain *domain, uint64_t address, uint64_t size, uint64_t word)
{
    lw_stack stack = {&word, 1, 0, 0};
    lw_block_alloc(domain, at(address), size, &stack);
}

/* ---- a million rounds ---- */

/* Each allocates from a stack of its own choice and leaves `kept` blocks for the last `live` rounds;
 * what we take must stay what it was after the first tenth. */
static void many_rounds(const char *what, uint64_t count, int32_t scope, uint64_t kept,
                        uint64_t live)
{
    uint64_t early = 0, blocks = live * kept;
    lw_region_options options = LW_REGION_OPTIONS_INIT;
    open_all();
    options.scope = scope;
    CHECK_EQ(lw_region_create(context, what, &options, &region, NULL), LW_OK);
    for (uint64_t i = 0; i < count; i++) {
        lw_round round = 0;
        CHECK_EQ(lw_region_begin(region, &round, NULL), LW_OK);
        put(heap, 0x100000, 64, i % 50 + 1);
        for (uint64_t j = 0; j < kept; j++) { /* takes the place of one that goes */
            uint64_t address = 0x200000 + (i * kept + j) % blocks * 32;
            if (i >= live)
                lw_block_free(heap, at(address));
            put(heap, address, 32, i % 50 + 1);
        }
        lw_block_free(heap, at(0x100000));
        CHECK_EQ(lw_region_end(region, round, NULL, NULL), LW_OK);
        if (i == count / 10)
            early = about().own_bytes;
    }
    lw_context_stats stats = about();
    lw_region_stats rounds = of_region(0);
    CHECK_EQ(rounds.rounds, count);
    CHECK_EQ(rounds.open, 0);
    CHECK_EQ(rounds.current_blocks, blocks);
    CHECK_EQ(rounds.current_bytes, blocks * 32);
    CHECK_EQ(rounds.at_end_bytes, count * kept * 32);
    CHECK_EQ(stats.dropped, 0);
    CHECK(stats.own_bytes <= early + 4 * MIB); /* births wait in thousands for being recycled */
    CHECK(stats.own_peak_bytes <= 16 * MIB);
    printf("%s: %.1f MiB of our own, %.1f after the first tenth\n", what,
           (double)stats.own_bytes / MIB, (double)early / MIB);
    lw_context_release(context);
}

/* Blocks that all live to the end, then all go: what they took is there for the next ones. */
static void rounds_that_all_leave_something(void)
{
    enum { ROUNDS = 100000 };
    uint64_t first = 0;
    open_all();
    for (int pass = 0; pass < 4; pass++) {
        for (uint64_t i = 0; i < ROUNDS; i++) {
            lw_round round = 0;
            CHECK_EQ(lw_region_begin(region, &round, NULL), LW_OK);
            put(heap, 0x200000 + i * 32, 32, 1);
            CHECK_EQ(lw_region_end(region, round, NULL, NULL), LW_OK);
        }
        CHECK_EQ(of_region(0).current_blocks, ROUNDS);
        for (uint64_t i = 0; i < ROUNDS; i++)
            lw_block_free(heap, at(0x200000 + i * 32));
        CHECK_EQ(of_region(0).current_blocks, 0);
        if (pass == 0)
            first = about().own_peak_bytes;
    }
    CHECK(about().own_peak_bytes <= first * 2);
    printf("%d rounds with a block each: %.0f bytes a round\n", ROUNDS, (double)first / ROUNDS);
    lw_context_release(context);
}

/* ---- sizes and addresses ---- */

static void five_gibibytes(void)
{
    lw_block block = LW_BLOCK_INIT;
    uint64_t size = UINT64_C(5) << 30, start = UINT64_C(0x7f0000000000);
    open_all();
    uint64_t before = about().own_bytes;
    put(heap, start, size, 1);
    CHECK(about().own_bytes - before < MIB);
    CHECK_EQ(lw_block_find(heap, at(start + size - 1), &block, NULL), LW_OK);
    CHECK_EQ(block.size, size);
    CHECK_EQ(lw_block_find(heap, at(start + size), &block, NULL), LW_E_NOT_FOUND);
    lw_block_free_sized(heap, at(start), size);
    CHECK_EQ(about().replaced, 0);
    lw_context_release(context);
}

static void all_over_the_place(void)
{
    open_all();
    lw_domain *device = add_domain("device", LW_DOMAIN_APART, 8);
    for (uint64_t i = 0; i < 16; i++) { /* a new root of the map each */
        put(heap, i << 60 | 0x1000, 100, 1);
        put(device, i << 60 | 0x1008, 100, 1);
    }
    for (uint64_t i = 1; i <= 64; i++) /* a new leaf each */
        put(heap, i << 32, 100, 1);
    CHECK_EQ(about().dropped, 0);
    CHECK(about().own_bytes < 32 * MIB);
    for (uint64_t i = 0; i < 16; i++) {
        lw_block_free(heap, at(i << 60 | 0x1000));
        lw_block_free(device, at(i << 60 | 0x1008));
    }
    CHECK_EQ(about().unknown_frees, 0);
    lw_context_release(context);
}

/* What we keep for blocks of one size, the slots of the map only: fixed costs are subtracted. */
static void books(uint64_t size)
{
    uint64_t count = 64 * (uint64_t)MIB / size;
    open_all();
    put(heap, 0x10000000, size, 1);
    lw_block_free(heap, at(0x10000000));
    uint64_t before = about().own_bytes;
    for (uint64_t i = 0; i < count; i++)
        put(heap, 0x10000000 + i * size, size, 1);
    uint64_t bytes = about().own_bytes - before;
    uint64_t half = size * count / 2, limit = 24 * count + size * count / 50;
    CHECK(bytes <= (half < limit ? half : limit));
    printf("%llu blocks of %llu bytes: %.1f bytes of our own each\n", (unsigned long long)count,
           (unsigned long long)size, (double)bytes / (double)count);
    lw_context_release(context);
}

/* ---- a system that gives no more ---- */

static void no_more_memory(void)
{
    struct rlimit limit, none;
    open_all();
    put(heap, 0x10000, 16, 1);
    getrlimit(RLIMIT_AS, &limit);
    none = limit;
    none.rlim_cur = 1;
    setrlimit(RLIMIT_AS, &none);
    errno = 4711;
    for (uint64_t i = 1; i <= 2000; i++)
        put(heap, i << 32, 16, i);
    int after = errno;
    lw_error error = LW_ERROR_INIT;
    lw_context *another = NULL;
    lw_status status = lw_context_create(NULL, &another, &error);
    setrlimit(RLIMIT_AS, &limit);
    lw_context_stats stats = about();
    CHECK_EQ(after, 4711);
    CHECK(status == LW_E_NOMEM && !another && error.status == LW_E_NOMEM);
    CHECK(stats.dropped_memory > 0);
    put(heap, UINT64_C(5000) << 32, 16, 1);
    CHECK_EQ(about().dropped, stats.dropped);
    lw_domain_stats all = LW_DOMAIN_STATS_INIT;
    CHECK_EQ(lw_domain_stats_get(heap, &all, NULL), LW_OK);
    CHECK_EQ(all.blocks, 2002 - (int64_t)stats.dropped_memory);
    CHECK_EQ(lw_context_create(NULL, &another, NULL), LW_OK);
    lw_context_release(another);
    lw_context_release(context);
}

/* ---- our memory is not the host's ---- */

#if defined(__GLIBC__)
static void never_malloc(void)
{
    struct mallinfo2 before = mallinfo2();
    open_all();
    for (uint64_t i = 1; i <= 20000; i++) {
        lw_round round = 0;
        CHECK_EQ(lw_region_begin(region, &round, NULL), LW_OK);
        put(heap, i * 64, 48, i);
        CHECK_EQ(lw_region_end(region, round, NULL, NULL), LW_OK);
    }
    lw_survivors *survivors = NULL;
    CHECK_EQ(lw_survivors_take(context, region, 0, &survivors, NULL), LW_OK);
    struct mallinfo2 after = mallinfo2();
    CHECK_EQ(after.uordblks, before.uordblks);
    CHECK_EQ(after.hblkhd, before.hblkhd);
    lw_survivors_release(survivors);
    lw_context_release(context);
}
#else
static void never_malloc(void)
{
}
#endif

int main(void)
{
    struct rlimit limit = {512u * MIB, 512u * MIB};
    CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
    never_malloc();
    many_rounds("nothing left", MILLION, LW_SCOPE_THREAD, 0, 0);
    many_rounds("one left, freed later", MILLION, LW_SCOPE_THREAD, 1, 3000);
    many_rounds("of the process", MILLION / 4, LW_SCOPE_PROCESS, 0, 0);
    many_rounds("of the process, one left", MILLION / 4, LW_SCOPE_PROCESS, 1, 100);
    many_rounds("of a task", MILLION / 4, LW_SCOPE_TASK, 1, 1);
    rounds_that_all_leave_something();
    five_gibibytes();
    all_over_the_place();
    for (uint64_t size = 16; size <= MIB; size *= 4)
        books(size);
    no_more_memory();
    return check_result();
}
