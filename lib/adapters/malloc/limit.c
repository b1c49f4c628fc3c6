/* The memory limit of the container, from the control groups of version 2 or 1. */
#define _GNU_SOURCE
#include "watch.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 1024, TEXT = 8192 };

typedef struct version {
    const char *root, *line, *limit, *usage, *cache;
} version;

static const version versions[] = {
    {"/sys/fs/cgroup", "0::", "memory.max", "memory.current", "inactive_file "},
    {"/sys/fs/cgroup/memory", ":memory:", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file "},
};

static bool read_text(const char *path, char *text)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, TEXT - 1);
    if (file >= 0)
        close(file);
    text[got > 0 ? got : 0] = 0;
    return got > 0;
}

static unsigned long long read_number(const char *folder, const char *name)
{
    char path[PATH + 64], text[TEXT];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    /* "max" is no number; version 1 says so by one that is nearly 2^63. */
    unsigned long long value = read_text(path, text) ? strtoull(text, NULL, 10) : 0;
    return value >> 60 ? 0 : value;
}

/* The group of this process below the root; in a container its root is often all it can see. */
static bool group_of(const version *version, char *folder)
{
    char text[TEXT];
    const char *root = getenv("LEAKWATCH_CGROUP");
    if (root) {
        snprintf(folder, PATH, "%s", root);
        return version == &versions[0];
    }
    if (!read_text("/proc/self/cgroup", text))
        return false;
    char *line = strstr(text, version->line);
    if (!line)
        return false;
    line += strlen(version->line);
    line[strcspn(line, "\n")] = 0;
    snprintf(folder, PATH, "%s%s", version->root, line);
    if (access(folder, R_OK) != 0)
        snprintf(folder, PATH, "%s", version->root);
    return true;
}

/* The nearest limit on the way up. */
static unsigned long long limit_in(const version *version, char *folder)
{
    char up[PATH];
    unsigned long long least = 0;
    snprintf(up, sizeof up, "%s", folder);
    for (;;) {
        unsigned long long limit = read_number(up, version->limit);
        if (limit && (!least || limit < least)) {
            least = limit;
            snprintf(folder, PATH, "%s", up);
        }
        char *slash = strrchr(up, '/');
        if (!slash || strlen(up) <= strlen(version->root) || getenv("LEAKWATCH_CGROUP"))
            return least;
        *slash = 0;
    }
}

static const version *found;
static char found_in[PATH];

unsigned long long lwm_limit(void)
{
    for (unsigned i = 0; i < 2; i++) {
        if (!group_of(&versions[i], found_in))
            continue;
        unsigned long long limit = limit_in(&versions[i], found_in);
        found = &versions[i];
        if (limit)
            return limit;
    }
    return 0;
}

unsigned long long lwm_usage(void)
{
    char path[PATH + 64], text[TEXT];
    unsigned long long usage = found ? read_number(found_in, found->usage) : 0;
    snprintf(path, sizeof path, "%s/memory.stat", found_in);
    char *cache = read_text(path, text) ? strstr(text, found->cache) : NULL;
    unsigned long long reclaimable = cache ? strtoull(cache + strlen(found->cache), NULL, 10) : 0;
    return usage > reclaimable ? usage - reclaimable : usage;
}
