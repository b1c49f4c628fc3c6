/* What a snapshot tells: the whole, its nodes, types and edges. Blocks and sites of nodes:
 * snapshot_blocks.c. */
#include "graph_host.h"

/* A heap with one of everything. */
static const op ops[] = {
    NODE(10, "app.Map", 64),
    NODE(20, "app.List", 56),
    NODE(30, "app.List", 56),
    NODE(UINT64_MAX, "app.Text", 20),
    NODE(5, "app.Text", 30),
    FREELIST(40, "float", 24),
    EDGE(10, 20, ".list"),
    EDGE(10, 20, "['k']"),
    EDGE(10, UINT64_MAX, "v"),
    EDGE(20, 30, "#7"),
    EDGE_OF(LW_EDGE_WEAK, 20, 10, "(owner)"),
    EDGE_OF(LW_EDGE_EPHEMERON, 20, 40, NULL),
    EDGE(10, 777, ".gone"),
    ROOT(10, "global", "app"),
    ROOT(888, "global", "gone"),
    NODE(30, "app.Map", 64),
    REFERENCES(10, 1),
    REFERENCES(30, 1000),
    REFERENCES(20, 255),
    EXTERNAL(30, 100),
    EXTERNAL(30, 11),
    {0}};

struct edges {
    lw_edge edges[8];
    int count, stop_at;
};

static int visit_edge(const lw_edge *edge, void *user)
{
    struct edges *edges = user;
    cr_assert_eq(edge->struct_size, sizeof *edge);
    edges->edges[edges->count++] = *edge;
    return edges->count == edges->stop_at;
}

/* ---- lw_snapshot_take ---- */

Test(snapshot, take_refuses_null)
{
    host host;
    lw_snapshot *snapshot = at(1);
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    expect_error(lw_snapshot_take(NULL, NULL, &snapshot, &error), LW_E_INVALID, &error);
    cr_assert_null(snapshot);
    expect_error(lw_snapshot_take(host.context, NULL, NULL, &error), LW_E_INVALID, &error);
    close_host(&host);
}

static lw_status take_named(lw_context *context, const lw_snapshot_options *options,
                            lw_error *error)
{
    lw_snapshot *snapshot = at(1);
    lw_status status = lw_snapshot_take(context, options, &snapshot, error);
    cr_assert_eq(snapshot != NULL, status == LW_OK);
    lw_snapshot_release(snapshot);
    return status;
}

Test(snapshot, take_takes_options_of_every_size)
{
    host host;
    lw_snapshot_options good = LW_SNAPSHOT_OPTIONS_INIT;
    good.name = "before";
    open_host(&host);
    EXPECT_OPTION_SIZES(lw_snapshot_options, good, take_named(host.context, given, &error));
    close_host(&host);
}

