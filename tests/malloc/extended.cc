// The calls of its own that jemalloc has, and new and delete, which do not pass through malloc there.
#include <cstdio>
#include <cstdlib>
#include <jemalloc/jemalloc.h>
#include <new>
#include <unistd.h>

static void *volatile keep;
static long bytes[1000], blocks[1000];

template <typename T> static T left(T made, int line, long size)
{
    bytes[line] += size;
    blocks[line]++;
    return made;
}
#define LEFT(call, size) left((call), __LINE__, (size))

struct alignas(64) wide {
    char text[128];
};

int main()
{
    keep = LEFT(mallocx(333, 0), 333);
    keep = LEFT(mallocx(8, 0), 8);
    keep = LEFT(mallocx(500, MALLOCX_ALIGN(128) | MALLOCX_ZERO), 500);
    dallocx(mallocx(10, 0), 0);
    sdallocx(mallocx(20, 0), 20, 0);
    void *block = mallocx(30, 0);
    keep = LEFT(rallocx(block, 40000, 0), 40000);
    block = LEFT(mallocx(100, 0), 0);
    blocks[__LINE__ - 1]--;
    if (LEFT(xallocx(block, 110, 0, 0), 110) < 110)
        return 1;
    block = LEFT(mallocx(64, 0), 64);
    if (xallocx(block, 1 << 24, 0, 0) >= 1 << 24)
        return 2;
    keep = LEFT(malloc(7), 7);
    keep = LEFT(new char[1001], 1001);
    keep = LEFT(new (std::nothrow) char[55], 55);
    keep = LEFT(new wide, 128);
    delete new int;
    delete[] new char[5];
    delete new wide;
    delete[] new wide[3];
    try {
        volatile std::size_t too_much = std::size_t(-1) / 4;
        keep = new char[too_much];
        return 3;
    } catch (const std::bad_alloc &) {
    }
    keep = LEFT(new int, 4);
    for (int i = 0; i < 1000; i++) {
        if (blocks[i])
            dprintf(STDOUT_FILENO, "left %d %ld %ld\n", i, bytes[i], blocks[i]);
    }
    return 0;
}
