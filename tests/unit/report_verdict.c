/* What a report says of a region's rounds. Expected texts are made by hand. */
#include "report_host.h"

static uintptr_t last;

static void report(host *host, int32_t format, uint32_t flags, uint32_t width)
{
    lw_report_options options = how(format, flags, width);
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_survivors *survivors = NULL;
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_survivors_take(host->context, host->region, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_region_stats_get(host->region, 0, &stats, NULL), LW_OK);
    cr_assert_eq(lw_report_region(&stats, survivors, &options, take, &out, NULL), LW_OK);
    lw_survivors_release(survivors);
    mask_own();
}

/* A cache that is filled in three rounds, and a leak that begins in the second. */
static host leaky(int rounds)
{
    host host = open_host("request");
    for (int i = 1; i <= rounds; i++) {
        begin(&host);
        for (int j = 0; i <= 3 && j < 50; j++)
            born(&host, 4096, NUMPY, PRICE, MAIN);
        for (int j = 0; i >= 2 && j < 10; j++)
            born(&host, 64, ORDER, MAIN, 0);
        end(&host);
    }
    return host;
}

/* The leak is told before the cache, which is 120 times as heavy. */
Test(report_verdict, grows)
{
    host host = leaky(9);
    report(&host, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "region \"request\"  9 rounds    GROWS in 8 of 9\n"
        "  current 605 KiB in 230 blocks   peak 201 KiB in one round   net +605 KiB\n"
        "  +640 B, +10 blocks per round since round 2 (90 % sure)\n"
        "  svc.py:22 order grows: rounds 2-9 each left 640 B in 10 blocks, never freed\n"
        "  survivors, by your line    bytes  blocks  per round  taken in\n"
        "  svc.py:19 Pricing.price  600 KiB     150   66.7 KiB  numpy/core/numeric.py:205\n"
        "  svc.py:22 order          5.0 KiB      80      568 B  here\n"
        "  exact, 0 dropped, stacks up to 3 frames, our own *\n"
        "  next: compare a snapshot before with one after: which objects, held by whom\n");
    lw_context_release(host.context);
}

Test(report_verdict, all_tells_of_every_stack)
{
    host host = leaky(9);
    begin(&host);
    born(&host, 32, SQLALCHEMY, 0, 0);
    report(&host, LW_FORMAT_TEXT, LW_REPORT_ALL, 0);
    cr_assert(strstr(out.text, "      app.py:3 main (yours)\n"
                               "      warm-up: rounds 1-3 each left 200 KiB in 50 blocks\n"),
              "%s", out.text);
    cr_assert(strstr(out.text, "      grows: rounds 2-9 each left 640 B in 10 blocks\n"));
    cr_assert(strstr(out.text, "      in rounds that have not ended\n"));
    lw_context_release(host.context);
}

Test(report_verdict, uneven_rounds)
{
    host host = open_host("request");
    for (uint64_t i = 1; i <= 40; i++) {
        begin(&host);
        for (uint64_t j = 0; i % 2 == 0 && j < 1 + i / 2 % 3; j++)
            born(&host, 1000, ORDER, 0, 0);
        end(&host);
    }
    report(&host, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "    GROWS in 20 of 40\n"), "%s", out.text);
    cr_assert(strstr(out.text, "\n  svc.py:22 order grows: 20 of rounds 2-40 each left 1,000 B to "
                               "2.9 KiB in 1 to 3 blocks, never\n  freed\n"),
              "%s", out.text);
    cr_assert(strstr(out.text, "\n  +1.0 KiB, +1.1 blocks per round since round 2 (95 % sure)\n"),
              "%s", out.text);
    lw_context_release(host.context);
}

/* Three places are named, the others counted. */
Test(report_verdict, many_that_grow)
{
    host host = open_host("request");
    for (int i = 0; i < 6; i++) {
        begin(&host);
        for (uint64_t line = 1; line <= 5; line++)
            born(&host, 16 * line, PLACE_MANY + line, 0, 0);
        end(&host);
    }
    report(&host, LW_FORMAT_TEXT, 0, 0);
    const char *first = strstr(out.text, "\n  many.py:5 grows: rounds 1-6 each left 80 B in 1 block");
    cr_assert(first && strstr(first, "\n  many.py:3 grows: "), "%s", out.text);
    cr_assert(strstr(out.text, "\n  2 more call stacks grow\n"));
    cr_assert_null(strstr(out.text, "many.py:2 grows"));
    lw_context_release(host.context);
}

