/* A host for the tests of reports: it says where blocks come from and what its heap looks like.
 * No block of it exists; addresses are numbers here. */
#ifndef TESTS_UNIT_REPORT_HOST_H
#define TESTS_UNIT_REPORT_HOST_H

#define _POSIX_C_SOURCE 200809L /* popen() */

#include <criterion/criterion.h>
#include <leakwatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a report wrote, and which call of the writer is to fail (0: none). */
typedef struct page {
    size_t length;
    int calls;
    int fail_at;
    char text[1 << 20];
} page;

static page out; /* of the report at hand */

/* Signs, as bytes. */
#define TO "\xE2\x86\x92"
#define FROM "\xE2\x86\x90"
#define BAR "\xE2\x94\x82"
#define END "\xE2\x96\xBC"
#define DOTS "\xE2\x80\xA6"

typedef struct host {
    lw_context *context;
    lw_domain *heap;
    lw_region *region;
    lw_runtime *runtime;
    lw_round round;
    uintptr_t next;
} host;

/* Words of a stack are numbers of these places; from PLACE_MANY on, lines of many.py. */
enum {
    NUMPY = 1,
    PRICE,
    ORDER,
    SQLALCHEMY,
    MAIN,
    ZEROS,
    NAMELESS,
    FUNCTION_ONLY,
    HOSTILE,
    DEEP,
    DRIVE,
    UPWARDS,
    AT_ROOT,
    PLACE_MANY = 1000
};

static const struct {
    const char *file, *function;
    uint32_t line, flags;
} places[] = {
    [NUMPY] = {"numpy/core/numeric.py", "full", 205, 0},
    [PRICE] = {"svc.py", "Pricing.price", 19, LW_FRAME_OWN},
    [ORDER] = {"svc.py", "order", 22, LW_FRAME_OWN},
    [SQLALCHEMY] = {"sqlalchemy/orm/identity.py", "add", 18, 0},
    [MAIN] = {"app.py", "main", 3, LW_FRAME_OWN},
    [ZEROS] = {"numpy/core/zeros.py", "zeros", 7, 0},
    [NAMELESS] = {NULL, NULL, 0, 0},
    [FUNCTION_ONLY] = {NULL, "grow", 0, LW_FRAME_OWN},
    [HOSTILE] = {"a\nb\033[31m\xE2\x80\xAE\xFF.py", "gr\xC3\xB6\xC3\x9F\x65", 1, LW_FRAME_OWN},
    [DEEP] = {"/usr/lib/python3/dist-packages/numpy/core/numeric.py", "full", 205, 0},
    [DRIVE] = {"C:\\src\\shop\\svc.c", "price", 8, LW_FRAME_OWN},
    [UPWARDS] = {"../../src/shop/svc.c", NULL, 9, LW_FRAME_OWN},
    [AT_ROOT] = {"/svc.c", NULL, 10, LW_FRAME_OWN},
};

static inline int describe(uint64_t word, lw_frame *frame, void *user)
{
    (void)user;
    if (word >= PLACE_MANY) {
        frame->file = "many.py";
        frame->line = (uint32_t)(word - PLACE_MANY);
        frame->flags = LW_FRAME_OWN;
        return 0;
    }
    frame->file = places[word].file;
    frame->function = places[word].function;
    frame->line = places[word].line;
    frame->flags = places[word].flags;
    return 0;
}

static inline host open_host(const char *region)
{
    host host = {.next = 0x10000000};
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    options.name = "heap";
    options.describe_frame = describe;
    cr_assert_eq(lw_context_create(NULL, &host.context, NULL), LW_OK);
    cr_assert_eq(lw_domain_create(host.context, &options, &host.heap, NULL), LW_OK);
    cr_assert_eq(lw_region_create(host.context, region, NULL, &host.region, NULL), LW_OK);
    return host;
}

static inline void begin(host *host)
{
    cr_assert_eq(lw_region_begin(host->region, &host->round, NULL), LW_OK);
}

static inline void end(host *host)
{
    cr_assert_eq(lw_region_end(host->region, host->round, NULL, NULL), LW_OK);
}

