/* Arguments as they lie on the caller's stack: a tuple or dict for them would be allocated in the
 * region that is being measured, and held from C in the graph that is being taken. */
#include "types.h"

static int index_of(const char *const *names, PyObject *name)
{
    for (int i = 0; names[i]; i++)
        if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0)
            return i;
    return -1;
}

int lwpy_arguments(const struct lwpy_call *call, const char *function, const char *const *names,
                   Py_ssize_t positional, PyObject **values)
{
    for (int i = 0; names[i]; i++)
        values[i] = NULL;
    if (call->count > positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zd positional arguments, not %zd",
                     function, positional, call->count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < call->count; i++)
        values[i] = call->args[i];
    for (Py_ssize_t i = 0; call->keywords && i < PyTuple_GET_SIZE(call->keywords); i++) {
        PyObject *name = PyTuple_GET_ITEM(call->keywords, i);
        int index = index_of(names, name);
        if (index < 0 || values[index]) {
            PyErr_Format(PyExc_TypeError,
                         index < 0 ? "%s() has no argument %R" : "%s() was given %R twice",
                         function, name);
            return -1;
        }
        values[index] = call->args[call->count + i];
    }
    return 0;
}

int lwpy_argument_int(PyObject *value, const char *name, int least, int most, int *number)
{
    if (!value)
        return 0;
    int overflow = 0;
    long given = PyLong_AsLongAndOverflow(value, &overflow);
    if (given == -1 && PyErr_Occurred())
        return -1;
    if (overflow || given < least || given > most) {
        bool is_small = overflow < 0 || (!overflow && given < least);
        if (most == INT_MAX)
            PyErr_Format(PyExc_ValueError, "%s must be at %s %d, not %R", name,
                         is_small ? "least" : "most", is_small ? least : most, value);
        else
            PyErr_Format(PyExc_ValueError, "%s must be from %d to %d, not %R", name, least, most,
                         value);
        return -1;
    }
    *number = (int)given;
    return 0;
}

int lwpy_argument_bool(PyObject *value, bool *truth)
{
    int is_true = value ? PyObject_IsTrue(value) : *truth;
    if (is_true < 0)
        return -1;
    *truth = is_true;
    return 0;
}
