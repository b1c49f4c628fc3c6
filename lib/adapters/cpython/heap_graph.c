/* The walk as Python sees it: the graph of a snapshot node by node, and the conformance check of
 * the walk. For our tests; no part of the package's interface. */
#include "heap.h"

#include <leakwatch.h>
#include <stdbool.h>
#include <string.h>

typedef struct lwpy_graph {
    lw_snapshot *snapshot;
    PyObject *wanted; /* a list: only rows with one of these; NULL: all rows */
    PyObject *nodes, *edges;
} lwpy_graph;

static int raise_error(const lw_error *error)
{
    PyErr_SetString(PyExc_RuntimeError, error->message);
    return -1;
}

/* A context of its own, with the walk plugged in and nothing recorded. */
static lw_context *plug_in(lwpy_heap *heap, lw_runtime **runtime)
{
    lw_error error = LW_ERROR_INIT;
    lw_context *context = NULL;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "python";
    options.enumerate = lwpy_heap_enumerate;
    options.user = heap;
    lw_status status = lw_context_create(NULL, &context, &error);
    if (status == LW_OK)
        status = lw_runtime_create(context, &options, runtime, &error);
    if (status == LW_OK)
        return context;
    lw_context_release(context);
    raise_error(&error);
    return NULL;
}

static PyObject *label_of(const lw_label *label)
{
    if (label->style == -1)
        return PyLong_FromUnsignedLong(label->index);
    return PyUnicode_DecodeUTF8(label->text, (Py_ssize_t)strlen(label->text), "replace");
}

static uint64_t key_of(const lw_snapshot *snapshot, lw_node node)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_node_info_get(snapshot, node, &info, NULL);
    return info.key;
}

static bool is_wanted(const lwpy_graph *graph, uint64_t key)
{
    for (Py_ssize_t i = 0; graph->wanted && i < PyList_GET_SIZE(graph->wanted); i++) {
        if ((uint64_t)(uintptr_t)PyList_GET_ITEM(graph->wanted, i) == key)
            return true;
    }
    return !graph->wanted;
}

static int add_edge(const lw_edge *edge, void *user)
{
    lwpy_graph *graph = user;
    uint64_t from = key_of(graph->snapshot, edge->from), to = key_of(graph->snapshot, edge->to);
    if (!is_wanted(graph, from) && !is_wanted(graph, to))
        return 0;
    PyObject *row = Py_BuildValue("(KKiiN)", (unsigned long long)from, (unsigned long long)to,
                                  (int)edge->kind, (int)edge->label.style, label_of(&edge->label));
    int failed = row ? PyList_Append(graph->edges, row) : -1;
    Py_XDECREF(row);
    return failed;
}

static int add_row(lwpy_graph *graph, lw_node node)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_type_info type = LW_TYPE_INFO_INIT;
    lw_node_info_get(graph->snapshot, node, &info, NULL);
    if (!is_wanted(graph, info.key))
        return 0;
    lw_snapshot_type_get(graph->snapshot, info.type, &type, NULL);
    PyObject *key = PyLong_FromUnsignedLongLong(info.key);
    PyObject *row = Py_BuildValue("(sKKI)", type.name, (unsigned long long)info.size,
                                  (unsigned long long)info.references, (unsigned)info.flags);
    int failed = key && row ? PyDict_SetItem(graph->nodes, key, row) : -1;
    Py_XDECREF(key);
    Py_XDECREF(row);
    return failed;
}

static int add_node(lwpy_graph *graph, lw_node node)
{
    int failed = add_row(graph, node);
    if (!failed && lw_edge_each(graph->snapshot, node, add_edge, graph, NULL) != LW_OK)
        failed = -1;
    return PyErr_Occurred() ? -1 : failed;
}

static PyObject *graph_of(lw_snapshot *snapshot, PyObject *wanted)
{
    lwpy_graph graph = {snapshot, wanted, PyDict_New(), PyList_New(0)};
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(snapshot, &info, NULL);
    int failed = graph.nodes && graph.edges ? 0 : -1;
    for (lw_node node = 0; !failed && node < info.nodes; node++)
        failed = add_node(&graph, node);
    if (!failed)
        return Py_BuildValue("{s:N,s:N,s:K,s:K,s:I}", "nodes", graph.nodes, "edges", graph.edges,
                             "dangling", (unsigned long long)info.dangling, "conflicts",
                             (unsigned long long)info.conflicts, "garbage", (unsigned)info.garbage);
    Py_XDECREF(graph.nodes);
    Py_XDECREF(graph.edges);
    return NULL;
}

PyObject *lwpy_heap_graph(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    lw_error error = LW_ERROR_INIT;
    lw_runtime *runtime = NULL;
    lw_snapshot *snapshot = NULL;
    if (count < 1 || count > 2 || !PyList_Check(args[0]) || (count == 2 && !PyList_Check(args[1]))) {
        PyErr_SetString(PyExc_TypeError, "a list of objects to hide, a list of those to show");
        return NULL;
    }
    lwpy_heap heap = {((PyListObject *)args[0])->ob_item, (size_t)PyList_GET_SIZE(args[0])};
    lw_context *context = plug_in(&heap, &runtime);
    if (!context)
        return NULL;
    PyObject *graph = NULL;
    if (lw_snapshot_take(context, NULL, &snapshot, &error) == LW_OK)
        graph = graph_of(snapshot, count == 2 ? args[1] : NULL);
    else
        raise_error(&error);
    lw_snapshot_release(snapshot);
    lw_context_release(context);
    return graph;
}

static PyObject *problems_of(const lw_check *check)
{
    PyObject *rows = PyList_New(0);
    for (uint32_t i = 0; rows && i < lw_check_count(check); i++) {
        lw_problem problem = LW_PROBLEM_INIT;
        lw_check_problem_get(check, i, &problem, NULL);
        PyObject *row = Py_BuildValue("(iKKss)", (int)problem.kind, (unsigned long long)problem.count,
                                      (unsigned long long)problem.example, problem.type,
                                      problem.message);
        if (!row || PyList_Append(rows, row) < 0)
            Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

PyObject *lwpy_heap_check(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    lw_error error = LW_ERROR_INIT;
    lw_runtime *runtime = NULL;
    lw_check *check = NULL;
    lwpy_heap heap = {NULL, 0};
    lw_context *context = plug_in(&heap, &runtime);
    if (!context)
        return NULL;
    PyObject *problems = NULL;
    if (lw_runtime_check(runtime, &check, &error) == LW_OK)
        problems = problems_of(check);
    else
        raise_error(&error);
    lw_check_release(check);
    lw_context_release(context);
    return problems;
}
