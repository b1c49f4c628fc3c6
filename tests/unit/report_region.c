/* Reports of regions, and what all texts share. Expected texts are made by hand. */
#include "report_host.h"

#include "support/counting.h"

static lw_survivors *survivors_of(host *host, lw_round round)
{
    lw_survivors *survivors = NULL;
    cr_assert_eq(lw_survivors_take(host->context, host->region, round, &survivors, NULL), LW_OK);
    return survivors;
}

/* Reports a region as of now into `out`. */
static void report(host *host, lw_round round, int32_t format, uint32_t flags, uint32_t width)
{
    lw_report_options options = how(format, flags, width);
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_survivors *survivors = survivors_of(host, round);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_region_stats_get(host->region, round, &stats, NULL), LW_OK);
    cr_assert_eq(lw_report_region(&stats, survivors, &options, take, &out, NULL), LW_OK);
    lw_survivors_release(survivors);
    mask_own();
}

/* The service of the pictures: two lines of its own, a library without one, a block without a
 * stack, and a temporary that made the peak. */
static host service(void)
{
    host host = open_host("GET /orders/{id}");
    begin(&host);
    for (int i = 0; i < 3; i++)
        born(&host, 1 << 20, NUMPY, PRICE, MAIN);
    born(&host, 1 << 20, ZEROS, PRICE, MAIN);
    born(&host, 102400, ORDER, MAIN, 0);
    born(&host, 102400, ORDER, MAIN, 0);
    born(&host, 640, SQLALCHEMY, 0, 0);
    born(&host, 48, 0, 0, 0);
    gone(&host, born(&host, 1 << 20, MAIN, 0, 0));
    end(&host);
    return host;
}

Test(report_region, region)
{
    host host = service();
    report(&host, host.round, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "region \"GET /orders/{id}\"  1 round\n"
        "  current 4.2 MiB in 8 blocks   peak 5.2 MiB   net +4.2 MiB\n"
        "  survivors, by your line              bytes  blocks  taken in\n"
        "  svc.py:19 Pricing.price            4.0 MiB       4  numpy/core/numeric.py:205 (75 %)\n"
        "  svc.py:22 order                    200 KiB       2  here\n"
        "  sqlalchemy/orm/identity.py:18 add    640 B       1  no line of yours\n"
        "  heap                                  48 B       1  no stack\n"
        "  exact, 0 dropped, stacks up to 3 frames, our own *\n"
        "  next: one round cannot tell a cache from a leak: run it again and compare\n");
    lw_context_release(host.context);
}

