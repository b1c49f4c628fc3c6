/**
 * @file snapshot.h
 * Snapshots: the whole graph of all runtimes at one moment, immutable, independent of the host.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t list = lw_sink_type(sink, 0, "list", 0);
 *     lw_sink_node(sink, 1, list, 40);
 *     lw_sink_node(sink, 2, list, 56);
 *     lw_sink_edge(sink, 1, 2, LW_EDGE_STRONG, LW_LABEL_INDEX(0));
 *     return lw_sink_root(sink, 1, lw_sink_root_kind(sink, "global", 0), 0);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_snapshot *snapshot = NULL;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "lists";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     if (lw_snapshot_take(context, NULL, &snapshot, NULL) != LW_OK)
 *         return 1;
 *     lw_context_release(context); // the snapshot does not mind
 *
 *     lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
 *     lw_snapshot_info_get(snapshot, &info, NULL);
 *     printf("%u nodes, %llu edges\n", (unsigned)info.nodes, (unsigned long long)info.edges);
 *     lw_snapshot_release(snapshot);
 *     return info.nodes != 2 || info.edges != 1;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_SNAPSHOT_H
#define LEAKWATCH_SNAPSHOT_H

#include <leakwatch/runtime.h>

LW_BEGIN_DECLS

/** A captured graph. Immutable, reference-counted, owns all its text. */
typedef struct lw_snapshot lw_snapshot;

/** A node of a snapshot: 0 to lw_snapshot_info::nodes - 1, in the order of runtimes and keys. */
typedef uint32_t lw_node;

/** No node. */
#define LW_NODE_NONE UINT32_MAX

/** How to capture. Zero in a field means the default. */
typedef struct lw_snapshot_options {
    uint32_t struct_size; /**< set by ::LW_SNAPSHOT_OPTIONS_INIT */
    uint32_t flags;       /**< 0: no bit has a meaning yet */
    const char *name;     /**< for reports, such as "before"; copied; NULL: none */
    lw_progress_fn progress; /**< NULL, or hears of the phases "enumerate" (nodes pushed so far) and
                                  "join" (steps of building the graph) */
    void *user;              /**< passed to `progress` */
} lw_snapshot_options;

/** Initial value of ::lw_snapshot_options. */
#define LW_SNAPSHOT_OPTIONS_INIT                                                                   \
    {                                                                                              \
        (uint32_t)sizeof(lw_snapshot_options), 0, NULL, NULL, NULL                                 \
    }

/**
 * Captures the graph of every runtime of a context, with the size, site and birth of the blocks
 * its nodes lie in. Never asks a host to collect: what is unreachable is in it and marked.
 * Advances the epoch.
 *
 * While it works it takes memory beside the result's: 12 bytes per node pushed, 8 per edge and per
 * holder, 4 more each where keys are no addresses, the tables that find keys, and what a walk asks
 * for with lw_sink_memory(); two to three times lw_snapshot_info::own_bytes in all, see
 * lw_snapshot_info::peak_bytes.
 *
 * @param context  whose runtimes
 * @param options  NULL for the defaults
 * @param snapshot receives the snapshot with one reference, or NULL on failure
 * @param error    NULL, or receives what went wrong, with the runtime's own words
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOMEM; ::LW_E_RUNTIME (an `enumerate` failed or used
 *         the sink wrongly); ::LW_E_LIMIT (over 2^32 - 2 nodes); ::LW_E_CANCELLED (`progress` said
 *         so); ::LW_E_STATE (inside a runtime's callback). *exclusive*; calls back.
 */
LW_API lw_status lw_snapshot_take(lw_context *context, const lw_snapshot_options *options,
                                  lw_snapshot **snapshot, lw_error *error);

/**
 * Takes a further reference.
 *
 * @param snapshot the snapshot, or NULL
 * @return `snapshot`. immutable.
 */
LW_API lw_snapshot *lw_snapshot_retain(lw_snapshot *snapshot);

/**
 * Gives a reference back; the last one frees the snapshot.
 *
 * @param snapshot NULL is allowed. any-thread.
 */
LW_API void lw_snapshot_release(lw_snapshot *snapshot);

/** Bits of lw_snapshot_info::flags. */
enum lw_snapshot_flags {
    LW_SNAPSHOT_FILE = 1,  /**< it was opened from a file */
    LW_SNAPSHOT_HIDDEN = 2, /**< the file leaves out values of users: keys read "…" (see file.h) */
    LW_SNAPSHOT_CHILD = 4  /**< it was taken by a forked child (see capture.h) */
};

