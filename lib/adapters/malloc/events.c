/* The events, and what each thread has for them. */
#define _GNU_SOURCE
#include "adapter.h"
#include "modules.h"
#include "walk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

__thread lwm_self lwm_thread;
lw_domain *lwm_domain;
lw_context *lwm_context;
uint32_t lwm_frames = 64;

/* ---- memory of threads: used again, never given back ---- */

static pthread_key_t key;
static atomic_flag list_lock = ATOMIC_FLAG_INIT;
static lwm_memory *list;

enum { BATCH = 4 }; /* mapped at once */

static lwm_memory *memory_map(void)
{
    lwm_memory *fresh = mmap(NULL, BATCH * sizeof *fresh, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED)
        return NULL;
    for (int i = 0; i < BATCH - 1; i++)
        fresh[i].next = &fresh[i + 1];
    return fresh;
}

/* A lock that is never waited for: who does not get it maps anew, or lets go for good. */
static lwm_memory *memory_take(void)
{
    lwm_memory *taken = NULL;
    if (atomic_flag_test_and_set(&list_lock))
        return memory_map();
    taken = list ? list : memory_map();
    list = taken ? taken->next : NULL;
    atomic_flag_clear(&list_lock);
    return taken;
}

static void on_thread_exit(void *value)
{
    lwm_memory *memory = value;
    lwm_thread.memory = NULL;
    lwm_thread.ended = true;
    if (atomic_flag_test_and_set(&list_lock))
        return;
    memory->next = list;
    list = memory;
    atomic_flag_clear(&list_lock);
}

bool lwm_threads_init(void)
{
    return pthread_key_create(&key, on_thread_exit) == 0;
}

static lwm_memory *memory_get(void)
{
    if (LWM_LIKELY(lwm_thread.memory != NULL) || lwm_thread.ended)
        return lwm_thread.memory;
    lwm_memory *memory = memory_take();
    if (!memory)
        return NULL;
    memory->count = 0;
    lwm_thread.inside++;
    int failed = pthread_setspecific(key, memory);
    lwm_thread.inside--;
    lwm_thread.ended = failed;
    lwm_thread.memory = failed ? NULL : memory;
    return lwm_thread.memory;
}

/* ---- events ---- */

/* What is needed to take a stack, if one is wanted. */
typedef struct taking {
    const void *frame;
    bool remembered; /* `memory` has it */
    lw_stack stack;
    uint64_t words[LW_STACK_MAX]; /* of a thread without memory */
} taking;

/* A signal handler's event finds `memory` in use: it is recorded without a stack, or, if the core
 * was at work, counted as lost. */
static const lw_stack *take_stack(void *user)
{
    taking *taking = user;
    if (LWM_UNLIKELY(lwm_thread.walking))
        return NULL;
    lwm_memory *memory = memory_get();
    if (LWM_UNLIKELY(!memory)) {
        lwm_walk_libgcc(taking->words, taking->frame, &taking->stack);
        return &taking->stack;
    }
    taking->remembered = true;
    lwm_thread.walking = true;
    atomic_signal_fence(memory_order_seq_cst);
    lwm_walk(memory, taking->frame, &taking->stack);
    return &taking->stack;
}

static inline void taking_end(const taking *taking)
{
    if (!taking->remembered)
        return;
    atomic_signal_fence(memory_order_seq_cst);
    lwm_thread.walking = false;
    if (LWM_UNLIKELY(atomic_load_explicit(&lwm_modules_moved, memory_order_relaxed)))
        lwm_modules_sweep();
}

void lwm_on_alloc(const void *block, size_t size, const void *frame)
{
    taking taking;
    taking.frame = frame;
    taking.remembered = false;
    lw_block_alloc_with(lwm_domain, block, size, take_stack, &taking);
    taking_end(&taking);
}

void lwm_on_move(lw_move *move, const void *block, size_t size, const void *frame)
{
    taking taking;
    taking.frame = frame;
    taking.remembered = false;
    lw_move_end_with(move, block, size, take_stack, &taking);
    taking_end(&taking);
}
