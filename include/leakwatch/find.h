/**
 * @file find.h
 * The whole hunt in one call: what grows, how fast, allocated where, held by what, what to cut.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int entries; // how much the cache holds
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t cache = lw_sink_type(sink, 0, "cache", 0), page = lw_sink_type(sink, 0, "page", 0);
 *     lw_sink_node(sink, 1, cache, 64);
 *     for (int i = 0; i < entries; i++) {
 *         lw_sink_node(sink, (lw_key)(2 + i), page, 4096);
 *         lw_sink_edge(sink, 1, (lw_key)(2 + i), LW_EDGE_STRONG, LW_LABEL_INDEX(i));
 *     }
 *     uint32_t kind = lw_sink_root_kind(sink, "global", 0);
 *     return lw_sink_root(sink, 1, kind, lw_sink_label(sink, LW_LABEL_VARIABLE, "pages", 5));
 * }
 *
 * static int handle_request(uint32_t round, void *user) // the code that is suspected
 * {
 *     (void)round;
 *     (void)user;
 *     entries += 2;
 *     return 0;
 * }
 *
 * static int to_stdout(const char *text, size_t length, void *user)
 * {
 *     (void)user;
 *     return fwrite(text, 1, length, stdout) != length;
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_findings *findings = NULL;
 *     lw_finding worst = LW_FINDING_INIT;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "server";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *
 *     if (lw_find_leaks(context, handle_request, NULL, NULL, &findings, NULL) != LW_OK)
 *         return 1;
 *     lw_report_findings(findings, NULL, to_stdout, NULL, NULL);
 *     lw_finding_get(findings, 0, &worst, NULL); // 2 pages a round, held by cache
 *     int wrong = lw_findings_count(findings) != 1 || worst.objects_per_round != 2.0;
 *
 *     lw_findings_release(findings);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_FIND_H
#define LEAKWATCH_FIND_H

#include <leakwatch/cut.h>
#include <leakwatch/growth.h>
#include <leakwatch/report.h>

LW_BEGIN_DECLS

/** What was found, ranked. Immutable; keeps the first and the last snapshot alive. */
typedef struct lw_findings lw_findings;

/**
 * Does the suspected work once.
 *
 * @param round counts from 0, warming up included
 * @param user  the caller's pointer
 * @return 0 to go on; anything else ends the hunt with ::LW_E_CANCELLED
 */
typedef int (*lw_round_fn)(uint32_t round, void *user);

/** Bits of lw_find_options::flags. */
enum lw_find_flags {
    LW_FIND_COLLECT = 1, /**< ask every runtime to collect before each snapshot */
    LW_FIND_MEMORY = 2   /**< look at the whole process too, and tell of ::LW_FINDING_MEMORY. Not
                              under an address sanitizer, which keeps what is freed */
};

/** How to hunt. Zero in a field means the default. */
typedef struct lw_find_options {
    uint32_t struct_size;    /**< set by ::LW_FIND_OPTIONS_INIT */
    uint32_t flags;          /**< ::lw_find_flags */
    uint32_t warm_up;        /**< rounds before the first snapshot, so that caches that fill once
                                  are full; 0: 2 */
    uint32_t rounds;         /**< rounds that are measured, each followed by a snapshot; at least
                                  2; 0: 5 */
    uint32_t calls;          /**< calls of the work in one round; what gains less than one object
                                  a call is noise; 0: 1 */
    uint32_t limit;          /**< the most findings; 0: 20 */
    uint64_t least;          /**< bytes that a finding must have gained at least; 0: any */
    uint64_t memory_limit;   /**< bytes the process may use, for the forecast; 0: none */
    const char *accepted;    /**< known and accepted findings: the text of a file with one
                                  fingerprint per line, the rest of a line and lines that begin
                                  with `#` being remarks; NULL: none */
    lw_progress_fn progress; /**< NULL, or hears how far it is */
    void *user;              /**< passed to `progress` */
} lw_find_options;

/** Initial value of ::lw_find_options. */
#define LW_FIND_OPTIONS_INIT                                                                       \
    {                                                                                              \
        (uint32_t)sizeof(lw_find_options), 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL                   \
    }

