/* host.h with the objects sections, for the heap walk: the first include of a file, since Python's
 * own headers must already know that its internals are wanted. */
#ifndef LWPY_HEAP_HOST_H
#define LWPY_HEAP_HOST_H

#ifdef Py_PYTHON_H
#error "include heap_host.h before everything else"
#endif
#define Py_BUILD_CORE
#define LWPY_HOST_OBJECTS

/* Python's internal headers are not written for -pedantic. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include "host.h"
#pragma GCC diagnostic pop

#endif
