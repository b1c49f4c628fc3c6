/* A victim keeps its own books: what it means to leave, by line. It prints them last, without stdio,
 * which would allocate. */
#ifndef TESTS_MALLOC_EXPECT_H
#define TESTS_MALLOC_EXPECT_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXPECT_LINES = 4096 };
static atomic_long expect_bytes[EXPECT_LINES], expect_blocks[EXPECT_LINES];

static inline void expect(int line, long bytes, long blocks)
{
    atomic_fetch_add(&expect_bytes[line], bytes);
    atomic_fetch_add(&expect_blocks[line], blocks);
}

/* An allocation in this line, of which this is left. */
#define LEFT(call, bytes) (expect(__LINE__, (long)(bytes), 1), (call))

static inline void expect_print(void)
{
    for (int i = 0; i < EXPECT_LINES; i++) {
        if (expect_blocks[i])
            dprintf(STDOUT_FILENO, "left %d %ld %ld\n", i, expect_bytes[i], expect_blocks[i]);
    }
}

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            dprintf(STDERR_FILENO, "%s:%d: %s\n", __FILE__, __LINE__, #what);                      \
            _exit(99);                                                                             \
        }                                                                                          \
    } while (0)

#endif
