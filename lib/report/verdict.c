#include "report/verdict.h"

#include "report/frame.h"
#include "report/lines.h"
#include "report/ourselves.h"

enum { EVIDENCE = 3 };

lw_verdict lwi_verdict_of(const lw_survivors *survivors)
{
    lw_verdict verdict = LW_VERDICT_INIT;
    lw_survivors_verdict_get(survivors, &verdict, NULL);
    return verdict;
}

void lwi_verdict_headline(const lw_verdict *verdict, lwi_text *item)
{
    switch (verdict->kind) {
    case LW_VERDICT_GROWS:
        lwi_text_put(item, "GROWS in ");
        lwi_text_count(item, verdict->grew);
        lwi_text_put(item, " of ");
        lwi_text_count(item, verdict->rounds);
        break;
    case LW_VERDICT_WARM_UP:
        lwi_text_put(item, "warm-up, flat since round ");
        lwi_text_count(item, verdict->since);
        break;
    case LW_VERDICT_TURNS_OVER:
        lwi_text_put(item, "flat: new replaces old");
        break;
    case LW_VERDICT_CLEAN:
        lwi_text_put(item, "clean");
        break;
    default:
        lwi_text_put(item, "cannot tell yet");
    }
}

/* "+38.6 blocks": a digit more for rates below 100. */
static void put_rate(lwi_text *item, int64_t blocks, uint64_t span)
{
    double tenths = 10.0 * (double)blocks / (double)span + 0.5;
    uint64_t rate = (uint64_t)tenths;
    lwi_text_put(item, "+");
    lwi_text_count(item, rate / 10);
    if (rate < 1000 && rate % 10) {
        lwi_text_put(item, ".");
        lwi_text_number(item, rate % 10);
    }
    lwi_text_put(item, rate == 10 ? " block" : " blocks");
}

void lwi_verdict_rate(const lw_verdict *verdict, lwi_text *item)
{
    lwi_text_bytes_diff(item,
                        (int64_t)((double)verdict->growth_bytes / (double)verdict->span + 0.5));
    lwi_text_put(item, ", ");
    put_rate(item, verdict->growth_blocks, verdict->span);
    lwi_text_put(item, " per round");
    if (verdict->since > 1) {
        lwi_text_put(item, " since round ");
        lwi_text_count(item, verdict->since);
    }
    lwi_text_put(item, " (");
    lwi_text_number(item, verdict->confidence);
    lwi_text_put(item, " % sure)");
}

static void put_blocks(lwi_text *item, int64_t least, int64_t most)
{
    lwi_text_amount(item, least);
    if (most != least) {
        lwi_text_put(item, " to ");
        lwi_text_amount(item, most);
    }
    lwi_text_put(item, most == 1 ? " block" : " blocks");
}

static void put_bytes(lwi_text *item, int64_t least, int64_t most)
{
    lwi_text_bytes(item, least);
    if (most != least) {
        lwi_text_put(item, " to ");
        lwi_text_bytes(item, most);
    }
}

void lwi_trend_text(const lw_trend *trend, lwi_text *item)
{
    uint64_t span = trend->last - trend->first + 1;
    if (trend->rounds == 0) {
        lwi_text_put(item, "in rounds that have not ended");
        return;
    }
    if (trend->rounds < span) {
        lwi_text_count(item, trend->rounds);
        lwi_text_put(item, " of ");
    }
    lwi_text_put(item, span > 1 ? "rounds " : "round ");
    lwi_text_count(item, trend->first);
    if (span > 1) {
        lwi_text_put(item, "-");
        lwi_text_count(item, trend->last);
        lwi_text_put(item, " each");
    }
    lwi_text_put(item, " left ");
    put_bytes(item, trend->min_bytes, trend->max_bytes);
    lwi_text_put(item, " in ");
    put_blocks(item, trend->min_blocks, trend->max_blocks);
}

static lw_status put_evidence(lwi_out *out, const lw_survivors *survivors, uint32_t index,
                              const lw_trend *trend, lw_error *error)
{
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    lwi_place place;
    lwi_text item;
    lw_status status = lw_survivors_row_get(survivors, index, &row, error);
    if (status == LW_OK)
        status = lwi_place_of(survivors, index, &row, &place, error);
    if (status != LW_OK)
        return status;
    lwi_text_init(&item, lwi_out_ascii(out));
    if (place.domain)
        lwi_text_name(&item, place.domain);
    else
        lwi_text_frame(&item, &place.frame);
    lwi_text_put(&item, " grows: ");
    lwi_trend_text(trend, &item);
    lwi_text_put(&item, ", never freed");
    lwi_out_style(out, LWI_CULPRIT);
    lwi_out_item(out, &item, 0, 2);
    lwi_out_style(out, LWI_PLAIN);
    lwi_out_line(out);
    return LW_OK;
}

