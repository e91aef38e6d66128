/* plan_depth.c - how deep a logical plan is, found with a stack of its own.
 *
 * The rules and the physical planner walk plans by recursion, which is short and clear; this check
 * in front of them is what makes that safe.
 */
#include "lib/sql/optimize/plan_depth.h"

#include "lib/base/array.h"

typedef struct level {
    const gly_logical *node;
    uint32_t depth;
} level;

gly_status gly_plan_depth_check(const gly_logical *plan, gly_error *err) {
    GLY_ARRAY(level) stack = {0};
    bool is_too_deep = false;
    level root = {plan, 1};
    gly_array_push(&stack, root);
    while (stack.count > 0 && !is_too_deep) {
        level at = stack.items[--stack.count];
        is_too_deep = at.depth > GLY_PLAN_DEPTH_MAX;
        for (uint32_t i = 0; i < at.node->child_count; i++) {
            level child = {at.node->children[i], at.depth + 1};
            gly_array_push(&stack, child);
        }
    }
    gly_array_clear(&stack);
    if (is_too_deep) {
        return gly_fail(err, GLY_E_UNSUPPORTED,
                        "The query nests more than %d relations in each other; split it with "
                        "CREATE TEMPORARY VIEW or CACHE TABLE.",
                        GLY_PLAN_DEPTH_MAX);
    }
    return GLY_OK;
}
