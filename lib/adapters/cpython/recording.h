/* The recording as Python sees it: which context, since when, and the heap plugged into it. */
#ifndef LWPY_RECORDING_H
#define LWPY_RECORDING_H

#include "record.h"
#include "types.h"

#include <leakwatch/cpython.h>

/* The name of the runtime in snapshots. */
#define LWPY_RUNTIME LW_CPYTHON_RUNTIME

/* The context that is recorded to; NULL with NotRecordingError if none is. */
lw_context *lwpy_recording_required(void);

/* The number of the running recording, 0 if there is none; and when the block of an object was
 * born in it, 0 if that is not known. */
uint64_t lwpy_recording_number(void);
uint64_t lwpy_recording_epoch(PyObject *object);

/* Takes a graph of all objects; takes the quiet of its caller. */
PyObject *lwpy_recording_snapshot(const char *name);

/* A Capture, or NULL with an exception. */
PyObject *lwpy_recording_capture(const lw_capture_options *options);

bool lwpy_recording_is_hunting(void);

/* Takes the line of progress away. */
void lwpy_find_done(const lw_find_options *options);

/* Runs the hunt; not quiet, since it runs the user's work. */
PyObject *lwpy_recording_find(lw_round_fn work, void *user, const lw_find_options *options);

int lwpy_recording_start(uint32_t frames, const lwpy_mode *mode);
void lwpy_recording_stop(void);

/* Keeps the numbers of all regions, whose context is about to go. */
void lwpy_regions_freeze(void);

#endif
