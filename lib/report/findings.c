#include "report/findings.h"

#include "base/error.h"
#include "report/frame.h"
#include "report/label.h"

enum {
    INDENT = 13,      /* where the words after "held by" begin */
    STEPS_SHOWN = 8,  /* of a path on one line: its two ends */
    HEAD_SHOWN = 4
};

static int64_t rounded(double number)
{
    return number < 9e18 ? (int64_t)(number + 0.5) : INT64_MAX;
}

/* --- lines --------------------------------------------------------------------------------- */

static void begin(const lwi_found *found, lwi_text *text)
{
    lwi_text_init(text, lwi_out_ascii(found->out));
}

/* "  held by    words", broken between words where the line is full. */
static void write_line(const lwi_found *found, const char *name, const lwi_text *words)
{
    lwi_out_spaces(found->out, 2);
    lwi_out_style(found->out, LWI_HINT);
    lwi_out_put(found->out, name);
    lwi_out_style(found->out, LWI_PLAIN);
    if (found->out->column + 1 < INDENT)
        lwi_out_spaces(found->out, INDENT - found->out->column);
    else
        lwi_out_spaces(found->out, 1);
    lwi_out_words(found->out, words, INDENT);
    lwi_out_line(found->out);
}

static const char *type_name(const lwi_found *found, lw_node node)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_type_info type = LW_TYPE_INFO_INIT;
    const lw_snapshot *snapshot = lw_paths_snapshot(found->paths);
    lw_node_info_get(snapshot, node, &info, NULL);
    lw_snapshot_type_get(snapshot, info.type, &type, NULL);
    return type.name ? type.name : "";
}

/* "10 objects every round", "about 2.4 objects a round" where that is not a whole number. */
static void put_rate(lwi_text *text, double rate, const char *noun)
{
    int64_t tenths = rate < 1e17 ? rounded(rate * 10) : rounded(rate);
    if (rate >= 1e17 || tenths % 10 == 0 || rate >= 1000) {
        lwi_text_counted(text, (uint64_t)rounded(rate), noun);
        lwi_text_put(text, " every round");
        return;
    }
    lwi_text_put(text, "about ");
    lwi_text_count(text, (uint64_t)tenths / 10);
    lwi_text_put(text, ".");
    lwi_text_number(text, (uint64_t)tenths % 10);
    lwi_text_put(text, " ");
    lwi_text_put(text, noun);
    lwi_text_put(text, "s a round");
}

/* "dict gains 10 objects every round, mostly Value" */
static void put_gain(lwi_text *text, const lw_finding *finding)
{
    if (finding->kind == LW_FINDING_BLOCKS) {
        lwi_text_put(text, "a call site leaves ");
        put_rate(text, finding->objects_per_round, "block");
        return;
    }
    if (finding->kind == LW_FINDING_MEMORY) {
        lwi_text_put(text, "the process gains memory that nothing explains");
        return;
    }
    lwi_text_name(text, finding->holder_type);
    if (finding->kind == LW_FINDING_BYTES) {
        lwi_text_put(text, " becomes larger every round");
        return;
    }
    lwi_text_put(text, " gains ");
    put_rate(text, finding->objects_per_round, "object");
    if (*finding->type && finding->type_objects > 0) {
        lwi_text_put(text, finding->type_objects == finding->objects ? ", all " : ", mostly ");
        lwi_text_name(text, finding->type);
    }
}

/* "leak  dict gains 10 objects every round  +98.8 KiB a round  in 5 of 5 rounds" */
static void write_headline(const lwi_found *found)
{
    const lw_finding *finding = &found->finding;
    lwi_text text;
    begin(found, &text);
    lwi_out_style(found->out, LWI_CULPRIT);
    lwi_out_put(found->out, finding->accepted ? "accepted" : "leak");
    lwi_out_style(found->out, LWI_HEADLINE);
    put_gain(&text, finding);
    lwi_out_item(found->out, &text, 2, 6);
    lwi_out_style(found->out, LWI_PLAIN);
    begin(found, &text);
    lwi_text_bytes_diff(&text, rounded(finding->bytes_per_round));
    lwi_text_put(&text, " a round");
    lwi_out_item(found->out, &text, 3, 6);
    begin(found, &text);
    lwi_text_put(&text, "in ");
    lwi_text_count(&text, finding->rounds);
    lwi_text_put(&text, " of ");
    lwi_text_count(&text, found->info.rounds);
    lwi_text_put(&text, " rounds");
    lwi_out_item(found->out, &text, 2, 6);
    lwi_out_line(found->out);
}

/* --- allocated ----------------------------------------------------------------------------- */

