#include "heap_walk.h"

#include <stdio.h>

enum { LABEL_ROOM = 200, VALUE_ROOM = 64 };

static size_t put_utf8(char *out, size_t room, Py_UCS4 point)
{
    if (point < 0x80 && room >= 1) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800 && room >= 2) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point >= 0xD800 && point < 0xE000)
        point = 0xFFFD; /* a lone surrogate has no UTF-8 */
    if (point < 0x10000 && room >= 3) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    if (point >= 0x10000 && room >= 4) {
        out[0] = (char)(0xF0 | point >> 18);
        out[1] = (char)(0x80 | (point >> 12 & 0x3F));
        out[2] = (char)(0x80 | (point >> 6 & 0x3F));
        out[3] = (char)(0x80 | (point & 0x3F));
        return 4;
    }
    return 0;
}

/* PyUnicode_AsUTF8() would leave a copy in the string. */
size_t lwpy_text_str(char *out, size_t room, PyObject *text)
{
    if (!text || !PyUnicode_Check(text) || !((PyASCIIObject *)text)->state.compact)
        return 0;
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        size_t bytes = (size_t)length < room ? (size_t)length : room;
        memcpy(out, PyUnicode_1BYTE_DATA(text), bytes);
        return bytes;
    }
    int kind = (int)PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    size_t used = 0;
    for (Py_ssize_t i = 0; i < length; i++) {
        size_t put = put_utf8(out + used, room - used, PyUnicode_READ(kind, data, i));
        if (!put)
            break;
        used += put;
    }
    return used;
}

void lwpy_text_type(char *out, size_t room, PyTypeObject *type)
{
    size_t used = 0;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        const char *name = strncmp(type->tp_name, "builtins.", 9) ? type->tp_name
                                                                 : type->tp_name + 9;
        snprintf(out, room, "%s", name);
        return;
    }
    PyObject *dict = lwpy_host_type_dict(type);
    PyObject *module = dict ? lwpy_dict_find(dict, "__module__") : NULL;
    used = lwpy_text_str(out, room / 2, module);
    if (used == 8 && !memcmp(out, "builtins", 8))
        used = 0;
    if (used)
        out[used++] = '.';
    used += lwpy_text_str(out + used, room - 1 - used, ((PyHeapTypeObject *)type)->ht_qualname);
    out[used] = 0;
}

/* Where a value is written piece by piece; what does not fit is dropped and remembered. */
typedef struct text {
    char *out;
    size_t used, room;
    bool cut;
} text;

static void put(text *into, const char *bytes, size_t length)
{
    if (length > into->room - into->used) {
        into->cut = true;
        return;
    }
    memcpy(into->out + into->used, bytes, length);
    into->used += length;
}

static void put_quoted(text *into, Py_UCS4 point, bool ascii_only)
{
    char piece[12];
    size_t length = 0;
    if (point == '\'' || point == '\\')
        length = (size_t)snprintf(piece, sizeof piece, "\\%c", (int)point);
    else if (point == '\n')
        length = (size_t)snprintf(piece, sizeof piece, "\\n");
    else if (point < 0x20 || (point >= 0x7F && point < 0xA0) || (ascii_only && point >= 0x7F))
        length = (size_t)snprintf(piece, sizeof piece, "\\x%02x", (unsigned)point);
    else
        length = put_utf8(piece, sizeof piece, point);
    put(into, piece, length);
}

static void put_str(text *into, PyObject *value)
{
    put(into, "'", 1);
    size_t limit = into->used + VALUE_ROOM;
    int kind = (int)PyUnicode_KIND(value);
    const void *data = PyUnicode_DATA(value);
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(value); i++) {
        if (into->used >= limit) {
            put(into, "...", 3);
            break;
        }
        put_quoted(into, PyUnicode_READ(kind, data, i), false);
    }
    put(into, "'", 1);
}

static void put_bytes(text *into, PyObject *value)
{
    put(into, "b'", 2);
    size_t limit = into->used + VALUE_ROOM;
    for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(value); i++) {
        if (into->used >= limit) {
            put(into, "...", 3);
            break;
        }
        put_quoted(into, (unsigned char)PyBytes_AS_STRING(value)[i], true);
    }
    put(into, "'", 1);
}

/* Python writes the shortest digits that read back as the same number. */
static void put_float(text *into, double value)
{
    char digits[40];
    int precision = 1;
    do
        snprintf(digits, sizeof digits, "%.*g", precision, value);
    while (++precision <= 17 && strtod(digits, NULL) != value && value == value);
    put(into, digits, strlen(digits));
    if (!strpbrk(digits, ".eni"))
        put(into, ".0", 2);
}

