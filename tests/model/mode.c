/* Modes against plain accounts.
 *
 * `switches`: random events with random changes of the mode. The account is a list of blocks, each
 * with what it weighs: its size, or as a sample size / p and 1 / p rounded either way (by the C
 * library's exp), or nothing if it is none (which lw_block_find() tells). Every sum must lie where
 * that list says it can.
 *
 * `estimates`: the same events in many contexts, each with samples of its own, beside what truly
 * lives. The mean of the estimates must be the truth (unbiased), and the truth must lie within the
 * stated margin about as often as stated. The seeds are fixed: this cannot fail by chance. */
#include <leakwatch.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 500, MANY = 2000, DEPTH = 4 };

static unsigned long failures;

static uint64_t seed;
static uint64_t random_below(uint64_t limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % limit;
}

static void fail(const char *what, double got, double low, double high)
{
    if (failures++ < 20)
        fprintf(stderr, "%s: %.6g, should be from %.6g to %.6g\n", what, got, low, high);
}

static void expect_in(const char *what, double got, double low, double high)
{
    if (!(got >= low && got <= high))
        fail(what, got, low, high);
}

/* ---- the world ---- */

struct block {
    uint64_t address, size, interval; /* 0: exact */
    int counted;                      /* in mode COUNTS */
    int known;                        /* a sample, or exact */
    int born;                         /* how many rounds were open */
    uint64_t time;
};

struct round {
    lw_round number;
    uint64_t time;
};

static struct block blocks[MANY];
static int block_count, open_rounds, mode;
static struct round rounds[DEPTH];
static uint64_t now, interval, free_place;
static lw_context *context;
static lw_domain *heap;
static lw_region *regions[DEPTH];

static const void *pointer(uint64_t address)
{
    return (const void *)(uintptr_t)address;
}

static void open_world(void)
{
    static const char *const names[DEPTH] = {"a", "b", "c", "d"};
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    options.name = "heap";
    lw_context_create(NULL, &context, NULL);
    lw_domain_create(context, &options, &heap, NULL);
    for (int i = 0; i < DEPTH; i++)
        lw_region_create(context, names[i], NULL, &regions[i], NULL);
    block_count = open_rounds = mode = 0;
    now = 0;
    free_place = UINT64_C(0x7f0000000000);
}

static void set_mode(int to, uint64_t gap)
{
    if (lw_mode_set(context, to, gap, NULL) != LW_OK)
        fail("status", 1, 0, 0);
    mode = to;
    interval = gap;
}

static int is_recorded(uint64_t address)
{
    lw_block found = LW_BLOCK_INIT;
    return lw_block_find(heap, pointer(address), &found, NULL) == LW_OK &&
           found.address == pointer(address);
}

static const lw_stack *some_stack(void *user)
{
    static uint64_t words[3];
    static lw_stack stack = {words, 3, 0, 0};
    (void)user;
    words[0] = words[0] % 5 + 1; /* the events do not depend on how many of these there are */
    return &stack;
}

static uint64_t random_size(void)
{
    switch (random_below(8)) {
    case 0:
        return random_below(3);
    case 1:
        return 1000 + random_below(40000);
    default:
        return 1 + random_below(900);
    }
}

static void born(struct block *block, uint64_t address, uint64_t size)
{
    *block = (struct block){.address = address, .size = size, .time = now};
    block->counted = mode == LW_MODE_COUNTS;
    block->interval = mode == LW_MODE_SAMPLED ? interval : 0;
    block->known = is_recorded(address);
    block->born = open_rounds;
}

static uint64_t new_place(uint64_t size)
{
    uint64_t place = free_place;
    free_place += (size | 15) + 1 + random_below(4) * 4096 / 16 * 16;
    return place;
}

static void allocate(uint64_t size)
{
    uint64_t address = new_place(size);
    lw_block_alloc_with(heap, pointer(address), size, some_stack, NULL);
    born(&blocks[block_count++], address, size);
}

/* ---- what a block weighs ---- */

struct range {
    double low, high;
};

static void add_range(struct range *sum, double value, int is_sample, int sign)
{
    double low = is_sample ? floor(value - 1e-6) : value;
    double high = is_sample ? ceil(value + 1e-6) : value;
    sum->low += sign > 0 ? low : -high;
    sum->high += sign > 0 ? high : -low;
}

static void weigh(const struct block *block, int sign, struct range *bytes, struct range *count)
{
    double length = block->size ? (double)block->size : 1;
    double p = block->interval ? -expm1(-length / (double)block->interval) : 1;
    if (!block->known)
        return;
    add_range(bytes, (double)block->size / p, block->interval != 0, sign);
    add_range(count, 1 / p, block->interval != 0, sign);
}

static void expect_range(const char *what, int64_t got, struct range want)
{
    expect_in(what, (double)got, want.low, want.high);
}

/* ---- switches ---- */

static struct range net_bytes[DEPTH], net_blocks[DEPTH]; /* of what was freed */

