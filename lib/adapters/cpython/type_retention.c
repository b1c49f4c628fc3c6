/* Retention: the dominator tree, from the top down and by type. */
#include "results.h"
#include "view.h"

#include <stdlib.h>

/* A node of the tree, or with LW_NODE_NONE all that only the roots hold. */
typedef struct retention {
    lwpy_view view; /* the handle is the tree, the owner its Snapshot */
    lw_node node;
    lw_retained info;
    lw_node *below; /* found when first asked for */
    size_t count;
    size_t room;
    bool searched;
} retention;

static int add_below(lw_node node, void *user)
{
    retention *self = user;
    if (self->count == self->room) {
        size_t room = self->room * 2 + 16;
        lw_node *grown = PyMem_RawRealloc(self->below, room * sizeof *grown);
        if (!grown)
            return 1;
        self->below = grown;
        self->room = room;
    }
    self->below[self->count++] = node;
    return 0;
}

struct check {
    retention *self;
    bool full;
};

static int add_checked(lw_node node, void *user)
{
    struct check *check = user;
    check->full = add_below(node, check->self);
    return check->full;
}

/* -1 with an exception. */
static Py_ssize_t search(retention *self)
{
    struct check check = {self, false};
    lw_error error = LW_ERROR_INIT;
    if (self->searched)
        return (Py_ssize_t)self->count;
    self->count = 0;
    lw_status status =
        lw_dominators_each(self->view.handle, self->node, add_checked, &check, &error);
    if (check.full)
        PyErr_NoMemory();
    else if (status != LW_OK)
        lwpy_raise(&error);
    self->searched = !check.full && status == LW_OK;
    return self->searched ? (Py_ssize_t)self->count : -1;
}

static Py_ssize_t count_below(const lwpy_view *view)
{
    return search((retention *)(uintptr_t)view);
}

static lw_status report_top(const lwpy_view *view, const lw_report_options *options,
                            struct lwpy_text *text, lw_error *error)
{
    return lw_report_retained(view->handle, options, lwpy_text_write, text, error);
}

static void release_nothing(void *handle)
{
    (void)handle;
}

static PyObject *below_new(const lwpy_view *view, Py_ssize_t index);
static lw_status report_node(const lwpy_view *view, const lw_report_options *options,
                             struct lwpy_text *text, lw_error *error);

static const struct lwpy_view_class
    retention_class = {LWPY_RETENTION, "object", release_nothing, report_top, count_below,
                       below_new},
    dominated_class = {LWPY_DOMINATED, "object", release_nothing, report_node, count_below,
                       below_new};

