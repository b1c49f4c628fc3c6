#include "toyvm.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

static void *plain_realloc(void *block, size_t old_size, size_t size, void *user)
{
    (void)old_size, (void)user;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static void *resize(toy_vm *vm, void *block, size_t old_size, size_t size)
{
    void *moved = vm->realloc(block, old_size, size, vm->realloc_user);
    if (!moved && size)
        abort(); // a toy
    return moved;
}

/* Makes room for one more item. */
static void *grow(toy_vm *vm, void *items, size_t count, size_t *room, size_t item_size)
{
    if (count < *room)
        return items;
    size_t more = *room ? *room * 2 : 4;
    items = resize(vm, items, *room * item_size, more * item_size);
    *room = more;
    return items;
}

/* ---- objects ---- */

size_t toy_size(const toy_object *object)
{
    switch (object->type) {
    case TOY_STRING:
        return sizeof(toy_string) + ((const toy_string *)object)->length + 1;
    case TOY_LIST:
        return sizeof(toy_list) + ((const toy_list *)object)->room * sizeof(toy_object *);
    case TOY_MAP:
        return sizeof(toy_map) + ((const toy_map *)object)->room * sizeof(toy_entry);
    case TOY_CLOSURE:
        return sizeof(toy_closure) + ((const toy_closure *)object)->count * sizeof(toy_object *);
    }
    return 0;
}

const char *toy_type_name(enum toy_type type)
{
    static const char *const names[] = {"string", "list", "map", "closure"};
    return names[type];
}

static void *object_new(toy_vm *vm, enum toy_type type, size_t size)
{
    toy_object *object = resize(vm, NULL, 0, size);
    memset(object, 0, size);
    object->type = type;
    object->references = 1;
    object->next = &vm->objects;
    object->previous = vm->objects.previous;
    object->previous->next = object;
    vm->objects.previous = object;
    return object;
}

toy_string *toy_string_new(toy_vm *vm, const char *text)
{
    size_t length = strlen(text);
    toy_string *string = object_new(vm, TOY_STRING, sizeof *string + length + 1);
    string->length = length;
    memcpy(string->text, text, length + 1);
    return string;
}

toy_list *toy_list_new(toy_vm *vm)
{
    return object_new(vm, TOY_LIST, sizeof(toy_list));
}

toy_map *toy_map_new(toy_vm *vm)
{
    return object_new(vm, TOY_MAP, sizeof(toy_map));
}

toy_closure *toy_closure_new(toy_vm *vm, const char *const *names, toy_object *const *captured,
                             size_t count)
{
    size_t size = sizeof(toy_closure) + count * sizeof(toy_object *);
    toy_closure *closure = object_new(vm, TOY_CLOSURE, size);
    closure->names = names;
    closure->count = count;
    for (size_t i = 0; i < count; i++)
        closure->captured[i] = toy_retain(captured[i]);
    return closure;
}

/* ---- references ---- */

toy_object *toy_retain(toy_object *object)
{
    object->references++;
    return object;
}

void toy_list_clear(toy_vm *vm, toy_list *list)
{
    while (list->count > 0)
        toy_release(vm, list->items[--list->count]);
}

void toy_map_clear(toy_vm *vm, toy_map *map)
{
    while (map->count > 0) {
        toy_entry entry = map->entries[--map->count];
        toy_release(vm, &entry.key->head);
        toy_release(vm, entry.value);
    }
}

static void release_content(toy_vm *vm, toy_object *object)
{
    if (object->type == TOY_LIST) {
        toy_list *list = (toy_list *)object;
        toy_list_clear(vm, list);
        resize(vm, list->items, list->room * sizeof *list->items, 0);
    } else if (object->type == TOY_MAP) {
        toy_map *map = (toy_map *)object;
        toy_map_clear(vm, map);
        resize(vm, map->entries, map->room * sizeof *map->entries, 0);
    } else if (object->type == TOY_CLOSURE) {
        toy_closure *closure = (toy_closure *)object;
        for (size_t i = 0; i < closure->count; i++)
            toy_release(vm, closure->captured[i]);
    }
}

void toy_release(toy_vm *vm, toy_object *object)
{
    if (--object->references > 0)
        return; // objects in a ring keep each other alive for ever: the toy has no collector
    release_content(vm, object);
    object->previous->next = object->next;
    object->next->previous = object->previous;
    resize(vm, object, toy_size(object), 0);
}

/* ---- containers ---- */

void toy_list_push(toy_vm *vm, toy_list *list, toy_object *item)
{
    list->items = grow(vm, list->items, list->count, &list->room, sizeof *list->items);
    list->items[list->count++] = toy_retain(item);
}

static toy_entry *find(const toy_map *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->entries[i].key->text, key) == 0)
            return &map->entries[i];
    }
    return NULL;
}

void toy_map_set(toy_vm *vm, toy_map *map, const char *key, toy_object *value)
{
    toy_entry *entry = find(map, key);
    toy_retain(value);
    if (entry) {
        toy_object *before = entry->value;
        entry->value = value;
        toy_release(vm, before);
        return;
    }
    map->entries = grow(vm, map->entries, map->count, &map->room, sizeof *map->entries);
    map->entries[map->count++] = (toy_entry){toy_string_new(vm, key), value};
}

toy_object *toy_map_get(const toy_map *map, const char *key)
{
    const toy_entry *entry = find(map, key);
    return entry ? entry->value : NULL;
}

/* ---- calls ---- */

void toy_call_begin(toy_vm *vm, const char *place)
{
    if (vm->call_count == TOY_CALLS)
        abort();
    vm->calls[vm->call_count++] = (toy_call){place, vm->local_count};
}

void toy_call_at(toy_vm *vm, const char *place)
{
    vm->calls[vm->call_count - 1].place = place;
}

toy_object *toy_local_set(toy_vm *vm, const char *name, toy_object *object)
{
    if (vm->local_count == TOY_LOCALS)
        abort();
    vm->locals[vm->local_count++] = (toy_local){name, object};
    return object;
}

void toy_call_end(toy_vm *vm)
{
    size_t first = vm->calls[--vm->call_count].first_local;
    while (vm->local_count > first)
        toy_release(vm, vm->locals[--vm->local_count].object);
}

/* ---- the machine ---- */

toy_vm *toy_vm_new(void)
{
    toy_vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        abort();
    vm->realloc = plain_realloc;
    vm->objects.next = vm->objects.previous = &vm->objects;
    vm->globals = toy_map_new(vm);
    return vm;
}

/* What no reference count can free are rings, and each goes through a container. */
static void cut_rings(toy_vm *vm)
{
    while (vm->objects.next != &vm->objects) {
        toy_object *object = vm->objects.next;
        while (object->type != TOY_LIST && object->type != TOY_MAP)
            object = object->next;
        toy_retain(object);
        if (object->type == TOY_LIST)
            toy_list_clear(vm, (toy_list *)object);
        else
            toy_map_clear(vm, (toy_map *)object);
        toy_release(vm, object);
    }
}

void toy_vm_free(toy_vm *vm)
{
    while (vm->call_count > 0)
        toy_call_end(vm);
    toy_release(vm, &vm->globals->head);
    cut_rings(vm);
    free(vm);
}
