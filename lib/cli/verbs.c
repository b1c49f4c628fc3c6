/* Which verbs there are, and what all of them need. */
#include "cli.h"
#include "terminal.h"

#ifdef LWCLI_WITH_RUN
#include "run.h"
#endif

#include <stdlib.h>
#include <string.h>

const lwcli_verb lwcli_verbs[] = {
    {"info", "FILE...", "what is in a snapshot file", lwcli_info},
    {"types", "FILE", "how many of each type, their bytes, what they retain", lwcli_types},
    {"diff", "[--sites] BASE TARGET...",
     "what grew, by type or by call site; of several, what stayed", lwcli_diff},
    {"paths", "[--limit N] FILE TYPE|0xKEY", "who holds the instances of a type, or an object",
     lwcli_paths},
    {"report", "[--accepted FILE] [--calls N] [--limit N] FILE...",
     "what grows from file to file and what to cut; of one file, what retains most", lwcli_report},
    {"accept", "[--file FILE] [--reason WORDS] FINGERPRINT...",
     "adds known findings to the accepted ones", lwcli_accept},
    {"export", "[--values] FILE OUTPUT", "as .heapsnapshot, for Chrome DevTools and memlab",
     lwcli_export},
    {NULL, NULL, NULL, NULL},
};

static void print_usage(FILE *file)
{
    fputs("usage: leakwatch VERB ...\n\n", file);
#ifdef LWCLI_WITH_RUN
    fprintf(file, "  leakwatch run %s\n      %s\n", lwcli_run_usage, lwcli_run_about);
#endif
    for (const lwcli_verb *verb = lwcli_verbs; verb->name; verb++)
        fprintf(file, "  leakwatch %s %s\n      %s\n", verb->name, verb->usage, verb->about);
    fputs("\noptions of all that report:\n"
          "  --json        for programs; the keys are in docs/json.md\n"
          "  --all         every row, not only those that matter most\n"
          "\n  -h, --help    this text\n"
          "  --version     the version\n"
          "\nexit status: 0 fine, 1 something grew, 2 wrong usage, 3 it could not be done\n",
          file);
}

int lwcli_main(int count, char **words)
{
    const char *name = count > 0 ? words[0] : NULL;
    if (!name || strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
        print_usage(name ? stdout : stderr);
        return name ? LWCLI_FINE : LWCLI_MISUSE;
    }
    if (strcmp(name, "--version") == 0) {
        printf("leakwatch %s\n", lw_version());
        return LWCLI_FINE;
    }
#ifdef LWCLI_WITH_RUN
    if (strcmp(name, "run") == 0) /* its words are the program's: none is taken here */
        return lwcli_run(count - 1, words + 1);
#endif
    lwcli_words rest = {NULL, words + 1, count - 1};
    for (const lwcli_verb *verb = lwcli_verbs; verb->name; verb++) {
        if (strcmp(verb->name, name) != 0)
            continue;
        rest.verb = verb->name;
        if (lwcli_flag(&rest, "--help") || lwcli_flag(&rest, "-h")) {
            printf("usage: leakwatch %s %s\n\n%s\n", verb->name, verb->usage, verb->about);
            return LWCLI_FINE;
        }
        return verb->run(&rest);
    }
    return lwcli_misuse(&rest, "there is no verb '%s'", name);
}

lw_report_options lwcli_report_options(lwcli_words *words)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    if (lwcli_flag(words, "--json"))
        options.format = LW_FORMAT_JSON;
    if (lwcli_flag(words, "--all"))
        options.flags |= LW_REPORT_ALL;
    if (!lwcli_terminal_is_utf8())
        options.flags |= LW_REPORT_ASCII;
    if (lwcli_terminal_has_colour())
        options.flags |= LW_REPORT_COLOUR;
    options.width = lwcli_terminal_width();
    return options;
}

int lwcli_write(const char *text, size_t length, void *file)
{
    return fwrite(text, 1, length, file) != length;
}

lw_snapshot **lwcli_open_all(const lwcli_words *words, uint32_t *opened)
{
    uint32_t count = (uint32_t)words->count;
    lw_snapshot **snapshots = calloc(count, sizeof *snapshots);
    *opened = 0;
    if (!snapshots)
        fputs("leakwatch: out of memory\n", stderr);
    while (snapshots && *opened < count) {
        snapshots[*opened] = lwcli_open(words->words[*opened]);
        if (!snapshots[*opened])
            break;
        ++*opened;
    }
    return snapshots;
}

void lwcli_close_all(lw_snapshot **snapshots, uint32_t opened)
{
    for (uint32_t i = 0; i < opened; i++)
        lw_snapshot_release(snapshots[i]);
    free(snapshots);
}

lw_snapshot *lwcli_open(const char *path)
{
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    if (lw_snapshot_open(path, NULL, &snapshot, &error) != LW_OK)
        lwcli_failed(&error);
    return snapshot;
}
