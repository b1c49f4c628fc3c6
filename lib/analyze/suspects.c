/* From heads of growth to findings. */
#include "analyze/cut.h"
#include "analyze/findings.h"

#include "base/error.h"
#include "base/structs.h"

#include <string.h>

enum { WARM_UP = 2, ROUNDS = 5, LIMIT = 20 };

static int64_t objects_of(const lw_snapshot_info *info)
{
    return (int64_t)info->nodes - (int64_t)info->garbage;
}

static int64_t bytes_of(const lw_snapshot_info *info)
{
    return (int64_t)(info->size - info->garbage_size + info->external);
}

lw_status lwi_find_options_take(lw_find_options *to, const lw_find_options *from, lw_error *error)
{
    lw_status status = lwi_take(to, sizeof *to, from, "lw_find_options", error);
    if (status != LW_OK)
        return status;
    if (to->flags & ~(uint32_t)(LW_FIND_COLLECT | LW_FIND_MEMORY))
        return lwi_fail(error, LW_E_INVALID,
                        "lw_find_options.flags is 0x%x: this version knows LW_FIND_COLLECT and "
                        "LW_FIND_MEMORY only",
                        (unsigned)to->flags);
    if (to->rounds == 1)
        return lwi_fail(error, LW_E_INVALID, "lw_find_options.rounds is 1: one round cannot tell "
                        "a cache from a leak, ask for 2 or more");
    to->warm_up = to->warm_up ? to->warm_up : WARM_UP;
    to->rounds = to->rounds ? to->rounds : ROUNDS;
    to->calls = to->calls ? to->calls : 1;
    to->limit = to->limit ? to->limit : LIMIT;
    return LW_OK;
}

void lwi_findings_sum(lw_findings *findings, uint32_t rounds, const lw_find_options *options)
{
    const lw_snapshot_info *first = &findings->first->info, *last = &findings->last->info;
    findings->info.rounds = rounds;
    findings->info.calls = options->calls;
    findings->info.objects_diff = objects_of(last) - objects_of(first);
    findings->info.bytes_diff = bytes_of(last) - bytes_of(first);
    findings->info.garbage = last->garbage;
    findings->info.garbage_bytes = last->garbage_size;
}

static int add_leaked(lw_node node, void *user)
{
    lwi_evidence *evidence = user;
    void *items = evidence->leaked;
    if (!lwi_grow(&evidence->findings->mem, &items, &evidence->leaked_room,
                  evidence->leaked_count + 1, sizeof *evidence->leaked))
        return 1;
    evidence->leaked = items;
    evidence->leaked[evidence->leaked_count++] = node;
    lwi_bits_set(evidence->is_leaked, node);
    return 0;
}

static void forget_leaked(lwi_evidence *evidence)
{
    for (uint64_t i = 0; i < evidence->leaked_count; i++)
        lwi_bits_clear(evidence->is_leaked, evidence->leaked[i]);
    evidence->leaked_count = 0;
}

/* What the head itself says. */
static void describe(lwi_finding *finding, const lw_growth_head *head, const lw_snapshot *last,
                     uint32_t rounds)
{
    lw_finding *info = &finding->info;
    *info = (lw_finding)LW_FINDING_INIT;
    info->holder_type = info->type = info->advice = "";
    info->example = LW_NODE_NONE;
    info->kind = head->flags & LW_GROWTH_BYTES ? LW_FINDING_BYTES : LW_FINDING_GROWTH;
    info->fingerprint = head->fingerprint;
    info->rounds = rounds - head->first;
    info->objects = head->objects_diff > 0 ? (uint64_t)head->objects_diff : 0;
    info->bytes = head->bytes_diff > 0 ? (uint64_t)head->bytes_diff : 0;
    info->objects_per_round = (double)info->objects / info->rounds;
    info->bytes_per_round = (double)info->bytes / info->rounds;
    info->holder = head->node;
    info->holder_type = head->node == LW_NODE_NONE ? head->root_kind
                                                   : lwi_type_at(last, head->node)->name;
    info->approximate = head->flags & LW_GROWTH_APPROXIMATE ? 1 : 0;
}

