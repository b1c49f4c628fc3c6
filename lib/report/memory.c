#include "report/memory.h"

#include "base/error.h"
#include "base/structs.h"
#include "report/table.h"
#include "report/text.h"

/* ---- rows ---- */

enum { PARTS = 8, MUCH = 8 << 20 };

typedef struct part {
    const char *what;
    uint64_t bytes;
    const char *how; /* far the number goes */
    const char *note;
} part;

typedef struct view {
    const lw_memory *memory;
    part parts[PARTS];
    uint32_t count;
} view;

static void add_part(view *view, const char *what, uint64_t bytes, const char *how,
                     const char *note)
{
    if (bytes)
        view->parts[view->count++] = (part){what, bytes, how, note};
}

static void find_parts(view *view)
{
    const lw_memory *memory = view->memory;
    view->count = 0;
    add_part(view, "recorded blocks", memory->blocks, "up to", NULL);
    add_part(view, "not recorded", memory->unrecorded, "up to",
             "older than recording, ignored, headers");
    add_part(view, "kept by allocators", memory->slack, "up to", "freed, or not handed out yet");
    add_part(view, "stacks", memory->stacks, "", NULL);
    add_part(view, "code and files", memory->files, "", NULL);
    add_part(view, "shared", memory->shared, "", NULL);
    add_part(view, "our own", memory->own, "up to", NULL);
    view->parts[view->count++] = (part){
        "unexplained", memory->unexplained, memory->unexplained ? "at least" : "",
        memory->flags & LW_MEMORY_SILENT ? "an allocator could not say what it keeps" : NULL};
}

/* "malloc 280 MiB, python.obj 20 MiB" */
static void put_domains(const lw_memory *memory, lwi_text *cell)
{
    enum { SHOWN = 3 };
    for (uint32_t i = 0; i < memory->domain_count && i < SHOWN; i++) {
        lwi_text_put(cell, i ? ", " : "");
        lwi_text_name(cell, memory->domains[i].name);
        lwi_text_put(cell, " ");
        lwi_text_bytes(cell, memory->domains[i].bytes);
    }
    if (memory->domain_count > SHOWN) {
        lwi_text_put(cell, ", ");
        lwi_text_sign(cell, LWI_ELLIPSIS);
    }
}

static void put_percent(uint64_t part, uint64_t whole, lwi_text *cell)
{
    double percent = whole ? 100.0 * (double)part / (double)whole : 0.0;
    if (percent > 100.0)
        return; /* it cannot all be in memory */
    lwi_text_number(cell, (uint64_t)(percent + 0.5));
    lwi_text_put(cell, " %");
}

enum { WHAT, BYTES, SHARE, HOW, NOTE, COLUMNS };

static lw_status part_row(const void *user, uint32_t row, lwi_text *cells, lw_error *error)
{
    const view *view = user;
    const part *part = &view->parts[row];
    (void)error;
    lwi_text_put(&cells[WHAT], part->what);
    lwi_text_put(&cells[HOW], part->how);
    lwi_text_size(&cells[BYTES], part->bytes);
    put_percent(part->bytes, view->memory->resident, &cells[SHARE]);
    if (row == 0 && view->memory->blocks)
        put_domains(view->memory, &cells[NOTE]);
    else if (part->note)
        lwi_text_put(&cells[NOTE], part->note);
    return LW_OK;
}

/* ---- text ---- */

static void write_headline(lwi_out *out, const lw_memory *memory)
{
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(out));
    lwi_text_put(&item, "memory");
    lwi_out_style(out, LWI_HEADLINE);
    lwi_out_item(out, &item, 0, 0);
    lwi_out_style(out, LWI_PLAIN);
    lwi_text_init(&item, lwi_out_ascii(out));
    lwi_text_size(&item, memory->resident);
    lwi_text_put(&item, " in the process, ");
    lwi_text_size(&item, memory->peak);
    lwi_text_put(&item, " at its peak");
    if (memory->limit) {
        lwi_text_put(&item, ", limit ");
        lwi_text_size(&item, memory->limit);
    }
    lwi_out_item(out, &item, 2, 2);
    lwi_out_line(out);
}

