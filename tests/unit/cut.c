/* What to cut. Against plain answers, over random heaps: tests/model/cut.c. */
#include "graph_host.h"

static lw_cut *find_of(const op *ops, const lw_key *keys, uint64_t count, uint32_t limit)
{
    lw_node leaked[32];
    lw_cut *cut = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_cut_options options = LW_CUT_OPTIONS_INIT;
    lw_snapshot *snapshot = take_script(ops);
    for (uint64_t i = 0; i < count; i++)
        leaked[i] = find_node(snapshot, keys[i]);
    options.limit = limit;
    cr_assert_eq(lw_cut_find(snapshot, leaked, count, &options, &cut, &error), LW_OK, "%s",
                 error.message);
    lw_snapshot_release(snapshot); /* the cut keeps it */
    return cut;
}

static lw_cut_info info_of(const lw_cut *cut)
{
    lw_cut_info info = LW_CUT_INFO_INIT;
    cr_assert_eq(lw_cut_info_get(cut, &info, NULL), LW_OK);
    return info;
}

static lw_cut_edge edge_of(const lw_cut *cut, uint32_t index)
{
    lw_cut_edge edge = LW_CUT_EDGE_INIT;
    cr_assert_eq(lw_cut_edge_get(cut, index, &edge, NULL), LW_OK);
    return edge;
}

/* A module holds a cache, which holds two pages; one of them is kept by another variable too. */
static const op small[] = {NODE(1, "module", 100), NODE(2, "cache", 10), NODE(3, "page", 40),
                           NODE(4, "page", 50), EDGE(1, 2, ".cache"), EDGE(2, 3, "#0"),
                           EDGE(2, 4, "#1"), ROOT(1, "module", "app"), {0}};

/* ---- calls ---- */

static lw_status find(lw_snapshot *snapshot, const lw_node *leaked, uint64_t count,
                      const lw_cut_options *options, lw_error *error)
{
    lw_cut *cut = at(1);
    lw_status status = lw_cut_find(snapshot, leaked, count, options, &cut, error);
    cr_assert_eq(cut != NULL, status == LW_OK);
    lw_cut_release(cut);
    return status;
}

static int stop(const char *phase, uint64_t done, uint64_t total, void *user)
{
    (void)done;
    (void)total;
    return strcmp(phase, user) == 0;
}

