/* Reports of retention paths and of conformance checks. Expected texts are made by hand. */
#include "report_heap.h"

static lw_paths *paths_to(lw_snapshot *snapshot, lw_key key, uint32_t limit)
{
    lw_paths *paths = NULL;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    lw_node target = LW_NODE_NONE;
    options.limit = limit;
    cr_assert_eq(lw_node_find(snapshot, "toy", key, &target, NULL), LW_OK);
    cr_assert_eq(lw_paths_find(snapshot, &target, 1, &options, &paths, NULL), LW_OK);
    return paths;
}

static void report_path(const lw_paths *paths, uint32_t index, int32_t format, uint32_t flags,
                        uint32_t width)
{
    lw_report_options options = how(format, flags, width);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_path(paths, index, &options, take, &out, NULL), LW_OK);
}

/* module __main__ -> cache -> entry -> Value, and the asker's own variable to the same Value. */
static lw_paths *cache(host *host, lw_key *value)
{
    lw_key main = node(block(host, 72), "module", 72);
    lw_key cache = node(block(host, 96), "functools._lru_cache_wrapper", 96);
    lw_key entry = node(block(host, 64), "tuple", 64);
    *value = node(born(host, 56, NUMPY, PRICE, MAIN), "Value", 48);
    root(main, "module", "__main__", 0);
    root(*value, "frame", "v", LW_ROOT_ASKER);
    edge(main, cache, LW_LABEL_ATTRIBUTE, "get_value", 0);
    edge(cache, entry, LW_LABEL_KEY, "(3,)", 0);
    edge(entry, *value, -1, NULL, 1);
    lw_snapshot *taken = snapshot(host, NULL);
    lw_paths *paths = paths_to(taken, *value, 3);
    lw_snapshot_release(taken);
    cr_assert_eq(lw_paths_count(paths), 2);
    return paths;
}

Test(report_path, path)
{
    lw_key value;
    host host = open_heap();
    lw_paths *paths = cache(&host, &value);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "Value, 48 B  path 1 of 2\n"
        "  allocated svc.py:19 in Pricing.price " FROM " app.py:3, "
        "taken in numpy/core/numeric.py:205\n"
        "  root module __main__  module\n"
        "   " BAR " .get_value         functools._lru_cache_wrapper\n"
        "   " BAR " [(3,)]             tuple\n"
        "   " END " [1]                Value\n"
        "  next: drop one of these references, then look again\n");
    report_path(paths, 1, LW_FORMAT_TEXT, LW_REPORT_ASCII, 0);
    expect_text(
        "Value, 48 B  path 2 of 2\n"
        "  allocated svc.py:19 in Pricing.price <- app.py:3, taken in numpy/core/numeric.py:205\n"
        "  root frame v  Value\n"
        "  yours: a variable of the code that asks\n");
    report_path(paths, 0, LW_FORMAT_TEXT, LW_REPORT_ASCII | LW_REPORT_ALL, 40);
    expect_text(
        "Value, 48 B  path 1 of 2\n"
        "  allocated svc.py:19 in Pricing.price\n"
        "  <- app.py:3, taken in\n"
        "  numpy/core/numeric.py:205\n"
        "    numpy/core/numeric.py:205 full\n"
        "    svc.py:19 Pricing.price (yours)\n"
        "    app.py:3 main (yours)\n"
        "  root ...e __main__  module\n"
        "   | .get_value       funct...he_wrapper\n"
        "   | [(3,)]           tuple\n"
        "   v [1]              Value\n"
        "  next: drop one of these references,\n"
        "  then look again\n");
    lw_paths_release(paths);
    lw_context_release(host.context);
}

