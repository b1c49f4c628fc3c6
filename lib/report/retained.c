/* What retains most: by type, and from the top of the dominator tree down. */
#include "analyze/retain.h"
#include "base/error.h"
#include "report/label.h"
#include "report/table.h"
#include "snapshot/strength.h"

enum { TYPES_SHOWN = 20, TOP_SHOWN = 10, BELOW_SHOWN = 3 };

typedef struct view {
    lwi_out *out;
    const lw_dominators *dominators;
    const lw_snapshot *snapshot;
} view;

static lw_status open_view(view *view, const lw_dominators *dominators,
                           const lw_report_options *options, lw_write_fn write, void *user,
                           lw_error *error)
{
    lw_status status = lwi_out_open(view->out, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!dominators)
        return lwi_fail(error, LW_E_INVALID,
                        "dominators is NULL: make some with lw_dominators_create()");
    view->dominators = dominators;
    view->snapshot = dominators->snapshot;
    return LW_OK;
}

static void write_headline(const view *view, const char *words)
{
    const lw_snapshot_info *info = &view->snapshot->info;
    lwi_text text;
    lwi_text_init(&text, lwi_out_ascii(view->out));
    lwi_text_put(&text, words);
    if (*info->name) {
        lwi_text_put(&text, " in ");
        lwi_text_name(&text, info->name);
    }
    lwi_out_style(view->out, LWI_HEADLINE);
    lwi_out_item(view->out, &text, 0, 0);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_text_init(&text, lwi_out_ascii(view->out));
    lwi_text_counted(&text, info->nodes, "object");
    lwi_text_put(&text, ", ");
    lwi_text_size(&text, info->size);
    if (info->garbage) {
        lwi_text_put(&text, "; ");
        lwi_text_count(&text, info->garbage);
        lwi_text_put(&text, " of them garbage");
    }
    lwi_out_item(view->out, &text, 3, 2);
    lwi_out_line(view->out);
}

/* --- types --------------------------------------------------------------------------------- */

static lw_status type_row(const void *user, uint32_t row, lwi_text *cells, lw_error *error)
{
    (void)error;
    const view *view = user;
    uint32_t id = view->dominators->type_order[row];
    const lwi_type *type = &view->snapshot->types[id];
    lwi_text_count(&cells[0], type->count);
    lwi_text_size(&cells[1], type->size);
    lwi_text_size(&cells[2], view->dominators->types[id].bytes);
    lwi_text_name(&cells[3], type->name);
    if (view->snapshot->part_count > 1) {
        lwi_text_put(&cells[3], " of ");
        lwi_text_name(&cells[3], view->snapshot->parts[type->part].name);
    }
    return LW_OK;
}

/* Types with objects that something holds; those without retain nothing and come last. */
static uint32_t held_types(const view *view)
{
    uint32_t count = view->snapshot->info.types;
    while (count > 0 && view->dominators->types[view->dominators->type_order[count - 1]].count == 0)
        count--;
    return count;
}

static lw_status write_types(const view *view, lw_error *error)
{
    const lwi_column columns[] = {{.title = "objects", .number = true},
                                  {.title = "own bytes", .number = true},
                                  {.title = "retained", .number = true},
                                  {.title = "type"}};
    uint32_t types = held_types(view);
    bool cut = types > TYPES_SHOWN && !lwi_out_all(view->out);
    lwi_table table = {columns, 4, cut ? TYPES_SHOWN : types, false, type_row, NULL, view};
    write_headline(view, "types");
    lw_status status = lwi_table_write(view->out, &table, error);
    if (status == LW_OK && cut) {
        lwi_text text;
        lwi_text_init(&text, lwi_out_ascii(view->out));
        lwi_text_counted(&text, types - TYPES_SHOWN, "more type");
        lwi_out_item(view->out, &text, 0, 2);
        lwi_out_line(view->out);
    }
    return status;
}

