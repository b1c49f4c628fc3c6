#include "heap_walk.h"

bool lwpy_walk_is_hidden(const lwpy_walk *walk, PyObject *object)
{
    return lwpy_marks_has((lwpy_marks *)&walk->hidden, object);
}

/* Marks an object; true if it was not seen before. A pointer that cannot be an object's, such as
 * a tp_traverse of third parties may hand out, is not followed. */
static bool see(lwpy_walk *walk, PyObject *object)
{
    if (!object || (uintptr_t)object & 7)
        return false;
    int added = lwpy_marks_add(&walk->seen, object);
    if (added > 0 && walk->phase == LWPY_HIDE) {
        added = lwpy_marks_add(&walk->hidden, object);
        if (added >= 0)
            walk->failed = lw_sink_hide(walk->sink, lw_key_of(object));
    }
    if (added < 0)
        walk->failed = LWPY_NO_MEMORY;
    return added > 0 && !walk->failed;
}

void lwpy_walk_reach(lwpy_walk *walk, PyObject *object)
{
    if (see(walk, object) && !lwpy_list_push(&walk->todo, object))
        walk->failed = LWPY_NO_MEMORY;
}

static bool is_static_type(PyObject *object)
{
    return PyType_Check(object) && !(((PyTypeObject *)object)->tp_flags & Py_TPFLAGS_HEAPTYPE);
}

/* A root for what is there for ever, whoever leads to it. */
static void root_static_type(lwpy_walk *walk, PyObject *type)
{
    char name[200];
    lwpy_text_type(name, sizeof name, (PyTypeObject *)type);
    walk->failed = lw_sink_root(walk->sink, lw_key_of(type), walk->kind_static,
                                lwpy_label(walk, LW_LABEL_VARIABLE, name));
}

static void push_node(lwpy_walk *walk, PyObject *object, const lwpy_type *type)
{
    if (walk->phase == LWPY_HIDE)
        return;
    lw_key key = lw_key_of(object);
    walk->failed = lw_sink_node(walk->sink, key, type->id, lwpy_size_of(type, object));
    if (walk->failed)
        return;
    if (is_static_type(object))
        root_static_type(walk, object);
    else if (!lwpy_host_immortal(object))
        walk->failed = lw_sink_references(walk->sink, key, (uint64_t)Py_REFCNT(object));
    else if (walk->phase == LWPY_REST)
        walk->failed = lw_sink_root(walk->sink, key, walk->kind_immortal, 0);
}

bool lwpy_walk_take(lwpy_walk *walk, PyObject *object)
{
    if (walk->failed || !see(walk, object))
        return false;
    const lwpy_type *type = lwpy_walk_type(walk, Py_TYPE(object));
    if (!type)
        return false;
    push_node(walk, object, type);
    return !walk->failed;
}

static void visit(lwpy_walk *walk, PyObject *object)
{
    PyTypeObject *python_type = Py_TYPE(object);
    const lwpy_type *type = python_type ? lwpy_walk_type(walk, python_type) : NULL;
    if (!type)
        return;
    push_node(walk, object, type);
    walk->from = lw_key_of(object);
    lwpy_edges(walk, object, type);
}

static void drain(lwpy_walk *walk)
{
    while (walk->todo.count && !walk->failed)
        visit(walk, walk->todo.items[--walk->todo.count]);
}

/* A counted reference of ours to an object that is not ours. It explains the object's count and
 * is the last thing that a path should show. */
static void push_ours(lwpy_walk *walk, PyObject *to)
{
    if (lwpy_marks_has(&walk->seen, to) && !lwpy_walk_is_hidden(walk, to))
        walk->failed = lw_sink_root(walk->sink, lw_key_of(to), walk->kind_ours, 0);
}

void lwpy_walk_edge(lwpy_walk *walk, PyObject *to, int32_t kind, uint32_t label)
{
    if (walk->failed || !to || (uintptr_t)to & 7)
        return;
    if (walk->phase == LWPY_HIDE) {
        if (kind == LW_EDGE_STRONG)
            push_ours(walk, to);
    } else {
        walk->failed = lw_sink_edge(walk->sink, walk->from, lw_key_of(to), kind, label);
    }
    if (kind != LW_EDGE_WEAK)
        lwpy_walk_reach(walk, to);
    else if (walk->phase != LWPY_HIDE && !lwpy_list_push(&walk->weak, to))
        walk->failed = LWPY_NO_MEMORY;
}

