#include "heap_walk.h"

/* Values that are also held elsewhere and that code at module level has given a name: what a
 * person who looks for a leak has at hand. Functions, classes and modules are never that. */
static bool is_asker_variable(lwpy_walk *walk, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (Py_REFCNT(value) < 2 || lwpy_host_immortal(value) || type->tp_call)
        return false;
    if (PyModule_Check(value) || PyType_Check(value))
        return false;
    const lwpy_type *known = lwpy_walk_type(walk, type);
    return known && known->shape != LWPY_SHAPE_LEAF;
}

static void put_value(lwpy_walk *walk, PyObject *dict, PyObject *owner, PyObject *key,
                      PyObject *value)
{
    if (!owner) {
        bool borrowed = lwpy_host_dict_embedded(dict);
        lwpy_walk_edge(walk, value, borrowed ? LW_EDGE_BORROWED : LW_EDGE_STRONG,
                       lwpy_label_key(walk, key));
        return;
    }
    uint32_t label = PyUnicode_CheckExact(key) ? lwpy_label_name(walk, LW_LABEL_ATTRIBUTE, key)
                                               : lwpy_label_key(walk, key);
    if (dict == walk->asker_mapping && is_asker_variable(walk, value)) {
        lwpy_walk_root(walk, value, walk->kind_asker, label);
    } else {
        walk->from = lw_key_of(owner);
        lwpy_walk_edge(walk, value, LW_EDGE_STRONG, label);
        walk->from = lw_key_of(dict);
    }
    lwpy_walk_edge(walk, value, LW_EDGE_BORROWED, label);
}

void lwpy_edges_dict(lwpy_walk *walk, PyObject *dict, PyObject *owner)
{
    lw_key before = walk->from;
    bool shared_keys = ((PyDictObject *)dict)->ma_values;
    PyObject *key, *value;
    Py_ssize_t at = 0;
    walk->from = lw_key_of(dict);
    while (!walk->failed && PyDict_Next(dict, &at, &key, &value)) {
        put_value(walk, dict, owner, key, value);
        if (!shared_keys)
            lwpy_walk_strong(walk, key, LWPY_WORD_KEY);
    }
    walk->from = before;
}

void lwpy_edges_own_dict(lwpy_walk *walk, PyObject *dict, enum lwpy_word word)
{
    if (!dict)
        return;
    bool alone = PyDict_CheckExact(dict) && Py_REFCNT(dict) == 1 && lwpy_walk_take(walk, dict);
    lwpy_owned(walk, dict, walk->words[word]);
    if (alone) {
        bool embedded = lwpy_host_dict_embedded(dict);
        lwpy_edges_dict(walk, dict, embedded ? NULL : (PyObject *)(uintptr_t)walk->from);
    }
}

static void edges_module(lwpy_walk *walk, PyObject *module)
{
    lwpy_owned(walk, lwpy_host_module_name(module), walk->words[LWPY_WORD_NAME]);
    lwpy_edges_own_dict(walk, PyModule_GetDict(module), LWPY_WORD_DICT);
}

bool lwpy_edges_take_module(lwpy_walk *walk, PyObject *module)
{
    PyObject *dict = PyModule_GetDict(module);
    const lwpy_type *type = lwpy_walk_type(walk, Py_TYPE(module));
    if (!type || !dict || !PyDict_CheckExact(dict) || !lwpy_walk_take(walk, module))
        return false;
    if (lwpy_walk_take(walk, dict))
        return true;
    walk->from = lw_key_of(module);
    lwpy_edges(walk, module, type);
    return false;
}

void lwpy_edges_rooted_module(lwpy_walk *walk, PyObject *module)
{
    walk->from = lw_key_of(module);
    lwpy_edges(walk, module, lwpy_walk_type(walk, Py_TYPE(module)));
    lwpy_edges_dict(walk, PyModule_GetDict(module), module);
}

static void edges_list(lwpy_walk *walk, PyObject *list)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list) && !walk->failed; i++)
        lwpy_walk_edge(walk, PyList_GET_ITEM(list, i), LW_EDGE_STRONG, LW_LABEL_INDEX(i));
}

/* A tuple that is being built has empty slots. */
static void edges_tuple(lwpy_walk *walk, PyObject *tuple)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple) && !walk->failed; i++)
        lwpy_walk_edge(walk, PyTuple_GET_ITEM(tuple, i), LW_EDGE_STRONG, LW_LABEL_INDEX(i));
}

