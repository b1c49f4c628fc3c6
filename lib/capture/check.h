/* What an author got wrong: problems found in two runs of his `enumerate`. */
#ifndef LWI_CAPTURE_CHECK_H
#define LWI_CAPTURE_CHECK_H

#include "base/error.h"
#include "capture/build.h"

#include <leakwatch/check.h>

struct lw_check {
    lwi_mem mem;
    lwi_arena arena;
    lw_problem *problems;
    uint64_t count, room;
};

/* Adds a problem, text and all; false: no memory. */
bool lwi_check_add(lw_check *check, int32_t kind, uint64_t count, lw_key example,
                   const char *type, const char *next, const char *format, ...) LWI_PRINTF(7, 8);

/* What is judged: the nodes of one runtime, in two snapshots of all. */
typedef struct lwi_suspect {
    const lw_runtime *runtime;
    const lw_snapshot *snapshot;
    const lwi_part *part;
} lwi_suspect;

static inline bool lwi_suspected(const lwi_suspect *suspect, lw_node node)
{
    return node - suspect->part->first < suspect->part->count;
}

/* The searches; false: no memory. */
bool lwi_check_stable(lw_check *check, const lwi_suspect *suspect, const lw_snapshot *second);
bool lwi_check_misuses(lw_check *check, const lwi_misuse *misuses);
bool lwi_check_strays(lw_check *check, const lwi_suspect *suspect, const lwi_strays *strays);
bool lwi_check_counts(lw_check *check, const lwi_suspect *suspect);
bool lwi_check_rooted(lw_check *check, const lwi_suspect *suspect);
bool lwi_check_sizes(lw_check *check, const lwi_suspect *suspect);

#endif
