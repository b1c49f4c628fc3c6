/* Reports of typed objects, and the options that all reports share. Expected texts are made by
 * hand. */
#include "report_host.h"

static host shop(void)
{
    static char objects[300];
    host host = open_host("x");
    lw_type *session = NULL, *parser = NULL, *page = NULL;
    cr_assert_eq(lw_type_create(host.context, "session", 16, &session, NULL), LW_OK);
    cr_assert_eq(lw_type_create(host.context, "parser", 640, &parser, NULL), LW_OK);
    cr_assert_eq(lw_type_create(host.context, "page\n", 32, &page, NULL), LW_OK);
    for (int i = 0; i < 100; i++)
        lw_object_created(session, &objects[i]);
    for (int i = 0; i < 98; i++)
        lw_object_destroyed(session, &objects[i]);
    lw_object_created(session, &objects[99]);
    lw_object_destroyed(session, &objects[0]);
    lw_object_created(parser, &objects[200]);
    lw_object_created(page, &objects[200]);
    return host;
}

Test(report_objects, table)
{
    host host = shop();
    cr_assert_eq(lw_report_objects(host.context, NULL, take, &out, NULL), LW_OK);
    expect_text(
        "objects   3 types, 4 live, 704 B\n"
        "  type     live   size  created  destroyed  most at once\n"
        "  parser      1  640 B        1          0             1\n"
        "  session     2   32 B      101         99           100\n"
        "  page\\n      1   32 B        1          0             1\n"
        "  session: 1 object ended unseen, 1 end of unknown objects\n");
    lw_report_options options = how(LW_FORMAT_JSON, 0, 0);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_objects(host.context, &options, take, &out, NULL), LW_OK);
    expect_json("(d[\"report\"], d[\"format\"], d[\"live\"], d[\"size\"]) == "
                      "(\"objects\", 1, 4, 704) and "
                      "[t[\"name\"] for t in d[\"types\"]] == "
                      "[\"parser\", \"session\", \"page\\n\"]");
    expect_json("d[\"types\"][1] == dict(name=\"session\", object_size=16, live=2, "
                      "created=101, destroyed=99, high_water=100, unseen=1, unknown=1, dropped=0)");
    lw_context_release(host.context);
}

static host many_types(void)
{
    static char object;
    host host = open_host("x");
    for (uint64_t i = 0; i < 150; i++) {
        char name[16];
        lw_type *type = NULL;
        snprintf(name, sizeof name, "t%03u", (unsigned)i);
        cr_assert_eq(lw_type_create(host.context, name, i, &type, NULL), LW_OK);
        lw_object_created(type, &object);
    }
    return host;
}

Test(report_objects, many_types)
{
    host host = many_types();
    cr_assert_eq(lw_report_objects(host.context, NULL, take, &out, NULL), LW_OK);
    cr_assert(strstr(out.text, "objects   150 types, 150 live, 10.9 KiB\n")); /* 11,175 B */
    /* The 130 lightest: 0 + 1 + ... + 129 = 8,385 bytes. */
    cr_assert(strstr(out.text, "  +130 more types   130  8.2 KiB\n"), "%s", out.text);
    lw_report_options options = how(LW_FORMAT_JSON, 0, 0);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_objects(host.context, &options, take, &out, NULL), LW_OK);
    expect_json("[t[\"object_size\"] for t in d[\"types\"]] == list(range(149, -1, -1))");
    options = how(LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_objects(host.context, &options, take, &out, NULL), LW_OK);
    cr_assert(strstr(out.text, "  t149 ") && strstr(out.text, "  t000 "));
    lw_context_release(host.context);
}

Test(report_objects, no_types)
{
    host host = open_host("x");
    cr_assert_eq(lw_report_objects(host.context, NULL, take, &out, NULL), LW_OK);
    expect_text("objects   0 types, 0 live, 0 B\n");
    lw_context_release(host.context);
}

static lw_status write_objects(const void *what, const lw_report_options *options,
                               lw_error *error)
{
    return lw_report_objects((lw_context *)what, options, take, &out, error);
}

Test(report_objects, writer_that_says_stop)
{
    host host = many_types();
    stop_everywhere(write_objects, host.context);
    lw_context_release(host.context);
}

