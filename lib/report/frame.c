#include "report/frame.h"

void lwi_text_place(lwi_text *text, const lw_frame *frame)
{
    if (frame->file) {
        lwi_text_name(text, frame->file);
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

void lwi_text_frame(lwi_text *text, const lw_frame *frame)
{
    lwi_text_place(text, frame);
    lwi_text_core(text);
    if (frame->file && frame->function) {
        lwi_text_put(text, " ");
        lwi_text_name(text, frame->function);
    }
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
    lwi_json_object_end(json);
}

void lwi_out_frame(lwi_out *out, const lw_frame *frame, uint32_t indent)
{
    lwi_text text;
    lwi_text_init(&text, lwi_out_ascii(out));
    lwi_text_frame(&text, frame);
    if (frame->flags & LW_FRAME_OWN)
        lwi_text_put(&text, " (yours)");
    lwi_out_spaces(out, indent);
    lwi_out_text(out, &text);
    lwi_out_line(out);
}
