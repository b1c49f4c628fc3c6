#include "report/text.h"

#include <string.h>

const char *lwi_sign(enum lwi_sign sign, bool ascii)
{
    static const char *const signs[][2] = {
        [LWI_TO] = {"→", "->"},      [LWI_FROM] = {"←", "<-"},      [LWI_BAR] = {"│", "|"},
        [LWI_END] = {"▼", "v"},      [LWI_ELLIPSIS] = {"…", "..."}, [LWI_TIMES] = {"×", "x"},
    };
    return signs[sign][ascii];
}

void lwi_text_init(lwi_text *text, bool ascii)
{
    text->length = text->columns = text->core = 0;
    text->ascii = ascii;
    text->bytes[0] = 0;
}

/* A piece that does not fit is left out whole: half a letter would not be UTF-8. */
static void append(lwi_text *text, const char *bytes, size_t length)
{
    if (length >= sizeof text->bytes - text->length)
        return;
    memcpy(text->bytes + text->length, bytes, length);
    text->length += (uint32_t)length;
    text->bytes[text->length] = 0;
    text->columns += lwi_columns_of(bytes, length);
}

void lwi_text_put(lwi_text *text, const char *words)
{
    append(text, words, strlen(words));
}

void lwi_text_sign(lwi_text *text, enum lwi_sign sign)
{
    lwi_text_put(text, lwi_sign(sign, text->ascii));
}

uint32_t lwi_columns_of(const char *words, size_t length)
{
    uint32_t columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)words[i] & 0xC0) != 0x80;
    return columns;
}

uint32_t lwi_columns(const char *words)
{
    return lwi_columns_of(words, strlen(words));
}

uint32_t lwi_utf8(const char *at, uint32_t *point)
{
    const unsigned char *byte = (const unsigned char *)at;
    uint32_t length = byte[0] < 0x80 ? 1 : byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t value = length == 1 ? byte[0] : byte[0] & (0x7Fu >> length);
    *point = LWI_BROKEN;
    if ((byte[0] >= 0x80 && byte[0] < 0xC2) || byte[0] > 0xF4)
        return 1;
    for (uint32_t i = 1; i < length; i++) {
        if ((byte[i] & 0xC0) != 0x80)
            return 1;
        value = value << 6 | (byte[i] & 0x3Fu);
    }
    if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
        return 1;
    *point = value;
    return length;
}

static size_t put_hex(char *to, const char *prefix, uint32_t value, uint32_t digits)
{
    size_t length = strlen(prefix);
    memcpy(to, prefix, length);
    for (uint32_t i = digits; i > 0; i--)
        to[length++] = "0123456789abcdef"[value >> (4 * (i - 1)) & 15];
    return length;
}

/* Characters that would move the cursor, reorder the line or not be seen at all. */
static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x200B && point < 0x2010) ||
           (point >= 0x2028 && point < 0x202F) || (point >= 0x2060 && point < 0x2070) ||
           point == 0xFEFF;
}

/* Writes the next character of a name, escaped if need be; returns how many bytes it read. */
static uint32_t safe(const char *at, bool ascii, char to[12], size_t *length)
{
    uint32_t point, read = lwi_utf8(at, &point);
    if (point == LWI_BROKEN)
        *length = put_hex(to, "\\x", (unsigned char)*at, 2);
    else if (point == '\n' || point == '\r' || point == '\t')
        *length = put_hex(to, point == '\n' ? "\\n" : point == '\r' ? "\\r" : "\\t", 0, 0);
    else if (is_control(point) && point < 0x80)
        *length = put_hex(to, "\\x", point, 2);
    else if (is_control(point) || (ascii && point >= 0x80))
        *length = put_hex(to, point > 0xFFFF ? "\\U" : "\\u", point, point > 0xFFFF ? 8 : 4);
    else {
        memcpy(to, at, read);
        *length = read;
    }
    return read;
}

void lwi_text_name(lwi_text *text, const char *name)
{
    char piece[12];
    size_t length;
    uint64_t columns = 0, at_column = 0;
    if (!name)
        return;
    for (const char *at = name; *at; columns += lwi_columns_of(piece, length))
        at += safe(at, text->ascii, piece, &length);
    const uint64_t tail = LWI_NAME_MAX * 2 / 3 - 3;
    const bool whole = columns <= LWI_NAME_MAX;
    bool left_out = false;
    for (const char *at = name; *at; at_column += lwi_columns_of(piece, length)) {
        at += safe(at, text->ascii, piece, &length);
        if (whole || at_column < LWI_NAME_MAX / 3 || columns - at_column <= tail) {
            append(text, piece, length);
        } else if (!left_out) {
            lwi_text_sign(text, LWI_ELLIPSIS);
            left_out = true;
        }
    }
}

void lwi_text_core(lwi_text *text)
{
    text->core = text->length;
}

/* Where the column `columns` from `from` on begins, in bytes. */
static uint32_t skip(const lwi_text *text, uint32_t from, uint32_t columns)
{
    while (columns-- > 0) {
        do {
            from++;
        } while (((unsigned char)text->bytes[from] & 0xC0) == 0x80);
    }
    return from;
}

