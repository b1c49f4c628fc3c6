/* Reports of diffs. Expected texts are made by hand. */
#include "report_heap.h"

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

Test(report_diff, diff)
{
    host host = open_heap();
    lw_diff *diff = shop(&host, "before", "after");
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "diff before " TO " after   +7 objects, +760 B; 2 types grew, 1 shrank\n"
        "  objects    size  type\n"
        "      +10  +480 B  Value\n"
        "        0  +352 B  table\n"
        "       -3   -72 B  float\n"
        "  collectable garbage: 2 objects, 200 B: nothing holds it; not counted above\n"
        "  next: find paths to Value: who holds them\n");
    report_diff(diff, LW_FORMAT_TEXT, LW_REPORT_ASCII, 40);
    expect_text(
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

Test(report_diff, diff_all_shows_identity)
{
    host host = open_heap();
    lw_diff *diff = shop(&host, "before", NULL);
    report_diff(diff, LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    expect_text(
        "diff before " TO " (unnamed)   +7 objects, +760 B; 2 types grew, 1 shrank\n"
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

Test(report_diff, diff_as_json)
{
    host host = open_heap();
    lw_diff *diff = shop(&host, "a\"b\\c", NULL);
    report_diff(diff, LW_FORMAT_JSON, 0, 0);
    expect_json("(d[\"report\"], d[\"format\"], d[\"base\"], d[\"target\"]) == "
                      "(\"diff\", 1, \"a\\\"b\\\\c\", \"\")");
    expect_json("[d[k] for k in (\"count_diff\", \"size_diff\", \"grew\", \"created\", "
                      "\"gone\", \"survived\", \"approximate\")] == [7, 760, 2, 10, 3, 1, False]");
    expect_json("d[\"base_garbage\"] == dict(count=0, size=0) and "
                      "d[\"target_garbage\"] == dict(count=2, size=200)");
    expect_json("d[\"types\"][0] == dict(type=\"Value\", runtime=\"toy\", type_count=1, "
                      "count_diff=10, size_diff=480, base_count=0, base_size=0, target_count=10, "
                      "target_size=480, created=10, gone=0, survived=0, approximate=False)");
    expect_json("[t[\"type\"] for t in d[\"types\"]] == "
                      "[\"Value\", \"table\", \"cycle\", \"float\"]");
    lw_diff_release(diff);
    lw_context_release(host.context);
}

Test(report_diff, diff_without_change)
{
    host host = open_heap();
    lw_diff *diff = NULL;
    root(node(block(&host, 64), "table", 64), "module", "shop", 0);
    lw_snapshot *base = snapshot(&host, "a"), *target = snapshot(&host, NULL);
    cr_assert_eq(lw_diff_create(base, base, &diff, NULL), LW_OK);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text("diff a " TO " a   no change\n");
    lw_diff_release(diff);
    cr_assert_eq(lw_diff_create(target, target, &diff, NULL), LW_OK);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text("diff   no change\n");
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

Test(report_diff, small_growth_is_summed)
{
    host host = open_heap();
    lw_diff *diff = many_types(&host, true);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    /* 30 + ... + 1 = 465 objects; the last 20 types have 20 + ... + 1 = 210. */
    cr_assert_eq(strncmp(out.text,
        "diff empty " TO " full   +465 objects, +45.4 KiB; 30 types grew\n"
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

Test(report_diff, small_shrinking_is_summed)
{
    host host = open_heap();
    lw_diff *diff = many_types(&host, false);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    /* 465 - 30 - 29 - 28 = 378 */
    expect_text(
        "diff full " TO " empty   -465 objects, -45.4 KiB; 30 types shrank\n"
        "  objects       size  type\n"
        "      -30   -2.9 KiB  t01\n"
        "      -29   -2.8 KiB  t02\n"
        "      -28   -2.7 KiB  t03\n"
        "     -378  -36.9 KiB  27 more types that shrank\n");
    lw_diff_release(diff);
    lw_context_release(host.context);
}

Test(report_diff, diff_tells_what_is_approximate)
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
    expect_text(
        "diff a " TO " b   +1 object, +32 B; 1 type grew\n"
        "  objects   size  type\n"
        "       +1  +32 B  ~tuple\n"
        "  ~ matched by address, which may have been reused: counts are exact, new and "
        "gone are not\n"
        "  next: find paths to tuple: who holds them\n");
    lw_diff_release(diff);
    lw_snapshot_release(base);
    lw_snapshot_release(target);
    lw_context_release(host.context);
}

/* The tuples weigh more, but of the values it is certain that they are new. */
Test(report_diff, next_step_prefers_what_is_certain)
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
    expect_text(
        "diff a " TO " b   +3 objects, +368 B; 3 types grew\n"
        "  objects    size  type\n"
        "       +1  +320 B  ~tuple\n"
        "       +1   +32 B  Value\n"
        "       +1   +16 B  int\n"
        "  collectable garbage: 1 object, 100 B (as before): nothing holds it; not counted above\n"
        "  ~ matched by address, which may have been reused: counts are exact, new and "
        "gone are not\n"
        "  next: find paths to Value: who holds them\n");
    lw_diff_release(diff);
    lw_snapshot_release(base);

    node(0x7010, "cycle", 100);
    base = snapshot(&host, "c");
    cr_assert_eq(lw_diff_create(target, base, &diff, NULL), LW_OK);
    report_diff(diff, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "diff b " TO " c   no change\n"
        "  collectable garbage: 2 objects, 200 B (before: 1, 100 B): nothing holds it; not "
        "counted above\n");
    lw_diff_release(diff);
    lw_snapshot_release(base);
    lw_snapshot_release(target);
    lw_context_release(host.context);
}

Test(report_diff, note_is_for_rows_that_are_shown)
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

static lw_status write_diff(const void *what, const lw_report_options *options, lw_error *error)
{
    return lw_report_diff(what, options, take, &out, error);
}

Test(report_diff, writer_that_says_stop)
{
    host host = open_heap();
    lw_diff *diff = many_types(&host, true);
    stop_everywhere(write_diff, diff);
    lw_diff_release(diff);
    lw_context_release(host.context);
}

Test(report_diff, invalid_arguments)
{
    host host = open_heap();
    lw_report_options options = how(2, 0, 0), sizeless = {0};
    lw_diff *diff = shop(&host, NULL, NULL);
    expect_refused(lw_report_diff(NULL, NULL, take, &out, &error), LW_E_INVALID, "diff");
    expect_refused(lw_report_diff(diff, NULL, NULL, &out, &error), LW_E_INVALID, "write");
    expect_refused(lw_report_diff(diff, &options, take, &out, &error), LW_E_INVALID, "format");
    expect_refused(lw_report_diff(diff, &sizeless, take, &out, &error), LW_E_INVALID,
                   "struct_size");
    lw_diff_release(diff);
    lw_context_release(host.context);
}
