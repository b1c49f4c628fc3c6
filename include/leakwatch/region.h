/**
 * @file region.h
 * Regions: mark a span of work, and know exactly what it left behind.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * int main(void)
 * {
 *     static char blocks[3][64]; // stand for what an allocator returns
 *     lw_context *context = NULL;
 *     lw_domain *heap = NULL;
 *     lw_region *parse = NULL;
 *     lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
 *     options.name = "heap";
 *     lw_context_create(NULL, &context, NULL);
 *     lw_domain_create(context, &options, &heap, NULL);
 *     lw_region_create(context, "parse", NULL, &parse, NULL);
 *
 *     lw_round round = 0;
 *     lw_region_begin(parse, &round, NULL);
 *     lw_block_alloc_at(heap, blocks[0], 64, LW_HERE);
 *     lw_block_alloc_at(heap, blocks[1], 32, LW_HERE);
 *     lw_block_free(heap, blocks[1]);
 *     lw_region_stats stats = LW_REGION_STATS_INIT;
 *     lw_region_end(parse, round, &stats, NULL);
 *     printf("current %lld, peak %lld bytes\n", (long long)stats.current_bytes,
 *            (long long)stats.peak_bytes);
 *     int wrong = stats.current_bytes != 64 || stats.peak_bytes != 96;
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 *
 * Each entry of a region is a *round*. Rounds of one region may nest and may run on many threads
 * at once. A round of scope THREAD belongs to the thread that began it and ends there, the
 * innermost first, at the latest with the thread. A round of scope TASK may in addition be
 * suspended and resumed on any thread; its thread's end suspends it. A round of scope PROCESS sees
 * every thread and ends anywhere, in any order.
 */
#ifndef LEAKWATCH_REGION_H
#define LEAKWATCH_REGION_H

#include <leakwatch/record.h>

LW_BEGIN_DECLS

/** A named span of work. Lives as long as its context. */
typedef struct lw_region lw_region;

/** One entry of a region. 0: none. A number is never reused, so a stale one is an error. */
typedef uint64_t lw_round;

/** Whom a region's rounds see. */
enum lw_scope {
    LW_SCOPE_THREAD = 0, /**< the thread that began the round */
    LW_SCOPE_TASK = 1,   /**< a task, which may be suspended and resumed elsewhere */
    LW_SCOPE_PROCESS = 2 /**< all threads */
};

/** How to make a region. */
typedef struct lw_region_options {
    uint32_t struct_size; /**< set by ::LW_REGION_OPTIONS_INIT */
    int32_t scope;        /**< ::lw_scope */
} lw_region_options;

/** Initial value of ::lw_region_options. */
#define LW_REGION_OPTIONS_INIT                                                                     \
    {                                                                                              \
        (uint32_t)sizeof(lw_region_options), 0                                                     \
    }

/**
 * Makes a region, or finds the one of this name.
 *
 * @param context owns the region
 * @param name    required; copied
 * @param options NULL for a region of scope THREAD
 * @param region  receives the region, or NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_STATE (the name exists with another scope);
 *         ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_region_create(lw_context *context, const char *name,
                                  const lw_region_options *options, lw_region **region,
                                  lw_error *error);

/** What a round, or all rounds of a region, hold. Bytes and blocks "born inside" include those
 *  of rounds nested in it. */
