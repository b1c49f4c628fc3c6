/* Beginning and end. The linker marks us to be initialised first (-z initfirst): what the static
 * initialisers of others allocate is seen. And what is registered for exit first comes last: the
 * report is written when all destructors have run. */
#define _GNU_SOURCE
#include "adapter.h"
#include "modules.h"
#include "names.h"
#include "next.h"
#include "options.h"
#include "report.h"
#include "walk.h"
#include "watch.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern int __cxa_atexit(void (*call)(void *user), void *user, void *module);

static pid_t home; /* the process that reports; 0: it has done so for the last time */

static void on_exit_last(void *user)
{
    (void)user;
    if (getpid() != home)
        return;
    home = 0;
    lwm_report("at exit");
}

/* Shells and workers end by this one. A child of vfork() does too, in our memory: it is not us. */
static __attribute__((noreturn)) void leave(const char *name, int status)
{
    void (*next)(int);
    on_exit_last(NULL);
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(&next, &found, sizeof found);
    next(status);
    __builtin_unreachable();
}

__attribute__((visibility("default"), noreturn)) void _exit(int status)
{
    leave("_exit", status);
}

__attribute__((visibility("default"), noreturn)) void _Exit(int status)
{
    leave("_Exit", status);
}

/* A child of fork goes on recording if it is to report. */
static void on_fork_in_child(void)
{
    lwm_thread.inside = 0;
    if (lwm_asked.children) {
        home = getpid();
        lwm_watch_start();
    }
}

/* glibc's blocks are aligned to 16 bytes; others align small ones to 8. */
static bool is_libc(void *function)
{
    Dl_info info;
    return dladdr(function, &info) && strstr(info.dli_fname, "/libc.so");
}

static bool record(void)
{
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *domain = NULL;
    void *next;
    memcpy(&next, &lwm_next.malloc, sizeof next);
    options.name = "malloc";
    if (!is_libc(next)) {
        options.kind = LW_DOMAIN_APART;
        options.alignment = 8;
        options.flags = LW_DOMAIN_IN_PROCESS;
    }
    options.describe_frame = lwm_describe;
    options.name_frame = lwm_name;
    if (lw_context_default(&lwm_context, NULL) != LW_OK)
        return false;
    lwm_frames = lwm_asked.frames;
    if (lw_mode_set(lwm_context, lwm_asked.mode,
                    lwm_asked.mode == LW_MODE_SAMPLED ? lwm_asked.interval : 0, NULL) != LW_OK)
        return false;
    if (lw_domain_create(lwm_context, &options, &domain, NULL) != LW_OK)
        return false;
    lwm_report_begin();
    lwm_domain = domain;
    if (options.kind == LW_DOMAIN_SHARED)
        lwm_report_source();
    return true;
}

__attribute__((constructor)) static void start(int count, char **arguments, char **environment)
{
    (void)count, (void)arguments;
    lwm_options_read(environment);
    if (lwm_asked.passive || !lwm_next_find())
        return;
    lwm_thread.inside++;
    lwm_report_init();
    lwm_modules_init();
    home = getpid();
    if (lwm_threads_init() && record()) {
        pthread_atfork(NULL, NULL, on_fork_in_child);
        __cxa_atexit(on_exit_last, NULL, NULL);
    }
    lwm_thread.inside--;
}

/* Between the initialisers of the libraries and those of the program: libc is ready for threads. */
typedef int (*start_main_fn)(int (*main)(int, char **, char **), int count, char **arguments,
                             void (*begin)(void), void (*end)(void), void (*end_loader)(void),
                             void *stack_end);

static start_main_fn next_start_main(void)
{
    start_main_fn next;
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");
    memcpy(&next, &found, sizeof found);
    return next;
}

/* The last call takes the place of this one: no stack shows it. */
__attribute__((visibility("default"))) int __libc_start_main(
    int (*main)(int, char **, char **), int count, char **arguments, void (*begin)(void),
    void (*end)(void), void (*end_loader)(void), void *stack_end)
{
    if (lwm_domain) {
        lwm_names_begin();
        lwm_watch_start();
    }
    return next_start_main()(main, count, arguments, begin, end, end_loader, stack_end);
}
