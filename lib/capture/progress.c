#include "capture/progress.h"

#include "base/error.h"
#include "platform/pages.h"

enum { PAUSE_NS = 100 * 1000 * 1000 };

bool lwi_progress_at(lwi_progress *progress, const char *phase, uint64_t done, uint64_t total)
{
    if (!progress->tell || progress->stopped)
        return !progress->stopped;
    progress->phase = phase;
    progress->total = total;
    progress->stopped = progress->tell(phase, done, total, progress->user) != 0;
    progress->told_at = lwi_time_ns();
    return !progress->stopped;
}

bool lwi_progress_tick(lwi_progress *progress, uint64_t done)
{
    if (!progress->tell || progress->stopped || lwi_time_ns() - progress->told_at < PAUSE_NS)
        return !progress->stopped;
    return lwi_progress_at(progress, progress->phase, done, progress->total);
}

lw_status lwi_progress_failed(const lwi_progress *progress, const char *what, lw_error *error)
{
    if (progress->stopped)
        return lwi_fail(error, LW_E_CANCELLED, "\"%s\": the progress callback said stop",
                        progress->phase);
    return lwi_nomem(error, what);
}
