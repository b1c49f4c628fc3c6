/* The collector of CPython, and what to do about things that grow. */
#ifndef LWPY_ADVICE_H
#define LWPY_ADVICE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <leakwatch.h>

/* An lw_advise_fn. */
int lwpy_advise(const lw_advice_query *query, char *text, size_t size, void *user);

/* An lw_collect_fn; runs finalizers. */
int lwpy_collect(void *user);

#endif