static void check_world(void)
{
    struct range bytes = {0, 0}, count = {0, 0};
    lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
    for (int i = 0; i < block_count; i++)
        weigh(&blocks[i], 1, &bytes, &count);
    lw_domain_stats_get(heap, &stats, NULL);
    expect_range("domain's bytes", stats.bytes, bytes);
    expect_range("domain's blocks", stats.blocks, count);
    for (int r = 0; r < open_rounds; r++) {
        struct range current = {0, 0}, currents = {0, 0};
        struct range net = net_bytes[r], nets = net_blocks[r];
        lw_region_stats region = LW_REGION_STATS_INIT;
        for (int i = 0; i < block_count; i++) {
            if (blocks[i].born > r && blocks[i].time >= rounds[r].time && !blocks[i].counted)
                weigh(&blocks[i], 1, &current, &currents);
            if (blocks[i].time >= rounds[r].time)
                weigh(&blocks[i], 1, &net, &nets);
        }
        lw_region_stats_get(regions[r], rounds[r].number, &region, NULL);
        expect_range("current", region.current_bytes, current);
        expect_range("current blocks", region.current_blocks, currents);
        expect_range("net", region.net_bytes, net);
        expect_range("net blocks", region.net_blocks, nets);
    }
}

static void check_survivors(void)
{
    struct range bytes = {0, 0}, count = {0, 0}, counted = {0, 0}, counts = {0, 0};
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    for (int i = 0; i < block_count; i++) {
        if (blocks[i].counted)
            weigh(&blocks[i], 1, &counted, &counts);
        else
            weigh(&blocks[i], 1, &bytes, &count);
    }
    if (lw_survivors_take(context, NULL, 0, &survivors, NULL) != LW_OK) {
        expect_in("nothing but counted blocks", count.high, 0, 0);
        return;
    }
    lw_survivors_info_get(survivors, &info, NULL);
    lw_survivors_release(survivors);
    expect_range("survivors", info.bytes, bytes);
    expect_range("survivors' blocks", info.blocks, count);
    expect_range("counted", info.counted_bytes, counted);
    expect_range("counted blocks", info.counted_blocks, counts);
}

/* What goes is missing from the net of rounds that are younger than it. */
static void ended(const struct block *block)
{
    for (int r = 0; r < open_rounds; r++) {
        if (block->time < rounds[r].time)
            weigh(block, -1, &net_bytes[r], &net_blocks[r]);
    }
}

static void step_free(void)
{
    int index = (int)random_below((uint64_t)block_count);
    lw_block_free(heap, pointer(blocks[index].address));
    ended(&blocks[index]);
    blocks[index] = blocks[--block_count];
}

static void step_move(void)
{
    struct block *block = &blocks[random_below((uint64_t)block_count)];
    lw_move move;
    lw_move_begin(heap, pointer(block->address), &move);
    if (random_below(3) == 0) {
        lw_move_cancel(&move);
        return;
    }
    uint64_t size = random_size();
    uint64_t address = size <= block->size ? block->address : new_place(size);
    ended(block);
    lw_move_end_with(&move, pointer(address), size, some_stack, NULL);
    born(block, address, size);
}

static void step_round(void)
{
    if (open_rounds < DEPTH && random_below(2)) {
        struct round *round = &rounds[open_rounds];
        round->time = ++now;
        net_bytes[open_rounds] = net_blocks[open_rounds] = (struct range){0, 0};
        lw_region_begin(regions[open_rounds++], &round->number, NULL);
    } else if (open_rounds > 0) {
        open_rounds--;
        lw_region_end(regions[open_rounds], rounds[open_rounds].number, NULL, NULL);
    }
}

static void step(void)
{
    uint64_t kind = random_below(100);
    now++;
    if (kind < 50 && block_count < BLOCKS)
        allocate(random_size());
    else if (kind < 80 && block_count)
        step_free();
    else if (kind < 92 && block_count)
        step_move();
    else if (kind < 97)
        step_round();
    else if (random_below(2))
        set_mode(LW_MODE_SAMPLED, UINT64_C(64) << random_below(10));
    else
        set_mode((int)random_below(2), 0);
}

static void switches(int times)
{
    for (int run = 1; run <= times && !failures; run++) {
        lw_context_stats stats = LW_CONTEXT_STATS_INIT;
        seed = (uint64_t)run;
        open_world();
        for (int i = 0; i < 4000 && !failures; i++) {
            step();
            if (i % 13 == 0)
                check_world();
            if (i % 197 == 0)
                check_survivors();
        }
        while (block_count) {
            lw_block_free(heap, pointer(blocks[--block_count].address));
        }
        lw_domain_stats left = LW_DOMAIN_STATS_INIT;
        lw_domain_stats_get(heap, &left, NULL);
        expect_in("bytes left", (double)left.bytes, 0, 0);
        expect_in("blocks left", (double)left.blocks, 0, 0);
        expect_in("margin left", (double)left.bytes_margin, 0, 0);
        lw_context_stats_get(context, &stats, NULL);
        expect_in("dropped", (double)stats.dropped, 0, 0);
        lw_context_release(context);
        if (failures)
            fprintf(stderr, "seed %d\n", run);
    }
}

