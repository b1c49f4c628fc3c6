/* Random programs of which every leak is known: hunts find each of them once, with the numbers that
 * the program itself counts, and nothing else; and they say the same, letter by letter, whatever
 * the addresses and the order of enumeration.
 *
 * usage: find [programs] [first seed] */
#include "../support/check.h"

#include <leakwatch.h>
#include <stdlib.h>
#include <string.h>

enum { HOLDERS = 7, ITEMS = 6000, EDGES = 12000, WARM_UP = 2, PAGE = 1 << 16, TEXT = 1 << 17 };
enum kind { LIST, DICT, QUEUE, CHAIN, SHELVES, NATIVE, KINDS };
enum habit { LEAKS, TURNS_OVER, FILLS_ONCE, STANDS_STILL, HABITS };

struct item {
    const char *type; /* NULL: a block that no runtime shows */
    uint64_t size;
    uint32_t line;
    int holder;       /* whose it is */
    int round;        /* in which it was made */
    int dead;
};

/* Labels: ".x" an attribute, "#" an index, else a key. */
struct tie {
    int from, to;
    const char *label;
    int gone;
};

struct holder {
    enum kind kind;
    enum habit habit;
    int rate, filled, with_child;
    uint64_t size, child_size;
    int item, shelf[3], head; /* CHAIN: what it leads to */
    char name[16];
    int queue[ITEMS], front, back; /* its items, oldest first */
};

struct program {
    struct item items[ITEMS];
    struct tie ties[EDGES];
    struct holder holders[HOLDERS];
    int item_count, tie_count, holder_count, module, call, rounds, calls;
    uint64_t chance;  /* of what the program does */
    uint64_t shuffle; /* of addresses and order */
    int slot[ITEMS];  /* of the address */
    lw_domain *heap;
};

static uint64_t seed;
static unsigned long leaks, clean;

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x9e3779b97f4a7c15) >> 11;
}

static int below(uint64_t *state, int limit)
{
    return (int)(draw(state) % (uint64_t)limit);
}

