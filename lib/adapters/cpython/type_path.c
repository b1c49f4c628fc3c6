/* Paths, Path and Step: who holds an object, reference by reference. */
#include "results.h"

typedef struct paths {
    lwpy_result result;
    const lw_paths *paths;
    PyObject *owner; /* whose they are; NULL: ours */
    PyObject *empty; /* what an empty result means, in a sentence */
} paths;

typedef struct path {
    lwpy_result result;
    PyObject *owner; /* its Paths */
    uint32_t index;
} path;

PyObject *lwpy_paths_find(lw_snapshot *taken, const struct lwpy_targets *targets,
                          const lw_paths_options *options)
{
    paths *self = lwpy_result_new(LWPY_PATHS);
    if (!self)
        return NULL;
    self->empty = Py_NewRef(targets->empty);
    lw_error error = LW_ERROR_INIT;
    lw_paths *found = NULL;
    if (targets->count > 0 && lw_paths_find(taken, targets->nodes, targets->count, options, &found,
                                            &error) != LW_OK) {
        Py_DECREF(self);
        return lwpy_raise(&error);
    }
    self->paths = found;
    return (PyObject *)self;
}

PyObject *lwpy_paths_of(const lw_paths *found, PyObject *owner)
{
    paths *self = lwpy_result_new(LWPY_PATHS);
    PyObject *empty = self ? lwpy_string("no runtime shows who holds it") : NULL;
    if (!empty) {
        Py_XDECREF(self);
        return NULL;
    }
    self->empty = empty;
    self->paths = found;
    self->owner = Py_NewRef(owner);
    return (PyObject *)self;
}

static void paths_free(PyObject *self)
{
    paths *all = (paths *)self;
    if (!all->owner)
        lw_paths_release((lw_paths *)(uintptr_t)all->paths);
    Py_XDECREF(all->owner);
    Py_XDECREF(all->empty);
    lwpy_result_free(self);
}

static Py_ssize_t paths_length(PyObject *self)
{
    return lw_paths_count(((paths *)self)->paths);
}

static PyObject *paths_item(PyObject *self, Py_ssize_t index)
{
    if (index < 0 || index >= paths_length(self)) {
        PyErr_Format(PyExc_IndexError, "path %zd of %zd", index, paths_length(self));
        return NULL;
    }
    path *item = lwpy_result_new(LWPY_PATH);
    if (!item)
        return NULL;
    item->owner = Py_NewRef(self);
    item->index = (uint32_t)index;
    return (PyObject *)item;
}

/* `first` to `last` as one text, or as a JSON array if `many`. */
static PyObject *report(PyObject *self, Py_ssize_t first, Py_ssize_t last, bool many,
                        const lw_report_options *options)
{
    paths *all = (paths *)self;
    struct lwpy_quiet quiet;
    struct lwpy_text text = LWPY_TEXT_INIT;
    lw_error error = LW_ERROR_INIT;
    lw_status status = LW_OK;
    bool json = options->format == LW_FORMAT_JSON;
    lwpy_quiet_begin(&quiet);
    if (json && many)
        lwpy_text_format(&text, "[");
    for (Py_ssize_t i = first; i < last && status == LW_OK; i++) {
        if (i > first)
            lwpy_text_format(&text, json ? ",\n" : "\n");
        status = lw_report_path(all->paths, (uint32_t)i, options, lwpy_text_write, &text, &error);
    }
    if (json && many)
        lwpy_text_format(&text, "]");
    if (!json && many && first == last)
        lwpy_text_format(&text, "%s", PyUnicode_AsUTF8(all->empty));
    PyObject *string = lwpy_text_take(&text, status, &error);
    lwpy_quiet_end(&quiet);
    return string;
}

static PyObject *report_all(PyObject *self, const lw_report_options *options)
{
    return report(self, 0, paths_length(self), true, options);
}

static PyObject *report_one(PyObject *self, const lw_report_options *options)
{
    path *one = (path *)self;
    return report(one->owner, one->index, (Py_ssize_t)one->index + 1, false, options);
}

static PyObject *report_of(PyObject *self, const lw_report_options *options)
{
    return Py_TYPE(self) == lwpy.types[LWPY_PATH] ? report_one(self, options)
                                                  : report_all(self, options);
}

static PyObject *path_str(PyObject *self)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    lwpy_text_terminal(&options);
    return report_of(self, &options);
}

static PyObject *path_text(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *keywords)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    const struct lwpy_call call = {args, count, keywords};
    return lwpy_text_arguments(&call, &options) < 0 ? NULL : report_of(self, &options);
}

