/* What lw_runtime_check() tells an author, kind by kind. The same on a real object system, broken
 * in one place at a time: check_toyvm.c. */
#include "graph_host.h"

static lw_check *run_check(lw_runtime *runtime)
{
    lw_check *check = NULL;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_runtime_check(runtime, &check, &error), LW_OK, "%s", error.message);
    cr_assert_not_null(check);
    return check;
}

static lw_problem problem_at(const lw_check *check, uint32_t index)
{
    lw_problem problem = LW_PROBLEM_INIT;
    cr_assert_eq(lw_check_problem_get(check, index, &problem, NULL), LW_OK);
    cr_assert_neq(problem.next[0], 0, "no next step");
    return problem;
}

/* The check of a script finds exactly one problem, and says this. */
static void expect_problem(const op *ops, int32_t kind, uint64_t count, lw_key example,
                           const char *type, const char *message)
{
    host host;
    script script = {ops, 0};
    lw_check *check = run_check(open_toy(&host, &script));
    cr_assert_eq(script.runs, 2);
    cr_assert_eq(lw_check_count(check), 1, "%u problems", (unsigned)lw_check_count(check));
    lw_problem problem = problem_at(check, 0);
    cr_assert_eq(problem.kind, kind);
    cr_assert_eq(problem.count, count);
    cr_assert_eq(problem.example, example, "example 0x%" PRIx64, problem.example);
    cr_assert_str_eq(problem.type, type);
    cr_assert_str_eq(problem.message, message);
    lw_check_release(check);
    close_host(&host);
}

static void expect_none(const op *ops)
{
    host host;
    script script = {ops, 0};
    lw_check *check = run_check(open_toy(&host, &script));
    cr_assert_eq(lw_check_count(check), 0);
    lw_check_release(check);
    close_host(&host);
}

/* ---- calls ---- */

Test(check, refuses_null)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_check *check = at(1);
    static const op ops[] = {{0}};
    script script = {ops, 0};
    lw_runtime *runtime = open_toy(&host, &script);
    expect_error(lw_runtime_check(NULL, &check, &error), LW_E_INVALID, &error);
    cr_assert_null(check);
    expect_error(lw_runtime_check(runtime, NULL, &error), LW_E_INVALID, &error);
    cr_assert_eq(lw_check_count(NULL), 0);
    lw_check_release(NULL);
    close_host(&host);
}

Test(check, problem_get)
{
    static const op ops[] = {NODE(1, "t", 8), {0}};
    host host;
    script script = {ops, 0};
    lw_check *check = run_check(open_toy(&host, &script));
    lw_problem problem = LW_PROBLEM_INIT;
    lw_error error = LW_ERROR_INIT;
    EXPECT_RESULT_SIZES(lw_problem, lw_check_problem_get(check, 0, to, &error));
    problem.count = 5;
    expect_error(lw_check_problem_get(check, 1, &problem, &error), LW_E_NOT_FOUND, &error);
    cr_assert_eq(problem.count, 0);
    problem.count = 5;
    expect_error(lw_check_problem_get(NULL, 0, &problem, &error), LW_E_INVALID, &error);
    cr_assert_eq(problem.count, 0);
    lw_check_release(check);
    close_host(&host);
}

Test(check, reports_what_enumerate_says_when_it_fails)
{
    static const op ops[] = {NODE(1, "t", 8), {.what = FAIL, .text = "no lock"}, {0}};
    host host;
    script script = {ops, 0};
    lw_runtime *runtime = open_toy(&host, &script);
    lw_check *check = at(1);
    lw_error error = LW_ERROR_INIT;
    expect_words(lw_runtime_check(runtime, &check, &error), LW_E_RUNTIME, &error, "no lock");
    cr_assert_null(check);
    cr_assert_eq(script.runs, 1);
    close_host(&host);
}

static const op second_fails[] = {{.what = FAIL, .text = "gone"}, {0}};

static int fail_second(lw_sink *sink, void *user)
{
    script *script = user;
    int answer = play(sink, user);
    script->ops = second_fails;
    return answer;
}

