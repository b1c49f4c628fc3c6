/* What the objects that a holder gained have to say: their types, where most of them were
 * allocated, and what would go if the holder let go of all that are like them. */
#include "analyze/content.h"
#include "analyze/findings.h"

#include "snapshot/strength.h"

#include <string.h>

/* --- types --------------------------------------------------------------------------------- */

/* Leaked nodes that no other leaked one keeps, by their types, with the leaked bytes they keep.
 * Each byte is counted once: in order of ranks, what a node keeps comes right after it. */
static uint64_t list_topmost(const lwi_evidence *evidence, lw_node *topmost)
{
    const lwi_domtree *tree = &evidence->tree;
    uint64_t *ranks = evidence->seen, count = 0, end = 0;
    for (uint64_t i = 0; i < evidence->leaked_count; i++)
        lwi_bits_set(ranks, tree->rank[evidence->leaked[i]]);
    lwi_bits_clear(ranks, 0); /* nothing holds it */
    for (uint64_t word = 0; word < lwi_bits_words(tree->nodes); word++) {
        for (; ranks[word]; ranks[word] &= ranks[word] - 1) {
            uint64_t rank = word * 64 + lwi_bits_lowest(ranks[word]);
            lw_node node = tree->node[rank];
            if (rank >= end) {
                topmost[count++] = node;
                end = rank + tree->count[rank];
            }
            uint32_t type = lwi_shape_at(evidence->last, topmost[count - 1])->type;
            evidence->type_bytes[type] += lwi_own_bytes(evidence->last, node);
        }
    }
    return count;
}

static int compare_types(const lwi_evidence *evidence, uint32_t a, uint32_t b)
{
    const uint64_t *bytes = evidence->type_bytes, *count = evidence->type_count;
    if (bytes[a] != bytes[b])
        return bytes[a] > bytes[b] ? -1 : 1;
    if (count[a] != count[b])
        return count[a] > count[b] ? -1 : 1;
    const lwi_type *x = &evidence->last->types[a], *y = &evidence->last->types[b];
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(evidence->last->parts[x->part].name,
                                  evidence->last->parts[y->part].name);
}

/* The type that keeps most of what was gained. */
static uint32_t main_type(const lwi_evidence *evidence, const lw_node *topmost, uint64_t count)
{
    uint32_t best = lwi_shape_at(evidence->last, topmost[0])->type;
    for (uint64_t i = 1; i < count; i++) {
        uint32_t type = lwi_shape_at(evidence->last, topmost[i])->type;
        if (type != best && compare_types(evidence, type, best) < 0)
            best = type;
    }
    return best;
}

/* Tells the main type, finds who holds the topmost ones of it, and an example among them. */
static lw_status find_main(lwi_evidence *evidence, lwi_finding *finding, lw_node *topmost,
                           uint64_t count)
{
    const lw_snapshot *last = evidence->last;
    uint64_t targets = 0;
    uint32_t best = main_type(evidence, topmost, count);
    finding->info.type = last->types[best].name;
    finding->info.type_objects = evidence->type_count[best];
    finding->info.type_bytes = evidence->type_bytes[best];
    for (uint64_t i = 0; i < count; i++) {
        if (lwi_shape_at(last, topmost[i])->type == best)
            topmost[targets++] = topmost[i];
    }
    lw_path path = LW_PATH_INIT;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    options.limit = 2;
    lw_status status = lw_paths_find(evidence->findings->last, topmost, targets, &options,
                                     &finding->paths, NULL);
    if (status == LW_OK && lw_path_get(finding->paths, 0, &path, NULL) == LW_OK)
        finding->info.example = path.target;
    return status;
}

bool lwi_evidence_types(lwi_evidence *evidence, lwi_finding *finding)
{
    const lw_snapshot *last = evidence->last;
    lwi_mem *mem = &evidence->findings->mem;
    size_t size = lwi_array_size(evidence->leaked_count, sizeof(lw_node));
    lw_node *topmost = lwi_resize(mem, NULL, 0, size);
    if (!topmost)
        return false;
    for (uint64_t i = 0; i < evidence->leaked_count; i++)
        evidence->type_count[lwi_shape_at(last, evidence->leaked[i])->type]++;
    uint64_t count = list_topmost(evidence, topmost);
    lw_status status = count ? find_main(evidence, finding, topmost, count) : LW_OK;
    lwi_free(mem, topmost, size);
    for (uint64_t i = 0; i < evidence->leaked_count; i++) {
        uint32_t type = lwi_shape_at(last, evidence->leaked[i])->type;
        evidence->type_count[type] = 0;
        evidence->type_bytes[type] = 0;
    }
    return status == LW_OK;
}

