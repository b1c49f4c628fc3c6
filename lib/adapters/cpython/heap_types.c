#include "heap_walk.h"

#include <stdio.h>
#include <structmember.h>

static size_t slot_of(const lwpy_walk *walk, const PyTypeObject *type)
{
    uint64_t hash = (uint64_t)(uintptr_t)type * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 32) & (walk->type_capacity - 1);
}

static void place(lwpy_walk *walk, lwpy_type *type)
{
    size_t slot = slot_of(walk, type->type);
    while (walk->types[slot])
        slot = (slot + 1) & (walk->type_capacity - 1);
    walk->types[slot] = type;
}

static bool grow(lwpy_walk *walk)
{
    lwpy_type **old = walk->types;
    size_t old_capacity = walk->type_capacity;
    size_t capacity = old_capacity ? old_capacity * 2 : 1024;
    lwpy_type **table = lwpy_zeros(walk->sink, capacity * sizeof *table);
    if (!table)
        return false;
    walk->types = table;
    walk->type_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i])
            place(walk, old[i]);
    }
    lwpy_give_back(walk->sink, old, old_capacity * sizeof *old);
    return true;
}

/* True for what a class statement makes, in contrast to a type written in C. */
static bool is_class(const lwpy_walk *walk, const PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE && walk->class_dealloc && type->tp_base &&
           type->tp_dealloc == walk->class_dealloc &&
           (type->tp_traverse == walk->class_traverse || !type->tp_traverse);
}

static const struct {
    PyTypeObject *type;
    uint8_t shape;
} builtin_shapes[] = {
    { &PyBaseObject_Type, LWPY_SHAPE_OBJECT },   { &PyList_Type, LWPY_SHAPE_LIST },
    { &PyTuple_Type, LWPY_SHAPE_TUPLE },         { &PyDict_Type, LWPY_SHAPE_DICT },
    { &PySet_Type, LWPY_SHAPE_SET },             { &PyFrozenSet_Type, LWPY_SHAPE_SET },
    { &PyFunction_Type, LWPY_SHAPE_FUNCTION },   { &PyCell_Type, LWPY_SHAPE_CELL },
    { &PyCode_Type, LWPY_SHAPE_CODE },           { &PyType_Type, LWPY_SHAPE_TYPE },
    { &PyModule_Type, LWPY_SHAPE_MODULE },       { &PyFrame_Type, LWPY_SHAPE_FRAME },
    { &PyGen_Type, LWPY_SHAPE_GENERATOR },       { &PyCoro_Type, LWPY_SHAPE_GENERATOR },
    { &PyAsyncGen_Type, LWPY_SHAPE_GENERATOR },  { &_PyWeakref_RefType, LWPY_SHAPE_WEAKREF },
    { &_PyWeakref_ProxyType, LWPY_SHAPE_WEAKREF },
    { &_PyWeakref_CallableProxyType, LWPY_SHAPE_WEAKREF },
    { &PyMethod_Type, LWPY_SHAPE_METHOD },
};

static void add_field(lwpy_walk *walk, lwpy_type *type, const PyMemberDef *member, bool counted)
{
    lwpy_field *fields = lw_sink_memory(walk->sink, type->fields,
                                        type->field_count * sizeof *fields,
                                        (type->field_count + 1) * sizeof *fields);
    if (!fields) {
        walk->failed = LWPY_NO_MEMORY;
        return;
    }
    type->fields = fields;
    lwpy_field *field = &fields[type->field_count++];
    field->offset = member->offset;
    field->label = lwpy_label(walk, LW_LABEL_ATTRIBUTE, member->name);
    field->counted = counted;
}

/* __slots__ of classes, each one a counted reference. */
static void add_slots(lwpy_walk *walk, lwpy_type *type, PyTypeObject *class)
{
    for (Py_ssize_t i = 0; class->tp_members && i < Py_SIZE(class); i++) {
        if (class->tp_members[i].type == T_OBJECT_EX)
            add_field(walk, type, &class->tp_members[i], true);
    }
}

/* Members of types in C name what tp_traverse lists. What the collector never looks into has no
 * tp_traverse: there they are the references themselves. */
static void add_members(lwpy_walk *walk, lwpy_type *type, PyTypeObject *native)
{
    bool counted = !native->tp_traverse;
    for (; native; native = native->tp_base) {
        for (const PyMemberDef *member = native->tp_members; member && member->name; member++) {
            bool object = member->type == T_OBJECT_EX || member->type == T_OBJECT;
            if (object && member->offset > 0 && member->offset != native->tp_dictoffset)
                add_field(walk, type, member, counted);
        }
    }
}

static void find_shape(lwpy_walk *walk, lwpy_type *type, PyTypeObject *native)
{
    for (size_t i = 0; i < sizeof builtin_shapes / sizeof *builtin_shapes; i++) {
        if (builtin_shapes[i].type == native) {
            type->shape = builtin_shapes[i].shape;
            type->traversed = type->shape == LWPY_SHAPE_MODULE; /* for the module's state */
            return;
        }
    }
    if (lwpy_library_shape(type, native))
        return;
    if (PyType_IsSubtype(native, &PyType_Type)) { /* a metaclass in C */
        type->shape = LWPY_SHAPE_TYPE;
        type->traversed = native->tp_traverse != PyType_Type.tp_traverse;
        return;
    }
    size_t slots = type->field_count;
    type->library = lwpy_library_find(native);
    if (type->library != LWPY_LIBRARY_RANGE)
        add_members(walk, type, native);
    bool leaf = !native->tp_traverse && type->field_count == slots && !type->library &&
                !native->tp_dictoffset;
    type->shape = leaf ? LWPY_SHAPE_LEAF : LWPY_SHAPE_OTHER;
    type->traversed = !leaf && native->tp_traverse;
}

