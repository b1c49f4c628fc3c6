#include <leakwatch.h>
#include <stdlib.h>

/* Drops a context whose memory comes from malloc: LeakSanitizer must fail this program, and
 * nothing else may, so every other way out is a success. */

static void *from_malloc(void *block, size_t old_size, size_t new_size, void *user)
{
    (void)old_size;
    (void)user;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, new_size);
}

int main(void)
{
    lw_context_options options = LW_CONTEXT_OPTIONS_INIT;
    options.allocator.realloc = from_malloc;
    lw_context *dropped = NULL;
    lw_context_create(&options, &dropped, NULL);
    dropped = NULL;
    return 0;
}
