/* Rows of a sparse matrix: row i ends at base[i / LWI_ROWS] + end[i] of `items`. Four bytes per
 * row, however many items there are. */
#ifndef LWI_SNAPSHOT_ROWS_H
#define LWI_SNAPSHOT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#define LWI_ROWS 4096u

typedef struct lwi_rows {
    uint64_t *base; /* rows / LWI_ROWS + 1 */
    uint32_t *end;
    uint32_t *items;
} lwi_rows;

static inline uint64_t lwi_row_end(const lwi_rows *rows, uint32_t row)
{
    return rows->base[row / LWI_ROWS] + rows->end[row];
}

static inline uint64_t lwi_row_start(const lwi_rows *rows, uint32_t row)
{
    return row % LWI_ROWS ? lwi_row_end(rows, row - 1) : rows->base[row / LWI_ROWS];
}

/* With the number of items of each row in `end`: makes every row empty, at its place, so that
 * lwi_row_put() fills it. False if neighbouring rows have over 2^32 items. */
bool lwi_rows_open(lwi_rows *rows, uint32_t count, uint64_t *items);

/* The place of the next item of a row. */
static inline uint64_t lwi_row_put(lwi_rows *rows, uint32_t row)
{
    return rows->base[row / LWI_ROWS] + rows->end[row]++;
}

#endif
