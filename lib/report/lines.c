#include "report/lines.h"

#include "base/hash.h"

#include <string.h>

lw_status lwi_place_of(const lw_survivors *survivors, uint32_t index, const lw_survivors_row *row,
                       lwi_place *place, lw_error *error)
{
    *place = (lwi_place){row->domain, LW_FRAME_INIT};
    if (row->frames == 0)
        return LW_OK;
    place->domain = NULL;
    uint32_t level = row->own_frame < row->frames ? row->own_frame : 0;
    return lw_survivors_frame_get(survivors, index, level, &place->frame, error);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_frame(const lw_frame *a, const lw_frame *b)
{
    return a->line == b->line && same_text(a->file, b->file) && same_text(a->function, b->function);
}

static uint64_t hash_place(const lwi_place *place)
{
    uint64_t hash = lwi_hash_text(place->frame.line, place->domain);
    return lwi_hash_text(lwi_hash_text(hash, place->frame.file), place->frame.function);
}

/* A row and where it belongs. */
typedef struct seen {
    lw_survivors_row row;
    lwi_place place;
    uint64_t hash;
} seen;

static lw_status see(const lw_survivors *survivors, uint32_t index, seen *seen, lw_error *error)
{
    seen->row = (lw_survivors_row)LW_SURVIVORS_ROW_INIT;
    lw_status status = lw_survivors_row_get(survivors, index, &seen->row, error);
    if (status == LW_OK)
        status = lwi_place_of(survivors, index, &seen->row, &seen->place, error);
    if (status == LW_OK)
        seen->hash = hash_place(&seen->place);
    return status;
}

static bool belongs(const lwi_lines *lines, const lwi_line *line, const seen *seen)
{
    struct seen first;
    if (line->hash != seen->hash || see(lines->survivors, line->row, &first, NULL) != LW_OK)
        return false;
    return same_text(first.place.domain, seen->place.domain) &&
           same_frame(&first.place.frame, &seen->place.frame);
}

static lwi_line *find(lwi_lines *lines, const seen *seen)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        if (belongs(lines, &lines->line[i], seen))
            return &lines->line[i];
    }
    return NULL;
}

static lwi_line *lightest(lwi_lines *lines)
{
    lwi_line *least = &lines->line[0];
    for (uint32_t i = 1; i < lines->count; i++) {
        if (lines->line[i].bytes < least->bytes)
            least = &lines->line[i];
    }
    return least;
}

static void add_row(lwi_line *line, const lw_survivors_row *row)
{
    line->bytes += row->bytes;
    line->blocks += row->blocks;
    line->bytes_square += (double)row->bytes_margin * (double)row->bytes_margin;
    line->blocks_square += (double)row->blocks_margin * (double)row->blocks_margin;
}

/* The space-saving algorithm: a newcomer takes the place of the lightest line and inherits its
 * weight, so a weight is never too low, and what is heavy stays. */
static lw_status choose(lwi_lines *lines, uint32_t rows, lw_error *error)
{
    seen seen;
    for (uint32_t index = 0; index < rows; index++) {
        lw_status status = see(lines->survivors, index, &seen, error);
        if (status != LW_OK)
            return status;
        lwi_line *line = find(lines, &seen);
        if (!line && lines->count < LWI_LINES_MAX) {
            line = &lines->line[lines->count++];
            *line = (lwi_line){.hash = seen.hash, .row = index};
        } else if (!line) {
            line = lightest(lines);
            lines->more = true;
            line->hash = seen.hash;
            line->row = index;
        }
        line->rows++;
        add_row(line, &seen.row);
    }
    return LW_OK;
}

static lw_status count_exactly(lwi_lines *lines, uint32_t rows, lw_error *error)
{
    seen seen;
    for (uint32_t i = 0; i < lines->count; i++) {
        lwi_line *line = &lines->line[i];
        *line = (lwi_line){.hash = line->hash, .row = line->row};
    }
    for (uint32_t index = 0; index < rows; index++) {
        lw_status status = see(lines->survivors, index, &seen, error);
        if (status != LW_OK)
            return status;
        lwi_line *line = find(lines, &seen);
        if (!line)
            continue;
        if (line->rows++ == 0)
            line->row = index;
        add_row(line, &seen.row);
    }
    return LW_OK;
}

static bool before(const lwi_line *a, const lwi_line *b)
{
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes;
    if (a->blocks != b->blocks)
        return a->blocks > b->blocks;
    return a->row < b->row; /* rows that are equal come in the order of their text */
}

static void order(lwi_lines *lines)
{
    lines->shown = lines->count < LWI_LINES_SHOWN ? lines->count : LWI_LINES_SHOWN;
    for (uint32_t i = 0; i < lines->shown; i++) {
        for (uint32_t j = i + 1; j < lines->count; j++) {
            if (before(&lines->line[j], &lines->line[i])) {
                lwi_line swapped = lines->line[i];
                lines->line[i] = lines->line[j];
                lines->line[j] = swapped;
            }
        }
    }
}

static lw_status innermost(const lwi_lines *lines, uint32_t row, lw_frame *frame, lw_error *error)
{
    *frame = (lw_frame)LW_FRAME_INIT;
    return lw_survivors_frame_get(lines->survivors, row, 0, frame, error);
}

static lw_status add_taken(lwi_lines *lines, uint32_t rows, lw_error *error)
{
    seen seen;
    for (uint32_t index = 0; index < rows; index++) {
        lw_status status = see(lines->survivors, index, &seen, error);
        if (status != LW_OK)
            return status;
        lwi_line *line = find(lines, &seen);
        if (!line || line >= lines->line + lines->shown || seen.row.frames == 0)
            continue;
        lw_frame here, there;
        status = innermost(lines, index, &here, error);
        if (status == LW_OK)
            status = innermost(lines, line->row, &there, error);
        if (status != LW_OK)
            return status;
        if (same_frame(&here, &there))
            line->taken_bytes += seen.row.bytes;
    }
    return LW_OK;
}

lw_status lwi_lines_find(lwi_lines *lines, const lw_survivors *survivors, lw_error *error)
{
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    memset(lines, 0, sizeof *lines);
    lines->survivors = survivors;
    lw_status status = lw_survivors_info_get(survivors, &info, error);
    if (status == LW_OK)
        status = choose(lines, info.rows, error);
    if (status == LW_OK && lines->more)
        status = count_exactly(lines, info.rows, error);
    if (status != LW_OK)
        return status;
    order(lines);
    return add_taken(lines, info.rows, error);
}
