/**
 * @file analyze.h
 * Questions to snapshots: what grew between two of them, and who holds it.
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
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_snapshot *before = NULL, *after = NULL;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "server";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     lw_snapshot_take(context, NULL, &before, NULL);
 *     entries = 3;
 *     lw_snapshot_take(context, NULL, &after, NULL);
 *
 *     lw_diff *diff = NULL;
 *     lw_diff_row grown = LW_DIFF_ROW_INIT;
 *     lw_diff_create(before, after, &diff, NULL);
 *     lw_diff_row_get(diff, 0, &grown, NULL); // most growth first
 *     printf("%s +%lld objects\n", grown.name, (long long)grown.count_diff);
 *
 *     lw_node page = LW_NODE_NONE;
 *     lw_paths *paths = NULL;
 *     lw_path path = LW_PATH_INIT;
 *     lw_node_find(after, "server", 4, &page, NULL);
 *     lw_paths_find(after, &page, 1, NULL, &paths, NULL);
 *     lw_path_get(paths, 0, &path, NULL);
 *     printf("held by %s %s, %u step\n", path.root_kind, path.root_label.text, path.steps);
 *     int wrong = grown.count_diff != 3 || path.steps != 1;
 *
 *     lw_paths_release(paths);
 *     lw_diff_release(diff);
 *     lw_snapshot_release(after);
 *     lw_snapshot_release(before);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_ANALYZE_H
#define LEAKWATCH_ANALYZE_H

#include <leakwatch/snapshot.h>

LW_BEGIN_DECLS

/** What changed between two snapshots, by type. Immutable; keeps both snapshots alive. */
typedef struct lw_diff lw_diff;

/**
 * Compares two snapshots of the same context. Objects count in the rows while something holds
 * them; collectable garbage is on a line of its own (lw_diff_info).
 *
 * @param base   the earlier one
 * @param target the later one
 * @param diff   receives the comparison, to be given to lw_diff_release(); NULL on failure
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOMEM. immutable.
 */
LW_API lw_status lw_diff_create(lw_snapshot *base, lw_snapshot *target, lw_diff **diff,
                                lw_error *error);

/**
 * Frees a comparison.
 *
 * @param diff NULL is allowed. any-thread, once.
 */
LW_API void lw_diff_release(lw_diff *diff);

/** The whole of a comparison; a `_diff` is target minus base. */
typedef struct lw_diff_info {
    uint32_t struct_size;      /**< set by ::LW_DIFF_INFO_INIT */
    uint32_t rows;             /**< type names in either snapshot */
    uint32_t grew;             /**< rows whose count or size grew */
    uint32_t approximate;      /**< 1: some objects could only be matched by address */
    int64_t count_diff;        /**< objects */
    int64_t size_diff;         /**< bytes */
    uint64_t created;          /**< objects of the target that the base does not have */
    uint64_t gone;             /**< objects of the base that the target does not have */
    uint64_t survived;         /**< objects in both */
    uint64_t base_garbage;     /**< collectable garbage in the base, in objects */
    uint64_t target_garbage;   /**< collectable garbage in the target, in objects */
    uint64_t base_garbage_size;   /**< the same in bytes */
    uint64_t target_garbage_size; /**< the same in bytes */
    const char *base_name;     /**< lw_snapshot_options::name, or "" */
    const char *target_name;   /**< lw_snapshot_options::name, or "" */
} lw_diff_info;