Test(report_verdict, flat)
{
    host host = leaky(1);
    for (int i = 0; i < 11; i++) {
        begin(&host);
        end(&host);
    }
    report(&host, LW_FORMAT_TEXT, 0, 0);
    expect_text(
        "region \"request\"  12 rounds    warm-up, flat since round 1\n"
        "  current 200 KiB in 50 blocks   peak 200 KiB in one round   net +200 KiB\n"
        "  survivors, by your line    bytes  blocks  per round  taken in\n"
        "  svc.py:19 Pricing.price  200 KiB      50   16.7 KiB  numpy/core/numeric.py:205\n"
        "  exact, 0 dropped, stacks up to 3 frames, our own *\n"
        "  next: nothing grows; what stays is the price of a cache, if that is too high\n");
    lw_context_release(host.context);
}

Test(report_verdict, turns_over)
{
    host host = open_host("request");
    for (int i = 0; i < 10; i++) {
        begin(&host);
        uintptr_t old = last;
        last = born(&host, 64, ORDER, 0, 0);
        if (i)
            gone(&host, old);
        end(&host);
    }
    report(&host, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "10 rounds    flat: new replaces old\n"), "%s", out.text);
    lw_context_release(host.context);
}

Test(report_verdict, cannot_tell_yet)
{
    host host = leaky(2);
    report(&host, LW_FORMAT_TEXT, 0, 0);
    cr_assert(strstr(out.text, "2 rounds    cannot tell yet\n"), "%s", out.text);
    cr_assert(strstr(out.text, "\n  next: about 3 more rounds will tell a cache from a leak\n"),
              "%s", out.text);
    lw_context_release(host.context);
}

Test(report_verdict, clean)
{
    host host = open_host("request");
    for (int i = 0; i < 5; i++) {
        begin(&host);
        end(&host);
    }
    report(&host, LW_FORMAT_TEXT, 0, 0);
    expect_text("region \"request\"  5 rounds    clean\n"
                "  current 0 B in 0 blocks   peak 0 B in one round   net 0 B\n"
                "  nothing survives\n"
                "  exact, 0 dropped, our own *\n");
    lw_context_release(host.context);
}

Test(report_verdict, as_json)
{
    host host = leaky(9);
    report(&host, LW_FORMAT_JSON, 0, 0);
    expect_json("d[\"verdict\"] == dict(kind=\"grows\", rounds=9, grew=8, since=2, more=0, span=8, "
                "confidence=90, modes=[\"sites\"], hidden_bytes=0, growth_bytes=5120, growth_blocks=80, unclear_bytes=0, "
                "unclear_blocks=0, once_bytes=0, once_blocks=0, flight_bytes=0, flight_blocks=0, freed_bytes=0, "
                "freed_blocks=0)");
    expect_json("d[\"survivors\"][0][\"verdict\"] == dict(kind=\"warm-up\", more=0, confidence=87, "
                "together=False, left=[dict(round=i, bytes=204800, blocks=50) for i in (1, 2, 3)])");
    expect_json("[l[\"round\"] for l in d[\"survivors\"][1][\"verdict\"][\"left\"]] == "
                "list(range(2, 10))");
    lw_context_release(host.context);
}

static lw_status write(const void *what, const lw_report_options *options, lw_error *error)
{
    return lw_report_region(NULL, what, options, take, &out, error);
}

Test(report_verdict, writer_that_fails)
{
    host host = leaky(9);
    lw_survivors *survivors = NULL;
    cr_assert_eq(lw_survivors_take(host.context, host.region, 0, &survivors, NULL), LW_OK);
    stop_everywhere(write, survivors);
    lw_survivors_release(survivors);
    lw_context_release(host.context);
}
