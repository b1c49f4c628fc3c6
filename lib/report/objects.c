#include "base/error.h"
#include "report/json.h"
#include "report/table.h"

#include <string.h>

enum { BATCH = 64, TYPES_SHOWN = 20 };

/* The heaviest types that come after a given one. Counters go on moving while we read them, so a
 * batch is a copy: what is written agrees with itself. */
typedef struct batch {
    lw_type_stats item[BATCH];
    uint32_t room; /* how many are wanted */
    uint32_t count;
    bool has_last;
    lw_type_stats last; /* only what comes after it is wanted */
    uint32_t types;     /* seen, wanted or not */
    uint64_t live;
    uint64_t size;
    lw_status status;
    lw_error *error;
} batch;

static uint64_t size_of(const lw_type_stats *type)
{
    return type->live && type->size > UINT64_MAX / type->live ? UINT64_MAX
                                                              : type->live * type->size;
}

static bool before(const lw_type_stats *a, const lw_type_stats *b)
{
    if (size_of(a) != size_of(b))
        return size_of(a) > size_of(b);
    if (a->live != b->live)
        return a->live > b->live;
    return strcmp(a->name, b->name) < 0;
}

static int collect(lw_type *type, void *user)
{
    batch *batch = user;
    lw_type_stats stats = LW_TYPE_STATS_INIT;
    batch->status = lw_type_stats_get(type, &stats, batch->error);
    if (batch->status != LW_OK)
        return 1;
    batch->types++;
    batch->live += stats.live;
    uint64_t size = size_of(&stats);
    batch->size = size > UINT64_MAX - batch->size ? UINT64_MAX : batch->size + size;
    if (batch->has_last && !before(&batch->last, &stats))
        return 0;
    uint32_t at = batch->count;
    while (at > 0 && before(&stats, &batch->item[at - 1]))
        at--;
    if (at == batch->room)
        return 0;
    if (batch->count < batch->room)
        batch->count++;
    memmove(&batch->item[at + 1], &batch->item[at],
            (batch->count - 1 - at) * sizeof batch->item[0]);
    batch->item[at] = stats;
    return 0;
}

/* Collects the next batch; after the first one `last` is where the one before ended. */
static lw_status next_batch(lw_context *context, batch *batch, lw_error *error)
{
    if (batch->count) {
        batch->has_last = true;
        batch->last = batch->item[batch->count - 1];
    }
    batch->count = batch->types = 0;
    batch->live = batch->size = 0;
    batch->error = error;
    lw_status status = lw_type_each(context, collect, batch, error);
    return status == LW_OK ? batch->status : status;
}

enum { TYPE, LIVE, SIZE, CREATED, DESTROYED, HIGH_WATER, COLUMNS };

/* What the types behind the batch have together. */
static void put_rest(const batch *batch, lwi_text *cells)
{
    uint64_t live = batch->live, size = batch->size;
    for (uint32_t i = 0; i < batch->count; i++) {
        live -= batch->item[i].live;
        size -= size_of(&batch->item[i]);
    }
    lwi_text_put(&cells[TYPE], "+");
    lwi_text_counted(&cells[TYPE], batch->types - batch->count, "more type");
    lwi_text_count(&cells[LIVE], live);
    lwi_text_size(&cells[SIZE], size);
}

static lw_status type_row(const void *user, uint32_t row, lwi_text *cells, lw_error *error)
{
    const batch *batch = user;
    (void)error;
    if (row == batch->count) {
        put_rest(batch, cells);
        return LW_OK;
    }
    const lw_type_stats *type = &batch->item[row];
    lwi_text_name(&cells[TYPE], type->name);
    lwi_text_count(&cells[LIVE], type->live);
    lwi_text_size(&cells[SIZE], size_of(type));
    lwi_text_count(&cells[CREATED], type->created);
    lwi_text_count(&cells[DESTROYED], type->destroyed);
    lwi_text_count(&cells[HIGH_WATER], type->high_water);
    return LW_OK;
}

static lw_status write_table(lwi_out *out, const batch *batch, lw_error *error)
{
    static const lwi_column columns[COLUMNS] = {
        [TYPE] = {.title = "type"},
        [LIVE] = {.title = "live", .number = true},
        [SIZE] = {.title = "size", .number = true},
        [CREATED] = {.title = "created", .number = true, .optional = true},
        [DESTROYED] = {.title = "destroyed", .number = true, .optional = true},
        [HIGH_WATER] = {.title = "most at once", .number = true, .optional = true},
    };
    bool rest = !lwi_out_all(out) && batch->types > batch->count;
    lwi_table table = {columns, COLUMNS, batch->count + rest, !batch->has_last, type_row, NULL,
                       batch};
    return lwi_table_write(out, &table, error);
}

