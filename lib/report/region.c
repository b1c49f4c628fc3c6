#include "base/error.h"
#include "base/real.h"
#include "base/structs.h"
#include "report/frame.h"
#include "report/lines.h"
#include "report/ourselves.h"
#include "report/table.h"
#include "report/verdict.h"

/* Everything a region's report is made of. */
typedef struct view {
    lwi_out *out;
    const lw_region_stats *stats; /* NULL: none */
    const lw_survivors *survivors;
    lw_survivors_info info;
    lw_verdict verdict; /* on several rounds; else of 0 rounds */
    uint64_t rounds;    /* 0: not known */
    uint32_t frames; /* of the deepest stack */
    bool truncated;  /* deeper stacks were cut */
    uint32_t shown;
    lwi_line rest; /* what the lines that are not shown hold */
    lwi_lines lines;
} view;

static void item_init(const view *view, lwi_text *item)
{
    lwi_text_init(item, lwi_out_ascii(view->out));
}

static void put_item(const view *view, const lwi_text *item)
{
    lwi_out_item(view->out, item, 3, 2);
}

static void write_headline(const view *view)
{
    lwi_text item;
    item_init(view, &item);
    if (view->info.region) {
        lwi_text_put(&item, "region \"");
        lwi_text_name(&item, view->info.region);
        lwi_text_put(&item, "\"");
    } else {
        lwi_text_put(&item, "all live blocks");
    }
    lwi_out_style(view->out, LWI_HEADLINE);
    lwi_out_item(view->out, &item, 0, 0);
    lwi_out_style(view->out, LWI_PLAIN);
    item_init(view, &item);
    if (view->stats) {
        lwi_text_counted(&item, view->rounds, "round");
        if (view->stats->open) {
            lwi_text_put(&item, ", ");
            lwi_text_count(&item, view->stats->open);
            lwi_text_put(&item, " open");
        }
    }
    lwi_out_item(view->out, &item, 2, 2);
    if (view->verdict.rounds) {
        item_init(view, &item);
        lwi_verdict_headline(&view->verdict, &item);
        lwi_out_style(view->out, LWI_HEADLINE);
        lwi_out_item(view->out, &item, 4, 2);
        lwi_out_style(view->out, LWI_PLAIN);
    }
    lwi_out_line(view->out);
}

/* A peak that is known within bounds only says both. */
static void put_peak(const view *view, lwi_text *item, int64_t bytes, int64_t error)
{
    if (error)
        lwi_text_put(item, "at least ");
    lwi_text_bytes(item, bytes);
    lwi_put_margin(item, view->stats->peak_margin);
    if (error) {
        lwi_text_put(item, ", at most ");
        lwi_text_bytes(item, error);
        lwi_text_put(item, " more");
    }
    if (view->rounds > 1)
        lwi_text_put(item, " in one round");
}

/* The net's peak may be off either way. */
static void put_net_peak(const view *view, lwi_text *item, int64_t bytes, int64_t error)
{
    if (error)
        lwi_text_put(item, "about ");
    lwi_text_bytes_diff(item, bytes);
    lwi_put_margin(item, view->stats->net_peak_margin);
    if (error) {
        lwi_text_put(item, ", give or take ");
        lwi_text_bytes(item, error);
    }
    if (view->rounds > 1)
        lwi_text_put(item, " in one round");
}


static void write_stats(const view *view)
{
    const lw_region_stats *stats = view->stats;
    lwi_text item;
    item_init(view, &item);
    lwi_text_put(&item, "current ");
    lwi_put_held(&item, stats->current_bytes, stats->current_blocks, stats->current_bytes_margin,
                 stats->current_blocks_margin);
    put_item(view, &item);

    item_init(view, &item);
    lwi_text_put(&item, "peak ");
    put_peak(view, &item, stats->peak_bytes, stats->peak_error);
    put_item(view, &item);

    item_init(view, &item);
    lwi_text_put(&item, "net ");
    lwi_text_bytes_diff(&item, stats->net_bytes);
    lwi_put_margin(&item, stats->net_bytes_margin);
    if (stats->net_peak_bytes != stats->peak_bytes ||
        stats->net_peak_error != stats->peak_error) {
        lwi_text_put(&item, " (peak ");
        put_net_peak(view, &item, stats->net_peak_bytes, stats->net_peak_error);
        lwi_text_put(&item, ")");
    }
    put_item(view, &item);

    if (!stats->open && stats->at_end_bytes != stats->current_bytes) {
        item_init(view, &item);
        lwi_text_put(&item, view->rounds > 1 ? "at their ends " : "at its end ");
        lwi_put_held(&item, stats->at_end_bytes, stats->at_end_blocks, stats->at_end_bytes_margin,
                     stats->at_end_blocks_margin);
        put_item(view, &item);
    }
    if (view->verdict.kind == LW_VERDICT_GROWS) {
        item_init(view, &item);
        lwi_verdict_rate(&view->verdict, &item);
        put_item(view, &item);
    }
    lwi_out_line(view->out);
}

