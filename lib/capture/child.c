/* Capturing in a child: start, look, wait. */
#include "capture/child.h"

#include "base/error.h"
#include "base/structs.h"
#include "platform/files.h"
#include "platform/memory.h"
#include "platform/pages.h"
#include "platform/process.h"

#include <string.h>

enum { NOTHING = -1, NS_PER_MS = 1000 * 1000, BETWEEN = 100 * NS_PER_MS, MIB = 1 << 20 };

static const uint64_t TIMEOUT = UINT64_C(120) * 1000 * NS_PER_MS;

/* --- the end ------------------------------------------------------------------------------- */

/* The snapshot, or its failure, is all that stays. */
static void close_capture(lw_capture *capture)
{
    if (capture->report)
        lwi_shared_unmap(capture->report, sizeof *capture->report);
    if (capture->file != NOTHING)
        lwi_file_nameless_close(capture->file);
    capture->report = NULL;
    capture->file = NOTHING;
}

static void read_info(lw_capture *capture)
{
    lw_capture_info *info = &capture->info;
    info->process = (uint64_t)capture->child.process;
    info->reason = capture->reason;
    if (!capture->report)
        return; /* it stays as it was at the end */
    info->phase = lwi_capture_phase(capture);
    info->done = atomic_load(&capture->report->done);
    info->total = atomic_load(&capture->report->total);
}

static void finish(lw_capture *capture)
{
    read_info(capture);
    capture->info.flags |= LW_CAPTURE_DONE;
    capture->done = true;
    close_capture(capture);
}

/* A fork of the host's own has this as well, and no child to wait for. */
static bool is_ours(const lw_capture *capture)
{
    return capture->done || capture->parent == lwi_process_id();
}

/* The child has ended, or is ended now because its time is over. */
static bool settled(lw_capture *capture, uint64_t until)
{
    lwi_child_end end;
    if (capture->done || !is_ours(capture))
        return capture->done;
    until = until < capture->deadline ? until : capture->deadline;
    if (lwi_child_wait(&capture->child, until, &end)) {
        lwi_capture_conclude(capture, &end);
    } else if (lwi_time_ns() >= capture->deadline) {
        lwi_child_kill(&capture->child);
        lwi_capture_abandon(capture, false);
    } else {
        return false;
    }
    finish(capture);
    return true;
}

static void free_capture(lw_capture *capture)
{
    lwi_mem mem;
    lwi_mem_init(&mem, capture->mem.allocator, capture->mem.allocator);
    lwi_strfree(&mem, capture->directory);
    lwi_free(&mem, capture, sizeof *capture);
}

void lw_capture_release(lw_capture *capture)
{
    if (!capture)
        return;
    if (is_ours(capture))
        lwi_child_kill(&capture->child);
    else
        lwi_child_disown(&capture->child);
    close_capture(capture);
    lw_snapshot_release(capture->snapshot);
    free_capture(capture);
}

/* --- the beginning ------------------------------------------------------------------------- */

static lw_status check_memory(lw_capture *capture, lw_error *error)
{
    uint64_t own = lwi_memory_private();
    lw_capture_info *info = &capture->info;
    info->memory_left = lwi_memory_left();
    if (info->memory == 0)
        info->memory = 2 * own;
    if (info->memory <= info->memory_left)
        return LW_OK;
    return lwi_fail(error, LW_E_NOMEM,
                    "a child that captures may take %llu MiB beside the %llu MiB of this process, "
                    "and %llu MiB are left: capture in place, or state what it takes (memory)",
                    (unsigned long long)(info->memory / MIB), (unsigned long long)(own / MIB),
                    (unsigned long long)(info->memory_left / MIB));
}