/* --- site ---------------------------------------------------------------------------------- */

/* A call stack of leaked nodes, under the line of the user's own code that it is shown by. */
typedef struct site {
    uint64_t bytes, objects;
    uint32_t stack;
    uint32_t line; /* a frame */
} site;

static int compare_stacks(const lw_snapshot *snapshot, uint32_t a, uint32_t b)
{
    const lwi_stack *x = &snapshot->stacks[a], *y = &snapshot->stacks[b];
    for (uint32_t i = 0; i < x->count && i < y->count; i++) {
        int order = lwi_compare_frames(&snapshot->frames[snapshot->stack_frames[x->first + i]],
                                       &snapshot->frames[snapshot->stack_frames[y->first + i]]);
        if (order)
            return order;
    }
    return (x->count > y->count) - (x->count < y->count);
}

static bool heavier(const site *a, const site *b)
{
    return a->bytes != b->bytes ? a->bytes > b->bytes : a->objects > b->objects;
}

/* The stack a node was allocated from; 0: not recorded. */
static uint32_t stack_of(const lw_snapshot *snapshot, lw_node node)
{
    const lwi_tenure *tenure = lwi_tenure_at(snapshot, node);
    return tenure && snapshot->stacks[tenure->stack].count ? tenure->stack : 0;
}

/* Sums by stack; `sites` has room for every stack up to the highest that occurs. */
static void sum_sites(const lwi_evidence *evidence, site *sites)
{
    for (uint64_t i = 0; i < evidence->leaked_count; i++) {
        uint32_t stack = stack_of(evidence->last, evidence->leaked[i]);
        if (stack == 0)
            continue;
        site *found = &sites[stack];
        found->bytes += lwi_own_bytes(evidence->last, evidence->leaked[i]);
        found->objects++;
    }
}

/* Sums by line; the heaviest stack of the heaviest line stands for it. */
static site heaviest(const lw_snapshot *snapshot, site *sites, uint32_t count, site *lines)
{
    site best = {0};
    for (uint32_t stack = 1; stack < count; stack++) {
        if (sites[stack].objects == 0)
            continue;
        site *line = &lines[lwi_stack_own(snapshot, stack)];
        if (!line->stack || heavier(&sites[stack], &sites[line->stack]) ||
            (!heavier(&sites[line->stack], &sites[stack]) &&
             compare_stacks(snapshot, stack, line->stack) < 0))
            line->stack = stack;
        line->bytes += sites[stack].bytes;
        line->objects += sites[stack].objects;
    }
    for (uint32_t stack = 1; stack < count; stack++) {
        if (sites[stack].objects == 0)
            continue;
        const site *line = &lines[lwi_stack_own(snapshot, stack)];
        if (!best.stack || heavier(line, &best) ||
            (!heavier(&best, line) && compare_stacks(snapshot, line->stack, best.stack) < 0))
            best = *line;
    }
    return best;
}

static bool copy_stack(lwi_evidence *evidence, lwi_finding *finding, uint32_t stack)
{
    const lw_snapshot *last = evidence->last;
    const lwi_stack *all = &last->stacks[stack];
    if (!lwi_finding_frames(evidence->findings, finding, all->count))
        return false;
    for (uint32_t i = 0; i < all->count; i++)
        finding->frames[i] = last->frames[last->stack_frames[all->first + i]];
    return true;
}

bool lwi_evidence_site(lwi_evidence *evidence, lwi_finding *finding)
{
    const lw_snapshot *last = evidence->last;
    lwi_mem *mem = &evidence->findings->mem;
    uint32_t stacks = 0, frames = 0;
    for (uint64_t i = 0; i < evidence->leaked_count; i++) {
        uint32_t stack = stack_of(last, evidence->leaked[i]);
        if (stack == 0)
            continue;
        uint32_t line = lwi_stack_own(last, stack);
        stacks = stack >= stacks ? stack + 1 : stacks;
        frames = line >= frames ? line + 1 : frames;
    }
    if (stacks == 0)
        return true;
    size_t sites_size = lwi_array_size(stacks, sizeof(site));
    size_t lines_size = lwi_array_size(frames, sizeof(site));
    site *sites = lwi_alloc(mem, sites_size), *lines = lwi_alloc(mem, lines_size);
    bool done = sites && lines;
    if (done) {
        sum_sites(evidence, sites);
        site best = heaviest(last, sites, stacks, lines);
        finding->info.site_bytes = best.bytes;
        finding->info.site_objects = best.objects;
        done = copy_stack(evidence, finding, best.stack);
    }
    lwi_free(mem, sites, sites_size);
    lwi_free(mem, lines, lines_size);
    return done;
}