static void edges_set(lwpy_walk *walk, PyObject *object)
{
    const PySetObject *set = (const PySetObject *)object;
    for (Py_ssize_t i = 0; i <= set->mask && !walk->failed; i++) {
        if (set->table[i].key && set->table[i].hash != -1)
            lwpy_walk_strong(walk, set->table[i].key, LWPY_WORD_ELEMENT);
    }
}

static void edges_weakref(lwpy_walk *walk, PyObject *object)
{
    const PyWeakReference *reference = (const PyWeakReference *)object;
    if (reference->wr_object && reference->wr_object != Py_None &&
        Py_REFCNT(reference->wr_object) > 0)
        lwpy_walk_edge(walk, reference->wr_object, LW_EDGE_WEAK, walk->words[LWPY_WORD_REFERENT]);
    lwpy_walk_strong(walk, reference->wr_callback, LWPY_WORD_CALLBACK);
}

static void edges_instance(lwpy_walk *walk, PyObject *object, const lwpy_type *type)
{
    lwpy_host_instance instance = lwpy_host_instance_of(object);
    const uint32_t *names = instance.values ? lwpy_type_names(walk, type, instance.count) : NULL;
    for (Py_ssize_t i = 0; names && i < instance.count && !walk->failed; i++) {
        if (instance.values[i])
            lwpy_owned(walk, instance.values[i], names[i]);
    }
    lwpy_edges_own_dict(walk, instance.dict, LWPY_WORD_DICT);
}

static void edges_fields(lwpy_walk *walk, PyObject *object, const lwpy_type *type)
{
    for (size_t i = 0; i < type->field_count && !walk->failed; i++) {
        PyObject *value = *(PyObject **)((char *)object + type->fields[i].offset);
        if (!value)
            continue;
        if (type->fields[i].counted)
            lwpy_owned(walk, value, type->fields[i].label);
        else
            lwpy_claim(walk, value, type->fields[i].label);
    }
}

static void edges_shape(lwpy_walk *walk, PyObject *object, const lwpy_type *type)
{
    switch (type->shape) {
    case LWPY_SHAPE_LIST:
        edges_list(walk, object);
        break;
    case LWPY_SHAPE_TUPLE:
        edges_tuple(walk, object);
        break;
    case LWPY_SHAPE_DICT:
        lwpy_edges_dict(walk, object, NULL);
        break;
    case LWPY_SHAPE_SET:
        edges_set(walk, object);
        break;
    case LWPY_SHAPE_FUNCTION:
        lwpy_edges_function(walk, object);
        break;
    case LWPY_SHAPE_CELL:
        lwpy_walk_strong(walk, PyCell_GET(object), LWPY_WORD_CONTENTS);
        break;
    case LWPY_SHAPE_CODE:
        lwpy_edges_code(walk, object);
        break;
    case LWPY_SHAPE_TYPE:
        lwpy_edges_type(walk, object);
        break;
    case LWPY_SHAPE_MODULE:
        edges_module(walk, object);
        break;
    case LWPY_SHAPE_FRAME:
        lwpy_edges_frame(walk, object);
        break;
    case LWPY_SHAPE_GENERATOR:
        lwpy_edges_generator(walk, object);
        break;
    case LWPY_SHAPE_WEAKREF:
        edges_weakref(walk, object);
        break;
    case LWPY_SHAPE_METHOD:
        lwpy_walk_strong(walk, PyMethod_GET_FUNCTION(object), LWPY_WORD_FUNC);
        lwpy_walk_strong(walk, PyMethod_GET_SELF(object), LWPY_WORD_SELF);
        break;
    case LWPY_SHAPE_LRU_CACHE:
        lwpy_edges_lru_cache(walk, object);
        break;
    case LWPY_SHAPE_LRU_ENTRY:
        lwpy_edges_lru_entry(walk, object);
        break;
    case LWPY_SHAPE_DEQUE:
        lwpy_edges_deque(walk, object);
        break;
    default:
        break;
    }
}

void lwpy_edges(lwpy_walk *walk, PyObject *object, const lwpy_type *type)
{
    walk->visited.count = walk->claim_at = 0;
    if (type->traversed)
        lwpy_traverse(walk, object);
    if (type->heap)
        lwpy_owned(walk, (PyObject *)type->type, walk->words[LWPY_WORD_TYPE]);
    if (type->field_count)
        edges_fields(walk, object, type);
    if (type->managed)
        edges_instance(walk, object, type);
    if (type->own_dict) {
        PyObject **dict = _PyObject_GetDictPtr(object);
        lwpy_edges_own_dict(walk, dict ? *dict : NULL, LWPY_WORD_DICT);
    }
    edges_shape(walk, object, type);
    if (type->shape == LWPY_SHAPE_OTHER || type->traversed)
        lwpy_edges_rest(walk, object, type);
}
