/**
 * @file context.h
 * A context owns everything: domains, sites, regions, objects, runtimes. There is no other state.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * int main(void)
 * {
 *     lw_context *mine = NULL, *shared = NULL;
 *     if (lw_context_create(NULL, &mine, NULL) != LW_OK) // a context of my own
 *         return 1;
 *     if (lw_context_default(&shared, NULL) != LW_OK) // the one that adapters share
 *         return 1;
 *
 *     lw_context_stats stats = LW_CONTEXT_STATS_INIT;
 *     lw_context_stats_get(mine, &stats, NULL);
 *     printf("our own memory: %llu bytes, %llu events, %llu dropped\n",
 *            (unsigned long long)stats.own_bytes, (unsigned long long)stats.events,
 *            (unsigned long long)stats.dropped);
 *
 *     lw_context_release(shared);
 *     lw_context_release(mine);
 *     return 0;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_CONTEXT_H
#define LEAKWATCH_CONTEXT_H

#include <leakwatch/base.h>

LW_BEGIN_DECLS

/** Everything that is recorded, and everything that records. Opaque, reference-counted. */
typedef struct lw_context lw_context;

/** How to make a context. Zero in a field means the default. */
typedef struct lw_context_options {
    uint32_t struct_size;   /**< set by ::LW_CONTEXT_OPTIONS_INIT */
    uint32_t reserved;      /**< 0 */
    lw_allocator allocator; /**< where our own memory comes from; must outlive the context and
                                 the snapshots, diffs, paths and tables made from it */
} lw_context_options;

/** Initial value of ::lw_context_options. */
#define LW_CONTEXT_OPTIONS_INIT                                                                    \
    {                                                                                              \
        (uint32_t)sizeof(lw_context_options), 0, { NULL, NULL }                                    \
    }

/**
 * Makes a context.
 *
 * After `fork` the child's context works and goes on by itself; the parent's is untouched. Events
 * that other threads were in the midst of may be counted in part in the child.
 *
 * @param options NULL for the defaults
 * @param context receives the context with one reference, or NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID (no `context`, bad `struct_size`) or ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_context_create(const lw_context_options *options, lw_context **context,
                                   lw_error *error);

/**
 * The context that all adapters of this process share, made on first use. Each call takes one
 * reference; when the last is released it is gone, and the next call makes a new one.
 *
 * @param context receives the context, or NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_context_default(lw_context **context, lw_error *error);

/**
 * Gives a reference back; the last one destroys the context with all that it owns. Snapshots,
 * diffs, paths and survivor tables made from it stay: they own all they hold.
 *
 * The last release is *exclusive*: no event may be running, and none may come.
 *
 * @param context NULL is allowed
 */
LW_API void lw_context_release(lw_context *context);

/** Numbers about ourselves. */
typedef struct lw_context_stats {
    uint32_t struct_size;     /**< set by ::LW_CONTEXT_STATS_INIT */
    uint32_t threads;         /**< threads that have sent events and live */
    uint64_t own_bytes;       /**< bytes this context takes from its allocator now */
    uint64_t own_peak_bytes;  /**< the most it ever took */
    uint64_t events;          /**< allocations, frees and moves seen; of samples, with what they
                                   stand for (mode.h) */
    uint64_t dropped;         /**< events whose detail was lost; the sum of the next four */
    uint64_t dropped_memory;  /**< lost because our own memory ran out */
    uint64_t dropped_reentry; /**< lost because they came from inside one of our callbacks */
    uint64_t dropped_stack;   /**< recorded, but without a stack: no memory for a new site */
    uint64_t dropped_address; /**< lost because an address is not aligned as its domain says */
    uint64_t unknown_frees;   /**< frees of blocks that predate recording, or of no block; not
                                   counted any more once samples were taken */
    uint64_t replaced;        /**< allocations over a live block: its free was never seen */
    uint64_t sites;           /**< call stacks known */
    uint64_t births;          /**< births known; recycled when no block refers to them */
    int64_t bytes;            /**< live bytes in all domains, each counted once */
    int64_t blocks;           /**< live blocks in all domains, adopted chunks not counted */
    int64_t bytes_margin;     /**< as lw_domain_stats::bytes_margin */
    int64_t blocks_margin;    /**< as lw_domain_stats::blocks_margin */
} lw_context_stats;

/** Initial value of ::lw_context_stats. */
#define LW_CONTEXT_STATS_INIT                                                                      \
    {                                                                                              \
        (uint32_t)sizeof(lw_context_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0      \
    }

/**
 * Reads the numbers about ourselves without stopping anybody: a value "as of now".
 *
 * @param context the context
 * @param stats   filled up to its `struct_size`; zeroed on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. any-thread.
 */
LW_API lw_status lw_context_stats_get(const lw_context *context, lw_context_stats *stats,
                                      lw_error *error);

/**
 * From now on allocations of the calling thread are not counted anywhere, for as long as the
 * blocks live, and their ends are silent. Frees of other blocks still count, and a block that is
 * resized meanwhile is ignored from then on. Nests. For one block see lw_block_ignore().
 *
 * @param context the context. any-thread; does not fail: without memory for a thread record
 *                nothing of this thread is recorded anyway.
 */
LW_API void lw_ignore_begin(lw_context *context);

/**
 * Ends the innermost lw_ignore_begin() of the calling thread; harmless without one.
 *
 * @param context the context. any-thread.
 */
LW_API void lw_ignore_end(lw_context *context);

LW_END_DECLS

#endif
