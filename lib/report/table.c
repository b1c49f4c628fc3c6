#include "report/table.h"

#include <string.h>

enum { INDENT = 2, GAP = 2, SMALLEST_TEXT = 14, NOT_SHOWN = 0 };

typedef struct layout {
    uint32_t width[LWI_COLUMNS_MAX]; /* NOT_SHOWN, or at least 1 */
} layout;

static void empty_cells(const lwi_out *out, const lwi_table *table, lwi_text *cells)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        lwi_text_init(&cells[i], lwi_out_ascii(out));
}

static lw_status measure(const lwi_out *out, const lwi_table *table, lwi_text *cells,
                         layout *layout, lw_error *error)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *title = table->columns[i].title;
        layout->width[i] = title ? lwi_columns(title) : 1;
    }
    for (uint32_t row = 0; row < table->rows; row++) {
        empty_cells(out, table, cells);
        lw_status status = table->row(table->user, row, cells, error);
        if (status != LW_OK)
            return status;
        for (uint32_t i = 0; i < table->column_count; i++) {
            if (cells[i].columns > layout->width[i])
                layout->width[i] = cells[i].columns;
        }
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].hidden)
            layout->width[i] = NOT_SHOWN;
    }
    return LW_OK;
}

/* What the columns take beside their texts, and how many hold text. */
static uint32_t fixed_width(const lwi_table *table, const layout *layout, uint32_t *texts)
{
    uint32_t width = INDENT - GAP;
    *texts = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (layout->width[i] == NOT_SHOWN)
            continue;
        width += GAP;
        if (table->columns[i].number)
            width += layout->width[i];
        else
            ++*texts;
    }
    return width;
}

static bool drop_one(const lwi_table *table, layout *layout)
{
    for (uint32_t i = table->column_count; i-- > 0;) {
        if (table->columns[i].optional && layout->width[i] != NOT_SHOWN) {
            layout->width[i] = NOT_SHOWN;
            return true;
        }
    }
    return false;
}

/* Gives each text its share of `room`; what one does not need the others get. */
static void share(const lwi_table *table, layout *layout, uint32_t texts, uint32_t room)
{
    bool settled[LWI_COLUMNS_MAX] = {false};
    while (texts) {
        uint32_t each = room / texts < SMALLEST_TEXT ? SMALLEST_TEXT : room / texts;
        bool spared = false;
        for (uint32_t i = 0; i < table->column_count; i++) {
            uint32_t width = layout->width[i];
            if (table->columns[i].number || width == NOT_SHOWN || settled[i] || width > each)
                continue;
            settled[i] = spared = true;
            room = room > width ? room - width : 0;
            texts--;
        }
        if (spared)
            continue;
        for (uint32_t i = 0; i < table->column_count; i++) {
            if (!table->columns[i].number && layout->width[i] != NOT_SHOWN && !settled[i])
                layout->width[i] = each;
        }
        return;
    }
}

static void fit(const lwi_out *out, const lwi_table *table, layout *layout)
{
    uint32_t texts, fixed, width = out->options.width;
    for (;;) {
        fixed = fixed_width(table, layout, &texts);
        if (fixed + texts * SMALLEST_TEXT <= width || !drop_one(table, layout))
            break;
    }
    share(table, layout, texts, width > fixed ? width - fixed : 0);
}

static void write_cells(lwi_out *out, const lwi_table *table, const layout *layout,
                        lwi_text *cells, enum lwi_style style)
{
    lwi_out_style(out, style);
    uint32_t owed = INDENT; /* spaces are written before text only: no line ends with them */
    for (uint32_t i = 0; i < table->column_count; i++) {
        uint32_t width = layout->width[i];
        if (width == NOT_SHOWN)
            continue;
        lwi_text_clip(&cells[i], width);
        uint32_t rest = width > cells[i].columns ? width - cells[i].columns : 0;
        owed += table->columns[i].number ? rest : 0;
        if (cells[i].length) {
            lwi_out_spaces(out, owed);
            lwi_out_text(out, &cells[i]);
            owed = 0;
        }
        owed += (table->columns[i].number ? 0 : rest) + GAP;
    }
    lwi_out_style(out, LWI_PLAIN);
    lwi_out_line(out);
}

static void write_titles(lwi_out *out, const lwi_table *table, const layout *layout,
                         lwi_text *cells)
{
    empty_cells(out, table, cells);
    for (uint32_t i = 0; i < table->column_count; i++)
        lwi_text_put(&cells[i], table->columns[i].title);
    write_cells(out, table, layout, cells, LWI_PLAIN);
}

lw_status lwi_table_write(lwi_out *out, const lwi_table *table, lw_error *error)
{
    lwi_text cells[LWI_COLUMNS_MAX];
    layout layout;
    lw_status status = measure(out, table, cells, &layout, error);
    if (status != LW_OK)
        return status;
    fit(out, table, &layout);
    lwi_out_line(out);
    if (table->columns[0].title)
        write_titles(out, table, &layout, cells);
    for (uint32_t row = 0; row < table->rows && !out->failed; row++) {
        empty_cells(out, table, cells);
        status = table->row(table->user, row, cells, error);
        if (status != LW_OK)
            return status;
        bool culprit = row == 0 && table->culprit;
        write_cells(out, table, &layout, cells, culprit ? LWI_CULPRIT : LWI_PLAIN);
        if (table->below && (status = table->below(table->user, row, out, error)) != LW_OK)
            return status;
    }
    return LW_OK;
}
