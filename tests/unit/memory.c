/* The process's memory: each part against an amount that the test makes and knows. */
#define _GNU_SOURCE
#include "record_host.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

/* The kernel's counters lag, and the test's own frames, tables and libraries move too. */
#define SLOP (INT64_C(8) << 20)
#define MIB (INT64_C(1) << 20)

static lw_memory memory_of(lw_context *context)
{
    lw_memory memory = LW_MEMORY_INIT;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_memory_get(context, &memory, &error), LW_OK, "%s", error.message);
    return memory;
}

static void expect_near(int64_t got, int64_t want, const char *what)
{
    cr_assert(llabs(got - want) <= SLOP, "%s: %lld, should be about %lld", what, (long long)got,
              (long long)want);
}

static int64_t diff(uint64_t after, uint64_t before)
{
    return (int64_t)(after - before);
}

static uint64_t sum_of(const lw_memory *memory)
{
    return memory->blocks + memory->unrecorded + memory->slack + memory->stacks + memory->files +
           memory->shared + memory->own + memory->unexplained;
}

static char *touched(size_t size)
{
    char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(pages, MAP_FAILED);
    memset(pages, 1, size);
    return pages;
}

/* A word of /proc/self/status in bytes, by another way than the library's. */
static int64_t status_of(const char *word)
{
    char line[256];
    long long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, word, strlen(word)) == 0)
            sscanf(line + strlen(word), ": %lld", &kib);
    }
    fclose(file);
    return kib * 1024;
}

Test(memory, parts_make_the_whole)
{
    host host;
    open_host(&host);
    char *pages = touched(16 * MIB); /* more than what sanitizers leave unexplained below zero */
    lw_memory memory = memory_of(host.context);
    cr_assert_eq(memory.resident + memory.absent, sum_of(&memory));
    expect_near((int64_t)memory.resident, status_of("VmRSS"), "resident");
    expect_near((int64_t)memory.peak, status_of("VmHWM"), "peak");
    expect_near((int64_t)memory.files, status_of("RssFile"), "files");
    cr_assert_geq(memory.peak, memory.resident);
    cr_assert_gt(memory.stacks, 4096);
    munmap(pages, 16 * MIB);
    close_host(&host);
}

/* 64 MiB that nobody told of; then somebody does; then they go. */
Test(memory, what_is_told_is_explained)
{
    host host;
    open_host(&host);
    lw_domain *mapped = add_domain(host.context, "mmap", LW_DOMAIN_SHARED, NULL);
    lw_memory before = memory_of(host.context);
    char *pages = touched(64 * MIB);
    lw_memory dark = memory_of(host.context);
    expect_near(diff(dark.resident, before.resident), 64 * MIB, "resident");
    expect_near(diff(dark.unexplained, before.unexplained), 64 * MIB, "unexplained");
    lw_block_alloc(mapped, pages, 64 * MIB, NULL);
    lw_memory told = memory_of(host.context);
    cr_assert_eq(told.blocks, 64 * MIB);
    cr_assert_eq(told.domain_count, 1);
    cr_assert_str_eq(told.domains[0].name, "mmap");
    cr_assert_eq(told.domains[0].bytes, 64 * MIB);
    expect_near(diff(told.unexplained, before.unexplained), 0, "unexplained of what is told");
    lw_block_free(mapped, pages);
    munmap(pages, 64 * MIB);
    expect_near(diff(memory_of(host.context).resident, before.resident), 0, "resident at the end");
    close_host(&host);
}

/* Reserved and not touched: it cannot hide what is not explained. */
Test(memory, what_is_not_in_memory_is_absent)
{
    host host;
    open_host(&host);
    lw_memory before = memory_of(host.context);
    lw_block_alloc(host.heap, at(0x7e0000000000), UINT64_C(1) << 40, NULL);
    lw_memory after = memory_of(host.context);
    expect_near(diff(after.resident, before.resident), 0, "resident");
    cr_assert_eq(after.unexplained, 0);
    cr_assert_eq(after.resident + after.absent, sum_of(&after));
    cr_assert_gt(after.absent, UINT64_C(1) << 39);
    close_host(&host);
}

