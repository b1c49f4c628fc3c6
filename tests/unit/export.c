/* Exports: what is in a .heapsnapshot file, word by word. Random heaps against a model and in the
 * viewers themselves: tests/export. */
#define _POSIX_C_SOURCE 200809L /* mkstemp() */

#include "graph_host.h"

#include <unistd.h>

static struct page {
    size_t length;
    int calls, fail_at; /* which call of the writer is to say stop; 0: none */
    char text[1 << 16];
} page;

static int to_page(const char *text, size_t length, void *user)
{
    struct page *page = user;
    if (++page->calls == page->fail_at)
        return 1;
    cr_assert_leq(page->length + length, sizeof page->text - 1);
    memcpy(page->text + page->length, text, length);
    page->length += length;
    page->text[page->length] = '\0';
    return 0;
}

static lw_status export(const lw_snapshot *snapshot, const lw_export_options *options,
                        lw_error *error)
{
    page.length = 0;
    page.calls = 0;
    return lw_export_heapsnapshot(snapshot, options, to_page, &page, error);
}

/* What the file of a script holds between "nodes" and its end, one piece per line. */
static const char *file_of(const op *ops, uint32_t flags)
{
    lw_error error = LW_ERROR_INIT;
    lw_export_options options = LW_EXPORT_OPTIONS_INIT;
    lw_snapshot *snapshot = take_script(ops);
    options.flags = flags;
    cr_assert_eq(export(snapshot, &options, &error), LW_OK, "%s", error.message);
    lw_snapshot_release(snapshot);
    const char *nodes = strstr(page.text, "\"nodes\"");
    cr_assert_not_null(nodes);
    return nodes;
}

static void expect_part(const char *text, const char *part)
{
    cr_assert_not_null(strstr(text, part), "no %s in\n%s", part, text);
}

/* ---- calls ---- */

static const op small[] = {NODE(1, "Map", 8), NODE(2, "List", 16), NODE(3, "Lost", 8),
                           EDGE(1, 2, ".a"), EDGE(3, 2, ".b"), ROOT(1, "module", "app"), {0}};

