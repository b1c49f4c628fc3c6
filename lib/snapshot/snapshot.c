#include "snapshot/snapshot.h"

#include "base/error.h"
#include "base/structs.h"
#include "platform/process.h"
#include "snapshot/file.h"
#include "snapshot/holders.h"

#include <string.h>

lw_snapshot *lwi_snapshot_new(lw_allocator allocator)
{
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_snapshot *snapshot = lwi_alloc(&mem, sizeof *snapshot);
    if (!snapshot)
        return NULL;
    lwi_mem_init(&snapshot->mem, allocator, allocator);
    lwi_arena_init(&snapshot->arena, &snapshot->mem);
    atomic_init(&snapshot->references, 1);
    snapshot->info = (lw_snapshot_info)LW_SNAPSHOT_INFO_INIT;
    snapshot->info.name = "";
    snapshot->info.taken_at = lwi_clock_ns();
    snapshot->info.process = lwi_process_id();
    snapshot->info.program = lwi_process_program();
    snapshot->run = lwi_process_run();
    atomic_init(&snapshot->holders, NULL);
    return snapshot;
}

lw_snapshot *lw_snapshot_retain(lw_snapshot *snapshot)
{
    if (snapshot)
        atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void lw_snapshot_release(lw_snapshot *snapshot)
{
    if (!snapshot ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; !snapshot->file && snapshot->parts && i < snapshot->part_count; i++)
        lwi_keys_free(&snapshot->parts[i].keys);
    if (snapshot->file)
        lwi_file_close(snapshot->file, &snapshot->mem);
    lwi_holders_drop(snapshot);
    lwi_arena_free(&snapshot->arena);
    lwi_mem mem;
    lwi_mem_init(&mem, snapshot->mem.allocator, snapshot->mem.allocator);
    lwi_free(&mem, snapshot, sizeof *snapshot);
}

lw_status lwi_snapshot_given(const lw_snapshot *snapshot, lw_error *error)
{
    if (!snapshot)
        return lwi_fail(error, LW_E_INVALID, "snapshot is NULL: take one with lw_snapshot_take()");
    return LW_OK;
}

lw_status lwi_snapshot_check(const lw_snapshot *snapshot, lw_error *error)
{
    lw_status status = lwi_snapshot_given(snapshot, error);
    return status == LW_OK && snapshot->file ? lwi_file_check(snapshot, error) : status;
}

lw_status lwi_node_check(const lw_snapshot *snapshot, lw_node node, lw_error *error)
{
    lw_status status = lwi_snapshot_check(snapshot, error);
    if (status == LW_OK && node >= snapshot->info.nodes)
        return lwi_fail(error, LW_E_NOT_FOUND, "node %u: the snapshot has %u nodes, from 0",
                        (unsigned)node, (unsigned)snapshot->info.nodes);
    return status;
}

lw_status lw_snapshot_info_get(const lw_snapshot *snapshot, lw_snapshot_info *info,
                               lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_snapshot_info", error);
    if (status == LW_OK)
        status = lwi_snapshot_given(snapshot, error);
    if (status == LW_OK)
        lwi_give(info, &snapshot->info, sizeof snapshot->info);
    return status;
}

static lw_status type_check(const lw_snapshot *snapshot, uint32_t type, lw_error *error)
{
    lw_status status = lwi_snapshot_given(snapshot, error);
    if (status == LW_OK && type >= snapshot->info.types)
        return lwi_fail(error, LW_E_NOT_FOUND, "type %u: the snapshot has %u types, from 0",
                        (unsigned)type, (unsigned)snapshot->info.types);
    return status;
}

lw_status lw_snapshot_type_get(const lw_snapshot *snapshot, uint32_t type, lw_type_info *info,
                               lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_type_info", error);
    if (status == LW_OK)
        status = type_check(snapshot, type, error);
    if (status != LW_OK)
        return status;
    const lwi_type *from = &snapshot->types[type];
    lw_type_info full = LW_TYPE_INFO_INIT;
    full.flags = from->flags;
    full.key = from->key;
    full.count = from->count;
    full.size = from->size;
    full.garbage = from->garbage;
    full.name = from->name;
    full.runtime = snapshot->parts[from->part].name;
    lwi_give(info, &full, sizeof full);
    return LW_OK;
}

const lwi_part *lwi_part_of(const lw_snapshot *snapshot, lw_node node)
{
    const lwi_part *part = snapshot->parts;
    while (node - part->first >= part->count)
        part++;
    return part;
}

lw_key lwi_key_of_node(const lw_snapshot *snapshot, lw_node node)
{
    const lwi_part *part = lwi_part_of(snapshot, node);
    return lwi_keys_at(&part->keys, node - part->first);
}

const lwi_part *lwi_part_named(const lw_snapshot *snapshot, const char *name)
{
    for (uint32_t i = 0; i < snapshot->part_count; i++) {
        if (strcmp(snapshot->parts[i].name, name) == 0)
            return &snapshot->parts[i];
    }
    return NULL;
}

uint64_t lwi_rare_get(const lwi_rares *rares, lw_node node)
{
    uint32_t low = 0, high = rares->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rares->items[middle].node < node)
            low = middle + 1;
        else
            high = middle;
    }
    return low < rares->count && rares->items[low].node == node ? rares->items[low].value : 0;
}

uint32_t lwi_roots_of(const lw_snapshot *snapshot, lw_node node, uint32_t *begin)
{
    uint32_t low = 0, high = snapshot->info.roots;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (snapshot->roots[middle].node < node)
            low = middle + 1;
        else
            high = middle;
    }
    *begin = low;
    while (low < snapshot->info.roots && snapshot->roots[low].node == node)
        low++;
    return low;
}

uint32_t lwi_stack_own(const lw_snapshot *snapshot, uint32_t stack)
{
    const lwi_stack *all = &snapshot->stacks[stack];
    const uint32_t *frames = snapshot->stack_frames + all->first;
    for (uint32_t i = 0; i < all->count; i++) {
        if (snapshot->frames[frames[i]].flags & LW_FRAME_OWN)
            return frames[i];
    }
    return all->count ? frames[0] : LWI_NO_FRAME;
}
