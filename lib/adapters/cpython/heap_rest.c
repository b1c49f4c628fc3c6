#include "heap_walk.h"

/* Objects of types that the walk has no layout of: tp_traverse lists their references, members
 * and public structs give names to some of these, the others are named by type and slot. */

static int collect(PyObject *object, void *user)
{
    lwpy_walk *walk = user;
    if (object && !((uintptr_t)object & 7) && !lwpy_list_push(&walk->visited, object)) {
        walk->failed = LWPY_NO_MEMORY;
        return -1;
    }
    return 0;
}

void lwpy_traverse(lwpy_walk *walk, PyObject *object)
{
    traverseproc traverse = Py_TYPE(object)->tp_traverse;
    /* That of types dies on static ones. */
    if (PyType_Check(object) && !(((PyTypeObject *)object)->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return;
    if (traverse)
        traverse(object, collect, walk);
}

/* References are claimed about in the order in which they were visited, so the search goes on
 * where the last one ended. */
static bool forget(lwpy_walk *walk, PyObject *object)
{
    size_t count = walk->visited.count;
    for (size_t i = 0, at = walk->claim_at; i < count; i++, at++) {
        if (at >= count)
            at = 0;
        if (walk->visited.items[at] == object) {
            walk->visited.items[at] = NULL;
            walk->claim_at = at + 1;
            return true;
        }
    }
    return false;
}

void lwpy_owned(lwpy_walk *walk, PyObject *to, uint32_t label)
{
    if (!to)
        return;
    if (walk->visited.count)
        forget(walk, to);
    lwpy_walk_edge(walk, to, LW_EDGE_STRONG, label);
}

void lwpy_claim(lwpy_walk *walk, PyObject *to, uint32_t label)
{
    if (to && forget(walk, to))
        lwpy_walk_edge(walk, to, LW_EDGE_STRONG, label);
}

static void claim_word(lwpy_walk *walk, PyObject *to, enum lwpy_word word)
{
    lwpy_claim(walk, to, walk->words[word]);
}

/* Dicts with more than a dict: defaultdict, OrderedDict, extension types. */
static void claim_dict(lwpy_walk *walk, PyObject *dict)
{
    bool plain = lwpy_host_dict_plain_keys(dict), shared = ((PyDictObject *)dict)->ma_values;
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (!walk->failed && PyDict_Next(dict, &at, &key, &value)) {
        lwpy_claim(walk, value, lwpy_label_key(walk, key));
        if (!plain)
            claim_word(walk, key, LWPY_WORD_KEY);
        else if (!shared)
            lwpy_walk_strong(walk, key, LWPY_WORD_KEY);
    }
}

static void claim_items(lwpy_walk *walk, PyObject *object)
{
    if (PyList_Check(object)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(object) && !walk->failed; i++)
            lwpy_claim(walk, PyList_GET_ITEM(object, i), LW_LABEL_INDEX(i));
    } else {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object) && !walk->failed; i++)
            lwpy_claim(walk, PyTuple_GET_ITEM(object, i), LW_LABEL_INDEX(i));
    }
}

static void claim_exception(lwpy_walk *walk, PyObject *object)
{
    const PyBaseExceptionObject *exception = (const PyBaseExceptionObject *)object;
    claim_word(walk, exception->args, LWPY_WORD_ARGS);
    claim_word(walk, exception->notes, LWPY_WORD_NOTES);
    claim_word(walk, exception->traceback, LWPY_WORD_TRACEBACK);
    claim_word(walk, exception->context, LWPY_WORD_CONTEXT);
    claim_word(walk, exception->cause, LWPY_WORD_CAUSE);
}

static bool is_descriptor(const PyTypeObject *type)
{
    return type == &PyMethodDescr_Type || type == &PyClassMethodDescr_Type ||
           type == &PyMemberDescr_Type || type == &PyGetSetDescr_Type ||
           type == &PyWrapperDescr_Type;
}

static void claim_known(lwpy_walk *walk, PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    if (PyCFunction_Check(object)) {
        const PyCFunctionObject *function = (const PyCFunctionObject *)object;
        claim_word(walk, function->m_self, LWPY_WORD_SELF);
        claim_word(walk, function->m_module, LWPY_WORD_MODULE);
    } else if (PyExceptionInstance_Check(object)) {
        claim_exception(walk, object);
    } else if (PyTraceBack_Check(object)) {
        const PyTracebackObject *traceback = (const PyTracebackObject *)object;
        claim_word(walk, (PyObject *)traceback->tb_next, LWPY_WORD_TB_NEXT);
        claim_word(walk, (PyObject *)traceback->tb_frame, LWPY_WORD_TB_FRAME);
    } else if (is_descriptor(type)) {
        const PyDescrObject *descriptor = (const PyDescrObject *)object;
        claim_word(walk, (PyObject *)descriptor->d_type, LWPY_WORD_OBJCLASS);
        lwpy_owned(walk, descriptor->d_name, walk->words[LWPY_WORD_NAME]);
        lwpy_owned(walk, descriptor->d_qualname, walk->words[LWPY_WORD_QUALNAME]);
    } else if (PyDict_Check(object)) {
        claim_dict(walk, object);
    } else if (PyList_Check(object) || PyTuple_Check(object)) {
        claim_items(walk, object);
    }
}

void lwpy_edges_rest(lwpy_walk *walk, PyObject *object, const lwpy_type *type)
{
    claim_known(walk, object);
    lwpy_library_edges(walk, object, type);
    for (size_t i = 0; i < walk->visited.count && !walk->failed; i++) {
        if (walk->visited.items[i])
            lwpy_walk_edge(walk, walk->visited.items[i], LW_EDGE_STRONG, type->rest_label);
    }
    walk->visited.count = 0;
}
