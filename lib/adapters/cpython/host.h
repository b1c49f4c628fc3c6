/* What the adapter reads of CPython beyond its public interface: one file per version, nowhere
 * else. */
#ifndef LWPY_HOST_H
#define LWPY_HOST_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#if PY_VERSION_HEX < 0x030B0000
#error "leakwatch needs CPython 3.11 or later"
#elif PY_VERSION_HEX < 0x030C0000
#include "host_311.h"
#elif PY_VERSION_HEX < 0x030D0000
#include "host_312.h"
#elif PY_VERSION_HEX < 0x030E0000
#include "host_313.h"
#else
#error "this CPython is newer than leakwatch: write its host_3xx.h (see docs/)"
#endif

#endif