Test(report_region, region_all_shows_every_stack)
{
    host host = service();
    report(&host, host.round, LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    const char *table = strstr(out.text, "  survivors");
    cr_assert_not_null(table);
    memmove(out.text, table, strlen(table) + 1);
    expect_text(
        "  survivors, by call stack             bytes  blocks  taken in\n"
        "  svc.py:19 Pricing.price            3.0 MiB       3  numpy/core/numeric.py:205\n"
        "      numpy/core/numeric.py:205 full\n"
        "      svc.py:19 Pricing.price (yours)\n"
        "      app.py:3 main (yours)\n"
        "  svc.py:19 Pricing.price            1.0 MiB       1  numpy/core/zeros.py:7\n"
        "      numpy/core/zeros.py:7 zeros\n"
        "      svc.py:19 Pricing.price (yours)\n"
        "      app.py:3 main (yours)\n"
        "  svc.py:22 order                    200 KiB       2  here\n"
        "      svc.py:22 order (yours)\n"
        "      app.py:3 main (yours)\n"
        "  sqlalchemy/orm/identity.py:18 add    640 B       1  no line of yours\n"
        "      sqlalchemy/orm/identity.py:18 add\n"
        "  heap                                  48 B       1  no stack\n"
        "  exact, 0 dropped, stacks up to 3 frames, our own *\n"
        "  next: one round cannot tell a cache from a leak: run it again and compare\n");
    lw_context_release(host.context);
}

Test(report_region, region_of_many_rounds_has_rates)
{
    host host = open_host("parse");
    for (int i = 0; i < 1000; i++) {
        begin(&host);
        born(&host, 1500, ORDER, 0, 0);
        end(&host);
    }
    begin(&host);
    begin(&host);
    report(&host, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "region \"parse\"  1,002 rounds, 2 open    GROWS in 1,000 of 1,000\n"
        "  current 1.4 MiB in 1,000 blocks   peak 1.5 KiB in one round   net +1.4 MiB\n"
        "  +1.5 KiB, +1 block per round (99 % sure)\n"
        "  svc.py:22 order grows: rounds 1-1,000 each left 1.5 KiB in 1 block, never freed\n"
        "  survivors, by your line    bytes  blocks  per round  taken in\n"
        "  svc.py:22 order          1.4 MiB   1,000    1.5 KiB  here\n"
        "  exact, 0 dropped, stacks up to 1 frame, our own *\n"
        "  next: compare a snapshot before with one after: which objects, held by whom\n");
    lw_context_release(host.context);
}

Test(report_region, stacks_that_were_cut)
{
    static const uint64_t words[] = {NUMPY, ZEROS};
    lw_stack stack = {words, 2, 1, 0};
    host host = open_host("x");
    begin(&host);
    lw_block_alloc(host.heap, (const void *)host.next, 64, &stack);
    end(&host);
    report(&host, 0, LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    expect_text(
        "region \"x\"  1 round\n"
        "  current 64 B in 1 block   peak 64 B   net +64 B\n"
        "  survivors, by call stack        bytes  blocks  taken in\n"
        "  numpy/core/numeric.py:205 full   64 B       1  no line of yours in 2 frames\n"
        "      numpy/core/numeric.py:205 full\n"
        "      numpy/core/zeros.py:7 zeros\n"
        "      (deeper frames were not recorded)\n"
        "  exact, 0 dropped, stacks cut at 2 frames, our own *\n"
        "  next: one round cannot tell a cache from a leak: run it again and compare\n");
    report(&host, 0, LW_FORMAT_JSON, 0, 0);
    expect_json("d[\"survivors\"][0][\"truncated\"] is True");
    lw_context_release(host.context);
}

Test(report_region, what_was_dropped_is_told)
{
    static char expected[128];
    counting memory = {0};
    lw_context *context = NULL;
    lw_domain *heap = NULL;
    lw_context_options options = LW_CONTEXT_OPTIONS_INIT;
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    options.allocator = (lw_allocator){counting_realloc, &memory};
    domain.name = "heap";
    cr_assert_eq(lw_context_create(&options, &context, NULL), LW_OK);
    cr_assert_eq(lw_domain_create(context, &domain, &heap, NULL), LW_OK);
    lw_block_alloc_at(heap, (const void *)(uintptr_t)0x1000, 64, "a.c:1");
    memory.fail_at = 1;
    memory.persistent = 1;
    for (uintptr_t i = 1; i < 1000; i++) /* far apart, so that the books must grow */
        lw_block_alloc_at(heap, (const void *)(i << 32), 64, "a.c:1");
    memory.fail_at = 0;
    cr_assert_eq(lw_survivors_take(context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert_gt(info.dropped, 100);
    cr_assert_eq(lw_report_region(NULL, survivors, NULL, take, &out, NULL), LW_OK);
    cr_assert_eq(info.dropped_memory, info.dropped);
    snprintf(expected, sizeof expected, "\n  not exact: %u events dropped (%u without memory), stacks "
             "up to 1 frame, ", (unsigned)info.dropped, (unsigned)info.dropped);
    cr_assert(strstr(out.text, expected), "%s", out.text);
    lw_survivors_release(survivors);
    lw_context_release(context);
}

Test(report_region, more_rounds_than_bytes)
{
    host host = service();
    lw_survivors *survivors = survivors_of(&host, 0);
    lw_region_stats stats = LW_REGION_STATS_INIT;
    for (int i = 0; i < 2; i++) {
        stats.rounds = i ? UINT64_MAX : (uint64_t)1 << 40;
        memset(&out, 0, sizeof out);
        cr_assert_eq(lw_report_region(&stats, survivors, NULL, take, &out, NULL), LW_OK);
        cr_assert(strstr(out.text, "svc.py:19 Pricing.price            4.0 MiB       4        0 B"),
                  "%s", out.text);
    }
    lw_survivors_release(survivors);
    lw_context_release(host.context);
}

Test(report_region, region_that_left_nothing)
{
    host host = open_host("parse");
    begin(&host);
    uintptr_t block = born(&host, 100, ORDER, 0, 0);
    end(&host);
    begin(&host);
    gone(&host, block);
    report(&host, 0, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "region \"parse\"  2 rounds, 1 open\n"
        "  current 0 B in 0 blocks   peak 100 B in one round   net 0 B\n"
        "  nothing survives\n"
        "  exact, 0 dropped, our own *\n");
    lw_context_release(host.context);
}

Test(report_region, all_live_blocks_without_stats)
{
    host host = service();
    lw_survivors *survivors = NULL;
    cr_assert_eq(lw_survivors_take(host.context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_report_region(NULL, survivors, NULL, take, &out, NULL), LW_OK);
    lw_survivors_release(survivors);
    const char *head = "all live blocks\n"
                       "  4.2 MiB in 8 blocks\n"
                       "  survivors, by your line              bytes  blocks  taken in\n";
    cr_assert_eq(strncmp(out.text, head, strlen(head)), 0, "%s", out.text);
    cr_assert(strstr(out.text, "  next: mark a region around work that should leave nothing"));
    lw_context_release(host.context);
}

Test(report_region, lines_beyond_the_tenth_are_summed)
{
    host host = open_host("parse");
    begin(&host);
    for (uint64_t line = 1; line <= 13; line++)
        born(&host, 1000 + line, PLACE_MANY + line, 0, 0);
    end(&host);
    report(&host, host.round, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "  many.py:13               1,013 B       1  here\n"));
    cr_assert(strstr(out.text, "  many.py:4                1,004 B       1  here\n"
                               "  +3 more lines            2.9 KiB       3\n"));
    lw_context_release(host.context);
}

/* 2,000 lines of a block each; and one line with the heaviest block, which leads the table, and
 * 1,000 call stacks that are lighter than anything else, which end it. Together they weigh most,
 * though the line is long forgotten when they come. */
Test(report_region, heavy_line_of_many_light_stacks_leads)
{
    host host = open_host("parse");
    begin(&host);
    born(&host, 600, NUMPY, PRICE, 0);
    for (uint64_t i = 1; i <= 2000; i++)
        born(&host, 500 + i % 7, PLACE_MANY + 10000 + i, 0, 0);
    for (uint64_t i = 1; i <= 1000; i++)
        born(&host, 100, PRICE, PLACE_MANY + i, 0);
    end(&host);
    report(&host, host.round, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "taken in\n"
                               "  svc.py:19 Pricing.price  98.2 KiB   1,001  "
                               "numpy/core/numeric.py:205 (under 1 %)\n"),
              "%s", out.text);
    cr_assert(strstr(out.text, "  over 246 more lines"));
    lw_context_release(host.context);
}

Test(report_region, region_bounds_of_peaks)
{
    host host = open_host("x");
    lw_survivors *survivors = survivors_of(&host, 0);
    lw_region_stats stats = LW_REGION_STATS_INIT;
    stats.rounds = 1;
    stats.current_bytes = stats.at_end_bytes = 1000;
    stats.current_blocks = stats.at_end_blocks = 1;
    stats.peak_bytes = 3 << 20;
    stats.peak_error = 4096;
    stats.net_bytes = -5000;
    stats.net_peak_bytes = 2048;
    stats.net_peak_error = 100;
    cr_assert_eq(lw_report_region(&stats, survivors, NULL, take, &out, NULL), LW_OK);
    mask_own();
    expect_text(
        "region \"x\"  1 round\n"
        "  current 1,000 B in 1 block   peak at least 3.0 MiB, at most 4.0 KiB more\n"
        "  net -4.9 KiB (peak about +2.0 KiB, give or take 100 B)\n"
        "  nothing survives\n"
        "  exact, 0 dropped, our own *\n");
    stats = (lw_region_stats)LW_REGION_STATS_INIT;
    stats.rounds = UINT64_MAX;
    stats.open = UINT32_MAX;
    stats.current_bytes = INT64_MIN;
    stats.current_blocks = INT64_MIN;
    stats.peak_bytes = stats.peak_error = INT64_MAX;
    stats.net_bytes = stats.net_peak_bytes = INT64_MIN;
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_region(&stats, survivors, NULL, take, &out, NULL), LW_OK);
    mask_own();
    expect_text(
        "region \"x\"  18,446,744,073,709,551,615 rounds, 4,294,967,295 open\n"
        "  current -8.0 EiB in -9,223,372,036,854,775,808 blocks\n"
        "  peak at least 8.0 EiB, at most 8.0 EiB more in one round\n"
        "  net -8.0 EiB (peak -8.0 EiB in one round)\n"
        "  nothing survives\n"
        "  exact, 0 dropped, our own *\n");
    lw_survivors_release(survivors);
    lw_context_release(host.context);
}

Test(report_region, bytes_for_people)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {640, "640 B"},
        {1023, "1,023 B"},
        {1024, "1.0 KiB"},
        {1075, "1.0 KiB"},  /* 1.0498 */
        {1076, "1.1 KiB"},  /* 1.0508 */
        {102348, "99.9 KiB"}, /* 99.949 */
        {102349, "100 KiB"},  /* 99.950 */
        {397312, "388 KiB"},
        {1023487, "999 KiB"}, /* 999.4990 */
        {1023488, "1.0 MiB"}, /* 999.5 KiB */
        {38273024, "36.5 MiB"},
        {INT64_C(5) << 30, "5.0 GiB"},
        {INT64_C(3) << 40, "3.0 TiB"},
        {INT64_C(3) << 50, "3.0 PiB"},
        {INT64_MAX, "8.0 EiB"},
        {-1, "-1 B"},
        {-2048, "-2.0 KiB"},
    };
    host host = open_host("x");
    lw_survivors *survivors = survivors_of(&host, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lw_region_stats stats = LW_REGION_STATS_INIT;
        stats.current_bytes = cases[i].bytes;
        memset(&out, 0, sizeof out);
        cr_assert_eq(lw_report_region(&stats, survivors, NULL, take, &out, NULL), LW_OK);
        char expected[128];
        snprintf(expected, sizeof expected, "  current %s in 0 blocks ", cases[i].text);
        cr_expect(strstr(out.text, expected), "%lld: expected %s in\n%s",
                  (long long)cases[i].bytes, expected, out.text);
    }
    lw_survivors_release(survivors);
    lw_context_release(host.context);
}

