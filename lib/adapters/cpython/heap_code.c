#include "heap_walk.h"

/* The tuple of cells is as a rule held by its function alone; then the function shows the cells
 * under the names of the variables and the tuple borrows them. */
static void edges_closure(lwpy_walk *walk, const PyFunctionObject *function)
{
    PyObject *closure = function->func_closure;
    const PyCodeObject *code = (const PyCodeObject *)function->func_code;
    if (!closure)
        return;
    bool alone = PyTuple_CheckExact(closure) && Py_REFCNT(closure) == 1 && code &&
                 PyTuple_GET_SIZE(closure) == code->co_nfreevars && lwpy_walk_take(walk, closure);
    lwpy_walk_strong(walk, closure, LWPY_WORD_CLOSURE);
    if (!alone)
        return;
    lw_key from = walk->from;
    int first = code->co_nlocalsplus - code->co_nfreevars;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(closure) && !walk->failed; i++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, first + i);
        PyObject *cell = PyTuple_GET_ITEM(closure, i);
        lwpy_walk_edge(walk, cell, LW_EDGE_STRONG, lwpy_label_name(walk, LW_LABEL_VARIABLE, name));
        walk->from = lw_key_of(closure);
        lwpy_walk_edge(walk, cell, LW_EDGE_BORROWED, LW_LABEL_INDEX(i));
        walk->from = from;
    }
}

void lwpy_edges_function(lwpy_walk *walk, PyObject *object)
{
    const PyFunctionObject *function = (const PyFunctionObject *)object;
    lwpy_walk_strong(walk, function->func_code, LWPY_WORD_CODE);
    lwpy_walk_strong(walk, function->func_globals, LWPY_WORD_GLOBALS);
    lwpy_walk_strong(walk, function->func_builtins, LWPY_WORD_BUILTINS);
    lwpy_walk_strong(walk, function->func_name, LWPY_WORD_NAME);
    lwpy_walk_strong(walk, function->func_qualname, LWPY_WORD_QUALNAME);
    lwpy_walk_strong(walk, function->func_module, LWPY_WORD_MODULE);
    lwpy_walk_strong(walk, function->func_doc, LWPY_WORD_DOC);
    lwpy_walk_strong(walk, function->func_defaults, LWPY_WORD_DEFAULTS);
    lwpy_walk_strong(walk, function->func_kwdefaults, LWPY_WORD_KWDEFAULTS);
    lwpy_walk_strong(walk, function->func_annotations, LWPY_WORD_ANNOTATIONS);
    lwpy_walk_strong(walk, lwpy_host_function_type_params(object), LWPY_WORD_TYPE_PARAMS);
    edges_closure(walk, function);
}

void lwpy_edges_code(lwpy_walk *walk, PyObject *object)
{
    PyCodeObject *code = (PyCodeObject *)object;
    PyObject *cached[4];
    lwpy_walk_strong(walk, code->co_consts, LWPY_WORD_CONSTS);
    lwpy_walk_strong(walk, code->co_names, LWPY_WORD_NAMES);
    lwpy_walk_strong(walk, code->co_exceptiontable, LWPY_WORD_EXCEPTIONS);
    lwpy_walk_strong(walk, code->co_localsplusnames, LWPY_WORD_VARIABLES);
    lwpy_walk_strong(walk, code->co_localspluskinds, LWPY_WORD_KINDS);
    lwpy_walk_strong(walk, code->co_filename, LWPY_WORD_FILENAME);
    lwpy_walk_strong(walk, code->co_name, LWPY_WORD_CO_NAME);
    lwpy_walk_strong(walk, code->co_qualname, LWPY_WORD_CO_QUALNAME);
    lwpy_walk_strong(walk, code->co_linetable, LWPY_WORD_LINETABLE);
    lwpy_host_code_cached(code, cached);
    lwpy_walk_strong(walk, cached[0], LWPY_WORD_CO_CODE);
    lwpy_walk_strong(walk, cached[1], LWPY_WORD_VARNAMES);
    lwpy_walk_strong(walk, cached[2], LWPY_WORD_CELLVARS);
    lwpy_walk_strong(walk, cached[3], LWPY_WORD_FREEVARS);
}

static void owned(lwpy_walk *walk, PyObject *to, enum lwpy_word word)
{
    lwpy_owned(walk, to, walk->words[word]);
}

/* Names that instances share are held once, by the class. */
static void edges_shared_keys(lwpy_walk *walk, PyTypeObject *type)
{
    PyDictKeysObject *keys = lwpy_host_shared_keys(type);
    for (Py_ssize_t i = 0; keys && i < lwpy_host_keys_count(keys) && !walk->failed; i++)
        owned(walk, lwpy_host_keys_name(keys, i), LWPY_WORD_SHARED_KEY);
}

/* tp_traverse of types skips what cannot be part of a cycle. */
void lwpy_edges_type(lwpy_walk *walk, PyObject *object)
{
    PyTypeObject *type = (PyTypeObject *)object;
    owned(walk, type->tp_mro, LWPY_WORD_MRO);
    owned(walk, type->tp_bases, LWPY_WORD_BASES);
    owned(walk, type->tp_cache, LWPY_WORD_CACHE);
    owned(walk, lwpy_host_type_subclasses(type), LWPY_WORD_SUBCLASSES);
    owned(walk, (PyObject *)type->tp_base, LWPY_WORD_BASE);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        const PyHeapTypeObject *heap = (const PyHeapTypeObject *)type;
        owned(walk, heap->ht_name, LWPY_WORD_NAME);
        owned(walk, heap->ht_qualname, LWPY_WORD_QUALNAME);
        owned(walk, heap->ht_slots, LWPY_WORD_SLOTS);
        owned(walk, heap->ht_module, LWPY_WORD_MODULE);
        edges_shared_keys(walk, type);
    }
    lwpy_edges_own_dict(walk, lwpy_host_type_dict(type), LWPY_WORD_DICT);
}

void lwpy_edges_frame(lwpy_walk *walk, PyObject *object)
{
    lwpy_host_frame_parts parts = lwpy_host_frame_parts_of(object);
    lwpy_walk_strong(walk, parts.back, LWPY_WORD_BACK);
    lwpy_walk_strong(walk, parts.trace, LWPY_WORD_TRACE);
    lwpy_walk_strong(walk, parts.extra_locals, LWPY_WORD_EXTRA_LOCALS);
    lwpy_walk_strong(walk, parts.locals_cache, LWPY_WORD_LOCALS_CACHE);
    if (parts.owned)
        lwpy_frame_edges(walk, parts.frame);
}

void lwpy_edges_generator(lwpy_walk *walk, PyObject *object)
{
    const PyGenObject *generator = (const PyGenObject *)object;
    const lwpy_host_frame *frame = lwpy_host_generator_frame(object);
    lwpy_walk_strong(walk, generator->gi_name, LWPY_WORD_NAME);
    lwpy_walk_strong(walk, generator->gi_qualname, LWPY_WORD_QUALNAME);
    lwpy_walk_strong(walk, generator->gi_exc_state.exc_value, LWPY_WORD_HANDLED);
    lwpy_walk_strong(walk, lwpy_host_generator_code(object), LWPY_WORD_CODE);
    if (!PyGen_CheckExact(object)) /* plain generators leave the field as it was */
        lwpy_walk_strong(walk, generator->gi_origin_or_finalizer, LWPY_WORD_ORIGIN);
    if (frame)
        lwpy_frame_edges(walk, frame);
}
