/* Call stacks of native code. */
#ifndef LWM_WALK_H
#define LWM_WALK_H

#include "adapter.h"

/* A frame: where it goes on, and its registers there. */
typedef struct lwm_level {
    uint64_t pc, sp, bp;
    uint64_t bp_place; /* where its bp was saved by the frame before; 0: that left it alone */
    bool loose;        /* more than `bp_place` and the word below sp went into it: find it anew */
} lwm_level;

/* The last stack of a thread, and room to work. */
typedef struct lwm_memory {
    struct lwm_memory *next; /* of those that nobody has */
    uint64_t words[LW_STACK_MAX];
    lwm_level level[LW_STACK_MAX];
    lwm_level spare[LW_STACK_MAX];
    uintptr_t stack_low; /* lwm_thread's, for the thread that has this memory next */
    uintptr_t stack_high;
    uint64_t hash;     /* of the words */
    uint32_t count;    /* of levels that hold */
    uint32_t forgets;  /* how often all was forgotten until then */
    uint8_t end;       /* why there are no more */
} lwm_memory;

/* The calls that lead to a function with this frame address, the innermost first, without that
 * function itself. `stack` refers to `memory`. */
void lwm_walk(lwm_memory *memory, const void *frame, lw_stack *stack);

/* The same by libgcc alone, which knows all tables. Words go to `words`. */
void lwm_walk_libgcc(uint64_t *words, const void *frame, lw_stack *stack);

/* What is remembered of stacks holds no more: code has gone. */
void lwm_walk_forget(void);

/* The readable stretch of memory around an address, into lwm_thread; false if none is known. */
bool lwm_stretch_find(uintptr_t address);

#endif
