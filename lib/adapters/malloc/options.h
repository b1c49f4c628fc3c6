/* What `leakwatch run` asked for, told through the environment. */
#ifndef LWM_OPTIONS_H
#define LWM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { LWM_PATH = 4096 };

typedef struct lwm_options {
    bool passive;      /* another process is meant: only pass events on */
    bool children;     /* each process reports: the file's name holds %p */
    bool is_bound;     /* the program defines a malloc of its own */
    bool is_json;
    bool is_all;       /* every row and frame */
    bool by_libgcc;    /* stacks by libgcc alone: to compare */
    int32_t mode;      /* lw_mode */
    uint64_t interval; /* in mode SAMPLED; 0: the usual one */
    uint32_t frames;   /* of a stack */
    int signal;        /* that asks for a report; 0: none */
    uint32_t at;       /* percent of the memory limit at which to report; 0: never */
    char output[LWM_PATH]; /* "": standard error */
} lwm_options;

extern lwm_options lwm_asked;

void lwm_options_read(char **environment);

#endif
