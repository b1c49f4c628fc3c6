/* Problems that two runs show: what one of them pushed and the other did not. */
#include "capture/check.h"
#include "snapshot/reach.h"

#include <stdio.h>
#include <string.h>

/* What differs about the nodes of one type. */
typedef struct change {
    uint64_t only_first, only_second; /* nodes */
    uint64_t unlike;                  /* another type, size, count or number of bytes elsewhere */
    uint64_t other_edges;             /* nodes with other references */
    lw_key example;
    const char *type;
} change;

typedef struct stable {
    const lwi_suspect *suspect;
    const lw_snapshot *first, *second;
    uint32_t *types;   /* of the second run -> of the first, or beyond them */
    uint32_t *names;   /* of the first run -> of the second; 0: not known yet */
    uint32_t *nodes;   /* of the first run -> of the second; LW_NODE_NONE: none */
    change *changes;   /* by type */
} stable;

/* --- what is equal ------------------------------------------------------------------------- */

static int compare_types(const lwi_type *a, const lwi_type *b)
{
    if (a->part != b->part)
        return a->part < b->part ? -1 : 1;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->key > b->key) - (a->key < b->key);
}

/* Both runs' types are in the order of their content. */
static void map_types(stable *s)
{
    uint32_t mine = 0, count = s->first->info.types;
    for (uint32_t i = 0; i < s->second->info.types; i++) {
        const lwi_type *type = &s->second->types[i];
        while (mine < count && compare_types(&s->first->types[mine], type) < 0)
            mine++;
        bool equal = mine < count && compare_types(&s->first->types[mine], type) == 0;
        s->types[i] = equal ? mine : count + i;
        s->changes[s->types[i]].type = type->name;
    }
    for (uint32_t i = 0; i < count; i++)
        s->changes[i].type = s->first->types[i].name;
}

/* Labels are compared by what they say, once for each pair. */
static bool same_label(const stable *s, uint32_t first, uint32_t second)
{
    if (first == 0 || second == 0 || (first | second) & LW_LABEL_INDEX(0))
        return first == second;
    if (s->names[first] == second)
        return true;
    if (lwi_name_compare(&s->first->names[first], &s->second->names[second]) != 0)
        return false;
    s->names[first] = second;
    return true;
}

/* --- nodes --------------------------------------------------------------------------------- */

static change *enter(change *found, lw_key key)
{
    if (!found->only_first && !found->only_second && !found->unlike && !found->other_edges)
        found->example = key;
    return found;
}

/* Both runs' keys are in order; only changes of the one who is judged matter. */
static void compare_keys(stable *s, const lwi_part *first, const lwi_part *second)
{
    lwi_keys_cursor mine = {0}, other = {0};
    lw_key a = 0, b = 0;
    bool judged = first == s->suspect->part;
    bool has_a = lwi_keys_next(&first->keys, &mine, &a);
    bool has_b = lwi_keys_next(&second->keys, &other, &b);
    while (has_a || has_b) {
        lw_node node = first->first + mine.place - 1, twin = second->first + other.place - 1;
        bool step_a = has_a && (!has_b || a <= b), step_b = has_b && (!has_a || b <= a);
        if (step_a && step_b)
            s->nodes[node] = twin;
        else if (step_a && judged)
            enter(&s->changes[lwi_shape_at(s->first, node)->type], a)->only_first++;
        else if (step_b && judged)
            enter(&s->changes[s->types[lwi_shape_at(s->second, twin)->type]], b)->only_second++;
        if (step_a)
            has_a = lwi_keys_next(&first->keys, &mine, &a);
        if (step_b)
            has_b = lwi_keys_next(&second->keys, &other, &b);
    }
}

static bool same_node(const stable *s, lw_node node, lw_node twin)
{
    const lwi_shape *a = lwi_shape_at(s->first, node), *b = lwi_shape_at(s->second, twin);
    return a->size == b->size && a->type == s->types[b->type] &&
           lwi_stated(s->first, node) == lwi_stated(s->second, twin) &&
           lwi_rare_get(&s->first->external, node) == lwi_rare_get(&s->second->external, twin);
}

/* Rows are in the order of keys and labels, whatever the numbers are. */
static bool same_row(const stable *s, lw_node node, lw_node twin)
{
    uint64_t a = lwi_row_start(&s->first->rows, node), a_end = lwi_row_end(&s->first->rows, node);
    uint64_t b = lwi_row_start(&s->second->rows, twin);
    if (a_end - a != lwi_row_end(&s->second->rows, twin) - b)
        return false;
    for (; a < a_end; a++, b++) {
        if (s->nodes[s->first->rows.items[a]] != s->second->rows.items[b] ||
            lwi_kind_at(s->first, a) != lwi_kind_at(s->second, b) ||
            !same_label(s, lwi_label_at(s->first, a), lwi_label_at(s->second, b)))
            return false;
    }
    return true;
}

static void compare_nodes(stable *s)
{
    for (lw_node node = s->suspect->part->first; lwi_suspected(s->suspect, node); node++) {
        lw_node twin = s->nodes[node];
        if (twin == LW_NODE_NONE)
            continue;
        change *found = &s->changes[lwi_shape_at(s->first, node)->type];
        if (!same_node(s, node, twin))
            enter(found, lwi_key_of_node(s->first, node))->unlike++;
        if (!same_row(s, node, twin))
            enter(found, lwi_key_of_node(s->first, node))->other_edges++;
    }
}

