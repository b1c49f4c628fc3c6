/* What of this process is in memory, for Linux: /proc/self/status has the sums, /proc/self/maps
 * where the stacks are. Buffers are on the stack: whoever asks may be an allocator. */
#define _GNU_SOURCE
#include "platform/usage.h"

#if defined(__linux__)

#include "platform/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TEXT = 4096, PAGES = 4096 };

/* A file of /proc, line by line. */
typedef struct lines {
    int file;
    size_t used, at;
    char text[TEXT + 1];
} lines;

static bool lines_open(lines *lines, const char *path)
{
    lines->file = open(path, O_RDONLY | O_CLOEXEC);
    lines->used = lines->at = 0;
    return lines->file >= 0;
}

static bool fill(lines *lines)
{
    ssize_t got;
    memmove(lines->text, lines->text + lines->at, lines->used - lines->at);
    lines->used -= lines->at;
    lines->at = 0;
    do
        got = read(lines->file, lines->text + lines->used, TEXT - lines->used);
    while (got < 0 && errno == EINTR);
    lines->used += got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* The next line, terminated; NULL at the end. One that is longer than the room comes in parts. */
static char *next_line(lines *lines)
{
    for (;;) {
        char *line = lines->text + lines->at;
        char *end = memchr(line, '\n', lines->used - lines->at);
        if (!end && lines->used - lines->at < TEXT && fill(lines))
            continue;
        line = lines->text + lines->at;
        if (!end) {
            if (lines->at == lines->used)
                return NULL;
            end = lines->text + lines->used;
        }
        *end = '\0';
        lines->at = (size_t)(end - lines->text) + (end < lines->text + lines->used);
        return line;
    }
}

/* "VmRSS:     1752 kB" */
static bool number_of(const char *line, const char *word, uint64_t *bytes)
{
    size_t length = strlen(word);
    if (strncmp(line, word, length) != 0)
        return false;
    *bytes = strtoull(line + length, NULL, 10) * 1024;
    return true;
}

static bool read_sums(lwi_usage *usage)
{
    lines lines;
    bool found = false;
    if (!lines_open(&lines, "/proc/self/status"))
        return false;
    for (char *line; (line = next_line(&lines)) != NULL;) {
        found = number_of(line, "VmRSS:", &usage->resident) || found;
        number_of(line, "VmHWM:", &usage->peak);
        number_of(line, "RssFile:", &usage->files);
        number_of(line, "RssShmem:", &usage->shared);
    }
    close(lines.file);
    if (usage->peak < usage->resident)
        usage->peak = usage->resident;
    return found;
}

/* Of a private mapping without a file: which of its pages are there. */
static uint64_t in_memory(uint64_t start, uint64_t end)
{
    unsigned char there[PAGES];
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), count = 0;
    start &= ~(page - 1);
    while (start < end) {
        uint64_t pages = (end - start + page - 1) / page;
        pages = pages < PAGES ? pages : PAGES;
        if (mincore((void *)(uintptr_t)start, (size_t)(pages * page), there) != 0)
            break; /* it has just gone */
        for (uint64_t i = 0; i < pages; i++)
            count += there[i] & 1;
        start += pages * page;
    }
    return count * page;
}

/* "7ffd1c000000-7ffd1c021000 rw-p 00000000 00:00 0    [stack]" */
static uint64_t stack_in_line(const char *line, lwi_stack_in_fn stack_in, void *user)
{
    char *rest;
    uint64_t start = strtoull(line, &rest, 16);
    uint64_t end = *rest == '-' ? strtoull(rest + 1, &rest, 16) : 0;
    if (end <= start || strncmp(rest, " rw-p", 5) != 0)
        return 0;
    if (!strstr(rest, "[stack]"))
        end = stack_in(start, end, user);
    return end > start ? in_memory(start, end) : 0;
}

static void read_stacks(lwi_usage *usage, lwi_stack_in_fn stack_in, void *user)
{
    lines lines;
    if (!lines_open(&lines, "/proc/self/maps"))
        return;
    for (char *line; (line = next_line(&lines)) != NULL;)
        usage->stacks += stack_in_line(line, stack_in, user);
    close(lines.file);
}

bool lwi_usage_get(lwi_usage *usage, lwi_stack_in_fn stack_in, void *user)
{
    int saved = errno;
    memset(usage, 0, sizeof *usage);
    bool told = read_sums(usage);
    if (told) {
        read_stacks(usage, stack_in, user);
        usage->limit = lwi_memory_limit();
    }
    errno = saved;
    return told;
}

#else

bool lwi_usage_get(lwi_usage *usage, lwi_stack_in_fn stack_in, void *user)
{
    (void)stack_in, (void)user;
    *usage = (lwi_usage){0, 0, 0, 0, 0, 0};
    return false;
}

#endif
