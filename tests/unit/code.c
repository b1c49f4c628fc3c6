/* Words of stacks that mean something only as long as a piece of code lives: lw_code_watch() and
 * lw_code_retire(). Whatever happens, no site ever shows the name of another piece of code. */
#include "stack_host.h"

/* A page of code each; words lie in them. */
enum { CODE = 0x10000, OTHER_CODE = 0x20000, BLOCKS = 0x100000 };

typedef struct machine {
    host host;
    words words;
    lw_domain *domain;
    uint64_t next;
} machine;

static void open_machine(machine *machine, int watch)
{
    memset(machine, 0, sizeof *machine);
    open_host(&machine->host);
    machine->domain = add_described(&machine->host, "machine", &machine->words);
    machine->words.watch = watch;
    machine->next = BLOCKS;
}

/* The site of a new block whose stack is one word. */
static lw_site run(machine *machine, uint64_t word)
{
    return site_of(machine->domain, machine->next += 64, &word, 1);
}

static void expect_name(machine *machine, lw_site site, const char *name)
{
    char text[80];
    snprintf(text, sizeof text, "%s@", name);
    lines lines = {.length = 0};
    cr_assert_eq(lw_site_frames(machine->host.context, site, add_line, &lines, NULL), LW_OK);
    cr_assert_eq(strncmp(lines.text, text, strlen(text)), 0, "%s, should be %s", lines.text, name);
}

Test(code, a_word_is_described_anew_when_its_code_was_freed)
{
    machine machine;
    open_machine(&machine, 1);
    lw_block_alloc(machine.domain, at(CODE), 4096, NULL);
    machine.words.suffix = "-old";
    lw_site old = run(&machine, CODE + 8);
    expect_name(&machine, old, "f65544-old");
    lw_block_free(machine.domain, at(CODE));
    lw_block_alloc(machine.domain, at(CODE), 4096, NULL);
    machine.words.suffix = "-new";
    lw_site fresh = run(&machine, CODE + 8);
    cr_assert_neq(fresh, old);
    expect_name(&machine, fresh, "f65544-new");
    expect_name(&machine, old, "f65544-old");
    cr_assert_eq(run(&machine, CODE + 8), fresh);
    cr_assert_eq(machine.words.calls, 2);
    close_host(&machine.host);
}

/* Code that was there before recording is watched without being counted. */
Test(code, a_block_that_is_not_recorded_is_watched)
{
    machine machine;
    lw_block block;
    open_machine(&machine, 1);
    machine.words.suffix = "-old";
    lw_site old = run(&machine, CODE + 8);
    expect_live(machine.domain, 16, 1);
    cr_assert_eq(find_block(machine.domain, CODE + 8, &block), LW_E_NOT_FOUND);
    lw_block_free(machine.domain, at(CODE));
    expect_live(machine.domain, 16, 1);
    cr_assert_eq(domain_stats(machine.domain).freed, 0);
    cr_assert_eq(context_stats(machine.host.context).unknown_frees, 1);
    machine.words.suffix = "-new";
    expect_name(&machine, run(&machine, CODE + 8), "f65544-new");
    expect_name(&machine, old, "f65544-old");
    close_host(&machine.host);
}

Test(code, a_watched_block_that_is_not_recorded_is_no_replaced_one)
{
    machine machine;
    open_machine(&machine, 1);
    run(&machine, CODE + 8);
    lw_block_free_sized(machine.domain, at(CODE), 4096);
    cr_assert_eq(context_stats(machine.host.context).replaced, 0);
    close_host(&machine.host);
}

