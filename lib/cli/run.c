/* `leakwatch run`: a native program as it is, with the malloc adapter before its allocator. */
#define _GNU_SOURCE
#include "run.h"

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef LWCLI_LIBRARIES
#define LWCLI_LIBRARIES "../lib"
#endif

static const char help[] =
    "usage: leakwatch run [options] [--] PROGRAM [ARGUMENTS]\n\n"
    "Runs a program that need not be compiled anew, with its own output and exit status, and tells\n"
    "at its end what it has not given back, by the place where it was allocated.\n\n"
    "options:\n"
    "  --mode MODE     sites: every allocation with its call stack, as if none is given;\n"
    "                  counts: how much, not where; sampled or sampled:BYTES: estimates from one\n"
    "                  sample in so many bytes (524288)\n"
    "  --output FILE   the report into FILE instead of standard error; %p in the name stands for the\n"
    "                  number of the process, and makes child processes report too\n"
    "  --json          the report as JSON\n"
    "  --all           every call stack, not only the lines that matter most\n"
    "  --frames N      frames of each call stack to record, 0 to 128 (64)\n"
    "  --signal NAME   report also whenever this signal comes, such as USR2\n"
    "  --at SHARE      report also when this share of the container's memory is in use, such as 80%\n"
    "  -h, --help      this text\n\n"
    "Exit status: the program's; 2 wrong usage, or a program that nothing can be told of; 3 the\n"
    "adapter is not there; 126 the program cannot be started; 127 it is not there.\n";

const char lwcli_run_usage[] = "[options] [--] PROGRAM [ARGUMENTS]";
const char lwcli_run_about[] = "a native program as it is, and what it does not give back";

static void say(const char *format, va_list arguments)
{
    fputs("leakwatch run: ", stderr);
    vfprintf(stderr, format, arguments);
}

static __attribute__((format(printf, 1, 2))) int misuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    fputs("; `leakwatch run --help` shows how it is used\n", stderr);
    return LWCLI_RUN_MISUSE;
}

static __attribute__((format(printf, 2, 3))) int fail(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

typedef struct settings {
    const char *mode, *output, *frames, *signal, *at;
    int json, all;
} settings;

/* ---- the command line ---- */

typedef struct choice {
    const char *name;
    const char **value;
    int *flag;
} choice;

/* Returns how many words were taken, 0 at the program, or -1 after telling what is wrong. */
static int take_option(char **words, int count, const choice *choices)
{
    for (; choices->name; choices++) {
        size_t length = strlen(choices->name);
        if (strncmp(words[0], choices->name, length) != 0)
            continue;
        if (words[0][length] == 0 && choices->flag) {
            *choices->flag = 1;
            return 1;
        }
        if (words[0][length] == '=' && choices->value) {
            *choices->value = words[0] + length + 1;
            return 1;
        }
        if (words[0][length] == 0) {
            if (count < 2) {
                misuse("%s wants a value", choices->name);
                return -1;
            }
            *choices->value = words[1];
            return 2;
        }
    }
    misuse("there is no option %s", words[0]);
    return -1;
}

static int take_options(int count, char **words, settings *to)
{
    const choice choices[] = {
        {"--mode", &to->mode, NULL},     {"--output", &to->output, NULL},
        {"--frames", &to->frames, NULL}, {"--signal", &to->signal, NULL},
        {"--at", &to->at, NULL},         {"--json", NULL, &to->json},
        {"--all", NULL, &to->all},       {NULL, NULL, NULL},
    };
    int at = 0;
    while (at < count && words[at][0] == '-') {
        if (strcmp(words[at], "--") == 0)
            return at + 1;
        int took = take_option(words + at, count - at, choices);
        if (took < 0)
            return -1;
        at += took;
    }
    return at;
}

/* ---- what the adapter is told ---- */

static int tell_number(const char *variable, const char *option, const char *text,
                       const char *tail, unsigned long most)
{
    char *end, number[24];
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || value > most || (*end && strcmp(end, tail) != 0))
        return misuse("%s wants a number up to %lu, not \"%s\"", option, most, text);
    snprintf(number, sizeof number, "%lu", value);
    setenv(variable, number, 1);
    return 0;
}

static int tell_mode(const char *text)
{
    static const char sampled[] = "sampled:";
    if (strncmp(text, sampled, sizeof sampled - 1) == 0) {
        setenv("LEAKWATCH_MODE", "sampled", 1);
        text += sizeof sampled - 1;
        return strcmp(text, "0") == 0
                   ? misuse("--mode sampled wants 1 byte or more between samples")
                   : tell_number("LEAKWATCH_INTERVAL", "--mode sampled", text, "", 1UL << 40);
    }
    if (strcmp(text, "sites") != 0 && strcmp(text, "counts") != 0 && strcmp(text, "sampled") != 0)
        return misuse("--mode %s is not known: sites, counts and sampled are", text);
    setenv("LEAKWATCH_MODE", text, 1);
    return 0;
}

static int tell_signal(const char *text)
{
    char number[24];
    const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
    for (int i = 1; i < NSIG; i++) {
        const char *known = sigabbrev_np(i);
        if (known && strcmp(known, name) == 0) {
            snprintf(number, sizeof number, "%d", i);
            setenv("LEAKWATCH_SIGNAL", number, 1);
            return i == SIGKILL || i == SIGSTOP ? misuse("no program can hear %s", text)
                                                : 0;
        }
    }
    return misuse("there is no signal \"%s\"; USR2 is one", text);
}