typedef struct lw_region_stats {
    uint32_t struct_size;      /**< set by ::LW_REGION_STATS_INIT */
    uint32_t open;             /**< rounds that have not ended yet */
    uint64_t rounds;           /**< rounds begun, the open ones too */
    int64_t current_bytes;     /**< born inside and live now; goes on falling after the end.
                                    Always the sum of the survivors table */
    int64_t current_blocks;    /**< the same in blocks */
    int64_t peak_bytes;        /**< the most `current_bytes` ever was in one round */
    int64_t at_end_bytes;      /**< `current_bytes` at the end of the round; 0 while it is open;
                                    for all rounds, the sum */
    int64_t at_end_blocks;     /**< the same in blocks */
    int64_t net_bytes;         /**< allocated minus freed meanwhile by all threads, whatever the
                                    scope; may be negative. For all rounds, the sum: what rounds
                                    that overlap have in common counts in each */
    int64_t net_blocks;        /**< the same in blocks */
    int64_t net_peak_bytes;    /**< the most `net_bytes` ever was in one round */
    int64_t peak_error;        /**< `peak_bytes` may be too low by up to this; 0: exact. Only
                                    PROCESS rounds with several threads have a bound here */
    int64_t net_peak_error;    /**< `net_peak_bytes` may be too low or too high by up to this;
                                    0: exact, as it is while only one thread sends events */
    uint32_t modes;            /**< ::lw_mode_bits: the modes that were in use meanwhile. Blocks
                                    allocated in COUNTS are in `net` and `net_peak` only */
    uint32_t reserved;         /**< 0 */
    int64_t current_bytes_margin;  /**< with samples in it a number is an estimate, within this of
                                        the truth in 95 % of cases; 0: exact. So with the next */
    int64_t current_blocks_margin; /**< of `current_blocks` */
    int64_t peak_margin;           /**< of `peak_bytes`, beside `peak_error` */
    int64_t at_end_bytes_margin;   /**< of `at_end_bytes` */
    int64_t at_end_blocks_margin;  /**< of `at_end_blocks` */
    int64_t net_bytes_margin;      /**< of `net_bytes` */
    int64_t net_blocks_margin;     /**< of `net_blocks` */
    int64_t net_peak_margin;       /**< of `net_peak_bytes`, beside `net_peak_error` */
    const char *name;              /**< of the region; lives as long as it does */
} lw_region_stats;

