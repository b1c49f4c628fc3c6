/* Registered objects as a graph: fields, roots, and what a snapshot makes of them. */
#include "graph_host.h"

#include <stdlib.h>

struct leaf {
    uint64_t number;
};

struct pair {
    struct leaf first; /* an object of its own, at the same address */
    struct leaf *left, *right;
};

struct table {
    struct pair **row;
    char *text;
    void *any;
    struct leaf *slots[3];
    uint16_t used;
};

typedef struct objects {
    host host;
    lw_type *leaf, *pair, *table;
} objects;

static lw_type *add_type(lw_context *context, const char *name, uint64_t size)
{
    lw_type *type = NULL;
    cr_assert_eq(lw_type_create(context, name, size, &type, NULL), LW_OK);
    return type;
}

static void open_objects(objects *o)
{
    open_host(&o->host);
    o->leaf = add_type(o->host.context, "leaf", sizeof(struct leaf));
    o->pair = add_type(o->host.context, "pair", sizeof(struct pair));
    o->table = add_type(o->host.context, "table", sizeof(struct table));
    const lw_field in_pair[] = {LW_FIELD(struct pair, left, LW_FIELD_OBJECT, o->leaf),
                                LW_FIELD(struct pair, right, LW_FIELD_WEAK, o->leaf)};
    const lw_field in_table[] = {LW_FIELD_COUNTED(struct table, row, used, o->pair),
                                 LW_FIELD(struct table, text, LW_FIELD_BLOCK, NULL),
                                 LW_FIELD(struct table, any, LW_FIELD_OBJECT, NULL),
                                 LW_FIELD_INLINE(struct table, slots, o->leaf)};
    cr_assert_eq(lw_type_fields(o->pair, in_pair, 2, NULL), LW_OK);
    cr_assert_eq(lw_type_fields(o->table, in_table, 4, NULL), LW_OK);
}

static lw_node node_at(const lw_snapshot *snapshot, const void *address)
{
    lw_node node = LW_NODE_NONE;
    cr_assert_eq(lw_node_find(snapshot, "objects", lw_key_of(address), &node, NULL), LW_OK);
    return node;
}

static lw_node_info info_of(const lw_snapshot *snapshot, lw_node node)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    cr_assert_eq(lw_node_info_get(snapshot, node, &info, NULL), LW_OK);
    return info;
}

static const char *type_name(const lw_snapshot *snapshot, lw_node node)
{
    lw_type_info type = LW_TYPE_INFO_INIT;
    cr_assert_eq(lw_snapshot_type_get(snapshot, info_of(snapshot, node).type, &type, NULL), LW_OK);
    return type.name;
}

/* "root.text" and so on: what the best path to a node says. */
static void expect_path(lw_snapshot *snapshot, lw_node node, const char *want)
{
    char got[200] = "";
    lw_paths *paths = NULL;
    lw_path path = LW_PATH_INIT;
    cr_assert_eq(lw_paths_find(snapshot, &node, 1, NULL, &paths, NULL), LW_OK);
    cr_assert_eq(lw_path_get(paths, 0, &path, NULL), LW_OK, "no path to %s", want);
    snprintf(got, sizeof got, "%s", path.root_label.text);
    for (uint32_t i = 0; i < path.steps; i++) {
        lw_edge step = LW_EDGE_INIT;
        size_t used = strlen(got);
        cr_assert_eq(lw_path_step_get(paths, 0, i, &step, NULL), LW_OK);
        if (step.label.style == -1)
            snprintf(got + used, sizeof got - used, "[%u]", (unsigned)step.label.index);
        else if (step.label.style == LW_LABEL_ATTRIBUTE)
            snprintf(got + used, sizeof got - used, ".%s", step.label.text);
    }
    cr_assert_str_eq(got, want);
    lw_paths_release(paths);
}

