/* The buffers of numpy's arrays, which come from malloc through its data handler (NEP 49). */
#ifndef LWPY_NUMPY_H
#define LWPY_NUMPY_H

#include "record.h"

enum lwpy_numpy {
    LWPY_NUMPY_ABSENT,
    LWPY_NUMPY_SEEN,   /* what the current handler hands out is recorded */
    LWPY_NUMPY_OTHER,  /* another handler has been set since we began */
    LWPY_NUMPY_UNKNOWN /* a numpy whose handlers we cannot reach */
};

/* Looks whether numpy is loaded, and puts us in front of its handlers if this is new. Runs no code
 * of the user's. */
enum lwpy_numpy lwpy_numpy_look(void);

/* A frame in this file has shown up while recording: if it is numpy's, looks again soon. Callable
 * in an event: allocates nothing. */
void lwpy_numpy_hint(const char *file);

/* Takes us away from its handlers. */
void lwpy_numpy_leave(void);

#endif
