#include <stdlib.h>

/* Drops the only pointer to a block: LeakSanitizer must fail this program, and nothing else can. */
int main(void)
{
    void *volatile dropped = malloc(77);
    dropped = NULL;
    return dropped != NULL;
}
