/* TypeTable: the mapping behind `snapshot.types` and `diff.types`, by name or by class. */
#include "types.h"

#include <ctype.h>

typedef struct table {
    lwpy_result result;
    PyObject *rows; /* a list of records, untracked: nothing in it refers to it */
    const char *where;
} table;

static PyObject *row_name(PyObject *row)
{
    return ((lwpy_record *)row)->fields[0];
}

PyObject *lwpy_table_new(PyObject *rows, const char *where)
{
    if (!rows)
        return NULL;
    table *self = lwpy_result_new(LWPY_TABLE);
    if (!self) {
        Py_DECREF(rows);
        return NULL;
    }
    PyObject_GC_UnTrack(rows);
    self->rows = rows;
    self->where = where;
    return (PyObject *)self;
}

static void table_free(PyObject *self)
{
    Py_XDECREF(((table *)self)->rows);
    lwpy_result_free(self);
}

Py_ssize_t lwpy_table_length(PyObject *self)
{
    return PyList_GET_SIZE(((table *)self)->rows);
}

PyObject *lwpy_type_name(PyObject *type)
{
    enum { ROOM = 512 };
    char name[ROOM];
    if (PyUnicode_Check(type))
        return Py_NewRef(type);
    if (!PyType_Check(type)) {
        PyErr_Format(PyExc_TypeError, "a type is asked for by its name or the class itself, not by "
                                      "an instance of %s",
                     Py_TYPE(type)->tp_name);
        return NULL;
    }
    lwpy_text_type(name, sizeof name, (PyTypeObject *)type);
    return lwpy_string(name);
}

static PyObject *row_of_name(table *self, PyObject *name)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(self->rows); i++) {
        PyObject *row = PyList_GET_ITEM(self->rows, i);
        if (PyUnicode_Compare(row_name(row), name) == 0)
            return row;
    }
    return NULL;
}

enum { NAME_MAX_COMPARED = 120 };

/* How many letters must change to make one name of the other; case does not matter. */
static unsigned distance(const char *one, const char *other)
{
    unsigned row[NAME_MAX_COMPARED + 1];
    size_t columns = strnlen(other, NAME_MAX_COMPARED);
    size_t lines = strnlen(one, NAME_MAX_COMPARED);
    for (unsigned j = 0; j <= columns; j++)
        row[j] = j;
    for (unsigned i = 1; i <= lines; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            int differ = tolower((unsigned char)one[i - 1]) != tolower((unsigned char)other[j - 1]);
            unsigned best = diagonal + (differ ? 1 : 0);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[columns];
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* How far a name is from what was asked for, or the largest number if it is no help. */
static unsigned strangeness(const char *asked, const char *name)
{
    size_t length = strnlen(asked, NAME_MAX_COMPARED);
    unsigned whole = distance(asked, name);
    unsigned last = distance(last_part(asked), last_part(name));
    size_t last_length = strnlen(last_part(asked), NAME_MAX_COMPARED);
    if (last == 0)
        return 0;
    if (last <= last_length / 3)
        return last * 2;
    return whole <= length / 3 ? whole * 2 + 1 : UINT32_MAX;
}

static void raise_no_such_name(table *self, PyObject *asked)
{
    enum { SUGGESTIONS = 3 };
    PyObject *nearest[SUGGESTIONS] = {NULL, NULL, NULL};
    unsigned far[SUGGESTIONS] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
    const char *words = PyUnicode_AsUTF8(asked);
    for (Py_ssize_t i = 0; words && i < PyList_GET_SIZE(self->rows); i++) {
        PyObject *name = row_name(PyList_GET_ITEM(self->rows, i));
        const char *candidate = PyUnicode_AsUTF8(name);
        unsigned strange = candidate ? strangeness(words, candidate) : UINT32_MAX;
        for (int k = 0; k < SUGGESTIONS; k++) {
            if (strange >= far[k])
                continue;
            for (int j = SUGGESTIONS - 1; j > k; j--) {
                far[j] = far[j - 1];
                nearest[j] = nearest[j - 1];
            }
            far[k] = strange;
            nearest[k] = name;
            break;
        }
    }
    PyErr_Clear();
    struct lwpy_text text = LWPY_TEXT_INIT;
    lwpy_text_format(&text, "no type '%s' %s", words ? words : "?", self->where);
    for (int k = 0; k < SUGGESTIONS && nearest[k]; k++)
        lwpy_text_format(&text, "%s'%s'", k ? ", " : "; did you mean ",
                         PyUnicode_AsUTF8(nearest[k]));
    PyObject *message = lwpy_text_take(&text, LW_OK, NULL);
    if (message)
        PyErr_SetObject(PyExc_KeyError, message);
    Py_XDECREF(message);
}

/* The row for a class or a name, borrowed, or NULL; false with an exception for anything else. */
static bool find_row(PyObject *self, PyObject *key, bool required, PyObject **row)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *name = lwpy_type_name(key);
    *row = name ? row_of_name((table *)self, name) : NULL;
    if (name && !*row && required)
        raise_no_such_name((table *)self, name);
    bool known = name != NULL;
    Py_XDECREF(name);
    lwpy_quiet_end(&quiet);
    return known;
}

static PyObject *table_subscript(PyObject *self, PyObject *key)
{
    PyObject *row;
    find_row(self, key, true, &row);
    return Py_XNewRef(row);
}

static int table_contains(PyObject *self, PyObject *key)
{
    PyObject *row;
    return find_row(self, key, false, &row) ? row != NULL : -1;
}

static PyObject *table_get(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count < 1 || count > 2) {
        PyErr_Format(PyExc_TypeError, "get() takes a name and a default, not %zd arguments", count);
        return NULL;
    }
    PyObject *row;
    if (!find_row(self, args[0], false, &row))
        return NULL;
    return Py_NewRef(row ? row : count == 2 ? args[1] : Py_None);
}