static lw_status open_shared(lw_capture *capture, lw_error *error)
{
    char words[128];
    capture->report = lwi_shared_map(sizeof *capture->report);
    if (!capture->report)
        return lwi_fail(error, LW_E_UNSUPPORTED,
                        "this system has no child that can capture: capture in place");
    capture->report->error = (lw_error)LW_ERROR_INIT;
    int failed = lwi_file_nameless_open(capture->directory, &capture->file);
    if (!failed)
        return LW_OK;
    capture->file = NOTHING;
    lwi_system_words(failed, words, sizeof words);
    return lwi_fail(error, LW_E_IO, "cannot create a file for what a child captures: %s: %.120s",
                    words, capture->directory ? capture->directory : "in memory");
}

static lw_status fork_child(lw_capture *capture, lw_error *error)
{
    char words[128];
    lwi_errand errand = {lwi_capture_errand, capture, capture->file, capture->timeout_ns};
    uint64_t start = lwi_time_ns();
    capture->taken_at = lwi_clock_ns();
    int failed = lwi_child_start(&capture->child, &errand);
    uint64_t end = lwi_time_ns();
    capture->info.paused_ns = end - start;
    capture->deadline = capture->timeout_ns < UINT64_MAX - end ? end + capture->timeout_ns
                                                                : UINT64_MAX;
    if (!failed) {
        lwi_view_advance(capture->context); /* the child did so as well */
        return LW_OK;
    }
    lwi_system_words(failed, words, sizeof words);
    return lwi_fail(error, LW_E_UNSUPPORTED,
                    "the system makes no child that captures: %s: capture in place", words);
}

static lw_status start_child(lw_capture *capture, lw_error *error)
{
    lw_status status = check_memory(capture, error);
    if (status == LW_OK)
        status = open_shared(capture, error);
    if (status == LW_OK)
        status = fork_child(capture, error);
    return status;
}

static lw_status take_in_place(lw_capture *capture, const lw_error *why, lw_error *error)
{
    lwi_request request = {
        .context = capture->context, .progress = capture->progress, .user = capture->user};
    uint64_t start = lwi_time_ns();
    close_capture(capture);
    memcpy(capture->reason, why->message, sizeof capture->reason);
    lw_status status = lwi_capture_named(&request, capture->name, &capture->snapshot, error);
    capture->info.flags |= LW_CAPTURE_IN_PLACE;
    capture->info.paused_ns = lwi_time_ns() - start;
    finish(capture);
    return status;
}

/* Not inside a callback of ours; what the child must not make is made. */
static lw_status check_state(lw_context *context, lw_error *error)
{
    lwi_runtimes *runtimes = lwi_runtimes_of(context);
    if (!runtimes)
        return lwi_nomem(error, "a capture");
    lw_status status = lwi_runtimes_begin(runtimes, error);
    if (status != LW_OK)
        return status;
    lwi_runtimes_end(context, runtimes);
    return lwi_view_enter(context, error);
}

static lw_capture *new_capture(lw_context *context, const lw_capture_options *options)
{
    lwi_mem mem;
    lwi_mem_init(&mem, lwi_view_allocator(context), lwi_pages_allocator());
    lw_capture *capture = lwi_alloc(&mem, sizeof *capture);
    if (!capture)
        return NULL;
    lwi_mem_init(&capture->mem, mem.allocator, mem.allocator);
    capture->allocator = mem.allocator;
    capture->file = NOTHING;
    capture->timeout_ns = options->timeout_ns ? options->timeout_ns : TIMEOUT;
    capture->progress = options->progress;
    capture->user = options->user;
    capture->name = options->name;
    capture->context = context;
    capture->parent = lwi_process_id();
    capture->run = lwi_process_run();
    capture->info = (lw_capture_info)LW_CAPTURE_INFO_INIT;
    capture->info.memory = options->memory;
    capture->info.phase = "";
    capture->outcome = (lw_error)LW_ERROR_INIT;
    if (!options->directory || (capture->directory = lwi_strdup(&mem, options->directory)))
        return capture;
    free_capture(capture);
    return NULL;
}

