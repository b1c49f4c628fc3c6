#include "base/error.h"
#include "report/label.h"
#include "report/table.h"

typedef struct view {
    lwi_out *out;
    const lw_referrers *referrers;
    lw_referrers_info info;
    bool cut; /* a row is */
} view;

static lw_status get_row(const view *view, uint32_t index, lw_referrer *row, lw_error *error)
{
    *row = (lw_referrer)LW_REFERRER_INIT;
    return lw_referrer_get(view->referrers, index, row, error);
}

static void put_root(lwi_text *text, uint64_t rooted, const char *kind, const lw_label *label)
{
    if (rooted == 0)
        return;
    lwi_text_put(text, "root ");
    lwi_text_root(text, kind, label);
    if (rooted > 1) {
        lwi_text_put(text, ", ");
        lwi_text_counted(text, rooted, "root");
        lwi_text_put(text, " in all");
    }
}

/* "[…]" for labels that only their style makes alike. */
static void put_label(lwi_text *text, const lw_referrer *row)
{
    if (!(row->flags & LW_REFERRER_ALIKE)) {
        lwi_text_label(text, &row->label);
        return;
    }
    lwi_text_put(text, "[");
    lwi_text_sign(text, LWI_ELLIPSIS);
    lwi_text_put(text, "]");
}

static void put_rest(lwi_text *text, const lw_referrer *row)
{
    lwi_text_sign(text, LWI_ELLIPSIS);
    lwi_text_put(text, " ");
    lwi_text_counted(text, row->rows, "more kind");
    lwi_text_put(text, " of holders, ");
    lwi_text_counted(text, row->references, "reference");
}

enum { HELD, HOLDERS, TREE, ROOT, COLUMNS };

static lw_status referrer_row(const void *user, uint32_t index, lwi_text *cells, lw_error *error)
{
    const view *view = user;
    lw_referrer row;
    lw_status status = get_row(view, index, &row, error);
    if (status != LW_OK)
        return status;
    for (uint32_t i = 0; i < row.depth && i < 40; i++)
        lwi_text_put(&cells[TREE], "  ");
    if (row.flags & LW_REFERRER_REST) {
        put_rest(&cells[TREE], &row);
        return LW_OK;
    }
    lwi_text_count(&cells[HELD], row.held);
    lwi_text_count(&cells[HOLDERS], row.holders);
    lwi_text_name(&cells[TREE], row.type);
    lwi_text_put(&cells[TREE], " ");
    put_label(&cells[TREE], &row);
    lwi_text_edge_kind(&cells[TREE], row.kind);
    if (row.cyclic)
        lwi_text_put(&cells[TREE], row.cyclic == row.holders ? ", back to what stands above"
                                                             : ", partly what stands above");
    if (row.flags & LW_REFERRER_CUT)
        lwi_text_put(&cells[TREE], ", held further");
    put_root(&cells[ROOT], row.rooted, row.root_kind, &row.root_label);
    return LW_OK;
}

static void write_line(const view *view, const lwi_text *item, enum lwi_style style)
{
    lwi_out_style(view->out, style);
    lwi_out_item(view->out, item, 0, 2);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_out_line(view->out);
}

static void write_headline(const view *view)
{
    const lw_referrers_info *info = &view->info;
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_put(&item, "who holds ");
    if (info->type[0]) {
        lwi_text_count(&item, info->count);
        lwi_text_put(&item, " ");
        lwi_text_name(&item, info->type);
    } else {
        lwi_text_counted(&item, info->count, "object");
    }
    lwi_out_style(view->out, LWI_HEADLINE);
    lwi_out_item(view->out, &item, 0, 0);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_size(&item, info->size);
    if (info->garbage) {
        lwi_text_put(&item, "; ");
        lwi_text_count(&item, info->garbage);
        lwi_text_put(&item, " held by nothing");
    }
    if (info->rooted) {
        lwi_text_put(&item, "; ");
        put_root(&item, info->rooted, info->root_kind, &info->root_label);
    }
    lwi_out_item(view->out, &item, 3, 2);
    lwi_out_line(view->out);
}