static void shuffled(int *order, int count, uint64_t *state)
{
    for (int i = 0; i < count; i++)
        order[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int j = below(state, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

/* --- the program ----------------------------------------------------------------------------- */

static lw_key key_of(const struct program *program, int item)
{
    return ((uint64_t)program->slot[item] + 16) * PAGE;
}

static int make(struct program *program, int holder, const char *type, uint64_t size,
                uint32_t line)
{
    if (program->item_count == ITEMS)
        abort();
    uint64_t word = line;
    lw_stack stack = {&word, 1, 0, 0};
    int item = program->item_count++;
    program->items[item] = (struct item){type, size, line, holder, program->call, 0};
    lw_block_alloc(program->heap, (void *)(uintptr_t)key_of(program, item), size + 8, &stack);
    return item;
}

static void tie(struct program *program, int from, int to, const char *label)
{
    if (program->tie_count == EDGES)
        abort();
    program->ties[program->tie_count++] = (struct tie){from, to, label, 0};
}

static void drop(struct program *program, int item)
{
    program->items[item].dead = 1;
    lw_block_free(program->heap, (void *)(uintptr_t)key_of(program, item));
    for (int i = 0; i < program->tie_count; i++) {
        struct tie *at = &program->ties[i];
        if (at->gone || (at->from != item && at->to != item))
            continue;
        at->gone = 1;
        if (at->from == item && strcmp(at->label, ".child") == 0)
            drop(program, at->to);
    }
}

static void push(struct program *program, int number)
{
    struct holder *holder = &program->holders[number];
    uint32_t line = 1000 + 2 * (uint32_t)number;
    const char *type = holder->kind == NATIVE ? NULL : "Item";
    int item = make(program, number, type, holder->size, line), to = holder->item;
    holder->queue[holder->back++] = item;
    if (holder->kind == NATIVE)
        return;
    if (holder->kind == CHAIN) {
        for (int i = 0; i < program->tie_count; i++) {
            if (!program->ties[i].gone && program->ties[i].from == to && holder->head >= 0) {
                program->ties[i].gone = 1;
                tie(program, item, holder->head, ".next");
            }
        }
        holder->head = item;
        tie(program, to, item, ".head");
    } else {
        if (holder->kind == SHELVES)
            to = holder->shelf[below(&program->chance, 3)];
        tie(program, to, item, holder->kind == DICT ? "key" : "#");
    }
    if (holder->with_child)
        tie(program, item, make(program, number, "bytes", holder->child_size, line + 1), ".child");
}

static void pop(struct program *program, int number)
{
    struct holder *holder = &program->holders[number];
    if (holder->front == holder->back)
        return;
    int item = holder->queue[holder->front++];
    if (item == holder->head)
        holder->head = -1;
    drop(program, item);
}

static int work(uint32_t round, void *user)
{
    struct program *program = user;
    (void)round;
    for (int i = 0; i < program->holder_count; i++) {
        struct holder *holder = &program->holders[i];
        int fills = holder->habit == FILLS_ONCE && program->call == 0;
        int turns = holder->habit == TURNS_OVER;
        for (int n = 0; n < (fills ? 20 : holder->rate); n++) {
            if (turns)
                pop(program, i);
            if (turns || fills || holder->habit == LEAKS)
                push(program, i);
        }
    }
    program->call++;
    return 0;
}

static void open_program(struct program *program, lw_domain *heap, uint64_t shuffle)
{
    static const char *const types[] = {"list", "dict", "deque", "Chain", "dict"};
    memset(program, 0, sizeof *program);
    program->heap = heap;
    program->chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    program->shuffle = shuffle;
    shuffled(program->slot, ITEMS, &program->shuffle);
    program->rounds = 2 + below(&program->chance, 4);
    program->calls = 1 + below(&program->chance, 2);
    program->module = make(program, -1, "module", 72, 1);
    program->holder_count = 1 + below(&program->chance, HOLDERS);
    for (int i = 0; i < program->holder_count; i++) {
        struct holder *holder = &program->holders[i];
        holder->kind = (enum kind)below(&program->chance, KINDS);
        holder->habit = (enum habit)below(&program->chance, HABITS);
        holder->rate = 1 + below(&program->chance, 4);
        holder->size = 16 + (uint64_t)below(&program->chance, 4) * 40;
        holder->child_size = 16 + (uint64_t)below(&program->chance, 4) * 40;
        holder->with_child = below(&program->chance, 2) && holder->kind != NATIVE;
        holder->head = -1;
        snprintf(holder->name, sizeof holder->name, ".h%d", i);
        if (holder->kind != NATIVE) {
            holder->item = make(program, -1, types[holder->kind], 64, 2);
            tie(program, program->module, holder->item, holder->name);
        }
        for (int k = 0; holder->kind == SHELVES && k < 3; k++) {
            holder->shelf[k] = make(program, -1, "list", 56, 3);
            tie(program, holder->item, holder->shelf[k], "key");
        }
        for (int k = 5 + below(&program->chance, 60); k > 0; k--)
            push(program, i);
    }
}

/* --- the runtime ----------------------------------------------------------------------------- */

static uint32_t label_of(lw_sink *sink, const char *label, int number)
{
    char text[16];
    if (label[0] == '.')
        return lw_sink_label(sink, LW_LABEL_ATTRIBUTE, label + 1, strlen(label + 1));
    if (label[0] == '#')
        return LW_LABEL_INDEX(number);
    int length = snprintf(text, sizeof text, "%d", number);
    return lw_sink_label(sink, LW_LABEL_KEY, text, (size_t)length);
}

static void push_one(lw_sink *sink, struct program *program, int at)
{
    if (at == 0) {
        lw_sink_root(sink, key_of(program, program->module),
                     lw_sink_root_kind(sink, "module", 0), 0);
    } else if (at <= program->item_count) {
        const struct item *item = &program->items[at - 1];
        if (!item->dead && item->type)
            lw_sink_node(sink, key_of(program, at - 1), lw_sink_type(sink, 0, item->type, 0),
                         item->size);
    } else {
        const struct tie *tie = &program->ties[at - 1 - program->item_count];
        if (!tie->gone)
            lw_sink_edge(sink, key_of(program, tie->from), key_of(program, tie->to),
                         LW_EDGE_STRONG, label_of(sink, tie->label, at));
    }
}

static int enumerate(lw_sink *sink, void *user)
{
    static int order[ITEMS + EDGES + 1];
    struct program *program = user;
    int count = 1 + program->item_count + program->tie_count;
    shuffled(order, count, &program->shuffle);
    for (int i = 0; i < count; i++)
        push_one(sink, program, order[i]);
    return 0;
}

static int describe(uint64_t word, lw_frame *frame, void *user)
{
    (void)user;
    frame->file = "program.c";
    frame->line = (uint32_t)word;
    frame->flags = LW_FRAME_OWN;
    return 0;
}

/* --- what the program itself counts ---------------------------------------------------------- */

static int is_leaked(const struct program *program, int item, int holder)
{
    const struct item *it = &program->items[item];
    return !it->dead && it->holder == holder && it->round >= WARM_UP * program->calls;
}

/* The newest of a chain is the one that holds what it gains. */
static int is_shown(const struct program *program, int item, int holder)
{
    int first = program->holders[holder].kind == CHAIN ? program->holders[holder].head : -2;
    return is_leaked(program, item, holder) && item != first && item != first + 1;
}

/* Bytes that nothing leads to from the module but over the edges of a cut; `holder` -1: of all,
 * else of what it leaked. */
static uint64_t freed(const struct program *program, const int *cut, int cuts, int holder)
{
    static int queue[ITEMS];
    static char seen[ITEMS];
    int head = 0, tail = 0;
    uint64_t bytes = 0;
    memset(seen, 0, sizeof seen);
    int whole = 0;
    for (int i = 0; i < cuts; i++)
        whole = whole || cut[i] < 0;
    if (!whole) {
        queue[tail++] = program->module;
        seen[program->module] = 1;
    }
    while (head < tail) {
        int from = queue[head++];
        for (int i = 0; i < program->tie_count; i++) {
            const struct tie *at = &program->ties[i];
            int is_cut = at->gone || at->from != from || seen[at->to];
            for (int k = 0; k < cuts; k++)
                is_cut = is_cut || cut[k] == i;
            if (is_cut)
                continue;
            seen[at->to] = 1;
            queue[tail++] = at->to;
        }
    }
    for (int i = 0; i < program->item_count; i++) {
        if (!program->items[i].dead && program->items[i].type && !seen[i] &&
            (holder < 0 || is_shown(program, i, holder)))
            bytes += program->items[i].size;
    }
    return bytes;
}

static int item_at(const struct program *program, const lw_snapshot *last, lw_node node)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    CHECK_EQ(lw_node_info_get(last, node, &info, NULL), LW_OK);
    for (int i = 0; i < program->item_count; i++) {
        if (!program->items[i].dead && key_of(program, i) == info.key)
            return i;
    }
    return -1;
}

static void check_cut(const struct program *program, const lw_findings *findings, uint32_t index,
                      int holder, uint64_t bytes)
{
    const lw_cut *cut = lw_finding_cut(findings, index);
    const lw_snapshot *last = lw_paths_snapshot(lw_finding_paths(findings, index));
    lw_cut_info info = LW_CUT_INFO_INIT;
    int cuts[16], count = 0;
    CHECK_EQ(lw_cut_info_get(cut, &info, NULL), LW_OK);
    CHECK_EQ(info.leaked_bytes, bytes);
    CHECK(!(info.flags & LW_CUT_TOO_MANY));
    for (uint32_t i = 0; i < info.edges && i < 16; i++) {
        lw_cut_edge edge = LW_CUT_EDGE_INIT;
        CHECK_EQ(lw_cut_edge_get(cut, i, &edge, NULL), LW_OK);
        if (edge.edge.from == LW_NODE_NONE) {
            cuts[count++] = -1;
            continue;
        }
        int from = item_at(program, last, edge.edge.from), to = item_at(program, last, edge.edge.to);
        for (int k = 0; k < program->tie_count; k++) {
            if (!program->ties[k].gone && program->ties[k].from == from &&
                program->ties[k].to == to)
                cuts[count++] = k;
        }
    }
    CHECK_EQ(count, info.edges);
    CHECK_EQ(info.freed_bytes, freed(program, cuts, count, -1));
    CHECK_EQ(info.freed_leaked_bytes, freed(program, cuts, count, holder));
    CHECK(info.freed_leaked_bytes * 10 >= bytes * 9);
}

/* What goes if a holder lets go of all its items. */
static uint64_t all_items(const struct program *program, int holder)
{
    uint64_t bytes = 0;
    for (int i = 0; i < program->item_count; i++)
        bytes += program->items[i].dead || program->items[i].holder != holder
                     ? 0
                     : program->items[i].size;
    return bytes;
}

static void check_finding(const struct program *program, const lw_findings *findings,
                          uint32_t index, int number)
{
    const struct holder *holder = &program->holders[number];
    lw_finding found = LW_FINDING_INIT;
    lw_frame frame = LW_FRAME_INIT;
    uint64_t objects[2] = {0, 0}, bytes[2] = {0, 0};
    int native = holder->kind == NATIVE;
    for (int i = 0; i < program->item_count; i++) {
        int child = program->items[i].line % 2 == 1;
        uint64_t size = program->items[i].size + (native ? 8 : 0);
        if (!is_shown(program, i, number))
            continue;
        objects[child]++;
        bytes[child] += size;
    }
    int most = bytes[1] > bytes[0];
    uint64_t rounds = (uint64_t)program->rounds, sum = bytes[0] + bytes[1];
    CHECK_EQ(lw_finding_get(findings, index, &found, NULL), LW_OK);
    CHECK_EQ(found.kind, native ? LW_FINDING_BLOCKS : LW_FINDING_GROWTH);
    CHECK_EQ(found.rounds, rounds);
    CHECK_EQ(found.objects, objects[0] + objects[1]);
    CHECK_EQ(found.objects, (rounds * (uint64_t)(program->calls * holder->rate) -
                             (holder->kind == CHAIN)) *
                                (holder->with_child ? 2 : 1));
    CHECK_EQ(found.bytes, sum);
    CHECK(found.objects_per_round * (double)rounds - (double)found.objects < 1e-6);
    CHECK(found.bytes_per_round * (double)rounds - (double)found.bytes < 1e-6);
    CHECK_EQ(found.site_bytes, bytes[most]);
    CHECK_EQ(found.site_objects, objects[most]);
    CHECK_EQ(lw_finding_frame_get(findings, index, 0, &frame, NULL), LW_OK);
    CHECK_EQ(frame.line, 1000 + 2 * number + most);
    if (native)
        return;
    CHECK_EQ(found.type_bytes, sum); /* an item keeps its child */
    CHECK(strcmp(found.type, "Item") == 0);
    if (holder->kind == LIST || holder->kind == DICT || holder->kind == QUEUE) {
        CHECK_EQ(found.entries, holder->back - holder->front);
        CHECK_EQ(found.entries_bytes, all_items(program, number));
    }
    check_cut(program, findings, index, number, sum);
}

/* The holder a finding is about, by the line that its objects come from. */
static int holder_of(const lw_findings *findings, uint32_t index)
{
    lw_frame frame = LW_FRAME_INIT;
    CHECK_EQ(lw_finding_frame_get(findings, index, 0, &frame, NULL), LW_OK);
    return frame.line < 1000 ? -1 : (int)(frame.line - 1000) / 2;
}

static void check_all(const struct program *program, const lw_findings *findings)
{
    int times[HOLDERS] = {0};
    uint64_t before = UINT64_MAX;
    for (uint32_t i = 0; i < lw_findings_count(findings); i++) {
        int number = holder_of(findings, i);
        lw_finding found = LW_FINDING_INIT;
        lw_finding_get(findings, i, &found, NULL);
        CHECK(found.bytes <= before); /* all grew in all rounds */
        before = found.bytes;
        if (!CHECK(number >= 0 && number < program->holder_count))
            continue;
        times[number]++;
        if (CHECK(program->holders[number].habit == LEAKS))
            check_finding(program, findings, i, number);
    }
    for (int i = 0; i < program->holder_count; i++) {
        int leaky = program->holders[i].habit == LEAKS;
        CHECK_EQ(times[i], leaky);
        *(leaky ? &leaks : &clean) += 1;
    }
}

/* --- one program ----------------------------------------------------------------------------- */

struct page {
    size_t length;
    char text[TEXT];
};

static int keep(const char *text, size_t length, void *user)
{
    struct page *page = user;
    if (page->length + length >= TEXT)
        abort();
    memcpy(page->text + page->length, text, length);
    page->length += length;
    page->text[page->length] = 0;
    return 0;
}

static void hunt(struct page *page, uint64_t shuffle)
{
    static struct program program;
    lw_context *context = NULL;
    lw_domain *heap = NULL;
    lw_runtime *runtime = NULL;
    lw_findings *findings = NULL;
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    lw_find_options how = LW_FIND_OPTIONS_INIT;
    lw_report_options json = LW_REPORT_OPTIONS_INIT;
    domain.name = "heap";
    domain.describe_frame = describe;
    options.name = "program";
    options.enumerate = enumerate;
    options.user = &program;
    options.domains = &heap;
    options.domain_count = 1;
    json.format = LW_FORMAT_JSON;
    CHECK_EQ(lw_context_create(NULL, &context, NULL), LW_OK);
    CHECK_EQ(lw_domain_create(context, &domain, &heap, NULL), LW_OK);
    CHECK_EQ(lw_runtime_create(context, &options, &runtime, NULL), LW_OK);
    open_program(&program, heap, shuffle);
    how.rounds = (uint32_t)program.rounds;
    how.calls = (uint32_t)program.calls;
    how.warm_up = WARM_UP;
    CHECK_EQ(lw_find_leaks(context, work, &program, &how, &findings, NULL), LW_OK);
    check_all(&program, findings);
    page->length = 0;
    CHECK_EQ(lw_report_findings(findings, NULL, keep, page, NULL), LW_OK);
    CHECK_EQ(lw_report_findings(findings, &json, keep, page, NULL), LW_OK);
    lw_findings_release(findings);
    lw_context_release(context);
}

int main(int argc, char **argv)
{
    static struct page one, other;
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : getenv("LW_TEST_ALL") ? 3000 : 300;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    for (seed = first; seed < first + count; seed++) {
        int before = check_failures;
        hunt(&one, seed * 2 + 1);
        hunt(&other, seed * 77777 + 5);
        if (!CHECK(strcmp(one.text, other.text) == 0) && check_failures < 3)
            fprintf(stderr, "%s\n%s\n", one.text, other.text);
        if (check_failures > before && before < 20)
            fprintf(stderr, "program %llu\n", (unsigned long long)seed);
    }
    printf("%llu programs, each twice: %lu leaks found, %lu holders clean\n",
           (unsigned long long)count, leaks, clean);
    return check_result();
}
