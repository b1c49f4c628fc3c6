/* Snapshot: the graph of all objects at one moment. */
#include "results.h"
#include "types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct snapshot {
    lwpy_result result;
    lw_snapshot *snapshot;
    uint64_t recording; /* the context it was taken in: births compare within one only; 0: a
                           file's */
    PyObject *types;           /* made when first asked for */
    lw_dominators *dominators; /* the same */
} snapshot;

PyObject *lwpy_snapshot_new(lw_snapshot *taken, uint64_t recording)
{
    snapshot *self = lwpy_result_new(LWPY_SNAPSHOT);
    if (!self) {
        lw_snapshot_release(taken);
        return NULL;
    }
    self->snapshot = taken;
    self->recording = recording;
    return (PyObject *)self;
}

static void snapshot_free(PyObject *object)
{
    snapshot *self = (snapshot *)object;
    lw_dominators_release(self->dominators);
    lw_snapshot_release(self->snapshot);
    Py_XDECREF(self->types);
    lwpy_result_free(self);
}

lw_snapshot *lwpy_snapshot_get(PyObject *object)
{
    return Py_TYPE(object) == lwpy.types[LWPY_SNAPSHOT] ? ((snapshot *)object)->snapshot : NULL;
}

uint64_t lwpy_snapshot_recording(PyObject *self)
{
    return ((snapshot *)self)->recording;
}

lw_dominators *lwpy_snapshot_dominators(PyObject *object)
{
    snapshot *self = (snapshot *)object;
    lw_error error = LW_ERROR_INIT;
    if (!self->dominators &&
        lw_dominators_create(self->snapshot, NULL, &self->dominators, &error) != LW_OK)
        lwpy_raise(&error);
    return self->dominators;
}

static lw_snapshot_info info_of(PyObject *self)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(((snapshot *)self)->snapshot, &info, NULL);
    return info;
}

/* Types of one name, added up. */
struct row {
    const char *name;
    uint64_t count;
    uint64_t size;
    uint64_t garbage;
    uint32_t types;
};

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct row *)left)->name, ((const struct row *)right)->name);
}

static int by_size(const void *left, const void *right)
{
    const struct row *one = left, *other = right;
    if (one->size != other->size)
        return one->size < other->size ? 1 : -1;
    return by_name(one, other);
}

/* Fills `rows` with the types that have objects, one row per name; returns how many. */
static uint32_t merge_types(lw_snapshot *taken, uint32_t types, struct row *rows)
{
    uint32_t filled = 0, merged = 0;
    for (uint32_t i = 0; i < types; i++) {
        lw_type_info type = LW_TYPE_INFO_INIT;
        lw_snapshot_type_get(taken, i, &type, NULL);
        if (type.count || type.garbage)
            rows[filled++] = (struct row){type.name, type.count, type.size, type.garbage, 1};
    }
    qsort(rows, filled, sizeof *rows, by_name);
    for (uint32_t i = 0; i < filled; i++) {
        struct row *last = merged ? &rows[merged - 1] : NULL;
        if (last && strcmp(last->name, rows[i].name) == 0) {
            last->count += rows[i].count;
            last->size += rows[i].size;
            last->garbage += rows[i].garbage;
            last->types++;
        } else {
            rows[merged++] = rows[i];
        }
    }
    qsort(rows, merged, sizeof *rows, by_size);
    return merged;
}

static PyObject *rows_of(PyObject *self)
{
    uint32_t types = info_of(self).types;
    struct row *rows = PyMem_RawCalloc(types + 1, sizeof *rows);
    if (!rows)
        return PyErr_NoMemory();
    uint32_t count = merge_types(((snapshot *)self)->snapshot, types, rows);
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list && i < count; i++) {
        PyObject *record = lwpy_record_new(
            LWPY_SNAPSHOT_ROW, 5, lwpy_string(rows[i].name),
            PyLong_FromUnsignedLongLong(rows[i].count), PyLong_FromUnsignedLongLong(rows[i].size),
            PyLong_FromUnsignedLongLong(rows[i].garbage), PyLong_FromUnsignedLong(rows[i].types));
        if (!record || PyList_Append(list, record) < 0)
            Py_CLEAR(list);
        Py_XDECREF(record);
    }
    PyMem_RawFree(rows);
    return list;
}

static PyObject *snapshot_types(PyObject *object)
{
    snapshot *self = (snapshot *)object;
    if (!self->types)
        self->types = lwpy_table_new(rows_of(object), "is in this snapshot");
    return Py_XNewRef(self->types);
}

static PyObject *snapshot_name(PyObject *self)
{
    return lwpy_string(info_of(self).name);
}

static PyObject *snapshot_size(PyObject *self)
{
    return PyLong_FromUnsignedLongLong(info_of(self).size);
}

static PyObject *snapshot_garbage(PyObject *self)
{
    return PyLong_FromUnsignedLong(info_of(self).garbage);
}

static PyObject *snapshot_garbage_size(PyObject *self)
{
    return PyLong_FromUnsignedLongLong(info_of(self).garbage_size);
}

