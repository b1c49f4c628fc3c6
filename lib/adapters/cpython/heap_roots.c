#include "heap_walk.h"

PyObject *lwpy_dict_find(PyObject *dict, const char *name)
{
    size_t length = strlen(name);
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &value)) {
        if (PyUnicode_Check(key) && PyUnicode_IS_COMPACT_ASCII(key) &&
            (size_t)PyUnicode_GET_LENGTH(key) == length &&
            !memcmp(PyUnicode_1BYTE_DATA(key), name, length))
            return value;
    }
    return NULL;
}

/* Classes in Python have a tp_traverse and a tp_dealloc in common, which no header names: look
 * at one of importlib's. */
static void find_class_slots(lwpy_walk *walk)
{
    PyObject *importlib = lwpy_host_importlib();
    PyObject *dict = importlib && PyModule_Check(importlib) ? PyModule_GetDict(importlib) : NULL;
    PyObject *class = dict ? lwpy_dict_find(dict, "ModuleSpec") : NULL;
    if (class && PyType_Check(class)) {
        walk->class_traverse = ((PyTypeObject *)class)->tp_traverse;
        walk->class_dealloc = ((PyTypeObject *)class)->tp_dealloc;
    }
}

static void put_root(const char *kind, const char *label, PyObject *object, void *user)
{
    lwpy_walk *walk = user;
    if (!object || walk->failed)
        return;
    uint32_t kind_id = lw_sink_root_kind(walk->sink, kind, 0);
    lwpy_walk_root(walk, object, kind_id, lwpy_label(walk, LW_LABEL_VARIABLE, label));
}

/* Modules of the old kind leave a copy of their dict in their definition, to be imported again. */
static void root_copy(lwpy_walk *walk, PyObject *module)
{
    const PyModuleDef *definition = PyModule_GetDef(module);
    if (definition)
        put_root("interpreter", "initial module dict", definition->m_base.m_copy, walk);
}

/* All modules before all else, and before any is looked into: one is an attribute of another, and
 * each shall own what its dict holds. */
static void own_modules(lwpy_walk *walk, PyObject *modules)
{
    lwpy_list taken = { .sink = walk->sink };
    PyObject *name, *module;
    Py_ssize_t at = 0;
    while (!walk->failed && PyDict_Next(modules, &at, &name, &module)) {
        if (PyModule_Check(module) && !lwpy_walk_is_hidden(walk, module) &&
            lwpy_edges_take_module(walk, module) && !lwpy_list_push(&taken, module))
            walk->failed = LWPY_NO_MEMORY;
    }
    for (size_t i = 0; i < taken.count && !walk->failed; i++)
        lwpy_edges_rooted_module(walk, taken.items[i]);
    lwpy_list_free(&taken);
}

static void root_modules(lwpy_walk *walk)
{
    PyObject *modules = lwpy_host_modules(), *name, *module;
    Py_ssize_t at = 0;
    if (!modules || !PyDict_Check(modules))
        return;
    own_modules(walk, modules);
    while (!walk->failed && PyDict_Next(modules, &at, &name, &module)) {
        if (PyModule_Check(module) && !lwpy_walk_is_hidden(walk, module))
            root_copy(walk, module);
        uint32_t label = PyUnicode_Check(name) ? lwpy_label_name(walk, LW_LABEL_VARIABLE, name)
                                               : lwpy_label_key(walk, name);
        lwpy_walk_root(walk, module, walk->kind_module, label);
    }
}

static PyObject *find_getsignal(void)
{
    PyObject *modules = lwpy_host_modules();
    PyObject *module = modules && PyDict_Check(modules) ? lwpy_dict_find(modules, "_signal") : NULL;
    if (!module || !PyModule_Check(module))
        return NULL;
    return lwpy_dict_find(PyModule_GetDict(module), "getsignal");
}

void lwpy_roots(lwpy_walk *walk)
{
    find_class_slots(walk);
    lwpy_frames_find_asker(walk);
    root_modules(walk);
    lwpy_host_interpreter_roots(put_root, walk);
    lwpy_host_signal_roots(find_getsignal(), put_root, walk);
    for (PyThreadState *thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
         thread && !walk->failed; thread = PyThreadState_Next(thread)) {
        lwpy_host_thread_roots(thread, put_root, walk);
        lwpy_frames_roots(walk, thread);
    }
}
