/* Problems that one run shows: ends that are missing, counts that do not add up, nodes that
 * nothing reaches. Each is grouped by type, with the most telling node as its example. */
#include "capture/check.h"
#include "snapshot/reach.h"
#include "snapshot/strength.h"

#include <stdio.h>
#include <string.h>

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* --- calls that make no sense --------------------------------------------------------------- */

static const char *misuse_next(uint32_t kind)
{
    switch (kind) {
    case LWI_MISUSE_KEY:
        return "test each slot before you push it: empty, tagged and foreign values are no keys";
    case LWI_MISUSE_TYPE:
        return "name the type with lw_sink_type() in each walk: ids of a former one mean nothing";
    case LWI_MISUSE_LABEL:
        return "make the label with lw_sink_label() in each walk, or pass LW_LABEL_INDEX or 0";
    case LWI_MISUSE_EDGE_KIND:
        return "pass one of lw_edge_kind";
    case LWI_MISUSE_ROOT_KIND:
        return "name the kind of root with lw_sink_root_kind() in each walk";
    case LWI_MISUSE_WORDS:
        return "pass a name, and only flags and styles of the header you compile with";
    default:
        return "give types that are not the same different keys, and one type one name";
    }
}

bool lwi_check_misuses(lw_check *check, const lwi_misuse *misuses)
{
    bool ready = true;
    for (uint32_t kind = 0; ready && kind < LWI_MISUSES; kind++) {
        int32_t problem = kind == LWI_MISUSE_TYPE_AGAIN ? LW_PROBLEM_CONFLICT : LW_PROBLEM_UNKNOWN;
        if (misuses[kind].count)
            ready = lwi_check_add(check, problem, misuses[kind].count, misuses[kind].example, "",
                                  misuse_next(kind), "%s", misuses[kind].message);
    }
    return ready;
}

/* --- ends that were never pushed, nodes that were pushed twice ------------------------------ */

typedef struct group {
    uint64_t count;
    const lwi_stray *example;
} group;

static const char *stray_next(uint32_t kind)
{
    switch (kind) {
    case LWI_STRAY_TARGET:
        return "push the target with lw_sink_node(), or lw_sink_hide() it if it is yours";
    case LWI_STRAY_HOLDER:
        return "push the holder with lw_sink_node(), or leave its edges out";
    case LWI_STRAY_ROOT:
        return "push the node with lw_sink_node(): a root only says who holds it";
    case LWI_STRAY_DETAIL:
        return "push the node with lw_sink_node(): this only adds to it";
    case LWI_STRAY_NODE:
        return "push a node once, or alike; two objects at one address need two runtimes";
    case LWI_STRAY_BRIDGE:
        return "give the other runtime's own key of the node, and that runtime's name; it must be "
               "plugged into the same context";
    default:
        return "state a node's references once: the whole of its count";
    }
}

static bool add_strays(lw_check *check, const lw_snapshot *snapshot, uint32_t kind,
                       const char *type, const group *found)
{
    const lwi_stray *stray = found->example;
    const char *next = stray_next(kind), *s = plural(found->count);
    unsigned long long count = found->count;
    switch (kind) {
    case LWI_STRAY_TARGET:
        return lwi_check_add(check, LW_PROBLEM_DANGLING, count, stray->key, type, next,
                             "%llu edge%s to a node that was never pushed", count, s);
    case LWI_STRAY_HOLDER:
        return lwi_check_add(check, LW_PROBLEM_DANGLING, count, stray->key, type, next,
                             "%llu edge%s from a node that was never pushed", count, s);
    case LWI_STRAY_ROOT:
        return lwi_check_add(check, LW_PROBLEM_DANGLING, count, stray->key, type, next,
                             "%llu root%s (\"%.80s\") to a node that was never pushed", count, s,
                             snapshot->root_kinds[stray->about].name);
    case LWI_STRAY_DETAIL:
        return lwi_check_add(check, LW_PROBLEM_DANGLING, count, stray->key, type, next,
                             "%llu statement%s on a node that was never pushed", count, s);
    case LWI_STRAY_NODE: {
        const lwi_shape *first = lwi_shape_at(snapshot, stray->about);
        const lwi_shape *second = &snapshot->shapes[stray->shape];
        return lwi_check_add(check, LW_PROBLEM_CONFLICT, count, stray->key, type, next,
                             "pushed as %.60s of %llu bytes, then as %.60s of %llu bytes",
                             snapshot->types[first->type].name, (unsigned long long)first->size,
                             snapshot->types[second->type].name,
                             (unsigned long long)second->size);
    }
    case LWI_STRAY_BRIDGE:
        return lwi_check_add(check, LW_PROBLEM_BRIDGE, count, stray->key, type, next,
                             "%llu bridge%s whose other end was never pushed", count, s);
    default:
        return lwi_check_add(check, LW_PROBLEM_CONFLICT, count, stray->key, type, next,
                             "two reference counts stated");
    }
}