static Py_ssize_t snapshot_length(PyObject *self)
{
    return info_of(self).nodes;
}

static PyObject *snapshot_str(PyObject *self)
{
    lw_snapshot_info info = info_of(self);
    struct lwpy_quiet quiet;
    struct lwpy_text text = LWPY_TEXT_INIT;
    lwpy_quiet_begin(&quiet);
    lwpy_text_format(&text, "<leakwatch.Snapshot%s%s: %u objects, %llu bytes, %llu references",
                     *info.name ? " " : "", info.name, (unsigned)info.nodes,
                     (unsigned long long)info.size, (unsigned long long)info.edges);
    if (info.garbage)
        lwpy_text_format(&text, "; collectable garbage: %u of the objects, %llu bytes",
                         (unsigned)info.garbage, (unsigned long long)info.garbage_size);
    lwpy_text_format(&text, ">");
    PyObject *string = lwpy_text_take(&text, LW_OK, NULL);
    lwpy_quiet_end(&quiet);
    return string;
}

static PyObject *snapshot_diff(PyObject *self, PyObject *base)
{
    if (Py_TYPE(base) != lwpy.types[LWPY_SNAPSHOT]) {
        PyErr_Format(PyExc_TypeError, "diff() compares with an earlier Snapshot, not with %R",
                     Py_TYPE(base));
        return NULL;
    }
    uint64_t then = ((snapshot *)base)->recording, now = ((snapshot *)self)->recording;
    if (then && now && then != now) { /* files know by themselves */
        PyErr_SetString(PyExc_ValueError, "these snapshots cannot be compared, since a recording "
                                          "was stopped between them: take both in one");
        return NULL;
    }
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *diff = lwpy_diff_new(((snapshot *)base)->snapshot, ((snapshot *)self)->snapshot);
    lwpy_quiet_end(&quiet);
    return diff;
}

/* The one path argument of a call and whether it asks for values; -1 with an exception. `*path`
 * is a bytes object to be released. */
static int file_arguments(const struct lwpy_call *call, const char *function, PyObject **path,
                          bool *has_values)
{
    static const char *const names[] = {"path", "values", NULL};
    PyObject *values[2];
    *path = NULL;
    if (lwpy_arguments(call, function, names, 1, values) < 0 ||
        lwpy_argument_bool(values[1], has_values) < 0)
        return -1;
    if (!values[0]) {
        PyErr_Format(PyExc_TypeError, "%s() takes the path of a file", function);
        return -1;
    }
    return PyUnicode_FSConverter(values[0], path) ? 0 : -1;
}

static PyObject *snapshot_save(PyObject *self, PyObject *const *args, Py_ssize_t count,
                               PyObject *keywords)
{
    const struct lwpy_call call = {args, count, keywords};
    lw_save_options options = LW_SAVE_OPTIONS_INIT;
    lw_error error = LW_ERROR_INIT;
    PyObject *path;
    bool has_values = false;
    if (file_arguments(&call, "save", &path, &has_values) < 0)
        return NULL;
    options.flags = has_values ? LW_SAVE_VALUES : 0;
    lw_snapshot *taken = ((snapshot *)self)->snapshot;
    lw_status status;
    Py_BEGIN_ALLOW_THREADS
    status = lw_snapshot_save(taken, PyBytes_AS_STRING(path), &options, &error);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    if (status != LW_OK)
        return lwpy_raise(&error);
    Py_RETURN_NONE;
}

static int write_to_file(const char *text, size_t length, void *file)
{
    return fwrite(text, 1, length, file) != length;
}

static PyObject *snapshot_export(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *keywords)
{
    const struct lwpy_call call = {args, count, keywords};
    lw_export_options options = LW_EXPORT_OPTIONS_INIT;
    lw_error error = LW_ERROR_INIT;
    PyObject *path;
    bool has_values = false;
    if (file_arguments(&call, "export_heapsnapshot", &path, &has_values) < 0)
        return NULL;
    options.flags = has_values ? LW_EXPORT_VALUES : 0;
    lw_snapshot *taken = ((snapshot *)self)->snapshot;
    lw_status status = LW_E_IO;
    int number;
    Py_BEGIN_ALLOW_THREADS
    FILE *file = fopen(PyBytes_AS_STRING(path), "wb");
    if (file)
        status = lw_export_heapsnapshot(taken, &options, write_to_file, file, &error);
    if (file && fclose(file) != 0 && status == LW_OK)
        status = LW_E_IO;
    number = errno;
    Py_END_ALLOW_THREADS
    errno = number;
    if (status == LW_E_IO)
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, PyBytes_AS_STRING(path));
    else if (status != LW_OK)
        lwpy_raise(&error);
    Py_DECREF(path);
    if (status != LW_OK)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *lwpy_snapshot_load(PyObject *module, PyObject *path)
{
    (void)module;
    PyObject *name;
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *opened = NULL;
    if (!PyUnicode_FSConverter(path, &name))
        return NULL;
    lw_status status = lw_snapshot_open(PyBytes_AS_STRING(name), NULL, &opened, &error);
    Py_DECREF(name);
    return status == LW_OK ? lwpy_snapshot_new(opened, 0) : lwpy_raise(&error);
}