Test(check, reports_a_failure_of_the_second_run)
{
    static const op ops[] = {NODE(1, "t", 8), EDGE(1, 2, NULL), {0}};
    host host;
    script script = {ops, 0};
    lw_check *check = at(1);
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_runtime *runtime = add_runtime(&host, "toy", LW_KEY_OPAQUE, fail_second, &script);
    expect_words(lw_runtime_check(runtime, &check, &error), LW_E_RUNTIME, &error, "gone");
    cr_assert_null(check);
    close_host(&host);
}

Test(check, judges_its_runtime_only_and_leaves_the_epoch)
{
    static const op ops[] = {NODE(1, "t", 8), ROOT(1, "global", NULL), {0}};
    host host;
    static const op bad[] = {NODE(1, "t", 8), NODE(2, "lost", 8), EDGE(1, 9, NULL), {0}};
    script mine = {ops, 0}, other = {bad, 0};
    lw_runtime *runtime = open_toy(&host, &mine);
    add_runtime(&host, "other", LW_KEY_OPAQUE, play, &other);
    lw_snapshot *before = take(&host);
    lw_check *check = run_check(runtime);
    cr_assert_eq(lw_check_count(check), 0);
    lw_check_release(check);
    lw_snapshot *after = take(&host);
    cr_assert_eq(other.runs, 4); /* bridges might lead there */
    cr_assert_eq(snapshot_info(after).epoch, snapshot_info(before).epoch + 1);
    lw_snapshot_release(before);
    lw_snapshot_release(after);
    close_host(&host);
}

/* ---- nothing wrong ---- */

Test(check, finds_nothing_in_an_empty_heap)
{
    static const op ops[] = {{0}};
    expect_none(ops);
}

Test(check, finds_nothing_in_a_heap_whose_counts_add_up)
{
    static const op ops[] = {
        NODE(1, "map", 8), NODE(2, "list", 8), NODE(2, "list", 8), /* equal repeats are fine */
        EDGE(1, 2, "[a]"), EDGE(1, 2, "[b]"), EDGE_OF(LW_EDGE_WEAK, 2, 1, NULL),
        EDGE_OF(LW_EDGE_BORROWED, 2, 2, NULL), REFERENCES(1, 1), REFERENCES(2, 2),
        REFERENCES(2, 2), ROOT(1, "global", "x"), ROOT_OF(LW_ROOT_BORROWED, 2, "stack", NULL), {0}};
    expect_none(ops);
}

Test(check, finds_nothing_wrong_with_hidden_keys)
{
    static const op ops[] = {NODE(1, "map", 8), EDGE(1, 9, NULL), EDGE(9, 1, NULL), HIDDEN(9),
                             ROOT(9, "global", NULL), ROOT(1, "global", NULL), NODE(9, "mine", 8),
                             REFERENCES(9, 5), {0}};
    expect_none(ops);
}

Test(check, takes_a_counted_ring_for_lawful_garbage)
{
    static const op ops[] = {
        NODE(1, "root", 8), ROOT(1, "global", NULL),
        NODE(2, "ring", 8), NODE(3, "ring", 8), NODE(4, "text", 8), EDGE(2, 3, NULL),
        EDGE(3, 2, NULL), EDGE(3, 4, NULL), REFERENCES(2, 1), REFERENCES(3, 1), {0}};
    expect_none(ops); /* 4 states no count, but what holds it is garbage */
}

/* ---- unrooted ---- */

Test(check, unrooted_nodes_of_a_runtime_that_counts_nothing)
{
    static const op ops[] = {NODE(1, "root", 8), ROOT(1, "global", NULL), NODE(2, "list", 8),
                             NODE(3, "list", 8), EDGE(3, 2, NULL), {0}};
    expect_problem(ops, LW_PROBLEM_UNROOTED, 2, 3, "list",
                   "no root reaches 2 nodes; 1 held by nothing at all");
}

Test(check, unrooted_ring)
{
    static const op ops[] = {NODE(1, "root", 8), ROOT(1, "global", NULL), NODE(2, "list", 8),
                             NODE(3, "list", 8), EDGE(3, 2, NULL), EDGE(2, 3, NULL), {0}};
    expect_problem(ops, LW_PROBLEM_UNROOTED, 2, 2, "list", "no root reaches 2 nodes");
}

