/* Short texts on the stack: words of ours, names of others made safe, numbers for people. */
#ifndef LWI_REPORT_TEXT_H
#define LWI_REPORT_TEXT_H

#include <leakwatch/report.h>
#include <stdbool.h>

#define LWI_TEXT_MAX 1536 /* bytes; two names of the longest kind and words around them */
#define LWI_NAME_MAX 160  /* columns of one name; longer ones lose their middle */

struct lwi_text {
    uint32_t length;  /* bytes */
    uint32_t columns; /* code points: each letter is taken to be one column wide */
    uint32_t core;    /* the first so many bytes are cut last; 0: all are alike */
    bool ascii;
    char bytes[LWI_TEXT_MAX]; /* terminated */
};
typedef struct lwi_text lwi_text;

/* Signs with a plain twin for terminals without UTF-8. */
enum lwi_sign { LWI_TO, LWI_FROM, LWI_BAR, LWI_END, LWI_ELLIPSIS, LWI_TIMES };
const char *lwi_sign(enum lwi_sign sign, bool ascii);

void lwi_text_init(lwi_text *text, bool ascii);
void lwi_text_put(lwi_text *text, const char *words);
void lwi_text_sign(lwi_text *text, enum lwi_sign sign);

/* A name from outside: control characters, broken UTF-8 and, in ASCII, foreign letters come out
 * as escapes, so that no name can break a line or colour a terminal. NULL puts nothing. */
void lwi_text_name(lwi_text *text, const char *name);

void lwi_text_count(lwi_text *text, uint64_t count);       /* 77,078 */
void lwi_text_amount(lwi_text *text, int64_t count);       /* -77,078 */
void lwi_text_count_diff(lwi_text *text, int64_t count);   /* +77,078 */
void lwi_text_bytes(lwi_text *text, int64_t bytes);        /* 36.5 MiB */
void lwi_text_bytes_diff(lwi_text *text, int64_t bytes);   /* +36.5 MiB */
void lwi_text_size(lwi_text *text, uint64_t bytes);        /* of any 64 bits */
void lwi_text_number(lwi_text *text, uint64_t number);     /* 77078 */
void lwi_text_address(lwi_text *text, uint64_t address);   /* 0x7f0012 */
void lwi_text_fingerprint(lwi_text *text, uint64_t fingerprint); /* 16 digits */

/* `count` and the noun, "s" added where it is not one: "1 block", "77,078 blocks". */
void lwi_text_counted(lwi_text *text, uint64_t count, const char *noun);

/* What is there so far matters more than what follows. */
void lwi_text_core(lwi_text *text);

/* Takes out the middle until the text fits: of what follows the core first, then of the core. */
void lwi_text_clip(lwi_text *text, uint32_t columns);

uint32_t lwi_columns(const char *words);
uint32_t lwi_columns_of(const char *words, size_t length);

/* The next code point of a terminated string and how many bytes it takes; LWI_BROKEN and 1 for a
 * byte that is not UTF-8. */
#define LWI_BROKEN UINT32_MAX
uint32_t lwi_utf8(const char *at, uint32_t *point);

#endif