static void write_sum(const view *view)
{
    lwi_text item;
    item_init(view, &item);
    lwi_put_held(&item, view->info.bytes, view->info.blocks, view->info.bytes_margin,
                 view->info.blocks_margin);
    put_item(view, &item);
    lwi_out_line(view->out);
}

static bool has_rate(const view *view)
{
    return view->rounds > 1;
}

/* An amount, with the squares of its margins, which add up where they do not. */
static void put_numbers(const view *view, const lwi_line *amount, lwi_text *cells)
{
    int64_t bytes = amount->bytes;
    lwi_text_bytes(&cells[1], bytes);
    lwi_put_margin(&cells[1], (int64_t)(lwi_real_root(amount->bytes_square) + 0.5));
    lwi_text_amount(&cells[2], amount->blocks);
    lwi_put_blocks_margin(&cells[2], (int64_t)(lwi_real_root(amount->blocks_square) + 0.5));
    if (has_rate(view))
        lwi_text_bytes(&cells[3], view->rounds > INT64_MAX ? 0 : bytes / (int64_t)view->rounds);
}

static lwi_line amount_of(const lw_survivors_row *row)
{
    double bytes = (double)row->bytes_margin, blocks = (double)row->blocks_margin;
    return (lwi_line){.bytes = row->bytes, .blocks = row->blocks, .bytes_square = bytes * bytes,
                      .blocks_square = blocks * blocks};
}

/* Where the heaviest row of a line was taken, and how much of the line that is. */
static lw_status put_taken(const view *view, uint32_t index, const lw_survivors_row *row,
                           const lwi_line *line, lwi_text *cell, lw_error *error)
{
    lw_frame frame = LW_FRAME_INIT;
    if (row->frames == 0) {
        lwi_text_put(cell, "no stack");
        return LW_OK;
    }
    if (row->own_frame >= row->frames) {
        lwi_text_put(cell, "no line of yours");
        if (row->truncated) {
            lwi_text_put(cell, " in ");
            lwi_text_counted(cell, row->frames, "frame");
        }
        return LW_OK;
    }
    if (row->own_frame == 0) {
        lwi_text_put(cell, "here");
    } else {
        lw_status status = lw_survivors_frame_get(view->survivors, index, 0, &frame, error);
        if (status != LW_OK)
            return status;
        lwi_text_place(cell, &frame);
    }
    lwi_text_core(cell);
    if (line && line->taken_bytes < line->bytes && line->bytes > 0) {
        uint64_t percent = (uint64_t)(100.0 * (double)line->taken_bytes / (double)line->bytes);
        lwi_text_put(cell, percent ? " (" : " (under ");
        lwi_text_number(cell, percent ? percent : 1);
        lwi_text_put(cell, " %)");
    }
    return LW_OK;
}

static lw_status put_row(const view *view, uint32_t index, const lwi_line *line, lwi_text *cells,
                         lw_error *error)
{
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    lwi_place place;
    lw_status status = lw_survivors_row_get(view->survivors, index, &row, error);
    if (status == LW_OK)
        status = lwi_place_of(view->survivors, index, &row, &place, error);
    if (status != LW_OK)
        return status;
    if (place.domain)
        lwi_text_name(&cells[0], place.domain);
    else
        lwi_text_frame(&cells[0], &place.frame);
    const lwi_line amount = line ? *line : amount_of(&row);
    put_numbers(view, &amount, cells);
    return put_taken(view, index, &row, line, &cells[4], error);
}

