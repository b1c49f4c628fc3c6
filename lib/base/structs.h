/* Structs that grow: shorter input is extended with zeros, a longer tail must be zero. */
#ifndef LWI_BASE_STRUCTS_H
#define LWI_BASE_STRUCTS_H

#include <leakwatch/base.h>

/* No struct of ours is longer than this: a larger struct_size was never set by an INIT. */
#define LWI_STRUCT_MAX 4096u

/* Copies options `from` into `to` of `size` bytes; NULL leaves zeros with struct_size set.
 * `name` is the struct's, for the message. */
lw_status lwi_take(void *to, size_t size, const void *from, const char *name, lw_error *error);

/* Checks a result struct before it is filled, and zeroes it up to its struct_size. */
lw_status lwi_result_check(void *to, const char *name, lw_error *error);

/* Copies a full result `from` of `size` bytes into `to`, as much as its struct_size allows. */
void lwi_give(void *to, const void *from, size_t size);

#endif
