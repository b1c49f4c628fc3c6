#include "next.h"

#include "adapter.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

lwm_functions lwm_next;

_Alignas(4096) unsigned char lwm_early[LWM_EARLY_SIZE];
static atomic_size_t early_used;

/* Each block has its size in front. */
void *lwm_early_alloc(size_t alignment, size_t size)
{
    if (alignment < 16)
        alignment = 16;
    if (size > LWM_EARLY_SIZE || alignment > LWM_EARLY_SIZE)
        return NULL;
    size_t used = atomic_load(&early_used), start;
    do {
        start = (used + sizeof(size_t) + alignment - 1) & ~(alignment - 1);
        if (start + size > LWM_EARLY_SIZE)
            return NULL;
    } while (!atomic_compare_exchange_weak(&early_used, &used, start + size));
    memcpy(lwm_early + start - sizeof size, &size, sizeof size);
    return lwm_early + start;
}

size_t lwm_early_size(const void *block)
{
    size_t size;
    memcpy(&size, (const unsigned char *)block - sizeof size, sizeof size);
    return size;
}

static bool find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

/* `malloc` comes last: who sees it may call the others. */
bool lwm_next_find(void)
{
    static __thread bool searching __attribute__((tls_model("initial-exec")));
    lwm_functions found;
    if (searching)
        return false;
    searching = true;
    find(&found.free, "free");
    find(&found.calloc, "calloc");
    find(&found.realloc, "realloc");
    find(&found.posix_memalign, "posix_memalign");
    find(&found.aligned_alloc, "aligned_alloc");
    find(&found.memalign, "memalign");
    find(&found.valloc, "valloc");
    find(&found.pvalloc, "pvalloc");
    find(&found.malloc_usable_size, "malloc_usable_size");
    find(&found.malloc, "malloc");
    lwm_next.free = found.free;
    lwm_next.calloc = found.calloc;
    lwm_next.realloc = found.realloc;
    lwm_next.posix_memalign = found.posix_memalign;
    lwm_next.aligned_alloc = found.aligned_alloc;
    lwm_next.memalign = found.memalign;
    lwm_next.valloc = found.valloc;
    lwm_next.pvalloc = found.pvalloc;
    lwm_next.malloc_usable_size = found.malloc_usable_size;
    atomic_thread_fence(memory_order_release);
    lwm_next.malloc = found.malloc;
    searching = false;
    return lwm_next.malloc != NULL;
}
