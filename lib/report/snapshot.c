#include "base/error.h"
#include "report/json.h"
#include "report/text.h"

#include <leakwatch/report.h>

enum { INDENT = 18 };

static void put_two(lwi_text *text, uint64_t number)
{
    if (number < 10)
        lwi_text_put(text, "0");
    lwi_text_number(text, number);
}

/* "2026-11-23 18:04:05 UTC". The civil date of a day number after Howard Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms". */
static void put_time(lwi_text *text, uint64_t ns)
{
    uint64_t seconds = ns / UINT64_C(1000000000), day = seconds / 86400 + 719468;
    uint64_t era = day / 146097, of_era = day % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * of_year + 2) / 153;
    lwi_text_number(text, year + era * 400 + (month >= 10));
    lwi_text_put(text, "-");
    put_two(text, month < 10 ? month + 3 : month - 9);
    lwi_text_put(text, "-");
    put_two(text, of_year - (153 * month + 2) / 5 + 1);
    lwi_text_put(text, " ");
    put_two(text, seconds % 86400 / 3600);
    lwi_text_put(text, ":");
    put_two(text, seconds % 3600 / 60);
    lwi_text_put(text, ":");
    put_two(text, seconds % 60);
    lwi_text_put(text, " UTC");
}

static void write_headline(lwi_out *out, const lw_snapshot_info *info)
{
    lwi_text text;
    lwi_text_init(&text, lwi_out_ascii(out));
    lwi_text_put(&text, "snapshot");
    if (*info->name) {
        lwi_text_put(&text, " \"");
        lwi_text_name(&text, info->name);
        lwi_text_put(&text, "\"");
    }
    lwi_out_style(out, LWI_HEADLINE);
    lwi_out_item(out, &text, 0, 0);
    lwi_out_style(out, LWI_PLAIN);
    lwi_text_init(&text, lwi_out_ascii(out));
    lwi_text_put(&text, "of ");
    lwi_text_name(&text, *info->program ? info->program : "a program");
    lwi_text_put(&text, ", process ");
    lwi_text_number(&text, info->process);
    lwi_text_put(&text, ", at ");
    put_time(&text, info->taken_at);
    lwi_out_item(out, &text, 2, 2);
    lwi_out_line(out);
}

static void write_line(lwi_out *out, const char *name, const lwi_text *text)
{
    lwi_out_spaces(out, 2);
    lwi_out_put(out, name);
    lwi_out_spaces(out, INDENT > out->column ? INDENT - out->column : 1);
    lwi_out_words(out, text, INDENT);
    lwi_out_line(out);
}

static void write_count(lwi_out *out, const char *name, uint64_t count, uint64_t bytes)
{
    lwi_text text;
    if (count == 0)
        return;
    lwi_text_init(&text, lwi_out_ascii(out));
    lwi_text_count(&text, count);
    if (bytes) {
        lwi_text_put(&text, ", ");
        lwi_text_size(&text, bytes);
    }
    write_line(out, name, &text);
}

static void write_text(lwi_out *out, const lw_snapshot_info *info)
{
    lwi_text text;
    write_headline(out, info);
    write_count(out, "objects", info->nodes, info->size);
    if (info->external) {
        lwi_text_init(&text, lwi_out_ascii(out));
        lwi_text_size(&text, info->external);
        lwi_text_put(&text, " that they own outside of themselves");
        write_line(out, "external", &text);
    }
    write_count(out, "references", info->edges, 0);
    write_count(out, "types", info->types, 0);
    write_count(out, "roots", info->roots, 0);
    write_count(out, "held from C", info->outside, 0);
    write_count(out, "garbage", info->garbage, info->garbage_size);
    write_count(out, "dangling", info->dangling, 0);
    write_count(out, "conflicts", info->conflicts, 0);
    if (info->flags & LW_SNAPSHOT_HIDDEN) {
        lwi_text_init(&text, lwi_out_ascii(out));
        lwi_text_put(&text, "left out of the file: keys read as dots");
        write_line(out, "values", &text);
    }
    if (info->flags & LW_SNAPSHOT_CHILD) {
        lwi_text_init(&text, lwi_out_ascii(out));
        lwi_text_put(&text, "in a forked child");
        write_line(out, "captured", &text);
    }
    lwi_text_init(&text, lwi_out_ascii(out));
    lwi_text_size(&text, info->own_bytes);
    write_line(out, "our own", &text);
}

static void write_json(lwi_out *out, const lw_snapshot_info *info)
{
    lwi_json json = lwi_json_report(out, "snapshot");
    lwi_json_string(&json, "name", *info->name ? info->name : NULL);
    lwi_json_string(&json, "program", *info->program ? info->program : NULL);
    lwi_json_unsigned(&json, "process", info->process);
    lwi_json_unsigned(&json, "taken_at", info->taken_at);
    lwi_json_unsigned(&json, "took_ns", info->took_ns);
    lwi_json_unsigned(&json, "nodes", info->nodes);
    lwi_json_unsigned(&json, "edges", info->edges);
    lwi_json_unsigned(&json, "size", info->size);
    lwi_json_unsigned(&json, "external", info->external);
    lwi_json_unsigned(&json, "types", info->types);
    lwi_json_unsigned(&json, "roots", info->roots);
    lwi_json_unsigned(&json, "outside", info->outside);
    lwi_json_unsigned(&json, "garbage", info->garbage);
    lwi_json_unsigned(&json, "garbage_size", info->garbage_size);
    lwi_json_unsigned(&json, "dangling", info->dangling);
    lwi_json_unsigned(&json, "conflicts", info->conflicts);
    lwi_json_unsigned(&json, "own_bytes", info->own_bytes);
    lwi_json_bool(&json, "hidden", info->flags & LW_SNAPSHOT_HIDDEN);
    lwi_json_bool(&json, "child", info->flags & LW_SNAPSHOT_CHILD);
    lwi_json_report_end(&json);
}

lw_status lw_report_snapshot(const lw_snapshot *snapshot, const lw_report_options *options,
                             lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status == LW_OK)
        status = lw_snapshot_info_get(snapshot, &info, error);
    if (status != LW_OK)
        return status;
    if (lwi_out_json(&out))
        write_json(&out, &info);
    else
        write_text(&out, &info);
    return lwi_out_close(&out, LW_OK, error);
}
