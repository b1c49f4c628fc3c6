/* What survives, by site: a walk over the maps counts live blocks by birth, births are merged by
 * site and domain, and the result is a table that owns its text. */
#include "base/error.h"
#include "base/sort.h"
#include "base/structs.h"
#include "record/context.h"
#include "record/enter.h"
#include "record/history.h"
#include "record/sampled.h"

#include <string.h>

/* ---- counting by birth ---- */

typedef struct tally {
    lw_context *context;
    lwi_thread *thread; /* the calling one */
    const lw_region *region; /* NULL: everything */
    const lwi_round *round;  /* NULL: all its rounds */
    lwi_amount *births;      /* by number */
    uint32_t count;
    lwi_samples *samples; /* by number; NULL: there are none */
    lwi_amount counted; /* blocks of which only domain and size are known */
} tally;

static bool born_inside(const tally *tally, const lwi_birth *birth)
{
    if (!tally->region)
        return true;
    for (const lwi_span *span = birth->span; span->round; span = span->parent) {
        if (tally->round ? span->round == tally->round : span->round->region == tally->region)
            return true;
    }
    return false;
}

static bool tally_block(uint64_t address, lwi_record record, void *user)
{
    tally *tally = user;
    (void)address;
    if (record.birth < tally->count) {
        tally->births[record.birth].bytes += (int64_t)record.size;
        tally->births[record.birth].blocks++;
    }
    return true;
}

static bool tally_weighed(uint64_t address, lwi_record record, void *user)
{
    tally *tally = user;
    if (record.birth >= tally->count)
        return true;
    const lwi_birth *birth = lwi_birth_at(&tally->context->births, record.birth);
    lwi_weight weight = lwi_weight_of(birth, address, record.size);
    lwi_samples *samples = &tally->samples[record.birth];
    tally->births[record.birth].bytes += weight.bytes;
    tally->births[record.birth].blocks += weight.blocks;
    samples->count += birth->flags & LWI_SAMPLED ? 1 : 0;
    lwi_spread_add(&samples->spread, &weight.spread, 1);
    return true;
}

static void tally_births(tally *tally)
{
    for (uint32_t i = 1; i < tally->count; i++) {
        const lwi_birth *birth = lwi_birth_at(&tally->context->births, i);
        if (birth->flags & LWI_COUNTS && !(birth->flags & (LWI_ADOPTED | LWI_UNCOUNTED)))
            tally->counted = lwi_amount_sum(tally->counted, tally->births[i]);
        if (birth->span && !(birth->flags & (LWI_ADOPTED | LWI_UNCOUNTED | LWI_COUNTS)) &&
            born_inside(tally, birth))
            continue;
        tally->births[i] = (lwi_amount){0, 0};
        if (tally->samples)
            tally->samples[i] = (lwi_samples){0, {0, 0}};
    }
}

static void tally_maps(tally *tally)
{
    lw_context *context = tally->context;
    lwi_map_fn visit = tally->samples ? tally_weighed : tally_block;
    lwi_map_each(&context->shared_map, 0, UINT64_MAX, visit, tally);
    for (uint32_t i = 1; i <= context->domain_count; i++) {
        if (context->domains[i]->map == &context->domains[i]->own_map)
            lwi_map_each(&context->domains[i]->own_map, 0, UINT64_MAX, visit, tally);
    }
    tally_births(tally);
}

static bool tally_make(tally *tally)
{
    tally->count = tally->context->births.count;
    if (tally->count == 0)
        return true;
    bool sampled = LWI_READ(tally->context->interval);
    tally->births =
        lwi_alloc(&tally->context->mem, lwi_array_size(tally->count, sizeof *tally->births));
    if (sampled)
        tally->samples =
            lwi_alloc(&tally->context->mem, lwi_array_size(tally->count, sizeof *tally->samples));
    if (!tally->births || (sampled && !tally->samples))
        return false;
    tally_maps(tally);
    return true;
}

static void tally_free(tally *tally)
{
    lwi_free(&tally->context->mem, tally->births,
             lwi_array_size(tally->count, sizeof *tally->births));
    lwi_free(&tally->context->mem, tally->samples,
             lwi_array_size(tally->count, sizeof *tally->samples));
}

bool lwi_region_live(lw_context *context, const lw_region *region, int64_t *bytes,
                     int64_t *blocks, lwi_spread *spread)
{
    tally tally = {.context = context, .region = region};
    bool made = tally_make(&tally);
    *bytes = 0;
    *blocks = 0;
    *spread = (lwi_spread){0, 0};
    for (uint32_t i = 1; made && i < tally.count; i++) {
        *bytes += tally.births[i].bytes;
        *blocks += tally.births[i].blocks;
        if (tally.samples)
            lwi_spread_add(spread, &tally.samples[i].spread, 1);
    }
    tally_free(&tally);
    return made;
}

