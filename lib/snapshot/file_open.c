/* Opens a snapshot file: header and directory. */
#include "base/error.h"
#include "base/hash.h"
#include "base/structs.h"
#include "platform/pages.h"
#include "platform/process.h"
#include "snapshot/file.h"
#include "snapshot/file_sum.h"

#include <errno.h>

/* --- header -------------------------------------------------------------------------------- */

static lw_status head_damaged(const lwi_file *file, unsigned byte, const char *what,
                              lw_error *error)
{
    return lwi_fail(error, LW_E_FORMAT, "header, byte %u: %s: %s", byte, what, file->path);
}

static lw_status newer(const lwi_file *file, uint64_t byte, const char *what, uint64_t number,
                       lw_error *error)
{
    return lwi_fail(error, LW_E_FORMAT,
                    "byte %llu: %s %llu: made by a newer version than this one (%s), or damaged: "
                    "%s",
                    (unsigned long long)byte, what, (unsigned long long)number, lw_version(),
                    file->path);
}

static lw_status check_head(const lwi_file *file, lw_error *error)
{
    const unsigned char *head = file->in.bytes;
    uint64_t size = file->in.size;
    if (size < 8 || memcmp(head, LWI_FILE_MAGIC, 8) != 0)
        return head_damaged(file, 0, size ? "not a snapshot file" : "the file is empty", error);
    if (size < LWI_FILE_UNIT)
        return head_damaged(file, (unsigned)size, "the file ends here: cut short", error);
    uint32_t version = lwi_load32(head + LWI_HEAD_VERSION);
    if (version > LWI_FILE_VERSION)
        return newer(file, LWI_HEAD_VERSION, "format", version, error);
    if (version == 0)
        return head_damaged(file, LWI_HEAD_VERSION, "format 0: damaged", error);
    uint64_t wanted = lwi_load64(head + LWI_HEAD_SIZE);
    if (wanted != size)
        return lwi_fail(error, LW_E_FORMAT,
                        "header, byte %u: the file should have %llu bytes and has %llu: cut short "
                        "or damaged: %s",
                        (unsigned)LWI_HEAD_SIZE, (unsigned long long)wanted,
                        (unsigned long long)size, file->path);
    uint32_t sections = lwi_load32(head + LWI_HEAD_SECTIONS);
    if (sections > LWI_FILE_SECTIONS || (uint64_t)(sections + 1) * LWI_FILE_UNIT > size)
        return head_damaged(file, LWI_HEAD_SECTIONS, "too many sections: damaged", error);
    return LW_OK;
}

static lw_status check_head_sum(const lwi_file *file, uint32_t sections, lw_error *error)
{
    unsigned char head[LWI_FILE_UNIT];
    lwi_checksum sum;
    memcpy(head, file->in.bytes, sizeof head);
    lwi_store64(head + LWI_HEAD_SUM, 0);
    lwi_checksum_begin(&sum);
    lwi_checksum_add(&sum, head, sizeof head);
    lwi_checksum_add(&sum, file->in.bytes + LWI_FILE_UNIT, (size_t)sections * LWI_FILE_UNIT);
    if (lwi_checksum_end(&sum) != lwi_load64(file->in.bytes + LWI_HEAD_SUM))
        return head_damaged(file, LWI_HEAD_SUM,
                            "the checksum does not fit header and directory: damaged", error);
    return LW_OK;
}

/* --- directory ----------------------------------------------------------------------------- */

static lw_status entry_damaged(const lwi_file *file, uint32_t index, const char *what,
                               lw_error *error)
{
    return lwi_fail(error, LW_E_FORMAT, "directory, byte %u: %s: damaged snapshot file %s",
                    (unsigned)((index + 1) * LWI_FILE_UNIT), what, file->path);
}

static int form_named(const unsigned char *name)
{
    for (int at = 0; at < LWI_AT_COUNT; at++) {
        if (strncmp((const char *)name, lwi_forms[at].name, LWI_FILE_NAME) == 0)
            return at;
    }
    return -1;
}

/* The bytes of a section as they lie in the file; false: not within it. */
static bool measure(const lwi_file *file, const unsigned char *entry, uint64_t *size)
{
    uint64_t width = lwi_load32(entry + LWI_ENTRY_WIDTH), per = lwi_load32(entry + LWI_ENTRY_PER);
    uint64_t count = lwi_load64(entry + LWI_ENTRY_COUNT);
    if (width == 0 || width > 8 || per == 0 || count > file->in.size / (width * per))
        return false;
    *size = (width * per * count + LWI_FILE_UNIT - 1) / LWI_FILE_UNIT * LWI_FILE_UNIT;
    return true;
}

