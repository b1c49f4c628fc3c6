#include <leakwatch.h>
#include <stdio.h>
#include <string.h>

/* What a program does that uses an installed leakwatch; the argument is the version it expects. */
int main(int argc, char **argv)
{
    lw_context *context = NULL;
    if (lw_context_create(NULL, &context, NULL) != LW_OK)
        return 1;
    lw_context_release(context);
    printf("%s\n", lw_version());
    return argc == 2 && strcmp(argv[1], lw_version()) == 0 ? 0 : 2;
}
