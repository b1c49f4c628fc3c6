/* Retention paths. Against plain answers, over random heaps: tests/model/graph.c. */
#include "graph_host.h"

/* The paths to some keys of a script, one per line: kind and label of the root, then the labels
 * of the steps and the key where it ends. */
static void put_label(char *text, size_t room, lw_label label)
{
    static const char *const forms[] = {".%s", "[%s]", "%s", "(%s)"};
    size_t used = strlen(text);
    if (label.style == -1)
        snprintf(text + used, room - used, "[%u]", (unsigned)label.index);
    else if (label.style >= 0)
        snprintf(text + used, room - used, forms[label.style], label.text);
}

static void put_path(char *text, size_t room, const lw_paths *paths, uint32_t index)
{
    lw_path path = LW_PATH_INIT;
    lw_node_info target = LW_NODE_INFO_INIT;
    cr_assert_eq(lw_path_get(paths, index, &path, NULL), LW_OK);
    snprintf(text + strlen(text), room - strlen(text), "%s%s ", path.asker ? "asker " : "",
             path.root_kind);
    put_label(text, room, path.root_label);
    if (path.outside)
        snprintf(text + strlen(text), room - strlen(text), "(%u)", (unsigned)path.outside);
    lw_node at = path.first;
    for (uint32_t i = 0; i < path.steps; i++) {
        lw_edge edge = LW_EDGE_INIT;
        cr_assert_eq(lw_path_step_get(paths, index, i, &edge, NULL), LW_OK);
        cr_assert_eq(edge.from, at);
        at = edge.to;
        put_label(text, room, edge.label);
    }
    cr_assert_eq(at, path.target);
    lw_node_info_get(lw_paths_snapshot(paths), path.target, &target, NULL);
    snprintf(text + strlen(text), room - strlen(text), " -> %d\n", (int)target.key);
}

static void expect_paths_to(const op *ops, const lw_key *keys, uint64_t count, uint32_t limit,
                            const char *want)
{
    char got[1000] = "";
    lw_node targets[8];
    lw_paths *paths = NULL;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    lw_snapshot *snapshot = take_script(ops);
    for (uint64_t i = 0; i < count; i++)
        targets[i] = find_node(snapshot, keys[i]);
    options.limit = limit;
    cr_assert_eq(lw_paths_find(snapshot, targets, count, &options, &paths, NULL), LW_OK);
    lw_snapshot_release(snapshot); /* the paths keep it */
    for (uint32_t i = 0; i < lw_paths_count(paths); i++)
        put_path(got, sizeof got, paths, i);
    cr_assert_str_eq(got, want);
    lw_paths_release(paths);
}

static void expect_paths(const op *ops, lw_key key, uint32_t limit, const char *want)
{
    expect_paths_to(ops, &key, 1, limit, want);
}

/* ---- calls ---- */

static const op small[] = {NODE(1, "Map", 8), NODE(2, "List", 8), NODE(3, "Lost", 8),
                           EDGE(1, 2, ".a"), ROOT(1, "module", "app"), {0}};

static lw_status find(lw_snapshot *snapshot, const lw_node *targets, uint64_t count,
                      const lw_paths_options *options, lw_error *error)
{
    lw_paths *paths = at(1);
    lw_status status = lw_paths_find(snapshot, targets, count, options, &paths, error);
    cr_assert_eq(paths != NULL, status == LW_OK);
    lw_paths_release(paths);
    return status;
}

