/* Which memory around a stack pointer can be read: the mapping that it points into, from
 * /proc/self/maps. pthread_getattr_np would say it too, but takes a lock and allocates. */
#define _GNU_SOURCE
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GROWS = 1 << 30 }; /* how far below its mapping a growing stack may reach */

typedef struct search {
    uintptr_t wanted;
    uintptr_t number[2]; /* of the line so far: begin, end */
    unsigned field;      /* which of them; 2: the rest of the line */
    uintptr_t before;    /* the end of the mapping before */
} search;

static int digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool found(const search *at)
{
    uintptr_t low = at->number[0], lowest = at->number[0] > GROWS ? at->number[0] - GROWS : 0;
    if (at->wanted < low || at->wanted >= at->number[1])
        return false;
    /* What lies between the mapping before and a growing stack becomes stack when it is used. */
    if (at->before < low && low - at->before > (uintptr_t)(64 << 20))
        low = at->before > lowest ? at->before : lowest;
    lwm_thread.stack_low = low;
    lwm_thread.stack_high = at->number[1];
    return true;
}

/* True when the mapping was found. */
static bool feed(search *at, char letter)
{
    int value = digit(letter);
    if (letter == '\n') {
        at->before = at->number[1];
        at->number[0] = at->number[1] = at->field = 0;
    } else if (at->field < 2 && value >= 0) {
        at->number[at->field] = at->number[at->field] << 4 | (unsigned)value;
    } else if (at->field < 2) {
        at->field++;
        return at->field == 2 && found(at);
    }
    return false;
}

bool lwm_stretch_find(uintptr_t address)
{
    char text[1024];
    search at = {address, {0, 0}, 0, 0};
    int saved = errno;
    bool done = false;
    lwm_thread.stack_low = lwm_thread.stack_high = 0;
    /* Not the functions of these names: a thread can be cancelled in those, but not in malloc. */
    long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
    for (long got = 1; file >= 0 && !done && got > 0;) {
        got = syscall(SYS_read, file, text, sizeof text);
        for (long i = 0; i < got && !done; i++)
            done = feed(&at, text[i]);
    }
    if (file >= 0)
        syscall(SYS_close, file);
    errno = saved;
    return done;
}
