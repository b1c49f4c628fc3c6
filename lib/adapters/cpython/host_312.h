/* CPython 3.12: what lies behind its public headers. */
#ifndef LWPY_HOST_312_H
#define LWPY_HOST_312_H

#define Py_BUILD_CORE
#include <internal/pycore_context.h>
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE

/* ---- frames: what the recording half reads in every event ---- */

typedef struct _PyInterpreterFrame lwpy_host_frame;

/* NULL when the caller does not hold a GIL. */
static inline PyThreadState *lwpy_host_thread(void)
{
    return _PyThreadState_UncheckedGet();
}

/* The innermost frame, complete or not; NULL if there is none. */
static inline lwpy_host_frame *lwpy_host_frame_top(const PyThreadState *thread)
{
    return thread->cframe ? thread->cframe->current_frame : NULL;
}

static inline lwpy_host_frame *lwpy_host_frame_previous(const lwpy_host_frame *frame)
{
    return frame->previous;
}

/* Lies inside the code object, so it alone names code and offset. */
static inline uint64_t lwpy_host_frame_word(const lwpy_host_frame *frame)
{
    return (uint64_t)(uintptr_t)frame->prev_instr;
}

static inline PyCodeObject *lwpy_host_frame_code(const lwpy_host_frame *frame)
{
    return (PyCodeObject *)frame->f_code;
}

static inline PyObject *lwpy_host_frame_globals(const lwpy_host_frame *frame)
{
    return frame->f_globals;
}

/* False for a frame that tracebacks do not show either: the shim that C leaves when it calls
 * Python, and one that has not run its first RESUME yet. */
static inline bool lwpy_host_frame_shown(const lwpy_host_frame *frame)
{
    if (frame->owner == FRAME_OWNED_BY_CSTACK)
        return false;
    if (frame->owner == FRAME_OWNED_BY_GENERATOR)
        return true;
    const PyCodeObject *code = (const PyCodeObject *)frame->f_code;
    const _Py_CODEUNIT *first = (const _Py_CODEUNIT *)code->co_code_adaptive;
    return frame->prev_instr >= first + code->_co_firsttraceable;
}

/* The offset in bytes that PyCode_Addr2Line() wants. */
static inline int lwpy_host_code_offset(const PyCodeObject *code, uint64_t word)
{
    return (int)((const char *)(uintptr_t)word - code->co_code_adaptive);
}

static inline size_t lwpy_host_code_size(const PyCodeObject *code)
{
    return offsetof(PyCodeObject, co_code_adaptive) + (size_t)_PyCode_NBYTES(code);
}

/* ---- contexts: which task runs ---- */

static inline PyObject *lwpy_host_context(const PyThreadState *thread)
{
    return thread->context;
}

/* The context from which this one was entered, or NULL. */
static inline PyObject *lwpy_host_context_previous(PyObject *context)
{
    return (PyObject *)((PyContext *)context)->ctx_prev;
}

/* False for the one that a thread starts with, which it never leaves. */
static inline bool lwpy_host_context_entered(PyObject *context)
{
    return ((PyContext *)context)->ctx_entered != 0;
}

/* ---- objects: what the heap walk reads ---- */

#endif
