/* Cycles of garbage, and the reference to break. Against plain answers, over random heaps:
 * tests/model/retain.c. */
#include "graph_host.h"

/* Each cycle on a line: its keys, its bytes, what goes with it, and the reference to break. */
static int put_key(lw_node node, void *user)
{
    void **both = user;
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_node_info_get(both[0], node, &info, NULL);
    sprintf((char *)both[1] + strlen(both[1]), "%d ", (int)info.key);
    return 0;
}

static void expect_cycles(const op *ops, const char *want)
{
    char got[1000] = "";
    lw_snapshot *snapshot = take_script(ops);
    lw_cycles *cycles = NULL;
    cr_assert_eq(lw_cycles_create(snapshot, &cycles, NULL), LW_OK);
    for (uint32_t i = 0; i < lw_cycles_count(cycles); i++) {
        lw_cycle cycle = LW_CYCLE_INIT;
        lw_node_info from = LW_NODE_INFO_INIT, to = LW_NODE_INFO_INIT;
        void *both[] = {snapshot, got};
        cr_assert_eq(lw_cycle_get(cycles, i, &cycle, NULL), LW_OK);
        cr_assert_eq(lw_cycle_each(cycles, i, put_key, both, NULL), LW_OK);
        lw_node_info_get(snapshot, cycle.back.from, &from, NULL);
        lw_node_info_get(snapshot, cycle.back.to, &to, NULL);
        sprintf(got + strlen(got), "| %d nodes, %d B, frees %d nodes, %d B | %d: %d%s%s%d\n",
                (int)cycle.nodes, (int)cycle.bytes, (int)cycle.frees_nodes, (int)cycle.frees,
                (int)cycle.back_edges, (int)from.key, cycle.back.label.text[0] ? "." : "->",
                cycle.back.label.text, (int)to.key);
    }
    lw_snapshot_release(snapshot);
    cr_assert_str_eq(got, want);
    lw_cycles_release(cycles);
}

/* ---- calls ---- */

static const op ring[] = {NODE(1, "A", 10), NODE(2, "B", 20),  NODE(3, "C", 40), NODE(4, "D", 80),
                          EDGE(1, 2, ".x"), EDGE(2, 1, ".y"),  EDGE(2, 3, ".z"), EXTERNAL(3, 500),
                          EDGE(4, 3, ".h"), ROOT(4, "m", "d"), {0}};

static int stop_at_once(lw_node node, void *user)
{
    (void)node;
    ++*(int *)user;
    return 1;
}