static host hostile(void)
{
    host host = open_host("tab\there \xF0\x9F\x92\xA7 \xC0\xAF");
    begin(&host);
    born(&host, 48, HOSTILE, 0, 0);
    born(&host, 32, FUNCTION_ONLY, 0, 0);
    born(&host, 16, NAMELESS, 0, 0);
    end(&host);
    return host;
}

Test(report_region, names_cannot_break_a_line)
{
    host host = hostile();
    report(&host, host.round, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "region \"tab\\there \xF0\x9F\x92\xA7 \\xc0\\xaf\"  1 round\n"
        "  current 96 B in 3 blocks   peak 96 B   net +96 B\n"
        "  survivors, by your line            bytes  blocks  taken in\n"
        "  a\\nb\\x1b[31m\\u202e\\xff.py:1 gr\xC3\xB6\xC3\x9F\x65   48 B       1  here\n"
        "  grow                                32 B       1  here\n"
        "  (a place without a name)            16 B       1  no line of yours\n"
        "  exact, 0 dropped, stacks up to 1 frame, our own *\n"
        "  next: one round cannot tell a cache from a leak: run it again and compare\n");
    report(&host, host.round, LW_FORMAT_TEXT, LW_REPORT_ASCII, 0);
    expect_text(
        "region \"tab\\there \\U0001f4a7 \\xc0\\xaf\"  1 round\n"
        "  current 96 B in 3 blocks   peak 96 B   net +96 B\n"
        "  survivors, by your line                      bytes  blocks  taken in\n"
        "  a\\nb\\x1b[31m\\u202e\\xff.py:1 gr\\u00f6\\u00dfe   48 B       1  here\n"
        "  grow                                          32 B       1  here\n"
        "  (a place without a name)                      16 B       1  no line of yours\n"
        "  exact, 0 dropped, stacks up to 1 frame, our own *\n"
        "  next: one round cannot tell a cache from a leak: run it again and compare\n");
    lw_context_release(host.context);
}

