/**
 * @file sink.h
 * The sink: what a walk over a host's heap pushes, and how it is named.
 *
 * A runtime's `enumerate` (runtime.h) gets a sink and pushes nodes, edges and roots into it, in any
 * order. A failure sticks to the sink: every later call is a cheap refusal, so that only the last
 * call's answer need be looked at.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * // Two languages in one process: a script's object holds a connection of the other one.
 * static int scripts(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t object = lw_sink_type(sink, 0, "object", 0);
 *     uint32_t handle = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "handle", 6);
 *     lw_sink_node(sink, 7, object, 32);
 *     lw_sink_bridge(sink, 7, "net", 7000, LW_EDGE_STRONG, handle); // key 7000 of "net"
 *     return lw_sink_root(sink, 7, lw_sink_root_kind(sink, "global", 0), 0);
 * }
 *
 * static int net(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t connection = lw_sink_type(sink, 0, "connection", 0);
 *     lw_sink_references(sink, 7000, 1); // the script's is counted too
 *     lw_sink_external(sink, 7000, 4096); // a buffer in the kernel
 *     return lw_sink_node(sink, 7000, connection, 128);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_snapshot *snapshot = NULL;
 *     lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.key_kind = LW_KEY_OPAQUE;
 *     lw_context_create(NULL, &context, NULL);
 *     options.name = "scripts";
 *     options.enumerate = scripts;
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     options.name = "net";
 *     options.enumerate = net;
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     if (lw_snapshot_take(context, NULL, &snapshot, NULL) != LW_OK)
 *         return 1;
 *     lw_snapshot_info_get(snapshot, &info, NULL);
 *     printf("%u nodes, %llu edges\n", (unsigned)info.nodes, (unsigned long long)info.edges);
 *     lw_snapshot_release(snapshot);
 *     lw_context_release(context);
 *     return info.nodes != 2 || info.edges != 1 || info.garbage != 0;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_SINK_H
#define LEAKWATCH_SINK_H

#include <leakwatch/base.h>

LW_BEGIN_DECLS

/** Takes what `enumerate` finds. Valid during that call only. */
typedef struct lw_sink lw_sink;

/** What a node is known by within its runtime: its address, or any number of your own. Not 0. */
typedef uint64_t lw_key;

/**
 * The key of a node that is known by its address.
 *
 * @param address of the node
 * @return the key
 */
static inline lw_key lw_key_of(const void *address)
{
    return (lw_key)(uintptr_t)address;
}

/** How a reference holds its target. */
enum lw_edge_kind {
    LW_EDGE_STRONG = 0,    /**< keeps the target alive; one edge per counted reference */
    LW_EDGE_BORROWED = 1,  /**< leads to the target, keeps nothing: another edge is counted */
    LW_EDGE_WEAK = 2,      /**< never retains */
    LW_EDGE_EPHEMERON = 3, /**< holds while the entry's key lives: taken to, after strong ones */
    LW_EDGE_UNKNOWN = 4    /**< found, for instance by scanning; counts as strong, comes last */
};

/** How a label reads in a path. */
enum lw_label_style {
    LW_LABEL_ATTRIBUTE = 0, /**< `.name` */
    LW_LABEL_KEY = 1,       /**< `[name]`; pass the key as it should read, quotes included */
    LW_LABEL_VARIABLE = 2,  /**< `name`: a local or captured variable */
    LW_LABEL_INTERNAL = 3   /**< `(name)`: a slot of the implementation */
};

/** The label of the i-th element: `[i]`. Needs no call. `i` must be below 2^31. */
#define LW_LABEL_INDEX(i) (UINT32_C(0x80000000) | (uint32_t)(i))

/** Bits for lw_sink_type(). */
enum lw_sink_type_flags {
    LW_TYPE_FREELIST = 1 /**< memory passes from one object of the type to the next without an
                              event: identity and allocation site are approximate, and said to be */
};

/** Bits for lw_sink_root_kind(). */
enum lw_root_flags {
    LW_ROOT_ASKER = 1,   /**< a variable of the code that asks: the last resort of a path */
    LW_ROOT_BORROWED = 2, /**< not a counted reference (see lw_sink_references()) */
    LW_ROOT_BYSTANDER = 4 /**< a frame, an iterator: holds for now. Paths from owners (modules,
                               globals, caches) come before equally strong ones from here */
};

/**
 * Names a type of nodes. The same key, or without a key the same name, is the same type: with
 * another name or other flags it is counted as a conflict, and the first stands.
 *
 * @param sink  the sink
 * @param key   what the type is known by, so that two types may bear one name; 0: its name
 * @param name  as users know it, with its module; copied
 * @param flags ::lw_sink_type_flags
 * @return an id for lw_sink_node(), the same for the same type; 0 on failure, which every later
 *         call on the sink then reports
 */
LW_API uint32_t lw_sink_type(lw_sink *sink, uint64_t key, const char *name, uint32_t flags);

/**
 * Names a reference. Equal labels are stored once.
 *
 * @param sink   the sink
 * @param style  ::lw_label_style
 * @param text   the name, UTF-8; copied. A byte 0 in it reads as `\\0`
 * @param length its length in bytes
 * @return an id for lw_sink_edge() and lw_sink_root(); 0, "no label", on failure
 */