static void find_layout(lwpy_walk *walk, lwpy_type *type)
{
    PyTypeObject *python_type = type->type, *native = python_type;
    type->heap = python_type->tp_flags & Py_TPFLAGS_HEAPTYPE;
    type->managed = python_type->tp_flags & Py_TPFLAGS_MANAGED_DICT;
    type->pre_header = (uint32_t)lwpy_host_pre_header(python_type);
    while (is_class(walk, native)) {
        add_slots(walk, type, native);
        native = native->tp_base;
    }
    type->slotted = type->field_count;
    find_shape(walk, type, native);
    bool shape_knows = type->shape == LWPY_SHAPE_TYPE || type->shape == LWPY_SHAPE_MODULE;
    type->own_dict = python_type->tp_dictoffset && !type->managed && !shape_knows;
    lwpy_size_rule_find(type);
}

static uint32_t freelist_flag(const PyTypeObject *type)
{
    static const PyTypeObject *const types[] = { &PyFloat_Type, &PyTuple_Type, &PyList_Type,
                                                 &PyDict_Type,  &PySlice_Type, &PyContext_Type };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i] == type)
            return LW_TYPE_FREELIST;
    }
    return 0;
}

/* A type that only objects of ours have is none of the snapshot's. */
static void register_type(lwpy_walk *walk, lwpy_type *type)
{
    char name[200], slot[210];
    lwpy_text_type(name, sizeof name, type->type);
    type->id = lw_sink_type(walk->sink, (uint64_t)(uintptr_t)type->type, name,
                            freelist_flag(type->type));
    const char *last = strrchr(name, '.');
    snprintf(slot, sizeof slot, "%s.slot", last ? last + 1 : name);
    type->rest_label = lwpy_label(walk, LW_LABEL_INTERNAL, slot);
    if (!type->heap) /* instances do not hold it */
        lwpy_walk_reach(walk, (PyObject *)type->type);
}

static lwpy_type *find(const lwpy_walk *walk, const PyTypeObject *type)
{
    if (!walk->type_capacity)
        return NULL;
    for (size_t slot = slot_of(walk, type); walk->types[slot];
         slot = (slot + 1) & (walk->type_capacity - 1)) {
        if (walk->types[slot]->type == type)
            return walk->types[slot];
    }
    return NULL;
}

static lwpy_type *make(lwpy_walk *walk, PyTypeObject *python_type)
{
    lwpy_type *type = NULL;
    if (walk->type_count * 2 < walk->type_capacity || grow(walk))
        type = lwpy_zeros(walk->sink, sizeof *type);
    if (!type) {
        walk->failed = LWPY_NO_MEMORY;
        return NULL;
    }
    type->type = python_type;
    place(walk, type);
    walk->type_count++;
    find_layout(walk, type);
    return type;
}

const lwpy_type *lwpy_type_add(lwpy_walk *walk, PyTypeObject *python_type)
{
    lwpy_type *type = find(walk, python_type);
    if (!type && !(type = make(walk, python_type)))
        return NULL;
    if (!type->id && walk->phase != LWPY_HIDE)
        register_type(walk, type);
    if (type->id)
        walk->types_lately[lwpy_type_slot(python_type)] = type;
    return type;
}

const uint32_t *lwpy_type_names(lwpy_walk *walk, const lwpy_type *const_type, Py_ssize_t count)
{
    lwpy_type *type = (lwpy_type *)const_type;
    PyDictKeysObject *keys = lwpy_host_shared_keys(type->type);
    if (type->name_count >= count)
        return type->names;
    uint32_t *names = lw_sink_memory(walk->sink, type->names,
                                     (size_t)type->name_count * sizeof *names,
                                     (size_t)count * sizeof *names);
    if (!names) {
        walk->failed = LWPY_NO_MEMORY;
        return NULL;
    }
    for (Py_ssize_t i = type->name_count; i < count; i++)
        names[i] = lwpy_label_name(walk, LW_LABEL_ATTRIBUTE, lwpy_host_keys_name(keys, i));
    type->names = names;
    type->name_count = count;
    return names;
}

void lwpy_types_free(lwpy_walk *walk)
{
    lw_sink *sink = walk->sink;
    for (size_t i = 0; i < walk->type_capacity; i++) {
        lwpy_type *type = walk->types[i];
        if (!type)
            continue;
        lwpy_give_back(sink, type->fields, type->field_count * sizeof *type->fields);
        lwpy_give_back(sink, type->names, (size_t)type->name_count * sizeof *type->names);
        lwpy_give_back(sink, type, sizeof *type);
    }
    lwpy_give_back(sink, walk->types, walk->type_capacity * sizeof(lwpy_type *));
    walk->types = NULL;
    walk->type_capacity = walk->type_count = 0;
}
