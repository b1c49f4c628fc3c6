#include "heap_walk.h"

static PyObject *find_sizeof(PyTypeObject *type, PyTypeObject **definer)
{
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; mro && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        PyObject *dict = PyType_Check((PyObject *)base) ? lwpy_host_type_dict(base) : NULL;
        PyObject *found = dict ? lwpy_dict_find(dict, "__sizeof__") : NULL;
        /* A class in Python may say what it likes; the size of its base in C is what we give. */
        if (found && Py_IS_TYPE(found, &PyMethodDescr_Type)) {
            *definer = base;
            return found;
        }
    }
    return NULL;
}

/* C functions which were read: they look at their own struct, and at most make a number. */
static bool is_harmless(PyTypeObject *definer)
{
    static const char *const names[] = {
        "_io.BufferedRandom", "_io.BufferedReader", "_io.BufferedWriter", "_io.BytesIO",
        "_pickle.Pickler", "_pickle.Unpickler", "_struct.Struct", "array.array", "StgDict",
        "_ctypes.CType_Type", "decimal.Decimal", "itertools.combinations",
        "itertools.combinations_with_replacement", "itertools.permutations", "itertools.product",
        "xml.etree.ElementTree.Element"
    };
    char name[200];
    lwpy_text_type(name, sizeof name, definer);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(name, names[i]))
            return true;
    }
    return false;
}

static const struct {
    PyTypeObject *type;
    uint8_t rule;
} builtin_rules[] = {
    { &PyBaseObject_Type, LWPY_SIZE_BASIC }, { &PyLong_Type, LWPY_SIZE_INT },
    { &PyUnicode_Type, LWPY_SIZE_STR },      { &PyList_Type, LWPY_SIZE_LIST },
    { &PyDict_Type, LWPY_SIZE_DICT },        { &PyODict_Type, LWPY_SIZE_ORDERED },
    { &PySet_Type, LWPY_SIZE_SET },          { &PyFrozenSet_Type, LWPY_SIZE_SET },
    { &PyType_Type, LWPY_SIZE_TYPE },        { &PyCode_Type, LWPY_SIZE_CODE },
    { &PyFrame_Type, LWPY_SIZE_FRAME },      { &PyGen_Type, LWPY_SIZE_GENERATOR },
    { &PyCoro_Type, LWPY_SIZE_GENERATOR },   { &PyAsyncGen_Type, LWPY_SIZE_GENERATOR },
    { &PyByteArray_Type, LWPY_SIZE_BYTEARRAY },
};

void lwpy_size_rule_find(lwpy_type *type)
{
    PyTypeObject *definer = NULL;
    PyObject *method = find_sizeof(type->type, &definer);
    type->size_rule = type->library == LWPY_LIBRARY_ARRAY ? LWPY_SIZE_ARRAY : LWPY_SIZE_BASIC;
    if (!method)
        return;
    for (size_t i = 0; i < sizeof builtin_rules / sizeof *builtin_rules; i++) {
        if (builtin_rules[i].type == definer) {
            type->size_rule = builtin_rules[i].rule;
            return;
        }
    }
    if (type->shape == LWPY_SHAPE_DEQUE) {
        type->size_rule = LWPY_SIZE_DEQUE;
        return;
    }
    const PyMethodDef *definition = ((PyMethodDescrObject *)method)->d_method;
    bool with_class = definition->ml_flags == (METH_METHOD | METH_FASTCALL | METH_KEYWORDS);
    if ((definition->ml_flags == METH_NOARGS || with_class) && is_harmless(definer)) {
        type->size_rule = LWPY_SIZE_CALL;
        type->size_call = definition->ml_meth;
        type->size_class = with_class ? definer : NULL;
    }
}

static size_t size_of_str(PyObject *object)
{
    const PyCompactUnicodeObject *compact = (const PyCompactUnicodeObject *)object;
    size_t length = (size_t)PyUnicode_GET_LENGTH(object);
    size_t kind = compact->_base.state.kind;
    size_t size = 0;
    if (PyUnicode_IS_COMPACT_ASCII(object))
        return sizeof(PyASCIIObject) + length + 1 + lwpy_host_str_extra(object);
    if (compact->_base.state.compact) {
        size = sizeof(PyCompactUnicodeObject) + (length + 1) * kind;
    } else {
        size = sizeof(PyUnicodeObject);
        if (((const PyUnicodeObject *)object)->data.any)
            size += (length + 1) * kind;
    }
    if (compact->utf8 && (const void *)compact->utf8 != PyUnicode_DATA(object))
        size += (size_t)compact->utf8_length + 1;
    return size + lwpy_host_str_extra(object);
}

