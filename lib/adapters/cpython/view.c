/* What all views do alike. */
#include "view.h"

void *lwpy_view_new(const struct lwpy_view_class *class, void *handle, lw_snapshot *snapshot,
                    PyObject *owner)
{
    lwpy_view *self = lwpy_result_new(class->type);
    if (!self) {
        if (handle && !owner)
            class->release(handle);
        return NULL;
    }
    self->class = class;
    self->handle = handle;
    self->snapshot = snapshot;
    self->owner = Py_XNewRef(owner);
    return self;
}

void *lwpy_view_about(void *view, const struct lwpy_targets *targets)
{
    lwpy_view *self = view;
    if (self) {
        self->empty = Py_NewRef(targets->empty);
        self->who = Py_NewRef(targets->who);
    }
    return self;
}

void lwpy_view_free(PyObject *object)
{
    lwpy_view *self = (lwpy_view *)object;
    if (self->handle && !self->owner)
        self->class->release(self->handle);
    Py_XDECREF(self->owner);
    Py_XDECREF(self->empty);
    Py_XDECREF(self->who);
    lwpy_result_free(self);
}

PyObject *lwpy_get_number(PyObject *self, void *offset)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    uint64_t number;
    memcpy(&number, (const char *)self + (uintptr_t)offset, sizeof number);
    PyObject *value = PyLong_FromUnsignedLongLong(number);
    lwpy_quiet_end(&quiet);
    return value;
}

Py_ssize_t lwpy_view_length(PyObject *object)
{
    lwpy_view *self = (lwpy_view *)object;
    return self->handle ? self->class->count(self) : 0;
}

PyObject *lwpy_view_item(PyObject *object, Py_ssize_t index)
{
    lwpy_view *self = (lwpy_view *)object;
    Py_ssize_t count = lwpy_view_length(object);
    if (count < 0)
        return NULL;
    if (index < 0 || index >= count) {
        PyErr_Format(PyExc_IndexError, "%s %zd of %zd", self->class->row, index, count);
        return NULL;
    }
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *row = self->class->row_new(self, index);
    lwpy_quiet_end(&quiet);
    return row;
}

/* Takes `string`. */
static PyObject *to_ascii(PyObject *string)
{
    PyObject *bytes = PyUnicode_AsEncodedString(string, "ascii", "backslashreplace");
    Py_DECREF(string);
    string = bytes ? PyUnicode_FromEncodedObject(bytes, "ascii", NULL) : NULL;
    Py_XDECREF(bytes);
    return string;
}

static PyObject *report(PyObject *object, const lw_report_options *options)
{
    lwpy_view *self = (lwpy_view *)object;
    struct lwpy_quiet quiet;
    struct lwpy_text text = LWPY_TEXT_INIT;
    lw_error error = LW_ERROR_INIT;
    lw_status status = LW_OK;
    lwpy_quiet_begin(&quiet);
    if (self->handle)
        status = self->class->report(self, options, &text, &error);
    else if (options->format == LW_FORMAT_JSON)
        lwpy_text_format(&text, "null");
    else
        lwpy_text_format(&text, "%s", lwpy_words(self->empty));
    PyObject *string = lwpy_text_take(&text, status, &error);
    if (string && options->flags & LW_REPORT_ASCII)
        string = to_ascii(string);
    lwpy_quiet_end(&quiet);
    return string;
}

PyObject *lwpy_view_str(PyObject *self)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    lwpy_text_terminal(&options);
    return report(self, &options);
}

PyObject *lwpy_view_repr(PyObject *self)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    Py_ssize_t count = lwpy_view_length(self);
    PyObject *repr = count < 0 ? NULL
                               : PyUnicode_FromFormat("<%s: %zd>", Py_TYPE(self)->tp_name, count);
    lwpy_quiet_end(&quiet);
    return repr;
}

static PyObject *view_text(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *keywords)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    const struct lwpy_call call = {args, count, keywords};
    return lwpy_text_arguments(&call, &options) < 0 ? NULL : report(self, &options);
}

static PyObject *view_json(PyObject *self, PyObject *unused)
{
    (void)unused;
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    options.format = LW_FORMAT_JSON;
    return report(self, &options);
}

PyMethodDef lwpy_view_methods[] = {
    {"text", LWPY_METHOD(view_text), METH_FASTCALL | METH_KEYWORDS, LWPY_TEXT_DOC},
    {"json", view_json, METH_NOARGS, "json($self, /)\n--\n\nThe report as JSON, a str."},
    {NULL, NULL, 0, NULL},
};

const char *lwpy_words(PyObject *string)
{
    const char *words = PyUnicode_AsUTF8(string);
    if (!words)
        PyErr_Clear();
    return words ? words : "?";
}

void lwpy_text_size(struct lwpy_text *text, uint64_t bytes)
{
    static const char units[] = "KMGTPE";
    double size = (double)bytes;
    int unit = -1;
    for (; size >= 999.95 && unit < 5; unit++)
        size /= 1024;
    if (bytes < 1024)
        lwpy_text_format(text, "%u B", (unsigned)bytes);
    else
        lwpy_text_format(text, size < 99.95 ? "%.1f %ciB" : "%.0f %ciB", size, units[unit]);
}

void lwpy_text_counted(struct lwpy_text *text, uint64_t count, const char *noun)
{
    lwpy_text_format(text, "%llu %s%s", (unsigned long long)count, noun, count == 1 ? "" : "s");
}

static void json_string(struct lwpy_text *text, const char *words)
{
    lwpy_text_write("\"", 1, text);
    for (; *words; words++) {
        unsigned char letter = (unsigned char)*words;
        if (letter < 0x20)
            lwpy_text_format(text, "\\u%04x", letter);
        else if (letter == '"' || letter == '\\')
            lwpy_text_format(text, "\\%c", letter);
        else
            lwpy_text_write(words, 1, text);
    }
    lwpy_text_write("\"", 1, text);
}

static void json_list(struct lwpy_text *text, PyObject *tuple)
{
    lwpy_text_write("[", 1, text);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (i)
            lwpy_text_write(", ", 2, text);
        lwpy_text_json(text, PyTuple_GET_ITEM(tuple, i));
    }
    lwpy_text_write("]", 1, text);
}

static void json_record(struct lwpy_text *text, const lwpy_record *record)
{
    const PyMemberDef *members = Py_TYPE(record)->tp_members;
    for (Py_ssize_t i = 0; i < record->count; i++) {
        lwpy_text_format(text, i ? ", \"%s\": " : "{\"%s\": ", members[i].name);
        lwpy_text_json(text, record->fields[i]);
    }
    lwpy_text_write("}", 1, text);
}

void lwpy_text_json(struct lwpy_text *text, PyObject *value)
{
    if (value == Py_None) {
        lwpy_text_write("null", 4, text);
    } else if (PyBool_Check(value)) {
        lwpy_text_format(text, value == Py_True ? "true" : "false");
    } else if (PyLong_Check(value)) {
        lwpy_text_format(text, "%llu", PyLong_AsUnsignedLongLong(value));
    } else if (PyTuple_Check(value)) {
        json_list(text, value);
    } else if (PyUnicode_Check(value)) {
        json_string(text, lwpy_words(value));
    } else {
        json_record(text, (const lwpy_record *)value);
    }
}
