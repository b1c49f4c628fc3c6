/* NewStep: the reference of a path that an earlier snapshot did not have. */
#include "results.h"
#include "view.h"

typedef struct new_step {
    lwpy_view view; /* the handle is the paths, the owner the Path */
    PyObject *base; /* the earlier Snapshot */
    uint32_t index;
    lw_new_step info;
} new_step;

static void release_nothing(void *handle)
{
    (void)handle;
}

static lw_status report(const lwpy_view *view, const lw_report_options *options,
                        struct lwpy_text *text, lw_error *error)
{
    const new_step *self = (const new_step *)view;
    return lw_report_new_step(view->handle, self->index, lwpy_snapshot_get(self->base), options,
                              lwpy_text_write, text, error);
}

static const struct lwpy_view_class new_step_class = {
    LWPY_NEW_STEP, "step", release_nothing, report, NULL, NULL};

PyObject *lwpy_new_step_of(const lw_paths *paths, uint32_t index, PyObject *path, PyObject *base)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *earlier = lwpy_snapshot_get(base);
    if (!earlier) {
        PyErr_Format(PyExc_TypeError, "new_step() takes an earlier Snapshot, not %s",
                     Py_TYPE(base)->tp_name);
        return NULL;
    }
    new_step *self = lwpy_view_new(&new_step_class, (void *)(uintptr_t)paths, NULL, path);
    if (!self)
        return NULL;
    self->base = Py_NewRef(base);
    self->index = index;
    self->info = (lw_new_step)LW_NEW_STEP_INIT;
    if (lw_path_new_step(paths, index, earlier, &self->info, &error) != LW_OK) {
        Py_DECREF(self);
        return lwpy_raise(&error);
    }
    return (PyObject *)self;
}

static void new_step_free(PyObject *self)
{
    Py_XDECREF(((new_step *)self)->base);
    lwpy_view_free(self);
}

static PyObject *new_step_state(PyObject *self)
{
    static const char *const states[] = {"nothing", "root", "reference"};
    int32_t state = ((new_step *)self)->info.state;
    return lwpy_string(state >= 0 && state <= LW_NEW_REFERENCE ? states[state] : "");
}

static PyObject *new_step_step(PyObject *self)
{
    const lw_new_step *info = &((new_step *)self)->info;
    if (info->state != LW_NEW_REFERENCE)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(info->step);
}

static PyObject *new_step_approximate(PyObject *self)
{
    return PyBool_FromLong(((new_step *)self)->info.approximate != 0);
}

static PyObject *new_step_repr(PyObject *self)
{
    const lw_new_step *info = &((new_step *)self)->info;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *repr = info->state == LW_NEW_REFERENCE
                         ? PyUnicode_FromFormat("<leakwatch.NewStep: step %u>", info->step)
                         : PyUnicode_FromFormat("<leakwatch.NewStep: %s>",
                                                info->state == LW_NEW_ROOT ? "root" : "nothing");
    lwpy_quiet_end(&quiet);
    return repr;
}

static struct lwpy_getter get_state = {new_step_state}, get_step = {new_step_step},
                          get_approximate = {new_step_approximate};

static PyGetSetDef new_step_getters[] = {
    {"state", lwpy_get, NULL,
     "'reference': path.steps[step] is new; 'root': nothing of the path was there before; "
     "'nothing': all of it was",
     &get_state},
    {"step", lwpy_get, NULL, "which step of the path is new, from 0, or None", &get_step},
    {"approximate", lwpy_get, NULL,
     "whether an object was only recognised by its address, or by the place and type it was found "
     "at",
     &get_approximate},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot new_step_slots[] = {
    {Py_tp_doc, "Where a Path is new since an earlier snapshot. print() it."},
    {Py_tp_dealloc, LWPY_SLOT(new_step_free)},
    {Py_tp_repr, LWPY_SLOT(new_step_repr)},
    {Py_tp_str, LWPY_SLOT(lwpy_view_str)},
    {Py_tp_methods, lwpy_view_methods},
    {Py_tp_getset, new_step_getters},
    {0, NULL},
};

PyType_Spec lwpy_new_step_spec = {"leakwatch.NewStep", sizeof(new_step), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  new_step_slots};