/**
 * Does the work for some rounds, takes a snapshot after each, and says what grew in every one of
 * them, who allocated it, who holds it, and what to cut. Only the first and the last snapshot
 * stay in memory. The rounds are also a region named "find_leaks". If the context records blocks,
 * call sites that leave blocks in every round, and more than they drop, are found even where no
 * runtime shows who holds them.
 *
 * @param context  whose runtimes and blocks
 * @param work     the suspected work
 * @param user     passed to `work`
 * @param options  NULL for the defaults
 * @param findings receives what was found, perhaps nothing, to be given to
 *                 lw_findings_release(); NULL on failure
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOMEM; ::LW_E_RUNTIME (an `enumerate` failed);
 *         ::LW_E_STATE (a region "find_leaks" of another scope than the process exists; a round of
 *         another hunt is running, as it is if `work` calls this);
 *         ::LW_E_CANCELLED (`work` or `progress` said stop). *exclusive*; calls back.
 */
LW_API lw_status lw_find_leaks(lw_context *context, lw_round_fn work, void *user,
                               const lw_find_options *options, lw_findings **findings,
                               lw_error *error);

/**
 * The same of snapshots that were taken before, or opened from files.
 *
 * @param snapshots in the order in which they were taken, of one context
 * @param count     how many, at least 3
 * @param options   NULL for the defaults; `warm_up` and `rounds` mean nothing here, `calls` is the
 *                  number of rounds between two snapshots
 * @param findings  receives what was found, perhaps nothing, to be given to
 *                  lw_findings_release(); NULL on failure
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOMEM; ::LW_E_FORMAT (a damaged file);
 *         ::LW_E_CANCELLED. immutable; calls `progress`.
 */
LW_API lw_status lw_findings_create(lw_snapshot *const *snapshots, uint32_t count,
                                    const lw_find_options *options, lw_findings **findings,
                                    lw_error *error);

/**
 * Frees findings.
 *
 * @param findings NULL is allowed. any-thread, once.
 */
LW_API void lw_findings_release(lw_findings *findings);

/** The whole of a hunt. */
typedef struct lw_findings_info {
    uint32_t struct_size;  /**< set by ::LW_FINDINGS_INFO_INIT */
    uint32_t findings;     /**< how many there are */
    uint32_t accepted;     /**< how many of them are known and accepted; they come last */
    uint32_t left_out;     /**< further ones over the limit, or below `least` */
    uint32_t rounds;       /**< rounds between the first and the last snapshot */
    uint32_t calls;        /**< calls of the work in one round */
    int64_t objects_diff;  /**< objects, last minus first snapshot, garbage left out */
    int64_t bytes_diff;    /**< their bytes, last minus first snapshot */
    uint64_t found_bytes;  /**< bytes gained by all findings of growth, left out ones apart */
    uint64_t garbage;      /**< collectable garbage in the last snapshot, in objects */
    uint64_t garbage_bytes; /**< the same in bytes */
    uint64_t took_ns;      /**< how long snapshots and analysis took, the work left out, in ns */
    uint32_t approximate;  /**< 1: some objects could only be told apart by their address */
    uint32_t recorded;     /**< 1: the region's blocks were recorded too */
} lw_findings_info;

