/* Comparisons of two snapshots. Against plain answers: tests/model/graph_diff.c. */
#include "graph_host.h"

static const op first_ops[] = {
    NODE(1, "Map", 100), NODE(2, "List", 10), NODE(3, "List", 10), NODE(9, "Text", 7),
    ROOT(1, "r", NULL), EDGE(1, 2, NULL), EDGE(1, 3, NULL), {0}};
static const op second_ops[] = {
    NODE(1, "Map", 100), NODE(2, "List", 30), NODE(4, "List", 10), NODE(5, "List", 10),
    NODE(6, "New", 5), NODE(7, "Text", 7), NODE(9, "Text", 7), ROOT(1, "r", NULL),
    EDGE(1, 2, NULL), EDGE(1, 4, NULL), EDGE(1, 5, NULL), EDGE(1, 6, NULL), {0}};

typedef struct two {
    host host;
    script script;
    lw_snapshot *before, *after;
    lw_diff *diff;
} two;

static lw_snapshot *take_as(host *host, const char *name)
{
    lw_snapshot *snapshot = NULL;
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    options.name = name;
    cr_assert_eq(lw_snapshot_take(host->context, &options, &snapshot, NULL), LW_OK);
    return snapshot;
}

static void open_two(two *two)
{
    memset(two, 0, sizeof *two);
    two->script.ops = first_ops;
    open_toy(&two->host, &two->script);
    two->before = take_as(&two->host, "before");
    two->script.ops = second_ops;
    two->after = take_as(&two->host, "after");
    cr_assert_eq(lw_diff_create(two->before, two->after, &two->diff, NULL), LW_OK);
}

static void close_two(two *two)
{
    lw_diff_release(two->diff);
    lw_snapshot_release(two->before);
    lw_snapshot_release(two->after);
    close_host(&two->host);
}

static lw_diff_info info_of(const lw_diff *diff)
{
    lw_diff_info info = LW_DIFF_INFO_INIT;
    cr_assert_eq(lw_diff_info_get(diff, &info, NULL), LW_OK);
    return info;
}

static lw_diff_row row_at(const lw_diff *diff, uint32_t index)
{
    lw_diff_row row = LW_DIFF_ROW_INIT;
    cr_assert_eq(lw_diff_row_get(diff, index, &row, NULL), LW_OK);
    return row;
}

static uint32_t row_named(const lw_diff *diff, const char *name)
{
    uint32_t index = 0;
    while (strcmp(row_at(diff, index).name, name) != 0)
        index++;
    return index;
}

Test(diff, create_refuses_null)
{
    two two;
    lw_error error = LW_ERROR_INIT;
    lw_diff *diff = at(1);
    open_two(&two);
    expect_error(lw_diff_create(NULL, two.after, &diff, &error), LW_E_INVALID, &error);
    cr_assert_null(diff);
    diff = at(1);
    expect_error(lw_diff_create(two.before, NULL, &diff, &error), LW_E_INVALID, &error);
    cr_assert_null(diff);
    expect_error(lw_diff_create(two.before, two.after, NULL, &error), LW_E_INVALID, &error);
    lw_diff_release(NULL);
    close_two(&two);
}

Test(diff, create_refuses_snapshots_of_two_contexts)
{
    lw_snapshot *here = take_script(first_ops), *there = take_script(first_ops);
    lw_diff *diff = at(1);
    lw_error error = LW_ERROR_INIT;
    expect_words(lw_diff_create(here, there, &diff, &error), LW_E_INVALID, &error, "two contexts");
    cr_assert_null(diff);
    lw_snapshot_release(here);
    lw_snapshot_release(there);
}

Test(diff, info_get)
{
    two two;
    lw_diff_info info = LW_DIFF_INFO_INIT;
    lw_error error = LW_ERROR_INIT;
    open_two(&two);
    EXPECT_RESULT_SIZES(lw_diff_info, lw_diff_info_get(two.diff, to, &error));
    info.rows = 7;
    expect_error(lw_diff_info_get(NULL, &info, &error), LW_E_INVALID, &error);
    cr_assert_eq(info.rows, 0);
    info = info_of(two.diff);
    cr_assert_eq(info.rows, 4);
    cr_assert_eq(info.grew, 2);
    cr_assert_eq(info.approximate, 1, "no blocks are recorded");
    cr_assert_eq(info.count_diff, 2);
    cr_assert_eq(info.size_diff, 35);
    cr_assert_eq(info.created, 3);
    cr_assert_eq(info.gone, 1);
    cr_assert_eq(info.survived, 2);
    cr_assert_eq(info.base_garbage, 1);
    cr_assert_eq(info.base_garbage_size, 7);
    cr_assert_eq(info.target_garbage, 2);
    cr_assert_eq(info.target_garbage_size, 14);
    cr_assert_str_eq(info.base_name, "before");
    cr_assert_str_eq(info.target_name, "after");
    close_two(&two);
}

