#include "analyze/findings.h"

#include "analyze/content.h"
#include "base/error.h"
#include "base/sort.h"
#include "base/structs.h"

lw_findings *lwi_findings_new(lw_snapshot *first, lw_snapshot *last)
{
    lw_allocator allocator = last->mem.allocator;
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_findings *findings = lwi_alloc(&mem, sizeof *findings);
    if (!findings)
        return NULL;
    lwi_mem_init(&findings->mem, allocator, allocator);
    lwi_arena_init(&findings->arena, &findings->mem);
    findings->info = (lw_findings_info)LW_FINDINGS_INFO_INIT;
    findings->first = lw_snapshot_retain(first);
    findings->last = lw_snapshot_retain(last);
    return findings;
}

void lw_findings_release(lw_findings *findings)
{
    if (!findings)
        return;
    for (uint32_t i = 0; i < findings->info.findings; i++) {
        lw_paths_release(findings->items[i].paths);
        lw_cut_release(findings->items[i].cut);
    }
    lw_snapshot_release(findings->first);
    lw_snapshot_release(findings->last);
    lwi_free(&findings->mem, findings->items,
             lwi_array_size(findings->room, sizeof *findings->items));
    lwi_arena_free(&findings->arena);
    lwi_mem mem;
    lwi_mem_init(&mem, findings->mem.allocator, findings->mem.allocator);
    lwi_free(&mem, findings, sizeof *findings);
}

lwi_finding *lwi_findings_add(lw_findings *findings)
{
    void *items = findings->items;
    if (!lwi_grow(&findings->mem, &items, &findings->room, (uint64_t)findings->info.findings + 1,
                  sizeof *findings->items))
        return NULL;
    findings->items = items;
    lwi_finding *finding = &findings->items[findings->info.findings++];
    *finding = (lwi_finding){.info = LW_FINDING_INIT};
    finding->info.holder = finding->info.example = LW_NODE_NONE;
    finding->info.holder_type = finding->info.type = finding->info.advice = "";
    return finding;
}

bool lwi_finding_frames(lw_findings *findings, lwi_finding *finding, uint32_t count)
{
    finding->frames = lwi_arena_zeros(&findings->arena, count, sizeof *finding->frames);
    finding->info.frames = finding->frames ? count : 0;
    return finding->frames;
}

/* --- accepted ones, order ------------------------------------------------------------------ */

static int hex_digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Whether a word ends here. */
static bool is_end(char letter)
{
    return letter == '\0' || letter == '\n' || letter == '\r' || letter == ' ' || letter == '\t' ||
           letter == '#';
}

/* Reads the number a line begins with, 0 if it begins with none, and goes to the next line; false
 * at the end of the text. */
static bool next_accepted(const char **text, uint64_t *fingerprint)
{
    const char *at = *text;
    if (*at == '\0')
        return false;
    while (*at == ' ' || *at == '\t')
        at++;
    const char *begin = at;
    *fingerprint = 0;
    for (; hex_digit(*at) >= 0; at++)
        *fingerprint = *fingerprint << 4 | (uint64_t)hex_digit(*at);
    if (at - begin > 16 || !is_end(*at))
        *fingerprint = 0;
    while (*at != '\0' && *at != '\n')
        at++;
    *text = *at == '\n' ? at + 1 : at;
    return true;
}

/* Two lines of one function have one fingerprint. */
static int compare_frames(const lwi_finding *a, const lwi_finding *b)
{
    int order = 0;
    for (uint32_t i = 0; order == 0 && i < a->info.frames && i < b->info.frames; i++)
        order = lwi_compare_frames(&a->frames[i], &b->frames[i]);
    return order ? order : (a->info.frames > b->info.frames) - (a->info.frames < b->info.frames);
}

