/* Any sequence of calls on the plug: bytes become runtimes and what their callbacks do, ids and keys
 * that were never given included. Whatever comes, nothing crashes, every byte of memory comes back,
 * a snapshot holds together and a check ends.
 *
 * Under libFuzzer: clang -g -O1 -fsanitize=fuzzer,address,undefined -DLW_FUZZER -Iinclude -Ilib
 * tests/fuzz/plug.c $(find lib -name '*.c' ! -path '*adapters*' ! -path '*cli*'). Without, main()
 * plays inputs of its own and the files it is given. */
#include "../support/counting.h"

#include <leakwatch.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct tape {
    const uint8_t *bytes;
    size_t size, at;
} tape;

static uint8_t next(tape *tape)
{
    return tape->at < tape->size ? tape->bytes[tape->at++] : 0;
}

enum { RUNTIMES = 3, STEPS = 300 };

typedef struct host {
    counting memory;
    lw_context *context;
    lw_domain *heap;
    lw_runtime *runtimes[RUNTIMES];
    tape tape;
    int depth;
} host;

typedef struct plug {
    host *host;
    int number;
} plug;

static const char *const names[] = {"a", "b", "c", "objects", "nobody", ""};

static lw_key some_key(tape *tape)
{
    uint8_t byte = next(tape);
    switch (byte >> 6) {
    case 0:
        return (lw_key)(byte & 63) * 8;
    case 1:
        return 0x7f0000001000u + (lw_key)(byte & 63) * 16;
    case 2:
        return UINT64_MAX - (byte & 63);
    default:
        return byte & 63;
    }
}

static uint64_t some_number(tape *tape)
{
    uint8_t byte = next(tape);
    return byte < 200 ? byte : UINT64_MAX >> (byte - 200);
}

static const char *some_name(tape *tape)
{
    uint8_t byte = next(tape);
    return byte == 255 ? NULL : names[byte % (sizeof names / sizeof names[0])];
}

static uint32_t some_label(lw_sink *sink, tape *tape)
{
    static const char text[] = "x\0y and \xff more";
    uint8_t byte = next(tape);
    if (byte < 40)
        return LW_LABEL_INDEX(byte);
    if (byte < 60)
        return byte;
    if (byte == 60)
        return lw_sink_label(sink, LW_LABEL_KEY, NULL, byte);
    return lw_sink_label(sink, (int32_t)(byte % 6) - 1, text, byte % sizeof text);
}

static int32_t some_kind(tape *tape)
{
    return (int32_t)(next(tape) % 40) / 6 - (next(tape) == 9);
}

static void ask_from_inside(host *host, plug *plug, uint8_t what);

static int push(lw_sink *sink, plug *plug, uint8_t what)
{
    tape *tape = &plug->host->tape;
    lw_key key = some_key(tape);
    uint32_t type = next(tape) % 8;
    switch (what % 13) {
    case 0:
    case 1:
        return lw_sink_node(sink, key, type, some_number(tape));
    case 2:
        return lw_sink_node(sink, key, lw_sink_type(sink, type, some_name(tape), next(tape) / 100),
                            some_number(tape));
    case 3:
    case 4:
    case 5:
        return lw_sink_edge(sink, key, some_key(tape), some_kind(tape), some_label(sink, tape));
    case 6:
        return lw_sink_root(sink, key, type, some_label(sink, tape));
    case 7:
        return lw_sink_root(sink, key, lw_sink_root_kind(sink, some_name(tape), next(tape) / 25),
                            some_label(sink, tape));
    case 8:
        return lw_sink_references(sink, key, some_number(tape));
    case 9:
        return lw_sink_external(sink, key, some_number(tape));
    case 10:
        return lw_sink_bridge(sink, key, some_name(tape), some_key(tape), some_kind(tape),
                              some_label(sink, tape));
    case 11:
        return lw_sink_bridge_from(sink, some_name(tape), key, some_key(tape), some_kind(tape),
                                   some_label(sink, tape));
    default:
        if (type < 2)
            return lw_sink_hide(sink, key);
        if (type == 2)
            return lw_sink_fail(sink, some_name(tape));
        ask_from_inside(plug->host, plug, next(tape));
        return 0;
    }
}