Test(report_path, path_as_json)
{
    lw_key value;
    host host = open_heap();
    lw_paths *paths = cache(&host, &value);
    report_path(paths, 0, LW_FORMAT_JSON, 0, 0);
    char condition[512];
    snprintf(condition, sizeof condition,
             "[d[\"target\"][k] for k in (\"type\", \"runtime\", \"key\", \"size\", \"bytes\", "
             "\"external\", \"epoch\", \"approximate\")] == "
             "[\"Value\", \"toy\", \"0x%llx\", 48, 56, 0, 1, False]",
             (unsigned long long)value);
    expect_json(condition);
    expect_json("[f[\"line\"] for f in d[\"target\"][\"frames\"]] == [205, 19, 3]");
    expect_json("(d[\"report\"], d[\"format\"], d[\"index\"], d[\"count\"]) == "
                      "(\"path\", 1, 0, 2)");
    expect_json("d[\"root\"] == dict(kind=\"module\", label=dict(style=\"variable\", "
                      "text=\"__main__\"), asker=False, outside=0, type=\"module\", "
                      "runtime=\"toy\")");
    expect_json("[s[\"label\"] for s in d[\"steps\"]] == [dict(style=\"attribute\", "
                      "text=\"get_value\"), dict(style=\"key\", text=\"(3,)\"), "
                      "dict(style=\"index\", index=1)]");
    expect_json("d[\"steps\"][2] == dict(kind=\"strong\", label=dict(style=\"index\", "
                      "index=1), type=\"Value\", runtime=\"toy\")");
    report_path(paths, 1, LW_FORMAT_JSON, LW_REPORT_ASCII, 0);
    expect_json("d[\"root\"][\"asker\"] == True and d[\"steps\"] == []");
    lw_paths_release(paths);
    lw_context_release(host.context);
}

Test(report_path, path_of_every_kind)
{
    host host = open_heap();
    lw_key first = node(block(&host, 16), "a", 16), second = node(block(&host, 16), "b\n", 16);
    lw_key third = node(0x7000, "c", 16), fourth = node(0x7010, "d", 16);
    root(first, "stack", NULL, 0);
    edge(first, second, LW_LABEL_VARIABLE, "self", 0);
    edge(second, third, LW_LABEL_INTERNAL, "free\tvar", 0);
    edge(third, fourth, -2, NULL, 0);
    world.edges[1].kind = LW_EDGE_UNKNOWN;
    lw_snapshot *taken = snapshot(&host, NULL);
    lw_paths *paths = paths_to(taken, fourth, 1);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "d, 16 B  allocated before recording\n"
        "  root stack      a\n"
        "   " BAR " self         b\\n\n"
        "   " BAR " (free\\tvar)  c, found by scanning\n"
        "   " END " (no name)    d\n"
        "  next: drop one of these references, then look again\n");
    report_path(paths, 0, LW_FORMAT_JSON, 0, 0);
    expect_json("d[\"root\"][\"label\"] is None and "
                      "[s[\"kind\"] for s in d[\"steps\"]] == "
                      "[\"strong\", \"unknown\", \"strong\"] "
                      "and d[\"steps\"][2][\"label\"] is None and "
                      "d[\"steps\"][1][\"label\"] == "
                      "dict(style=\"internal\", text=\"free\\tvar\") and "
                      "d[\"target\"][\"bytes\"] is None and d[\"target\"][\"epoch\"] is None and "
                      "d[\"target\"][\"before_recording\"] is True and "
                      "d[\"target\"][\"frames\"] == []");
    lw_paths_release(paths);
    lw_snapshot_release(taken);
    lw_context_release(host.context);
}

static int enumerate_number(lw_sink *sink, void *user)
{
    (void)user;
    lw_sink_node(sink, 7, lw_sink_type(sink, 0, "number", 0), 8);
    return lw_sink_root(sink, 7, lw_sink_root_kind(sink, "global", 0), 0);
}

Test(report_path, path_where_nothing_is_recorded)
{
    host host = open_heap();
    lw_runtime *runtime = NULL;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    lw_node node = LW_NODE_NONE;
    lw_paths *paths = NULL;
    options.name = "numbers";
    options.key_kind = LW_KEY_OPAQUE;
    options.enumerate = enumerate_number;
    cr_assert_eq(lw_runtime_create(host.context, &options, &runtime, NULL), LW_OK);
    lw_snapshot *taken = snapshot(&host, NULL);
    cr_assert_eq(lw_node_find(taken, "numbers", 7, &node, NULL), LW_OK);
    cr_assert_eq(lw_paths_find(taken, &node, 1, NULL, &paths, NULL), LW_OK);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "number, 8 B  allocation not recorded\n"
        "  root global  number\n"
        "  next: drop one of these references, then look again\n");
    report_path(paths, 0, LW_FORMAT_JSON, 0, 0);
    expect_json("d[\"target\"][\"before_recording\"] is False and "
                "d[\"target\"][\"epoch\"] is None");
    lw_paths_release(paths);
    lw_snapshot_release(taken);
    lw_context_release(host.context);
}

