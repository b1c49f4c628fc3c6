/**
 * @file growth.h
 * What grows round after round, and who holds it.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int rounds; // each leaves a page in the cache
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t cache = lw_sink_type(sink, 0, "cache", 0), page = lw_sink_type(sink, 0, "page", 0);
 *     uint32_t kind = lw_sink_root_kind(sink, "global", 0);
 *     lw_sink_node(sink, 1, cache, 64);
 *     for (int i = 0; i < rounds; i++) {
 *         lw_sink_node(sink, (lw_key)(2 + i), page, 4096);
 *         lw_sink_edge(sink, 1, (lw_key)(2 + i), LW_EDGE_STRONG, LW_LABEL_INDEX(i));
 *     }
 *     return lw_sink_root(sink, 1, kind, lw_sink_label(sink, LW_LABEL_VARIABLE, "pages", 5));
 * }
 *
 * static int keep(lw_node node, void *user) // lw_growth_each() gives the pages
 * {
 *     lw_node *leaked = user;
 *     leaked[++leaked[0]] = node;
 *     return 0;
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_snapshot *snapshots[4] = {NULL};
 *     lw_runtime *runtime = NULL;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "server";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     for (; rounds < 4; rounds++)
 *         lw_snapshot_take(context, NULL, &snapshots[rounds], NULL);
 *
 *     lw_growth *growth = NULL;
 *     lw_growth_head head = LW_GROWTH_HEAD_INIT;
 *     lw_node leaked[10] = {0};
 *     lw_growth_create(snapshots, 4, NULL, &growth, NULL);
 *     lw_growth_get(growth, 0, &head, NULL);
 *     lw_growth_each(growth, 0, keep, leaked, NULL);
 *     printf("%s %s: %llu objects more\n", head.root_kind, head.root_label.text,
 *            (unsigned long long)head.objects_diff);
 *     int wrong = head.objects_diff != 3 || leaked[0] != 3;
 *     lw_growth_release(growth);
 *     for (int i = 0; i < 4; i++)
 *         lw_snapshot_release(snapshots[i]);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_GROWTH_H
#define LEAKWATCH_GROWTH_H

#include <leakwatch/snapshot.h>

LW_BEGIN_DECLS

/** What grew in every round. Immutable; keeps the last snapshot alive. */
typedef struct lw_growth lw_growth;

/** How to look for growth. Zero in a field means the default. */
typedef struct lw_growth_options {
    uint32_t struct_size;    /**< set by ::LW_GROWTH_OPTIONS_INIT */
    uint32_t reserved;       /**< 0 */
    uint64_t per_step;       /**< objects, or bytes of ::LW_GROWTH_BYTES, that a holder must gain
                                  from each snapshot to the next, for instance the calls between
                                  two of them; 0: one */
    lw_progress_fn progress; /**< NULL, or hears how far it is: phase "growth", in snapshots */
    void *user;              /**< passed to `progress` */
} lw_growth_options;

/** Initial value of ::lw_growth_options. */
#define LW_GROWTH_OPTIONS_INIT                                                                     \
    {                                                                                              \
        (uint32_t)sizeof(lw_growth_options), 0, 0, NULL, NULL                                      \
    }

/**
 * Finds what holds more objects in each snapshot than in the one before.
 *
 * Every object has a path: the strongest from a root, among these the shortest, among these the
 * first by content. Objects whose paths read alike are one: indices and keys all read `[x]`, and
 * a pattern of up to four steps that repeats is walked once, so that a list, a tree or a queue of
 * linked blocks is one structure however long it is. A *head* is the holder on such a path of what
 * grew in every step, from the snapshot on in which the holder first appears, for at least two
 * steps. What grows only because its holders do is not told again. As many objects as before, but
 * more bytes in every step, are a head of their own, with ::LW_GROWTH_BYTES, unless they are the
 * holder of a head: a list gets longer by what it holds.
 *
 * Takes 12 bytes per object while it works on a snapshot, and what the paths need. Never recurses.
 *
 * @param snapshots of one context, in the order in which they were taken
 * @param count     how many, at least 3
 * @param options   NULL for the defaults
 * @param growth    receives the heads, perhaps none, to be given to lw_growth_release(); NULL on
 *                  failure
 * @param error     NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID (also: of two contexts, or not in order); ::LW_E_NOMEM;
 *         ::LW_E_LIMIT (2^29 labels, 2^31 paths); ::LW_E_CANCELLED. immutable; calls `progress`.
 */
LW_API lw_status lw_growth_create(lw_snapshot *const *snapshots, uint32_t count,
                                  const lw_growth_options *options, lw_growth **growth,
                                  lw_error *error);

/**
 * Frees what was found.
 * @param growth NULL is allowed. any-thread, once.
 */
LW_API void lw_growth_release(lw_growth *growth);

/**
 * How many heads there are.
 * @param growth what was found
 * @return their number; 0 for NULL. immutable.
 */
LW_API uint32_t lw_growth_count(const lw_growth *growth);

/** Bits of lw_growth_head::flags. */
enum lw_growth_flags {
    LW_GROWTH_APPROXIMATE = 1, /**< some objects could be told apart by their address only, which
                                    may have been reused unseen */
    LW_GROWTH_ROOTS = 2,       /**< the roots themselves are what gains: no object holds it */
    LW_GROWTH_BYTES = 4        /**< objects that become larger, not more: a buffer that swells. The
                                    numbers are of these objects, `node` is the one that gained
                                    most bytes */
};

