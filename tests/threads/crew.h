/* Threads that do the same work, and what all these tests need. No block here exists: addresses
 * are numbers. */
#ifndef TESTS_THREADS_CREW_H
#define TESTS_THREADS_CREW_H

#include "../support/check.h"

#include <leakwatch.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CREW_MAX = 16 };

typedef struct worker {
    int index;
    uint64_t seed;
    void *work; /* what they share */
} worker;

static inline void *at(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

static inline uint64_t random_below(worker *worker, uint64_t limit)
{
    worker->seed = worker->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (worker->seed >> 33) % limit;
}

/* Runs `run` on so many threads at once, to their end. */
static inline void crew_run(int count, void *(*run)(void *), void *work)
{
    pthread_t threads[CREW_MAX];
    worker workers[CREW_MAX];
    for (int i = 0; i < count; i++) {
        workers[i] = (worker){i, (uint64_t)i * 977 + 1, work};
        if (pthread_create(&threads[i], NULL, run, &workers[i]) != 0)
            abort();
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static inline lw_context *open_context(void)
{
    lw_context *context = NULL;
    if (lw_context_create(NULL, &context, NULL) != LW_OK)
        abort();
    return context;
}

static inline lw_domain *add_domain(lw_context *context, const char *name, uint32_t flags,
                                    void *user)
{
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *domain = NULL;
    options.name = name;
    options.flags = flags;
    options.user = user;
    if (lw_domain_create(context, &options, &domain, NULL) != LW_OK)
        abort();
    return domain;
}

static inline lw_region *add_region(lw_context *context, const char *name, int32_t scope)
{
    lw_region_options options = LW_REGION_OPTIONS_INIT;
    lw_region *region = NULL;
    options.scope = scope;
    if (lw_region_create(context, name, &options, &region, NULL) != LW_OK)
        abort();
    return region;
}

static inline lw_round begin(lw_region *region)
{
    lw_round round = 0;
    CHECK_EQ(lw_region_begin(region, &round, NULL), LW_OK);
    return round;
}

static inline lw_context_stats context_stats(lw_context *context)
{
    lw_context_stats stats = LW_CONTEXT_STATS_INIT;
    CHECK_EQ(lw_context_stats_get(context, &stats, NULL), LW_OK);
    return stats;
}

static inline lw_domain_stats domain_stats(lw_domain *domain)
{
    lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
    CHECK_EQ(lw_domain_stats_get(domain, &stats, NULL), LW_OK);
    return stats;
}

/* The numbers of a round; all zero for one that is forgotten. */
static inline lw_region_stats region_stats(lw_region *region, lw_round round)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_status status = lw_region_stats_get(region, round, &stats, NULL);
    CHECK(status == LW_OK || (round && status == LW_E_NOT_FOUND));
    return stats;
}

/* What survives is what is current. */
static inline void check_survivors(lw_context *context, lw_region *region, lw_round round,
                                   int64_t bytes, int64_t blocks)
{
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_status status = lw_survivors_take(context, region, round, &survivors, NULL);
    if (status == LW_E_NOT_FOUND && round) {
        CHECK_EQ(blocks, 0);
        return;
    }
    CHECK_EQ(status, LW_OK);
    CHECK_EQ(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    CHECK_EQ(info.bytes, bytes);
    CHECK_EQ(info.blocks, blocks);
    lw_survivors_release(survivors);
}

#endif