static lw_status write_text(view *view, lw_error *error)
{
    const lwi_column columns[COLUMNS] = {
        [HELD] = {.title = "held", .number = true},
        [HOLDERS] = {.title = "by", .number = true},
        [TREE] = {.title = "holders"},
        [ROOT] = {.title = "root", .optional = true},
    };
    const lwi_table table = {columns, COLUMNS, view->info.rows, false, referrer_row, NULL, view};
    lwi_text item;
    write_headline(view);
    lw_status status = LW_OK;
    for (uint32_t i = 0; status == LW_OK && i < view->info.rows; i++) {
        lw_referrer row;
        status = get_row(view, i, &row, error);
        view->cut |= status == LW_OK && row.flags & LW_REFERRER_CUT;
    }
    if (status == LW_OK && view->info.rows)
        status = lwi_table_write(view->out, &table, error);
    if (status == LW_OK && view->cut) {
        lwi_text_init(&item, lwi_out_ascii(view->out));
        lwi_text_put(&item, "next: ask for more depth, or for the paths");
        write_line(view, &item, LWI_HINT);
    }
    return status;
}

static void json_root(lwi_json *json, uint64_t rooted, const char *kind, const lw_label *label)
{
    lwi_json_unsigned(json, "rooted", rooted);
    if (rooted == 0) {
        lwi_json_null(json, "root");
        return;
    }
    lwi_json_object(json, "root");
    lwi_json_string(json, "kind", kind);
    lwi_json_label(json, label);
    lwi_json_object_end(json);
}

static lw_status json_row(const view *view, lwi_json *json, uint32_t index, lw_error *error)
{
    lw_referrer row;
    lw_status status = get_row(view, index, &row, error);
    if (status != LW_OK)
        return status;
    bool rest = row.flags & LW_REFERRER_REST;
    lwi_json_object(json, NULL);
    lwi_json_unsigned(json, "depth", row.depth);
    lwi_json_bool(json, "rest", rest);
    lwi_json_unsigned(json, "rows", row.rows);
    lwi_json_string(json, "type", rest ? NULL : row.type);
    lwi_json_string(json, "runtime", rest ? NULL : row.runtime);
    lwi_json_edge_kind(json, row.kind);
    lwi_json_label(json, &row.label);
    lwi_json_bool(json, "alike", row.flags & LW_REFERRER_ALIKE);
    lwi_json_bool(json, "cut", row.flags & LW_REFERRER_CUT);
    lwi_json_unsigned(json, "holders", row.holders);
    lwi_json_unsigned(json, "held", row.held);
    lwi_json_unsigned(json, "references", row.references);
    lwi_json_unsigned(json, "cyclic", row.cyclic);
    json_root(json, row.rooted, row.root_kind, &row.root_label);
    lwi_json_object_end(json);
    return LW_OK;
}

static lw_status write_json(const view *view, lw_error *error)
{
    const lw_referrers_info *info = &view->info;
    lwi_json json = lwi_json_report(view->out, "referrers");
    lwi_json_string(&json, "type", info->type[0] ? info->type : NULL);
    lwi_json_unsigned(&json, "count", info->count);
    lwi_json_unsigned(&json, "size", info->size);
    lwi_json_unsigned(&json, "garbage", info->garbage);
    json_root(&json, info->rooted, info->root_kind, &info->root_label);
    lwi_json_array(&json, "holders");
    for (uint32_t i = 0; i < info->rows && !view->out->failed; i++) {
        lw_status status = json_row(view, &json, i, error);
        if (status != LW_OK)
            return status;
    }
    lwi_json_array_end(&json);
    lwi_json_report_end(&json);
    return LW_OK;
}

lw_status lw_report_referrers(const lw_referrers *referrers, const lw_report_options *options,
                              lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    view view = {.out = &out, .referrers = referrers, .info = LW_REFERRERS_INFO_INIT};
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!referrers)
        return lwi_fail(error, LW_E_INVALID,
                        "referrers is NULL: pass what lw_referrers_create() gave");
    status = lw_referrers_info_get(referrers, &view.info, error);
    if (status != LW_OK)
        return status;
    status = lwi_out_json(&out) ? write_json(&view, error) : write_text(&view, error);
    return lwi_out_close(&out, status, error);
}
