/* `leakwatch run`, without the word before. */
#ifndef LWCLI_RUN_H
#define LWCLI_RUN_H

/* What it answers by itself; otherwise its status is that of the program. */
enum lwcli_run_status {
    LWCLI_RUN_HELPED = 0,
    LWCLI_RUN_MISUSE = 2,   /* the command line makes no sense, or nothing can be told of it */
    LWCLI_RUN_FAILED = 3,   /* the adapter is not there, or memory ran out */
    LWCLI_RUN_CANNOT = 126, /* the program is there, but cannot be started */
    LWCLI_RUN_NONE = 127    /* there is no such program */
};

/* What `leakwatch --help` says of it. */
extern const char lwcli_run_usage[];
extern const char lwcli_run_about[];

/* The words after `run`. Options end where the program begins. Returns only if it cannot be run. */
int lwcli_run(int count, char **words);

#endif
