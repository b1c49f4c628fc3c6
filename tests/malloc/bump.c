/* An allocator without locks, which may be called from a signal handler and is made of its own
 * public functions. Gives nothing back. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { ROOM = 1 << 30 };

static _Atomic(unsigned char *) base;
static atomic_size_t used;

void *malloc(size_t size);
void free(void *block);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);

void *malloc(size_t size)
{
    unsigned char *from = atomic_load(&base);
    if (!from) {
        unsigned char *fresh =
            mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (atomic_compare_exchange_strong(&base, &from, fresh))
            from = fresh;
    }
    size_t whole = ((size + 7) & ~(size_t)7) + 8; /* as others do, aligned to 8 only */
    size_t at = atomic_fetch_add(&used, whole);
    if (size > ROOM || at + whole > ROOM)
        return NULL;
    memcpy(from + at, &size, sizeof size);
    return from + at + 8;
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t size)
{
    void *volatile block = malloc(count * size); /* fresh pages are zero */
    return block;
}

void *realloc(void *block, size_t size)
{
    size_t old = 0;
    void *fresh = malloc(size);
    if (block)
        memcpy(&old, (unsigned char *)block - 8, sizeof old);
    if (fresh && block)
        memcpy(fresh, block, old < size ? old : size);
    return fresh;
}
