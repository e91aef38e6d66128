/* schema.h - named, typed fields. */
#ifndef GLY_SCHEMA_H
#define GLY_SCHEMA_H

#include "lib/base/arena.h"
#include "lib/data/type.h"

typedef struct gly_field {
    gly_str name;
    gly_type type;
    bool nullable;
} gly_field;

typedef struct gly_schema {
    uint32_t field_count;
    gly_field *fields;
} gly_schema;

/* Case-insensitive; returns field_count if absent, the first if there are several. */
uint32_t gly_schema_find(const gly_schema *schema, gly_str name);
gly_schema *gly_schema_copy(gly_arena *arena, const gly_schema *schema);
bool gly_schema_equal_types(const gly_schema *a, const gly_schema *b);

#endif
