/* Asking what was recorded: where an object comes from, how much the domains hold. */
#include "record.h"

static int add_frame(const lw_frame *frame, void *list)
{
    PyObject *entry = Py_BuildValue("(zIzN)", frame->file, frame->line, frame->function,
                                    PyBool_FromLong(frame->flags & LW_FRAME_OWN));
    int failed = !entry || PyList_Append(list, entry) < 0;
    Py_XDECREF(entry);
    return failed;
}

/* An object the collector knows begins behind its header, within its block. */
static bool find_site(PyObject *object, lw_site *site)
{
    uint64_t count;
    lw_domain *const *domains = lwpy_record_domains(&count);
    lw_block block = LW_BLOCK_INIT;
    if (!count || lw_block_find(domains[0], object, &block, NULL) != LW_OK)
        return false;
    *site = block.site;
    return true;
}

PyObject *lwpy_stack_of(PyObject *module, PyObject *object)
{
    (void)module;
    lw_site site;
    lw_context *context = lwpy_record_context();
    if (!context || !find_site(object, &site))
        Py_RETURN_NONE;
    lw_ignore_begin(context);
    PyObject *list = PyList_New(0);
    if (list && site)
        lw_site_frames(context, site, add_frame, list, NULL);
    lw_ignore_end(context);
    if (PyErr_Occurred())
        Py_CLEAR(list);
    return list;
}

PyObject *lwpy_domain_totals(PyObject *module, PyObject *unused)
{
    static const char *const names[] = {"python.obj", "python.mem", "python.raw",
                                        "python.numpy"};
    (void)module;
    (void)unused;
    uint64_t count;
    lw_domain *const *domains = lwpy_record_domains(&count);
    lw_domain_stats stats[4];
    for (uint64_t i = 0; i < count; i++) { /* before the answer itself is allocated */
        stats[i] = (lw_domain_stats)LW_DOMAIN_STATS_INIT;
        lw_domain_stats_get(domains[i], &stats[i], NULL);
    }
    lw_context *context = lwpy_record_context();
    if (context)
        lw_ignore_begin(context);
    PyObject *totals = PyDict_New();
    for (uint64_t i = 0; totals && i < count; i++) {
        PyObject *row = Py_BuildValue("(LLKK)", (long long)stats[i].bytes,
                                      (long long)stats[i].blocks,
                                      (unsigned long long)stats[i].allocated,
                                      (unsigned long long)stats[i].freed);
        if (!row || PyDict_SetItemString(totals, names[i], row) < 0)
            Py_CLEAR(totals);
        Py_XDECREF(row);
    }
    if (context)
        lw_ignore_end(context);
    return totals;
}

PyObject *lwpy_notes_of_now(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    lwpy_notes notes = {0};
    lwpy_record_notes(&notes);
    lw_context *context = lwpy_record_context();
    if (context)
        lw_ignore_begin(context);
    PyObject *list = PyList_New(notes.count);
    for (uint32_t i = 0; list && i < notes.count; i++) {
        PyObject *text = PyUnicode_FromString(notes.text[i]);
        if (text)
            PyList_SET_ITEM(list, i, text);
        else
            Py_CLEAR(list);
    }
    if (context)
        lw_ignore_end(context);
    return list;
}