static lw_status get_frame(const lwi_found *found, uint32_t level, lw_frame *frame,
                           lw_error *error)
{
    *frame = (lw_frame)LW_FRAME_INIT;
    return lw_finding_frame_get(found->findings, found->index, level, frame, error);
}

/* The innermost frame of the user's own code, the plain innermost if there is none. */
static lw_status own_level(const lwi_found *found, uint32_t *own, lw_error *error)
{
    for (uint32_t level = 0; level < found->finding.frames; level++) {
        lw_frame frame;
        lw_status status = get_frame(found, level, &frame, error);
        if (status != LW_OK)
            return status;
        if (frame.flags & LW_FRAME_OWN) {
            *own = level;
            return LW_OK;
        }
    }
    *own = 0;
    return LW_OK;
}

static lw_status write_allocated(const lwi_found *found, lw_error *error)
{
    const lw_finding *finding = &found->finding;
    bool larger = finding->kind == LW_FINDING_BYTES; /* known is where it was made, not resized */
    lwi_text text;
    begin(found, &text);
    if (finding->frames == 0 && larger)
        return LW_OK;
    if (finding->frames == 0) {
        lwi_text_put(&text, "not recorded: start recording before, and the line is named here");
        write_line(found, "allocated", &text);
        return LW_OK;
    }
    uint32_t level = 0;
    lw_frame frame;
    lw_status status = own_level(found, &level, error);
    if (status == LW_OK)
        status = get_frame(found, level, &frame, error);
    if (status != LW_OK)
        return status;
    lwi_text_frame(&text, &frame);
    if (level + 1 < finding->frames) {
        if ((status = get_frame(found, level + 1, &frame, error)) != LW_OK)
            return status;
        lwi_text_put(&text, " ");
        lwi_text_sign(&text, LWI_FROM);
        lwi_text_put(&text, " ");
        lwi_text_frame(&text, &frame);
    }
    if (!larger && finding->site_bytes < finding->bytes) {
        lwi_text_put(&text, ": ");
        lwi_text_size(&text, finding->site_bytes);
        lwi_text_put(&text, " of ");
        lwi_text_size(&text, finding->bytes);
    }
    if (finding->approximate)
        lwi_text_put(&text, " (~)");
    write_line(found, larger ? "created" : "allocated", &text);
    return LW_OK;
}

/* --- held by ------------------------------------------------------------------------------- */

static void put_arrow(lwi_text *text)
{
    lwi_text_put(text, " ");
    lwi_text_sign(text, LWI_TO);
    lwi_text_put(text, " ");
}

static lw_status write_held(const lwi_found *found, lw_error *error)
{
    lwi_text text;
    lw_path path = LW_PATH_INIT;
    begin(found, &text);
    lw_status status = lw_path_get(found->paths, 0, &path, error);
    if (status != LW_OK)
        return status;
    lwi_text_root(&text, path.root_kind, &path.root_label);
    bool all = path.steps <= STEPS_SHOWN || lwi_out_all(found->out);
    for (uint32_t step = 0; step < path.steps; step++) {
        lw_edge edge = LW_EDGE_INIT;
        put_arrow(&text);
        if (!all && step == HEAD_SHOWN) {
            step = path.steps - (STEPS_SHOWN - HEAD_SHOWN) - 1;
            lwi_text_sign(&text, LWI_ELLIPSIS);
            continue;
        }
        if ((status = lw_path_step_get(found->paths, 0, step, &edge, error)) != LW_OK)
            return status;
        lwi_text_label(&text, &edge.label);
        lwi_text_edge_kind(&text, edge.kind);
    }
    put_arrow(&text);
    lwi_text_name(&text, type_name(found, path.target));
    if (path.asker)
        lwi_text_put(&text, " (yours: a variable of the code that asks)");
    write_line(found, "held by", &text);
    return LW_OK;
}

/* --- cut ----------------------------------------------------------------------------------- */

/* ".get_value of module" */
static void put_cut_edge(const lwi_found *found, lwi_text *text, const lw_cut_edge *edge)
{
    if (edge->edge.from == LW_NODE_NONE) {
        lwi_text_put(text, "root ");
        lwi_text_root(text, edge->root_kind, &edge->root_label);
    } else {
        lwi_text_label(text, &edge->edge.label);
        lwi_text_put(text, " of ");
        lwi_text_name(text, type_name(found, edge->edge.from));
    }
    put_arrow(text);
    lwi_text_name(text, type_name(found, edge->edge.to));
}

