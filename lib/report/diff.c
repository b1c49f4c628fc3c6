#include "base/error.h"
#include "report/json.h"
#include "report/table.h"

#include <string.h>

enum { GROWN_SHOWN = 10, SHRUNK_SHOWN = 3 };

/* Rows come with most growth first, so those that grew are in front, those that shrank at the end
 * and those that stayed as they were between them. */
typedef struct view {
    lwi_out *out;
    const lw_diff *diff;
    lw_diff_info info;
    uint32_t grown;
    uint32_t shrunk;
    uint32_t grown_shown;
    uint32_t shrunk_shown;
    bool approximate; /* a row that is shown is */
    bool runtimes;    /* there are several */
    uint32_t culprit; /* the row to ask for paths next, UINT32_MAX for none: the first that grew
                         and of whose objects it is certain which are new, else the first */
    struct rest {
        int64_t count;
        int64_t size;
    } grown_rest, shrunk_rest;
} view;

static lw_status get_row(const view *view, uint32_t index, lw_diff_row *row, lw_error *error)
{
    *row = (lw_diff_row)LW_DIFF_ROW_INIT;
    return lw_diff_row_get(view->diff, index, row, error);
}

static bool grew(const lw_diff_row *row)
{
    return row->size_diff > 0 || (row->size_diff == 0 && row->count_diff > 0);
}

static bool shrank(const lw_diff_row *row)
{
    return row->size_diff < 0 || (row->size_diff == 0 && row->count_diff < 0);
}

/* A line that stands for a single type would be no shorter than the type itself. */
static uint32_t shown_of(uint32_t rows, uint32_t most)
{
    return rows > most + 1 ? most : rows;
}

static void add(struct rest *rest, const lw_diff_row *row)
{
    rest->count += row->count_diff;
    rest->size += row->size_diff;
}

static lw_status survey(view *view, lw_error *error)
{
    lw_diff_row row;
    const char *runtime = NULL;
    bool certain = false;
    view->culprit = UINT32_MAX;
    for (uint32_t i = 0; i < view->info.rows; i++) {
        lw_status status = get_row(view, i, &row, error);
        if (status != LW_OK)
            return status;
        view->grown += grew(&row);
        view->shrunk += shrank(&row);
        if (grew(&row) && row.created && !certain &&
            (view->culprit == UINT32_MAX || !row.approximate)) {
            view->culprit = i;
            certain = !row.approximate;
        }
        view->runtimes |= runtime && strcmp(runtime, row.runtime) != 0;
        runtime = row.runtime;
    }
    view->grown_shown = shown_of(view->grown, GROWN_SHOWN);
    view->shrunk_shown = shown_of(view->shrunk, SHRUNK_SHOWN);
    for (uint32_t i = 0; i < view->info.rows; i++) {
        lw_status status = get_row(view, i, &row, error);
        if (status != LW_OK)
            return status;
        bool in_front = i < view->grown_shown;
        bool at_end = i >= view->info.rows - view->shrunk_shown;
        view->approximate |= row.approximate && (in_front || at_end || lwi_out_all(view->out));
        if (grew(&row) && !in_front)
            add(&view->grown_rest, &row);
        else if (shrank(&row) && !at_end)
            add(&view->shrunk_rest, &row);
    }
    return LW_OK;
}

static void write_headline(const view *view)
{
    const lw_diff_info *info = &view->info;
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_put(&item, "diff");
    if (info->base_name[0] || info->target_name[0]) {
        lwi_text_put(&item, " ");
        lwi_text_name(&item, info->base_name[0] ? info->base_name : "(unnamed)");
        lwi_text_put(&item, " ");
        lwi_text_sign(&item, LWI_TO);
        lwi_text_put(&item, " ");
        lwi_text_name(&item, info->target_name[0] ? info->target_name : "(unnamed)");
    }
    lwi_out_style(view->out, LWI_HEADLINE);
    lwi_out_item(view->out, &item, 0, 0);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_text_init(&item, lwi_out_ascii(view->out));
    if (view->grown || view->shrunk) {
        lwi_text_count_diff(&item, info->count_diff);
        lwi_text_put(&item, info->count_diff == 1 || info->count_diff == -1 ? " object, "
                                                                            : " objects, ");
        lwi_text_bytes_diff(&item, info->size_diff);
        lwi_text_put(&item, "; ");
        lwi_text_counted(&item, view->grown ? view->grown : view->shrunk, "type");
        lwi_text_put(&item, view->grown ? " grew" : " shrank");
        if (view->grown && view->shrunk) {
            lwi_text_put(&item, ", ");
            lwi_text_count(&item, view->shrunk);
            lwi_text_put(&item, " shrank");
        }
    } else if (info->created || info->gone) {
        lwi_text_put(&item, "no growth: as many objects gone as new, ");
        lwi_text_count(&item, info->created);
    } else {
        lwi_text_put(&item, "no change");
    }
    lwi_out_item(view->out, &item, 3, 2);
    lwi_out_line(view->out);
}