Test(paths, find_refuses_what_it_cannot_do)
{
    lw_snapshot *snapshot = take_script(small);
    lw_error error = LW_ERROR_INIT;
    lw_node nodes[] = {1, 3};
    expect_error(find(NULL, nodes, 1, NULL, &error), LW_E_INVALID, &error);
    expect_error(find(snapshot, NULL, 1, NULL, &error), LW_E_INVALID, &error);
    expect_error(find(snapshot, nodes, 0, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_paths_find(snapshot, nodes, 1, NULL, NULL, &error), LW_E_INVALID, &error);
    expect_error(find(snapshot, nodes, 2, NULL, &error), LW_E_NOT_FOUND, &error);
    lw_snapshot_release(snapshot);
}

Test(paths, find_takes_options_of_every_size)
{
    lw_snapshot *snapshot = take_script(small);
    lw_node node = 1;
    lw_paths_options good = LW_PATHS_OPTIONS_INIT;
    good.limit = 2;
    EXPECT_OPTION_SIZES(lw_paths_options, good, find(snapshot, &node, 1, given, &error));
    lw_snapshot_release(snapshot);
}

Test(paths, get_and_step_get)
{
    lw_snapshot *snapshot = take_script(small);
    lw_node node = find_node(snapshot, 2);
    lw_paths *paths = NULL;
    lw_path path = LW_PATH_INIT;
    lw_edge edge = LW_EDGE_INIT;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_paths_find(snapshot, &node, 1, NULL, &paths, NULL), LW_OK);
    EXPECT_RESULT_SIZES(lw_path, lw_path_get(paths, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_edge, lw_path_step_get(paths, 0, 0, to, &error));
    path.steps = 7;
    expect_error(lw_path_get(NULL, 0, &path, &error), LW_E_INVALID, &error);
    cr_assert_eq(path.steps, 0);
    path.steps = 7;
    expect_error(lw_path_get(paths, 1, &path, &error), LW_E_NOT_FOUND, &error);
    cr_assert_eq(path.steps, 0);
    edge.to = 7;
    expect_error(lw_path_step_get(NULL, 0, 0, &edge, &error), LW_E_INVALID, &error);
    cr_assert_eq(edge.to, 0);
    expect_error(lw_path_step_get(paths, 1, 0, &edge, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_path_step_get(paths, 0, 1, &edge, &error), LW_E_NOT_FOUND, &error);
    cr_assert_eq(lw_paths_count(paths), 1);
    cr_assert_eq(lw_paths_snapshot(paths), snapshot);
    cr_assert_eq(lw_paths_count(NULL), 0);
    cr_assert_null(lw_paths_snapshot(NULL));
    lw_paths_release(NULL);
    lw_paths_release(paths);
    lw_snapshot_release(snapshot);
}

/* ---- what holds ---- */

Test(paths, a_root_of_the_node_itself)
{
    expect_paths(small, 1, 3, "module app -> 1\n");
}

Test(paths, garbage_has_none)
{
    expect_paths(small, 3, 3, "");
}

Test(paths, the_default_is_one)
{
    static const op ops[] = {NODE(1, "T", 8), ROOT(1, "b", NULL), ROOT(1, "a", NULL), {0}};
    expect_paths(ops, 1, 0, "a  -> 1\n");
    expect_paths(ops, 1, 5, "a  -> 1\nb  -> 1\n");
}

Test(paths, weak_and_borrowed_edges_hold_nothing)
{
    static const op ops[] = {NODE(1, "T", 8), NODE(2, "T", 8), NODE(3, "T", 8),
                             ROOT(1, "r", NULL), EDGE_OF(LW_EDGE_WEAK, 1, 3, ".weak"),
                             EDGE_OF(LW_EDGE_BORROWED, 1, 3, ".borrowed"), EDGE(1, 2, ".a"),
                             EDGE(2, 3, ".b"), {0}};
    expect_paths(ops, 3, 5, "r .a.b -> 3\n");
}

Test(paths, garbage_holds_nothing)
{
    static const op ops[] = {NODE(1, "T", 8), NODE(2, "T", 8), NODE(3, "T", 8),
                             ROOT(1, "r", NULL), EDGE(3, 2, ".garbage"), EDGE(1, 2, ".a"),
                             EDGE(2, 3, NULL), EDGE_OF(LW_EDGE_WEAK, 2, 3, NULL), {0}};
    expect_paths(ops, 2, 5, "r .a -> 2\n");
}

/* ---- strength before length ---- */

static const op strengths[] = {
    NODE(1, "T", 8), NODE(2, "T", 8), NODE(3, "T", 8), NODE(4, "T", 8), NODE(5, "T", 8),
    NODE(6, "T", 8), NODE(7, "T", 8), NODE(9, "T", 8),
    ROOT(1, "r", "firm"), EDGE(1, 2, ".a"), EDGE(2, 3, ".b"), EDGE(3, 9, ".c"),
    ROOT(4, "r", "ephemeron"), EDGE_OF(LW_EDGE_EPHEMERON, 4, 9, ".e"),
    ROOT(5, "r", "unknown"), EDGE_OF(LW_EDGE_UNKNOWN, 5, 9, ".u"),
    REFERENCES(6, 2), EDGE(6, 9, ".o"),
    ROOT_OF(LW_ROOT_ASKER, 7, "frame", "mine"), EDGE(7, 9, ".m"),
    ROOT_OF(LW_ROOT_ASKER, 9, "frame", "self"), {0}};

Test(paths, the_strongest_come_first_and_the_askers_last)
{
    expect_paths(strengths, 9, 9, "r firm.a.b.c -> 9\n"
                                  "r ephemeron.e -> 9\n"
                                  "r unknown.u -> 9\n"
                                  "held from outside (2).o -> 9\n"
                                  "asker frame self -> 9\n"
                                  "asker frame mine.m -> 9\n");
}

Test(paths, one_weaker_link_makes_a_path_weaker)
{
    static const op ops[] = {NODE(1, "T", 8), NODE(2, "T", 8), NODE(3, "T", 8), NODE(4, "T", 8),
                             ROOT(1, "r", NULL), EDGE_OF(LW_EDGE_UNKNOWN, 1, 2, ".u"),
                             EDGE(2, 4, ".a"), EDGE(1, 3, ".b"),
                             EDGE_OF(LW_EDGE_EPHEMERON, 3, 4, ".e"), {0}};
    expect_paths(ops, 4, 1, "r .b.e -> 4\n");
}

Test(paths, a_borrowed_root_is_a_root)
{
    static const op ops[] = {NODE(1, "T", 8), ROOT_OF(LW_ROOT_BORROWED, 1, "stack", "x"), {0}};
    expect_paths(ops, 1, 2, "stack x -> 1\n");
}

Test(paths, outside_of_the_node_itself)
{
    static const op ops[] = {NODE(1, "T", 8), REFERENCES(1, 3), EDGE(1, 1, NULL), {0}};
    expect_paths(ops, 1, 5, "held from outside (2) -> 1\n");
}

/* ---- owners before bystanders ---- */

Test(paths, an_owner_far_away_comes_before_a_bystander_near_by)
{
    static const op ops[] = {
        NODE(1, "M", 8), NODE(2, "A", 8), NODE(3, "B", 8), NODE(4, "E", 8), NODE(9, "T", 8),
        ROOT(1, "module", "m"), EDGE(1, 2, ".a"), EDGE(2, 3, ".b"), EDGE(3, 9, ".c"),
        ROOT_OF(LW_ROOT_BYSTANDER, 9, "frame", "v"),
        ROOT(4, "module", "n"), EDGE_OF(LW_EDGE_EPHEMERON, 4, 9, ".e"), {0}};
    expect_paths(ops, 9, 5, "module m.a.b.c -> 9\nframe v -> 9\nmodule n.e -> 9\n");
}

/* ---- what is ignored ---- */

static const op ways[] = {
    NODE(1, "M", 8), NODE(2, "A", 8), NODE(3, "B", 8), NODE(9, "T", 8), ROOT(1, "r", "m"),
    EDGE(1, 2, ".a"), EDGE(1, 3, ".b"), EDGE(2, 9, "#0"), EDGE(3, 9, "['k']"),
    ROOT(3, "s", NULL), REFERENCES(9, 9), {0}};

static void expect_without(lw_paths_options options, const char *want)
{
    char got[1000] = "";
    lw_paths *paths = NULL;
    lw_snapshot *snapshot = take_script(ways);
    lw_node node = find_node(snapshot, 9), a = find_node(snapshot, 2);
    if (options.ignore_node_count)
        options.ignore_nodes = &a;
    options.limit = 9;
    cr_assert_eq(lw_paths_find(snapshot, &node, 1, &options, &paths, NULL), LW_OK);
    for (uint32_t i = 0; i < lw_paths_count(paths); i++)
        put_path(got, sizeof got, paths, i);
    cr_assert_str_eq(got, want);
    lw_paths_release(paths);
    lw_snapshot_release(snapshot);
}

Test(paths, what_is_ignored_is_not_taken)
{
    static const lw_label labels[] = {{LW_LABEL_KEY, 0, "'k'"}, {-1, 0, NULL}};
    static const char *const roots[] = {"s", "held from outside", "no such kind"};
    static const uint32_t types[] = {0, 1}; /* A, B */
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    expect_without(options, "s ['k'] -> 9\nr m.a[0] -> 9\nheld from outside (7) -> 9\n");
    options.ignore_roots = roots;
    options.ignore_root_count = 3;
    expect_without(options, "r m.a[0] -> 9\nr m.b['k'] -> 9\n");
    options.ignore_node_count = 1;
    expect_without(options, "r m.b['k'] -> 9\n");
    options.ignore_node_count = 0;
    options.ignore_labels = labels;
    options.ignore_label_count = 1;
    expect_without(options, "r m.a[0] -> 9\n");
    options.ignore_label_count = 2;
    expect_without(options, "");
    options.ignore_label_count = 0;
    options.ignore_types = types;
    options.ignore_type_count = 2;
    expect_without(options, "");
    options.ignore_type_count = 1;
    expect_without(options, "r m.b['k'] -> 9\n");
    options.ignore_edges = 1u << LW_EDGE_STRONG;
    expect_without(options, "");
}

Test(paths, ignoring_refuses_what_makes_no_sense)
{
    static const lw_label bad_style = {7, 0, "x"}, no_text = {LW_LABEL_KEY, 0, NULL};
    static const char *const no_name[] = {NULL};
    static const uint32_t no_type = 99;
    lw_snapshot *snapshot = take_script(ways);
    lw_error error = LW_ERROR_INIT;
    lw_node node = 3, no_node = 99;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    const lw_paths_options none = LW_PATHS_OPTIONS_INIT;
#define REFUSES(field, value, number, status)                                                      \
    options = none;                                                                                \
    options.field##s = value;                                                                      \
    options.field##_count = number;                                                                \
    expect_error(find(snapshot, &node, 1, &options, &error), status, &error)
    REFUSES(ignore_node, NULL, 1, LW_E_INVALID);
    REFUSES(ignore_node, &no_node, 1, LW_E_NOT_FOUND);
    REFUSES(ignore_type, NULL, 1, LW_E_INVALID);
    REFUSES(ignore_type, &no_type, 1, LW_E_NOT_FOUND);
    REFUSES(ignore_label, NULL, 1, LW_E_INVALID);
    REFUSES(ignore_label, &bad_style, 1, LW_E_INVALID);
    REFUSES(ignore_label, &no_text, 1, LW_E_INVALID);
    REFUSES(ignore_root, NULL, 1, LW_E_INVALID);
    REFUSES(ignore_root, no_name, 1, LW_E_INVALID);
    options = none;
    options.ignore_edges = 1u << 5;
    expect_error(find(snapshot, &node, 1, &options, &error), LW_E_INVALID, &error);
    lw_snapshot_release(snapshot);
}

/* ---- several paths ---- */

Test(paths, they_share_no_node)
{
    static const op ops[] = {
        NODE(1, "Root", 8), NODE(2, "A", 8), NODE(3, "B", 8), NODE(4, "Root", 8), NODE(9, "T", 8),
        ROOT(1, "r", "one"), EDGE(1, 2, ".a"), EDGE(1, 3, ".b"), EDGE(2, 9, ".x"),
        EDGE(3, 9, ".y"), ROOT(4, "r", "two"), EDGE(4, 3, ".c"), {0}};
    expect_paths(ops, 9, 5, "r one.a.x -> 9\nr one.b.y -> 9\n");
}

/* A module holds most of what there is: each of its variables is a way of its own. */
Test(paths, they_may_begin_at_one_node)
{
    static const op ops[] = {
        NODE(1, "module", 8), NODE(2, "list", 8), NODE(3, "dict", 8), NODE(9, "T", 8),
        ROOT(1, "r", "m"), EDGE(1, 2, ".h1"), EDGE(1, 3, ".h2"), EDGE(1, 9, ".h3"),
        EDGE(2, 9, "#0"), EDGE(3, 9, ".k"), {0}};
    expect_paths(ops, 9, 5, "r m.h3 -> 9\nr m.h1[0] -> 9\nr m.h2.k -> 9\n");
}

Test(paths, the_last_holder_is_not_named_twice)
{
    static const op ops[] = {NODE(1, "A", 8), NODE(2, "B", 8), NODE(3, "Cache", 8),
                             NODE(8, "T", 8), NODE(9, "T", 8), ROOT(1, "r", "one"),
                             ROOT(2, "r", "two"), EDGE(1, 3, ".a"), EDGE(2, 3, ".b"),
                             EDGE(3, 8, "#0"), EDGE(3, 9, "#1"), {0}};
    static const lw_key both[] = {9, 8};
    expect_paths_to(ops, both, 2, 5, "r one.a[0] -> 8\n");
}

Test(paths, each_may_end_at_another_target)
{
    static const op ops[] = {NODE(1, "A", 8), NODE(2, "B", 8), NODE(8, "T", 8), NODE(9, "T", 8),
                             ROOT(1, "r", "one"), ROOT(2, "r", "two"), EDGE(1, 9, ".x"),
                             EDGE(2, 8, ".y"), EDGE(9, 8, ".next"), {0}};
    static const lw_key both[] = {8, 9, 8};
    expect_paths_to(ops, both, 3, 5, "r one.x -> 9\nr two.y -> 8\n");
}

Test(paths, parallel_edges_are_one_way)
{
    static const op ops[] = {NODE(1, "A", 8), NODE(2, "B", 8), ROOT(1, "r", NULL),
                             EDGE(1, 2, ".second"), EDGE(1, 2, ".first"), EDGE(1, 2, ".first"),
                             {0}};
    expect_paths(ops, 2, 5, "r .first -> 2\n");
}

Test(paths, loops_on_the_way)
{
    static const op ops[] = {NODE(1, "A", 8), NODE(2, "B", 8), NODE(3, "C", 8),
                             ROOT(1, "r", NULL), EDGE(1, 1, ".me"), EDGE(1, 2, ".a"),
                             EDGE(2, 1, ".up"), EDGE(2, 2, ".me"), EDGE(2, 3, ".b"),
                             EDGE(3, 3, ".me"), EDGE(3, 1, ".up"), {0}};
    expect_paths(ops, 3, 5, "r .a.b -> 3\n");
}

/* ---- ties are broken by content ---- */

Test(paths, by_the_name_of_the_root)
{
    static const op ops[] = {NODE(1, "A", 8), NODE(2, "A", 8), NODE(9, "T", 8),
                             ROOT(1, "b", "x"), ROOT(2, "a", "y"), EDGE(1, 9, ".a"),
                             EDGE(2, 9, ".b"), {0}};
    expect_paths(ops, 9, 1, "a y.b -> 9\n");
}

Test(paths, by_the_label_of_the_root)
{
    static const op ops[] = {NODE(1, "A", 8), NODE(2, "A", 8), NODE(9, "T", 8),
                             ROOT(1, "r", "y"), ROOT(2, "r", "x"), EDGE(1, 9, ".a"),
                             EDGE(2, 9, ".b"), {0}};
    expect_paths(ops, 9, 1, "r x.b -> 9\n");
}

Test(paths, by_type_then_by_label)
{
    static const op ops[] = {NODE(1, "R", 8), NODE(2, "B", 8), NODE(3, "A", 8), NODE(9, "T", 8),
                             ROOT(1, "r", NULL), EDGE(1, 2, ".x"), EDGE(1, 3, ".x"),
                             EDGE(2, 9, ".a"), EDGE(3, 9, ".b"), {0}};
    expect_paths(ops, 9, 1, "r .x.b -> 9\n");
}

Test(paths, by_words_that_come_later)
{
    static const op ops[] = {NODE(1, "R", 8), NODE(2, "A", 8), NODE(3, "A", 8), NODE(9, "T", 8),
                             ROOT(1, "r", NULL), EDGE(1, 2, ".x"), EDGE(1, 3, ".x"),
                             EDGE(2, 9, ".b"), EDGE(3, 9, ".a"), {0}};
    expect_paths(ops, 9, 1, "r .x.a -> 9\n");
}

Test(paths, names_before_indices_and_these_by_number)
{
    static const op ops[] = {NODE(1, "R", 8), NODE(8, "T", 8), NODE(9, "T", 8), NODE(10, "T", 8),
                             ROOT(1, "r", NULL), EDGE(1, 8, "#10"), EDGE(1, 9, "#9"),
                             EDGE(1, 10, "(slot)"), {0}};
    static const lw_key two[] = {8, 9}, all[] = {8, 9, 10};
    expect_paths_to(ops, two, 2, 1, "r [9] -> 9\n");
    expect_paths_to(ops, all, 3, 1, "r (slot) -> 10\n");
}

static int describe(uint64_t word, lw_frame *frame, void *user)
{
    static const lw_frame frames[] = {
        {0, 0, 5, 0, "g", "b.c"}, {0, 0, 5, 0, "g", "a.c"}, {0, 0, 4, 0, "g", "b.c"},
        {0, 0, 5, 0, "f", "b.c"}, {0, 0, 5, 0, NULL, "b.c"}, {0, 0, 0, 0, NULL, NULL}};
    (void)user;
    frame->function = frames[word - 1].function;
    frame->file = frames[word - 1].file;
    frame->line = frames[word - 1].line;
    return 0;
}

/* Of two nodes that only their blocks tell apart, the path goes to the second. */
static void expect_second(uint64_t first_size, const uint64_t *first, uint32_t first_count,
                          uint64_t second_size, const uint64_t *second, uint32_t second_count)
{
    static const op ops[] = {NODE(0x1000, "R", 8), NODE(0x2000, "T", 8), NODE(0x3000, "T", 8),
                             ROOT(0x1000, "r", NULL), EDGE(0x1000, 0x2000, ".x"),
                             EDGE(0x1000, 0x3000, ".x"), {0}};
    const lw_stack stacks[] = {{first, first_count, 0, 0}, {second, second_count, 0, 0}};
    host host;
    script script = {ops, 0};
    lw_paths *paths = NULL;
    lw_path path = LW_PATH_INIT;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *lang = NULL;
    open_host(&host);
    options.name = "lang";
    options.describe_frame = describe;
    cr_assert_eq(lw_domain_create(host.context, &options, &lang, NULL), LW_OK);
    add_runtime(&host, "toy", LW_KEY_ADDRESS, play, &script);
    lw_block_alloc(lang, at(0x2000), first_size, &stacks[0]);
    if (second)
        lw_block_alloc(lang, at(0x3000), second_size, &stacks[1]);
    lw_snapshot *snapshot = take(&host);
    lw_node both[] = {find_node(snapshot, 0x2000), find_node(snapshot, 0x3000)};
    cr_assert_eq(lw_paths_find(snapshot, both, 2, NULL, &paths, NULL), LW_OK);
    cr_assert_eq(lw_path_get(paths, 0, &path, NULL), LW_OK);
    cr_assert_eq(path.target, both[1]);
    lw_paths_release(paths);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(paths, by_block_when_all_else_is_equal)
{
    static const uint64_t plain[] = {1, 1}, file[] = {1, 2}, line[] = {1, 3}, function[] = {1, 4};
    static const uint64_t nameless[] = {1, 5}, fileless[] = {1, 6};
    expect_second(16, plain, 2, 0, NULL, 0);     /* not recorded */
    expect_second(32, plain, 2, 16, plain, 2);   /* fewer bytes */
    expect_second(16, plain, 2, 16, plain, 1);   /* a shorter stack */
    expect_second(16, plain, 2, 16, file, 2);
    expect_second(16, plain, 2, 16, line, 2);
    expect_second(16, plain, 2, 16, function, 2);
    expect_second(16, plain, 2, 16, nameless, 2);
    expect_second(16, plain, 2, 16, fileless, 2);
}
