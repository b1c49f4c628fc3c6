/* The core's own runtime: registered objects, whose types tell which members refer to something.
 *
 * Everything that becomes a node - objects, blocks and rows that belong to them, arrays in them -
 * is listed with its address and its kind, and sorted. A kind is a type, or a field of a type that
 * makes a node of its own. Keys are addresses; where several things begin at one place, each next
 * one's key is a byte on. */
#include "base/sort.h"
#include "capture/objects.h"
#include "record/object.h"

#include <stdio.h>
#include <string.h>

typedef struct thing {
    uint64_t address;
    lw_key key;
    uint64_t pointers; /* of a row, or of slots */
    uint32_t kind;
} thing;

/* Of a type, or of a field of it. */
typedef struct thing_kind {
    const lwi_type_facts *type;
    const lw_field *field; /* NULL: the objects themselves */
    uint32_t id;           /* in the sink */
    uint32_t label;        /* of the field; for a type's own fields see `first` */
} thing_kind;

typedef struct scan {
    lw_context *context;
    lw_sink *sink;
    thing *things;
    uint64_t count, room;
    thing_kind *kinds; /* types by number, then fields, type by type */
    uint32_t *first;   /* by type: the kind of its first field */
    uint32_t types, kind_count;
    uint64_t kind_room;
    bool short_of_memory;
} scan;

/* --- kinds --------------------------------------------------------------------------------- */

static bool list_kinds(scan *s)
{
    uint64_t count = 0;
    for (const lwi_type_facts *type = lwi_types_first(s->context); type;
         type = lwi_types_next(type), s->types++)
        count += 1 + (uint64_t)type->field_count;
    s->kind_room = count + 1;
    s->kinds = lwi_alloc(s->sink->mem, lwi_array_size(s->kind_room, sizeof *s->kinds));
    s->first = lwi_alloc(s->sink->mem, lwi_array_size((uint64_t)s->types + 1, sizeof *s->first));
    if (!s->kinds || !s->first || count >= UINT32_MAX)
        return false;
    s->kind_count = s->types;
    for (const lwi_type_facts *type = lwi_types_first(s->context); type && type->number < s->types;
         type = lwi_types_next(type)) {
        s->kinds[type->number].type = type;
        s->first[type->number] = s->kind_count;
        for (uint32_t i = 0; i < type->field_count; i++)
            s->kinds[s->kind_count++] = (thing_kind){type, &type->fields[i], 0, 0};
    }
    return true;
}

static bool has_node(const lw_field *field)
{
    return field->kind >= LW_FIELD_BLOCK;
}

/* "cache.slots" is what the memory is called that this member of a cache refers to. */
static void name_kinds(scan *s)
{
    for (uint32_t i = 0; i < s->kind_count; i++) {
        thing_kind *kind = &s->kinds[i];
        const lw_field *field = kind->field;
        char name[256];
        snprintf(name, sizeof name, "%.120s%s%.120s", kind->type->name, field ? "." : "",
                 field ? field->name : "");
        if (!field || has_node(field))
            kind->id = lw_sink_type(s->sink, (uint64_t)i + 1, field ? name : kind->type->name, 0);
        if (field)
            kind->label =
                lw_sink_label(s->sink, LW_LABEL_ATTRIBUTE, field->name, strlen(field->name));
    }
}

/* --- reading members ----------------------------------------------------------------------- */

static const void *at(uint64_t address)
{
    return (const void *)(uintptr_t)address;
}

static uint64_t read_pointer(uint64_t address)
{
    void *pointer;
    memcpy(&pointer, at(address), sizeof pointer);
    return (uint64_t)(uintptr_t)pointer;
}

static uint64_t read_count(uint64_t address, uint32_t size)
{
    uint64_t wide;
    uint32_t word;
    uint16_t half;
    switch (size) {
    case 8:
        memcpy(&wide, at(address), sizeof wide);
        return wide;
    case 4:
        memcpy(&word, at(address), sizeof word);
        return word;
    case 2:
        memcpy(&half, at(address), sizeof half);
        return half;
    default:
        return *(const uint8_t *)at(address);
    }
}

