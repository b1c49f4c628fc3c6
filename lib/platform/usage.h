/* What of this process is in memory, as the kernel counts it. */
#ifndef LWI_PLATFORM_USAGE_H
#define LWI_PLATFORM_USAGE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lwi_usage {
    uint64_t resident, peak;
    uint64_t files, shared; /* of `resident` */
    uint64_t stacks;        /* of the rest */
    uint64_t limit;         /* of the nearest group of processes that has one; 0: none */
} lwi_usage;

/* Where the known stack in a mapping ends; 0: there is none in it. */
typedef uint64_t (*lwi_stack_in_fn)(uint64_t start, uint64_t end, void *user);

/* False: this system does not tell. */
bool lwi_usage_get(lwi_usage *usage, lwi_stack_in_fn stack_in, void *user);

#endif