static lw_domain *thread_domain;
static sem_t ready, done;

static void *deep(void *argument)
{
    volatile char room[24 << 20];
    for (size_t i = 0; i < sizeof room; i += 4096)
        room[i] = 1;
    if (argument) /* known by its events */
        lw_block_free(thread_domain, at(0x10));
    sem_post(&ready);
    sem_wait(&done);
    return (void *)(uintptr_t)room[0];
}

/* Stacks of 24 MiB, of two threads that have sent events; of another two nobody knows. */
Test(memory, stacks_of_known_threads)
{
    host host;
    pthread_t threads[4];
    pthread_attr_t attributes;
    open_host(&host);
    thread_domain = host.heap;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32 * MIB);
    sem_init(&ready, 0, 0);
    sem_init(&done, 0, 0);
    lw_memory before = memory_of(host.context);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], &attributes, deep, i < 2 ? &host : NULL), 0);
    for (int i = 0; i < 4; i++)
        sem_wait(&ready);
    lw_memory after = memory_of(host.context);
    expect_near(diff(after.stacks, before.stacks), 48 * MIB, "stacks");
    expect_near(diff(after.resident, before.resident), 96 * MIB, "resident");
    for (int i = 0; i < 4; i++)
        sem_post(&done);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    expect_near(diff(memory_of(host.context).stacks, before.stacks), 0, "stacks at the end");
    close_host(&host);
}

/* What a pool cut out of its chunks, and what is left in them. */
Test(memory, pools_keep_what_they_did_not_hand_out)
{
    host host;
    open_host(&host);
    lw_domain *pool = add_domain(host.context, "pool", LW_DOMAIN_CARVED, host.heap);
    lw_domain *card = add_domain(host.context, "gpu", LW_DOMAIN_APART, NULL);
    lw_domain *cut = add_domain(host.context, "gpu pool", LW_DOMAIN_CARVED, card);
    lw_block_alloc(host.heap, at(0x100000), 65536, NULL);
    cr_assert_eq(lw_domain_adopt(pool, at(0x100000), NULL), LW_OK);
    lw_block_alloc(pool, at(0x100000), 40000, NULL);
    lw_block_alloc(host.heap, at(0x200000), 500, NULL);
    lw_block_alloc(card, at(0x100000), UINT64_C(5) << 30, NULL);
    cr_assert_eq(lw_domain_adopt(cut, at(0x100000), NULL), LW_OK);
    lw_block_alloc(cut, at(0x100000), UINT64_C(4) << 30, NULL);
    lw_memory memory = memory_of(host.context);
    cr_assert_eq(memory.blocks, 40500);
    cr_assert_eq(memory.slack, 25536);
    cr_assert_eq(memory.apart, UINT64_C(4) << 30);
    cr_assert_eq(memory.domain_count, 2);
    cr_assert_str_eq(memory.domains[0].name, "pool");
    cr_assert_str_eq(memory.domains[1].name, "heap");
    close_host(&host);
}

Test(memory, the_largest_domains_are_named)
{
    host host;
    char name[64];
    open_host(&host);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "a domain with a name that is far too long %d", i);
        lw_domain *domain = add_domain(host.context, name, LW_DOMAIN_APART, NULL);
        lw_block_alloc(domain, at(16), 100, NULL);
        snprintf(name, sizeof name, "%c", 'k' - i);
        domain = add_domain(host.context, name, LW_DOMAIN_SHARED, NULL);
        lw_block_alloc(domain, at(4096 + (uint64_t)i * 4096), i < 5 ? 100 : 200 - i, NULL);
    }
    lw_memory memory = memory_of(host.context);
    cr_assert_eq(memory.apart, 1000);
    cr_assert_eq(memory.blocks, 500 + 195 + 194 + 193 + 192 + 191);
    cr_assert_eq(memory.domain_count, LW_MEMORY_DOMAINS);
    cr_assert_eq(memory.flags, LW_MEMORY_MORE);
    static const char *const names[] = {"f", "e", "d", "c", "b", "g", "h", "i"};
    for (int i = 0; i < LW_MEMORY_DOMAINS; i++)
        cr_assert_str_eq(memory.domains[i].name, names[i]);
    close_host(&host);
}

