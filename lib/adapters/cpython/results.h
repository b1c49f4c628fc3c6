/* How the result types make each other. Each takes the quiet of its caller. */
#ifndef LWPY_RESULTS_H
#define LWPY_RESULTS_H

#include "types.h"

PyObject *lwpy_region_new(PyObject *name, bool process);

/* Takes the reference to `taken`. */
PyObject *lwpy_snapshot_new(lw_snapshot *taken, uint64_t recording);

PyObject *lwpy_diff_new(lw_snapshot *base, lw_snapshot *target);
PyObject *lwpy_paths_to_object(lw_snapshot *taken, uint64_t recording, PyObject *object,
                               uint32_t limit);
PyObject *lwpy_paths_to_instances(lw_snapshot *taken, PyObject *class, uint32_t limit);

/* Paths that belong to `owner`, which they keep alive. */
PyObject *lwpy_paths_of(const lw_paths *paths, PyObject *owner);

/* Borrowed; NULL if `object` is no Snapshot. */
lw_snapshot *lwpy_snapshot_get(PyObject *object);

/* load() of the module. */
PyObject *lwpy_snapshot_load(PyObject *module, PyObject *path);

/* Takes the findings. */
PyObject *lwpy_findings_new(lw_findings *found);

/* Takes the capture. */
PyObject *lwpy_capture_new(lw_capture *capture, uint64_t recording);

/* capture() of the module. */
PyObject *lwpy_capture_start(PyObject *module, PyObject *const *args, Py_ssize_t count,
                             PyObject *keywords);

extern PyMethodDef lwpy_region_enter, lwpy_region_exit;
PyObject *lwpy_entry_new(PyTypeObject *class, PyMethodDef *method);

#endif
