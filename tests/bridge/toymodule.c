/* The extension module "toyvm": the toy machine of the examples as a Python type. Its adapter is
 * the one of the examples, word for word; here it reaches leakwatch by the table that leakwatch's
 * own extension publishes. There is one machine at a time. */
#define LW_CPYTHON_TABLE leakwatch
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <leakwatch/cpython.h>

static const lw_cpython *leakwatch;

#include "../../examples/toyvm/toyvm.c"
#include "../../examples/toyvm/toyvm_leakwatch.c"

static struct {
    toy_vm *vm;
    toy_watch watch; /* running if it has a runtime */
    lw_context *context;
    lw_cpython_plug *plug;
    int begun, ended;
    int refuse;
} here;

/* ---- the plug ---- */

static lw_status begin(lw_context *context, void *user, lw_error *error)
{
    (void)user;
    if (here.refuse) {
        snprintf(error->message, sizeof error->message, "the toy does not want to be watched");
        return error->status = LW_E_UNSUPPORTED;
    }
    lw_status status = here.vm ? toy_watch_start(&here.watch, here.vm, context, error) : LW_OK;
    if (status == LW_OK) {
        here.context = context;
        here.begun++;
    }
    return status;
}

/* The domain goes with the context; who holds the machine stays the same. */
static void end(lw_context *context, void *user)
{
    (void)context, (void)user;
    if (here.watch.runtime)
        toy_watch_stop(&here.watch);
    here.watch.runtime = NULL;
    here.watch.domain = NULL;
    here.context = NULL;
    here.ended++;
}

static PyObject *raise_error(const lw_error *error)
{
    PyErr_Format(PyExc_RuntimeError, "%s: %s", "toyvm", error->message);
    return NULL;
}

static PyObject *module_plug(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    lw_error error = LW_ERROR_INIT;
    lw_cpython_plug_options options = LW_CPYTHON_PLUG_OPTIONS_INIT;
    options.begin = begin;
    options.end = end;
    if (!here.plug && leakwatch->plug(&options, &here.plug, &error) != LW_OK)
        return raise_error(&error);
    Py_RETURN_NONE;
}

static PyObject *module_unplug(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    leakwatch->unplug(here.plug);
    here.plug = NULL;
    Py_RETURN_NONE;
}

static PyObject *module_refuse(PyObject *module, PyObject *value)
{
    (void)module;
    here.refuse = PyObject_IsTrue(value);
    Py_RETURN_NONE;
}

static PyObject *module_contexts(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return Py_BuildValue("(ii)", here.begun, here.ended);
}

/* ---- what the plug must refuse ---- */

static lw_status plug_inside(lw_context *context, void *user, lw_error *error)
{
    (void)context;
    lw_cpython_plug *plug = NULL;
    return leakwatch->plug(user, &plug, error);
}

static lw_status refuse_silently(lw_context *context, void *user, lw_error *error)
{
    (void)context, (void)user, (void)error;
    return LW_E_RUNTIME;
}

/* The answers to wrong calls, made in a context: [(status, message, whether a plug came back)]. */
static PyObject *module_wrong_calls(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    struct {
        lw_cpython_plug_options options;
        uint64_t newer;
    } longer = {LW_CPYTHON_PLUG_OPTIONS_INIT, 1};
    lw_cpython_plug_options good = LW_CPYTHON_PLUG_OPTIONS_INIT, calls[6];
    good.begin = begin;
    good.end = end;
    longer.options = good;
    longer.options.struct_size = sizeof longer;
    for (int i = 0; i < 6; i++)
        calls[i] = good;
    calls[0].struct_size = 0;
    calls[1].struct_size = offsetof(lw_cpython_plug_options, end);
    calls[2].begin = NULL;
    calls[3].end = NULL;
    calls[4].begin = plug_inside;
    calls[4].user = &good;
    calls[5].begin = refuse_silently;
    const lw_cpython_plug_options *all[] = {NULL,      &longer.options, &calls[0], &calls[1],
                                            &calls[2], &calls[3],       &calls[4], &calls[5]};
    PyObject *answers = PyList_New(0);
    for (size_t i = 0; answers && i < 9; i++) {
        lw_cpython_plug *plug = (lw_cpython_plug *)&plug;
        lw_error error = LW_ERROR_INIT;
        lw_status status = leakwatch->plug(i < 8 ? all[i] : &good, i < 8 ? &plug : NULL, &error);
        PyObject *row = Py_BuildValue("(isO)", (int)status, error.message,
                                      i < 8 && plug ? Py_True : Py_False);
        if (!row || PyList_Append(answers, row) < 0)
            Py_CLEAR(answers);
        Py_XDECREF(row);
    }
    leakwatch->unplug(NULL);
    return answers;
}

/* ---- both runtimes under the conformance checker ---- */

