/**
 * @file retain.h
 * What is freed if something goes: dominators and retained sizes, exact; and cycles of garbage.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * // A cache holds two pages; an index holds the second page too. Two lost tabs hold each other.
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     static const char *const types[] = {"", "cache", "index", "page", "page", "tab", "tab"};
 *     static const lw_key edges[][2] = {{1, 3}, {1, 4}, {2, 4}, {5, 6}, {6, 5}};
 *     (void)user;
 *     for (lw_key key = 1; key < 7; key++)
 *         lw_sink_node(sink, key, lw_sink_type(sink, 0, types[key], 0), 100);
 *     for (int i = 0; i < 5; i++)
 *         lw_sink_edge(sink, edges[i][0], edges[i][1], LW_EDGE_STRONG, LW_LABEL_INDEX(i));
 *     uint32_t kind = lw_sink_root_kind(sink, "global", 0);
 *     lw_sink_root(sink, 1, kind, 0);
 *     return lw_sink_root(sink, 2, kind, 0);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_snapshot *snapshot = NULL;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "browser";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     lw_snapshot_take(context, NULL, &snapshot, NULL);
 *
 *     lw_dominators *dominators = NULL;
 *     lw_retained alone = LW_RETAINED_INIT;
 *     lw_set_info both = LW_SET_INFO_INIT;
 *     lw_node nodes[2] = {LW_NODE_NONE, LW_NODE_NONE};
 *     lw_node_find(snapshot, "browser", 1, &nodes[0], NULL);
 *     lw_node_find(snapshot, "browser", 2, &nodes[1], NULL);
 *     lw_dominators_create(snapshot, NULL, &dominators, NULL);
 *     lw_dominators_get(dominators, nodes[0], &alone, NULL);
 *     lw_dominators_set(dominators, nodes, 2, &both, NULL);
 *     printf("the cache alone frees %d bytes, with the index %d\n", (int)alone.bytes,
 *            (int)both.exclusive_bytes);
 *
 *     lw_cycles *cycles = NULL;
 *     lw_cycle cycle = LW_CYCLE_INIT;
 *     lw_cycles_create(snapshot, &cycles, NULL);
 *     lw_cycle_get(cycles, 0, &cycle, NULL); // most bytes first
 *     printf("%d objects in a ring: break [%u]\n", (int)cycle.nodes, cycle.back.label.index);
 *     int wrong = alone.bytes != 200 || both.exclusive_bytes != 400 || cycle.nodes != 2;
 *
 *     lw_cycles_release(cycles);
 *     lw_dominators_release(dominators);
 *     lw_snapshot_release(snapshot);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 *
 * **Bytes** are the sizes of objects and their external bytes. **Dominated** by a node is what no
 * root reaches but through it: freed if it goes. A node's retained size is that of all it
 * dominates, itself included. **Exclusive** to several nodes is what is freed if *all* of them go;
 * **shared** is what they reach, but others hold too. Weak and borrowed references hold nothing.
 */
#ifndef LEAKWATCH_RETAIN_H
#define LEAKWATCH_RETAIN_H

#include <leakwatch/snapshot.h>

LW_BEGIN_DECLS

/** The dominator tree of a snapshot. Immutable; keeps its snapshot alive. */
typedef struct lw_dominators lw_dominators;

/** How to find dominators. Zero in a field means the default. */
typedef struct lw_dominators_options {
    uint32_t struct_size;    /**< set by ::LW_DOMINATORS_OPTIONS_INIT */
    uint32_t reserved;       /**< 0 */
    lw_progress_fn progress; /**< NULL, or hears of "reach", "dominators" and "retained" */
    void *user;              /**< passed to `progress` */
} lw_dominators_options;

/** Initial value of ::lw_dominators_options. */
#define LW_DOMINATORS_OPTIONS_INIT                                                                 \
    {                                                                                              \
        (uint32_t)sizeof(lw_dominators_options), 0, NULL, NULL                                     \
    }

