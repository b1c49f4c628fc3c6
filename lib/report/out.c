#include "report/out.h"

#include "base/error.h"
#include "base/structs.h"
#include "report/memory.h"
#include "report/text.h"

#include <string.h>

enum { DEFAULT_WIDTH = 100, SMALLEST_WIDTH = 40 };

lw_status lwi_out_open(lwi_out *out, const lw_report_options *options, lw_write_fn write,
                       void *user, lw_error *error)
{
    const uint32_t known = LW_REPORT_ASCII | LW_REPORT_COLOUR | LW_REPORT_ALL;
    memset(out, 0, sizeof *out);
    lw_status status =
        lwi_take(&out->options, sizeof out->options, options, "lw_report_options", error);
    if (status != LW_OK)
        return status;
    if (!write)
        return lwi_fail(error, LW_E_INVALID, "write is NULL: pass a callback that takes the text");
    if (out->options.format != LW_FORMAT_TEXT && out->options.format != LW_FORMAT_JSON)
        return lwi_fail(error, LW_E_INVALID, "lw_report_options.format is %d: pass a LW_FORMAT_...",
                        (int)out->options.format);
    if (out->options.flags & ~known)
        return lwi_fail(error, LW_E_INVALID,
                        "lw_report_options.flags is 0x%x: this version knows the bits 0x%x only",
                        (unsigned)out->options.flags, (unsigned)known);
    if (out->options.width == 0)
        out->options.width = DEFAULT_WIDTH;
    else if (out->options.width < SMALLEST_WIDTH)
        out->options.width = SMALLEST_WIDTH;
    out->write = write;
    out->user = user;
    return out->options.memory ? lwi_out_remember(out, out->options.memory, error) : LW_OK;
}

lw_status lwi_out_remember(lwi_out *out, const lw_memory *memory, lw_error *error)
{
    lw_status status = lwi_take(&out->memory, sizeof out->memory, memory, "lw_memory", error);
    if (out->memory.domain_count > LW_MEMORY_DOMAINS)
        out->memory.domain_count = LW_MEMORY_DOMAINS;
    for (uint32_t i = 0; i < out->memory.domain_count; i++)
        out->memory.domains[i].name[LW_MEMORY_NAME - 1] = '\0';
    out->has_memory = status == LW_OK;
    return status;
}

static void flush(lwi_out *out)
{
    if (out->used && out->write(out->buffer, out->used, out->user) != 0)
        out->failed = true; /* from here on nothing is taken into the buffer */
    out->used = 0;
}

lw_status lwi_out_close(lwi_out *out, lw_status status, lw_error *error)
{
    if (status == LW_OK && out->has_memory && !lwi_out_json(out))
        lwi_out_memory(out, &out->memory);
    flush(out);
    if (status == LW_OK && out->failed)
        return lwi_fail(error, LW_E_IO, "the report is cut short: the writer said stop");
    return status;
}

bool lwi_out_ascii(const lwi_out *out)
{
    return out->options.flags & LW_REPORT_ASCII;
}

bool lwi_out_all(const lwi_out *out)
{
    return out->options.flags & LW_REPORT_ALL;
}

bool lwi_out_json(const lwi_out *out)
{
    return out->options.format == LW_FORMAT_JSON;
}

void lwi_out_bytes(lwi_out *out, const char *bytes, size_t length)
{
    while (length && !out->failed) {
        size_t part = sizeof out->buffer - out->used;
        if (part > length)
            part = length;
        memcpy(out->buffer + out->used, bytes, part);
        out->used += part;
        bytes += part;
        length -= part;
        if (out->used == sizeof out->buffer)
            flush(out);
    }
}

void lwi_out_put(lwi_out *out, const char *words)
{
    lwi_out_bytes(out, words, strlen(words));
    out->column += lwi_columns(words);
}

void lwi_out_text(lwi_out *out, const lwi_text *text)
{
    lwi_out_bytes(out, text->bytes, text->length);
    out->column += text->columns;
}

void lwi_out_spaces(lwi_out *out, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        lwi_out_bytes(out, " ", 1);
    out->column += count;
}

void lwi_out_line(lwi_out *out)
{
    if (out->column == 0)
        return;
    lwi_out_bytes(out, "\n", 1);
    out->column = 0;
}

void lwi_out_style(lwi_out *out, enum lwi_style style)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[1;31m", "\033[36m"};
    if (!(out->options.flags & LW_REPORT_COLOUR) || style == out->style)
        return;
    lwi_out_bytes(out, codes[style], strlen(codes[style]));
    out->style = style;
}

static void new_line(lwi_out *out, uint32_t indent)
{
    lwi_out_line(out);
    lwi_out_spaces(out, indent);
}

void lwi_out_words(lwi_out *out, const lwi_text *text, uint32_t indent)
{
    const char *at = text->bytes;
    uint32_t gap = 0; /* owed, so that no line ends with it */
    while (*at) {
        size_t length = strcspn(at, " ");
        uint32_t columns = lwi_columns_of(at, length);
        if (out->column + gap + columns > out->options.width && out->column > indent)
            new_line(out, indent);
        else
            lwi_out_spaces(out, gap);
        lwi_out_bytes(out, at, length);
        out->column += columns;
        at += length;
        gap = (uint32_t)strspn(at, " ");
        at += gap;
    }
}

void lwi_out_item(lwi_out *out, const lwi_text *text, uint32_t gap, uint32_t indent)
{
    if (text->length == 0)
        return;
    if (out->column == 0)
        lwi_out_spaces(out, indent);
    else if (out->column + gap + text->columns > out->options.width)
        new_line(out, indent);
    else
        lwi_out_spaces(out, gap);
    if (out->column + text->columns > out->options.width)
        lwi_out_words(out, text, indent);
    else
        lwi_out_text(out, text);
}
