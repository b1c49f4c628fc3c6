#include "record/sampled.h"

#include "base/hash.h"
#include "base/real.h"

/* ---- choosing ---- */

/* splitmix64 (Steele, Lea, Flood 2014), from the context's and the thread's numbers: the same run
 * takes the same samples. */
static uint64_t random_next(lwi_thread *thread)
{
    if (!thread->random)
        thread->random = lwi_hash_mix(thread->context->serial, thread->index) | 1;
    uint64_t x = thread->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* The least whole number above an exponential gap is as memoryless among whole numbers. */
void lwi_sample_next(lwi_thread *thread, uint64_t interval)
{
    double uniform = ((double)(random_next(thread) >> 11) + 0.5) / 9007199254740992.0; /* 2^53 */
    thread->interval = interval;
    thread->until = 1 + (uint64_t)(-lwi_real_log(uniform) * (double)interval);
}

/* ---- weighing ---- */

/* Up with the chance that its fraction tells; `chance` are 32 random bits. */
static int64_t round_by_chance(double value, uint64_t chance, double *variance)
{
    int64_t whole = (int64_t)value;
    double part = value - (double)whole;
    *variance += part * (1 - part);
    return whole + (((double)chance + 0.5) / 4294967296.0 < part); /* 2^32 */
}

/* To a multiple of 1/1024, so that what is added and taken away again leaves exactly nothing. */
static double coarse(double variance)
{
    double units = variance * 1024 + 0.5;
    return units < 9007199254740992.0 ? (double)(uint64_t)units / 1024 : variance;
}

lwi_weight lwi_weigh(uint64_t address, uint64_t size, uint64_t interval)
{
    double bytes = (double)size, length = size ? bytes : 1;
    double p = lwi_real_rise(length / (double)interval);
    double odds = (1 - p) / (p * p);
    uint64_t chance = lwi_hash_mix(address, size);
    lwi_weight weight = {0, 0, {bytes * bytes * odds, odds}};
    weight.bytes = round_by_chance(bytes / p, chance >> 32, &weight.spread.bytes);
    weight.blocks = round_by_chance(1 / p, chance & UINT32_MAX, &weight.spread.blocks);
    weight.spread.bytes = coarse(weight.spread.bytes);
    weight.spread.blocks = coarse(weight.spread.blocks);
    return weight;
}

int64_t lwi_margin(double variance)
{
    double margin = 1.96 * lwi_real_root(variance);
    return margin < 9e18 ? (int64_t)(margin + 0.5) : INT64_MAX;
}

/* ---- counting ---- */

static void spread_bump(_Atomic double *spread, double amount)
{
    double sum = atomic_load_explicit(spread, memory_order_relaxed) + amount;
    atomic_store_explicit(spread, sum, memory_order_relaxed);
}

/* A sample that a round saw come or go is news to its net; one that it saw come and go is none. */
static void count_net(lw_context *context, const lwi_birth *birth, const lwi_weight *weight,
                      int sign)
{
    for (lwi_round *round = LWI_READ(context->rounds.open); round; round = round->next_open) {
        bool inside = birth->span->epoch >= round->epoch;
        lwi_spread_add(&round->net_spread, &weight->spread, inside ? sign : 1);
    }
}

static void count_rounds(lwi_thread *thread, const lwi_birth *birth, const lwi_weight *weight,
                         int sign)
{
    for (const lwi_span *span = birth->span; span->round; span = span->parent) {
        lwi_round *round = span->round;
        lwi_spread_add(&round->spread, &weight->spread, sign);
        lwi_round_count(round, thread, sign * weight->bytes, sign * weight->blocks);
    }
}

/* A round that holds the most it ever held does so as surely as what it holds now. */
static void note_peaks(const lwi_birth *birth)
{
    for (const lwi_span *span = birth->span; span->round; span = span->parent) {
        lwi_round *round = span->round;
        if (LWI_READ(round->peak) <= lwi_round_bytes(round))
            round->peak_spread = round->spread.bytes;
    }
}

void lwi_sample_count_locked(lwi_thread *thread, const lwi_birth *birth, uint64_t address,
                             uint64_t size, int sign)
{
    lw_domain *domain = thread->context->domains[birth->domain];
    lwi_weight weight = lwi_weigh(address, size, birth->span->interval);
    LWI_BUMP(thread->domains[domain->id].bytes, sign * weight.bytes);
    if (sign > 0)
        LWI_BUMP(thread->domains[domain->id].allocated, weight.blocks);
    else
        LWI_BUMP(thread->domains[domain->id].gone, weight.blocks);
    spread_bump(&domain->spread_bytes, sign * weight.spread.bytes);
    spread_bump(&domain->spread_blocks, sign * weight.spread.blocks);
    count_net(thread->context, birth, &weight, sign);
    count_rounds(thread, birth, &weight, sign);
    thread->pending += sign * weight.bytes;
    int64_t view = LWI_READ(thread->context->published) + thread->pending;
    if (view > thread->high)
        thread->high = view;
    lwi_thread_publish_locked(thread); /* so that peaks and their spreads belong together */
    if (sign > 0)
        note_peaks(birth);
}

void lwi_sample_count(lwi_thread *thread, const lwi_birth *birth, uint64_t address, uint64_t size,
                      int sign)
{
    lwi_lock_take(&thread->context->lock);
    lwi_sample_count_locked(thread, birth, address, size, sign);
    lwi_lock_give(&thread->context->lock);
}
