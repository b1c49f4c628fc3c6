/* Reports of diffs, paths and checks. Expected texts are made by hand. */
#define _POSIX_C_SOURCE 200809L

#include "report_host.h"

enum { NODES = 1100 };

/* A heap in tables: what `enumerate` pushes. Keys are addresses. */
typedef struct heap {
    struct heap_node {
        lw_key key;
        const char *type;
        uint64_t size;
        uint32_t type_flags;
        uint64_t references; /* stated; 0: none */
    } nodes[NODES];
    struct heap_edge {
        lw_key from, to;
        int32_t kind, style; /* style -1: an index, -2: no label */
        const char *label;
        uint32_t index;
    } edges[NODES];
    struct heap_root {
        lw_key key;
        const char *kind, *label;
        uint32_t flags;
    } roots[8];
    int node_count, edge_count, root_count;
} heap;

static page out;
static heap world;

static int enumerate(lw_sink *sink, void *user)
{
    const heap *heap = user;
    for (int i = 0; i < heap->node_count; i++) {
        const struct heap_node *node = &heap->nodes[i];
        lw_sink_node(sink, node->key, lw_sink_type(sink, 0, node->type, node->type_flags),
                     node->size);
        if (node->references)
            lw_sink_references(sink, node->key, node->references);
    }
    for (int i = 0; i < heap->edge_count; i++) {
        const struct heap_edge *edge = &heap->edges[i];
        uint32_t label = 0;
        if (edge->style == -1)
            label = LW_LABEL_INDEX(edge->index);
        else if (edge->style >= 0)
            label = lw_sink_label(sink, edge->style, edge->label, strlen(edge->label));
        lw_sink_edge(sink, edge->from, edge->to, edge->kind, label);
    }
    for (int i = 0; i < heap->root_count; i++) {
        const struct heap_root *root = &heap->roots[i];
        uint32_t label = root->label ? lw_sink_label(sink, LW_LABEL_VARIABLE, root->label,
                                                     strlen(root->label))
                                     : 0;
        lw_sink_root(sink, root->key, lw_sink_root_kind(sink, root->kind, root->flags), label);
    }
    return 0;
}

static host open_heap(void)
{
    host host = open_host("x");
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "toy";
    options.enumerate = enumerate;
    options.domains = &host.heap;
    options.domain_count = 1;
    options.user = &world;
    memset(&world, 0, sizeof world);
    cr_assert_eq(lw_runtime_create(host.context, &options, &host.runtime, NULL), LW_OK);
    return host;
}

static lw_key node(lw_key key, const char *type, uint64_t size)
{
    world.nodes[world.node_count++] = (struct heap_node){key, type, size, 0, 0};
    return key;
}

static void edge(lw_key from, lw_key to, int32_t style, const char *label, uint32_t index)
{
    world.edges[world.edge_count++] =
        (struct heap_edge){from, to, LW_EDGE_STRONG, style, label, index};
}

static void root(lw_key key, const char *kind, const char *label, uint32_t flags)
{
    world.roots[world.root_count++] = (struct heap_root){key, kind, label, flags};
}

static lw_snapshot *snapshot(host *host, const char *name)
{
    lw_snapshot *taken = NULL;
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    options.name = name;
    cr_assert_eq(lw_snapshot_take(host->context, &options, &taken, NULL), LW_OK);
    return taken;
}

static lw_key block(host *host, uint64_t size)
{
    return born(host, size, PRICE, MAIN, 0);
}

static void report_diff(lw_diff *diff, int32_t format, uint32_t flags, uint32_t width)
{
    lw_report_options options = how(format, flags, width);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_diff(diff, &options, take, &out, NULL), LW_OK);
}

/* A table gains ten values and loses three floats; two objects hold each other only. Then the
 * table is as before, and what came is gone. */
