/* physical.c - making physical nodes, and the facts about operator kinds.
 *
 * Nodes are plain data in the query's arena; whoever makes one fills it and nobody writes into it
 * after the plan is handed over.  Invariant: every node has a schema, a partition count and, once
 * the planner is through, an id of its own (gly_physical_number).
 * Not here: how nodes travel (plan_codec.c), how they are shown (explain.c).
 */
#include "lib/plan/physical.h"

#include "lib/base/array.h"

static const char *const names[GLY_PHYSICAL_COUNT] = {
#define GLY_OPERATOR(kind, name) [GLY_PHYSICAL_##kind] = name,
#include "lib/plan/operators.def"
#undef GLY_OPERATOR
};

gly_physical *gly_physical_make(gly_arena *arena, gly_physical_kind kind, uint32_t child_count) {
    gly_physical *node = GLY_ARENA_NEW(arena, gly_physical);
    node->kind = kind;
    node->child_count = child_count;
    node->children = GLY_ARENA_ARRAY(arena, gly_physical *, child_count);
    node->row_estimate = UINT64_MAX;
    return node;
}

const char *gly_physical_name(gly_physical_kind kind) {
    return (unsigned)kind < GLY_PHYSICAL_COUNT ? names[kind] : "Unknown";
}

uint32_t gly_physical_number(gly_physical *root, uint32_t first_id) {
    GLY_ARRAY(gly_physical *) stack = {0};
    uint32_t next = first_id;
    /* id 0 means "not numbered yet", so a shared node gets one number. */
    GLY_ASSERT(first_id > 0);
    gly_array_push(&stack, root);
    while (stack.count > 0) {
        gly_physical *node = stack.items[--stack.count];
        if (node->id != 0) {
            continue;
        }
        node->id = next++;
        for (uint32_t i = node->child_count; i > 0; i--) {
            gly_array_push(&stack, node->children[i - 1]);
        }
    }
    gly_array_clear(&stack);
    return next;
}

uint32_t gly_physical_max_id(const gly_physical *root) {
    GLY_ARRAY(const gly_physical *) stack = {0};
    uint32_t largest = 0;
    gly_array_push(&stack, root);
    while (stack.count > 0) {
        const gly_physical *node = stack.items[--stack.count];
        largest = GLY_MAX(largest, node->id);
        for (uint32_t i = 0; i < node->child_count; i++) {
            gly_array_push(&stack, node->children[i]);
        }
    }
    gly_array_clear(&stack);
    return largest;
}

bool gly_physical_join_puts_out_build(uint8_t kind) {
    return kind != GLY_JOIN_SEMI && kind != GLY_JOIN_ANTI && kind != GLY_JOIN_NULL_AWARE_ANTI;
}
