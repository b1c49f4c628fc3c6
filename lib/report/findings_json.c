#include "report/findings.h"
#include "report/frame.h"
#include "report/label.h"

static void json_type(const lwi_found *found, lwi_json *json, const char *key, lw_node node)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_type_info type = LW_TYPE_INFO_INIT;
    const lw_snapshot *snapshot = lw_paths_snapshot(found->paths);
    if (node == LW_NODE_NONE) {
        lwi_json_null(json, key);
        return;
    }
    lw_node_info_get(snapshot, node, &info, NULL);
    lw_snapshot_type_get(snapshot, info.type, &type, NULL);
    lwi_json_string(json, key, type.name);
}

void lwi_json_findings(const lwi_found *found, lwi_json *json)
{
    const lw_findings_info *info = &found->info;
    lwi_json_unsigned(json, "rounds", info->rounds);
    lwi_json_unsigned(json, "calls", info->calls);
    lwi_json_unsigned(json, "accepted", info->accepted);
    lwi_json_unsigned(json, "left_out", info->left_out);
    lwi_json_signed(json, "objects_diff", info->objects_diff);
    lwi_json_signed(json, "bytes_diff", info->bytes_diff);
    lwi_json_unsigned(json, "found_bytes", info->found_bytes);
    lwi_json_unsigned(json, "garbage", info->garbage);
    lwi_json_unsigned(json, "garbage_bytes", info->garbage_bytes);
    lwi_json_bool(json, "recorded", info->recorded);
    lwi_json_bool(json, "approximate", info->approximate);
}

static lw_status json_frames(const lwi_found *found, lwi_json *json, lw_error *error)
{
    lwi_json_array(json, "frames");
    for (uint32_t level = 0; level < found->finding.frames; level++) {
        lw_frame frame = LW_FRAME_INIT;
        lw_status status =
            lw_finding_frame_get(found->findings, found->index, level, &frame, error);
        if (status != LW_OK)
            return status;
        lwi_json_frame(json, &frame);
    }
    lwi_json_array_end(json);
    return LW_OK;
}

static lw_status json_path(const lwi_found *found, lwi_json *json, lw_error *error)
{
    lw_path path = LW_PATH_INIT;
    lw_status status = lw_path_get(found->paths, 0, &path, error);
    lwi_json_object(json, "path");
    lwi_json_string(json, "root_kind", path.root_kind);
    lwi_json_label(json, &path.root_label);
    json_type(found, json, "first", path.first);
    lwi_json_array(json, "steps");
    for (uint32_t step = 0; status == LW_OK && step < path.steps; step++) {
        lw_edge edge = LW_EDGE_INIT;
        status = lw_path_step_get(found->paths, 0, step, &edge, error);
        lwi_json_object(json, NULL);
        lwi_json_edge_kind(json, edge.kind);
        lwi_json_label(json, &edge.label);
        json_type(found, json, "type", edge.to);
        lwi_json_object_end(json);
    }
    lwi_json_array_end(json);
    lwi_json_object_end(json);
    return status;
}

static lw_status json_edges(const lwi_found *found, lwi_json *json, uint32_t count,
                            lw_error *error)
{
    lw_status status = LW_OK;
    if (count == 0) {
        lwi_json_null(json, "edges");
        return LW_OK;
    }
    lwi_json_array(json, "edges");
    for (uint32_t i = 0; status == LW_OK && i < count; i++) {
        lw_cut_edge edge = LW_CUT_EDGE_INIT;
        status = lw_cut_edge_get(found->cut, i, &edge, error);
        bool root = edge.edge.from == LW_NODE_NONE;
        lwi_json_object(json, NULL);
        if (root)
            lwi_json_string(json, "root_kind", edge.root_kind);
        else
            lwi_json_null(json, "root_kind");
        lwi_json_label(json, root ? &edge.root_label : &edge.edge.label);
        json_type(found, json, "from", edge.edge.from);
        json_type(found, json, "to", edge.edge.to);
        lwi_json_unsigned(json, "alone_bytes", edge.alone_bytes);
        lwi_json_unsigned(json, "alone_leaked_bytes", edge.alone_leaked_bytes);
        lwi_json_object_end(json);
    }
    lwi_json_array_end(json);
    return status;
}

