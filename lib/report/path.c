#include "base/error.h"
#include "report/frame.h"
#include "report/label.h"
#include "report/table.h"

/* A path longer than this shows its two ends only. */
enum { STEPS_SHOWN = 24, HEAD_SHOWN = 12 };

typedef struct view {
    lwi_out *out;
    const lw_paths *paths;
    const lw_snapshot *snapshot;
    uint32_t index;
    uint32_t count; /* of paths */
    lw_path path;
    lw_node_info target;
    uint32_t hidden; /* steps left out after the first HEAD_SHOWN */
} view;

static lw_status node_type(const view *view, lw_node node, lw_type_info *type, lw_error *error)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    *type = (lw_type_info)LW_TYPE_INFO_INIT;
    lw_status status = lw_node_info_get(view->snapshot, node, &info, error);
    if (status != LW_OK)
        return status;
    return lw_snapshot_type_get(view->snapshot, info.type, type, error);
}

static lw_status put_type(const view *view, lw_node node, lwi_text *text, lw_error *error)
{
    lw_type_info type;
    lw_status status = node_type(view, node, &type, error);
    if (status == LW_OK)
        lwi_text_name(text, type.name);
    return status;
}

static lw_status get_frame(const view *view, uint32_t level, lw_frame *frame, lw_error *error)
{
    *frame = (lw_frame)LW_FRAME_INIT;
    return lw_node_frame_get(view->snapshot, view->path.target, level, frame, error);
}

/* The level of the innermost frame of the user's own code at or above `level`; the number of
 * frames if there is none. */
static lw_status own_level(const view *view, uint32_t level, uint32_t *own, lw_error *error)
{
    lw_frame frame;
    for (*own = level; *own < view->target.frames; ++*own) {
        lw_status status = get_frame(view, *own, &frame, error);
        if (status != LW_OK || frame.flags & LW_FRAME_OWN)
            return status;
    }
    return LW_OK;
}

/* The two lines of a stack that say most: the user's own innermost and the next own one that
 * calls it; where there is none, the plain innermost and plain caller. */
static lw_status choose_levels(const view *view, uint32_t *level, uint32_t *caller,
                               lw_error *error)
{
    const uint32_t none = view->target.frames;
    lw_status status = own_level(view, 0, level, error);
    *caller = none;
    if (status == LW_OK && *level == none)
        *level = 0;
    else if (status == LW_OK)
        status = own_level(view, *level + 1, caller, error);
    if (*caller == none)
        *caller = *level + 1;
    return status;
}

static lw_status put_frame(const view *view, uint32_t level, bool function, lwi_text *text,
                           lw_error *error)
{
    lw_frame frame;
    lw_status status = get_frame(view, level, &frame, error);
    if (status != LW_OK)
        return status;
    lwi_text_place(text, &frame);
    if (function && frame.file && frame.function) {
        lwi_text_put(text, " in ");
        lwi_text_name(text, frame.function);
    }
    return LW_OK;
}

/* "svc.py:19 in price <- svc.py:40, taken in numpy/core/numeric.py:205" */
static lw_status put_site(const view *view, lwi_text *text, lw_error *error)
{
    uint32_t level, caller;
    lw_status status = choose_levels(view, &level, &caller, error);
    if (status == LW_OK)
        status = put_frame(view, level, true, text, error);
    if (status == LW_OK && caller < view->target.frames) {
        lwi_text_put(text, " ");
        lwi_text_sign(text, LWI_FROM);
        lwi_text_put(text, " ");
        status = put_frame(view, caller, false, text, error);
    }
    if (status == LW_OK && level > 0) {
        lwi_text_put(text, ", taken in ");
        status = put_frame(view, 0, false, text, error);
    }
    return status;
}

static bool is_recorded(const view *view)
{
    return view->target.flags & LW_NODE_RECORDED;
}

static lw_status put_origin(const view *view, lwi_text *text, lw_error *error)
{
    if (!is_recorded(view)) {
        bool before = view->target.flags & LW_NODE_BEFORE;
        lwi_text_put(text, before ? "allocated before recording" : "allocation not recorded");
        return LW_OK;
    }
    lwi_text_put(text, view->target.flags & LW_NODE_APPROXIMATE ? "allocated ~" : "allocated ");
    if (view->target.frames == 0) {
        lwi_text_put(text, "without a stack");
        return LW_OK;
    }
    return put_site(view, text, error);
}

