/* Joins nodes with the blocks they lie in. What a block tells - bytes, birth, stack - is shared by
 * many nodes and stored once; stacks are put into words here, since the snapshot outlives the
 * context that knows them. */
#include "base/hash.h"
#include "capture/build.h"

#include <string.h>

/* What a block told lately, and its tenure: neighbours were mostly born at a few sites. */
enum { LATELY = 64 };

typedef struct lately {
    uint64_t size, epoch;
    lw_site site;
    uint32_t tenure; /* 0: nothing yet */
} lately;

typedef struct join {
    lw_snapshot *snapshot;
    lw_context *context;
    lwi_tenure *tenures;
    uint64_t tenure_count, tenure_room;
    lwi_index tenure_index;
    lwi_stack *stacks;
    lw_site *sites; /* of the stacks */
    uint64_t stack_count, stack_room, site_room;
    lwi_index stack_index;
    uint32_t *levels;
    uint64_t level_count, level_room;
    lw_frame *frames;
    uint64_t frame_count, frame_room;
    lwi_index frame_index;
    const char **texts;
    uint64_t text_count, text_room;
    lwi_index text_index;
    lately lately[LATELY];
} join;

static bool grow(join *j, void **items, uint64_t *room, uint64_t count, size_t item_size)
{
    return lwi_grow(&j->snapshot->mem, items, room, count + 1, item_size);
}

/* --- frames -------------------------------------------------------------------------------- */

static bool same_text(const void *items, uint32_t id, const void *key)
{
    return strcmp(((const char *const *)items)[id], key) == 0;
}

/* One copy of each text; false: no memory. */
static bool copy_text(join *j, const char **text)
{
    if (!*text)
        return true;
    size_t length = strlen(*text);
    uint64_t hash = lwi_hash_bytes(0, *text, length);
    uint32_t id = lwi_index_find(&j->text_index, hash, same_text, j->texts, *text);
    if (id == LWI_INDEX_NONE) {
        void *texts = j->texts;
        if (!grow(j, &texts, &j->text_room, j->text_count, sizeof *j->texts))
            return false;
        j->texts = texts;
        const char *copy = lwi_arena_text(&j->snapshot->arena, *text, length);
        if (!copy || !lwi_index_add(&j->text_index, hash, (uint32_t)j->text_count))
            return false;
        id = (uint32_t)j->text_count++;
        j->texts[id] = copy;
    }
    *text = j->texts[id];
    return true;
}

static bool same_frame(const void *items, uint32_t id, const void *key)
{
    const lw_frame *frame = (const lw_frame *)items + id, *wanted = key;
    return frame->function == wanted->function && frame->file == wanted->file &&
           frame->line == wanted->line && frame->flags == wanted->flags;
}

static bool copy_frame(join *j, lw_frame frame, uint32_t *id)
{
    if (!copy_text(j, &frame.function) || !copy_text(j, &frame.file))
        return false;
    uint64_t hash = lwi_hash_mix((uint64_t)(uintptr_t)frame.function, frame.line);
    hash = lwi_hash_mix(hash + frame.flags, (uint64_t)(uintptr_t)frame.file);
    *id = lwi_index_find(&j->frame_index, hash, same_frame, j->frames, &frame);
    if (*id != LWI_INDEX_NONE)
        return true;
    void *frames = j->frames;
    if (!grow(j, &frames, &j->frame_room, j->frame_count, sizeof *j->frames))
        return false;
    j->frames = frames;
    if (!lwi_index_add(&j->frame_index, hash, (uint32_t)j->frame_count))
        return false;
    *id = (uint32_t)j->frame_count;
    j->frames[j->frame_count++] = frame;
    return true;
}

/* --- stacks -------------------------------------------------------------------------------- */

static bool same_site(const void *items, uint32_t id, const void *key)
{
    return ((const lw_site *)items)[id] == *(const lw_site *)key;
}

