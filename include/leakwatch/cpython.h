/**
 * @file cpython.h
 * Another runtime in the process of a Python program: one view of both.
 *
 * Python's extension carries the whole core inside and shows none of its symbols. An extension
 * module of yours that embeds another language reaches that core by a table of functions, which
 * Python hands over as a capsule: it links to nothing, and can meet no other copy. Include this
 * header after `Python.h`, call lw_cpython_import() where your module is initialised and plug in
 * once: you are told of each context, when it begins and when it ends.
 *
 * Define `LW_CPYTHON_TABLE` as the name of your pointer to the table, and the functions of an
 * adapter go through it under their own names: what was written for the library needs no change.
 * Define it before any header of leakwatch is included by a file, in all files of the adapter.
 *
 * @code{.c}
 * #define LW_CPYTHON_TABLE table
 * #include <leakwatch/cpython.h>
 *
 * static const lw_cpython *table; // lw_cpython_import()
 * static lw_runtime *runtime;
 * static void *owner; // a Python object, which holds our connection
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t held = lw_sink_label(sink, LW_LABEL_INTERNAL, "connection", 10);
 *     lw_sink_node(sink, 7000, lw_sink_type(sink, 0, "connection", 0), 128);
 *     return lw_sink_bridge_from(sink, LW_CPYTHON_RUNTIME, lw_key_of(owner), 7000,
 *                                LW_EDGE_STRONG, held);
 * }
 *
 * static lw_status begin(lw_context *context, void *user, lw_error *error)
 * {
 *     (void)user;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "net";
 *     options.enumerate = enumerate;
 *     options.key_kind = LW_KEY_OPAQUE;
 *     return lw_runtime_create(context, &options, &runtime, error);
 * }
 *
 * static void end(lw_context *context, void *user)
 * {
 *     (void)context, (void)user;
 *     lw_runtime_destroy(runtime);
 * }
 *
 * static lw_status plug_in(lw_error *error) // when the module is initialised
 * {
 *     lw_cpython_plug *plug = NULL; // for good
 *     lw_cpython_plug_options options = LW_CPYTHON_PLUG_OPTIONS_INIT;
 *     options.begin = begin;
 *     options.end = end;
 *     return table->plug(&options, &plug, error);
 * }
 *
 * int main(void)
 * {
 *     return table ? plug_in(NULL) : 0; // outside of Python there is none
 * }
 * @endcode
 *
 * Everything here is called with the GIL held, by both sides.
 */
#ifndef LEAKWATCH_CPYTHON_H
#define LEAKWATCH_CPYTHON_H

#include <leakwatch.h>

LW_BEGIN_DECLS

/** The name of CPython's runtime in snapshots and for bridges; its keys are the addresses of
 *  objects, as `id()` tells them. */
#define LW_CPYTHON_RUNTIME "python"

/** What lw_cpython_import() imports. */
#define LW_CPYTHON_CAPSULE "leakwatch._leakwatch.api"

/** A runtime that is told of contexts. */
typedef struct lw_cpython_plug lw_cpython_plug;

/**
 * A context begins: make your domains in it and plug your runtime in. Must not run Python code,
 * plug or unplug.
 *
 * @param context what start(), or the first snapshot without it, has made
 * @param user    lw_cpython_plug_options::user
 * @param error   NULL, or to be filled on failure; the functions called here do so
 * @return ::LW_OK; anything else: Python's start(), snapshot() or find_leaks(), or your own call
 *         of lw_cpython::plug, fails with it, and `end` is not called
 */
typedef lw_status (*lw_cpython_begin_fn)(lw_context *context, void *user, lw_error *error);

/**
 * A context ends, since the recording stops or you unplug: destroy your runtime. When this returns
 * no event of yours may be running and none may come: domains and runtimes go with the context.
 * Must not run Python code, plug or unplug.
 *
 * @param context the one that `begin` was given
 * @param user    lw_cpython_plug_options::user
 */
typedef void (*lw_cpython_end_fn)(lw_context *context, void *user);