/* ---- estimates ---- */

struct score {
    const char *name;
    double sum, squares, truth; /* of estimate - truth */
    int count, inside;
};

static void score_add(struct score *score, int64_t estimate, int64_t margin, double truth)
{
    double error = (double)estimate - truth;
    score->sum += error;
    score->squares += error * error;
    score->truth = truth;
    score->count++;
    score->inside += fabs(error) <= (double)margin;
}

/* Unbiased: the mean error is small beside its own deviation. And the margins keep their word. */
static void score_judge(const struct score *score)
{
    double mean = score->sum / score->count;
    double deviation = sqrt((score->squares / score->count - mean * mean) / score->count);
    double inside = 100.0 * score->inside / score->count;
    printf("%s: truth %.0f, mean error %+.0f (deviation %.0f), %.1f %% inside\n", score->name,
           score->truth, mean, deviation, inside);
    expect_in(score->name, mean, -3 * deviation, 3 * deviation);
    expect_in("per cent inside", inside, 92, 98);
}

static uint64_t usual_size(void)
{
    return random_below(50) ? 64 + random_below(960) : 5000 + random_below(40000);
}

/* What the table of survivors says of the whole is what the domain says, margins too. */
static void check_table(const lw_domain_stats *stats)
{
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    int64_t bytes = 0;
    uint64_t samples = 0;
    lw_survivors_take(context, NULL, 0, &survivors, NULL);
    lw_survivors_info_get(survivors, &info, NULL);
    for (uint32_t i = 0; i < info.rows; i++) {
        lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
        lw_survivors_row_get(survivors, i, &row, NULL);
        bytes += row.bytes;
        samples += row.samples;
    }
    lw_survivors_release(survivors);
    expect_in("table's bytes", (double)info.bytes, (double)stats->bytes, (double)stats->bytes);
    expect_in("rows' bytes", (double)bytes, (double)stats->bytes, (double)stats->bytes);
    expect_in("table's margin", (double)info.bytes_margin, (double)stats->bytes_margin - 1,
              (double)stats->bytes_margin + 1);
    expect_in("samples", (double)samples, 1, block_count);
    expect_in("interval", (double)info.interval, (double)interval, (double)interval);
}

/* One region's life over some blocks that were there before: the same in every run but for where
 * they lie, which decides how weights are rounded. */
static void live_once(struct score *scores, uint64_t gap, int run)
{
    lw_region_stats region = LW_REGION_STATS_INIT;
    lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
    double bytes = 0, inside = 0, before = 0;
    seed = 7;
    open_world();
    free_place += (uint64_t)run << 26;
    set_mode(LW_MODE_SAMPLED, gap);
    while (block_count < MANY / 2) {
        allocate(usual_size());
        before += (double)blocks[block_count - 1].size;
    }
    lw_region_begin(regions[0], &rounds[0].number, NULL);
    now = 1;
    for (int i = 0; i < 4 * MANY; i++) {
        if (block_count < MANY && random_below(20) < 11)
            allocate(usual_size());
        else
            step_free();
    }
    for (int i = 0; i < block_count; i++) {
        bytes += (double)blocks[i].size;
        inside += blocks[i].time ? (double)blocks[i].size : 0;
    }
    lw_domain_stats_get(heap, &stats, NULL);
    lw_region_stats_get(regions[0], rounds[0].number, &region, NULL);
    score_add(&scores[0], stats.bytes, stats.bytes_margin, bytes);
    score_add(&scores[1], stats.blocks, stats.blocks_margin, block_count);
    score_add(&scores[2], region.current_bytes, region.current_bytes_margin, inside);
    score_add(&scores[3], region.net_bytes, region.net_bytes_margin, bytes - before);
    score_add(&scores[4], region.net_blocks, region.net_blocks_margin, block_count - MANY / 2);
    check_table(&stats);
    lw_context_release(context);
}

static void estimates(int times)
{
    static const uint64_t gaps[] = {500, 5000};
    for (int g = 0; g < 2; g++) {
        struct score scores[] = {
            {.name = "bytes"}, {.name = "blocks"}, {.name = "current"}, {.name = "net"},
            {.name = "net blocks"},
        };
        for (int run = 0; run < times; run++)
            live_once(scores, gaps[g], run);
        for (size_t i = 0; i < sizeof scores / sizeof *scores; i++)
            score_judge(&scores[i]);
    }
}

int main(int argc, char **argv)
{
    int all = getenv("LW_TEST_ALL") != NULL;
    switches(argc > 1 ? atoi(argv[1]) : all ? 200 : 12);
    estimates(argc > 2 ? atoi(argv[2]) : all ? 4000 : 500);
    return failures != 0;
}