/** Initial value of ::lw_region_stats. */
#define LW_REGION_STATS_INIT                                                                       \
    {                                                                                              \
        (uint32_t)sizeof(lw_region_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,   \
            0, 0, 0, 0, NULL                                                                       \
    }

/**
 * Begins a round. Advances the epoch.
 *
 * @param region the region
 * @param round  receives the round, or 0 on failure
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_region_begin(lw_region *region, lw_round *round, lw_error *error);

/**
 * Ends a round.
 *
 * @param region the region
 * @param round  what lw_region_begin() gave
 * @param stats  NULL, or receives the round's numbers as of its end
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_STATE (ended already; a round begun inside it is still
 *         open; begun on another thread; suspended) or ::LW_E_NOMEM: the round is unchanged.
 *         any-thread.
 */
LW_API lw_status lw_region_end(lw_region *region, lw_round round, lw_region_stats *stats,
                               lw_error *error);

/**
 * Sets a round of scope TASK aside: the calling thread does something else.
 *
 * @param region the region
 * @param round  a round that is active on this thread; need not be the innermost
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID (not of scope TASK) or ::LW_E_STATE (not active here); or
 *         ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_region_suspend(lw_region *region, lw_round round, lw_error *error);

/**
 * Takes a suspended round up again, on the calling thread, as its innermost.
 *
 * @param region the region
 * @param round  a suspended round
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_STATE (not suspended); or ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_region_resume(lw_region *region, lw_round round, lw_error *error);

/**
 * Reads the numbers of a round or of a whole region without stopping anybody.
 *
 * A round that has ended and of which nothing survives is forgotten, at once or later, so that a
 * million rounds cost what is live: then ::LW_E_NOT_FOUND says that nothing of it is left. Keep
 * what lw_region_end() tells if you need peak and net later.
 *
 * @param region the region
 * @param round  a round of it, or 0 for all rounds together
 * @param stats  filled up to its `struct_size`; zeroed on failure
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND or ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_region_stats_get(lw_region *region, lw_round round, lw_region_stats *stats,
                                     lw_error *error);

/** What survives, by site: an immutable table that owns its text and outlives the context. */
typedef struct lw_survivors lw_survivors;

/** What lw_survivors_info_get() tells of a whole table. */
typedef struct lw_survivors_info {
    uint32_t struct_size; /**< set by ::LW_SURVIVORS_INFO_INIT */
    uint32_t rows;        /**< number of rows, one per site and domain,
                               and one for those declared by lw_block_once(); sites that read
                               the same, since their code was loaded anew, are one */
    int64_t bytes;        /**< the sum over all rows */
    int64_t blocks;       /**< the sum over all rows */
    const char *region;   /**< name of the region, or NULL for all live blocks */
    uint64_t events;      /**< lw_context_stats::events when it was taken */
    uint64_t dropped;     /**< lw_context_stats::dropped when it was taken */
    uint64_t own_bytes;   /**< lw_context_stats::own_bytes when it was taken */
    uint32_t modes;       /**< ::lw_mode_bits: in use during the rounds of the table; for all live
                               blocks, when it was taken */
    uint32_t reserved;    /**< 0 */
    int64_t counted_bytes;  /**< held by blocks that were allocated in mode COUNTS, wherever: no
                                 row has them */
    int64_t counted_blocks; /**< the same in blocks */
    uint64_t interval;      /**< bytes between samples if `modes` has SAMPLED, else 0; if it was
                                 changed, the last one */
    int64_t bytes_margin;   /**< with samples in it `bytes` is an estimate, within this of the truth
                                 in 95 % of cases; 0: exact */
    int64_t blocks_margin;  /**< the same for `blocks` */
    uint64_t own_peak_bytes;  /**< this and the next as in ::lw_context_stats, then */
    uint64_t dropped_memory;  /**< see there */
    uint64_t dropped_reentry; /**< see there */
    uint64_t dropped_stack;   /**< see there */
    uint64_t dropped_address; /**< see there */
    uint64_t unknown_frees;   /**< see there */
} lw_survivors_info;

/** Initial value of ::lw_survivors_info. */
#define LW_SURVIVORS_INFO_INIT                                                                     \
    {                                                                                              \
        (uint32_t)sizeof(lw_survivors_info), 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0                                                                                \
    }

/** One site's survivors. */
typedef struct lw_survivors_row {
    uint32_t struct_size; /**< set by ::LW_SURVIVORS_ROW_INIT */
    uint32_t frames;      /**< frames of the site; 0: allocated at a place nobody told us */
    int64_t bytes;        /**< live bytes */
    int64_t blocks;       /**< live blocks */
    const char *domain;   /**< name of the domain */
    uint32_t own_frame;   /**< level of the innermost frame of the user's own code; equals
                               `frames` if there is none */
    uint32_t truncated;   /**< 1: the stack had more frames than were recorded */
    int64_t bytes_margin; /**< as lw_survivors_info::bytes_margin */
    int64_t blocks_margin; /**< as lw_survivors_info::blocks_margin */
    uint64_t samples;     /**< live samples in it; with few of them a margin is but a hint */
} lw_survivors_row;

/** Initial value of ::lw_survivors_row. */
#define LW_SURVIVORS_ROW_INIT                                                                      \
    {                                                                                              \
        (uint32_t)sizeof(lw_survivors_row), 0, 0, 0, NULL, 0, 0, 0, 0, 0                           \
    }

/**
 * Counts the live blocks by site, most bytes first; equal rows in the order of their text.
 *
 * @param context   whose blocks
 * @param region    NULL for all live blocks, else those born in its rounds
 * @param round     0 for all rounds of the region, else this one
 * @param survivors receives the table, to be given to lw_survivors_release(); NULL on failure
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK (with an empty table for a round that is forgotten), ::LW_E_INVALID,
 *         ::LW_E_STATE (all of it was recorded in mode COUNTS, which knows no sites) or
 *         ::LW_E_NOMEM. any-thread; blocks that come and go meanwhile may or may not be in it.
 */
LW_API lw_status lw_survivors_take(lw_context *context, lw_region *region, lw_round round,
                                   lw_survivors **survivors, lw_error *error);

/**
 * Frees a table.
 *
 * @param survivors NULL is allowed. any-thread, once.
 */
LW_API void lw_survivors_release(lw_survivors *survivors);

/**
 * The whole of a table.
 *
 * @param survivors the table
 * @param info      filled up to its `struct_size`, zeroed on failure; strings belong to the table
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. immutable.
 */
LW_API lw_status lw_survivors_info_get(const lw_survivors *survivors, lw_survivors_info *info,
                                       lw_error *error);

/**
 * One row of a table.
 *
 * @param survivors the table
 * @param index     from 0
 * @param row       filled up to its `struct_size`, zeroed on failure; strings belong to the table
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such row). immutable.
 */
LW_API lw_status lw_survivors_row_get(const lw_survivors *survivors, uint32_t index,
                                      lw_survivors_row *row, lw_error *error);

/**
 * One frame of a row's site.
 *
 * @param survivors the table
 * @param index     of the row
 * @param level     0 is the innermost
 * @param frame     filled up to its `struct_size`, zeroed on failure; strings belong to the table
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such row or level). immutable.
 */
LW_API lw_status lw_survivors_frame_get(const lw_survivors *survivors, uint32_t index,
                                        uint32_t level, lw_frame *frame, lw_error *error);

LW_END_DECLS

#endif
