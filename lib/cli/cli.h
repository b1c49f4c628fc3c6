/* The `leakwatch` command: one file per verb, on the public headers only. */
#ifndef LWCLI_CLI_H
#define LWCLI_CLI_H

#include "command.h"

#include <leakwatch.h>
#include <stdbool.h>
#include <stdio.h>

/* What the command answers to the shell. */
enum lwcli_status {
    LWCLI_FINE = 0,    /* done, and nothing grew */
    LWCLI_FOUND = 1,   /* done, and something did */
    LWCLI_MISUSE = 2,  /* the command line makes no sense */
    LWCLI_FAILED = 3   /* a file cannot be read or written, or memory ran out */
};

/* A verb, and the words after it. Words that begin with - are taken by lwcli_flag() and
 * lwcli_value(); what is left are operands. */
typedef struct lwcli_words {
    const char *verb;
    char **words; /* taken ones become NULL */
    int count;
} lwcli_words;

typedef struct lwcli_verb {
    const char *name;
    const char *usage; /* what follows the name */
    const char *about; /* one line */
    int (*run)(lwcli_words *words);
} lwcli_verb;

extern const lwcli_verb lwcli_verbs[]; /* ended by a name of NULL */

/* Whether an option was given; it is taken. */
bool lwcli_flag(lwcli_words *words, const char *name);

/* The value of an option, `--name VALUE` or `--name=VALUE`; NULL if it was not given. Without a
 * value *misused is set, and the error is told. */
const char *lwcli_value(lwcli_words *words, const char *name, bool *misused);

/* The same, for a whole number from `least` to `most`; leaves *number if it was not given. */
void lwcli_number(lwcli_words *words, const char *name, uint32_t least, uint32_t most,
                  uint32_t *number, bool *misused);

/* Checks that no unknown option is left and that there are `least` to `most` operands, and moves
 * these to the front; false: told. */
bool lwcli_operands(lwcli_words *words, int least, int most);

/* Tells on stderr, in one line, and returns LWCLI_MISUSE. */
int lwcli_misuse(const lwcli_words *words, const char *format, ...);

/* Tells what went wrong and returns LWCLI_FAILED. */
int lwcli_failed(const lw_error *error);

/* Options that all reports have: --json, --all, and what the terminal is like. */
lw_report_options lwcli_report_options(lwcli_words *words);

/* An lw_write_fn to a FILE. */
int lwcli_write(const char *text, size_t length, void *file);

/* Shows progress on stderr, if that is a terminal; NULL if it is not. */
lw_progress_fn lwcli_progress(void);
void lwcli_progress_done(void);

/* Opens a snapshot; NULL: told. */
lw_snapshot *lwcli_open(const char *path);

/* Opens all operands; the first `*opened` of them could be, the error is told. */
lw_snapshot **lwcli_open_all(const lwcli_words *words, uint32_t *opened);
void lwcli_close_all(lw_snapshot **snapshots, uint32_t opened);

int lwcli_info(lwcli_words *words);
int lwcli_types(lwcli_words *words);
int lwcli_diff(lwcli_words *words);
int lwcli_paths(lwcli_words *words);
int lwcli_report(lwcli_words *words);
int lwcli_accept(lwcli_words *words);
int lwcli_export(lwcli_words *words);

#endif