static lw_diff *shop(host *host, const char *before, const char *after)
{
    lw_diff *diff = NULL;
    lw_key table = node(block(host, 512), "table", 64), first = host->next;
    root(table, "module", "shop", 0);
    for (uint32_t i = 0; i < 3; i++)
        edge(table, node(block(host, 24), "float", 24), -1, NULL, i);
    lw_snapshot *base = snapshot(host, before);

    world.node_count = 1;
    world.edge_count = 0;
    for (lw_key key = first; key < host->next; key += 48)
        gone(host, (uintptr_t)key);
    world.nodes[0].size = 416;
    for (uint32_t i = 0; i < 10; i++)
        edge(table, node(block(host, 48), "Value", 48), -1, NULL, i);
    lw_key one = node(block(host, 100), "cycle", 100), two = node(block(host, 100), "cycle", 100);
    edge(one, two, LW_LABEL_ATTRIBUTE, "other", 0);
    edge(two, one, LW_LABEL_ATTRIBUTE, "other", 0);
    lw_snapshot *target = snapshot(host, after);

    cr_assert_eq(lw_diff_create(base, target, &diff, NULL), LW_OK);
    lw_snapshot_release(base);
    lw_snapshot_release(target);
    return diff;
}

Test(report_graph, diff)
{
    host host = open_heap();
    lw_diff *diff = shop(&host, "before", "after");
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out,
        "diff before \xE2\x86\x92 after   +7 objects, +760 B; 2 types grew, 1 shrank\n"
        "  objects    size  type\n"
        "      +10  +480 B  Value\n"
        "        0  +352 B  table\n"
        "       -3   -72 B  float\n"
        "  collectable garbage: 2 objects, 200 B: nothing holds it; not counted above\n"
        "  next: find paths to Value: who holds them\n");
    report_diff(diff, LW_FORMAT_TEXT, LW_REPORT_ASCII, 40);
    expect_text(&out,
        "diff before -> after\n"
        "  +7 objects, +760 B; 2 types grew, 1\n"
        "  shrank\n"
        "  objects    size  type\n"
        "      +10  +480 B  Value\n"
        "        0  +352 B  table\n"
        "       -3   -72 B  float\n"
        "  collectable garbage: 2 objects, 200 B:\n"
        "  nothing holds it; not counted above\n"
        "  next: find paths to Value: who holds\n"
        "  them\n");
    lw_diff_release(diff);
    lw_context_release(host.context);
}

Test(report_graph, diff_all_shows_identity)
{
    host host = open_heap();
    lw_diff *diff = shop(&host, "before", NULL);
    report_diff(diff, LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    expect_text(&out,
        "diff before \xE2\x86\x92 (unnamed)   +7 objects, +760 B; 2 types grew, 1 shrank\n"
        "  objects    size  new  gone  type\n"
        "      +10  +480 B   10     0  Value\n"
        "        0  +352 B    0     0  table\n"
        "        0     0 B    0     0  cycle\n"
        "       -3   -72 B    0     3  float\n"
        "  collectable garbage: 2 objects, 200 B: nothing holds it; not counted above\n"
        "  next: find paths to Value: who holds them\n");
    lw_diff_release(diff);
    lw_context_release(host.context);
}

Test(report_graph, diff_as_json)
{
    host host = open_heap();
    lw_diff *diff = shop(&host, "a\"b\\c", NULL);
    report_diff(diff, LW_FORMAT_JSON, 0, 0);
    expect_json(&out, "(d[\"report\"], d[\"format\"], d[\"base\"], d[\"target\"]) == "
                      "(\"diff\", 1, \"a\\\"b\\\\c\", \"\")");
    expect_json(&out, "[d[k] for k in (\"count_diff\", \"size_diff\", \"grew\", \"created\", "
                      "\"gone\", \"survived\", \"approximate\")] == [7, 760, 2, 10, 3, 1, False]");
    expect_json(&out, "d[\"base_garbage\"] == dict(count=0, size=0) and "
                      "d[\"target_garbage\"] == dict(count=2, size=200)");
    expect_json(&out, "d[\"types\"][0] == dict(type=\"Value\", runtime=\"toy\", type_count=1, "
                      "count_diff=10, size_diff=480, base_count=0, base_size=0, target_count=10, "
                      "target_size=480, created=10, gone=0, survived=0, approximate=False)");
    expect_json(&out, "[t[\"type\"] for t in d[\"types\"]] == "
                      "[\"Value\", \"table\", \"cycle\", \"float\"]");
    lw_diff_release(diff);
    lw_context_release(host.context);
}

Test(report_graph, diff_without_change)
{
    host host = open_heap();
    lw_diff *diff = NULL;
    root(node(block(&host, 64), "table", 64), "module", "shop", 0);
    lw_snapshot *base = snapshot(&host, "a"), *target = snapshot(&host, NULL);
    cr_assert_eq(lw_diff_create(base, base, &diff, NULL), LW_OK);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out, "diff a \xE2\x86\x92 a   no change\n");
    lw_diff_release(diff);
    cr_assert_eq(lw_diff_create(target, target, &diff, NULL), LW_OK);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out, "diff   no change\n");
    lw_diff_release(diff);
    lw_snapshot_release(base);
    lw_snapshot_release(target);
    lw_context_release(host.context);
}