/* What the calls answer is not always heeded. */
static int enumerate(lw_sink *sink, void *user)
{
    plug *plug = user;
    tape *tape = &plug->host->tape;
    uint8_t mood = next(tape);
    for (int i = 0; i < STEPS && tape->at < tape->size; i++) {
        uint8_t what = next(tape);
        if (what == 255)
            return mood % 16 == 15;
        if (push(sink, plug, what) != 0 && mood % 2)
            return 1;
    }
    return 0;
}

static int collect(void *user)
{
    plug *plug = user;
    ask_from_inside(plug->host, plug, next(&plug->host->tape));
    return next(&plug->host->tape) == 1;
}

static int preview(lw_key key, char *text, size_t size, void *user)
{
    plug *plug = user;
    memset(text, key % 2 ? 'x' : 0xa9, size);
    return next(&plug->host->tape) == 1;
}

static int advise(const lw_advice_query *query, char *text, size_t size, void *user)
{
    (void)user;
    snprintf(text, size, "%s", query->label);
    return 0;
}

static int progress(const char *phase, uint64_t done, uint64_t total, void *user)
{
    (void)phase, (void)done, (void)total;
    return next(user) == 77;
}

static void plug_in(host *host, plug *plug)
{
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = names[plug->number];
    options.key_kind = plug->number % 2 ? LW_KEY_OPAQUE : LW_KEY_ADDRESS;
    options.enumerate = enumerate;
    options.collect = collect;
    options.preview = preview;
    options.advise = advise;
    options.user = plug;
    options.domains = &host->heap;
    options.domain_count = plug->number % 2 ? 0 : 1;
    if (!host->runtimes[plug->number])
        lw_runtime_create(host->context, &options, &host->runtimes[plug->number], NULL);
}

static void require(int right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "tests/fuzz/plug.c: %s\n", what);
    abort();
}

static int count_edge(const lw_edge *edge, void *user)
{
    uint64_t *counts = user;
    require(edge->kind >= LW_EDGE_STRONG && edge->kind <= LW_EDGE_UNKNOWN, "an edge of no kind");
    require(edge->to < counts[1], "an edge beyond the nodes");
    require(edge->label.text != NULL, "a label without text");
    counts[0]++;
    return 0;
}

/* Nodes, edges, types and paths agree with each other. */
static void look_at(host *host, lw_snapshot *snapshot)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_paths *paths = NULL;
    char text[20];
    lw_snapshot_info_get(snapshot, &info, NULL);
    uint64_t counts[2] = {0, info.nodes}, typed = 0;
    for (lw_node node = 0; node < info.nodes; node++) {
        lw_node_info about = LW_NODE_INFO_INIT;
        lw_node again = LW_NODE_NONE;
        require(lw_node_info_get(snapshot, node, &about, NULL) == LW_OK, "a node without info");
        require(lw_node_find(snapshot, about.runtime, about.key, &again, NULL) == LW_OK &&
                    again == node,
                "a key leads elsewhere");
        require(lw_edge_each(snapshot, node, count_edge, counts, NULL) == LW_OK, "no edges");
        lw_node_preview(host->context, snapshot, node, text, 1 + node % sizeof text, NULL);
    }
    for (uint32_t i = 0; i < info.types; i++) {
        lw_type_info type = LW_TYPE_INFO_INIT;
        require(lw_snapshot_type_get(snapshot, i, &type, NULL) == LW_OK, "a type without info");
        typed += type.count + type.garbage;
    }
    require(counts[0] == info.edges, "edges do not add up");
    require(typed == info.nodes, "types do not add up");
    if (info.nodes) {
        lw_node target = info.nodes - 1;
        require(lw_paths_find(snapshot, &target, 1, NULL, &paths, NULL) == LW_OK, "no paths");
        lw_paths_release(paths);
    }
}