typedef struct gained {
    const lw_snapshot *last;
    uint64_t objects, bytes;
} gained;

static int add_gained(lw_node node, void *user)
{
    gained *gained = user;
    gained->objects++;
    gained->bytes += lwi_own_bytes(gained->last, node);
    return 0;
}

/* What is held here may be old, and have been held elsewhere: that is no gain. */
static lw_status limit_to_new(const lw_snapshot *last, lw_finding *info, const lw_growth *growth,
                              uint32_t index, lw_error *error)
{
    gained new = {last, 0, 0};
    if (info->kind == LW_FINDING_BYTES)
        return LW_OK;
    lw_status status = lw_growth_each(growth, index, add_gained, &new, error);
    info->objects = new.objects < info->objects ? new.objects : info->objects;
    info->bytes = new.bytes < info->bytes ? new.bytes : info->bytes;
    info->objects_per_round = (double)info->objects / info->rounds;
    info->bytes_per_round = (double)info->bytes / info->rounds;
    return status;
}

/* Everything that the snapshot knows about a head. */
static lw_status inquire(lwi_evidence *evidence, lwi_finding *finding, const lw_growth *growth,
                         uint32_t index, lw_error *error)
{
    lw_findings *findings = evidence->findings;
    bool swells = finding->info.kind == LW_FINDING_BYTES;
    lw_status status = swells ? LW_OK : lw_growth_each(growth, index, add_leaked, evidence, error);
    if (status != LW_OK)
        return status;
    if (swells && add_leaked(finding->info.holder, evidence) != 0)
        return lwi_nomem(error, "the evidence of a finding");
    bool held = !swells && finding->info.holder != LW_NODE_NONE;
    if (!lwi_evidence_types(evidence, finding) || !lwi_evidence_site(evidence, finding) ||
        (held && !lwi_evidence_entries(evidence, finding)))
        return lwi_nomem(error, "the evidence of a finding");
    return lwi_cut_with(findings->last, &evidence->tree, evidence->leaked,
                        evidence->leaked_count, NULL, &finding->cut, error);
}

static lw_status inquire_all(lwi_evidence *evidence, const lw_growth *growth,
                             const lw_find_options *options, lw_error *error)
{
    lw_findings *findings = evidence->findings;
    uint32_t count = findings->info.findings;
    lw_status status = LW_OK;
    for (uint32_t i = 0; status == LW_OK && i < count; i++) {
        lwi_finding *finding = &findings->items[i];
        if (options->progress && options->progress("findings", i, count, options->user))
            return lwi_fail(error, LW_E_CANCELLED, "cancelled while looking into what grows");
        if (finding->info.kind == LW_FINDING_BLOCKS || finding->info.kind == LW_FINDING_MEMORY)
            continue;
        status = inquire(evidence, finding, growth, finding->head, error);
        forget_leaked(evidence);
    }
    return status;
}

static void close_evidence(lwi_evidence *evidence)
{
    lwi_mem *mem = &evidence->findings->mem;
    size_t bits = lwi_bits_words(evidence->last->info.nodes) * sizeof(uint64_t);
    size_t types = lwi_array_size(evidence->last->info.types, sizeof(uint64_t));
    lwi_free(mem, evidence->leaked,
             lwi_array_size(evidence->leaked_room, sizeof *evidence->leaked));
    lwi_free(mem, evidence->is_leaked, bits);
    lwi_free(mem, evidence->seen, bits);
    lwi_free(mem, evidence->type_bytes, types);
    lwi_free(mem, evidence->type_count, types);
    lwi_domtree_free(&evidence->tree, mem);
}