/* Types t01 to t30 grow by 30 objects down to 1 of 100 bytes each, or shrink by as many. */
static lw_diff *many_types(host *host, bool grow)
{
    static char names[30][8];
    lw_diff *diff = NULL;
    lw_key table = node(block(host, 64), "table", 64);
    root(table, "module", "shop", 0);
    lw_snapshot *empty = snapshot(host, "empty");
    for (uint32_t i = 0; i < 30; i++) {
        snprintf(names[i], sizeof names[i], "t%02u", (unsigned)(i + 1));
        for (uint32_t n = i; n < 30; n++)
            edge(table, node(block(host, 112), names[i], 100), -1, NULL, n);
    }
    lw_snapshot *full = snapshot(host, "full");
    cr_assert_eq(lw_diff_create(grow ? empty : full, grow ? full : empty, &diff, NULL), LW_OK);
    lw_snapshot_release(empty);
    lw_snapshot_release(full);
    return diff;
}

Test(report_graph, small_growth_is_summed)
{
    host host = open_heap();
    lw_diff *diff = many_types(&host, true);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    /* 30 + ... + 1 = 465 objects; the last 20 types have 20 + ... + 1 = 210. */
    cr_assert_eq(strncmp(out.text,
        "diff empty \xE2\x86\x92 full   +465 objects, +45.4 KiB; 30 types grew\n"
        "  objects       size  type\n"
        "      +30   +2.9 KiB  t01\n"
        "      +29   +2.8 KiB  t02\n", 107), 0, "%s", out.text);
    cr_assert(strstr(out.text,
        "      +21   +2.1 KiB  t10\n"
        "     +210  +20.5 KiB  20 more types that grew\n"
        "  next: find paths to t01: who holds them\n"), "%s", out.text);
    lw_diff_release(diff);
    lw_context_release(host.context);
}

Test(report_graph, small_shrinking_is_summed)
{
    host host = open_heap();
    lw_diff *diff = many_types(&host, false);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    /* 465 - 30 - 29 - 28 = 378 */
    expect_text(&out,
        "diff full \xE2\x86\x92 empty   -465 objects, -45.4 KiB; 0 types grew, 30 shrank\n"
        "  objects       size  type\n"
        "      -30   -2.9 KiB  t01\n"
        "      -29   -2.8 KiB  t02\n"
        "      -28   -2.7 KiB  t03\n"
        "     -378  -36.9 KiB  27 more types that shrank\n");
    lw_diff_release(diff);
    lw_context_release(host.context);
}

