/**
 * @file report.h
 * Reports: what was found, as text for people or as JSON for programs.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int to_stdout(const char *text, size_t length, void *user)
 * {
 *     (void)user;
 *     return fwrite(text, 1, length, stdout) != length;
 * }
 *
 * int main(void)
 * {
 *     static char block[64];
 *     lw_context *context = NULL;
 *     lw_domain *heap = NULL;
 *     lw_region *parse = NULL;
 *     lw_round round = 0;
 *     lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
 *     options.name = "heap";
 *     lw_context_create(NULL, &context, NULL);
 *     lw_domain_create(context, &options, &heap, NULL);
 *     lw_region_create(context, "parse", NULL, &parse, NULL);
 *     lw_region_begin(parse, &round, NULL);
 *     lw_block_alloc_at(heap, block, 64, LW_HERE);
 *     lw_region_stats stats = LW_REGION_STATS_INIT;
 *     lw_region_end(parse, round, &stats, NULL);
 *
 *     lw_survivors *survivors = NULL;
 *     lw_survivors_take(context, parse, round, &survivors, NULL);
 *     lw_status status = lw_report_region(&stats, survivors, NULL, to_stdout, NULL, NULL);
 *     lw_survivors_release(survivors);
 *     lw_context_release(context);
 *     return status != LW_OK;
 * }
 * @endcode
 *
 * Every report is *immutable*: it reads values and calls `write`, nothing else; it takes no memory.
 * The same values give the same text. Exports are for other people's viewers.
 */
#ifndef LEAKWATCH_REPORT_H
#define LEAKWATCH_REPORT_H

#include <leakwatch/analyze.h>
#include <leakwatch/check.h>
#include <leakwatch/memory.h>
#include <leakwatch/mode.h>
#include <leakwatch/object.h>
#include <leakwatch/referrers.h>
#include <leakwatch/region.h>
#include <leakwatch/retain.h>
#include <leakwatch/series.h>

LW_BEGIN_DECLS

/** How a report is written. */
enum lw_format {
    LW_FORMAT_TEXT = 0, /**< aligned text for people */
    LW_FORMAT_JSON = 1  /**< one JSON object, documented in docs/json.md, for programs */
};

/** Bits of lw_report_options::flags. */
enum lw_report_flags {
    LW_REPORT_ASCII = 1, /**< the reader's terminal knows no UTF-8 */
    LW_REPORT_COLOUR = 2, /**< emphasise with ANSI colours; never the only signal */
    LW_REPORT_ALL = 4    /**< every row and frame, not just those that matter most */
};

/** How to write a report. Zero in a field means the default. */
typedef struct lw_report_options {
    uint32_t struct_size; /**< set by ::LW_REPORT_OPTIONS_INIT */
    int32_t format;       /**< ::lw_format */
    uint32_t flags;       /**< ::lw_report_flags */
    uint32_t width;       /**< columns of the terminal; 0: 100 */
    const lw_memory *memory; /**< NULL, or what lw_memory_get() told: the report ends with it */
} lw_report_options;

/** Initial value of ::lw_report_options. */
#define LW_REPORT_OPTIONS_INIT                                                                     \
    {                                                                                              \
        (uint32_t)sizeof(lw_report_options), 0, 0, 0, NULL                                         \
    }

/**
 * Reports a region: current, peak, and what survives by the user's own line.
 *
 * @param stats     numbers of a round or of all rounds; NULL: only the survivors
 * @param survivors the table taken with them
 * @param options   NULL for the defaults
 * @param write     takes the text
 * @param user      passed to `write`
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_region(const lw_region_stats *stats, const lw_survivors *survivors,
                                  const lw_report_options *options, lw_write_fn write, void *user,
                                  lw_error *error);

/**
 * Reports how much lives, and not where it was allocated: all there is in mode COUNTS (mode.h).
 * And, as all reports of a context do, the numbers about ourselves.
 *
 * @param context the context
 * @param stats   NULL, or numbers of a region: its net and net peak come first
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). any-thread.
 */
LW_API lw_status lw_report_totals(lw_context *context, const lw_region_stats *stats,
                                  const lw_report_options *options, lw_write_fn write, void *user,
                                  lw_error *error);

/**
 * Reports a comparison: one line per type, growth first, garbage on a line of its own.
 *
 * @param diff    the comparison
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_diff(const lw_diff *diff, const lw_report_options *options,
                                lw_write_fn write, void *user, lw_error *error);

/**
 * Reports one retention path: the root, a line per reference, the target and where it was
 * allocated.
 *
 * @param paths   the paths
 * @param index   which of them
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND (no such path) or ::LW_E_IO (`write` said
 *         stop). immutable.
 */
LW_API lw_status lw_report_path(const lw_paths *paths, uint32_t index,
                                const lw_report_options *options, lw_write_fn write, void *user,
                                lw_error *error);

