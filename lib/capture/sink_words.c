/* Taking in words: types, labels, kinds of roots. Each is stored once. */
#include "base/hash.h"
#include "capture/sink.h"

#include <string.h>

/* --- types --------------------------------------------------------------------------------- */

static bool same_type(const void *items, uint32_t id, const void *key)
{
    const lwi_type *type = (const lwi_type *)items + id, *wanted = key;
    return type->key == wanted->key && (type->key || strcmp(type->name, wanted->name) == 0);
}

/* The first stands. */
static void compare_type(lw_sink *sink, const lwi_type *first, const lwi_type *again)
{
    if (first->flags == again->flags && strcmp(first->name, again->name) == 0)
        return;
    sink->type_conflicts++;
    if (sink->misuses)
        lwi_sink_refuse(sink, LWI_MISUSE_TYPE_AGAIN, again->key,
                        "named \"%.60s\" with flags 0x%x, then \"%.60s\" with flags 0x%x",
                        first->name, (unsigned)first->flags, again->name, (unsigned)again->flags);
}

uint32_t lw_sink_type(lw_sink *sink, uint64_t key, const char *name, uint32_t flags)
{
    if (!lwi_sink_usable(sink))
        return 0;
    if (!name) {
        lwi_sink_refuse(sink, LWI_MISUSE_WORDS, 0, "lw_sink_type: name is NULL");
        return 0;
    }
    if (flags & ~(uint32_t)LW_TYPE_FREELIST) {
        lwi_sink_refuse(sink, LWI_MISUSE_WORDS, 0, "lw_sink_type: flags 0x%x of \"%.60s\" are unknown",
             (unsigned)flags, name);
        return 0;
    }
    lwi_type type = {.name = name, .key = key, .flags = flags};
    uint64_t hash = key ? lwi_hash_u64(key) : lwi_hash_bytes(1, name, strlen(name));
    uint32_t id = lwi_index_find(&sink->type_index, hash, same_type, sink->types, &type);
    if (id != LWI_INDEX_NONE) {
        compare_type(sink, &sink->types[id], &type);
        return id + 1;
    }
    if (sink->type_count >= UINT32_MAX - 1) {
        lwi_sink_fail(sink, LW_E_LIMIT, "over 2^32 - 2 types");
        return 0;
    }
    void *types = sink->types;
    if (!lwi_sink_grow(sink, &types, &sink->type_room, sink->type_count, sizeof type))
        return 0;
    sink->types = types;
    type.name = lwi_arena_text(sink->arena, name, strlen(name));
    if (!type.name || !lwi_index_add(&sink->type_index, hash, (uint32_t)sink->type_count)) {
        lwi_sink_fail_memory(sink);
        return 0;
    }
    sink->types[sink->type_count++] = type;
    return (uint32_t)sink->type_count;
}

/* --- labels -------------------------------------------------------------------------------- */

static bool same_name(const void *items, uint32_t id, const void *key)
{
    const lwi_name *name = (const lwi_name *)items + id, *wanted = key;
    return name->style == wanted->style && name->length == wanted->length &&
           memcmp(name->text, wanted->text, wanted->length) == 0;
}

static uint32_t new_name(lw_sink *sink, lwi_name name, uint64_t hash)
{
    if (sink->name_count == 0)
        sink->name_count = 1; /* number 0 is no label */
    if (sink->name_count >= LW_LABEL_INDEX(0)) {
        lwi_sink_fail(sink, LW_E_LIMIT, "over 2^31 - 1 labels");
        return 0;
    }
    void *names = sink->names;
    if (!lwi_sink_grow(sink, &names, &sink->name_room, sink->name_count, sizeof name))
        return 0;
    sink->names = names;
    name.text = lwi_arena_text(sink->arena, name.text, name.length);
    if (!name.text || !lwi_index_add(&sink->name_index, hash, (uint32_t)sink->name_count)) {
        lwi_sink_fail_memory(sink);
        return 0;
    }
    sink->names[sink->name_count] = name;
    return (uint32_t)sink->name_count++;
}

static uint32_t label_of(lw_sink *sink, lwi_name name)
{
    uint64_t hash = lwi_hash_bytes((uint64_t)name.style, name.text, name.length);
    uint32_t id = lwi_index_find(&sink->name_index, hash, same_name, sink->names, &name);
    return id != LWI_INDEX_NONE ? id : new_name(sink, name, hash);
}

/* Labels are given out as terminated strings, in which a byte 0 must be spelt. */
static uint32_t label_of_zeros(lw_sink *sink, int32_t style, const char *text, size_t length)
{
    size_t zeros = 0, used = 0;
    for (size_t i = 0; i < length; i++)
        zeros += text[i] == 0;
    size_t size = length + zeros; /* fits: most of `length` bytes lie in memory */
    char *spelt = lwi_resize(sink->mem, NULL, 0, size);
    if (!spelt) {
        lwi_sink_fail_memory(sink);
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] == 0)
            spelt[used++] = '\\';
        spelt[used++] = text[i] ? text[i] : '0';
    }
    uint32_t id = label_of(sink, (lwi_name){spelt, size, style});
    lwi_free(sink->mem, spelt, size);
    return id;
}

uint32_t lw_sink_label(lw_sink *sink, int32_t style, const char *text, size_t length)
{
    if (!lwi_sink_usable(sink))
        return 0;
    if (style < LW_LABEL_ATTRIBUTE || style > LW_LABEL_INTERNAL) {
        lwi_sink_refuse(sink, LWI_MISUSE_WORDS, 0, "lw_sink_label: style %d is unknown", (int)style);
        return 0;
    }
    if (!text && length) {
        lwi_sink_refuse(sink, LWI_MISUSE_WORDS, 0, "lw_sink_label: text is NULL, but length is not 0");
        return 0;
    }
    if (length && memchr(text, 0, length))
        return label_of_zeros(sink, style, text, length);
    return label_of(sink, (lwi_name){text ? text : "", length, style});
}

/* --- kinds of roots ------------------------------------------------------------------------ */

uint32_t lw_sink_root_kind(lw_sink *sink, const char *name, uint32_t flags)
{
    if (!lwi_sink_usable(sink))
        return 0;
    if (!name) {
        lwi_sink_refuse(sink, LWI_MISUSE_WORDS, 0, "lw_sink_root_kind: name is NULL");
        return 0;
    }
    if (flags & ~(uint32_t)(LW_ROOT_ASKER | LW_ROOT_BORROWED | LW_ROOT_BYSTANDER)) {
        lwi_sink_refuse(sink, LWI_MISUSE_WORDS, 0, "lw_sink_root_kind: flags 0x%x of \"%.60s\" are unknown",
             (unsigned)flags, name);
        return 0;
    }
    for (uint64_t i = 0; i < sink->root_kind_count; i++) {
        if (sink->root_kinds[i].flags == flags && strcmp(sink->root_kinds[i].name, name) == 0)
            return (uint32_t)i + 1;
    }
    void *kinds = sink->root_kinds;
    if (!lwi_sink_grow(sink, &kinds, &sink->root_kind_room, sink->root_kind_count,
              sizeof *sink->root_kinds))
        return 0;
    sink->root_kinds = kinds;
    lwi_root_kind kind = {lwi_arena_text(sink->arena, name, strlen(name)), 0, flags};
    if (!kind.name) {
        lwi_sink_fail_memory(sink);
        return 0;
    }
    sink->root_kinds[sink->root_kind_count++] = kind;
    return (uint32_t)sink->root_kind_count;
}