enum { OBJECTS, SIZE, NEW, GONE, RUNTIME, TYPE, COLUMNS };

static void put_type(const lw_diff_row *row, lwi_text *cell)
{
    lwi_text_put(cell, row->approximate ? "~" : "");
    lwi_text_name(cell, row->name);
    if (row->types > 1) {
        lwi_text_put(cell, " (");
        lwi_text_counted(cell, row->types, "type");
        lwi_text_put(cell, " of this name)");
    }
}

static lw_status put_row(const view *view, uint32_t index, lwi_text *cells, lw_error *error)
{
    lw_diff_row row;
    lw_status status = get_row(view, index, &row, error);
    if (status != LW_OK)
        return status;
    lwi_text_count_diff(&cells[OBJECTS], row.count_diff);
    lwi_text_bytes_diff(&cells[SIZE], row.size_diff);
    lwi_text_count(&cells[NEW], row.created);
    lwi_text_count(&cells[GONE], row.gone);
    lwi_text_name(&cells[RUNTIME], row.runtime);
    put_type(&row, &cells[TYPE]);
    return LW_OK;
}

static void put_rest(const struct rest *rest, uint32_t types, const char *what, lwi_text *cells)
{
    lwi_text_count_diff(&cells[OBJECTS], rest->count);
    lwi_text_bytes_diff(&cells[SIZE], rest->size);
    lwi_text_count(&cells[TYPE], types);
    lwi_text_put(&cells[TYPE], what);
}

static lw_status short_row(const void *user, uint32_t row, lwi_text *cells, lw_error *error)
{
    const view *view = user;
    if (row < view->grown_shown)
        return put_row(view, row, cells, error);
    row -= view->grown_shown;
    if (view->grown > view->grown_shown && row-- == 0) {
        put_rest(&view->grown_rest, view->grown - view->grown_shown, " more types that grew",
                 cells);
        return LW_OK;
    }
    if (row < view->shrunk_shown)
        return put_row(view, view->info.rows - 1 - row, cells, error);
    put_rest(&view->shrunk_rest, view->shrunk - view->shrunk_shown, " more types that shrank",
             cells);
    return LW_OK;
}

static lw_status full_row(const void *user, uint32_t row, lwi_text *cells, lw_error *error)
{
    return put_row(user, row, cells, error);
}

static lw_status write_table(const view *view, lw_error *error)
{
    const bool all = lwi_out_all(view->out);
    const lwi_column columns[COLUMNS] = {
        [OBJECTS] = {.title = "objects", .number = true},
        [SIZE] = {.title = "size", .number = true},
        [NEW] = {.title = "new", .number = true, .optional = true, .hidden = !all},
        [GONE] = {.title = "gone", .number = true, .optional = true, .hidden = !all},
        [RUNTIME] = {.title = "runtime", .optional = true, .hidden = !view->runtimes},
        [TYPE] = {.title = "type"},
    };
    lwi_table table = {columns, COLUMNS, view->info.rows, view->grown > 0, full_row, NULL, view};
    if (!all) {
        table.row = short_row;
        table.rows = view->grown_shown + view->shrunk_shown +
                     (view->grown > view->grown_shown) + (view->shrunk > view->shrunk_shown);
    }
    return table.rows ? lwi_table_write(view->out, &table, error) : LW_OK;
}

