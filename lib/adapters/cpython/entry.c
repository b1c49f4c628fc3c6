/* Entry: how `with` reaches a region. The bound method that `with` makes of __enter__ dies inside
 * the region; it is made quietly, so that it is not counted as freed there. */
#include "types.h"

typedef struct entry {
    PyObject_HEAD
    PyObject *method; /* a method descriptor of Region */
} entry;

PyObject *lwpy_entry_new(PyTypeObject *class, PyMethodDef *method)
{
    PyTypeObject *entries = lwpy.types[LWPY_ENTRY];
    entry *self = (entry *)entries->tp_alloc(entries, 0);
    if (!self)
        return NULL;
    self->method = PyDescr_NewMethod(class, method);
    if (!self->method)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void entry_free(PyObject *self)
{
    PyTypeObject *entries = Py_TYPE(self);
    Py_XDECREF(((entry *)self)->method);
    entries->tp_free(self);
    Py_DECREF(entries);
}

static PyObject *entry_get(PyObject *self, PyObject *region, PyObject *class)
{
    PyObject *method = ((entry *)self)->method;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *bound = Py_TYPE(method)->tp_descr_get(method, region, class);
    lwpy_quiet_end(&quiet);
    return bound;
}

static PyType_Slot entry_slots[] = {
    {Py_tp_dealloc, LWPY_SLOT(entry_free)},
    {Py_tp_descr_get, LWPY_SLOT(entry_get)},
    {0, NULL},
};

PyType_Spec lwpy_entry_spec = {"leakwatch._Entry", sizeof(entry), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                               entry_slots};