static lw_status read_entry(lwi_file *file, uint32_t index, uint64_t *offset, lw_error *error)
{
    const unsigned char *entry = file->in.bytes + (size_t)(index + 1) * LWI_FILE_UNIT;
    uint64_t start = lwi_load64(entry + LWI_ENTRY_OFFSET), size;
    if (!measure(file, entry, &size) || start != *offset || size > file->in.size - start)
        return entry_damaged(file, index, "a section that lies where none can", error);
    *offset += size;
    int at = form_named(entry);
    if (at < 0 && lwi_load64(entry + LWI_ENTRY_FLAGS) & LWI_ENTRY_VITAL)
        return newer(file, (index + 1) * LWI_FILE_UNIT, "unknown section", index, error);
    if (at < 0)
        return LW_OK; /* a later version's, of which we need not know */
    lwi_column *column = &file->columns[at];
    uint32_t per = lwi_load32(entry + LWI_ENTRY_PER);
    bool fits = lwi_load32(entry + LWI_ENTRY_WIDTH) == lwi_forms[at].width &&
                (at < LWI_AT_KEYS ? per >= lwi_forms[at].per : per == lwi_forms[at].per);
    if (column->present || !fits)
        return entry_damaged(file, index, "a section of another form", error);
    *column = (lwi_column){
        .bytes = file->in.bytes + start,
        .count = lwi_load64(entry + LWI_ENTRY_COUNT),
        .per = per,
        .offset = start,
        .sum = lwi_load64(entry + LWI_ENTRY_SUM),
        .present = true,
    };
    return LW_OK;
}

static lw_status read_directory(lwi_file *file, lw_error *error)
{
    uint32_t sections = lwi_load32(file->in.bytes + LWI_HEAD_SECTIONS);
    uint64_t offset = (uint64_t)(sections + 1) * LWI_FILE_UNIT;
    for (uint32_t i = 0; i < sections; i++) {
        lw_status status = read_entry(file, i, &offset, error);
        if (status != LW_OK)
            return status;
    }
    if (offset != file->in.size)
        return entry_damaged(file, sections, "bytes that belong to no section", error);
    for (int at = 0; at < LWI_AT_COUNT; at++) {
        if (!file->columns[at].present && !lwi_forms[at].optional)
            return lwi_fail(error, LW_E_FORMAT,
                            "directory, byte %u: section \"%s\" is missing: damaged snapshot file "
                            "%s",
                            (unsigned)LWI_FILE_UNIT, lwi_forms[at].name, file->path);
    }
    return LW_OK;
}

lw_status lwi_file_read_directory(lwi_file *file, lw_error *error)
{
    lw_status status = check_head(file, error);
    if (status != LW_OK)
        return status;
    uint32_t sections = lwi_load32(file->in.bytes + LWI_HEAD_SECTIONS);
    status = check_head_sum(file, sections, error);
    uint64_t flags = lwi_load64(file->in.bytes + LWI_HEAD_FLAGS);
    if (status == LW_OK && flags)
        status = newer(file, LWI_HEAD_FLAGS, "flags", flags, error);
    return status == LW_OK ? read_directory(file, error) : status;
}

/* --- opening ------------------------------------------------------------------------------- */

/* Where numbers have their bytes the other way round, the large sections are turned in memory,
 * once their checksums have been found right. */
static lw_status turn_columns(lwi_file *file, lw_error *error)
{
    for (lwi_section at = LWI_AT_KEYS; at < LWI_AT_COUNT; at++) {
        lw_status status = lwi_file_check_sum(file, at, error);
        if (status != LW_OK)
            return status;
        unsigned char *bytes = (unsigned char *)file->columns[at].bytes;
        uint64_t words = file->columns[at].count * file->columns[at].per;
        for (uint64_t i = 0; lwi_forms[at].width == 4 && i < words; i++) {
            uint32_t word = lwi_load32(bytes + 4 * i);
            memcpy(bytes + 4 * i, &word, sizeof word);
        }
        for (uint64_t i = 0; lwi_forms[at].width == 8 && i < words; i++) {
            uint64_t word = lwi_load64(bytes + 8 * i);
            memcpy(bytes + 8 * i, &word, sizeof word);
        }
    }
    file->summed = true;
    return LW_OK;
}

static lw_status system_failure(int number, const char *path, lw_error *error)
{
    char words[128];
    lwi_system_words(number, words, sizeof words);
    if (number == ENOMEM)
        return lwi_fail(error, LW_E_NOMEM, "no memory to open %s", path);
    return lwi_fail(error, number == LWI_TOO_LARGE ? LW_E_UNSUPPORTED : LW_E_IO,
                    "cannot open a snapshot file: %s: %s", words, path);
}