/** Initial value of ::lw_findings_info. */
#define LW_FINDINGS_INFO_INIT                                                                      \
    {                                                                                              \
        (uint32_t)sizeof(lw_findings_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                  \
    }

/**
 * The whole of a hunt.
 *
 * @param findings the findings
 * @param info     filled up to its `struct_size`, zeroed on failure
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. immutable.
 */
LW_API lw_status lw_findings_info_get(const lw_findings *findings, lw_findings_info *info,
                                      lw_error *error);

/**
 * How many findings there are, accepted ones included.
 *
 * @param findings the findings
 * @return their number; 0 for NULL. immutable.
 */
LW_API uint32_t lw_findings_count(const lw_findings *findings);

/** What kind of evidence a finding rests on. */
enum lw_finding_kind {
    LW_FINDING_GROWTH = 1, /**< something that roots reach holds more objects after every round */
    LW_FINDING_BLOCKS = 2, /**< a call site leaves blocks in every round, and no runtime shows who
                                holds them */
    LW_FINDING_BYTES = 3,  /**< objects that roots reach are larger after every round, but not more:
                                a buffer that swells, a list of what there is anyway */
    LW_FINDING_MEMORY = 4  /**< with ::LW_FIND_MEMORY: the process's memory grows in every round by
                                64 KiB and more, by 256 KiB on average, that neither blocks nor
                                allocators nor objects explain (see memory.h); `bytes` are the
                                unexplained ones, `advice` says what is known and the next step;
                                on Linux */
};

/** One finding. */
typedef struct lw_finding {
    uint32_t struct_size;      /**< set by ::LW_FINDING_INIT */
    int32_t kind;              /**< ::lw_finding_kind */
    uint64_t fingerprint;      /**< the same in every run: of types and names only */
    uint32_t accepted;         /**< 1: known and accepted */
    uint32_t rounds;           /**< rounds in which it grew, one after the other up to the last */
    uint64_t objects;          /**< gained in these rounds; blocks for ::LW_FINDING_BLOCKS, 0 for
                                    ::LW_FINDING_BYTES */
    uint64_t bytes;            /**< gained in these rounds */
    double objects_per_round;  /**< gained, on average */
    double bytes_per_round;    /**< gained, on average */
    lw_node holder;            /**< in the last snapshot: what gains; ::LW_NODE_NONE for blocks, and
                                    where the roots themselves do */
    lw_node example;           /**< one of the objects gained, for ::LW_FINDING_BYTES what gains;
                                    ::LW_NODE_NONE for blocks */
    const char *holder_type;   /**< name of its type, or of the kind of root; "" for blocks */
    const char *type;          /**< the type with most of the gained bytes; "" for blocks */
    uint64_t type_objects;     /**< gained objects of this type */
    uint64_t type_bytes;       /**< their bytes, with those of other gained objects they keep */
    uint32_t frames;           /**< frames of the site where most of the bytes were allocated, or
                                    an object of ::LW_FINDING_BYTES was created; 0: not recorded */
    uint32_t approximate;      /**< 1: gained objects were told apart by address only */
    uint64_t site_objects;     /**< gained objects that were allocated there */
    uint64_t site_bytes;       /**< their bytes */
    uint64_t entries;          /**< references from the holder to what it gains, old ones too */
    uint64_t entries_bytes;    /**< freed if all of them go, verified by walking without them */
    uint64_t rounds_left;      /**< until `memory_limit` at this rate, at least 1; 0: no limit was
                                    given, or it is out of sight */
    const char *advice;        /**< of the runtime, or "" */
} lw_finding;

/** Initial value of an ::lw_finding. */
#define LW_FINDING_INIT                                                                            \
    {                                                                                              \
        (uint32_t)sizeof(lw_finding), 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 0, 0, \
            0, 0, 0, 0, NULL                                                                       \
    }

/**
 * One finding: accepted ones last, most bytes gained per round first. The limit of a hunt leaves
 * out the last ones of this order.
 *
 * @param findings the findings
 * @param index    from 0
 * @param finding  filled up to its `struct_size`, zeroed on failure; strings belong to the
 *                 findings
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such finding). immutable.
 */
LW_API lw_status lw_finding_get(const lw_findings *findings, uint32_t index, lw_finding *finding,
                                lw_error *error);

/**
 * One frame of the site where most of the gained bytes were allocated.
 *
 * @param findings the findings
 * @param index    of the finding
 * @param level    0 is the innermost
 * @param frame    filled up to its `struct_size`, zeroed on failure; strings belong to the
 *                 findings
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such finding or frame). immutable.
 */
LW_API lw_status lw_finding_frame_get(const lw_findings *findings, uint32_t index, uint32_t level,
                                      lw_frame *frame, lw_error *error);

/**
 * Who holds a finding's example: paths from roots, the strongest first.
 *
 * @param findings the findings
 * @param index    of the finding
 * @return the paths, which belong to the findings; NULL for blocks or no such finding. immutable.
 */
LW_API const lw_paths *lw_finding_paths(const lw_findings *findings, uint32_t index);

/**
 * What to cut, so that all that was gained goes.
 *
 * @param findings the findings
 * @param index    of the finding
 * @return the cut, which belongs to the findings; NULL for blocks or no such finding. immutable.
 */
LW_API const lw_cut *lw_finding_cut(const lw_findings *findings, uint32_t index);

/**
 * Reports what was found: each finding with where it was allocated, who holds it, and what to cut;
 * accepted ones in one line.
 *
 * @param findings the findings
 * @param options  NULL for the defaults
 * @param write    takes the text
 * @param user     passed to `write`
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_IO (`write` said stop). immutable.
 */
LW_API lw_status lw_report_findings(const lw_findings *findings, const lw_report_options *options,
                                    lw_write_fn write, void *user, lw_error *error);

/**
 * Reports one finding.
 *
 * @param findings the findings
 * @param index    from 0
 * @param options  NULL for the defaults
 * @param write    takes the text
 * @param user     passed to `write`
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND (no such finding) or ::LW_E_IO (`write` said
 *         stop). immutable.
 */
LW_API lw_status lw_report_finding(const lw_findings *findings, uint32_t index,
                                   const lw_report_options *options, lw_write_fn write, void *user,
                                   lw_error *error);

LW_END_DECLS

#endif
