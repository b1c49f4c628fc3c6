/* All that it takes to plug a runtime in: its blocks are reported, its stack is put into words,
 * its objects are walked. */
#include "toyvm_leakwatch.h"

#include <stdio.h>
#include <string.h>

/* ---- blocks ---- */

/* A word per active call, the innermost first. A place is a string that lives as long as the
 * program, so its address is all we have to keep; describe() is asked once what it means. */
static void *watched_realloc(void *block, size_t old_size, size_t size, void *user)
{
    const toy_watch *watch = user;
    uint64_t words[TOY_CALLS];
    lw_stack stack = {words, (uint32_t)watch->vm->call_count, 0, 0};
    lw_move move;
    for (uint32_t i = 0; i < stack.count; i++)
        words[i] = (uintptr_t)watch->vm->calls[stack.count - 1 - i].place;
    if (size == 0) {
        lw_block_free(watch->domain, block); // before the memory goes back
        return watch->realloc(block, old_size, 0, watch->realloc_user);
    }
    lw_move_begin(watch->domain, block, &move); // with no block, the end is an allocation
    void *moved = watch->realloc(block, old_size, size, watch->realloc_user);
    if (moved)
        lw_move_end(&move, moved, size, &stack);
    else
        lw_move_cancel(&move);
    return moved;
}

/* "handle (server.toy:7)" */
static int describe(uint64_t word, lw_frame *frame, void *user)
{
    static char function[64], file[64];
    unsigned line;
    (void)user;
    if (sscanf((const char *)(uintptr_t)word, "%63s (%63[^:]:%u)", function, file, &line) != 3)
        return 1;
    frame->function = function;
    frame->file = file;
    frame->line = line;
    frame->flags = LW_FRAME_OWN; // the toy has no library
    return 0;
}

/* ---- objects ---- */

static uint32_t label(lw_sink *sink, int32_t style, const char *text)
{
    return lw_sink_label(sink, style, text, strlen(text));
}

/* One strong edge for each counted reference, named as a programmer of the language would. */
static void push_references(lw_sink *sink, const toy_object *object)
{
    lw_key key = lw_key_of(object);
    if (object->type == TOY_LIST) {
        const toy_list *list = (const toy_list *)object;
        for (size_t i = 0; i < list->count; i++)
            lw_sink_edge(sink, key, lw_key_of(list->items[i]), LW_EDGE_STRONG, LW_LABEL_INDEX(i));
    } else if (object->type == TOY_MAP) {
        const toy_map *map = (const toy_map *)object;
        for (size_t i = 0; i < map->count; i++) {
            const toy_entry *entry = &map->entries[i];
            char quoted[64];
            snprintf(quoted, sizeof quoted, "\"%.60s\"", entry->key->text);
            lw_sink_edge(sink, key, lw_key_of(entry->key), LW_EDGE_STRONG,
                         label(sink, LW_LABEL_INTERNAL, "key"));
            lw_sink_edge(sink, key, lw_key_of(entry->value), LW_EDGE_STRONG,
                         label(sink, LW_LABEL_KEY, quoted));
        }
    } else if (object->type == TOY_CLOSURE) {
        const toy_closure *closure = (const toy_closure *)object;
        for (size_t i = 0; i < closure->count; i++)
            lw_sink_edge(sink, key, lw_key_of(closure->captured[i]), LW_EDGE_STRONG,
                         label(sink, LW_LABEL_VARIABLE, closure->names[i]));
    }
}

/* Failures stick to the sink, so the last call's answer stands for all of them. */
static int enumerate(lw_sink *sink, void *user)
{
    const toy_watch *watch = user;
    const toy_vm *vm = watch->vm;
    for (const toy_object *object = vm->objects.next; object != &vm->objects;
         object = object->next) {
        uint32_t type = lw_sink_type(sink, 0, toy_type_name(object->type), 0);
        lw_sink_node(sink, lw_key_of(object), type, toy_size(object));
        lw_sink_references(sink, lw_key_of(object), object->references);
        push_references(sink, object);
    }
    uint32_t local = lw_sink_root_kind(sink, "local variable", 0);
    for (size_t i = 0; i < vm->local_count; i++)
        lw_sink_root(sink, lw_key_of(vm->locals[i].object), local,
                     label(sink, LW_LABEL_VARIABLE, vm->locals[i].name));
    if (watch->owner_runtime) // the other runtime cannot know what its object holds: we say it
        return lw_sink_bridge_from(sink, watch->owner_runtime, watch->owner,
                                   lw_key_of(vm->globals), LW_EDGE_STRONG,
                                   label(sink, LW_LABEL_INTERNAL, "globals"));
    return lw_sink_root(sink, lw_key_of(vm->globals), lw_sink_root_kind(sink, "globals", 0), 0);
}

/* ---- the plug ---- */

lw_status toy_watch_start(toy_watch *watch, toy_vm *vm, lw_context *context, lw_error *error)
{
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime_options runtime = LW_RUNTIME_OPTIONS_INIT;
    lw_status status = LW_OK;
    domain.name = "toyvm heap";
    domain.describe_frame = describe;
    if (!watch->domain) // a domain lives as long as its context: it is kept for the next time
        status = lw_domain_create(context, &domain, &watch->domain, error);
    if (status != LW_OK)
        return status;
    watch->vm = vm;
    watch->realloc = vm->realloc;
    watch->realloc_user = vm->realloc_user;
    runtime.name = "toyvm";
    runtime.enumerate = enumerate;
    runtime.user = watch;
    runtime.domains = &watch->domain;
    runtime.domain_count = 1;
    status = lw_runtime_create(context, &runtime, &watch->runtime, error);
    if (status != LW_OK)
        return status;
    vm->realloc = watched_realloc;
    vm->realloc_user = watch;
    return LW_OK;
}

void toy_watch_stop(toy_watch *watch)
{
    watch->vm->realloc = watch->realloc;
    watch->vm->realloc_user = watch->realloc_user;
    lw_runtime_destroy(watch->runtime);
}
