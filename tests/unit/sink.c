/* What goes into a sink: bridges, words, sums; and progress while it is taken in. What a sink says
 * to those who use it wrongly: runtime.c. */
#include "graph_host.h"

static lw_node node_of(const lw_snapshot *snapshot, const char *runtime, lw_key key)
{
    lw_node node = LW_NODE_NONE;
    cr_assert_eq(lw_node_find(snapshot, runtime, key, &node, NULL), LW_OK);
    return node;
}

/* ---- bridges ---- */

/* Two runtimes, "toy" and "far", that play these. */
static lw_snapshot *take_two(host *host, const op *toy, const op *far, int32_t far_kind)
{
    static script scripts[2];
    scripts[0] = (script){toy, 0};
    scripts[1] = (script){far, 0};
    open_toy(host, &scripts[0]);
    add_runtime(host, "far", far_kind, play, &scripts[1]);
    return take(host);
}

Test(sink, a_path_crosses_runtimes_and_comes_back)
{
    static const op toy[] = {NODE(1, "a", 8), NODE(2, "d", 8), ROOT(1, "global", "g"),
                             TO(1, "far", 1, ".b"), FROM("far", 2, 2, ".d"), {0}};
    static const op far[] = {NODE(1, "b", 8), NODE(2, "c", 8), EDGE(1, 2, ".c"), {0}};
    static const char *const want[] = {"b", "c", "d"};
    host host;
    lw_snapshot *snapshot = take_two(&host, toy, far, LW_KEY_OPAQUE);
    cr_assert_eq(snapshot_info(snapshot).edges, 3);
    cr_assert_eq(snapshot_info(snapshot).dangling, 0);
    cr_assert_eq(snapshot_info(snapshot).garbage, 0);
    lw_node target = node_of(snapshot, "toy", 2);
    lw_paths *paths = NULL;
    cr_assert_eq(lw_paths_find(snapshot, &target, 1, NULL, &paths, NULL), LW_OK);
    for (uint32_t i = 0; i < 3; i++) {
        lw_edge step = LW_EDGE_INIT;
        cr_assert_eq(lw_path_step_get(paths, 0, i, &step, NULL), LW_OK);
        cr_assert_str_eq(step.label.text, want[i]);
    }
    lw_paths_release(paths);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(sink, bridges_are_counted_references_of_both_ends)
{
    static const op toy[] = {NODE(1, "a", 8), ROOT(1, "global", NULL), REFERENCES(1, 2),
                             TO(1, "far", 1, NULL), TO(1, "far", 1, NULL),
                             {.what = BRIDGE, .a = 1, .text = "far", .b = 1, .kind = LW_EDGE_WEAK},
                             {0}};
    static const op far[] = {NODE(1, "b", 8), REFERENCES(1, 3), TO(1, "toy", 1, NULL), {0}};
    host host;
    lw_snapshot *snapshot = take_two(&host, toy, far, LW_KEY_OPAQUE);
    cr_assert_eq(snapshot_info(snapshot).edges, 4);
    cr_assert_eq(snapshot_info(snapshot).outside, 1); /* b: 3 stated, 2 strong ones pushed */
    lw_node_info info = LW_NODE_INFO_INIT;
    cr_assert_eq(lw_node_info_get(snapshot, node_of(snapshot, "far", 1), &info, NULL), LW_OK);
    cr_assert(info.flags & LW_NODE_OUTSIDE);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(sink, bridges_to_nowhere_are_dangling)
{
    static const op toy[] = {NODE(1, "a", 8),       TO(1, "far", 0x2000, NULL),
                             TO(1, "none", 8, NULL), TO(1, "far", 0x1004, NULL),
                             TO(7, "far", 0x1000, NULL), FROM("far", 0x2000, 1, NULL), {0}};
    static const op far[] = {NODE(0x1000, "b", 8), {0}};
    host host;
    lw_snapshot *snapshot = take_two(&host, toy, far, LW_KEY_ADDRESS);
    cr_assert_eq(snapshot_info(snapshot).edges, 0);
    cr_assert_eq(snapshot_info(snapshot).dangling, 5);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(sink, bridges_to_hidden_nodes_are_left_out_in_silence)
{
    static const op toy[] = {NODE(1, "a", 8), HIDDEN(3), TO(1, "far", 2, NULL),
                             TO(3, "far", 1, NULL), {0}};
    static const op far[] = {NODE(1, "b", 8), HIDDEN(2), {0}};
    host host;
    lw_snapshot *snapshot = take_two(&host, toy, far, LW_KEY_OPAQUE);
    cr_assert_eq(snapshot_info(snapshot).edges, 0);
    cr_assert_eq(snapshot_info(snapshot).dangling, 0);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

static void expect_refused(const op *ops, const char *words)
{
    host host;
    script script = {ops, 0};
    lw_snapshot *snapshot = at(1);
    lw_error error = LW_ERROR_INIT;
    open_toy(&host, &script);
    expect_words(lw_snapshot_take(host.context, NULL, &snapshot, &error), LW_E_RUNTIME, &error,
                 words);
    cr_assert_null(snapshot);
    close_host(&host);
}

Test(sink, wrong_bridges_are_refused)
{
    static const op nobody[] = {TO(1, NULL, 2, NULL), {0}};
    static const op from_0[] = {TO(0, "far", 2, NULL), {0}};
    static const op to_0[] = {TO(1, "far", 0, NULL), {0}};
    static const op kind[] = {{.what = BRIDGE, .a = 1, .b = 2, .text = "far", .kind = 5}, {0}};
    static const op kind_from[] = {{.what = BRIDGE_FROM, .a = 1, .b = 2, .text = "x", .kind = -1},
                                   {0}};
    expect_refused(nobody, "NULL");
    expect_refused(from_0, "key 0");
    expect_refused(to_0, "key 0");
    expect_refused(kind, "kind 5");
    expect_refused(kind_from, "kind -1");
    cr_assert_eq(lw_sink_bridge(NULL, 1, "far", 2, 0, 0), 1);
    cr_assert_eq(lw_sink_bridge_from(NULL, "far", 1, 2, 0, 0), 1);
}

/* ---- words ---- */

static int label_with_zeros(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t type = lw_sink_type(sink, 0, "t", 0);
    uint32_t one = lw_sink_label(sink, LW_LABEL_KEY, "a\0b", 3);
    uint32_t same = lw_sink_label(sink, LW_LABEL_KEY, "a\0b", 3);
    uint32_t other = lw_sink_label(sink, LW_LABEL_KEY, "a\0c", 3);
    lw_sink_node(sink, 1, type, 8);
    lw_sink_node(sink, 2, type, 8);
    lw_sink_edge(sink, 1, 2, LW_EDGE_STRONG, one);
    if (one != same || one == other)
        return lw_sink_fail(sink, "labels are not told apart by all their bytes");
    return lw_sink_root(sink, 1, lw_sink_root_kind(sink, "global", 0), 0);
}

static int keep_text(const lw_edge *edge, void *user)
{
    snprintf(user, 20, "%s", edge->label.text);
    return 0;
}

Test(sink, a_byte_0_in_a_label_is_spelt)
{
    host host;
    char text[20] = "";
    open_host(&host);
    add_runtime(&host, "toy", LW_KEY_OPAQUE, label_with_zeros, NULL);
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(lw_edge_each(snapshot, find_node(snapshot, 1), keep_text, text, NULL), LW_OK);
    cr_assert_str_eq(text, "a\\0b");
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(sink, a_type_named_again_and_unlike_is_a_conflict)
{
    static const op ops[] = {NODE(1, "t", 8),
                             FREELIST(2, "t", 8), /* other flags */
                             {.what = PUSH_NODE, .a = 3, .b = 7, .text = "u", .number = 8},
                             {.what = PUSH_NODE, .a = 4, .b = 7, .text = "v", .number = 8},
                             {.what = PUSH_NODE, .a = 5, .b = 7, .text = "u", .number = 8},
                             {0}};
    lw_snapshot *snapshot = take_script(ops);
    cr_assert_eq(snapshot_info(snapshot).conflicts, 2);
    cr_assert_eq(snapshot_info(snapshot).types, 2); /* the first of each stands */
    lw_snapshot_release(snapshot);
}

/* ---- sums ---- */

Test(sink, sums_stay_at_the_largest_number)
{
    static const op ops[] = {NODE(1, "t", UINT64_MAX - 5), NODE(2, "t", 6), NODE(3, "t", 7),
                             ROOT(1, "global", NULL),      ROOT(2, "global", NULL),
                             EXTERNAL(1, UINT64_MAX),      EXTERNAL(1, 9), EXTERNAL(2, 1), {0}};
    lw_snapshot *snapshot = take_script(ops);
    lw_snapshot_info info = snapshot_info(snapshot);
    lw_type_info type = LW_TYPE_INFO_INIT;
    cr_assert_eq(info.size, UINT64_MAX);
    cr_assert_eq(info.external, UINT64_MAX);
    cr_assert_eq(info.garbage_size, 7);
    cr_assert_eq(lw_snapshot_type_get(snapshot, 0, &type, NULL), LW_OK);
    cr_assert_eq(type.size, UINT64_MAX);
    cr_assert_eq(node_info(snapshot, 1).external, UINT64_MAX);
    lw_snapshot_release(snapshot);
}

/* ---- progress ---- */

typedef struct heard {
    uint32_t calls, stop_at; /* 0: never */
    char phases[200];
    uint64_t done;
    int steady; /* `done` never fell within a phase */
} heard;

static int hear(const char *phase, uint64_t done, uint64_t total, void *user)
{
    heard *heard = user;
    size_t used = strlen(heard->phases);
    size_t length = strlen(phase);
    bool same = used >= length && strcmp(heard->phases + used - length, phase) == 0;
    heard->steady &= !same || done >= heard->done;
    heard->steady &= total == 0 || done <= total;
    heard->done = done;
    if (!same)
        snprintf(heard->phases + used, sizeof heard->phases - used, " %s", phase);
    return ++heard->calls == heard->stop_at;
}

static const op small[] = {NODE(1, "a", 8), NODE(2, "b", 8), EDGE(1, 2, ".x"),
                           ROOT(1, "global", NULL), {0}};

Test(sink, progress_tells_of_each_phase)
{
    host host;
    script script = {small, 0};
    heard heard = {.steady = 1};
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    lw_snapshot *snapshot = NULL;
    open_toy(&host, &script);
    options.progress = hear;
    options.user = &heard;
    cr_assert_eq(lw_snapshot_take(host.context, &options, &snapshot, NULL), LW_OK);
    cr_assert_str_eq(heard.phases, " enumerate join");
    cr_assert(heard.steady);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(sink, whoever_says_stop_gets_nothing_and_loses_nothing)
{
    host host;
    script script = {small, 0};
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    open_toy(&host, &script);
    lw_snapshot *snapshot = take(&host);
    uint64_t epoch = snapshot_info(snapshot).epoch;
    lw_snapshot_release(snapshot);
    long long bytes = host.memory.bytes;
    uint32_t stopped = 0;
    for (;; stopped++) {
        heard heard = {.stop_at = stopped + 1};
        lw_error error = LW_ERROR_INIT;
        options.progress = hear;
        options.user = &heard;
        snapshot = at(1);
        lw_status status = lw_snapshot_take(host.context, &options, &snapshot, &error);
        if (status == LW_OK)
            break;
        expect_words(status, LW_E_CANCELLED, &error, "stop");
        cr_assert_null(snapshot);
        cr_assert_eq(heard.calls, heard.stop_at, "asked again after it said stop");
        cr_assert_eq(host.memory.bytes, bytes);
    }
    cr_assert_gt(stopped, 4);
    cr_assert_eq(snapshot_info(snapshot).epoch, epoch + 1);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

/* An enumerate without an end, but for the sink's answer. */
static int push_for_ever(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t type = lw_sink_type(sink, 0, "t", 0);
    int answer = 0;
    while (answer == 0)
        answer = lw_sink_node(sink, 1, type, 8);
    return answer;
}

static int push_edges_for_ever(lw_sink *sink, void *user)
{
    (void)user;
    int answer = 0;
    while (answer == 0)
        answer = lw_sink_edge(sink, 1, 2, LW_EDGE_STRONG, 0);
    return answer;
}

static void expect_stopped(lw_enumerate_fn enumerate)
{
    host host;
    heard heard = {.stop_at = 2};
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    lw_snapshot *snapshot = at(1);
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    add_runtime(&host, "toy", LW_KEY_OPAQUE, enumerate, NULL);
    options.progress = hear;
    options.user = &heard;
    expect_words(lw_snapshot_take(host.context, &options, &snapshot, &error), LW_E_CANCELLED,
                 &error, "stop");
    cr_assert_null(snapshot);
    cr_assert_eq(heard.calls, 2);
    close_host(&host);
}

Test(sink, an_enumerate_is_stopped_in_its_midst)
{
    expect_stopped(push_for_ever);
    expect_stopped(push_edges_for_ever);
}

Test(sink, flags_that_mean_nothing_are_refused)
{
    host host;
    script script = {small, 0};
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    lw_snapshot *snapshot = at(1);
    lw_error error = LW_ERROR_INIT;
    open_toy(&host, &script);
    options.flags = 0x80000000u;
    expect_words(lw_snapshot_take(host.context, &options, &snapshot, &error), LW_E_INVALID, &error,
                 "flags");
    cr_assert_null(snapshot);
    cr_assert_eq(script.runs, 0);
    close_host(&host);
}

Test(sink, the_peak_is_at_least_what_is_kept)
{
    lw_snapshot *snapshot = take_script(small);
    lw_snapshot_info info = snapshot_info(snapshot);
    cr_assert_geq(info.peak_bytes, info.own_bytes);
    lw_snapshot_release(snapshot);
}

/* ---- memory of the walk ---- */

enum { LIST = 1000 };

/* A list that grows, on the way also after the sink has failed. */
static int list_numbers(lw_sink *sink, void *user)
{
    uint64_t *list = lw_sink_memory(sink, NULL, 0, sizeof *list);
    cr_assert_not_null(list);
    for (uint64_t i = 0; i < LIST; i++) {
        list = lw_sink_memory(sink, list, (i + 1) * sizeof *list, (i + 2) * sizeof *list);
        cr_assert_not_null(list);
        list[i] = i;
    }
    for (uint64_t i = 0; i < LIST; i++)
        cr_assert_eq(list[i], i);
    int failed = *(int *)user ? lw_sink_fail(sink, "on purpose") : 0;
    cr_assert_null(lw_sink_memory(sink, list, (LIST + 1) * sizeof *list, 0));
    return failed;
}

Test(sink, a_walk_has_memory_of_the_snapshot_and_gives_it_back)
{
    for (int fails = 0; fails < 2; fails++) {
        host host;
        lw_snapshot *snapshot = NULL;
        lw_error error = LW_ERROR_INIT;
        open_host(&host);
        add_runtime(&host, "toy", LW_KEY_OPAQUE, list_numbers, &fails);
        cr_assert_eq(lw_snapshot_take(host.context, NULL, &snapshot, &error),
                     fails ? LW_E_RUNTIME : LW_OK);
        if (!fails)
            cr_assert_geq(snapshot_info(snapshot).peak_bytes, LIST * sizeof(uint64_t));
        lw_snapshot_release(snapshot);
        close_host(&host); /* finds what was not given back */
    }
}

Test(sink, no_sink_has_no_memory)
{
    cr_assert_null(lw_sink_memory(NULL, NULL, 0, 16));
}
