/* Tells a caller how far a capture has come, and hears whether he still wants it. */
#ifndef LWI_CAPTURE_PROGRESS_H
#define LWI_CAPTURE_PROGRESS_H

#include <leakwatch/base.h>
#include <stdbool.h>

typedef struct lwi_progress {
    lw_progress_fn tell; /* NULL: nobody asks */
    void *user;
    const char *phase;
    uint64_t total;
    uint64_t told_at; /* ns */
    bool stopped;     /* he does not want it any more */
} lwi_progress;

/* Both are false once the capture is to stop. */
bool lwi_progress_at(lwi_progress *progress, const char *phase, uint64_t done, uint64_t total);
bool lwi_progress_tick(lwi_progress *progress, uint64_t done); /* tells some times a second */

lw_status lwi_progress_failed(const lwi_progress *progress, const char *what, lw_error *error);

#endif