static void take(host *host)
{
    lw_snapshot *snapshot = NULL;
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    if (next(&host->tape) % 4 == 0) {
        options.progress = progress;
        options.user = &host->tape;
    }
    lw_status status = lw_snapshot_take(host->context, &options, &snapshot, NULL);
    require((status == LW_OK) == (snapshot != NULL), "a failed snapshot is there");
    if (snapshot)
        look_at(host, snapshot);
    lw_snapshot_release(snapshot);
}

static void check(lw_runtime *runtime)
{
    lw_check *found = NULL;
    lw_problem problem = LW_PROBLEM_INIT;
    lw_runtime_check(runtime, &found, NULL);
    for (uint32_t i = 0; i < lw_check_count(found); i++) {
        require(lw_check_problem_get(found, i, &problem, NULL) == LW_OK, "no such problem");
        require(problem.count > 0 && problem.message[0] && problem.next[0], "an empty problem");
    }
    lw_check_release(found);
}

static void ask(host *host, plug *plug, uint8_t what)
{
    lw_runtime **runtime = &host->runtimes[plug->number];
    lw_advice_query query = LW_ADVICE_QUERY_INIT;
    char text[9];
    switch (what % 8) {
    case 0:
        plug_in(host, plug);
        break;
    case 1:
        if (host->depth == 0) { /* inside it would go later, and we would not know */
            lw_runtime_destroy(*runtime);
            *runtime = NULL;
        }
        break;
    case 2:
        check(*runtime);
        break;
    case 3:
        lw_runtime_collect(*runtime, NULL);
        break;
    case 4:
        query.runtime = names[plug->number];
        query.label = "sess\303\251";
        lw_advice_get(host->context, &query, text, 1 + what / 32, NULL);
        break;
    case 5:
        lw_block_alloc_at(host->heap, (void *)(uintptr_t)(0x7f0000001000u + what * 16u), what,
                          LW_HERE);
        break;
    default:
        take(host);
    }
}

static void ask_from_inside(host *host, plug *plug, uint8_t what)
{
    host->depth++;
    if (host->depth < 3)
        ask(host, plug, what);
    host->depth--;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    host host;
    plug plugs[RUNTIMES];
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    memset(&host, 0, sizeof host);
    host.tape = (tape){bytes, size, 0};
    lw_context_options options = counting_options(&host.memory);
    require(lw_context_create(&options, &host.context, NULL) == LW_OK, "no context");
    domain.name = "heap";
    lw_domain_create(host.context, &domain, &host.heap, NULL);
    for (int i = 0; i < RUNTIMES; i++) {
        plugs[i] = (plug){&host, i};
        plug_in(&host, &plugs[i]);
    }
    while (host.tape.at < size) {
        uint8_t what = next(&host.tape);
        ask(&host, &plugs[what / 8 % RUNTIMES], what);
    }
    lw_context_release(host.context);
    require(host.memory.bytes == 0, "bytes are left");
    require(host.memory.wrong == 0, "memory was given back with a wrong size");
    return 0;
}

#ifndef LW_FUZZER
static void play_file(const char *path)
{
    static uint8_t bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    require(file != NULL, path);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
}

int main(int argc, char **argv)
{
    enum { INPUTS = 1500, LONGEST = 700 };
    uint8_t bytes[LONGEST];
    uint64_t state = 88172645463325252u;
    for (int i = 1; i < argc; i++)
        play_file(argv[i]);
    for (int i = 0; i < INPUTS; i++) {
        size_t size = (size_t)i % LONGEST;
        for (size_t at = 0; at < size; at++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes[at] = (uint8_t)(state >> 32);
            if (i % 3 == 0 && bytes[at] > 200) /* longer walks */
                bytes[at] = 3;
        }
        LLVMFuzzerTestOneInput(bytes, size);
    }
    printf("%d inputs, %d files\n", INPUTS, argc - 1);
    return 0;
}
#endif