static PyObject *problems_of(const lw_check *check)
{
    PyObject *rows = PyList_New(0);
    for (uint32_t i = 0; rows && i < lw_check_count(check); i++) {
        lw_problem problem = LW_PROBLEM_INIT;
        lw_check_problem_get(check, i, &problem, NULL);
        PyObject *row = Py_BuildValue("(iKss)", (int)problem.kind,
                                      (unsigned long long)problem.count, problem.type,
                                      problem.message);
        if (!row || PyList_Append(rows, row) < 0)
            Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

enum { RUNTIMES = 4 };

typedef struct checks {
    lw_runtime *runtimes[RUNTIMES];
    const char *names[RUNTIMES];
    int count;
} checks;

static int add_runtime(lw_runtime *runtime, const char *name, void *user)
{
    checks *all = user;
    all->runtimes[all->count] = runtime;
    all->names[all->count] = name;
    return ++all->count == RUNTIMES;
}

/* {runtime: [(kind, count, type, message)]}. Nothing is made of Python's before all is checked. */
static PyObject *module_check(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    lw_error error = LW_ERROR_INIT;
    lw_check *found[RUNTIMES] = {NULL};
    checks all = {{NULL}, {NULL}, 0};
    lw_status status = lw_runtime_each(here.context, add_runtime, &all, &error);
    for (int i = 0; i < all.count && status == LW_OK; i++)
        status = lw_runtime_check(all.runtimes[i], &found[i], &error);
    PyObject *result = status == LW_OK ? PyDict_New() : raise_error(&error);
    for (int i = 0; i < all.count; i++) {
        PyObject *rows = result ? problems_of(found[i]) : NULL;
        if (result && (!rows || PyDict_SetItemString(result, all.names[i], rows) < 0))
            Py_CLEAR(result);
        Py_XDECREF(rows);
        lw_check_release(found[i]);
    }
    return result;
}

/* ---- the machine ---- */

static PyObject *machine_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    lw_error error = LW_ERROR_INIT;
    (void)args, (void)keywords;
    if (here.vm) {
        PyErr_SetString(PyExc_RuntimeError, "there is a machine already");
        return NULL;
    }
    PyObject *self = type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    here.vm = toy_vm_new();
    here.watch.owner_runtime = LW_CPYTHON_RUNTIME;
    here.watch.owner = lw_key_of(self);
    if (here.context &&
        toy_watch_start(&here.watch, here.vm, here.context, &error) != LW_OK) {
        Py_DECREF(self);
        return raise_error(&error);
    }
    toy_map *cache = toy_map_new(here.vm);
    toy_map_set(here.vm, here.vm->globals, "cache", &cache->head);
    toy_release(here.vm, &cache->head);
    return self;
}

/* Its objects end while they are still watched. */
static void machine_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    lw_runtime_destroy(here.watch.runtime);
    here.watch.runtime = NULL;
    toy_vm_free(here.vm);
    here.vm = NULL;
    type->tp_free(self);
    Py_DECREF(type);
}

/* server.toy: each request leaves its page in the cache. */
static PyObject *machine_handle(PyObject *self, PyObject *number)
{
    static const char *const names[] = {"title"};
    char text[64];
    (void)self;
    long order = PyLong_AsLong(number);
    if (order == -1 && PyErr_Occurred())
        return NULL;
    toy_vm *vm = here.vm;
    toy_call_begin(vm, "handle (server.toy:4)");
    snprintf(text, sizeof text, "<h1>Order %ld</h1>", order);
    toy_object *title = toy_local_set(vm, "title", &toy_string_new(vm, text)->head);
    toy_list *page = toy_list_new(vm);
    toy_local_set(vm, "page", &page->head);
    toy_call_at(vm, "handle (server.toy:6)");
    toy_closure *click = toy_closure_new(vm, names, &title, 1);
    toy_list_push(vm, page, toy_local_set(vm, "click", &click->head));
    toy_call_at(vm, "handle (server.toy:8)");
    snprintf(text, sizeof text, "order %ld", order);
    toy_map_set(vm, (toy_map *)toy_map_get(vm->globals, "cache"), text, &page->head);
    toy_call_end(vm);
    Py_RETURN_NONE;
}

static PyObject *machine_forget(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    toy_map_clear(here.vm, (toy_map *)toy_map_get(here.vm->globals, "cache"));
    Py_RETURN_NONE;
}

/* Says that the object at this address holds the machine, whatever is there. */
static PyObject *machine_held_by(PyObject *self, PyObject *address)
{
    (void)self;
    here.watch.owner = PyLong_AsUnsignedLongLong(address);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef machine_methods[] = {
    {"handle", machine_handle, METH_O, NULL},
    {"forget", machine_forget, METH_NOARGS, NULL},
    {"held_by", machine_held_by, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot machine_slots[] = {
    {Py_tp_new, __extension__(void *)(machine_new)},
    {Py_tp_dealloc, __extension__(void *)(machine_free)},
    {Py_tp_methods, machine_methods},
    {0, NULL},
};

static PyType_Spec machine_spec = {"toyvm.Machine", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT,
                                   machine_slots};

/* ---- the module ---- */

static PyMethodDef functions[] = {
    {"plug", module_plug, METH_NOARGS, NULL},
    {"unplug", module_unplug, METH_NOARGS, NULL},
    {"refuse", module_refuse, METH_O, NULL},
    {"contexts", module_contexts, METH_NOARGS, NULL},
    {"wrong_calls", module_wrong_calls, METH_NOARGS, NULL},
    {"check", module_check, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "toyvm",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit_toyvm(void)
{
    leakwatch = lw_cpython_import();
    PyObject *module = leakwatch ? PyModule_Create(&definition) : NULL;
    PyObject *type = module ? PyType_FromSpec(&machine_spec) : NULL;
    PyObject *plugged = type ? module_plug(module, NULL) : NULL;
    if (!plugged || PyModule_AddObjectRef(module, "Machine", type) < 0)
        Py_CLEAR(module);
    Py_XDECREF(plugged);
    Py_XDECREF(type);
    return module;
}
