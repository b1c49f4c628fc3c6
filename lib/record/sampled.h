/* Sampling by bytes: each byte that is allocated starts a sample with the same small chance, so an
 * allocation of `size` bytes is one with probability p = 1 - e^(-size / interval): a Poisson process
 * over bytes, as in tcmalloc's heap sampler (gperftools; "TCMalloc: sampling", design notes). A
 * thread counts bytes down to its next sample; the gaps are exponential.
 *
 * A sample stands in the map with its real size and weighs size / p bytes and 1 / p blocks: the
 * estimator of Horvitz and Thompson (1952, "A generalization of sampling without replacement from a
 * finite universe"), unbiased for every sum over blocks, with the unbiased estimate of its variance
 * size^2 (1 - p) / p^2 per sample. A weight is a whole number, rounded up or down as the address says,
 * with the right chance: so that an allocation and its free agree and rounding adds no bias. */
#ifndef LWI_RECORD_SAMPLED_H
#define LWI_RECORD_SAMPLED_H

#include "record/context.h"

typedef struct lwi_weight {
    int64_t bytes, blocks;
    lwi_spread spread;
} lwi_weight;

/* What a sample stands for. Its birth has LWI_SAMPLED. */
lwi_weight lwi_weigh(uint64_t address, uint64_t size, uint64_t interval);

/* 1.96 standard deviations. */
int64_t lwi_margin(double variance);

/* A thread's first countdown at this interval, or its next. */
void lwi_sample_next(lwi_thread *thread, uint64_t interval);

/* Whether an allocation is a sample. An empty one counts as a byte. */
static inline bool lwi_sample_due(lwi_thread *thread, uint64_t interval, uint64_t size)
{
    if (thread->interval != interval)
        lwi_sample_next(thread, interval);
    size = size ? size : 1;
    if (size < thread->until) {
        thread->until -= size;
        return false;
    }
    lwi_sample_next(thread, interval);
    return true;
}

/* Counts a sample in, with sign 1, or out, with -1. Samples are rare: these take the lock. */
void lwi_sample_count(lwi_thread *thread, const lwi_birth *birth, uint64_t address, uint64_t size,
                      int sign);

/* The same under the lock. */
void lwi_sample_count_locked(lwi_thread *thread, const lwi_birth *birth, uint64_t address,
                             uint64_t size, int sign);

/* What a block of this birth weighs: sampled or not. */
static inline lwi_weight lwi_weight_of(const lwi_birth *birth, uint64_t address, uint64_t size)
{
    if (birth->flags & LWI_SAMPLED)
        return lwi_weigh(address, size, birth->span->interval);
    return (lwi_weight){(int64_t)size, 1, {0, 0}};
}

#endif
