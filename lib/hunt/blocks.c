#include "hunt/blocks.h"

#include "base/error.h"
#include "base/fnv.h"
#include "base/hash.h"
#include "base/index.h"

#include <leakwatch/verdict.h>
#include <string.h>

enum { OBJECTS_SPEAK = 4 /* one in so many blocks is an object: the graph shows what grows */ };

/* A line of code, by the words of its frame. */
typedef struct line {
    lw_frame frame;
    uint64_t objects;       /* of the last snapshot that were born there during the hunt */
    uint64_t blocks, bytes; /* left by the last rounds */
    int64_t more_blocks, more_bytes; /* alive, than before the rounds */
    uint64_t *left;         /* bits: rounds that left some; NULL: none did */
    uint32_t row;           /* with most of the bytes */
    int64_t row_bytes;
} line;

typedef struct search {
    lw_findings *findings;
    lwi_mem *mem;
    lwi_arena arena;
    lwi_index index;
    line *lines;
    uint64_t count, room;
    lw_survivors *survivors;
    uint64_t first; /* number of the first round that counts */
    uint32_t rounds;
    uint64_t least;
} search;

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_line(const void *items, uint32_t id, const void *key)
{
    const lw_frame *a = &((const line *)items)[id].frame, *b = key;
    return a->line == b->line && same_text(a->file, b->file) &&
           same_text(a->function, b->function);
}

/* The line of a frame, made if it is new; its text is not copied. NULL: no memory. */
static line *line_of(search *search, const lw_frame *frame)
{
    uint64_t hash = lwi_hash_text(lwi_hash_text(frame->line, frame->file), frame->function);
    uint32_t id = lwi_index_find(&search->index, hash, is_line, search->lines, frame);
    if (id != LWI_INDEX_NONE)
        return &search->lines[id];
    void *items = search->lines;
    if (!lwi_grow(search->mem, &items, &search->room, search->count + 1, sizeof *search->lines))
        return NULL;
    search->lines = items;
    if (!lwi_index_add(&search->index, hash, (uint32_t)search->count))
        return NULL;
    search->lines[search->count] = (line){.frame = *frame, .row_bytes = -1};
    return &search->lines[search->count++];
}

/* --- objects ------------------------------------------------------------------------------- */

static bool count_objects(search *search)
{
    const lw_snapshot *last = search->findings->last;
    uint64_t since = search->findings->first->info.epoch;
    uint32_t stack = 0;
    line *found = NULL;
    for (lw_node node = 0; node < last->info.nodes; node++) {
        const lwi_tenure *tenure = lwi_tenure_at(last, node);
        if (!tenure || !tenure->stack || tenure->epoch < since)
            continue;
        if (tenure->stack != stack) { /* neighbours often have one stack */
            uint32_t own = lwi_stack_own(last, tenure->stack);
            const lw_frame *frame = own == LWI_NO_FRAME ? NULL : &last->frames[own];
            stack = tenure->stack;
            found = frame ? line_of(search, frame) : NULL;
            if (frame && !found)
                return false;
        }
        if (found)
            found->objects++;
    }
    return true;
}

/* --- blocks -------------------------------------------------------------------------------- */

static lw_status add_left(search *search, uint32_t row, line *line, lw_error *error)
{
    lw_trend trend = LW_TREND_INIT;
    int64_t row_bytes = 0;
    lw_status status = lw_survivors_trend_get(search->survivors, row, &trend, error);
    for (uint64_t i = trend.rounds; status == LW_OK && i > 0; i--) {
        lw_left left = LW_LEFT_INIT;
        status = lw_survivors_left_get(search->survivors, row, i - 1, &left, error);
        if (status != LW_OK || left.round < search->first)
            break;
        if (left.round - search->first >= search->rounds)
            continue; /* not one of ours: the work has rounds of this region too */
        if (!line->left)
            line->left = lwi_arena_zeros(&search->arena, lwi_bits_words(search->rounds),
                                         sizeof *line->left);
        if (!line->left)
            return lwi_nomem(error, "findings");
        lwi_bits_set(line->left, left.round - search->first);
        line->bytes += (uint64_t)left.bytes;
        line->blocks += (uint64_t)left.blocks;
        row_bytes += left.bytes;
    }
    if (row_bytes > line->row_bytes) {
        line->row_bytes = row_bytes;
        line->row = row;
    }
    return status;
}