void lwpy_walk_root(lwpy_walk *walk, PyObject *object, uint32_t kind, uint32_t label)
{
    if (walk->failed || !object || (uintptr_t)object & 7)
        return;
    if (walk->phase != LWPY_HIDE)
        walk->failed = lw_sink_root(walk->sink, lw_key_of(object), kind, label);
    lwpy_walk_reach(walk, object);
}

/* Our own objects are seen from the start, so that nothing is followed through them. */
static void hide_given(lwpy_walk *walk)
{
    walk->phase = LWPY_HIDE;
    for (size_t i = 0; i < walk->heap->hidden_count && !walk->failed; i++)
        see(walk, walk->heap->hidden[i]);
    walk->phase = LWPY_PUSH;
}

static void hide_reached(lwpy_walk *walk)
{
    walk->phase = LWPY_HIDE;
    for (size_t i = 0; i < walk->heap->hidden_count && !walk->failed; i++) {
        visit(walk, walk->heap->hidden[i]);
        drain(walk);
    }
    walk->phase = LWPY_PUSH;
}

/* What the collector knows and nothing leads to: garbage, or held from C only. */
static int visit_tracked(PyObject *object, void *user)
{
    lwpy_walk *walk = user;
    lwpy_walk_reach(walk, object);
    drain(walk);
    return walk->failed;
}

/* Objects that only weak references lead to live as well: something in C holds them. */
static void visit_weak(lwpy_walk *walk)
{
    for (size_t i = 0; i < walk->weak.count && !walk->failed; i++) {
        lwpy_walk_reach(walk, walk->weak.items[i]);
        drain(walk);
    }
}

/* The same for strings that C holds and the table of interned strings knows. */
static void visit_interned(lwpy_walk *walk)
{
    PyObject *interned = lwpy_host_interned(), *key, *value;
    Py_ssize_t at = 0;
    while (interned && !walk->failed && PyDict_Next(interned, &at, &key, &value)) {
        if (!lwpy_host_immortal(key))
            lwpy_walk_reach(walk, key);
        drain(walk);
    }
}

static void walk_all(lwpy_walk *walk)
{
    hide_given(walk);
    lwpy_roots(walk);
    drain(walk);
    hide_reached(walk);
    lwpy_doubts_settle(walk);
    drain(walk);
    walk->phase = LWPY_REST;
    if (!walk->failed)
        lwpy_host_tracked(visit_tracked, walk);
    visit_weak(walk);
    visit_interned(walk);
}

static void init(lwpy_walk *walk)
{
    walk->kind_module = lw_sink_root_kind(walk->sink, "module", LW_ROOT_BORROWED);
    walk->kind_static = lw_sink_root_kind(walk->sink, "static type", LW_ROOT_BORROWED);
    walk->kind_immortal = lw_sink_root_kind(walk->sink, "immortal", LW_ROOT_BORROWED);
    walk->kind_frame = lw_sink_root_kind(walk->sink, "frame", LW_ROOT_BYSTANDER);
    walk->kind_running = lw_sink_root_kind(walk->sink, "running frame",
                                           LW_ROOT_BORROWED | LW_ROOT_BYSTANDER);
    walk->kind_asker = lw_sink_root_kind(walk->sink, "asking frame", LW_ROOT_ASKER);
    walk->kind_ours = lw_sink_root_kind(walk->sink, "leakwatch", LW_ROOT_ASKER);
    lwpy_labels_init(walk);
}

/* The reason for the snapshot's caller, and the exception for Python's. */
static int out_of_memory(lw_sink *sink)
{
    PyErr_NoMemory();
    return lw_sink_fail(sink, "no memory to walk the Python heap");
}

int lwpy_heap_enumerate(lw_sink *sink, void *user)
{
    lwpy_walk *walk = lwpy_zeros(sink, sizeof *walk);
    if (!walk)
        return out_of_memory(sink);
    walk->sink = sink;
    walk->heap = user;
    walk->seen.sink = walk->hidden.sink = sink;
    walk->todo.sink = walk->weak.sink = walk->visited.sink = sink;
    init(walk);
    walk_all(walk);
    int failed = walk->failed;
    lwpy_types_free(walk);
    lwpy_marks_free(&walk->seen);
    lwpy_marks_free(&walk->hidden);
    lwpy_list_free(&walk->todo);
    lwpy_list_free(&walk->weak);
    lwpy_list_free(&walk->visited);
    lwpy_doubts_free(walk);
    lwpy_give_back(sink, walk, sizeof *walk);
    return failed == LWPY_NO_MEMORY ? out_of_memory(sink) : failed;
}
