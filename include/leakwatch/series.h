/**
 * @file series.h
 * Snapshots in order of time: which sites grew, what stayed, and which reference is new.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int pages; // how many the cache holds
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t cache = lw_sink_type(sink, 0, "cache", 0), page = lw_sink_type(sink, 0, "page", 0);
 *     lw_sink_node(sink, 1, cache, 64);
 *     for (int i = 0; i < pages; i++) {
 *         lw_sink_node(sink, (lw_key)(2 + i), page, 4096);
 *         lw_sink_edge(sink, 1, (lw_key)(2 + i), LW_EDGE_STRONG, LW_LABEL_INDEX(i));
 *     }
 *     return lw_sink_root(sink, 1, lw_sink_root_kind(sink, "global", 0), 0);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_snapshot *taken[3] = {NULL, NULL, NULL};
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "server";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     for (int i = 0; i < 3; i++) {
 *         pages = 1 + i * 2; // two more each time
 *         lw_snapshot_take(context, NULL, &taken[i], NULL);
 *     }
 *
 *     lw_series *series = NULL;
 *     lw_series_row stayed = LW_SERIES_ROW_INIT;
 *     lw_series_create(taken, 3, NULL, &series, NULL);
 *     lw_series_row_get(series, 0, &stayed, NULL);
 *     printf("%llu of %llu new %s stayed\n", (unsigned long long)stayed.count,
 *            (unsigned long long)stayed.created, stayed.name);
 *     int wrong = stayed.count != 2 || stayed.created != 2;
 *
 *     lw_series_release(series);
 *     for (int i = 0; i < 3; i++)
 *         lw_snapshot_release(taken[i]);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_SERIES_H
#define LEAKWATCH_SERIES_H

#include <leakwatch/analyze.h>

LW_BEGIN_DECLS

/** Bits of lw_diff_site::flags. */
enum lw_site_flags {
    LW_SITE_BEFORE = 1,      /**< not a site: all that was allocated before recording */
    LW_SITE_UNRECORDED = 2,  /**< not a site: all of runtimes whose blocks nobody records */
    LW_SITE_APPROXIMATE = 4  /**< some of its objects may have been born elsewhere, since a freelist
                                  hands their memory on, or could only be matched by address */
};

/** What was allocated in one place, in a comparison. A `_diff` is target minus base. */
typedef struct lw_diff_site {
    uint32_t struct_size;  /**< set by ::LW_DIFF_SITE_INIT */
    uint32_t flags;        /**< ::lw_site_flags */
    uint32_t frames;       /**< of the call stack; 0: recorded without one, or no site */
    uint32_t reserved;     /**< 0 */
    int64_t count_diff;    /**< objects */
    int64_t size_diff;     /**< their sizes, as their types say, in bytes */
    int64_t bytes_diff;    /**< the blocks they lie in, in bytes; 0 where these are not recorded */
    uint64_t base_count;   /**< objects in the base */
    uint64_t target_count; /**< objects in the target */
    uint64_t base_size;    /**< their sizes in bytes */
    uint64_t target_size;  /**< their sizes in bytes */
    uint64_t base_bytes;   /**< their blocks in bytes */
    uint64_t target_bytes; /**< their blocks in bytes */
    uint64_t created;      /**< objects of the target that the base does not have */
    uint64_t gone;         /**< objects of the base that the target does not have */
    uint64_t survived;     /**< objects in both */
} lw_diff_site;

/** Initial value of an ::lw_diff_site. */
#define LW_DIFF_SITE_INIT                                                                          \
    {                                                                                              \
        (uint32_t)sizeof(lw_diff_site), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                \
    }

/**
 * How many sites the objects of either snapshot were allocated at; what is older than the
 * recording and what is not recorded count as one each.
 *
 * @param diff the comparison
 * @return their number; 0 for NULL. immutable.
 */
LW_API uint32_t lw_diff_site_count(const lw_diff *diff);

/**
 * One site: most growth in bytes of blocks first, then of sizes, then in objects, then by content.
 * Sites are equal if their frames read alike.
 *
 * @param diff  the comparison
 * @param index from 0
 * @param site  filled up to its `struct_size`, zeroed on failure
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such site). immutable.
 */
LW_API lw_status lw_diff_site_get(const lw_diff *diff, uint32_t index, lw_diff_site *site,
                                  lw_error *error);

/**
 * One frame of a site.
 *
 * @param diff  the comparison
 * @param index of the site
 * @param level 0 is the innermost
 * @param frame filled up to its `struct_size`, zeroed on failure; strings belong to the diff
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such site or frame). immutable.
 */
LW_API lw_status lw_diff_site_frame_get(const lw_diff *diff, uint32_t index, uint32_t level,
                                        lw_frame *frame, lw_error *error);

/**
 * Visits the objects of a site, in the order of their ids.
 *
 * @param diff  the comparison
 * @param index the site
 * @param set   ::lw_diff_set
 * @param visit called for each
 * @param user  passed to `visit`
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such site). immutable; calls back.
 */
LW_API lw_status lw_diff_site_each(const lw_diff *diff, uint32_t index, int32_t set,
                                   lw_node_fn visit, void *user, lw_error *error);

/** What stayed: objects that a target has, that the base before it has not, and that are in every
 * later snapshot too. Immutable; keeps its last snapshot alive. */
typedef struct lw_series lw_series;

