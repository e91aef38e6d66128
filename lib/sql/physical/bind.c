/* bind.c - column ids of the logical plan become column indexes of the physical inputs.
 *
 * Invariant: a bound expression has no logical id left; an id that no input has is a bug of an
 * earlier step and reported as such, with the column's name.
 */
#include "lib/sql/physical/physical_internal.h"

typedef struct binding {
    const gly_planned *first, *second;
    gly_str missing;
    bool failed;
} binding;

static bool find_column(const gly_planned *input, uint32_t id, uint32_t *ret) {
    for (uint32_t i = 0; input != NULL && i < input->column_count; i++) {
        if (input->columns[i].id == id) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static gly_expr *bind_one(void *context, gly_arena *arena, gly_expr *expr) {
    binding *b = context;
    uint32_t index;
    if (expr->kind != GLY_EXPR_COLUMN) {
        return NULL;
    }
    const gly_planned *input = b->first;
    uint32_t offset = 0;
    if (!find_column(input, expr->column, &index)) {
        input = b->second;
        offset = b->first->column_count;
        if (!find_column(input, expr->column, &index)) {
            b->missing = expr->name;
            b->failed = true;
            return NULL;
        }
    }
    const gly_field *field = &input->node->schema.fields[index];
    gly_expr *bound = gly_expr_column(arena, offset + index, field->type,
                                      field->nullable || expr->nullable, expr->name);
    bound->line = expr->line;
    bound->position = expr->position;
    return bound;
}

gly_status gly_bind_expr(gly_planner *planner, gly_expr *expr, const gly_planned *first,
                         const gly_planned *second, gly_expr **ret, gly_error *err) {
    binding b = {.first = first, .second = second};
    gly_expr *bound = gly_expr_rewrite(planner->arena, expr, bind_one, &b);
    if (b.failed) {
        return gly_fail(err, GLY_E_INTERNAL,
                        "The planner lost column %.*s below a %s; please report this query.",
                        GLY_STR_ARG(b.missing), gly_physical_name(first->node->kind));
    }
    *ret = bound;
    return GLY_OK;
}

gly_status gly_bind_exprs(gly_planner *planner, uint32_t count, gly_expr *const *exprs,
                          const gly_planned *input, gly_expr ***ret, gly_error *err) {
    gly_expr **bound = GLY_ARENA_ARRAY(planner->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        GLY_TRY(gly_bind_expr(planner, exprs[i], input, NULL, &bound[i], err));
    }
    *ret = bound;
    return GLY_OK;
}

gly_expr *gly_bind_column(gly_planner *planner, const gly_physical *node, uint32_t column) {
    const gly_field *field = &node->schema.fields[column];
    return gly_expr_column(planner->arena, column, field->type, field->nullable, field->name);
}