static PyObject *path_json(PyObject *self, PyObject *unused)
{
    (void)unused;
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    options.format = LW_FORMAT_JSON;
    return report_of(self, &options);
}

static PyObject *paths_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<leakwatch.Paths: %zd>", paths_length(self));
}

static PyMethodDef paths_methods[] = {
    {"text", LWPY_METHOD(path_text), METH_FASTCALL | METH_KEYWORDS, LWPY_TEXT_DOC},
    {"json", path_json, METH_NOARGS, "json($self, /)\n--\n\nThe report as JSON, a str."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot paths_slots[] = {
    {Py_tp_doc, "Retention paths, a sequence: the strongest and shortest first, your own variables "
                "last.\nprint() shows all, or says why there is none."},
    {Py_tp_dealloc, LWPY_SLOT(paths_free)},
    {Py_tp_repr, LWPY_SLOT(paths_repr)},
    {Py_tp_str, LWPY_SLOT(path_str)},
    {Py_tp_iter, LWPY_SLOT(PySeqIter_New)},
    {Py_tp_methods, paths_methods},
    {Py_sq_length, LWPY_SLOT(paths_length)},
    {Py_sq_item, LWPY_SLOT(paths_item)},
    {0, NULL},
};

PyType_Spec lwpy_paths_spec = {"leakwatch.Paths", sizeof(paths), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, paths_slots};

static void path_free(PyObject *self)
{
    Py_XDECREF(((path *)self)->owner);
    lwpy_result_free(self);
}

static const lw_paths *paths_of(PyObject *self)
{
    return ((paths *)((path *)self)->owner)->paths;
}

static lw_path info_of(PyObject *self)
{
    lw_path info = LW_PATH_INIT;
    lw_path_get(paths_of(self), ((path *)self)->index, &info, NULL);
    return info;
}

PyObject *lwpy_label_string(const lw_label *label)
{
    static const char *const shapes[] = {".%s", "[%s]", "%s", "(%s)"};
    struct lwpy_text text = LWPY_TEXT_INIT;
    if (label->style == -1)
        lwpy_text_format(&text, "[%u]", (unsigned)label->index);
    else if (label->style >= 0 && label->style <= LW_LABEL_INTERNAL)
        lwpy_text_format(&text, shapes[label->style], label->text);
    return lwpy_text_take(&text, LW_OK, NULL);
}

static const char *type_of(const lw_snapshot *taken, lw_node node)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_type_info type = LW_TYPE_INFO_INIT;
    lw_node_info_get(taken, node, &info, NULL);
    lw_snapshot_type_get(taken, info.type, &type, NULL);
    return type.name;
}

PyObject *lwpy_node_type(const lw_snapshot *taken, lw_node node)
{
    return lwpy_string(node == LW_NODE_NONE ? "" : type_of(taken, node));
}

PyObject *lwpy_edge_kind(int32_t kind)
{
    static const char *const kinds[] = {"strong", "borrowed", "weak", "ephemeron", "unknown"};
    return lwpy_string(kinds[kind >= 0 && kind <= LW_EDGE_UNKNOWN ? kind : LW_EDGE_UNKNOWN]);
}

PyObject *lwpy_root_string(const char *kind, const lw_label *label)
{
    PyObject *words = lwpy_label_string(label);
    PyObject *root = words ? PyUnicode_FromFormat(PyUnicode_GET_LENGTH(words) ? "%s %U" : "%s",
                                                  kind, words)
                           : NULL;
    Py_XDECREF(words);
    return root;
}

static PyObject *step_new(PyObject *self, uint32_t index)
{
    lw_edge edge = LW_EDGE_INIT;
    lw_error error = LW_ERROR_INIT;
    if (lw_path_step_get(paths_of(self), ((path *)self)->index, index, &edge, &error) != LW_OK)
        return lwpy_raise(&error);
    return lwpy_record_new(LWPY_STEP, 3, lwpy_label_string(&edge.label),
                           lwpy_node_type(lw_paths_snapshot(paths_of(self)), edge.to),
                           lwpy_edge_kind(edge.kind));
}

static PyObject *path_steps(PyObject *self)
{
    uint32_t count = info_of(self).steps;
    PyObject *steps = PyList_New(0);
    for (uint32_t i = 0; steps && i < count; i++) {
        PyObject *step = step_new(self, i);
        if (!step || PyList_Append(steps, step) < 0)
            Py_CLEAR(steps);
        Py_XDECREF(step);
    }
    return steps;
}

static PyObject *path_iterate(PyObject *self)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *steps = path_steps(self);
    PyObject *iterator = steps ? PyObject_GetIter(steps) : NULL;
    Py_XDECREF(steps);
    lwpy_quiet_end(&quiet);
    return iterator;
}