static void json_types(const view *view)
{
    lwi_json json = lwi_json_report(view->out, "types");
    uint32_t types = held_types(view);
    lwi_json_array(&json, "types");
    for (uint32_t i = 0; i < types && !view->out->failed; i++) {
        uint32_t id = view->dominators->type_order[i];
        const lwi_type *type = &view->snapshot->types[id];
        lwi_json_object(&json, NULL);
        lwi_json_string(&json, "type", type->name);
        lwi_json_string(&json, "runtime", view->snapshot->parts[type->part].name);
        lwi_json_unsigned(&json, "count", type->count);
        lwi_json_unsigned(&json, "size", type->size);
        lwi_json_unsigned(&json, "retained", view->dominators->types[id].bytes);
        lwi_json_unsigned(&json, "garbage", type->garbage);
        lwi_json_object_end(&json);
    }
    lwi_json_array_end(&json);
    lwi_json_report_end(&json);
}

lw_status lw_report_types(const lw_dominators *dominators, const lw_report_options *options,
                          lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    view view = {.out = &out};
    lw_status status = open_view(&view, dominators, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (lwi_out_json(&out))
        json_types(&view);
    else
        status = write_types(&view, error);
    return lwi_out_close(&out, status, error);
}

/* --- from the top down --------------------------------------------------------------------- */

/* Ranks right below another one that retain most, in order. */
typedef struct top {
    uint32_t rank[TOP_SHOWN];
    uint32_t count, room, all;
} top;

static void find_top(const view *view, uint32_t above, uint32_t room, top *top)
{
    const lwi_domtree *tree = &view->dominators->tree;
    uint32_t end = above ? above + tree->count[above] : tree->reached + 1;
    *top = (struct top){.room = room};
    for (uint32_t rank = above + 1; rank < end; rank += tree->count[rank], top->all++) {
        uint32_t at = top->count;
        while (at > 0 && tree->bytes[rank] > tree->bytes[top->rank[at - 1]])
            at--;
        if (at == room)
            continue;
        if (top->count < room)
            top->count++;
        for (uint32_t i = top->count - 1; i > at; i--)
            top->rank[i] = top->rank[i - 1];
        top->rank[at] = rank;
    }
}

/* By what its dominator holds it; -2 if it does so over others only. */
static lw_label label_below(const view *view, uint32_t rank)
{
    const lwi_domtree *tree = &view->dominators->tree;
    const lw_snapshot *snapshot = view->snapshot;
    lw_node node = tree->node[rank], from = tree->node[tree->above[rank]];
    uint64_t end = lwi_row_end(&snapshot->rows, from);
    for (uint64_t edge = lwi_row_start(&snapshot->rows, from); edge < end; edge++) {
        if (snapshot->rows.items[edge] == node && lwi_edge_retains(lwi_kind_at(snapshot, edge)))
            return lwi_label_of(snapshot, lwi_label_at(snapshot, edge));
    }
    return lwi_label_of(snapshot, 0);
}

/* The first root of a node that none dominates; NULL if it has none. */
static const lwi_root *root_of(const view *view, lw_node node)
{
    uint32_t begin, end = lwi_roots_of(view->snapshot, node, &begin);
    return begin < end ? &view->snapshot->roots[begin] : NULL;
}

static void put_name(const view *view, uint32_t rank, lwi_text *text)
{
    const lwi_domtree *tree = &view->dominators->tree;
    const lw_snapshot *snapshot = view->snapshot;
    const lwi_root *root = tree->above[rank] ? NULL : root_of(view, tree->node[rank]);
    lw_label label = root ? lwi_label_of(snapshot, root->label) : lwi_label_of(snapshot, 0);
    if (tree->above[rank])
        label = label_below(view, rank);
    if (root) {
        lwi_text_name(text, snapshot->root_kinds[root->kind].name);
        lwi_text_put(text, " ");
    }
    if (label.style != -2) {
        lwi_text_label(text, &label);
        lwi_text_put(text, "  ");
    }
    lwi_text_name(text, lwi_type_at(snapshot, tree->node[rank])->name);
}

static void write_node(const view *view, uint32_t rank, uint32_t depth)
{
    const lwi_domtree *tree = &view->dominators->tree;
    lwi_text text;
    lwi_text_init(&text, lwi_out_ascii(view->out));
    lwi_text_size(&text, tree->bytes[rank]);
    lwi_out_spaces(view->out, 2 + (text.columns < 9 ? 9 - text.columns : 0));
    lwi_out_text(view->out, &text);
    lwi_text_init(&text, lwi_out_ascii(view->out));
    lwi_text_count(&text, tree->count[rank]);
    lwi_out_spaces(view->out, 2 + (text.columns < 11 ? 11 - text.columns : 0));
    lwi_out_text(view->out, &text);
    lwi_out_spaces(view->out, 2 + 2 * depth);
    lwi_text_init(&text, lwi_out_ascii(view->out));
    put_name(view, rank, &text);
    if (view->out->column + text.columns > view->out->options.width)
        lwi_text_clip(&text, view->out->options.width - view->out->column);
    lwi_out_text(view->out, &text);
    lwi_out_line(view->out);
}

static void write_top(const view *view)
{
    top first, below;
    write_headline(view, "retained");
    lwi_out_put(view->out, "   retained      objects  what");
    lwi_out_line(view->out);
    find_top(view, 0, TOP_SHOWN, &first);
    for (uint32_t i = 0; i < first.count && !view->out->failed; i++) {
        write_node(view, first.rank[i], 0);
        find_top(view, first.rank[i], BELOW_SHOWN, &below);
        for (uint32_t j = 0; j < below.count; j++)
            write_node(view, below.rank[j], 1);
    }
    lwi_text text;
    lwi_text_init(&text, lwi_out_ascii(view->out));
    lwi_text_put(&text, "next: one snapshot cannot tell what grows: report three or more of them");
    lwi_out_style(view->out, LWI_HINT);
    lwi_out_item(view->out, &text, 0, 2);
    lwi_out_style(view->out, LWI_PLAIN);
    lwi_out_line(view->out);
}

static void json_node(const view *view, lwi_json *json, uint32_t rank)
{
    const lwi_domtree *tree = &view->dominators->tree;
    lw_node node = tree->node[rank];
    const lwi_root *root = tree->above[rank] ? NULL : root_of(view, node);
    lw_label label = root ? lwi_label_of(view->snapshot, root->label)
                          : lwi_label_of(view->snapshot, 0);
    if (tree->above[rank])
        label = label_below(view, rank);
    lwi_json_string(json, "type", lwi_type_at(view->snapshot, node)->name);
    lwi_json_string(json, "runtime", lwi_part_of(view->snapshot, node)->name);
    lwi_json_address(json, "key", lwi_key_of_node(view->snapshot, node));
    lwi_json_string(json, "root_kind",
                    root ? view->snapshot->root_kinds[root->kind].name : NULL);
    lwi_json_label(json, &label);
    lwi_json_unsigned(json, "count", tree->count[rank]);
    lwi_json_unsigned(json, "retained", tree->bytes[rank]);
}

static void json_below(const view *view, lwi_json *json, const top *below)
{
    lwi_json_array(json, "below");
    for (uint32_t i = 0; i < below->count; i++) {
        lwi_json_object(json, NULL);
        json_node(view, json, below->rank[i]);
        lwi_json_object_end(json);
    }
    lwi_json_array_end(json);
}

static void json_top(const view *view)
{
    top first, below;
    lwi_json json = lwi_json_report(view->out, "retained");
    find_top(view, 0, TOP_SHOWN, &first);
    lwi_json_unsigned(&json, "at_the_top", first.all);
    lwi_json_array(&json, "objects");
    for (uint32_t i = 0; i < first.count && !view->out->failed; i++) {
        lwi_json_object(&json, NULL);
        json_node(view, &json, first.rank[i]);
        find_top(view, first.rank[i], BELOW_SHOWN, &below);
        if (below.count)
            json_below(view, &json, &below);
        else
            lwi_json_null(&json, "below");
        lwi_json_object_end(&json);
    }
    lwi_json_array_end(&json);
    lwi_json_report_end(&json);
}

lw_status lw_report_retained(const lw_dominators *dominators, const lw_report_options *options,
                             lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    view view = {.out = &out};
    lw_status status = open_view(&view, dominators, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (lwi_out_json(&out))
        json_top(&view);
    else
        write_top(&view);
    return lwi_out_close(&out, status, error);
}
