/* Snapshot files taken apart by docs/lws.md alone, for tests that damage them and put the checksums
 * right again. */
#ifndef TESTS_SUPPORT_LWS_H
#define TESTS_SUPPORT_LWS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LWS_UNIT = 64, LWS_LANES = 8 };

static inline uint64_t lws_number(const unsigned char *from, int width)
{
    uint64_t number = 0;
    for (int i = width - 1; i >= 0; i--)
        number = number << 8 | from[i];
    return number;
}

static inline void lws_put(unsigned char *to, int width, uint64_t number)
{
    for (int i = 0; i < width; i++, number >>= 8)
        to[i] = (unsigned char)number;
}

static inline uint64_t lws_mix(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * 0x9e3779b185ebca87u;
    return lane << 29 | lane >> 35;
}

/* The checksum of whole units; those from `zero` on for 8 bytes count as 0. */
static inline uint64_t lws_sum(const unsigned char *bytes, size_t size, size_t zero)
{
    uint64_t lanes[LWS_LANES], all = 0x9e3779b185ebca87u;
    for (unsigned i = 0; i < LWS_LANES; i++)
        lanes[i] = (i + 1) * 0x9e3779b185ebca87u;
    for (size_t at = 0; at + 8 <= size; at += 8)
        lanes[at / 8 % LWS_LANES] =
            lws_mix(lanes[at / 8 % LWS_LANES], at == zero ? 0 : lws_number(bytes + at, 8));
    for (unsigned i = 0; i < LWS_LANES; i++)
        all = lws_mix(all, lanes[i]);
    return all ^ all >> 32;
}

static inline size_t lws_sections(const unsigned char *file, size_t size)
{
    uint64_t count = size < LWS_UNIT ? 0 : lws_number(file + 12, 4);
    return count < size / LWS_UNIT ? (size_t)count : 0;
}

static inline unsigned char *lws_entry(unsigned char *file, size_t index)
{
    return file + (index + 1) * LWS_UNIT;
}

/* The entry of a section; NULL: there is none. */
static inline unsigned char *lws_find(unsigned char *file, size_t size, const char *name)
{
    for (size_t i = 0; i < lws_sections(file, size); i++) {
        if (strncmp((char *)lws_entry(file, i), name, 24) == 0)
            return lws_entry(file, i);
    }
    return NULL;
}

/* The first byte of a section's row; the section must be there. */
static inline unsigned char *lws_row(unsigned char *file, size_t size, const char *name,
                                     uint64_t row)
{
    unsigned char *entry = lws_find(file, size, name);
    if (!entry)
        abort();
    uint64_t width = lws_number(entry + 24, 4) * lws_number(entry + 28, 4);
    return file + lws_number(entry + 40, 8) + row * width;
}

/* Puts every checksum right that covers bytes of the file. */
static inline void lws_sign(unsigned char *file, size_t size)
{
    size_t count = lws_sections(file, size);
    if (size < LWS_UNIT)
        return;
    for (size_t i = 0; i < count; i++) {
        unsigned char *entry = lws_entry(file, i);
        uint64_t width = lws_number(entry + 24, 4), per = lws_number(entry + 28, 4);
        uint64_t rows = lws_number(entry + 32, 8), start = lws_number(entry + 40, 8);
        if (width == 0 || width > 8 || per == 0 || start > size || rows > size / (width * per))
            continue;
        uint64_t length = (width * per * rows + LWS_UNIT - 1) / LWS_UNIT * LWS_UNIT;
        if (length <= size - start)
            lws_put(entry + 48, 8, lws_sum(file + start, (size_t)length, SIZE_MAX));
    }
    lws_put(file + 56, 8, lws_sum(file, (count + 1) * LWS_UNIT, 56));
}

static inline unsigned char *lws_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = malloc(1 << 20);
    *size = file && bytes ? fread(bytes, 1, 1 << 20, file) : 0;
    if (file)
        fclose(file);
    return bytes;
}

static inline int lws_write(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    int right = file && fwrite(bytes, 1, size, file) == size;
    return file && fclose(file) == 0 && right;
}

#endif
