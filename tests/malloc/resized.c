/* Frames of any size: the same function at the same place of the stack, with another frame between it
 * and the same caller. A walk that only compares return addresses takes one for the other. */
#include "expect.h"

#include <alloca.h>

static void *volatile kept;

static __attribute__((noinline)) void leaf(void)
{
    kept = malloc(48);
}

static __attribute__((noinline)) void middle(size_t room)
{
    volatile char *space = alloca(room);
    space[0] = 1;
    leaf();
    space[0] = 2;
}

static __attribute__((noinline)) void between(size_t room)
{
    volatile char space[64];
    space[0] = 1;
    middle(room);
    space[0] = 2;
}

int main(void)
{
    static void (*const call[2])(size_t) = {middle, between};
    for (size_t i = 0; i < 512; i++)
        call[i & 1](i & 1 ? (i >> 1) * 16 + 16 : 4096);
    return 0;
}
