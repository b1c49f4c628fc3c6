/* Tables of recording that grow, and births that are recycled, while memory runs out here and there:
 * thousands of stacks, rounds and blocks, with failures at evenly spread allocations, once, for a
 * while, and for good. Sums agree whatever was dropped, and nothing of ours is left. */
#include "../support/check.h"
#include "../support/counting.h"

#include <leakwatch.h>

enum { ROUNDS = 6000, KEPT = 64, FAILURES = 12 };

static void *at(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

static int describe(uint64_t word, lw_frame *frame, void *user)
{
    static char name[32];
    (void)user;
    snprintf(name, sizeof name, "f%llu", (unsigned long long)word);
    frame->function = name;
    return 0;
}

typedef struct scene {
    counting memory;
    lw_context *context;
    lw_domain *heap;
    lw_region *region;
} scene;

static void check_sums(scene *scene)
{
    lw_context_stats about = LW_CONTEXT_STATS_INIT;
    lw_domain_stats domain = LW_DOMAIN_STATS_INIT;
    lw_region_stats region = LW_REGION_STATS_INIT;
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_context_stats_get(scene->context, &about, NULL);
    CHECK_EQ(about.own_bytes, scene->memory.bytes);
    lw_domain_stats_get(scene->heap, &domain, NULL);
    CHECK_EQ(lw_survivors_take(scene->context, NULL, 0, &survivors, NULL), LW_OK);
    lw_survivors_info_get(survivors, &info, NULL);
    CHECK_EQ(info.bytes, domain.bytes);
    CHECK_EQ(info.blocks, domain.blocks);
    lw_survivors_release(survivors);
    CHECK_EQ(lw_region_stats_get(scene->region, 0, &region, NULL), LW_OK);
    CHECK_EQ(lw_survivors_take(scene->context, scene->region, 0, &survivors, NULL), LW_OK);
    lw_survivors_info_get(survivors, &info, NULL);
    CHECK_EQ(info.bytes, region.current_bytes);
    CHECK_EQ(info.blocks, region.current_blocks);
    lw_survivors_release(survivors);
    CHECK_EQ(region.open, 0);
}

/* Each round leaves a block, at a place of its own, that a later round frees. */
static void one_round(scene *scene, uint64_t i)
{
    uint64_t words[] = {i % 3000 + 1, i % 7 + 1};
    lw_stack stack = {words, 2, 0, 0};
    lw_round round = 0;
    lw_status status = lw_region_begin(scene->region, &round, NULL);
    CHECK(status == LW_OK || (status == LW_E_NOMEM && scene->memory.failed && round == 0));
    lw_block_alloc(scene->heap, at(0x10000 + i % 4096 * 2064 / 16 * 16), 100, &stack);
    if (i >= KEPT)
        lw_block_free(scene->heap, at(0x10000 + (i - KEPT) % 4096 * 2064 / 16 * 16));
    if (round)
        CHECK_EQ(lw_region_end(scene->region, round, NULL, NULL), LW_OK);
}

/* Allocations from `first` on fail, `count` of them; returns how many there were. */
static long long play(long long first, long long count)
{
    static scene scene;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    memset(&scene, 0, sizeof scene);
    lw_context_options how = counting_options(&scene.memory);
    CHECK_EQ(lw_context_create(&how, &scene.context, NULL), LW_OK);
    options.name = "heap";
    options.describe_frame = describe;
    CHECK_EQ(lw_domain_create(scene.context, &options, &scene.heap, NULL), LW_OK);
    CHECK_EQ(lw_region_create(scene.context, "r", NULL, &scene.region, NULL), LW_OK);
    scene.memory.persistent = 1;
    scene.memory.calls = 0;
    scene.memory.fail_at = first;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        one_round(&scene, i);
        if (first && scene.memory.calls >= first + count)
            scene.memory.fail_at = 0;
    }
    long long calls = scene.memory.calls;
    scene.memory.fail_at = 0;
    check_sums(&scene);
    for (uint64_t i = 0; i < 4096; i++)
        lw_block_free(scene.heap, at(0x10000 + i * 2064 / 16 * 16));
    check_sums(&scene);
    lw_context_release(scene.context);
    CHECK_EQ(scene.memory.bytes, 0);
    CHECK_EQ(scene.memory.wrong, 0);
    return calls;
}

int main(void)
{
    long long calls = play(0, 0);
    for (int i = 0; i < FAILURES && !check_failures; i++) {
        long long first = calls / FAILURES * i + i + 1;
        play(first, 1);
        play(first, 200);
        play(first, calls * 10);
    }
    return check_result();
}
