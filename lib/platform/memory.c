/* Memory that is left, for Linux: /proc/meminfo and the control groups this process is in. What
 * cannot be read limits nothing. */
#define _GNU_SOURCE
#include "platform/memory.h"

#if defined(__linux__)

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 4096, NAME = 1024 }; /* on the stack */

static bool read_text(const char *path, char *text)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    ssize_t got = file < 0 ? -1 : 0;
    while (file >= 0 && used < TEXT - 1) {
        got = read(file, text + used, TEXT - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    if (file >= 0)
        close(file);
    text[used] = '\0';
    return got >= 0;
}

/* The number behind a word at the beginning of a line; `missing`: no such line. */
static uint64_t number_after(const char *text, const char *word, uint64_t missing)
{
    size_t length = strlen(word);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, length) == 0 && (line[length] == ' ' || line[length] == ':'))
            return strtoull(line + length + 1, NULL, 10);
    }
    return missing;
}

/* The one number in a file; UINT64_MAX: no file, or "max". */
static uint64_t number_in(const char *group, const char *name)
{
    char path[NAME + 64], text[TEXT];
    snprintf(path, sizeof path, "%s/%s", group, name);
    if (!read_text(path, text) || text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    return strtoull(text, NULL, 10);
}

/* What the kernel takes back before it kills. */
static uint64_t reclaimable(const char *group, const char *word)
{
    char path[NAME + 64], text[TEXT];
    snprintf(path, sizeof path, "%s/memory.stat", group);
    return read_text(path, text) ? number_after(text, word, 0) : 0;
}

/* The files of both versions of control groups. */
typedef struct kind {
    const char *place, *limit, *usage, *files;
} kind;

static const kind kinds[] = {
    {"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"},
    {"/sys/fs/cgroup", "memory.high", "memory.current", "inactive_file"},
    {"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file"},
};

/* What is asked of a group. */
enum question { LIMIT, LEFT };

static uint64_t answer_of(const char *group, const kind *kind, enum question question)
{
    uint64_t limit = number_in(group, kind->limit), usage = number_in(group, kind->usage);
    if (question == LIMIT || limit == UINT64_MAX || usage == UINT64_MAX)
        return question == LIMIT ? limit : UINT64_MAX;
    uint64_t files = reclaimable(group, kind->files);
    usage -= files < usage ? files : usage;
    return usage < limit ? limit - usage : 0;
}

/* A group's limit holds for all within. Where a container shows its own groups only, the upper
 * ones of the name are missing and the place itself is ours. */
static uint64_t least_of_all(const char *name, const kind *kind, enum question question)
{
    char group[NAME];
    uint64_t least = UINT64_MAX;
    int length = snprintf(group, sizeof group, "%s%s", kind->place, name);
    if (length < 0 || (size_t)length >= sizeof group)
        return UINT64_MAX;
    for (;;) {
        uint64_t answer = answer_of(group, kind, question);
        least = answer < least ? answer : least;
        char *slash = strrchr(group, '/');
        if (!slash || slash < group + strlen(kind->place))
            return least;
        *slash = '\0';
    }
}

/* "0::/name" is the one of version 2, "4:memory,other:/name" one of version 1. */
static uint64_t least_of_line(const char *line, enum question question)
{
    char name[NAME];
    const char *words = strchr(line, ':'), *path = words ? strchr(words + 1, ':') : NULL;
    if (!path)
        return UINT64_MAX;
    size_t length = strcspn(path + 1, "\n");
    if (length >= sizeof name)
        return UINT64_MAX;
    memcpy(name, path + 1, length);
    name[length] = '\0';
    if (path == words + 1) {
        uint64_t most = least_of_all(name, &kinds[0], question);
        uint64_t high = least_of_all(name, &kinds[1], question);
        return most < high ? most : high;
    }
    for (const char *word = words + 1; word < path; word += strcspn(word, ",:") + 1) {
        if (strcspn(word, ",:") == 6 && memcmp(word, "memory", 6) == 0)
            return least_of_all(name, &kinds[2], question);
    }
    return UINT64_MAX;
}

static uint64_t least_of_groups(enum question question)
{
    char text[TEXT];
    uint64_t least = UINT64_MAX;
    if (!read_text("/proc/self/cgroup", text))
        return least;
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        uint64_t answer = least_of_line(line, question);
        least = answer < least ? answer : least;
    }
    return least;
}

static uint64_t left_in_system(void)
{
    char text[TEXT];
    if (!read_text("/proc/meminfo", text))
        return UINT64_MAX;
    uint64_t kib = number_after(text, "MemAvailable", UINT64_MAX);
    return kib > UINT64_MAX / 1024 ? UINT64_MAX : kib * 1024;
}

uint64_t lwi_memory_left(void)
{
    int saved = errno;
    uint64_t groups = least_of_groups(LEFT), system = left_in_system();
    errno = saved;
    return groups < system ? groups : system;
}

/* Version 1 says "none" by a number near 2^63. */
uint64_t lwi_memory_limit(void)
{
    int saved = errno;
    uint64_t limit = least_of_groups(LIMIT);
    errno = saved;
    return limit >> 60 ? 0 : limit;
}

uint64_t lwi_memory_private(void)
{
    char text[TEXT], *at = text;
    int saved = errno;
    if (!read_text("/proc/self/statm", text))
        text[0] = '\0';
    uint64_t pages[3] = {0, 0, 0}; /* mapped, in memory, of those shared */
    for (int i = 0; i < 3; i++)
        pages[i] = strtoull(at, &at, 10);
    long size = sysconf(_SC_PAGESIZE);
    errno = saved;
    return pages[1] > pages[2] && size > 0 ? (pages[1] - pages[2]) * (uint64_t)size : 0;
}

#else

uint64_t lwi_memory_left(void)
{
    return UINT64_MAX;
}

uint64_t lwi_memory_limit(void)
{
    return 0;
}

uint64_t lwi_memory_private(void)
{
    return 0;
}

#endif