Test(export, refuses_what_it_cannot_do)
{
    lw_snapshot *snapshot = take_script(small);
    lw_error error = LW_ERROR_INIT;
    lw_export_options options = LW_EXPORT_OPTIONS_INIT;
    expect_error(export(NULL, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_export_heapsnapshot(snapshot, NULL, NULL, &page, &error), LW_E_INVALID, &error);
    options.flags = 2;
    expect_error(export(snapshot, &options, &error), LW_E_INVALID, &error);
    cr_assert_eq(page.calls, 0);
    options.flags = LW_EXPORT_VALUES;
    EXPECT_OPTION_SIZES(lw_export_options, options, export(snapshot, given, &error));
    cr_assert_eq(export(snapshot, NULL, NULL), LW_OK);
    lw_snapshot_release(snapshot);
}

Test(export, stops_when_the_writer_says_so)
{
    lw_snapshot *snapshot = take_script(small);
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(export(snapshot, NULL, &error), LW_OK);
    const int calls = page.calls;
    for (page.fail_at = 1; page.fail_at <= calls; page.fail_at++) {
        expect_error(export(snapshot, NULL, &error), LW_E_IO, &error);
        cr_assert_eq(page.calls, page.fail_at, "called again after it said stop");
    }
    lw_snapshot_release(snapshot);
}

static struct steps {
    int calls, stop_at;
    char phases[200];
} steps;

static int hear(const char *phase, uint64_t done, uint64_t total, void *user)
{
    struct steps *steps = user;
    snprintf(steps->phases + strlen(steps->phases), sizeof steps->phases - strlen(steps->phases),
             "%s %d/%d ", phase, (int)done, (int)total);
    return ++steps->calls == steps->stop_at;
}

Test(export, tells_its_progress_and_can_be_cancelled)
{
    lw_snapshot *snapshot = take_script(small);
    lw_error error = LW_ERROR_INIT;
    lw_export_options options = LW_EXPORT_OPTIONS_INIT;
    options.progress = hear;
    options.user = &steps;
    cr_assert_eq(export(snapshot, &options, &error), LW_OK);
    cr_assert_str_eq(steps.phases, "nodes 0/4 edges 0/3 strings 0/13 ");
    for (steps.stop_at = 1; steps.stop_at <= 3; steps.stop_at++) {
        steps.calls = 0;
        expect_error(export(snapshot, &options, &error), LW_E_CANCELLED, &error);
        cr_assert_eq(steps.calls, steps.stop_at);
    }
    lw_snapshot_release(snapshot);
}

static const op endless[] = {NODE(1, "Map", UINT64_MAX), ROOT(1, "module", "app"), {0}};

Test(export, says_when_a_heap_does_not_fit_the_format)
{
    lw_snapshot *snapshot = take_script(endless);
    lw_error error = LW_ERROR_INIT;
    expect_error(export(snapshot, NULL, &error), LW_E_LIMIT, &error);
    cr_assert_eq(page.calls, 0);
    lw_snapshot_release(snapshot);
}

/* ---- files ---- */

Test(export, a_whole_file)
{
    lw_snapshot *snapshot = take_script(small);
    cr_assert_eq(export(snapshot, NULL, NULL), LW_OK);
    lw_snapshot_release(snapshot);
    cr_assert_str_eq(
        page.text,
        "{\"snapshot\":{\"meta\":{"
        "\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\"],"
        "\"node_types\":[[\"synthetic\",\"object\",\"native\"],\"string\",\"number\",\"number\","
        "\"number\"],"
        "\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],"
        "\"edge_types\":[[\"element\",\"property\",\"context\",\"internal\",\"hidden\",\"weak\"],"
        "\"string_or_number\",\"node\"]},"
        "\"node_count\":4,\"edge_count\":3,\"trace_function_count\":0},"
        "\"nodes\":[0,0,1,0,1\n,0,5,5,0,1\n,1,8,2,8,1\n,1,6,3,16,0\n],"
        "\"edges\":[0,1,5\n,2,12,10\n,1,10,15\n],"
        "\"strings\":[\"\"\n,\"(held from outside)\"\n,\"(more of it)\"\n,\"(external memory)\"\n,"
        "\"[x]\"\n,\"(toy: module)\"\n,\"List\"\n,\"Lost\"\n,\"Map\"\n,\"\"\n,\"a\"\n,\"b\"\n,"
        "\"app\"\n]}\n");
}

Test(export, the_same_heap_gives_the_same_file)
{
    static struct page first;
    file_of(small, 0);
    first = page;
    file_of(small, 0);
    cr_assert_str_eq(page.text, first.text);
}

Test(export, nothing)
{
    static const op ops[] = {{0}};
    expect_part(file_of(ops, 0), "\"nodes\":[0,0,1,0,0\n],\"edges\":[],");
}

Test(export, keys_are_values_and_only_written_on_request)
{
    static const op ops[] = {NODE(1, "dict", 8), NODE(2, "str", 8), EDGE(1, 2, "['secret']"),
                             EDGE_OF(LW_EDGE_WEAK, 1, 2, "['secret']"),
                             ROOT(1, "global", "['hidden']"), {0}};
    expect_part(file_of(ops, 0), "\"edges\":[0,1,5\n,1,4,10\n,1,4,15\n,5,4,15\n]");
    cr_assert_null(strstr(page.text, "secret"));
    cr_assert_null(strstr(page.text, "hidden'"));
    expect_part(file_of(ops, LW_EXPORT_VALUES), "\"'secret'\"");
    expect_part(page.text, "\"'hidden'\"");
}

Test(export, kinds_and_labels_of_references)
{
    static const op ops[] = {
        NODE(1, "A", 8), NODE(2, "B", 8), NODE(3, "C", 8), NODE(4, "D", 8), NODE(5, "E", 8),
        NODE(6, "F", 8), NODE(7, "G", 8), NODE(8, "H", 8),
        EDGE(1, 2, ".a"), EDGE(1, 3, "v"), EDGE(1, 4, "(s)"), EDGE(1, 5, "#77"), EDGE(1, 6, NULL),
        EDGE_OF(LW_EDGE_EPHEMERON, 1, 7, ".a"), EDGE_OF(LW_EDGE_UNKNOWN, 1, 8, NULL),
        EDGE_OF(LW_EDGE_BORROWED, 2, 3, ".a"), EDGE_OF(LW_EDGE_WEAK, 2, 4, "#7"),
        EDGE_OF(LW_EDGE_WEAK, 2, 5, NULL), ROOT(1, "global", NULL), {0}};
    /* strings: 5 fixed, a kind, 8 types, no label, then a, v, s */
    expect_part(file_of(ops, 0), "\"edges\":[0,1,5\n,4,0,10\n"
                                 ",1,15,15\n,2,16,20\n,3,17,25\n,0,77,30\n,4,4,35\n,1,15,40\n"
                                 ",4,6,45\n,5,15,20\n,5,4,25\n,5,0,30\n]");
}

Test(export, garbage_and_weak_references_to_it_are_left_out)
{
    static const op ops[] = {NODE(1, "A", 8), NODE(2, "B", 8), NODE(3, "C", 8), NODE(4, "D", 8),
                             EDGE_OF(LW_EDGE_WEAK, 1, 2, ".w"), EDGE(2, 3, ".g"), EDGE(1, 4, ".k"),
                             EDGE(2, 4, ".g"), ROOT(1, "global", NULL), {0}};
    /* D is the node 3, whose id is 5, but the second of the file */
    expect_part(file_of(ops, 0), "\"nodes\":[0,0,1,0,1\n,0,5,6,0,1\n,1,6,2,8,1\n,1,9,5,8,0\n],"
                                 "\"edges\":[0,1,5\n,4,0,10\n,1,12,15\n]");
}

Test(export, what_is_held_from_outside)
{
    static const op ops[] = {NODE(1, "A", 8), REFERENCES(1, 2), {0}};
    expect_part(file_of(ops, 0), "\"nodes\":[0,0,1,0,1\n,0,1,3,0,1\n,1,5,2,8,0\n],"
                                 "\"edges\":[0,1,5\n,4,0,10\n]");
}

Test(export, roots_by_kind)
{
    static const op ops[] = {NODE(1, "A", 8), NODE(2, "B", 8), ROOT(2, "stack", "f"),
                             ROOT(1, "module", "m"), ROOT(1, "stack", "#3"), {0}};
    expect_part(file_of(ops, 0), "\"nodes\":[0,0,1,0,2\n,0,5,4,0,1\n,0,6,5,0,2\n");
    expect_part(page.text, "\"edges\":[0,1,5\n,0,2,10\n,2,11,15\n,0,3,15\n,2,10,20\n]");
    expect_part(page.text, "\"(toy: module)\"\n,\"(toy: stack)\"");
}

Test(export, memory_beyond_a_self_size_hangs_on_its_node)
{
    static const op ops[] = {NODE(1, "A", UINT64_C(10000000000)), NODE(2, "B", UINT32_MAX),
                             NODE(3, "C", 8), EXTERNAL(2, 500), EXTERNAL(3, UINT64_C(4294967296)),
                             EDGE(1, 2, ".b"), EDGE(1, 3, ".c"), ROOT(1, "global", NULL), {0}};
    expect_part(file_of(ops, 0),
                "\"nodes\":[0,0,1,0,1\n,0,5,5,0,1\n,1,6,2,4294967295,4\n,1,7,3,4294967295,1\n"
                ",1,8,4,8,2\n,0,2,6,4294967295,0\n,0,2,7,1410065410,0\n,2,3,8,500,0\n"
                ",2,3,9,4294967295,0\n,2,3,10,1,0\n],"
                "\"edges\":[0,1,5\n,4,0,10\n,1,10,15\n,1,11,20\n,3,2,25\n,3,2,30\n,3,3,35\n"
                ",3,3,40\n,3,3,45\n]");
}

Test(export, names_that_viewers_would_take_for_their_own)
{
    static const op ops[] = {NODE(1, "Object", 8), NODE(2, "Object(T)", 8), NODE(3, "Objects", 8),
                             ROOT(1, "Document DOM trees", NULL), ROOT(2, "GC roots", NULL),
                             ROOT(3, "GC roots", NULL), {0}};
    expect_part(file_of(ops, 0), ",2,7,2,8,0\n,2,8,3,8,0\n,1,9,4,8,0\n]");
    expect_part(page.text, "\"(toy: Document DOM trees)\"\n,\"(toy: GC roots)\"");
}

Test(export, hostile_names)
{
    static const op ops[] = {NODE(1, "quote \" slash \\ line \n tab \t", 8),
                             NODE(2, "\xC3\xA9 \xF0\x9F\x90\x8D \xFF\xED\xA0\x80", 8),
                             EDGE(1, 2, ".\"strings\":["), ROOT(1, "a \x1b[31m kind", "\x7f"), {0}};
    const char *text = file_of(ops, 0);
    expect_part(text, "\"quote \\\" slash \\\\ line \\u000a tab \\u0009\"");
    expect_part(text, "\"\\u00e9 \\ud83d\\udc0d \\ufffd\\ufffd\\ufffd\\ufffd\"");
    expect_part(text, "\"\\\"strings\\\":[\"");
    for (const char *at = page.text; *at; at++)
        cr_assert(*at == '\n' || (*at >= ' ' && *at < 0x7f), "byte %d", *at);
}

Test(export, several_runtimes)
{
    static const op ops[] = {NODE(1, "A", 8), ROOT(1, "global", NULL), {0}};
    host host;
    script one = {ops, 0}, two = {ops, 0};
    open_toy(&host, &one);
    add_runtime(&host, "other", LW_KEY_OPAQUE, play, &two);
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(export(snapshot, NULL, NULL), LW_OK);
    expect_part(page.text, "\"(toy: global)\"\n,\"(other: global)\"");
    expect_part(page.text, "\"edges\":[0,1,5\n,0,2,10\n,4,0,15\n,4,1,20\n]");
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(export, an_opened_file_as_the_snapshot_it_was_saved_from)
{
    static const op ops[] = {NODE(1, "A", 8), NODE(2, "B", UINT64_C(5000000000)), NODE(3, "C", 8),
                             EXTERNAL(1, 70), REFERENCES(1, 1), EDGE(1, 2, "['key']"),
                             EDGE_OF(LW_EDGE_WEAK, 2, 3, ".w"), ROOT(2, "global", "g"), {0}};
    static struct page captured;
    char path[] = "/tmp/leakwatch-export-XXXXXX";
    const int made = mkstemp(path);
    lw_snapshot *snapshot = take_script(ops), *opened = NULL;
    lw_save_options save = LW_SAVE_OPTIONS_INIT;
    lw_export_options options = LW_EXPORT_OPTIONS_INIT;
    save.flags = LW_SAVE_VALUES;
    options.flags = LW_EXPORT_VALUES;
    cr_assert_neq(made, -1);
    close(made);
    cr_assert_eq(lw_snapshot_save(snapshot, path, &save, NULL), LW_OK);
    cr_assert_eq(lw_snapshot_open(path, NULL, &opened, NULL), LW_OK);
    cr_assert_eq(export(snapshot, &options, NULL), LW_OK);
    captured = page;
    cr_assert_eq(export(opened, &options, NULL), LW_OK);
    cr_assert_str_eq(page.text, captured.text);
    lw_snapshot_release(opened);
    lw_snapshot_release(snapshot);
    unlink(path);
}