/* The program may go elsewhere before it reports. */
static int tell_output(const char *file)
{
    char *full = NULL, *folder = file[0] == '/' ? NULL : getcwd(NULL, 0);
    if (asprintf(&full, "%s%s%s", folder ? folder : "", folder ? "/" : "", file) < 0)
        return fail(LWCLI_RUN_FAILED, "out of memory");
    free(folder);
    char *slash = strrchr(full, '/');
    *slash = 0;
    int failed = access(full[0] ? full : "/", W_OK | X_OK);
    *slash = '/';
    setenv("LEAKWATCH_OUTPUT", full, 1);
    free(full);
    return failed ? fail(LWCLI_RUN_MISUSE, "cannot write %s: %s", file, strerror(errno)) : 0;
}

static int tell(const settings *asked)
{
    static const char *const variables[] = {
        "LEAKWATCH_ALL",    "LEAKWATCH_AT",     "LEAKWATCH_BOUND",  "LEAKWATCH_FRAMES",
        "LEAKWATCH_INTERVAL", "LEAKWATCH_JSON", "LEAKWATCH_MODE",   "LEAKWATCH_OUTPUT",
        "LEAKWATCH_SIGNAL",
    };
    char process[24];
    int status = 0;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    if (asked->mode)
        status = tell_mode(asked->mode);
    if (!status && asked->frames)
        status = tell_number("LEAKWATCH_FRAMES", "--frames", asked->frames, "", 128);
    if (!status && asked->at)
        status = tell_number("LEAKWATCH_AT", "--at", asked->at, "%", 100);
    if (!status && asked->signal)
        status = tell_signal(asked->signal);
    if (!status && asked->output)
        status = tell_output(asked->output);
    if (asked->json)
        setenv("LEAKWATCH_JSON", "1", 1);
    if (asked->all)
        setenv("LEAKWATCH_ALL", "1", 1);
    snprintf(process, sizeof process, "%ld", (long)getpid());
    setenv("LEAKWATCH_PID", process, 1);
    return status;
}

/* ---- the adapter ---- */

/* Next to this command, installed or in a build tree, or where the environment says. */
static int find_adapter(const char *name, char *path)
{
    static const char *const places[] = {LWCLI_LIBRARIES, "../lib", "../adapters/malloc"};
    const char *told = getenv("LEAKWATCH_LIBRARIES");
    char self[LWCLI_PATH];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    if (told) {
        snprintf(path, LWCLI_PATH, "%s/%s", told, name);
        if (access(path, R_OK) == 0)
            return 1;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, LWCLI_PATH, "%.2000s/%s/%s", self, places[i], name);
        if (access(path, R_OK) == 0)
            return 1;
    }
    return 0;
}

static int preload(const char *path)
{
    const char *before = getenv("LD_PRELOAD");
    char *all = NULL;
    if (asprintf(&all, "%s%s%s", path, before ? ":" : "", before ? before : "") < 0)
        return fail(LWCLI_RUN_FAILED, "out of memory");
    setenv("LD_PRELOAD", all, 1);
    free(all);
    return 0;
}

static int put_adapter(const lwcli_program *program)
{
    char path[LWCLI_PATH];
    const char *before = getenv("LD_PRELOAD");
    if (!find_adapter("libleakwatch-malloc.so.0", path))
        return fail(LWCLI_RUN_FAILED, "libleakwatch-malloc.so.0 is not where this command looks for "
                                    "it: set LEAKWATCH_LIBRARIES to its folder");
    int status = preload(path);
    if (program->has_malloc)
        setenv("LEAKWATCH_BOUND", "1", 1);
    if (!status && (program->is_extended || (before && strstr(before, "malloc"))) &&
        find_adapter("libleakwatch-malloc-extended.so.0", path))
        status = preload(path);
    return status;
}

/* ---- running ---- */

static int refuse(const lwcli_program *program)
{
    static const char advice[] =
        "\n  What to do: build it without -static and run it again, or tell leakwatch of its blocks"
        "\n  with lw_block_alloc() and lw_block_free() (docs/embedding.md)";
    if (program->is_static)
        return fail(LWCLI_RUN_MISUSE, "%s is linked statically: its malloc is inside it, and cannot "
                        "be seen%s", program->path, advice);
    if (program->is_privileged)
        return fail(LWCLI_RUN_MISUSE, "%s runs with the rights of another user or group: the system "
                        "lets nothing be put before its malloc.\n  What to do: run it as that "
                        "user", program->path);
    return 0;
}

int lwcli_run(int count, char **words)
{
    settings asked = {0};
    lwcli_program program;
    if (count > 0 && (strcmp(words[0], "-h") == 0 || strcmp(words[0], "--help") == 0)) {
        fputs(help, stdout);
        return LWCLI_RUN_HELPED;
    }
    int first = take_options(count, words, &asked);
    if (first < 0)
        return LWCLI_RUN_MISUSE;
    if (first == count)
        return misuse("run what? Name a program");
    int status = tell(&asked);
    if (status)
        return status;
    if (!lwcli_program_find(words[first], &program))
        return fail(errno == ENOENT ? LWCLI_RUN_NONE : LWCLI_RUN_CANNOT, "cannot run %s: %s",
                    words[first], strerror(errno));
    status = refuse(&program);
    if (!status)
        status = put_adapter(&program);
    if (status)
        return status;
    execv(program.path, words + first);
    return fail(errno == ENOENT ? LWCLI_RUN_NONE : LWCLI_RUN_CANNOT, "cannot run %s: %s",
                words[first], strerror(errno));
}
