#include "report/ourselves.h"

static const char *const names[] = {"sites", "counts", "sampled"};

enum { MODES = sizeof names / sizeof *names };

lw_context_stats lwi_ourselves_of(const lw_survivors_info *info)
{
    lw_context_stats ourselves = LW_CONTEXT_STATS_INIT;
    ourselves.own_bytes = info->own_bytes;
    ourselves.own_peak_bytes = info->own_peak_bytes;
    ourselves.events = info->events;
    ourselves.dropped = info->dropped;
    ourselves.dropped_memory = info->dropped_memory;
    ourselves.dropped_reentry = info->dropped_reentry;
    ourselves.dropped_stack = info->dropped_stack;
    ourselves.dropped_address = info->dropped_address;
    ourselves.unknown_frees = info->unknown_frees;
    return ourselves;
}

/* ---- text ---- */

static void put_reason(lwi_text *item, uint64_t count, const char *reason, bool *any)
{
    if (count == 0)
        return;
    lwi_text_put(item, *any ? ", " : " (");
    lwi_text_count(item, count);
    lwi_text_put(item, reason);
    *any = true;
}

static void put_dropped(lwi_text *item, const lw_context_stats *ourselves)
{
    bool any = false;
    if (ourselves->dropped == 0) {
        lwi_text_put(item, "0 dropped");
        return;
    }
    lwi_text_counted(item, ourselves->dropped, "event");
    lwi_text_put(item, " dropped");
    put_reason(item, ourselves->dropped_memory, " without memory", &any);
    put_reason(item, ourselves->dropped_reentry, " from inside another", &any);
    put_reason(item, ourselves->dropped_stack, " without a stack", &any);
    put_reason(item, ourselves->dropped_address, " not aligned", &any);
    if (any)
        lwi_text_put(item, ")");
}

void lwi_put_trust(lwi_text *item, uint32_t modes, uint64_t interval,
                   const lw_context_stats *ourselves)
{
    bool mixed = (modes & (modes - 1)) != 0;
    if (mixed)
        lwi_text_put(item, "modes ");
    for (uint32_t i = 0, before = 0; mixed && i < MODES; i++) {
        if (!(modes >> i & 1))
            continue;
        lwi_text_put(item, before++ ? " and " : "");
        lwi_text_put(item, names[i]);
    }
    if (mixed)
        lwi_text_put(item, ", ");
    if (modes & LW_MODES_SAMPLED) {
        lwi_text_put(item, "sampled: 1 in ");
        lwi_text_size(item, interval);
        lwi_text_put(item, ", margins hold in 95 %, ");
    } else if (ourselves->dropped) {
        lwi_text_put(item, "not exact: ");
    } else if (!mixed) {
        lwi_text_put(item, "exact, ");
    }
    put_dropped(item, ourselves);
}

void lwi_put_price(lwi_text *item, const lw_context_stats *ourselves)
{
    lwi_text_put(item, ", our own ");
    lwi_text_size(item, ourselves->own_bytes);
    lwi_text_put(item, " for ");
    lwi_text_counted(item, ourselves->events, "event");
}

static void put_sign(lwi_text *item)
{
    lwi_text_put(item, item->ascii ? " +/- " : " ± ");
}

void lwi_put_margin(lwi_text *item, int64_t bytes)
{
    if (bytes == 0)
        return;
    put_sign(item);
    lwi_text_bytes(item, bytes);
}

void lwi_put_blocks_margin(lwi_text *item, int64_t blocks)
{
    if (blocks == 0)
        return;
    put_sign(item);
    lwi_text_amount(item, blocks);
}

void lwi_put_held(lwi_text *item, int64_t bytes, int64_t blocks, int64_t bytes_margin,
                  int64_t blocks_margin)
{
    lwi_text_bytes(item, bytes);
    lwi_put_margin(item, bytes_margin);
    lwi_text_put(item, " in ");
    lwi_text_amount(item, blocks);
    lwi_put_blocks_margin(item, blocks_margin);
    lwi_text_put(item, blocks == 1 && !blocks_margin ? " block" : " blocks");
}

/* ---- JSON ---- */

void lwi_json_modes(lwi_json *json, uint32_t modes)
{
    lwi_json_array(json, "modes");
    for (uint32_t i = 0; i < MODES; i++) {
        if (modes >> i & 1)
            lwi_json_string(json, NULL, names[i]);
    }
    lwi_json_array_end(json);
}

void lwi_json_ourselves(lwi_json *json, const lw_context_stats *ourselves)
{
    lwi_json_unsigned(json, "events", ourselves->events);
    lwi_json_unsigned(json, "dropped", ourselves->dropped);
    lwi_json_unsigned(json, "dropped_memory", ourselves->dropped_memory);
    lwi_json_unsigned(json, "dropped_reentry", ourselves->dropped_reentry);
    lwi_json_unsigned(json, "dropped_stack", ourselves->dropped_stack);
    lwi_json_unsigned(json, "dropped_address", ourselves->dropped_address);
    lwi_json_unsigned(json, "unknown_frees", ourselves->unknown_frees);
    lwi_json_unsigned(json, "own_bytes", ourselves->own_bytes);
    lwi_json_unsigned(json, "own_peak_bytes", ourselves->own_peak_bytes);
}
