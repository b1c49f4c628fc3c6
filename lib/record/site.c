#include "record/site.h"

#include "record/context.h"
#include "record/uthash_mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct lwi_text {
    UT_hash_handle hh;
    char text[];
} lwi_text;

typedef struct lwi_frame_id {
    uint64_t word;
    uint64_t source;
} lwi_frame_id;

typedef struct lwi_frame {
    lwi_frame_id id;
    uint32_t number;
    uint32_t line;
    uint32_t flags;
    bool retired; /* its word means something else now, or nothing */
    bool named;   /* name_frame was asked */
    const char *function, *file;
    struct lwi_frame *next;  /* of the same code, or loose like it */
    struct lwi_frame *outer; /* the frame that it was inlined into, which has no number */
    UT_hash_handle hh;
} lwi_frame;

typedef struct lwi_code {
    uint64_t first, last;
    uint32_t source;
    lwi_frame *frames;
    UT_hash_handle hh;
} lwi_code;

typedef struct lwi_site_id {
    uint64_t hash;
    uint32_t source, count;
} lwi_site_id;

typedef struct lwi_site {
    lwi_site_id id;
    uint32_t number;
    uint32_t node; /* innermost */
    bool truncated;
    struct lwi_site *next_alike; /* same hash, other frames */
    UT_hash_handle hh;
} lwi_site;

/* ---- sources and texts ---- */

const lwi_source *lwi_source_places(lwi_sites *sites)
{
    return &sites->sources[0];
}

const lwi_source *lwi_source_get(lwi_sites *sites, const lw_domain_options *options)
{
    for (uint32_t i = 1; i <= sites->source_count; i++) {
        const lwi_source *known = &sites->sources[i];
        if (known->describe == options->describe_frame && known->name == options->name_frame &&
            known->user == options->user)
            return known;
    }
    lwi_source *source = &sites->sources[++sites->source_count];
    *source = (lwi_source){options->describe_frame, options->name_frame, options->user,
                           sites->source_count, NULL};
    return source;
}

static const char *text_intern(lw_context *context, const char *text, size_t length)
{
    lwi_sites *sites = &context->sites;
    lwi_mem *table_mem = &context->mem;
    bool table_full = false;
    lwi_text *item;
    HASH_FIND(hh, sites->texts, text, length, item);
    if (item)
        return item->text;
    item = lwi_alloc(&context->mem, sizeof *item + length + 1);
    if (!item)
        return NULL;
    memcpy(item->text, text, length);
    HASH_ADD_KEYPTR(hh, sites->texts, item->text, length, item);
    if (table_full) {
        lwi_free(&context->mem, item, sizeof *item + length + 1);
        return NULL;
    }
    return item->text;
}

/* ---- frames ---- */

/* "dir/file.c:41", from LW_HERE. */
static bool describe_place(lw_context *context, lwi_frame *frame)
{
    const char *place = (const char *)(uintptr_t)frame->id.word;
    const char *colon = strrchr(place, ':');
    size_t length = colon ? (size_t)(colon - place) : strlen(place);
    frame->line = colon ? (uint32_t)strtoul(colon + 1, NULL, 10) : 0;
    frame->flags = LW_FRAME_OWN;
    frame->file = text_intern(context, place, length);
    return frame->file != NULL;
}

static bool describe_number(lw_context *context, lwi_frame *frame)
{
    char text[24];
    int length = snprintf(text, sizeof text, "0x%llx", (unsigned long long)frame->id.word);
    frame->function = text_intern(context, text, (size_t)length);
    return frame->function != NULL;
}

static bool copy_words(lw_context *context, lwi_frame *frame, const lw_frame *told)
{
    frame->line = told->line;
    frame->flags = told->flags;
    if (told->function)
        frame->function = text_intern(context, told->function, strlen(told->function));
    if (told->file)
        frame->file = text_intern(context, told->file, strlen(told->file));
    return (frame->function || !told->function) && (frame->file || !told->file);
}

static bool describe(lw_context *context, lwi_thread *thread, const lwi_source *source,
                     lwi_frame *frame)
{
    lw_frame told = LW_FRAME_INIT;
    context->sites.open_code = NULL;
    if (source->id == 0)
        return describe_place(context, frame);
    if (!source->describe)
        return describe_number(context, frame);
    thread->describing = true;
    int failed = source->describe(frame->id.word, &told, source->user);
    thread->describing = false;
    return failed ? describe_number(context, frame) : copy_words(context, frame, &told);
}

static lw_frame frame_words(const lwi_frame *frame)
{
    lw_frame words = LW_FRAME_INIT;
    words.flags = frame->flags;
    words.line = frame->line;
    words.function = frame->function;
    words.file = frame->file;
    return words;
}

