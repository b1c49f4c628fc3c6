/* Everything that may be asked at any time is asked while threads record: the answers are those of
 * some moment, and nobody waits for ever. */
#include "crew.h"

enum { WRITERS = 3, READERS = 3, BLOCKS = 200, SIZE = 100, TURNS = 12000, KEPT = 64 };

static lw_context *context;
static lw_domain *heap;
static lw_region *region, *window;
static lw_type *type;
static _Atomic int writing;
static const uint64_t pinned = 0x9000000; /* a block that stays */

/* The host of the words; called from inside events. */
static int describe(uint64_t word, lw_frame *frame, void *user)
{
    static char name[16];
    (void)user;
    snprintf(name, sizeof name, "f%d", (int)word);
    frame->function = name;
    return 0;
}

static void write_on(worker *worker)
{
    uint64_t base = 0x1000000 * ((uint64_t)worker->index + 1);
    for (uint64_t i = 0; i < TURNS; i++) {
        uint64_t word = i % 700 + 1;
        lw_stack stack = {&word, 1, 0, 0};
        lw_round round = i % 32 == 0 ? begin(region) : 0;
        lw_round wide = i % 512 == 0 ? begin(window) : 0;
        lw_block_alloc(heap, at(base + i % BLOCKS * 48), SIZE, &stack);
        lw_object_created(type, at(base + i % BLOCKS));
        if (i >= KEPT) {
            lw_block_free(heap, at(base + (i - KEPT) % BLOCKS * 48));
            lw_object_destroyed(type, at(base + (i - KEPT) % BLOCKS));
        }
        if (wide)
            CHECK_EQ(lw_region_end(window, wide, NULL, NULL), LW_OK);
        if (round)
            CHECK_EQ(lw_region_end(region, round, NULL, NULL), LW_OK);
        if (i % 1000 == 0)
            lw_code_retire(heap, 5, 50);
    }
    for (uint64_t i = TURNS - KEPT; i < TURNS; i++) {
        lw_block_free(heap, at(base + i % BLOCKS * 48));
        lw_object_destroyed(type, at(base + i % BLOCKS));
    }
    atomic_fetch_sub(&writing, 1);
}

static int see_frame(const lw_frame *frame, void *user)
{
    CHECK(frame->function[0] == 'f');
    ++*(int *)user;
    return 0;
}

static int see_type(lw_type *one, void *user)
{
    lw_type_stats stats = LW_TYPE_STATS_INIT;
    (void)user;
    CHECK_EQ(lw_type_stats_get(one, &stats, NULL), LW_OK);
    CHECK(stats.live <= stats.high_water && stats.high_water <= WRITERS * (KEPT + 1));
    CHECK_EQ(stats.created - stats.destroyed, stats.live);
    return 0;
}

static void read_survivors(lw_region *of)
{
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    int64_t bytes = 0;
    CHECK_EQ(lw_survivors_take(context, of, 0, &survivors, NULL), LW_OK);
    CHECK_EQ(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    for (uint32_t i = 0; i < info.rows; i++) {
        lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
        CHECK_EQ(lw_survivors_row_get(survivors, i, &row, NULL), LW_OK);
        CHECK(row.blocks > 0);
        bytes += row.bytes;
    }
    CHECK_EQ(bytes, info.bytes);
    CHECK_EQ(info.bytes, info.blocks * SIZE);
    CHECK(info.blocks <= WRITERS * BLOCKS + 1);
    lw_survivors_release(survivors);
}

static void read_on(void)
{
    uint64_t events = 0;
    do {
        int frames = 0;
        lw_block block = LW_BLOCK_INIT;
        lw_context_stats stats = context_stats(context);
        lw_domain_stats of_heap = domain_stats(heap);
        CHECK(stats.events + WRITERS >= events); /* it grows; each writer may be in mid-event */
        events = stats.events;
        CHECK(of_heap.freed <= of_heap.allocated);
        CHECK(stats.own_bytes <= stats.own_peak_bytes);
        CHECK_EQ(lw_block_find(heap, at(pinned + 5), &block, NULL), LW_OK);
        CHECK_EQ(block.size, SIZE);
        CHECK_EQ(lw_site_frames(context, block.site, see_frame, &frames, NULL), LW_OK);
        CHECK_EQ(frames, 1);
        CHECK_EQ(lw_type_each(context, see_type, NULL, NULL), LW_OK);
        CHECK(region_stats(region, 0).current_blocks >= 0);
        CHECK(region_stats(window, 0).open <= WRITERS);
        read_survivors(NULL);
        read_survivors(region);
    } while (atomic_load(&writing));
}

static void *run(void *user)
{
    worker *worker = user;
    if (worker->index < WRITERS)
        write_on(worker);
    else
        read_on();
    return NULL;
}

int main(void)
{
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    uint64_t word = 99999;
    lw_stack stack = {&word, 1, 0, 0};
    context = open_context();
    options.name = "heap";
    options.describe_frame = describe;
    CHECK_EQ(lw_domain_create(context, &options, &heap, NULL), LW_OK);
    region = add_region(context, "region", LW_SCOPE_THREAD);
    window = add_region(context, "window", LW_SCOPE_PROCESS);
    CHECK_EQ(lw_type_create(context, "object", 1, &type, NULL), LW_OK);
    lw_block_alloc(heap, at(pinned), SIZE, &stack);
    atomic_store(&writing, WRITERS);
    crew_run(WRITERS + READERS, run, NULL);
    CHECK_EQ(domain_stats(heap).blocks, 1);
    CHECK_EQ(context_stats(context).events, 1 + WRITERS * TURNS * 2);
    CHECK_EQ(context_stats(context).dropped, 0);
    check_survivors(context, region, 0, 0, 0);
    lw_context_release(context);
    return check_result();
}
