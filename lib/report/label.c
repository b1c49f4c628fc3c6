#include "report/label.h"

void lwi_text_label(lwi_text *text, const lw_label *label)
{
    static const char *const around[][2] = {
        [LW_LABEL_ATTRIBUTE] = {".", ""},
        [LW_LABEL_KEY] = {"[", "]"},
        [LW_LABEL_VARIABLE] = {"", ""},
        [LW_LABEL_INTERNAL] = {"(", ")"},
    };
    if (label->style == -1) {
        lwi_text_put(text, "[");
        lwi_text_number(text, label->index);
        lwi_text_put(text, "]");
    } else if (label->style >= 0 && label->style <= LW_LABEL_INTERNAL) {
        lwi_text_put(text, around[label->style][0]);
        lwi_text_name(text, label->text);
        lwi_text_put(text, around[label->style][1]);
    } else {
        lwi_text_put(text, "(no name)");
    }
}

void lwi_text_root(lwi_text *text, const char *kind, const lw_label *label)
{
    lwi_text_name(text, kind);
    if (label->style != -2) {
        lwi_text_put(text, " ");
        lwi_text_label(text, label);
    }
}

void lwi_text_edge_kind(lwi_text *text, int32_t kind)
{
    static const char *const marks[] = {
        [LW_EDGE_STRONG] = "",
        [LW_EDGE_BORROWED] = ", borrowed",
        [LW_EDGE_WEAK] = ", weak",
        [LW_EDGE_EPHEMERON] = ", ephemeron",
        [LW_EDGE_UNKNOWN] = ", found by scanning",
    };
    if (kind >= LW_EDGE_STRONG && kind <= LW_EDGE_UNKNOWN)
        lwi_text_put(text, marks[kind]);
}

void lwi_json_label(lwi_json *json, const lw_label *label)
{
    static const char *const styles[] = {
        [LW_LABEL_ATTRIBUTE] = "attribute",
        [LW_LABEL_KEY] = "key",
        [LW_LABEL_VARIABLE] = "variable",
        [LW_LABEL_INTERNAL] = "internal",
    };
    if (label->style == -1) {
        lwi_json_object(json, "label");
        lwi_json_string(json, "style", "index");
        lwi_json_unsigned(json, "index", label->index);
        lwi_json_object_end(json);
    } else if (label->style >= 0 && label->style <= LW_LABEL_INTERNAL) {
        lwi_json_object(json, "label");
        lwi_json_string(json, "style", styles[label->style]);
        lwi_json_string(json, "text", label->text);
        lwi_json_object_end(json);
    } else {
        lwi_json_null(json, "label");
    }
}

void lwi_json_edge_kind(lwi_json *json, int32_t kind)
{
    static const char *const kinds[] = {
        [LW_EDGE_STRONG] = "strong",       [LW_EDGE_BORROWED] = "borrowed",
        [LW_EDGE_WEAK] = "weak",           [LW_EDGE_EPHEMERON] = "ephemeron",
        [LW_EDGE_UNKNOWN] = "unknown",
    };
    bool known = kind >= LW_EDGE_STRONG && kind <= LW_EDGE_UNKNOWN;
    lwi_json_string(json, "kind", kinds[known ? kind : LW_EDGE_UNKNOWN]);
}