Test(report_graph, diff_tells_what_is_approximate)
{
    host host = open_heap();
    lw_diff *diff = NULL;
    lw_key table = node(block(&host, 64), "table", 64);
    root(table, "module", "shop", 0);
    edge(table, node(block(&host, 32), "tuple", 32), -1, NULL, 0);
    world.nodes[1].type_flags = LW_TYPE_FREELIST;
    lw_snapshot *base = snapshot(&host, "a");
    edge(table, node(block(&host, 32), "tuple", 32), -1, NULL, 1);
    world.nodes[2].type_flags = LW_TYPE_FREELIST;
    lw_snapshot *target = snapshot(&host, "b");
    cr_assert_eq(lw_diff_create(base, target, &diff, NULL), LW_OK);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out,
        "diff a \xE2\x86\x92 b   +1 object, +32 B; 1 type grew\n"
        "  objects   size  type\n"
        "       +1  +32 B  ~tuple\n"
        "  ~ matched by address, which may have been reused: counts are exact, new and gone are not\n"
        "  next: find paths to tuple: who holds them\n");
    lw_diff_release(diff);
    lw_snapshot_release(base);
    lw_snapshot_release(target);
    lw_context_release(host.context);
}

/* The tuples weigh more, but of the values it is certain that they are new. */
Test(report_graph, next_step_prefers_what_is_certain)
{
    host host = open_heap();
    lw_diff *diff = NULL;
    lw_key table = node(block(&host, 64), "table", 64);
    root(table, "module", "shop", 0);
    lw_key one = node(0x7000, "cycle", 100);
    edge(one, one, LW_LABEL_ATTRIBUTE, "self", 0);
    edge(table, node(block(&host, 32), "tuple", 32), -1, NULL, 0);
    world.nodes[2].type_flags = LW_TYPE_FREELIST;
    lw_snapshot *base = snapshot(&host, "a");
    edge(table, node(block(&host, 320), "tuple", 320), -1, NULL, 1);
    world.nodes[3].type_flags = LW_TYPE_FREELIST;
    edge(table, node(block(&host, 32), "Value", 32), -1, NULL, 2);
    edge(table, node(block(&host, 16), "int", 16), -1, NULL, 3);
    lw_snapshot *target = snapshot(&host, "b");
    cr_assert_eq(lw_diff_create(base, target, &diff, NULL), LW_OK);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out,
        "diff a \xE2\x86\x92 b   +3 objects, +368 B; 3 types grew\n"
        "  objects    size  type\n"
        "       +1  +320 B  ~tuple\n"
        "       +1   +32 B  Value\n"
        "       +1   +16 B  int\n"
        "  collectable garbage: 1 object, 100 B (as before): nothing holds it; not counted above\n"
        "  ~ matched by address, which may have been reused: counts are exact, new and gone are not\n"
        "  next: find paths to Value: who holds them\n");
    lw_diff_release(diff);
    lw_snapshot_release(base);

    node(0x7010, "cycle", 100);
    base = snapshot(&host, "c");
    cr_assert_eq(lw_diff_create(target, base, &diff, NULL), LW_OK);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out,
        "diff b \xE2\x86\x92 c   no change\n"
        "  collectable garbage: 2 objects, 200 B (before: 1, 100 B): nothing holds it; not counted above\n");
    lw_diff_release(diff);
    lw_snapshot_release(base);
    lw_snapshot_release(target);
    lw_context_release(host.context);
}