/* --- allocators that tell of themselves ---------------------------------------------------- */

typedef struct teller {
    uint64_t held, used;
    int fails;
} teller;

static int tell(lw_memory_held *held, void *user)
{
    const teller *teller = user;
    cr_assert_eq(held->struct_size, sizeof *held);
    held->held = teller->held;
    held->used = teller->used;
    return teller->fails;
}

static lw_memory_source source_of(const char *name, lw_domain *const *domains, uint32_t count,
                                  teller *teller)
{
    lw_memory_source source = LW_MEMORY_SOURCE_INIT;
    source.name = name;
    source.domains = domains;
    source.domain_count = count;
    source.ask = tell;
    source.user = teller;
    return source;
}

Test(memory, sources_tell_of_slack)
{
    host host;
    teller heap = {1000, 700, 0}, other = {5000, 4000, 0};
    open_host(&host);
    lw_domain *second = add_domain(host.context, "second", LW_DOMAIN_SHARED, NULL);
    lw_domain *both[] = {host.heap, second};
    lw_memory_source one = source_of("heap", both, 2, &heap);
    lw_memory_source two = source_of("other", NULL, 0, &other);
    lw_block_alloc(host.heap, at(0x1000), 400, NULL);
    lw_block_alloc(second, at(0x2000), 200, NULL);
    cr_assert_eq(lw_memory_source_add(host.context, &one, NULL), LW_OK);
    lw_memory memory = memory_of(host.context);
    cr_assert_eq(memory.blocks, 600);
    cr_assert_eq(memory.unrecorded, 100); /* 700 were handed out, 600 we know */
    cr_assert_eq(memory.slack, 300);
    cr_assert_eq(lw_memory_source_add(host.context, &two, NULL), LW_OK);
    memory = memory_of(host.context);
    cr_assert_eq(memory.unrecorded, 4100);
    cr_assert_eq(memory.slack, 1300);
    lw_block_alloc(host.heap, at(0x3000), 500, NULL); /* we know more than it tells */
    memory = memory_of(host.context);
    cr_assert_eq(memory.unrecorded, 4000);
    cr_assert_eq(memory.slack, 1000);
    heap = (teller){0, 0, 1};
    memory = memory_of(host.context);
    cr_assert_eq(memory.flags, LW_MEMORY_SILENT);
    cr_assert_eq(memory.slack, 1000);
    heap = (teller){2000, 1500, 0};
    one.domain_count = 0; /* in place of what was told before */
    cr_assert_eq(lw_memory_source_add(host.context, &one, NULL), LW_OK);
    lw_memory_source_remove(host.context, "other");
    lw_memory_source_remove(host.context, "nobody");
    lw_memory_source_remove(NULL, "heap");
    lw_memory_source_remove(host.context, NULL);
    memory = memory_of(host.context);
    cr_assert_eq(memory.flags, 0);
    cr_assert_eq(memory.unrecorded, 1500);
    cr_assert_eq(memory.slack, 500);
    close_host(&host);
}

/* A pool's chunks are blocks of the allocator that it takes them from. */
Test(memory, sources_know_of_chunks)
{
    host host;
    teller heap = {70000, 66000, 0};
    open_host(&host);
    lw_domain *pool = add_domain(host.context, "pool", LW_DOMAIN_CARVED, host.heap);
    lw_memory_source source = source_of("heap", &host.heap, 1, &heap);
    cr_assert_eq(lw_memory_source_add(host.context, &source, NULL), LW_OK);
    lw_block_alloc(host.heap, at(0x100000), 65536, NULL);
    cr_assert_eq(lw_domain_adopt(pool, at(0x100000), NULL), LW_OK);
    lw_block_alloc(pool, at(0x100000), 60000, NULL);
    lw_memory memory = memory_of(host.context);
    cr_assert_eq(memory.blocks, 60000);
    cr_assert_eq(memory.unrecorded, 66000 - 65536);
    cr_assert_eq(memory.slack, 4000 + 5536);
    close_host(&host);
}