static void put_trouble(lwi_text *item, uint64_t count, const char *noun, const char *what)
{
    if (count == 0)
        return;
    lwi_text_put(item, item->length ? ", " : "");
    lwi_text_counted(item, count, noun);
    lwi_text_put(item, what);
}

/* Ends and beginnings that nobody told us. */
static void write_trouble(lwi_out *out, const lw_type_stats *type)
{
    lwi_text name, what;
    lwi_text_init(&name, lwi_out_ascii(out));
    lwi_text_init(&what, lwi_out_ascii(out));
    put_trouble(&what, type->unseen, "object", " ended unseen");
    put_trouble(&what, type->unknown, "end", " of unknown objects");
    put_trouble(&what, type->dropped, "object", " not recorded for want of memory");
    if (what.length == 0)
        return;
    lwi_text_name(&name, type->name);
    lwi_text_put(&name, ":");
    lwi_out_item(out, &name, 0, 2);
    lwi_out_item(out, &what, 1, 4);
    lwi_out_line(out);
}

static void write_headline(lwi_out *out, const batch *batch)
{
    lwi_text item;
    lwi_text_init(&item, lwi_out_ascii(out));
    lwi_text_put(&item, "objects");
    lwi_out_style(out, LWI_HEADLINE);
    lwi_out_item(out, &item, 0, 0);
    lwi_out_style(out, LWI_PLAIN);
    lwi_text_init(&item, lwi_out_ascii(out));
    lwi_text_counted(&item, batch->types, "type");
    lwi_text_put(&item, ", ");
    lwi_text_count(&item, batch->live);
    lwi_text_put(&item, " live, ");
    lwi_text_size(&item, batch->size);
    lwi_out_item(out, &item, 3, 2);
    lwi_out_line(out);
}

static lw_status write_text(lwi_out *out, lw_context *context, lw_error *error)
{
    batch batch = {.room = lwi_out_all(out) ? BATCH : TYPES_SHOWN};
    lw_status status = next_batch(context, &batch, error);
    if (status != LW_OK)
        return status;
    write_headline(out, &batch);
    while (batch.count && !out->failed) {
        if ((status = write_table(out, &batch, error)) != LW_OK)
            return status;
        for (uint32_t i = 0; i < batch.count; i++)
            write_trouble(out, &batch.item[i]);
        if (!lwi_out_all(out))
            return LW_OK;
        if ((status = next_batch(context, &batch, error)) != LW_OK)
            return status;
    }
    return LW_OK;
}

static void json_type(lwi_json *json, const lw_type_stats *type)
{
    lwi_json_object(json, NULL);
    lwi_json_string(json, "name", type->name);
    lwi_json_unsigned(json, "object_size", type->size);
    lwi_json_unsigned(json, "live", type->live);
    lwi_json_unsigned(json, "created", type->created);
    lwi_json_unsigned(json, "destroyed", type->destroyed);
    lwi_json_unsigned(json, "high_water", type->high_water);
    lwi_json_unsigned(json, "unseen", type->unseen);
    lwi_json_unsigned(json, "unknown", type->unknown);
    lwi_json_unsigned(json, "dropped", type->dropped);
    lwi_json_object_end(json);
}

static lw_status write_json(lwi_out *out, lw_context *context, lw_error *error)
{
    batch batch = {.room = BATCH};
    lw_status status = next_batch(context, &batch, error);
    if (status != LW_OK)
        return status;
    lwi_json json = lwi_json_report(out, "objects");
    lwi_json_unsigned(&json, "live", batch.live);
    lwi_json_unsigned(&json, "size", batch.size);
    lwi_json_array(&json, "types");
    while (batch.count && !out->failed) {
        for (uint32_t i = 0; i < batch.count; i++)
            json_type(&json, &batch.item[i]);
        if ((status = next_batch(context, &batch, error)) != LW_OK)
            return status;
    }
    lwi_json_array_end(&json);
    lwi_json_report_end(&json);
    return LW_OK;
}

lw_status lw_report_objects(lw_context *context, const lw_report_options *options,
                            lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL: pass the one whose types you mean");
    status = lwi_out_json(&out) ? write_json(&out, context, error)
                                : write_text(&out, context, error);
    return lwi_out_close(&out, status, error);
}
