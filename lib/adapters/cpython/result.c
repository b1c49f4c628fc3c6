/* Result objects: quiet allocation, the list of all that live, and records of plain fields. */
#include "types.h"

void *lwpy_result_new(enum lwpy_type type)
{
    PyTypeObject *class = lwpy.types[type];
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    lwpy_result *self = (lwpy_result *)class->tp_alloc(class, 0);
    lwpy_quiet_end(&quiet);
    if (!self)
        return NULL;
    self->next = lwpy.results;
    if (self->next)
        self->next->previous = self;
    lwpy.results = self;
    return self;
}

void lwpy_result_free(void *result)
{
    lwpy_result *self = result;
    PyTypeObject *class = Py_TYPE(self);
    if (self->next)
        self->next->previous = self->previous;
    if (self->previous)
        self->previous->next = self->next;
    else
        lwpy.results = self->next;
    class->tp_free((PyObject *)self);
    Py_DECREF(class);
}

PyObject *lwpy_get(PyObject *self, void *getter)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *value = ((const struct lwpy_getter *)getter)->get(self);
    lwpy_quiet_end(&quiet);
    return value;
}

PyObject *lwpy_record_new(enum lwpy_type type, Py_ssize_t count, ...)
{
    lwpy_record *self = lwpy_result_new(type);
    bool complete = self != NULL;
    va_list fields;
    va_start(fields, count);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *field = va_arg(fields, PyObject *);
        complete = complete && field;
        if (self) {
            self->fields[i] = field;
            self->count = i + 1;
        } else {
            Py_XDECREF(field);
        }
    }
    va_end(fields);
    if (!complete)
        Py_CLEAR(self);
    return (PyObject *)self;
}

void lwpy_record_free(PyObject *self)
{
    lwpy_record *record = (lwpy_record *)self;
    for (Py_ssize_t i = 0; i < record->count; i++)
        Py_XDECREF(record->fields[i]);
    lwpy_result_free(self);
}

PyObject *lwpy_record_repr(PyObject *self)
{
    lwpy_record *record = (lwpy_record *)self;
    struct lwpy_quiet quiet;
    struct lwpy_text text = LWPY_TEXT_INIT;
    lwpy_quiet_begin(&quiet);
    lwpy_text_format(&text, "%s", Py_TYPE(self)->tp_name);
    for (Py_ssize_t i = 0; i < record->count; i++) {
        PyObject *field = PyObject_Repr(record->fields[i]);
        const char *words = field ? PyUnicode_AsUTF8(field) : NULL;
        if (!words)
            PyErr_Clear();
        lwpy_text_format(&text, "%s%s=%s", i ? ", " : "(", Py_TYPE(self)->tp_members[i].name,
                         words ? words : "?");
        Py_XDECREF(field);
    }
    lwpy_text_format(&text, ")");
    PyObject *repr = lwpy_text_take(&text, LW_OK, NULL);
    lwpy_quiet_end(&quiet);
    return repr;
}

PyObject *lwpy_string(const char *text)
{
    return PyUnicode_DecodeUTF8(text ? text : "", text ? (Py_ssize_t)strlen(text) : 0, "replace");
}

PyObject *lwpy_frame(const lw_frame *frame)
{
    return lwpy_record_new(LWPY_FRAME, 4, lwpy_string(frame->file),
                           PyLong_FromUnsignedLong(frame->line), lwpy_string(frame->function),
                           PyBool_FromLong(frame->flags & LW_FRAME_OWN));
}

static PyObject *frame_str(PyObject *self)
{
    lwpy_record *frame = (lwpy_record *)self;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *text = PyUnicode_FromFormat("%U:%S %U", frame->fields[0], frame->fields[1],
                                          frame->fields[2]);
    lwpy_quiet_end(&quiet);
    return text;
}

static PyMemberDef frame_fields[] = {
    LWPY_FIELD(0, "file", "where the source is"),
    LWPY_FIELD(1, "line", "1 is the first; 0 unknown"),
    LWPY_FIELD(2, "function", "the function's qualified name"),
    LWPY_FIELD(3, "own", "whether it is your code, not a library's"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot frame_slots[] = {
    {Py_tp_doc, "One line of a call stack."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_str, LWPY_SLOT(frame_str)},
    {Py_tp_members, frame_fields},
    {0, NULL},
};

PyType_Spec lwpy_frame_spec = {"leakwatch.Frame", LWPY_RECORD_SIZE(4), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                               frame_slots};
