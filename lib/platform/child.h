/* A child of this process that works on a copy of its memory: nobody else hears of it, neither by
 * a signal, nor by wait(), nor by what pthread_atfork() was given. */
#ifndef LWI_PLATFORM_CHILD_H
#define LWI_PLATFORM_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lwi_child {
    int64_t process; /* 0: none, or its end has been seen */
    int handle;      /* of the process; -1: the system has no such thing */
} lwi_child;

typedef struct lwi_child_end {
    int signal; /* it was killed by; 0: it ended by itself */
    int status; /* with this, or -1: somebody else has waited for it */
} lwi_child_end;

/* What a child is to do. It has the calling thread only, no signal handlers, no files but `keep`
 * and the standard error, and the locks of ours are free in it. */
typedef struct lwi_errand {
    void (*run)(void *user);
    void *user;
    int keep;
    uint64_t limit_ns; /* after which it ends by lwi_child_alarm() */
} lwi_errand;

/* 0, or the system's error number; LWI_NO_CHILDREN: this system cannot do it. */
int lwi_child_start(lwi_child *child, const lwi_errand *errand);
enum { LWI_NO_CHILDREN = -3 };

/* Waits for its end at most until then (lwi_time_ns(); 0: does not wait); false: it still runs. */
bool lwi_child_wait(lwi_child *child, uint64_t until, lwi_child_end *end);

/* Kills it, if it still runs. */
void lwi_child_kill(lwi_child *child);

/* In a fork of its parent: leaves it alone. */
void lwi_child_disown(lwi_child *child);

/* The signals by which it ends when its time is over, and when somebody or the system kills it. */
int lwi_child_alarm(void);
int lwi_child_killer(void);

/* In the child: ends it if `parent`, an lwi_process_id(), has ended. */
void lwi_child_stay_with(uint64_t parent);

/* Zeroed memory that a process and its children share; NULL without. */
void *lwi_shared_map(size_t size);
void lwi_shared_unmap(void *memory, size_t size);

#endif
