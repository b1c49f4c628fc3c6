/* Other runtimes of the process, which see what we record: <leakwatch/cpython.h>. */
#ifndef LWPY_PLUGS_H
#define LWPY_PLUGS_H

#include "types.h"

/* Tells all of a new context; when one refuses, the context must go: lwpy_plugs_end() first. */
lw_status lwpy_plugs_begin(lw_context *context, lw_error *error);

/* Tells all that the context is about to go; harmless if there is none. */
void lwpy_plugs_end(void);

/* Adds the table of functions to the module; -1 with an exception. */
int lwpy_plugs_publish(PyObject *module);

#endif
