/* Proof, at start, that the stacks we read are those that sys._getframe() sees. A build that
 * differs from its headers is found here, and recorded without stacks. */
#include "frames.h"

#include <string.h>

static bool same_text(PyObject *string, const char *text)
{
    const char *expected = PyUnicode_AsUTF8(string);
    if (!expected)
        PyErr_Clear(); /* half a surrogate pair: nothing to compare with */
    return !expected || (text && !strcmp(text, expected));
}

static bool same_frame(PyFrameObject *expected, uint64_t word)
{
    lw_domain *nowhere = NULL;
    lw_frame frame = LW_FRAME_INIT;
    PyCodeObject *code = PyFrame_GetCode(expected);
    bool same = lwpy_frames_code(word) == code &&
                lwpy_describe_frame(word, &frame, &nowhere) == 0 &&
                (int)frame.line == PyFrame_GetLineNumber(expected) &&
                same_text(code->co_qualname, frame.function) &&
                same_text(code->co_filename, frame.file);
    Py_DECREF(code);
    return same;
}

static bool same_hash(const lw_stack *stack)
{
    uint64_t hash = 0;
    for (uint32_t level = 0; level < stack->count; level++)
        hash += stack->words[level] * lw_stack_factors()[level];
    return hash == stack->hash;
}

/* Whether all frames of this moment are those that sys._getframe() sees. */
static bool frames_agree(void)
{
    PyThreadState *thread = PyThreadState_Get();
    lw_stack stack = {NULL, 0, 0, 0};
    if (lwpy_frames_take(thread, &stack) != LWPY_STACK_TAKEN)
        return false;
    PyFrameObject *frame = PyThreadState_GetFrame(thread);
    bool same = same_hash(&stack);
    for (uint32_t level = 0; same && level < stack.count; level++) {
        same = frame && same_frame(frame, stack.words[level]);
        PyFrameObject *back = same ? PyFrame_GetBack(frame) : NULL;
        Py_XDECREF(frame);
        frame = back;
    }
    same = same && (frame != NULL) == (stack.truncated != 0);
    Py_XDECREF(frame);
    return same;
}

/* Calls, recursion, generators, C that calls back, and the probe innermost. No class: it would be
 * left behind as garbage for the collector. */
static const char program[] =
    "def down(n, then):\n"
    "    return down(n - 1, then) if n else then(0)\n"
    "def produce(then):\n"
    "    yield then(0)\n"
    "    yield from produce(then) if then(0) else ()\n"
    "for depth in 0, 3, 1, 30:\n"
    "    down(depth, probe), [probe(i) for i in range(2)]\n"
    "    list(produce(probe)), list(map(probe, (0, 1)))\n"
    "    sorted((2, 1), key=lambda i: down(depth, lambda j: probe(i)))\n"
    "probe(0)\n";

static bool agreed;

static PyObject *probe(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    agreed = agreed && frames_agree();
    return Py_NewRef(Py_False);
}

static PyMethodDef probe_method = {"probe", probe, METH_O, NULL};

bool lwpy_stacks_proven(void)
{
    PyThreadState *thread = PyThreadState_Get();
    PyObject *globals = PyDict_New();
    PyObject *function = PyCFunction_New(&probe_method, NULL);
    PyObject *code = Py_CompileString(program, "<leakwatch>", Py_file_input);
    PyObject *result = NULL;
    agreed = true;
    PyThreadState_EnterTracing(thread); /* no debugger or profiler is told of it */
    if (globals && function && code && PyDict_SetItemString(globals, "probe", function) == 0)
        result = PyEval_EvalCode(code, globals, globals);
    PyThreadState_LeaveTracing(thread);
    bool ran = result != NULL;
    PyErr_Clear(); /* too deep for it, or no memory: then this place must do */
    Py_XDECREF(result);
    Py_XDECREF(code);
    Py_XDECREF(function);
    if (globals)
        PyDict_Clear(globals); /* functions refer to it, and it to them */
    Py_XDECREF(globals);
    return agreed && (ran || frames_agree());
}
