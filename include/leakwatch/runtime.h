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
#include <leakwatch/sink.h>

LW_BEGIN_DECLS

/** A host that is plugged in. */
typedef struct lw_runtime lw_runtime;

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

/**
 * Collects garbage. Called by lw_runtime_collect() only: nothing else ever asks a host to. May run
 * code of the host and tell of blocks; may not capture, plug in or out.
 *
 * @param user lw_runtime_options::user
 * @return 0, or anything else if it failed
 */
typedef int (*lw_collect_fn)(void *user);

/** The longest preview, in bytes, its terminating 0 not counted. */
#define LW_PREVIEW_MAX 64

/**
 * Shows what a node is, in a few words of what it holds: `"user 17"`, `{"a": 1, ...}`. Called by
 * lw_node_preview() only, in the process that owns the object, never while a graph is walked, and
 * never for a file. Must not run code of the host nor allocate on its heap. The object may be gone
 * since the snapshot: where its block was recorded we have looked, else look yourself.
 *
 * @param key  of the node
 * @param text receives UTF-8, terminated; longer ones are cut
 * @param size of `text`: ::LW_PREVIEW_MAX + 1
 * @param user lw_runtime_options::user
 * @return 0; anything else: nothing is to be shown
 */
typedef int (*lw_preview_fn)(lw_key key, char *text, size_t size, void *user);

/** What advice is asked for: something holds more and more objects. Texts are never NULL. */
typedef struct lw_advice_query {
    uint32_t struct_size;        /**< set by ::LW_ADVICE_QUERY_INIT */
    int32_t label_style;         /**< ::lw_label_style; -1: an index; -2: no label */
    const char *runtime;         /**< of what holds them */
    const char *holder_type;     /**< type of what holds them */
    uint64_t holder_type_key;    /**< as given to lw_sink_type() */
    lw_key holder;               /**< what holds them, to be looked up in tables, not followed: it
                                      may be gone; 0: not known */
    const char *label;           /**< by which it is held: `_cache`; "" for an index or none */
    const char *type;            /**< the type most of what is held belongs to */
    const char *root_kind;       /**< of the path to it; "" if nothing is known */
    const char *root_label;      /**< of the path to it; "" if it has none */
} lw_advice_query;

/** Initial value of an ::lw_advice_query. */
#define LW_ADVICE_QUERY_INIT                                                                       \
    {                                                                                              \
        (uint32_t)sizeof(lw_advice_query), -2, "", "", 0, 0, "", "", "", ""                        \
    }

/**
 * Says what to do about something that grows, from what it knows of its own types: "an lru_cache
 * without maxsize: bound it, or call cache_clear()". Must depend on the query only: the same query,
 * the same words. Must not run code of the host.
 *
 * @param query what grows
 * @param text  receives one sentence, UTF-8, terminated, without a full stop; longer ones are cut
 * @param size  of `text`
 * @param user  lw_runtime_options::user
 * @return 0; anything else: no advice
 */
typedef int (*lw_advise_fn)(const lw_advice_query *query, char *text, size_t size, void *user);

/** How to plug a runtime in. */
typedef struct lw_runtime_options {
    uint32_t struct_size;      /**< set by ::LW_RUNTIME_OPTIONS_INIT */
    int32_t key_kind;          /**< ::lw_key_kind */
    const char *name;          /**< required, unique in the context; copied */
    lw_enumerate_fn enumerate; /**< required */
    lw_domain *const *domains; /**< ::LW_KEY_ADDRESS only: who records its blocks; copied */
    uint64_t domain_count;     /**< how many */
    void *user;                /**< passed to all callbacks */
    lw_collect_fn collect;     /**< NULL: it has no collector */
    lw_preview_fn preview;     /**< NULL: nothing is shown */
    lw_advise_fn advise;       /**< NULL: it has no advice */
} lw_runtime_options;

/** Initial value of ::lw_runtime_options. */
#define LW_RUNTIME_OPTIONS_INIT                                                                    \
    {                                                                                              \
        (uint32_t)sizeof(lw_runtime_options), 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL       \
    }

/**
 * Plugs a runtime in. The next snapshot includes it.
 *
 * @param context owns the runtime
 * @param options required
 * @param runtime receives the runtime, or NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_STATE (the name is taken: two adapters of one kind in
 *         one context; "objects" is always taken, see object.h; or inside a runtime's callback);
 *         ::LW_E_NOMEM. *exclusive*.
 */
LW_API lw_status lw_runtime_create(lw_context *context, const lw_runtime_options *options,
                                   lw_runtime **runtime, lw_error *error);

/**
 * Pulls the plug. Snapshots already taken are not touched. Inside a callback of a runtime of the
 * same context it takes effect when that returns to us.
 *
 * @param runtime NULL is allowed. *exclusive*.
 */
LW_API void lw_runtime_destroy(lw_runtime *runtime);

/**
 * Receives a runtime of a context.
 *
 * @param runtime a runtime
 * @param name    its name
 * @param user    the caller's pointer
 * @return 0 to go on, anything else to stop
 */
typedef int (*lw_runtime_fn)(lw_runtime *runtime, const char *name, void *user);

/**
 * Visits the runtimes of a context in the order in which they were plugged in.
 *
 * @param context whose runtimes
 * @param visit   called for each; may not plug in or out
 * @param user    passed to `visit`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. *exclusive*.
 */
LW_API lw_status lw_runtime_each(lw_context *context, lw_runtime_fn visit, void *user,
                                 lw_error *error);

/**
 * Asks a runtime to collect its garbage. Never implied by anything.
 *
 * @param runtime the runtime
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_UNSUPPORTED (it has no `collect`); ::LW_E_RUNTIME (its
 *         `collect` failed); ::LW_E_STATE (inside a runtime's callback). *exclusive*; calls back.
 */
LW_API lw_status lw_runtime_collect(lw_runtime *runtime, lw_error *error);

/**
 * Asks the runtime that a query names what to do.
 *
 * @param context whose runtimes
 * @param query   what grows
 * @param text    receives the advice, terminated, cut between two characters; "" on failure
 * @param size    of `text` in bytes, at least 1
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOT_FOUND (no such runtime, or it has no advice);
 *         ::LW_E_STATE (inside a runtime's callback). *exclusive*; calls back.
 */
LW_API lw_status lw_advice_get(lw_context *context, const lw_advice_query *query, char *text,
                               size_t size, lw_error *error);

LW_END_DECLS

#endif