/* Where the memory begins that a member refers to, or is. */
static uint64_t target_of(const lw_field *field, uint64_t object)
{
    return field->kind == LW_FIELD_SLOTS ? object + field->offset
                                         : read_pointer(object + field->offset);
}

static uint64_t recorded_bytes(const scan *s, uint64_t address)
{
    uint64_t count;
    lwi_block_view block;
    lw_domain *const *domains = lwi_view_domains(s->context, &count);
    lwi_view_blocks(domains, count, &address, 1, &block);
    return count && block.epoch && block.start == address ? block.size : 0;
}

/* No more than what is recorded there has room for. */
static uint64_t pointers_of(const scan *s, const lw_field *field, uint64_t object, uint64_t memory)
{
    if (field->kind == LW_FIELD_SLOTS)
        return field->length;
    if (field->kind != LW_FIELD_ROW)
        return 0;
    uint64_t count = read_count(object + field->count_offset, field->count_size);
    uint64_t bytes = recorded_bytes(s, memory);
    return bytes && count > bytes / sizeof(void *) ? bytes / sizeof(void *) : count;
}

/* --- things -------------------------------------------------------------------------------- */

static bool add_thing(scan *s, thing thing)
{
    void *things = s->things;
    if (!lwi_grow(s->sink->mem, &things, &s->room, s->count + 1, sizeof thing)) {
        s->short_of_memory = true;
        return false;
    }
    s->things = things;
    s->things[s->count++] = thing;
    return true;
}

typedef struct listing {
    scan *scan;
    uint32_t kind;
} listing;

static bool add_object(uint64_t address, void *user)
{
    const listing *listing = user;
    return add_thing(listing->scan, (thing){address, 0, 0, listing->kind});
}

/* What belongs to an object and is a node of its own. */
static bool add_members(scan *s, thing object)
{
    const lwi_type_facts *type = s->kinds[object.kind].type;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const lw_field *field = &type->fields[i];
        uint64_t memory = has_node(field) ? target_of(field, object.address) : 0;
        if (!memory)
            continue;
        thing found = {memory, 0, pointers_of(s, field, object.address, memory),
                       s->first[object.kind] + i};
        if (!add_thing(s, found))
            return false;
    }
    return true;
}

static int by_place(const void *a, const void *b, const void *user)
{
    const thing *x = a, *y = b;
    (void)user;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->pointers < y->pointers) - (x->pointers > y->pointers); /* the most come first */
}

/* Sorts, drops what is listed twice, gives keys. */
static void settle(scan *s)
{
    uint64_t kept = 0;
    lwi_sort(s->things, (size_t)s->count, sizeof *s->things, by_place, NULL);
    for (uint64_t i = 0; i < s->count; i++) {
        thing *last = kept ? &s->things[kept - 1] : NULL;
        thing next = s->things[i];
        if (last && last->address == next.address && last->kind == next.kind)
            continue;
        next.key = last && last->key >= next.address ? last->key + 1 : next.address;
        s->things[kept++] = next;
    }
    s->count = kept;
}

static bool list_things(scan *s)
{
    for (const lwi_type_facts *type = lwi_types_first(s->context); type && type->number < s->types;
         type = lwi_types_next(type)) {
        listing listing = {s, type->number};
        lwi_objects_each(type, add_object, &listing);
    }
    uint64_t objects = s->count;
    for (uint64_t i = 0; !s->short_of_memory && i < objects; i++)
        add_members(s, s->things[i]);
    settle(s);
    return !s->short_of_memory;
}

/* The thing of a kind that begins at an address; `kind` UINT32_MAX: the first object there. */
static const thing *find_thing(const scan *s, uint64_t address, uint32_t kind)
{
    uint64_t low = 0, high = s->count;
    uint32_t least = kind == UINT32_MAX ? 0 : kind;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        const thing *thing = &s->things[middle];
        if (thing->address < address || (thing->address == address && thing->kind < least))
            low = middle + 1;
        else
            high = middle;
    }
    const thing *found = &s->things[low];
    bool right = low < s->count && found->address == address &&
                 (kind == UINT32_MAX ? found->kind < s->types : found->kind == kind);
    return right ? found : NULL;
}