static Py_ssize_t path_length(PyObject *self)
{
    return info_of(self).steps;
}

static PyObject *path_root(PyObject *self)
{
    lw_path info = info_of(self);
    return lwpy_root_string(info.root_kind, &info.root_label);
}

static PyObject *path_type(PyObject *self)
{
    return lwpy_string(type_of(lw_paths_snapshot(paths_of(self)), info_of(self).target));
}

static PyObject *path_yours(PyObject *self)
{
    return PyBool_FromLong(info_of(self).asker != 0);
}

static PyObject *path_allocated(PyObject *self)
{
    lw_snapshot *taken = lw_paths_snapshot(paths_of(self));
    lw_node_info node = LW_NODE_INFO_INIT;
    lw_node_info_get(taken, info_of(self).target, &node, NULL);
    PyObject *frames = PyList_New(0);
    for (uint32_t level = 0; frames && level < node.frames; level++) {
        lw_frame words = LW_FRAME_INIT;
        lw_node_frame_get(taken, info_of(self).target, level, &words, NULL);
        PyObject *frame = lwpy_frame(&words);
        if (!frame || PyList_Append(frames, frame) < 0)
            Py_CLEAR(frames);
        Py_XDECREF(frame);
    }
    return frames;
}

static PyObject *path_new_step(PyObject *self, PyObject *base)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *found = lwpy_new_step_of(paths_of(self), ((path *)self)->index, self, base);
    lwpy_quiet_end(&quiet);
    return found;
}

static PyObject *path_repr(PyObject *self)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *root = path_root(self);
    PyObject *repr = root ? PyUnicode_FromFormat(
                                "<leakwatch.Path: %U, %u steps to %s>", root, info_of(self).steps,
                                type_of(lw_paths_snapshot(paths_of(self)), info_of(self).target))
                          : NULL;
    Py_XDECREF(root);
    lwpy_quiet_end(&quiet);
    return repr;
}

static struct lwpy_getter get_steps = {path_steps}, get_root = {path_root}, get_type = {path_type},
                          get_yours = {path_yours}, get_allocated = {path_allocated};

static PyGetSetDef path_getters[] = {
    {"steps", lwpy_get, NULL, "the references from the root's object to the target", &get_steps},
    {"root", lwpy_get, NULL, "what holds the first object, such as 'module __main__'", &get_root},
    {"type", lwpy_get, NULL, "name of the target's type", &get_type},
    {"yours", lwpy_get, NULL, "whether the root is a variable of the code that took the snapshot",
     &get_yours},
    {"allocated", lwpy_get, NULL, "Frames of the place where the target was allocated, the "
                                  "innermost first; empty if it was not recorded",
     &get_allocated},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef path_methods[] = {
    {"text", LWPY_METHOD(path_text), METH_FASTCALL | METH_KEYWORDS, LWPY_TEXT_DOC},
    {"json", path_json, METH_NOARGS, "json($self, /)\n--\n\nThe report as JSON, a str."},
    {"new_step", path_new_step, METH_O,
     "new_step($self, base, /)\n--\n\n"
     "Which reference of this path is new since `base`, an earlier snapshot: a NewStep."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot path_slots[] = {
    {Py_tp_doc, "One retention path: print() it, or iterate over its steps."},
    {Py_tp_dealloc, LWPY_SLOT(path_free)},
    {Py_tp_repr, LWPY_SLOT(path_repr)},
    {Py_tp_str, LWPY_SLOT(path_str)},
    {Py_tp_iter, LWPY_SLOT(path_iterate)},
    {Py_tp_methods, path_methods},
    {Py_tp_getset, path_getters},
    {Py_mp_length, LWPY_SLOT(path_length)},
    {0, NULL},
};

PyType_Spec lwpy_path_spec = {"leakwatch.Path", sizeof(path), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, path_slots};

static PyMemberDef step_fields[] = {
    LWPY_FIELD(0, "label", "how the holder names it: '.attribute', '[0]', \"['key']\", '(slot)'"),
    LWPY_FIELD(1, "type", "name of the type of what is held"),
    LWPY_FIELD(2, "kind", "'strong', 'borrowed', 'ephemeron' or 'unknown'"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot step_slots[] = {
    {Py_tp_doc, "One reference of a Path."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, step_fields},
    {0, NULL},
};

PyType_Spec lwpy_step_spec = {"leakwatch.Step", LWPY_RECORD_SIZE(3), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, step_slots};