static bool copy_levels(join *j, lw_site site, lwi_stack *stack)
{
    uint32_t depth = site ? lwi_view_depth(j->context, site) : 0;
    lw_frame frame = LW_FRAME_INIT;
    stack->first = j->level_count;
    stack->count = 0;
    for (; stack->count < depth; stack->count++) {
        void *levels = j->levels;
        if (!lwi_view_frame(j->context, site, stack->count, &frame))
            break;
        if (!grow(j, &levels, &j->level_room, j->level_count, sizeof *j->levels))
            return false;
        j->levels = levels;
        if (!copy_frame(j, frame, &j->levels[j->level_count]))
            return false;
        j->level_count++;
    }
    return true;
}

static bool stack_of(join *j, lw_site site, uint32_t *id)
{
    uint64_t hash = lwi_hash_u64(site);
    *id = lwi_index_find(&j->stack_index, hash, same_site, j->sites, &site);
    if (*id != LWI_INDEX_NONE)
        return true;
    void *stacks = j->stacks, *sites = j->sites;
    if (!grow(j, &stacks, &j->stack_room, j->stack_count, sizeof *j->stacks))
        return false;
    j->stacks = stacks;
    if (!grow(j, &sites, &j->site_room, j->stack_count, sizeof *j->sites))
        return false;
    j->sites = sites;
    lwi_stack stack;
    if (!copy_levels(j, site, &stack) ||
        !lwi_index_add(&j->stack_index, hash, (uint32_t)j->stack_count))
        return false;
    *id = (uint32_t)j->stack_count++;
    j->stacks[*id] = stack;
    j->sites[*id] = site;
    return true;
}

/* --- tenures ------------------------------------------------------------------------------- */

static bool same_tenure(const void *items, uint32_t id, const void *key)
{
    const lwi_tenure *tenure = (const lwi_tenure *)items + id, *wanted = key;
    return tenure->bytes == wanted->bytes && tenure->epoch == wanted->epoch &&
           tenure->stack == wanted->stack;
}

static bool add_tenure(join *j, lwi_tenure tenure, uint64_t hash, uint32_t *id)
{
    void *tenures = j->tenures;
    if (!grow(j, &tenures, &j->tenure_room, j->tenure_count, sizeof tenure))
        return false;
    j->tenures = tenures;
    if (!lwi_index_add(&j->tenure_index, hash, (uint32_t)j->tenure_count))
        return false;
    *id = (uint32_t)j->tenure_count;
    j->tenures[j->tenure_count++] = tenure;
    return true;
}

static bool find_tenure(join *j, const lwi_block_view *block, uint32_t *id)
{
    lwi_tenure tenure = {block->size, block->epoch, 0};
    if (!stack_of(j, block->site, &tenure.stack))
        return false;
    uint64_t hash = lwi_hash_mix(lwi_hash_mix(tenure.bytes, tenure.epoch), tenure.stack);
    *id = lwi_index_find(&j->tenure_index, hash, same_tenure, j->tenures, &tenure);
    return *id != LWI_INDEX_NONE || add_tenure(j, tenure, hash, id);
}

static bool tenure_of(join *j, const lwi_block_view *block, uint32_t *id)
{
    lately *last = &j->lately[(block->size / 16 + block->site * 7) % LATELY];
    if (!last->tenure || last->site != block->site || last->size != block->size ||
        last->epoch != block->epoch) {
        if (!find_tenure(j, block, &last->tenure))
            return false;
        last->size = block->size;
        last->epoch = block->epoch;
        last->site = block->site;
    }
    *id = last->tenure;
    return true;
}

enum { BATCH = 128, TICK = 64 /* batches */ };

static uint32_t next_keys(const lwi_job *job, lwi_keys_cursor *cursor, lw_key *keys)
{
    uint32_t count = 0;
    while (count < BATCH && lwi_keys_next(&job->part->keys, cursor, &keys[count]))
        count++;
    return count;
}