Test(diff, row_get)
{
    two two;
    lw_diff_row row = LW_DIFF_ROW_INIT;
    lw_error error = LW_ERROR_INIT;
    open_two(&two);
    EXPECT_RESULT_SIZES(lw_diff_row, lw_diff_row_get(two.diff, 0, to, &error));
    row.types = 7;
    expect_error(lw_diff_row_get(NULL, 0, &row, &error), LW_E_INVALID, &error);
    cr_assert_eq(row.types, 0);
    row.types = 7;
    expect_error(lw_diff_row_get(two.diff, 4, &row, &error), LW_E_NOT_FOUND, &error);
    cr_assert_eq(row.types, 0);
    close_two(&two);
}

Test(diff, rows_say_what_changed_and_come_by_growth)
{
    static const char *const names[] = {"List", "New", "Map", "Text"};
    two two;
    open_two(&two);
    for (uint32_t i = 0; i < 4; i++)
        cr_assert_str_eq(row_at(two.diff, i).name, names[i]);
    lw_diff_row list = row_at(two.diff, 0);
    cr_assert_str_eq(list.runtime, "toy");
    cr_assert_eq(list.types, 1);
    cr_assert_eq(list.base_count, 2);
    cr_assert_eq(list.target_count, 3);
    cr_assert_eq(list.count_diff, 1);
    cr_assert_eq(list.base_size, 20);
    cr_assert_eq(list.target_size, 50);
    cr_assert_eq(list.size_diff, 30);
    cr_assert_eq(list.survived, 1);
    cr_assert_eq(list.created, 2);
    cr_assert_eq(list.gone, 1);
    cr_assert_eq(list.approximate, 1);
    cr_assert_eq(row_at(two.diff, 1).approximate, 0, "new ones are new for sure");
    cr_assert_eq(row_at(two.diff, 3).base_count, 0, "garbage is not in the rows");
    close_two(&two);
}

struct visited {
    lw_node nodes[8];
    int count, stop_at;
};

static int visit(lw_node node, void *user)
{
    struct visited *visited = user;
    visited->nodes[visited->count++] = node;
    return visited->count == visited->stop_at;
}

Test(diff, each)
{
    two two;
    lw_error error = LW_ERROR_INIT;
    struct visited created = {.stop_at = 0}, gone = {.stop_at = 0}, one = {.stop_at = 1};
    open_two(&two);
    uint32_t list = row_named(two.diff, "List");
    cr_assert_eq(lw_diff_each(two.diff, list, LW_DIFF_CREATED, visit, &created, NULL), LW_OK);
    cr_assert_eq(created.count, 2);
    cr_assert_eq(created.nodes[0], find_node(two.after, 4));
    cr_assert_eq(created.nodes[1], find_node(two.after, 5));
    cr_assert_eq(lw_diff_each(two.diff, list, LW_DIFF_GONE, visit, &gone, NULL), LW_OK);
    cr_assert_eq(gone.count, 1);
    cr_assert_eq(gone.nodes[0], find_node(two.before, 3));
    cr_assert_eq(lw_diff_each(two.diff, list, LW_DIFF_CREATED, visit, &one, NULL), LW_OK);
    cr_assert_eq(one.count, 1);
    one.count = 0;
    cr_assert_eq(lw_diff_each(two.diff, list, LW_DIFF_SURVIVED, visit, &one, NULL), LW_OK);
    cr_assert_eq(one.nodes[0], find_node(two.after, 2));
    expect_error(lw_diff_each(NULL, 0, 0, visit, &one, &error), LW_E_INVALID, &error);
    expect_error(lw_diff_each(two.diff, 0, 0, NULL, &one, &error), LW_E_INVALID, &error);
    expect_error(lw_diff_each(two.diff, 0, 3, visit, &one, &error), LW_E_INVALID, &error);
    expect_error(lw_diff_each(two.diff, 0, -1, visit, &one, &error), LW_E_INVALID, &error);
    expect_error(lw_diff_each(two.diff, 4, 0, visit, &one, &error), LW_E_NOT_FOUND, &error);
    close_two(&two);
}