/* The line of a row; NULL with LW_OK: a place nobody told us, which can be no finding. */
static lw_status line_of_row(search *search, const lw_survivors *survivors, uint32_t index,
                             const lw_survivors_row *row, line **line, lw_error *error)
{
    lw_frame frame = LW_FRAME_INIT;
    *line = NULL;
    if (row->frames == 0)
        return LW_OK;
    uint32_t level = row->own_frame < row->frames ? row->own_frame : 0;
    lw_status status = lw_survivors_frame_get(survivors, index, level, &frame, error);
    if (status != LW_OK || (!frame.file && !frame.function))
        return status;
    *line = line_of(search, &frame);
    return *line ? LW_OK : lwi_nomem(error, "findings");
}

static lw_status count_blocks(search *search, lw_error *error)
{
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_status status = lw_survivors_info_get(search->survivors, &info, error);
    for (uint32_t i = 0; status == LW_OK && i < info.rows; i++) {
        line *line = NULL;
        lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
        status = lw_survivors_row_get(search->survivors, i, &row, error);
        if (status == LW_OK)
            status = line_of_row(search, search->survivors, i, &row, &line, error);
        if (line)
            status = add_left(search, i, line, error);
    }
    return status;
}

lw_status lwi_live_blocks(lw_context *context, lw_survivors **live, lw_error *error)
{
    lw_status status = lw_survivors_take(context, NULL, 0, live, error);
    return status == LW_E_STATE ? LW_OK : status;
}

/* Adds what lives of each line; `sign` -1 takes it away. */
static lw_status count_live(search *search, const lw_survivors *live, int sign, lw_error *error)
{
    if (!live)
        return LW_OK;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_status status = lw_survivors_info_get(live, &info, error);
    for (uint32_t i = 0; status == LW_OK && i < info.rows; i++) {
        line *line = NULL;
        lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
        status = lw_survivors_row_get(live, i, &row, error);
        if (status == LW_OK)
            status = line_of_row(search, live, i, &row, &line, error);
        if (line) {
            line->more_blocks += sign * row.blocks;
            line->more_bytes += sign * row.bytes;
        }
    }
    return status;
}

/* A line that drops as much as it leaves turns over: it has no more than before. */
static lw_status count_more(search *search, lw_context *context, const lw_survivors *before,
                            lw_error *error)
{
    lw_survivors *now = NULL;
    lw_status status = lwi_live_blocks(context, &now, error);
    if (status == LW_OK)
        status = count_live(search, now, 1, error);
    if (status == LW_OK)
        status = count_live(search, before, -1, error);
    lw_survivors_release(now);
    return status;
}

/* --- findings ------------------------------------------------------------------------------ */

static bool left_in_all(const search *search, const line *line)
{
    for (uint32_t round = 0; line->left && round < search->rounds; round++) {
        if (!lwi_bits_get(line->left, round))
            return false;
    }
    return line->left;
}

/* Leaves blocks in every round, and does not drop as many; not told by the graph. */
static bool is_leak(const search *search, const line *line)
{
    return left_in_all(search, line) && line->more_blocks >= (int64_t)search->rounds &&
           line->objects * OBJECTS_SPEAK < line->blocks;
}

static uint64_t at_most(uint64_t number, int64_t most)
{
    return most < 0 ? 0 : number < (uint64_t)most ? number : (uint64_t)most;
}

