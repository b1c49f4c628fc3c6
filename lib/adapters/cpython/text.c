/* Text: reports as str, how the terminal wants them, and errors in words. */
#include "types.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#ifndef _WIN32
#include <sys/ioctl.h>
#include <unistd.h>
#endif

int lwpy_text_write(const char *bytes, size_t length, void *user)
{
    struct lwpy_text *text = user;
    if (length > text->room - text->length && !text->failed) {
        size_t room = text->room + text->room / 2 + length + 256;
        char *grown = PyMem_RawRealloc(text->bytes, room);
        if (grown) {
            text->bytes = grown;
            text->room = room;
        }
        text->failed = !grown;
    }
    if (text->failed)
        return 1;
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    return 0;
}

void lwpy_text_format(struct lwpy_text *text, const char *format, ...)
{
    char line[512];
    va_list values, again;
    va_start(values, format);
    va_copy(again, values);
    int length = vsnprintf(line, sizeof line, format, values);
    if (length >= 0 && (size_t)length < sizeof line) {
        lwpy_text_write(line, (size_t)length, text);
    } else if (length >= 0) {
        char *longer = PyMem_RawMalloc((size_t)length + 1);
        if (longer) {
            vsnprintf(longer, (size_t)length + 1, format, again);
            lwpy_text_write(longer, (size_t)length, text);
        }
        text->failed = text->failed || !longer;
        PyMem_RawFree(longer);
    }
    va_end(again);
    va_end(values);
}

PyObject *lwpy_text_take(struct lwpy_text *text, lw_status status, const lw_error *error)
{
    PyObject *string = NULL;
    size_t length = text->length;
    if (length && text->bytes[length - 1] == '\n')
        length--; /* print() ends the last line */
    if (text->failed)
        PyErr_NoMemory();
    else if (status == LW_OK)
        string = PyUnicode_DecodeUTF8(text->bytes ? text->bytes : "", (Py_ssize_t)length,
                                      "replace");
    else
        lwpy_raise(error);
    PyMem_RawFree(text->bytes);
    memset(text, 0, sizeof *text);
    return string;
}

static uint32_t terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    long width = columns ? strtol(columns, NULL, 10) : 0;
#ifndef _WIN32
    struct winsize size;
    if (width <= 0 && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
#endif
    return width > 0 && width < 10000 ? (uint32_t)width : 0;
}

/* May run code of the user, whose sys.stdout it is: not to be called quietly. The name is interned
 * since the interpreter's attribute cache would keep a str of ours. */
static bool stdout_lacks_utf8(void)
{
    bool lacks = false;
    PyObject *file = PySys_GetObject("stdout");
    PyObject *name = PyUnicode_InternFromString("encoding");
    PyObject *encoding = file && name ? PyObject_GetAttr(file, name) : NULL;
    if (encoding && PyUnicode_Check(encoding)) {
        const char *words = PyUnicode_AsUTF8(encoding);
        lacks = words && PyOS_strnicmp(words, "utf", 3) != 0;
    }
    Py_XDECREF(encoding);
    Py_XDECREF(name);
    PyErr_Clear();
    return lacks;
}

void lwpy_text_terminal(lw_report_options *options)
{
    options->width = terminal_width();
    if (stdout_lacks_utf8())
        options->flags |= LW_REPORT_ASCII;
}

int lwpy_text_arguments(const struct lwpy_call *call, lw_report_options *options)
{
    static const char *const names[] = {"all", "width", "ascii", "colour", NULL};
    PyObject *values[4];
    bool all = false, ascii = false, colour = false;
    int width = 0;
    if (lwpy_arguments(call, "text", names, 0, values) < 0 ||
        lwpy_argument_bool(values[0], &all) < 0 ||
        lwpy_argument_int(values[1], "width", 0, INT_MAX, &width) < 0 ||
        lwpy_argument_bool(values[2], &ascii) < 0 || lwpy_argument_bool(values[3], &colour) < 0)
        return -1;
    options->width = (uint32_t)width;
    options->flags = (all ? LW_REPORT_ALL : 0u) | (ascii ? LW_REPORT_ASCII : 0u) |
                     (colour ? LW_REPORT_COLOUR : 0u);
    return 0;
}

PyObject *lwpy_raise(const lw_error *error)
{
    PyObject *class = PyExc_RuntimeError;
    switch (error->status) {
    case LW_E_NOMEM:
        class = PyExc_MemoryError;
        break;
    case LW_E_INVALID:
        class = PyExc_ValueError;
        break;
    case LW_E_STATE:
        class = lwpy.exceptions[LWPY_REGION_ERROR];
        break;
    case LW_E_NOT_FOUND:
        class = PyExc_LookupError;
        break;
    case LW_E_LIMIT:
        class = PyExc_OverflowError;
        break;
    case LW_E_IO:
        class = PyExc_OSError;
        break;
    case LW_E_FORMAT:
        class = PyExc_ValueError;
        break;
    default:
        break;
    }
    PyErr_SetString(class, error->message);
    return NULL;
}
