/* Reading a table of survivors by round. */
#include "base/error.h"
#include "base/structs.h"
#include "record/survivors.h"

const char *lw_verdict_name(int32_t kind)
{
    switch (kind) {
    case LW_VERDICT_UNCLEAR:
        return "cannot tell yet";
    case LW_VERDICT_CLEAN:
        return "clean";
    case LW_VERDICT_WARM_UP:
        return "warm-up";
    case LW_VERDICT_TURNS_OVER:
        return "turns over";
    case LW_VERDICT_GROWS:
        return "grows";
    case LW_VERDICT_ONCE:
        return "once";
    default:
        return "unknown";
    }
}

static lw_status check_table(const lw_survivors *survivors, lw_error *error)
{
    if (!survivors)
        return lwi_fail(error, LW_E_INVALID, "survivors is NULL");
    if (survivors->by_round)
        return LW_OK;
    return lwi_fail(error, LW_E_STATE,
                    "%s has no verdict: take the survivors of a region with round 0",
                    survivors->region ? "one round" : "a table of all live blocks");
}

static lw_status row_find(const lw_survivors *survivors, uint32_t index, const lwi_row **row,
                          lw_error *error)
{
    lw_status status = check_table(survivors, error);
    if (status != LW_OK)
        return status;
    if (index >= survivors->count)
        return lwi_fail(error, LW_E_NOT_FOUND, "there is no row %u: the table has %u",
                        (unsigned)index, (unsigned)survivors->count);
    *row = &survivors->rows[index];
    return LW_OK;
}

lw_status lw_survivors_verdict_get(const lw_survivors *survivors, lw_verdict *verdict,
                                   lw_error *error)
{
    lw_status status = lwi_result_check(verdict, "lw_verdict", error);
    if (status == LW_OK)
        status = check_table(survivors, error);
    if (status == LW_OK)
        lwi_give(verdict, &survivors->verdict, sizeof *verdict);
    return status;
}

static void widen(int64_t value, bool first, int64_t *least, int64_t *most)
{
    if (first || value < *least)
        *least = value;
    if (first || value > *most)
        *most = value;
}

lw_status lw_survivors_trend_get(const lw_survivors *survivors, uint32_t index, lw_trend *trend,
                                 lw_error *error)
{
    lw_trend full = LW_TREND_INIT;
    const lwi_row *row = NULL;
    lw_status status = lwi_result_check(trend, "lw_trend", error);
    if (status == LW_OK)
        status = row_find(survivors, index, &row, error);
    if (status != LW_OK)
        return status;
    for (uint64_t i = 0; i < row->left_count; i++) {
        const lwi_left *left = &survivors->left[row->left + i];
        full.bytes += left->bytes;
        full.blocks += left->blocks;
        widen(left->bytes, i == 0, &full.min_bytes, &full.max_bytes);
        widen(left->blocks, i == 0, &full.min_blocks, &full.max_blocks);
        if (i == 0)
            full.first = left->round;
        full.last = left->round;
    }
    full.kind = row->opinion.kind;
    full.rounds = row->left_count;
    full.more = row->opinion.more;
    full.confidence = row->opinion.confidence;
    full.together = row->together;
    lwi_give(trend, &full, sizeof full);
    return LW_OK;
}

lw_status lw_survivors_left_get(const lw_survivors *survivors, uint32_t index, uint64_t number,
                                lw_left *left, lw_error *error)
{
    lw_left full = LW_LEFT_INIT;
    const lwi_row *row = NULL;
    lw_status status = lwi_result_check(left, "lw_left", error);
    if (status == LW_OK)
        status = row_find(survivors, index, &row, error);
    if (status != LW_OK)
        return status;
    if (number >= row->left_count)
        return lwi_fail(error, LW_E_NOT_FOUND, "row %u has no round %llu: %llu rounds left it",
                        (unsigned)index, (unsigned long long)number,
                        (unsigned long long)row->left_count);
    const lwi_left *found = &survivors->left[row->left + number];
    full.round = found->round;
    full.bytes = found->bytes;
    full.blocks = found->blocks;
    lwi_give(left, &full, sizeof full);
    return LW_OK;
}
