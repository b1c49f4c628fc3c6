/* find_leaks() and findings() of the module. */
#ifndef LWPY_FIND_H
#define LWPY_FIND_H

#include "types.h"

PyObject *lwpy_find_leaks(PyObject *module, PyObject *const *args, Py_ssize_t count,
                          PyObject *keywords);
PyObject *lwpy_findings_of(PyObject *module, PyObject *const *args, Py_ssize_t count,
                           PyObject *keywords);

#endif
