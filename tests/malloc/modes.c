/* 20,000 blocks of 100 bytes that stay, and as many that go. */
#include <stdlib.h>

static void *volatile kept[20000];

int main(void)
{
    for (int i = 0; i < 20000; i++) {
        kept[i] = malloc(100); /* the line that leaves them */
        free(malloc(100));
    }
    return 3;
}
