/* How the result types make each other. Each takes the quiet of its caller. */
#ifndef LWPY_RESULTS_H
#define LWPY_RESULTS_H

#include "targets.h"

PyObject *lwpy_region_new(PyObject *name, bool process);

/* Takes the reference to `taken`. */
PyObject *lwpy_snapshot_new(lw_snapshot *taken, uint64_t recording);

PyObject *lwpy_diff_new(lw_snapshot *base, lw_snapshot *target);
PyObject *lwpy_paths_find(lw_snapshot *taken, const struct lwpy_targets *targets,
                          const lw_paths_options *options);

/* Paths that belong to `owner`, which they keep alive. */
PyObject *lwpy_paths_of(const lw_paths *paths, PyObject *owner);

/* Borrowed; NULL if `object` is no Snapshot. */
lw_snapshot *lwpy_snapshot_get(PyObject *object);

/* Of a Snapshot: the recording it was taken in, 0 for a file's; and its dominator tree, which it
 * makes once and keeps: NULL with an exception. */
uint64_t lwpy_snapshot_recording(PyObject *snapshot);
lw_dominators *lwpy_snapshot_dominators(PyObject *snapshot);

/* The snapshots of a list or tuple of them, to be freed with PyMem_RawFree(); NULL with an
 * exception. */
lw_snapshot **lwpy_snapshots_of(const char *function, PyObject *sequence, Py_ssize_t *count);

/* Methods of Snapshot, by METH_FASTCALL | METH_KEYWORDS or, without arguments, METH_NOARGS. */
PyObject *lwpy_snapshot_paths_to(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *keywords);
PyObject *lwpy_snapshot_retained(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *keywords);
PyObject *lwpy_snapshot_retention(PyObject *self, PyObject *unused);
PyObject *lwpy_snapshot_referrers(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                  PyObject *keywords);
PyObject *lwpy_snapshot_cut(PyObject *self, PyObject *const *args, Py_ssize_t count,
                            PyObject *keywords);
PyObject *lwpy_snapshot_cycles(PyObject *self, PyObject *unused);

/* series() of the module. */
PyObject *lwpy_series_of(PyObject *module, PyObject *const *args, Py_ssize_t count,
                         PyObject *keywords);

/* `sites` of a Diff, and what a Path has new since the Snapshot `base`. */
PyObject *lwpy_sites_of(const lw_diff *diff, PyObject *owner);
PyObject *lwpy_new_step_of(const lw_paths *paths, uint32_t index, PyObject *path, PyObject *base);

/* Words for parts of a path: ".attribute", "module __main__", "strong", the type of a node. */
PyObject *lwpy_label_string(const lw_label *label);
PyObject *lwpy_root_string(const char *kind, const lw_label *label);
PyObject *lwpy_edge_kind(int32_t kind);
PyObject *lwpy_node_type(const lw_snapshot *taken, lw_node node); /* "" for LW_NODE_NONE */

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
