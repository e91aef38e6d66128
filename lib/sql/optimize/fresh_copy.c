/* fresh_copy.c - copying a plan so that both copies can stand in one query.
 *
 * Column ids are unique in a query; every column of the copy gets a new one, and expressions follow.
 * Only plans that are cheap to run twice are copied, so only their kinds of nodes are known here.
 */
#include "lib/sql/optimize/fresh_copy.h"

typedef struct renaming {
    gly_rule_context *context;
    uint32_t count, capacity;
    gly_output *old;
    gly_expr **fresh;
} renaming;

bool gly_fresh_copy_is_cheap(const gly_logical *plan) {
    while (plan->kind == GLY_LOGICAL_FILTER || plan->kind == GLY_LOGICAL_PROJECT) {
        plan = plan->children[0];
    }
    if (plan->kind == GLY_LOGICAL_JOIN && plan->join.kind == GLY_JOIN_SEMI) {
        return gly_fresh_copy_is_cheap(plan->children[0]) &&
               gly_fresh_copy_is_cheap(plan->children[1]);
    }
    return plan->kind == GLY_LOGICAL_SCAN;
}

static const gly_expr *find(const renaming *r, uint32_t id) {
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->old[i].id == id) {
            return r->fresh[i];
        }
    }
    return NULL;
}

/* The output's new form; an id that is known already keeps its new id. */
static gly_output rename_output(renaming *r, gly_output output) {
    const gly_expr *known = find(r, output.id);
    if (known != NULL) {
        output.id = known->column;
        return output;
    }
    if (r->count == r->capacity) {
        uint32_t capacity = GLY_MAX(r->capacity * 2, 16);
        gly_output *old = GLY_ARENA_ARRAY(r->context->arena, gly_output, capacity);
        gly_expr **fresh = GLY_ARENA_ARRAY(r->context->arena, gly_expr *, capacity);
        for (uint32_t i = 0; i < r->count; i++) {
            old[i] = r->old[i];
            fresh[i] = r->fresh[i];
        }
        r->old = old;
        r->fresh = fresh;
        r->capacity = capacity;
    }
    r->old[r->count] = output;
    output.id = (*r->context->next_id)++;
    r->fresh[r->count++] = gly_rule_column(r->context, &output);
    return output;
}

static gly_expr *rename_expr(void *state, gly_expr *expr) {
    renaming *r = state;
    return gly_rule_substitute(r->context, expr, r->count, r->old, r->fresh);
}

static gly_logical *copy(renaming *r, const gly_logical *plan) {
    gly_rule_context *context = r->context;
    gly_logical *fresh = gly_arena_copy(context->arena, plan, sizeof *plan);
    fresh->children = GLY_ARENA_ARRAY(context->arena, gly_logical *, plan->child_count);
    for (uint32_t i = 0; i < plan->child_count; i++) {
        fresh->children[i] = copy(r, plan->children[i]);
    }
    if (plan->kind == GLY_LOGICAL_SCAN || plan->kind == GLY_LOGICAL_PROJECT) {
        /* A projection's expressions mean the columns below, so they come before its outputs. */
        if (plan->kind == GLY_LOGICAL_PROJECT) {
            fresh = gly_rule_each_expr(context, fresh, rename_expr, r);
        }
        gly_output *output = GLY_ARENA_ARRAY(context->arena, gly_output, plan->output_count);
        for (uint32_t i = 0; i < plan->output_count; i++) {
            output[i] = rename_output(r, plan->output[i]);
        }
        fresh->output = output;
        return plan->kind == GLY_LOGICAL_SCAN
                   ? gly_rule_each_expr(context, fresh, rename_expr, r)
                   : fresh;
    }
    fresh = gly_rule_each_expr(context, fresh, rename_expr, r);
    return gly_rule_with_children(context, fresh, fresh->children);
}

gly_logical *gly_fresh_copy_of(gly_rule_context *context, const gly_logical *plan,
                               uint32_t *ret_count, gly_output **ret_old, gly_expr ***ret_new) {
    renaming r = {.context = context};
    gly_logical *fresh = copy(&r, plan);
    *ret_count = r.count;
    *ret_old = r.old;
    *ret_new = r.fresh;
    return fresh;
}