Test(snapshot, name_is_copied)
{
    host host;
    char name[] = "before";
    lw_snapshot *snapshot = NULL;
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    open_host(&host);
    options.name = name;
    cr_assert_eq(lw_snapshot_take(host.context, &options, &snapshot, NULL), LW_OK);
    memset(name, 'x', sizeof name - 1);
    cr_assert_str_eq(snapshot_info(snapshot).name, "before");
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(snapshot, context_without_runtimes_or_nodes)
{
    static const op nothing[] = {{0}};
    host host;
    script script = {nothing, 0};
    open_host(&host);
    lw_snapshot *none = take(&host);
    add_runtime(&host, "toy", LW_KEY_OPAQUE, play, &script);
    add_runtime(&host, "address", LW_KEY_ADDRESS, play, &script);
    lw_snapshot *empty = take(&host);
    cr_assert_eq(snapshot_info(none).nodes, 0);
    cr_assert_eq(snapshot_info(empty).nodes, 0);
    cr_assert_eq(snapshot_info(empty).epoch, snapshot_info(none).epoch + 1);
    cr_assert_str_eq(snapshot_info(none).name, "");
    cr_assert_eq(lw_node_find(empty, "toy", 1, &(lw_node){0}, NULL), LW_E_NOT_FOUND);
    cr_assert_eq(lw_node_find(empty, "address", 8, &(lw_node){0}, NULL), LW_E_NOT_FOUND);
    lw_snapshot_release(none);
    lw_snapshot_release(empty);
    close_host(&host);
}

Test(snapshot, references_keep_it)
{
    host host;
    script script = {ops, 0};
    open_toy(&host, &script);
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(lw_snapshot_retain(snapshot), snapshot);
    lw_snapshot_release(snapshot);
    cr_assert_eq(snapshot_info(snapshot).nodes, 6);
    lw_snapshot_release(snapshot);
    cr_assert_null(lw_snapshot_retain(NULL));
    lw_snapshot_release(NULL);
    close_host(&host);
}

/* ---- the whole ---- */

Test(snapshot, info_get)
{
    lw_snapshot *snapshot = take_script(ops);
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_error error = LW_ERROR_INIT;
    EXPECT_RESULT_SIZES(lw_snapshot_info, lw_snapshot_info_get(snapshot, to, &error));
    info.nodes = 7;
    expect_error(lw_snapshot_info_get(NULL, &info, &error), LW_E_INVALID, &error);
    cr_assert_eq(info.nodes, 0);
    info = snapshot_info(snapshot);
    cr_assert_eq(info.nodes, 6);
    cr_assert_eq(info.edges, 6);
    cr_assert_eq(info.size, 64 + 56 + 56 + 20 + 30 + 24);
    cr_assert_eq(info.external, 111);
    cr_assert_eq(info.types, 4);
    cr_assert_eq(info.roots, 1);
    cr_assert_eq(info.outside, 2); /* 20 and 30 */
    cr_assert_eq(info.garbage, 1); /* 5 */
    cr_assert_eq(info.garbage_size, 30);
    cr_assert_eq(info.dangling, 2);
    cr_assert_eq(info.conflicts, 1);
    cr_assert_gt(info.epoch, 0);
    cr_assert_gt(info.own_bytes, 0);
    lw_snapshot_release(snapshot);
}

Test(snapshot, own_bytes_are_what_the_allocator_gave)
{
    host host;
    script script = {ops, 0};
    open_toy(&host, &script);
    lw_snapshot_release(take(&host)); /* what is made once is made now */
    long long before = host.memory.bytes;
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq((long long)snapshot_info(snapshot).own_bytes, host.memory.bytes - before);
    lw_snapshot_release(snapshot);
    cr_assert_eq(host.memory.bytes, before);
    close_host(&host);
}

/* ---- nodes ---- */

Test(snapshot, node_info_get)
{
    lw_snapshot *snapshot = take_script(ops);
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_error error = LW_ERROR_INIT;
    EXPECT_RESULT_SIZES(lw_node_info, lw_node_info_get(snapshot, 0, to, &error));
    info.key = 7;
    expect_error(lw_node_info_get(NULL, 0, &info, &error), LW_E_INVALID, &error);
    cr_assert_eq(info.key, 0);
    info.key = 7;
    expect_error(lw_node_info_get(snapshot, 6, &info, &error), LW_E_NOT_FOUND, &error);
    cr_assert_eq(info.key, 0);
    expect_error(lw_node_info_get(snapshot, LW_NODE_NONE, &info, &error), LW_E_NOT_FOUND, &error);
    lw_snapshot_release(snapshot);
}

Test(snapshot, nodes_are_in_the_order_of_their_keys)
{
    static const lw_key keys[] = {5, 10, 20, 30, 40, UINT64_MAX};
    lw_snapshot *snapshot = take_script(ops);
    for (lw_node node = 0; node < 6; node++) {
        cr_assert_eq(find_node(snapshot, keys[node]), node);
        cr_assert_eq(node_info(snapshot, keys[node]).key, keys[node]);
    }
    lw_snapshot_release(snapshot);
}

Test(snapshot, nodes_tell_what_was_pushed)
{
    lw_snapshot *snapshot = take_script(ops);
    lw_node_info map = node_info(snapshot, 10), list = node_info(snapshot, 20);
    lw_node_info twice = node_info(snapshot, 30), text = node_info(snapshot, 5);
    cr_assert_eq(map.size, 64);
    cr_assert_eq(map.references, 1);
    cr_assert_eq(map.flags, 0);
    cr_assert_eq(map.frames, 0);
    cr_assert_str_eq(map.runtime, "toy");
    cr_assert_eq(list.references, 255);
    cr_assert_eq(list.flags, LW_NODE_OUTSIDE);
    cr_assert_eq(twice.size, 56, "the first description stands");
    cr_assert_eq(twice.references, 1000);
    cr_assert_eq(twice.external, 111);
    cr_assert_eq(text.flags, LW_NODE_GARBAGE);
    cr_assert_eq(text.references, 0);
    cr_assert_eq(node_info(snapshot, 40).flags, LW_NODE_APPROXIMATE);
    cr_assert_eq(twice.bytes + twice.epoch + map.external, 0);
    lw_snapshot_release(snapshot);
}

Test(snapshot, node_find)
{
    lw_snapshot *snapshot = take_script(ops);
    lw_error error = LW_ERROR_INIT;
    lw_node node = 3;
    expect_error(lw_node_find(NULL, "toy", 10, &node, &error), LW_E_INVALID, &error);
    cr_assert_eq(node, LW_NODE_NONE);
    expect_error(lw_node_find(snapshot, NULL, 10, &node, &error), LW_E_INVALID, &error);
    expect_error(lw_node_find(snapshot, "toy", 10, NULL, &error), LW_E_INVALID, &error);
    node = 3;
    expect_words(lw_node_find(snapshot, "other", 10, &node, &error), LW_E_NOT_FOUND, &error,
                 "\"other\"");
    cr_assert_eq(node, LW_NODE_NONE);
    node = 3;
    expect_words(lw_node_find(snapshot, "toy", 11, &node, &error), LW_E_NOT_FOUND, &error, "0xb");
    cr_assert_eq(node, LW_NODE_NONE);
    expect_error(lw_node_find(snapshot, "toy", 0, &node, &error), LW_E_NOT_FOUND, &error);
    lw_snapshot_release(snapshot);
}

Test(snapshot, addresses_far_apart)
{
    static const lw_key keys[] = {8,          0x10000,        0x10008,          0x107f8,
                                  0x10800,    0x7fffffffffff0, 0x800000000000000, UINT64_MAX - 7};
    static const op far[] = {NODE(UINT64_MAX - 7, "t", 1), NODE(0x10800, "t", 1),
                             NODE(0x107f8, "t", 1),        NODE(0x10008, "t", 1),
                             NODE(0x7fffffffffff0, "t", 1), NODE(0x800000000000000, "t", 1),
                             NODE(0x10000, "t", 1),        NODE(8, "t", 1),
                             {0}};
    host host;
    script script = {far, 0};
    open_host(&host);
    add_runtime(&host, "toy", LW_KEY_ADDRESS, play, &script);
    lw_snapshot *snapshot = take(&host);
    for (lw_node node = 0; node < 8; node++) {
        cr_assert_eq(find_node(snapshot, keys[node]), node);
        cr_assert_eq(node_info(snapshot, keys[node]).key, keys[node]);
    }
    cr_assert_eq(lw_node_find(snapshot, "toy", 0x10010, &(lw_node){0}, NULL), LW_E_NOT_FOUND);
    cr_assert_eq(lw_node_find(snapshot, "toy", 0x10004, &(lw_node){0}, NULL), LW_E_NOT_FOUND);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

enum { FAR_NODES = 100 };

static lw_key far_key(int node)
{
    return 0x100000000u * (lw_key)(node + 1);
}

static int push_far(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t type = lw_sink_type(sink, 0, "t", 0);
    for (int i = FAR_NODES; i-- > 0;) {
        lw_sink_node(sink, far_key(i), type, 1);
        lw_sink_edge(sink, far_key(i), far_key((i + 1) % FAR_NODES), LW_EDGE_STRONG, 0);
    }
    lw_sink_edge(sink, far_key(0), far_key(FAR_NODES), LW_EDGE_STRONG, 0); /* dangling */
    lw_sink_hide(sink, far_key(FAR_NODES + 1));                            /* never pushed */
    return 0;
}

Test(snapshot, addresses_each_far_from_all_others)
{
    host host;
    struct edges edges = {.stop_at = 0};
    open_host(&host);
    add_runtime(&host, "toy", LW_KEY_ADDRESS, push_far, NULL);
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(snapshot_info(snapshot).nodes, FAR_NODES);
    cr_assert_eq(snapshot_info(snapshot).edges, FAR_NODES);
    cr_assert_eq(snapshot_info(snapshot).dangling, 1);
    for (int i = 0; i < FAR_NODES; i++) {
        edges.count = 0;
        cr_assert_eq(find_node(snapshot, far_key(i)), (lw_node)i);
        cr_assert_eq(node_info(snapshot, far_key(i)).key, far_key(i));
        lw_edge_each(snapshot, (lw_node)i, visit_edge, &edges, NULL);
        cr_assert_eq(edges.edges[0].to, (lw_node)((i + 1) % FAR_NODES));
    }
    cr_assert_eq(lw_node_find(snapshot, "toy", far_key(FAR_NODES), &(lw_node){0}, NULL),
                 LW_E_NOT_FOUND);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(snapshot, runtimes_come_in_the_order_of_their_making)
{
    static const op first[] = {NODE(100, "t", 1), NODE(200, "t", 2), {0}};
    static const op second[] = {NODE(1, "t", 3), NODE(100, "u", 4), ROOT(100, "r", NULL), {0}};
    script scripts[] = {{first, 0}, {second, 0}};
    host host;
    lw_node node;
    lw_node_info info = LW_NODE_INFO_INIT;
    open_host(&host);
    add_runtime(&host, "z", LW_KEY_OPAQUE, play, &scripts[0]);
    add_runtime(&host, "a", LW_KEY_OPAQUE, play, &scripts[1]);
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(lw_node_find(snapshot, "z", 100, &node, NULL), LW_OK);
    cr_assert_eq(node, 0);
    cr_assert_eq(lw_node_find(snapshot, "a", 100, &node, NULL), LW_OK);
    cr_assert_eq(node, 3);
    cr_assert_eq(lw_node_info_get(snapshot, node, &info, NULL), LW_OK);
    cr_assert_str_eq(info.runtime, "a");
    cr_assert_eq(info.size, 4);
    cr_assert_eq(info.flags, 0);
    cr_assert_eq(snapshot_info(snapshot).types, 3);
    cr_assert_eq(snapshot_info(snapshot).garbage, 3);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(snapshot, of_two_counts_the_first_stands)
{
    static const op counts[] = {NODE(1, "t", 1),     REFERENCES(1, 1000), REFERENCES(1, 2000),
                                NODE(2, "t", 1),     REFERENCES(2, 1),    REFERENCES(2, 300),
                                NODE(3, "t", 1),     REFERENCES(3, 300),  REFERENCES(3, 1),
                                NODE(4, "t", 1),     REFERENCES(4, 300),  REFERENCES(4, 300),
                                {0}};
    lw_snapshot *snapshot = take_script(counts);
    cr_assert_eq(node_info(snapshot, 1).references, 1000);
    cr_assert_eq(node_info(snapshot, 2).references, 1);
    cr_assert_eq(node_info(snapshot, 3).references, 300);
    cr_assert_eq(node_info(snapshot, 4).references, 300);
    cr_assert_eq(snapshot_info(snapshot).conflicts, 3);
    lw_snapshot_release(snapshot);
}

Test(snapshot, hidden_nodes_are_left_out)
{
    static const op hidden[] = {NODE(1, "t", 1), NODE(2, "mine", 1), EDGE(1, 2, NULL),
                                EDGE(2, 1, NULL), HIDDEN(2), HIDDEN(2), HIDDEN(3),
                                EDGE(1, 3, NULL), ROOT(2, "r", NULL), {0}};
    lw_snapshot *snapshot = take_script(hidden);
    cr_assert_eq(snapshot_info(snapshot).nodes, 1);
    cr_assert_eq(snapshot_info(snapshot).edges, 0);
    cr_assert_eq(snapshot_info(snapshot).roots, 0);
    cr_assert_eq(snapshot_info(snapshot).dangling, 0);
    lw_snapshot_release(snapshot);
}

Test(snapshot, all_nodes_hidden)
{
    static const op hidden[] = {NODE(8, "t", 1), HIDDEN(8), {0}}, only[] = {HIDDEN(8), {0}};
    host host;
    script script = {hidden, 0}, without = {only, 0};
    open_host(&host);
    add_runtime(&host, "toy", LW_KEY_OPAQUE, play, &script);
    add_runtime(&host, "address", LW_KEY_ADDRESS, play, &script);
    add_runtime(&host, "nothing", LW_KEY_ADDRESS, play, &without);
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(snapshot_info(snapshot).nodes, 0);
    cr_assert_eq(lw_node_find(snapshot, "address", 8, &(lw_node){0}, NULL), LW_E_NOT_FOUND);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

/* ---- types ---- */

Test(snapshot, type_get)
{
    static const op two[] = {NODE(1, "Same", 8), {.what = PUSH_NODE, .a = 2, .b = 77,
                                                  .text = "Same", .number = 9}, {0}};
    lw_snapshot *snapshot = take_script(two);
    lw_type_info info = LW_TYPE_INFO_INIT;
    lw_error error = LW_ERROR_INIT;
    EXPECT_RESULT_SIZES(lw_type_info, lw_snapshot_type_get(snapshot, 0, to, &error));
    info.count = 7;
    expect_error(lw_snapshot_type_get(NULL, 0, &info, &error), LW_E_INVALID, &error);
    cr_assert_eq(info.count, 0);
    info.count = 7;
    expect_error(lw_snapshot_type_get(snapshot, 2, &info, &error), LW_E_NOT_FOUND, &error);
    cr_assert_eq(info.count, 0);
    cr_assert_eq(lw_snapshot_type_get(snapshot, 1, &info, NULL), LW_OK);
    cr_assert_str_eq(info.name, "Same");
    cr_assert_str_eq(info.runtime, "toy");
    cr_assert_eq(info.key, 77);
    cr_assert_eq(info.garbage, 1);
    cr_assert_eq(info.count, 0);
    lw_snapshot_release(snapshot);
}

Test(snapshot, types_count_what_is_held)
{
    lw_snapshot *snapshot = take_script(ops);
    lw_type_info info = LW_TYPE_INFO_INIT;
    cr_assert_eq(lw_snapshot_type_get(snapshot, node_info(snapshot, 5).type, &info, NULL), LW_OK);
    cr_assert_str_eq(info.name, "app.Text");
    cr_assert_eq(info.count, 1);
    cr_assert_eq(info.size, 20);
    cr_assert_eq(info.garbage, 1);
    cr_assert_eq(lw_snapshot_type_get(snapshot, node_info(snapshot, 40).type, &info, NULL), LW_OK);
    cr_assert_eq(info.flags, LW_TYPE_FREELIST);
    lw_snapshot_release(snapshot);
}

struct visited {
    lw_node nodes[8];
    int count, stop_at;
};

static int visit_node(lw_node node, void *user)
{
    struct visited *visited = user;
    visited->nodes[visited->count++] = node;
    return visited->count == visited->stop_at;
}

Test(snapshot, node_each)
{
    lw_snapshot *snapshot = take_script(ops);
    lw_error error = LW_ERROR_INIT;
    struct visited all = {.stop_at = 0}, one = {.stop_at = 1};
    uint32_t type = node_info(snapshot, 5).type;
    cr_assert_eq(lw_node_each(snapshot, type, visit_node, &all, NULL), LW_OK);
    cr_assert_eq(all.count, 2, "garbage included");
    cr_assert_eq(all.nodes[0], find_node(snapshot, 5));
    cr_assert_eq(all.nodes[1], find_node(snapshot, UINT64_MAX));
    cr_assert_eq(lw_node_each(snapshot, type, visit_node, &one, NULL), LW_OK);
    cr_assert_eq(one.count, 1);
    expect_error(lw_node_each(NULL, type, visit_node, &all, &error), LW_E_INVALID, &error);
    expect_error(lw_node_each(snapshot, type, NULL, &all, &error), LW_E_INVALID, &error);
    expect_error(lw_node_each(snapshot, 4, visit_node, &all, &error), LW_E_NOT_FOUND, &error);
    lw_snapshot_release(snapshot);
}

/* ---- edges ---- */

Test(snapshot, edge_each)
{
    lw_snapshot *snapshot = take_script(ops);
    lw_error error = LW_ERROR_INIT;
    struct edges all = {.stop_at = 0}, one = {.stop_at = 1}, none = {.stop_at = 0};
    lw_node map = find_node(snapshot, 10);
    cr_assert_eq(lw_edge_each(snapshot, map, visit_edge, &all, NULL), LW_OK);
    cr_assert_eq(all.count, 3);
    cr_assert_eq(lw_edge_each(snapshot, map, visit_edge, &one, NULL), LW_OK);
    cr_assert_eq(one.count, 1);
    cr_assert_eq(lw_edge_each(snapshot, find_node(snapshot, 5), visit_edge, &none, NULL), LW_OK);
    cr_assert_eq(none.count, 0);
    expect_error(lw_edge_each(NULL, map, visit_edge, &all, &error), LW_E_INVALID, &error);
    expect_error(lw_edge_each(snapshot, map, NULL, &all, &error), LW_E_INVALID, &error);
    expect_error(lw_edge_each(snapshot, 6, visit_edge, &all, &error), LW_E_NOT_FOUND, &error);
    lw_snapshot_release(snapshot);
}

static void expect_label(lw_label label, int32_t style, uint32_t index, const char *text)
{
    cr_assert_eq(label.style, style);
    cr_assert_eq(label.index, index);
    cr_assert_str_eq(label.text, text);
}

Test(snapshot, edges_tell_kind_and_label_in_the_order_of_target_and_label)
{
    lw_snapshot *snapshot = take_script(ops);
    struct edges map = {.stop_at = 0}, list = {.stop_at = 0};
    lw_edge_each(snapshot, find_node(snapshot, 10), visit_edge, &map, NULL);
    lw_edge_each(snapshot, find_node(snapshot, 20), visit_edge, &list, NULL);
    expect_label(map.edges[0].label, LW_LABEL_ATTRIBUTE, 0, "list");
    expect_label(map.edges[1].label, LW_LABEL_KEY, 0, "'k'");
    expect_label(map.edges[2].label, LW_LABEL_VARIABLE, 0, "v");
    cr_assert_eq(map.edges[0].to, find_node(snapshot, 20));
    cr_assert_eq(map.edges[2].to, find_node(snapshot, UINT64_MAX));
    cr_assert_eq(map.edges[2].from, find_node(snapshot, 10));
    cr_assert_eq(list.count, 3);
    cr_assert_eq(list.edges[0].kind, LW_EDGE_WEAK);
    expect_label(list.edges[0].label, LW_LABEL_INTERNAL, 0, "owner");
    cr_assert_eq(list.edges[1].kind, LW_EDGE_STRONG);
    expect_label(list.edges[1].label, -1, 7, "");
    cr_assert_eq(list.edges[2].kind, LW_EDGE_EPHEMERON);
    expect_label(list.edges[2].label, -2, 0, "");
    lw_snapshot_release(snapshot);
}

Test(snapshot, the_highest_index)
{
    static const op high[] = {NODE(1, "t", 1), EDGE(1, 1, "#2147483647"), {0}};
    lw_snapshot *snapshot = take_script(high);
    struct edges edges = {.stop_at = 0};
    lw_edge_each(snapshot, 0, visit_edge, &edges, NULL);
    expect_label(edges.edges[0].label, -1, 2147483647, "");
    lw_snapshot_release(snapshot);
}
