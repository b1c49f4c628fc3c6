#include <criterion/criterion.h>
#include <stdlib.h>

/* A case that passes and leaks: with abort_on_error the program must fail all the same. */
Test(leak, in_a_case)
{
    void *volatile dropped = malloc(77);
    cr_assert_not_null(dropped);
    dropped = NULL;
}