/**
 * Reports a comparison by site: where the objects that grew were allocated, most bytes first.
 *
 * @param diff    the comparison
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_sites(const lw_diff *diff, const lw_report_options *options,
                                 lw_write_fn write, void *user, lw_error *error);

/**
 * Reports what stayed over several snapshots, by type.
 *
 * @param series  what stayed
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_series(const lw_series *series, const lw_report_options *options,
                                  lw_write_fn write, void *user, lw_error *error);

/**
 * Reports a tree of holders, each row indented below what it holds.
 *
 * @param referrers the tree
 * @param options   NULL for the defaults
 * @param write     takes the text
 * @param user      passed to `write`
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_referrers(const lw_referrers *referrers,
                                     const lw_report_options *options, lw_write_fn write,
                                     void *user, lw_error *error);

/**
 * Reports which reference of a path is new since an earlier snapshot, in one line.
 *
 * @param paths   the paths
 * @param index   which of them
 * @param base    the earlier snapshot, see lw_path_new_step()
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND (no such path) or ::LW_E_IO (`write` said
 *         stop). immutable.
 */
LW_API lw_status lw_report_new_step(const lw_paths *paths, uint32_t index, lw_snapshot *base,
                                    const lw_report_options *options, lw_write_fn write,
                                    void *user, lw_error *error);

/**
 * Reports what a conformance check found.
 *
 * @param check   the check
 * @param name    of the runtime, for the headline
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_check(const lw_check *check, const char *name,
                                 const lw_report_options *options, lw_write_fn write, void *user,
                                 lw_error *error);

/**
 * Reports the typed objects of a context, most live bytes first.
 *
 * @param context whose types, as of now
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). any-thread.
 */
LW_API lw_status lw_report_objects(lw_context *context, const lw_report_options *options,
                                   lw_write_fn write, void *user, lw_error *error);

/**
 * Reports the memory of the process: its size, what makes it up, and what is not explained.
 *
 * @param memory  what lw_memory_get() told
 * @param options NULL for the defaults; its `memory` means nothing here
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_memory(const lw_memory *memory, const lw_report_options *options,
                                  lw_write_fn write, void *user, lw_error *error);

/**
 * Reports a snapshot as a whole: where and when it was taken, and how much is in it.
 *
 * @param snapshot the snapshot
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_snapshot(const lw_snapshot *snapshot, const lw_report_options *options,
                                    lw_write_fn write, void *user, lw_error *error);

/**
 * Reports how many objects of each type something holds, their bytes and what they retain (what
 * their instances dominate, each by itself): most retained bytes first.
 *
 * @param dominators of the snapshot
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_types(const lw_dominators *dominators, const lw_report_options *options,
                                 lw_write_fn write, void *user, lw_error *error);

/**
 * Reports the objects that retain most, from the top of the dominator tree down.
 *
 * @param dominators of the snapshot
 * @param options NULL for the defaults
 * @param write   takes the text
 * @param user    passed to `write`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_retained(const lw_dominators *dominators,
                                    const lw_report_options *options, lw_write_fn write,
                                    void *user, lw_error *error);

/** Bits of lw_export_options::flags. */
enum lw_export_flags {
    LW_EXPORT_VALUES = 1 /**< the keys that entries are found by are written out: they are data of
                              the program; otherwise each reads "[x]" */
};

/** How to export. Zero in a field means the default. */
typedef struct lw_export_options {
    uint32_t struct_size;    /**< set by ::LW_EXPORT_OPTIONS_INIT */
    uint32_t flags;          /**< ::lw_export_flags */
    lw_progress_fn progress; /**< NULL, or hears of the phases "nodes", "edges" and "strings" */
    void *user;              /**< passed to `progress` */
} lw_export_options;

/** Initial value of ::lw_export_options. */
#define LW_EXPORT_OPTIONS_INIT                                                                     \
    {                                                                                              \
        (uint32_t)sizeof(lw_export_options), 0, NULL, NULL                                         \
    }

/**
 * Writes a snapshot as `.heapsnapshot`, which Chrome's DevTools (Memory, "Load profile") and memlab
 * open. docs/heapsnapshot.md says what becomes of what; in short: all that is held is in it, its
 * retained sizes are ours (sizes and external bytes), object `@id` is ::lw_node `id - 2`, garbage
 * is left out. The text is ASCII, written as it is made, some 60 bytes per node.
 *
 * @param snapshot what to write
 * @param options  NULL for the defaults
 * @param write    takes the text
 * @param user     passed to `write`
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_IO (`write` said stop); ::LW_E_CANCELLED; ::LW_E_NOMEM;
 *         ::LW_E_LIMIT (more nodes or references than the format's 32-bit numbers reach).
 *         immutable; calls back; allocates four bytes per root and one per 16 nodes.
 */
LW_API lw_status lw_export_heapsnapshot(const lw_snapshot *snapshot,
                                        const lw_export_options *options, lw_write_fn write,
                                        void *user, lw_error *error);

LW_END_DECLS

#endif