/* --- roots --------------------------------------------------------------------------------- */

/* By key, kind and label; both runs' roots are in this order. */
static int compare_roots(const stable *s, const lwi_root *a, const lwi_root *b)
{
    lw_key x = lwi_key_of_node(s->first, a->node), y = lwi_key_of_node(s->second, b->node);
    const lwi_root_kind *x_kind = &s->first->root_kinds[a->kind];
    const lwi_root_kind *y_kind = &s->second->root_kinds[b->kind];
    if (x != y)
        return x < y ? -1 : 1;
    int order = strcmp(x_kind->name, y_kind->name);
    if (order == 0)
        order = (x_kind->flags > y_kind->flags) - (x_kind->flags < y_kind->flags);
    if (order || same_label(s, a->label, b->label))
        return order;
    bool names = !((a->label | b->label) & LW_LABEL_INDEX(0));
    return names ? lwi_name_compare(&s->first->names[a->label], &s->second->names[b->label])
                 : (a->label > b->label) - (a->label < b->label);
}

static void append(char *message, size_t room, uint64_t count, const char *what)
{
    size_t used = strlen(message);
    if (count)
        snprintf(message + used, room - used, "%s%llu %s", used ? ", " : "",
                 (unsigned long long)count, what);
}

/* The next root, from `at` on, of a node in a part; the end if there is none. */
static uint32_t next_root(const lw_snapshot *snapshot, const lwi_part *part, uint32_t at)
{
    while (at < snapshot->info.roots && snapshot->roots[at].node - part->first >= part->count)
        at++;
    return at;
}

static void find_other_roots(const stable *s, const lwi_part *second, change *found)
{
    const lwi_part *first = s->suspect->part;
    uint32_t a = next_root(s->first, first, 0), b = next_root(s->second, second, 0);
    while (a < s->first->info.roots || b < s->second->info.roots) {
        const lwi_root *mine = &s->first->roots[a], *other = &s->second->roots[b];
        int order = a == s->first->info.roots    ? 1
                    : b == s->second->info.roots ? -1
                                                 : compare_roots(s, mine, other);
        if (order < 0)
            enter(found, lwi_key_of_node(s->first, mine->node))->only_first++;
        if (order > 0)
            enter(found, lwi_key_of_node(s->second, other->node))->only_second++;
        a = order <= 0 ? next_root(s->first, first, a + 1) : a;
        b = order >= 0 ? next_root(s->second, second, b + 1) : b;
    }
}

static bool compare_all_roots(lw_check *check, const stable *s, const lwi_part *second)
{
    change found = {0};
    find_other_roots(s, second, &found);
    char message[100] = "";
    append(message, sizeof message, found.only_first, "only in the first of two walks");
    append(message, sizeof message, found.only_second, "only in the second of two walks");
    return !*message ||
           lwi_check_add(check, LW_PROBLEM_UNSTABLE, found.only_first + found.only_second,
                         found.example, "",
                         "push the same roots each time: enumerate must not run code of the host",
                         "roots: %s", message);
}

/* --- all of it ----------------------------------------------------------------------------- */

static bool add_changes(lw_check *check, const stable *s)
{
    uint32_t types = s->first->info.types + s->second->info.types;
    bool ready = true;
    for (uint32_t i = 0; ready && i < types; i++) {
        const change *found = &s->changes[i];
        char message[200] = "";
        append(message, sizeof message, found->only_first, "only in the first of two walks");
        append(message, sizeof message, found->only_second, "only in the second of two walks");
        append(message, sizeof message, found->unlike, "described in two ways");
        append(message, sizeof message, found->other_edges, "with other references");
        uint64_t count =
            found->only_first + found->only_second + found->unlike + found->other_edges;
        if (count)
            ready = lwi_check_add(check, LW_PROBLEM_UNSTABLE, count, found->example, found->type,
                                  "push the same heap each time: hold the lock of its mutators, "
                                  "and leave out what enumerate itself makes",
                                  "%s", message);
    }
    return ready;
}

bool lwi_check_stable(lw_check *check, const lwi_suspect *suspect, const lw_snapshot *second)
{
    const lw_snapshot *first = suspect->snapshot;
    stable s = {.suspect = suspect, .first = first, .second = second};
    uint64_t types = (uint64_t)first->info.types + second->info.types;
    size_t nodes_size = lwi_array_size(first->info.nodes, sizeof *s.nodes);
    s.types = lwi_arena_zeros(&check->arena, second->info.types, sizeof *s.types);
    s.names = lwi_arena_zeros(&check->arena, first->name_count, sizeof *s.names);
    s.changes = lwi_arena_zeros(&check->arena, types, sizeof *s.changes);
    s.nodes = lwi_alloc(&check->mem, nodes_size);
    bool ready = s.types && s.names && s.changes && (s.nodes || nodes_size == 0);
    if (ready && nodes_size)
        memset(s.nodes, 0xff, nodes_size);
    if (ready) {
        map_types(&s);
        for (uint32_t i = 0; i < first->part_count; i++)
            compare_keys(&s, &first->parts[i], &second->parts[i]);
        compare_nodes(&s);
        const lwi_part *again = &second->parts[suspect->part - first->parts];
        ready = add_changes(check, &s) && compare_all_roots(check, &s, again);
    }
    lwi_free(&check->mem, s.nodes, nodes_size);
    return ready;
}
