/* Where a report goes: a small buffer in front of the caller's callback. The first failure sticks:
 * nothing is written after it, and closing tells. */
#ifndef LWI_REPORT_OUT_H
#define LWI_REPORT_OUT_H

#include <leakwatch/report.h>
#include <stdbool.h>

typedef struct lwi_text lwi_text;

/* Emphasis; without LW_REPORT_COLOUR it writes nothing. */
enum lwi_style { LWI_PLAIN, LWI_HEADLINE, LWI_CULPRIT, LWI_HINT };

typedef struct lwi_out {
    lw_write_fn write;
    void *user;
    lw_report_options options; /* `width` is never 0 here */
    uint32_t column;           /* of the cursor, from 0 */
    enum lwi_style style;      /* in force */
    bool failed;
    bool has_memory;
    lw_memory memory;          /* what the report ends with */
    size_t used;
    char buffer[1024];
} lwi_out;

/* Checks what all reports take. Writes nothing yet. */
lw_status lwi_out_open(lwi_out *out, const lw_report_options *options, lw_write_fn write,
                       void *user, lw_error *error);
/* The report is to end with this; it is copied. */
lw_status lwi_out_remember(lwi_out *out, const lw_memory *memory, lw_error *error);
/* Hands on what is still in the buffer; returns `status`, or LW_E_IO if that was fine so far. */
lw_status lwi_out_close(lwi_out *out, lw_status status, lw_error *error);

bool lwi_out_ascii(const lwi_out *out);
bool lwi_out_all(const lwi_out *out);
bool lwi_out_json(const lwi_out *out);

void lwi_out_bytes(lwi_out *out, const char *bytes, size_t length); /* moves no cursor */
void lwi_out_put(lwi_out *out, const char *words);
void lwi_out_text(lwi_out *out, const lwi_text *text);
void lwi_out_spaces(lwi_out *out, uint32_t count);
void lwi_out_line(lwi_out *out); /* ends the line, unless it is empty */
void lwi_out_style(lwi_out *out, enum lwi_style style);

/* Puts an item `gap` columns after the last one, or on a new line at `indent` if it does not fit;
 * one that is longer than a line is broken between words. */
void lwi_out_item(lwi_out *out, const lwi_text *text, uint32_t gap, uint32_t indent);

/* Puts a text here, broken between words where the line is full. */
void lwi_out_words(lwi_out *out, const lwi_text *text, uint32_t indent);

#endif
