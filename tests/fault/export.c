/* Every allocation of an export fails in turn: it says LW_E_NOMEM, writes nothing, loses nothing,
 * and succeeds when there is memory again. */
#include "../support/counting.h"

#include <leakwatch.h>

#include <stdio.h>

enum { NODES = 300 };

/* A node in three is garbage; some have roots of two kinds. */
static int enumerate(lw_sink *sink, void *user)
{
    uint32_t type = lw_sink_type(sink, 0, "node", 0);
    uint32_t kinds[] = {lw_sink_root_kind(sink, "global", 0), lw_sink_root_kind(sink, "stack", 0)};
    (void)user;
    for (lw_key key = 1; key <= NODES; key++) {
        lw_sink_node(sink, key, type, 16);
        if (key % 3)
            lw_sink_root(sink, key, kinds[key % 2], 0);
    }
    return 0;
}

static int count_bytes(const char *text, size_t length, void *user)
{
    (void)text;
    *(size_t *)user += length;
    return 0;
}

static unsigned long failures;

static void expect(int right, const char *what, long long at)
{
    if (right)
        return;
    failures++;
    fprintf(stderr, "allocation %lld: %s\n", at, what);
}

static lw_snapshot *take(counting *memory)
{
    lw_context_options options = counting_options(memory);
    lw_runtime_options runtime = LW_RUNTIME_OPTIONS_INIT;
    lw_context *context = NULL;
    lw_runtime *made;
    lw_snapshot *snapshot = NULL;
    runtime.name = "toy";
    runtime.key_kind = LW_KEY_OPAQUE;
    runtime.enumerate = enumerate;
    lw_context_create(&options, &context, NULL);
    lw_runtime_create(context, &runtime, &made, NULL);
    lw_snapshot_take(context, NULL, &snapshot, NULL);
    lw_context_release(context);
    return snapshot;
}

int main(void)
{
    static counting memory;
    lw_snapshot *snapshot = take(&memory);
    size_t whole = 0, written = 0;
    long long asked = memory.calls, bytes = memory.bytes;
    expect(snapshot && lw_export_heapsnapshot(snapshot, NULL, count_bytes, &whole, NULL) == LW_OK,
           "no export with memory", 0);
    asked = memory.calls - asked;
    for (long long at = 1; at <= asked; at++) {
        lw_error error = LW_ERROR_INIT;
        memory.fail_at = memory.calls + at;
        expect(lw_export_heapsnapshot(snapshot, NULL, count_bytes, &written, &error) ==
                   LW_E_NOMEM, "not LW_E_NOMEM", at);
        expect(written == 0, "something was written", at);
        expect(memory.bytes == bytes, "memory was lost", at);
        memory.fail_at = 0;
        expect(lw_export_heapsnapshot(snapshot, NULL, count_bytes, &written, NULL) == LW_OK &&
                   written == whole, "not the same when there is memory again", at);
        written = 0;
    }
    lw_snapshot_release(snapshot);
    expect(memory.bytes == 0 && memory.wrong == 0, "memory is not given back as it was taken", 0);
    printf("%lld allocations, %lu failures\n", asked, failures);
    return failures != 0 || asked == 0;
}