static lw_status take_options(lw_context *context, const lw_capture_options *options,
                              lw_capture_options *full, lw_error *error)
{
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL: pass the context to capture");
    lw_status status = lwi_take(full, sizeof *full, options, "lw_capture_options", error);
    if (status != LW_OK)
        return status;
    if (full->flags & ~(uint32_t)LW_CAPTURE_OR_IN_PLACE)
        return lwi_fail(error, LW_E_INVALID, "lw_capture_options.flags has unknown bits: 0x%x",
                        (unsigned)full->flags);
    if (full->directory && !*full->directory)
        return lwi_fail(error, LW_E_INVALID, "lw_capture_options.directory is empty: pass NULL for "
                                             "a file in memory");
    return check_state(context, error);
}

lw_status lw_capture_start(lw_context *context, const lw_capture_options *options,
                           lw_capture **capture, lw_error *error)
{
    lw_capture_options full;
    lw_error why = LW_ERROR_INIT;
    if (!capture)
        return lwi_fail(error, LW_E_INVALID, "capture is NULL: pass where the capture shall go");
    *capture = NULL;
    lw_status status = take_options(context, options, &full, error);
    if (status != LW_OK)
        return status;
    lw_capture *made = new_capture(context, &full);
    if (!made)
        return lwi_nomem(error, "a capture");
    status = start_child(made, &why);
    if (status != LW_OK && full.flags & LW_CAPTURE_OR_IN_PLACE)
        status = take_in_place(made, &why, error);
    else if (status != LW_OK)
        lwi_fail(error, status, "%s", why.message);
    made->name = NULL;
    made->context = NULL;
    if (status == LW_OK)
        *capture = made;
    else
        lw_capture_release(made);
    return status;
}

/* --- meanwhile ----------------------------------------------------------------------------- */

static lw_status given(const lw_capture *capture, lw_error *error)
{
    if (!capture)
        return lwi_fail(error, LW_E_INVALID, "capture is NULL: start one with lw_capture_start()");
    return LW_OK;
}

lw_status lw_capture_info_get(lw_capture *capture, lw_capture_info *info, lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_capture_info", error);
    if (status == LW_OK)
        status = given(capture, error);
    if (status != LW_OK)
        return status;
    settled(capture, 0);
    read_info(capture);
    lwi_give(info, &capture->info, sizeof capture->info);
    return LW_OK;
}

/* False: he does not want it any more, and the child is ended. */
static bool wanted(lw_capture *capture)
{
    read_info(capture);
    const lw_capture_info *info = &capture->info;
    if (!capture->progress || !*info->phase ||
        capture->progress(info->phase, info->done, info->total, capture->user) == 0)
        return true;
    lwi_child_kill(&capture->child);
    lwi_capture_abandon(capture, true);
    finish(capture);
    return false;
}

static bool wait_for(lw_capture *capture, uint64_t wait_ns)
{
    uint64_t now = lwi_time_ns();
    uint64_t end = wait_ns < UINT64_MAX - now ? now + wait_ns : UINT64_MAX;
    bool over = settled(capture, wait_ns && !capture->progress ? end : 0);
    while (!over && capture->progress && wanted(capture) && (now = lwi_time_ns()) < end)
        over = settled(capture, end - now < BETWEEN ? end : now + BETWEEN);
    return capture->done;
}

lw_status lw_capture_wait(lw_capture *capture, uint64_t wait_ns, lw_snapshot **snapshot,
                          lw_error *error)
{
    if (!snapshot)
        return lwi_fail(error, LW_E_INVALID, "snapshot is NULL: pass where the snapshot shall go");
    *snapshot = NULL;
    lw_status status = given(capture, error);
    if (status != LW_OK)
        return status;
    if (!is_ours(capture))
        return lwi_fail(error, LW_E_STATE,
                        "a forked process cannot wait for what process %llu captures: capture anew",
                        (unsigned long long)capture->parent);
    if (!wait_for(capture, wait_ns))
        return lwi_fail(error, LW_E_STATE, "the child still captures, in phase \"%s\": wait again",
                        lwi_capture_phase(capture));
    if (capture->outcome.status != LW_OK)
        return lwi_fail(error, capture->outcome.status, "%s", capture->outcome.message);
    *snapshot = lw_snapshot_retain(capture->snapshot);
    return LW_OK;
}
