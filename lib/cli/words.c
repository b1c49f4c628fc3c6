/* Command lines: options anywhere, operands in order, `--` before what only looks like an option. */
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool is_end(const char *word)
{
    return word && strcmp(word, "--") == 0;
}

bool lwcli_flag(lwcli_words *words, const char *name)
{
    bool found = false;
    for (int i = 0; i < words->count && !is_end(words->words[i]); i++) {
        if (!words->words[i] || strcmp(words->words[i], name) != 0)
            continue;
        words->words[i] = NULL;
        found = true;
    }
    return found;
}

const char *lwcli_value(lwcli_words *words, const char *name, bool *misused)
{
    const char *value = NULL;
    size_t length = strlen(name);
    for (int i = 0; i < words->count && !is_end(words->words[i]); i++) {
        char *word = words->words[i];
        if (!word || strncmp(word, name, length) != 0)
            continue;
        if (word[length] == '=') {
            value = word + length + 1;
        } else if (word[length] != '\0') {
            continue;
        } else if (i + 1 < words->count && words->words[i + 1]) {
            value = words->words[i + 1];
            words->words[i + 1] = NULL;
        } else {
            lwcli_misuse(words, "%s wants a value", name);
            *misused = true;
        }
        words->words[i] = NULL;
    }
    return value;
}

void lwcli_number(lwcli_words *words, const char *name, uint32_t least, uint32_t most,
                  uint32_t *number, bool *misused)
{
    const char *value = lwcli_value(words, name, misused);
    if (!value)
        return;
    char *end = NULL;
    unsigned long long given = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || given < least || given > most) {
        lwcli_misuse(words, "%s wants a number from %lu to %lu, not '%s'", name,
                     (unsigned long)least, (unsigned long)most, value);
        *misused = true;
        return;
    }
    *number = (uint32_t)given;
}

bool lwcli_operands(lwcli_words *words, int least, int most)
{
    int kept = 0;
    bool ended = false;
    for (int i = 0; i < words->count; i++) {
        char *word = words->words[i];
        if (!word)
            continue;
        if (!ended && is_end(word)) {
            ended = true;
            continue;
        }
        if (!ended && word[0] == '-' && word[1]) {
            lwcli_misuse(words, "there is no option %s", word);
            return false;
        }
        words->words[kept++] = word;
    }
    words->count = kept;
    if (kept >= least && kept <= most)
        return true;
    lwcli_misuse(words, kept < least ? "something is missing" : "that is too much");
    return false;
}

int lwcli_misuse(const lwcli_words *words, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("leakwatch", stderr);
    if (words->verb)
        fprintf(stderr, " %s", words->verb);
    fputs(": ", stderr);
    vfprintf(stderr, format, values);
    va_end(values);
    for (const lwcli_verb *verb = lwcli_verbs; words->verb && verb->name; verb++) {
        if (strcmp(verb->name, words->verb) == 0)
            fprintf(stderr, "; usage: leakwatch %s %s", verb->name, verb->usage);
    }
    fputs(words->verb ? "\n" : "; `leakwatch --help` shows how it is used\n", stderr);
    return LWCLI_MISUSE;
}

int lwcli_failed(const lw_error *error)
{
    fprintf(stderr, "leakwatch: %s\n", error->message);
    return LWCLI_FAILED;
}