static bool name_level(lw_context *context, lwi_thread *thread, const lwi_frame *described,
                       uint32_t level, lwi_frame *frame)
{
    const lwi_source *source = &context->sites.sources[described->id.source];
    lw_frame told = frame_words(described);
    told.level = level;
    thread->describing = true;
    int failed = source->name(described->id.word, &told, source->user);
    thread->describing = false;
    lwi_frame better = {0};
    if (failed || !copy_words(context, &better, &told))
        return false;
    frame->flags = better.flags;
    frame->line = better.line;
    frame->function = better.function;
    frame->file = better.file;
    return true;
}

/* Asked once: a table is measured before it is filled, and both must see the same words. */
static void name(lw_context *context, lwi_thread *thread, lwi_frame *frame)
{
    const lwi_frame described = *frame;
    if (frame->named || !context->sites.sources[frame->id.source].name)
        return;
    frame->named = true;
    bool done = name_level(context, thread, &described, 0, frame);
    for (uint32_t level = 1; done && frame->flags & LW_FRAME_INLINED; level++) {
        lwi_frame *outer =
            level < LW_STACK_MAX ? lwi_alloc(&context->mem, sizeof *outer) : NULL;
        done = outer && name_level(context, thread, &described, level, outer);
        if (done)
            frame->outer = outer;
        else
            lwi_free(&context->mem, outer, sizeof *outer);
        frame->flags &= done ? ~0u : ~(uint32_t)LW_FRAME_INLINED;
        frame = done ? outer : frame;
    }
}

static bool frame_number(lw_context *context, lwi_frame *frame)
{
    lwi_sites *sites = &context->sites;
    if (!lwi_grow(&context->mem, (void **)&sites->frames, &sites->frame_room,
                  sites->frame_count + 2, sizeof *sites->frames))
        return false;
    frame->number = (uint32_t)++sites->frame_count;
    sites->frames[frame->number] = frame;
    return true;
}

static uint32_t frame_make(lw_context *context, lwi_thread *thread, const lwi_source *source,
                           const lwi_frame_id *id)
{
    lwi_sites *sites = &context->sites;
    lwi_mem *table_mem = &context->mem;
    bool table_full = false;
    lwi_frame *frame = lwi_alloc(&context->mem, sizeof *frame);
    if (!frame)
        return 0;
    frame->id = *id;
    if (describe(context, thread, source, frame)) {
        HASH_ADD(hh, sites->by_word, id, sizeof frame->id, frame);
        if (!table_full && frame_number(context, frame)) {
            lwi_frame **list = sites->open_code ? &sites->open_code->frames
                                                : &sites->sources[source->id].loose;
            frame->next = *list;
            *list = frame;
            return frame->number;
        }
        if (!table_full)
            HASH_DEL(sites->by_word, frame);
    }
    lwi_free(&context->mem, frame, sizeof *frame);
    return 0;
}

static uint32_t frame_intern(lw_context *context, lwi_thread *thread, const lwi_source *source,
                             uint64_t word)
{
    lwi_frame_id id = {word, source->id};
    lwi_frame *frame;
    HASH_FIND(hh, context->sites.by_word, &id, sizeof id, frame);
    return frame ? frame->number : frame_make(context, thread, source, &id);
}

/* ---- the prefix tree ---- */

