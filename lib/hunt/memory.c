#include "hunt/memory.h"

#include "base/error.h"
#include "base/fnv.h"
#include "record/tellers.h"

#include <stdio.h>
#include <string.h>

/* The kernel's counters lag by so much, and allocators take memory in pieces of it. */
enum { LEAST_IN_A_ROUND = 64 << 10, LEAST_ON_AVERAGE = 256 << 10 };

void lwi_reading_take(lw_context *context, lwi_reading *reading)
{
    lw_memory memory;
    lwi_memory_look(context, &memory);
    *reading = (lwi_reading){0, 0, 0};
    if (memory.resident == 0)
        return;
    reading->private = (int64_t)memory.resident - (int64_t)(memory.files + memory.shared +
                                                            memory.stacks + memory.own);
    reading->recorded = (int64_t)(memory.blocks + memory.unrecorded + memory.slack);
}

/* What is both recorded and reachable counts once. */
static int64_t explained(const lwi_reading *before, const lwi_reading *after)
{
    int64_t recorded = after->recorded - before->recorded, graph = after->graph - before->graph;
    int64_t more = recorded > graph ? recorded : graph;
    return more > 0 ? more : 0;
}

/* Half of a round's growth may be what small blocks cost besides their bytes. */
static bool is_dark(const lwi_reading *before, const lwi_reading *after)
{
    int64_t gained = after->private - before->private, known = explained(before, after);
    return before->private && after->private && gained - known >= LEAST_IN_A_ROUND &&
           gained >= 2 * known;
}

static const char *words(lw_findings *findings, int64_t gained, int64_t known, uint32_t rounds)
{
    char text[256];
    const double mib = 1024.0 * 1024.0 * rounds;
    int length = snprintf(
        text, sizeof text, "resident memory grew by %.1f MiB a round, %.1f of it is known; %s",
        (double)gained / mib, (double)known / mib,
        findings->info.recorded
            ? "the rest is mapped, or of a library's own allocator: `leakwatch run` sees malloc"
            : "nothing is recorded: start recording, or use `leakwatch run`, which sees malloc");
    return lwi_arena_text(&findings->arena, text, (size_t)length);
}

lw_status lwi_findings_memory(lw_findings *findings, const lwi_reading *readings, uint32_t count,
                              uint64_t least, lw_error *error)
{
    int64_t gained = 0, known = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (!is_dark(&readings[i - 1], &readings[i]))
            return LW_OK;
        gained += readings[i].private - readings[i - 1].private;
        known += explained(&readings[i - 1], &readings[i]);
    }
    uint32_t rounds = count > 1 ? count - 1 : 0;
    if (rounds == 0 || gained - known < (int64_t)rounds * LEAST_ON_AVERAGE)
        return LW_OK;
    if ((uint64_t)(gained - known) < least) {
        findings->info.left_out++;
        return LW_OK;
    }
    lwi_finding *finding = lwi_findings_add(findings);
    const char *advice = finding ? words(findings, gained, known, rounds) : NULL;
    if (!advice)
        return lwi_nomem(error, "findings");
    finding->info.kind = LW_FINDING_MEMORY;
    finding->info.fingerprint = lwi_fnv_text(LWI_FNV_BEGIN, "memory", 0xff);
    finding->info.rounds = rounds;
    finding->info.bytes = (uint64_t)(gained - known);
    finding->info.bytes_per_round = (double)(gained - known) / rounds;
    finding->info.holder_type = "process";
    finding->info.advice = advice;
    return LW_OK;
}
