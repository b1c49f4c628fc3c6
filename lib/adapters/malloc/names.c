/* Names come from the module's file, by its own addresses: so they can still be found when the
 * module has been unloaded, provided that the file is the one that was loaded. libbacktrace takes
 * its memory from mmap and is compiled into every gcc. It would ask the loader for all modules
 * (dl_iterate_phdr), under a lock that a thread which waits for ours may hold: the linker is told
 * to give it one of ours instead, which tells it of the one file only. */
#define _GNU_SOURCE
#include "names.h"

#include "modules.h"
#include "options.h"

#include <backtrace.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*dl_iterate_fn)(struct dl_phdr_info *info, size_t size, void *user);
int __wrap_dl_iterate_phdr(dl_iterate_fn tell, void *user);

/* A module without a name is the file that libbacktrace was given, loaded at 0. */
int __wrap_dl_iterate_phdr(dl_iterate_fn tell, void *user)
{
    struct dl_phdr_info info = {.dlpi_name = ""};
    return tell(&info, sizeof info, user);
}

static char *(*demangle)(const char *name, char *room, size_t *size, int *status);

void lwm_names_begin(void)
{
    void *found = dlsym(RTLD_DEFAULT, "__cxa_demangle");
    memcpy(&demangle, &found, sizeof found);
}

/* What was found for one place. */
typedef struct answer {
    const char *function, *file;
    int line;
    uint32_t level; /* how many of the calls that were inlined there are not meant */
    bool inlined;   /* there is a call that this one was inlined into */
} answer;

static int on_line(void *user, uintptr_t pc, const char *file, int line, const char *function)
{
    answer *found = user;
    (void)pc;
    if (!file && !function)
        return 0;
    if (found->file || found->function) {
        found->inlined = true;
        return 1;
    }
    if (found->level > 0) {
        found->level--;
        return 0;
    }
    found->function = function;
    found->file = file;
    found->line = line;
    return 0;
}

static void on_symbol(void *user, uintptr_t pc, const char *name, uintptr_t value, uintptr_t size)
{
    answer *found = user;
    if (name && (size == 0 || pc - value < size))
        found->function = name;
}

static void on_error(void *user, const char *message, int number)
{
    (void)user, (void)message, (void)number;
}

/* ---- the files of modules ---- */

enum { FILES = 2048 };

typedef struct module_file {
    const lwm_module *module;
    struct backtrace_state *state; /* NULL: not the file that was loaded, or no file */
} module_file;

static bool is_what_was_loaded(const lwm_module *module)
{
    char build_id[LWM_BUILD_ID] = "";
    struct stat about;
    int file = open(module->path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about) != 0 || about.st_size <= 0) {
        if (file >= 0)
            close(file);
        return false;
    }
    size_t size = (size_t)about.st_size;
    void *image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (image == MAP_FAILED)
        return false;
    lwm_build_id(image, size, false, build_id);
    munmap(image, size);
    return strcmp(build_id, module->build_id) == 0;
}

static struct backtrace_state *state_of(const lwm_module *module)
{
    static module_file files[FILES];
    static unsigned count;
    for (unsigned i = 0; i < count; i++) {
        if (files[i].module == module)
            return files[i].state;
    }
    if (count == FILES)
        return NULL;
    files[count].module = module;
    files[count].state = is_what_was_loaded(module)
                             ? backtrace_create_state(module->path, 0, on_error, NULL)
                             : NULL;
    return files[count++].state;
}

/* ---- words ---- */

enum { NAME = 1024 };

static const char *put_function(const char *function)
{
    static char name[NAME];
    int status = 1;
    char *plain = demangle && strncmp(function, "_Z", 2) == 0
                      ? demangle(function, NULL, NULL, &status)
                      : NULL;
    snprintf(name, sizeof name, "%s", plain ? plain : function);
    free(plain);
    return name;
}

/* "libfoo.so+0x1234 [build-id ab12...]": enough to find the line where the debug information is.
 * People are shown as much of it as they need to tell builds apart. */
static const char *put_offset(const lwm_module *module, uint64_t offset)
{
    static char text[NAME];
    const char *last = strrchr(module->path, '/');
    snprintf(text, sizeof text, module->build_id[0] ? "%s+0x%llx [build-id %.*s]" : "%s+0x%llx",
             last ? last + 1 : module->path, (unsigned long long)offset,
             lwm_asked.is_json || lwm_asked.is_all ? LWM_BUILD_ID : 8, module->build_id);
    return text;
}

static bool is_systems(const char *file)
{
    return strncmp(file, "/usr/include/", 13) == 0 || strncmp(file, "/usr/lib/", 9) == 0 ||
           strstr(file, "/include/c++/");
}

static const char *look_up(const lwm_module *module, uint64_t offset, answer *found)
{
    struct backtrace_state *state = state_of(module);
    if (state) {
        backtrace_pcinfo(state, (uintptr_t)offset, on_line, on_error, found);
        if (!found->function)
            backtrace_syminfo(state, (uintptr_t)offset, on_symbol, on_error, found);
    }
    return found->function ? put_function(found->function) : NULL;
}

/* A program that makes a report of its own calls this from outside of any event. */
int lwm_name(uint64_t word, lw_frame *frame, void *user)
{
    uint64_t offset;
    answer found = {NULL, NULL, 0, frame->level, false};
    const lwm_module *module = lwm_module_of(frame, &offset);
    (void)word, (void)user;
    if (!module)
        return 1;
    lwm_thread.inside++;
    frame->function = look_up(module, offset, &found);
    lwm_thread.inside--;
    frame->file = found.file ? found.file : put_offset(module, offset);
    frame->line = found.line > 0 ? (uint32_t)found.line : 0;
    if (found.file && is_systems(found.file))
        frame->flags &= ~(uint32_t)LW_FRAME_OWN;
    if (found.inlined)
        frame->flags |= LW_FRAME_INLINED;
    return 0;
}
