/* The `leakwatch` command for native programs. */
#include "run.h"

#include <leakwatch.h>
#include <stdio.h>
#include <string.h>

static int help(FILE *file, int status)
{
    fprintf(file,
            "usage: leakwatch run %s\n      %s\n\n  -h, --help    this text; `leakwatch run --help` "
            "says more\n  --version     the version\n",
            lwcli_run_usage, lwcli_run_about);
    return status;
}

int main(int count, char **words)
{
    if (count < 2)
        return help(stderr, LWCLI_RUN_MISUSE);
    if (strcmp(words[1], "run") == 0)
        return lwcli_run(count - 2, words + 2);
    if (strcmp(words[1], "--version") == 0)
        return printf("leakwatch %s\n", lw_version()) < 0;
    if (strcmp(words[1], "-h") == 0 || strcmp(words[1], "--help") == 0)
        return help(stdout, LWCLI_RUN_HELPED);
    fprintf(stderr, "leakwatch: there is no verb '%s'; `leakwatch --help` shows how it is used\n",
            words[1]);
    return LWCLI_RUN_MISUSE;
}