/** Initial value of ::lw_diff_info. */
#define LW_DIFF_INFO_INIT                                                                          \
    {                                                                                              \
        (uint32_t)sizeof(lw_diff_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL             \
    }

/**
 * The whole of a comparison.
 *
 * @param diff  the comparison
 * @param info  filled up to its `struct_size`, zeroed on failure; strings belong to the diff
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. immutable.
 */
LW_API lw_status lw_diff_info_get(const lw_diff *diff, lw_diff_info *info, lw_error *error);

/** One type name. Types of one runtime that bear the same name share a row. */
typedef struct lw_diff_row {
    uint32_t struct_size; /**< set by ::LW_DIFF_ROW_INIT */
    uint32_t types;       /**< how many types bear the name; usually 1 */
    const char *name;     /**< of the type */
    const char *runtime;  /**< name of its runtime */
    int64_t count_diff;   /**< objects, target minus base */
    int64_t size_diff;    /**< bytes, target minus base */
    uint64_t base_count;  /**< objects in the base */
    uint64_t target_count; /**< objects in the target */
    uint64_t base_size;   /**< their sizes in bytes */
    uint64_t target_size; /**< their sizes in bytes */
    uint64_t created;     /**< objects of the target that the base does not have */
    uint64_t gone;        /**< objects of the base that the target does not have */
    uint64_t survived;    /**< objects in both; a reused address is never a survivor */
    uint32_t approximate; /**< 1: matched by address, since blocks were not recorded or are handed
                               on by a freelist: an address may have been reused unseen */
    uint32_t reserved;    /**< 0 */
} lw_diff_row;

/** Initial value of an ::lw_diff_row. */
#define LW_DIFF_ROW_INIT                                                                           \
    {                                                                                              \
        (uint32_t)sizeof(lw_diff_row), 0, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0              \
    }

/**
 * One row: most growth in bytes first, then in objects, then by name.
 *
 * @param diff  the comparison
 * @param index from 0
 * @param row   filled up to its `struct_size`, zeroed on failure; strings belong to the diff
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such row). immutable.
 */
LW_API lw_status lw_diff_row_get(const lw_diff *diff, uint32_t index, lw_diff_row *row,
                                 lw_error *error);

/** Which objects of a row are meant. */
enum lw_diff_set {
    LW_DIFF_CREATED = 0, /**< in the target only; nodes of the target */
    LW_DIFF_GONE = 1,    /**< in the base only; nodes of the base */
    LW_DIFF_SURVIVED = 2 /**< in both; nodes of the target */
};

/**
 * Visits the objects of a row, in the order of their ids.
 *
 * @param diff  the comparison
 * @param index the row
 * @param set   ::lw_diff_set
 * @param visit called for each
 * @param user  passed to `visit`
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such row). immutable; calls back.
 */
LW_API lw_status lw_diff_each(const lw_diff *diff, uint32_t index, int32_t set, lw_node_fn visit,
                              void *user, lw_error *error);

/** Retention paths: from a root to what it keeps alive. Immutable; keeps its snapshot alive. */
typedef struct lw_paths lw_paths;

/** How to look for paths, and what to look past. Zero in a field means the default. */
typedef struct lw_paths_options {
    uint32_t struct_size;  /**< set by ::LW_PATHS_OPTIONS_INIT */
    uint32_t limit;        /**< the most paths to find; 0: one */
    uint32_t ignore_edges; /**< bits 1 << ::lw_edge_kind: references of these kinds are not taken */
    uint32_t reserved;     /**< 0 */
    const lw_node *ignore_nodes;   /**< no path goes through or begins at these; it may end there */
    uint64_t ignore_node_count;    /**< how many */
    const uint32_t *ignore_types;  /**< the same for all nodes of these types */
    uint64_t ignore_type_count;    /**< how many */
    const lw_label *ignore_labels; /**< references with these labels are not taken */
    uint64_t ignore_label_count;   /**< how many */
    const char *const *ignore_roots; /**< names of root kinds no path begins with, "held from
                                          outside" among them; names of no kind are allowed */
    uint64_t ignore_root_count;      /**< how many */
} lw_paths_options;

/** Initial value of ::lw_paths_options. */
#define LW_PATHS_OPTIONS_INIT                                                                      \
    {                                                                                              \
        (uint32_t)sizeof(lw_paths_options), 0, 0, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0            \
    }

/**
 * Finds retention paths to any of some nodes: the strongest first; among these those from owners
 * before those from bystanders (::LW_ROOT_BYSTANDER); then the shortest, then the first by content.
 * Weak edges never retain; variables of the asking code come last. The paths share no node on the
 * way, so that each further one tells something new; only what the root holds may be shared, by
 * paths that go different ways from there.
 *
 * Breadth-first, one queue per strength; never recurses. The first question to a snapshot makes an
 * index of who holds whom, 4 bytes per node and per reference, which stays with the snapshot: the
 * next questions cost what they reach. Only references that are ignored need an index of their own.
 *
 * @param snapshot where to look
 * @param targets  the nodes, in any order; one path ends at one of them
 * @param count    how many, at least one
 * @param options  NULL for the defaults
 * @param paths    receives the paths, perhaps none (garbage), to be given to
 *                 lw_paths_release(); NULL on failure
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND (no such node, or no such type to ignore) or
 *         ::LW_E_NOMEM. immutable.
 */
LW_API lw_status lw_paths_find(lw_snapshot *snapshot, const lw_node *targets, uint64_t count,
                               const lw_paths_options *options, lw_paths **paths,
                               lw_error *error);

/**
 * Frees paths.
 *
 * @param paths NULL is allowed. any-thread, once.
 */
LW_API void lw_paths_release(lw_paths *paths);

/**
 * How many paths there are.
 *
 * @param paths the paths
 * @return their number; 0 for NULL. immutable.
 */
LW_API uint32_t lw_paths_count(const lw_paths *paths);

/** One path: a root, then steps. */
typedef struct lw_path {
    uint32_t struct_size;  /**< set by ::LW_PATH_INIT */
    uint32_t steps;        /**< references from the first node to the target; may be 0 */
    uint32_t asker;        /**< 1: the root is a variable of the code that asks */
    uint32_t outside;      /**< references to the first node that nobody pushed; then it is held
                                from outside and `root_kind` is "held from outside" */
    lw_node first;         /**< what the root holds */
    lw_node target;        /**< where the path ends */
    const char *root_kind; /**< name of the root's kind */
    lw_label root_label;   /**< the root's name */
    uint32_t bystander;    /**< 1: the root is a bystander, which holds for now */
    uint32_t reserved;     /**< 0 */
} lw_path;

/** Initial value of an ::lw_path. */
#define LW_PATH_INIT                                                                               \
    {                                                                                              \
        (uint32_t)sizeof(lw_path), 0, 0, 0, 0, 0, NULL, { 0, 0, NULL }, 0, 0                       \
    }

/**
 * One path.
 *
 * @param paths the paths
 * @param index from 0
 * @param path  filled up to its `struct_size`, zeroed on failure; strings belong to the paths
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such path). immutable.
 */
LW_API lw_status lw_path_get(const lw_paths *paths, uint32_t index, lw_path *path,
                             lw_error *error);

/**
 * One step of a path.
 *
 * @param paths the paths
 * @param index of the path
 * @param step  from 0
 * @param edge  filled up to its `struct_size`, zeroed on failure; strings belong to the paths
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such path or step). immutable.
 */
LW_API lw_status lw_path_step_get(const lw_paths *paths, uint32_t index, uint32_t step,
                                  lw_edge *edge, lw_error *error);

/**
 * The snapshot that paths were found in.
 *
 * @param paths the paths
 * @return the snapshot, without a reference of its own; NULL for NULL. immutable.
 */
LW_API lw_snapshot *lw_paths_snapshot(const lw_paths *paths);

LW_END_DECLS

#endif