static bool join_job(join *j, const lwi_job *job, lwi_progress *progress)
{
    const lw_runtime *runtime = job->sink.runtime;
    uint32_t *tenure = j->snapshot->tenure_of + job->part->first;
    lwi_keys_cursor cursor = {0};
    lwi_block_view blocks[BATCH];
    lw_key keys[BATCH];
    uint32_t count, batch = 0;
    if (runtime->domain_count == 0)
        return true;
    while ((count = next_keys(job, &cursor, keys)) > 0) {
        if (++batch % TICK == 0 && !lwi_progress_tick(progress, LWI_STEP_BLOCKS))
            return false;
        lwi_view_blocks(runtime->domains, runtime->domain_count, keys, count, blocks);
        for (uint32_t i = 0; i < count; i++, tenure++) {
            if (blocks[i].epoch && !tenure_of(j, &blocks[i], tenure))
                return false;
        }
    }
    return true;
}

/* --- all of it ----------------------------------------------------------------------------- */

static void *keep(join *j, const void *items, uint64_t count, size_t size)
{
    void *copy = lwi_arena_array(&j->snapshot->arena, count, size);
    if (copy && count)
        memcpy(copy, items, (size_t)count * size);
    return copy;
}

static bool keep_all(join *j)
{
    lw_snapshot *snapshot = j->snapshot;
    snapshot->tenures = keep(j, j->tenures, j->tenure_count, sizeof *j->tenures);
    snapshot->stacks = keep(j, j->stacks, j->stack_count, sizeof *j->stacks);
    snapshot->stack_frames = keep(j, j->levels, j->level_count, sizeof *j->levels);
    snapshot->frames = keep(j, j->frames, j->frame_count, sizeof *j->frames);
    return snapshot->tenures && snapshot->stacks && snapshot->stack_frames && snapshot->frames;
}

static void free_join(join *j)
{
    lwi_mem *mem = &j->snapshot->mem;
    lwi_free(mem, j->tenures, lwi_array_size(j->tenure_room, sizeof *j->tenures));
    lwi_free(mem, j->stacks, lwi_array_size(j->stack_room, sizeof *j->stacks));
    lwi_free(mem, j->sites, lwi_array_size(j->site_room, sizeof *j->sites));
    lwi_free(mem, j->levels, lwi_array_size(j->level_room, sizeof *j->levels));
    lwi_free(mem, j->frames, lwi_array_size(j->frame_room, sizeof *j->frames));
    lwi_free(mem, j->texts, lwi_array_size(j->text_room, sizeof *j->texts));
    lwi_index_free(&j->tenure_index);
    lwi_index_free(&j->stack_index);
    lwi_index_free(&j->frame_index);
    lwi_index_free(&j->text_index);
}

bool lwi_build_blocks(lwi_build *build)
{
    lw_snapshot *snapshot = build->snapshot;
    lwi_mem *mem = &snapshot->mem;
    join j = {.snapshot = snapshot};
    uint32_t none;
    bool wanted = false;
    for (uint32_t i = 0; i < build->count; i++) {
        wanted |= build->jobs[i].sink.runtime->domain_count > 0;
        j.context = build->jobs[i].sink.runtime->context;
    }
    if (!wanted)
        return true;
    lwi_index_init(&j.tenure_index, mem);
    lwi_index_init(&j.stack_index, mem);
    lwi_index_init(&j.frame_index, mem);
    lwi_index_init(&j.text_index, mem);
    snapshot->tenure_of =
        lwi_arena_zeros(&snapshot->arena, snapshot->info.nodes, sizeof *snapshot->tenure_of);
    /* Number 0 stands for "not recorded". */
    bool ready = snapshot->tenure_of && add_tenure(&j, (lwi_tenure){0, 0, 0}, 0, &none) &&
                 stack_of(&j, 0, &none);
    for (uint32_t i = 0; ready && i < build->count; i++)
        ready = join_job(&j, &build->jobs[i], &build->progress);
    ready = ready && keep_all(&j);
    free_join(&j);
    return ready;
}