/* Strays about a known node are grouped by its type, the others together, roots by their kind. */
static uint32_t stray_group(const lw_snapshot *snapshot, const lwi_stray *stray)
{
    if (stray->kind == LWI_STRAY_ROOT)
        return stray->about;
    if (stray->about == LW_NODE_NONE)
        return 0;
    return lwi_shape_at(snapshot, stray->about)->type;
}

/* Whether the runtime that is judged has pushed it. */
static bool own_stray(const lwi_suspect *suspect, const lwi_stray *stray)
{
    const lw_snapshot *snapshot = suspect->snapshot;
    uint32_t number = (uint32_t)(suspect->part - snapshot->parts);
    if (stray->kind == LWI_STRAY_ROOT)
        return snapshot->root_kinds[stray->about].part == number;
    return stray->about == LW_NODE_NONE ? stray->shape == number
                                        : lwi_suspected(suspect, stray->about);
}

bool lwi_check_strays(lw_check *check, const lwi_suspect *suspect, const lwi_strays *strays)
{
    const lw_snapshot *snapshot = suspect->snapshot;
    uint64_t most = (uint64_t)snapshot->info.types + snapshot->root_kind_count + 1;
    bool ready = true;
    for (uint32_t kind = LWI_STRAY_TARGET; ready && kind <= LWI_STRAY_BRIDGE; kind++) {
        size_t size = lwi_array_size(most, sizeof(group));
        group *groups = lwi_alloc(&check->mem, size);
        ready = groups != NULL;
        for (uint64_t i = 0; ready && i < strays->count; i++) {
            const lwi_stray *stray = &strays->items[i];
            if (stray->kind != kind || !own_stray(suspect, stray))
                continue;
            group *found = &groups[stray_group(snapshot, stray)];
            if (!found->example || stray->key < found->example->key)
                found->example = stray;
            found->count++;
        }
        for (uint64_t i = 0; ready && i < most; i++) {
            bool typed = groups[i].count && kind != LWI_STRAY_ROOT &&
                         groups[i].example->about != LW_NODE_NONE;
            if (groups[i].count)
                ready = add_strays(check, snapshot, kind, typed ? snapshot->types[i].name : "",
                                   &groups[i]);
        }
        lwi_free(&check->mem, groups, size);
    }
    return ready;
}

/* --- stated references against edges and roots ---------------------------------------------- */

/* The nodes of one type whose counts do not add up, and the one that is furthest off. */
typedef struct account {
    uint64_t count, gap;
    lw_node example;
} account;

static void enter(account *accounts, lw_node node, uint64_t gap)
{
    accounts->count++;
    if (gap > accounts->gap) {
        accounts->gap = gap;
        accounts->example = node;
    }
}

static bool add_account(lw_check *check, const lw_snapshot *snapshot, const account *found,
                        int32_t kind, uint32_t edges, uint32_t roots)
{
    unsigned long long stated = lwi_stated(snapshot, found->example);
    char and_roots[40] = "";
    if (roots)
        snprintf(and_roots, sizeof and_roots, " and %u root%s", (unsigned)roots, plural(roots));
    const char *next = kind == LW_PROBLEM_MISSING
                           ? "push one edge or root per counted reference; what code outside of "
                             "the runtime holds may stay, it is shown as held from outside"
                           : "push one strong edge per counted reference, and those that are not "
                             "counted as LW_EDGE_BORROWED or from a root that is LW_ROOT_BORROWED";
    return lwi_check_add(check, kind, found->count, lwi_key_of_node(snapshot, found->example),
                         lwi_type_at(snapshot, found->example)->name, next,
                         "%llu reference%s stated, %u edge%s%s pushed", stated, plural(stated),
                         (unsigned)edges, plural(edges), and_roots);
}

static bool compare_counts(lw_check *check, const lwi_suspect *suspect, const uint32_t *edges,
                           const uint32_t *roots, account *missing, account *excess)
{
    const lw_snapshot *snapshot = suspect->snapshot;
    for (lw_node node = suspect->part->first; lwi_suspected(suspect, node); node++) {
        uint64_t stated = lwi_stated(snapshot, node), pushed = (uint64_t)edges[node] + roots[node];
        uint32_t type = lwi_shape_at(snapshot, node)->type;
        if (stated > pushed)
            enter(&missing[type], node, stated - pushed);
        else if (stated && stated < pushed)
            enter(&excess[type], node, pushed - stated);
    }
    bool ready = true;
    for (uint32_t type = 0; ready && type < snapshot->info.types; type++) {
        const account *less = &missing[type], *more = &excess[type];
        if (less->count)
            ready = add_account(check, snapshot, less, LW_PROBLEM_MISSING, edges[less->example],
                                roots[less->example]);
        if (ready && more->count)
            ready = add_account(check, snapshot, more, LW_PROBLEM_EXCESS, edges[more->example],
                                roots[more->example]);
    }
    return ready;
}

