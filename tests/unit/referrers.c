/* Trees of holders. Against a plain merge, over random heaps: tests/model/graph_referrers.c. */
#include "graph_host.h"

static const op small[] = {
    NODE(1, "module", 8), NODE(2, "list", 8), NODE(3, "dict", 8), NODE(4, "list", 8),
    NODE(9, "T", 8), NODE(10, "T", 8), NODE(11, "T", 8), NODE(99, "T", 8),
    ROOT(1, "r", "app"), EDGE(1, 2, ".a"), EDGE(1, 3, ".b"), EDGE(1, 4, ".c"), EDGE(2, 9, "#0"),
    EDGE(2, 10, "#1"), EDGE(4, 11, "#0"), EDGE(3, 9, "['k']"), EDGE(9, 2, ".owner"),
    EDGE_OF(LW_EDGE_WEAK, 1, 9, ".weak"), EDGE(99, 9, ".garbage"), {0}};

static void put_row(char *text, size_t room, const lw_referrer *row)
{
    size_t used = strlen(text);
    if (row->flags & LW_REFERRER_REST)
        snprintf(text + used, room - used, "%u: %u more, %d\n", (unsigned)row->depth,
                 (unsigned)row->rows, (int)row->references);
    else
        snprintf(text + used, room - used, "%u: %d %s hold %d by %d/%s%u%s%s%s%s%s\n",
                 (unsigned)row->depth, (int)row->holders, row->type, (int)row->held,
                 row->label.style, row->label.text, (unsigned)row->label.index,
                 row->flags & LW_REFERRER_ALIKE ? " alike" : "",
                 row->flags & LW_REFERRER_CUT ? " cut" : "", row->cyclic ? " cyclic" : "",
                 row->rooted ? " root " : "", row->root_kind);
}

static void expect_tree(const op *ops, const lw_key *keys, uint64_t count,
                        lw_referrers_options options, const char *want)
{
    char got[2000] = "";
    lw_node nodes[8];
    lw_referrers *tree = NULL;
    lw_snapshot *snapshot = take_script(ops);
    for (uint64_t i = 0; i < count; i++)
        nodes[i] = find_node(snapshot, keys[i]);
    cr_assert_eq(lw_referrers_create(snapshot, nodes, count, &options, &tree, NULL), LW_OK);
    lw_snapshot_release(snapshot); /* the tree keeps it */
    for (uint32_t i = 0; i < lw_referrers_count(tree); i++) {
        lw_referrer row = LW_REFERRER_INIT;
        cr_assert_eq(lw_referrer_get(tree, i, &row, NULL), LW_OK);
        put_row(got, sizeof got, &row);
    }
    cr_assert_str_eq(got, want);
    lw_referrers_release(tree);
}

static const lw_key three[] = {9, 10, 11};

Test(referrers, merged_by_type_and_label)
{
    lw_referrers_options options = LW_REFERRERS_OPTIONS_INIT;
    expect_tree(small, three, 3, options,
                "0: 2 list hold 3 by -1/0 alike\n"
                "1: 1 T hold 1 by 0/owner0 cyclic\n"
                "1: 1 module hold 1 by 0/a0 root r\n"
                "1: 1 module hold 1 by 0/c0 root r\n"
                "0: 1 dict hold 1 by 1/'k'0\n"
                "1: 1 module hold 1 by 0/b0 root r\n");
}

Test(referrers, limits_of_depth_breadth_and_rows)
{
    lw_referrers_options options = LW_REFERRERS_OPTIONS_INIT;
    options.depth = 1;
    expect_tree(small, three, 3, options,
                "0: 2 list hold 3 by -1/0 alike cut\n0: 1 dict hold 1 by 1/'k'0 cut\n");
    options.breadth = 1;
    expect_tree(small, three, 3, options, "0: 2 list hold 3 by -1/0 alike cut\n0: 1 more, 1\n");
    options.depth = options.breadth = 0;
    options.limit = 1;
    expect_tree(small, three, 3, options,
                "0: 2 list hold 3 by -1/0 alike cut\n0: 1 dict hold 1 by 1/'k'0 cut\n");
}