/* Allocates a block from a stack of up to three places, the innermost first; 0 ends it. */
static inline uintptr_t born(host *host, uint64_t size, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t words[] = {a, b, c};
    lw_stack stack = {words, (uint32_t)(!!a + !!b + !!c), 0, 0};
    uintptr_t address = host->next;
    host->next += ((uintptr_t)size + 15) / 16 * 16 + 16;
    lw_block_alloc(host->heap, (const void *)address, size, a ? &stack : NULL);
    return address;
}

static inline void gone(host *host, uintptr_t address)
{
    lw_block_free(host->heap, (const void *)address);
}

static inline int take(const char *text, size_t length, void *user)
{
    page *page = user;
    if (++page->calls == page->fail_at)
        return 1;
    cr_assert_lt(page->length + length, sizeof page->text, "a report larger than the page");
    memcpy(page->text + page->length, text, length);
    page->length += length;
    page->text[page->length] = 0;
    return 0;
}

/* What leakwatch itself takes depends on how it is built: its figure becomes a star. */
static inline void mask_own(void)
{
    char *at = strstr(out.text, "our own ");
    if (!at)
        return;
    at += strlen("our own ");
    size_t length = strcspn(at, "\n");
    *at = '*';
    memmove(at + 1, at + length, strlen(at + length) + 1);
    out.length = strlen(out.text);
}

static inline lw_report_options how(int32_t format, uint32_t flags, uint32_t width)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    options.format = format;
    options.flags = flags;
    options.width = width;
    return options;
}

static inline void expect_text(const char *expected)
{
    cr_assert(strcmp(out.text, expected) == 0, "\n--- got\n%s--- expected\n%s", out.text,
              expected);
}

/* The widest line in code points. */
static inline size_t widest(const char *text)
{
    size_t widest = 0, columns = 0;
    for (; *text; text++) {
        columns = *text == '\n' ? 0 : columns + (((unsigned char)*text & 0xC0) != 0x80);
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

/* Asks Python, whose reader is not ours, whether the text is JSON and a condition on it, `d`,
 * holds; the condition has no single quotes. */
static inline void expect_json(const char *condition)
{
    char command[4096];
    int length = snprintf(command, sizeof command,
                          "python3 -c 'import json, sys\n"
                          "d = json.loads(sys.stdin.buffer.read().decode(\"utf-8\"))\n"
                          "assert %s, d'",
                          condition);
    cr_assert_lt(length, (int)sizeof command);
    FILE *python = popen(command, "w");
    cr_assert_not_null(python);
    fwrite(out.text, 1, out.length, python);
    cr_assert_eq(pclose(python), 0, "not so: %s\n%s", condition, out.text);
    cr_assert_eq(strcspn(out.text, "\n") + 1, out.length, "one line");
}

typedef lw_status (*report_fn)(const void *what, const lw_report_options *options,
                               lw_error *error);

/* Whatever call of the writer fails, it is the last one, and the answer is LW_E_IO. */
static inline void stop_everywhere(report_fn write, const void *what)
{
    for (int i = 0; i < 4; i++) {
        lw_report_options options = how(i & 1, i & 2 ? LW_REPORT_ALL : LW_REPORT_COLOUR, 0);
        memset(&out, 0, sizeof out);
        cr_assert_eq(write(what, &options, NULL), LW_OK);
        const int calls = out.calls;
        for (int n = 1; n <= calls; n++) {
            lw_error error = LW_ERROR_INIT;
            memset(&out, 0, sizeof out);
            out.fail_at = n;
            cr_assert_eq(write(what, &options, &error), LW_E_IO);
            cr_assert_eq(out.calls, n);
            cr_assert_eq(error.status, LW_E_IO);
            cr_assert(strstr(error.message, "writer"));
        }
    }
}

/* A wrong argument is told in a sentence, and nothing is written. */
#define expect_refused(call, answer, words)                                                        \
    do {                                                                                           \
        lw_error error = LW_ERROR_INIT;                                                            \
        cr_expect_eq(call, answer);                                                                \
        cr_expect_eq(error.status, answer);                                                        \
        cr_expect(strstr(error.message, words), "%s", error.message);                              \
        cr_expect_eq(out.calls, 0);                                                                \
    } while (0)

#endif