/* --- pushing ------------------------------------------------------------------------------- */

static const thing *find_object(const scan *s, uint64_t address, const lw_type *target)
{
    return find_thing(s, address, target ? lwi_type_facts_of(target)->number : UINT32_MAX);
}

/* An edge to the object that a pointer leads to, if there is a pointer. */
static void push_edge(scan *s, lw_key from, uint64_t address, const lw_field *field, uint32_t label)
{
    const thing *object = address ? find_object(s, address, field->target) : NULL;
    int32_t kind = field->kind == LW_FIELD_WEAK ? LW_EDGE_WEAK : LW_EDGE_STRONG;
    if (object)
        lw_sink_edge(s->sink, from, object->key, kind, label);
    else if (address)
        s->sink->lost_edges++;
}

static void push_members(scan *s, const thing *object)
{
    uint32_t kind = s->first[object->kind];
    const lwi_type_facts *type = s->kinds[object->kind].type;
    for (uint32_t i = 0; i < type->field_count; i++, kind++) {
        const lw_field *field = &type->fields[i];
        uint64_t target = target_of(field, object->address);
        const thing *memory = has_node(field) && target ? find_thing(s, target, kind) : NULL;
        if (memory)
            lw_sink_edge(s->sink, object->key, memory->key, LW_EDGE_STRONG, s->kinds[kind].label);
        else
            push_edge(s, object->key, target, field, s->kinds[kind].label);
    }
}

static void push_pointers(scan *s, const thing *row)
{
    const lw_field *field = s->kinds[row->kind].field;
    for (uint64_t i = 0; i < row->pointers; i++)
        push_edge(s, row->key, read_pointer(row->address + i * sizeof(void *)), field,
                  LW_LABEL_INDEX(i));
}

static uint64_t size_of(const scan *s, const thing *thing)
{
    const thing_kind *kind = &s->kinds[thing->kind];
    if (!kind->field)
        return kind->type->size;
    if (kind->field->kind == LW_FIELD_SLOTS)
        return 0; /* they are counted with the object */
    uint64_t bytes = recorded_bytes(s, thing->address);
    return bytes ? bytes : thing->pointers * sizeof(void *);
}

static void push_roots(scan *s)
{
    uint32_t kind = lw_sink_root_kind(s->sink, "global variable", 0);
    uint64_t count;
    const lwi_variable *variables = lwi_variables_of(s->context, &count);
    for (uint64_t i = 0; i < count; i++) {
        const lwi_variable *variable = &variables[i];
        uint64_t address = read_pointer((uint64_t)(uintptr_t)variable->address);
        const thing *object = address ? find_object(s, address, variable->target) : NULL;
        if (object)
            lw_sink_root(s->sink, object->key, kind,
                         lw_sink_label(s->sink, LW_LABEL_VARIABLE, variable->name,
                                       strlen(variable->name)));
        else if (address)
            s->sink->lost_edges++;
    }
}

static int push_all(scan *s)
{
    int stop = 0;
    for (uint64_t i = 0; !stop && i < s->count; i++) {
        const thing *thing = &s->things[i];
        stop = lw_sink_node(s->sink, thing->key, s->kinds[thing->kind].id, size_of(s, thing));
        if (thing->kind < s->types)
            push_members(s, thing);
        else
            push_pointers(s, thing);
    }
    push_roots(s);
    return stop;
}

int lwi_objects_enumerate(lw_sink *sink, void *user)
{
    scan s = {.context = user, .sink = sink};
    bool ready = list_kinds(&s) && list_things(&s);
    int stop = ready ? 0 : lwi_sink_fail_memory(sink);
    if (ready) {
        name_kinds(&s);
        stop = push_all(&s);
    }
    lwi_free(sink->mem, s.things, lwi_array_size(s.room, sizeof *s.things));
    lwi_free(sink->mem, s.kinds, lwi_array_size(s.kind_room, sizeof *s.kinds));
    lwi_free(sink->mem, s.first, lwi_array_size((uint64_t)s.types + 1, sizeof *s.first));
    return stop;
}