static size_t size_of_type(PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return sizeof(PyTypeObject);
    PyDictKeysObject *keys = lwpy_host_shared_keys(type);
    return sizeof(PyHeapTypeObject) + (keys ? lwpy_host_keys_size(keys) : 0);
}

static size_t size_of_code(PyObject *object)
{
    struct extra { /* how every version lays out what PyUnstable_Code_SetExtra() set */
        Py_ssize_t count;
        void *values[1];
    };
    size_t size = (size_t)_PyObject_VAR_SIZE(Py_TYPE(object), Py_SIZE(object));
    const struct extra *extra = ((PyCodeObject *)object)->co_extra;
    if (extra)
        size += sizeof *extra + ((size_t)extra->count - 1) * sizeof extra->values[0];
    return size;
}

static size_t size_of_slots(size_t head, PyCodeObject *code)
{
    return head + offsetof(lwpy_host_frame, localsplus) +
           (size_t)lwpy_host_code_slots(code) * sizeof(PyObject *);
}

static size_t size_by_call(const lwpy_type *type, PyObject *object)
{
    PyObject *number = NULL;
    if (type->size_class)
        number = ((PyCMethod)(void (*)(void))type->size_call)(object, type->size_class, NULL, 0, NULL);
    else
        number = type->size_call(object, NULL);
    Py_ssize_t size = number ? PyLong_AsSsize_t(number) : -1;
    Py_XDECREF(number);
    if (size >= 0)
        return (size_t)size;
    PyErr_Clear();
    return (size_t)type->type->tp_basicsize;
}

static size_t size_of_set(PyObject *object)
{
    const PySetObject *set = (const PySetObject *)object;
    size_t size = (size_t)Py_TYPE(object)->tp_basicsize;
    return set->table == set->smalltable ? size : size + ((size_t)set->mask + 1) * sizeof(setentry);
}

static size_t size_basic(const PyTypeObject *type, PyObject *object)
{
    size_t size = (size_t)type->tp_basicsize;
    if (type->tp_itemsize > 0)
        size += (size_t)(Py_SIZE(object) * type->tp_itemsize);
    return size;
}

static size_t size_by_rule(const lwpy_type *type, PyObject *object)
{
    const PyTypeObject *python_type = type->type;
    size_t basic = (size_t)python_type->tp_basicsize;
    switch (type->size_rule) {
    case LWPY_SIZE_INT:
        return lwpy_host_int_size(object);
    case LWPY_SIZE_STR:
        return size_of_str(object);
    case LWPY_SIZE_LIST:
        return basic + (size_t)((PyListObject *)object)->allocated * sizeof(PyObject *);
    case LWPY_SIZE_DICT:
        return (size_t)_PyDict_SizeOf((PyDictObject *)object);
    case LWPY_SIZE_ORDERED:
        return lwpy_library_ordered_size(object);
    case LWPY_SIZE_SET:
        return size_of_set(object);
    case LWPY_SIZE_TYPE:
        return size_of_type((PyTypeObject *)object);
    case LWPY_SIZE_CODE:
        return size_of_code(object);
    case LWPY_SIZE_FRAME:
        return size_of_slots(offsetof(PyFrameObject, _f_frame_data),
                             lwpy_host_frame_code(lwpy_host_frame_parts_of(object).frame));
    case LWPY_SIZE_GENERATOR:
        return size_of_slots(offsetof(PyGenObject, gi_iframe), lwpy_host_generator_code_of(object));
    case LWPY_SIZE_BYTEARRAY:
        return basic + (size_t)((PyByteArrayObject *)object)->ob_alloc;
    case LWPY_SIZE_DEQUE:
        return lwpy_library_deque_size(object);
    case LWPY_SIZE_ARRAY:
        return basic + lwpy_library_array_size(object);
    case LWPY_SIZE_CALL:
        return size_by_call(type, object);
    default:
        return size_basic(python_type, object);
    }
}

uint64_t lwpy_size_of(const lwpy_type *type, PyObject *object)
{
    size_t before = lwpy_host_has_pre_header(object) ? type->pre_header : 0;
    return size_by_rule(type, object) + before;
}
