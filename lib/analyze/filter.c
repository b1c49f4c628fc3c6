#include "analyze/filter.h"

#include "base/error.h"

#include <string.h>

static lw_status labels_check(const lw_paths_options *options, lw_error *error)
{
    for (uint64_t i = 0; i < options->ignore_label_count; i++) {
        const lw_label *label = &options->ignore_labels[i];
        if (label->style < -2 || label->style > LW_LABEL_INTERNAL)
            return lwi_fail(error, LW_E_INVALID, "ignore_labels[%llu]: style %d is none of "
                                                 "lw_label_style, nor -1 (index) or -2 (no label)",
                            (unsigned long long)i, (int)label->style);
        if (label->style >= 0 && !label->text)
            return lwi_fail(error, LW_E_INVALID, "ignore_labels[%llu]: text is NULL",
                            (unsigned long long)i);
    }
    return LW_OK;
}

lw_status lwi_filter_check(const lw_snapshot *snapshot, const lw_paths_options *options,
                           lw_error *error)
{
    if (options->ignore_edges >> (LW_EDGE_UNKNOWN + 1))
        return lwi_fail(error, LW_E_INVALID, "ignore_edges 0x%x: bits are 1 << lw_edge_kind",
                        (unsigned)options->ignore_edges);
    if ((options->ignore_node_count && !options->ignore_nodes) ||
        (options->ignore_type_count && !options->ignore_types) ||
        (options->ignore_label_count && !options->ignore_labels) ||
        (options->ignore_root_count && !options->ignore_roots))
        return lwi_fail(error, LW_E_INVALID, "lw_paths_options: a count of what to ignore is not "
                                             "0, but its array is NULL");
    for (uint64_t i = 0; i < options->ignore_node_count; i++) {
        lw_status status = lwi_node_check(snapshot, options->ignore_nodes[i], error);
        if (status != LW_OK)
            return status;
    }
    for (uint64_t i = 0; i < options->ignore_type_count; i++) {
        if (options->ignore_types[i] >= snapshot->info.types)
            return lwi_fail(error, LW_E_NOT_FOUND, "type %u: the snapshot has %u types, from 0",
                            (unsigned)options->ignore_types[i], (unsigned)snapshot->info.types);
    }
    for (uint64_t i = 0; i < options->ignore_root_count; i++) {
        if (!options->ignore_roots[i])
            return lwi_fail(error, LW_E_INVALID, "ignore_roots[%llu] is NULL",
                            (unsigned long long)i);
    }
    return labels_check(options, error);
}

static bool is_named(const lwi_name *name, const lw_label *label)
{
    return name->style == label->style && name->length == strlen(label->text) &&
           memcmp(name->text, label->text, name->length) == 0;
}

/* The bits of all labels of one text: runtimes have their own. */
static void mark_names(lwi_filter *filter, const lw_label *label)
{
    const lw_snapshot *snapshot = filter->snapshot;
    if (label->style == -2)
        lwi_bits_set(filter->names, 0);
    for (uint32_t i = 1; label->style >= 0 && i < snapshot->name_count; i++) {
        if (is_named(&snapshot->names[i], label))
            lwi_bits_set(filter->names, i);
    }
}

static void mark_roots(lwi_filter *filter)
{
    const lw_snapshot *snapshot = filter->snapshot;
    for (uint64_t i = 0; i < filter->options->ignore_root_count; i++) {
        const char *name = filter->options->ignore_roots[i];
        for (uint32_t kind = 0; kind < snapshot->root_kind_count; kind++) {
            if (strcmp(snapshot->root_kinds[kind].name, name) == 0)
                lwi_bits_set(filter->root_kinds, kind);
        }
        filter->outside |= strcmp(name, LWI_OUTSIDE_NAME) == 0;
    }
}

static uint64_t *bits(lwi_mem *mem, uint64_t count)
{
    return lwi_alloc(mem, (size_t)lwi_bits_words(count) * sizeof(uint64_t));
}

bool lwi_filter_init(lwi_filter *filter, const lw_snapshot *snapshot,
                     const lw_paths_options *options, lwi_mem *mem)
{
    *filter = (lwi_filter){.snapshot = snapshot, .options = options};
    if (options->ignore_label_count) {
        filter->names = bits(mem, snapshot->name_count);
        if (!filter->names)
            return false;
        for (uint64_t i = 0; i < options->ignore_label_count; i++)
            mark_names(filter, &options->ignore_labels[i]);
    }
    if (options->ignore_root_count) {
        filter->root_kinds = bits(mem, snapshot->root_kind_count);
        if (!filter->root_kinds)
            return false;
        mark_roots(filter);
    }
    if (options->ignore_type_count) {
        filter->types = bits(mem, snapshot->info.types);
        if (!filter->types)
            return false;
        for (uint64_t i = 0; i < options->ignore_type_count; i++)
            lwi_bits_set(filter->types, options->ignore_types[i]);
    }
    return true;
}

static void free_bits(lwi_mem *mem, uint64_t *items, uint64_t count)
{
    lwi_free(mem, items, (size_t)lwi_bits_words(count) * sizeof(uint64_t));
}

void lwi_filter_free(lwi_filter *filter, lwi_mem *mem)
{
    free_bits(mem, filter->names, filter->snapshot->name_count);
    free_bits(mem, filter->root_kinds, filter->snapshot->root_kind_count);
    free_bits(mem, filter->types, filter->snapshot->info.types);
    filter->names = filter->root_kinds = filter->types = NULL;
}

void lwi_filter_nodes(const lwi_filter *filter, uint64_t *ignored)
{
    const lw_snapshot *snapshot = filter->snapshot;
    for (uint64_t i = 0; i < filter->options->ignore_node_count; i++)
        lwi_bits_set(ignored, filter->options->ignore_nodes[i]);
    for (lw_node node = 0; filter->types && node < snapshot->info.nodes; node++) {
        if (lwi_bits_get(filter->types, lwi_shape_at(snapshot, node)->type))
            lwi_bits_set(ignored, node);
    }
}

bool lwi_filter_edge(const void *user, uint64_t edge)
{
    const lwi_filter *filter = user;
    const lw_paths_options *options = filter->options;
    if (options->ignore_edges >> lwi_kind_at(filter->snapshot, edge) & 1)
        return true;
    if (!filter->names)
        return false;
    uint32_t label = lwi_label_at(filter->snapshot, edge);
    if (!(label & LW_LABEL_INDEX(0)))
        return lwi_bits_get(filter->names, label);
    for (uint64_t i = 0; i < options->ignore_label_count; i++) {
        if (options->ignore_labels[i].style == -1 &&
            options->ignore_labels[i].index == (label & ~LW_LABEL_INDEX(0)))
            return true;
    }
    return false;
}