bool lwi_check_counts(lw_check *check, const lwi_suspect *suspect)
{
    const lw_snapshot *snapshot = suspect->snapshot;
    if (!snapshot->counts)
        return true;
    uint64_t nodes = snapshot->info.nodes, types = snapshot->info.types;
    size_t counts_size = lwi_array_size(nodes * 2 + 1, sizeof(uint32_t));
    size_t accounts_size = lwi_array_size(types * 2 + 1, sizeof(account));
    uint32_t *edges = lwi_alloc(&check->mem, counts_size);
    account *accounts = lwi_alloc(&check->mem, accounts_size);
    bool ready = edges && accounts;
    if (ready) {
        lwi_count_edges(snapshot, edges);
        lwi_count_roots(snapshot, edges + nodes);
        ready = compare_counts(check, suspect, edges, edges + nodes, accounts, accounts + types);
    }
    lwi_free(&check->mem, edges, counts_size);
    lwi_free(&check->mem, accounts, accounts_size);
    return ready;
}

/* --- nodes that nothing reaches ------------------------------------------------------------ */

/* Garbage is lawful when the runtime proves it: a stated reference count of which the edges
 * explain all says that nobody else holds the node (were the root of a counted reference
 * forgotten, the node would count as held from outside). What such a node holds is garbage with
 * it. Everything else that no root reaches is unrooted, and so is all of it when no root was
 * pushed at all. */
static void excuse_garbage(const lw_snapshot *snapshot, uint64_t *excused, lw_node *queue)
{
    if (snapshot->info.roots == 0)
        return;
    for (lw_node node = 0; node < snapshot->info.nodes; node++) {
        if (lwi_is_garbage(snapshot, node) && lwi_stated(snapshot, node))
            lwi_bits_set(excused, node);
    }
    lwi_reach(snapshot, excused, queue);
}

typedef struct unrooted {
    uint64_t count, heads;
    lw_node example;
} unrooted;

/* Those that nothing at all holds are where a root or an edge is missing. */
static void find_held(const lw_snapshot *snapshot, const uint64_t *excused, uint64_t *held)
{
    for (lw_node node = 0; node < snapshot->info.nodes; node++) {
        if (!lwi_is_garbage(snapshot, node) || lwi_bits_get(excused, node))
            continue;
        uint64_t end = lwi_row_end(&snapshot->rows, node);
        for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < end; edge++) {
            if (snapshot->rows.items[edge] != node &&
                lwi_edge_retains(lwi_kind_at(snapshot, edge)))
                lwi_bits_set(held, snapshot->rows.items[edge]);
        }
    }
}

static bool add_unrooted(lw_check *check, const lw_snapshot *snapshot, const unrooted *found)
{
    char heads[60] = "";
    if (found->heads)
        snprintf(heads, sizeof heads, "; %llu held by nothing at all",
                 (unsigned long long)found->heads);
    return lwi_check_add(
        check, LW_PROBLEM_UNROOTED, found->count, lwi_key_of_node(snapshot, found->example),
        lwi_type_at(snapshot, found->example)->name,
        snapshot->info.roots == 0
            ? "no root was pushed at all: push what the host itself holds with lw_sink_root()"
            : "push the root or the edge that holds it; if it is garbage, collect before you "
              "check, or state reference counts",
        "no root reaches %llu node%s%s", (unsigned long long)found->count, plural(found->count),
        heads);
}

static bool group_unrooted(lw_check *check, const lwi_suspect *suspect, const uint64_t *excused,
                           const uint64_t *held, unrooted *types)
{
    const lw_snapshot *snapshot = suspect->snapshot;
    for (lw_node node = suspect->part->first; lwi_suspected(suspect, node); node++) {
        if (!lwi_is_garbage(snapshot, node) || lwi_bits_get(excused, node))
            continue;
        unrooted *found = &types[lwi_shape_at(snapshot, node)->type];
        bool head = !lwi_bits_get(held, node);
        if (found->count == 0 || (head && found->heads == 0))
            found->example = node;
        found->count++;
        found->heads += head;
    }
    bool ready = true;
    for (uint32_t type = 0; ready && type < snapshot->info.types; type++) {
        if (types[type].count)
            ready = add_unrooted(check, snapshot, &types[type]);
    }
    return ready;
}

bool lwi_check_rooted(lw_check *check, const lwi_suspect *suspect)
{
    const lw_snapshot *snapshot = suspect->snapshot;
    if (snapshot->info.garbage == 0)
        return true;
    lwi_mem *mem = &check->mem;
    size_t bits_size = (size_t)lwi_bits_words(snapshot->info.nodes) * sizeof(uint64_t);
    size_t queue_size = lwi_array_size(snapshot->info.nodes, sizeof(lw_node));
    size_t types_size = lwi_array_size(snapshot->info.types, sizeof(unrooted));
    uint64_t *excused = lwi_alloc(mem, bits_size), *held = lwi_alloc(mem, bits_size);
    lw_node *queue = lwi_alloc(mem, queue_size);
    unrooted *types = lwi_alloc(mem, types_size);
    bool ready = excused && held && queue && types;
    if (ready) {
        excuse_garbage(snapshot, excused, queue);
        find_held(snapshot, excused, held);
        ready = group_unrooted(check, suspect, excused, held, types);
    }
    lwi_free(mem, excused, bits_size);
    lwi_free(mem, held, bits_size);
    lwi_free(mem, queue, queue_size);
    lwi_free(mem, types, types_size);
    return ready;
}