static int by_weight(const void *a, const void *b, const void *user)
{
    (void)user;
    const lw_finding *x = &((const lwi_finding *)a)->info, *y = &((const lwi_finding *)b)->info;
    if (x->accepted != y->accepted)
        return x->accepted < y->accepted ? -1 : 1;
    if (x->bytes_per_round > y->bytes_per_round || x->bytes_per_round < y->bytes_per_round)
        return x->bytes_per_round > y->bytes_per_round ? -1 : 1;
    if (x->objects != y->objects)
        return x->objects > y->objects ? -1 : 1;
    if (x->fingerprint != y->fingerprint)
        return x->fingerprint < y->fingerprint ? -1 : 1;
    return compare_frames(a, b);
}

static void mark_accepted(lw_findings *findings, const char *accepted)
{
    uint64_t fingerprint;
    while (accepted && next_accepted(&accepted, &fingerprint)) {
        for (uint32_t i = 0; fingerprint && i < findings->info.findings; i++) {
            lw_finding *info = &findings->items[i].info;
            info->accepted |= info->fingerprint == fingerprint;
        }
    }
}

void lwi_findings_rank(lw_findings *findings, const lw_find_options *options)
{
    lw_findings_info *info = &findings->info;
    mark_accepted(findings, options->accepted);
    lwi_sort(findings->items, info->findings, sizeof *findings->items, by_weight, NULL);
    if (info->findings > options->limit) {
        info->left_out += info->findings - options->limit;
        info->findings = options->limit;
    }
    for (uint32_t i = 0; i < info->findings; i++) {
        const lw_finding *finding = &findings->items[i].info;
        info->accepted += finding->accepted;
        info->approximate |= finding->approximate;
        if (finding->kind != LW_FINDING_BLOCKS && finding->kind != LW_FINDING_MEMORY)
            info->found_bytes += finding->bytes;
    }
}

/* --- reading ------------------------------------------------------------------------------- */

uint32_t lw_findings_count(const lw_findings *findings)
{
    return findings ? findings->info.findings : 0;
}

static lw_status findings_check(const lw_findings *findings, lw_error *error)
{
    if (!findings)
        return lwi_fail(error, LW_E_INVALID, "findings is NULL: make some with lw_find_leaks()");
    return LW_OK;
}

static lw_status finding_check(const lw_findings *findings, uint32_t index, lw_error *error)
{
    lw_status status = findings_check(findings, error);
    if (status == LW_OK && index >= findings->info.findings)
        return lwi_fail(error, LW_E_NOT_FOUND, "finding %u: there are %u, from 0",
                        (unsigned)index, (unsigned)findings->info.findings);
    return status;
}

lw_status lw_findings_info_get(const lw_findings *findings, lw_findings_info *info,
                               lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_findings_info", error);
    if (status == LW_OK)
        status = findings_check(findings, error);
    if (status == LW_OK)
        lwi_give(info, &findings->info, sizeof findings->info);
    return status;
}

lw_status lw_finding_get(const lw_findings *findings, uint32_t index, lw_finding *finding,
                         lw_error *error)
{
    lw_status status = lwi_result_check(finding, "lw_finding", error);
    if (status == LW_OK)
        status = finding_check(findings, index, error);
    if (status == LW_OK)
        lwi_give(finding, &findings->items[index].info, sizeof(lw_finding));
    return status;
}

lw_status lw_finding_frame_get(const lw_findings *findings, uint32_t index, uint32_t level,
                               lw_frame *frame, lw_error *error)
{
    lw_status status = lwi_result_check(frame, "lw_frame", error);
    if (status == LW_OK)
        status = finding_check(findings, index, error);
    if (status != LW_OK)
        return status;
    const lwi_finding *finding = &findings->items[index];
    if (level >= finding->info.frames)
        return lwi_fail(error, LW_E_NOT_FOUND, "frame %u: finding %u has %u frames, from 0",
                        (unsigned)level, (unsigned)index, (unsigned)finding->info.frames);
    lwi_give(frame, &finding->frames[level], sizeof finding->frames[level]);
    return LW_OK;
}

const lw_paths *lw_finding_paths(const lw_findings *findings, uint32_t index)
{
    return index < lw_findings_count(findings) ? findings->items[index].paths : NULL;
}

const lw_cut *lw_finding_cut(const lw_findings *findings, uint32_t index)
{
    return index < lw_findings_count(findings) ? findings->items[index].cut : NULL;
}
