/* Hunts and their reports: call sites that leave blocks, odd programs, and every line that is
 * written. Expected texts are made by hand. */
#include "report_heap.h"

/* A program: what a call of the work does, with what it needs to remember. */
typedef struct program {
    host host;
    void (*step)(struct program *program);
    uintptr_t kept[400];
    int kept_count, call;
    lw_key holder, other;
} program;

static int work(uint32_t round, void *user)
{
    program *program = user;
    (void)round;
    program->step(program);
    program->call++;
    return 0;
}

static program of(host host, void (*step)(program *program))
{
    program program = {.host = host, .step = step};
    return program;
}

static lw_findings *hunt(program *program, const lw_find_options *options)
{
    lw_findings *findings = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_status status =
        lw_find_leaks(program->host.context, work, program, options, &findings, &error);
    cr_assert_eq(status, LW_OK, "%s", error.message);
    return findings;
}

static void close(program *program, lw_findings *findings)
{
    lw_findings_release(findings);
    lw_context_release(program->host.context);
}

static lw_finding get(const lw_findings *findings, uint32_t index)
{
    lw_finding finding = LW_FINDING_INIT;
    cr_assert_eq(lw_finding_get(findings, index, &finding, NULL), LW_OK);
    return finding;
}

static lw_findings_info info_of(const lw_findings *findings)
{
    lw_findings_info info = LW_FINDINGS_INFO_INIT;
    cr_assert_eq(lw_findings_info_get(findings, &info, NULL), LW_OK);
    return info;
}

static void report(const lw_findings *findings, int32_t format, uint32_t flags, uint32_t width)
{
    lw_report_options options = how(format, flags, width);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_findings(findings, &options, take, &out, NULL), LW_OK);
}

/* The digits of fingerprints become stars. */
static void mask_fingerprints(void)
{
    for (char *at = out.text; (at = strstr(at, "  accept   ")); at += 11) {
        char *digits = at + 11 + strspn(at + 11, " ");
        cr_assert_eq(strspn(digits, "0123456789abcdef"), 16, "%s", digits);
        memset(digits, '*', 16);
    }
}

static void expect_masked(const char *expected)
{
    mask_fingerprints();
    expect_text(expected);
}

/* --- blocks ---------------------------------------------------------------------------------- */

/* Leaves two blocks, and one that lives for a call. */
static void leave_blocks(program *program)
{
    born(&program->host, 100, NUMPY, PRICE, MAIN);
    born(&program->host, 60, NUMPY, PRICE, ORDER);
    gone(&program->host, born(&program->host, 1000, ORDER, MAIN, 0));
}

Test(report_find, a_call_site_that_leaves_blocks)
{
    program program = of(open_host("x"), leave_blocks);
    lw_findings *findings = hunt(&program, NULL);
    cr_assert_eq(lw_findings_count(findings), 1);
    lw_finding found = get(findings, 0);
    cr_assert_eq(found.kind, LW_FINDING_BLOCKS);
    cr_assert_eq(found.rounds, 5);
    cr_assert_eq(found.objects, 10);
    cr_assert_eq(found.bytes, 800);
    cr_assert_float_eq(found.objects_per_round, 2, 1e-9);
    cr_assert_float_eq(found.bytes_per_round, 160, 1e-9);
    cr_assert_eq(found.frames, 3); /* of the stack with most of the bytes */
    cr_assert_eq(found.holder, LW_NODE_NONE);
    cr_assert_eq(found.example, LW_NODE_NONE);
    cr_assert_str_empty(found.holder_type);
    cr_assert_null(lw_finding_paths(findings, 0));
    cr_assert_null(lw_finding_cut(findings, 0));
    lw_frame frame = LW_FRAME_INIT;
    cr_assert_eq(lw_finding_frame_get(findings, 0, 2, &frame, NULL), LW_OK);
    cr_assert_str_eq(frame.file, "app.py");
    report(findings, LW_FORMAT_TEXT, 0, 0);
    expect_masked(
        "1 leak in 5 rounds  0 objects, 0 B in all\n"
        "leak  a call site leaves 2 blocks every round   +160 B a round  in 5 of 5 rounds\n"
        "  allocated  svc.py:19 Pricing.price " FROM " app.py:3 main\n"
        "  accept     ****************\n"
        "  next: cut it, and hunt again\n");
    close(&program, findings);
}

