/* What is asked of a live runtime besides its graph: to collect, for a preview, for advice. */
#include "base/error.h"
#include "base/structs.h"
#include "capture/runtime.h"
#include "snapshot/snapshot.h"

#include <string.h>

/* Copies what a callback wrote into `size` bytes, cut between two characters. */
static bool give_text(char *to, size_t size, const char *from, size_t room)
{
    const char *end = memchr(from, 0, room);
    size_t length = end ? (size_t)(end - from) : room;
    size_t most = size < room ? size - 1 : room - 1;
    if (length > most) {
        length = most;
        while (length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(to, from, length);
    to[length] = 0;
    return length > 0;
}

lw_status lw_runtime_collect(lw_runtime *runtime, lw_error *error)
{
    if (!runtime)
        return lwi_fail(error, LW_E_INVALID, "runtime is NULL: pass the runtime that shall collect");
    if (!runtime->collect)
        return lwi_fail(error, LW_E_UNSUPPORTED, "runtime \"%s\" has no collector", runtime->name);
    lw_context *context = runtime->context;
    lwi_runtimes *runtimes = lwi_runtimes_of(context);
    lw_status status = lwi_runtimes_begin(runtimes, error);
    if (status != LW_OK)
        return status;
    int answer = runtime->collect(runtime->user);
    if (answer != 0)
        status = lwi_fail(error, LW_E_RUNTIME, "runtime \"%s\": collect returned %d",
                          runtime->name, answer);
    lwi_runtimes_end(context, runtimes);
    return status;
}

static const lw_runtime *named(const lwi_runtimes *runtimes, const char *name)
{
    const lw_runtime *runtime = runtimes ? runtimes->first : NULL;
    while (runtime && strcmp(runtime->name, name) != 0)
        runtime = runtime->next;
    return runtime;
}

/* --- advice -------------------------------------------------------------------------------- */

static lw_status take_query(lw_advice_query *full, const lw_advice_query *query, lw_error *error)
{
    lw_status status = lwi_take(full, sizeof *full, query, "lw_advice_query", error);
    const char **texts[] = {&full->runtime, &full->holder_type, &full->label,
                            &full->type,    &full->root_kind,   &full->root_label};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!*texts[i])
            *texts[i] = "";
    }
    return status;
}

lw_status lw_advice_get(lw_context *context, const lw_advice_query *query, char *text,
                        size_t size, lw_error *error)
{
    enum { LONGEST = 500 };
    char advice[LONGEST + 1] = "";
    lw_advice_query full;
    if (text && size)
        text[0] = 0;
    if (!context || !query || !text || !size)
        return lwi_fail(error, LW_E_INVALID, "%s",
                        !context ? "context is NULL: pass the context of the runtime"
                        : !query ? "query is NULL: pass what grows"
                                 : "text is NULL or has no room: pass where the advice shall go");
    lw_status status = take_query(&full, query, error);
    if (status != LW_OK)
        return status;
    lwi_runtimes *runtimes = lwi_view_attachment(context)->value;
    const lw_runtime *runtime = named(runtimes, full.runtime);
    if (!runtime)
        return lwi_fail(error, LW_E_NOT_FOUND, "no runtime \"%.80s\" is plugged in", full.runtime);
    status = lwi_runtimes_begin(runtimes, error);
    if (status != LW_OK)
        return status;
    bool given = runtime->advise &&
                 runtime->advise(&full, advice, sizeof advice, runtime->user) == 0 &&
                 give_text(text, size, advice, sizeof advice);
    if (!given)
        status = lwi_fail(error, LW_E_NOT_FOUND, "runtime \"%s\" has no advice", runtime->name);
    lwi_runtimes_end(context, runtimes);
    return status;
}

/* --- previews ------------------------------------------------------------------------------ */

/* Whether the block that the node lay in when the snapshot was taken still stands. */
static bool still_there(const lw_runtime *runtime, const lw_snapshot *snapshot, lw_node node,
                        lw_key key)
{
    const lwi_tenure *tenure = lwi_tenure_at(snapshot, node);
    lwi_block_view now;
    if (!tenure)
        return true;
    lwi_view_blocks(runtime->domains, runtime->domain_count, &key, 1, &now);
    return now.epoch == tenure->epoch;
}

static lw_status preview(const lw_runtime *runtime, const lw_snapshot *snapshot, lw_node node,
                         char *text, size_t size, lw_error *error)
{
    char shown[LW_PREVIEW_MAX + 1] = "";
    lw_key key = lwi_key_of_node(snapshot, node);
    if (!still_there(runtime, snapshot, node, key))
        return lwi_fail(error, LW_E_NOT_FOUND, "node %u: the object is gone", (unsigned)node);
    if (!runtime->preview || runtime->preview(key, shown, sizeof shown, runtime->user) != 0 ||
        !give_text(text, size, shown, sizeof shown))
        return lwi_fail(error, LW_E_NOT_FOUND, "runtime \"%s\" shows nothing of node %u",
                        runtime->name, (unsigned)node);
    return LW_OK;
}

lw_status lw_node_preview(lw_context *context, const lw_snapshot *snapshot, lw_node node,
                          char *text, size_t size, lw_error *error)
{
    if (text && size)
        text[0] = 0;
    if (!context || !text || !size)
        return lwi_fail(error, LW_E_INVALID, "%s",
                        context ? "text is NULL or has no room: pass where the preview shall go"
                                : "context is NULL: pass the context the snapshot was taken of");
    lw_status status = lwi_node_check(snapshot, node, error);
    if (status != LW_OK)
        return status;
    lwi_runtimes *runtimes = lwi_view_attachment(context)->value;
    if (!runtimes || runtimes->token != snapshot->context)
        return lwi_fail(error, LW_E_STATE,
                        "the snapshot is not of this context: its objects live elsewhere");
    const lw_runtime *runtime = named(runtimes, lwi_part_of(snapshot, node)->name);
    if (!runtime)
        return lwi_fail(error, LW_E_NOT_FOUND, "runtime \"%s\" is not plugged in any more",
                        lwi_part_of(snapshot, node)->name);
    status = lwi_runtimes_begin(runtimes, error);
    if (status != LW_OK)
        return status;
    status = preview(runtime, snapshot, node, text, size, error);
    lwi_runtimes_end(context, runtimes);
    return status;
}