static lw_status open_evidence(lwi_evidence *evidence, const lw_find_options *options,
                               lw_error *error)
{
    lwi_mem *mem = &evidence->findings->mem;
    size_t bits = lwi_bits_words(evidence->last->info.nodes) * sizeof(uint64_t);
    size_t types = lwi_array_size(evidence->last->info.types, sizeof(uint64_t));
    evidence->is_leaked = lwi_alloc(mem, bits);
    evidence->seen = lwi_alloc(mem, bits);
    evidence->type_bytes = lwi_alloc(mem, types);
    evidence->type_count = lwi_alloc(mem, types);
    if (!evidence->is_leaked || !evidence->seen || !evidence->type_bytes || !evidence->type_count)
        return lwi_nomem(error, "the evidence of findings");
    lw_status status = lwi_domtree_build(&evidence->tree, evidence->last, mem, options->progress,
                                         options->user);
    if (status == LW_E_CANCELLED)
        return lwi_fail(error, status, "cancelled while finding what keeps what");
    return status == LW_OK ? LW_OK : lwi_nomem(error, "the dominators of a snapshot");
}

lw_status lwi_findings_grow(lw_findings *findings, const lw_growth *growth,
                            const lw_find_options *options, lw_error *error)
{
    for (uint32_t i = 0; i < lw_growth_count(growth); i++) {
        lw_growth_head head = LW_GROWTH_HEAD_INIT;
        lw_status status = lw_growth_get(growth, i, &head, error);
        if (status != LW_OK)
            return status;
        if (head.grown == 0 && !(head.flags & LW_GROWTH_BYTES)) /* old objects that moved here */
            continue;
        lwi_finding found = {.head = i};
        describe(&found, &head, findings->last, findings->info.rounds);
        status = limit_to_new(findings->last, &found.info, growth, i, error);
        if (status != LW_OK)
            return status;
        if (found.info.bytes < options->least) {
            findings->info.left_out++;
            continue;
        }
        lwi_finding *finding = lwi_findings_add(findings);
        if (!finding)
            return lwi_nomem(error, "findings");
        *finding = found;
        if (head.node == LW_NODE_NONE) /* the growth will go, the findings stay */
            finding->info.holder_type = lwi_arena_text(&findings->arena, head.root_kind,
                                                       strlen(head.root_kind));
        if (!finding->info.holder_type)
            return lwi_nomem(error, "findings");
    }
    return LW_OK;
}

lw_status lwi_findings_inquire(lw_findings *findings, const lw_growth *growth,
                               const lw_find_options *options, lw_error *error)
{
    if (lw_growth_count(growth) == 0)
        return LW_OK;
    lwi_evidence evidence = {.findings = findings, .last = findings->last};
    lw_status status = open_evidence(&evidence, options, error);
    if (status == LW_OK)
        status = inquire_all(&evidence, growth, options, error);
    close_evidence(&evidence);
    return status;
}

static lw_status findings_of(const lw_growth *growth, lw_snapshot *const *snapshots,
                             uint32_t count, const lw_find_options *options,
                             lw_findings **findings, lw_error *error)
{
    lw_findings *found = lwi_findings_new(snapshots[0], snapshots[count - 1]);
    if (!found)
        return lwi_nomem(error, "findings");
    lwi_findings_sum(found, count - 1, options);
    lw_status status = lwi_findings_grow(found, growth, options, error);
    if (status == LW_OK) {
        lwi_findings_rank(found, options);
        status = lwi_findings_inquire(found, growth, options, error);
    }
    if (status != LW_OK) {
        lw_findings_release(found);
        return status;
    }
    *findings = found;
    return LW_OK;
}

lw_status lw_findings_create(lw_snapshot *const *snapshots, uint32_t count,
                             const lw_find_options *options, lw_findings **findings,
                             lw_error *error)
{
    lw_find_options full;
    if (!findings)
        return lwi_fail(error, LW_E_INVALID, "findings is NULL: pass where they shall go");
    *findings = NULL;
    lw_status status = lwi_find_options_take(&full, options, error);
    if (status != LW_OK)
        return status;
    lw_growth *growth = NULL;
    lw_growth_options growing = LW_GROWTH_OPTIONS_INIT;
    growing.per_step = full.calls;
    growing.progress = full.progress;
    growing.user = full.user;
    status = lw_growth_create(snapshots, count, &growing, &growth, error);
    if (status == LW_OK)
        status = findings_of(growth, snapshots, count, &full, findings, error);
    lw_growth_release(growth);
    return status;
}