Test(report_find, blocks_as_json)
{
    program program = of(open_host("x"), leave_blocks);
    lw_findings *findings = hunt(&program, NULL);
    report(findings, LW_FORMAT_JSON, 0, 0);
    expect_json("(d[\"report\"], d[\"rounds\"], d[\"recorded\"], d[\"found_bytes\"], "
                "d[\"left_out\"], len(d[\"findings\"])) == (\"findings\", 5, True, 0, 0, 1)");
    expect_json("[d[\"findings\"][0][k] for k in (\"kind\", \"grew_in\", \"objects\", \"bytes\", "
                "\"holder\", \"type\", \"path\", \"cut\", \"rounds_left\", \"advice\")] == "
                "[\"blocks\", 5, 10, 800, None, None, None, None, None, None]");
    expect_json("[f[\"line\"] for f in d[\"findings\"][0][\"frames\"]] == [205, 19, 3]");
    close(&program, findings);
}

/* Keeps the newest `capacity` blocks. */
static void keep_newest(program *program, int capacity, int rate)
{
    for (int i = 0; i < rate; i++) {
        program->kept[program->kept_count++] = born(&program->host, 64, PRICE, MAIN, 0);
        if (program->kept_count <= capacity)
            continue;
        gone(&program->host, program->kept[0]);
        memmove(program->kept, program->kept + 1,
                (size_t)--program->kept_count * sizeof *program->kept);
    }
}

static void fill_cache(program *program)
{
    keep_newest(program, 100, program->call == 0 ? 100 : 4);
}

static void fill_small_cache(program *program)
{
    keep_newest(program, 7, 4);
}

Test(report_find, a_cache_that_drops_old_blocks_is_no_leak)
{
    void (*const steps[])(struct program *) = {fill_cache, fill_small_cache};
    for (size_t i = 0; i < 2; i++) {
        program program = of(open_host("x"), steps[i]);
        lw_findings *findings = hunt(&program, NULL);
        cr_assert_eq(lw_findings_count(findings), 0, "the whole cache is new after %s", i ? "two "
                     "rounds" : "25 rounds");
        close(&program, findings);
    }
}

static void leave_in_some_rounds(program *program)
{
    if (program->call % 2)
        born(&program->host, 64, PRICE, MAIN, 0);
}

static void leave_while_dropping(program *program)
{
    for (int i = 0; i < 3; i++)
        program->kept[program->kept_count++] = born(&program->host, 64, PRICE, MAIN, 0);
    gone(&program->host, program->kept[program->call]);
}

Test(report_find, blocks_of_some_rounds_and_net_of_what_goes)
{
    program some = of(open_host("x"), leave_in_some_rounds);
    lw_findings *findings = hunt(&some, NULL);
    cr_assert_eq(lw_findings_count(findings), 0);
    close(&some, findings);
    program net = of(open_host("x"), leave_while_dropping);
    findings = hunt(&net, NULL);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(get(findings, 0).objects, 10); /* 3 a round, and an old one goes */
    cr_assert_eq(get(findings, 0).bytes, 640);
    close(&net, findings);
}

static void leave_odd_blocks(program *program)
{
    born(&program->host, 500, AT_ROOT, 0, 0);
    gone(&program->host, born(&program->host, 500, AT_ROOT, 0, 0));
    born(&program->host, 0, ORDER, MAIN, 0);     /* no bytes */
    born(&program->host, 64, NAMELESS, 0, 0);    /* nobody knows where */
    born(&program->host, 64, 0, 0, 0);
}