static lw_status line_row(const void *user, uint32_t row, lwi_text *cells, lw_error *error)
{
    const view *view = user;
    if (row < view->shown)
        return put_row(view, view->lines.line[row].row, &view->lines.line[row], cells, error);
    lwi_text_put(&cells[0], view->lines.more ? "over " : "+");
    lwi_text_counted(&cells[0], view->lines.count - view->shown, "more line");
    put_numbers(view, &view->rest, cells);
    return LW_OK;
}

static lw_status site_row(const void *user, uint32_t row, lwi_text *cells, lw_error *error)
{
    return put_row(user, row, NULL, cells, error);
}

static lw_status site_rounds(const view *view, uint32_t row, lw_error *error)
{
    lw_trend trend = LW_TREND_INIT;
    lwi_text item;
    lw_status status = lw_survivors_trend_get(view->survivors, row, &trend, error);
    item_init(view, &item);
    if (trend.rounds) {
        lwi_text_put(&item, lw_verdict_name(trend.kind));
        lwi_text_put(&item, ": ");
    }
    lwi_trend_text(&trend, &item);
    lwi_out_item(view->out, &item, 0, 6);
    lwi_out_line(view->out);
    return status;
}

static lw_status site_stack(const void *user, uint32_t row, lwi_out *out, lw_error *error)
{
    const view *view = user;
    lw_survivors_row info = LW_SURVIVORS_ROW_INIT;
    lw_status status = lw_survivors_row_get(view->survivors, row, &info, error);
    for (uint32_t level = 0; status == LW_OK && level < info.frames; level++) {
        lw_frame frame = LW_FRAME_INIT;
        status = lw_survivors_frame_get(view->survivors, row, level, &frame, error);
        if (status == LW_OK)
            lwi_out_frame(out, &frame, 6);
    }
    if (status == LW_OK && info.truncated) {
        lwi_out_put(out, "      (deeper frames were not recorded)");
        lwi_out_line(out);
    }
    if (status == LW_OK && view->verdict.rounds)
        status = site_rounds(view, row, error);
    return status;
}

static lw_status write_table(const view *view, lw_error *error)
{
    const bool all = lwi_out_all(view->out);
    const lwi_column columns[] = {
        {.title = all ? "survivors, by call stack" : "survivors, by your line"},
        {.title = "bytes", .number = true},
        {.title = "blocks", .number = true},
        {.title = "per round", .number = true, .optional = true, .hidden = !has_rate(view)},
        {.title = "taken in", .optional = true},
    };
    lwi_table table = {columns, 5, view->info.rows, true, site_row, site_stack, view};
    if (!all) {
        table.row = line_row;
        table.below = NULL;
        table.rows = view->shown + (view->lines.count > view->shown);
    }
    return lwi_table_write(view->out, &table, error);
}

static lw_status find_lines(view *view, lw_error *error)
{
    lw_status status = lwi_lines_find(&view->lines, view->survivors, error);
    view->shown = view->lines.shown;
    double bytes = (double)view->info.bytes_margin, blocks = (double)view->info.blocks_margin;
    view->rest = (lwi_line){.bytes = view->info.bytes, .blocks = view->info.blocks,
                            .bytes_square = bytes * bytes, .blocks_square = blocks * blocks};
    for (uint32_t i = 0; i < view->shown; i++) {
        view->rest.bytes -= view->lines.line[i].bytes;
        view->rest.blocks -= view->lines.line[i].blocks;
        view->rest.bytes_square -= view->lines.line[i].bytes_square;
        view->rest.blocks_square -= view->lines.line[i].blocks_square;
    }
    return status;
}

static lw_status measure_stacks(view *view, lw_error *error)
{
    for (uint32_t i = 0; i < view->info.rows; i++) {
        lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
        lw_status status = lw_survivors_row_get(view->survivors, i, &row, error);
        if (status != LW_OK)
            return status;
        view->truncated |= row.truncated != 0;
        if (view->frames < row.frames)
            view->frames = row.frames;
    }
    return LW_OK;
}

