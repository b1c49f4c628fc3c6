/* report and accept: what grows, and which of it is known. */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The whole of a file as terminated text, to be freed; NULL: told. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t length = 0, room = 0;
    bool failed = !file;
    while (file && !feof(file) && !failed) {
        if (length + 1 >= room) {
            room = room * 2 + 4096;
            char *grown = realloc(text, room);
            failed = !grown;
            text = grown ? grown : text;
        }
        if (!failed)
            length += fread(text + length, 1, room - 1 - length, file);
        failed = failed || ferror(file);
    }
    if (file)
        fclose(file);
    if (!failed) {
        text[length] = '\0';
        return text;
    }
    fprintf(stderr, "leakwatch: cannot read %s: %s\n", path, strerror(errno));
    free(text);
    return NULL;
}

static int report_findings(lw_snapshot **snapshots, uint32_t count, const lw_find_options *how,
                           const lw_report_options *options)
{
    lw_error error = LW_ERROR_INIT;
    lw_findings *findings = NULL;
    lw_findings_info info = LW_FINDINGS_INFO_INIT;
    lw_status status = lw_findings_create(snapshots, count, how, &findings, &error);
    lwcli_progress_done();
    if (status == LW_OK)
        status = lw_report_findings(findings, options, lwcli_write, stdout, &error);
    if (status == LW_OK)
        status = lw_findings_info_get(findings, &info, &error);
    lw_findings_release(findings);
    if (status != LW_OK)
        return lwcli_failed(&error);
    return info.findings > info.accepted ? LWCLI_FOUND : LWCLI_FINE;
}

static int report_one(lw_snapshot *snapshot, const lw_report_options *options)
{
    lw_error error = LW_ERROR_INIT;
    lw_dominators *dominators = NULL;
    lw_dominators_options how = LW_DOMINATORS_OPTIONS_INIT;
    how.progress = lwcli_progress();
    lw_status status = lw_dominators_create(snapshot, &how, &dominators, &error);
    lwcli_progress_done();
    if (status == LW_OK)
        status = lw_report_retained(dominators, options, lwcli_write, stdout, &error);
    lw_dominators_release(dominators);
    return status == LW_OK ? LWCLI_FINE : lwcli_failed(&error);
}

static int report_all(lwcli_words *words, lw_find_options *how, const lw_report_options *options)
{
    uint32_t opened = 0;
    lw_snapshot **snapshots = lwcli_open_all(words, &opened);
    int answer = LWCLI_FAILED;
    how->progress = lwcli_progress();
    if (opened == (uint32_t)words->count)
        answer = opened == 1 ? report_one(snapshots[0], options)
                             : report_findings(snapshots, opened, how, options);
    lwcli_close_all(snapshots, opened);
    return answer;
}

int lwcli_report(lwcli_words *words)
{
    bool misused = false;
    lw_find_options how = LW_FIND_OPTIONS_INIT;
    lw_report_options options = lwcli_report_options(words);
    const char *path = lwcli_value(words, "--accepted", &misused);
    lwcli_number(words, "--calls", 1, UINT32_MAX, &how.calls, &misused);
    lwcli_number(words, "--limit", 1, 10000, &how.limit, &misused);
    if (misused || !lwcli_operands(words, 1, INT_MAX))
        return LWCLI_MISUSE;
    if (words->count == 2)
        return lwcli_misuse(words, "two snapshots cannot tell growth from chance: pass three or "
                                   "more, or ask `leakwatch diff`");
    char *accepted = path ? read_text(path) : NULL;
    if (path && !accepted)
        return LWCLI_FAILED;
    how.accepted = accepted;
    int answer = report_all(words, &how, &options);
    free(accepted);
    return answer;
}

/* --- accept -------------------------------------------------------------------------------- */

static bool is_fingerprint(const char *word)
{
    return strlen(word) == 16 && strspn(word, "0123456789abcdefABCDEF") == 16;
}

int lwcli_accept(lwcli_words *words)
{
    bool misused = false;
    const char *path = lwcli_value(words, "--file", &misused);
    const char *reason = lwcli_value(words, "--reason", &misused);
    if (misused || !lwcli_operands(words, 1, INT_MAX))
        return LWCLI_MISUSE;
    path = path ? path : "leakwatch.accepted";
    for (int i = 0; i < words->count; i++) {
        if (!is_fingerprint(words->words[i]))
            return lwcli_misuse(words, "a fingerprint has 16 hexadecimal digits, as the report "
                                       "shows it, not '%s'", words->words[i]);
    }
    FILE *file = fopen(path, "a");
    bool failed = !file;
    for (int i = 0; file && i < words->count; i++) {
        if (fprintf(file, "%s%s%s\n", words->words[i], reason ? "  " : "", reason ? reason : "") < 0)
            failed = true;
    }
    if (file && fclose(file) != 0)
        failed = true;
    if (!failed)
        return LWCLI_FINE;
    fprintf(stderr, "leakwatch accept: cannot write %s: %s\n", path, strerror(errno));
    return LWCLI_FAILED;
}