LW_API uint32_t lw_sink_label(lw_sink *sink, int32_t style, const char *text, size_t length);

/**
 * Names a kind of root: "module", "stack", "global handle".
 *
 * @param sink  the sink
 * @param name  copied
 * @param flags ::lw_root_flags
 * @return an id for lw_sink_root(); 0 on failure
 */
LW_API uint32_t lw_sink_root_kind(lw_sink *sink, const char *name, uint32_t flags);

/**
 * Pushes a node. The same node may be pushed again; a differing repeat is counted as a conflict
 * and the first stands.
 *
 * @param sink the sink
 * @param key  not 0
 * @param type from lw_sink_type()
 * @param size of the object in bytes, as its type says
 * @return 0; anything else: stop and return it from `enumerate`
 */
LW_API int lw_sink_node(lw_sink *sink, lw_key key, uint32_t type, uint64_t size);

/**
 * Pushes a reference. Its ends may be pushed before or after it; an end that never comes makes
 * the reference *dangling*: it is counted and left out.
 *
 * @param sink  the sink
 * @param from  the holder
 * @param to    the held
 * @param kind  ::lw_edge_kind
 * @param label from lw_sink_label(), ::LW_LABEL_INDEX, or 0
 * @return 0; anything else: stop and return it from `enumerate`
 */
LW_API int lw_sink_edge(lw_sink *sink, lw_key from, lw_key to, int32_t kind, uint32_t label);

/**
 * Pushes a reference from a node of this runtime to one of another: a path then crosses from one to
 * the other. Resolved when all runtimes were enumerated; if the other is not plugged in, or never
 * pushes the key, the reference is dangling. For the counts of both ends it is an edge like others.
 *
 * @param sink    the sink
 * @param from    the holder, of this runtime
 * @param runtime name of the other one; "objects" for registered objects (object.h)
 * @param to      the held, a key of the other runtime
 * @param kind    ::lw_edge_kind
 * @param label   from lw_sink_label(), ::LW_LABEL_INDEX, or 0
 * @return 0; anything else: stop and return it from `enumerate`
 */
LW_API int lw_sink_bridge(lw_sink *sink, lw_key from, const char *runtime, lw_key to, int32_t kind,
                          uint32_t label);

/**
 * The same the other way round, for a host that does not know by itself whom it holds: a script's
 * object that owns one of ours. Push each reference from one side only.
 *
 * @param sink    the sink
 * @param runtime name of the other one
 * @param from    the holder, a key of the other runtime
 * @param to      the held, of this runtime
 * @param kind    ::lw_edge_kind
 * @param label   from lw_sink_label(), ::LW_LABEL_INDEX, or 0
 * @return 0; anything else: stop and return it from `enumerate`
 */
LW_API int lw_sink_bridge_from(lw_sink *sink, const char *runtime, lw_key from, lw_key to,
                               int32_t kind, uint32_t label);

/**
 * Pushes a root: the host itself holds the node.
 *
 * @param sink  the sink
 * @param key   of the node
 * @param kind  from lw_sink_root_kind()
 * @param label names it, or 0
 * @return 0; anything else: stop and return it from `enumerate`
 */
LW_API int lw_sink_root(lw_sink *sink, lw_key key, uint32_t kind, uint32_t label);

/**
 * States a node's reference count. What edges and roots do not explain is reported as "held from
 * outside" and keeps the node from being called garbage.
 *
 * @param sink  the sink
 * @param key   of the node
 * @param count counted references to it
 * @return 0; anything else: stop and return it from `enumerate`
 */
LW_API int lw_sink_references(lw_sink *sink, lw_key key, uint64_t count);

/**
 * States bytes that a node owns outside of itself and that no domain records.
 *
 * @param sink  the sink
 * @param key   of the node
 * @param bytes how many; adds up over several calls
 * @return 0; anything else: stop and return it from `enumerate`
 */
LW_API int lw_sink_external(lw_sink *sink, lw_key key, uint64_t bytes);

/**
 * Leaves a key out on purpose (an adapter's own objects): edges to it are not dangling.
 *
 * @param sink the sink
 * @param key  of what is hidden
 * @return 0; anything else: stop and return it from `enumerate`
 */
LW_API int lw_sink_hide(lw_sink *sink, lw_key key);

/**
 * Memory for the walk itself: lists, sets, tables. A walk may run in a forked child
 * (lw_capture_start()), where malloc() can wait for ever for a lock that another thread held at the
 * fork; this is the memory that the snapshot is built with, and counts as its transient memory.
 * Give all of it back before `enumerate` returns. Works also when the sink has failed.
 *
 * @param sink     the sink
 * @param block    what a former call returned, or NULL
 * @param old_size its size in bytes; 0 with NULL
 * @param new_size as large as it shall be; 0: free it
 * @return the block, which may have moved, new bytes not zeroed; NULL if it was freed, or without
 *         memory: then it is unchanged
 */
LW_API void *lw_sink_memory(lw_sink *sink, void *block, size_t old_size, size_t new_size);

/**
 * Gives up, with the reason that lw_snapshot_take() will report.
 *
 * @param sink    the sink
 * @param message one sentence; copied
 * @return not 0: return it from `enumerate`
 */
LW_API int lw_sink_fail(lw_sink *sink, const char *message);

LW_END_DECLS

#endif