/* How far the numbers can be trusted, and at what price. */
static void write_footer(const view *view)
{
    const lw_context_stats ourselves = lwi_ourselves_of(&view->info);
    lwi_text item;
    item_init(view, &item);
    lwi_put_trust(&item, view->stats ? view->stats->modes : view->info.modes, view->info.interval,
                  &ourselves);
    if (view->frames) {
        lwi_text_put(&item, view->truncated ? ", stacks cut at " : ", stacks up to ");
        lwi_text_counted(&item, view->frames, "frame");
    }
    lwi_put_price(&item, &ourselves);
    lwi_out_item(view->out, &item, 0, 2);
    lwi_out_line(view->out);
    if (view->info.counted_blocks == 0)
        return;
    item_init(view, &item);
    lwi_put_held(&item, view->info.counted_bytes, view->info.counted_blocks, 0, 0);
    lwi_text_put(&item, " more, of the whole process, were allocated in mode counts: where is not "
                        "known");
    lwi_out_item(view->out, &item, 0, 2);
    lwi_out_line(view->out);
}

/* What a verdict on samples cannot see. */
static void write_caveat(const view *view)
{
    lwi_text item;
    if (!view->verdict.rounds || !view->verdict.hidden_bytes)
        return;
    item_init(view, &item);
    lwi_text_put(&item, "a leak of up to ");
    lwi_text_size(&item, view->verdict.hidden_bytes);
    lwi_text_put(&item, " in all may have left no sample");
    lwi_out_item(view->out, &item, 0, 2);
    lwi_out_line(view->out);
}

static void write_next(const view *view)
{
    lwi_text item;
    item_init(view, &item);
    if (view->info.rows == 0)
        return;
    if (view->verdict.rounds)
        lwi_verdict_next(&view->verdict, &item);
    else if (!view->info.region)
        lwi_text_put(&item, "next: mark a region around work that should leave nothing behind");
    else
        lwi_text_put(&item, "next: one round cannot tell a cache from a leak: run it again and "
                            "compare");
    lwi_out_style(view->out, LWI_HINT);
    lwi_out_item(view->out, &item, 0, 2);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_out_line(view->out);
}

static lw_status write_text(view *view, lw_error *error)
{
    lw_status status = measure_stacks(view, error);
    if (status == LW_OK && !lwi_out_all(view->out))
        status = find_lines(view, error);
    if (status != LW_OK)
        return status;
    write_headline(view);
    if (view->stats)
        write_stats(view);
    else
        write_sum(view);
    if (view->verdict.kind == LW_VERDICT_GROWS)
        status = lwi_verdict_evidence(view->out, view->survivors, error);
    if (status != LW_OK)
        return status;
    if (view->info.rows) {
        status = write_table(view, error);
    } else {
        lwi_out_put(view->out, "  nothing survives");
        lwi_out_line(view->out);
    }
    if (status != LW_OK)
        return status;
    write_footer(view);
    write_caveat(view);
    write_next(view);
    return LW_OK;
}

/* What a round's own blocks hold is not known from counts alone. */
static void json_known(lwi_json *json, const char *key, const lw_region_stats *stats,
                       int64_t value)
{
    if (stats->modes == LW_MODES_COUNTS)
        lwi_json_null(json, key);
    else
        lwi_json_signed(json, key, value);
}

void lwi_json_stats(lwi_json *json, const lw_region_stats *stats)
{
    if (!stats) {
        lwi_json_null(json, "stats");
        return;
    }
    lwi_json_object(json, "stats");
    lwi_json_unsigned(json, "rounds", stats->rounds);
    lwi_json_unsigned(json, "open", stats->open);
    json_known(json, "current_bytes", stats, stats->current_bytes);
    json_known(json, "current_blocks", stats, stats->current_blocks);
    json_known(json, "peak_bytes", stats, stats->peak_bytes);
    json_known(json, "peak_error", stats, stats->peak_error);
    json_known(json, "at_end_bytes", stats, stats->at_end_bytes);
    json_known(json, "at_end_blocks", stats, stats->at_end_blocks);
    lwi_json_signed(json, "net_bytes", stats->net_bytes);
    lwi_json_signed(json, "net_blocks", stats->net_blocks);
    lwi_json_signed(json, "net_peak_bytes", stats->net_peak_bytes);
    lwi_json_signed(json, "net_peak_error", stats->net_peak_error);
    lwi_json_modes(json, stats->modes);
    lwi_json_signed(json, "current_bytes_margin", stats->current_bytes_margin);
    lwi_json_signed(json, "current_blocks_margin", stats->current_blocks_margin);
    lwi_json_signed(json, "peak_margin", stats->peak_margin);
    lwi_json_signed(json, "at_end_bytes_margin", stats->at_end_bytes_margin);
    lwi_json_signed(json, "at_end_blocks_margin", stats->at_end_blocks_margin);
    lwi_json_signed(json, "net_bytes_margin", stats->net_bytes_margin);
    lwi_json_signed(json, "net_blocks_margin", stats->net_blocks_margin);
    lwi_json_signed(json, "net_peak_margin", stats->net_peak_margin);
    lwi_json_object_end(json);
}

