/* Walks the heap of CPython: every object, every counted reference by name, every root. */
#ifndef LWPY_HEAP_H
#define LWPY_HEAP_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <leakwatch/runtime.h>

/* What the walk must know of us. Lives as long as the runtime; `hidden` is read in each walk. */
typedef struct lwpy_heap {
    /* Our own objects: modules of ours and results that exist now. They and what only they lead
     * to stay out of the snapshot. Borrowed; the walk changes nothing of them. */
    PyObject *const *hidden;
    size_t hidden_count;
} lwpy_heap;

/* An lw_enumerate_fn; `user` is an lwpy_heap. The caller holds the GIL, and runs it on the thread
 * of the code that asks: variables of the innermost frame that is not a hidden module's are the
 * asker's. Runs no Python code, makes no object but a number that a size is told by, collects nothing; a reference count changes only
 * where host_311.h says so (signal handlers) and comes back.
 *
 * What a call of ours holds only in C (an argument tuple, a temporary) would look like a leak from
 * C: take arguments by METH_FASTCALL or METH_O. */
int lwpy_heap_enumerate(lw_sink *sink, void *user);

/* `_heap_graph(hidden[, wanted])` and `_heap_check()` of the module: for our tests. The graph is
 * whole, or has the rows with one of a few objects. (heap_graph.c) */
PyObject *lwpy_heap_graph(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *lwpy_heap_check(PyObject *module, PyObject *unused);

#endif
