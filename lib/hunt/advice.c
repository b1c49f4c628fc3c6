#include "hunt/advice.h"

#include "base/error.h"

#include <string.h>

typedef struct collection {
    lw_status status;
    lw_error *error;
} collection;

static int collect_one(lw_runtime *runtime, const char *name, void *user)
{
    (void)name;
    collection *collection = user;
    lw_status status = lw_runtime_collect(runtime, collection->error);
    if (status != LW_E_UNSUPPORTED) /* a host without a collector has nothing to do */
        collection->status = status;
    return collection->status != LW_OK;
}

lw_status lwi_collect_all(lw_context *context, lw_error *error)
{
    collection collection = {LW_OK, error};
    lw_status status = lw_runtime_each(context, collect_one, &collection, error);
    return status == LW_OK ? collection.status : status;
}

/* By what the holder itself is held on the way to the example. */
static void name_holder(const lwi_finding *finding, lw_advice_query *query)
{
    lw_path path = LW_PATH_INIT;
    if (lw_path_get(finding->paths, 0, &path, NULL) != LW_OK)
        return;
    query->root_kind = path.root_kind;
    query->root_label = path.root_label.text;
    if (path.first == finding->info.holder) {
        query->label_style = path.root_label.style;
        query->label = path.root_label.text;
    }
    for (uint32_t step = 0; step < path.steps; step++) {
        lw_edge edge = LW_EDGE_INIT;
        if (lw_path_step_get(finding->paths, 0, step, &edge, NULL) != LW_OK ||
            edge.to != finding->info.holder)
            continue;
        query->label_style = edge.label.style;
        query->label = edge.label.text;
    }
}

lw_status lwi_advise(lw_context *context, lw_findings *findings, lwi_finding *finding,
                     lw_error *error)
{
    char words[512];
    if (finding->info.holder == LW_NODE_NONE)
        return LW_OK;
    lw_node_info node = LW_NODE_INFO_INIT;
    lw_type_info type = LW_TYPE_INFO_INIT;
    lw_advice_query query = LW_ADVICE_QUERY_INIT;
    lw_status status = lw_node_info_get(findings->last, finding->info.holder, &node, error);
    if (status == LW_OK)
        status = lw_snapshot_type_get(findings->last, node.type, &type, error);
    if (status != LW_OK)
        return status;
    query.runtime = node.runtime;
    query.holder_type = type.name;
    query.holder_type_key = type.key;
    query.holder = node.key;
    query.type = finding->info.type;
    if (finding->paths)
        name_holder(finding, &query);
    if (lw_advice_get(context, &query, words, sizeof words, NULL) != LW_OK || !*words)
        return LW_OK; /* it knows nothing, which is no error */
    finding->info.advice = lwi_arena_text(&findings->arena, words, strlen(words));
    if (finding->info.advice)
        return LW_OK;
    finding->info.advice = "";
    return lwi_nomem(error, "advice");
}
