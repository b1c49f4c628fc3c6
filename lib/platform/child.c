/* Children for Linux; other systems have none that nobody hears of. */
#define _GNU_SOURCE
#include "platform/child.h"

#if defined(__linux__)

#include "platform/pages.h"
#include "platform/process.h"
#include "platform/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if !defined(CLONE_PIDFD)
#define CLONE_PIDFD 0x1000
#endif

enum {
    NS_PER_MS = 1000 * 1000,
    NAP = 2 * NS_PER_MS,   /* between two looks, where a process cannot be waited for with a limit */
    LONGEST = 1000 * 1000, /* ms that one call waits */
    GRACE = 1              /* s that a parent has to say first that time is over */
};

/* --- in the child -------------------------------------------------------------------------- */

static int open_only(int number, int keep)
{
    return number == keep || number == STDERR_FILENO;
}

static void close_range_of(unsigned first, unsigned last)
{
    if (first > last)
        return;
#if defined(SYS_close_range)
    if (syscall(SYS_close_range, first, last, 0) == 0)
        return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (unsigned i = first; i <= last && (long)i < most; i++)
        close((int)i);
}

/* A pipe that the host closes has to be closed. */
static void close_files(int keep)
{
    unsigned first = 0;
    for (unsigned i = 0; i <= (unsigned)keep || i <= STDERR_FILENO; i++) {
        if (!open_only((int)i, keep))
            continue;
        if (i > first)
            close_range_of(first, i - 1);
        first = i + 1;
    }
    close_range_of(first, ~0u);
}

/* The host's handlers are not for us. What a terminal sends is the host's business too. */
static void reset_signals(void)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL,  SIGFPE,  SIGTRAP,
                                 SIGSYS,  SIGABRT, SIGALRM, SIGTERM, SIGXCPU};
    sigset_t blocked;
    sigfillset(&blocked);
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = number == SIGXFSZ || number == SIGPIPE ? SIG_IGN : SIG_DFL;
        sigaction(number, &action, NULL);
    }
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
        sigdelset(&blocked, deadly[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
}

/* If memory runs out after all, the system takes us and not the host; and a core file as large as
 * the host would not be nothing. 1 is what keeps one from being piped to a program as well. */
static void offer_itself(void)
{
    struct rlimit core = {1, 1};
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t written = write(file, "1000", 4);
        (void)written; /* without it things are as they were */
        close(file);
    }
    setrlimit(RLIMIT_CORE, &core);
    /* Past libc, since sanitizers take a lock for it. */
    syscall(SYS_prctl, PR_SET_NAME, "lw-capture", 0, 0, 0);
}

static void set_alarm(uint64_t limit_ns)
{
    struct itimerval timer;
    memset(&timer, 0, sizeof timer);
    timer.it_value.tv_sec = (time_t)(limit_ns / (1000 * NS_PER_MS)) + GRACE;
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void leave(int status)
{
    for (;;)
        syscall(SYS_exit_group, status);
}

void lwi_child_stay_with(uint64_t parent)
{
    if ((uint64_t)getppid() != parent)
        leave(1);
}

static void run_errand(const lwi_errand *errand)
{
    reset_signals();
    set_alarm(errand->limit_ns);
    close_files(errand->keep);
    offer_itself();
    lwi_fork_end_in_child();
    errand->run(errand->user);
    leave(0);
}

/* --- in the parent ------------------------------------------------------------------------- */

/* No signal at its end: the host's wait() does not find it, its SIGCHLD handler does not run. */
static long clone_quietly(int *handle)
{
#if defined(__s390__) || defined(__CRIS__)
    return syscall(SYS_clone, NULL, CLONE_PIDFD, handle, NULL, NULL);
#else
    return syscall(SYS_clone, CLONE_PIDFD, NULL, handle, NULL, NULL);
#endif
}

int lwi_child_start(lwi_child *child, const lwi_errand *errand)
{
    sigset_t all, before;
    int failed = 0;
    *child = (lwi_child){0, -1};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    lwi_fork_begin();
    long process = clone_quietly(&child->handle);
    if (process == 0)
        run_errand(errand);
    if (process < 0)
        failed = errno;
    lwi_fork_end_in_parent();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (process > 0)
        child->process = process;
    return failed;
}

void lwi_child_disown(lwi_child *child)
{
    if (child->handle >= 0)
        close(child->handle);
    *child = (lwi_child){0, -1};
}

static bool reap(lwi_child *child, int options, lwi_child_end *end)
{
    int status = 0;
    pid_t found;
    do
        found = waitpid((pid_t)child->process, &status, options | __WALL);
    while (found < 0 && errno == EINTR);
    if (found == 0)
        return false;
    *end = (lwi_child_end){0, -1};
    if (found > 0 && WIFSIGNALED(status))
        end->signal = WTERMSIG(status);
    else if (found > 0)
        end->status = WEXITSTATUS(status);
    lwi_child_disown(child);
    return true;
}

static void nap(const lwi_child *child, uint64_t left_ns)
{
    if (child->handle >= 0) {
        struct pollfd about = {child->handle, POLLIN, 0};
        uint64_t left_ms = left_ns / NS_PER_MS + 1;
        poll(&about, 1, left_ms < LONGEST ? (int)left_ms : LONGEST);
    } else {
        struct timespec while_ns = {0, left_ns < NAP ? (long)left_ns : NAP};
        nanosleep(&while_ns, NULL);
    }
}

bool lwi_child_wait(lwi_child *child, uint64_t until, lwi_child_end *end)
{
    int saved = errno;
    bool ended = reap(child, WNOHANG, end);
    for (uint64_t now; !ended && until && (now = lwi_time_ns()) < until;) {
        nap(child, until - now);
        ended = reap(child, WNOHANG, end);
    }
    errno = saved;
    return ended;
}

void lwi_child_kill(lwi_child *child)
{
    lwi_child_end end;
    int saved = errno;
    if (child->process <= 0)
        return;
#if defined(SYS_pidfd_send_signal)
    if (child->handle >= 0)
        syscall(SYS_pidfd_send_signal, child->handle, SIGKILL, NULL, 0);
    else
#endif
        kill((pid_t)child->process, SIGKILL);
    reap(child, 0, &end);
    errno = saved;
}

int lwi_child_alarm(void)
{
    return SIGALRM;
}

int lwi_child_killer(void)
{
    return SIGKILL;
}

void *lwi_shared_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void lwi_shared_unmap(void *memory, size_t size)
{
    munmap(memory, size);
}

#else

int lwi_child_start(lwi_child *child, const lwi_errand *errand)
{
    (void)errand;
    *child = (lwi_child){0, -1};
    return LWI_NO_CHILDREN;
}

bool lwi_child_wait(lwi_child *child, uint64_t until, lwi_child_end *end)
{
    (void)child, (void)until;
    *end = (lwi_child_end){0, -1};
    return true;
}

void lwi_child_kill(lwi_child *child)
{
    (void)child;
}

int lwi_child_alarm(void)
{
    return 0;
}

int lwi_child_killer(void)
{
    return 0;
}

void lwi_child_disown(lwi_child *child)
{
    (void)child;
}

void lwi_child_stay_with(uint64_t parent)
{
    (void)parent;
}

void *lwi_shared_map(size_t size)
{
    (void)size;
    return NULL;
}

void lwi_shared_unmap(void *memory, size_t size)
{
    (void)memory, (void)size;
}

#endif
