/* types: how many of each, their bytes, and what they retain. */
#include "cli.h"

int lwcli_types(lwcli_words *words)
{
    lw_error error = LW_ERROR_INIT;
    lw_dominators *dominators = NULL;
    lw_dominators_options how = LW_DOMINATORS_OPTIONS_INIT;
    lw_report_options options = lwcli_report_options(words);
    if (!lwcli_operands(words, 1, 1))
        return LWCLI_MISUSE;
    lw_snapshot *snapshot = lwcli_open(words->words[0]);
    if (!snapshot)
        return LWCLI_FAILED;
    how.progress = lwcli_progress();
    lw_status status = lw_dominators_create(snapshot, &how, &dominators, &error);
    lwcli_progress_done();
    if (status == LW_OK)
        status = lw_report_types(dominators, &options, lwcli_write, stdout, &error);
    lw_dominators_release(dominators);
    lw_snapshot_release(snapshot);
    return status == LW_OK ? LWCLI_FINE : lwcli_failed(&error);
}
