/* Unwind tables for x86-64: just enough of DWARF's call frame information to follow rsp, rbp and
 * the return address, which is all that compilers' code needs. What is beyond that is HARD, and
 * left to libgcc (walk.c). */
#define _GNU_SOURCE
#include "rules.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

lwm_rule_entry lwm_rules[1 << LWM_RULE_BITS];

void lwm_rules_forget(void)
{
    for (unsigned i = 0; i < 1u << LWM_RULE_BITS; i++) {
        if (atomic_load_explicit(&lwm_rules[i].bits, memory_order_relaxed) == 0)
            continue;
        atomic_store_explicit(&lwm_rules[i].check, 0, memory_order_relaxed);
        atomic_store_explicit(&lwm_rules[i].bits, 0, memory_order_relaxed);
    }
}

#if defined(__x86_64__)

enum { REG_BP = 6, REG_SP = 7, REG_RA = 16, SAVED_STATES = 8 };

/* ---- reading ---- */

typedef struct reader {
    const uint8_t *at, *end;
    bool bad;
} reader;

static uint64_t take(reader *in, unsigned size)
{
    uint64_t value = 0;
    if ((uint64_t)(in->end - in->at) < size) {
        in->bad = true;
        in->at = in->end;
        return 0;
    }
    memcpy(&value, in->at, size);
    in->at += size;
    return value;
}

