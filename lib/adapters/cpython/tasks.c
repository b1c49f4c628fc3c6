/* Regions that follow a task. An asyncio task runs in a context of its own: a round begun there is
 * active on a thread exactly while that context is on the thread's chain of contexts, each entered
 * from the next. A round begun without a context stays with its thread. Contexts with open rounds
 * are kept alive, so that an equal address is the same context. */
#include "frames.h"
#include "hooks.h"

#include <string.h>
#include <sys/mman.h>

enum {
    CHAIN_MAX = 8,
    BUCKETS = 256
};

/* An open round, among those of its context. */
struct follower {
    lw_region *region;
    lw_round round;
    struct follower *outer;
    struct follower *inner;
};

/* A context with open rounds. They are all active on one thread, or all suspended. */
struct task {
    PyObject *context; /* owned */
    const PyThreadState *thread; /* where they are active; NULL: suspended. Compared only */
    struct follower *outermost;
    struct follower *innermost;
    struct task *bucket;
    struct task *active; /* the next with a thread */
};

/* One size for both: what is free is chained. */
union cell {
    struct follower follower;
    struct task task;
    union cell *free;
};

/* All guarded by the GIL. */
static struct task *buckets[BUCKETS];
static struct task *active;
static unsigned tasks;
static union cell *cells;
static uint64_t generation; /* of the tasks: what a thread has seen before is no proof */

/* The chain that this thread was last seen in. */
static LWPY_THREAD_LOCAL struct {
    uint64_t generation;
    uint32_t count;
    PyObject *chain[CHAIN_MAX];
} seen;

/* ---- memory and links ---- */

static void *cell_new(void)
{
    enum {
        BYTES = 1 << 14
    };
    if (!cells) {
        union cell *made =
            mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (made == MAP_FAILED)
            return NULL;
        for (size_t i = 0; i < BYTES / sizeof *made; i++) {
            made[i].free = cells;
            cells = &made[i];
        }
    }
    union cell *cell = cells;
    cells = cell->free;
    memset(cell, 0, sizeof *cell);
    return cell;
}

static void cell_free(void *cell)
{
    ((union cell *)cell)->free = cells;
    cells = cell;
}

static struct task **bucket_of(PyObject *context)
{
    return &buckets[((uintptr_t)context >> 4) % BUCKETS];
}

static struct task *find_task(PyObject *context)
{
    struct task *task = *bucket_of(context);
    while (task && task->context != context)
        task = task->bucket;
    return task;
}

static struct task *task_new(PyObject *context)
{
    struct task *task = cell_new();
    if (!task)
        return NULL;
    task->context = Py_NewRef(context);
    struct task **bucket = bucket_of(context);
    task->bucket = *bucket;
    *bucket = task;
    tasks++;
    generation++;
    return task;
}

static void set_active(struct task *task, const PyThreadState *thread)
{
    if (!task->thread) {
        task->active = active;
        active = task;
    }
    task->thread = thread;
}

static void set_suspended(struct task *task)
{
    struct task **link = &active;
    while (*link && *link != task)
        link = &(*link)->active;
    if (*link)
        *link = task->active;
    task->thread = NULL;
}

/* The reference that the task held is now the caller's. */
static PyObject *task_free(struct task *task)
{
    struct task **link = bucket_of(task->context);
    PyObject *context = task->context;
    while (*link != task)
        link = &(*link)->bucket;
    *link = task->bucket;
    set_suspended(task);
    cell_free(task);
    if (--tasks == 0)
        lwpy_attend(LWPY_ATTEND_TASKS, false);
    return context;
}

/* ---- following ---- */

static bool has_changed(PyObject *innermost)
{
    uint32_t count = 0;
    bool same = seen.generation == generation;
    PyObject *context = innermost;
    for (; context && count < CHAIN_MAX; context = lwpy_host_context_previous(context), count++) {
        same = same && count < seen.count && seen.chain[count] == context;
        seen.chain[count] = context;
    }
    same = same && count == seen.count && !context; /* of a longer one we know too little */
    seen.count = count;
    seen.generation = generation;
    return !same;
}

static bool is_on_chain(PyObject *context, PyObject *innermost)
{
    while (innermost && innermost != context)
        innermost = lwpy_host_context_previous(innermost);
    return innermost != NULL;
}

static void suspend(struct task *task)
{
    for (struct follower *round = task->innermost; round; round = round->outer)
        lw_region_suspend(round->region, round->round, NULL);
    set_suspended(task);
}