Test(report_find, blocks_without_bytes_and_without_a_place)
{
    program program = of(open_host("x"), leave_odd_blocks);
    lw_findings *findings = hunt(&program, NULL);
    cr_assert_eq(lw_findings_count(findings), 2);
    cr_assert_eq(get(findings, 1).bytes, 0);
    cr_assert_eq(get(findings, 1).objects, 5);
    lw_frame frame = LW_FRAME_INIT;
    cr_assert_eq(lw_finding_frame_get(findings, 1, 0, &frame, NULL), LW_OK);
    cr_assert_eq(frame.line, 22); /* its own line, not that of the largest row */
    close(&program, findings);
}

static void leave_many_lines(program *program)
{
    for (uint64_t i = 0; i < 6; i++)
        born(&program->host, 64, PLACE_MANY + 10 + i, 0, 0);
}

Test(report_find, lines_of_one_file_come_in_the_order_of_their_numbers)
{
    program program = of(open_host("x"), leave_many_lines);
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    options.limit = 4;
    lw_findings *findings = hunt(&program, &options);
    cr_assert_eq(lw_findings_count(findings), 4);
    cr_assert_eq(info_of(findings).left_out, 2);
    for (uint32_t i = 0; i < 4; i++) {
        lw_frame frame = LW_FRAME_INIT;
        cr_assert_eq(lw_finding_frame_get(findings, i, 0, &frame, NULL), LW_OK);
        cr_assert_eq(frame.line, 10 + i);
    }
    close(&program, findings);
}

/* --- a graph --------------------------------------------------------------------------------- */

static lw_key add(program *program, lw_key holder, const char *type, uint64_t size)
{
    lw_key key = node(born(&program->host, size + 16, PRICE, MAIN, 0), type, size);
    edge(holder, key, -1, NULL, (uint32_t)world.edge_count);
    return key;
}

static void open_cache(program *program)
{
    lw_key main = node(block(&program->host, 72), "module", 72);
    root(main, "module", "app", 0);
    program->holder = node(block(&program->host, 64), "Cache", 64);
    edge(main, program->holder, LW_LABEL_ATTRIBUTE, "cache", 0);
    program->other = main;
}

static void gain_pages(program *program)
{
    add(program, program->holder, "Page", 100);
    add(program, program->holder, "Page", 100);
}

Test(report_find, objects_are_not_told_again_as_blocks)
{
    program program = of(open_heap(), gain_pages);
    open_cache(&program);
    lw_findings *findings = hunt(&program, NULL);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(get(findings, 0).kind, LW_FINDING_GROWTH);
    report(findings, LW_FORMAT_TEXT, 0, 0);
    expect_masked(
        "1 leak in 5 rounds  +10 objects, +1,000 B in all\n"
        "leak  Cache gains 2 objects every round, all Page   +200 B a round  in 5 of 5 rounds\n"
        "  allocated  svc.py:19 Pricing.price " FROM " app.py:3 main\n"
        "  held by    module app " TO " .cache " TO " [5] " TO " Page\n"
        "  cut        .cache of module " TO " Cache\n"
        "             frees 1.4 KiB, all that was gained (verified by walking without it)\n"
        "  or empty   its 14 references to such objects: frees 1.4 KiB\n"
        "  accept     ****************\n"
        "  next: cut it, and hunt again\n");
    close(&program, findings);
}

Test(report_find, narrow_and_plain)
{
    program program = of(open_heap(), gain_pages);
    open_cache(&program);
    lw_findings *findings = hunt(&program, NULL);
    report(findings, LW_FORMAT_TEXT, LW_REPORT_ASCII, 40);
    cr_assert_leq(widest(out.text), 40, "%s", out.text);
    for (size_t i = 0; i < out.length; i++)
        cr_assert((unsigned char)out.text[i] < 0x80 && out.text[i] != 27);
    cr_assert(strstr(out.text, "Cache gains 2 objects"), "%s", out.text);
    report(findings, LW_FORMAT_TEXT, 0, 40);
    cr_assert_leq(widest(out.text), 40, "%s", out.text);
    cr_assert_null(strchr(out.text, 27));
    report(findings, LW_FORMAT_TEXT, LW_REPORT_COLOUR, 0);
    cr_assert_not_null(strchr(out.text, 27));
    report(findings, LW_FORMAT_JSON, LW_REPORT_COLOUR, 0);
    cr_assert_null(strchr(out.text, 27));
    close(&program, findings);
}