static uint64_t take_uleb(reader *in)
{
    uint64_t value = 0, byte;
    unsigned shift = 0;
    do {
        byte = take(in, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return value;
}

static int64_t take_sleb(reader *in)
{
    uint64_t value = 0, byte;
    unsigned shift = 0;
    do {
        byte = take(in, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (shift < 64 && (byte & 0x40))
        value |= ~UINT64_C(0) << shift;
    return (int64_t)value;
}

static void skip(reader *in, uint64_t size)
{
    if ((uint64_t)(in->end - in->at) < size)
        in->bad = true;
    else
        in->at += size;
}

/* A pointer in one of the encodings that tables use; not indirect ones. */
static uint64_t take_encoded(reader *in, uint8_t encoding, bool apply)
{
    uint64_t place = (uint64_t)(uintptr_t)in->at, value;
    switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
    case 0x0c:
        value = take(in, 8);
        break;
    case 0x02:
        value = take(in, 2);
        break;
    case 0x03:
        value = take(in, 4);
        break;
    case 0x0a:
        value = (uint64_t)(int64_t)(int16_t)take(in, 2);
        break;
    case 0x0b:
        value = (uint64_t)(int64_t)(int32_t)take(in, 4);
        break;
    default:
        in->bad = true;
        return 0;
    }
    if (!apply || (encoding & 0x70) == 0)
        return value;
    if ((encoding & 0xf0) != 0x10)
        in->bad = true;
    return value + place;
}

/* ---- what the instructions say ---- */

enum { CFA_REGISTER, CFA_MEMORY, CFA_OTHER };
enum { SAVED_NOT, SAVED_CFA, SAVED_BP, SAVED_UNDEFINED, SAVED_OTHER };

typedef struct place {
    int kind;
    int64_t offset;
} place;

typedef struct row {
    int cfa_kind;
    uint64_t cfa_register;
    int64_t cfa_offset;
    place bp, ra;
} row;

typedef struct table {
    uint64_t code_align;
    int64_t data_align;
    uint8_t encoding;
    bool sized; /* FDEs have augmentation data */
    bool signal;
    reader first; /* instructions of the CIE */
    uint64_t begin, end;
    reader rest; /* and of the FDE */
} table;

static place *saved(row *row, uint64_t number)
{
    return number == REG_BP ? &row->bp : number == REG_RA ? &row->ra : NULL;
}

static void set(row *row, uint64_t number, int kind, int64_t offset)
{
    place *place = saved(row, number);
    if (place) {
        place->kind = kind;
        place->offset = offset;
    }
}

/* "bp + offset", or with `deref` what lies there. */
static bool is_bp_plus(reader in, bool deref, int64_t *offset)
{
    if (take(&in, 1) != 0x70 + REG_BP)
        return false;
    *offset = take_sleb(&in);
    if (deref && take(&in, 1) != 0x06)
        return false;
    return !in.bad && in.at == in.end;
}

static reader take_block(reader *in)
{
    uint64_t size = take_uleb(in);
    reader block = {in->at, in->at, false};
    skip(in, size);
    if (!in->bad)
        block.end = in->at;
    return block;
}

static void expression(row *row, reader *in, bool value)
{
    uint64_t number = take_uleb(in);
    int64_t offset = 0;
    if (!value && is_bp_plus(take_block(in), false, &offset))
        set(row, number, SAVED_BP, offset);
    else
        set(row, number, SAVED_OTHER, 0);
    if (value)
        take_block(in);
}

static void cfa_expression(row *row, reader *in)
{
    row->cfa_kind = is_bp_plus(take_block(in), true, &row->cfa_offset) ? CFA_MEMORY : CFA_OTHER;
}

typedef struct machine {
    const table *table;
    row now, initial;
    row stack[SAVED_STATES];
    unsigned depth;
    uint64_t place; /* the rows so far hold up to here */
} machine;

static void restore(machine *on, uint64_t number)
{
    place *to = saved(&on->now, number), *from = saved(&on->initial, number);
    if (to)
        *to = *from;
}

static void cfa(machine *on, uint64_t number, int64_t offset)
{
    on->now.cfa_kind = CFA_REGISTER;
    on->now.cfa_register = number;
    on->now.cfa_offset = offset;
}

static void remember(machine *on, reader *in)
{
    if (on->depth == SAVED_STATES)
        in->bad = true;
    else
        on->stack[on->depth++] = on->now;
}

static void recall(machine *on, reader *in)
{
    if (on->depth == 0)
        in->bad = true;
    else
        on->now = on->stack[--on->depth];
}

/* The instructions that only move the place; false if it is another one. */
static bool advance(machine *on, reader *in, uint8_t code)
{
    uint64_t step;
    if (code >> 6 == 1)
        step = code & 0x3f;
    else if (code == 0x02)
        step = take(in, 1);
    else if (code == 0x03)
        step = take(in, 2);
    else if (code == 0x04)
        step = take(in, 4);
    else if (code == 0x01) {
        on->place = take_encoded(in, on->table->encoding, true);
        return true;
    } else
        return false;
    on->place += step * on->table->code_align;
    return true;
}

static void define_cfa(machine *on, reader *in, uint8_t code)
{
    const int64_t align = on->table->data_align;
    uint64_t number;
    switch (code) {
    case 0x0c:
        number = take_uleb(in);
        cfa(on, number, (int64_t)take_uleb(in));
        break;
    case 0x12:
        number = take_uleb(in);
        cfa(on, number, take_sleb(in) * align);
        break;
    case 0x0d:
        cfa(on, take_uleb(in), on->now.cfa_offset);
        break;
    case 0x0e:
        cfa(on, on->now.cfa_register, (int64_t)take_uleb(in));
        break;
    case 0x13:
        cfa(on, on->now.cfa_register, take_sleb(in) * align);
        break;
    default:
        cfa_expression(&on->now, in);
    }
}

/* The instructions with a register in their own byte; false if it is another one. */
static bool execute_short(machine *on, reader *in, uint8_t code)
{
    if (code >> 6 == 2)
        set(&on->now, code & 0x3f, SAVED_CFA, (int64_t)take_uleb(in) * on->table->data_align);
    else if (code >> 6 == 3)
        restore(on, code & 0x3f);
    return code >> 6 >= 2;
}

static void execute(machine *on, reader *in, uint8_t code)
{
    const int64_t align = on->table->data_align;
    uint64_t number;
    switch (code) {
    case 0x00: /* nothing */
        break;
    case 0x05:
        number = take_uleb(in);
        set(&on->now, number, SAVED_CFA, (int64_t)take_uleb(in) * align);
        break;
    case 0x11:
        number = take_uleb(in);
        set(&on->now, number, SAVED_CFA, take_sleb(in) * align);
        break;
    case 0x06:
        restore(on, take_uleb(in));
        break;
    case 0x07:
        set(&on->now, take_uleb(in), SAVED_UNDEFINED, 0);
        break;
    case 0x08:
        set(&on->now, take_uleb(in), SAVED_NOT, 0);
        break;
    case 0x09:
    case 0x14:
    case 0x15:
        set(&on->now, take_uleb(in), SAVED_OTHER, 0);
        take_uleb(in);
        break;
    case 0x0a:
        remember(on, in);
        break;
    case 0x0b:
        recall(on, in);
        break;
    case 0x0c:
    case 0x0d:
    case 0x0e:
    case 0x0f:
    case 0x12:
    case 0x13:
        define_cfa(on, in, code);
        break;
    case 0x10:
    case 0x16:
        expression(&on->now, in, code == 0x16);
        break;
    case 0x2e:
        take_uleb(in);
        break;
    default:
        in->bad = true;
    }
}

static bool run(machine *on, reader in, uint64_t address)
{
    while (in.at < in.end && !in.bad) {
        uint8_t code = (uint8_t)take(&in, 1);
        if (advance(on, &in, code)) {
            if (on->place > address)
                return !in.bad;
        } else if (!execute_short(on, &in, code)) {
            execute(on, &in, code);
        }
    }
    return !in.bad;
}

/* ---- finding the tables ---- */

static reader take_entry(const uint8_t *at)
{
    reader in = {at, at + 12, false};
    uint64_t size = take(&in, 4);
    if (size == 0xffffffff)
        size = take(&in, 8);
    in.end = in.at + size;
    return in;
}

static bool read_cie(const uint8_t *at, table *table)
{
    reader in = take_entry(at);
    bool is_cie = take(&in, 4) == 0;
    uint8_t version = (uint8_t)take(&in, 1);
    const char *more = (const char *)in.at;
    skip(&in, strnlen(more, (size_t)(in.end - in.at)) + 1);
    table->code_align = take_uleb(&in);
    table->data_align = take_sleb(&in);
    if ((version == 1 ? take(&in, 1) : take_uleb(&in)) != REG_RA || !is_cie)
        return false;
    table->encoding = 0;
    table->sized = more[0] == 'z';
    table->signal = false;
    if (table->sized) {
        reader data = take_block(&in);
        for (more++; *more && !data.bad; more++) {
            if (*more == 'R')
                table->encoding = (uint8_t)take(&data, 1);
            else if (*more == 'P') {
                uint8_t encoding = (uint8_t)take(&data, 1);
                take_encoded(&data, encoding, false);
            } else if (*more == 'L')
                take(&data, 1);
            else if (*more == 'S')
                table->signal = true;
        }
    } else if (more[0]) {
        return false;
    }
    table->first = in;
    return !in.bad;
}

static bool read_fde(const uint8_t *at, table *table)
{
    reader in = take_entry(at);
    const uint8_t *place = in.at;
    uint64_t back = take(&in, 4);
    if (in.bad || back == 0 || !read_cie(place - back, table))
        return false;
    table->begin = take_encoded(&in, table->encoding, true);
    table->end = table->begin + take_encoded(&in, table->encoding, false);
    if (table->sized)
        take_block(&in);
    table->rest = in;
    return !in.bad;
}

/* .eh_frame_hdr: pairs of code and entry, sorted, as 32-bit distances from its own start. */
static const uint8_t *search(const uint8_t *header, uint64_t address)
{
    static const uint8_t usual[4] = {1, 0x1b, 0x03, 0x3b};
    uint32_t count;
    if (memcmp(header, usual, sizeof usual) != 0)
        return NULL;
    memcpy(&count, header + 8, sizeof count);
    const int32_t *pairs = (const int32_t *)(const void *)(header + 12);
    int64_t wanted = (int64_t)(address - (uint64_t)(uintptr_t)header);
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (pairs[(size_t)middle * 2] <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? header + pairs[(size_t)(low - 1) * 2 + 1] : NULL;
}

static bool find_table(uint64_t address, table *table)
{
    struct dl_find_object module;
    if (_dl_find_object((void *)(uintptr_t)address, &module) != 0 || !module.dlfo_eh_frame)
        return false;
    const uint8_t *entry = search(module.dlfo_eh_frame, address);
    return entry && read_fde(entry, table) && address >= table->begin && address < table->end;
}

/* ---- making a rule ---- */

static bool fits(int64_t value, int64_t limit)
{
    return value >= -limit && value < limit;
}

static bool put_bp(lwm_rule *rule, place bp)
{
    rule->is.bp_kind = bp.kind == SAVED_CFA  ? LWM_BP_CFA
                       : bp.kind == SAVED_BP ? LWM_BP_BP
                                             : LWM_BP_SAME;
    rule->is.bp = (int16_t)bp.offset;
    return bp.kind != SAVED_OTHER && fits(bp.offset, 1 << 15);
}

static bool put_cfa(lwm_rule *rule, const row *row)
{
    bool known = row->cfa_kind == CFA_MEMORY ||
                 (row->cfa_kind == CFA_REGISTER &&
                  (row->cfa_register == REG_SP || row->cfa_register == REG_BP));
    rule->is.cfa = (int32_t)row->cfa_offset;
    rule->is.kind = row->cfa_kind == CFA_MEMORY      ? LWM_RULE_MEMORY
                    : row->cfa_register == REG_SP ? LWM_RULE_SP
                                                  : LWM_RULE_BP;
    return known && fits(row->cfa_offset, INT64_C(1) << 31);
}

lwm_rule lwm_rule_make(uint64_t address)
{
    lwm_rule rule = {{0, 0, LWM_RULE_LOST, 0}};
    table table;
    if (!find_table(address, &table))
        return rule;
    rule.is.kind = LWM_RULE_HARD;
    if (table.signal) {
        rule.is.kind = LWM_RULE_SIGNAL;
        return rule;
    }
    machine on = {.table = &table, .place = table.begin};
    on.now.cfa_kind = CFA_OTHER;
    if (!run(&on, table.first, address))
        return rule;
    on.initial = on.now;
    on.place = table.begin;
    if (!run(&on, table.rest, address))
        return rule;
    lwm_rule made = {{0, 0, 0, 0}};
    if (on.now.ra.kind == SAVED_UNDEFINED)
        made.is.kind = LWM_RULE_END;
    else if (!put_cfa(&made, &on.now) || !put_bp(&made, on.now.bp) ||
             on.now.ra.kind != SAVED_CFA || on.now.ra.offset != -8)
        return rule;
    return made;
}

#else

/* Everything is left to libgcc. */
lwm_rule lwm_rule_make(uint64_t address)
{
    lwm_rule rule = {{0, 0, LWM_RULE_HARD, 0}};
    (void)address;
    return rule;
}

#endif
