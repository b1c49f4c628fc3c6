/* What stayed over several snapshots, and which reference of a path is new. */
#include "base/error.h"
#include "report/label.h"
#include "report/table.h"

enum { SHOWN = 10 };

typedef struct view {
    lwi_out *out;
    const lw_series *series;
    lw_series_info info;
    uint32_t stayed; /* rows of which anything stayed: they come first */
} view;

static lw_status get_row(const view *view, uint32_t index, lw_series_row *row, lw_error *error)
{
    *row = (lw_series_row)LW_SERIES_ROW_INIT;
    return lw_series_row_get(view->series, index, row, error);
}

enum { STAYED, SIZE, CREATED, TYPE, COLUMNS };

static lw_status series_row(const void *user, uint32_t index, lwi_text *cells, lw_error *error)
{
    lw_series_row row;
    lw_status status = get_row(user, index, &row, error);
    if (status != LW_OK)
        return status;
    lwi_text_count(&cells[STAYED], row.count);
    lwi_text_size(&cells[SIZE], row.size);
    lwi_text_count(&cells[CREATED], row.created);
    lwi_text_put(&cells[TYPE], row.approximate ? "~" : "");
    lwi_text_name(&cells[TYPE], row.name);
    return LW_OK;
}

static lw_status survey(view *view, lw_error *error)
{
    for (uint32_t i = 0; i < view->info.rows; i++) {
        lw_series_row row;
        lw_status status = get_row(view, i, &row, error);
        if (status != LW_OK)
            return status;
        view->stayed = row.count ? i + 1 : view->stayed; /* sizes may be 0 */
    }
    return LW_OK;
}

static void begin_line(const lwi_out *out, lwi_text *item)
{
    lwi_text_init(item, lwi_out_ascii(out));
}

static void write_line(lwi_out *out, const lwi_text *item, enum lwi_style style)
{
    lwi_out_style(out, style);
    lwi_out_item(out, item, 0, 2);
    lwi_out_style(out, LWI_PLAIN);
    lwi_out_line(out);
}

static void write_headline(const view *view)
{
    lwi_text item;
    begin_line(view->out, &item);
    lwi_text_put(&item, "what stayed over ");
    lwi_text_counted(&item, view->info.snapshots, "snapshot");
    lwi_out_style(view->out, LWI_HEADLINE);
    lwi_out_item(view->out, &item, 0, 0);
    lwi_out_style(view->out, LWI_PLAIN);
    begin_line(view->out, &item);
    lwi_text_count(&item, view->info.count);
    lwi_text_put(&item, " of ");
    lwi_text_counted(&item, view->info.created, "new object");
    lwi_text_put(&item, ", ");
    lwi_text_size(&item, view->info.size);
    lwi_out_item(view->out, &item, 3, 2);
    lwi_out_line(view->out);
}

static lw_status write_text(view *view, lw_error *error)
{
    const lwi_column columns[COLUMNS] = {
        [STAYED] = {.title = "stayed", .number = true},
        [SIZE] = {.title = "size", .number = true},
        [CREATED] = {.title = "new", .number = true, .optional = true},
        [TYPE] = {.title = "type"},
    };
    lwi_text item;
    lw_status status = survey(view, error);
    if (status != LW_OK)
        return status;
    uint32_t rows = lwi_out_all(view->out) ? view->info.rows : view->stayed;
    uint32_t shown = lwi_out_all(view->out) || rows <= SHOWN + 1 ? rows : SHOWN;
    const lwi_table table = {columns, COLUMNS, shown, view->info.count > 0, series_row, NULL,
                             view};
    write_headline(view);
    if (shown)
        status = lwi_table_write(view->out, &table, error);
    begin_line(view->out, &item);
    if (rows > shown) {
        lwi_text_counted(&item, rows - shown, "more type");
        write_line(view->out, &item, LWI_PLAIN);
    }
    begin_line(view->out, &item);
    if (view->info.approximate) {
        lwi_text_put(&item, "~ followed by address, which may have been reused");
        write_line(view->out, &item, LWI_PLAIN);
    }
    return status;
}

static lw_status write_json(const view *view, lw_error *error)
{
    const lw_series_info *info = &view->info;
    lwi_json json = lwi_json_report(view->out, "series");
    lwi_json_unsigned(&json, "snapshots", info->snapshots);
    lwi_json_unsigned(&json, "created", info->created);
    lwi_json_unsigned(&json, "count", info->count);
    lwi_json_unsigned(&json, "size", info->size);
    lwi_json_bool(&json, "approximate", info->approximate);
    lwi_json_array(&json, "types");
    for (uint32_t i = 0; i < info->rows && !view->out->failed; i++) {
        lw_series_row row;
        lw_status status = get_row(view, i, &row, error);
        if (status != LW_OK)
            return status;
        lwi_json_object(&json, NULL);
        lwi_json_string(&json, "type", row.name);
        lwi_json_string(&json, "runtime", row.runtime);
        lwi_json_unsigned(&json, "created", row.created);
        lwi_json_unsigned(&json, "count", row.count);
        lwi_json_unsigned(&json, "size", row.size);
        lwi_json_bool(&json, "approximate", row.approximate);
        lwi_json_object_end(&json);
    }
    lwi_json_array_end(&json);
    lwi_json_report_end(&json);
    return LW_OK;
}

