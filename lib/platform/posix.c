/* Pages, time, threads and fork for POSIX. The only file that knows the system. */
#if !defined(_WIN32)

#define _GNU_SOURCE
#include "platform/pages.h"
#include "platform/system.h"
#include "platform/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

#if !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif

static void *map(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

#if defined(MADV_HUGEPAGE)
enum { HUGE_PAGE = 2 << 20 };

/* A capture fills hundreds of MiB at once: a fault per 4 KiB would be a fifth of its time. */
static void *map_huge(size_t size)
{
    char *pages = map(size + HUGE_PAGE);
    if (!pages)
        return map(size);
    size_t head = (size_t)(-(uintptr_t)pages & (HUGE_PAGE - 1));
    if (head)
        munmap(pages, head);
    munmap(pages + head + size, HUGE_PAGE - head);
    madvise(pages + head, size, MADV_HUGEPAGE);
    return pages + head;
}
#endif

/* A host looks at errno after calls of its own: what we do in its events leaves it alone. */

void *lwi_pages_map(size_t size)
{
    int saved = errno;
#if defined(MADV_HUGEPAGE)
    void *pages = size >= HUGE_PAGE && size < SIZE_MAX - HUGE_PAGE ? map_huge(size) : map(size);
#else
    void *pages = map(size);
#endif
    errno = saved;
    return pages;
}

void lwi_pages_unmap(void *pages, size_t size)
{
    int saved = errno;
    munmap(pages, size);
    errno = saved;
}

void *lwi_pages_remap(void *pages, size_t old_size, size_t new_size)
{
#if defined(__linux__)
    int saved = errno;
    void *moved = mremap(pages, old_size, new_size, MREMAP_MAYMOVE);
    errno = saved;
    return moved == MAP_FAILED ? NULL : moved;
#else
    (void)pages, (void)old_size, (void)new_size;
    return NULL;
#endif
}

uint64_t lwi_time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* A lock of our own rather than pthread's: the child of a fork may simply reset it. */

static void wait_for(atomic_int *state)
{
#if defined(__linux__)
    int saved = errno;
    syscall(SYS_futex, state, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
    errno = saved;
#else
    (void)state;
    sched_yield();
#endif
}

void lwi_lock_take(lwi_lock *lock)
{
    int expected = 0;
    if (atomic_compare_exchange_strong_explicit(&lock->state, &expected, 1, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0)
        wait_for(&lock->state);
}

void lwi_lock_give(lwi_lock *lock)
{
    int was = atomic_exchange_explicit(&lock->state, 0, memory_order_release);
#if defined(__linux__)
    int saved = errno;
    if (was == 2)
        syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved;
#else
    (void)was;
#endif
}

void lwi_pause(unsigned *spins)
{
    if (++*spins > 64)
        sched_yield();
}

bool lwi_thread_is_main(void)
{
#if defined(__linux__)
    return syscall(SYS_gettid) == getpid();
#else
    return false;
#endif
}

_Static_assert(sizeof(pthread_key_t) <= sizeof(uintptr_t), "a slot holds a pthread key");

bool lwi_slot_make(lwi_slot *slot, void (*on_exit)(void *value))
{
    pthread_key_t key;
    if (pthread_key_create(&key, on_exit) != 0)
        return false;
    slot->key = (uintptr_t)key;
    slot->made = true;
    return true;
}

void lwi_slot_drop(lwi_slot *slot)
{
    if (slot->made)
        pthread_key_delete((pthread_key_t)slot->key);
    slot->made = false;
}

void *lwi_slot_get(const lwi_slot *slot)
{
    return pthread_getspecific((pthread_key_t)slot->key);
}

bool lwi_slot_set(const lwi_slot *slot, void *value)
{
    return pthread_setspecific((pthread_key_t)slot->key, value) == 0;
}

/* Fork does not know contexts, and a thread that ends may find its context gone. */
static lwi_lock process_lock;
static const lwi_fork_calls *fork_calls;

void lwi_process_take(void)
{
    lwi_lock_take(&process_lock);
}

void lwi_process_give(void)
{
    lwi_lock_give(&process_lock);
}

void lwi_fork_begin(void)
{
    lwi_process_take();
    if (fork_calls)
        fork_calls->prepare();
    lwi_pages_fork_prepare();
}

static void end_fork(void (*after)(void))
{
    lwi_pages_fork_done();
    if (after)
        after();
    lwi_process_give();
}

void lwi_fork_end_in_parent(void)
{
    end_fork(fork_calls ? fork_calls->parent : NULL);
}

void lwi_fork_end_in_child(void)
{
    end_fork(fork_calls ? fork_calls->child : NULL);
}

void lwi_fork_watch(const lwi_fork_calls *calls)
{
    if (!fork_calls && pthread_atfork(lwi_fork_begin, lwi_fork_end_in_parent,
                                      lwi_fork_end_in_child) == 0)
        fork_calls = calls;
}

#else
typedef int lwi_not_posix;
#endif