/**
 * Finds the dominators of all nodes that something holds: some seconds and 32 bytes per node for
 * ten million of them. Never recurses.
 *
 * @param snapshot   the snapshot
 * @param options    NULL for the defaults
 * @param dominators receives the tree, to be given to lw_dominators_release(); NULL on failure
 * @param error      NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOMEM; ::LW_E_LIMIT (2^32 references to neighbours);
 *         ::LW_E_CANCELLED. immutable; calls back.
 */
LW_API lw_status lw_dominators_create(lw_snapshot *snapshot, const lw_dominators_options *options,
                                      lw_dominators **dominators, lw_error *error);

/**
 * Frees a dominator tree.
 *
 * @param dominators NULL is allowed. any-thread, once.
 */
LW_API void lw_dominators_release(lw_dominators *dominators);

/** Bits of lw_retained::flags. */
enum lw_retained_flags {
    LW_RETAINED_GARBAGE = 1 /**< nothing holds it: it retains nothing, and has no dominator */
};

/** What one node, or all nodes of a type, retain. */
typedef struct lw_retained {
    uint32_t struct_size; /**< set by ::LW_RETAINED_INIT */
    uint32_t flags;       /**< ::lw_retained_flags */
    lw_node dominator;    /**< the nearest node that dominates this one; ::LW_NODE_NONE: only all
                               roots together do */
    uint32_t depth;       /**< how many nodes dominate it, itself included; of a type: 0 */
    uint64_t count;       /**< nodes dominated, itself included */
    uint64_t bytes;       /**< their bytes: freed if this goes */
    uint64_t own;         /**< its own bytes; of a type: those of all instances that are held */
} lw_retained;

/** Initial value of an ::lw_retained. */
#define LW_RETAINED_INIT                                                                           \
    {                                                                                              \
        (uint32_t)sizeof(lw_retained), 0, 0, 0, 0, 0, 0                                            \
    }

/**
 * What a node retains.
 *
 * @param dominators the dominator tree
 * @param node       the node
 * @param retained   filled up to its `struct_size`, zeroed on failure
 * @param error      NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such node). immutable.
 */
LW_API lw_status lw_dominators_get(const lw_dominators *dominators, lw_node node,
                                   lw_retained *retained, lw_error *error);

/**
 * Visits the nodes right below a node in the dominator tree: what retains most comes first; ties
 * are broken by content.
 *
 * @param dominators the dominator tree
 * @param parent     the node, or ::LW_NODE_NONE for those that only roots dominate
 * @param visit      called for each
 * @param user       passed to `visit`
 * @param error      NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND (no such node) or ::LW_E_NOMEM. immutable;
 *         allocates to sort; calls back.
 */
LW_API lw_status lw_dominators_each(const lw_dominators *dominators, lw_node parent,
                                    lw_node_fn visit, void *user, lw_error *error);

/**
 * What the instances of a type dominate, each by itself: the union, every byte once. It is at
 * least what each frees alone, and at most what is freed if all go (lw_dominators_set()).
 *
 * @param dominators the dominator tree
 * @param type       0 to lw_snapshot_info::types - 1
 * @param retained   filled up to its `struct_size`, zeroed on failure; `dominator` is
 *                   ::LW_NODE_NONE
 * @param error      NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such type). immutable.
 */
LW_API lw_status lw_dominators_type_get(const lw_dominators *dominators, uint32_t type,
                                        lw_retained *retained, lw_error *error);

/** What a set of nodes holds. Garbage among them is left out. */
typedef struct lw_set_info {
    uint32_t struct_size;     /**< set by ::LW_SET_INFO_INIT */
    uint32_t reserved;        /**< 0 */
    uint64_t own_count;       /**< the nodes themselves, each once */
    uint64_t own_bytes;       /**< their bytes */
    uint64_t exclusive_count; /**< nodes freed if all of them go, themselves included */
    uint64_t exclusive_bytes; /**< their bytes */
    uint64_t reachable_count; /**< nodes that they lead to, themselves included */
    uint64_t reachable_bytes; /**< their bytes */
    uint64_t shared_count;    /**< reachable but not exclusive: others hold these too */
    uint64_t shared_bytes;    /**< their bytes */
} lw_set_info;