Test(report_region, paths_are_short_in_tables_and_whole_in_stacks)
{
    host host = open_host("x");
    begin(&host);
    born(&host, 64, DEEP, DRIVE, 0);
    born(&host, 48, UPWARDS, 0, 0);
    born(&host, 32, AT_ROOT, 0, 0);
    end(&host);
    report(&host, 0, LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    const char *table = strstr(out.text, "  survivors");
    cr_assert_not_null(table);
    memmove(out.text, table, strlen(table) + 1);
    expect_text(
        "  survivors, by call stack  bytes  blocks  taken in\n"
        "  shop\\svc.c:8 price         64 B       1  core/numeric.py:205\n"
        "      /usr/lib/python3/dist-packages/numpy/core/numeric.py:205 full\n"
        "      C:\\src\\shop\\svc.c:8 price (yours)\n"
        "  src/shop/svc.c:9           48 B       1  here\n"
        "      ../../src/shop/svc.c:9 (yours)\n"
        "  svc.c:10                   32 B       1  here\n"
        "      /svc.c:10 (yours)\n"
        "  exact, 0 dropped, stacks up to 2 frames, our own *\n"
        "  next: one round cannot tell a cache from a leak: run it again and compare\n");
    lw_context_release(host.context);
}

Test(report_region, narrow_terminal)
{
    host host = service();
    report(&host, host.round, LW_FORMAT_TEXT, 0, 40);
    expect_text(
        "region \"GET /orders/{id}\"  1 round\n"
        "  current 4.2 MiB in 8 blocks\n"
        "  peak 5.2 MiB   net +4.2 MiB\n"
        "  surviv" DOTS ", by your line    bytes  blocks\n"
        "  svc.py:19 Pr" DOTS "ng.price  4.0 MiB       4\n"
        "  svc.py:22 order        200 KiB       2\n"
        "  sqlalc" DOTS "identity.py:18    640 B       1\n"
        "  heap                      48 B       1\n"
        "  exact, 0 dropped, stacks up to 3\n"
        "  frames, our own *\n"
        "  next: one round cannot tell a cache\n"
        "  from a leak: run it again and compare\n");
    lw_context_release(host.context);
}

static void strip_colour(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (*at == '\033')
            at = strchr(at, 'm');
        else
            *to++ = *at;
    }
    *to = 0;
}