/* A list of names, of rows, or of pairs of both. */
static PyObject *list_of(PyObject *self, bool names, bool rows)
{
    table *all = (table *)self;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *list = PyList_New(PyList_GET_SIZE(all->rows));
    for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(all->rows); i++) {
        PyObject *row = PyList_GET_ITEM(all->rows, i);
        PyObject *item = names && rows ? PyTuple_Pack(2, row_name(row), row)
                                       : Py_NewRef(names ? row_name(row) : row);
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    lwpy_quiet_end(&quiet);
    return list;
}

static PyObject *table_keys(PyObject *self, PyObject *unused)
{
    (void)unused;
    return list_of(self, true, false);
}

static PyObject *table_values(PyObject *self, PyObject *unused)
{
    (void)unused;
    return list_of(self, false, true);
}

static PyObject *table_items(PyObject *self, PyObject *unused)
{
    (void)unused;
    return list_of(self, true, true);
}

static PyObject *iterate(PyObject *list)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *iterator = list ? PyObject_GetIter(list) : NULL;
    lwpy_quiet_end(&quiet);
    Py_XDECREF(list);
    return iterator;
}

PyObject *lwpy_table_iterate(PyObject *self)
{
    return iterate(list_of(self, false, true));
}

static PyObject *table_iterate(PyObject *self)
{
    return iterate(list_of(self, true, false));
}

static PyObject *table_repr(PyObject *self)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *repr = PyUnicode_FromFormat("<leakwatch.TypeTable of %zd types>",
                                          lwpy_table_length(self));
    lwpy_quiet_end(&quiet);
    return repr;
}

static PyMethodDef table_methods[] = {
    {"get", LWPY_METHOD(table_get), METH_FASTCALL,
     "get($self, key, default=None, /)\n--\n\nThe row of a name or class, or the default."},
    {"keys", table_keys, METH_NOARGS, "keys($self, /)\n--\n\nThe names, as a list."},
    {"values", table_values, METH_NOARGS, "values($self, /)\n--\n\nThe rows, as a list."},
    {"items", table_items, METH_NOARGS, "items($self, /)\n--\n\nPairs of name and row, as a list."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot table_slots[] = {
    {Py_tp_doc, "What is known by type: a read-only mapping from a type's name, or the class "
                "itself, to its row.\nTypes that bear one name share a row."},
    {Py_tp_dealloc, LWPY_SLOT(table_free)},
    {Py_tp_repr, LWPY_SLOT(table_repr)},
    {Py_tp_iter, LWPY_SLOT(table_iterate)},
    {Py_tp_methods, table_methods},
    {Py_mp_length, LWPY_SLOT(lwpy_table_length)},
    {Py_mp_subscript, LWPY_SLOT(table_subscript)},
    {Py_sq_contains, LWPY_SLOT(table_contains)},
    {0, NULL},
};

PyType_Spec lwpy_table_spec = {"leakwatch.TypeTable", sizeof(table), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                               table_slots};
