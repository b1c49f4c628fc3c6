#include "base/structs.h"

#include "base/error.h"

#include <string.h>

static uint32_t struct_size_of(const void *any)
{
    uint32_t size;
    memcpy(&size, any, sizeof size);
    return size;
}

static lw_status bad_size(lw_error *error, const char *name, uint32_t size)
{
    return lwi_fail(error, LW_E_INVALID,
                    "%s.struct_size is %u: set it with the LW_..._INIT of this struct", name,
                    (unsigned)size);
}

lw_status lwi_take(void *to, size_t size, const void *from, const char *name, lw_error *error)
{
    uint32_t full = (uint32_t)size;
    memset(to, 0, size);
    memcpy(to, &full, sizeof full);
    if (!from)
        return LW_OK;
    uint32_t given = struct_size_of(from);
    if (given < sizeof given || given > LWI_STRUCT_MAX)
        return bad_size(error, name, given);
    const unsigned char *bytes = from;
    for (size_t i = size; i < given; i++) {
        if (bytes[i] != 0)
            return lwi_fail(error, LW_E_INVALID,
                            "%s asks for something that this version (%s) does not know: its "
                            "byte %u is not zero",
                            name, lw_version(), (unsigned)i);
    }
    memcpy(to, from, given < size ? given : size);
    memcpy(to, &full, sizeof full);
    return LW_OK;
}

lw_status lwi_result_check(void *to, const char *name, lw_error *error)
{
    if (!to)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL: pass one to be filled", name);
    uint32_t given = struct_size_of(to);
    if (given < sizeof given || given > LWI_STRUCT_MAX)
        return bad_size(error, name, given);
    memset((unsigned char *)to + sizeof given, 0, given - sizeof given);
    return LW_OK;
}

void lwi_give(void *to, const void *from, size_t size)
{
    uint32_t given = struct_size_of(to);
    size_t count = given < size ? given : size;
    memcpy((unsigned char *)to + sizeof given, (const unsigned char *)from + sizeof given,
           count - sizeof given);
}