Test(memory, source_add_refuses)
{
    host host, other;
    lw_error error = LW_ERROR_INIT;
    teller teller = {0, 0, 0};
    open_host(&host);
    open_host(&other);
    lw_domain *none = NULL;
    lw_memory_source good = source_of("good", &host.heap, 1, &teller), bad = good;
    expect_error(lw_memory_source_add(NULL, &good, &error), LW_E_INVALID, &error);
    expect_error(lw_memory_source_add(host.context, NULL, &error), LW_E_INVALID, &error);
    bad.name = "";
    expect_error(lw_memory_source_add(host.context, &bad, &error), LW_E_INVALID, &error);
    bad = good;
    bad.ask = NULL;
    expect_error(lw_memory_source_add(host.context, &bad, &error), LW_E_INVALID, &error);
    bad = good;
    bad.domains = NULL;
    expect_error(lw_memory_source_add(host.context, &bad, &error), LW_E_INVALID, &error);
    bad.domains = &none;
    expect_error(lw_memory_source_add(host.context, &bad, &error), LW_E_INVALID, &error);
    bad.domains = &other.heap;
    expect_error(lw_memory_source_add(host.context, &bad, &error), LW_E_INVALID, &error);
    EXPECT_OPTION_SIZES(lw_memory_source, good,
                        lw_memory_source_add(host.context, given, &error));
    bad = good;
    bad.name = "thief";
    expect_error(lw_memory_source_add(host.context, &bad, &error), LW_E_STATE, &error);
    for (int i = 1; i < 16; i++) {
        char name[8];
        snprintf(name, sizeof name, "s%d", i);
        bad = source_of(name, NULL, 0, &teller);
        cr_assert_eq(lw_memory_source_add(host.context, &bad, NULL), LW_OK);
    }
    bad.name = "one too many";
    expect_error(lw_memory_source_add(host.context, &bad, &error), LW_E_LIMIT, &error);
    close_host(&other);
    close_host(&host);
}

Test(memory, source_add_without_memory_changes_nothing)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    teller first = {100, 0, 0}, second = {300, 0, 0};
    open_host(&host);
    lw_memory_source source = source_of("heap", NULL, 0, &first);
    cr_assert_eq(lw_memory_source_add(host.context, &source, NULL), LW_OK);
    source = source_of("heap", &host.heap, 1, &second);
    for (int n = 1;; n++) {
        host.memory.fail_at = host.memory.calls + n;
        lw_status status = lw_memory_source_add(host.context, &source, &error);
        host.memory.fail_at = 0;
        if (status == LW_OK)
            break;
        expect_error(status, LW_E_NOMEM, &error);
        cr_assert_eq(memory_of(host.context).slack, 100);
    }
    cr_assert_eq(memory_of(host.context).slack, 300);
    close_host(&host);
}

Test(memory, get_takes_every_size_and_refuses_null)
{
    host host;
    lw_memory memory = LW_MEMORY_INIT;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    EXPECT_RESULT_SIZES(lw_memory, lw_memory_get(host.context, to, &error));
    memory.resident = 1;
    expect_error(lw_memory_get(NULL, &memory, &error), LW_E_INVALID, &error);
    cr_assert_eq(memory.resident, 0);
    close_host(&host);
}