Test(report_graph, note_is_for_rows_that_are_shown)
{
    host host = open_heap();
    lw_diff *diff = NULL;
    lw_key table = node(block(&host, 64), "table", 64), small = node(block(&host, 16), "small", 1);
    world.nodes[1].type_flags = LW_TYPE_FREELIST;
    root(table, "module", "shop", 0);
    root(small, "module", "small", 0);
    lw_snapshot *base = snapshot(&host, "a");
    static char names[12][8];
    for (uint32_t i = 0; i < 12; i++) {
        snprintf(names[i], sizeof names[i], "t%02u", (unsigned)i);
        edge(table, node(block(&host, 112), names[i], 100), -1, NULL, i);
    }
    edge(table, node(block(&host, 16), "small", 1), -1, NULL, 12);
    world.nodes[world.node_count - 1].type_flags = LW_TYPE_FREELIST;
    lw_snapshot *target = snapshot(&host, "b");
    cr_assert_eq(lw_diff_create(base, target, &diff, NULL), LW_OK);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    cr_assert_null(strchr(out.text, '~'), "%s", out.text);
    cr_assert(strstr(out.text, "       +3  +201 B  3 more types that grew\n"
                               "  next: find paths to t00: who holds them\n"));
    report_diff(diff, LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    cr_assert(strstr(out.text, "~small\n") && strstr(out.text, "  ~ matched by address"));
    lw_diff_release(diff);
    lw_snapshot_release(base);
    lw_snapshot_release(target);
    lw_context_release(host.context);
}

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

Test(report_graph, path)
{
    lw_key value;
    host host = open_heap();
    lw_paths *paths = cache(&host, &value);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out,
        "Value, 48 B  path 1 of 2\n"
        "  allocated svc.py:19 in Pricing.price \xE2\x86\x90 app.py:3, taken in numpy/core/numeric.py:205\n"
        "  root module __main__  module\n"
        "   \xE2\x94\x82 .get_value         functools._lru_cache_wrapper\n"
        "   \xE2\x94\x82 [(3,)]             tuple\n"
        "   \xE2\x96\xBC [1]                Value\n"
        "  next: drop one of these references, then look again\n");
    report_path(paths, 1, LW_FORMAT_TEXT, LW_REPORT_ASCII, 0);
    expect_text(&out,
        "Value, 48 B  path 2 of 2\n"
        "  allocated svc.py:19 in Pricing.price <- app.py:3, taken in numpy/core/numeric.py:205\n"
        "  root frame v  Value\n"
        "  yours: a variable of the code that asks\n");
    report_path(paths, 0, LW_FORMAT_TEXT, LW_REPORT_ASCII | LW_REPORT_ALL, 40);
    expect_text(&out,
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

Test(report_graph, path_as_json)
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
    expect_json(&out, condition);
    expect_json(&out, "[f[\"line\"] for f in d[\"target\"][\"frames\"]] == [205, 19, 3]");
    expect_json(&out, "(d[\"report\"], d[\"format\"], d[\"index\"], d[\"count\"]) == "
                      "(\"path\", 1, 0, 2)");
    expect_json(&out, "d[\"root\"] == dict(kind=\"module\", label=dict(style=\"variable\", "
                      "text=\"__main__\"), asker=False, outside=0, type=\"module\", "
                      "runtime=\"toy\")");
    expect_json(&out, "[s[\"label\"] for s in d[\"steps\"]] == [dict(style=\"attribute\", "
                      "text=\"get_value\"), dict(style=\"key\", text=\"(3,)\"), "
                      "dict(style=\"index\", index=1)]");
    expect_json(&out, "d[\"steps\"][2] == dict(kind=\"strong\", label=dict(style=\"index\", "
                      "index=1), type=\"Value\", runtime=\"toy\")");
    report_path(paths, 1, LW_FORMAT_JSON, LW_REPORT_ASCII, 0);
    expect_json(&out, "d[\"root\"][\"asker\"] == True and d[\"steps\"] == []");
    lw_paths_release(paths);
    lw_context_release(host.context);
}

Test(report_graph, path_of_every_kind)
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
    expect_text(&out,
        "d, 16 B  allocated before recording\n"
        "  root stack      a\n"
        "   \xE2\x94\x82 self         b\\n\n"
        "   \xE2\x94\x82 (free\\tvar)  c, found by scanning\n"
        "   \xE2\x96\xBC (no name)    d\n"
        "  next: drop one of these references, then look again\n");
    report_path(paths, 0, LW_FORMAT_JSON, 0, 0);
    expect_json(&out, "d[\"root\"][\"label\"] is None and "
                      "[s[\"kind\"] for s in d[\"steps\"]] == [\"strong\", \"unknown\", \"strong\"] "
                      "and d[\"steps\"][2][\"label\"] is None and "
                      "d[\"steps\"][1][\"label\"] == dict(style=\"internal\", text=\"free\\tvar\") and "
                      "d[\"target\"][\"bytes\"] is None and d[\"target\"][\"epoch\"] is None and "
                      "d[\"target\"][\"frames\"] == []");
    lw_paths_release(paths);
    lw_snapshot_release(taken);
    lw_context_release(host.context);
}