static struct lwpy_getter get_types = {snapshot_types}, get_name = {snapshot_name},
                          get_size = {snapshot_size}, get_garbage = {snapshot_garbage},
                          get_garbage_size = {snapshot_garbage_size};

static PyGetSetDef snapshot_getters[] = {
    {"types", lwpy_get, NULL, "how many of each type: by name, or by the class itself",
     &get_types},
    {"name", lwpy_get, NULL, "as given to leakwatch.snapshot(), or ''", &get_name},
    {"size", lwpy_get, NULL, "bytes of all objects", &get_size},
    {"garbage", lwpy_get, NULL, "objects that nothing holds any more: collectable garbage",
     &get_garbage},
    {"garbage_size", lwpy_get, NULL, "their bytes", &get_garbage_size},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef snapshot_methods[] = {
    {"diff", snapshot_diff, METH_O,
     "diff($self, base, /)\n--\n\nWhat grew since `base`, an earlier snapshot."},
    {"paths_to", LWPY_METHOD(lwpy_snapshot_paths_to), METH_FASTCALL | METH_KEYWORDS,
     "paths_to($self, /, " LWPY_ASKED_SIGNATURE ", limit=1, ignore_types=(), ignore_labels=(), "
     "ignore_roots=())\n--\n\n"
     "Who holds an object, any of several, or any instance of a class (given itself or by name): \n"
     "up to `limit` paths from a root, the strongest and shortest first, your own variables\n"
     "last. No path goes through objects of types to be ignored, takes references with labels to\n"
     "be ignored (as Step.label has them), or begins at kinds of roots to be ignored ('module')."},
    {"retained", LWPY_METHOD(lwpy_snapshot_retained), METH_FASTCALL | METH_KEYWORDS,
     "retained($self, /, " LWPY_ASKED_SIGNATURE ")\n--\n\n"
     "What goes with an object, with several, or with all instances of a class: Retained."},
    {"retention", lwpy_snapshot_retention, METH_NOARGS,
     "retention($self, /)\n--\n\nWhat retains most: the dominator tree, from the top."},
    {"referrers", LWPY_METHOD(lwpy_snapshot_referrers), METH_FASTCALL | METH_KEYWORDS,
     "referrers($self, /, " LWPY_ASKED_SIGNATURE ", depth=3, breadth=10)\n--\n\n"
     "All that holds them, and what holds that, to a depth: Referrers. Holders that are alike are\n"
     "one row; `breadth` of these stand below each row, and what is over in one more."},
    {"cut", LWPY_METHOD(lwpy_snapshot_cut), METH_FASTCALL | METH_KEYWORDS,
     "cut($self, /, " LWPY_ASKED_SIGNATURE ", limit=8)\n--\n\n"
     "The fewest references to cut so that they go, at most `limit`, and what that frees: Cut."},
    {"cycles", lwpy_snapshot_cycles, METH_NOARGS,
     "cycles($self, /)\n--\n\nGarbage that holds itself, and the reference to break: Cycles."},
    {"save", LWPY_METHOD(snapshot_save), METH_FASTCALL | METH_KEYWORDS,
     "save($self, /, path, *, values=False)\n--\n\n"
     "Writes it to a file for leakwatch.load() and the leakwatch command. Keys of dicts and caches\n"
     "are left out of it unless `values` is true."},
    {"export_heapsnapshot", LWPY_METHOD(snapshot_export), METH_FASTCALL | METH_KEYWORDS,
     "export_heapsnapshot($self, /, path, *, values=False)\n--\n\n"
     "Writes it as .heapsnapshot, which Chrome DevTools and memlab open."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot snapshot_slots[] = {
    {Py_tp_doc, "All objects at one moment, with who holds whom. It refers to none of them and\n"
                "outlives them all. Unreachable objects are in it: nothing is collected."},
    {Py_tp_dealloc, LWPY_SLOT(snapshot_free)},
    {Py_tp_repr, LWPY_SLOT(snapshot_str)},
    {Py_tp_methods, snapshot_methods},
    {Py_tp_getset, snapshot_getters},
    {Py_mp_length, LWPY_SLOT(snapshot_length)},
    {0, NULL},
};

PyType_Spec lwpy_snapshot_spec = {"leakwatch.Snapshot", sizeof(snapshot), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  snapshot_slots};

static PyMemberDef row_fields[] = {
    LWPY_FIELD(0, "name", "of the type, with its module"),
    LWPY_FIELD(1, "count", "objects that something holds"),
    LWPY_FIELD(2, "size", "their bytes"),
    LWPY_FIELD(3, "garbage", "further objects that nothing holds any more"),
    LWPY_FIELD(4, "types", "how many types bear the name; the numbers are their sums"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot row_slots[] = {
    {Py_tp_doc, "One type in a Snapshot."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, row_fields},
    {0, NULL},
};

PyType_Spec lwpy_snapshot_row_spec = {"leakwatch.TypeRow", LWPY_RECORD_SIZE(5), 0,
                                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                      row_slots};
