/* Modes: how much is recorded of what is allocated from now on. */
#include "base/error.h"
#include "record/context.h"
#include "record/enter.h"

#define INTERVAL_MAX (UINT64_C(1) << 40)

static lw_status mode_check(int32_t mode, uint64_t interval, lw_error *error)
{
    if (mode < LW_MODE_SITES || mode > LW_MODE_SAMPLED)
        return lwi_fail(error, LW_E_INVALID, "%d is no mode", (int)mode);
    if (mode != LW_MODE_SAMPLED && interval)
        return lwi_fail(error, LW_E_INVALID, "only mode SAMPLED has an interval");
    if (interval > INTERVAL_MAX)
        return lwi_fail(error, LW_E_INVALID, "an interval of %llu bytes is more than 2^40",
                        (unsigned long long)interval);
    return LW_OK;
}

/* Under the lock. Threads make births of the new mode as soon as they see the version. */
static void mode_change(lw_context *context, int32_t mode, uint64_t interval)
{
    if (mode == LW_MODE_SAMPLED)
        atomic_store_explicit(&context->interval, interval, memory_order_relaxed);
    atomic_store_explicit(&context->mode, mode, memory_order_release);
    atomic_fetch_add_explicit(&context->version, 1, memory_order_release);
    for (lwi_round *round = LWI_READ(context->rounds.open); round; round = round->next_open)
        lwi_round_sees(round, lwi_mode_bit(context));
}

lw_status lw_mode_set(lw_context *context, int32_t mode, uint64_t interval, lw_error *error)
{
    lwi_thread *thread;
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL");
    lw_status status = mode_check(mode, interval, error);
    if (status == LW_OK)
        status = lwi_enter(context, &thread, error);
    if (status != LW_OK)
        return status;
    if (mode != LW_MODE_COUNTS || lwi_births_counted(context))
        mode_change(context, mode, interval ? interval : LW_SAMPLE_INTERVAL);
    else
        status = lwi_nomem(error, "another mode");
    lwi_leave(thread);
    return status;
}

lw_status lw_mode_get(const lw_context *context, int32_t *mode, uint64_t *interval,
                      lw_error *error)
{
    if (mode)
        *mode = 0;
    if (interval)
        *interval = 0;
    if (!context || !mode)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL", context ? "mode" : "context");
    *mode = LWI_READ(context->mode);
    if (interval && *mode == LW_MODE_SAMPLED)
        *interval = LWI_READ(context->interval);
    return LW_OK;
}
