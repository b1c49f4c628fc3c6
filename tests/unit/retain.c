/* Dominators and retained sizes. Against plain answers, over random heaps: tests/model/retain.c. */
#include "graph_host.h"

static lw_dominators *dominators_of(lw_snapshot *snapshot)
{
    lw_dominators *dominators = NULL;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_dominators_create(snapshot, NULL, &dominators, &error), LW_OK, "%s",
                 error.message);
    lw_snapshot_release(snapshot); /* the dominators keep it */
    return dominators;
}

/* Of each key, from 1 on: its dominator's key, 0 for the roots, -1 for garbage. */
static void expect_dominators(const op *ops, const int *want, int count)
{
    lw_snapshot *snapshot = lw_snapshot_retain(take_script(ops));
    lw_dominators *dominators = dominators_of(snapshot);
    for (int i = 0; i < count; i++) {
        lw_retained got = LW_RETAINED_INIT;
        lw_node_info above = LW_NODE_INFO_INIT;
        cr_assert_eq(lw_dominators_get(dominators, find_node(snapshot, (lw_key)i + 1), &got, NULL),
                     LW_OK);
        if (got.dominator != LW_NODE_NONE)
            lw_node_info_get(snapshot, got.dominator, &above, NULL);
        int found = got.flags & LW_RETAINED_GARBAGE ? -1 : (int)above.key;
        cr_assert_eq(found, want[i], "dominator of %d: %d, should be %d", i + 1, found, want[i]);
    }
    lw_dominators_release(dominators);
    lw_snapshot_release(snapshot);
}

static lw_retained retained(const lw_dominators *dominators, lw_node node)
{
    lw_retained got = LW_RETAINED_INIT;
    cr_assert_eq(lw_dominators_get(dominators, node, &got, NULL), LW_OK);
    return got;
}

/* ---- calls ---- */

static const op small[] = {NODE(1, "Map", 10),    NODE(2, "List", 20),   NODE(3, "List", 40),
                           NODE(4, "Lost", 80),   EXTERNAL(2, 1000),     EXTERNAL(4, 7),
                           EDGE(1, 2, ".a"),      EDGE(2, 3, ".b"),      EDGE(4, 3, ".c"),
                           ROOT(1, "module", ""), {0}};

static lw_status create(lw_snapshot *snapshot, const lw_dominators_options *options,
                        lw_error *error)
{
    lw_dominators *dominators = at(1);
    lw_status status = lw_dominators_create(snapshot, options, &dominators, error);
    cr_assert_eq(dominators != NULL, status == LW_OK);
    lw_dominators_release(dominators);
    return status;
}

static int count_calls(const char *phase, uint64_t done, uint64_t total, void *user)
{
    int *calls = user;
    cr_assert_leq(done, total);
    cr_assert_neq(phase[0], 0);
    return --*calls == 0;
}