static void put_more(lwi_out *out, uint64_t more)
{
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(out));
    lwi_text_counted(&item, more, "more call stack");
    lwi_text_put(&item, more == 1 ? " grows" : " grow");
    lwi_out_item(out, &item, 0, 2);
    lwi_out_line(out);
}

lw_status lwi_verdict_evidence(lwi_out *out, const lw_survivors *survivors, lw_error *error)
{
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    uint64_t grow = 0;
    lw_status status = lw_survivors_info_get(survivors, &info, error);
    for (uint32_t i = 0; status == LW_OK && i < info.rows; i++) {
        lw_trend trend = LW_TREND_INIT;
        status = lw_survivors_trend_get(survivors, i, &trend, error);
        if (status == LW_OK && trend.kind == LW_VERDICT_GROWS && ++grow <= EVIDENCE)
            status = put_evidence(out, survivors, i, &trend, error);
    }
    if (grow > EVIDENCE)
        put_more(out, grow - EVIDENCE);
    return status;
}

void lwi_verdict_next(const lw_verdict *verdict, lwi_text *item)
{
    switch (verdict->kind) {
    case LW_VERDICT_GROWS:
        lwi_text_put(item, "next: compare a snapshot before with one after: which objects, held by "
                           "whom");
        break;
    case LW_VERDICT_UNCLEAR:
        lwi_text_put(item, "next: about ");
        lwi_text_counted(item, verdict->more, "more round");
        lwi_text_put(item, " will tell a cache from a leak");
        break;
    default:
        lwi_text_put(item, "next: nothing grows; what stays is the price of a cache, if that is "
                           "too high");
    }
}

/* ---- JSON ---- */

void lwi_json_verdict(lwi_json *json, const lw_survivors *survivors)
{
    lw_verdict verdict = LW_VERDICT_INIT;
    if (lw_survivors_verdict_get(survivors, &verdict, NULL) != LW_OK) {
        lwi_json_null(json, "verdict");
        return;
    }
    lwi_json_object(json, "verdict");
    lwi_json_string(json, "kind", lw_verdict_name(verdict.kind));
    lwi_json_unsigned(json, "rounds", verdict.rounds);
    lwi_json_unsigned(json, "grew", verdict.grew);
    lwi_json_unsigned(json, "since", verdict.since);
    lwi_json_unsigned(json, "more", verdict.more);
    lwi_json_unsigned(json, "span", verdict.span);
    lwi_json_unsigned(json, "confidence", verdict.confidence);
    lwi_json_modes(json, verdict.modes);
    lwi_json_unsigned(json, "hidden_bytes", verdict.hidden_bytes);
    lwi_json_signed(json, "growth_bytes", verdict.growth_bytes);
    lwi_json_signed(json, "growth_blocks", verdict.growth_blocks);
    lwi_json_signed(json, "unclear_bytes", verdict.unclear_bytes);
    lwi_json_signed(json, "unclear_blocks", verdict.unclear_blocks);
    lwi_json_signed(json, "once_bytes", verdict.once_bytes);
    lwi_json_signed(json, "once_blocks", verdict.once_blocks);
    lwi_json_signed(json, "flight_bytes", verdict.flight_bytes);
    lwi_json_signed(json, "flight_blocks", verdict.flight_blocks);
    lwi_json_signed(json, "freed_bytes", verdict.freed_bytes);
    lwi_json_signed(json, "freed_blocks", verdict.freed_blocks);
    lwi_json_object_end(json);
}

static lw_status json_left(lwi_json *json, const lw_survivors *survivors, uint32_t row,
                           uint64_t rounds, lw_error *error)
{
    lw_status status = LW_OK;
    lwi_json_array(json, "left");
    for (uint64_t i = 0; status == LW_OK && !json->out->failed && i < rounds; i++) {
        lw_left left = LW_LEFT_INIT;
        status = lw_survivors_left_get(survivors, row, i, &left, error);
        lwi_json_object(json, NULL);
        lwi_json_unsigned(json, "round", left.round);
        lwi_json_signed(json, "bytes", left.bytes);
        lwi_json_signed(json, "blocks", left.blocks);
        lwi_json_object_end(json);
    }
    lwi_json_array_end(json);
    return status;
}

lw_status lwi_json_trend(lwi_json *json, const lw_survivors *survivors, uint32_t row,
                         lw_error *error)
{
    lw_trend trend = LW_TREND_INIT;
    lw_status status = lw_survivors_trend_get(survivors, row, &trend, error);
    if (status == LW_E_STATE) {
        lwi_json_null(json, "verdict");
        return LW_OK;
    }
    lwi_json_object(json, "verdict");
    lwi_json_string(json, "kind", lw_verdict_name(trend.kind));
    lwi_json_unsigned(json, "more", trend.more);
    lwi_json_unsigned(json, "confidence", trend.confidence);
    lwi_json_bool(json, "together", trend.together);
    status = json_left(json, survivors, row, trend.rounds, error);
    lwi_json_object_end(json);
    return status;
}
