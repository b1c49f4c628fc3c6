/**
 * @file runtime.h
 * The plug: how a host with an object graph of its own lets us see it.
 *
 * You write one callback, `enumerate`, that walks your heap and pushes nodes, edges and roots into
 * a sink. Everything else - snapshots, diffs, retention paths - is ours.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdint.h>
 * #include <stdio.h>
 *
 * struct pair { // the only type of a very small language
 *     struct pair *car, *cdr;
 * };
 *
 * static struct pair heap[3] = {{&heap[1], &heap[2]}, {NULL, NULL}, {&heap[1], NULL}};
 * static struct pair *stack_top = &heap[0];
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t pair = lw_sink_type(sink, 0, "pair", 0);
 *     uint32_t car = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "car", 3);
 *     uint32_t cdr = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "cdr", 3);
 *     for (int i = 0; i < 3; i++) {
 *         lw_key key = lw_key_of(&heap[i]);
 *         lw_sink_node(sink, key, pair, sizeof heap[i]);
 *         if (heap[i].car)
 *             lw_sink_edge(sink, key, lw_key_of(heap[i].car), LW_EDGE_STRONG, car);
 *         if (heap[i].cdr)
 *             lw_sink_edge(sink, key, lw_key_of(heap[i].cdr), LW_EDGE_STRONG, cdr);
 *     }
 *     uint32_t stack = lw_sink_root_kind(sink, "stack", 0);
 *     return lw_sink_root(sink, lw_key_of(stack_top), stack, 0);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_check *check = NULL;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "pairs";
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *
 *     lw_runtime_check(runtime, &check, NULL); // did I get it right?
 *     uint32_t problems = lw_check_count(check);
 *     printf("%u problems\n", (unsigned)problems);
 *     lw_check_release(check);
 *     lw_runtime_destroy(runtime);
 *     lw_context_release(context);
 *     return problems != 0;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_RUNTIME_H
#define LEAKWATCH_RUNTIME_H

#include <leakwatch/record.h>

LW_BEGIN_DECLS

/** A host that is plugged in. */
typedef struct lw_runtime lw_runtime;

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
 * Names a type of nodes.
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
 * @param text   the name, UTF-8; copied
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
 * Gives up, with the reason that lw_snapshot_take() will report.
 *
 * @param sink    the sink
 * @param message one sentence; copied
 * @return not 0: return it from `enumerate`
 */
LW_API int lw_sink_fail(lw_sink *sink, const char *message);

/**
 * Walks the heap and pushes all of it. The heap must not change meanwhile: hold the lock that
 * orders your mutators. Allocations of the calling thread are not recorded meanwhile.
 *
 * @param sink takes what is found
 * @param user lw_runtime_options::user
 * @return 0, or anything else if the walk failed: nothing of it is then kept
 */
typedef int (*lw_enumerate_fn)(lw_sink *sink, void *user);

/** How keys look. */
enum lw_key_kind {
    LW_KEY_ADDRESS = 0, /**< addresses, 8-byte aligned; may point into a recorded block, whose
                             bytes, site and birth then apply */
    LW_KEY_OPAQUE = 1   /**< any numbers */
};

/** How to plug a runtime in. */
typedef struct lw_runtime_options {
    uint32_t struct_size;      /**< set by ::LW_RUNTIME_OPTIONS_INIT */
    int32_t key_kind;          /**< ::lw_key_kind */
    const char *name;          /**< required, unique in the context; copied */
    lw_enumerate_fn enumerate; /**< required */
    lw_domain *const *domains; /**< ::LW_KEY_ADDRESS only: who records its blocks; copied */
    uint64_t domain_count;     /**< how many */
    void *user;                /**< passed to `enumerate` */
} lw_runtime_options;

/** Initial value of ::lw_runtime_options. */
#define LW_RUNTIME_OPTIONS_INIT                                                                    \
    {                                                                                              \
        (uint32_t)sizeof(lw_runtime_options), 0, NULL, NULL, NULL, 0, NULL                         \
    }

/**
 * Plugs a runtime in. The next snapshot includes it.
 *
 * @param context owns the runtime
 * @param options required
 * @param runtime receives the runtime, or NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_STATE (the name is taken: two adapters of one kind in
 *         one context); ::LW_E_NOMEM. *exclusive*.
 */
LW_API lw_status lw_runtime_create(lw_context *context, const lw_runtime_options *options,
                                   lw_runtime **runtime, lw_error *error);

/**
 * Pulls the plug. Snapshots already taken are not touched.
 *
 * @param runtime NULL is allowed. *exclusive*.
 */
LW_API void lw_runtime_destroy(lw_runtime *runtime);

/** What a conformance check found. Immutable; owns its text. */
typedef struct lw_check lw_check;

/** The ways in which an `enumerate` can be wrong. */
enum lw_problem_kind {
    LW_PROBLEM_UNROOTED = 1,  /**< nodes that no root reaches and nothing says are garbage */
    LW_PROBLEM_DANGLING = 2,  /**< edges or roots whose end was never pushed */
    LW_PROBLEM_UNSTABLE = 3,  /**< two enumerations of an unchanged heap differ */
    LW_PROBLEM_MISSING = 4,   /**< fewer edges than the stated references */
    LW_PROBLEM_CONFLICT = 5,  /**< one key described in two ways */
    LW_PROBLEM_EXCESS = 6     /**< more edges than the stated references */
};

/** One problem, for one type. */
typedef struct lw_problem {
    uint32_t struct_size; /**< set by ::LW_PROBLEM_INIT */
    int32_t kind;         /**< ::lw_problem_kind */
    uint64_t count;       /**< how many nodes or edges */
    lw_key example;       /**< the key of one of them */
    const char *type;     /**< the type's name, or "" */
    const char *message;  /**< what is wrong: "2 references stated, 1 edge pushed" */
    const char *next;     /**< what to do about it */
} lw_problem;

/** Initial value of an ::lw_problem. */
#define LW_PROBLEM_INIT                                                                            \
    {                                                                                              \
        (uint32_t)sizeof(lw_problem), 0, 0, 0, NULL, NULL, NULL                                    \
    }

/**
 * Runs `enumerate` twice on a heap that must not change meanwhile, and looks for what its author
 * got wrong: unrooted nodes, dangling edges, two enumerations that differ, edges against stated
 * references.
 *
 * @param runtime the runtime
 * @param check   receives what was found, to be given to lw_check_release(); NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK (also with problems); ::LW_E_INVALID; ::LW_E_RUNTIME (`enumerate` failed);
 *         ::LW_E_NOMEM. *exclusive*; calls back.
 */
LW_API lw_status lw_runtime_check(lw_runtime *runtime, lw_check **check, lw_error *error);

/**
 * Frees what a check found.
 * @param check NULL is allowed. any-thread, once.
 */
LW_API void lw_check_release(lw_check *check);

/**
 * How many problems there are.
 * @param check the check
 * @return their number; 0 for NULL. immutable.
 */
LW_API uint32_t lw_check_count(const lw_check *check);

/**
 * One problem; the worst come first.
 *
 * @param check   the check
 * @param index   from 0
 * @param problem filled up to its `struct_size`, zeroed on failure; strings belong to the check
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such problem). immutable.
 */
LW_API lw_status lw_check_problem_get(const lw_check *check, uint32_t index, lw_problem *problem,
                                      lw_error *error);

LW_END_DECLS

#endif
