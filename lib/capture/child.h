/* A capture in a child: what both processes see of it, and what becomes of it. */
#ifndef LWI_CAPTURE_CHILD_H
#define LWI_CAPTURE_CHILD_H

#include "capture/build.h"
#include "platform/child.h"

#include <leakwatch/capture.h>

/* Written by the child, in memory that is shared. */
typedef struct lwi_report {
    _Atomic bool finished;         /* what follows is its last word */
    _Atomic(const char *) phase;   /* a static string, at the same place in both */
    _Atomic uint64_t done, total;
    lw_error error; /* status LW_OK: the file holds a snapshot */
    int system;     /* the system's error number with LW_E_IO */
} lwi_report;

struct lw_capture {
    lwi_mem mem;
    lw_allocator allocator; /* of the snapshot; the child's own memory comes from pages */
    lwi_child child;
    lwi_report *report; /* NULL: captured in place */
    int file;           /* -1: none */
    uint64_t deadline;
    uint64_t timeout_ns;
    lw_progress_fn progress;
    void *user;
    const char *name;  /* until the start is over */
    char *directory;   /* NULL: the file is in memory */
    lw_context *context; /* until the start is over */
    uint64_t parent, run, taken_at;
    lw_capture_info info;
    bool done;
    lw_error outcome; /* once it is done */
    lw_snapshot *snapshot;
    char reason[sizeof((lw_error *)0)->message];
};

/* In the child, all of it: the errand of `user`, an lw_capture. */
void lwi_capture_errand(void *user);

/* Once the child has ended like this: sets the outcome. */
void lwi_capture_conclude(lw_capture *capture, const lwi_child_end *end);

/* Once the child has been ended by us: `why` is the outcome's status. */
void lwi_capture_abandon(lw_capture *capture, bool in_time);

/* What its last known phase is. */
const char *lwi_capture_phase(const lw_capture *capture);

#endif
