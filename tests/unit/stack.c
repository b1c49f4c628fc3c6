/* Call stacks: interning and describing. Words that change their meaning: code.c. */
#include "stack_host.h"

/* ---- describing ---- */

Test(stack, frames_come_innermost_first)
{
    host host;
    words words = {0};
    uint64_t stack[] = {341, 218, 103};
    open_host(&host);
    lw_site site = site_of(add_described(&host, "d", &words), 0x1000, stack, 3);
    expect_frames(host.context, site,
                  "f341@file1.x:41/1 f218@file8.x:18/0 f103@file3.x:3/1 ");
    close_host(&host);
}

Test(stack, a_word_is_described_once)
{
    host host;
    words words = {0};
    uint64_t stack[] = {3, 2, 1}, other[] = {4, 3, 2, 1}, same[] = {2, 2, 2};
    open_host(&host);
    lw_domain *domain = add_described(&host, "d", &words);
    for (uint64_t i = 1; i < 50; i++) {
        site_of(domain, i * 64, stack, 3);
        site_of(domain, i * 64 + 16, other, 4);
        site_of(domain, i * 64 + 32, same, 3);
    }
    cr_assert_eq(words.calls, 4);
    cr_assert_eq(context_stats(host.context).sites, 3);
    close_host(&host);
}

Test(stack, domains_of_one_host_share_their_frames)
{
    host host;
    words words = {0}, others = {.suffix = "'"};
    uint64_t stack[] = {3, 2, 1};
    open_host(&host);
    lw_domain *one = add_described(&host, "one", &words);
    lw_domain *two = add_described(&host, "two", &words);
    lw_domain *three = add_described(&host, "three", &others);
    lw_site site = site_of(one, 0x1000, stack, 3);
    cr_assert_eq(site_of(two, 0x2000, stack, 3), site);
    cr_assert_eq(words.calls, 3);
    lw_site other = site_of(three, 0x3000, stack, 3);
    cr_assert_neq(other, site);
    cr_assert_eq(others.calls, 3);
    expect_frames(host.context, other, "f3'@file3.x:3/1 f2'@file2.x:2/0 f1'@file1.x:1/1 ");
    close_host(&host);
}

Test(stack, words_that_mean_nothing_are_shown_as_numbers)
{
    host host;
    words words = {.fail = 1};
    uint64_t stack[] = {0xabc, UINT64_MAX};
    open_host(&host);
    lw_site described = site_of(add_described(&host, "d", &words), 0x1000, stack, 2);
    expect_frames(host.context, described, "0xabc@-:0/0 0xffffffffffffffff@-:0/0 ");
    lw_site plain = site_of(host.heap, 0x2000, stack, 2); /* nobody describes these */
    expect_frames(host.context, plain, "0xabc@-:0/0 0xffffffffffffffff@-:0/0 ");
    close_host(&host);
}

static int describe_nothing(uint64_t word, lw_frame *frame, void *user)
{
    (void)word, (void)frame, (void)user;
    return 0;
}

Test(stack, a_frame_may_have_no_names)
{
    host host;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *domain = NULL;
    uint64_t word = 7;
    open_host(&host);
    options.name = "d";
    options.describe_frame = describe_nothing;
    cr_assert_eq(lw_domain_create(host.context, &options, &domain, NULL), LW_OK);
    expect_frames(host.context, site_of(domain, 0x1000, &word, 1), "-@-:0/0 ");
    close_host(&host);
}

/* Better words for a frame that was described before; knows nothing of words from 900 on. */
static int name_better(uint64_t word, lw_frame *frame, void *user)
{
    static char function[64];
    words *words = user;
    words->calls += 100;
    snprintf(function, sizeof function, "better than %s", frame->function);
    frame->function = function;
    frame->file = "source.x";
    frame->line++;
    frame->flags = 0;
    return word >= 900;
}

