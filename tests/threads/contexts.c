/* Contexts that come and go while others record, and the one that all share. */
#include "crew.h"

enum { THREADS = 6, TIMES = 60 };

static lw_context *steady;
static lw_domain *steady_heap;

/* Each thread has contexts of its own, and records in the one that stays at the same time. */
static void *come_and_go(void *user)
{
    worker *worker = user;
    uint64_t base = 0x10000000 * ((uint64_t)worker->index + 1);
    for (uint64_t i = 0; i < TIMES; i++) {
        lw_context *mine = open_context();
        lw_domain *heap = add_domain(mine, "heap", 0, NULL);
        lw_region *region = add_region(mine, "r", LW_SCOPE_THREAD);
        lw_round round = begin(region);
        for (uint64_t j = 0; j < 50; j++) {
            lw_block_alloc_at(heap, at(base + j * 16), 10, LW_HERE);
            lw_block_alloc_at(steady_heap, at(base + (i * 50 + j) * 16), 10, LW_HERE);
        }
        CHECK_EQ(lw_region_end(region, round, NULL, NULL), LW_OK);
        CHECK_EQ(domain_stats(heap).bytes, 500);
        check_survivors(mine, region, round, 500, 50);
        lw_context_release(mine);
    }
    return NULL;
}

/* Whoever is first makes it, whoever is last ends it; in between everybody has the same one. */
static void *share(void *user)
{
    worker *worker = user;
    for (uint64_t i = 0; i < TIMES; i++) {
        lw_context *shared = NULL, *again = NULL;
        lw_domain *heap = NULL;
        char name[32];
        lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
        CHECK_EQ(lw_context_default(&shared, NULL), LW_OK);
        CHECK_EQ(lw_context_default(&again, NULL), LW_OK);
        CHECK(shared == again);
        snprintf(name, sizeof name, "of %d", worker->index);
        options.name = name;
        options.kind = LW_DOMAIN_APART;
        /* Made once in each shared context by this thread; a second time it is there already. */
        lw_status status = lw_domain_create(shared, &options, &heap, NULL);
        CHECK(status == LW_OK || status == LW_E_STATE);
        if (heap) {
            lw_block_alloc(heap, at(0x1000), 10, NULL);
            CHECK_EQ(domain_stats(heap).bytes, 10);
        }
        lw_context_release(shared);
        lw_context_release(again);
    }
    return NULL;
}

int main(void)
{
    steady = open_context();
    steady_heap = add_domain(steady, "heap", 0, NULL);
    crew_run(THREADS, come_and_go, NULL);
    CHECK_EQ(domain_stats(steady_heap).bytes, THREADS * TIMES * 500);
    CHECK_EQ(domain_stats(steady_heap).blocks, THREADS * TIMES * 50);
    check_survivors(steady, NULL, 0, THREADS * TIMES * 500, THREADS * TIMES * 50);
    lw_context_release(steady);
    crew_run(THREADS, share, NULL);
    return check_result();
}
