#include "snapshot/rows.h"

bool lwi_rows_open(lwi_rows *rows, uint32_t count, uint64_t *items)
{
    uint64_t sum = 0;
    for (uint32_t row = 0; row < count; row++) {
        uint32_t width = rows->end[row];
        if (row % LWI_ROWS == 0)
            rows->base[row / LWI_ROWS] = sum;
        uint64_t start = sum - rows->base[row / LWI_ROWS];
        if (start > UINT32_MAX - width)
            return false;
        rows->end[row] = (uint32_t)start;
        sum += width;
    }
    *items = sum;
    return true;
}
