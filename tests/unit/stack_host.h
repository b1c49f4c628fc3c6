/* A host that puts the words of stacks into words of its own making. */
#ifndef TESTS_UNIT_STACK_HOST_H
#define TESTS_UNIT_STACK_HOST_H

#include "record_host.h"

typedef struct words {
    int calls;
    int fail;          /* what describe_frame answers */
    int watch;         /* watch the code that a word lies in: its 4096-byte page */
    const char *suffix; /* of each function's name: what the code is now */
    lw_domain *domain;
} words;

/* The function's name is the word in decimal; the strings are valid for one call only. */
static inline int describe(uint64_t word, lw_frame *frame, void *user)
{
    static char function[64], file[64];
    words *words = user;
    words->calls++;
    memset(function, '?', sizeof function - 1);
    memset(file, '?', sizeof file - 1);
    snprintf(function, sizeof function, "f%" PRIu64 "%s", word, words->suffix);
    snprintf(file, sizeof file, "file%" PRIu64 ".x", word % 10);
    frame->function = function;
    frame->file = file;
    frame->line = (uint32_t)(word % 100);
    frame->flags = word % 2 ? LW_FRAME_OWN : 0;
    if (words->watch)
        cr_assert_eq(lw_code_watch(words->domain, at(word & ~UINT64_C(4095)), 4096), LW_OK);
    return words->fail;
}

static inline lw_domain *add_described(host *host, const char *name, words *words)
{
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *domain = NULL;
    options.name = name;
    options.describe_frame = describe;
    options.user = words;
    words->suffix = words->suffix ? words->suffix : "";
    cr_assert_eq(lw_domain_create(host->context, &options, &domain, NULL), LW_OK);
    words->domain = domain;
    return domain;
}

/* Allocates at `address` with these words and returns the site. */
static inline lw_site site_of(lw_domain *domain, uint64_t address, const uint64_t *words, uint32_t count)
{
    lw_stack stack = {words, count, 0, 0};
    lw_block_alloc(domain, at(address), 16, &stack);
    return site_at(domain, address);
}

typedef struct lines {
    char text[LW_STACK_MAX * 40];
    size_t length;
    int count, stop_at;
} lines;

static inline int add_line(const lw_frame *frame, void *user)
{
    lines *lines = user;
    lines->length += (size_t)snprintf(
        lines->text + lines->length, sizeof lines->text - lines->length, "%s@%s:%u/%u ",
        frame->function ? frame->function : "-", frame->file ? frame->file : "-",
        (unsigned)frame->line, (unsigned)frame->flags);
    return ++lines->count == lines->stop_at;
}

static inline void expect_frames(lw_context *context, lw_site site, const char *text)
{
    lines lines = {.length = 0};
    cr_assert_eq(lw_site_frames(context, site, add_line, &lines, NULL), LW_OK);
    cr_assert_str_eq(lines.text, text);
}

#endif