/** One head: where something grows. Numbers are of what it gains, not of the holder itself. */
typedef struct lw_growth_head {
    uint32_t struct_size;  /**< set by ::LW_GROWTH_HEAD_INIT */
    uint32_t flags;        /**< ::lw_growth_flags */
    lw_node node;          /**< in the last snapshot: of the holders the one that gained most;
                                ::LW_NODE_NONE with ::LW_GROWTH_ROOTS */
    uint32_t first;        /**< the snapshot, from 0, from which on it grew in every step */
    uint32_t steps;        /**< of its path, for lw_growth_step_get() */
    uint32_t reserved;     /**< 0 */
    uint64_t holders;      /**< objects at the end of the path, in the last snapshot */
    uint64_t objects;      /**< below them, of what grows, in the last snapshot */
    uint64_t bytes;        /**< their sizes and external bytes */
    int64_t objects_diff;  /**< last snapshot minus `first` */
    int64_t bytes_diff;    /**< last snapshot minus `first` */
    uint64_t grown;        /**< objects that lw_growth_each() visits */
    uint64_t fingerprint;  /**< of the path: of names and types only, the same in every run */
    const char *root_kind; /**< name of the kind of root where the path begins */
    lw_label root_label;   /**< the root's name */
} lw_growth_head;

/** Initial value of an ::lw_growth_head. */
#define LW_GROWTH_HEAD_INIT                                                                        \
    {                                                                                              \
        (uint32_t)sizeof(lw_growth_head), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, { 0, 0, NULL } \
    }

/**
 * One head: most bytes gained first, then most objects, then by fingerprint.
 *
 * @param growth what was found
 * @param index  from 0
 * @param head   filled up to its `struct_size`, zeroed on failure; strings belong to the growth
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such head). immutable.
 */
LW_API lw_status lw_growth_get(const lw_growth *growth, uint32_t index, lw_growth_head *head,
                               lw_error *error);

/** What a head held at one moment. */
typedef struct lw_growth_point {
    uint32_t struct_size; /**< set by ::LW_GROWTH_POINT_INIT */
    uint32_t reserved;    /**< 0 */
    uint64_t holders;     /**< objects at the end of the path */
    uint64_t objects;     /**< below them, of what grows */
    uint64_t bytes;       /**< their sizes and external bytes */
} lw_growth_point;

/** Initial value of an ::lw_growth_point. */
#define LW_GROWTH_POINT_INIT                                                                       \
    {                                                                                              \
        (uint32_t)sizeof(lw_growth_point), 0, 0, 0, 0                                              \
    }

/**
 * What a head held in one snapshot.
 *
 * @param growth   what was found
 * @param index    of the head
 * @param snapshot its number, from 0
 * @param point    filled up to its `struct_size`, zeroed on failure
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such head or snapshot). immutable.
 */
LW_API lw_status lw_growth_point_get(const lw_growth *growth, uint32_t index, uint32_t snapshot,
                                     lw_growth_point *point, lw_error *error);

/** Bits of lw_growth_step::flags. */
enum lw_step_flags {
    LW_STEP_ANY = 1,  /**< an element or an entry, whichever: `[x]` */
    LW_STEP_CHAIN = 2 /**< the step and what follows may be taken again and again */
};

/** One step of a head's path. */
typedef struct lw_growth_step {
    uint32_t struct_size; /**< set by ::LW_GROWTH_STEP_INIT */
    int32_t kind;         /**< ::lw_edge_kind; -1: a root, which only the first step is */
    uint32_t flags;       /**< ::lw_step_flags */
    uint32_t reserved;    /**< 0 */
    lw_label label;       /**< its name; an index of 0 with ::LW_STEP_ANY */
    const char *type;     /**< name of the type that it leads to */
    const char *runtime;  /**< name of that type's runtime */
} lw_growth_step;

/** Initial value of an ::lw_growth_step. */
#define LW_GROWTH_STEP_INIT                                                                        \
    {                                                                                              \
        (uint32_t)sizeof(lw_growth_step), 0, 0, 0, { 0, 0, NULL }, NULL, NULL                      \
    }

/**
 * One step of the path from a root to a head; the last one leads to the holder, or, with
 * ::LW_GROWTH_ROOTS, to what grows.
 *
 * @param growth what was found
 * @param index  of the head
 * @param step   from 0
 * @param to     filled up to its `struct_size`, zeroed on failure; strings belong to the growth
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such head or step). immutable.
 */
LW_API lw_status lw_growth_step_get(const lw_growth *growth, uint32_t index, uint32_t step,
                                    lw_growth_step *to, lw_error *error);

/**
 * Visits what a head gained: objects of the last snapshot that are below it and that the first
 * snapshot does not have, in the order of their ids. An object is visited for one head at most.
 *
 * @param growth what was found
 * @param index  of the head
 * @param visit  called for each
 * @param user   passed to `visit`
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such head). immutable; calls back.
 */
LW_API lw_status lw_growth_each(const lw_growth *growth, uint32_t index, lw_node_fn visit,
                                void *user, lw_error *error);

LW_END_DECLS

#endif
