/* logical.c - making logical nodes and asking them about their columns.
 *
 * Nodes are plain structs in an arena; what each kind means is in logical.h.  Invariant: a node is
 * written only by who made it, until the next node refers to it.  Printing is in explain.c.
 */
#include "lib/plan/logical.h"

gly_logical *gly_logical_make(gly_arena *arena, gly_logical_kind kind, uint32_t child_count,
                              uint32_t output_count) {
    gly_logical *node = GLY_ARENA_NEW(arena, gly_logical);
    node->kind = kind;
    node->child_count = child_count;
    node->children = GLY_ARENA_ARRAY(arena, gly_logical *, child_count);
    node->output_count = output_count;
    node->output = GLY_ARENA_ARRAY(arena, gly_output, output_count);
    return node;
}

const char *gly_logical_name(gly_logical_kind kind) {
    static const char *const names[GLY_LOGICAL_COUNT] = {
        [GLY_LOGICAL_SCAN] = "Relation",
        [GLY_LOGICAL_CACHED] = "InMemoryRelation",
        [GLY_LOGICAL_VALUES] = "LocalRelation",
        [GLY_LOGICAL_RANGE] = "Range",
        [GLY_LOGICAL_FILTER] = "Filter",
        [GLY_LOGICAL_PROJECT] = "Project",
        [GLY_LOGICAL_AGGREGATE] = "Aggregate",
        [GLY_LOGICAL_JOIN] = "Join",
        [GLY_LOGICAL_SORT] = "Sort",
        [GLY_LOGICAL_LIMIT] = "Limit",
        [GLY_LOGICAL_UNION] = "Union",
        [GLY_LOGICAL_REPARTITION] = "Repartition",
        [GLY_LOGICAL_WRITE] = "InsertIntoDirectory",
    };
    GLY_ASSERT((unsigned)kind < GLY_LOGICAL_COUNT);
    return names[kind];
}

uint32_t gly_logical_find(const gly_logical *node, uint32_t id) {
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->output[i].id == id) {
            return i;
        }
    }
    return node->output_count;
}

gly_schema *gly_logical_schema(gly_arena *arena, const gly_logical *node) {
    gly_schema *schema = GLY_ARENA_NEW(arena, gly_schema);
    schema->field_count = node->output_count;
    schema->fields = GLY_ARENA_ARRAY(arena, gly_field, node->output_count);
    for (uint32_t i = 0; i < node->output_count; i++) {
        const gly_output *output = &node->output[i];
        schema->fields[i] = (gly_field){output->name, output->type, output->nullable};
    }
    return schema;
}