static uint64_t node_hash(uint32_t parent, uint32_t frame)
{
    uint64_t hash = ((uint64_t)parent << 32 | frame) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static bool node_index_grow(lw_context *context)
{
    lwi_sites *sites = &context->sites;
    uint64_t slots = sites->node_slots ? sites->node_slots * 2 : 1024;
    uint32_t *index = lwi_alloc(&context->mem, lwi_array_size(slots, sizeof *index));
    if (!index)
        return false;
    for (uint32_t i = 1; i <= sites->node_count; i++) {
        uint64_t at = node_hash(sites->nodes[i].parent, sites->nodes[i].frame) & (slots - 1);
        while (index[at])
            at = (at + 1) & (slots - 1);
        index[at] = i;
    }
    lwi_free(&context->mem, sites->node_index,
             lwi_array_size(sites->node_slots, sizeof *index));
    sites->node_index = index;
    sites->node_slots = slots;
    return true;
}

static uint32_t node_intern(lw_context *context, uint32_t parent, uint32_t frame)
{
    lwi_sites *sites = &context->sites;
    if (sites->node_count * 2 >= sites->node_slots && !node_index_grow(context))
        return 0;
    uint64_t at = node_hash(parent, frame) & (sites->node_slots - 1);
    for (; sites->node_index[at]; at = (at + 1) & (sites->node_slots - 1)) {
        const lwi_node *node = &sites->nodes[sites->node_index[at]];
        if (node->parent == parent && node->frame == frame)
            return sites->node_index[at];
    }
    if (!lwi_grow(&context->mem, (void **)&sites->nodes, &sites->node_room,
                  sites->node_count + 2, sizeof *sites->nodes))
        return 0;
    uint32_t number = (uint32_t)++sites->node_count;
    sites->nodes[number] = (lwi_node){parent, frame};
    sites->node_index[at] = number;
    return number;
}

/* ---- sites ---- */

static bool same_stack(const lwi_sites *sites, const lwi_site *site, const lw_stack *stack)
{
    uint32_t node = site->node;
    if (site->truncated != (stack->truncated != 0))
        return false;
    for (uint32_t i = 0; i < stack->count; i++, node = sites->nodes[node].parent) {
        const lwi_frame *frame = sites->frames[sites->nodes[node].frame];
        if (frame->id.word != stack->words[i] || frame->retired)
            return false;
    }
    return true;
}

static bool is_retired(const lwi_sites *sites, const lwi_site *site)
{
    for (uint32_t node = site->node; node; node = sites->nodes[node].parent) {
        if (sites->frames[sites->nodes[node].frame]->retired)
            return true;
    }
    return false;
}

/* Sites that can never match again leave the table, and keep their numbers and names: where code
 * dies and is made anew at one address, they would pile up under one hash. */
static lwi_site *prune(lw_context *context, lwi_site *head)
{
    lwi_sites *sites = &context->sites;
    lwi_mem *table_mem = &context->mem;
    bool table_full = false;
    for (lwi_site **link = &head->next_alike; *link;) {
        if (is_retired(sites, *link))
            *link = (*link)->next_alike;
        else
            link = &(*link)->next_alike;
    }
    if (!is_retired(sites, head))
        return head;
    lwi_site *next = head->next_alike;
    HASH_DEL(sites->by_hash, head);
    if (next)
        HASH_ADD(hh, sites->by_hash, id, sizeof next->id, next);
    return table_full ? NULL : next;
}

static uint32_t stack_node(lw_context *context, lwi_thread *thread, const lwi_source *source,
                           const lw_stack *stack)
{
    uint32_t node = 0;
    for (uint32_t i = stack->count; i-- > 0;) {
        uint32_t frame = frame_intern(context, thread, source, stack->words[i]);
        node = frame ? node_intern(context, node, frame) : 0;
        if (!node)
            return 0;
    }
    return node;
}

static bool site_enlist(lw_context *context, lwi_site *site, lwi_site *alike)
{
    lwi_sites *sites = &context->sites;
    lwi_mem *table_mem = &context->mem;
    bool table_full = false;
    if (!lwi_grow(&context->mem, (void **)&sites->sites, &sites->site_room, sites->site_count + 2,
                  sizeof *sites->sites))
        return false;
    if (alike) {
        site->next_alike = alike->next_alike;
        alike->next_alike = site;
    } else {
        HASH_ADD(hh, sites->by_hash, id, sizeof site->id, site);
    }
    if (table_full)
        return false;
    site->number = (uint32_t)++sites->site_count;
    sites->sites[site->number] = site;
    return true;
}

lw_site lwi_site_intern(lw_context *context, lwi_thread *thread, const lwi_source *source,
                        const lw_stack *stack, uint64_t hash)
{
    lwi_sites *sites = &context->sites;
    lwi_site_id id = {hash, source->id, stack->count};
    lwi_site *alike, *site;
    HASH_FIND(hh, sites->by_hash, &id, sizeof id, alike);
    for (site = alike; site; site = site->next_alike) {
        if (same_stack(sites, site, stack))
            return site->number;
    }
    if (alike)
        alike = prune(context, alike);
    uint32_t node = stack_node(context, thread, source, stack);
    site = node ? lwi_alloc(&context->mem, sizeof *site) : NULL;
    if (!site)
        return 0;
    site->id = id;
    site->node = node;
    site->truncated = stack->truncated != 0;
    if (site_enlist(context, site, alike))
        return site->number;
    lwi_free(&context->mem, site, sizeof *site);
    return 0;
}

uint32_t lwi_site_read(lw_context *context, lwi_thread *thread, lw_site site, lw_frame *frames,
                       uint32_t room, bool *truncated)
{
    const lwi_sites *sites = &context->sites;
    bool known = site && site <= sites->site_count;
    uint32_t count = 0, node = known ? sites->sites[site]->node : 0;
    *truncated = known && sites->sites[site]->truncated;
    for (; node; node = sites->nodes[node].parent) {
        lwi_frame *frame = sites->frames[sites->nodes[node].frame];
        name(context, thread, frame);
        for (; frame && count < LW_STACK_MAX; frame = frame->outer, count++) {
            if (count < room)
                frames[count] = frame_words(frame);
        }
        *truncated |= frame != NULL;
    }
    return count;
}

/* ---- code that ends ---- */

bool lwi_code_note(lw_context *context, const lwi_source *source, uint64_t first, uint64_t size)
{
    lwi_sites *sites = &context->sites;
    lwi_mem *table_mem = &context->mem;
    bool table_full = false;
    lwi_code *code;
    HASH_FIND(hh, sites->codes, &first, sizeof first, code);
    if (!code) {
        code = lwi_alloc(&context->mem, sizeof *code);
        if (!code)
            return false;
        code->first = first;
        HASH_ADD(hh, sites->codes, first, sizeof code->first, code);
        if (table_full) {
            lwi_free(&context->mem, code, sizeof *code);
            return false;
        }
    }
    code->last = first + (size ? size - 1 : 0);
    code->source = source->id;
    sites->open_code = code;
    return true;
}

static void frame_retire(lw_context *context, lwi_frame *frame)
{
    lwi_mem *table_mem = &context->mem;
    if (!frame->retired)
        HASH_DEL(context->sites.by_word, frame);
    frame->retired = true;
    context->sites.any_retired = true;
}

/* Threads must not trust what they remember of stacks any more: in a new span they know nothing. */
static void forget_known(lw_context *context)
{
    atomic_fetch_add_explicit(&context->version, 1, memory_order_release);
}

static bool retire_loose(lw_context *context, const lwi_code *code)
{
    lwi_frame **link = &context->sites.sources[code->source].loose;
    bool any = false;
    for (lwi_frame *frame; (frame = *link);) {
        bool inside = frame->id.word >= code->first && frame->id.word <= code->last;
        any = any || (inside && !frame->retired);
        if (inside)
            frame_retire(context, frame);
        if (frame->retired)
            *link = frame->next;
        else
            link = &frame->next;
    }
    return any;
}

bool lwi_code_ended(lw_context *context, uint64_t first)
{
    lwi_sites *sites = &context->sites;
    lwi_mem *table_mem = &context->mem;
    lwi_code *code;
    HASH_FIND(hh, sites->codes, &first, sizeof first, code);
    if (!code)
        return false;
    bool any = code->frames != NULL;
    for (lwi_frame *frame = code->frames; frame; frame = frame->next)
        frame_retire(context, frame);
    if (retire_loose(context, code))
        any = true;
    HASH_DEL(sites->codes, code);
    lwi_free(&context->mem, code, sizeof *code);
    if (any)
        forget_known(context);
    return any;
}

bool lwi_code_forget(lw_context *context, uint32_t source, uint64_t first, uint64_t last)
{
    lwi_sites *sites = &context->sites;
    bool any = false;
    for (uint64_t i = 1; i <= sites->frame_count; i++) {
        lwi_frame *frame = sites->frames[i];
        if (!frame->retired && frame->id.source == source && frame->id.word >= first &&
            frame->id.word <= last) {
            frame_retire(context, frame);
            any = true;
        }
    }
    if (any)
        forget_known(context);
    return any;
}

/* ---- the end ---- */

static void tables_done(lw_context *context)
{
    lwi_sites *sites = &context->sites;
    lwi_mem *table_mem = &context->mem;
    lwi_text *text, *next_text;
    lwi_code *code, *next_code;
    HASH_ITER(hh, sites->texts, text, next_text)
    {
        HASH_DEL(sites->texts, text);
        lwi_free(table_mem, text, sizeof *text + strlen(text->text) + 1);
    }
    HASH_ITER(hh, sites->codes, code, next_code)
    {
        HASH_DEL(sites->codes, code);
        lwi_free(table_mem, code, sizeof *code);
    }
    HASH_CLEAR(hh, sites->by_word);
    HASH_CLEAR(hh, sites->by_hash);
}

void lwi_sites_done(lw_context *context)
{
    lwi_sites *sites = &context->sites;
    lwi_mem *mem = &context->mem;
    tables_done(context);
    for (uint64_t i = 1; i <= sites->frame_count; i++) {
        for (lwi_frame *frame = sites->frames[i], *outer; frame; frame = outer) {
            outer = frame->outer;
            lwi_free(mem, frame, sizeof *frame);
        }
    }
    for (uint64_t i = 1; i <= sites->site_count; i++)
        lwi_free(mem, sites->sites[i], sizeof *sites->sites[i]);
    lwi_free(mem, sites->frames, lwi_array_size(sites->frame_room, sizeof *sites->frames));
    lwi_free(mem, sites->sites, lwi_array_size(sites->site_room, sizeof *sites->sites));
    lwi_free(mem, sites->nodes, lwi_array_size(sites->node_room, sizeof *sites->nodes));
    lwi_free(mem, sites->node_index, lwi_array_size(sites->node_slots, sizeof(uint32_t)));
}