static void put_freed(lwi_text *text, const lw_cut_info *info)
{
    lwi_text_put(text, "frees ");
    lwi_text_size(text, info->freed_bytes);
    if (info->freed_leaked_bytes >= info->leaked_bytes) {
        lwi_text_put(text, ", all that was gained");
    } else {
        lwi_text_put(text, ", ");
        lwi_text_size(text, info->freed_leaked_bytes);
        lwi_text_put(text, " of the ");
        lwi_text_size(text, info->leaked_bytes);
        lwi_text_put(text, " gained");
    }
    lwi_text_put(text, info->edges == 1 ? " (verified by walking without it)"
                                        : " (verified by walking without them)");
}

static lw_status write_holders(const lwi_found *found, const lw_cut_info *info, lw_error *error)
{
    lwi_text text;
    begin(found, &text);
    lwi_text_put(&text, "no few references: it is held in more than 8 places");
    write_line(found, "cut", &text);
    for (uint32_t i = 0; i < info->holders; i++) {
        lw_cut_holder holder = LW_CUT_HOLDER_INIT;
        lw_status status = lw_cut_holder_get(found->cut, i, &holder, error);
        if (status != LW_OK)
            return status;
        begin(found, &text);
        lwi_text_name(&text, type_name(found, holder.node));
        lwi_text_put(&text, " keeps ");
        lwi_text_size(&text, holder.leaked_bytes);
        lwi_text_put(&text, " of it");
        write_line(found, "", &text);
    }
    return LW_OK;
}

static lw_status write_cut(const lwi_found *found, lw_error *error)
{
    lw_cut_info info = LW_CUT_INFO_INIT;
    lw_status status = lw_cut_info_get(found->cut, &info, error);
    if (status != LW_OK)
        return status;
    if (info.flags & LW_CUT_TOO_MANY)
        return write_holders(found, &info, error);
    if (info.edges == 0) /* nothing holds it */
        return LW_OK;
    for (uint32_t i = 0; i < info.edges; i++) {
        lwi_text text;
        lw_cut_edge edge = LW_CUT_EDGE_INIT;
        if ((status = lw_cut_edge_get(found->cut, i, &edge, error)) != LW_OK)
            return status;
        begin(found, &text);
        put_cut_edge(found, &text, &edge);
        write_line(found, i == 0 ? "cut" : "and", &text);
    }
    lwi_text text;
    begin(found, &text);
    put_freed(&text, &info);
    write_line(found, "", &text);
    return LW_OK;
}

/* What helps where the reference itself has to stay: letting go of what is behind it. */
static void write_entries(const lwi_found *found)
{
    const lw_finding *finding = &found->finding;
    if (finding->entries < 2 || finding->entries_bytes == 0)
        return;
    lwi_text text;
    begin(found, &text);
    lwi_text_put(&text, "its ");
    lwi_text_counted(&text, finding->entries, "reference");
    lwi_text_put(&text, " to such objects: frees ");
    lwi_text_size(&text, finding->entries_bytes);
    write_line(found, "or empty", &text);
}

/* --- the rest ------------------------------------------------------------------------------ */

static void write_forecast(const lwi_found *found)
{
    const lw_finding *finding = &found->finding;
    lwi_text text;
    if (finding->rounds_left == 0)
        return;
    begin(found, &text);
    lwi_text_put(&text, "the memory limit in about ");
    lwi_text_counted(&text, finding->rounds_left, "round");
    write_line(found, "forecast", &text);
}

static void write_rest(const lwi_found *found)
{
    const lw_finding *finding = &found->finding;
    lwi_text text;
    if (*finding->advice) {
        begin(found, &text);
        lwi_text_name(&text, finding->advice);
        write_line(found, "help", &text);
    }
    begin(found, &text);
    lwi_text_fingerprint(&text, finding->fingerprint);
    write_line(found, finding->accepted ? "known as" : "accept", &text);
}

static lw_status write_text(const lwi_found *found, lw_error *error)
{
    write_headline(found);
    lw_status status = found->finding.kind == LW_FINDING_MEMORY ? LW_OK
                                                                : write_allocated(found, error);
    if (status == LW_OK && found->paths && lw_paths_count(found->paths))
        status = write_held(found, error);
    if (status == LW_OK && found->cut)
        status = write_cut(found, error);
    if (status != LW_OK)
        return status;
    write_entries(found);
    write_forecast(found);
    write_rest(found);
    return LW_OK;
}

/* --- all ----------------------------------------------------------------------------------- */

static lw_status find(lwi_found *found, uint32_t index, lw_error *error)
{
    found->index = index;
    found->finding = (lw_finding)LW_FINDING_INIT;
    found->paths = lw_finding_paths(found->findings, index);
    found->cut = lw_finding_cut(found->findings, index);
    return lw_finding_get(found->findings, index, &found->finding, error);
}

