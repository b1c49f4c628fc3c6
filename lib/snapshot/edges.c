/* What a snapshot tells of its references. */
#include "base/error.h"
#include "snapshot/snapshot.h"

#include <string.h>

int lwi_name_compare(const lwi_name *a, const lwi_name *b)
{
    if (a->style != b->style)
        return a->style < b->style ? -1 : 1;
    int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

lw_label lwi_label_of(const lw_snapshot *snapshot, uint32_t label)
{
    lw_label words = {-2, 0, ""};
    if (label & LW_LABEL_INDEX(0)) {
        words.style = -1;
        words.index = label & ~LW_LABEL_INDEX(0);
    } else if (label) {
        words.style = snapshot->names[label].style;
        words.text = snapshot->names[label].text;
    }
    return words;
}

lw_edge lwi_edge_at(const lw_snapshot *snapshot, lw_node from, uint64_t edge)
{
    lw_edge full = LW_EDGE_INIT;
    full.kind = lwi_kind_at(snapshot, edge);
    full.from = from;
    full.to = snapshot->rows.items[edge];
    full.label = lwi_label_of(snapshot, lwi_label_at(snapshot, edge));
    return full;
}

lw_status lw_edge_each(const lw_snapshot *snapshot, lw_node node, lw_edge_fn visit, void *user,
                       lw_error *error)
{
    lw_status status = lwi_node_check(snapshot, node, error);
    if (status != LW_OK)
        return status;
    if (!visit)
        return lwi_fail(error, LW_E_INVALID, "visit is NULL: pass what to call for each edge");
    uint64_t end = lwi_row_end(&snapshot->rows, node);
    for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < end; edge++) {
        lw_edge full = lwi_edge_at(snapshot, node, edge);
        if (visit(&full, user) != 0)
            break;
    }
    return LW_OK;
}
