/* Capturing in a child without memory: every allocation of the parent fails in turn, once and for
 * good; and in the child nothing may come from malloc at all, whose locks another thread may have
 * held at the fork. The system refuses a file in memory. */
#define _GNU_SOURCE
#include "../golden/scene.h"
#include "../support/counting.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__linux__)
int main(void)
{
    puts("children that nobody hears of are made on Linux only");
    return 77;
}
#else

static unsigned long failures, faults;

static int expect(int right, const char *what, const char *fault, long long at)
{
    if (!right && failures++ < 20)
        fprintf(stderr, "%s %lld: %s\n", fault, at, what);
    return right;
}

/* ---- malloc, as the child finds it ---- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define WATCHES_MALLOC 1

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static pid_t watched; /* 0: nobody looks */

static void look(void)
{
    if (watched && getpid() != watched)
        syscall(SYS_exit_group, 99);
}

void *malloc(size_t size)
{
    look();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    look();
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    look();
    return __libc_realloc(block, size);
}

void free(void *block)
{
    look();
    __libc_free(block);
}
#else
#define WATCHES_MALLOC 0
static pid_t watched;
#endif

/* ---- the system ---- */

static int no_file;

int memfd_create(const char *name, unsigned flags)
{
    if (!no_file)
        return (int)syscall(SYS_memfd_create, name, flags);
    errno = no_file;
    return -1;
}

/* ---- the scene ---- */

static int more(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t type = lw_sink_type(sink, 0, "Many", 0);
    for (lw_key i = 1; i <= 20000; i++) {
        char name[32];
        int length = snprintf(name, sizeof name, "'key %d'", (int)i);
        lw_sink_node(sink, i, type, 16 + i % 7);
        lw_sink_edge(sink, i / 2 + 1, i, LW_EDGE_STRONG,
                     lw_sink_label(sink, LW_LABEL_KEY, name, (size_t)length));
    }
    return lw_sink_root(sink, 1, lw_sink_root_kind(sink, "global", 0), 0);
}

/* On memory that counts, or on pages. */
static lw_context *open_scene(counting *memory)
{
    lw_context_options options = LW_CONTEXT_OPTIONS_INIT;
    lw_runtime_options plug = LW_RUNTIME_OPTIONS_INIT;
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_domain *heap = NULL;
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    static const uint64_t words[] = {1, 2, 3};
    static const lw_stack stack = {words, 3, 0, 0};
    if (memory)
        options = counting_options(memory);
    domain.name = "heap";
    domain.describe_frame = scene_describe;
    expect(lw_context_create(&options, &context, NULL) == LW_OK, "no context", "scene", 0);
    lw_domain_create(context, &domain, &heap, NULL);
    lw_block_alloc(heap, (const void *)(uintptr_t)0x20000, 0x200, &stack);
    plug.name = "app";
    plug.enumerate = scene_heap;
    plug.domains = &heap;
    plug.domain_count = 1;
    expect(lw_runtime_create(context, &plug, &runtime, NULL) == LW_OK, "no runtime", "scene", 0);
    plug = (lw_runtime_options)LW_RUNTIME_OPTIONS_INIT;
    plug.name = "many";
    plug.key_kind = LW_KEY_OPAQUE;
    plug.enumerate = more;
    expect(lw_runtime_create(context, &plug, &runtime, NULL) == LW_OK, "no runtime", "scene", 0);
    return context;
}

static lw_status capture(lw_context *context, const lw_capture_options *options, lw_error *error)
{
    lw_capture *capture = NULL;
    lw_snapshot *snapshot = NULL;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_status status = lw_capture_start(context, options, &capture, error);
    if (status == LW_OK)
        status = lw_capture_wait(capture, UINT64_MAX, &snapshot, error);
    if (status == LW_OK) {
        lw_snapshot_info_get(snapshot, &info, NULL);
        expect(info.nodes == 20006 && info.edges >= 20000, "half a snapshot", "capture", 0);
    }
    expect((status == LW_OK) == (snapshot != NULL), "a result of a failure", "capture", 0);
    lw_snapshot_release(snapshot);
    lw_capture_release(capture);
    expect(waitpid(-1, NULL, __WALL | WNOHANG) == -1, "a child is left", "capture", 0);
    return status;
}

/* ---- faults ---- */

static void fail_each_allocation(int persistent)
{
    counting memory;
    memset(&memory, 0, sizeof memory);
    lw_context *context = open_scene(&memory);
    capture(context, NULL, NULL); /* what is made once is made */
    for (long long at = 1;; at++) {
        lw_error error = LW_ERROR_INIT;
        long long bytes = memory.bytes, failed = memory.failed;
        memory.persistent = persistent;
        memory.fail_at = memory.calls + at;
        lw_status status = capture(context, NULL, &error);
        memory.fail_at = 0;
        if (memory.failed == failed) {
            expect(status == LW_OK, error.message, "no fault", at);
            break;
        }
        faults++;
        expect(status == LW_E_NOMEM && error.message[0], "no word on memory", "allocation", at);
        expect(memory.bytes == bytes, "memory is lost", "allocation", at);
    }
    lw_context_release(context);
    expect(memory.bytes == 0 && memory.wrong == 0, "memory is lost", "end", 0);
}

static void without_malloc(void)
{
    lw_error error = LW_ERROR_INIT;
    lw_context *context = open_scene(NULL);
    watched = getpid();
    expect(capture(context, NULL, &error) == LW_OK, error.message, "malloc", 0);
    watched = 0;
    lw_context_release(context);
}

static void refused_files(void)
{
    static const int numbers[] = {ENOSYS, EMFILE, ENOMEM, EPERM};
    lw_context *context = open_scene(NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        lw_error error = LW_ERROR_INIT;
        lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
        no_file = numbers[i];
        faults++;
        expect(capture(context, NULL, &error) == LW_E_IO, "no word on it", "memfd", numbers[i]);
        options.flags = LW_CAPTURE_OR_IN_PLACE;
        expect(capture(context, &options, &error) == LW_OK, error.message, "memfd", numbers[i]);
        no_file = 0;
        expect(capture(context, NULL, &error) == LW_OK, error.message, "memfd", numbers[i]);
    }
    lw_context_release(context);
}

int main(void)
{
    fail_each_allocation(0);
    fail_each_allocation(1);
    refused_files();
    without_malloc();
    printf("%lu faults, %lu failures%s\n", faults, failures,
           WATCHES_MALLOC ? "" : "; malloc in the child: watched in a build without sanitizers");
    return failures != 0;
}
#endif
