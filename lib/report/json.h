/* JSON as it is made: no tree, no memory. Keys stand in the order of the calls. */
#ifndef LWI_REPORT_JSON_H
#define LWI_REPORT_JSON_H

#include "report/out.h"

typedef struct lwi_json {
    lwi_out *out;
    uint32_t depth;
    uint32_t begun; /* bit n: something stands already at depth n */
} lwi_json;

/* `key` is NULL inside arrays. */
void lwi_json_object(lwi_json *json, const char *key);
void lwi_json_object_end(lwi_json *json);
void lwi_json_array(lwi_json *json, const char *key);
void lwi_json_array_end(lwi_json *json);

/* Broken UTF-8 becomes U+FFFD, byte by byte; with LW_REPORT_ASCII, letters become \uXXXX. NULL
 * is null. */
void lwi_json_string(lwi_json *json, const char *key, const char *text);
void lwi_json_unsigned(lwi_json *json, const char *key, uint64_t value);
void lwi_json_signed(lwi_json *json, const char *key, int64_t value);
void lwi_json_bool(lwi_json *json, const char *key, bool value);
void lwi_json_null(lwi_json *json, const char *key);
/* As a string, "0x7f0012": a double cannot hold every address. */
void lwi_json_address(lwi_json *json, const char *key, uint64_t address);
/* As a string of 16 digits. */
void lwi_json_fingerprint(lwi_json *json, const char *key, uint64_t fingerprint);

/* Begins the one object that a report is, with what all of them have. */
lwi_json lwi_json_report(lwi_out *out, const char *name);
/* Ends it and its line. */
void lwi_json_report_end(lwi_json *json);

#endif
