/* The modes of a recording, as Python names them. */
#ifndef LWPY_MODES_H
#define LWPY_MODES_H

#include "record.h"
#include "types.h"

/* Reads arguments `mode` and `interval`, each NULL if not given; -1 with an exception. */
int lwpy_argument_mode(PyObject *value, PyObject *interval, lwpy_mode *mode);

/* leakwatch.set_mode(), METH_FASTCALL | METH_KEYWORDS; leakwatch.mode(), METH_NOARGS. */
PyObject *lwpy_set_mode(PyObject *module, PyObject *const *args, Py_ssize_t count,
                        PyObject *keywords);
PyObject *lwpy_mode_now(PyObject *module, PyObject *unused);

#endif
