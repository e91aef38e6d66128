/* schema.c - fields by name, copies.  Names keep their case and are found without it (Spark). */
#include "lib/data/schema.h"

uint32_t gly_schema_find(const gly_schema *schema, gly_str name) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (gly_str_equal_ignore_case(schema->fields[i].name, name)) {
            return i;
        }
    }
    return schema->field_count;
}

gly_schema *gly_schema_copy(gly_arena *arena, const gly_schema *schema) {
    gly_schema *copy = GLY_ARENA_NEW(arena, gly_schema);
    copy->field_count = schema->field_count;
    copy->fields = GLY_ARENA_ARRAY(arena, gly_field, schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        copy->fields[i] = schema->fields[i];
        copy->fields[i].name = gly_arena_str(arena, schema->fields[i].name);
    }
    return copy;
}

bool gly_schema_equal_types(const gly_schema *a, const gly_schema *b) {
    if (a->field_count != b->field_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->field_count; i++) {
        if (!gly_type_equal(a->fields[i].type, b->fields[i].type)) {
            return false;
        }
    }
    return true;
}