static const char *copy(lw_findings *findings, const char *text, bool *failed)
{
    const char *copied = text ? lwi_arena_text(&findings->arena, text, strlen(text)) : NULL;
    *failed = *failed || (text && !copied);
    return copied;
}

/* Of the file without its folders and the function: a line moves with every edit above it. */
static uint64_t fingerprint_of(const lw_frame *frame)
{
    const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;
    uint64_t hash = lwi_fnv_text(LWI_FNV_BEGIN, slash ? slash + 1 : frame->file, 0xff);
    return lwi_fnv_text(lwi_fnv_text(hash, "blocks", 0xff), frame->function, 0xff);
}

static lw_status add_finding(search *search, const line *line, lw_error *error)
{
    lw_findings *findings = search->findings;
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    lw_status status = lw_survivors_row_get(search->survivors, line->row, &row, error);
    if (status != LW_OK)
        return status;
    lwi_finding *finding = lwi_findings_add(findings);
    if (!finding)
        return lwi_nomem(error, "findings");
    lw_finding *info = &finding->info;
    info->kind = LW_FINDING_BLOCKS;
    info->fingerprint = fingerprint_of(&line->frame);
    info->rounds = search->rounds;
    info->objects = info->site_objects = at_most(line->blocks, line->more_blocks);
    info->bytes = info->site_bytes = at_most(line->bytes, line->more_bytes);
    info->objects_per_round = (double)info->objects / search->rounds;
    info->bytes_per_round = (double)info->bytes / search->rounds;
    bool failed = !lwi_finding_frames(findings, finding, row.frames);
    for (uint32_t i = 0; status == LW_OK && !failed && i < row.frames; i++) {
        lw_frame *frame = &finding->frames[i];
        *frame = (lw_frame)LW_FRAME_INIT;
        status = lw_survivors_frame_get(search->survivors, line->row, i, frame, error);
        frame->file = copy(findings, frame->file, &failed);
        frame->function = copy(findings, frame->function, &failed);
    }
    return failed ? lwi_nomem(error, "findings") : status;
}

static lw_status add_findings(search *search, lw_error *error)
{
    lw_status status = LW_OK;
    for (uint64_t i = 0; status == LW_OK && i < search->count; i++) {
        const line *line = &search->lines[i];
        if (!is_leak(search, line))
            continue;
        if (at_most(line->bytes, line->more_bytes) < search->least)
            search->findings->info.left_out++;
        else
            status = add_finding(search, line, error);
    }
    return status;
}

static lw_status look(search *search, lw_context *context, const lw_survivors *before,
                      lw_error *error)
{
    lw_verdict verdict = LW_VERDICT_INIT;
    lw_status status = lw_survivors_verdict_get(search->survivors, &verdict, error);
    if (status != LW_OK || verdict.rounds < search->rounds)
        return status;
    search->first = verdict.rounds - search->rounds + 1;
    if (!count_objects(search))
        return lwi_nomem(error, "findings");
    status = count_blocks(search, error);
    if (status == LW_OK)
        status = count_more(search, context, before, error);
    return status == LW_OK ? add_findings(search, error) : status;
}

lw_status lwi_findings_blocks(lw_findings *findings, lw_context *context, lw_region *region,
                              const lw_survivors *before, uint64_t least, lw_error *error)
{
    search search = {.findings = findings, .mem = &findings->mem, .least = least,
                     .rounds = findings->info.rounds};
    lwi_arena_init(&search.arena, search.mem);
    lwi_index_init(&search.index, search.mem);
    lw_status status = lw_survivors_take(context, region, 0, &search.survivors, error);
    if (status == LW_OK)
        status = look(&search, context, before, error);
    lw_survivors_release(search.survivors);
    lwi_free(search.mem, search.lines, lwi_array_size(search.room, sizeof *search.lines));
    lwi_index_free(&search.index);
    lwi_arena_free(&search.arena);
    return status;
}