static void resume(struct task *task, const PyThreadState *thread)
{
    for (struct follower *round = task->outermost; round; round = round->inner)
        lw_region_resume(round->region, round->round, NULL);
    set_active(task, thread);
}

void lwpy_tasks_follow(PyThreadState *thread)
{
    PyObject *innermost = lwpy_host_context(thread);
    if (!has_changed(innermost))
        return;
    for (struct task *task = active, *next; task; task = next) {
        next = task->active;
        if (task->thread == thread && !is_on_chain(task->context, innermost))
            suspend(task);
    }
    for (PyObject *context = innermost; context; context = lwpy_host_context_previous(context)) {
        struct task *task = find_task(context);
        if (task && !task->thread)
            resume(task, thread);
    }
}

void lwpy_tasks_forget(void)
{
    for (int i = 0; i < BUCKETS; i++) {
        while (buckets[i]) {
            struct task *task = buckets[i];
            for (struct follower *round = task->outermost, *inner; round; round = inner) {
                inner = round->inner;
                cell_free(round);
            }
            Py_DECREF(task_free(task)); /* may run code, and that may end a region */
        }
    }
}

/* ---- begin and end ---- */

lw_status lwpy_task_region_begin(lw_region *region, lw_round *round, lw_error *error)
{
    PyThreadState *thread = PyThreadState_Get();
    PyObject *context = lwpy_host_context(thread);
    if (!lwpy_record_context() || !context)
        return lw_region_begin(region, round, error);
    struct follower *follower = cell_new();
    struct task *task = follower ? find_task(context) : NULL;
    if (follower && !task)
        task = task_new(context);
    lw_status status = LW_E_NOMEM;
    lwpy_tasks_follow(thread);
    if (task)
        status = lw_region_begin(region, round, error);
    else
        *round = 0;
    if (status != LW_OK) {
        if (follower)
            cell_free(follower);
        if (task && !task->innermost)
            Py_DECREF(task_free(task));
        return status;
    }
    follower->region = region;
    follower->round = *round;
    follower->outer = task->innermost;
    *(task->innermost ? &task->innermost->inner : &task->outermost) = follower;
    task->innermost = follower;
    set_active(task, thread);
    lwpy_attend(LWPY_ATTEND_TASKS, true);
    return LW_OK;
}

static struct follower *round_of(const struct task *task, const lw_region *region, lw_round round)
{
    struct follower *at = task ? task->innermost : NULL;
    while (at && (at->round != round || at->region != region))
        at = at->outer;
    return at;
}

static struct follower *find_round(PyObject *innermost, const lw_region *region, lw_round round,
                                   struct task **task)
{
    struct follower *found = NULL;
    if (!tasks)
        return NULL;
    for (; innermost && !found; innermost = lwpy_host_context_previous(innermost)) {
        *task = find_task(innermost);
        found = round_of(*task, region, round);
    }
    for (int i = 0; i < BUCKETS && !found; i++)
        for (*task = buckets[i]; *task; *task = (*task)->bucket)
            if ((found = round_of(*task, region, round)))
                break;
    return found;
}

/* A round may end while its task is suspended: when a coroutine is closed from outside. */
static lw_status end(lw_region *region, lw_round round, lw_region_stats *stats, lw_error *error)
{
    lw_status status = lw_region_end(region, round, stats, error);
    if (status == LW_E_STATE && lw_region_resume(region, round, NULL) == LW_OK) {
        status = lw_region_end(region, round, stats, error);
        if (status != LW_OK)
            lw_region_suspend(region, round, NULL);
    }
    return status;
}

lw_status lwpy_task_region_end(lw_region *region, lw_round round, lw_region_stats *stats,
                               lw_error *error)
{
    PyThreadState *thread = PyThreadState_Get();
    struct task *task = NULL;
    if (tasks)
        lwpy_tasks_follow(thread);
    struct follower *follower = find_round(lwpy_host_context(thread), region, round, &task);
    lw_status status = end(region, round, stats, error);
    if (!follower || status != LW_OK)
        return status;
    *(follower->outer ? &follower->outer->inner : &task->outermost) = follower->inner;
    *(follower->inner ? &follower->inner->outer : &task->innermost) = follower->outer;
    cell_free(follower);
    if (!task->innermost)
        Py_DECREF(task_free(task));
    return LW_OK;
}