Test(report_region, no_line_is_wider_than_the_terminal)
{
    static const uint32_t flags[] = {0, LW_REPORT_ASCII, LW_REPORT_COLOUR};
    static const uint32_t widths[] = {40, 41, 59, 80, 100, 200};
    host hosts[] = {service(), hostile()};
    for (size_t i = 0; i < 18; i++) {
        for (size_t h = 0; h < 2; h++) {
            report(&hosts[h], hosts[h].round, LW_FORMAT_TEXT, flags[i / 6], widths[i % 6]);
            if (flags[i / 6] == LW_REPORT_COLOUR)
                strip_colour(out.text);
            cr_assert_leq(widest(out.text), widths[i % 6], "%s", out.text);
            cr_assert_null(strstr(out.text, " \n"));
        }
    }
    report(&hosts[0], 0, LW_FORMAT_TEXT, 0, 1);
    cr_assert_leq(widest(out.text), 40, "less than 40 columns is taken for 40");
    lw_context_release(hosts[0].context);
    lw_context_release(hosts[1].context);
}

Test(report_region, ascii_has_no_other_bytes)
{
    host host = hostile();
    for (int32_t format = LW_FORMAT_TEXT; format <= LW_FORMAT_JSON; format++) {
        report(&host, 0, format, LW_REPORT_ASCII, 40);
        for (size_t i = 0; i < out.length; i++)
            cr_assert((out.text[i] >= ' ' && out.text[i] < 127) || out.text[i] == '\n');
    }
    lw_context_release(host.context);
}

Test(report_region, colour_adds_codes_only)
{
    static char plain[4096];
    host host = service();
    report(&host, 0, LW_FORMAT_TEXT, 0, 0);
    strcpy(plain, out.text);
    report(&host, 0, LW_FORMAT_TEXT, LW_REPORT_COLOUR, 0);
    cr_assert(strstr(out.text, "\033[1;31m  svc.py:19 Pricing.price"));
    strip_colour(out.text);
    cr_assert_str_eq(out.text, plain);
    report(&host, 0, LW_FORMAT_JSON, LW_REPORT_COLOUR, 0);
    cr_assert_null(strchr(out.text, '\033'));
    lw_context_release(host.context);
}

