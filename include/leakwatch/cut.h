/**
 * @file cut.h
 * What to cut so that some objects go: the fewest references, and what each of them frees.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t type = lw_sink_type(sink, 0, "object", 0);
 *     uint32_t kind = lw_sink_root_kind(sink, "global", 0);
 *     for (lw_key key = 1; key <= 4; key++) // 1 holds 2 and 3, which both hold 4
 *         lw_sink_node(sink, key, type, 100);
 *     lw_sink_edge(sink, 1, 2, LW_EDGE_STRONG, lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "a", 1));
 *     lw_sink_edge(sink, 1, 3, LW_EDGE_STRONG, lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "b", 1));
 *     lw_sink_edge(sink, 2, 4, LW_EDGE_STRONG, 0);
 *     lw_sink_edge(sink, 3, 4, LW_EDGE_STRONG, 0);
 *     return lw_sink_root(sink, 1, kind, 0);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_snapshot *snapshot = NULL;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "cells";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     lw_snapshot_take(context, NULL, &snapshot, NULL);
 *
 *     lw_node leaked = LW_NODE_NONE;
 *     lw_cut *cut = NULL;
 *     lw_cut_info info = LW_CUT_INFO_INIT;
 *     lw_cut_edge first = LW_CUT_EDGE_INIT;
 *     lw_node_find(snapshot, "cells", 4, &leaked, NULL);
 *     lw_cut_find(snapshot, &leaked, 1, NULL, &cut, NULL);
 *     lw_cut_info_get(cut, &info, NULL);
 *     lw_cut_edge_get(cut, 0, &first, NULL); // one reference does it: the root's
 *     printf("%u to cut, %llu bytes go with it\n", (unsigned)info.edges,
 *            (unsigned long long)info.innocent_bytes);
 *     int wrong = info.edges != 1 || first.edge.from != LW_NODE_NONE || info.freed_bytes != 400;
 *     lw_cut_release(cut);
 *     lw_snapshot_release(snapshot);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_CUT_H
#define LEAKWATCH_CUT_H

#include <leakwatch/snapshot.h>

LW_BEGIN_DECLS

/** What to cut. Immutable; keeps its snapshot alive. */
typedef struct lw_cut lw_cut;

/** How to look for a cut. Zero in a field means the default. */
typedef struct lw_cut_options {
    uint32_t struct_size;    /**< set by ::LW_CUT_OPTIONS_INIT */
    uint32_t limit;          /**< the most references to cut; 0: 8 */
    lw_progress_fn progress; /**< NULL, or hears how far it is */
    void *user;              /**< passed to `progress` */
} lw_cut_options;

/** Initial value of ::lw_cut_options. */
#define LW_CUT_OPTIONS_INIT                                                                        \
    {                                                                                              \
        (uint32_t)sizeof(lw_cut_options), 0, NULL, NULL                                            \
    }

/**
 * Finds what to cut to free some objects.
 *
 * First one reference or root that alone frees at least 90 % of their bytes: the one nearest to
 * them, which is the one that frees the least besides. Where there is none, the fewest references
 * and roots that part all of them from the roots, again the nearest to them; there is just one such
 * set, whatever the order of enumeration. Where more than `limit` are needed there is no cut:
 * ::LW_CUT_TOO_MANY, and instead the objects that hold most of them, for lw_cut_holder_get().
 * References that retain count, and every root; what is held from outside is one place, however
 * many references that are. Those that only bystanders, the asking code or the outside lead to
 * come last.
 *
 * What all of it frees is verified by walking the graph without it. Never recurses.
 *
 * @param snapshot where
 * @param leaked   the objects that shall go, in any order; garbage among them is ignored
 * @param count    how many, at least one
 * @param options  NULL for the defaults
 * @param cut      receives the answer, to be given to lw_cut_release(); NULL on failure
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOT_FOUND (no such node); ::LW_E_NOMEM; ::LW_E_LIMIT;
 *         ::LW_E_CANCELLED. immutable; calls `progress`.
 */
LW_API lw_status lw_cut_find(lw_snapshot *snapshot, const lw_node *leaked, uint64_t count,
                             const lw_cut_options *options, lw_cut **cut, lw_error *error);

/**
 * Frees a cut.
 * @param cut NULL is allowed. any-thread, once.
 */
LW_API void lw_cut_release(lw_cut *cut);

/** Bits of lw_cut_info::flags. */
enum lw_cut_flags {
    LW_CUT_TOO_MANY = 1, /**< held in more than `limit` places: nothing is cut, see the holders */
    LW_CUT_SINGLE = 2    /**< one reference that frees at least 90 % of the bytes */
};