Test(check, weak_and_borrowed_edges_root_nothing)
{
    static const op ops[] = {NODE(1, "root", 8), ROOT(1, "global", NULL), NODE(2, "list", 8),
                             EDGE_OF(LW_EDGE_WEAK, 1, 2, NULL),
                             EDGE_OF(LW_EDGE_BORROWED, 1, 2, NULL), {0}};
    expect_problem(ops, LW_PROBLEM_UNROOTED, 1, 2, "list",
                   "no root reaches 1 node; 1 held by nothing at all");
}

Test(check, no_root_at_all_even_with_counts)
{
    static const op ops[] = {NODE(1, "list", 8), NODE(2, "list", 8), EDGE(1, 2, NULL),
                             EDGE(2, 1, NULL), REFERENCES(1, 1), REFERENCES(2, 1), {0}};
    expect_problem(ops, LW_PROBLEM_UNROOTED, 2, 1, "list", "no root reaches 2 nodes");
}

/* ---- dangling ---- */

Test(check, dangling_targets_are_grouped_by_holder)
{
    static const op ops[] = {NODE(1, "map", 8), ROOT(1, "global", NULL), EDGE(1, 9, NULL),
                             EDGE(1, 8, NULL), {0}};
    expect_problem(ops, LW_PROBLEM_DANGLING, 2, 8, "map",
                   "2 edges to a node that was never pushed");
}

Test(check, dangling_holder)
{
    static const op ops[] = {NODE(1, "map", 8), ROOT(1, "global", NULL), EDGE(7, 1, NULL), {0}};
    expect_problem(ops, LW_PROBLEM_DANGLING, 1, 7, "", "1 edge from a node that was never pushed");
}

Test(check, dangling_root)
{
    static const op ops[] = {NODE(1, "map", 8), ROOT(1, "global", NULL), ROOT(7, "stack", NULL),
                             ROOT(6, "stack", NULL), {0}};
    expect_problem(ops, LW_PROBLEM_DANGLING, 2, 6, "",
                   "2 roots (\"stack\") to a node that was never pushed");
}

Test(check, statements_on_a_node_that_was_never_pushed)
{
    static const op ops[] = {NODE(1, "map", 8), ROOT(1, "global", NULL), REFERENCES(7, 1),
                             EXTERNAL(7, 100), {0}};
    expect_problem(ops, LW_PROBLEM_DANGLING, 2, 7, "",
                   "2 statements on a node that was never pushed");
}

/* ---- conflicts ---- */

Test(check, one_key_described_in_two_ways)
{
    static const op ops[] = {NODE(1, "map", 8), ROOT(1, "global", NULL), NODE(1, "list", 16), {0}};
    expect_problem(ops, LW_PROBLEM_CONFLICT, 1, 1, "map",
                   "pushed as map of 8 bytes, then as list of 16 bytes");
}

Test(check, two_counts_of_one_node)
{
    static const op ops[] = {NODE(1, "map", 8), ROOT(1, "global", NULL), REFERENCES(1, 1),
                             REFERENCES(1, 2), {0}};
    expect_problem(ops, LW_PROBLEM_CONFLICT, 1, 1, "map", "two reference counts stated");
}

/* ---- counts ---- */

Test(check, fewer_edges_than_stated)
{
    static const op ops[] = {NODE(1, "map", 8),  ROOT(1, "global", NULL), NODE(2, "list", 8),
                             NODE(3, "list", 8), EDGE(1, 2, NULL),        EDGE(1, 3, NULL),
                             REFERENCES(2, 2),   REFERENCES(3, 300),      {0}};
    expect_problem(ops, LW_PROBLEM_MISSING, 2, 3, "list", "300 references stated, 1 edge pushed");
}

Test(check, more_edges_than_stated)
{
    static const op ops[] = {NODE(1, "map", 8),
                             ROOT(1, "global", NULL),
                             EDGE(1, 1, NULL),
                             EDGE(1, 1, NULL),
                             REFERENCES(1, 1),
                             {0}};
    expect_problem(ops, LW_PROBLEM_EXCESS, 1, 1, "map",
                   "1 reference stated, 2 edges and 1 root pushed");
}

/* ---- calls that make no sense, bridges, types ---- */