/* ---- merging births into rows ---- */

static int by_site(const void *a, const void *b, const void *user)
{
    const lwi_row *x = a, *y = b;
    (void)user;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    if (x->domain != y->domain)
        return x->domain < y->domain ? -1 : 1;
    return x->once - y->once;
}

static uint32_t merge(lwi_row *rows, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept && by_site(&rows[kept - 1], &rows[i], NULL) == 0) {
            rows[kept - 1].live.bytes += rows[i].live.bytes;
            rows[kept - 1].live.blocks += rows[i].live.blocks;
            rows[kept - 1].samples.count += rows[i].samples.count;
            lwi_spread_add(&rows[kept - 1].samples.spread, &rows[i].samples.spread, 1);
        } else {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

static bool rows_make(lw_survivors *survivors, const tally *tally)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i < tally->count; i++)
        count += tally->births[i].blocks > 0;
    survivors->room = count;
    if (count == 0)
        return true;
    survivors->rows = lwi_alloc(&survivors->mem, lwi_array_size(count, sizeof(lwi_row)));
    if (!survivors->rows)
        return false;
    count = 0;
    for (uint32_t i = 1; i < tally->count; i++) {
        const lwi_birth *birth = lwi_birth_at(&tally->context->births, i);
        if (tally->births[i].blocks == 0)
            continue;
        lwi_row *row = &survivors->rows[count++];
        *row = (lwi_row){.live = tally->births[i], .site = birth->site, .domain = birth->domain,
                         .once = (birth->flags & LWI_ONCE) != 0};
        if (tally->samples)
            row->samples = tally->samples[i];
    }
    lwi_sort(survivors->rows, count, sizeof(lwi_row), by_site, NULL);
    survivors->count = merge(survivors->rows, count);
    return true;
}

/* ---- copying text ---- */