/** The whole of a cut. Bytes are sizes and external bytes. */
typedef struct lw_cut_info {
    uint32_t struct_size;       /**< set by ::LW_CUT_INFO_INIT */
    uint32_t flags;             /**< ::lw_cut_flags */
    uint32_t edges;             /**< references and roots to cut; 0 if there is no cut, or if
                                     nothing holds the objects */
    uint32_t holders;           /**< for lw_cut_holder_get(); 0 unless ::LW_CUT_TOO_MANY */
    uint64_t leaked_count;      /**< the objects that shall go, garbage left out */
    uint64_t leaked_bytes;      /**< their bytes */
    uint64_t freed_count;       /**< objects that go when all edges are cut */
    uint64_t freed_bytes;       /**< their bytes */
    uint64_t freed_leaked_bytes; /**< of `leaked_bytes`, what goes */
    uint64_t innocent_bytes;    /**< of `freed_bytes`, what was not to go: containers, and what
                                     only these or the leaked objects hold */
} lw_cut_info;

/** Initial value of an ::lw_cut_info. */
#define LW_CUT_INFO_INIT                                                                           \
    {                                                                                              \
        (uint32_t)sizeof(lw_cut_info), 0, 0, 0, 0, 0, 0, 0, 0, 0                                   \
    }

/**
 * The whole of a cut.
 *
 * @param cut   the cut
 * @param info  filled up to its `struct_size`, zeroed on failure
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. immutable.
 */
LW_API lw_status lw_cut_info_get(const lw_cut *cut, lw_cut_info *info, lw_error *error);

/** One reference or root to cut. */
typedef struct lw_cut_edge {
    uint32_t struct_size;        /**< set by ::LW_CUT_EDGE_INIT */
    uint32_t bystander;          /**< 1: no owner leads here, only bystanders (frames, iterators),
                                      the code that asks, or what is outside */
    lw_edge edge;                /**< `from` is ::LW_NODE_NONE for a root, `kind` then -1; its
                                      `struct_size` is set */
    const char *root_kind;       /**< name of the root's kind, or "held from outside"; NULL for a
                                      reference */
    lw_label root_label;         /**< the root's name */
    uint64_t outside;            /**< references to `edge.to` that nobody pushed; 0 but for what is
                                      held from outside */
    uint64_t alone_bytes;        /**< freed if only this is cut */
    uint64_t alone_leaked_bytes; /**< of these, of the objects that shall go */
} lw_cut_edge;

/** Initial value of an ::lw_cut_edge. */
#define LW_CUT_EDGE_INIT                                                                           \
    {                                                                                              \
        (uint32_t)sizeof(lw_cut_edge), 0, LW_EDGE_INIT, NULL, { 0, 0, NULL }, 0, 0, 0              \
    }

/**
 * One reference or root to cut: owners first, then what frees most of the leaked bytes alone.
 *
 * @param cut   the cut
 * @param index from 0
 * @param edge  filled up to its `struct_size`, zeroed on failure; strings belong to the snapshot
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such edge). immutable.
 */
LW_API lw_status lw_cut_edge_get(const lw_cut *cut, uint32_t index, lw_cut_edge *edge,
                                 lw_error *error);

/** An object that alone holds some of what shall go. */
typedef struct lw_cut_holder {
    uint32_t struct_size;  /**< set by ::LW_CUT_HOLDER_INIT */
    lw_node node;          /**< the object */
    uint64_t leaked_count; /**< what shall go and goes with it, itself included */
    uint64_t leaked_bytes; /**< its bytes */
    uint64_t freed_bytes;  /**< all bytes that go with it */
} lw_cut_holder;

/** Initial value of an ::lw_cut_holder. */
#define LW_CUT_HOLDER_INIT                                                                         \
    {                                                                                              \
        (uint32_t)sizeof(lw_cut_holder), 0, 0, 0, 0                                                \
    }

/**
 * One of the objects that hold most, where there are too many references to cut: those that hold
 * most leaked bytes, each of them the lowest to do so, and none below another.
 *
 * @param cut    the cut
 * @param index  from 0
 * @param holder filled up to its `struct_size`, zeroed on failure
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such holder). immutable.
 */
LW_API lw_status lw_cut_holder_get(const lw_cut *cut, uint32_t index, lw_cut_holder *holder,
                                   lw_error *error);

LW_END_DECLS

#endif