Test(report_graph, path_from_outside)
{
    host host = open_heap();
    lw_key object = node(block(&host, 16), "object", 16);
    world.nodes[0].references = 2;
    lw_snapshot *taken = snapshot(&host, NULL);
    lw_paths *paths = paths_to(taken, object, 1);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out,
        "object, 16 B  allocated svc.py:19 in Pricing.price \xE2\x86\x90 app.py:3\n"
        "  held from outside: 2 references that nothing explains  object\n");
    report_path(paths, 0, LW_FORMAT_JSON, 0, 0);
    expect_json(&out, "d[\"root\"][\"outside\"] == 2 and "
                      "d[\"root\"][\"kind\"] == \"held from outside\"");
    lw_paths_release(paths);
    lw_snapshot_release(taken);
    lw_context_release(host.context);
}

Test(report_graph, path_held_by_the_asker_alone)
{
    host host = open_heap();
    lw_key object = node(born(&host, 16, 0, 0, 0), "tuple", 16);
    world.nodes[0].type_flags = LW_TYPE_FREELIST;
    root(object, "frame", "mine", LW_ROOT_ASKER);
    lw_snapshot *taken = snapshot(&host, NULL);
    lw_paths *paths = paths_to(taken, object, 1);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out,
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

Test(report_graph, long_path_shows_its_ends)
{
    host host = open_heap();
    lw_paths *paths = chain(&host);
    report_path(paths, 0, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text,
        "   \xE2\x94\x82 [12]              cell\n"
        "   \xE2\x94\x82 \xE2\x80\xA6 976 more steps\n"
        "   \xE2\x94\x82 [989]             cell\n"), "%s", out.text);
    cr_assert(strstr(out.text, "   \xE2\x96\xBC [1000]            cell\n"));
    cr_assert_eq(lines_of(out.text), 1 + 1 + 24 + 1 + 1);
    report_path(paths, 0, LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    cr_assert(strstr(out.text, "   \xE2\x94\x82 [500]          cell\n"));
    report_path(paths, 0, LW_FORMAT_JSON, 0, 0);
    expect_json(&out, "[s[\"label\"][\"index\"] for s in d[\"steps\"]] == list(range(1, 1001))");
    lw_paths_release(paths);
    lw_context_release(host.context);
}

static void report_check(lw_check *check, int32_t format, uint32_t flags, uint32_t width)
{
    lw_report_options options = how(format, flags, width);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_check(check, "toy", &options, take, &out, NULL), LW_OK);
}

Test(report_graph, check_without_problems)
{
    host host = open_heap();
    lw_check *check = NULL;
    root(node(block(&host, 16), "map", 16), "global", "g", 0);
    cr_assert_eq(lw_runtime_check(host.runtime, &check, NULL), LW_OK);
    report_check(check, LW_FORMAT_TEXT, 0, 0);
    expect_text(&out, "runtime \"toy\": no problems\n");
    report_check(check, LW_FORMAT_JSON, 0, 0);
    expect_json(&out, "d == dict(report=\"check\", format=1, runtime=\"toy\", problems=[])");
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

Test(report_graph, check)
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
    expect_text(&out, expected);
    report_check(check, LW_FORMAT_TEXT, LW_REPORT_ASCII | LW_REPORT_ALL, 1000);
    snprintf(expected, sizeof expected,
             "runtime \"toy\": 1 problem\n"
             "  missing edge  Map (37x, such as 0x%llx): %s\n"
             "                next: %s\n",
             (unsigned long long)problem.example, problem.message, problem.next);
    expect_text(&out, expected);
    report_check(check, LW_FORMAT_TEXT, 0, 50);
    cr_assert_leq(widest(out.text), 50);
    report_check(check, LW_FORMAT_JSON, 0, 0);
    snprintf(expected, sizeof expected,
             "d[\"problems\"] == [dict(kind=\"missing\", count=37, example=\"0x%llx\", "
             "type=\"Map\", message=\"%s\", next=\"%s\")]",
             (unsigned long long)problem.example, problem.message, problem.next);
    expect_json(&out, expected);
    lw_check_release(check);
    lw_context_release(host.context);
}

