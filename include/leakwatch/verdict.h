/**
 * @file verdict.h
 * Verdicts: what the rounds of a region left behind, by site and by round, and what that means.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * int main(void)
 * {
 *     static char blocks[9][64]; // stand for what an allocator returns
 *     lw_context *context = NULL;
 *     lw_domain *heap = NULL;
 *     lw_region *request = NULL;
 *     lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
 *     options.name = "heap";
 *     lw_context_create(NULL, &context, NULL);
 *     lw_domain_create(context, &options, &heap, NULL);
 *     lw_region_create(context, "request", NULL, &request, NULL);
 *     for (int i = 0; i < 9; i++) {
 *         lw_round round = 0;
 *         lw_region_begin(request, &round, NULL);
 *         lw_block_alloc_at(heap, blocks[i], 64, LW_HERE);
 *         lw_region_end(request, round, NULL, NULL);
 *     }
 *     lw_survivors *survivors = NULL;
 *     lw_verdict verdict = LW_VERDICT_INIT;
 *     lw_trend trend = LW_TREND_INIT;
 *     lw_survivors_take(context, request, 0, &survivors, NULL);
 *     lw_survivors_verdict_get(survivors, &verdict, NULL);
 *     lw_survivors_trend_get(survivors, 0, &trend, NULL);
 *     printf("%s in %llu of %llu: rounds %llu-%llu each left %lld B\n",
 *            lw_verdict_name(verdict.kind), (unsigned long long)verdict.grew,
 *            (unsigned long long)verdict.rounds, (unsigned long long)trend.first,
 *            (unsigned long long)trend.last, (long long)trend.max_bytes);
 *     lw_survivors_release(survivors);
 *     lw_context_release(context);
 *     return verdict.kind != LW_VERDICT_GROWS;
 * }
 * @endcode
 *
 * **What is looked at.** A table of survivors of a whole region knows of each live block in which
 * round it was born. For each row that makes a series: which of the region's *ended* rounds left
 * blocks of that site which live now. Rounds in flight are in no series. A block born in several
 * rounds of one region counts in the one begun last. Totals play no part: a leak shows even while
 * something else shrinks by as much.
 *
 * **The rule**, for a row that left blocks in n of N ended rounds:
 *
 * 1. *Warm-up.* The newest rounds, 3 at least, left nothing, and at the rate of the last 8 that
 *    did leave something so long a silence has a chance below 5 % (by Laplace's rule of
 *    succession, which allows for how little few rounds tell of a rate): flat since.
 * 2. *Turns over.* If old rounds have nothing left (or ever less, the older they are), while they
 *    did leave at their ends at least half of what is missing from them now, and the older half of
 *    the rounds holds no more than a fifth of the row: a bounded cache or a queue, whose newest
 *    entries alone live. A cache that drops its oldest entries looks like a leak until it has seen
 *    a seventh more rounds than it has room for.
 * 3. *Grows.* n >= 4, and in the newer half of the rounds either every round left something or at
 *    least 4 did, which by Laplace's trend test (5 %) come no more rarely towards the end; and
 *    what is missing from old rounds, if anything is, is not explained as in 2.
 * 4. Else one *cannot tell yet*; `more` estimates how many more rounds it takes.
 *
 * Rows of one line of code that cannot be judged each by itself are judged together: a leak that
 * is reached along many call paths is rare on each. The confidence is (s + 1) / (s + 2), Laplace's
 * rule again, where s rounds out of s behaved as the verdict says.
 */
#ifndef LEAKWATCH_VERDICT_H
#define LEAKWATCH_VERDICT_H

#include <leakwatch/region.h>

LW_BEGIN_DECLS

/** What the rounds of a region, or one row of its survivors, do. Values are never reused. */
enum lw_verdict_kind {
    LW_VERDICT_UNCLEAR = 0,    /**< cannot tell yet */
    LW_VERDICT_CLEAN = 1,      /**< no ended round left anything that lives */
    LW_VERDICT_WARM_UP = 2,    /**< early rounds left something; flat since */
    LW_VERDICT_TURNS_OVER = 3, /**< only what the newest rounds left lives; older goes: flat */
    LW_VERDICT_GROWS = 4,      /**< round after round leaves something that stays */
    LW_VERDICT_ONCE = 5        /**< a row of blocks declared by lw_block_once(): no leak */
};

/**
 * The name of a verdict: "grows", "warm-up", "turns over", "clean", "once", "cannot tell
 * yet".
 *
 * @param kind one of ::lw_verdict_kind
 * @return a static string; "unknown" for a value this version does not know. any-thread.
 */
LW_API const char *lw_verdict_name(int32_t kind);