static lw_status write_headline(const view *view, lw_error *error)
{
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lw_status status = put_type(view, view->path.target, &item, error);
    if (status != LW_OK)
        return status;
    lwi_text_put(&item, ", ");
    lwi_text_size(&item, view->target.size);
    lwi_out_style(view->out, LWI_HEADLINE);
    lwi_out_item(view->out, &item, 0, 0);
    lwi_out_style(view->out, LWI_PLAIN);
    if (view->count > 1) {
        lwi_text_init(&item, lwi_out_ascii(view->out));
        lwi_text_put(&item, "path ");
        lwi_text_count(&item, (uint64_t)view->index + 1);
        lwi_text_put(&item, " of ");
        lwi_text_count(&item, view->count);
        lwi_out_item(view->out, &item, 2, 2);
    }
    lwi_text_init(&item, lwi_out_ascii(view->out));
    if ((status = put_origin(view, &item, error)) != LW_OK)
        return status;
    lwi_out_item(view->out, &item, 2, 2);
    lwi_out_line(view->out);
    return LW_OK;
}

static lw_status root_row(const view *view, lwi_text *cells, lw_error *error)
{
    const lw_path *path = &view->path;
    if (path->outside) {
        lwi_text_name(&cells[0], path->root_kind);
        lwi_text_put(&cells[0], ": ");
        lwi_text_counted(&cells[0], path->outside, "reference");
        lwi_text_put(&cells[0], " that nothing explains");
    } else {
        lwi_text_put(&cells[0], "root ");
        lwi_text_root(&cells[0], path->root_kind, &path->root_label);
    }
    return put_type(view, path->first, &cells[1], error);
}

static void put_stem(lwi_text *cell, enum lwi_sign sign)
{
    lwi_text_put(cell, " ");
    lwi_text_sign(cell, sign);
    lwi_text_put(cell, " ");
}

static lw_status step_row(const view *view, uint32_t step, lwi_text *cells, lw_error *error)
{
    lw_edge edge = LW_EDGE_INIT;
    lw_status status = lw_path_step_get(view->paths, view->index, step, &edge, error);
    if (status != LW_OK)
        return status;
    put_stem(&cells[0], step + 1 == view->path.steps ? LWI_END : LWI_BAR);
    lwi_text_label(&cells[0], &edge.label);
    status = put_type(view, edge.to, &cells[1], error);
    lwi_text_edge_kind(&cells[1], edge.kind);
    return status;
}

static lw_status path_row(const void *user, uint32_t row, lwi_text *cells, lw_error *error)
{
    const view *view = user;
    if (row == 0)
        return root_row(view, cells, error);
    if (view->hidden == 0 || row <= HEAD_SHOWN)
        return step_row(view, row - 1, cells, error);
    if (row > HEAD_SHOWN + 1)
        return step_row(view, row - 2 + view->hidden, cells, error);
    put_stem(&cells[0], LWI_BAR);
    lwi_text_sign(&cells[0], LWI_ELLIPSIS);
    lwi_text_put(&cells[0], " ");
    lwi_text_counted(&cells[0], view->hidden, "more step");
    return LW_OK;
}

static lw_status write_stack(const view *view, lw_error *error)
{
    for (uint32_t level = 0; level < view->target.frames && !view->out->failed; level++) {
        lw_frame frame;
        lw_status status = get_frame(view, level, &frame, error);
        if (status != LW_OK)
            return status;
        lwi_out_frame(view->out, &frame, 4);
    }
    return LW_OK;
}

static void write_note(const view *view, const char *note, enum lwi_style style)
{
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(view->out));
    lwi_text_put(&item, note);
    lwi_out_style(view->out, style);
    lwi_out_item(view->out, &item, 0, 2);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_out_line(view->out);
}

static void write_notes(const view *view)
{
    if (is_recorded(view) && view->target.flags & LW_NODE_APPROXIMATE)
        write_note(view, "~ or by a former tenant: a freelist hands this memory on unseen",
                   LWI_PLAIN);
    if (view->path.asker)
        write_note(view, "yours: a variable of the code that asks", LWI_PLAIN);
    /* Paths come strongest first and those of the asking code last. */
    if (view->path.asker && view->index == 0)
        write_note(view, "next: nothing else holds it: let go of the variable", LWI_HINT);
    else if (!view->path.outside && !view->path.asker)
        write_note(view, "next: drop one of these references, then look again", LWI_HINT);
}

