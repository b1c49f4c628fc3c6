/* What the record needs of threads: a short lock, a slot per thread, and news of fork. */
#ifndef LWI_PLATFORM_THREAD_H
#define LWI_PLATFORM_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A lock for cold tables. Never held while host code runs that could send an event. */
typedef struct lwi_lock {
    atomic_int state; /* 0 free, 1 taken, 2 taken and waited for */
} lwi_lock;

void lwi_lock_take(lwi_lock *lock);
void lwi_lock_give(lwi_lock *lock);

/* Waits a little for another thread: call it inside a spin loop with a counter from 0. */
void lwi_pause(unsigned *spins);

/* Whether the calling thread is the one that the process began with; where the system does not tell,
 * none is. */
bool lwi_thread_is_main(void);

/* A value per thread and slot; `on_exit` runs on a thread that ends with a value that is not
 * NULL. Slots are a scarce good of the process: one per context. */
typedef struct lwi_slot {
    uintptr_t key;
    bool made;
} lwi_slot;

bool lwi_slot_make(lwi_slot *slot, void (*on_exit)(void *value));
void lwi_slot_drop(lwi_slot *slot);
void *lwi_slot_get(const lwi_slot *slot);
bool lwi_slot_set(const lwi_slot *slot, void *value);

/* The lock of what belongs to the process and not to a context. Taken before any other of ours;
 * held around fork. */
void lwi_process_take(void);
void lwi_process_give(void);

/* What runs under that lock around every fork: `prepare` before, `parent` and `child` after. */
typedef struct lwi_fork_calls {
    void (*prepare)(void);
    void (*parent)(void);
    void (*child)(void);
} lwi_fork_calls;

/* Under that lock; once is enough, and more do no harm. */
void lwi_fork_watch(const lwi_fork_calls *calls);

/* The same around a fork of our own, which no other code hears of. */
void lwi_fork_begin(void);
void lwi_fork_end_in_parent(void);
void lwi_fork_end_in_child(void);

#endif
