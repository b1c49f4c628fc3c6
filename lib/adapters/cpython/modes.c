/* The modes of a recording: sites, counts, sampled. */
#include "modes.h"

#include "recording.h"

#define INTERVAL_MAX (1LL << 40)

static const char *const names[] = {
    [LW_MODE_SITES] = "sites",
    [LW_MODE_COUNTS] = "counts",
    [LW_MODE_SAMPLED] = "sampled",
};

static int mode_named(PyObject *value, int32_t *mode)
{
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "mode must be a str, not %s", Py_TYPE(value)->tp_name);
        return -1;
    }
    for (int32_t i = LW_MODE_SITES; i <= LW_MODE_SAMPLED; i++) {
        if (PyUnicode_CompareWithASCIIString(value, names[i]) == 0) {
            *mode = i;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "mode must be 'sites', 'counts' or 'sampled', not %R", value);
    return -1;
}

int lwpy_argument_mode(PyObject *value, PyObject *interval, lwpy_mode *mode)
{
    if (value && mode_named(value, &mode->mode) < 0)
        return -1;
    mode->interval = 0;
    if (!interval || interval == Py_None)
        return 0;
    int overflow = 0;
    long long bytes = PyLong_AsLongLongAndOverflow(interval, &overflow);
    if (bytes == -1 && PyErr_Occurred())
        return -1;
    if (mode->mode != LW_MODE_SAMPLED) {
        PyErr_Format(PyExc_ValueError, "only mode 'sampled' has an interval, '%s' has none",
                     names[mode->mode]);
        return -1;
    }
    if (overflow || bytes < 1 || bytes > INTERVAL_MAX) {
        PyErr_Format(PyExc_ValueError, "interval must be from 1 to 2**40 bytes, not %R", interval);
        return -1;
    }
    mode->interval = (uint64_t)bytes;
    return 0;
}

PyObject *lwpy_set_mode(PyObject *module, PyObject *const *args, Py_ssize_t count,
                        PyObject *keywords)
{
    (void)module;
    static const char *const arguments[] = {"mode", "interval", NULL};
    const struct lwpy_call call = {args, count, keywords};
    PyObject *values[2];
    lwpy_mode mode = {LW_MODE_SITES, 0};
    lw_error error = LW_ERROR_INIT;
    if (lwpy_arguments(&call, "set_mode", arguments, 2, values) < 0)
        return NULL;
    if (!values[0]) {
        PyErr_SetString(PyExc_TypeError, "set_mode() wants a mode: 'sites', 'counts' or 'sampled'");
        return NULL;
    }
    if (lwpy_argument_mode(values[0], values[1], &mode) < 0 || !lwpy_recording_required())
        return NULL;
    if (lwpy_record_mode_set(&mode, &error) != LW_OK)
        return lwpy_raise(&error);
    Py_RETURN_NONE;
}

PyObject *lwpy_mode_now(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    lw_context *context = lwpy_recording_required();
    int32_t mode = LW_MODE_SITES;
    uint64_t interval = 0;
    if (!context)
        return NULL;
    lw_mode_get(context, &mode, &interval, NULL);
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *answer = interval ? Py_BuildValue("sK", names[mode], (unsigned long long)interval)
                                : Py_BuildValue("sO", names[mode], Py_None);
    lwpy_quiet_end(&quiet);
    return answer;
}