/** How to plug in. */
typedef struct lw_cpython_plug_options {
    uint32_t struct_size;      /**< set by ::LW_CPYTHON_PLUG_OPTIONS_INIT */
    uint32_t reserved;         /**< 0 */
    lw_cpython_begin_fn begin; /**< required */
    lw_cpython_end_fn end;     /**< required */
    void *user;                /**< passed to both */
} lw_cpython_plug_options;

/** Initial value of ::lw_cpython_plug_options. */
#define LW_CPYTHON_PLUG_OPTIONS_INIT                                                               \
    {                                                                                              \
        (uint32_t)sizeof(lw_cpython_plug_options), 0, NULL, NULL, NULL                             \
    }

/** @cond what an adapter needs: lw_##name of each. The order is part of the ABI: add at the end. */
#define LW_CPYTHON_FUNCTIONS(F)                                                                    \
    F(ignore_begin)                                                                                \
    F(ignore_end)                                                                                  \
    F(domain_create)                                                                               \
    F(domain_stats_get)                                                                            \
    F(domain_adopt)                                                                                \
    F(block_alloc)                                                                                 \
    F(block_alloc_at)                                                                              \
    F(block_free)                                                                                  \
    F(block_free_sized)                                                                            \
    F(move_begin)                                                                                  \
    F(move_end)                                                                                    \
    F(move_end_at)                                                                                 \
    F(move_cancel)                                                                                 \
    F(block_find)                                                                                  \
    F(block_ignore)                                                                                \
    F(block_once)                                                                                  \
    F(stack_factors)                                                                               \
    F(code_watch)                                                                                  \
    F(code_retire)                                                                                 \
    F(type_create)                                                                                 \
    F(type_fields)                                                                                 \
    F(object_created)                                                                              \
    F(object_destroyed)                                                                            \
    F(object_root)                                                                                 \
    F(object_unroot)                                                                               \
    F(sink_type)                                                                                   \
    F(sink_label)                                                                                  \
    F(sink_root_kind)                                                                              \
    F(sink_node)                                                                                   \
    F(sink_edge)                                                                                   \
    F(sink_bridge)                                                                                 \
    F(sink_bridge_from)                                                                            \
    F(sink_root)                                                                                   \
    F(sink_references)                                                                             \
    F(sink_external)                                                                               \
    F(sink_hide)                                                                                   \
    F(sink_fail)                                                                                   \
    F(runtime_create)                                                                              \
    F(runtime_destroy)                                                                             \
    F(runtime_each)                                                                                \
    F(runtime_check)                                                                               \
    F(check_count)                                                                                 \
    F(check_problem_get)                                                                           \
    F(check_release)
#define LW_CPYTHON_MEMBER(name) __typeof__(&lw_##name) name;
/** @endcond */

/** The table. Grows at its end; lives as long as the process. */
typedef struct lw_cpython {
    uint32_t struct_size; /**< of the table that is there */
    uint32_t abi;         /**< ::LW_VERSION_MAJOR of what is there */

    /** Plugs a runtime in: `begin` is called at once if there is a context, and for each that
     *  comes. Takes the options, what receives the plug (NULL on failure), and NULL or what
     *  receives what went wrong. ::LW_OK; ::LW_E_INVALID; ::LW_E_NOMEM; ::LW_E_STATE (inside a
     *  `begin` or `end`); or what `begin` answered: nothing is then plugged in. */
    lw_status (*plug)(const lw_cpython_plug_options *options, lw_cpython_plug **plug,
                      lw_error *error);

    /** Pulls a plug for good, or does nothing for NULL. `end` is called if there is a context,
     *  which goes on: it keeps your domains, whose names stay taken until it ends. */
    void (*unplug)(lw_cpython_plug *plug);

    /** @cond lw_block_alloc() is block_alloc, and so on */
    LW_CPYTHON_FUNCTIONS(LW_CPYTHON_MEMBER)
    /** @endcond */
} lw_cpython;

#ifdef Py_PYTHON_H
/**
 * Imports leakwatch and asks it for its table.
 *
 * @return the table, or NULL with an exception: ImportError if leakwatch is not there, or is older
 *         than this header
 */