static lw_status json_holders(const lwi_found *found, lwi_json *json, uint32_t count,
                              lw_error *error)
{
    lw_status status = LW_OK;
    if (count == 0) {
        lwi_json_null(json, "holders");
        return LW_OK;
    }
    lwi_json_array(json, "holders");
    for (uint32_t i = 0; status == LW_OK && i < count; i++) {
        lw_cut_holder holder = LW_CUT_HOLDER_INIT;
        status = lw_cut_holder_get(found->cut, i, &holder, error);
        lwi_json_object(json, NULL);
        json_type(found, json, "type", holder.node);
        lwi_json_unsigned(json, "leaked_bytes", holder.leaked_bytes);
        lwi_json_object_end(json);
    }
    lwi_json_array_end(json);
    return status;
}

static lw_status json_cut(const lwi_found *found, lwi_json *json, lw_error *error)
{
    lw_cut_info info = LW_CUT_INFO_INIT;
    lw_status status = lw_cut_info_get(found->cut, &info, error);
    lwi_json_object(json, "cut");
    lwi_json_bool(json, "too_many", info.flags & LW_CUT_TOO_MANY);
    lwi_json_unsigned(json, "leaked_objects", info.leaked_count);
    lwi_json_unsigned(json, "leaked_bytes", info.leaked_bytes);
    lwi_json_unsigned(json, "freed_objects", info.freed_count);
    lwi_json_unsigned(json, "freed_bytes", info.freed_bytes);
    lwi_json_unsigned(json, "freed_leaked_bytes", info.freed_leaked_bytes);
    lwi_json_unsigned(json, "innocent_bytes", info.innocent_bytes);
    if (status == LW_OK)
        status = json_edges(found, json, info.edges, error);
    if (status == LW_OK)
        status = json_holders(found, json, info.holders, error);
    lwi_json_object_end(json);
    return status;
}

static const char *kind_name(int32_t kind)
{
    return kind == LW_FINDING_BLOCKS ? "blocks" : kind == LW_FINDING_BYTES ? "bytes"
           : kind == LW_FINDING_MEMORY ? "memory" : "growth";
}

lw_status lwi_json_finding(const lwi_found *found, lwi_json *json, lw_error *error)
{
    const lw_finding *finding = &found->finding;
    bool held = found->paths && lw_paths_count(found->paths) > 0;
    lwi_json_string(json, "kind", kind_name(finding->kind));
    lwi_json_fingerprint(json, "fingerprint", finding->fingerprint);
    lwi_json_bool(json, "accepted", finding->accepted);
    lwi_json_unsigned(json, "grew_in", finding->rounds);
    lwi_json_unsigned(json, "objects", finding->objects);
    lwi_json_unsigned(json, "bytes", finding->bytes);
    lwi_json_string(json, "holder", *finding->holder_type ? finding->holder_type : NULL);
    lwi_json_string(json, "type", *finding->type ? finding->type : NULL);
    lwi_json_unsigned(json, "type_objects", finding->type_objects);
    lwi_json_unsigned(json, "type_bytes", finding->type_bytes);
    lwi_json_bool(json, "approximate", finding->approximate);
    lwi_json_unsigned(json, "site_objects", finding->site_objects);
    lwi_json_unsigned(json, "site_bytes", finding->site_bytes);
    lw_status status = json_frames(found, json, error);
    lwi_json_unsigned(json, "entries", finding->entries);
    lwi_json_unsigned(json, "entries_bytes", finding->entries_bytes);
    if (finding->rounds_left)
        lwi_json_unsigned(json, "rounds_left", finding->rounds_left);
    else
        lwi_json_null(json, "rounds_left");
    lwi_json_string(json, "advice", *finding->advice ? finding->advice : NULL);
    if (status == LW_OK && held)
        status = json_path(found, json, error);
    else
        lwi_json_null(json, "path");
    if (status == LW_OK && found->cut)
        status = json_cut(found, json, error);
    else
        lwi_json_null(json, "cut");
    return status;
}