/* Our own memory is that of the default allocator, whichever context or snapshot has it. */
Test(memory, our_own)
{
    enum { BLOCKS = 3000000 };
    lw_context *context = NULL;
    cr_assert_eq(lw_context_create(NULL, &context, NULL), LW_OK);
    lw_domain *heap = add_domain(context, "heap", LW_DOMAIN_SHARED, NULL);
    lw_memory before = memory_of(context);
    for (uint64_t i = 0; i < BLOCKS; i++)
        lw_block_alloc(heap, at(0x10000000 + i * 16), 1, NULL);
    lw_memory after = memory_of(context);
    int64_t books = diff(after.own, before.own);
    cr_assert_geq(books, BLOCKS * 7); /* a word each, less what was left of a chunk */
    expect_near(diff(after.resident, before.resident), books, "resident");
    expect_near(diff(after.unexplained, before.unexplained), 0, "unexplained");
    lw_context_release(context);
    host host; /* of an allocator of its own: on top */
    open_host(&host);
    before = memory_of(host.context);
    for (uint64_t i = 0; i < 100000; i++)
        lw_block_alloc(host.heap, at(0x10000000 + i * 16), 1, NULL);
    after = memory_of(host.context);
    cr_assert_geq(diff(after.own, before.own), 100000 * 7);
    close_host(&host);
}

/* --- hunts --------------------------------------------------------------------------------- */

enum { ROUNDS = 5, A_ROUND = 4 << 20 };

typedef struct mapper {
    lw_domain *told; /* NULL: nobody is */
    bool tells, unmaps;
    char *pages[16];
} mapper;

static int map_more(uint32_t round, void *user)
{
    mapper *mapper = user;
    char *pages = touched(A_ROUND);
    if (mapper->told)
        lw_block_alloc_at(mapper->told, pages, A_ROUND, LW_HERE);
    if (mapper->unmaps)
        munmap(pages, A_ROUND);
    else
        mapper->pages[round] = pages;
    return 0;
}

/* The finding of memory in a hunt of this work; its kind is 0 if there is none. */
static lw_finding hunt(mapper *mapper, char *report, size_t room)
{
    host host;
    lw_findings *findings = NULL;
    lw_finding found = LW_FINDING_INIT, memory = LW_FINDING_INIT;
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    mapper->told = mapper->tells ? host.heap : NULL;
    options.rounds = ROUNDS;
    options.flags = LW_FIND_MEMORY;
    cr_assert_eq(lw_find_leaks(host.context, map_more, mapper, &options, &findings, &error), LW_OK,
                 "%s", error.message);
    for (uint32_t i = 0; i < lw_findings_count(findings); i++) {
        cr_assert_eq(lw_finding_get(findings, i, &found, NULL), LW_OK);
        bool noise = found.bytes_per_round < A_ROUND / 4; /* what a sanitizer keeps */
        if (found.kind == LW_FINDING_MEMORY && !noise)
            memory = found;
    }
    snprintf(report, room, "%s", memory.kind ? memory.advice : "");
    lw_findings_release(findings);
    close_host(&host);
    for (int i = 0; i < 16; i++) {
        if (mapper->pages[i])
            munmap(mapper->pages[i], A_ROUND);
    }
    return memory;
}

Test(memory, growth_that_nothing_explains_is_a_finding)
{
    char advice[256];
    mapper dark = {.told = NULL};
    lw_finding found = hunt(&dark, advice, sizeof advice);
    cr_assert_eq(found.kind, LW_FINDING_MEMORY);
    cr_assert_eq(found.rounds, ROUNDS);
    expect_near((int64_t)found.bytes, INT64_C(1) * ROUNDS * A_ROUND, "bytes");
    cr_assert_not_null(strstr(advice, "start recording"), "%s", advice);
}

Test(memory, growth_that_is_told_is_none)
{
    char advice[256];
    mapper open_book = {.tells = true};
    cr_assert_eq(hunt(&open_book, advice, sizeof advice).kind, 0, "%s", advice);
}

Test(memory, what_goes_again_is_none)
{
    char advice[256];
    mapper flat = {.unmaps = true};
    cr_assert_eq(hunt(&flat, advice, sizeof advice).kind, 0, "%s", advice);
}