static int misuse(lw_sink *sink, void *user)
{
    uint32_t type = lw_sink_type(sink, 0, "t", 0);
    uint32_t root = lw_sink_root_kind(sink, "global", 0);
    int answer = lw_sink_node(sink, 0x1000, type, 8);
    switch (*(const int *)user) {
    case 0:
        answer |= lw_sink_edge(sink, 0x1000, 0, LW_EDGE_STRONG, 0);
        answer |= lw_sink_node(sink, 0x1004, type, 8);
        answer |= lw_sink_references(sink, 0, 8);
        break;
    case 1:
        answer |= lw_sink_node(sink, 0x2000, type + 1, 8);
        answer |= lw_sink_edge(sink, 0x1000, 0x2000, LW_EDGE_STRONG, 0);
        break;
    case 2:
        answer |= lw_sink_edge(sink, 0x1000, 0x1000, LW_EDGE_STRONG, 9);
        break;
    case 3:
        answer |= lw_sink_edge(sink, 0x1000, 0x1000, -1, 0);
        break;
    case 4:
        answer |= lw_sink_root(sink, 0x1000, 0, 0);
        break;
    default:
        answer |= (int)lw_sink_label(sink, 9, "x", 1);
        answer |= (int)lw_sink_type(sink, 0, NULL, 0);
    }
    return answer | lw_sink_root(sink, 0x1000, root, 0);
}

Test(check, each_call_that_makes_no_sense_is_one_problem)
{
    static const struct {
        uint64_t count;
        lw_key example;
        const char *words;
    } want[] = {{3, 0, "key 0"},          {1, 0x2000, "type 2"}, {1, 0x1000, "label 9"},
                {1, 0x1000, "kind -1"},   {1, 0x1000, "kind 0"}, {2, 0, "style 9"}};
    for (int i = 0; i < 6; i++) {
        host host;
        lw_error error = LW_ERROR_INIT;
        lw_snapshot *snapshot = NULL;
        open_host(&host);
        lw_runtime *runtime = add_runtime(&host, "toy", LW_KEY_ADDRESS, misuse, &i);
        lw_check *check = run_check(runtime);
        cr_assert_eq(lw_check_count(check), 1, "case %d: %u", i, (unsigned)lw_check_count(check));
        lw_problem problem = problem_at(check, 0);
        cr_assert_eq(problem.kind, LW_PROBLEM_UNKNOWN);
        cr_assert_eq(problem.count, want[i].count);
        cr_assert_eq(problem.example, want[i].example);
        cr_assert(strstr(problem.message, want[i].words), "%s", problem.message);
        lw_check_release(check);
        /* A snapshot has no use for it. */
        expect_words(lw_snapshot_take(host.context, NULL, &snapshot, &error), LW_E_RUNTIME, &error,
                     want[i].words);
        close_host(&host);
    }
}

Test(check, bridges_to_nowhere)
{
    static const op ops[] = {NODE(1, "map", 8), ROOT(1, "global", NULL), TO(1, "far", 9, NULL),
                             FROM("far", 8, 1, NULL), {0}};
    expect_problem(ops, LW_PROBLEM_BRIDGE, 2, 8, "map",
                   "2 bridges whose other end was never pushed");
}

Test(check, a_type_named_in_two_ways)
{
    static const op ops[] = {NODE(1, "map", 8), ROOT(1, "global", NULL), ROOT(2, "global", NULL),
                             FREELIST(2, "map", 8), {0}};
    expect_problem(ops, LW_PROBLEM_CONFLICT, 1, 0, "",
                   "named \"map\" with flags 0x0, then \"map\" with flags 0x1");
}

Test(check, bridges_from_another_runtime_hold_and_count)
{
    static const op mine[] = {NODE(1, "map", 8), REFERENCES(1, 1), {0}};
    static const op other[] = {NODE(1, "object", 8), ROOT(1, "global", NULL),
                               TO(1, "toy", 1, NULL), {0}};
    host host;
    script script_mine = {mine, 0}, script_other = {other, 0};
    lw_runtime *runtime = open_toy(&host, &script_mine);
    lw_runtime *far = add_runtime(&host, "far", LW_KEY_OPAQUE, play, &script_other);
    lw_check *check = run_check(runtime), *far_check = run_check(far);
    cr_assert_eq(lw_check_count(check), 0);
    cr_assert_eq(lw_check_count(far_check), 0);
    lw_check_release(check);
    lw_check_release(far_check);
    close_host(&host);
}

