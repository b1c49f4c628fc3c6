#define _GNU_SOURCE
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_runnable(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return false;
    if (!S_ISREG(about.st_mode)) {
        errno = EACCES;
        return false;
    }
    return access(path, X_OK) == 0;
}

static bool in_path(const char *name, lwcli_program *program)
{
    const char *folders = getenv("PATH");
    int failed = ENOENT;
    for (const char *at = folders ? folders : "/bin:/usr/bin"; at; at = *at ? at + 1 : NULL) {
        int length = (int)strcspn(at, ":");
        snprintf(program->path, sizeof program->path, "%.*s%s%s", length, at, length ? "/" : "./",
                 name);
        if (is_runnable(program->path))
            return true;
        if (errno == EACCES)
            failed = EACCES;
        at += length;
        if (!*at)
            break;
    }
    errno = failed;
    return false;
}

/* ---- its file ---- */

typedef struct image {
    const unsigned char *at;
    size_t size;
} image;

static const void *part(const image *file, size_t offset, size_t size)
{
    return offset <= file->size && size <= file->size - offset ? file->at + offset : NULL;
}

static const char *text(const image *file, size_t offset)
{
    if (offset >= file->size || !memchr(file->at + offset, 0, file->size - offset))
        return "";
    return (const char *)file->at + offset;
}

static void read_needed(const image *file, const ElfW(Shdr) *section, size_t strings,
                        lwcli_program *program)
{
    static const char *const extended[] = {"libjemalloc", "libtcmalloc", "libmimalloc"};
    for (size_t i = 0; i < section->sh_size / sizeof(ElfW(Dyn)); i++) {
        const ElfW(Dyn) *entry =
            part(file, section->sh_offset + i * sizeof *entry, sizeof *entry);
        if (!entry || entry->d_tag == DT_NULL)
            return;
        const char *name = entry->d_tag == DT_NEEDED ? text(file, strings + entry->d_un.d_val) : "";
        for (size_t j = 0; j < sizeof extended / sizeof *extended; j++)
            program->is_extended |= strncmp(name, extended[j], strlen(extended[j])) == 0;
    }
}

static void read_symbols(const image *file, const ElfW(Shdr) *section, size_t strings,
                         lwcli_program *program)
{
    for (size_t i = 0; i < section->sh_size / sizeof(ElfW(Sym)); i++) {
        const ElfW(Sym) *symbol =
            part(file, section->sh_offset + i * sizeof *symbol, sizeof *symbol);
        if (!symbol)
            return;
        if (symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
            ELF64_ST_BIND(symbol->st_info) != STB_LOCAL &&
            strcmp(text(file, strings + symbol->st_name), "malloc") == 0)
            program->has_malloc = true;
    }
}

static void read_sections(const image *file, const ElfW(Ehdr) *head, lwcli_program *program)
{
    for (unsigned i = 0; i < head->e_shnum; i++) {
        const ElfW(Shdr) *section =
            part(file, head->e_shoff + i * sizeof *section, sizeof *section);
        const ElfW(Shdr) *names =
            section ? part(file, head->e_shoff + section->sh_link * sizeof *names, sizeof *names)
                    : NULL;
        if (!names)
            return;
        if (section->sh_type == SHT_DYNAMIC)
            read_needed(file, section, names->sh_offset, program);
        else if (section->sh_type == SHT_SYMTAB || section->sh_type == SHT_DYNSYM)
            read_symbols(file, section, names->sh_offset, program);
    }
}

static void read_elf(const image *file, lwcli_program *program)
{
    const ElfW(Ehdr) *head = part(file, 0, sizeof *head);
    bool has_loader = false;
    if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
        return; /* a script: its interpreter is what runs */
    if (head->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
        return;
    for (unsigned i = 0; i < head->e_phnum; i++) {
        const ElfW(Phdr) *segment =
            part(file, head->e_phoff + i * sizeof *segment, sizeof *segment);
        has_loader |= segment && segment->p_type == PT_INTERP;
    }
    program->is_static = !has_loader;
    read_sections(file, head, program);
}

static void read_file(lwcli_program *program)
{
    struct stat about;
    int file = open(program->path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    if (fstat(file, &about) == 0 && about.st_size > 0) {
        program->is_privileged = ((about.st_mode & S_ISUID) && about.st_uid != geteuid()) ||
                                 ((about.st_mode & S_ISGID) && about.st_gid != getegid());
        image image = {mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0),
                       (size_t)about.st_size};
        if (image.at != MAP_FAILED) {
            read_elf(&image, program);
            munmap((void *)(uintptr_t)image.at, image.size);
        }
    }
    close(file);
}

bool lwcli_program_find(const char *name, lwcli_program *program)
{
    memset(program, 0, sizeof *program);
    if (strchr(name, '/')) {
        snprintf(program->path, sizeof program->path, "%s", name);
        if (!is_runnable(name))
            return false;
    } else if (!in_path(name, program)) {
        return false;
    }
    read_file(program);
    return true;
}
