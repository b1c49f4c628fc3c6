/* From Python's objects and classes to nodes of a snapshot. */
#include "targets.h"
#include "recording.h"
#include "results.h"

int lwpy_asked(const char *function, PyObject *const *values, struct lwpy_asked *asked)
{
    PyObject *given[3];
    int count = 0;
    for (int i = 0; i < 3; i++) {
        given[i] = values[i] == Py_None ? NULL : values[i];
        count += given[i] != NULL;
    }
    *asked = (struct lwpy_asked){function, given[0], given[1], given[2]};
    if (count != 1) {
        PyErr_Format(PyExc_TypeError,
                     "%s() takes either an object, or instances_of=a class, or objects=a list",
                     function);
        return -1;
    }
    if (asked->objects && !PyList_Check(asked->objects) && !PyTuple_Check(asked->objects)) {
        PyErr_Format(PyExc_TypeError, "%s() takes objects as a list or tuple, not %s", function,
                     Py_TYPE(asked->objects)->tp_name);
        return -1;
    }
    return 0;
}

void lwpy_targets_free(struct lwpy_targets *targets)
{
    PyMem_RawFree(targets->nodes);
    Py_XDECREF(targets->who);
    Py_XDECREF(targets->empty);
}

static int add_node(lw_node node, void *user)
{
    struct lwpy_targets *targets = user;
    if (targets->count == targets->room) {
        size_t room = targets->room * 2 + 16;
        lw_node *grown = PyMem_RawRealloc(targets->nodes, room * sizeof *grown);
        if (!grown)
            return 1;
        targets->nodes = grown;
        targets->room = room;
    }
    targets->nodes[targets->count++] = node;
    return 0;
}

/* Why an object is not in a snapshot, or NULL and its node. */
static const char *find_node(PyObject *snapshot, PyObject *object, lw_node *node)
{
    lw_snapshot *taken = lwpy_snapshot_get(snapshot);
    uint64_t recording = lwpy_snapshot_recording(snapshot);
    lw_node_info found = LW_NODE_INFO_INIT;
    lw_type_info type = LW_TYPE_INFO_INIT;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(taken, &info, NULL);
    if (!recording)
        return "it is a file's, which knows no object of this process; ask by instances_of";
    if (recording == lwpy_recording_number() && lwpy_recording_epoch(object) > info.epoch)
        return "it was created later";
    if (lw_node_find(taken, LWPY_RUNTIME, lw_key_of(object), node, NULL) != LW_OK)
        return "it was created later, or nothing led to it";
    lw_node_info_get(taken, *node, &found, NULL);
    lw_snapshot_type_get(taken, found.type, &type, NULL);
    if (type.key != lw_key_of(Py_TYPE(object)))
        return "it was created later, where another object used to be";
    return NULL;
}

static int add_object(PyObject *snapshot, PyObject *object, struct lwpy_targets *targets)
{
    lw_node node = LW_NODE_NONE;
    const char *why = find_node(snapshot, object, &node);
    if (why) {
        PyErr_Format(lwpy.exceptions[LWPY_NOT_IN_SNAPSHOT], "this %s is not in this snapshot: %s",
                     Py_TYPE(object)->tp_name, why);
        return -1;
    }
    if (add_node(node, targets)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int lwpy_targets_types(PyObject *snapshot, PyObject *class,
                       bool (*visit)(uint32_t type, void *user), void *user)
{
    lw_snapshot *taken = lwpy_snapshot_get(snapshot);
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(taken, &info, NULL);
    PyObject *name = lwpy_type_name(class);
    const char *words = name ? PyUnicode_AsUTF8(name) : NULL;
    if (name && !words && PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%A is no name of a type: it holds a lone surrogate", name);
    }
    bool by_key = PyType_Check(class) && lwpy_snapshot_recording(snapshot) != 0;
    bool going = true;
    for (uint32_t i = 0; words && going && i < info.types; i++) {
        lw_type_info type = LW_TYPE_INFO_INIT;
        lw_snapshot_type_get(taken, i, &type, NULL);
        if (strcmp(type.name, words) == 0 && (!by_key || type.key == lw_key_of(class)))
            going = visit(i, user);
    }
    bool known = words != NULL;
    Py_XDECREF(name);
    if (known && !going)
        PyErr_NoMemory();
    return known && going ? 0 : -1;
}

struct instances {
    lw_snapshot *taken;
    struct lwpy_targets *targets;
};

static bool add_instances(uint32_t index, void *user)
{
    struct instances *all = user;
    lw_type_info type = LW_TYPE_INFO_INIT;
    size_t before = all->targets->count;
    lw_snapshot_type_get(all->taken, index, &type, NULL);
    lw_node_each(all->taken, index, add_node, all->targets, NULL);
    return all->targets->count - before == type.count + type.garbage;
}

static void name_one(struct lwpy_targets *targets, PyObject *object)
{
    targets->who = lwpy_type_name((PyObject *)Py_TYPE(object));
    if (targets->who)
        targets->empty = PyUnicode_FromFormat("%U: nothing holds it, it is collectable garbage",
                                              targets->who);
}

static void name_several(struct lwpy_targets *targets, PyObject *class, Py_ssize_t count)
{
    static const char garbage[] = "nothing holds any of them, they are collectable garbage";
    targets->who = class ? lwpy_type_name(class) : lwpy_string("objects");
    if (targets->who && class)
        targets->empty = PyUnicode_FromFormat("%U: %s", targets->who,
                                              targets->count ? garbage
                                                             : "none is in this snapshot");
    else if (targets->who)
        targets->empty = PyUnicode_FromFormat("%zd objects: %s", count, garbage);
}

int lwpy_targets_find(PyObject *snapshot, const struct lwpy_asked *asked,
                      struct lwpy_targets *targets)
{
    int failed = 0;
    *targets = (struct lwpy_targets){NULL, 0, 0, NULL, NULL};
    if (asked->class) {
        struct instances all = {lwpy_snapshot_get(snapshot), targets};
        failed = lwpy_targets_types(snapshot, asked->class, add_instances, &all);
        if (!failed)
            name_several(targets, asked->class, 0);
    } else if (asked->object) {
        failed = add_object(snapshot, asked->object, targets);
        if (!failed)
            name_one(targets, asked->object);
    } else {
        Py_ssize_t count = PySequence_Fast_GET_SIZE(asked->objects);
        if (count == 0)
            PyErr_Format(PyExc_ValueError, "%s() was given objects=%R: pass at least one",
                         asked->function, asked->objects);
        failed = count ? 0 : -1;
        for (Py_ssize_t i = 0; i < count && !failed; i++)
            failed = add_object(snapshot, PySequence_Fast_GET_ITEM(asked->objects, i), targets);
        if (!failed)
            name_several(targets, NULL, count);
    }
    if (failed || !targets->empty) {
        lwpy_targets_free(targets);
        return -1;
    }
    return 0;
}
