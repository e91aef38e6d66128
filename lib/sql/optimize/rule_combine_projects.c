/* rule_combine_projects.c - neighbouring projections become one; idle ones go.
 *
 * The inner expressions are put into the outer ones (also into an AGGREGATE above) when they are
 * deterministic and an expression that costs something is used at most once.
 */
#include "lib/sql/optimize/rule.h"

typedef struct uses {
    const gly_logical *project;
    uint32_t *counts;
} uses;

static void count_use(void *context, uint32_t id) {
    uses *u = context;
    uint32_t at = gly_logical_find(u->project, id);
    if (at < u->project->output_count) {
        u->counts[at]++;
    }
}

static bool may_merge(const uses *u) {
    for (uint32_t i = 0; i < u->project->output_count; i++) {
        const gly_expr *expr = u->project->project.exprs[i];
        bool is_cheap = expr->kind == GLY_EXPR_COLUMN || expr->kind == GLY_EXPR_LITERAL;
        if (u->counts[i] > 0 && (!gly_expr_is_deterministic(expr) ||
                                 (!is_cheap && u->counts[i] > 1))) {
            return false;
        }
    }
    return true;
}

typedef struct insertion {
    gly_rule_context *context;
    const gly_logical *project;
} insertion;

static gly_expr *insert(void *state, gly_expr *expr) {
    insertion *in = state;
    return gly_rule_substitute(in->context, expr, in->project->output_count, in->project->output,
                               in->project->project.exprs);
}

static gly_expr *count_expr(void *state, gly_expr *expr) {
    gly_expr_each_column(expr, count_use, state);
    return expr;
}

/* PROJECT or AGGREGATE over PROJECT. */
static gly_logical *merge(gly_rule_context *context, gly_logical *node) {
    gly_logical *inner = node->children[0];
    uses u = {inner, GLY_ARENA_ARRAY(context->arena, uint32_t, inner->output_count)};
    (void)gly_rule_each_expr(context, node, count_expr, &u);
    if (!may_merge(&u)) {
        return node;
    }
    insertion in = {context, inner};
    gly_logical *fresh = gly_rule_each_expr(context, node, insert, &in);
    return gly_rule_with_child(context, fresh, inner->children[0]);
}

static bool is_idle(const gly_logical *project) {
    const gly_logical *child = project->children[0];
    if (project->output_count != child->output_count) {
        return false;
    }
    for (uint32_t i = 0; i < project->output_count; i++) {
        const gly_expr *expr = project->project.exprs[i];
        if (expr->kind != GLY_EXPR_COLUMN || expr->column != child->output[i].id ||
            project->output[i].id != child->output[i].id ||
            !gly_str_equal(project->output[i].name, child->output[i].name)) {
            return false;
        }
    }
    return true;
}

static gly_logical *change(gly_rule_context *context, gly_logical *node) {
    if (node->kind == GLY_LOGICAL_PROJECT && is_idle(node)) {
        return node->children[0];
    }
    bool may_take_in = node->kind == GLY_LOGICAL_PROJECT || node->kind == GLY_LOGICAL_AGGREGATE;
    if (may_take_in && node->children[0]->kind == GLY_LOGICAL_PROJECT) {
        return merge(context, node);
    }
    return node;
}

gly_logical *gly_rule_combine_projects_apply(gly_rule_context *context, gly_logical *plan) {
    return gly_rule_each_node(context, plan, change);
}
