#include "report/json.h"

#include "report/memory.h"
#include "report/text.h"

#include <string.h>

/* Raised when a key goes or changes its meaning, not when one is added. */
enum { FORMAT = 1 };

static void put(lwi_json *json, const char *words)
{
    lwi_out_bytes(json->out, words, strlen(words));
}

static void put_unit(lwi_json *json, uint32_t unit)
{
    char text[6] = {'\\', 'u'};
    for (int i = 0; i < 4; i++)
        text[2 + i] = "0123456789abcdef"[unit >> (12 - 4 * i) & 15];
    lwi_out_bytes(json->out, text, sizeof text);
}

static void put_escaped(lwi_json *json, uint32_t point)
{
    if (point > 0xFFFF) {
        put_unit(json, 0xD7C0 + (point >> 10));
        put_unit(json, 0xDC00 + (point & 0x3FF));
    } else {
        put_unit(json, point);
    }
}

static void put_string(lwi_json *json, const char *text)
{
    put(json, "\"");
    while (*text) {
        uint32_t point, read = lwi_utf8(text, &point);
        if (point == LWI_BROKEN)
            point = 0xFFFD;
        if (point == '"' || point == '\\') {
            put(json, "\\");
            lwi_out_bytes(json->out, text, 1);
        } else if (point < 0x20 || point == 0x7F || (point >= 0x80 && lwi_out_ascii(json->out))) {
            put_escaped(json, point);
        } else if (point == 0xFFFD) {
            put(json, "\xEF\xBF\xBD");
        } else {
            lwi_out_bytes(json->out, text, read);
        }
        text += read;
    }
    put(json, "\"");
}

static void begin(lwi_json *json, const char *key)
{
    uint32_t bit = UINT32_C(1) << json->depth;
    if (json->begun & bit)
        put(json, ",");
    json->begun |= bit;
    if (key) {
        put_string(json, key);
        put(json, ":");
    }
}

static void open_level(lwi_json *json, const char *key, const char *bracket)
{
    begin(json, key);
    put(json, bracket);
    json->depth++;
    json->begun &= ~(UINT32_C(1) << json->depth);
}

static void close_level(lwi_json *json, const char *bracket)
{
    json->depth--;
    put(json, bracket);
}

void lwi_json_object(lwi_json *json, const char *key)
{
    open_level(json, key, "{");
}

void lwi_json_object_end(lwi_json *json)
{
    close_level(json, "}");
}

void lwi_json_array(lwi_json *json, const char *key)
{
    open_level(json, key, "[");
}

void lwi_json_array_end(lwi_json *json)
{
    close_level(json, "]");
}

void lwi_json_string(lwi_json *json, const char *key, const char *text)
{
    begin(json, key);
    if (text)
        put_string(json, text);
    else
        put(json, "null");
}

static void put_number(lwi_json *json, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    lwi_out_bytes(json->out, digits + at, sizeof digits - at);
}

void lwi_json_unsigned(lwi_json *json, const char *key, uint64_t value)
{
    begin(json, key);
    put_number(json, value);
}

void lwi_json_signed(lwi_json *json, const char *key, int64_t value)
{
    begin(json, key);
    if (value < 0)
        put(json, "-");
    put_number(json, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void lwi_json_bool(lwi_json *json, const char *key, bool value)
{
    begin(json, key);
    put(json, value ? "true" : "false");
}

void lwi_json_null(lwi_json *json, const char *key)
{
    lwi_json_string(json, key, NULL);
}

void lwi_json_address(lwi_json *json, const char *key, uint64_t address)
{
    lwi_text text;
    lwi_text_init(&text, true);
    lwi_text_address(&text, address);
    lwi_json_string(json, key, text.bytes);
}

void lwi_json_fingerprint(lwi_json *json, const char *key, uint64_t fingerprint)
{
    lwi_text text;
    lwi_text_init(&text, true);
    lwi_text_fingerprint(&text, fingerprint);
    lwi_json_string(json, key, text.bytes);
}

lwi_json lwi_json_report(lwi_out *out, const char *name)
{
    lwi_json json = {out, 0, 0};
    lwi_json_object(&json, NULL);
    lwi_json_string(&json, "report", name);
    lwi_json_unsigned(&json, "format", FORMAT);
    return json;
}

void lwi_json_report_end(lwi_json *json)
{
    lwi_json_memory(json, json->out->has_memory ? &json->out->memory : NULL);
    lwi_json_object_end(json);
    put(json, "\n");
}
