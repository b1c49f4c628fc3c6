#include "base/error.h"
#include "report/frame.h"
#include "report/table.h"

enum { SHOWN = 10 };

typedef struct view {
    lwi_out *out;
    const lw_diff *diff;
    lw_diff_info info;
    uint32_t count, shown;
    bool approximate; /* a row that is shown is */
} view;

static lw_status get_site(const view *view, uint32_t index, lw_diff_site *site, lw_error *error)
{
    *site = (lw_diff_site)LW_DIFF_SITE_INIT;
    return lw_diff_site_get(view->diff, index, site, error);
}

/* The innermost frame of the user's own code at or above `level`; none: the number of frames. */
static lw_status own_level(const view *view, uint32_t index, uint32_t frames, uint32_t *level,
                           lw_error *error)
{
    for (; *level < frames; ++*level) {
        lw_frame frame = LW_FRAME_INIT;
        lw_status status = lw_diff_site_frame_get(view->diff, index, *level, &frame, error);
        if (status != LW_OK || frame.flags & LW_FRAME_OWN)
            return status;
    }
    return LW_OK;
}

static lw_status put_frame(const view *view, uint32_t index, uint32_t level, bool function,
                           lwi_text *text, lw_error *error)
{
    lw_frame frame = LW_FRAME_INIT;
    lw_status status = lw_diff_site_frame_get(view->diff, index, level, &frame, error);
    if (status == LW_OK && function)
        lwi_text_frame(text, &frame);
    else if (status == LW_OK)
        lwi_text_place(text, &frame);
    return status;
}

static lw_status put_place(const view *view, uint32_t index, const lw_diff_site *site,
                           lwi_text *text, lw_error *error)
{
    uint32_t own = 0;
    lwi_text_put(text, site->flags & LW_SITE_APPROXIMATE ? "~" : "");
    if (site->flags & LW_SITE_BEFORE)
        lwi_text_put(text, "allocated before recording");
    else if (site->flags & LW_SITE_UNRECORDED)
        lwi_text_put(text, "allocation not recorded");
    else if (site->frames == 0)
        lwi_text_put(text, "without a stack");
    if (site->frames == 0)
        return LW_OK;
    lw_status status = own_level(view, index, site->frames, &own, error);
    uint32_t level = own < site->frames ? own : 0;
    if (status == LW_OK)
        status = put_frame(view, index, level, true, text, error);
    if (status != LW_OK || level + 1 == site->frames)
        return status;
    lwi_text_core(text);
    lwi_text_put(text, " ");
    lwi_text_sign(text, LWI_FROM);
    lwi_text_put(text, " ");
    return put_frame(view, index, level + 1, false, text, error);
}

enum { OBJECTS, BLOCKS, SIZE, PLACE, COLUMNS };

static lw_status site_row(const void *user, uint32_t row, lwi_text *cells, lw_error *error)
{
    const view *view = user;
    lw_diff_site site;
    lw_status status = get_site(view, row, &site, error);
    if (status != LW_OK)
        return status;
    lwi_text_count_diff(&cells[OBJECTS], site.count_diff);
    lwi_text_bytes_diff(&cells[BLOCKS], site.bytes_diff);
    lwi_text_bytes_diff(&cells[SIZE], site.size_diff);
    return put_place(view, row, &site, &cells[PLACE], error);
}

static lw_status frames_below(const void *user, uint32_t row, lwi_out *out, lw_error *error)
{
    const view *view = user;
    lw_diff_site site;
    lw_status status = get_site(view, row, &site, error);
    for (uint32_t level = 0; status == LW_OK && level < site.frames && !out->failed; level++) {
        lw_frame frame = LW_FRAME_INIT;
        status = lw_diff_site_frame_get(view->diff, row, level, &frame, error);
        if (status == LW_OK)
            lwi_out_frame(out, &frame, 4);
    }
    return status;
}

static void write_line(const view *view, const lwi_text *item)
{
    lwi_out_item(view->out, item, 0, 2);
    lwi_out_line(view->out);
}

static void write_headline(const view *view)
{
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_put(&item, "diff by site");
    lwi_out_style(view->out, LWI_HEADLINE);
    lwi_out_item(view->out, &item, 0, 0);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_count_diff(&item, view->info.count_diff);
    lwi_text_put(&item, " objects, ");
    lwi_text_bytes_diff(&item, view->info.size_diff);
    lwi_text_put(&item, "; ");
    lwi_text_counted(&item, view->count, "site");
    lwi_out_item(view->out, &item, 3, 2);
    lwi_out_line(view->out);
}

