#define _GNU_SOURCE
#include "modules.h"

#include "walk.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MODULES = 2048, TEXT_CHUNK = 64 * 1024, PATH = 4096 };

static lwm_module modules[MODULES];
static _Atomic uint32_t module_count;
static char program[PATH];
_Atomic bool lwm_modules_moved;

void lwm_modules_init(void)
{
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = 0;
}

/* ---- text that stays ---- */

static char *text_room(size_t size)
{
    static char *chunk;
    static size_t left;
    if (size > TEXT_CHUNK)
        return NULL;
    if (left < size) {
        char *fresh = mmap(NULL, TEXT_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                           -1, 0);
        if (fresh == MAP_FAILED)
            return NULL;
        chunk = fresh;
        left = TEXT_CHUNK;
    }
    chunk += size;
    left -= size;
    return chunk - size;
}

/* ---- build-ids ---- */

static bool note_text(const unsigned char *note, size_t size, char *text)
{
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) head;
        memcpy(&head, note, sizeof head);
        size_t name = (head.n_namesz + 3) & ~(size_t)3, whole = (head.n_descsz + 3) & ~(size_t)3;
        whole += sizeof head + name;
        if (whole > size)
            return false;
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
            memcmp(note + sizeof head, "GNU", 4) == 0) {
            const unsigned char *id = note + sizeof head + name;
            for (size_t i = 0; i < head.n_descsz && i < (LWM_BUILD_ID - 1) / 2; i++)
                sprintf(text + 2 * i, "%02x", id[i]);
            return true;
        }
        note += whole;
        size -= whole;
    }
    return false;
}

bool lwm_build_id(const unsigned char *image, size_t size, bool loaded, char *text)
{
    ElfW(Ehdr) head;
    text[0] = 0;
    if (size < sizeof head || memcmp(image, ELFMAG, SELFMAG) != 0)
        return false;
    memcpy(&head, image, sizeof head);
    size_t first = 0;
    for (unsigned i = 0; i < head.e_phnum; i++) {
        ElfW(Phdr) part;
        if (head.e_phoff + (i + 1) * sizeof part > size)
            return false;
        memcpy(&part, image + head.e_phoff + i * sizeof part, sizeof part);
        if (part.p_type == PT_LOAD && part.p_offset == 0)
            first = part.p_vaddr;
        size_t at = loaded ? part.p_vaddr - first : part.p_offset;
        if (part.p_type == PT_NOTE && at < size && part.p_filesz <= size - at &&
            note_text(image + at, part.p_filesz, text))
            return true;
    }
    return false;
}

/* ---- the table ---- */

/* The system's libraries are nobody's own. */
static bool is_own(const char *path, bool is_program)
{
    static const char *const system[] = {"/lib", "/usr/lib", "/usr/local/lib", "linux-vdso"};
    for (size_t i = 0; i < sizeof system / sizeof *system; i++) {
        if (!is_program && strncmp(path, system[i], strlen(system[i])) == 0)
            return false;
    }
    return is_program || !strstr(path, "/libleakwatch");
}

static bool fill_in(lwm_module *module, const struct dl_find_object *found)
{
    const char *name = found->dlfo_link_map->l_name;
    bool is_program = name[0] == 0;
    const char *path = is_program ? program : name;
    module->first = (uintptr_t)found->dlfo_map_start;
    module->last = (uintptr_t)found->dlfo_map_end - 1;
    module->base = found->dlfo_link_map->l_addr;
    module->map = found->dlfo_link_map;
    module->own = is_own(path, is_program);
    lwm_build_id(found->dlfo_map_start, module->last - module->first, true, module->build_id);
    size_t room = strlen(path) + sizeof " [build-id ]" + LWM_BUILD_ID;
    char *copy = text_room(strlen(path) + 1), *label = text_room(room);
    if (!copy || !label)
        return false;
    module->path = strcpy(copy, path);
    snprintf(label, room, module->build_id[0] ? "%s [build-id %s]" : "%s", path,
             module->build_id);
    module->label = label;
    return true;
}

static bool is_same(const lwm_module *module, const struct dl_find_object *found)
{
    const char *name = found->dlfo_link_map->l_name;
    return module->first == (uintptr_t)found->dlfo_map_start &&
           module->last == (uintptr_t)found->dlfo_map_end - 1 &&
           strcmp(module->path, name[0] ? name : program) == 0;
}

/* A module as the loader knows it now; under the context's lock, as all descriptions are. */
static const lwm_module *enlist(const struct dl_find_object *found)
{
    uint32_t count = atomic_load_explicit(&module_count, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        lwm_module *module = &modules[i];
        if (is_same(module, found)) {
            module->map = found->dlfo_link_map;
            atomic_store(&module->gone, false);
            return module;
        }
        if (!atomic_load(&module->gone) && module->first <= (uintptr_t)found->dlfo_map_end - 1 &&
            module->last >= (uintptr_t)found->dlfo_map_start)
            atomic_store(&lwm_modules_moved, true);
    }
    if (count == MODULES || !fill_in(&modules[count], found))
        return NULL;
    atomic_store_explicit(&module_count, count + 1, memory_order_release);
    return &modules[count];
}

int lwm_describe(uint64_t word, lw_frame *frame, void *user)
{
    static char offset[24];
    struct dl_find_object found;
    (void)user;
    if (_dl_find_object((void *)(uintptr_t)word, &found) != 0)
        return 1;
    const lwm_module *module = enlist(&found);
    if (!module)
        return 1;
    snprintf(offset, sizeof offset, "+0x%llx", (unsigned long long)(word - module->base));
    frame->function = offset;
    frame->file = module->label;
    frame->flags = module->own ? LW_FRAME_OWN : 0;
    return 0;
}

const lwm_module *lwm_module_of(const lw_frame *frame, uint64_t *offset)
{
    uint32_t count = atomic_load_explicit(&module_count, memory_order_acquire);
    if (!frame->file || !frame->function || frame->function[0] != '+')
        return NULL;
    *offset = strtoull(frame->function + 1, NULL, 16);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(modules[i].label, frame->file) == 0)
            return &modules[i];
    }
    return NULL;
}

/* ---- modules that go ---- */

static bool is_there(const lwm_module *module)
{
    struct dl_find_object found;
    return _dl_find_object((void *)module->first, &found) == 0 &&
           found.dlfo_link_map == module->map && is_same(module, &found);
}

void lwm_modules_sweep(void)
{
    uint32_t count = atomic_load_explicit(&module_count, memory_order_acquire);
    atomic_store(&lwm_modules_moved, false);
    lwm_walk_forget();
    for (uint32_t i = 0; i < count; i++) {
        if (atomic_load(&modules[i].gone) || is_there(&modules[i]))
            continue;
        atomic_store(&modules[i].gone, true);
        lw_code_retire(lwm_domain, modules[i].first, modules[i].last);
    }
}

/* The program unloads a module: what its code was called must not be what is loaded there next. */
__attribute__((visibility("default"))) int dlclose(void *handle)
{
    static int (*next)(void *);
    if (!next) {
        void *found = dlsym(RTLD_NEXT, "dlclose");
        memcpy(&next, &found, sizeof found);
    }
    int result = next(handle);
    if (lwm_domain)
        lwm_modules_sweep();
    return result;
}
