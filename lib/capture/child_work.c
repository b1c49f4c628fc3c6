/* What a child that captures does, and what its end means. */
#include "base/error.h"
#include "capture/child.h"
#include "platform/files.h"
#include "platform/pages.h"
#include "snapshot/file.h"

/* --- in the child: no memory of libc, no words of the system ------------------------------- */

static int tell(const char *phase, uint64_t done, uint64_t total, void *user)
{
    lw_capture *capture = user;
    lwi_report *report = capture->report;
    atomic_store(&report->phase, phase);
    atomic_store(&report->done, done);
    atomic_store(&report->total, total);
    lwi_child_stay_with(capture->parent);
    return 0;
}

/* The snapshot is one of the parent. */
static void adopt(lw_snapshot *snapshot, const lw_capture *capture)
{
    snapshot->run = capture->run;
    snapshot->info.process = capture->parent;
    snapshot->info.taken_at = capture->taken_at;
    snapshot->info.flags |= LW_SNAPSHOT_CHILD;
}

void lwi_capture_errand(void *user)
{
    lw_capture *capture = user;
    lwi_report *report = capture->report;
    lw_snapshot *snapshot;
    lwi_request request = {.context = capture->context,
                           .progress = tell,
                           .user = capture,
                           .allocator = lwi_pages_allocator()};
    lw_status status = lwi_capture_named(&request, capture->name, &snapshot, &report->error);
    if (status == LW_OK) {
        adopt(snapshot, capture);
        status = lwi_snapshot_put(snapshot, capture->file, tell, capture, &report->system);
    }
    report->error.status = status;
    atomic_store(&report->finished, true);
}

/* --- in the parent ------------------------------------------------------------------------- */

const char *lwi_capture_phase(const lw_capture *capture)
{
    const char *phase = capture->report ? atomic_load(&capture->report->phase) : NULL;
    return phase ? phase : "";
}

static lw_status written(lw_capture *capture, lw_error *error)
{
    const lwi_report *report = capture->report;
    char words[128];
    switch (report->error.status) {
    case LW_OK:
        return lwi_snapshot_get(capture->file, capture->allocator, &capture->snapshot, error);
    case LW_E_IO:
        lwi_system_words(report->system, words, sizeof words);
        return lwi_fail(error, LW_E_IO, "cannot write what a child captured: %s: %.120s", words,
                        capture->directory ? capture->directory : "a file in memory");
    case LW_E_NOMEM:
        return lwi_fail(error, LW_E_NOMEM, "no memory in the child that captures: there must be "
                                           "more than it was given");
    default:
        return lwi_fail(error, report->error.status, "%s", report->error.message);
    }
}

static lw_status ended(const lw_capture *capture, const lwi_child_end *end, lw_error *error)
{
    const char *phase = lwi_capture_phase(capture);
    if (end->signal)
        return lwi_fail(error, LW_E_RUNTIME,
                        "the child that captures was killed by signal %d in phase \"%s\": %s",
                        end->signal, phase,
                        end->signal == lwi_child_killer()
                            ? "by somebody, or by the system because memory ran out"
                            : "look at the enumerate of the runtimes, or capture in place");
    return lwi_fail(error, LW_E_RUNTIME,
                    "the child that captures ended by itself in phase \"%s\", with status %d: an "
                    "enumerate must not end the process",
                    phase, end->status);
}

void lwi_capture_abandon(lw_capture *capture, bool in_time)
{
    lw_error *error = &capture->outcome;
    const char *phase = lwi_capture_phase(capture);
    if (in_time)
        lwi_fail(error, LW_E_CANCELLED, "\"%s\": the progress callback said stop", phase);
    else
        lwi_fail(error, LW_E_CANCELLED,
                 "the child that captures did not finish within %llu ms and was ended in phase "
                 "\"%s\": give it more time, or see whether an enumerate waits for a lock",
                 (unsigned long long)(capture->timeout_ns / 1000000), phase);
}

void lwi_capture_conclude(lw_capture *capture, const lwi_child_end *end)
{
    lw_error *error = &capture->outcome;
    if (atomic_load(&capture->report->finished))
        error->status = written(capture, error);
    else if (end->signal && end->signal == lwi_child_alarm())
        lwi_capture_abandon(capture, false);
    else
        ended(capture, end, error);
}
