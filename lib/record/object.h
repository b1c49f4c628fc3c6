/* What capture may ask about registered objects. */
#ifndef LWI_RECORD_OBJECT_H
#define LWI_RECORD_OBJECT_H

#include <leakwatch/object.h>
#include <stdbool.h>

/* What is told of a type; it stays as long as the context. */
typedef struct lwi_type_facts {
    char *name;
    uint64_t size;
    uint32_t number; /* in the order of registration, from 0 */
    uint32_t field_count;
    lw_field *fields; /* with names of their own */
} lwi_type_facts;

/* A pointer variable that is a root. */
typedef struct lwi_variable {
    const void *address;
    char *name;
    lw_type *target;
} lwi_variable;

/* The types of a context in the order of registration: the first, the one after another; NULL. */
const lwi_type_facts *lwi_types_first(lw_context *context);
const lwi_type_facts *lwi_types_next(const lwi_type_facts *facts);
const lwi_type_facts *lwi_type_facts_of(const lw_type *type);

/* Visits the addresses of a type's live objects until told to stop by false. */
typedef bool (*lwi_object_fn)(uint64_t address, void *user);
void lwi_objects_each(const lwi_type_facts *facts, lwi_object_fn visit, void *user);

const lwi_variable *lwi_variables_of(const lw_context *context, uint64_t *count);

/* Whether anything is known of who holds whom. */
bool lwi_objects_linked(lw_context *context);

#endif
