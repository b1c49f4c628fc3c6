/* Survivors by line: a table has a row per call stack, people want one per line of their own. */
#ifndef LWI_REPORT_LINES_H
#define LWI_REPORT_LINES_H

#include <leakwatch/region.h>
#include <stdbool.h>

#define LWI_LINES_MAX 256
#define LWI_LINES_SHOWN 10

/* What a row is shown under: the innermost frame of the user's own code; without one, the
 * innermost; without any, the domain. */
typedef struct lwi_place {
    const char *domain; /* NULL if there is a frame */
    lw_frame frame;
} lwi_place;

lw_status lwi_place_of(const lw_survivors *survivors, uint32_t index, const lw_survivors_row *row,
                       lwi_place *place, lw_error *error);

typedef struct lwi_line {
    uint64_t hash;
    uint32_t row;        /* the heaviest row of this line */
    uint32_t rows;
    int64_t bytes;
    int64_t blocks;
    double bytes_square, blocks_square; /* of their margins */
    int64_t taken_bytes; /* of the rows taken in the same place as the heaviest */
} lwi_line;

typedef struct lwi_lines {
    const lw_survivors *survivors;
    uint32_t count;
    bool more;          /* there are more lines than were kept; none of weight is missing */
    uint32_t shown;     /* the first so many are in order, with `taken_bytes` */
    lwi_line line[LWI_LINES_MAX];
} lwi_lines;

/* Finds the heaviest lines without memory: any line that has more than 1/LWI_LINES_MAX of all
 * bytes is among them, with exact sums. Fewer than that many lines are all found. */
lw_status lwi_lines_find(lwi_lines *lines, const lw_survivors *survivors, lw_error *error);

#endif