/** The whole of a snapshot. */
typedef struct lw_snapshot_info {
    uint32_t struct_size;    /**< set by ::LW_SNAPSHOT_INFO_INIT */
    uint32_t nodes;          /**< nodes of all runtimes */
    uint64_t edges;          /**< edges, of every kind */
    uint64_t size;           /**< the nodes' sizes added up, in bytes; `UINT64_MAX`: or more */
    uint64_t external;       /**< bytes that nodes own outside of themselves */
    uint64_t epoch;          /**< a block of a later epoch was born after the capture */
    uint32_t types;          /**< types with or without nodes */
    uint32_t roots;          /**< roots pushed by the runtimes */
    uint32_t outside;        /**< nodes held from outside: counted references nobody pushed */
    uint32_t garbage;        /**< nodes that nothing holds any more: collectable garbage */
    uint64_t garbage_size;   /**< their sizes added up, in bytes */
    uint64_t dangling;       /**< edges and roots left out because an end was never pushed */
    uint64_t conflicts;      /**< nodes and types pushed twice and not alike */
    uint64_t own_bytes;      /**< bytes of our own that the snapshot takes, without the file that
                                  is mapped for it */
    uint64_t took_ns;        /**< how long the capture took, in ns */
    const char *name;        /**< lw_snapshot_options::name, or "" */
    uint64_t taken_at;       /**< when the capture began, in ns since 1970 */
    uint64_t process;        /**< id of the process it was taken in */
    const char *program;     /**< short name of its program, or "" */
    uint32_t flags;          /**< ::lw_snapshot_flags */
    uint32_t reserved;       /**< 0 */
    uint64_t peak_bytes;     /**< the most of our own that the capture took, own_bytes included */
} lw_snapshot_info;