/* `failed`: opening it did, with this error number. */
static lw_status read_file(lw_snapshot *snapshot, lwi_file *file, int failed, lw_error *error)
{
    if (failed)
        return system_failure(failed, file->path, error);
    snapshot->file = file;
    lw_status status = lwi_file_read_directory(file, error);
    if (status == LW_OK && !lwi_host_is_little())
        status = turn_columns(file, error);
    if (status == LW_OK)
        status = lwi_file_read_tables(snapshot, error);
    return status == LW_OK ? lwi_file_read_blocks(snapshot, error) : status;
}

static lwi_file *new_file(lw_snapshot *snapshot, const char *path)
{
    lwi_file *file = lwi_arena_zeros(&snapshot->arena, 1, sizeof *file);
    if (file)
        file->path = lwi_arena_text(&snapshot->arena, path, strlen(path));
    return file && file->path ? file : NULL;
}

static lw_status open_file(lw_snapshot *snapshot, const char *path, bool copy, lw_error *error)
{
    lwi_file *file = new_file(snapshot, path);
    if (!file)
        return system_failure(ENOMEM, path, error);
    int failed =
        lwi_file_in_open(&file->in, path, copy || !lwi_host_is_little(), &snapshot->mem);
    return read_file(snapshot, file, failed, error);
}

/* Identity means something between files and snapshots of one run of a process only. */
static void read_context(lw_snapshot *snapshot)
{
    lwi_file *file = snapshot->file;
    snapshot->run = lwi_load64(file->in.bytes + LWI_HEAD_RUN);
    file->token = lwi_load64(file->in.bytes + LWI_HEAD_CONTEXT);
    snapshot->context = snapshot->run == lwi_process_run()
                            ? file->token
                            : lwi_hash_mix(snapshot->run, file->token);
    snapshot->info.own_bytes = atomic_load(&snapshot->mem.bytes) + sizeof *snapshot;
}

lw_status lw_snapshot_open(const char *path, const lw_open_options *options,
                           lw_snapshot **snapshot, lw_error *error)
{
    lw_open_options full;
    if (!snapshot)
        return lwi_fail(error, LW_E_INVALID, "snapshot is NULL: pass where the snapshot shall go");
    *snapshot = NULL;
    if (!path || !*path)
        return lwi_fail(error, LW_E_INVALID, "path is %s: pass the name of a snapshot file",
                        path ? "empty" : "NULL");
    lw_status status = lwi_take(&full, sizeof full, options, "lw_open_options", error);
    if (status == LW_OK && full.flags & ~(uint32_t)LW_OPEN_COPY)
        status = lwi_fail(error, LW_E_INVALID, "lw_open_options.flags has unknown bits: 0x%x",
                          (unsigned)full.flags);
    if (status != LW_OK)
        return status;
    lw_allocator allocator = full.allocator.realloc ? full.allocator : lwi_pages_allocator();
    lw_snapshot *made = lwi_snapshot_new(allocator);
    if (!made)
        return system_failure(ENOMEM, path, error);
    status = open_file(made, path, full.flags & LW_OPEN_COPY, error);
    if (status != LW_OK) {
        lw_snapshot_release(made);
        return status;
    }
    read_context(made);
    *snapshot = made;
    return LW_OK;
}

/* The child was ours, and nobody else could write there: what it says is not looked at again. */
static lw_status open_handle(lw_snapshot *snapshot, int handle, lw_error *error)
{
    lwi_file *file = new_file(snapshot, "(captured in a child)");
    if (!file)
        return system_failure(ENOMEM, "(captured in a child)", error);
    int failed = lwi_file_in_take(&file->in, handle, !lwi_host_is_little(), &snapshot->mem);
    lw_status status = read_file(snapshot, file, failed, error);
    file->summed = true;
    atomic_store(&file->checked, true);
    snapshot->info.flags &= ~(uint32_t)LW_SNAPSHOT_FILE;
    return status;
}

lw_status lwi_snapshot_get(int handle, lw_allocator allocator, lw_snapshot **snapshot,
                           lw_error *error)
{
    *snapshot = lwi_snapshot_new(allocator);
    if (!*snapshot)
        return system_failure(ENOMEM, "(captured in a child)", error);
    lw_status status = open_handle(*snapshot, handle, error);
    if (status == LW_OK) {
        read_context(*snapshot);
        return LW_OK;
    }
    lw_snapshot_release(*snapshot);
    *snapshot = NULL;
    return status;
}

void lwi_file_close(lwi_file *file, lwi_mem *mem)
{
    lwi_file_in_close(&file->in, mem);
}