Test(check, sizes_of_several_nodes_in_one_block_are_not_compared)
{
    static const op ops[] = {NODE(0x1000, "part", 8), NODE(0x1020, "part", 8),
                             ROOT(0x1000, "global", NULL), ROOT(0x1020, "global", NULL), {0}};
    static const op alone[] = {NODE(0x1010, "part", 24), ROOT(0x1010, "global", NULL), {0}};
    host host;
    script script = {ops, 0};
    open_host(&host);
    lw_runtime *runtime = add_runtime(&host, "toy", LW_KEY_ADDRESS, play, &script);
    lw_block_alloc_at(host.heap, at(0x1000), 64, LW_HERE);
    lw_check *check = run_check(runtime);
    cr_assert_eq(lw_check_count(check), 0);
    lw_check_release(check);
    script.ops = alone; /* 16 bytes before it may be a header, the 24 after it are missing */
    check = run_check(runtime);
    cr_assert_eq(lw_check_count(check), 1);
    cr_assert_eq(problem_at(check, 0).kind, LW_PROBLEM_SIZE);
    cr_assert_str_eq(problem_at(check, 0).message, "24 B stated, 64 B recorded");
    lw_check_release(check);
    close_host(&host);
}

/* ---- two runs that differ ---- */

static const op *second_ops;

static int play_other(lw_sink *sink, void *user)
{
    script *script = user;
    int answer = play(sink, user);
    script->ops = second_ops;
    return answer;
}

static void expect_unstable(const op *first, const op *second, uint64_t count, lw_key example,
                            const char *type, const char *message)
{
    host host;
    script script = {first, 0};
    open_host(&host);
    second_ops = second;
    lw_check *check = run_check(add_runtime(&host, "toy", LW_KEY_OPAQUE, play_other, &script));
    lw_problem problem = problem_at(check, 0);
    cr_assert_eq(problem.kind, LW_PROBLEM_UNSTABLE);
    cr_assert_eq(problem.count, count);
    cr_assert_eq(problem.example, example);
    cr_assert_str_eq(problem.type, type);
    cr_assert_str_eq(problem.message, message);
    cr_assert(lw_check_count(check) == 1 || problem_at(check, 1).kind != LW_PROBLEM_UNSTABLE ||
              strcmp(problem_at(check, 1).type, type) != 0);
    lw_check_release(check);
    close_host(&host);
}

static const op plain[] = {NODE(1, "map", 8),   NODE(2, "list", 8), EDGE(1, 2, ".a"),
                           REFERENCES(2, 1),    EXTERNAL(2, 10),    ROOT(1, "global", "x"),
                           ROOT(2, "pin", "#3"), {0}};

Test(check, the_order_of_pushing_is_free)
{
    static const op other[] = {ROOT(2, "pin", "#3"), REFERENCES(2, 1), ROOT(1, "global", "x"),
                               EDGE(1, 2, ".a"),     EXTERNAL(2, 4),   NODE(2, "list", 8),
                               EXTERNAL(2, 6),       NODE(1, "map", 8), {0}};
    host host;
    script script = {plain, 0};
    open_host(&host);
    second_ops = other;
    lw_check *check = run_check(add_runtime(&host, "toy", LW_KEY_OPAQUE, play_other, &script));
    for (uint32_t i = 0; i < lw_check_count(check); i++)
        cr_assert_neq(problem_at(check, i).kind, LW_PROBLEM_UNSTABLE);
    lw_check_release(check);
    close_host(&host);
}

Test(check, a_node_more_the_second_time)
{
    static const op other[] = {NODE(1, "map", 8),    NODE(2, "list", 8), EDGE(1, 2, ".a"),
                               REFERENCES(2, 1),     EXTERNAL(2, 10),    ROOT(1, "global", "x"),
                               ROOT(2, "pin", "#3"), NODE(3, "new", 8),  {0}};
    expect_unstable(plain, other, 1, 3, "new", "1 only in the second of two walks");
    expect_unstable(other, plain, 1, 3, "new", "1 only in the first of two walks");
}

