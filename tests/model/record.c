/* Random events on several threads, against an account kept by the simplest means there are: a
 * list of blocks, each with the list of rounds it was born in. The threads are real and take turns,
 * so that every number has one right value at every moment.
 *
 * usage: record [rounds of the whole] [first seed] */
#include <leakwatch.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, REGIONS = 6, BLOCKS = 600, ROUNDS = 400, DEPTH = 6, STEPS = 6000 };

/* ---- the plain account ---- */

struct block {
    uint64_t address, size;
    int domain;       /* 0 heap, 1 object, 2 pool */
    int adopted;      /* a chunk */
    int rounds[32];   /* it was born in */
    int round_count;
};

struct round {
    lw_region *region;
    lw_round number;
    int scope, open, thread, suspended;
    int64_t bytes, blocks, peak, at_end_bytes, at_end_blocks;
    int64_t base_bytes, base_blocks, net_bytes, net_blocks, net_peak;
};

static struct block blocks[BLOCKS];
static int block_count;
static struct round rounds[ROUNDS];
static int round_count;
static int stacks[THREADS][DEPTH], depths[THREADS];
static int64_t live_bytes, live_blocks, domain_bytes[3], domain_blocks[3];

static lw_context *context;
static lw_domain *domains[3];
static lw_region *regions[REGIONS];
static unsigned long failures;

static uint64_t seed;
static uint64_t random_below(uint64_t limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % limit;
}

static void expect(int64_t got, int64_t want, const char *what, int index)
{
    if (got == want)
        return;
    if (failures++ < 20)
        fprintf(stderr, "%s of %d: %lld, should be %lld\n", what, index, (long long)got,
                (long long)want);
}

static void expect_near(int64_t got, int64_t want, int64_t bound, const char *what, int index)
{
    if (llabs(got - want) > bound)
        expect(got, want, what, index);
}

static void account(const struct block *block, int sign)
{
    int64_t size = sign * (int64_t)block->size;
    live_bytes += size;
    live_blocks += sign;
    domain_bytes[block->domain] += size;
    domain_blocks[block->domain] += sign;
    for (int i = 0; i < block->round_count; i++) {
        rounds[block->rounds[i]].bytes += size;
        rounds[block->rounds[i]].blocks += sign;
    }
}

/* Peaks are what they are after an event, not in the middle of it. */
static void note_peaks(void)
{
    for (int i = 0; i < round_count; i++) {
        struct round *round = &rounds[i];
        if (round->open && live_bytes - round->base_bytes > round->net_peak)
            round->net_peak = live_bytes - round->base_bytes;
        if (round->bytes > round->peak)
            round->peak = round->bytes;
    }
}

static void born(struct block *block, int thread)
{
    block->round_count = 0;
    for (int i = 0; i < depths[thread]; i++)
        block->rounds[block->round_count++] = stacks[thread][i];
    for (int i = 0; i < round_count; i++) {
        if (rounds[i].open && rounds[i].scope == LW_SCOPE_PROCESS)
            block->rounds[block->round_count++] = i;
    }
    account(block, 1);
}

/* ---- turns ---- */