Test(diff, keeps_its_snapshots)
{
    two two;
    open_two(&two);
    lw_snapshot_release(two.before);
    lw_snapshot_release(two.after);
    two.before = two.after = NULL;
    cr_assert_str_eq(info_of(two.diff).base_name, "before");
    cr_assert_str_eq(row_at(two.diff, 0).name, "List");
    close_two(&two);
}

Test(diff, types_of_one_name_share_a_row)
{
    static const op one[] = {NODE(1, "T", 1), ROOT(1, "r", NULL), {0}};
    static const op other[] = {{.what = PUSH_NODE, .a = 1, .b = 5, .text = "T", .number = 1},
                               ROOT(1, "r", NULL), {0}};
    host host;
    script script = {one, 0};
    lw_diff *diff = NULL;
    open_toy(&host, &script);
    lw_snapshot *before = take(&host);
    script.ops = other; /* reloaded: the same name, another type */
    lw_snapshot *after = take(&host);
    cr_assert_eq(lw_diff_create(before, after, &diff, NULL), LW_OK);
    cr_assert_eq(info_of(diff).rows, 1);
    cr_assert_eq(row_at(diff, 0).types, 2);
    cr_assert_eq(row_at(diff, 0).survived, 0, "an object does not change its type");
    cr_assert_eq(row_at(diff, 0).count_diff, 0);
    lw_diff_release(diff);
    lw_snapshot_release(before);
    lw_snapshot_release(after);
    close_host(&host);
}

Test(diff, a_runtime_that_only_one_of_them_has)
{
    host host;
    script script = {first_ops, 0};
    lw_diff *diff = NULL;
    lw_runtime *runtime = open_toy(&host, &script);
    add_runtime(&host, "other", LW_KEY_OPAQUE, play, &script);
    lw_snapshot *before = take(&host);
    lw_runtime_destroy(runtime);
    lw_snapshot *after = take(&host);
    cr_assert_eq(lw_diff_create(before, after, &diff, NULL), LW_OK);
    cr_assert_eq(info_of(diff).rows, 6);
    cr_assert_eq(info_of(diff).gone, 3);
    cr_assert_eq(info_of(diff).survived, 3);
    lw_diff_release(diff);
    cr_assert_eq(lw_diff_create(after, before, &diff, NULL), LW_OK);
    cr_assert_eq(info_of(diff).created, 3);
    lw_diff_release(diff);
    lw_snapshot_release(before);
    lw_snapshot_release(after);
    close_host(&host);
}

/* ---- by block ---- */

/* A heap of one object at 0x1000 with the blocks that `between` leaves; how it compares. */
static lw_diff_row compare_one(const op *ops, int recorded_before, int again)
{
    host host;
    script script = {ops, 0};
    lw_diff *diff = NULL;
    open_host(&host);
    add_runtime(&host, "toy", LW_KEY_ADDRESS, play, &script);
    if (recorded_before)
        lw_block_alloc_at(host.heap, at(0x1000), 64, LW_HERE);
    lw_snapshot *before = take(&host);
    if (again) {
        lw_block_free(host.heap, at(0x1000));
        lw_block_alloc_at(host.heap, at(0x1000), 64, LW_HERE);
    }
    lw_snapshot *after = take(&host);
    cr_assert_eq(lw_diff_create(before, after, &diff, NULL), LW_OK);
    lw_diff_row row = row_at(diff, 0);
    lw_diff_release(diff);
    lw_snapshot_release(before);
    lw_snapshot_release(after);
    close_host(&host);
    return row;
}

Test(diff, a_reused_address_is_no_survivor)
{
    static const op plain[] = {NODE(0x1000, "t", 8), ROOT(0x1000, "r", NULL), {0}};
    static const op freelist[] = {FREELIST(0x1000, "t", 8), ROOT(0x1000, "r", NULL), {0}};
    lw_diff_row same = compare_one(plain, 1, 0), reused = compare_one(plain, 1, 1);
    lw_diff_row old = compare_one(plain, 0, 0), replaced = compare_one(plain, 0, 1);
    lw_diff_row handed_on = compare_one(freelist, 1, 0);
    cr_assert_eq(same.survived, 1);
    cr_assert_eq(same.approximate, 0);
    cr_assert_eq(reused.survived, 0);
    cr_assert_eq(reused.created, 1);
    cr_assert_eq(reused.gone, 1);
    cr_assert_eq(old.survived, 1, "it predates recording");
    cr_assert_eq(old.approximate, 0, "had it been freed, a block would lie there");
    cr_assert_eq(replaced.survived, 0);
    cr_assert_eq(handed_on.survived, 1);
    cr_assert_eq(handed_on.approximate, 1);
}