static lw_status write_findings(const void *what, const lw_report_options *options,
                                lw_error *error)
{
    return lw_report_findings(what, options, take, &out, error);
}

static lw_status write_finding(const void *what, const lw_report_options *options,
                               lw_error *error)
{
    return lw_report_finding(what, 0, options, take, &out, error);
}

Test(report_find, a_writer_that_stops)
{
    program program = of(open_heap(), gain_pages);
    open_cache(&program);
    lw_findings *findings = hunt(&program, NULL);
    stop_everywhere(write_findings, findings);
    stop_everywhere(write_finding, findings);
    close(&program, findings);
}

Test(report_find, wrong_calls)
{
    program program = of(open_heap(), gain_pages);
    lw_report_options options = how(99, 0, 0);
    open_cache(&program);
    lw_findings *findings = hunt(&program, NULL);
    memset(&out, 0, sizeof out);
    expect_refused(lw_report_findings(NULL, NULL, take, &out, &error), LW_E_INVALID, "findings");
    expect_refused(lw_report_finding(NULL, 0, NULL, take, &out, &error), LW_E_INVALID, "findings");
    expect_refused(lw_report_finding(findings, 1, NULL, take, &out, &error), LW_E_NOT_FOUND,
                   "finding 1");
    expect_refused(lw_report_findings(findings, NULL, NULL, &out, &error), LW_E_INVALID, "NULL");
    expect_refused(lw_report_findings(findings, &options, take, &out, &error), LW_E_INVALID,
                   "format");
    close(&program, findings);
}

/* Each page in ten lists too. */
static void gain_shared(program *program)
{
    lw_key page = add(program, program->holder, "Page", 100);
    for (int i = 0; i < 10; i++)
        edge(program->kept[i], page, -1, NULL, (uint32_t)program->call);
}

static void open_lists(program *program)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    open_cache(program);
    for (int i = 0; i < 10; i++) {
        program->kept[i] = node(block(&program->host, 64), "list", 64);
        edge(program->other, program->kept[i], LW_LABEL_ATTRIBUTE, names[i], 0);
    }
    world.roots[0].label = NULL;
}

Test(report_find, held_in_too_many_places_to_cut)
{
    program program = of(open_heap(), gain_shared);
    open_lists(&program);
    for (int i = 0; i < 10; i++) /* each list a root of its own would be too easy to cut above */
        world.edges[world.edge_count - 1 - i].from = node(0x500000 + (lw_key)i * 64, "owner", 16);
    for (int i = 0; i < 7; i++)
        root(0x500000 + (lw_key)i * 64, "static", "x", 0);
    for (int i = 7; i < 10; i++)
        world.nodes[world.node_count - 10 + i].references = 1; /* held from outside */
    lw_findings *findings = hunt(&program, NULL);
    cr_assert_eq(lw_findings_count(findings), 1);
    lw_cut_info info = LW_CUT_INFO_INIT;
    cr_assert_eq(lw_cut_info_get(lw_finding_cut(findings, 0), &info, NULL), LW_OK);
    cr_assert(info.flags & LW_CUT_TOO_MANY);
    report(findings, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "  cut        no few references: it is held in more than 8 places\n"),
              "%s", out.text);
    cr_assert_null(strstr(out.text, "verified"), "%s", out.text);
    cr_assert_null(strstr(out.text, "or empty"), "the holder's own references free nothing: %s",
                   out.text);
    report(findings, LW_FORMAT_JSON, 0, 0);
    expect_json("d[\"findings\"][0][\"cut\"][\"too_many\"] is True and "
                "d[\"findings\"][0][\"cut\"][\"edges\"] is None");
    close(&program, findings);
}

/* In two caches, of which only one is a path. */
static void gain_twice(program *program)
{
    lw_key page = add(program, program->holder, "Page", 100);
    edge(program->kept[0], page, -1, NULL, (uint32_t)program->call);
}

