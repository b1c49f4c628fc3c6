/* What the parts of the malloc adapter share: its state, a thread's own, and the events. */
#ifndef LWM_ADAPTER_H
#define LWM_ADAPTER_H

#include <leakwatch.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LWM_LIKELY(x) __builtin_expect(!!(x), 1)
#define LWM_UNLIKELY(x) __builtin_expect(!!(x), 0)

struct lwm_memory;

/* A thread's own. Small, for it lies in every thread's stack; what is big hangs on `memory`. */
typedef struct lwm_self {
    struct lwm_memory *memory; /* its last stack; NULL: none yet, or no more */
    uintptr_t stack_low;       /* the readable stretch that its stack pointer was last seen in */
    uintptr_t stack_high;
    uint32_t inside; /* in code of ours or of the next allocator: what comes now is not the program's */
    bool walking;    /* `memory` is in use: an event now is that of a signal handler */
    bool ended;      /* its `memory` was given back: the thread is about to end */
} lwm_self;

extern __thread lwm_self lwm_thread __attribute__((tls_model("initial-exec")));

/* NULL while nothing is recorded. */
extern lw_domain *lwm_domain;
extern lw_context *lwm_context;

/* The most frames of a stack. */
extern uint32_t lwm_frames;

static inline bool lwm_listening(void)
{
    return LWM_LIKELY(lwm_domain != NULL) && LWM_LIKELY(lwm_thread.inside == 0);
}

/* `frame` is the frame address of the function of ours that the program called. */
void lwm_on_alloc(const void *block, size_t size, const void *frame);
void lwm_on_move(lw_move *move, const void *block, size_t size, const void *frame);

bool lwm_threads_init(void);

#endif
