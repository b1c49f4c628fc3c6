#include "options.h"

#include <leakwatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

lwm_options lwm_asked = {.frames = 64};

/* getenv() works only when libc has begun, which may be after us. */
static const char *variable(char **environment, const char *name)
{
    size_t length = strlen(name);
    for (char **at = environment; at && *at; at++) {
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=' && (*at)[length + 1])
            return *at + length + 1;
    }
    return NULL;
}

static uint32_t number(char **environment, const char *name, uint32_t usual, uint32_t most)
{
    const char *text = variable(environment, name);
    unsigned long value = text ? strtoul(text, NULL, 10) : usual;
    return value > most ? most : (uint32_t)value;
}

void lwm_options_read(char **environment)
{
    const char *output = variable(environment, "LEAKWATCH_OUTPUT");
    const char *process = variable(environment, "LEAKWATCH_PID");
    if (output && strlen(output) < LWM_PATH)
        strcpy(lwm_asked.output, output);
    lwm_asked.children = strstr(lwm_asked.output, "%p") != NULL;
    lwm_asked.passive =
        process && !lwm_asked.children && strtol(process, NULL, 10) != (long)getpid();
    lwm_asked.is_bound = variable(environment, "LEAKWATCH_BOUND") != NULL;
    lwm_asked.is_json = variable(environment, "LEAKWATCH_JSON") != NULL;
    lwm_asked.by_libgcc = variable(environment, "LEAKWATCH_UNWIND") != NULL;
    lwm_asked.is_all = variable(environment, "LEAKWATCH_ALL") != NULL;
    const char *mode = variable(environment, "LEAKWATCH_MODE");
    const char *interval = variable(environment, "LEAKWATCH_INTERVAL");
    if (mode && strcmp(mode, "counts") == 0)
        lwm_asked.mode = LW_MODE_COUNTS;
    else if (mode && strcmp(mode, "sampled") == 0)
        lwm_asked.mode = LW_MODE_SAMPLED;
    lwm_asked.interval = interval ? strtoull(interval, NULL, 10) : 0;
    lwm_asked.frames = number(environment, "LEAKWATCH_FRAMES", 64, 128);
    lwm_asked.signal = (int)number(environment, "LEAKWATCH_SIGNAL", 0, 64);
    lwm_asked.at = number(environment, "LEAKWATCH_AT", 0, 100);
}