/* Every report with a writer that fails at each of its calls. */
static void stop_everywhere(lw_status (*write)(const void *what, const lw_report_options *options,
                                               lw_error *error),
                            const void *what)
{
    for (int i = 0; i < 4; i++) {
        lw_report_options options = how(i & 1, i & 2 ? LW_REPORT_ALL : LW_REPORT_COLOUR, 0);
        memset(&out, 0, sizeof out);
        cr_assert_eq(write(what, &options, NULL), LW_OK);
        const int calls = out.calls;
        for (int n = 1; n <= calls; n++) {
            lw_error error = LW_ERROR_INIT;
            memset(&out, 0, sizeof out);
            out.fail_at = n;
            cr_assert_eq(write(what, &options, &error), LW_E_IO);
            cr_assert_eq(out.calls, n);
            cr_assert_eq(error.status, LW_E_IO);
        }
    }
}

static lw_status write_diff(const void *what, const lw_report_options *options, lw_error *error)
{
    return lw_report_diff(what, options, take, &out, error);
}

static lw_status write_path(const void *what, const lw_report_options *options, lw_error *error)
{
    return lw_report_path(what, 0, options, take, &out, error);
}

static lw_status write_check(const void *what, const lw_report_options *options, lw_error *error)
{
    return lw_report_check(what, "toy", options, take, &out, error);
}

Test(report_graph, writer_that_says_stop)
{
    host host = open_heap();
    lw_diff *diff = many_types(&host, true);
    stop_everywhere(write_diff, diff);
    lw_diff_release(diff);
    lw_context_release(host.context);

    host = open_heap();
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

#define expect_refused(call, answer, words)                                                        \
    do {                                                                                           \
        lw_error error = LW_ERROR_INIT;                                                            \
        cr_expect_eq(call, answer);                                                                \
        cr_expect_eq(error.status, answer);                                                        \
        cr_expect(strstr(error.message, words), "%s", error.message);                              \
        cr_expect_eq(out.calls, 0);                                                                \
    } while (0)

Test(report_graph, invalid_arguments)
{
    lw_key value;
    host host = open_heap();
    lw_report_options options = how(2, 0, 0), sizeless = {0, 0, 0, 0};
    lw_paths *paths = cache(&host, &value);
    lw_check *check = wrong(&host);
    lw_diff *diff = NULL;
    lw_snapshot *taken = snapshot(&host, NULL);
    cr_assert_eq(lw_diff_create(taken, taken, &diff, NULL), LW_OK);
    lw_snapshot_release(taken);

    expect_refused(lw_report_diff(NULL, NULL, take, &out, &error), LW_E_INVALID, "diff");
    expect_refused(lw_report_diff(diff, NULL, NULL, &out, &error), LW_E_INVALID, "write");
    expect_refused(lw_report_diff(diff, &options, take, &out, &error), LW_E_INVALID, "format");
    expect_refused(lw_report_diff(diff, &sizeless, take, &out, &error), LW_E_INVALID, "struct_size");
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
    lw_diff_release(diff);
    lw_check_release(check);
    lw_paths_release(paths);
    lw_context_release(host.context);
}