/* Takes out the middle of what stands from byte `from` on. */
static void clip_from(lwi_text *text, uint32_t from, uint32_t columns)
{
    const lwi_text full = *text;
    const uint32_t sign = lwi_columns(lwi_sign(LWI_ELLIPSIS, text->ascii));
    const uint32_t whole = full.columns - lwi_columns_of(full.bytes, from);
    if (columns <= sign)
        columns = sign + 1;
    if (whole <= columns)
        return;
    /* More of the end is kept: a path's file and line say more than its first folder. */
    const uint32_t head = (columns - sign) / 3, tail = columns - sign - head;
    lwi_text_init(text, full.ascii);
    append(text, full.bytes, skip(&full, from, head));
    lwi_text_sign(text, LWI_ELLIPSIS);
    const uint32_t rest = skip(&full, from, whole - tail);
    append(text, full.bytes + rest, full.length - rest);
}

void lwi_text_clip(lwi_text *text, uint32_t columns)
{
    enum { WORTH_IT = 8 }; /* less than this of what follows the core says nothing */
    if (text->columns <= columns)
        return;
    const uint32_t core = lwi_columns_of(text->bytes, text->core);
    if (text->core && columns >= core + WORTH_IT) {
        clip_from(text, text->core, columns - core);
        return;
    }
    if (text->core) {
        text->length = text->core;
        text->columns = core;
        text->bytes[text->length] = 0;
    }
    clip_from(text, 0, columns);
}

/* Numbers are made by hand: printf's would follow the host's locale. */
static void put_digits(lwi_text *text, uint64_t number, bool grouped)
{
    char digits[32];
    size_t at = sizeof digits;
    for (int i = 0; i == 0 || number; i++, number /= 10) {
        if (grouped && i && i % 3 == 0)
            digits[--at] = ',';
        digits[--at] = (char)('0' + number % 10);
    }
    append(text, digits + at, sizeof digits - at);
}

void lwi_text_number(lwi_text *text, uint64_t number)
{
    put_digits(text, number, false);
}

void lwi_text_count(lwi_text *text, uint64_t count)
{
    put_digits(text, count, true);
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

static void put_sign(lwi_text *text, int64_t value, bool plus)
{
    if (value < 0)
        lwi_text_put(text, "-");
    else if (value > 0 && plus)
        lwi_text_put(text, "+");
}

void lwi_text_amount(lwi_text *text, int64_t count)
{
    put_sign(text, count, false);
    lwi_text_count(text, magnitude(count));
}

void lwi_text_count_diff(lwi_text *text, int64_t count)
{
    put_sign(text, count, true);
    lwi_text_count(text, magnitude(count));
}

/* Below 1,024 exact; above, as many digits as a person reads: 2.1 MiB, 36.5 MiB, 388 KiB. */
void lwi_text_size(lwi_text *text, uint64_t bytes)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    if (bytes < 1024) {
        lwi_text_count(text, bytes);
        lwi_text_put(text, units[0]);
        return;
    }
    for (int unit = 1;; unit++) {
        uint64_t one = UINT64_C(1) << (10 * unit), rest = bytes % one;
        uint64_t tenths = bytes / one * 10 + (rest * 10 + one / 2) / one;
        uint64_t whole = bytes / one + (rest + one / 2) / one;
        if (whole >= 1000 && unit < 6)
            continue;
        lwi_text_count(text, tenths < 1000 ? tenths / 10 : whole);
        if (tenths < 1000) {
            char tenth[] = {'.', (char)('0' + tenths % 10)};
            append(text, tenth, sizeof tenth);
        }
        lwi_text_put(text, units[unit]);
        return;
    }
}

void lwi_text_bytes(lwi_text *text, int64_t bytes)
{
    put_sign(text, bytes, false);
    lwi_text_size(text, magnitude(bytes));
}

void lwi_text_bytes_diff(lwi_text *text, int64_t bytes)
{
    put_sign(text, bytes, true);
    lwi_text_size(text, magnitude(bytes));
}

void lwi_text_address(lwi_text *text, uint64_t address)
{
    char digits[20];
    uint32_t count = 1;
    while (count < 16 && address >> (4 * count))
        count++;
    size_t length = put_hex(digits, "0x", 0, 0);
    for (uint32_t i = count; i > 0; i--)
        digits[length++] = "0123456789abcdef"[address >> (4 * (i - 1)) & 15];
    append(text, digits, length);
}

void lwi_text_fingerprint(lwi_text *text, uint64_t fingerprint)
{
    char digits[16];
    for (uint32_t i = 0; i < 16; i++)
        digits[i] = "0123456789abcdef"[fingerprint >> (4 * (15 - i)) & 15];
    append(text, digits, sizeof digits);
}

void lwi_text_counted(lwi_text *text, uint64_t count, const char *noun)
{
    lwi_text_count(text, count);
    lwi_text_put(text, " ");
    lwi_text_put(text, noun);
    if (count != 1)
        lwi_text_put(text, "s");
}
