/**
 * @file referrers.h
 * Everything that holds some objects, as a tree: merged by type and label, so that a million
 * holders that are alike are one row.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t list = lw_sink_type(sink, 0, "list", 0), page = lw_sink_type(sink, 0, "page", 0);
 *     lw_sink_node(sink, 1, list, 64);
 *     for (int i = 0; i < 3; i++) {
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
 *     lw_snapshot *snapshot = NULL;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "server";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     lw_snapshot_take(context, NULL, &snapshot, NULL);
 *
 *     lw_node pages[3];
 *     lw_referrers *holders = NULL;
 *     lw_referrer row = LW_REFERRER_INIT;
 *     for (int i = 0; i < 3; i++)
 *         lw_node_find(snapshot, "server", (lw_key)(2 + i), &pages[i], NULL);
 *     lw_referrers_create(snapshot, pages, 3, NULL, &holders, NULL);
 *     lw_referrer_get(holders, 0, &row, NULL);
 *     printf("%llu %s holds %llu of them\n", (unsigned long long)row.holders, row.type,
 *            (unsigned long long)row.held);
 *     int wrong = row.holders != 1 || row.held != 3 || row.rooted != 1;
 *
 *     lw_referrers_release(holders);
 *     lw_snapshot_release(snapshot);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_REFERRERS_H
#define LEAKWATCH_REFERRERS_H

#include <leakwatch/snapshot.h>

LW_BEGIN_DECLS

/** A tree of holders. Immutable; keeps its snapshot alive. */
typedef struct lw_referrers lw_referrers;

/** How far to look. Zero in a field means the default. */
typedef struct lw_referrers_options {
    uint32_t struct_size; /**< set by ::LW_REFERRERS_OPTIONS_INIT */
    uint32_t depth;       /**< levels of holders; 0: 3 */
    uint32_t breadth;     /**< rows below each row before the others become one; 0: 10 */
    uint32_t limit;       /**< rows in all, after which no row is looked behind any more; 0: 1000 */
} lw_referrers_options;

/** Initial value of ::lw_referrers_options. */
#define LW_REFERRERS_OPTIONS_INIT                                                                  \
    {                                                                                              \
        (uint32_t)sizeof(lw_referrers_options), 0, 0, 0                                            \
    }

/**
 * Finds what holds some nodes, and what holds that, and so on. Holders of one type whose
 * references are alike are one row: indices and keys are all alike, other labels by their text.
 * Only references that retain, of what is no garbage itself. Never recurses.
 *
 * @param snapshot  where to look
 * @param nodes     who is held, in any order
 * @param count     how many, at least one
 * @param options   NULL for the defaults
 * @param referrers receives the tree, to be given to lw_referrers_release(); NULL on failure
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND (no such node) or ::LW_E_NOMEM. immutable.
 */
LW_API lw_status lw_referrers_create(lw_snapshot *snapshot, const lw_node *nodes, uint64_t count,
                                     const lw_referrers_options *options,
                                     lw_referrers **referrers, lw_error *error);

/**
 * Frees a tree.
 *
 * @param referrers NULL is allowed. any-thread, once.
 */
LW_API void lw_referrers_release(lw_referrers *referrers);

/** Bits of lw_referrer::flags. */
enum lw_referrer_flags {
    LW_REFERRER_ALIKE = 1, /**< the labels differ, but not in their style: `label` is one of them */
    LW_REFERRER_CUT = 2,   /**< held by more, which is deeper than was asked for */
    LW_REFERRER_REST = 4   /**< stands for `rows` further rows: only `references` counts */
};

/** A row: holders that are alike. */
typedef struct lw_referrer {
    uint32_t struct_size; /**< set by ::LW_REFERRER_INIT */
    uint32_t flags;       /**< ::lw_referrer_flags */
    uint32_t depth;       /**< 0 holds the nodes themselves */
    uint32_t rows;        /**< how many rows stand below this one, over all depths; of a
                               ::LW_REFERRER_REST how many it stands for */
    const char *type;     /**< of the holders; "" for the rest */
    const char *runtime;  /**< of the holders; "" for the rest */
    lw_label label;       /**< of their references; the first by content */
    int32_t kind;         /**< ::lw_edge_kind of their references */
    uint32_t reserved;    /**< 0 */
    uint64_t holders;     /**< how many there are */
    uint64_t held;        /**< how many of the row above, or of the nodes, they refer to */
    uint64_t references;  /**< in so many references */
    uint64_t rooted;      /**< holders that a root holds, or something from outside */
    uint64_t cyclic;      /**< holders that stand above already: not looked behind again */
    const char *root_kind; /**< the kind of the strongest root of `rooted`; "" if none */
    lw_label root_label;   /**< its name */
    lw_node example;       /**< one of the holders, ::LW_NODE_NONE for the rest */
    uint32_t reserved_end; /**< 0 */
} lw_referrer;

/** Initial value of an ::lw_referrer. */
#define LW_REFERRER_INIT                                                                           \
    {                                                                                              \
        (uint32_t)sizeof(lw_referrer), 0, 0, 0, NULL, NULL, { 0, 0, NULL }, 0, 0, 0, 0, 0, 0, 0,   \
            NULL, { 0, 0, NULL }, 0, 0                                                             \
    }

/**
 * How many rows there are.
 *
 * @param referrers the tree
 * @return their number; 0 for NULL. immutable.
 */
LW_API uint32_t lw_referrers_count(const lw_referrers *referrers);

/**
 * One row. What holds a row stands right below it, one deeper: who holds most first, then most
 * holders, then by content; the rest last.
 *
 * @param referrers the tree
 * @param index     from 0
 * @param row       filled up to its `struct_size`, zeroed on failure; strings belong to the tree
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such row). immutable.
 */
LW_API lw_status lw_referrer_get(const lw_referrers *referrers, uint32_t index, lw_referrer *row,
                                 lw_error *error);

/** The nodes that a tree was asked for. */
typedef struct lw_referrers_info {
    uint32_t struct_size;  /**< set by ::LW_REFERRERS_INFO_INIT */
    uint32_t rows;         /**< of the tree */
    uint64_t count;        /**< nodes, each counted once */
    uint64_t size;         /**< their sizes in bytes */
    uint64_t rooted;       /**< of them, held by a root or from outside */
    uint64_t garbage;      /**< of them, held by nothing */
    const char *type;      /**< their type; "": of several */
    const char *root_kind; /**< the kind of the strongest root of `rooted`; "" if none */
    lw_label root_label;   /**< its name */
} lw_referrers_info;

/** Initial value of ::lw_referrers_info. */
#define LW_REFERRERS_INFO_INIT                                                                     \
    {                                                                                              \
        (uint32_t)sizeof(lw_referrers_info), 0, 0, 0, 0, 0, NULL, NULL, { 0, 0, NULL }             \
    }

/**
 * The nodes that a tree was asked for.
 *
 * @param referrers the tree
 * @param info      filled up to its `struct_size`, zeroed on failure; strings belong to the tree
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. immutable.
 */
LW_API lw_status lw_referrers_info_get(const lw_referrers *referrers, lw_referrers_info *info,
                                       lw_error *error);

LW_END_DECLS

#endif
