/* Every call of the family: one block left of each, one given back; and all ways to fail. */
#define _GNU_SOURCE
#include "expect.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

static void *volatile keep;
static volatile size_t too_much = PTRDIFF_MAX;

static void plain(void)
{
    keep = LEFT(malloc(101), 101);
    free(malloc(11));
    keep = LEFT(calloc(7, 13), 91);
    free(calloc(3, 5));
    keep = LEFT(malloc(0), 0);
    free(NULL);
    unsigned char *zero = calloc(1, 4000);
    for (int i = 0; i < 4000; i++)
        CHECK(zero[i] == 0);
    free(zero);
    CHECK(malloc_usable_size(NULL) == 0);
    void *block = malloc(33);
    CHECK(malloc_usable_size(block) >= 33);
    free(block);
}

static void moved(void)
{
    void *block = realloc(NULL, 10);
    keep = LEFT(realloc(block, 20000), 20000);
    block = malloc(300);
    keep = LEFT(realloc(block, 30), 30);
    keep = LEFT(realloc(NULL, 77), 77);
    block = LEFT(malloc(44), 44);
    errno = 0;
    CHECK(realloc(block, too_much) == NULL && errno == ENOMEM);
    block = malloc(60);
    for (int i = 1; i < 200; i++)
        block = realloc(block, (size_t)i * 60);
    free(block);
    keep = LEFT(reallocarray(NULL, 9, 9), 81);
    block = malloc(5);
    keep = LEFT(reallocarray(block, 10, 10), 100);
    block = LEFT(malloc(6), 6);
    errno = 0;
    CHECK(reallocarray(block, SIZE_MAX / 2, 3) == NULL && errno == ENOMEM);
}

static void aligned(void)
{
    void *block = NULL;
    CHECK(LEFT(posix_memalign(&block, 64, 640), 640) == 0 && (uintptr_t)block % 64 == 0);
    CHECK(posix_memalign(&block, 3, 64) == EINVAL);
    CHECK(posix_memalign(&block, 4096, 100) == 0);
    free(block);
    keep = LEFT(aligned_alloc(128, 256), 256);
    CHECK((uintptr_t)keep % 128 == 0);
    free(aligned_alloc(32, 64));
    keep = LEFT(memalign(256, 300), 300);
    keep = LEFT(valloc(500), 500);
    CHECK((uintptr_t)keep % 4096 == 0);
    keep = LEFT(pvalloc(600), 600);
    free(pvalloc(1));
    block = memalign(1024, 40);
    keep = LEFT(realloc(block, 400), 400);
}

static void failing(void)
{
    errno = 0;
    CHECK(malloc(too_much) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(calloc(SIZE_MAX / 4, 8) == NULL && errno == ENOMEM);
    CHECK(memalign(64, too_much) == NULL);
    errno = 5;
    free(malloc(10));
    CHECK(errno == 5);
}

static void by_libc(void)
{
    char *text = LEFT(strdup("twelve chars"), 13);
    keep = LEFT(strndup(text, 6), 7);
    CHECK(LEFT(asprintf(&text, "%s", "some text that is longer than a few words"), 42) == 41);
    keep = LEFT(wcsdup(L"abc"), 16);
    keep = LEFT(getcwd(NULL, 300), 300);
}

/* Comes last: nothing takes the place of the block, and with it of a record that should be gone. */
static void resized_to_nothing(void)
{
    void *block = malloc(555);
    CHECK(realloc(block, 0) == NULL);
}

int main(void)
{
    plain();
    moved();
    aligned();
    failing();
    by_libc();
    resized_to_nothing();
    expect_print();
    return 0;
}