/** Initial value of an ::lw_set_info. */
#define LW_SET_INFO_INIT                                                                           \
    {                                                                                              \
        (uint32_t)sizeof(lw_set_info), 0, 0, 0, 0, 0, 0, 0, 0, 0                                   \
    }

/**
 * What a set of nodes holds, exactly: by walking the graph without them.
 *
 * @param dominators the dominator tree
 * @param nodes      the nodes, in any order, even twice
 * @param count      how many; 0 is lawful
 * @param info       filled up to its `struct_size`, zeroed on failure
 * @param error      NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND (no such node) or ::LW_E_NOMEM. immutable;
 *         allocates 5 bytes per node meanwhile.
 */
LW_API lw_status lw_dominators_set(const lw_dominators *dominators, const lw_node *nodes,
                                   uint64_t count, lw_set_info *info, lw_error *error);

/** Cycles of garbage: sets of nodes that nothing holds and that lead to each other. Immutable;
 *  keeps its snapshot alive. */
typedef struct lw_cycles lw_cycles;

/**
 * Finds the cycles among garbage: each greatest set of nodes that all lead to each other, of more
 * than one node, or of one that refers to itself. Never recurses.
 *
 * @param snapshot the snapshot
 * @param cycles   receives them, perhaps none, to be given to lw_cycles_release(); NULL on failure
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOMEM or ::LW_E_LIMIT. immutable.
 */
LW_API lw_status lw_cycles_create(lw_snapshot *snapshot, lw_cycles **cycles, lw_error *error);

/**
 * Frees cycles.
 *
 * @param cycles NULL is allowed. any-thread, once.
 */
LW_API void lw_cycles_release(lw_cycles *cycles);

/**
 * How many cycles there are.
 *
 * @param cycles the cycles
 * @return their number; 0 for NULL. immutable.
 */
LW_API uint32_t lw_cycles_count(const lw_cycles *cycles);

/** One cycle of garbage. */
typedef struct lw_cycle {
    uint32_t struct_size; /**< set by ::LW_CYCLE_INIT */
    uint32_t back_edges;  /**< 1: without `back` no cycle is left; else no single reference will
                               do, and so many, `back` among them, suffice (not the fewest) */
    uint64_t nodes;       /**< nodes of the cycle */
    uint64_t bytes;       /**< their bytes */
    uint64_t frees_nodes; /**< garbage that goes with it: itself, and what no other garbage that
                               stays leads to */
    uint64_t frees;       /**< bytes of that */
    lw_edge back;         /**< the reference to break; strings belong to the snapshot */
} lw_cycle;

/** Initial value of an ::lw_cycle. */
#define LW_CYCLE_INIT                                                                              \
    {                                                                                              \
        (uint32_t)sizeof(lw_cycle), 0, 0, 0, 0, 0, LW_EDGE_INIT                                    \
    }

/**
 * One cycle: most bytes first, then most nodes, then by content.
 *
 * @param cycles the cycles
 * @param index  from 0
 * @param cycle  filled up to its `struct_size`, zeroed on failure
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such cycle). immutable.
 */
LW_API lw_status lw_cycle_get(const lw_cycles *cycles, uint32_t index, lw_cycle *cycle,
                              lw_error *error);

/**
 * Visits the nodes of a cycle, in the order of their ids.
 *
 * @param cycles the cycles
 * @param index  the cycle
 * @param visit  called for each
 * @param user   passed to `visit`
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such cycle). immutable; calls back.
 */
LW_API lw_status lw_cycle_each(const lw_cycles *cycles, uint32_t index, lw_node_fn visit,
                               void *user, lw_error *error);

LW_END_DECLS

#endif
