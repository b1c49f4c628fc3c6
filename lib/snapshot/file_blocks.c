/* From the sections on blocks - tenures, stacks, frames - to the tables of a snapshot. */
#include "base/error.h"
#include "snapshot/file.h"

static void *table(lw_snapshot *snapshot, lwi_section at, size_t size, lw_error *error)
{
    void *items =
        lwi_arena_array(&snapshot->arena, snapshot->file->columns[at].count, size);
    if (!items)
        lwi_fail(error, LW_E_NOMEM, "no memory to open %s", snapshot->file->path);
    return items;
}

static lw_status read_tenures(lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    uint64_t count = file->columns[LWI_AT_TENURES].count;
    uint64_t stacks = file->columns[LWI_AT_STACKS].count;
    snapshot->tenures = table(snapshot, LWI_AT_TENURES, sizeof *snapshot->tenures, error);
    if (!snapshot->tenures)
        return LW_E_NOMEM;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t stack = lwi_file_word(file, LWI_AT_TENURES, i, 2);
        if (stack >= stacks)
            return lwi_file_damaged(file, LWI_AT_TENURES, i, 2, "a stack out of range", error);
        snapshot->tenures[i].bytes = lwi_file_word(file, LWI_AT_TENURES, i, 0);
        snapshot->tenures[i].epoch = lwi_file_word(file, LWI_AT_TENURES, i, 1);
        snapshot->tenures[i].stack = (uint32_t)stack;
    }
    return LW_OK;
}

static lw_status read_stacks(lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    uint64_t levels = file->columns[LWI_AT_STACK_FRAMES].count;
    snapshot->stacks = table(snapshot, LWI_AT_STACKS, sizeof *snapshot->stacks, error);
    if (!snapshot->stacks)
        return LW_E_NOMEM;
    for (uint64_t i = 0; i < file->columns[LWI_AT_STACKS].count; i++) {
        uint64_t first = lwi_file_word(file, LWI_AT_STACKS, i, 0);
        uint64_t count = lwi_file_word(file, LWI_AT_STACKS, i, 1);
        if (first > levels || count > levels - first || count > UINT32_MAX)
            return lwi_file_damaged(file, LWI_AT_STACKS, i, 0, "frames out of range", error);
        snapshot->stacks[i].first = first;
        snapshot->stacks[i].count = (uint32_t)count;
    }
    return LW_OK;
}

static lw_status frame_text(const lwi_file *file, uint64_t frame, uint32_t column,
                            const char **text, lw_error *error)
{
    uint64_t number = lwi_file_word(file, LWI_AT_FRAMES, frame, column);
    *text = lwi_file_text(file, number, NULL);
    if (!*text && number > 0)
        return lwi_file_damaged(file, LWI_AT_FRAMES, frame, column, "there is no such text",
                                error);
    return LW_OK;
}

static lw_status read_frames(lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    snapshot->frames = table(snapshot, LWI_AT_FRAMES, sizeof *snapshot->frames, error);
    if (!snapshot->frames)
        return LW_E_NOMEM;
    for (uint64_t i = 0; i < file->columns[LWI_AT_FRAMES].count; i++) {
        lw_frame *frame = &snapshot->frames[i];
        *frame = (lw_frame)LW_FRAME_INIT;
        lw_status status = frame_text(file, i, 0, &frame->function, error);
        if (status == LW_OK)
            status = frame_text(file, i, 1, &frame->file, error);
        if (status != LW_OK)
            return status;
        frame->line = (uint32_t)lwi_file_word(file, LWI_AT_FRAMES, i, 2);
        frame->flags = (uint32_t)lwi_file_word(file, LWI_AT_FRAMES, i, 3);
    }
    return LW_OK;
}

lw_status lwi_file_read_blocks(lw_snapshot *snapshot, lw_error *error)
{
    lw_status status = read_tenures(snapshot, error);
    if (status == LW_OK)
        status = read_stacks(snapshot, error);
    return status == LW_OK ? read_frames(snapshot, error) : status;
}