Test(cycles, calls_refuse_what_they_cannot_do)
{
    lw_snapshot *snapshot = take_script(ring);
    lw_cycles *cycles = at(1);
    lw_cycle cycle = LW_CYCLE_INIT;
    lw_error error = LW_ERROR_INIT;
    int seen = 0;
    expect_error(lw_cycles_create(NULL, &cycles, &error), LW_E_INVALID, &error);
    cr_assert_null(cycles);
    expect_error(lw_cycles_create(snapshot, NULL, &error), LW_E_INVALID, &error);
    cr_assert_eq(lw_cycles_create(snapshot, &cycles, &error), LW_OK);
    lw_snapshot_release(snapshot); /* the cycles keep it */
    cr_assert_eq(lw_cycles_count(cycles), 1);
    cr_assert_eq(lw_cycles_count(NULL), 0);
    EXPECT_RESULT_SIZES(lw_cycle, lw_cycle_get(cycles, 0, to, &error));
    cycle.nodes = 7;
    expect_error(lw_cycle_get(NULL, 0, &cycle, &error), LW_E_INVALID, &error);
    cr_assert_eq(cycle.nodes, 0);
    expect_error(lw_cycle_get(cycles, 1, &cycle, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_cycle_each(NULL, 0, stop_at_once, &seen, &error), LW_E_INVALID, &error);
    expect_error(lw_cycle_each(cycles, 1, stop_at_once, &seen, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_cycle_each(cycles, 0, NULL, &seen, &error), LW_E_INVALID, &error);
    cr_assert_eq(lw_cycle_each(cycles, 0, stop_at_once, &seen, &error), LW_OK);
    cr_assert_eq(seen, 1);
    lw_cycles_release(cycles);
    lw_cycles_release(NULL);
}

Test(cycles, none)
{
    static const op ops[] = {NODE(1, "A", 1), NODE(2, "B", 1), EDGE(1, 2, ""), EDGE(2, 2, ""),
                             ROOT(2, "m", ""), {0}};
    static const op empty[] = {{0}};
    expect_cycles(ops, "");
    expect_cycles(empty, "");
}

/* ---- where to break ---- */

/* Either reference of the ring would do; the first by content is told. What a root holds stays. */
Test(cycles, a_ring)
{
    expect_cycles(ring, "1 2 | 2 nodes, 30 B, frees 2 nodes, 30 B | 1: 1.x2\n");
}

Test(cycles, one_that_refers_to_itself)
{
    static const op once[] = {NODE(1, "A", 1), EDGE(1, 1, ".me"), {0}};
    static const op twice[] = {NODE(1, "A", 1), EDGE(1, 1, ".me"), EDGE(1, 1, ".too"), {0}};
    static const op weak[] = {NODE(1, "A", 1), EDGE_OF(LW_EDGE_WEAK, 1, 1, ".me"), {0}};
    expect_cycles(once, "1 | 1 nodes, 1 B, frees 1 nodes, 1 B | 1: 1.me1\n");
    expect_cycles(twice, "1 | 1 nodes, 1 B, frees 1 nodes, 1 B | 2: 1.me1\n");
    expect_cycles(weak, "");
}

/* Two references from 1 to 2: only the way back is single. */
Test(cycles, references_side_by_side)
{
    static const op ops[] = {NODE(1, "A", 1),  NODE(2, "B", 1),  EDGE(1, 2, ".x"),
                             EDGE(1, 2, ".y"), EDGE(2, 1, ".z"), {0}};
    expect_cycles(ops, "1 2 | 2 nodes, 2 B, frees 2 nodes, 2 B | 1: 2.z1\n");
}

/* A tree whose leaves know the top, which hands out one child: that reference is on every way. */
Test(cycles, children_that_know_their_parent)
{
    static const op one[] = {NODE(1, "A", 1), NODE(2, "B", 1),   NODE(3, "C", 1),
                             NODE(4, "D", 1), EDGE(1, 2, ".in"), EDGE(2, 3, ""),
                             EDGE(2, 4, ""),  EDGE(3, 1, ".up"), EDGE(4, 1, ".up"), {0}};
    static const op two[] = {NODE(1, "A", 1),    NODE(2, "B", 1),    NODE(3, "C", 1),
                             EDGE(1, 2, ".one"), EDGE(1, 3, ".two"), EDGE(2, 1, ".up"),
                             EDGE(3, 1, ".up"),  {0}};
    expect_cycles(one, "1 2 3 4 | 4 nodes, 4 B, frees 4 nodes, 4 B | 1: 1.in2\n");
    expect_cycles(two, "1 2 3 | 3 nodes, 3 B, frees 3 nodes, 3 B | 2: 2.up1\n");
}

/* 1 2 3 4 in a ring, an ear from 1 to 3 and one from 4 to 2: only 3 to 4 is on all three rings. */
Test(cycles, ears)
{
    static const op ops[] = {NODE(1, "A", 1),  NODE(2, "B", 1),  NODE(3, "C", 1),  NODE(4, "D", 1),
                             EDGE(1, 2, ".n"), EDGE(2, 3, ".n"), EDGE(3, 4, ".n"), EDGE(4, 1, ".n"),
                             EDGE(1, 3, ".e"), EDGE(4, 2, ".e"), {0}};
    expect_cycles(ops, "1 2 3 4 | 4 nodes, 4 B, frees 4 nodes, 4 B | 1: 3.n4\n");
}

/* ---- what goes with it ---- */

/* 1-2 keeps 3, and 4-5 behind it; 6-7 keeps 8 too, which 4 leads to, so that 8 stays. */
Test(cycles, what_only_it_keeps)
{
    static const op ops[] = {
        NODE(1, "A", 1),   NODE(2, "B", 1),   NODE(3, "C", 100), NODE(4, "D", 200),
        NODE(5, "E", 400), NODE(6, "F", 5),   NODE(7, "G", 5),   NODE(8, "H", 7),
        EDGE(1, 2, ".a"),  EDGE(2, 1, ".b"),  EDGE(2, 3, ""),    EDGE(3, 4, ""),
        EDGE(4, 5, ".c"),  EDGE(5, 4, ".d"),  EDGE(4, 8, ""),    EDGE(6, 7, ".e"),
        EDGE(7, 6, ".f"),  EDGE(7, 8, ""),    {0}};
    expect_cycles(ops, "4 5 | 2 nodes, 600 B, frees 2 nodes, 600 B | 1: 4.c5\n"
                       "6 7 | 2 nodes, 10 B, frees 2 nodes, 10 B | 1: 6.e7\n"
                       "1 2 | 2 nodes, 2 B, frees 5 nodes, 702 B | 1: 1.a2\n");
}