Test(object_graph, nothing_is_read_before_a_field_or_a_root_is_told)
{
    host host;
    open_host(&host);
    lw_type *type = add_type(host.context, "t", 64);
    lw_object_created(type, at(0x1000)); /* no memory is there */
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(snapshot_info(snapshot).nodes, 0);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(object_graph, paths_name_members_rows_and_slots)
{
    objects o;
    open_objects(&o);
    struct leaf leaves[4] = {{1}, {2}, {3}, {4}};
    struct pair pair = {{0}, &leaves[0], &leaves[1]};
    struct pair *row[2] = {NULL, &pair};
    char text[24];
    struct table table = {row, text, &leaves[3], {NULL, NULL, &leaves[2]}, 2};
    struct table *g_table = &table;
    cr_assert_eq(lw_object_root(o.host.context, &g_table, "g_table", o.table, NULL), LW_OK);
    lw_block_alloc_at(o.host.heap, text, sizeof text, LW_HERE);
    lw_object_created(o.table, &table);
    lw_object_created(o.pair, &pair);
    for (int i = 0; i < 4; i++)
        lw_object_created(o.leaf, &leaves[i]);
    lw_snapshot *snapshot = take(&o.host);
    lw_snapshot_info info = snapshot_info(snapshot);
    cr_assert_eq(info.nodes, 9); /* 6 objects, the row, the slots, the text */
    cr_assert_eq(info.edges, 8);
    cr_assert_eq(info.dangling, 0);
    cr_assert_eq(info.garbage, 1); /* what is held weakly only */
    cr_assert_eq(info_of(snapshot, node_at(snapshot, &leaves[1])).flags & LW_NODE_GARBAGE, 1);
    expect_path(snapshot, node_at(snapshot, &leaves[0]), "g_table.row[1].left");
    expect_path(snapshot, node_at(snapshot, &leaves[2]), "g_table.slots[2]");
    expect_path(snapshot, node_at(snapshot, &leaves[3]), "g_table.any");
    expect_path(snapshot, node_at(snapshot, text), "g_table.text");
    cr_assert_str_eq(type_name(snapshot, node_at(snapshot, text)), "table.text");
    cr_assert_eq(info_of(snapshot, node_at(snapshot, text)).size, 24);
    cr_assert_str_eq(type_name(snapshot, node_at(snapshot, row)), "table.row");
    cr_assert_eq(info_of(snapshot, node_at(snapshot, row)).size, sizeof row);
    cr_assert_eq(info_of(snapshot, node_at(snapshot, table.slots)).size, 0);
    cr_assert_eq(info_of(snapshot, node_at(snapshot, &pair)).size, sizeof pair);
    lw_snapshot_release(snapshot);
    close_host(&o.host);
}

Test(object_graph, objects_at_one_address_are_told_apart)
{
    objects o;
    open_objects(&o);
    struct leaf other = {7};
    struct pair pair = {{0}, NULL, NULL};
    struct table table = {NULL, NULL, NULL, {&pair.first, NULL, &other}, 0};
    lw_block_alloc_at(o.host.heap, &pair, sizeof pair, LW_HERE);
    lw_object_created(o.table, &table);
    lw_object_created(o.pair, &pair);
    lw_object_created(o.leaf, &pair.first);
    lw_object_created(o.leaf, &other);
    lw_snapshot *snapshot = take(&o.host);
    cr_assert_eq(snapshot_info(snapshot).nodes, 5);
    cr_assert_eq(snapshot_info(snapshot).edges, 3);
    lw_node first = node_at(snapshot, &pair), second = node_at(snapshot, (char *)&pair + 1);
    cr_assert_str_eq(type_name(snapshot, first), "leaf"); /* was registered first */
    cr_assert_str_eq(type_name(snapshot, second), "pair");
    cr_assert_eq(info_of(snapshot, first).bytes, sizeof pair);
    cr_assert_eq(info_of(snapshot, second).bytes, sizeof pair);
    cr_assert_eq(info_of(snapshot, second).frames > 0, 1);
    lw_snapshot_release(snapshot);
    close_host(&o.host);
}

Test(object_graph, pointers_to_what_does_not_live_are_dangling)
{
    objects o;
    open_objects(&o);
    struct leaf dead = {1}, leaf = {2};
    struct pair pair = {{0}, &dead, &dead};
    struct table table = {NULL, NULL, &dead, {&dead, &leaf, NULL}, 0}, *g_table = &table;
    struct table *g_gone = (struct table *)&dead, *g_null = NULL;
    lw_object_root(o.host.context, &g_table, "g_table", NULL, NULL);
    lw_object_root(o.host.context, &g_gone, "g_gone", NULL, NULL);
    lw_object_root(o.host.context, &g_null, "g_null", NULL, NULL);
    lw_object_created(o.table, &table);
    lw_object_created(o.pair, &pair);
    lw_object_created(o.leaf, &dead);
    lw_object_created(o.leaf, &leaf);
    lw_object_destroyed(o.leaf, &dead);
    lw_snapshot *snapshot = take(&o.host);
    cr_assert_eq(snapshot_info(snapshot).dangling, 5);
    cr_assert_eq(snapshot_info(snapshot).roots, 1);
    cr_assert_eq(snapshot_info(snapshot).garbage, 1); /* the pair is lost */
    lw_snapshot_release(snapshot);
    close_host(&o.host);
}

Test(object_graph, a_row_is_read_no_further_than_its_block)
{
    objects o;
    open_objects(&o);
    struct pair pair = {{0}, NULL, NULL};
    struct pair **row = malloc(2 * sizeof *row);
    row[0] = row[1] = &pair;
    struct table table = {row, NULL, NULL, {NULL, NULL, NULL}, 60000};
    lw_block_alloc_at(o.host.heap, row, 2 * sizeof *row, LW_HERE);
    lw_object_created(o.table, &table);
    lw_object_created(o.pair, &pair);
    lw_snapshot *snapshot = take(&o.host);
    cr_assert_eq(snapshot_info(snapshot).edges, 4); /* table to row and slots, row to pair twice */
    lw_snapshot_release(snapshot);
    free(row);
    close_host(&o.host);
}

Test(object_graph, counters_of_every_width)
{
    static const uint32_t widths[] = {1, 2, 4, 8};
    struct holder {
        uint64_t count;
        struct leaf **row;
    };
    for (size_t i = 0; i < 4; i++) {
        host host;
        open_host(&host);
        lw_type *leaf = add_type(host.context, "leaf", sizeof(struct leaf));
        lw_type *holder = add_type(host.context, "holder", sizeof(struct holder));
        struct leaf one = {1};
        struct leaf *row[3] = {&one, &one, &one};
        struct holder object = {3, row};
        lw_field field = LW_FIELD_COUNTED(struct holder, row, count, leaf);
        field.count_size = widths[i];
        if (widths[i] < 8) /* what lies beyond the counter is not part of it */
            memset((char *)&object.count + widths[i], 0xEE, 8 - widths[i]);
        cr_assert_eq(lw_type_fields(holder, &field, 1, NULL), LW_OK);
        lw_object_created(holder, &object);
        lw_object_created(leaf, &one);
        lw_snapshot *snapshot = take(&host);
        cr_assert_eq(snapshot_info(snapshot).edges, 4);
        lw_snapshot_release(snapshot);
        close_host(&host);
    }
}

Test(object_graph, a_bridge_leads_to_an_object)
{
    static struct leaf leaf = {1};
    objects o;
    op ops[] = {NODE(1, "script object", 8), ROOT(1, "global", NULL), {0}};
    script script = {ops, 0};
    open_objects(&o);
    add_runtime(&o.host, "toy", LW_KEY_OPAQUE, play, &script);
    lw_object_created(o.leaf, &leaf);
    lw_snapshot *snapshot = take(&o.host);
    cr_assert_eq(snapshot_info(snapshot).garbage, 1);
    lw_snapshot_release(snapshot);
    op bridged[] = {NODE(1, "script object", 8), ROOT(1, "global", "g"),
                    TO(1, "objects", lw_key_of(&leaf), ".own"), {0}};
    script.ops = bridged;
    snapshot = take(&o.host);
    cr_assert_eq(snapshot_info(snapshot).garbage, 0);
    expect_path(snapshot, node_at(snapshot, &leaf), "g.own");
    lw_snapshot_release(snapshot);
    close_host(&o.host);
}

Test(object_graph, roots_are_renamed_and_withdrawn)
{
    objects o;
    open_objects(&o);
    struct leaf leaf = {1}, *g_leaf = &leaf;
    lw_object_created(o.leaf, &leaf);
    lw_object_root(o.host.context, &g_leaf, "g_old", o.pair, NULL); /* no pair is there */
    lw_object_root(o.host.context, &g_leaf, "g_leaf", o.leaf, NULL);
    lw_snapshot *snapshot = take(&o.host);
    expect_path(snapshot, node_at(snapshot, &leaf), "g_leaf");
    cr_assert_eq(snapshot_info(snapshot).dangling, 0);
    lw_snapshot_release(snapshot);
    lw_object_unroot(o.host.context, &g_leaf);
    lw_object_unroot(o.host.context, &g_leaf);
    lw_object_unroot(NULL, &g_leaf);
    snapshot = take(&o.host);
    cr_assert_eq(snapshot_info(snapshot).roots, 0);
    cr_assert_eq(snapshot_info(snapshot).garbage, 1);
    lw_snapshot_release(snapshot);
    close_host(&o.host);
}

Test(object_graph, wrong_fields_are_refused_and_change_nothing)
{
    objects o;
    lw_error error = LW_ERROR_INIT;
    open_objects(&o);
    host other;
    open_host(&other);
    lw_type *foreign = add_type(other.context, "foreign", 8);
    const struct {
        lw_field field;
        const char *words;
    } wrong[] = {
        {{NULL, NULL, 0, 0, 0, LW_FIELD_OBJECT, 0}, "no name"},
        {{"", NULL, 0, 0, 0, LW_FIELD_OBJECT, 0}, "no name"},
        {{"x", NULL, 0, 0, 0, 5, 0}, "kind"},
        {{"x", NULL, 0, 0, 0, -1, 0}, "kind"},
        {{"x", foreign, 0, 0, 0, LW_FIELD_OBJECT, 0}, "another context"},
        {{"x", NULL, sizeof(struct pair) - 7, 0, 0, LW_FIELD_OBJECT, 0}, "beyond"},
        {{"x", NULL, UINT64_MAX - 3, 0, 0, LW_FIELD_OBJECT, 0}, "beyond"},
        {{"x", NULL, 0, 0, 0, LW_FIELD_SLOTS, 0}, "beyond"},
        {{"x", NULL, 0, 0, UINT64_MAX / 4, LW_FIELD_SLOTS, 0}, "beyond"},
        {{"x", NULL, 8, 0, 3, LW_FIELD_SLOTS, 0}, "beyond"},
        {{"x", NULL, 0, 0, 0, LW_FIELD_ROW, 3}, "count_size"},
        {{"x", NULL, 0, sizeof(struct pair) - 1, 0, LW_FIELD_ROW, 2}, "counter"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect_words(lw_type_fields(o.pair, &wrong[i].field, 1, &error), LW_E_INVALID, &error,
                     wrong[i].words);
    expect_error(lw_type_fields(o.pair, NULL, 1, &error), LW_E_INVALID, &error);
    expect_error(lw_type_fields(NULL, NULL, 0, &error), LW_E_INVALID, &error);
    struct leaf leaf = {1};
    struct pair pair = {{0}, &leaf, NULL};
    lw_object_created(o.pair, &pair);
    lw_object_created(o.leaf, &leaf);
    lw_snapshot *snapshot = take(&o.host);
    cr_assert_eq(snapshot_info(snapshot).edges, 1); /* the old fields stand */
    lw_snapshot_release(snapshot);
    cr_assert_eq(lw_type_fields(o.pair, NULL, 0, NULL), LW_OK);
    snapshot = take(&o.host);
    cr_assert_eq(snapshot_info(snapshot).edges, 0);
    lw_snapshot_release(snapshot);
    close_host(&other);
    close_host(&o.host);
}

Test(object_graph, wrong_roots_are_refused)
{
    objects o;
    host other;
    lw_error error = LW_ERROR_INIT;
    void *g = NULL;
    open_objects(&o);
    open_host(&other);
    lw_type *foreign = add_type(other.context, "foreign", 8);
    lw_context *context = o.host.context;
    expect_error(lw_object_root(NULL, &g, "g", NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_object_root(context, NULL, "g", NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_object_root(context, &g, NULL, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_object_root(context, &g, "", NULL, &error), LW_E_INVALID, &error);
    expect_words(lw_object_root(context, &g, "g", foreign, &error), LW_E_INVALID, &error,
                 "another context");
    close_host(&other);
    close_host(&o.host);
}

Test(object_graph, the_name_of_the_runtime_is_taken)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_runtime *runtime = NULL;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    open_host(&host);
    options.name = "objects";
    options.enumerate = play;
    expect_words(lw_runtime_create(host.context, &options, &runtime, &error), LW_E_STATE, &error,
                 "objects");
    close_host(&host);
}
