/* The report. Its memory is the core's, its writing bare system calls: the program's stdio and
 * allocator have no part in it. */
#define _GNU_SOURCE
#include "report.h"

#include "adapter.h"
#include "modules.h"
#include "names.h"
#include "next.h"
#include "options.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unwind.h>

static struct stat standard_error;
static bool has_standard_error;

void lwm_report_init(void)
{
    has_standard_error = fstat(STDERR_FILENO, &standard_error) == 0;
}

/* ---- where it goes ---- */

typedef struct sink {
    int file;
    size_t used;
    char text[4096];
} sink;

static int flush(sink *to)
{
    for (size_t done = 0; done < to->used;) {
        ssize_t wrote = write(to->file, to->text + done, to->used - done);
        if (wrote < 0 && errno != EINTR)
            return -1;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    to->used = 0;
    return 0;
}

static int put(const char *text, size_t length, void *user)
{
    sink *to = user;
    while (length) {
        size_t part = sizeof to->text - to->used;
        if (part > length)
            part = length;
        memcpy(to->text + to->used, text, part);
        to->used += part;
        text += part;
        length -= part;
        if (to->used == sizeof to->text && flush(to) != 0)
            return -1;
    }
    return 0;
}

static void put_text(sink *to, const char *text)
{
    put(text, strlen(text), to);
}

/* %p is the process's number, %% a percent sign. */
static void file_name(char *name, size_t room)
{
    size_t used = 0;
    for (const char *at = lwm_asked.output; *at && used + 24 < room; at++) {
        if (at[0] == '%' && at[1] == 'p') {
            used += (size_t)snprintf(name + used, room - used, "%ld", (long)getpid());
            at++;
        } else {
            at += at[0] == '%' && at[1] == '%';
            name[used++] = *at;
        }
    }
    name[used] = 0;
}

/* A program may have closed its standard error and opened something else in its place. */
static bool is_still_standard_error(void)
{
    struct stat now;
    return has_standard_error && fstat(STDERR_FILENO, &now) == 0 &&
           now.st_dev == standard_error.st_dev && now.st_ino == standard_error.st_ino;
}

/* The first report of a process begins the file anew, later ones are added. */
static int sink_open(void)
{
    static pid_t begun;
    char name[LWM_PATH + 32];
    if (!lwm_asked.output[0])
        return is_still_standard_error() ? dup(STDERR_FILENO) : -1;
    file_name(name, sizeof name);
    int how = begun == getpid() ? O_APPEND : O_TRUNC;
    int file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | how, 0666);
    begun = getpid();
    return file;
}

/* ---- a program that does not call us ---- */

enum { MANY_EVENTS = 1000, MUCH_MEMORY = 8 << 20 };

