/* Views: results that are a report with rows, which print(), text(), json(), len(), [] and
 * iteration treat all alike. */
#ifndef LWPY_VIEW_H
#define LWPY_VIEW_H

#include "targets.h"

typedef struct lwpy_view lwpy_view;

struct lwpy_view_class {
    enum lwpy_type type;
    const char *row; /* what a row is called */
    void (*release)(void *handle);
    lw_status (*report)(const lwpy_view *view, const lw_report_options *options,
                        struct lwpy_text *text, lw_error *error);
    Py_ssize_t (*count)(const lwpy_view *view);
    PyObject *(*row_new)(const lwpy_view *view, Py_ssize_t index);
};

struct lwpy_view {
    lwpy_result result;
    const struct lwpy_view_class *class;
    void *handle;          /* of the library; NULL: there was nothing to ask about */
    lw_snapshot *snapshot; /* where its nodes are; kept alive by the handle or the owner */
    PyObject *owner;       /* NULL, or whose the handle is */
    PyObject *empty;       /* NULL, or what to say without a handle */
    PyObject *who;         /* NULL, or what was asked about: "main.Value", "objects" */
};

/* Takes the handle, unless there is an owner, which then stays alive. */
void *lwpy_view_new(const struct lwpy_view_class *class, void *handle, lw_snapshot *snapshot,
                    PyObject *owner);

/* Remembers what was asked about. */
void *lwpy_view_about(void *view, const struct lwpy_targets *targets);

/* A getter of a number: its closure is the offset of a uint64_t in the object. */
PyObject *lwpy_get_number(PyObject *self, void *offset);
#define LWPY_NUMBER(struct_type, member, name, doc)                                                \
    {                                                                                              \
        name, lwpy_get_number, NULL, doc, (void *)offsetof(struct_type, member)                    \
    }

void lwpy_view_free(PyObject *self);
Py_ssize_t lwpy_view_length(PyObject *self);
PyObject *lwpy_view_item(PyObject *self, Py_ssize_t index);
PyObject *lwpy_view_str(PyObject *self);
PyObject *lwpy_view_repr(PyObject *self);

extern PyMethodDef lwpy_view_methods[];

#define LWPY_VIEW_SLOTS(free, repr)                                                                \
    {Py_tp_dealloc, LWPY_SLOT(free)}, {Py_tp_repr, LWPY_SLOT(repr)},                               \
        {Py_tp_str, LWPY_SLOT(lwpy_view_str)}, {Py_tp_iter, LWPY_SLOT(PySeqIter_New)},             \
        {Py_tp_methods, lwpy_view_methods}, {Py_sq_length, LWPY_SLOT(lwpy_view_length)},           \
    {                                                                                              \
        Py_sq_item, LWPY_SLOT(lwpy_view_item)                                                      \
    }

/* Parts of reports that the library has none of. The words of a str stay as long as it does. */
const char *lwpy_words(PyObject *string);
void lwpy_text_size(struct lwpy_text *text, uint64_t bytes);
void lwpy_text_counted(struct lwpy_text *text, uint64_t count, const char *noun);

/* A value as JSON: None, bool, int, str, tuples, and records as objects of their fields. */
void lwpy_text_json(struct lwpy_text *text, PyObject *value);

#endif
