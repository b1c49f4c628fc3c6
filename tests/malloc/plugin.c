/* A module that is loaded, leaks or not, and is unloaded; NAME makes another of it. */
#include <stdlib.h>
#include <string.h>

#ifndef NAME
#define NAME plugin_one
#endif
#define JOIN(a, b) a##b
#define IN(name) JOIN(name, _inside)

static void *volatile kept;

extern const int leaking_line;
const int leaking_line = __LINE__ + 4;

static __attribute__((noinline)) void IN(NAME)(unsigned size)
{
    kept = malloc(size); /* leaks */
}

int work(unsigned size);
int work(unsigned size)
{
    IN(NAME)(size);
    kept = strdup("x");
    free(kept);
    return 1;
}

static __attribute__((constructor)) void begin(void)
{
    free(malloc(9));
}

static __attribute__((destructor)) void end(void)
{
    free(malloc(9));
}

int work_clean(unsigned size);
int work_clean(unsigned size)
{
    kept = malloc(size);
    free(kept);
    return 1;
}