/** What is to be thought of a region, and why. */
typedef struct lw_verdict {
    uint32_t struct_size;   /**< set by ::LW_VERDICT_INIT */
    int32_t kind;           /**< ::lw_verdict_kind: GROWS if a row does; else UNCLEAR if a row is;
                                 else WARM_UP, TURNS_OVER if a row does; else CLEAN */
    uint64_t rounds;        /**< rounds that have ended: all that is judged */
    uint64_t grew;          /**< in how many of them the rows that grow left something */
    uint64_t since;         /**< GROWS: the first of those rounds, counted from 1 in the order of
                                 their beginnings; WARM_UP: the last that left something; else 0 */
    uint64_t more;          /**< UNCLEAR: about how many more rounds it takes; else 0 */
    uint64_t span;          /**< GROWS: rounds from `since` to the newest; rate = growth / span */
    int64_t growth_bytes;   /**< what rows that grow hold */
    int64_t growth_blocks;  /**< the same in blocks */
    int64_t unclear_bytes;  /**< what rows that are unclear hold */
    int64_t unclear_blocks; /**< the same in blocks */
    int64_t once_bytes;     /**< what rows declared by lw_block_once() hold */
    int64_t once_blocks;    /**< the same in blocks */
    int64_t flight_bytes;   /**< born in rounds that have not ended: no survivors yet */
    int64_t flight_blocks;  /**< the same in blocks */
    int64_t freed_bytes;    /**< left at the ends of rounds and freed since; where rounds overlap,
                                 it counts in each */
    int64_t freed_blocks;   /**< the same in blocks */
    uint32_t confidence;    /**< per cent, at most 99; 0 while UNCLEAR */
    uint32_t modes;         /**< ::lw_mode_bits: in use during the rounds. Those in COUNTS are not
                                 judged: they left no row */
    uint64_t hidden_bytes;  /**< with SAMPLED: a leak that holds no more than this in all has left
                                 no sample with a chance of 5 % or more: three intervals; else 0 */
} lw_verdict;

/** Initial value of an ::lw_verdict. */
#define LW_VERDICT_INIT                                                                            \
    {                                                                                              \
        (uint32_t)sizeof(lw_verdict), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0      \
    }

/**
 * The verdict on a region.
 *
 * @param survivors a table of a whole region: of its round 0
 * @param verdict   filled up to its `struct_size`, zeroed on failure
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_STATE (a table of one round, or of all live blocks).
 *         immutable.
 */
LW_API lw_status lw_survivors_verdict_get(const lw_survivors *survivors, lw_verdict *verdict,
                                          lw_error *error);

/** One row by round: "rounds 2-9 each left 640 B in 10 blocks". Rounds are counted from 1 in the
 *  order of their beginnings, as in ::lw_verdict. */
typedef struct lw_trend {
    uint32_t struct_size; /**< set by ::LW_TREND_INIT */
    int32_t kind;         /**< ::lw_verdict_kind of this row */
    uint64_t rounds;      /**< ended rounds that left something; 0: only rounds in flight hold it */
    uint64_t first;       /**< the first of them, 0 if there is none */
    uint64_t last;        /**< the last of them */
    int64_t bytes;        /**< what they left */
    int64_t blocks;       /**< the same in blocks */
    int64_t min_bytes;    /**< the least that one of them left */
    int64_t max_bytes;    /**< the most */
    int64_t min_blocks;   /**< the least in blocks */
    int64_t max_blocks;   /**< the most in blocks */
    uint64_t more;        /**< UNCLEAR: about how many more rounds it takes; else 0 */
    uint32_t confidence;  /**< per cent, at most 99; 0 while UNCLEAR */
    uint32_t together;    /**< 1: judged together with other rows of its line */
} lw_trend;

/** Initial value of an ::lw_trend. */
#define LW_TREND_INIT                                                                              \
    {                                                                                              \
        (uint32_t)sizeof(lw_trend), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                          \
    }

/**
 * One row of a table, by round.
 *
 * @param survivors a table of a whole region
 * @param index     of the row, as in lw_survivors_row_get()
 * @param trend     filled up to its `struct_size`, zeroed on failure
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND (no such row) or ::LW_E_STATE (a table of one
 *         round, or of all live blocks). immutable.
 */
LW_API lw_status lw_survivors_trend_get(const lw_survivors *survivors, uint32_t index,
                                        lw_trend *trend, lw_error *error);

/** What one round left of one row. */
typedef struct lw_left {
    uint32_t struct_size; /**< set by ::LW_LEFT_INIT */
    uint32_t reserved;    /**< 0 */
    uint64_t round;       /**< counted from 1 in the order of beginnings */
    int64_t bytes;        /**< that it left and that live */
    int64_t blocks;       /**< the same in blocks, at least 1 */
} lw_left;

/** Initial value of an ::lw_left. */
#define LW_LEFT_INIT                                                                               \
    {                                                                                              \
        (uint32_t)sizeof(lw_left), 0, 0, 0, 0                                                      \
    }

/**
 * One of the ended rounds that left something of a row, the oldest first.
 *
 * @param survivors a table of a whole region
 * @param index     of the row
 * @param number    which of the row's lw_trend::rounds, from 0
 * @param left      filled up to its `struct_size`, zeroed on failure
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND (no such row or round) or ::LW_E_STATE (a table
 *         of one round, or of all live blocks). immutable.
 */
LW_API lw_status lw_survivors_left_get(const lw_survivors *survivors, uint32_t index,
                                       uint64_t number, lw_left *left, lw_error *error);

LW_END_DECLS

#endif
