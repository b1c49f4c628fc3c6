/* Names: what a word of a stack means, read from its code object without allocating or running
 * anything; and whether it is the user's own code. */
#include "frames.h"
#include "numpy.h"

#include <stdio.h>
#include <string.h>

enum {
    TEXT_SIZE = 1024,
    DIRECTORIES_MAX = 12
};

/* ---- whose code it is ---- */

static char directories[DIRECTORIES_MAX][TEXT_SIZE];
static unsigned directory_count;

static void add_directory(const char *format, const char *prefix, const char *lib)
{
    char name[TEXT_SIZE];
    int length = snprintf(name, sizeof name, format, prefix, lib, PY_MAJOR_VERSION,
                          PY_MINOR_VERSION);
    if (length <= 1 || length >= TEXT_SIZE || directory_count == DIRECTORIES_MAX)
        return;
    for (unsigned i = 0; i < directory_count; i++)
        if (!strcmp(directories[i], name))
            return;
    memcpy(directories[directory_count++], name, (size_t)length + 1);
}

/* NULL if sys has no such text; with an exception if it cannot be encoded. */
static const char *sys_text(const char *name)
{
    PyObject *value = PySys_GetObject(name);
    return value && PyUnicode_Check(value) ? PyUnicode_AsUTF8(value) : NULL;
}

bool lwpy_names_start(void)
{
    static const char *const prefixes[] = {"prefix", "exec_prefix", "base_prefix",
                                           "base_exec_prefix"};
    const char *stdlib = sys_text("_stdlib_dir");
    const char *lib = sys_text("platlibdir");
    directory_count = 0;
    if (stdlib)
        add_directory("%s/", stdlib, "");
    for (unsigned i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const char *prefix = sys_text(prefixes[i]);
        if (!prefix)
            continue;
        add_directory("%s/%s/python%d.%d/", prefix, "lib");
        if (lib)
            add_directory("%s/%s/python%d.%d/", prefix, lib);
    }
    return !PyErr_Occurred();
}

static bool is_own(const char *file)
{
    if (!strncmp(file, "<frozen ", 8))
        return false;
    if (strstr(file, "/site-packages/") || strstr(file, "/dist-packages/"))
        return false;
    for (unsigned i = 0; i < directory_count; i++)
        if (!strncmp(file, directories[i], strlen(directories[i])))
            return false;
    return true;
}

/* ---- text ---- */

static size_t encode(Py_UCS4 c, char *to)
{
    if (c >= 0xD800 && c <= 0xDFFF)
        c = 0xFFFD; /* half a pair, as in names of files that are no UTF-8 */
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3F));
    to[0] = (char)((0xF00u >> length) | c);
    return length;
}

/* The text of a str, in itself if it is ASCII, else in `room`, cut where that ends. */
static const char *text_of(PyObject *string, char room[TEXT_SIZE])
{
    if (!string || !PyUnicode_Check(string) || !PyUnicode_IS_READY(string))
        return NULL;
    if (PyUnicode_IS_COMPACT_ASCII(string))
        return (const char *)PyUnicode_1BYTE_DATA(string);
    size_t length = 0;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(string) && length + 5 < TEXT_SIZE; i++)
        length += encode(PyUnicode_READ_CHAR(string, i), room + length);
    room[length] = 0;
    return room;
}

int lwpy_describe_frame(uint64_t word, lw_frame *frame, void *user)
{
    static char function[TEXT_SIZE], file[TEXT_SIZE];
    PyCodeObject *code = lwpy_frames_code(word);
    if (!code)
        return 1;
    int line = PyCode_Addr2Line(code, lwpy_host_code_offset(code, word));
    frame->line = line > 0 ? (uint32_t)line : 0;
    frame->function = text_of(code->co_qualname, function);
    frame->file = text_of(code->co_filename, file);
    if (frame->file && is_own(frame->file))
        frame->flags |= LW_FRAME_OWN;
    if (frame->file)
        lwpy_numpy_hint(frame->file);
    lw_domain *domain = *(lw_domain **)user;
    if (domain)
        lw_code_watch(domain, code, lwpy_host_code_size(code));
    return 0;
}
