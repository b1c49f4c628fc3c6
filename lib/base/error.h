/* Errors as values: one sentence, what and where. */
#ifndef LWI_BASE_ERROR_H
#define LWI_BASE_ERROR_H

#include <leakwatch/base.h>

#if defined(__GNUC__)
#define LWI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define LWI_PRINTF(text, first)
#endif

/* Fills `error`, if there is one, and returns `status`. */
lw_status lwi_fail(lw_error *error, lw_status status, const char *format, ...) LWI_PRINTF(3, 4);

/* LW_E_NOMEM with the usual sentence; `what` as in "a new region". */
lw_status lwi_nomem(lw_error *error, const char *what);

#endif