/* --- entries ------------------------------------------------------------------------------- */

/* Which references of the holder are alike: to types, by indices or keys, as those that lead to
 * what it gained. */
typedef struct entries {
    const lwi_evidence *evidence;
    uint64_t *types; /* bits */
    bool indices, keys;
} entries;

static bool is_index(uint32_t label)
{
    return label & LW_LABEL_INDEX(0);
}

static bool is_key(const lw_snapshot *snapshot, uint32_t label)
{
    return !is_index(label) && label && snapshot->names[label].style == LW_LABEL_KEY;
}

static bool is_entry(const entries *entries, uint64_t edge)
{
    const lw_snapshot *snapshot = entries->evidence->last;
    if (!lwi_edge_retains(lwi_kind_at(snapshot, edge)))
        return false;
    lw_node to = snapshot->rows.items[edge];
    if (lwi_bits_get(entries->evidence->is_leaked, to))
        return true;
    uint32_t label = lwi_label_at(snapshot, edge);
    return lwi_bits_get(entries->types, lwi_shape_at(snapshot, to)->type) &&
           ((entries->indices && is_index(label)) ||
            (entries->keys && is_key(snapshot, label)));
}

static void learn_entries(entries *entries, lw_node holder)
{
    const lw_snapshot *snapshot = entries->evidence->last;
    uint64_t end = lwi_row_end(&snapshot->rows, holder);
    for (uint64_t edge = lwi_row_start(&snapshot->rows, holder); edge < end; edge++) {
        lw_node to = snapshot->rows.items[edge];
        if (!lwi_edge_retains(lwi_kind_at(snapshot, edge)) ||
            !lwi_bits_get(entries->evidence->is_leaked, to))
            continue;
        uint32_t label = lwi_label_at(snapshot, edge);
        lwi_bits_set(entries->types, lwi_shape_at(snapshot, to)->type);
        entries->indices |= is_index(label);
        entries->keys |= is_key(snapshot, label);
    }
}

/* Walks from the holder over all but its entries. What the holder dominates and the walk does not
 * meet goes with them: nothing else leads there. Returns the bytes it meets. */
static uint64_t walk_without(const entries *entries, lw_node holder, lw_node *queue,
                             uint64_t *seen, uint64_t *skipped)
{
    const lw_snapshot *snapshot = entries->evidence->last;
    const lwi_domtree *tree = &entries->evidence->tree;
    uint64_t met = 0;
    uint32_t head = 0, tail = 0;
    queue[tail++] = holder;
    lwi_bits_set(seen, holder);
    while (head < tail) {
        lw_node node = queue[head++];
        met += lwi_own_bytes(snapshot, node);
        uint64_t end = lwi_row_end(&snapshot->rows, node);
        for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < end; edge++) {
            lw_node to = snapshot->rows.items[edge];
            if (node == holder && is_entry(entries, edge)) {
                ++*skipped;
                continue;
            }
            if (!lwi_edge_retains(lwi_kind_at(snapshot, edge)) || lwi_bits_get(seen, to) ||
                !lwi_dominates(tree, holder, to))
                continue;
            lwi_bits_set(seen, to);
            queue[tail++] = to;
        }
    }
    for (uint32_t i = 0; i < tail; i++)
        lwi_bits_clear(seen, queue[i]);
    return met;
}

bool lwi_evidence_entries(lwi_evidence *evidence, lwi_finding *finding)
{
    lwi_mem *mem = &evidence->findings->mem;
    lw_node holder = finding->info.holder;
    size_t types_size = lwi_bits_words(evidence->last->info.types) * sizeof(uint64_t);
    size_t queue_size = lwi_array_size(lwi_retained_count(&evidence->tree, holder), sizeof(lw_node));
    entries entries = {.evidence = evidence, .types = lwi_alloc(mem, types_size)};
    lw_node *queue = lwi_alloc(mem, queue_size);
    bool done = entries.types && queue;
    if (done) {
        learn_entries(&entries, holder);
        uint64_t met = walk_without(&entries, holder, queue, evidence->seen,
                                    &finding->info.entries);
        finding->info.entries_bytes = lwi_retained_bytes(&evidence->tree, holder) - met;
    }
    lwi_free(mem, entries.types, types_size);
    lwi_free(mem, queue, queue_size);
    return done;
}