static uint64_t private_memory(void)
{
    char text[128];
    unsigned long size, resident = 0, shared = 0;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[got > 0 ? got : 0] = 0;
    if (sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3 || resident < shared)
        return 0;
    return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static const char help[] =
    "  What to do: build it without -static and -Bsymbolic, and with its allocator as a shared\n"
    "  library, then run it again; or tell leakwatch of its blocks with lw_block_alloc() and\n"
    "  lw_block_free() (docs/embedding.md).\n";

/* Whether what the program calls `malloc` is ours. */
static bool is_first(void)
{
    Dl_info ours, first;
    void *found = dlsym(RTLD_DEFAULT, "malloc");
    return !found || !dladdr(found, &first) || !dladdr(&standard_error, &ours) ||
           first.dli_fbase == ours.dli_fbase;
}

static void put_blindness(sink *to)
{
    lw_context_stats stats = LW_CONTEXT_STATS_INIT;
    char text[256];
    lw_context_stats_get(lwm_context, &stats, NULL);
    uint64_t memory = private_memory();
    if (lwm_asked.is_bound || !is_first()) {
        put_text(to, "leakwatch: the program has a malloc of its own: what it allocates with that "
                     "is not seen.\n");
    } else if (stats.events < MANY_EVENTS && memory > stats.own_bytes + MUCH_MEMORY) {
        snprintf(text, sizeof text,
                 "leakwatch: only %llu allocations and frees were seen, but the process holds "
                 "%llu MB.\n  It seems to have an allocator of its own inside.\n",
                 (unsigned long long)stats.events, (unsigned long long)(memory >> 20));
        put_text(to, text);
    } else {
        return;
    }
    put_text(to, help);
}

/* ---- writing it ---- */

static void put_headline(sink *to, const char *why)
{
    char text[256];
    extern char *program_invocation_short_name;
    snprintf(text, sizeof text, "leakwatch: %s, process %ld, %s\n", program_invocation_short_name,
             (long)getpid(), why);
    put_text(to, text);
}

static void put_failure(sink *to, const lw_error *error)
{
    put_text(to, "leakwatch: no report: ");
    put_text(to, error->message);
    put_text(to, "\n");
}

/* ---- what the allocator keeps ---- */

static _Unwind_Reason_Code find_signal(struct _Unwind_Context *context, void *user)
{
    int exact = 0;
    _Unwind_GetIPInfo(context, &exact);
    if (exact) /* interrupted there, and not a call */
        *(bool *)user = true;
    return exact ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* Who ends a program in a signal handler may have interrupted malloc, whose locks are needed. */
static int ask_libc(lw_memory_held *held, void *user)
{
    bool interrupted = false;
    (void)user;
    _Unwind_Backtrace(find_signal, &interrupted);
    if (interrupted)
        return -1;
#if __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();
    held->held = info.arena + info.hblkhd;
    held->used = info.uordblks + info.hblkhd;
    return 0;
#else
    (void)held;
    return -1;
#endif
}

void lwm_report_source(void)
{
    lw_memory_source source = LW_MEMORY_SOURCE_INIT;
    source.name = "malloc";
    source.domains = &lwm_domain;
    source.domain_count = 1;
    source.ask = ask_libc;
    lw_memory_source_add(lwm_context, &source, NULL);
}

/* ---- how much, or where ---- */

static lw_region *program; /* in mode COUNTS: its net and net peak */
static lw_round whole;

void lwm_report_begin(void)
{
    lw_region_options options = LW_REGION_OPTIONS_INIT;
    options.scope = LW_SCOPE_PROCESS;
    if (lwm_asked.mode == LW_MODE_COUNTS &&
        lw_region_create(lwm_context, "program", &options, &program, NULL) == LW_OK)
        lw_region_begin(program, &whole, NULL);
}

static lw_status write_totals(sink *to, const lw_report_options *options, lw_error *error)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    bool known = whole && lw_region_stats_get(program, whole, &stats, NULL) == LW_OK;
    return lw_report_totals(lwm_context, known ? &stats : NULL, options, put, to, error);
}

static lw_status write_survivors(sink *to, const lw_report_options *options, lw_error *error)
{
    lw_survivors *survivors = NULL;
    lw_status status = lw_survivors_take(lwm_context, NULL, 0, &survivors, error);
    if (status == LW_OK)
        status = lw_report_region(NULL, survivors, options, put, to, error);
    lw_survivors_release(survivors);
    return status;
}

static void write_to(sink *to, const char *why)
{
    lw_error error = LW_ERROR_INIT;
    lw_memory memory = LW_MEMORY_INIT;
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    if (lw_memory_get(lwm_context, &memory, NULL) == LW_OK)
        options.memory = &memory;
    options.format = lwm_asked.is_json ? LW_FORMAT_JSON : LW_FORMAT_TEXT;
    options.flags = lwm_asked.is_all ? LW_REPORT_ALL : 0;
    if (!lwm_asked.is_json) {
        put_headline(to, why);
        put_blindness(to);
    }
    lw_status status = lwm_asked.mode == LW_MODE_COUNTS ? write_totals(to, &options, &error)
                                                        : write_survivors(to, &options, &error);
    if (status != LW_OK && status != LW_E_IO)
        put_failure(to, &error);
    flush(to);
}

void lwm_report(const char *why)
{
    static atomic_flag busy = ATOMIC_FLAG_INIT;
    static sink to;
    if (!lwm_domain || atomic_flag_test_and_set(&busy))
        return;
    int saved = errno;
    lwm_thread.inside++;
    lwm_names_begin();
    lwm_modules_sweep();
    to.file = sink_open();
    to.used = 0;
    if (to.file >= 0) {
        write_to(&to, why);
        close(to.file);
    }
    lwm_thread.inside--;
    errno = saved;
    atomic_flag_clear(&busy);
}