Test(report_path, path_from_outside)
{
    host host = open_heap();
    lw_key object = node(block(&host, 16), "object", 16);
    world.nodes[0].references = 2;
    lw_snapshot *taken = snapshot(&host, NULL);
    lw_paths *paths = paths_to(taken, object, 1);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "object, 16 B  allocated svc.py:19 in Pricing.price " FROM " app.py:3\n"
        "  held from outside: 2 references that nothing explains  object\n");
    report_path(paths, 0, LW_FORMAT_JSON, 0, 0);
    expect_json("d[\"root\"][\"outside\"] == 2 and "
                      "d[\"root\"][\"kind\"] == \"held from outside\"");
    lw_paths_release(paths);
    lw_snapshot_release(taken);
    lw_context_release(host.context);
}

Test(report_path, path_held_by_the_asker_alone)
{
    host host = open_heap();
    lw_key object = node(born(&host, 16, 0, 0, 0), "tuple", 16);
    world.nodes[0].type_flags = LW_TYPE_FREELIST;
    root(object, "frame", "mine", LW_ROOT_ASKER);
    lw_snapshot *taken = snapshot(&host, NULL);
    lw_paths *paths = paths_to(taken, object, 1);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "tuple, 16 B  allocated ~without a stack\n"
        "  root frame mine  tuple\n"
        "  ~ or by a former tenant: a freelist hands this memory on unseen\n"
        "  yours: a variable of the code that asks\n"
        "  next: nothing else holds it: let go of the variable\n");
    lw_paths_release(paths);
    lw_snapshot_release(taken);
    lw_context_release(host.context);
}

static lw_paths *chain(host *host)
{
    lw_key last = 0;
    for (uint32_t i = 0; i <= 1000; i++) {
        lw_key next = node(block(host, 16), "cell", 16);
        if (i)
            edge(last, next, -1, NULL, i);
        else
            root(next, "global", "list", 0);
        last = next;
    }
    lw_snapshot *taken = snapshot(host, NULL);
    lw_paths *paths = paths_to(taken, last, 1);
    lw_snapshot_release(taken);
    return paths;
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

Test(report_path, long_path_shows_its_ends)
{
    host host = open_heap();
    lw_paths *paths = chain(&host);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text,
        "   " BAR " [12]              cell\n"
        "   " BAR " " DOTS " 976 more steps\n"
        "   " BAR " [989]             cell\n"), "%s", out.text);
    cr_assert(strstr(out.text, "   " END " [1000]            cell\n"));
    cr_assert_eq(lines_of(out.text), 1 + 1 + 24 + 1 + 1);
    report_path(paths, 0, LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    cr_assert(strstr(out.text, "   " BAR " [500]          cell\n"));
    report_path(paths, 0, LW_FORMAT_JSON, 0, 0);
    expect_json("[s[\"label\"][\"index\"] for s in d[\"steps\"]] == list(range(1, 1001))");
    lw_paths_release(paths);
    lw_context_release(host.context);
}

static void report_check(lw_check *check, int32_t format, uint32_t flags, uint32_t width)
{
    lw_report_options options = how(format, flags, width);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_check(check, "toy", &options, take, &out, NULL), LW_OK);
}

Test(report_path, check_without_problems)
{
    host host = open_heap();
    lw_check *check = NULL;
    root(node(block(&host, 16), "map", 16), "global", "g", 0);
    cr_assert_eq(lw_runtime_check(host.runtime, &check, NULL), LW_OK);
    report_check(check, LW_FORMAT_TEXT, 0, 0);
    expect_text("runtime \"toy\": no problems\n");
    report_check(check, LW_FORMAT_JSON, 0, 0);
    expect_json("d == dict(report=\"check\", format=1, runtime=\"toy\", problems=[], memory=None)");
    lw_check_release(check);
    lw_context_release(host.context);
}

