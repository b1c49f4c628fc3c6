#include "region_host.h"

typedef struct output {
    char text[8192];
    size_t length;
} output;

static output out;

static int take(const char *text, size_t length, void *user)
{
    output *to = user;
    cr_assert_lt(to->length + length, sizeof to->text);
    memcpy(to->text + to->length, text, length);
    to->length += length;
    to->text[to->length] = 0;
    return 0;
}

static int refuse(const char *text, size_t length, void *user)
{
    (void)text, (void)length, (void)user;
    return 1;
}

static void expect_text(const char *part)
{
    cr_assert(strstr(out.text, part), "not there: %s\n%s", part, out.text);
}

/* A region with one block of 4,096 bytes and one that is gone, all counted only. */
static lw_region_stats counted(host *host)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_round round = 0;
    open_host(host);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_mode_set(host->context, LW_MODE_COUNTS, 0, NULL), LW_OK);
    lw_region *region = add_region(host->context, "work", LW_SCOPE_THREAD);
    cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
    lw_block_alloc(host->heap, at(0x1000), 4096, NULL);
    lw_block_alloc(host->heap, at(0x3000), 1024, NULL);
    lw_block_free(host->heap, at(0x3000));
    cr_assert_eq(lw_region_end(region, round, &stats, NULL), LW_OK);
    return stats;
}

Test(report_totals, of_a_region)
{
    host host;
    const lw_region_stats stats = counted(&host);
    cr_assert_eq(lw_report_totals(host.context, &stats, NULL, take, &out, NULL), LW_OK);
    expect_text("region \"work\"  1 round\n"
                "  net +4.0 KiB (peak +5.0 KiB)\n"
                "  in all domains 4.0 KiB in 1 block\n"
                "  exact, 0 dropped, our own ");
    expect_text(" for 3 events\n"
                "  mode counts: not where it was allocated; next: mode sites or sampled\n");
    close_host(&host);
}

Test(report_totals, of_all_blocks)
{
    host host;
    counted(&host);
    cr_assert_eq(lw_report_totals(host.context, NULL, NULL, take, &out, NULL), LW_OK);
    expect_text("all live blocks\n  4.0 KiB in 1 block\n  exact, 0 dropped, our own ");
    close_host(&host);
}

Test(report_totals, as_json_knows_no_current)
{
    host host;
    const lw_region_stats stats = counted(&host);
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    options.format = LW_FORMAT_JSON;
    cr_assert_eq(lw_report_totals(host.context, &stats, &options, take, &out, NULL), LW_OK);
    expect_text("\"name\":\"work\"");
    expect_text("\"current_bytes\":null");
    expect_text("\"net_bytes\":4096");
    expect_text("\"net_peak_bytes\":5120");
    expect_text("\"modes\":[\"counts\"]");
    expect_text("\"dropped\":0");
    close_host(&host);
}

Test(report_totals, refuses_what_it_cannot_read)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_region_stats stats = counted(&host);
    expect_error(lw_report_totals(NULL, NULL, NULL, take, &out, &error), LW_E_INVALID, &error);
    expect_error(lw_report_totals(host.context, NULL, NULL, NULL, &out, &error), LW_E_INVALID,
                 &error);
    expect_error(lw_report_totals(host.context, NULL, NULL, refuse, &out, &error), LW_E_IO, &error);
    stats.struct_size = 3;
    expect_error(lw_report_totals(host.context, &stats, NULL, take, &out, &error), LW_E_INVALID,
                 &error);
    close_host(&host);
}

/* ---- modes in a report of survivors ---- */

Test(report_totals, survivors_tell_their_modes_and_margins)
{
    host host;
    lw_survivors *survivors = NULL;
    counted(&host);
    cr_assert_eq(lw_mode_set(host.context, LW_MODE_SAMPLED, 4096, NULL), LW_OK);
    lw_region *region = add_region(host.context, "sampled", LW_SCOPE_THREAD);
    for (uint64_t round = 0; round < 5; round++) {
        lw_round number = begin(region);
        for (uint64_t i = 0; i < 1000; i++)
            lw_block_alloc_at(host.heap, at(0x100000 + (round * 1000 + i) * 64), 64, "a.c:1");
        end(region, number);
    }
    lw_region_stats stats = LW_REGION_STATS_INIT;
    cr_assert_eq(lw_region_stats_get(region, 0, &stats, NULL), LW_OK);
    cr_assert_eq(lw_survivors_take(host.context, region, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_report_region(&stats, survivors, NULL, take, &out, NULL), LW_OK);
    expect_text("sampled: 1 in 4.0 KiB, margins hold in 95 %, 0 dropped");
    expect_text("  a leak of up to 12.0 KiB in all may have left no sample\n");
    expect_text(" ± ");
    expect_text("  4.0 KiB in 1 block more, of the whole process, were allocated in mode counts");
    lw_verdict verdict = LW_VERDICT_INIT;
    cr_assert_eq(lw_survivors_verdict_get(survivors, &verdict, NULL), LW_OK);
    cr_assert_eq(verdict.modes, LW_MODES_SAMPLED);
    cr_assert_eq(verdict.hidden_bytes, 3 * 4096);
    lw_survivors_release(survivors);
    close_host(&host);
}
