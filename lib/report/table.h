/* Columns that line up. Rows are asked for twice, to measure and to write, so that a table of any
 * length needs no memory. */
#ifndef LWI_REPORT_TABLE_H
#define LWI_REPORT_TABLE_H

#include "report/out.h"
#include "report/text.h"

#define LWI_COLUMNS_MAX 6

typedef struct lwi_column {
    const char *title; /* NULL in all columns: no line of titles */
    bool number;       /* to the right, and never cut */
    bool optional;     /* left out where the terminal is too narrow */
    bool hidden;       /* left out */
} lwi_column;

/* Fills the cells of a row, which come empty. */
typedef lw_status (*lwi_row_fn)(const void *user, uint32_t row, lwi_text *cells, lw_error *error);
/* Writes what stands below a row. */
typedef lw_status (*lwi_below_fn)(const void *user, uint32_t row, lwi_out *out, lw_error *error);

typedef struct lwi_table {
    const lwi_column *columns;
    uint32_t column_count;
    uint32_t rows;
    bool culprit; /* the first row is the one to look at */
    lwi_row_fn row;
    lwi_below_fn below; /* NULL: nothing */
    const void *user;
} lwi_table;

lw_status lwi_table_write(lwi_out *out, const lwi_table *table, lw_error *error);

#endif