static const char *text_copy(lw_survivors *survivors, const char *text)
{
    if (!text)
        return NULL;
    size_t length = strlen(text) + 1;
    memcpy(survivors->text_end, text, length);
    survivors->text_end += length;
    return survivors->text_end - length;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* How many frames and bytes of text all rows need. */
static void measure(lw_survivors *survivors, const tally *tally, uint64_t *frames, size_t *text)
{
    lw_context *context = tally->context;
    lw_frame buffer[LW_STACK_MAX];
    for (uint32_t i = 0; i < survivors->count; i++) {
        lwi_row *row = &survivors->rows[i];
        row->depth = lwi_site_read(context, tally->thread, row->site, buffer, LW_STACK_MAX,
                                   &row->truncated);
        *frames += row->depth;
        *text += text_size(context->domains[row->domain]->name);
        for (uint32_t j = 0; j < row->depth; j++)
            *text += text_size(buffer[j].function) + text_size(buffer[j].file);
    }
}

static void row_fill(lw_survivors *survivors, const tally *tally, lwi_row *row, lw_frame *frames)
{
    lw_context *context = tally->context;
    lwi_site_read(context, tally->thread, row->site, frames, row->depth, &row->truncated);
    row->frames = (uint32_t)(frames - survivors->frames);
    row->domain_name = text_copy(survivors, context->domains[row->domain]->name);
    for (uint32_t j = 0; j < row->depth; j++) {
        frames[j].function = text_copy(survivors, frames[j].function);
        frames[j].file = text_copy(survivors, frames[j].file);
    }
}

static bool fill(lw_survivors *survivors, const tally *tally)
{
    const lw_region *region = tally->region;
    uint64_t frames = 0;
    size_t text = text_size(region ? region->name : NULL) + 1;
    measure(survivors, tally, &frames, &text);
    survivors->frame_count = frames;
    survivors->text_size = text;
    survivors->text = survivors->text_end = lwi_alloc(&survivors->mem, text);
    if (frames)
        survivors->frames =
            lwi_alloc(&survivors->mem, lwi_array_size(frames, sizeof(lw_frame)));
    if (!survivors->text || (frames && !survivors->frames))
        return false;
    survivors->region = text_copy(survivors, region ? region->name : NULL);
    lw_frame *next = survivors->frames;
    for (uint32_t i = 0; i < survivors->count; i++) {
        row_fill(survivors, tally, &survivors->rows[i], next);
        next += survivors->rows[i].depth;
    }
    return true;
}

/* ---- taking ---- */

/* Of a round that is gone nothing survives: its table is empty. */
static bool take(lw_survivors *survivors, tally *tally, bool gone)
{
    if (!gone && !tally_make(tally))
        return false;
    bool done = rows_make(survivors, tally) && fill(survivors, tally) &&
                (!tally->context->sites.any_retired || lwi_survivors_unite(survivors));
    tally_free(tally);
    return done;
}

/* A table of all rounds knows which of them left what, and judges. */
static bool take_by_round(lw_survivors *survivors, tally *tally, lw_region *region)
{
    lwi_history history;
    bool done = lwi_history_make(&history, region) && tally_make(tally) &&
                rows_make(survivors, tally) &&
                lwi_history_left(survivors, region, tally->births, tally->count) &&
                fill(survivors, tally) &&
                (!tally->context->sites.any_retired || lwi_survivors_unite(survivors)) &&
                lwi_survivors_judge(survivors, &history);
    tally_free(tally);
    lwi_history_done(&history, tally->context);
    return done;
}

static lw_survivors *survivors_make(lw_context *context)
{
    lwi_mem mem;
    lwi_mem_init(&mem, context->mem.allocator, context->mem.allocator);
    lw_survivors *survivors = lwi_alloc(&mem, sizeof *survivors);
    if (survivors)
        lwi_mem_init(&survivors->mem, mem.allocator, mem.allocator);
    return survivors;
}

/* In which modes the rows were recorded. Without any row that could have one, why there is none. */
static lw_status note_modes(lw_survivors *survivors, const tally *tally, lw_error *error)
{
    const lw_region *region = tally->region;
    survivors->counted = tally->counted;
    survivors->interval = LWI_READ(tally->context->interval);
    survivors->modes = tally->round ? tally->round->modes
                       : region     ? region->modes
                                    : lwi_mode_bit(tally->context);
    if (tally->counted.blocks && !region)
        survivors->modes |= LW_MODES_COUNTS;
    for (uint32_t i = 0; i < survivors->count; i++)
        survivors->modes |= survivors->rows[i].samples.count ? LW_MODES_SAMPLED : 0;
    survivors->verdict.modes = survivors->modes;
    if (survivors->modes & LW_MODES_SAMPLED)
        survivors->verdict.hidden_bytes = 3 * survivors->interval; /* e^-3 = 5 % */
    bool blind = region ? survivors->modes == LW_MODES_COUNTS
                        : survivors->count == 0 && tally->counted.blocks > 0;
    if (!blind)
        return LW_OK;
    return lwi_fail(error, LW_E_STATE,
                    "%s%s%s recorded in mode COUNTS, which knows how much is live but not where "
                    "it was allocated: change to SITES or SAMPLED with lw_mode_set()",
                    region ? "region \"" : "all that lives", region ? region->name : "",
                    region ? "\" was" : " was");
}

lw_status lw_survivors_take(lw_context *context, lw_region *region, lw_round number,
                            lw_survivors **survivors, lw_error *error)
{
    lwi_thread *thread;
    lwi_round *round = NULL;
    if (!survivors)
        return lwi_fail(error, LW_E_INVALID, "survivors is NULL: nowhere to put the result");
    *survivors = NULL;
    if (!context || (region && region->context != context) || (!region && number))
        return lwi_fail(error, LW_E_INVALID, "%s",
                        !context ? "context is NULL"
                        : region ? "this region is of another context"
                                 : "a round needs its region");
    lw_context_stats stats = LW_CONTEXT_STATS_INIT;
    lw_status status = lwi_enter(context, &thread, error);
    if (status != LW_OK)
        return status;
    if (number)
        status = lwi_round_find(region, number, &round, LW_E_NOT_FOUND, NULL);
    if (status == LW_E_INVALID)
        lwi_round_find(region, number, &round, LW_E_NOT_FOUND, error);
    bool gone = status == LW_E_NOT_FOUND;
    status = gone ? LW_OK : status;
    lw_survivors *fresh = status == LW_OK ? survivors_make(context) : NULL;
    tally tally = {.context = context, .thread = thread, .region = region, .round = round};
    bool by_round = region && !number;
    if (status == LW_OK && !(fresh && (by_round ? take_by_round(fresh, &tally, region)
                                                : take(fresh, &tally, gone))))
        status = lwi_nomem(error, "the table of survivors");
    if (status == LW_OK)
        status = note_modes(fresh, &tally, error);
    lwi_leave(thread);
    if (status != LW_OK) {
        lw_survivors_release(fresh);
        return status;
    }
    lw_context_stats_get(context, &stats, NULL);
    lwi_survivors_finish(fresh, &stats);
    *survivors = fresh;
    return LW_OK;
}
