/* The stack of the running thread as raw words, and what they mean. */
#ifndef LWPY_FRAMES_H
#define LWPY_FRAMES_H

#include "host.h"

#include <leakwatch.h>

#if defined(__GLIBC__)
#define LWPY_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
#else
#define LWPY_THREAD_LOCAL __thread
#endif
#define LWPY_LIKELY(x) __builtin_expect(!!(x), 1)
#define LWPY_UNLIKELY(x) __builtin_expect(!!(x), 0)

enum lwpy_stack_kind {
    LWPY_STACK_TAKEN,
    LWPY_STACK_UNKNOWN, /* no memory to remember this thread's stack in */
    LWPY_STACK_OURS     /* the innermost frame is code of ours */
};

/* How many frames a stack has at most, 1 to LW_STACK_MAX, and whether code of ours is hidden.
 * Forgets all remembered stacks. */
void lwpy_frames_setup(uint32_t frames, bool hide);

/* Whether it is code of ours that a thread with the GIL runs: the same question, much cheaper. */
bool lwpy_frames_ours(PyThreadState *thread);

/* The stack of a thread that holds the GIL. Its words stay until the thread's next call. */
enum lwpy_stack_kind lwpy_frames_take(PyThreadState *thread, lw_stack *stack);

/* The code object of a word of this thread's last stack; NULL if it has no such word. */
PyCodeObject *lwpy_frames_code(uint64_t word);

/* names.c: the lw_describe_frame_fn; `user` points to the domain that code objects live in. */
int lwpy_describe_frame(uint64_t word, lw_frame *frame, void *user);

/* Finds out where the libraries of this Python are. False, with an exception, on failure. */
bool lwpy_names_start(void);

/* check.c: proves stacks of several shapes against sys._getframe(); runs some Python. */
bool lwpy_stacks_proven(void);

#endif
