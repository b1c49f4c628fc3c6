#include "cli.h"

int main(int count, char **words)
{
    int status = lwcli_main(count - 1, words + 1);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("leakwatch: cannot write to stdout");
    return LWCLI_FAILED;
}
