/* Snapshot.paths_to(): what to look for, and what to look past. */
#include "results.h"

#include <stdlib.h>

/* What is looked past; owned. */
struct filter {
    uint32_t *types;
    size_t type_count;
    size_t type_room;
    lw_label *labels; /* their texts are owned too */
    size_t label_count;
    const char **roots; /* belong to the str that were passed */
    size_t root_count;
};

static void filter_free(struct filter *filter)
{
    for (size_t i = 0; i < filter->label_count; i++)
        PyMem_RawFree((void *)(uintptr_t)filter->labels[i].text);
    PyMem_RawFree(filter->labels);
    PyMem_RawFree(filter->types);
    PyMem_RawFree(filter->roots);
}

/* The items of a list or tuple, or a single value as if it were one. */
static PyObject **items_of(PyObject **value, Py_ssize_t *count)
{
    *count = 0;
    if (!*value || *value == Py_None)
        return NULL;
    if (PyList_Check(*value) || PyTuple_Check(*value)) {
        *count = PySequence_Fast_GET_SIZE(*value);
        return PySequence_Fast_ITEMS(*value);
    }
    *count = 1;
    return value;
}

static bool add_type(uint32_t type, void *user)
{
    struct filter *filter = user;
    if (filter->type_count == filter->type_room) {
        size_t room = filter->type_room * 2 + 8;
        uint32_t *grown = PyMem_RawRealloc(filter->types, room * sizeof *grown);
        if (!grown)
            return false;
        filter->types = grown;
        filter->type_room = room;
    }
    filter->types[filter->type_count++] = type;
    return true;
}

static int add_types(PyObject *snapshot, PyObject *value, struct filter *filter)
{
    Py_ssize_t count;
    PyObject **items = items_of(&value, &count);
    for (Py_ssize_t i = 0; i < count; i++)
        if (lwpy_targets_types(snapshot, items[i], add_type, filter) < 0)
            return -1;
    return 0;
}

/* A str, which `name` wants; NULL with an exception. */
static const char *words_of(PyObject *value, const char *name, const char *example)
{
    if (PyUnicode_Check(value))
        return PyUnicode_AsUTF8(value);
    PyErr_Format(PyExc_TypeError, "%s takes a str such as %s, or a list of them, not %s", name,
                 example, Py_TYPE(value)->tp_name);
    return NULL;
}

/* Reads a label as Step.label writes it: ".attribute", "[0]", "['key']", "name", "(slot)". */
static bool read_label(const char *words, lw_label *label)
{
    size_t length = strlen(words), skip = 1, drop = 1;
    char last = length ? words[length - 1] : 0;
    *label = (lw_label){LW_LABEL_VARIABLE, 0, NULL};
    if (length > 2 && words[0] == '[' && last == ']') {
        label->style = LW_LABEL_KEY;
        size_t digits = strspn(words + 1, "0123456789");
        if (digits + 2 == length && digits < 10) {
            label->style = -1;
            label->index = (uint32_t)strtoul(words + 1, NULL, 10);
        }
    } else if (length > 2 && words[0] == '(' && last == ')') {
        label->style = LW_LABEL_INTERNAL;
    } else {
        drop = 0;
        skip = words[0] == '.';
        if (skip)
            label->style = LW_LABEL_ATTRIBUTE;
    }
    size_t rest = label->style == -1 ? 0 : length - skip - drop;
    char *text = PyMem_RawMalloc(rest + 1);
    if (!text)
        return false;
    memcpy(text, words + skip, rest);
    text[rest] = '\0';
    label->text = text;
    return true;
}

static int add_labels(PyObject *value, struct filter *filter)
{
    Py_ssize_t count;
    PyObject **items = items_of(&value, &count);
    filter->labels = PyMem_RawCalloc((size_t)count + 1, sizeof *filter->labels);
    for (Py_ssize_t i = 0; filter->labels && i < count; i++) {
        const char *words = words_of(items[i], "ignore_labels", "'.attribute'");
        if (!words)
            return -1;
        if (!read_label(words, &filter->labels[i])) {
            PyErr_NoMemory();
            return -1;
        }
        filter->label_count++;
    }
    if (!filter->labels)
        PyErr_NoMemory();
    return filter->labels ? 0 : -1;
}

static int add_roots(PyObject *value, struct filter *filter)
{
    Py_ssize_t count;
    PyObject **items = items_of(&value, &count);
    filter->roots = PyMem_RawCalloc((size_t)count + 1, sizeof *filter->roots);
    for (Py_ssize_t i = 0; filter->roots && i < count; i++) {
        const char *words = words_of(items[i], "ignore_roots", "'module'");
        if (!words)
            return -1;
        filter->roots[filter->root_count++] = words;
    }
    if (!filter->roots)
        PyErr_NoMemory();
    return filter->roots ? 0 : -1;
}

static PyObject *find(PyObject *snapshot, const struct lwpy_asked *asked, uint32_t limit,
                      const struct filter *filter)
{
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    options.limit = limit;
    options.ignore_types = filter->types;
    options.ignore_type_count = filter->type_count;
    options.ignore_labels = filter->labels;
    options.ignore_label_count = filter->label_count;
    options.ignore_roots = filter->roots;
    options.ignore_root_count = filter->root_count;
    struct lwpy_targets targets;
    if (lwpy_targets_find(snapshot, asked, &targets) < 0)
        return NULL;
    if (targets.count && filter->type_count + filter->label_count + filter->root_count) {
        PyObject *empty = PyUnicode_FromFormat("%U: held by nothing but what is ignored",
                                               targets.who);
        Py_XSETREF(targets.empty, empty);
    }
    PyObject *paths = targets.empty ? lwpy_paths_find(lwpy_snapshot_get(snapshot), &targets,
                                                      &options)
                                    : NULL;
    lwpy_targets_free(&targets);
    return paths;
}

PyObject *lwpy_snapshot_paths_to(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *keywords)
{
    static const char *const names[] = {LWPY_ASKED_NAMES, "limit", "ignore_types", "ignore_labels",
                                        "ignore_roots", NULL};
    const struct lwpy_call call = {args, count, keywords};
    struct lwpy_asked asked;
    struct filter filter = {NULL, 0, 0, NULL, 0, NULL, 0};
    PyObject *values[7];
    int limit = 1;
    if (lwpy_arguments(&call, "paths_to", names, 1, values) < 0 ||
        lwpy_argument_int(values[3], "limit", 1, INT_MAX, &limit) < 0 ||
        lwpy_asked("paths_to", values, &asked) < 0)
        return NULL;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *paths = NULL;
    if (add_types(self, values[4], &filter) == 0 && add_labels(values[5], &filter) == 0 &&
        add_roots(values[6], &filter) == 0)
        paths = find(self, &asked, (uint32_t)limit, &filter);
    filter_free(&filter);
    lwpy_quiet_end(&quiet);
    return paths;
}