Test(stack, a_frame_is_named_when_it_is_first_read)
{
    host host;
    words words = {.suffix = ""};
    const uint64_t stack[] = {101, 901};
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *domain = NULL;
    open_host(&host);
    options.name = "d";
    options.describe_frame = describe;
    options.name_frame = name_better;
    options.user = &words;
    cr_assert_eq(lw_domain_create(host.context, &options, &domain, NULL), LW_OK);
    lw_site site = site_of(domain, 0x1000, stack, 2);
    cr_assert_eq(words.calls, 2, "an event describes, and does not name");
    for (int i = 0; i < 2; i++) {
        expect_frames(host.context, site, "better than f101@source.x:2/0 f901@file1.x:1/1 ");
        cr_assert_eq(words.calls, 202, "each frame is asked for once");
    }
    lw_survivors *survivors = NULL;
    lw_frame frame = LW_FRAME_INIT;
    cr_assert_eq(lw_survivors_take(host.context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_frame_get(survivors, 0, 0, &frame, NULL), LW_OK);
    cr_assert_str_eq(frame.function, "better than f101");
    lw_survivors_release(survivors);
    close_host(&host);
}

/* A word ends with the number of calls that were inlined there: as many frames more. */
static int name_inlined(uint64_t word, lw_frame *frame, void *user)
{
    static char function[64];
    words *words = user;
    words->calls += 100;
    snprintf(function, sizeof function, "%s.%u", frame->function, (unsigned)frame->level);
    frame->function = function;
    frame->line += frame->level;
    if (frame->level < word % 100)
        frame->flags |= LW_FRAME_INLINED;
    return 0;
}

static lw_domain *add_inlining(host *host, words *words)
{
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *domain = NULL;
    options.name = "d";
    options.describe_frame = describe;
    options.name_frame = name_inlined;
    options.user = words;
    cr_assert_eq(lw_domain_create(host->context, &options, &domain, NULL), LW_OK);
    return domain;
}

Test(stack, a_word_stands_for_the_calls_that_were_inlined_there_too)
{
    host host;
    words words = {.suffix = ""};
    const uint64_t stack[] = {102, 200, 301};
    open_host(&host);
    lw_site site = site_of(add_inlining(&host, &words), 0x1000, stack, 3);
    for (int i = 0; i < 2; i++) {
        expect_frames(host.context, site,
                      "f102.0@file2.x:2/2 f102.1@file2.x:3/2 f102.2@file2.x:4/0 "
                      "f200.0@file0.x:0/0 f301.0@file1.x:1/3 f301.1@file1.x:2/1 ");
        cr_assert_eq(words.calls, 603, "each frame is asked for once");
    }
    lw_survivors *survivors = NULL;
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    cr_assert_eq(lw_survivors_take(host.context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_row_get(survivors, 0, &row, NULL), LW_OK);
    cr_assert_eq(row.frames, 6);
    cr_assert_eq(row.truncated, 0);
    lw_survivors_release(survivors);
    close_host(&host);
}

/* A host that never ends a word, and a stack that is full without what is inlined. */
Test(stack, more_frames_than_a_stack_may_have_are_cut)
{
    host host;
    words words = {.suffix = ""};
    uint64_t stack[LW_STACK_MAX] = {0};
    lw_survivors *survivors = NULL;
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    open_host(&host);
    lw_domain *domain = add_inlining(&host, &words);
    for (int i = 0; i < LW_STACK_MAX; i++)
        stack[i] = (uint64_t)i * 100 + 99;
    site_of(domain, 0x1000, stack, LW_STACK_MAX);
    cr_assert_eq(lw_survivors_take(host.context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_row_get(survivors, 0, &row, NULL), LW_OK);
    cr_assert_eq(row.frames, LW_STACK_MAX);
    cr_assert_eq(row.truncated, 1);
    lw_survivors_release(survivors);
    close_host(&host);
}

Test(stack, here_is_a_place_in_the_source)
{
    host host;
    lw_block block;
    char text[200];
    open_host(&host);
    int line = __LINE__ + 1;
    lw_block_alloc_at(host.heap, at(0x1000), 10, LW_HERE);
    snprintf(text, sizeof text, "-@%s:%d/%d ", __FILE__, line, LW_FRAME_OWN);
    cr_assert_eq(find_block(host.heap, 0x1000, &block), LW_OK);
    expect_frames(host.context, block.site, text);
    lw_block_alloc_at(host.heap, at(0x2000), 10, "C:\\dir\\file.c:12");
    expect_frames(host.context, site_at(host.heap, 0x2000), "-@C:\\dir\\file.c:12/1 ");
    lw_block_alloc_at(host.heap, at(0x3000), 10, "nowhere");
    expect_frames(host.context, site_at(host.heap, 0x3000), "-@nowhere:0/1 ");
    lw_block_alloc_at(host.heap, at(0x4000), 10, NULL);
    cr_assert_eq(site_at(host.heap, 0x4000), 0);
    expect_live(host.heap, 40, 4);
    close_host(&host);
}

/* ---- interning ---- */

Test(stack, equal_stacks_have_one_site)
{
    host host;
    uint64_t a[] = {1, 2, 3}, b[] = {1, 2, 3}, c[] = {1, 2, 4}, d[] = {3, 2, 1};
    open_host(&host);
    lw_site site = site_of(host.heap, 0x1000, a, 3);
    cr_assert_neq(site, 0);
    cr_assert_eq(site_of(host.heap, 0x2000, b, 3), site);
    cr_assert_neq(site_of(host.heap, 0x3000, c, 3), site);
    cr_assert_neq(site_of(host.heap, 0x4000, d, 3), site);
    cr_assert_neq(site_of(host.heap, 0x5000, a, 2), site);
    cr_assert_eq(context_stats(host.context).sites, 4);
    close_host(&host);
}

Test(stack, no_stack_is_site_0)
{
    host host;
    uint64_t word = 1;
    lw_stack empty = {&word, 0, 0, 0}, none = {NULL, 3, 0, 0};
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    lw_block_alloc(host.heap, at(0x2000), 10, &empty);
    lw_block_alloc(host.heap, at(0x3000), 10, &none);
    cr_assert_eq(site_at(host.heap, 0x1000), 0);
    cr_assert_eq(site_at(host.heap, 0x2000), 0);
    cr_assert_eq(site_at(host.heap, 0x3000), 0);
    cr_assert_eq(context_stats(host.context).sites, 0);
    close_host(&host);
}

Test(stack, factors_are_odd_and_differ)
{
    const uint64_t *factors = lw_stack_factors();
    for (int i = 0; i < LW_STACK_MAX; i++) {
        cr_assert_eq(factors[i] % 2, 1);
        for (int j = 0; j < i; j++)
            cr_assert_neq(factors[i], factors[j]);
    }
    cr_assert_eq(lw_stack_factors(), factors);
}

Test(stack, a_hash_of_the_host_gives_the_same_site)
{
    host host;
    uint64_t words[LW_STACK_MAX], hash = 0;
    open_host(&host);
    for (int i = 0; i < LW_STACK_MAX; i++) {
        words[i] = UINT64_C(0x7f0000001000) + (uint64_t)i * 37;
        hash += words[i] * lw_stack_factors()[i];
    }
    lw_stack given = {words, LW_STACK_MAX, 0, hash};
    lw_block_alloc(host.heap, at(0x1000), 16, &given);
    lw_site site = site_at(host.heap, 0x1000);
    cr_assert_eq(site_of(host.heap, 0x2000, words, LW_STACK_MAX), site);
    /* One word changes, and the host corrects the sum. */
    given.hash += (9 - words[5]) * lw_stack_factors()[5];
    words[5] = 9;
    lw_block_alloc(host.heap, at(0x3000), 16, &given);
    lw_site changed = site_at(host.heap, 0x3000);
    cr_assert_neq(changed, site);
    cr_assert_eq(site_of(host.heap, 0x4000, words, LW_STACK_MAX), changed);
    close_host(&host);
}

/* Different stacks under one hash are told apart by their words. */
Test(stack, equal_hashes_are_compared_word_by_word)
{
    host host;
    uint64_t a[] = {1, 2, 3}, b[] = {4, 2, 3};
    lw_stack one = {a, 3, 0, 99}, two = {b, 3, 0, 99};
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 16, &one);
    lw_block_alloc(host.heap, at(0x2000), 16, &two);
    cr_assert_neq(site_at(host.heap, 0x1000), site_at(host.heap, 0x2000));
    expect_frames(host.context, site_at(host.heap, 0x2000), "0x4@-:0/0 0x2@-:0/0 0x3@-:0/0 ");
    close_host(&host);
}

Test(stack, more_words_than_fit_are_cut_and_marked)
{
    host host;
    uint64_t words[LW_STACK_MAX + 10];
    lines lines = {.length = 0};
    lw_survivors *survivors = NULL;
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    open_host(&host);
    for (uint64_t i = 0; i < LW_STACK_MAX + 10; i++)
        words[i] = i + 1;
    lw_stack stack = {words, LW_STACK_MAX + 10, 0, 12345}; /* a hash of words we do not take */
    lw_block_alloc(host.heap, at(0x1000), 16, &stack);
    lw_site site = site_at(host.heap, 0x1000);
    cr_assert_eq(lw_site_frames(host.context, site, add_line, &lines, NULL), LW_OK);
    cr_assert_eq(lines.count, LW_STACK_MAX);
    cr_assert_eq(lw_survivors_take(host.context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_row_get(survivors, 0, &row, NULL), LW_OK);
    cr_assert_eq(row.truncated, 1);
    cr_assert_eq(row.frames, LW_STACK_MAX);
    lw_survivors_release(survivors);
    lw_stack cut = {words, LW_STACK_MAX, 1, 0}, whole = {words, LW_STACK_MAX, 0, 0};
    lw_block_alloc(host.heap, at(0x2000), 16, &cut);
    lw_block_alloc(host.heap, at(0x3000), 16, &whole);
    cr_assert_eq(site_at(host.heap, 0x2000), site);
    cr_assert_neq(site_at(host.heap, 0x3000), site);
    close_host(&host);
}

/* Ten thousand stacks that share most of their frames, each found again. */
Test(stack, many_stacks)
{
    enum { STACKS = 10000 };
    static lw_site sites[STACKS];
    host host;
    uint64_t words[20];
    open_host(&host);
    for (uint64_t i = 0; i < 20; i++)
        words[i] = 1000 + i;
    for (int pass = 0; pass < 2; pass++) {
        for (uint64_t i = 0; i < STACKS; i++) {
            words[0] = i % 100 + 1;
            words[7] = i / 100 + 1;
            lw_site site = site_of(host.heap, (i + 1) * 16, words, 20);
            cr_assert(pass ? site == sites[i] : site == i + 1);
            sites[i] = site;
            lw_block_free(host.heap, at((i + 1) * 16));
        }
    }
    cr_assert_eq(context_stats(host.context).sites, STACKS);
    close_host(&host);
}

/* ---- asking ---- */

Test(stack, site_frames_stops_when_told)
{
    host host;
    uint64_t words[] = {1, 2, 3};
    lines lines = {.stop_at = 2};
    open_host(&host);
    lw_site site = site_of(host.heap, 0x1000, words, 3);
    cr_assert_eq(lw_site_frames(host.context, site, add_line, &lines, NULL), LW_OK);
    cr_assert_eq(lines.count, 2);
    close_host(&host);
}

Test(stack, site_frames_of_no_site)
{
    host host;
    uint64_t word = 1;
    lines lines = {.length = 0};
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    site_of(host.heap, 0x1000, &word, 1);
    expect_error(lw_site_frames(host.context, 0, add_line, &lines, &error), LW_E_NOT_FOUND,
                 &error);
    expect_error(lw_site_frames(host.context, 2, add_line, &lines, &error), LW_E_NOT_FOUND,
                 &error);
    expect_error(lw_site_frames(host.context, UINT32_MAX, add_line, &lines, &error),
                 LW_E_NOT_FOUND, &error);
    expect_error(lw_site_frames(NULL, 1, add_line, &lines, &error), LW_E_INVALID, &error);
    expect_error(lw_site_frames(host.context, 1, NULL, &lines, &error), LW_E_INVALID, &error);
    cr_assert_eq(lines.count, 0);
    close_host(&host);
}

static int ask_inside(const lw_frame *frame, void *user)
{
    host *host = user;
    (void)frame;
    lw_block_alloc(host->heap, at(0x5000), 10, NULL);
    cr_assert_eq(site_at(host->heap, 0x5000), 0);
    return 0;
}

Test(stack, site_frames_may_send_events_and_ask, .timeout = 20)
{
    host host;
    uint64_t word = 1;
    open_host(&host);
    lw_site site = site_of(host.heap, 0x1000, &word, 1);
    cr_assert_eq(lw_site_frames(host.context, site, ask_inside, &host, NULL), LW_OK);
    cr_assert_eq(context_stats(host.context).dropped, 0);
    close_host(&host);
}