static lw_status survey(view *view, lw_error *error)
{
    view->count = lw_diff_site_count(view->diff);
    view->shown = lwi_out_all(view->out) || view->count <= SHOWN + 1 ? view->count : SHOWN;
    for (uint32_t i = 0; i < view->shown; i++) {
        lw_diff_site site;
        lw_status status = get_site(view, i, &site, error);
        if (status != LW_OK)
            return status;
        view->approximate |= site.flags & LW_SITE_APPROXIMATE;
    }
    return LW_OK;
}

static lw_status write_text(view *view, lw_error *error)
{
    const lwi_column columns[COLUMNS] = {
        [OBJECTS] = {.title = "objects", .number = true},
        [BLOCKS] = {.title = "blocks", .number = true},
        [SIZE] = {.title = "size", .number = true, .optional = true},
        [PLACE] = {.title = "allocated at"},
    };
    lwi_text item;
    lw_status status = survey(view, error);
    if (status != LW_OK)
        return status;
    const lwi_table table = {columns, COLUMNS, view->shown, false, site_row,
                             lwi_out_all(view->out) ? frames_below : NULL, view};
    write_headline(view);
    if (view->shown)
        status = lwi_table_write(view->out, &table, error);
    lwi_text_init(&item, lwi_out_ascii(view->out));
    if (view->count > view->shown) {
        lwi_text_counted(&item, view->count - view->shown, "more site");
        lwi_text_put(&item, " that grew less");
        write_line(view, &item);
    }
    lwi_text_init(&item, lwi_out_ascii(view->out));
    if (view->approximate) {
        lwi_text_put(&item, "~ a freelist may have handed some of these on, or only their address "
                            "is known: new and gone are not exact");
        write_line(view, &item);
    }
    return status;
}

static lw_status json_site(const view *view, lwi_json *json, uint32_t index, lw_error *error)
{
    lw_diff_site site;
    lw_status status = get_site(view, index, &site, error);
    if (status != LW_OK)
        return status;
    lwi_json_object(json, NULL);
    lwi_json_signed(json, "count_diff", site.count_diff);
    lwi_json_signed(json, "size_diff", site.size_diff);
    lwi_json_signed(json, "bytes_diff", site.bytes_diff);
    lwi_json_unsigned(json, "base_count", site.base_count);
    lwi_json_unsigned(json, "base_size", site.base_size);
    lwi_json_unsigned(json, "base_bytes", site.base_bytes);
    lwi_json_unsigned(json, "target_count", site.target_count);
    lwi_json_unsigned(json, "target_size", site.target_size);
    lwi_json_unsigned(json, "target_bytes", site.target_bytes);
    lwi_json_unsigned(json, "created", site.created);
    lwi_json_unsigned(json, "gone", site.gone);
    lwi_json_unsigned(json, "survived", site.survived);
    lwi_json_bool(json, "before_recording", site.flags & LW_SITE_BEFORE);
    lwi_json_bool(json, "unrecorded", site.flags & LW_SITE_UNRECORDED);
    lwi_json_bool(json, "approximate", site.flags & LW_SITE_APPROXIMATE);
    if (site.flags & (LW_SITE_BEFORE | LW_SITE_UNRECORDED)) {
        lwi_json_null(json, "frames");
        lwi_json_object_end(json);
        return LW_OK;
    }
    lwi_json_array(json, "frames");
    for (uint32_t level = 0; level < site.frames && !view->out->failed; level++) {
        lw_frame frame = LW_FRAME_INIT;
        status = lw_diff_site_frame_get(view->diff, index, level, &frame, error);
        if (status != LW_OK)
            return status;
        lwi_json_frame(json, &frame);
    }
    lwi_json_array_end(json);
    lwi_json_object_end(json);
    return LW_OK;
}

static lw_status write_json(const view *view, lw_error *error)
{
    lwi_json json = lwi_json_report(view->out, "sites");
    lwi_json_string(&json, "base", view->info.base_name);
    lwi_json_string(&json, "target", view->info.target_name);
    lwi_json_array(&json, "sites");
    uint32_t count = lw_diff_site_count(view->diff);
    for (uint32_t i = 0; i < count && !view->out->failed; i++) {
        lw_status status = json_site(view, &json, i, error);
        if (status != LW_OK)
            return status;
    }
    lwi_json_array_end(&json);
    lwi_json_report_end(&json);
    return LW_OK;
}

lw_status lw_report_sites(const lw_diff *diff, const lw_report_options *options,
                          lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    view view = {.out = &out, .diff = diff, .info = LW_DIFF_INFO_INIT};
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!diff)
        return lwi_fail(error, LW_E_INVALID, "diff is NULL: pass what lw_diff_create() gave");
    status = lw_diff_info_get(diff, &view.info, error);
    if (status != LW_OK)
        return status;
    status = lwi_out_json(&out) ? write_json(&view, error) : write_text(&view, error);
    return lwi_out_close(&out, status, error);
}