static void write_summary(const lwi_found *found)
{
    const lw_findings_info *info = &found->info;
    uint32_t leaks = info->findings - info->accepted;
    lwi_text text;
    begin(found, &text);
    if (leaks == 0)
        lwi_text_put(&text, "nothing grew in every round");
    else
        lwi_text_counted(&text, leaks, "leak");
    lwi_text_put(&text, leaks == 0 ? ": " : " in ");
    lwi_text_counted(&text, info->rounds, "round");
    lwi_out_style(found->out, LWI_HEADLINE);
    lwi_out_item(found->out, &text, 0, 0);
    lwi_out_style(found->out, LWI_PLAIN);
    begin(found, &text);
    lwi_text_count_diff(&text, info->objects_diff);
    lwi_text_put(&text, " objects, ");
    lwi_text_bytes_diff(&text, info->bytes_diff);
    lwi_text_put(&text, " in all");
    lwi_out_item(found->out, &text, 2, 2);
    lwi_out_line(found->out);
}

static void write_note(const lwi_found *found, const lwi_text *text, enum lwi_style style)
{
    lwi_out_style(found->out, style);
    lwi_out_item(found->out, text, 0, 2);
    lwi_out_style(found->out, LWI_PLAIN);
    lwi_out_line(found->out);
}

static void write_notes(const lwi_found *found)
{
    const lw_findings_info *info = &found->info;
    lwi_text text;
    if (info->left_out) {
        begin(found, &text);
        lwi_text_counted(&text, info->left_out, "smaller finding");
        lwi_text_put(&text, " left out: over the limit, or below the least bytes");
        write_note(found, &text, LWI_PLAIN);
    }
    if (info->approximate) {
        begin(found, &text);
        lwi_text_put(&text, "~ objects were told apart by address, which may have been reused: "
                            "counts are exact, which objects and sites are not");
        write_note(found, &text, LWI_PLAIN);
    }
    begin(found, &text);
    if (info->findings == info->accepted)
        lwi_text_put(&text, "next: more rounds, or other work: what grows only now and then "
                            "does not show in so few");
    else
        lwi_text_put(&text, "next: cut it, and hunt again");
    write_note(found, &text, LWI_HINT);
}

static lw_status write_all(lwi_found *found, lw_error *error)
{
    write_summary(found);
    for (uint32_t i = 0; i < found->info.findings && !found->out->failed; i++) {
        lw_status status = find(found, i, error);
        if (status == LW_OK && found->finding.accepted && !lwi_out_all(found->out)) {
            write_headline(found);
            continue;
        }
        if (status == LW_OK)
            status = write_text(found, error);
        if (status != LW_OK)
            return status;
    }
    write_notes(found);
    return LW_OK;
}

static lw_status open_report(lwi_found *found, const lw_findings *findings,
                             const lw_report_options *options, lw_write_fn write, void *user,
                             lw_error *error)
{
    lw_status status = lwi_out_open(found->out, options, write, user, error);
    found->findings = findings;
    found->info = (lw_findings_info)LW_FINDINGS_INFO_INIT;
    return status == LW_OK ? lw_findings_info_get(findings, &found->info, error) : status;
}

lw_status lw_report_findings(const lw_findings *findings, const lw_report_options *options,
                             lw_write_fn write, void *user, lw_error *error)
{
    lwi_out out;
    lwi_found found = {.out = &out};
    lw_status status = open_report(&found, findings, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!lwi_out_json(&out))
        return lwi_out_close(&out, write_all(&found, error), error);
    lwi_json json = lwi_json_report(&out, "findings");
    lwi_json_findings(&found, &json);
    lwi_json_array(&json, "findings");
    for (uint32_t i = 0; status == LW_OK && i < found.info.findings && !out.failed; i++) {
        status = find(&found, i, error);
        lwi_json_object(&json, NULL);
        if (status == LW_OK)
            status = lwi_json_finding(&found, &json, error);
        lwi_json_object_end(&json);
    }
    lwi_json_array_end(&json);
    lwi_json_report_end(&json);
    return lwi_out_close(&out, status, error);
}

lw_status lw_report_finding(const lw_findings *findings, uint32_t index,
                            const lw_report_options *options, lw_write_fn write, void *user,
                            lw_error *error)
{
    lwi_out out;
    lwi_found found = {.out = &out};
    lw_status status = open_report(&found, findings, options, write, user, error);
    if (status == LW_OK)
        status = find(&found, index, error);
    if (status != LW_OK)
        return status;
    if (!lwi_out_json(&out))
        return lwi_out_close(&out, write_text(&found, error), error);
    lwi_json json = lwi_json_report(&out, "finding");
    status = lwi_json_finding(&found, &json, error);
    lwi_json_report_end(&json);
    return lwi_out_close(&out, status, error);
}