Test(report_find, shared_by_two_holders)
{
    program program = of(open_heap(), gain_twice);
    open_cache(&program);
    program.kept[0] = node(block(&program.host, 64), "Mirror", 64);
    root(program.kept[0], "static", "mirror", 0);
    lw_findings *findings = hunt(&program, NULL);
    cr_assert_eq(lw_findings_count(findings), 1);
    lw_finding found = get(findings, 0);
    cr_assert_eq(found.objects, 5);
    cr_assert_eq(found.type_bytes, 500);
    cr_assert_eq(found.entries_bytes, 0); /* the other one keeps them */
    lw_cut_info info = LW_CUT_INFO_INIT;
    cr_assert_eq(lw_cut_info_get(lw_finding_cut(findings, 0), &info, NULL), LW_OK);
    cr_assert_eq(info.edges, 2);
    cr_assert_eq(info.freed_leaked_bytes, 500);
    report(findings, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "all that was gained (verified by walking without them)"), "%s",
              out.text);
    close(&program, findings);
}

/* --- odd programs ---------------------------------------------------------------------------- */

static void gain_uneven(program *program)
{
    for (int i = 0; i < (program->call % 2 ? 2 : 1); i++)
        add(program, program->holder, "Page", 101);
}

Test(report_find, rates_that_are_no_whole_numbers)
{
    program program = of(open_heap(), gain_uneven);
    open_cache(&program);
    lw_findings *findings = hunt(&program, NULL); /* 1, 2, 1, 2, 1 */
    cr_assert_float_eq(get(findings, 0).objects_per_round, 1.4, 1e-9);
    report(findings, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "leak  Cache gains about 1.4 objects a round, all Page   "
                               "+141 B a round  in 5 of 5 rounds\n"),
              "%s", out.text);
    close(&program, findings);
}

/* What it gains is nothing in bytes, and most of it hangs on something else that it gains. */
static void gain_nothing(program *program)
{
    lw_key page = add(program, program->holder, "Page", 0);
    for (int i = 0; i < 3; i++)
        add(program, page, "Line", 0);
}

Test(report_find, objects_without_bytes)
{
    program program = of(open_heap(), gain_nothing);
    open_cache(&program);
    lw_findings *findings = hunt(&program, NULL);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(get(findings, 0).objects, 20);
    cr_assert_str_eq(get(findings, 0).type, "Page");
    cr_assert_eq(get(findings, 0).bytes, 0);
    report(findings, LW_FORMAT_TEXT, 0, 0);
    report(findings, LW_FORMAT_JSON, 0, 0);
    close(&program, findings);
}

/* One more page every time, and all pages lose most of their lines: fewer objects in all. */
static void lose_lines(program *program)
{
    if (program->call < 2)
        return;
    add(program, program->holder, "Page", 10);
    for (int i = 0; i < world.edge_count; i++) {
        if (world.edges[i].from == program->other && world.edges[i].label == NULL &&
            (int)world.edges[i].index % 7 == program->call)
            world.edges[i].from = world.edges[i].to; /* garbage */
    }
}

Test(report_find, more_entries_and_fewer_objects)
{
    program program = of(open_heap(), lose_lines);
    open_cache(&program);
    program.other = add(&program, program.holder, "Page", 10);
    for (int i = 0; i < 210; i++)
        add(&program, program.other, "Line", 50);
    lw_findings *findings = hunt(&program, NULL);
    for (uint32_t i = 0; i < lw_findings_count(findings); i++) {
        lw_finding found = get(findings, i);
        cr_assert_lt(found.objects, 1000, "%llu", (unsigned long long)found.objects);
        cr_assert_lt(found.bytes, 100000);
    }
    report(findings, LW_FORMAT_TEXT, 0, 0);
    cr_assert_lt(info_of(findings).objects_diff, 0);
    close(&program, findings);
}

/* Only roots hold them, all of the same name. */
static void gain_roots(program *program)
{
    lw_key page = node(born(&program->host, 64, PRICE, MAIN, 0), "Handle", 48);
    world.nodes[world.node_count - 1].references = program->call % 2 ? 0 : 1;
    if (program->call < 8)
        root(page, "handle", "open", 0);
}