static void write_remark(lwi_out *out, uint64_t bytes, const char *words)
{
    lwi_text item;
    if (bytes == 0)
        return;
    lwi_text_init(&item, lwi_out_ascii(out));
    lwi_text_size(&item, bytes);
    lwi_text_put(&item, words);
    lwi_out_item(out, &item, 0, 2);
    lwi_out_line(out);
}

static void write_next(lwi_out *out, const lw_memory *memory)
{
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(out));
    if (memory->unexplained > MUCH && memory->unexplained > memory->resident / 4)
        lwi_text_put(&item, "next: record what else allocates: `leakwatch run` sees malloc; tell "
                            "of mappings and pools with lw_block_alloc(), of allocators with "
                            "lw_memory_source_add()");
    else if (memory->slack > MUCH && memory->slack > memory->resident / 4)
        lwi_text_put(&item, "next: allocators keep much of what was freed: few blocks that live "
                            "long among many that do not hold whole pages; malloc_trim() gives "
                            "back what is free");
    else
        return;
    lwi_out_style(out, LWI_HINT);
    lwi_out_item(out, &item, 0, 2);
    lwi_out_style(out, LWI_PLAIN);
    lwi_out_line(out);
}

void lwi_out_memory(lwi_out *out, const lw_memory *memory)
{
    static const lwi_column columns[COLUMNS] = {
        [WHAT] = {.title = NULL},
        [HOW] = {.title = NULL},
        [BYTES] = {.title = NULL, .number = true},
        [SHARE] = {.title = NULL, .number = true, .optional = true},
        [NOTE] = {.title = NULL, .optional = true},
    };
    view view = {.memory = memory};
    lwi_table table = {columns, COLUMNS, 0, false, part_row, NULL, &view};
    find_parts(&view);
    table.rows = view.count;
    write_headline(out, memory);
    lwi_table_write(out, &table, NULL); /* its rows cannot fail */
    write_remark(out, memory->absent, " of what reads \"up to\" is not in memory");
    write_remark(out, memory->apart, " on devices, apart from this");
    write_next(out, memory);
}

/* ---- JSON ---- */

void lwi_json_memory(lwi_json *json, const lw_memory *memory)
{
    if (!memory) {
        lwi_json_null(json, "memory");
        return;
    }
    lwi_json_object(json, "memory");
    lwi_json_unsigned(json, "resident", memory->resident);
    lwi_json_unsigned(json, "peak", memory->peak);
    if (memory->limit)
        lwi_json_unsigned(json, "limit", memory->limit);
    else
        lwi_json_null(json, "limit");
    lwi_json_unsigned(json, "blocks", memory->blocks);
    lwi_json_unsigned(json, "unrecorded", memory->unrecorded);
    lwi_json_unsigned(json, "slack", memory->slack);
    lwi_json_unsigned(json, "stacks", memory->stacks);
    lwi_json_unsigned(json, "files", memory->files);
    lwi_json_unsigned(json, "shared", memory->shared);
    lwi_json_unsigned(json, "own", memory->own);
    lwi_json_unsigned(json, "unexplained", memory->unexplained);
    lwi_json_unsigned(json, "absent", memory->absent);
    lwi_json_unsigned(json, "apart", memory->apart);
    lwi_json_bool(json, "silent", memory->flags & LW_MEMORY_SILENT);
    lwi_json_array(json, "domains");
    for (uint32_t i = 0; i < memory->domain_count && i < LW_MEMORY_DOMAINS; i++) {
        lwi_json_object(json, NULL);
        lwi_json_string(json, "domain", memory->domains[i].name);
        lwi_json_signed(json, "bytes", memory->domains[i].bytes);
        lwi_json_object_end(json);
    }
    lwi_json_array_end(json);
    lwi_json_object_end(json);
}

/* ---- on its own ---- */

lw_status lw_report_memory(const lw_memory *memory, const lw_report_options *options,
                           lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!memory)
        return lwi_fail(error, LW_E_INVALID, "memory is NULL: pass what lw_memory_get() told");
    status = lwi_out_remember(&out, memory, error);
    if (status != LW_OK)
        return status;
    if (lwi_out_json(&out)) {
        lwi_json json = lwi_json_report(&out, "memory");
        lwi_json_report_end(&json);
    }
    return lwi_out_close(&out, LW_OK, error);
}