static void put_int(text *into, PyObject *value)
{
    char digits[32];
    int overflow = 0;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow)
        put(into, "(int)", 5);
    else
        put(into, digits, (size_t)snprintf(digits, sizeof digits, "%lld", number));
}

/* True if `value` is of an exact built-in type without parts, whose value we may show. */
static bool put_atom(text *into, PyObject *value)
{
    if (PyUnicode_CheckExact(value) && ((PyASCIIObject *)value)->state.compact)
        put_str(into, value);
    else if (PyLong_CheckExact(value))
        put_int(into, value);
    else if (value == Py_None)
        put(into, "None", 4);
    else if (PyBool_Check(value))
        put(into, value == Py_True ? "True" : "False", value == Py_True ? 4 : 5);
    else if (PyBytes_CheckExact(value))
        put_bytes(into, value);
    else if (PyFloat_CheckExact(value))
        put_float(into, PyFloat_AS_DOUBLE(value));
    else
        return false;
    return true;
}

static void put_type(text *into, PyTypeObject *type)
{
    char name[160];
    lwpy_text_type(name, sizeof name, type);
    const char *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    put(into, last, strlen(last));
}

static void put_value(text *into, PyObject *value)
{
    if (put_atom(into, value))
        return;
    put(into, "(", 1);
    if (!PyTuple_CheckExact(value)) {
        put_type(into, Py_TYPE(value));
    } else {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value) && !into->cut; i++) {
            PyObject *item = PyTuple_GET_ITEM(value, i);
            if (i)
                put(into, ", ", 2);
            if (item && !put_atom(into, item))
                put_type(into, Py_TYPE(item));
        }
        if (PyTuple_GET_SIZE(value) == 1)
            put(into, ",", 1);
    }
    put(into, ")", 1);
}

uint32_t lwpy_label(lwpy_walk *walk, int32_t style, const char *bytes)
{
    return lw_sink_label(walk->sink, style, bytes, strlen(bytes));
}

uint32_t lwpy_label_name(lwpy_walk *walk, int32_t style, PyObject *name)
{
    size_t slot = (((uintptr_t)name >> 4) ^ ((uintptr_t)name >> 16)) % LWPY_NAME_CACHE;
    if (walk->names[slot].name == name && walk->names[slot].style == (uint32_t)style)
        return walk->names[slot].id;
    char bytes[LABEL_ROOM];
    uint32_t id = lw_sink_label(walk->sink, style, bytes, lwpy_text_str(bytes, sizeof bytes, name));
    walk->names[slot].name = name;
    walk->names[slot].style = (uint32_t)style;
    walk->names[slot].id = id;
    return id;
}

uint32_t lwpy_label_key(lwpy_walk *walk, PyObject *key)
{
    bool exact = PyUnicode_CheckExact(key);
    size_t slot = (((uintptr_t)key >> 4) ^ ((uintptr_t)key >> 16)) % LWPY_NAME_CACHE;
    if (exact && walk->names[slot].name == key && walk->names[slot].style == LW_LABEL_KEY)
        return walk->names[slot].id;
    char bytes[LABEL_ROOM];
    text into = { bytes, 0, sizeof bytes, false };
    put_value(&into, key);
    uint32_t id = lw_sink_label(walk->sink, LW_LABEL_KEY, bytes, into.used);
    if (exact) {
        walk->names[slot].name = key;
        walk->names[slot].style = LW_LABEL_KEY;
        walk->names[slot].id = id;
    }
    return id;
}

uint32_t lwpy_label_key_of(lwpy_walk *walk, PyObject *key)
{
    char bytes[LABEL_ROOM];
    text into = { bytes, 0, sizeof bytes, false };
    put(&into, "key of ", 7);
    put_value(&into, key);
    return lw_sink_label(walk->sink, LW_LABEL_KEY, bytes, into.used);
}

void lwpy_labels_init(lwpy_walk *walk)
{
    static const struct {
        int32_t style;
        const char *text;
    } words[] = {
#define LWPY_WORD_TEXT(name, style, text) { LW_LABEL_##style, text },
        LWPY_WORDS(LWPY_WORD_TEXT)
#undef LWPY_WORD_TEXT
    };
    for (size_t i = 0; i < LWPY_WORD_COUNT; i++)
        walk->words[i] = lwpy_label(walk, words[i].style, words[i].text);
}
