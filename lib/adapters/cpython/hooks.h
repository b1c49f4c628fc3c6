/* What hooks.c shares with numpy.c and tasks.c. */
#ifndef LWPY_HOOKS_H
#define LWPY_HOOKS_H

#include "frames.h"
#include "record.h"

#include <stdatomic.h>

/* Why an event must do more than usual: bits of lwpy_attention. */
enum lwpy_attention {
    LWPY_ATTEND_TASKS = 1,       /* rounds are open that follow a task */
    LWPY_ATTEND_INTERPRETERS = 2, /* another interpreter has shown up */
    LWPY_ATTEND_PROBE = 4        /* somebody asks whether our hooks are called */
};

extern _Atomic uint32_t lwpy_attention; /* other interpreters have another GIL, raw has none */
void lwpy_attend(uint32_t why, bool on);

/* Above zero while an allocator that we wrap runs: what it takes from another one is not counted. */
extern LWPY_THREAD_LOCAL unsigned lwpy_nested;

/* Events of the buffers of arrays; a move whose begin gave NULL is not recorded. With the GIL. */
void lwpy_array_alloc(const void *block, size_t size);
PyThreadState *lwpy_array_move_begin(const void *block, lw_move *move);
void lwpy_array_move_end(PyThreadState *thread, lw_move *move, const void *moved, size_t size);
void lwpy_array_free(const void *block);

/* Suspends and resumes rounds so that those are active here that the thread's context asks for. */
void lwpy_tasks_follow(PyThreadState *thread);

/* Forgets all rounds; they stay as they are. */
void lwpy_tasks_forget(void);

#endif