Test(report_find, held_by_roots_only)
{
    program program = of(open_heap(), gain_roots);
    lw_findings *findings = hunt(&program, NULL);
    cr_assert_eq(lw_findings_count(findings), 1);
    lw_finding found = get(findings, 0);
    cr_assert_eq(found.holder, LW_NODE_NONE);
    cr_assert_str_eq(found.holder_type, "handle");
    cr_assert_str_eq(found.type, "Handle");
    cr_assert_eq(found.objects, 5);
    cr_assert_eq(found.entries, 0);
    report(findings, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "leak  handle gains 1 object every round, all Handle"), "%s",
              out.text);
    cr_assert(strstr(out.text, "root handle open"), "%s", out.text);
    report(findings, LW_FORMAT_JSON, 0, 0);
    expect_json("d[\"findings\"][0][\"holder\"] == \"handle\" and "
                "d[\"findings\"][0][\"cut\"][\"edges\"][0][\"root_kind\"] == \"handle\"");
    close(&program, findings);
}

static void gain_outside(program *program)
{
    node(born(&program->host, 64, PRICE, MAIN, 0), "Handle", 48);
    world.nodes[world.node_count - 1].references = 1; /* which nobody pushed */
}

Test(report_find, held_from_outside_only)
{
    program program = of(open_heap(), gain_outside);
    lw_findings *findings = hunt(&program, NULL);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(get(findings, 0).holder, LW_NODE_NONE);
    cr_assert_eq(get(findings, 0).objects, 5);
    report(findings, LW_FORMAT_TEXT, 0, 0);
    report(findings, LW_FORMAT_JSON, 0, 0);
    expect_json("len(d[\"findings\"]) == 1");
    close(&program, findings);
}

static void nothing(program *program)
{
    (void)program;
}

Test(report_find, nothing_at_all)
{
    for (int objects = 0; objects < 2; objects++) {
        program program = of(open_heap(), nothing);
        if (objects)
            root(node(0x1000, "Only", 10), "static", "only", 0);
        lw_findings *findings = hunt(&program, NULL);
        cr_assert_eq(lw_findings_count(findings), 0);
        report(findings, LW_FORMAT_TEXT, 0, 0);
        expect_text("nothing grew in every round: 5 rounds  0 objects, 0 B in all\n"
                    "  next: more rounds, or other work: what grows only now and then does not show "
                    "in so few\n");
        report(findings, LW_FORMAT_JSON, 0, 0);
        expect_json("d[\"findings\"] == []");
        close(&program, findings);
    }
}

/* A cache that is made only in the third measured round. */
static void start_late(program *program)
{
    if (program->call == 4) {
        program->kept[0] = node(block(&program->host, 64), "Late", 64);
        edge(program->other, program->kept[0], LW_LABEL_ATTRIBUTE, "late", 0);
    }
    if (program->call >= 4)
        add(program, program->kept[0], "Page", 100);
}

Test(report_find, a_holder_that_comes_late)
{
    program program = of(open_heap(), start_late);
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    options.rounds = 6; /* calls 2 to 7: there after the 3rd round, with one page */
    open_cache(&program);
    lw_findings *findings = hunt(&program, &options);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(get(findings, 0).rounds, 3);
    cr_assert_eq(get(findings, 0).objects, 3);
    cr_assert_float_eq(get(findings, 0).objects_per_round, 1, 1e-9);
    report(findings, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "in 3 of 6 rounds"), "%s", out.text);
    close(&program, findings);
}

/* --- limits, accepted ones, hunts one after the other ---------------------------------------- */

static void gain_in_both(program *program)
{
    add(program, program->holder, "Page", 1000);
    add(program, program->kept[0], "Line", 10);
}

static void open_both(program *program)
{
    open_cache(program);
    program->kept[0] = node(block(&program->host, 64), "Small", 64);
    edge(program->other, program->kept[0], LW_LABEL_ATTRIBUTE, "small", 0);
}

static lw_findings *accept(program *program, const char *accepted, uint32_t limit)
{
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    options.accepted = accepted;
    options.limit = limit;
    return hunt(program, &options);
}