/* A watched block stays an ordinary block: bytes, site, region and survivors. */
Test(code, watching_changes_nothing_of_the_block)
{
    machine machine;
    lw_region *region = NULL;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_round round = 0;
    lw_block before, after;
    uint64_t word = OTHER_CODE;
    open_machine(&machine, 0);
    cr_assert_eq(lw_region_create(machine.host.context, "r", NULL, &region, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
    site_of(machine.domain, CODE, &word, 1);
    cr_assert_eq(find_block(machine.domain, CODE, &before), LW_OK);
    cr_assert_eq(lw_code_watch(machine.domain, at(CODE), 16), LW_OK);
    cr_assert_eq(lw_code_watch(machine.domain, at(CODE), 16), LW_OK);
    cr_assert_eq(find_block(machine.domain, CODE, &after), LW_OK);
    cr_assert_eq(memcmp(&before, &after, sizeof before), 0);
    expect_live(machine.domain, 16, 1);
    cr_assert_eq(lw_region_end(region, round, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 16);
    cr_assert_eq(stats.peak_bytes, 16);
    lw_block_free(machine.domain, at(CODE));
    expect_live(machine.domain, 0, 0);
    cr_assert_eq(lw_region_stats_get(region, 0, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 0);
    close_host(&machine.host);
}

/* The host may say it when the code is made, not when a word of it is described. */
Test(code, watched_before_its_words_are_seen)
{
    machine machine;
    open_machine(&machine, 0);
    lw_block_alloc(machine.domain, at(CODE), 4096, NULL);
    cr_assert_eq(lw_code_watch(machine.domain, at(CODE), 4096), LW_OK);
    machine.words.suffix = "-old";
    lw_site first = run(&machine, CODE), last = run(&machine, CODE + 4095);
    lw_site outside = run(&machine, CODE + 4096);
    lw_block_free(machine.domain, at(CODE));
    machine.words.suffix = "-new";
    expect_name(&machine, run(&machine, CODE), "f65536-new");
    expect_name(&machine, run(&machine, CODE + 4095), "f69631-new");
    cr_assert_eq(run(&machine, CODE + 4096), outside);
    expect_name(&machine, first, "f65536-old");
    expect_name(&machine, last, "f69631-old");
    close_host(&machine.host);
}

/* Or after. */
Test(code, watched_after_its_words_were_seen)
{
    machine machine;
    open_machine(&machine, 0);
    machine.words.suffix = "-old";
    lw_site old = run(&machine, CODE + 8);
    cr_assert_eq(lw_code_watch(machine.domain, at(CODE), 4096), LW_OK);
    lw_block_free(machine.domain, at(CODE));
    machine.words.suffix = "-new";
    expect_name(&machine, run(&machine, CODE + 8), "f65544-new");
    expect_name(&machine, old, "f65544-old");
    close_host(&machine.host);
}

Test(code, only_the_words_of_the_freed_code_are_retired)
{
    machine machine;
    open_machine(&machine, 1);
    lw_site one = run(&machine, CODE + 8), two = run(&machine, OTHER_CODE + 8);
    lw_block_free(machine.domain, at(CODE));
    machine.words.suffix = "-new";
    cr_assert_eq(run(&machine, OTHER_CODE + 8), two);
    cr_assert_neq(run(&machine, CODE + 8), one);
    cr_assert_eq(machine.words.calls, 3);
    close_host(&machine.host);
}

/* A stack of which one frame lives on. */
Test(code, a_stack_with_one_dead_frame_is_a_new_site)
{
    machine machine;
    uint64_t stack[] = {CODE + 8, OTHER_CODE + 8};
    open_machine(&machine, 1);
    lw_site old = site_of(machine.domain, BLOCKS, stack, 2);
    lw_block_free(machine.domain, at(OTHER_CODE));
    machine.words.suffix = "-new";
    lw_site fresh = site_of(machine.domain, BLOCKS + 64, stack, 2);
    cr_assert_neq(fresh, old);
    expect_frames(machine.host.context, fresh,
                  "f65544@file4.x:44/0 f131080-new@file0.x:80/0 ");
    expect_frames(machine.host.context, old, "f65544@file4.x:44/0 f131080@file0.x:80/0 ");
    close_host(&machine.host);
}

Test(code, an_unseen_free_is_the_end_of_code_too)
{
    machine machine;
    open_machine(&machine, 1);
    lw_block_alloc(machine.domain, at(CODE), 4096, NULL);
    machine.words.suffix = "-old";
    lw_site old = run(&machine, CODE + 8);
    lw_block_alloc(machine.domain, at(CODE), 100, NULL); /* nobody told us that it was freed */
    machine.words.suffix = "-new";
    expect_name(&machine, run(&machine, CODE + 8), "f65544-new");
    expect_name(&machine, old, "f65544-old");
    close_host(&machine.host);
}

Test(code, a_move_ends_code_and_a_failed_one_does_not)
{
    machine machine;
    lw_move move;
    open_machine(&machine, 1);
    lw_block_alloc(machine.domain, at(CODE), 4096, NULL);
    lw_site old = run(&machine, CODE + 8);
    lw_move_begin(machine.domain, at(CODE), &move);
    lw_move_cancel(&move);
    cr_assert_eq(run(&machine, CODE + 8), old);
    lw_move_begin(machine.domain, at(CODE), &move);
    lw_move_end(&move, at(CODE), 8192, NULL);
    machine.words.suffix = "-new";
    expect_name(&machine, run(&machine, CODE + 8), "f65544-new");
    close_host(&machine.host);
}

/* Two thousand generations of code at one address. */
Test(code, names_are_right_however_often_a_word_is_used_again)
{
    machine machine;
    char suffix[16], name[32];
    static lw_site sites[2000];
    open_machine(&machine, 1);
    machine.words.suffix = suffix;
    for (int i = 0; i < 2000; i++) {
        snprintf(suffix, sizeof suffix, "-%d", i);
        lw_block_alloc(machine.domain, at(CODE), 4096, NULL);
        sites[i] = run(&machine, CODE + 8);
        lw_block_free(machine.domain, at(machine.next));
        lw_block_free(machine.domain, at(CODE));
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "f65544-%d", i);
        expect_name(&machine, sites[i], name);
    }
    close_host(&machine.host);
}

/* Code lies in a block that an inner hook saw first and an outer one owns. */
Test(code, in_a_block_that_several_hooks_see)
{
    machine machine;
    open_machine(&machine, 1);
    lw_domain *inner = machine.host.heap;
    lw_block_alloc(inner, at(CODE), 4096, NULL);
    lw_block_alloc(machine.domain, at(CODE), 4096, NULL);
    machine.words.suffix = "-old";
    lw_site old = run(&machine, CODE + 8);
    lw_block_free(machine.domain, at(CODE));
    lw_block_free(inner, at(CODE));
    machine.words.suffix = "-new";
    expect_name(&machine, run(&machine, CODE + 8), "f65544-new");
    expect_name(&machine, old, "f65544-old");
    close_host(&machine.host);
}

Test(code, a_watched_block_that_is_not_recorded_cannot_be_adopted)
{
    machine machine;
    lw_error error = LW_ERROR_INIT;
    open_machine(&machine, 1);
    lw_domain *pool = add_domain(machine.host.context, "pool", LW_DOMAIN_CARVED, machine.domain);
    run(&machine, CODE + 8);
    expect_error(lw_domain_adopt(pool, at(CODE), &error), LW_E_NOT_FOUND, &error);
    expect_live(machine.domain, 16, 1);
    close_host(&machine.host);
}

Test(code, an_adopted_chunk_with_code_still_ends_it)
{
    machine machine;
    open_machine(&machine, 1);
    lw_domain *pool = add_domain(machine.host.context, "pool", LW_DOMAIN_CARVED, machine.domain);
    lw_block_alloc(machine.domain, at(CODE), 4096, NULL);
    lw_site old = run(&machine, CODE + 8);
    cr_assert_eq(lw_domain_adopt(pool, at(CODE), NULL), LW_OK);
    lw_block_free(machine.domain, at(CODE));
    machine.words.suffix = "-new";
    cr_assert_neq(run(&machine, CODE + 8), old);
    expect_live(machine.domain, 32, 2);
    cr_assert_eq(domain_stats(machine.domain).adopted_blocks, 0);
    close_host(&machine.host);
}

/* Four stacks under one hash, of which some die: the others are found still. */
Test(code, stacks_of_one_hash_die_apart)
{
    static const int dying[][2] = {{0, 0}, {3, 3}, {1, 2}, {0, 3}};
    for (int times = 0; times < 4; times++) {
        machine machine;
        lw_site sites[4];
        uint64_t words[4];
        open_machine(&machine, 1);
        for (int pass = 0; pass < 3; pass++) {
            for (int i = 0; i < 4; i++) {
                words[i] = CODE + (uint64_t)i * 4096 + 8;
                lw_stack stack = {&words[i], 1, 0, 99};
                lw_block_alloc(machine.domain, at(machine.next += 64), 16, &stack);
                lw_site site = site_at(machine.domain, machine.next);
                bool died = pass == 1 && (i == dying[times][0] || i == dying[times][1]);
                cr_assert(pass == 0 || (site == sites[i]) == !died);
                sites[i] = site;
            }
            if (pass == 0) {
                lw_block_free(machine.domain, at(CODE + (uint64_t)dying[times][0] * 4096));
                lw_block_free(machine.domain, at(CODE + (uint64_t)dying[times][1] * 4096));
            }
        }
        close_host(&machine.host);
    }
}

/* ---- arguments ---- */

Test(code, watch_refuses_bad_arguments)
{
    machine machine;
    open_machine(&machine, 0);
    cr_assert_eq(lw_code_watch(NULL, at(CODE), 16), LW_E_INVALID);
    cr_assert_eq(lw_code_watch(machine.domain, NULL, 16), LW_E_INVALID);
    cr_assert_eq(lw_code_watch(machine.domain, at(CODE + 8), 16), LW_E_INVALID);
    close_host(&machine.host);
}

Test(code, watch_without_memory_changes_nothing)
{
    machine machine;
    open_machine(&machine, 0);
    lw_block_alloc(machine.domain, at(CODE), 4096, NULL);
    machine.host.memory.persistent = 1;
    machine.host.memory.fail_at = machine.host.memory.calls + 1;
    cr_assert_eq(lw_code_watch(machine.domain, at(CODE), 4096), LW_E_NOMEM);
    cr_assert_eq(lw_code_watch(machine.domain, at(OTHER_CODE), 4096), LW_E_NOMEM);
    machine.host.memory.fail_at = 0;
    expect_live(machine.domain, 4096, 1);
    cr_assert_eq(lw_code_watch(machine.domain, at(CODE), 4096), LW_OK);
    close_host(&machine.host);
}

Test(code, watch_of_no_bytes_means_its_first_word)
{
    machine machine;
    open_machine(&machine, 0);
    lw_site first = run(&machine, CODE), second = run(&machine, CODE + 1);
    cr_assert_eq(lw_code_watch(machine.domain, at(CODE), 0), LW_OK);
    lw_block_free(machine.domain, at(CODE));
    cr_assert_neq(run(&machine, CODE), first);
    cr_assert_eq(run(&machine, CODE + 1), second);
    close_host(&machine.host);
}

/* ---- retiring by hand ---- */

Test(code, retire_ends_the_words_of_a_range)
{
    machine machine;
    open_machine(&machine, 0);
    lw_site before = run(&machine, 99), first = run(&machine, 100), last = run(&machine, 200);
    lw_site after = run(&machine, 201);
    lw_code_retire(machine.domain, 100, 200);
    machine.words.suffix = "-new";
    cr_assert_eq(run(&machine, 99), before);
    cr_assert_eq(run(&machine, 201), after);
    expect_name(&machine, run(&machine, 100), "f100-new");
    expect_name(&machine, run(&machine, 200), "f200-new");
    expect_name(&machine, first, "f100");
    expect_name(&machine, last, "f200");
    close_host(&machine.host);
}

Test(code, retire_means_the_frames_of_one_host)
{
    machine machine;
    uint64_t word = 100;
    open_machine(&machine, 0);
    lw_site other = site_of(machine.host.heap, 0x1000, &word, 1);
    lw_code_retire(machine.domain, 0, UINT64_MAX);
    cr_assert_eq(site_of(machine.host.heap, 0x1000, &word, 1), other);
    close_host(&machine.host);
}

Test(code, retire_twice_and_of_nothing)
{
    machine machine;
    open_machine(&machine, 1);
    lw_site old = run(&machine, CODE + 8);
    lw_code_retire(NULL, 0, UINT64_MAX);
    lw_code_retire(machine.domain, 5, 4);
    cr_assert_eq(run(&machine, CODE + 8), old);
    lw_code_retire(machine.domain, CODE + 8, CODE + 8);
    lw_code_retire(machine.domain, CODE + 8, CODE + 8);
    lw_block_free(machine.domain, at(CODE)); /* its words are retired already */
    machine.words.suffix = "-new";
    lw_site fresh = run(&machine, CODE + 8);
    expect_name(&machine, fresh, "f65544-new");
    cr_assert_eq(run(&machine, CODE + 8), fresh);
    close_host(&machine.host);
}

/* ---- code that is made anew in every round ---- */

static void round_of_code(machine *machine, lw_region *region, uint64_t blocks)
{
    lw_round round = 0;
    cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
    lw_block_alloc(machine->domain, at(CODE), 4096, NULL);
    for (uint64_t i = 0; i < blocks; i++)
        run(machine, CODE + 8);
    lw_block_free(machine->domain, at(CODE));
    cr_assert_eq(lw_region_end(region, round, NULL, NULL), LW_OK);
}

Test(code, sites_that_read_the_same_are_one_row)
{
    enum { ROUNDS = 10 };
    machine machine;
    lw_region *region = NULL;
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    lw_verdict verdict = LW_VERDICT_INIT;
    lw_left left = LW_LEFT_INIT;
    open_machine(&machine, 1);
    cr_assert_eq(lw_region_create(machine.host.context, "r", NULL, &region, NULL), LW_OK);
    for (uint64_t i = 1; i <= ROUNDS; i++)
        round_of_code(&machine, region, i);
    cr_assert_gt(context_stats(machine.host.context).sites, ROUNDS - 1);
    cr_assert_eq(lw_survivors_take(machine.host.context, region, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert_eq(info.rows, 1);
    cr_assert_eq(lw_survivors_row_get(survivors, 0, &row, NULL), LW_OK);
    cr_assert_eq(row.blocks, 55);
    cr_assert_eq(row.bytes, 55 * 16);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        cr_assert_eq(lw_survivors_left_get(survivors, 0, i, &left, NULL), LW_OK);
        cr_assert(left.round == i + 1 && left.blocks == (int64_t)i + 1);
    }
    cr_assert_eq(lw_survivors_verdict_get(survivors, &verdict, NULL), LW_OK);
    cr_assert_eq(verdict.kind, LW_VERDICT_GROWS);
    cr_assert(verdict.grew == ROUNDS && verdict.growth_blocks == 55);
    lw_survivors_release(survivors);

    cr_assert_eq(lw_survivors_take(machine.host.context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert(info.rows == 1 && info.blocks == 55);
    lw_survivors_release(survivors);
    close_host(&machine.host);
}
