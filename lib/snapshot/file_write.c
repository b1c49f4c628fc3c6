#include "snapshot/file_write.h"

#include "platform/pages.h"

enum { OFTEN = 250 * 1000 * 1000 }; /* ns between two words on progress */

static void fail(lwi_writer *writer, lw_status status, int system)
{
    if (writer->status == LW_OK) {
        writer->status = status;
        writer->system = system;
    }
}

static void tell(lwi_writer *writer)
{
    uint64_t now = writer->progress ? lwi_time_ns() : 0;
    if (!writer->progress || (writer->told && now - writer->told < OFTEN))
        return;
    writer->told = now;
    if (writer->progress("save", writer->done, writer->total, writer->user) != 0)
        fail(writer, LW_E_CANCELLED, 0);
}

/* Sections start at a multiple of the unit, and so does what is written of them at a time. */
void lwi_write_flush(lwi_writer *writer)
{
    lwi_checksum_add(&writer->sum, writer->buffer, writer->used);
    if (writer->status == LW_OK) {
        tell(writer);
        int failed = writer->status == LW_OK
                         ? lwi_file_out_write(&writer->out, writer->buffer, writer->used)
                         : 0;
        if (failed)
            fail(writer, LW_E_IO, failed);
    }
    writer->done += writer->used;
    writer->used = 0;
}

static uint32_t sections(const lwi_writer *writer)
{
    uint32_t count = 0;
    for (int at = 0; at < LWI_AT_COUNT; at++)
        count += writer->present[at];
    return count;
}

static uint64_t section_size(const lwi_writer *writer, int at)
{
    uint64_t size = writer->counts[at] * lwi_forms[at].per * lwi_forms[at].width;
    return (size + LWI_FILE_UNIT - 1) / LWI_FILE_UNIT * LWI_FILE_UNIT;
}

void lwi_write_begin(lwi_writer *writer)
{
    uint32_t units = 1 + sections(writer);
    writer->total = (uint64_t)units * LWI_FILE_UNIT;
    for (int at = 0; at < LWI_AT_COUNT; at++)
        writer->total += writer->present[at] ? section_size(writer, at) : 0;
    memset(writer->buffer, 0, (size_t)units * LWI_FILE_UNIT);
    writer->used = (size_t)units * LWI_FILE_UNIT;
    lwi_write_flush(writer);
}

void lwi_write_open(lwi_writer *writer)
{
    lwi_checksum_begin(&writer->sum);
}

void lwi_write_close(lwi_writer *writer, lwi_section at)
{
    size_t over = writer->used % LWI_FILE_UNIT;
    if (over) {
        memset(writer->buffer + writer->used, 0, LWI_FILE_UNIT - over);
        writer->used += LWI_FILE_UNIT - over;
    }
    lwi_write_flush(writer);
    writer->sums[at] = lwi_checksum_end(&writer->sum);
}

void lwi_write_bytes(lwi_writer *writer, const void *bytes, uint64_t count)
{
    const unsigned char *from = bytes;
    while (count > 0) {
        if (writer->used == LWI_WRITE_ROOM)
            lwi_write_flush(writer);
        uint64_t room = LWI_WRITE_ROOM - writer->used;
        size_t now = (size_t)(count < room ? count : room);
        memcpy(writer->buffer + writer->used, from, now);
        writer->used += now;
        from += now;
        count -= now;
    }
}

void lwi_write_array32(lwi_writer *writer, const uint32_t *words, uint64_t count)
{
    if (lwi_host_is_little()) {
        lwi_write_bytes(writer, words, count * sizeof *words);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        lwi_write32(writer, words[i]);
}

void lwi_write_array64(lwi_writer *writer, const uint64_t *words, uint64_t count)
{
    if (lwi_host_is_little()) {
        lwi_write_bytes(writer, words, count * sizeof *words);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        lwi_write64(writer, words[i]);
}

static void write_leaves(lwi_writer *writer, const lwi_bitmap *bitmap)
{
    for (uint64_t i = 0; i < bitmap->leaf_count; i++) {
        const lwi_bitmap_leaf *leaf = &bitmap->leaves[i];
        lwi_write_array64(writer, leaf->words, 4);
        lwi_write64(writer, leaf->number);
        lwi_write32(writer, leaf->rank);
        lwi_write_bytes(writer, leaf->before, sizeof leaf->before);
    }
}

void lwi_write_keys(lwi_writer *writer, const lwi_keys *keys)
{
    lwi_keys_cursor cursor = {0};
    uint64_t key;
    if (keys->address) {
        write_leaves(writer, &keys->bitmap);
        return;
    }
    while (lwi_keys_next(keys, &cursor, &key))
        lwi_write64(writer, key);
}

static void put_entry(const lwi_writer *writer, int at, uint64_t offset, unsigned char *entry)
{
    const lwi_form *form = &lwi_forms[at];
    memcpy(entry, form->name, strlen(form->name));
    lwi_store32(entry + LWI_ENTRY_WIDTH, form->width);
    lwi_store32(entry + LWI_ENTRY_PER, form->per);
    lwi_store64(entry + LWI_ENTRY_COUNT, writer->counts[at]);
    lwi_store64(entry + LWI_ENTRY_OFFSET, offset);
    lwi_store64(entry + LWI_ENTRY_SUM, writer->sums[at]);
}

void lwi_write_directory(lwi_writer *writer, uint64_t run, uint64_t context)
{
    uint32_t count = sections(writer);
    size_t size = (size_t)(1 + count) * LWI_FILE_UNIT;
    unsigned char *head = writer->buffer, *entry = head;
    uint64_t offset = size;
    memset(head, 0, size);
    memcpy(head, LWI_FILE_MAGIC, 8);
    lwi_store32(head + LWI_HEAD_VERSION, LWI_FILE_VERSION);
    lwi_store32(head + LWI_HEAD_SECTIONS, count);
    lwi_store64(head + LWI_HEAD_SIZE, writer->total);
    lwi_store64(head + LWI_HEAD_RUN, run);
    lwi_store64(head + LWI_HEAD_CONTEXT, context);
    for (int at = 0; at < LWI_AT_COUNT; at++) {
        if (!writer->present[at])
            continue;
        entry += LWI_FILE_UNIT;
        put_entry(writer, at, offset, entry);
        offset += section_size(writer, at);
    }
    lwi_checksum sum;
    lwi_checksum_begin(&sum);
    lwi_checksum_add(&sum, head, size);
    lwi_store64(head + LWI_HEAD_SUM, lwi_checksum_end(&sum));
    if (writer->status != LW_OK)
        return;
    int failed = lwi_file_out_rewrite(&writer->out, head, size);
    if (failed)
        fail(writer, LW_E_IO, failed);
}
