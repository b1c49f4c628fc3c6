/* A toy: the objects of a small language that counts references. It knows nothing of leakwatch;
 * toyvm_leakwatch.c plugs it in. */
#ifndef TOYVM_H
#define TOYVM_H

#include <stddef.h>

enum toy_type { TOY_STRING, TOY_LIST, TOY_MAP, TOY_CLOSURE };

/* What every object begins with. */
typedef struct toy_object {
    enum toy_type type;
    size_t references;
    struct toy_object *next, *previous; // all objects of the machine
} toy_object;

typedef struct toy_string {
    toy_object head;
    size_t length;
    char text[];
} toy_string;

typedef struct toy_list {
    toy_object head;
    size_t count, room;
    toy_object **items;
} toy_list;

typedef struct toy_entry {
    toy_string *key;
    toy_object *value;
} toy_entry;

typedef struct toy_map {
    toy_object head;
    size_t count, room;
    toy_entry *entries;
} toy_map;

/* A function with the variables it has captured; the code itself is C. */
typedef struct toy_closure {
    toy_object head;
    const char *const *names; // of the captured variables
    size_t count;
    toy_object *captured[];
} toy_closure;

/* An active call: where its caller is, and the local variables that live in it. */
typedef struct toy_call {
    const char *place; // "handle (server.toy:7)"
    size_t first_local;
} toy_call;

typedef struct toy_local {
    const char *name;
    toy_object *object;
} toy_local;

enum { TOY_CALLS = 32, TOY_LOCALS = 128 };

/* All memory of a machine, in the manner of realloc; size 0 frees. */
typedef void *(*toy_realloc_fn)(void *block, size_t old_size, size_t size, void *user);

typedef struct toy_vm {
    toy_object objects; // head of the ring of all objects
    toy_map *globals;
    toy_call calls[TOY_CALLS];
    size_t call_count;
    toy_local locals[TOY_LOCALS];
    size_t local_count;
    toy_realloc_fn realloc;
    void *realloc_user;
} toy_vm;

toy_vm *toy_vm_new(void);
void toy_vm_free(toy_vm *vm); // with all its objects

/* New objects have one reference, the caller's. */
toy_string *toy_string_new(toy_vm *vm, const char *text);
toy_list *toy_list_new(toy_vm *vm);
toy_map *toy_map_new(toy_vm *vm);
toy_closure *toy_closure_new(toy_vm *vm, const char *const *names, toy_object *const *captured,
                             size_t count);

toy_object *toy_retain(toy_object *object);
void toy_release(toy_vm *vm, toy_object *object);

/* Containers take a reference of their own. */
void toy_list_push(toy_vm *vm, toy_list *list, toy_object *item);
void toy_list_clear(toy_vm *vm, toy_list *list);
void toy_map_set(toy_vm *vm, toy_map *map, const char *key, toy_object *value);
toy_object *toy_map_get(const toy_map *map, const char *key);
void toy_map_clear(toy_vm *vm, toy_map *map);

/* Calls. A local variable takes over the caller's reference and gives it back on return. */
void toy_call_begin(toy_vm *vm, const char *place);
void toy_call_at(toy_vm *vm, const char *place); // the call goes on to another line
void toy_call_end(toy_vm *vm);
toy_object *toy_local_set(toy_vm *vm, const char *name, toy_object *object);

size_t toy_size(const toy_object *object);
const char *toy_type_name(enum toy_type type);

#endif