static inline const lw_cpython *lw_cpython_import(void)
{
    const lw_cpython *table = (const lw_cpython *)PyCapsule_Import(LW_CPYTHON_CAPSULE, 0);
    if (table && (table->abi != LW_VERSION_MAJOR || table->struct_size < sizeof *table)) {
        PyErr_SetString(PyExc_ImportError, "the leakwatch of this Python is of another version "
                                           "than the header: install a newer one, or build anew");
        return NULL;
    }
    return table;
}
#endif

LW_END_DECLS

/** @cond */
#ifdef LW_CPYTHON_TABLE
#define lw_ignore_begin (LW_CPYTHON_TABLE->ignore_begin)
#define lw_ignore_end (LW_CPYTHON_TABLE->ignore_end)
#define lw_domain_create (LW_CPYTHON_TABLE->domain_create)
#define lw_domain_stats_get (LW_CPYTHON_TABLE->domain_stats_get)
#define lw_domain_adopt (LW_CPYTHON_TABLE->domain_adopt)
#define lw_block_alloc (LW_CPYTHON_TABLE->block_alloc)
#define lw_block_alloc_at (LW_CPYTHON_TABLE->block_alloc_at)
#define lw_block_free (LW_CPYTHON_TABLE->block_free)
#define lw_block_free_sized (LW_CPYTHON_TABLE->block_free_sized)
#define lw_move_begin (LW_CPYTHON_TABLE->move_begin)
#define lw_move_end (LW_CPYTHON_TABLE->move_end)
#define lw_move_end_at (LW_CPYTHON_TABLE->move_end_at)
#define lw_move_cancel (LW_CPYTHON_TABLE->move_cancel)
#define lw_block_find (LW_CPYTHON_TABLE->block_find)
#define lw_block_ignore (LW_CPYTHON_TABLE->block_ignore)
#define lw_block_once (LW_CPYTHON_TABLE->block_once)
#define lw_stack_factors (LW_CPYTHON_TABLE->stack_factors)
#define lw_code_watch (LW_CPYTHON_TABLE->code_watch)
#define lw_code_retire (LW_CPYTHON_TABLE->code_retire)
#define lw_type_create (LW_CPYTHON_TABLE->type_create)
#define lw_type_fields (LW_CPYTHON_TABLE->type_fields)
#define lw_object_created (LW_CPYTHON_TABLE->object_created)
#define lw_object_destroyed (LW_CPYTHON_TABLE->object_destroyed)
#define lw_object_root (LW_CPYTHON_TABLE->object_root)
#define lw_object_unroot (LW_CPYTHON_TABLE->object_unroot)
#define lw_sink_type (LW_CPYTHON_TABLE->sink_type)
#define lw_sink_label (LW_CPYTHON_TABLE->sink_label)
#define lw_sink_root_kind (LW_CPYTHON_TABLE->sink_root_kind)
#define lw_sink_node (LW_CPYTHON_TABLE->sink_node)
#define lw_sink_edge (LW_CPYTHON_TABLE->sink_edge)
#define lw_sink_bridge (LW_CPYTHON_TABLE->sink_bridge)
#define lw_sink_bridge_from (LW_CPYTHON_TABLE->sink_bridge_from)
#define lw_sink_root (LW_CPYTHON_TABLE->sink_root)
#define lw_sink_references (LW_CPYTHON_TABLE->sink_references)
#define lw_sink_external (LW_CPYTHON_TABLE->sink_external)
#define lw_sink_hide (LW_CPYTHON_TABLE->sink_hide)
#define lw_sink_fail (LW_CPYTHON_TABLE->sink_fail)
#define lw_runtime_create (LW_CPYTHON_TABLE->runtime_create)
#define lw_runtime_destroy (LW_CPYTHON_TABLE->runtime_destroy)
#define lw_runtime_each (LW_CPYTHON_TABLE->runtime_each)
#define lw_runtime_check (LW_CPYTHON_TABLE->runtime_check)
#define lw_check_count (LW_CPYTHON_TABLE->check_count)
#define lw_check_problem_get (LW_CPYTHON_TABLE->check_problem_get)
#define lw_check_release (LW_CPYTHON_TABLE->check_release)
#endif
/** @endcond */

#endif
