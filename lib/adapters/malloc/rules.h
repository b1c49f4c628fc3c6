/* How to get from a frame to its caller's, by the unwind tables of the module that the code is in.
 * Worked out once per place and kept in a table that anyone reads without a lock. */
#ifndef LWM_RULES_H
#define LWM_RULES_H

#include <stdatomic.h>
#include <stdint.h>

/* What the caller's stack pointer is. Its return address lies right below that. */
enum lwm_rule_kind {
    LWM_RULE_NONE = 0,
    LWM_RULE_SP,     /* sp + cfa */
    LWM_RULE_BP,     /* bp + cfa: the code keeps a frame pointer */
    LWM_RULE_MEMORY, /* what lies at bp + cfa: a frame that was aligned anew */
    LWM_RULE_SIGNAL, /* a signal handler returns here: the kernel has saved it all */
    LWM_RULE_END,    /* the outermost frame */
    LWM_RULE_LOST,   /* no table */
    LWM_RULE_HARD    /* a table that says more than this */
};

/* Where the caller's bp is. */
enum lwm_rule_bp {
    LWM_BP_SAME = 0,
    LWM_BP_CFA, /* at the caller's sp + bp */
    LWM_BP_BP   /* at bp + bp */
};

typedef union lwm_rule {
    struct {
        int32_t cfa;
        int16_t bp;
        uint8_t kind;
        uint8_t bp_kind;
    } is;
    uint64_t bits;
} lwm_rule;

enum { LWM_RULE_BITS = 15 };

/* An entry is valid if both words together give the address: no torn one does. */
typedef struct lwm_rule_entry {
    _Atomic uint64_t check, bits;
} lwm_rule_entry;

extern lwm_rule_entry lwm_rules[1 << LWM_RULE_BITS];

/* Reads the tables. Takes no lock and no memory; may be called from a signal handler. */
lwm_rule lwm_rule_make(uint64_t address);

/* Forgets all: code has gone. */
void lwm_rules_forget(void);

/* The rule for the code at `address`: of a return address, one less. */
static inline lwm_rule lwm_rule_of(uint64_t address)
{
    lwm_rule rule;
    lwm_rule_entry *entry =
        &lwm_rules[address * UINT64_C(0x9e3779b97f4a7c15) >> (64 - LWM_RULE_BITS)];
    rule.bits = atomic_load_explicit(&entry->bits, memory_order_relaxed);
    if ((atomic_load_explicit(&entry->check, memory_order_relaxed) ^ rule.bits) == address)
        return rule;
    rule = lwm_rule_make(address);
    atomic_store_explicit(&entry->check, address ^ rule.bits, memory_order_relaxed);
    atomic_store_explicit(&entry->bits, rule.bits, memory_order_relaxed);
    return rule;
}

#endif
