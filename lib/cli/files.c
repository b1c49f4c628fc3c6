/* info, diff, export: what is in snapshot files, and what changed from one to the next. */
#include "cli.h"

#include <limits.h>
#include <stdlib.h>

static int write_report(lw_status status, const lw_error *error)
{
    return status == LW_OK ? LWCLI_FINE : lwcli_failed(error);
}

int lwcli_info(lwcli_words *words)
{
    lw_report_options options = lwcli_report_options(words);
    if (!lwcli_operands(words, 1, INT_MAX))
        return LWCLI_MISUSE;
    int answer = LWCLI_FINE;
    for (int i = 0; i < words->count; i++) {
        lw_error error = LW_ERROR_INIT;
        lw_snapshot *snapshot = lwcli_open(words->words[i]);
        int status = snapshot ? write_report(lw_report_snapshot(snapshot, &options, lwcli_write,
                                                                stdout, &error),
                                             &error)
                              : LWCLI_FAILED;
        answer = status > answer ? status : answer;
        lw_snapshot_release(snapshot);
    }
    return answer;
}

int lwcli_export(lwcli_words *words)
{
    lw_export_options how = LW_EXPORT_OPTIONS_INIT;
    if (lwcli_flag(words, "--values"))
        how.flags |= LW_EXPORT_VALUES;
    how.progress = lwcli_progress();
    if (!lwcli_operands(words, 2, 2))
        return LWCLI_MISUSE;
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *snapshot = lwcli_open(words->words[0]);
    if (!snapshot)
        return LWCLI_FAILED;
    FILE *file = fopen(words->words[1], "wb");
    lw_status status = LW_OK;
    if (file)
        status = lw_export_heapsnapshot(snapshot, &how, lwcli_write, file, &error);
    lwcli_progress_done();
    bool written = file && fclose(file) == 0;
    lw_snapshot_release(snapshot);
    if (status != LW_OK && status != LW_E_IO)
        return lwcli_failed(&error);
    if (status == LW_OK && written)
        return LWCLI_FINE;
    fprintf(stderr, "leakwatch export: cannot write %s: ", words->words[1]);
    perror(NULL);
    return LWCLI_FAILED;
}

/* --- diff ---------------------------------------------------------------------------------- */

static int diff_two(lw_snapshot *base, lw_snapshot *target, bool sites,
                    const lw_report_options *options)
{
    lw_error error = LW_ERROR_INIT;
    lw_diff *diff = NULL;
    lw_diff_info info = LW_DIFF_INFO_INIT;
    lw_status status = lw_diff_create(base, target, &diff, &error);
    if (status == LW_OK)
        status = sites ? lw_report_sites(diff, options, lwcli_write, stdout, &error)
                       : lw_report_diff(diff, options, lwcli_write, stdout, &error);
    if (status == LW_OK)
        status = lw_diff_info_get(diff, &info, &error);
    lw_diff_release(diff);
    if (status != LW_OK)
        return lwcli_failed(&error);
    return info.grew ? LWCLI_FOUND : LWCLI_FINE;
}

/* What came after the first, is in the next and was still there at the end. */
static int diff_all(lw_snapshot **snapshots, uint32_t count, const lw_report_options *options)
{
    lw_error error = LW_ERROR_INIT;
    lw_series *series = NULL;
    lw_series_info info = LW_SERIES_INFO_INIT;
    lw_status status = lw_series_create(snapshots, count, NULL, &series, &error);
    if (status == LW_OK)
        status = lw_report_series(series, options, lwcli_write, stdout, &error);
    if (status == LW_OK)
        status = lw_series_info_get(series, &info, &error);
    lw_series_release(series);
    if (status != LW_OK)
        return lwcli_failed(&error);
    return info.count ? LWCLI_FOUND : LWCLI_FINE;
}

int lwcli_diff(lwcli_words *words)
{
    lw_report_options options = lwcli_report_options(words);
    bool sites = lwcli_flag(words, "--sites");
    if (!lwcli_operands(words, 2, INT_MAX))
        return LWCLI_MISUSE;
    if (sites && words->count > 2)
        return lwcli_misuse(words, "--sites compares two files");
    uint32_t opened = 0;
    lw_snapshot **snapshots = lwcli_open_all(words, &opened);
    int status = LWCLI_FAILED;
    if (opened == (uint32_t)words->count)
        status = opened == 2 ? diff_two(snapshots[0], snapshots[1], sites, &options)
                             : diff_all(snapshots, opened, &options);
    lwcli_close_all(snapshots, opened);
    return status;
}