struct order {
    void (*run)(void *);
    void *argument;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct order orders[THREADS];
static int finished;

static void *worker(void *argument)
{
    struct order *mine = argument;
    pthread_mutex_lock(&mutex);
    while (!finished) {
        if (mine->run) {
            mine->run(mine->argument);
            mine->run = NULL;
            pthread_cond_broadcast(&changed);
        } else {
            pthread_cond_wait(&changed, &mutex);
        }
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void on_thread(int thread, void (*run)(void *), void *argument)
{
    if (thread == 0) {
        run(argument);
        return;
    }
    pthread_mutex_lock(&mutex);
    orders[thread].argument = argument;
    orders[thread].run = run;
    pthread_cond_broadcast(&changed);
    while (orders[thread].run)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

/* ---- addresses: few pages, any place, no overlap within one map ---- */

static int overlaps(uint64_t address, uint64_t size, int pool, int except)
{
    for (int i = 0; i < block_count; i++) {
        const struct block *block = &blocks[i];
        uint64_t mine = size ? size : 1, its = block->size ? block->size : 1;
        if (i != except && (block->domain == 2) == pool && address < block->address + its &&
            block->address < address + mine)
            return 1;
    }
    return 0;
}

static uint64_t random_size(void)
{
    switch (random_below(16)) {
    case 0:
        return random_below(3);
    case 1:
        return random_below(60000);
    case 2:
        return random_below(40) == 0 ? UINT64_C(5) << 30 : (16u << 20) + random_below(9);
    default:
        return 1 + random_below(700);
    }
}

static uint64_t random_address(uint64_t size, int except)
{
    for (int tries = 0;; tries++) {
        uint64_t address = UINT64_C(0x7f0000000000) + random_below(48) * 4096 +
                           random_below(256) * 16;
        if (size >= 4096 || tries > 8)
            address += UINT64_C(0x200000000) * (1 + random_below(2000));
        if (!overlaps(address, size, 0, except))
            return address;
    }
}

/* ---- the events, each as an order to a thread ---- */

struct event {
    struct block *block;
    uint64_t address, size;
    lw_move move;
    int thread, fails, domain;
    struct round *round;
    lw_region_stats stats;
};

static const void *pointer(uint64_t address)
{
    return (const void *)(uintptr_t)address;
}

static lw_stack *some_stack(void)
{
    static uint64_t words[40];
    static lw_stack stack;
    stack.words = words;
    stack.count = (uint32_t)random_below(40);
    for (uint32_t i = 0; i < stack.count; i++)
        words[i] = 1 + random_below(i < 3 ? 50 : 2);
    return random_below(10) ? &stack : NULL;
}

static void do_alloc(void *argument)
{
    struct event *event = argument;
    const struct block *block = event->block;
    lw_block_alloc(domains[block->domain], pointer(block->address), block->size, some_stack());
}

static void do_free(void *argument)
{
    struct event *event = argument;
    lw_block_free(domains[event->block->domain], pointer(event->block->address));
}

static void do_move(void *argument)
{
    struct event *event = argument;
    const struct block *block = event->block;
    lw_move_begin(domains[block->domain], pointer(block->address), &event->move);
    if (event->fails)
        lw_move_cancel(&event->move);
    else
        lw_move_end(&event->move, pointer(event->address), event->size, some_stack());
}

static void do_bulk(void *argument)
{
    struct event *event = argument;
    if (event->size)
        lw_domain_free_range(domains[event->domain], pointer(event->address), event->size);
    else
        lw_domain_free_all(domains[event->domain]);
}

static void do_begin(void *argument)
{
    struct event *event = argument;
    if (lw_region_begin(event->round->region, &event->round->number, NULL) != LW_OK)
        failures++;
}

static void do_end(void *argument)
{
    struct event *event = argument;
    event->stats = (lw_region_stats)LW_REGION_STATS_INIT;
    if (lw_region_end(event->round->region, event->round->number, &event->stats, NULL) != LW_OK)
        failures++;
}

static void do_suspend(void *argument)
{
    struct event *event = argument;
    if (lw_region_suspend(event->round->region, event->round->number, NULL) != LW_OK)
        failures++;
}

static void do_resume(void *argument)
{
    struct event *event = argument;
    if (lw_region_resume(event->round->region, event->round->number, NULL) != LW_OK)
        failures++;
}

/* ---- the steps ---- */

static void step_alloc(int thread)
{
    if (block_count == BLOCKS)
        return;
    struct block *block = &blocks[block_count];
    memset(block, 0, sizeof *block);
    block->size = random_size();
    block->domain = (int)random_below(2);
    block->address = random_address(block->size, -1);
    struct event event = {.block = block};
    on_thread(thread, do_alloc, &event);
    block_count++;
    born(block, thread);
}

static void drop(int index)
{
    blocks[index] = blocks[--block_count];
}

/* What was cut out of a chunk goes with it. */
static void drop_inside(const struct block *chunk)
{
    for (int i = block_count - 1; i >= 0; i--) {
        if (blocks[i].domain == 2 && blocks[i].address >= chunk->address &&
            blocks[i].address < chunk->address + chunk->size) {
            account(&blocks[i], -1);
            drop(i);
        }
    }
}

static void step_free(int thread)
{
    if (block_count == 0)
        return;
    int index = (int)random_below((uint64_t)block_count);
    struct block block = blocks[index];
    struct event event = {.block = &block};
    on_thread(thread, do_free, &event);
    if (!block.adopted)
        account(&block, -1);
    drop(index);
    if (block.adopted)
        drop_inside(&block);
}

/* Some pages, now and then all there is: of the pool, or of the two domains that share a map. */
static void step_bulk(int thread)
{
    struct event event = {.domain = (int)random_below(3)};
    if (random_below(4)) {
        event.size = 1 + random_below(12000);
        event.address = UINT64_C(0x7f0000000000) + random_below(48) * 4096 + random_below(4096);
    }
    on_thread(thread, do_bulk, &event);
    for (int i = 0; i < block_count;) {
        struct block block = blocks[i];
        int ends = event.size ? (block.domain == 2) == (event.domain == 2) &&
                                    block.address >= event.address &&
                                    block.address - event.address < event.size
                              : block.domain == event.domain;
        if (!ends) {
            i++;
            continue;
        }
        if (!block.adopted)
            account(&block, -1);
        drop(i);
        if (block.adopted) {
            drop_inside(&block);
            i = 0;
        }
    }
}

static void step_move(int thread)
{
    if (block_count == 0)
        return;
    int index = (int)random_below((uint64_t)block_count);
    struct block *block = &blocks[index];
    if (block->domain == 2 || block->adopted)
        return;
    struct event event = {.block = block, .fails = random_below(4) == 0};
    event.size = random_size();
    event.address = block->address;
    if (random_below(2) || overlaps(event.address, event.size, 0, index))
        event.address = random_address(event.size, index);
    on_thread(thread, do_move, &event);
    if (event.fails)
        return;
    account(block, -1);
    block->address = event.address;
    block->size = event.size;
    born(block, thread);
}

static void step_pool(int thread)
{
    if (block_count == 0 || block_count == BLOCKS)
        return;
    struct block *chunk = &blocks[random_below((uint64_t)block_count)];
    if (chunk->domain != 0 || chunk->size < 64 || chunk->size > 4000)
        return;
    if (!chunk->adopted) {
        if (lw_domain_adopt(domains[2], pointer(chunk->address), NULL) != LW_OK)
            failures++;
        chunk->adopted = 1;
        account(chunk, -1);
        return;
    }
    struct block *block = &blocks[block_count];
    memset(block, 0, sizeof *block);
    block->domain = 2;
    block->size = 16;
    block->address = chunk->address + random_below(chunk->size / 16) * 16;
    if (overlaps(block->address, block->size, 1, -1))
        return;
    struct event event = {.block = block};
    on_thread(thread, do_alloc, &event);
    block_count++;
    born(block, thread);
}

static void step_begin(int thread)
{
    if (round_count == ROUNDS || depths[thread] == DEPTH)
        return;
    struct round *round = &rounds[round_count];
    memset(round, 0, sizeof *round);
    int which = (int)random_below(REGIONS);
    round->scope = which / 2;
    if (round->scope == LW_SCOPE_PROCESS && random_below(4))
        return;
    round->region = regions[which];
    round->open = 1;
    round->thread = thread;
    round->base_bytes = live_bytes;
    round->base_blocks = live_blocks;
    struct event event = {.round = round};
    on_thread(thread, do_begin, &event);
    if (round->scope != LW_SCOPE_PROCESS)
        stacks[thread][depths[thread]++] = round_count;
    round_count++;
}

static void check_round(int index, const lw_region_stats *got)
{
    const struct round *round = &rounds[index];
    int64_t net = round->open ? live_bytes - round->base_bytes : round->net_bytes;
    int64_t net_blocks = round->open ? live_blocks - round->base_blocks : round->net_blocks;
    expect(got->current_bytes, round->bytes, "current bytes", index);
    expect(got->current_blocks, round->blocks, "current blocks", index);
    expect_near(got->peak_bytes, round->peak, got->peak_error, "peak", index);
    if (round->scope != LW_SCOPE_PROCESS)
        expect(got->peak_error, 0, "peak error", index);
    expect(got->net_bytes, net, "net bytes", index);
    expect(got->net_blocks, net_blocks, "net blocks", index);
    expect_near(got->net_peak_bytes, round->net_peak, got->net_peak_error, "net peak", index);
    expect(got->at_end_bytes, round->at_end_bytes, "at end", index);
    expect(got->at_end_blocks, round->at_end_blocks, "at end, blocks", index);
    expect(got->open, (uint32_t)round->open, "open", index);
}

static void end_round(int index)
{
    struct round *round = &rounds[index];
    struct event event = {.round = round};
    on_thread(round->thread, do_end, &event);
    round->open = 0;
    round->net_bytes = live_bytes - round->base_bytes;
    round->net_blocks = live_blocks - round->base_blocks;
    round->at_end_bytes = round->bytes;
    round->at_end_blocks = round->blocks;
    event.stats.open = 0;
    check_round(index, &event.stats);
}

static void step_end(int thread)
{
    if (random_below(3) == 0) {
        for (int i = 0; i < round_count; i++) {
            if (rounds[i].open && rounds[i].scope == LW_SCOPE_PROCESS && random_below(2)) {
                end_round(i);
                return;
            }
        }
    }
    if (depths[thread] > 0)
        end_round(stacks[thread][--depths[thread]]);
}

static void step_switch(int thread)
{
    for (int i = 0; i < round_count; i++) {
        struct round *round = &rounds[i];
        struct event event = {.round = round};
        if (!round->open || round->scope != LW_SCOPE_TASK || random_below(4))
            continue;
        if (round->suspended && depths[thread] < DEPTH) {
            on_thread(thread, do_resume, &event);
            round->suspended = 0;
            round->thread = thread;
            stacks[thread][depths[thread]++] = i;
        } else if (!round->suspended) {
            on_thread(round->thread, do_suspend, &event);
            round->suspended = 1;
            int *stack = stacks[round->thread], at = 0;
            while (stack[at] != i)
                at++;
            memmove(&stack[at], &stack[at + 1], (size_t)(DEPTH - at - 1) * sizeof *stack);
            depths[round->thread]--;
        }
        return;
    }
}

/* ---- comparing ---- */

static void check_rounds(void)
{
    for (int i = 0; i < round_count; i++) {
        lw_region_stats stats = LW_REGION_STATS_INIT;
        lw_status status =
            lw_region_stats_get(rounds[i].region, rounds[i].number, &stats, NULL);
        if (status == LW_OK)
            check_round(i, &stats);
        else if (status != LW_E_NOT_FOUND || rounds[i].open || rounds[i].blocks)
            expect(status, LW_OK, "status", i);
    }
}

/* Each block that was born in any round of a region counts once. */
static void check_region(int which)
{
    int64_t bytes = 0, count = 0;
    for (int i = 0; i < block_count; i++) {
        int inside = 0;
        for (int j = 0; j < blocks[i].round_count; j++)
            inside = inside || rounds[blocks[i].rounds[j]].region == regions[which];
        if (inside && !blocks[i].adopted) {
            bytes += (int64_t)blocks[i].size;
            count++;
        }
    }
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_region_stats_get(regions[which], 0, &stats, NULL);
    lw_survivors_take(context, regions[which], 0, &survivors, NULL);
    lw_survivors_info_get(survivors, &info, NULL);
    lw_survivors_release(survivors);
    expect(stats.current_bytes, bytes, "region's current", which);
    expect(stats.current_blocks, count, "region's blocks", which);
    expect(info.bytes, bytes, "survivors", which);
    expect(info.blocks, count, "survivors' blocks", which);
}

static void check_domains(void)
{
    for (int i = 0; i < 3; i++) {
        lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
        lw_domain_stats_get(domains[i], &stats, NULL);
        expect(stats.bytes, domain_bytes[i], "domain's bytes", i);
        expect(stats.blocks, domain_blocks[i], "domain's blocks", i);
    }
    for (int i = 0; i < block_count; i += 7) {
        lw_block found = LW_BLOCK_INIT;
        uint64_t inside = blocks[i].size ? random_below(blocks[i].size) : 0;
        lw_block_find(domains[blocks[i].domain], pointer(blocks[i].address + inside), &found,
                      NULL);
        expect((int64_t)(uintptr_t)found.address, (int64_t)blocks[i].address, "start", i);
        expect((int64_t)found.size, (int64_t)blocks[i].size, "size", i);
    }
}

static void make_world(void)
{
    static const char *const names[REGIONS] = {"t1", "t2", "k1", "k2", "p1", "p2"};
    lw_domain_options heap = LW_DOMAIN_OPTIONS_INIT, object = heap, pool = heap;
    heap.name = "heap";
    object.name = "object";
    pool.name = "pool";
    pool.kind = LW_DOMAIN_CARVED;
    lw_context_create(NULL, &context, NULL);
    lw_domain_create(context, &heap, &domains[0], NULL);
    lw_domain_create(context, &object, &domains[1], NULL);
    pool.parent = domains[0];
    lw_domain_create(context, &pool, &domains[2], NULL);
    for (int i = 0; i < REGIONS; i++) {
        lw_region_options options = LW_REGION_OPTIONS_INIT;
        options.scope = i / 2;
        lw_region_create(context, names[i], &options, &regions[i], NULL);
    }
    block_count = round_count = 0;
    live_bytes = live_blocks = 0;
    memset(depths, 0, sizeof depths);
    memset(domain_bytes, 0, sizeof domain_bytes);
    memset(domain_blocks, 0, sizeof domain_blocks);
}

static void step(void)
{
    int thread = (int)random_below(THREADS);
    uint64_t kind = random_below(100);
    if (kind < 40)
        step_alloc(thread);
    else if (kind < 68)
        step_free(thread);
    else if (kind < 78)
        step_move(thread);
    else if (kind < 84)
        step_pool(thread);
    else if (kind < 89)
        step_begin(thread);
    else if (kind < 94)
        step_end(thread);
    else if (kind < 99 || random_below(4))
        step_switch(thread);
    else
        step_bulk(thread);
    note_peaks();
}

int main(int argc, char **argv)
{
    int times = argc > 1 ? atoi(argv[1]) : getenv("LW_TEST_ALL") ? 200 : 8;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    pthread_t threads[THREADS];
    for (int i = 1; i < THREADS; i++)
        pthread_create(&threads[i], NULL, worker, &orders[i]);
    for (int run = 0; run < times && !failures; run++) {
        seed = first + (uint64_t)run;
        make_world();
        for (int i = 0; i < STEPS && !failures; i++) {
            step();
            if (i % 97 == 0) {
                check_rounds();
                check_domains();
                check_region((int)random_below(REGIONS));
            }
        }
        check_rounds();
        for (int i = 0; i < REGIONS; i++)
            check_region(i);
        lw_context_stats stats = LW_CONTEXT_STATS_INIT;
        lw_context_stats_get(context, &stats, NULL);
        expect((int64_t)stats.dropped, 0, "dropped", run);
        lw_context_release(context);
        if (failures)
            fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    }
    pthread_mutex_lock(&mutex);
    finished = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    for (int i = 1; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return failures != 0;
}