Test(cut, find_refuses_what_it_cannot_do)
{
    static const op held_twice[] = {NODE(1, "T", 8), ROOT(1, "a", NULL), ROOT(1, "b", NULL), {0}};
    lw_snapshot *snapshot = take_script(small), *other = take_script(held_twice);
    lw_error error = LW_ERROR_INIT;
    lw_cut_options options = LW_CUT_OPTIONS_INIT;
    lw_node nodes[] = {0, 4};
    expect_error(find(NULL, nodes, 1, NULL, &error), LW_E_INVALID, &error);
    expect_error(find(snapshot, NULL, 1, NULL, &error), LW_E_INVALID, &error);
    expect_error(find(snapshot, nodes, 0, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_cut_find(snapshot, nodes, 1, NULL, NULL, &error), LW_E_INVALID, &error);
    expect_error(find(snapshot, nodes, 2, NULL, &error), LW_E_NOT_FOUND, &error);
    options.progress = stop;
    options.user = (void *)(uintptr_t)"cut";
    expect_error(find(other, nodes, 1, &options, &error), LW_E_CANCELLED, &error);
    lw_snapshot_release(snapshot);
    lw_snapshot_release(other);
}

Test(cut, find_takes_options_of_every_size)
{
    lw_snapshot *snapshot = take_script(small);
    lw_node node = 1;
    lw_cut_options good = LW_CUT_OPTIONS_INIT;
    EXPECT_OPTION_SIZES(lw_cut_options, good, find(snapshot, &node, 1, given, &error));
    lw_snapshot_release(snapshot);
}

static const op spread[] = {NODE(1, "T", 8), NODE(2, "T", 8), ROOT(1, "a", NULL),
                            ROOT(1, "b", NULL), ROOT(2, "c", NULL), {0}};

Test(cut, results_of_every_size_and_what_is_not_there)
{
    static const lw_key both[] = {1, 2};
    lw_error error = LW_ERROR_INIT;
    lw_cut_info info = LW_CUT_INFO_INIT;
    lw_cut_edge edge = LW_CUT_EDGE_INIT;
    lw_cut_holder holder = LW_CUT_HOLDER_INIT;
    lw_cut *cut = find_of(spread, both, 2, 8), *many = find_of(spread, both, 2, 2);
    EXPECT_RESULT_SIZES(lw_cut_info, lw_cut_info_get(cut, to, &error));
    EXPECT_RESULT_SIZES(lw_cut_edge, lw_cut_edge_get(cut, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_cut_holder, lw_cut_holder_get(many, 0, to, &error));
    expect_error(lw_cut_info_get(NULL, &info, &error), LW_E_INVALID, &error);
    expect_error(lw_cut_edge_get(NULL, 0, &edge, &error), LW_E_INVALID, &error);
    expect_error(lw_cut_edge_get(cut, 3, &edge, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_cut_holder_get(NULL, 0, &holder, &error), LW_E_INVALID, &error);
    expect_error(lw_cut_holder_get(cut, 0, &holder, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_cut_edge_get(many, 0, &edge, &error), LW_E_NOT_FOUND, &error);
    lw_cut_release(NULL);
    lw_cut_release(cut);
    lw_cut_release(many);
}

/* ---- one reference ---- */

Test(cut, the_nearest_that_frees_most)
{
    static const lw_key pages[] = {3, 4, 3};
    lw_cut *cut = find_of(small, pages, 3, 0);
    lw_cut_info info = info_of(cut);
    cr_assert_eq(info.flags, LW_CUT_SINGLE);
    cr_assert_eq(info.edges, 1);
    cr_assert_eq(info.leaked_count, 2);
    cr_assert_eq(info.leaked_bytes, 90);
    cr_assert_eq(info.freed_count, 3);
    cr_assert_eq(info.freed_bytes, 100);
    cr_assert_eq(info.freed_leaked_bytes, 90);
    cr_assert_eq(info.innocent_bytes, 10);
    lw_cut_edge edge = edge_of(cut, 0);
    cr_assert_str_eq(edge.edge.label.text, "cache");
    cr_assert_null(edge.root_kind);
    cr_assert_eq(edge.bystander, 0);
    cr_assert_eq(edge.alone_bytes, 100);
    cr_assert_eq(edge.alone_leaked_bytes, 90);
    lw_cut_release(cut);
}

/* 90 of 100 bytes hang on one reference, the other 10 elsewhere too. */
Test(cut, ninety_of_a_hundred_are_enough)
{
    static const op ops[] = {NODE(1, "T", 1), NODE(2, "T", 1), NODE(3, "T", 90), NODE(4, "T", 10),
                             ROOT(1, "r", "one"), ROOT(2, "r", "two"), EDGE(1, 3, ".a"),
                             EDGE(1, 4, ".b"), EDGE(2, 4, ".c"), {0}};
    static const lw_key leaked[] = {3, 4};
    lw_cut *cut = find_of(ops, leaked, 2, 0);
    cr_assert_eq(info_of(cut).flags, LW_CUT_SINGLE);
    cr_assert_eq(info_of(cut).freed_leaked_bytes, 90);
    cr_assert_str_eq(edge_of(cut, 0).edge.label.text, "a");
    lw_cut_release(cut);
}

Test(cut, less_are_not)
{
    static const op ops[] = {NODE(1, "T", 1), NODE(2, "T", 1), NODE(3, "T", 89), NODE(4, "T", 11),
                             ROOT(1, "r", "one"), ROOT(2, "r", "two"), EDGE(1, 3, ".a"),
                             EDGE(1, 4, ".b"), EDGE(2, 4, ".c"), {0}};
    static const lw_key leaked[] = {3, 4};
    lw_cut *cut = find_of(ops, leaked, 2, 0);
    cr_assert_eq(info_of(cut).flags, 0);
    cr_assert_eq(info_of(cut).edges, 2, "the root of 1, and .c");
    cr_assert_eq(info_of(cut).freed_leaked_bytes, 100);
    lw_cut_release(cut);
}

Test(cut, back_references_do_not_count)
{
    static const op ops[] = {NODE(1, "T", 8), NODE(2, "T", 8), NODE(3, "T", 8), ROOT(1, "r", NULL),
                             EDGE(1, 2, ".down"), EDGE(2, 3, ".child"), EDGE(3, 2, ".parent"),
                             EDGE(2, 2, ".self"), EDGE_OF(LW_EDGE_WEAK, 1, 2, ".weak"), {0}};
    static const lw_key leaked[] = {2, 3};
    lw_cut *cut = find_of(ops, leaked, 2, 0);
    cr_assert_eq(info_of(cut).edges, 1);
    cr_assert_str_eq(edge_of(cut, 0).edge.label.text, "down");
    lw_cut_release(cut);
}

Test(cut, garbage_needs_none)
{
    static const op ops[] = {NODE(1, "T", 8), NODE(2, "T", 8), ROOT(1, "r", NULL), {0}};
    static const lw_key leaked[] = {2};
    lw_cut *cut = find_of(ops, leaked, 1, 0);
    cr_assert_eq(info_of(cut).leaked_count, 0);
    cr_assert_eq(info_of(cut).edges, 0);
    lw_cut_release(cut);
}

Test(cut, a_root_is_a_place_and_so_is_the_outside)
{
    static const op ops[] = {NODE(1, "T", 8), ROOT_OF(LW_ROOT_BORROWED, 1, "module", "app"),
                             REFERENCES(1, 3), {0}};
    static const lw_key leaked[] = {1};
    lw_cut *cut = find_of(ops, leaked, 1, 0);
    cr_assert_eq(info_of(cut).edges, 2);
    lw_cut_edge first = edge_of(cut, 0), second = edge_of(cut, 1);
    cr_assert_eq(first.edge.from, LW_NODE_NONE);
    cr_assert_eq(first.edge.kind, -1);
    cr_assert_str_eq(first.root_kind, "module");
    cr_assert_str_eq(first.root_label.text, "app");
    cr_assert_eq(first.bystander, 0);
    cr_assert_str_eq(second.root_kind, "held from outside");
    cr_assert_eq(second.outside, 3);
    cr_assert_eq(second.bystander, 1);
    cr_assert_eq(second.alone_bytes, 0);
    lw_cut_release(cut);
}

/* ---- several ---- */

/* Two variables hold a cache of three: two references, not three, and nothing of theirs. */
Test(cut, the_fewest)
{
    static const op ops[] = {
        NODE(1, "module", 100), NODE(2, "module", 100), NODE(3, "cache", 10), NODE(4, "page", 8),
        NODE(5, "page", 8), NODE(6, "page", 8), ROOT(1, "module", "a"), ROOT(2, "module", "b"),
        EDGE(1, 3, ".one"), EDGE(2, 3, ".two"), EDGE(3, 4, "#0"), EDGE(3, 5, "#1"),
        EDGE(3, 6, "#2"), {0}};
    static const lw_key leaked[] = {4, 5, 6};
    lw_cut *cut = find_of(ops, leaked, 3, 0);
    lw_cut_info info = info_of(cut);
    cr_assert_eq(info.flags, 0);
    cr_assert_eq(info.edges, 2);
    cr_assert_eq(info.freed_bytes, 34);
    cr_assert_eq(info.innocent_bytes, 10);
    cr_assert_str_eq(edge_of(cut, 0).edge.label.text, "one");
    cr_assert_eq(edge_of(cut, 0).alone_bytes, 0);
    cr_assert_str_eq(edge_of(cut, 1).edge.label.text, "two");
    lw_cut_release(cut);
}

Test(cut, owners_come_first)
{
    static const op ops[] = {
        NODE(1, "frame", 8), NODE(2, "module", 8), NODE(3, "page", 8), NODE(4, "iterator", 8),
        ROOT_OF(LW_ROOT_BYSTANDER, 1, "frame", NULL), EDGE(1, 4, ".a"), EDGE(4, 3, ".b"),
        ROOT(2, "module", NULL), EDGE(2, 3, ".c"), {0}};
    static const lw_key leaked[] = {3};
    lw_cut *cut = find_of(ops, leaked, 1, 0);
    cr_assert_eq(info_of(cut).edges, 2);
    cr_assert_str_eq(edge_of(cut, 0).edge.label.text, "c");
    cr_assert_eq(edge_of(cut, 0).bystander, 0);
    cr_assert_str_eq(edge_of(cut, 1).edge.label.text, "b");
    cr_assert_eq(edge_of(cut, 1).bystander, 1);
    lw_cut_release(cut);
}

/* Flow that went the wrong way is taken back: the shortest way through the middle is a trap. */
Test(cut, flow_goes_back)
{
    static const op ops[] = {
        NODE(1, "T", 8), NODE(2, "T", 8), NODE(3, "T", 8), NODE(4, "T", 8), NODE(5, "T", 8),
        NODE(6, "T", 8), NODE(9, "T", 8), ROOT(1, "r", NULL), ROOT(2, "r", NULL),
        EDGE(1, 3, NULL), EDGE(3, 9, ".x"), EDGE(1, 4, NULL), EDGE(4, 5, NULL), EDGE(5, 6, NULL),
        EDGE(6, 9, ".y"), EDGE(2, 3, NULL), {0}};
    static const lw_key leaked[] = {9};
    lw_cut *cut = find_of(ops, leaked, 1, 0);
    cr_assert_eq(info_of(cut).edges, 2);
    cr_assert_str_eq(edge_of(cut, 0).edge.label.text, "x");
    cr_assert_str_eq(edge_of(cut, 1).edge.label.text, "y");
    lw_cut_release(cut);
}

static void hold_in(op *ops, int places)
{
    int count = 0;
    ops[count++] = (op)NODE(1, "page", 100);
    ops[count++] = (op)NODE(50, "page", 7);
    for (int i = 0; i < places; i++) {
        ops[count++] = (op)NODE((lw_key)(2 + i), "holder", 10);
        ops[count++] = (op)ROOT((lw_key)(2 + i), "module", NULL);
        ops[count++] = (op)EDGE((lw_key)(2 + i), 1, ".page");
    }
    ops[count++] = (op)EDGE(2, 50, ".own");
    ops[count] = (op){0};
}

Test(cut, eight_places_but_not_nine)
{
    static const lw_key leaked[] = {1, 50};
    op ops[40];
    hold_in(ops, 8);
    lw_cut *cut = find_of(ops, leaked, 1, 0);
    cr_assert_eq(info_of(cut).edges, 8);
    cr_assert_eq(info_of(cut).freed_bytes, 100);
    lw_cut_release(cut);
    hold_in(ops, 9);
    cut = find_of(ops, leaked, 2, 0);
    lw_cut_info info = info_of(cut);
    cr_assert_eq(info.flags, LW_CUT_TOO_MANY);
    cr_assert_eq(info.edges, 0);
    cr_assert_eq(info.freed_bytes, 0);
    cr_assert_eq(info.holders, 2);
    lw_cut_holder holder = LW_CUT_HOLDER_INIT;
    cr_assert_eq(lw_cut_holder_get(cut, 0, &holder, NULL), LW_OK);
    cr_assert_eq(holder.leaked_bytes, 7, "a holder before what nothing alone holds");
    cr_assert_eq(holder.freed_bytes, 17);
    cr_assert_eq(holder.leaked_count, 1);
    cr_assert_eq(lw_cut_holder_get(cut, 1, &holder, NULL), LW_OK);
    cr_assert_eq(holder.leaked_bytes, 100);
    lw_cut_release(cut);
}