Test(report_find, accepted_ones_take_no_room_from_others)
{
    char accepted[100];
    program program = of(open_heap(), gain_in_both);
    open_both(&program);
    lw_findings *findings = accept(&program, NULL, 0);
    cr_assert_eq(lw_findings_count(findings), 2);
    uint64_t known = get(findings, 0).fingerprint;
    lw_findings_release(findings);
    snprintf(accepted, sizeof accepted, "%016llx", (unsigned long long)known);
    findings = accept(&program, accepted, 1);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(get(findings, 0).accepted, 0);
    cr_assert_str_eq(get(findings, 0).holder_type, "Small");
    cr_assert_eq(info_of(findings).accepted, 0);
    cr_assert_eq(info_of(findings).left_out, 1);
    close(&program, findings);
}

Test(report_find, what_is_no_fingerprint_accepts_nothing)
{
    static const struct {
        const char *before, *after;
        uint32_t accepts;
    } lines[] = {{"", "", 1},       {" \t", " why", 1},  {"# known\r\n", "\r\n", 1},
                 {"", "#1", 1},     {"1", "", 0},        {"", "0", 0},
                 {"", "xyz", 0},    {"# ", "", 0},       {"0x", "", 0},
                 {"-", "", 0},      {"\n\n\n", "\n", 1}, {"feed me\n", "", 1},
                 {"0000\n", "", 1}, {"", "\n\n#", 1}};
    program program = of(open_heap(), gain_pages);
    open_cache(&program);
    lw_findings *findings = hunt(&program, NULL);
    uint64_t known = get(findings, 0).fingerprint;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char accepted[100];
        snprintf(accepted, sizeof accepted, "%s%016llx%s", lines[i].before,
                 (unsigned long long)known, lines[i].after);
        lw_findings_release(findings);
        findings = accept(&program, accepted, 0);
        cr_assert_eq(info_of(findings).accepted, lines[i].accepts, "\"%s\"", accepted);
    }
    close(&program, findings);
}

Test(report_find, any_limit_will_do)
{
    program program = of(open_heap(), gain_pages);
    open_cache(&program);
    lw_findings *findings = accept(&program, NULL, UINT32_MAX);
    cr_assert_eq(lw_findings_count(findings), 1);
    close(&program, findings);
}

Test(report_find, hunts_of_one_context_are_alike)
{
    program program = of(open_host("x"), leave_blocks);
    for (int i = 0; i < 4; i++) {
        lw_find_options options = LW_FIND_OPTIONS_INIT;
        options.rounds = (uint32_t)(5 - i);
        lw_findings *findings = hunt(&program, &options);
        cr_assert_eq(lw_findings_count(findings), 1);
        cr_assert_eq(get(findings, 0).rounds, options.rounds);
        cr_assert_float_eq(get(findings, 0).bytes_per_round, 160, 1e-9);
        lw_findings_release(findings);
    }
    program.step = nothing;
    lw_findings *findings = hunt(&program, NULL);
    cr_assert_eq(lw_findings_count(findings), 0);
    close(&program, findings);
}

static void hunt_inside(program *program)
{
    struct program inner = of(program->host, leave_blocks);
    lw_findings *findings = NULL;
    lw_find_leaks(program->host.context, work, &inner, NULL, &findings, NULL);
    program->host.next = inner.host.next;
    lw_findings_release(findings);
}

Test(report_find, a_hunt_within_a_hunt_does_no_harm)
{
    program program = of(open_host("x"), hunt_inside);
    lw_findings *findings = hunt(&program, NULL);
    report(findings, LW_FORMAT_TEXT, 0, 0);
    close(&program, findings);
}

Test(report_find, a_region_of_that_name_with_another_scope)
{
    program program = of(open_host("find_leaks"), nothing);
    lw_findings *findings = (lw_findings *)&program;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_find_leaks(program.host.context, work, &program, NULL, &findings, &error),
                 LW_E_STATE);
    cr_assert(strstr(error.message, "find_leaks"));
    cr_assert_null(findings);
    close(&program, NULL);
}