Test(referrers, info_of_the_nodes)
{
    lw_snapshot *snapshot = take_script(small);
    lw_node nodes[] = {find_node(snapshot, 9), find_node(snapshot, 9), find_node(snapshot, 99),
                       find_node(snapshot, 1)};
    lw_referrers *tree = NULL;
    lw_referrers_info info = LW_REFERRERS_INFO_INIT;
    cr_assert_eq(lw_referrers_create(snapshot, nodes, 3, NULL, &tree, NULL), LW_OK);
    cr_assert_eq(lw_referrers_info_get(tree, &info, NULL), LW_OK);
    cr_assert_eq(info.count, 2);
    cr_assert_eq(info.size, 16);
    cr_assert_eq(info.garbage, 1);
    cr_assert_eq(info.rooted, 0);
    cr_assert_str_eq(info.type, "T");
    cr_assert_str_eq(info.root_kind, "");
    lw_referrers_release(tree);
    cr_assert_eq(lw_referrers_create(snapshot, nodes, 4, NULL, &tree, NULL), LW_OK);
    cr_assert_eq(lw_referrers_info_get(tree, &info, NULL), LW_OK);
    cr_assert_str_eq(info.type, "");
    cr_assert_eq(info.rooted, 1);
    cr_assert_str_eq(info.root_label.text, "app");
    lw_referrers_release(tree);
    lw_snapshot_release(snapshot);
}

static lw_status create(lw_snapshot *snapshot, const lw_node *nodes, uint64_t count,
                        const lw_referrers_options *options, lw_error *error)
{
    lw_referrers *tree = at(1);
    lw_status status = lw_referrers_create(snapshot, nodes, count, options, &tree, error);
    cr_assert_eq(tree != NULL, status == LW_OK);
    lw_referrers_release(tree);
    return status;
}

Test(referrers, calls_refuse_what_they_cannot_do)
{
    lw_snapshot *snapshot = take_script(small);
    lw_error error = LW_ERROR_INIT;
    lw_node nodes[] = {1, 100};
    lw_referrers *tree = NULL;
    lw_referrer row = LW_REFERRER_INIT;
    lw_referrers_info info = LW_REFERRERS_INFO_INIT;
    lw_referrers_options good = LW_REFERRERS_OPTIONS_INIT;
    good.limit = 2;
    EXPECT_OPTION_SIZES(lw_referrers_options, good, create(snapshot, nodes, 1, given, &error));
    expect_error(create(NULL, nodes, 1, NULL, &error), LW_E_INVALID, &error);
    expect_error(create(snapshot, NULL, 1, NULL, &error), LW_E_INVALID, &error);
    expect_error(create(snapshot, nodes, 0, NULL, &error), LW_E_INVALID, &error);
    expect_error(create(snapshot, nodes, 2, NULL, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_referrers_create(snapshot, nodes, 1, NULL, NULL, &error), LW_E_INVALID,
                 &error);
    cr_assert_eq(lw_referrers_create(snapshot, nodes, 1, NULL, &tree, NULL), LW_OK);
    EXPECT_RESULT_SIZES(lw_referrer, lw_referrer_get(tree, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_referrers_info, lw_referrers_info_get(tree, to, &error));
    expect_error(lw_referrer_get(NULL, 0, &row, &error), LW_E_INVALID, &error);
    expect_error(lw_referrer_get(tree, 99, &row, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_referrers_info_get(NULL, &info, &error), LW_E_INVALID, &error);
    cr_assert_eq(lw_referrers_count(NULL), 0);
    lw_referrers_release(NULL);
    lw_referrers_release(tree);
    lw_snapshot_release(snapshot);
}
