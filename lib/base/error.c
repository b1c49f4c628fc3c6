#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    lw_status status;
    const char *name;
} names[] = {
    {LW_OK, "LW_OK"},
    {LW_E_INVALID, "LW_E_INVALID"},
    {LW_E_NOMEM, "LW_E_NOMEM"},
    {LW_E_STATE, "LW_E_STATE"},
    {LW_E_NOT_FOUND, "LW_E_NOT_FOUND"},
    {LW_E_RUNTIME, "LW_E_RUNTIME"},
    {LW_E_LIMIT, "LW_E_LIMIT"},
    {LW_E_UNSUPPORTED, "LW_E_UNSUPPORTED"},
    {LW_E_IO, "LW_E_IO"},
    {LW_E_CANCELLED, "LW_E_CANCELLED"},
    {LW_E_FORMAT, "LW_E_FORMAT"},
};

const char *lw_status_name(lw_status status)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].status == status)
            return names[i].name;
    }
    return "LW_E_UNKNOWN";
}

const char *lw_version(void)
{
    return "0.1.0";
}

lw_status lwi_fail(lw_error *error, lw_status status, const char *format, ...)
{
    if (error && error->struct_size >= offsetof(lw_error, message) + 2) {
        size_t room = error->struct_size - offsetof(lw_error, message);
        if (room > sizeof error->message)
            room = sizeof error->message;
        va_list list;
        va_start(list, format);
        error->status = status;
        vsnprintf(error->message, room, format, list);
        va_end(list);
    }
    return status;
}

lw_status lwi_nomem(lw_error *error, const char *what)
{
    return lwi_fail(error, LW_E_NOMEM, "no memory for %s: nothing was changed", what);
}