Test(check, another_size_the_second_time)
{
    static const op other[] = {NODE(1, "map", 9),     NODE(2, "list", 8), EDGE(1, 2, ".a"),
                               REFERENCES(2, 1),      EXTERNAL(2, 10),    ROOT(1, "global", "x"),
                               ROOT(2, "pin", "#3"), {0}};
    expect_unstable(plain, other, 1, 1, "map", "1 described in two ways");
}

Test(check, another_count_the_second_time)
{
    static const op other[] = {NODE(1, "map", 8),     NODE(2, "list", 8), EDGE(1, 2, ".a"),
                               REFERENCES(2, 2),      EXTERNAL(2, 10),    ROOT(1, "global", "x"),
                               ROOT(2, "pin", "#3"), {0}};
    expect_unstable(plain, other, 1, 2, "list", "1 described in two ways");
}

Test(check, another_label_the_second_time)
{
    static const op other[] = {NODE(1, "map", 8),     NODE(2, "list", 8), EDGE(1, 2, ".b"),
                               REFERENCES(2, 1),      EXTERNAL(2, 10),    ROOT(1, "global", "x"),
                               ROOT(2, "pin", "#3"), {0}};
    expect_unstable(plain, other, 1, 1, "map", "1 with other references");
    static const op none[] = {NODE(1, "map", 8),     NODE(2, "list", 8), EDGE(1, 2, NULL),
                              REFERENCES(2, 1),      EXTERNAL(2, 10),    ROOT(1, "global", "x"),
                              ROOT(2, "pin", "#3"), {0}};
    expect_unstable(plain, none, 1, 1, "map", "1 with other references");
    expect_unstable(none, plain, 1, 1, "map", "1 with other references");
}

Test(check, another_kind_of_edge_the_second_time)
{
    static const op other[] = {NODE(1, "map", 8), NODE(2, "list", 8),
                               EDGE_OF(LW_EDGE_UNKNOWN, 1, 2, ".a"), REFERENCES(2, 1),
                               EXTERNAL(2, 10), ROOT(1, "global", "x"), ROOT(2, "pin", "#3"), {0}};
    expect_unstable(plain, other, 1, 1, "map", "1 with other references");
}

Test(check, other_roots_the_second_time)
{
    static const op other[] = {NODE(1, "map", 8),     NODE(2, "list", 8), EDGE(1, 2, ".a"),
                               REFERENCES(2, 1),      EXTERNAL(2, 10),    ROOT(1, "global", "y"),
                               ROOT(2, "pin", "#3"), {0}};
    expect_unstable(plain, other, 2, 1, "",
                    "roots: 1 only in the first of two walks, 1 only in the second of two walks");
    static const op index[] = {NODE(1, "map", 8),     NODE(2, "list", 8), EDGE(1, 2, ".a"),
                               REFERENCES(2, 1),      EXTERNAL(2, 10),    ROOT(1, "global", "x"),
                               ROOT(2, "pin", "#4"), {0}};
    expect_unstable(plain, index, 2, 2, "",
                    "roots: 1 only in the first of two walks, 1 only in the second of two walks");
}

/* ---- order ---- */

Test(check, the_worst_come_first)
{
    static const int32_t order[] = {LW_PROBLEM_UNROOTED, LW_PROBLEM_UNROOTED, LW_PROBLEM_DANGLING,
                                    LW_PROBLEM_CONFLICT, LW_PROBLEM_EXCESS,   LW_PROBLEM_MISSING};
    static const op ops[] = {
        NODE(1, "map", 8), ROOT(1, "global", NULL), REFERENCES(1, 9), NODE(2, "list", 8),
        EDGE(1, 2, NULL), EDGE(1, 2, NULL), REFERENCES(2, 1), EDGE(1, 99, NULL),
        NODE(2, "list", 9), NODE(4, "few", 8), NODE(5, "many", 8), NODE(6, "many", 8), {0}};
    host host;
    script script = {ops, 0};
    lw_check *check = run_check(open_toy(&host, &script));
    cr_assert_eq(lw_check_count(check), 6);
    for (uint32_t i = 0; i < 6; i++)
        cr_assert_eq(problem_at(check, i).kind, order[i]);
    cr_assert_str_eq(problem_at(check, 0).type, "many");
    cr_assert_str_eq(problem_at(check, 1).type, "few");
    lw_check_release(check);
    close_host(&host);
}
