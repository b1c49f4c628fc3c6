/* How much lives, without where it was allocated. */
#include "base/error.h"
#include "base/structs.h"
#include "report/ourselves.h"

typedef struct view {
    lwi_out *out;
    const lw_region_stats *stats; /* NULL: none */
    lw_context_stats context;
    uint32_t modes;
    uint64_t interval;
} view;

static void put_line(const view *view, const lwi_text *item)
{
    lwi_out_item(view->out, item, 0, 2);
    lwi_out_line(view->out);
}

static void write_headline(const view *view)
{
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_put(&item, "all live blocks");
    if (view->stats && view->stats->name) {
        lwi_text_init(&item, lwi_out_ascii(view->out));
        lwi_text_put(&item, "region \"");
        lwi_text_name(&item, view->stats->name);
        lwi_text_put(&item, "\"");
    }
    lwi_out_style(view->out, LWI_HEADLINE);
    lwi_out_item(view->out, &item, 0, 0);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_text_init(&item, lwi_out_ascii(view->out));
    if (view->stats)
        lwi_text_counted(&item, view->stats->rounds, "round");
    lwi_out_item(view->out, &item, 2, 2);
    lwi_out_line(view->out);
}

static void put_peak(lwi_text *item, const lw_region_stats *stats)
{
    lwi_text_put(item, " (peak ");
    if (stats->net_peak_error)
        lwi_text_put(item, "about ");
    lwi_text_bytes_diff(item, stats->net_peak_bytes);
    lwi_put_margin(item, stats->net_peak_margin);
    if (stats->net_peak_error) {
        lwi_text_put(item, ", give or take ");
        lwi_text_bytes(item, stats->net_peak_error);
    }
    lwi_text_put(item, ")");
}

static void write_text(const view *view)
{
    const lw_region_stats *stats = view->stats;
    const lw_context_stats *context = &view->context;
    lwi_text item;
    write_headline(view);
    if (stats) {
        lwi_text_init(&item, lwi_out_ascii(view->out));
        lwi_text_put(&item, "net ");
        lwi_text_bytes_diff(&item, stats->net_bytes);
        lwi_put_margin(&item, stats->net_bytes_margin);
        put_peak(&item, stats);
        put_line(view, &item);
    }
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_put(&item, stats ? "in all domains " : "");
    lwi_put_held(&item, context->bytes, context->blocks, context->bytes_margin,
                 context->blocks_margin);
    put_line(view, &item);
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_put_trust(&item, view->modes, view->interval, context);
    lwi_put_price(&item, context);
    put_line(view, &item);
    lwi_out_style(view->out, LWI_HINT);
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_put(&item, view->modes == LW_MODES_COUNTS
                            ? "mode counts: not where it was allocated; next: mode sites or sampled"
                            : "next: a table of survivors tells where it was allocated");
    put_line(view, &item);
    lwi_out_style(view->out, LWI_PLAIN);
}

static void write_json(const view *view)
{
    lwi_json json = lwi_json_report(view->out, "totals");
    lwi_json_string(&json, "name", view->stats ? view->stats->name : NULL);
    lwi_json_stats(&json, view->stats);
    lwi_json_signed(&json, "bytes", view->context.bytes);
    lwi_json_signed(&json, "blocks", view->context.blocks);
    lwi_json_signed(&json, "bytes_margin", view->context.bytes_margin);
    lwi_json_signed(&json, "blocks_margin", view->context.blocks_margin);
    lwi_json_modes(&json, view->modes);
    lwi_json_unsigned(&json, "interval", view->interval);
    lwi_json_ourselves(&json, &view->context);
    lwi_json_report_end(&json);
}

lw_status lw_report_totals(lw_context *context, const lw_region_stats *stats,
                           const lw_report_options *options, lw_write_fn write, void *user,
                           lw_error *error)
{
    lwi_out out;
    lw_region_stats numbers;
    int32_t mode;
    view view = {.out = &out, .context = LW_CONTEXT_STATS_INIT};
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status == LW_OK)
        status = lw_context_stats_get(context, &view.context, error);
    if (status == LW_OK)
        status = lw_mode_get(context, &mode, &view.interval, error);
    if (status == LW_OK)
        status = lwi_take(&numbers, sizeof numbers, stats, "lw_region_stats", error);
    if (status != LW_OK)
        return status;
    view.stats = stats ? &numbers : NULL;
    view.modes = stats && numbers.modes ? numbers.modes : 1u << mode;
    if (lwi_out_json(&out))
        write_json(&view);
    else
        write_text(&view);
    return lwi_out_close(&out, LW_OK, error);
}