static PyObject *retention_new(const struct lwpy_view_class *class, lw_dominators *dominators,
                               PyObject *owner, lw_node node)
{
    retention *self = lwpy_view_new(class, dominators, lwpy_snapshot_get(owner), owner);
    if (!self)
        return NULL;
    self->node = node;
    self->info = (lw_retained)LW_RETAINED_INIT;
    if (node != LW_NODE_NONE) {
        lw_dominators_get(dominators, node, &self->info, NULL);
        self->view.who = lwpy_node_type(self->view.snapshot, node);
        if (!self->view.who)
            Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static PyObject *below_new(const lwpy_view *view, Py_ssize_t index)
{
    return retention_new(&dominated_class, view->handle, view->owner,
                         ((const retention *)view)->below[index]);
}

PyObject *lwpy_snapshot_retention(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    lw_dominators *dominators = lwpy_snapshot_dominators(self);
    PyObject *top = dominators ? retention_new(&retention_class, dominators, self, LW_NODE_NONE)
                               : NULL;
    lwpy_quiet_end(&quiet);
    return top;
}

static void retention_free(PyObject *self)
{
    PyMem_RawFree(((retention *)self)->below);
    lwpy_view_free(self);
}

static lw_status report_node(const lwpy_view *view, const lw_report_options *options,
                             struct lwpy_text *text, lw_error *error)
{
    (void)error;
    const lw_retained *info = &((const retention *)view)->info;
    if (options->format == LW_FORMAT_JSON) {
        lwpy_text_format(text, "{\"report\": \"dominated\", \"format\": 1, \"type\": ");
        lwpy_text_json(text, view->who);
        lwpy_text_format(text, ", \"size\": %llu, \"count\": %llu, \"retained\": %llu, "
                               "\"depth\": %u}",
                         (unsigned long long)info->own, (unsigned long long)info->count,
                         (unsigned long long)info->bytes, (unsigned)info->depth);
        return LW_OK;
    }
    lwpy_text_format(text, "%s: retains ", lwpy_words(view->who));
    lwpy_text_size(text, info->bytes);
    lwpy_text_format(text, " in ");
    lwpy_text_counted(text, info->count, "object");
    lwpy_text_format(text, ", ");
    lwpy_text_size(text, info->own);
    lwpy_text_format(text, " itself");
    return LW_OK;
}

/* --- by type ------------------------------------------------------------------------------- */

struct type_row {
    uint32_t type;
    const char *name;
    lw_retained retained;
};

typedef struct by_type {
    lwpy_view view;
    struct type_row *rows;
    size_t count;
} by_type;

static int by_bytes(const void *left, const void *right)
{
    const struct type_row *one = left, *other = right;
    if (one->retained.bytes != other->retained.bytes)
        return one->retained.bytes < other->retained.bytes ? 1 : -1;
    int order = strcmp(one->name, other->name);
    return order ? order : one->type < other->type ? -1 : 1;
}

static Py_ssize_t count_types(const lwpy_view *view)
{
    return (Py_ssize_t)((const by_type *)view)->count;
}

static lw_status report_types(const lwpy_view *view, const lw_report_options *options,
                              struct lwpy_text *text, lw_error *error)
{
    return lw_report_types(view->handle, options, lwpy_text_write, text, error);
}

static PyObject *type_row_new(const lwpy_view *view, Py_ssize_t index)
{
    const struct type_row *row = &((const by_type *)view)->rows[index];
    lw_type_info type = LW_TYPE_INFO_INIT;
    lw_snapshot_type_get(view->snapshot, row->type, &type, NULL);
    return lwpy_record_new(LWPY_RETAINED_TYPE, 5, lwpy_string(row->name),
                           PyLong_FromUnsignedLongLong(type.count),
                           PyLong_FromUnsignedLongLong(row->retained.own),
                           PyLong_FromUnsignedLongLong(row->retained.count),
                           PyLong_FromUnsignedLongLong(row->retained.bytes));
}

static const struct lwpy_view_class by_type_class = {
    LWPY_RETAINED_TYPES, "type", release_nothing, report_types, count_types, type_row_new};

static PyObject *retention_types(PyObject *object)
{
    const lwpy_view *top = (const lwpy_view *)object;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(top->snapshot, &info, NULL);
    by_type *self = lwpy_view_new(&by_type_class, top->handle, top->snapshot, top->owner);
    if (!self)
        return NULL;
    self->rows = PyMem_RawCalloc((size_t)info.types + 1, sizeof *self->rows);
    if (!self->rows) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (uint32_t i = 0; i < info.types; i++) {
        lw_type_info type = LW_TYPE_INFO_INIT;
        lw_snapshot_type_get(top->snapshot, i, &type, NULL);
        if (!type.count)
            continue;
        struct type_row *row = &self->rows[self->count++];
        *row = (struct type_row){i, type.name, LW_RETAINED_INIT};
        lw_dominators_type_get(top->handle, i, &row->retained, NULL);
    }
    qsort(self->rows, self->count, sizeof *self->rows, by_bytes);
    return (PyObject *)self;
}

static void by_type_free(PyObject *self)
{
    PyMem_RawFree(((by_type *)self)->rows);
    lwpy_view_free(self);
}

/* --- as Python sees them ------------------------------------------------------------------- */

static PyObject *dominated_type(PyObject *self)
{
    return Py_NewRef(((lwpy_view *)self)->who);
}

static PyObject *dominated_depth(PyObject *self)
{
    return PyLong_FromUnsignedLong(((retention *)self)->info.depth);
}

static PyObject *dominated_repr(PyObject *self)
{
    const lw_retained *info = &((retention *)self)->info;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *repr = PyUnicode_FromFormat("<leakwatch.Dominated: %U retains %llu bytes>",
                                          ((lwpy_view *)self)->who,
                                          (unsigned long long)info->bytes);
    lwpy_quiet_end(&quiet);
    return repr;
}

static struct lwpy_getter get_types = {retention_types}, get_type = {dominated_type},
                          get_depth = {dominated_depth};

static PyGetSetDef retention_getters[] = {
    {"types", lwpy_get, NULL, "what the instances of each type retain: RetainedTypes", &get_types},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot retention_slots[] = {
    {Py_tp_doc, "What retains most: a sequence of the objects that nothing but the roots "
                "dominates, each with what lies below it.\nprint() it; `types` has it by type."},
    LWPY_VIEW_SLOTS(retention_free, lwpy_view_repr),
    {Py_tp_getset, retention_getters},
    {0, NULL},
};

PyType_Spec lwpy_retention_spec = {"leakwatch.Retention", sizeof(retention), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                   retention_slots};

static PyGetSetDef dominated_getters[] = {
    {"type", lwpy_get, NULL, "name of the object's type", &get_type},
    {"depth", lwpy_get, NULL, "how many objects dominate it, itself included", &get_depth},
    LWPY_NUMBER(retention, info.own, "size", "its own bytes"),
    LWPY_NUMBER(retention, info.count, "count", "objects freed if it goes, itself included"),
    LWPY_NUMBER(retention, info.bytes, "retained", "their bytes"),
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot dominated_slots[] = {
    {Py_tp_doc, "One object with what it retains; a sequence of the objects right below it, which "
                "go with it."},
    LWPY_VIEW_SLOTS(retention_free, dominated_repr),
    {Py_tp_getset, dominated_getters},
    {0, NULL},
};

PyType_Spec lwpy_dominated_spec = {"leakwatch.Dominated", sizeof(retention), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                   dominated_slots};

static PyType_Slot by_type_slots[] = {
    {Py_tp_doc, "What the instances of each type retain, a sequence: most bytes first. print() "
                "it."},
    LWPY_VIEW_SLOTS(by_type_free, lwpy_view_repr),
    {0, NULL},
};

PyType_Spec lwpy_retained_types_spec = {"leakwatch.RetainedTypes", sizeof(by_type), 0,
                                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                        by_type_slots};

static PyMemberDef type_fields[] = {
    LWPY_FIELD(0, "name", "of the type, with its module"),
    LWPY_FIELD(1, "count", "instances that something holds"),
    LWPY_FIELD(2, "size", "their own bytes"),
    LWPY_FIELD(3, "retained_count", "objects that instances dominate, each by itself"),
    LWPY_FIELD(4, "retained", "their bytes, every byte once"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot type_slots[] = {
    {Py_tp_doc, "What the instances of a type retain."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, type_fields},
    {0, NULL},
};

PyType_Spec lwpy_retained_type_spec = {"leakwatch.RetainedType", LWPY_RECORD_SIZE(5), 0,
                                       Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                       type_slots};
