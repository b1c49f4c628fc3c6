/* What an author got wrong: problems found in two runs of his `enumerate`. */
#ifndef LWI_CAPTURE_CHECK_H
#define LWI_CAPTURE_CHECK_H

#include "base/error.h"
#include "capture/build.h"

struct lw_check {
    lwi_mem mem;
    lwi_arena arena;
    lw_problem *problems;
    uint64_t count, room;
};

/* Adds a problem, text and all; false: no memory. */
bool lwi_check_add(lw_check *check, int32_t kind, uint64_t count, lw_key example,
                   const char *type, const char *next, const char *format, ...) LWI_PRINTF(7, 8);

/* The searches; false: no memory. */
bool lwi_check_stable(lw_check *check, const lw_snapshot *first, const lw_snapshot *second);
bool lwi_check_strays(lw_check *check, const lw_snapshot *snapshot, const lwi_strays *strays);
bool lwi_check_counts(lw_check *check, const lw_snapshot *snapshot);
bool lwi_check_rooted(lw_check *check, const lw_snapshot *snapshot);

#endif
