/* A parser that leaks, in a program that reports its own allocations: no interposition, nothing
 * but calls. Each document adds to the table of symbols and nothing ever takes away, so every
 * byte is still reachable, and still it is a leak. */
#include <leakwatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct token {
    struct token *next;
    char text[24];
};

struct symbol {
    struct symbol *next;
    char name[40];
};

static lw_domain *heap;
static lw_type *token_type, *symbol_type;
static struct symbol *symbols;

static void *allocate(size_t size, lw_type *type, const char *place)
{
    void *block = calloc(1, size);
    if (!block)
        abort();
    lw_block_alloc_at(heap, block, size, place);
    lw_object_created(type, block);
    return block;
}

static void release(void *block, lw_type *type)
{
    lw_object_destroyed(type, block);
    lw_block_free(heap, block); // before the memory goes back
    free(block);
}

static void intern(const char *name)
{
    struct symbol *symbol = allocate(sizeof *symbol, symbol_type, LW_HERE);
    memcpy(symbol->name, name, strlen(name) + 1);
    symbol->next = symbols; // without a look whether it is there already
    symbols = symbol;
}

static void parse(const char *text)
{
    struct token *tokens = NULL;
    for (size_t length; *text; text += length + strspn(text + length, " ")) {
        struct token *token = allocate(sizeof *token, token_type, LW_HERE);
        length = strcspn(text, " ");
        memcpy(token->text, text, length);
        token->next = tokens;
        tokens = token;
    }
    for (struct token *next; tokens; tokens = next) {
        next = tokens->next;
        if (tokens->text[0] == '$')
            intern(tokens->text);
        release(tokens, token_type);
    }
}

static int print(const char *text, size_t length, void *user)
{
    return fwrite(text, 1, length, user) != length;
}

int main(void)
{
    lw_context *context = NULL;
    lw_region *region = NULL;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    options.name = "heap";
    if (lw_context_create(NULL, &context, NULL) != LW_OK ||
        lw_domain_create(context, &options, &heap, NULL) != LW_OK ||
        lw_type_create(context, "token", sizeof(struct token), &token_type, NULL) != LW_OK ||
        lw_type_create(context, "symbol", sizeof(struct symbol), &symbol_type, NULL) != LW_OK ||
        lw_region_create(context, "parse", NULL, &region, NULL) != LW_OK)
        return 1;
    for (int i = 0; i < 5; i++) {
        lw_round round = 0;
        lw_region_begin(region, &round, NULL);
        parse("let $user be the name of $group");
        lw_region_end(region, round, NULL, NULL);
    }
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_survivors *survivors = NULL;
    lw_region_stats_get(region, 0, &stats, NULL);
    lw_survivors_take(context, region, 0, &survivors, NULL);
    lw_report_region(&stats, survivors, NULL, print, stdout, NULL);
    putchar('\n');
    lw_report_objects(context, NULL, print, stdout, NULL);
    lw_survivors_release(survivors);
    lw_context_release(context);
    return 0;
}
