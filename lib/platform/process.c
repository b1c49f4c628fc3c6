/* Which process this is, for POSIX. */
#if !defined(_WIN32)

#define _GNU_SOURCE
#include "platform/process.h"

#include "base/hash.h"
#include "platform/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <sys/random.h>
#endif
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
#include <stdlib.h>
#define PROGRAM getprogname()
#elif defined(__linux__)
#define PROGRAM program_invocation_short_name
#else
#define PROGRAM ""
#endif

static _Atomic uint64_t drawn;

static uint64_t draw(void)
{
    uint64_t word = 0;
    int saved = errno;
    if (getentropy(&word, sizeof word) != 0) /* an old kernel: place and time must do */
        word = lwi_hash_mix((uint64_t)(uintptr_t)&word ^ lwi_time_ns(), lwi_clock_ns());
    errno = saved;
    return word | 1;
}

uint64_t lwi_process_run(void)
{
    uint64_t now = atomic_load(&drawn);
    if (now == 0) {
        uint64_t mine = draw();
        now = atomic_compare_exchange_strong(&drawn, &now, mine) ? mine : now;
    }
    return lwi_hash_mix(now, lwi_process_id()) | 1;
}

uint64_t lwi_process_id(void)
{
    return (uint64_t)getpid();
}

const char *lwi_process_program(void)
{
    const char *name = PROGRAM;
    return name ? name : "";
}

uint64_t lwi_process_resident(void)
{
    char text[128];
    int saved = errno;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    errno = saved;
    if (length <= 0)
        return 0;
    text[length] = 0;
    const char *at = text;
    while (*at && *at != ' ') /* the first number is what is mapped */
        at++;
    uint64_t pages = 0;
    for (at += *at == ' '; *at >= '0' && *at <= '9'; at++)
        pages = pages * 10 + (uint64_t)(*at - '0');
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t lwi_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

#else
typedef int lwi_not_posix_process;
#endif