Test(report_objects, invalid_arguments)
{
    host host = shop();
    lw_report_options options = how(2, 0, 0);
    expect_refused(lw_report_objects(NULL, NULL, take, &out, &error), LW_E_INVALID, "context");
    expect_refused(lw_report_objects(host.context, NULL, NULL, &out, &error), LW_E_INVALID,
                   "write");
    cr_expect_eq(lw_report_objects(NULL, NULL, take, &out, NULL), LW_E_INVALID);
    expect_refused(lw_report_objects(host.context, &options, take, &out, &error), LW_E_INVALID,
                   "format");
    options = how(-1, 0, 0);
    expect_refused(lw_report_objects(host.context, &options, take, &out, &error), LW_E_INVALID,
                   "format");
    options = how(LW_FORMAT_TEXT, 8, 0);
    expect_refused(lw_report_objects(host.context, &options, take, &out, &error), LW_E_INVALID,
                   "flags");
    lw_context_release(host.context);
}

Test(report_objects, options_of_other_versions)
{
    struct {
        lw_report_options known;
        uint32_t newer[2];
    } longer = {LW_REPORT_OPTIONS_INIT, {0, 0}};
    host host = shop();
    longer.known.struct_size = sizeof longer;
    cr_assert_eq(lw_report_objects(host.context, &longer.known, take, &out, NULL), LW_OK);
    memset(&out, 0, sizeof out);
    longer.newer[1] = 1;
    expect_refused(lw_report_objects(host.context, &longer.known, take, &out, &error), LW_E_INVALID,
                   "does not know");
    /* An older caller knew `format` only. */
    longer.known = how(LW_FORMAT_JSON, 8, 0);
    longer.known.struct_size = 8;
    cr_assert_eq(lw_report_objects(host.context, &longer.known, take, &out, NULL), LW_OK);
    cr_assert_eq(out.text[0], '{');
    lw_context_release(host.context);
}

/* Any report ends with the memory of the process, if it is given. */
Test(report_objects, memory_at_the_end)
{
    lw_memory memory = LW_MEMORY_INIT;
    host host = shop();
    lw_report_options options = how(LW_FORMAT_TEXT, 0, 100);
    memory.resident = 100 << 20;
    memory.peak = 120 << 20;
    memory.limit = UINT64_C(1) << 30;
    memory.blocks = 30 << 20;
    memory.slack = 40 << 20;
    memory.files = 5 << 20;
    memory.unexplained = 25 << 20;
    memory.apart = 7 << 20;
    memory.domain_count = 2;
    strcpy(memory.domains[0].name, "malloc");
    memory.domains[0].bytes = 20 << 20;
    strcpy(memory.domains[1].name, "py\033thon");
    memory.domains[1].bytes = 10 << 20;
    options.memory = &memory;
    cr_assert_eq(lw_report_objects(host.context, &options, take, &out, NULL), LW_OK);
    const char *tail = strstr(out.text, "memory  ");
    cr_assert_not_null(tail);
    cr_assert_str_eq(tail,
                     "memory  100 MiB in the process, 120 MiB at its peak, limit 1.0 GiB\n"
                     "  recorded blocks     30.0 MiB  30 %  up to     malloc 20.0 MiB, "
                     "py\\x1bthon 10.0 MiB\n"
                     "  kept by allocators  40.0 MiB  40 %  up to     freed, or not handed out yet\n"
                     "  code and files       5.0 MiB   5 %\n"
                     "  unexplained         25.0 MiB  25 %  at least\n"
                     "  7.0 MiB on devices, apart from this\n"
                     "  next: allocators keep much of what was freed: few blocks that live long "
                     "among many that do not\n"
                     "  hold whole pages; malloc_trim() gives back what is free\n");
    memset(&out, 0, sizeof out);
    memory.unexplained = 26 << 20; /* more than a quarter */
    memory.flags = LW_MEMORY_SILENT;
    cr_assert_eq(lw_report_memory(&memory, NULL, take, &out, NULL), LW_OK);
    cr_assert_not_null(strstr(out.text, "an allocator could not say what it keeps\n"));
    cr_assert_not_null(strstr(out.text, "next: record what else allocates"));
    memset(&out, 0, sizeof out);
    options.format = LW_FORMAT_JSON;
    cr_assert_eq(lw_report_objects(host.context, &options, take, &out, NULL), LW_OK);
    expect_json("d[\"memory\"][\"unexplained\"] == 26 << 20 and d[\"memory\"][\"silent\"]");
    memset(&out, 0, sizeof out);
    memory.struct_size = 2;
    expect_refused(lw_report_objects(host.context, &options, take, &out, &error), LW_E_INVALID,
                   "lw_memory");
    expect_refused(lw_report_memory(NULL, NULL, take, &out, &error), LW_E_INVALID, "is NULL");
    lw_context_release(host.context);
}