Test(retain, create_refuses_what_it_cannot_do)
{
    lw_snapshot *snapshot = take_script(small);
    lw_error error = LW_ERROR_INIT;
    lw_dominators_options good = LW_DOMINATORS_OPTIONS_INIT;
    expect_error(create(NULL, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_dominators_create(snapshot, NULL, NULL, &error), LW_E_INVALID, &error);
    EXPECT_OPTION_SIZES(lw_dominators_options, good, create(snapshot, given, &error));
    lw_dominators_release(NULL);
    lw_snapshot_release(snapshot);
}

Test(retain, create_stops_when_told_to)
{
    lw_snapshot *snapshot = take_script(small);
    lw_error error = LW_ERROR_INIT;
    lw_dominators_options options = LW_DOMINATORS_OPTIONS_INIT;
    int calls = 0;
    options.progress = count_calls;
    options.user = &calls;
    cr_assert_eq(create(snapshot, &options, &error), LW_OK);
    int all = -calls;
    cr_assert_geq(all, 3);
    for (int stop = 1; stop <= all; stop++) {
        calls = stop;
        expect_error(create(snapshot, &options, &error), LW_E_CANCELLED, &error);
    }
    lw_snapshot_release(snapshot);
}

Test(retain, get_type_get_and_set_refuse_what_is_not_there)
{
    lw_dominators *dominators = dominators_of(take_script(small));
    lw_error error = LW_ERROR_INIT;
    lw_retained got = LW_RETAINED_INIT;
    lw_set_info info = LW_SET_INFO_INIT;
    lw_node nodes[] = {0, 4};
    EXPECT_RESULT_SIZES(lw_retained, lw_dominators_get(dominators, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_retained, lw_dominators_type_get(dominators, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_set_info, lw_dominators_set(dominators, nodes, 1, to, &error));
    got.count = 7;
    expect_error(lw_dominators_get(NULL, 0, &got, &error), LW_E_INVALID, &error);
    cr_assert_eq(got.count, 0);
    expect_error(lw_dominators_get(dominators, 4, &got, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_dominators_type_get(NULL, 0, &got, &error), LW_E_INVALID, &error);
    expect_error(lw_dominators_type_get(dominators, 3, &got, &error), LW_E_NOT_FOUND, &error);
    info.own_count = 7;
    expect_error(lw_dominators_set(NULL, nodes, 1, &info, &error), LW_E_INVALID, &error);
    cr_assert_eq(info.own_count, 0);
    expect_error(lw_dominators_set(dominators, NULL, 1, &info, &error), LW_E_INVALID, &error);
    expect_error(lw_dominators_set(dominators, nodes, 2, &info, &error), LW_E_NOT_FOUND, &error);
    cr_assert_eq(lw_dominators_set(dominators, NULL, 0, &info, &error), LW_OK);
    cr_assert_eq(info.reachable_count, 0);
    lw_dominators_release(dominators);
}

struct visits {
    lw_node nodes[8];
    int count, stop;
};

static int visit_node(lw_node node, void *user)
{
    struct visits *visits = user;
    visits->nodes[visits->count++] = node;
    return visits->count == visits->stop;
}

Test(retain, each_refuses_and_stops)
{
    static const op ops[] = {NODE(1, "A", 10), NODE(2, "B", 30),      NODE(3, "C", 30),
                             NODE(4, "D", 50), ROOT(1, "module", ""), ROOT(2, "module", ""),
                             ROOT(3, "m", ""), EDGE(2, 3, ".a"),      {0}};
    lw_dominators *dominators = dominators_of(take_script(ops));
    lw_error error = LW_ERROR_INIT;
    struct visits all = {.stop = 0}, one = {.stop = 1}, none = {.stop = 0};
    expect_error(lw_dominators_each(NULL, 0, visit_node, &all, &error), LW_E_INVALID, &error);
    expect_error(lw_dominators_each(dominators, 0, NULL, &all, &error), LW_E_INVALID, &error);
    expect_error(lw_dominators_each(dominators, 4, visit_node, &all, &error), LW_E_NOT_FOUND,
                 &error);
    cr_assert_eq(lw_dominators_each(dominators, LW_NODE_NONE, visit_node, &all, &error), LW_OK);
    cr_assert_eq(all.count, 3);
    cr_assert(all.nodes[0] == 1 && all.nodes[1] == 2 && all.nodes[2] == 0);
    cr_assert_eq(lw_dominators_each(dominators, LW_NODE_NONE, visit_node, &one, &error), LW_OK);
    cr_assert_eq(one.count, 1);
    cr_assert_eq(lw_dominators_each(dominators, 3, visit_node, &none, &error), LW_OK);
    cr_assert_eq(none.count, 0); /* garbage */
    lw_dominators_release(dominators);
}

Test(retain, an_empty_heap)
{
    static const op ops[] = {{0}};
    lw_dominators *dominators = dominators_of(take_script(ops));
    struct visits visits = {.stop = 0};
    lw_set_info info = LW_SET_INFO_INIT;
    cr_assert_eq(lw_dominators_each(dominators, LW_NODE_NONE, visit_node, &visits, NULL), LW_OK);
    cr_assert_eq(visits.count, 0);
    cr_assert_eq(lw_dominators_set(dominators, NULL, 0, &info, NULL), LW_OK);
    lw_dominators_release(dominators);
}

/* ---- bytes ---- */

Test(retain, sizes_and_external_bytes)
{
    lw_dominators *dominators = dominators_of(take_script(small));
    lw_retained map = retained(dominators, 0), list = retained(dominators, 1);
    lw_retained lost = retained(dominators, 3);
    cr_assert(map.own == 10 && map.bytes == 1070 && map.count == 3 && map.depth == 1);
    cr_assert(list.own == 1020 && list.bytes == 1060 && list.count == 2 && list.depth == 2);
    cr_assert_eq(list.dominator, 0);
    cr_assert_eq(map.dominator, LW_NODE_NONE);
    cr_assert(lost.own == 87 && lost.bytes == 0 && lost.count == 0 && lost.depth == 0);
    cr_assert_eq(lost.flags, LW_RETAINED_GARBAGE);
    cr_assert_eq(lost.dominator, LW_NODE_NONE);
    lw_dominators_release(dominators);
}

Test(retain, a_type_counts_each_byte_once)
{
    lw_snapshot *snapshot = lw_snapshot_retain(take_script(small));
    lw_dominators *dominators = dominators_of(snapshot);
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_retained lists = LW_RETAINED_INIT;
    lw_node_info_get(snapshot, 1, &info, NULL);
    cr_assert_eq(lw_dominators_type_get(dominators, info.type, &lists, NULL), LW_OK);
    cr_assert(lists.bytes == 1060 && lists.own == 1060 && lists.count == 2);
    cr_assert(lists.depth == 0 && lists.dominator == LW_NODE_NONE);
    lw_dominators_release(dominators);
    lw_snapshot_release(snapshot);
}

Test(retain, sizes_of_over_four_gib)
{
    static const op ops[] = {NODE(1, "A", UINT64_C(4) << 30), NODE(2, "B", UINT64_C(5) << 30),
                             EXTERNAL(2, UINT64_C(3) << 40), EDGE(1, 2, ".a"),
                             ROOT(1, "module", ""), {0}};
    lw_dominators *dominators = dominators_of(take_script(ops));
    cr_assert_eq(retained(dominators, 0).bytes, (UINT64_C(9) << 30) + (UINT64_C(3) << 40));
    lw_dominators_release(dominators);
}

/* Two holders of one page: neither frees it alone, both together do. */
Test(retain, exclusive_and_shared)
{
    static const op ops[] = {NODE(1, "A", 1),       NODE(2, "B", 2),       NODE(3, "C", 4),
                             NODE(4, "D", 8),       NODE(5, "E", 16),      EDGE(1, 3, ".a"),
                             EDGE(2, 3, ".a"),      EDGE(3, 4, ".a"),      EDGE(5, 4, ".a"),
                             ROOT(1, "module", ""), ROOT(2, "module", ""), ROOT(5, "m", ""), {0}};
    lw_dominators *dominators = dominators_of(take_script(ops));
    lw_node both[] = {0, 1, 0};
    lw_set_info info = LW_SET_INFO_INIT;
    cr_assert_eq(retained(dominators, 0).bytes, 1);
    cr_assert_eq(lw_dominators_set(dominators, both, 3, &info, NULL), LW_OK);
    cr_assert(info.own_count == 2 && info.own_bytes == 3);
    cr_assert(info.exclusive_count == 3 && info.exclusive_bytes == 7);
    cr_assert(info.reachable_count == 4 && info.reachable_bytes == 15);
    cr_assert(info.shared_count == 1 && info.shared_bytes == 8);
    cr_assert_eq(lw_dominators_set(dominators, both, 1, &info, NULL), LW_OK);
    cr_assert(info.exclusive_bytes == 1 && info.shared_bytes == 12);
    lw_dominators_release(dominators);
}

/* ---- classics, worked out by hand ---- */

/* Lengauer and Tarjan 1979, figure 1: R A B C D E F G H I J K L are 1 to 13. */
Test(retain, the_thirteen_nodes_of_lengauer_and_tarjan)
{
    static const op ops[] = {
        NODE(1, "R", 1),  NODE(2, "A", 1),  NODE(3, "B", 1),  NODE(4, "C", 1),  NODE(5, "D", 1),
        NODE(6, "E", 1),  NODE(7, "F", 1),  NODE(8, "G", 1),  NODE(9, "H", 1),  NODE(10, "I", 1),
        NODE(11, "J", 1), NODE(12, "K", 1), NODE(13, "L", 1), EDGE(1, 2, ""),   EDGE(1, 3, ""),
        EDGE(1, 4, ""),   EDGE(2, 5, ""),   EDGE(3, 2, ""),   EDGE(3, 5, ""),   EDGE(3, 6, ""),
        EDGE(4, 7, ""),   EDGE(4, 8, ""),   EDGE(5, 13, ""),  EDGE(6, 9, ""),   EDGE(7, 10, ""),
        EDGE(8, 10, ""),  EDGE(8, 11, ""),  EDGE(9, 6, ""),   EDGE(9, 12, ""),  EDGE(10, 12, ""),
        EDGE(11, 10, ""), EDGE(12, 10, ""), EDGE(12, 1, ""),  EDGE(13, 9, ""),  ROOT(1, "m", ""),
        {0}};
    static const int want[] = {0, 1, 1, 1, 1, 1, 4, 4, 1, 1, 8, 1, 5};
    expect_dominators(ops, want, 13);
}

/* r a b c d e are 1 to 6: who goes breadth first says that a dominates c. */
Test(retain, the_breadth_first_trap)
{
    static const op ops[] = {NODE(1, "r", 1), NODE(2, "a", 1), NODE(3, "b", 1), NODE(4, "c", 1),
                             NODE(5, "d", 1), NODE(6, "e", 1), EDGE(1, 2, ""),  EDGE(1, 5, ""),
                             EDGE(2, 3, ""),  EDGE(2, 4, ""),  EDGE(5, 6, ""),  EDGE(6, 3, ""),
                             EDGE(3, 4, ""),  ROOT(1, "m", ""), {0}};
    static const int want[] = {0, 1, 1, 1, 1, 5};
    expect_dominators(ops, want, 6);
}

/* Rungs both ways between two rails, entered from both sides: the root alone dominates. */
Test(retain, an_irreducible_ladder)
{
    static const op ops[] = {NODE(1, "r", 1), NODE(2, "a", 1), NODE(3, "b", 1), NODE(4, "c", 1),
                             NODE(5, "x", 1), NODE(6, "y", 1), NODE(7, "z", 1), EDGE(1, 2, ""),
                             EDGE(1, 5, ""),  EDGE(2, 3, ""),  EDGE(3, 4, ""),  EDGE(5, 6, ""),
                             EDGE(6, 7, ""),  EDGE(2, 5, ""),  EDGE(5, 2, ""),  EDGE(3, 6, ""),
                             EDGE(6, 3, ""),  EDGE(4, 7, ""),  EDGE(7, 4, ""),  ROOT(1, "m", ""),
                             {0}};
    static const int want[] = {0, 1, 1, 1, 1, 1, 1};
    expect_dominators(ops, want, 7);
}

Test(retain, what_holds_and_what_does_not)
{
    static const op ops[] = {
        NODE(1, "r", 1), NODE(2, "a", 1), NODE(3, "b", 1), NODE(4, "c", 1), NODE(5, "d", 1),
        NODE(6, "e", 1), EDGE(1, 2, ""), EDGE_OF(LW_EDGE_WEAK, 1, 3, ""), EDGE(2, 3, ""),
        EDGE(2, 3, ""), EDGE_OF(LW_EDGE_EPHEMERON, 3, 4, ""), EDGE_OF(LW_EDGE_UNKNOWN, 1, 4, ""),
        EDGE(3, 3, ""), EDGE_OF(LW_EDGE_WEAK, 1, 5, ""), REFERENCES(6, 2), ROOT(1, "m", ""), {0}};
    static const int want[] = {0, 1, 2, 1, -1, 0};
    expect_dominators(ops, want, 6);
}