Test(report_region, region_as_json)
{
    host host = service();
    report(&host, host.round, LW_FORMAT_JSON, 0, 0);
    expect_json("d[\"report\"] == \"region\" and d[\"format\"] == 1 and "
                      "d[\"name\"] == \"GET /orders/{id}\"");
    expect_json("d[\"stats\"] == dict(rounds=1, open=0, current_bytes=4399792, "
                      "current_blocks=8, peak_bytes=5448368, peak_error=0, at_end_bytes=4399792, "
                      "at_end_blocks=8, net_bytes=4399792, net_blocks=8, net_peak_bytes=5448368, "
                      "net_peak_error=0, modes=[\"sites\"], current_bytes_margin=0, "
                      "current_blocks_margin=0, peak_margin=0, at_end_bytes_margin=0, "
                      "at_end_blocks_margin=0, net_bytes_margin=0, net_blocks_margin=0, "
                      "net_peak_margin=0)");
    expect_json("d[\"bytes\"] == 4399792 and d[\"blocks\"] == 8 and d[\"dropped\"] == 0 and "
                      "d[\"events\"] == 10 and d[\"own_bytes\"] > 0");
    expect_json("[(s[\"bytes\"], s[\"blocks\"], s[\"own_frame\"]) for s in d[\"survivors\"]] "
                      "== [(3145728, 3, 1), (1048576, 1, 1), (204800, 2, 0), (640, 1, None), "
                      "(48, 1, None)]");
    expect_json("d[\"survivors\"][2] == dict(bytes=204800, blocks=2, bytes_margin=0, "
                      "blocks_margin=0, samples=0, domain=\"heap\", "
                      "own_frame=0, truncated=False, verdict=None, "
                      "frames=[dict(file=\"svc.py\", line=22, "
                      "function=\"order\", own=True, inlined=False), dict(file=\"app.py\", line=3, "
                      "function=\"main\", own=True, inlined=False)])");
    lw_context_release(host.context);
}

Test(report_region, hostile_names_as_json)
{
    host host = hostile();
    for (uint32_t flags = 0; flags <= LW_REPORT_ASCII; flags++) {
        report(&host, 0, LW_FORMAT_JSON, flags, 0);
        expect_json("d[\"name\"] == \"tab\\there \\U0001f4a7 \\ufffd\\ufffd\" and "
                          "d[\"survivors\"][0][\"frames\"][0] == "
                          "dict(file=\"a\\nb\\x1b[31m\\u202e\\ufffd.py\", line=1, "
                          "function=\"gr\\u00f6\\u00dfe\", own=True, inlined=False) and "
                          "d[\"survivors\"][2][\"frames\"][0] == "
                          "dict(file=None, line=None, function=None, own=False, inlined=False)");
    }
    lw_context_release(host.context);
}

static lw_status write_region(const void *what, const lw_report_options *options, lw_error *error)
{
    return lw_report_region(NULL, what, options, take, &out, error);
}

Test(report_region, writer_that_says_stop)
{
    host host = service();
    for (uint64_t line = 1; line <= 200; line++)
        born(&host, 8, PLACE_MANY + line, 0, 0);
    lw_survivors *few = survivors_of(&host, 0), *many = NULL;
    cr_assert_eq(lw_survivors_take(host.context, NULL, 0, &many, NULL), LW_OK);
    stop_everywhere(write_region, few);
    stop_everywhere(write_region, many);
    lw_survivors_release(many);
    lw_survivors_release(few);
    lw_context_release(host.context);
}

Test(report_region, invalid_arguments)
{
    host host = service();
    lw_survivors *survivors = survivors_of(&host, 0);
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    expect_refused(lw_report_region(&stats, NULL, NULL, take, &out, &error), LW_E_INVALID,
                   "survivors");
    expect_refused(lw_report_region(&stats, survivors, NULL, NULL, &out, &error), LW_E_INVALID,
                   "write");
    stats.struct_size = 0;
    expect_refused(lw_report_region(&stats, survivors, NULL, take, &out, &error), LW_E_INVALID,
                   "lw_region_stats.struct_size");
    options.struct_size = 3;
    expect_refused(lw_report_region(NULL, survivors, &options, take, &out, &error), LW_E_INVALID,
                   "lw_report_options.struct_size");
    lw_survivors_release(survivors);
    lw_context_release(host.context);
}
