#include "report/frame.h"

static bool is_separator(char letter)
{
    return letter == '/' || letter == '\\';
}

static bool is_absolute(const char *file)
{
    return is_separator(file[0]) || (file[0] && file[1] == ':' && is_separator(file[2]));
}

/* A path from the root of the file system says little in front and much at its end: the last
 * folder and the file. One that is relative was made so by its host; only ways up are left out. */
static const char *short_file(const char *file)
{
    while (file[0] == '.' && file[1] == '.' && is_separator(file[2]))
        file += 3;
    if (!is_absolute(file))
        return file;
    const char *last = file, *before = file;
    for (const char *at = file; *at; at++) {
        if (is_separator(*at) && at[1]) {
            before = last;
            last = at + 1;
        }
    }
    return is_absolute(before) ? last : before;
}

static void put_place(lwi_text *text, const lw_frame *frame, bool whole)
{
    if (frame->file) {
        lwi_text_name(text, whole ? frame->file : short_file(frame->file));
        if (frame->line) {
            lwi_text_put(text, ":");
            lwi_text_number(text, frame->line);
        }
    } else if (frame->function) {
        lwi_text_name(text, frame->function);
    } else {
        lwi_text_put(text, "(a place without a name)");
    }
}

static void put_frame(lwi_text *text, const lw_frame *frame, bool whole)
{
    put_place(text, frame, whole);
    lwi_text_core(text);
    if (frame->file && frame->function) {
        lwi_text_put(text, " ");
        lwi_text_name(text, frame->function);
    }
}

void lwi_text_place(lwi_text *text, const lw_frame *frame)
{
    put_place(text, frame, false);
}

void lwi_text_frame(lwi_text *text, const lw_frame *frame)
{
    put_frame(text, frame, false);
}

void lwi_json_frame(lwi_json *json, const lw_frame *frame)
{
    lwi_json_object(json, NULL);
    lwi_json_string(json, "file", frame->file);
    if (frame->line)
        lwi_json_unsigned(json, "line", frame->line);
    else
        lwi_json_null(json, "line");
    lwi_json_string(json, "function", frame->function);
    lwi_json_bool(json, "own", frame->flags & LW_FRAME_OWN);
    lwi_json_bool(json, "inlined", frame->flags & LW_FRAME_INLINED);
    lwi_json_object_end(json);
}

void lwi_out_frame(lwi_out *out, const lw_frame *frame, uint32_t indent)
{
    lwi_text text;
    lwi_text_init(&text, lwi_out_ascii(out));
    put_frame(&text, frame, true);
    if (frame->flags & LW_FRAME_OWN)
        lwi_text_put(&text, " (yours)");
    if (frame->flags & LW_FRAME_INLINED)
        lwi_text_put(&text, " inlined into");
    lwi_out_spaces(out, indent);
    lwi_out_text(out, &text);
    lwi_out_line(out);
}