lw_status lw_report_series(const lw_series *series, const lw_report_options *options,
                           lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    view view = {.out = &out, .series = series, .info = LW_SERIES_INFO_INIT};
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!series)
        return lwi_fail(error, LW_E_INVALID, "series is NULL: pass what lw_series_create() gave");
    status = lw_series_info_get(series, &view.info, error);
    if (status != LW_OK)
        return status;
    status = lwi_out_json(&out) ? write_json(&view, error) : write_text(&view, error);
    return lwi_out_close(&out, status, error);
}

/* --- the new reference of a path ----------------------------------------------------------- */

static lw_status type_of(const lw_paths *paths, lw_node node, lw_type_info *type, lw_error *error)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    *type = (lw_type_info)LW_TYPE_INFO_INIT;
    lw_status status = lw_node_info_get(lw_paths_snapshot(paths), node, &info, error);
    if (status != LW_OK)
        return status;
    return lw_snapshot_type_get(lw_paths_snapshot(paths), info.type, type, error);
}

/* "new: .kept of module holds dict; what comes before it was there" */
static lw_status step_text(lwi_out *out, const lw_paths *paths, uint32_t index,
                           const lw_new_step *new_step, lw_error *error)
{
    lwi_text item;
    lw_edge edge = LW_EDGE_INIT;
    lw_type_info from, to;
    lw_status status = lw_path_step_get(paths, index, new_step->step, &edge, error);
    if (status == LW_OK)
        status = type_of(paths, edge.from, &from, error);
    if (status == LW_OK)
        status = type_of(paths, edge.to, &to, error);
    if (status != LW_OK)
        return status;
    begin_line(out, &item);
    lwi_text_put(&item, new_step->approximate ? "new, as far as can be told: step " : "new: step ");
    lwi_text_count(&item, (uint64_t)new_step->step + 1);
    lwi_text_put(&item, ", ");
    lwi_text_name(&item, from.name);
    lwi_text_put(&item, " ");
    lwi_text_label(&item, &edge.label);
    lwi_text_put(&item, " ");
    lwi_text_sign(&item, LWI_TO);
    lwi_text_put(&item, " ");
    lwi_text_name(&item, to.name);
    lwi_text_put(&item, "; all before it was there");
    write_line(out, &item, LWI_CULPRIT);
    return LW_OK;
}

static lw_status new_text(lwi_out *out, const lw_paths *paths, uint32_t index,
                          const lw_new_step *new_step, lw_error *error)
{
    lwi_text item;
    if (new_step->state == LW_NEW_REFERENCE)
        return step_text(out, paths, index, new_step, error);
    begin_line(out, &item);
    if (new_step->state == LW_NEW_ROOT)
        lwi_text_put(&item, "new: the whole path, from its root on");
    else
        lwi_text_put(&item, new_step->approximate ? "nothing new, as far as can be told"
                                                  : "nothing new: the path was there before");
    write_line(out, &item, LWI_PLAIN);
    return LW_OK;
}

static lw_status new_json(lwi_out *out, const lw_paths *paths, uint32_t index,
                          const lw_new_step *new_step, lw_error *error)
{
    static const char *const states[] = {
        [LW_NEW_NOTHING] = "nothing", [LW_NEW_ROOT] = "root", [LW_NEW_REFERENCE] = "reference"};
    lwi_json json = lwi_json_report(out, "new_step");
    lwi_json_unsigned(&json, "index", index);
    lwi_json_string(&json, "state", states[new_step->state]);
    lwi_json_bool(&json, "approximate", new_step->approximate);
    if (new_step->state == LW_NEW_REFERENCE) {
        lw_edge edge = LW_EDGE_INIT;
        lw_type_info from, to;
        lw_status status = lw_path_step_get(paths, index, new_step->step, &edge, error);
        if (status == LW_OK)
            status = type_of(paths, edge.from, &from, error);
        if (status == LW_OK)
            status = type_of(paths, edge.to, &to, error);
        if (status != LW_OK)
            return status;
        lwi_json_unsigned(&json, "step", new_step->step);
        lwi_json_string(&json, "holder", from.name);
        lwi_json_edge_kind(&json, edge.kind);
        lwi_json_label(&json, &edge.label);
        lwi_json_string(&json, "type", to.name);
    } else {
        static const char *const none[] = {"step", "holder", "kind", "label", "type"};
        for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
            lwi_json_null(&json, none[i]);
    }
    lwi_json_report_end(&json);
    return LW_OK;
}

lw_status lw_report_new_step(const lw_paths *paths, uint32_t index, lw_snapshot *base,
                             const lw_report_options *options, lw_write_fn write, void *user,
                             lw_error *error)
{
    lwi_out out;
    lw_new_step new_step = LW_NEW_STEP_INIT;
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status == LW_OK)
        status = lw_path_new_step(paths, index, base, &new_step, error);
    if (status != LW_OK)
        return status;
    status = lwi_out_json(&out) ? new_json(&out, paths, index, &new_step, error)
                                : new_text(&out, paths, index, &new_step, error);
    return lwi_out_close(&out, status, error);
}
