/* Other runtimes of the process: each is plugged into every context that we make. They reach the
 * core in here by a table of functions, in a capsule of the module. */
#include "plugs.h"

#include <leakwatch/cpython.h>

#include <stdio.h>

struct lw_cpython_plug {
    lw_cpython_plug_options options;
    bool begun; /* in the context of now */
    lw_cpython_plug *next;
};

static struct {
    lw_cpython_plug *first; /* in the order in which they came */
    lw_context *context;    /* the one that is there now, or NULL */
    bool busy;              /* one of them is being called */
} plugs;

static lw_status fail(lw_error *error, lw_status status, const char *message)
{
    if (error) {
        error->status = status;
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return status;
}

/* ---- contexts come and go ---- */

static lw_status begin(lw_cpython_plug *plug, lw_error *error)
{
    plugs.busy = true;
    lw_status status = plug->options.begin(plugs.context, plug->options.user, error);
    plugs.busy = false;
    plug->begun = status == LW_OK;
    if (status != LW_OK && (!error || !error->message[0]))
        fail(error, status, "another runtime refuses to be plugged in, and does not say why");
    return status;
}

static void end(lw_cpython_plug *plug)
{
    if (!plug->begun)
        return;
    plugs.busy = true;
    plug->options.end(plugs.context, plug->options.user);
    plugs.busy = false;
    plug->begun = false;
}

lw_status lwpy_plugs_begin(lw_context *context, lw_error *error)
{
    struct lwpy_quiet quiet;
    lw_status status = LW_OK;
    lwpy_quiet_begin(&quiet); /* the collector would run code of the user, which may plug in */
    plugs.context = context;
    for (lw_cpython_plug *plug = plugs.first; plug && status == LW_OK; plug = plug->next)
        status = begin(plug, error);
    lwpy_quiet_end(&quiet);
    return status;
}

void lwpy_plugs_end(void)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    for (lw_cpython_plug *plug = plugs.first; plug; plug = plug->next)
        end(plug);
    plugs.context = NULL;
    lwpy_quiet_end(&quiet);
}

/* ---- what the table leads to ---- */

/* A struct of an older caller is shorter; the tail of a newer one must be zero. */
static bool take(lw_cpython_plug_options *full, const lw_cpython_plug_options *options)
{
    size_t size = options->struct_size;
    const char *bytes = (const char *)options;
    for (size_t i = sizeof *full; i < size; i++)
        if (bytes[i])
            return false;
    memcpy(full, options, size < sizeof *full ? size : sizeof *full);
    return size >= sizeof full->struct_size;
}

static lw_status add(const lw_cpython_plug_options *options, lw_cpython_plug **added,
                     lw_error *error)
{
    lw_cpython_plug *plug = PyMem_RawCalloc(1, sizeof *plug);
    lw_cpython_plug **last = &plugs.first;
    lw_status status = LW_OK;
    if (!plug)
        return fail(error, LW_E_NOMEM, "no memory for another runtime");
    plug->options = *options;
    if (plugs.context)
        status = begin(plug, error);
    if (status != LW_OK) {
        PyMem_RawFree(plug);
        return status;
    }
    while (*last)
        last = &(*last)->next;
    *last = *added = plug;
    return LW_OK;
}

static lw_status plug_in(const lw_cpython_plug_options *options, lw_cpython_plug **plug,
                         lw_error *error)
{
    lw_cpython_plug_options full = {0};
    struct lwpy_quiet quiet;
    if (!plug)
        return fail(error, LW_E_INVALID, "plug is NULL: pass where the plug shall go");
    *plug = NULL;
    if (!options || !take(&full, options))
        return fail(error, LW_E_INVALID, "options are NULL or of a wrong size: begin with "
                                         "LW_CPYTHON_PLUG_OPTIONS_INIT");
    if (!full.begin || !full.end)
        return fail(error, LW_E_INVALID, "a plug needs begin and end: set both in its options");
    if (plugs.busy)
        return fail(error, LW_E_STATE, "a begin or end plugs in: do it elsewhere");
    lwpy_quiet_begin(&quiet);
    lw_status status = add(&full, plug, error);
    lwpy_quiet_end(&quiet);
    return status;
}

static void unplug(lw_cpython_plug *plug)
{
    struct lwpy_quiet quiet;
    lw_cpython_plug **place = &plugs.first;
    if (!plug)
        return;
    lwpy_quiet_begin(&quiet);
    while (*place != plug)
        place = &(*place)->next;
    *place = plug->next;
    end(plug);
    PyMem_RawFree(plug);
    lwpy_quiet_end(&quiet);
}

#define ENTRY(name) .name = lw_##name,

static const lw_cpython table = {
    .struct_size = sizeof table,
    .abi = LW_VERSION_MAJOR,
    .plug = plug_in,
    .unplug = unplug,
    LW_CPYTHON_FUNCTIONS(ENTRY)
};

int lwpy_plugs_publish(PyObject *module)
{
    PyObject *capsule = PyCapsule_New((void *)(uintptr_t)&table, LW_CPYTHON_CAPSULE, NULL);
    int failed = capsule ? PyModule_AddObjectRef(module, "api", capsule) : -1;
    Py_XDECREF(capsule);
    return failed;
}