static void write_garbage(const view *view)
{
    const lw_diff_info *info = &view->info;
    lwi_text item;
    if (info->target_garbage == 0)
        return;
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_put(&item, "collectable garbage: ");
    lwi_text_counted(&item, info->target_garbage, "object");
    lwi_text_put(&item, ", ");
    lwi_text_size(&item, info->target_garbage_size);
    if (info->base_garbage == info->target_garbage &&
        info->base_garbage_size == info->target_garbage_size) {
        lwi_text_put(&item, " (as before)");
    } else if (info->base_garbage) {
        lwi_text_put(&item, " (before: ");
        lwi_text_count(&item, info->base_garbage);
        lwi_text_put(&item, ", ");
        lwi_text_size(&item, info->base_garbage_size);
        lwi_text_put(&item, ")");
    }
    lwi_text_put(&item, ": nothing holds it; not counted above");
    lwi_out_item(view->out, &item, 0, 2);
    lwi_out_line(view->out);
}

static lw_status write_notes(const view *view, lw_error *error)
{
    lwi_text item;
    if (view->approximate) {
        lwi_text_init(&item, lwi_out_ascii(view->out));
        lwi_text_put(&item, "~ matched by address, which may have been reused: counts are exact, "
                            "new and gone are not");
        lwi_out_item(view->out, &item, 0, 2);
        lwi_out_line(view->out);
    }
    if (view->culprit == UINT32_MAX)
        return LW_OK;
    lw_diff_row row;
    lw_status status = get_row(view, view->culprit, &row, error);
    if (status != LW_OK)
        return status;
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_put(&item, "next: find paths to ");
    lwi_text_name(&item, row.name);
    lwi_text_put(&item, ": who holds them");
    lwi_out_style(view->out, LWI_HINT);
    lwi_out_item(view->out, &item, 0, 2);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_out_line(view->out);
    return LW_OK;
}

static lw_status write_text(view *view, lw_error *error)
{
    lw_status status = survey(view, error);
    if (status != LW_OK)
        return status;
    write_headline(view);
    status = write_table(view, error);
    if (status != LW_OK)
        return status;
    write_garbage(view);
    return write_notes(view, error);
}

static void json_garbage(lwi_json *json, const char *key, uint64_t count, uint64_t size)
{
    lwi_json_object(json, key);
    lwi_json_unsigned(json, "count", count);
    lwi_json_unsigned(json, "size", size);
    lwi_json_object_end(json);
}

static void json_row(lwi_json *json, const lw_diff_row *row)
{
    lwi_json_object(json, NULL);
    lwi_json_string(json, "type", row->name);
    lwi_json_string(json, "runtime", row->runtime);
    lwi_json_unsigned(json, "type_count", row->types);
    lwi_json_signed(json, "count_diff", row->count_diff);
    lwi_json_signed(json, "size_diff", row->size_diff);
    lwi_json_unsigned(json, "base_count", row->base_count);
    lwi_json_unsigned(json, "base_size", row->base_size);
    lwi_json_unsigned(json, "target_count", row->target_count);
    lwi_json_unsigned(json, "target_size", row->target_size);
    lwi_json_unsigned(json, "created", row->created);
    lwi_json_unsigned(json, "gone", row->gone);
    lwi_json_unsigned(json, "survived", row->survived);
    lwi_json_bool(json, "approximate", row->approximate);
    lwi_json_object_end(json);
}

static lw_status write_json(const view *view, lw_error *error)
{
    const lw_diff_info *info = &view->info;
    lwi_json json = lwi_json_report(view->out, "diff");
    lwi_json_string(&json, "base", info->base_name);
    lwi_json_string(&json, "target", info->target_name);
    lwi_json_signed(&json, "count_diff", info->count_diff);
    lwi_json_signed(&json, "size_diff", info->size_diff);
    lwi_json_unsigned(&json, "grew", info->grew);
    lwi_json_unsigned(&json, "created", info->created);
    lwi_json_unsigned(&json, "gone", info->gone);
    lwi_json_unsigned(&json, "survived", info->survived);
    lwi_json_bool(&json, "approximate", info->approximate);
    json_garbage(&json, "base_garbage", info->base_garbage, info->base_garbage_size);
    json_garbage(&json, "target_garbage", info->target_garbage, info->target_garbage_size);
    lwi_json_array(&json, "types");
    for (uint32_t i = 0; i < info->rows && !view->out->failed; i++) {
        lw_diff_row row;
        lw_status status = get_row(view, i, &row, error);
        if (status != LW_OK)
            return status;
        json_row(&json, &row);
    }
    lwi_json_array_end(&json);
    lwi_json_report_end(&json);
    return LW_OK;
}

lw_status lw_report_diff(const lw_diff *diff, const lw_report_options *options, lw_write_fn write,
                         void *user, lw_error *error)
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