/** Initial value of ::lw_snapshot_info. */
#define LW_SNAPSHOT_INFO_INIT                                                                      \
    {                                                                                              \
        (uint32_t)sizeof(lw_snapshot_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0,  \
            NULL, 0, 0, 0                                                                          \
    }

/**
 * The whole of a snapshot.
 *
 * @param snapshot the snapshot
 * @param info     filled up to its `struct_size`, zeroed on failure; strings belong to the
 *                 snapshot
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. immutable.
 */
LW_API lw_status lw_snapshot_info_get(const lw_snapshot *snapshot, lw_snapshot_info *info,
                                      lw_error *error);

/** Bits of lw_node_info::flags. */
enum lw_node_flags {
    LW_NODE_GARBAGE = 1,    /**< nothing holds it any more */
    LW_NODE_OUTSIDE = 2,    /**< held from outside: more counted references than were pushed */
    LW_NODE_RECORDED = 4,   /**< it lies in a recorded block: `bytes`, `epoch` and site are known */
    LW_NODE_APPROXIMATE = 8, /**< its type's memory is handed on by a freelist: `epoch` and site
                                  may be those of a former tenant */
    LW_NODE_BEFORE = 16      /**< its runtime's blocks are recorded, but it is older than that */
};

/** What is known of a node. */
typedef struct lw_node_info {
    uint32_t struct_size;   /**< set by ::LW_NODE_INFO_INIT */
    uint32_t flags;         /**< ::lw_node_flags */
    lw_key key;             /**< what its runtime knew it by */
    uint32_t type;          /**< for lw_snapshot_type_get() */
    uint32_t frames;        /**< frames of the site where its block was allocated; 0 unknown */
    uint64_t size;          /**< in bytes, as its type says */
    uint64_t bytes;         /**< of the block it lies in; 0 unknown */
    uint64_t external;      /**< bytes it owns outside of itself */
    uint64_t epoch;         /**< of its block's birth; 0: not recorded */
    uint64_t references;    /**< counted references stated by its runtime; 0: none stated */
    const char *runtime;    /**< name of its runtime */
} lw_node_info;

/** Initial value of ::lw_node_info. */
#define LW_NODE_INFO_INIT                                                                          \
    {                                                                                              \
        (uint32_t)sizeof(lw_node_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL                            \
    }

/**
 * What is known of a node.
 *
 * @param snapshot the snapshot
 * @param node     the node
 * @param info     filled up to its `struct_size`, zeroed on failure; strings belong to the
 *                 snapshot
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND. immutable.
 */
LW_API lw_status lw_node_info_get(const lw_snapshot *snapshot, lw_node node, lw_node_info *info,
                                  lw_error *error);

/**
 * One frame of the site where a node's block was allocated.
 *
 * @param snapshot the snapshot
 * @param node     the node
 * @param level    0 is the innermost
 * @param frame    filled up to its `struct_size`, zeroed on failure; strings belong to the
 *                 snapshot
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND. immutable.
 */
LW_API lw_status lw_node_frame_get(const lw_snapshot *snapshot, lw_node node, uint32_t level,
                                   lw_frame *frame, lw_error *error);

/**
 * A few words on what the object of a node holds, of the live process: asks its runtime. Values of
 * users are in no snapshot and no file.
 *
 * @param context  that the snapshot was taken of
 * @param snapshot the snapshot
 * @param node     the node
 * @param text     receives the preview, terminated; "" on failure
 * @param size     of `text` in bytes; ::LW_PREVIEW_MAX + 1 is enough, shorter ones are cut
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOT_FOUND (no such node, the object is gone, or its
 *         runtime shows nothing); ::LW_E_STATE (the snapshot is not of this context, or inside a
 *         runtime's callback). *exclusive*; calls back.
 */
LW_API lw_status lw_node_preview(lw_context *context, const lw_snapshot *snapshot, lw_node node,
                                 char *text, size_t size, lw_error *error);

/**
 * Finds the node of a key.
 *
 * @param snapshot the snapshot
 * @param runtime  name of the runtime
 * @param key      the key
 * @param node     receives the node, or ::LW_NODE_NONE on failure
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND. immutable.
 */
LW_API lw_status lw_node_find(const lw_snapshot *snapshot, const char *runtime, lw_key key,
                              lw_node *node, lw_error *error);

/** What is known of a type. */
typedef struct lw_type_info {
    uint32_t struct_size; /**< set by ::LW_TYPE_INFO_INIT */
    uint32_t flags;       /**< ::lw_sink_type_flags */
    uint64_t key;         /**< as given to lw_sink_type() */
    uint64_t count;       /**< nodes that something holds */
    uint64_t size;        /**< their sizes added up, in bytes */
    uint64_t garbage;     /**< further nodes that nothing holds */
    const char *name;     /**< as given to lw_sink_type() */
    const char *runtime;  /**< name of its runtime */
} lw_type_info;

/** Initial value of ::lw_type_info. */
#define LW_TYPE_INFO_INIT                                                                          \
    {                                                                                              \
        (uint32_t)sizeof(lw_type_info), 0, 0, 0, 0, 0, NULL, NULL                                  \
    }

/**
 * What is known of a type.
 *
 * @param snapshot the snapshot
 * @param type     0 to lw_snapshot_info::types - 1
 * @param info     filled up to its `struct_size`, zeroed on failure; strings belong to the
 *                 snapshot
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND. immutable.
 */
LW_API lw_status lw_snapshot_type_get(const lw_snapshot *snapshot, uint32_t type,
                                      lw_type_info *info, lw_error *error);

/**
 * Receives a node.
 *
 * @param node a node of the snapshot
 * @param user the caller's pointer
 * @return 0 to go on, anything else to stop
 */
typedef int (*lw_node_fn)(lw_node node, void *user);

/**
 * Visits the nodes of a type in the order of their ids, garbage included.
 *
 * @param snapshot the snapshot
 * @param type     0 to lw_snapshot_info::types - 1
 * @param visit    called for each
 * @param user     passed to `visit`
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such type). immutable; calls back.
 */
LW_API lw_status lw_node_each(const lw_snapshot *snapshot, uint32_t type, lw_node_fn visit,
                              void *user, lw_error *error);

/** A label in words. */
typedef struct lw_label {
    int32_t style;    /**< ::lw_label_style; -1: an index; -2: no label */
    uint32_t index;   /**< when `style` is -1 */
    const char *text; /**< UTF-8, terminated; "" for an index or no label */
} lw_label;

/** A reference. */
typedef struct lw_edge {
    uint32_t struct_size; /**< set by ::LW_EDGE_INIT */
    int32_t kind;         /**< ::lw_edge_kind */
    lw_node from;         /**< the holder */
    lw_node to;           /**< the held */
    lw_label label;       /**< its name; strings belong to the snapshot */
} lw_edge;

/** Initial value of an ::lw_edge. */
#define LW_EDGE_INIT                                                                               \
    {                                                                                              \
        (uint32_t)sizeof(lw_edge), 0, 0, 0, { 0, 0, NULL }                                         \
    }

/**
 * Receives a reference.
 *
 * @param edge the reference, valid during the call
 * @param user the caller's pointer
 * @return 0 to go on, anything else to stop
 */
typedef int (*lw_edge_fn)(const lw_edge *edge, void *user);

/**
 * Visits what a node refers to, in the order of target and label.
 *
 * @param snapshot the snapshot
 * @param node     the holder
 * @param visit    called for each reference, of every kind
 * @param user     passed to `visit`
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such node). immutable; calls back.
 */
LW_API lw_status lw_edge_each(const lw_snapshot *snapshot, lw_node node, lw_edge_fn visit,
                              void *user, lw_error *error);

LW_END_DECLS

#endif
