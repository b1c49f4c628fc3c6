#include "base/error.h"
#include "report/json.h"
#include "report/text.h"

/* How text and JSON call the kinds. */
static const char *const kinds[][2] = {
    [LW_PROBLEM_UNROOTED] = {"no root", "unrooted"},
    [LW_PROBLEM_DANGLING] = {"dangling", "dangling"},
    [LW_PROBLEM_UNSTABLE] = {"unstable", "unstable"},
    [LW_PROBLEM_MISSING] = {"missing edge", "missing"},
    [LW_PROBLEM_CONFLICT] = {"conflict", "conflict"},
    [LW_PROBLEM_EXCESS] = {"excess edge", "excess"},
    [LW_PROBLEM_SIZE] = {"size", "size"},
    [LW_PROBLEM_UNKNOWN] = {"bad call", "unknown"},
    [LW_PROBLEM_BRIDGE] = {"lost bridge", "bridge"},
};

static const char *kind_name(int32_t kind, bool json)
{
    if (kind < LW_PROBLEM_UNROOTED || kind > LW_PROBLEM_BRIDGE)
        return json ? "other" : "problem";
    return kinds[kind][json];
}

static uint32_t widest_kind(void)
{
    uint32_t width = 0;
    for (int32_t kind = LW_PROBLEM_UNROOTED; kind <= LW_PROBLEM_BRIDGE; kind++) {
        uint32_t columns = lwi_columns(kind_name(kind, false));
        width = columns > width ? columns : width;
    }
    return width;
}

static void write_problem(lwi_out *out, const lw_problem *problem)
{
    const uint32_t indent = 2 + widest_kind() + 2;
    const char *kind = kind_name(problem->kind, false);
    lwi_text text;
    lwi_out_spaces(out, 2);
    lwi_out_style(out, LWI_CULPRIT);
    lwi_out_put(out, kind);
    lwi_out_style(out, LWI_PLAIN);
    lwi_out_spaces(out, indent - out->column);
    lwi_text_init(&text, lwi_out_ascii(out));
    lwi_text_name(&text, problem->type && problem->type[0] ? problem->type : "any type");
    lwi_text_put(&text, " (");
    lwi_text_count(&text, problem->count);
    lwi_text_sign(&text, LWI_TIMES);
    if (lwi_out_all(out)) {
        lwi_text_put(&text, ", such as ");
        lwi_text_address(&text, problem->example);
    }
    lwi_text_put(&text, "): ");
    lwi_text_name(&text, problem->message);
    lwi_out_item(out, &text, 0, indent);
    lwi_out_line(out);
    if (!problem->next || !problem->next[0])
        return;
    lwi_text_init(&text, lwi_out_ascii(out));
    lwi_text_put(&text, "next: ");
    lwi_text_name(&text, problem->next);
    lwi_out_style(out, LWI_HINT);
    lwi_out_item(out, &text, 0, indent);
    lwi_out_style(out, LWI_PLAIN);
    lwi_out_line(out);
}

static void json_problem(lwi_json *json, const lw_problem *problem)
{
    lwi_json_object(json, NULL);
    lwi_json_string(json, "kind", kind_name(problem->kind, true));
    lwi_json_unsigned(json, "count", problem->count);
    lwi_json_address(json, "example", problem->example);
    lwi_json_string(json, "type", problem->type);
    lwi_json_string(json, "message", problem->message);
    lwi_json_string(json, "next", problem->next);
    lwi_json_object_end(json);
}

static void write_headline(lwi_out *out, const char *name, uint32_t count)
{
    lwi_text text;
    lwi_text_init(&text, lwi_out_ascii(out));
    lwi_text_put(&text, "runtime \"");
    lwi_text_name(&text, name);
    lwi_text_put(&text, "\": ");
    if (count)
        lwi_text_counted(&text, count, "problem");
    else
        lwi_text_put(&text, "no problems");
    lwi_out_style(out, LWI_HEADLINE);
    lwi_out_item(out, &text, 0, 0);
    lwi_out_style(out, LWI_PLAIN);
    lwi_out_line(out);
}

static lw_status write_check(lwi_out *out, const lw_check *check, const char *name,
                             lw_error *error)
{
    const uint32_t count = lw_check_count(check);
    lwi_json json;
    if (lwi_out_json(out)) {
        json = lwi_json_report(out, "check");
        lwi_json_string(&json, "runtime", name);
        lwi_json_array(&json, "problems");
    } else {
        write_headline(out, name, count);
    }
    for (uint32_t i = 0; i < count && !out->failed; i++) {
        lw_problem problem = LW_PROBLEM_INIT;
        lw_status status = lw_check_problem_get(check, i, &problem, error);
        if (status != LW_OK)
            return status;
        if (lwi_out_json(out))
            json_problem(&json, &problem);
        else
            write_problem(out, &problem);
    }
    if (lwi_out_json(out)) {
        lwi_json_array_end(&json);
        lwi_json_report_end(&json);
    }
    return LW_OK;
}

lw_status lw_report_check(const lw_check *check, const char *name,
                          const lw_report_options *options, lw_write_fn write, void *user,
                          lw_error *error)
{
    lwi_out out;
    lw_status status = lwi_out_open(&out, options, write, user, error);
    if (status != LW_OK)
        return status;
    if (!check || !name)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL: pass %s", check ? "name" : "check",
                        check ? "the runtime's name" : "what lw_runtime_check() gave");
    return lwi_out_close(&out, write_check(&out, check, name, error), error);
}
