/* What a snapshot tells of its nodes. */
#include "base/error.h"
#include "base/structs.h"
#include "snapshot/reach.h"

lw_status lw_node_info_get(const lw_snapshot *snapshot, lw_node node, lw_node_info *info,
                           lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_node_info", error);
    if (status == LW_OK)
        status = lwi_node_check(snapshot, node, error);
    if (status != LW_OK)
        return status;
    const lwi_part *part = lwi_part_of(snapshot, node);
    const lwi_shape *shape = lwi_shape_at(snapshot, node);
    const lwi_tenure *tenure = lwi_tenure_at(snapshot, node);
    lw_node_info full = LW_NODE_INFO_INIT;
    full.key = lwi_keys_at(&part->keys, node - part->first);
    full.type = shape->type;
    full.size = shape->size;
    full.runtime = part->name;
    full.external = lwi_rare_get(&snapshot->external, node);
    full.references = lwi_stated(snapshot, node);
    if (lwi_is_garbage(snapshot, node))
        full.flags |= LW_NODE_GARBAGE;
    if (lwi_rare_get(&snapshot->outside, node))
        full.flags |= LW_NODE_OUTSIDE;
    if (snapshot->types[shape->type].flags & LW_TYPE_FREELIST)
        full.flags |= LW_NODE_APPROXIMATE;
    if (tenure) {
        full.flags |= LW_NODE_RECORDED;
        full.bytes = tenure->bytes;
        full.epoch = tenure->epoch;
        full.frames = snapshot->stacks[tenure->stack].count;
    } else if (part->recorded) {
        full.flags |= LW_NODE_BEFORE;
    }
    lwi_give(info, &full, sizeof full);
    return LW_OK;
}

lw_status lw_node_frame_get(const lw_snapshot *snapshot, lw_node node, uint32_t level,
                            lw_frame *frame, lw_error *error)
{
    lw_status status = lwi_result_check(frame, "lw_frame", error);
    if (status == LW_OK)
        status = lwi_node_check(snapshot, node, error);
    if (status != LW_OK)
        return status;
    const lwi_tenure *tenure = lwi_tenure_at(snapshot, node);
    const lwi_stack *stack = tenure ? &snapshot->stacks[tenure->stack] : NULL;
    if (!stack || level >= stack->count)
        return lwi_fail(error, LW_E_NOT_FOUND, "frame %u: the site of node %u has %u frames",
                        (unsigned)level, (unsigned)node, stack ? (unsigned)stack->count : 0);
    const lw_frame *from = &snapshot->frames[snapshot->stack_frames[stack->first + level]];
    lwi_give(frame, from, sizeof *from);
    return LW_OK;
}

lw_status lw_node_find(const lw_snapshot *snapshot, const char *runtime, lw_key key,
                       lw_node *node, lw_error *error)
{
    if (!node)
        return lwi_fail(error, LW_E_INVALID, "node is NULL: pass where the node shall go");
    *node = LW_NODE_NONE;
    lw_status status = lwi_snapshot_check(snapshot, error);
    if (status != LW_OK)
        return status;
    if (!runtime)
        return lwi_fail(error, LW_E_INVALID, "runtime is NULL: pass the name of a runtime");
    const lwi_part *part = lwi_part_named(snapshot, runtime);
    if (!part)
        return lwi_fail(error, LW_E_NOT_FOUND, "the snapshot has no runtime \"%s\"", runtime);
    uint32_t place = lwi_keys_find(&part->keys, key);
    if (place == LWI_NO_RANK)
        return lwi_fail(error, LW_E_NOT_FOUND, "runtime \"%s\" has no node 0x%llx in the snapshot",
                        runtime, (unsigned long long)key);
    *node = part->first + place;
    return LW_OK;
}

lw_status lw_node_each(const lw_snapshot *snapshot, uint32_t type, lw_node_fn visit, void *user,
                       lw_error *error)
{
    lw_type_info info = LW_TYPE_INFO_INIT;
    lw_status status = lw_snapshot_type_get(snapshot, type, &info, error);
    if (status != LW_OK)
        return status;
    if (!visit)
        return lwi_fail(error, LW_E_INVALID, "visit is NULL: pass what to call for each node");
    const lwi_part *part = &snapshot->parts[snapshot->types[type].part];
    for (uint32_t i = 0; i < part->count; i++) {
        if (lwi_shape_at(snapshot, part->first + i)->type == type &&
            visit(part->first + i, user) != 0)
            break;
    }
    return LW_OK;
}