/* 37 maps say that two hold them, but one edge each comes. */
static lw_check *wrong(host *host)
{
    lw_check *check = NULL;
    lw_key table = node(block(host, 64), "table", 64);
    root(table, "global", "g", 0);
    for (uint32_t i = 0; i < 37; i++) {
        edge(table, node(block(host, 48), "Map", 48), -1, NULL, i);
        world.nodes[world.node_count - 1].references = 2;
    }
    cr_assert_eq(lw_runtime_check(host->runtime, &check, NULL), LW_OK);
    cr_assert_eq(lw_check_count(check), 1);
    return check;
}

Test(report_path, check)
{
    static char expected[1024];
    host host = open_heap();
    lw_check *check = wrong(&host);
    lw_problem problem = LW_PROBLEM_INIT;
    cr_assert_eq(lw_check_problem_get(check, 0, &problem, NULL), LW_OK);
    report_check(check, LW_FORMAT_TEXT, 0, 1000);
    snprintf(expected, sizeof expected,
             "runtime \"toy\": 1 problem\n"
             "  missing edge  Map (37\xC3\x97): %s\n"
             "                next: %s\n",
             problem.message, problem.next);
    expect_text( expected);
    report_check(check, LW_FORMAT_TEXT, LW_REPORT_ASCII | LW_REPORT_ALL, 1000);
    snprintf(expected, sizeof expected,
             "runtime \"toy\": 1 problem\n"
             "  missing edge  Map (37x, such as 0x%llx): %s\n"
             "                next: %s\n",
             (unsigned long long)problem.example, problem.message, problem.next);
    expect_text( expected);
    report_check(check, LW_FORMAT_TEXT, 0, 50);
    cr_assert_leq(widest(out.text), 50);
    report_check(check, LW_FORMAT_JSON, 0, 0);
    snprintf(expected, sizeof expected,
             "d[\"problems\"] == [dict(kind=\"missing\", count=37, example=\"0x%llx\", "
             "type=\"Map\", message=\"%s\", next=\"%s\")]",
             (unsigned long long)problem.example, problem.message, problem.next);
    expect_json(expected);
    lw_check_release(check);
    lw_context_release(host.context);
}

static lw_status write_path(const void *what, const lw_report_options *options, lw_error *error)
{
    return lw_report_path(what, 0, options, take, &out, error);
}

static lw_status write_check(const void *what, const lw_report_options *options, lw_error *error)
{
    return lw_report_check(what, "toy", options, take, &out, error);
}

Test(report_path, writer_that_says_stop)
{
    host host = open_heap();
    lw_paths *paths = chain(&host);
    stop_everywhere(write_path, paths);
    lw_paths_release(paths);
    lw_context_release(host.context);

    host = open_heap();
    lw_check *check = wrong(&host);
    stop_everywhere(write_check, check);
    lw_check_release(check);
    lw_context_release(host.context);
}

Test(report_path, invalid_arguments)
{
    lw_key value;
    host host = open_heap();
    lw_report_options options = how(2, 0, 0), sizeless = {0};
    lw_paths *paths = cache(&host, &value);
    lw_check *check = wrong(&host);
    expect_refused(lw_report_path(NULL, 0, NULL, take, &out, &error), LW_E_INVALID, "paths");
    expect_refused(lw_report_path(paths, 0, NULL, NULL, &out, &error), LW_E_INVALID, "write");
    expect_refused(lw_report_path(paths, 0, &options, take, &out, &error), LW_E_INVALID, "format");
    expect_refused(lw_report_path(paths, 0, &sizeless, take, &out, &error), LW_E_INVALID,
                   "struct_size");
    expect_refused(lw_report_path(paths, 2, NULL, take, &out, &error), LW_E_NOT_FOUND, "path");
    expect_refused(lw_report_check(NULL, "toy", NULL, take, &out, &error), LW_E_INVALID, "check");
    expect_refused(lw_report_check(check, NULL, NULL, take, &out, &error), LW_E_INVALID, "name");
    expect_refused(lw_report_check(check, "toy", NULL, NULL, &out, &error), LW_E_INVALID, "write");
    expect_refused(lw_report_check(check, "toy", &options, take, &out, &error), LW_E_INVALID,
                   "format");
    expect_refused(lw_report_check(check, "toy", &sizeless, take, &out, &error), LW_E_INVALID,
                   "struct_size");
    lw_check_release(check);
    lw_paths_release(paths);
    lw_context_release(host.context);
}
