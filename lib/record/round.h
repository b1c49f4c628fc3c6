/* Rounds: what a region counts while it runs, and after.
 *
 * A round's own bytes are written by the thread that has it open; frees by others go to a second
 * pair of words. So its peak is exact at its own allocations, and nothing is shared while nobody
 * else frees. A PROCESS round has stripes instead, and takes its peak when threads publish. */
#ifndef LWI_RECORD_ROUND_H
#define LWI_RECORD_ROUND_H

#include "record/thread.h"

#include <leakwatch/region.h>
#include <stdatomic.h>

enum { LWI_STRIPES = 16 };

/* The variances of two estimates. */
typedef struct lwi_spread {
    double bytes, blocks;
} lwi_spread;

static inline void lwi_spread_add(lwi_spread *sum, const lwi_spread *one, int sign)
{
    sum->bytes += sign * one->bytes;
    sum->blocks += sign * one->blocks;
}

typedef struct lwi_stripe {
    _Atomic int64_t born, gone; /* bytes */
    _Atomic int64_t blocks;
    char apart[40]; /* a cache line each */
} lwi_stripe;

enum lwi_round_state { LWI_ROUND_OPEN, LWI_ROUND_SUSPENDED, LWI_ROUND_ENDED };

typedef struct lwi_round {
    lw_region *region;
    _Atomic(lwi_thread *) owner; /* the thread in which it is active */
    _Atomic int64_t own_bytes, own_blocks;
    _Atomic int64_t remote_bytes, remote_blocks;
    _Atomic int64_t peak;
    lwi_stripe *stripes; /* PROCESS only */
    int32_t state;
    uint32_t threads;    /* the most that lived at once meanwhile: over several, peaks have a bound */
    uint64_t spans;      /* that hold it */
    struct lwi_span *last_span;
    int64_t at_end_bytes, at_end_blocks;
    uint64_t epoch;      /* of its beginning */
    int64_t base_bytes, base_blocks; /* what lived then, in truth */
    int64_t base_view;               /* and as the beginning thread saw it */
    int64_t net_bytes, net_blocks;   /* after the end */
    int64_t net_peak;
    /* Of the samples in these numbers. Under the lock. */
    lwi_spread spread, at_end_spread, net_spread;
    double peak_spread, net_peak_spread;
    lw_round number;
    uint64_t ordinal; /* in its region, from 1 */
    uint64_t rank;    /* among the ended ones, as the last table of survivors counted them */
    int32_t scope;
    uint32_t modes; /* lw_mode_bits, seen while it was open */
    struct lwi_round *next, **link;           /* in its region */
    struct lwi_round *next_open, *prev_open;  /* among the open ones, PROCESS rounds too */
    struct lwi_round *next_same;              /* in its bucket */
} lwi_round;

struct lw_region {
    lw_context *context;
    char *name;
    int32_t scope;
    bool overlaps;  /* rounds of it were inside one another: their sums would count twice */
    uint64_t begun; /* rounds, forgotten ones too */
    uint32_t open;
    uint32_t modes;   /* of all its rounds */
    uint32_t threads; /* the most of any forgotten round */
    int64_t peak, net_peak; /* the most in any one forgotten round */
    int64_t at_end_bytes, at_end_blocks; /* sums over forgotten rounds */
    int64_t net_bytes, net_blocks;
    lwi_spread at_end_spread, net_spread;
    double peak_spread, net_peak_spread;
    lwi_round *rounds;
    lw_region *next;
};

typedef struct lwi_rounds {
    lw_region *regions;
    lwi_round **buckets; /* all rounds by the last bits of their numbers; kept when they are few */
    uint64_t bucket_count, count;
    _Atomic(lwi_round *) open;
    lwi_round *spare; /* the last one that was forgotten: a host most often begins one again */
    lw_round last; /* number */
} lwi_rounds;

/* Counts an allocation, or a free with negative numbers, in one round. */
void lwi_round_count(lwi_round *round, lwi_thread *thread, int64_t bytes, int64_t blocks);

/* Tells the process what this thread has allocated and freed. Takes the lock, or has it. */
void lwi_thread_publish(lwi_thread *thread);
void lwi_thread_publish_locked(lwi_thread *thread);

/* A new round of a region, not yet begun; NULL without memory. Under the lock, as all of these. */
lwi_round *lwi_round_alloc(lw_region *region);
void lwi_round_free(lw_context *context, lwi_round *round);

/* A round gets the next number, and its place in the table of all and in its region's list; false
 * without memory. What is taken out keeps its number. Under the lock. */
bool lwi_round_enlist(lw_context *context, lwi_round *round);
void lwi_round_unlist(lw_context *context, lwi_round *round);

/* The round with a number; NULL: there is none. Under the lock. */
lwi_round *lwi_round_numbered(const lwi_rounds *rounds, lw_round number);

/* A round that has ended and that no span holds is forgotten. Under the lock. */
void lwi_round_forget(lw_context *context, lwi_round *round);

void lwi_rounds_done(lw_context *context);

/* A thread ends: its THREAD rounds end with it, its TASK rounds wait for another thread. */
void lwi_rounds_abandon(lwi_thread *thread);

/* What lives in all domains together, adopted chunks not counted. Under the lock. */
void lwi_live_sum(lw_context *context, int64_t *bytes, int64_t *blocks);

/* What lives of a region, each block once. Under the lock; false without memory. */
bool lwi_region_live(lw_context *context, const lw_region *region, int64_t *bytes,
                     int64_t *blocks, lwi_spread *spread);

/* All that was born is read before all that is gone: what comes and goes meanwhile on different
 * stripes never makes the sum more than it was at any time. */
static inline int64_t lwi_round_bytes(const lwi_round *round)
{
    int64_t sum = LWI_READ(round->own_bytes) + LWI_READ(round->remote_bytes);
    for (int i = 0; round->stripes && i < LWI_STRIPES; i++)
        sum += atomic_load_explicit(&round->stripes[i].born, memory_order_acquire);
    for (int i = 0; round->stripes && i < LWI_STRIPES; i++)
        sum -= atomic_load_explicit(&round->stripes[i].gone, memory_order_acquire);
    return sum;
}

/* Who sees a round without blocks here sees as well what the threads that freed them still hold
 * (lwi_thread::held). */
static inline int64_t lwi_round_blocks(const lwi_round *round)
{
    int64_t sum = LWI_READ(round->own_blocks) +
                  atomic_load_explicit(&round->remote_blocks, memory_order_acquire);
    for (int i = 0; round->stripes && i < LWI_STRIPES; i++)
        sum += atomic_load_explicit(&round->stripes[i].blocks, memory_order_acquire);
    return sum;
}

/* What happens from now on in a round happens in this mode. */
static inline void lwi_round_sees(lwi_round *round, uint32_t mode)
{
    round->modes |= mode;
    round->region->modes |= mode;
}

/* A round by its number, under the lock. `missing` is the status for one that is forgotten. */
lw_status lwi_round_find(lw_region *region, lw_round number, lwi_round **round, lw_status missing,
                         lw_error *error);

/* Under the lock. */
void lwi_round_stats(const lwi_round *round, lw_region_stats *stats);
lw_status lwi_region_stats(const lw_region *region, lw_region_stats *stats, lw_error *error);

#endif