static lw_status json_row(lwi_json *json, const lw_survivors *survivors, uint32_t index,
                          lw_error *error)
{
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    lw_status status = lw_survivors_row_get(survivors, index, &row, error);
    if (status != LW_OK)
        return status;
    lwi_json_object(json, NULL);
    lwi_json_signed(json, "bytes", row.bytes);
    lwi_json_signed(json, "blocks", row.blocks);
    lwi_json_signed(json, "bytes_margin", row.bytes_margin);
    lwi_json_signed(json, "blocks_margin", row.blocks_margin);
    lwi_json_unsigned(json, "samples", row.samples);
    lwi_json_string(json, "domain", row.domain);
    if (row.own_frame < row.frames)
        lwi_json_unsigned(json, "own_frame", row.own_frame);
    else
        lwi_json_null(json, "own_frame");
    lwi_json_bool(json, "truncated", row.truncated);
    status = lwi_json_trend(json, survivors, index, error);
    lwi_json_array(json, "frames");
    for (uint32_t level = 0; status == LW_OK && level < row.frames; level++) {
        lw_frame frame = LW_FRAME_INIT;
        status = lw_survivors_frame_get(survivors, index, level, &frame, error);
        if (status == LW_OK)
            lwi_json_frame(json, &frame);
    }
    lwi_json_array_end(json);
    lwi_json_object_end(json);
    return status;
}

static lw_status write_json(const view *view, lw_error *error)
{
    lw_status status = LW_OK;
    lwi_json json = lwi_json_report(view->out, "region");
    lwi_json_string(&json, "name", view->info.region);
    lwi_json_stats(&json, view->stats);
    lwi_json_verdict(&json, view->survivors);
    lwi_json_signed(&json, "bytes", view->info.bytes);
    lwi_json_signed(&json, "blocks", view->info.blocks);
    lwi_json_signed(&json, "bytes_margin", view->info.bytes_margin);
    lwi_json_signed(&json, "blocks_margin", view->info.blocks_margin);
    lwi_json_modes(&json, view->info.modes);
    lwi_json_unsigned(&json, "interval", view->info.interval);
    lwi_json_signed(&json, "counted_bytes", view->info.counted_bytes);
    lwi_json_signed(&json, "counted_blocks", view->info.counted_blocks);
    const lw_context_stats ourselves = lwi_ourselves_of(&view->info);
    lwi_json_ourselves(&json, &ourselves);
    lwi_json_array(&json, "survivors");
    for (uint32_t i = 0; status == LW_OK && !view->out->failed && i < view->info.rows; i++)
        status = json_row(&json, view->survivors, i, error);
    lwi_json_array_end(&json);
    lwi_json_report_end(&json);
    return status;
}

lw_status lw_report_region(const lw_region_stats *stats, const lw_survivors *survivors,
                           const lw_report_options *options, lw_write_fn write, void *user,
                           lw_error *error)
{
    lwi_out out;
    lw_region_stats numbers;
    view view = {.out = &out, .survivors = survivors, .info = LW_SURVIVORS_INFO_INIT};
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!survivors)
        return lwi_fail(error, LW_E_INVALID,
                        "survivors is NULL: pass what lw_survivors_take() gave");
    status = lwi_take(&numbers, sizeof numbers, stats, "lw_region_stats", error);
    if (status == LW_OK)
        status = lw_survivors_info_get(survivors, &view.info, error);
    if (status != LW_OK)
        return status;
    if (stats) {
        view.stats = &numbers;
        view.rounds = numbers.rounds;
    }
    view.verdict = lwi_verdict_of(survivors);
    if (view.verdict.rounds < 2) /* one round tells nothing of others */
        view.verdict = (lw_verdict)LW_VERDICT_INIT;
    status = lwi_out_json(&out) ? write_json(&view, error) : write_text(&view, error);
    return lwi_out_close(&out, status, error);
}