/** Which snapshot of a series is which. Zero in a field means the default. */
typedef struct lw_series_options {
    uint32_t struct_size; /**< set by ::LW_SERIES_OPTIONS_INIT */
    uint32_t target;      /**< index of the target; 0: 1. The base is the first, always */
} lw_series_options;

/** Initial value of ::lw_series_options. */
#define LW_SERIES_OPTIONS_INIT                                                                     \
    {                                                                                              \
        (uint32_t)sizeof(lw_series_options), 0                                                     \
    }

/**
 * Filters out what comes and goes: with snapshots before, during and after some work, what is left
 * is what the work created and nobody let go.
 *
 * @param snapshots of one context, in order of time
 * @param count     how many, at least three
 * @param options   NULL for the defaults
 * @param series    receives what stayed, to be given to lw_series_release(); NULL on failure
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOMEM. immutable.
 */
LW_API lw_status lw_series_create(lw_snapshot *const *snapshots, uint32_t count,
                                  const lw_series_options *options, lw_series **series,
                                  lw_error *error);

/**
 * Frees what stayed.
 *
 * @param series NULL is allowed. any-thread, once.
 */
LW_API void lw_series_release(lw_series *series);

/** The whole of a series. */
typedef struct lw_series_info {
    uint32_t struct_size; /**< set by ::LW_SERIES_INFO_INIT */
    uint32_t rows;        /**< type names of which objects were created */
    uint64_t created;     /**< objects that the target has and the base has not */
    uint64_t count;       /**< those of them that stayed */
    uint64_t size;        /**< their sizes in bytes, in the last snapshot */
    uint32_t approximate; /**< 1: some could only be followed by their address */
    uint32_t snapshots;   /**< how many there were */
} lw_series_info;

/** Initial value of ::lw_series_info. */
#define LW_SERIES_INFO_INIT                                                                        \
    {                                                                                              \
        (uint32_t)sizeof(lw_series_info), 0, 0, 0, 0, 0, 0                                         \
    }

/**
 * The whole of a series.
 *
 * @param series the series
 * @param info   filled up to its `struct_size`, zeroed on failure
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. immutable.
 */
LW_API lw_status lw_series_info_get(const lw_series *series, lw_series_info *info,
                                    lw_error *error);

/** What stayed of one type name. */
typedef struct lw_series_row {
    uint32_t struct_size; /**< set by ::LW_SERIES_ROW_INIT */
    uint32_t approximate; /**< 1: some could only be followed by their address */
    const char *name;     /**< of the type */
    const char *runtime;  /**< name of its runtime */
    uint64_t created;     /**< objects that the target has and the base has not */
    uint64_t count;       /**< those of them that stayed */
    uint64_t size;        /**< their sizes in bytes, in the last snapshot */
} lw_series_row;

/** Initial value of an ::lw_series_row. */
#define LW_SERIES_ROW_INIT                                                                         \
    {                                                                                              \
        (uint32_t)sizeof(lw_series_row), 0, NULL, NULL, 0, 0, 0                                    \
    }

/**
 * One row: most bytes that stayed first, then most objects, then by name.
 *
 * @param series the series
 * @param index  from 0
 * @param row    filled up to its `struct_size`, zeroed on failure; strings belong to the series
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such row). immutable.
 */
LW_API lw_status lw_series_row_get(const lw_series *series, uint32_t index, lw_series_row *row,
                                   lw_error *error);

/** Instead of a row: all of them. */
#define LW_SERIES_ALL UINT32_MAX

/**
 * Visits the objects that stayed, in the order of their ids.
 *
 * @param series the series
 * @param index  the row, or ::LW_SERIES_ALL
 * @param visit  called for each, with its node in the last snapshot
 * @param user   passed to `visit`
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such row). immutable; calls back.
 */
LW_API lw_status lw_series_each(const lw_series *series, uint32_t index, lw_node_fn visit,
                                void *user, lw_error *error);

/** Where a path is new. */
enum lw_new_step_state {
    LW_NEW_NOTHING = 0, /**< nowhere: all of it was there before */
    LW_NEW_ROOT = 1,    /**< at its root: nothing of it was there */
    LW_NEW_REFERENCE = 2 /**< at `step`: what comes before it was there, this reference was not */
};

/** What came to be between two snapshots, on one path. */
typedef struct lw_new_step {
    uint32_t struct_size; /**< set by ::LW_NEW_STEP_INIT */
    int32_t state;        /**< ::lw_new_step_state */
    uint32_t step;        /**< for lw_path_step_get(), if `state` is ::LW_NEW_REFERENCE */
    uint32_t approximate; /**< 1: an object before it was only recognised by its address, or by
                               the place and type it was found at */
} lw_new_step;

/** Initial value of an ::lw_new_step. */
#define LW_NEW_STEP_INIT                                                                           \
    {                                                                                              \
        (uint32_t)sizeof(lw_new_step), 0, 0, 0                                                     \
    }

/**
 * "This path did not exist before: the new reference is here." Follows a path from its root
 * through an earlier snapshot. A reference was there if its holder had one to the same object, or
 * one of the same label to an object of the same type.
 *
 * @param paths    the paths
 * @param index    which of them
 * @param base     an earlier snapshot of the same context
 * @param new_step filled up to its `struct_size`, zeroed on failure
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such path). immutable.
 */
LW_API lw_status lw_path_new_step(const lw_paths *paths, uint32_t index, lw_snapshot *base,
                                  lw_new_step *new_step, lw_error *error);

LW_END_DECLS

#endif
