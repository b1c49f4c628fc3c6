/* paths: who holds the instances of a type, or one object. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

typedef struct targets {
    lw_node *nodes;
    size_t count, room;
} targets;

static int add_target(lw_node node, void *user)
{
    targets *targets = user;
    if (targets->count == targets->room) {
        size_t room = targets->room * 2 + 64;
        lw_node *grown = realloc(targets->nodes, room * sizeof *grown);
        if (!grown)
            return 1;
        targets->nodes = grown;
        targets->room = room;
    }
    targets->nodes[targets->count++] = node;
    return 0;
}

/* All objects of all types of a name; runtimes may have one each. */
static lw_status add_type(lw_snapshot *snapshot, const char *name, targets *targets,
                          lw_error *error)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_status status = lw_snapshot_info_get(snapshot, &info, error);
    for (uint32_t i = 0; status == LW_OK && i < info.types; i++) {
        lw_type_info type = LW_TYPE_INFO_INIT;
        status = lw_snapshot_type_get(snapshot, i, &type, error);
        if (status == LW_OK && strcmp(type.name, name) == 0)
            status = lw_node_each(snapshot, i, add_target, targets, error);
    }
    return status;
}

/* Of a key, in whichever runtime has it: their names are those of the types. */
static lw_status add_key(lw_snapshot *snapshot, lw_key key, targets *targets, lw_error *error)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_status status = lw_snapshot_info_get(snapshot, &info, error);
    const char *last = "";
    for (uint32_t i = 0; status == LW_OK && i < info.types; i++) {
        lw_type_info type = LW_TYPE_INFO_INIT;
        lw_node node = LW_NODE_NONE;
        status = lw_snapshot_type_get(snapshot, i, &type, error);
        if (status != LW_OK || strcmp(type.runtime, last) == 0)
            continue;
        last = type.runtime;
        lw_status found = lw_node_find(snapshot, type.runtime, key, &node, error);
        if (found == LW_OK)
            add_target(node, targets);
        else if (found != LW_E_NOT_FOUND)
            status = found;
    }
    return status;
}

static bool is_key(const char *word, lw_key *key)
{
    char *end = NULL;
    if (strncmp(word, "0x", 2) != 0)
        return false;
    *key = strtoull(word, &end, 16);
    return end != word && *end == '\0';
}

static int show(lw_snapshot *snapshot, const targets *targets, const lw_paths_options *how,
                const lw_report_options *options, const char *name)
{
    lw_error error = LW_ERROR_INIT;
    lw_paths *paths = NULL;
    lw_status status =
        lw_paths_find(snapshot, targets->nodes, targets->count, how, &paths, &error);
    uint32_t count = lw_paths_count(paths);
    bool json = options->format == LW_FORMAT_JSON;
    if (status == LW_OK && json)
        fputs("[", stdout);
    for (uint32_t i = 0; status == LW_OK && i < count; i++) {
        if (i > 0)
            fputs(json ? "," : "\n", stdout);
        status = lw_report_path(paths, i, options, lwcli_write, stdout, &error);
    }
    if (status == LW_OK && json)
        fputs("]\n", stdout);
    else if (status == LW_OK && count == 0)
        printf("%s: nothing holds it, it is collectable garbage\n", name);
    lw_paths_release(paths);
    return status == LW_OK ? LWCLI_FINE : lwcli_failed(&error);
}

static int run(lw_snapshot *snapshot, const char *name, const lw_paths_options *how,
               const lw_report_options *options)
{
    lw_error error = LW_ERROR_INIT;
    targets targets = {NULL, 0, 0};
    lw_key key = 0;
    lw_status status = is_key(name, &key) ? add_key(snapshot, key, &targets, &error)
                                          : add_type(snapshot, name, &targets, &error);
    int answer;
    if (status != LW_OK) {
        answer = lwcli_failed(&error);
    } else if (targets.count == 0) {
        fprintf(stderr, "leakwatch paths: there is no %s in this snapshot; `leakwatch types` "
                        "lists what there is\n",
                name);
        answer = LWCLI_FAILED;
    } else {
        answer = show(snapshot, &targets, how, options, name);
    }
    free(targets.nodes);
    return answer;
}

int lwcli_paths(lwcli_words *words)
{
    bool misused = false;
    lw_paths_options how = LW_PATHS_OPTIONS_INIT;
    lw_report_options options = lwcli_report_options(words);
    lwcli_number(words, "--limit", 1, 1000000, &how.limit, &misused);
    if (misused || !lwcli_operands(words, 2, 2))
        return LWCLI_MISUSE;
    lw_snapshot *snapshot = lwcli_open(words->words[0]);
    if (!snapshot)
        return LWCLI_FAILED;
    int answer = run(snapshot, words->words[1], &how, &options);
    lw_snapshot_release(snapshot);
    return answer;
}