static lw_status write_text(view *view, lw_error *error)
{
    const lwi_column columns[] = {{.title = NULL}, {.title = NULL}};
    lwi_table table = {columns, 2, 1 + view->path.steps, false, path_row, NULL, view};
    if (view->path.steps > STEPS_SHOWN && !lwi_out_all(view->out)) {
        view->hidden = view->path.steps - STEPS_SHOWN;
        table.rows = 1 + STEPS_SHOWN + 1;
    }
    lw_status status = write_headline(view, error);
    if (status == LW_OK && lwi_out_all(view->out))
        status = write_stack(view, error);
    if (status == LW_OK)
        status = lwi_table_write(view->out, &table, error);
    if (status == LW_OK)
        write_notes(view);
    return status;
}

static lw_status json_type(const view *view, lwi_json *json, lw_node node, lw_error *error)
{
    lw_type_info type;
    lw_status status = node_type(view, node, &type, error);
    if (status != LW_OK)
        return status;
    lwi_json_string(json, "type", type.name);
    lwi_json_string(json, "runtime", type.runtime);
    return LW_OK;
}

static lw_status json_root(const view *view, lwi_json *json, lw_error *error)
{
    lwi_json_object(json, "root");
    lwi_json_string(json, "kind", view->path.root_kind);
    lwi_json_label(json, &view->path.root_label);
    lwi_json_bool(json, "asker", view->path.asker);
    lwi_json_unsigned(json, "outside", view->path.outside);
    lw_status status = json_type(view, json, view->path.first, error);
    lwi_json_object_end(json);
    return status;
}

static lw_status json_steps(const view *view, lwi_json *json, lw_error *error)
{
    lwi_json_array(json, "steps");
    for (uint32_t step = 0; step < view->path.steps && !view->out->failed; step++) {
        lw_edge edge = LW_EDGE_INIT;
        lw_status status = lw_path_step_get(view->paths, view->index, step, &edge, error);
        if (status != LW_OK)
            return status;
        lwi_json_object(json, NULL);
        lwi_json_edge_kind(json, edge.kind);
        lwi_json_label(json, &edge.label);
        if ((status = json_type(view, json, edge.to, error)) != LW_OK)
            return status;
        lwi_json_object_end(json);
    }
    lwi_json_array_end(json);
    return LW_OK;
}

static lw_status json_target(const view *view, lwi_json *json, lw_error *error)
{
    const lw_node_info *target = &view->target;
    const bool recorded = is_recorded(view);
    lwi_json_object(json, "target");
    lw_status status = json_type(view, json, view->path.target, error);
    if (status != LW_OK)
        return status;
    lwi_json_address(json, "key", target->key);
    lwi_json_unsigned(json, "size", target->size);
    if (recorded)
        lwi_json_unsigned(json, "bytes", target->bytes);
    else
        lwi_json_null(json, "bytes");
    lwi_json_unsigned(json, "external", target->external);
    if (recorded)
        lwi_json_unsigned(json, "epoch", target->epoch);
    else
        lwi_json_null(json, "epoch");
    lwi_json_bool(json, "before_recording", target->flags & LW_NODE_BEFORE);
    lwi_json_bool(json, "approximate", target->flags & LW_NODE_APPROXIMATE);
    lwi_json_array(json, "frames");
    for (uint32_t level = 0; level < target->frames; level++) {
        lw_frame frame;
        if ((status = get_frame(view, level, &frame, error)) != LW_OK)
            return status;
        lwi_json_frame(json, &frame);
    }
    lwi_json_array_end(json);
    lwi_json_object_end(json);
    return LW_OK;
}

static lw_status write_json(const view *view, lw_error *error)
{
    lwi_json json = lwi_json_report(view->out, "path");
    lwi_json_unsigned(&json, "index", view->index);
    lwi_json_unsigned(&json, "count", view->count);
    lw_status status = json_target(view, &json, error);
    if (status == LW_OK)
        status = json_root(view, &json, error);
    if (status == LW_OK)
        status = json_steps(view, &json, error);
    lwi_json_report_end(&json);
    return status;
}

lw_status lw_report_path(const lw_paths *paths, uint32_t index, const lw_report_options *options,
                         lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    view view = {.out = &out, .paths = paths, .index = index, .path = LW_PATH_INIT,
                 .target = LW_NODE_INFO_INIT};
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!paths)
        return lwi_fail(error, LW_E_INVALID, "paths is NULL: pass what lw_paths_find() gave");
    view.snapshot = lw_paths_snapshot(paths);
    view.count = lw_paths_count(paths);
    status = lw_path_get(paths, index, &view.path, error);
    if (status == LW_OK)
        status = lw_node_info_get(view.snapshot, view.path.target, &view.target, error);
    if (status != LW_OK)
        return status;
    status = lwi_out_json(&out) ? write_json(&view, error) : write_text(&view, error);
    return lwi_out_close(&out, status, error);
}
