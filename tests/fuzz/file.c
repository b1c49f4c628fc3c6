/* Any bytes as a snapshot file: opened as they are, and again with their checksums put right, so
 * that what lies behind these is reached. Whatever opens must answer every question.
 *
 * With -fsanitize=fuzzer this is a target of libFuzzer (compile with -DLW_FUZZER). Else:
 * usage: file input... replays inputs, each also with bytes changed by chance. */
#define _GNU_SOURCE
#include "../support/lws.h"
#include "../support/whole.h"

#include <sys/mman.h>
#include <unistd.h>

enum { LARGEST = 1 << 16 };

static void ask(const char *name, uint32_t flags)
{
    lw_open_options options = LW_OPEN_OPTIONS_INIT;
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *opened = NULL;
    lw_node_info node = LW_NODE_INFO_INIT;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    options.flags = flags;
    if (lw_snapshot_open(name, &options, &opened, &error) != LW_OK) {
        if (opened || (error.status == LW_E_FORMAT && !strstr(error.message, "byte ")))
            abort();
        return;
    }
    lw_snapshot_info_get(opened, &info, NULL);
    lw_status status = lw_node_info_get(opened, 0, &node, &error);
    if (status == LW_OK || status == LW_E_NOT_FOUND) {
        whole all = {0};
        whole_snapshot(&all, opened);
        whole_diff(&all, opened, opened);
        if (all.calls_failed)
            abort(); /* it was checked, so it must answer */
        whole_free(&all);
    } else if (status != LW_E_FORMAT) {
        abort();
    }
    lw_snapshot_release(opened);
}

static void try_file(const unsigned char *bytes, size_t size, uint32_t flags)
{
    char name[32];
    int handle = memfd_create("lws", MFD_CLOEXEC);
    if (handle < 0 || (size && write(handle, bytes, size) != (ssize_t)size))
        abort();
    snprintf(name, sizeof name, "/proc/self/fd/%d", handle);
    ask(name, flags);
    close(handle);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    static unsigned char copy[LARGEST];
    if (size > LARGEST)
        return 0;
    try_file(bytes, size, 0);
    memcpy(copy, bytes, size);
    if (size >= LWS_UNIT) {
        memcpy(copy, "\x89LWS\r\n\x1a\n\1\0\0\0", 12);
        lws_put(copy + 16, 8, size);
    }
    lws_sign(copy, size);
    try_file(copy, size, LW_OPEN_COPY);
    return 0;
}

#if !defined(LW_FUZZER)
static uint64_t seed = 88172645463325252u;

static size_t below(size_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)((seed * 0x9e3779b97f4a7c15u >> 33) % limit);
}

/* Changes a few bytes into what tends to hurt. */
static void change(unsigned char *bytes, size_t size)
{
    static const unsigned char odd[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff};
    for (size_t i = 1 + below(4); i > 0; i--) {
        size_t at = below(size);
        if (below(2))
            bytes[at] = odd[below(sizeof odd)];
        else
            memset(bytes + at, odd[below(sizeof odd)], size - at < 8 ? size - at : 1 + below(8));
    }
}

int main(int argc, char **argv)
{
    static unsigned char copy[LARGEST];
    unsigned long tries = 0, changes = getenv("LW_TEST_ALL") ? 20000 : 400;
    for (int i = 1; i < argc; i++) {
        size_t size;
        unsigned char *bytes = lws_read(argv[i], &size);
        LLVMFuzzerTestOneInput(bytes, size);
        for (unsigned long j = 0; j < changes && size > 0 && size <= LARGEST; j++, tries++) {
            memcpy(copy, bytes, size);
            change(copy, size);
            LLVMFuzzerTestOneInput(copy, size);
        }
        free(bytes);
    }
    printf("%d inputs, %lu changed ones\n", argc - 1, tries);
    return argc < 2;
}
#endif
