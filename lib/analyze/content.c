#include "analyze/content.h"

#include <string.h>

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_texts(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return a == b ? 0 : strcmp(a, b);
}

int lwi_compare_frames(const lw_frame *a, const lw_frame *b)
{
    int order = compare_texts(a->file, b->file);
    if (order == 0)
        order = compare_numbers(a->line, b->line);
    return order ? order : compare_texts(a->function, b->function);
}

static int compare_stacks(const lw_snapshot *snapshot, uint32_t a, uint32_t b)
{
    const lwi_stack *x = &snapshot->stacks[a], *y = &snapshot->stacks[b];
    int order = a == b ? 0 : compare_numbers(x->count, y->count);
    for (uint32_t i = 0; a != b && order == 0 && i < x->count; i++)
        order = lwi_compare_frames(&snapshot->frames[snapshot->stack_frames[x->first + i]],
                                   &snapshot->frames[snapshot->stack_frames[y->first + i]]);
    return order;
}

static int compare_tenures(const lw_snapshot *snapshot, lw_node a, lw_node b)
{
    const lwi_tenure *x = lwi_tenure_at(snapshot, a), *y = lwi_tenure_at(snapshot, b);
    if (x == y || !x || !y)
        return (x != NULL) - (y != NULL);
    int order = compare_numbers(x->bytes, y->bytes);
    if (order == 0)
        order = compare_numbers(x->epoch, y->epoch);
    return order ? order : compare_stacks(snapshot, x->stack, y->stack);
}

int lwi_compare_nodes(const lw_snapshot *snapshot, lw_node a, lw_node b)
{
    if (snapshot->shape_of[a] != snapshot->shape_of[b]) {
        const lwi_type *x = lwi_type_at(snapshot, a), *y = lwi_type_at(snapshot, b);
        int order = compare_texts(x->name, y->name);
        if (order == 0 && x->part != y->part)
            order = strcmp(snapshot->parts[x->part].name, snapshot->parts[y->part].name);
        if (order == 0)
            order = compare_numbers(lwi_shape_at(snapshot, a)->size,
                                    lwi_shape_at(snapshot, b)->size);
        if (order)
            return order;
    }
    return compare_tenures(snapshot, a, b);
}

int lwi_compare_labels(const lw_snapshot *snapshot, uint32_t a, uint32_t b)
{
    bool a_index = a & LW_LABEL_INDEX(0), b_index = b & LW_LABEL_INDEX(0);
    if (a == b || a_index || b_index)
        return compare_numbers(a, b);
    return lwi_name_compare(&snapshot->names[a], &snapshot->names[b]);
}

int lwi_compare_edges(const lw_snapshot *snapshot, uint64_t a, uint64_t b)
{
    int order = compare_numbers((uint64_t)lwi_kind_at(snapshot, a),
                                (uint64_t)lwi_kind_at(snapshot, b));
    if (order == 0)
        order = lwi_compare_labels(snapshot, lwi_label_at(snapshot, a),
                                   lwi_label_at(snapshot, b));
    return order ? order : lwi_compare_nodes(snapshot, snapshot->rows.items[a],
                                             snapshot->rows.items[b]);
}

int lwi_compare_roots(const lw_snapshot *snapshot, const lwi_root *a, const lwi_root *b)
{
    int order = 0;
    if (a->kind != b->kind)
        order = strcmp(snapshot->root_kinds[a->kind].name, snapshot->root_kinds[b->kind].name);
    return order ? order : lwi_compare_labels(snapshot, a->label, b->label);
}
