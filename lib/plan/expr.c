/* expr.c - making, comparing, walking, rewriting and printing bound expressions.
 *
 * Expressions are small immutable trees in an arena; sub-trees may be shared, so a rewrite copies
 * only the path above what changed.  Invariant: nothing here writes into a node it did not make.
 * Recursion is bounded: the parser and the decoder of plans refuse trees deeper than
 * GLY_EXPR_MAX_DEPTH.  Type rules are in function_type.c, evaluation in lib/engine/expr.
 */
#include "lib/plan/expr.h"

gly_expr *gly_expr_literal(gly_arena *arena, gly_value value) {
    gly_expr *expr = GLY_ARENA_NEW(arena, gly_expr);
    expr->kind = GLY_EXPR_LITERAL;
    expr->type = value.type;
    expr->nullable = value.is_null;
    expr->value = value;
    return expr;
}

gly_expr *gly_expr_column(gly_arena *arena, uint32_t column, gly_type type, bool nullable,
                          gly_str name) {
    gly_expr *expr = GLY_ARENA_NEW(arena, gly_expr);
    expr->kind = GLY_EXPR_COLUMN;
    expr->type = type;
    expr->nullable = nullable;
    expr->column = column;
    expr->name = name;
    return expr;
}

gly_expr *gly_expr_call(gly_arena *arena, gly_function_id function, gly_type type, bool nullable,
                        uint32_t arg_count, gly_expr **args) {
    gly_expr *expr = GLY_ARENA_NEW(arena, gly_expr);
    expr->kind = GLY_EXPR_CALL;
    expr->type = type;
    expr->nullable = nullable;
    expr->function = function;
    expr->arg_count = arg_count;
    expr->args = args;
    return expr;
}

gly_expr *gly_expr_cast(gly_arena *arena, gly_expr *arg, gly_type type, bool is_try) {
    gly_expr *expr = GLY_ARENA_NEW(arena, gly_expr);
    expr->kind = GLY_EXPR_CAST;
    expr->type = type;
    expr->nullable = arg->nullable || is_try;
    expr->is_try = is_try;
    expr->arg_count = 1;
    expr->args = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
    expr->args[0] = arg;
    expr->line = arg->line;
    expr->position = arg->position;
    return expr;
}

void gly_expr_each_conjunct(gly_expr *expr, void (*visit)(void *context, gly_expr *conjunct),
                            void *context) {
    if (expr->kind == GLY_EXPR_CALL && expr->function == GLY_FN_AND) {
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            gly_expr_each_conjunct(expr->args[i], visit, context);
        }
    } else {
        visit(context, expr);
    }
}

typedef struct conjunct_list {
    uint32_t count;
    gly_expr **items; /* NULL: only count */
} conjunct_list;

static void add_conjunct(void *context, gly_expr *conjunct) {
    conjunct_list *list = context;
    if (list->items != NULL) {
        list->items[list->count] = conjunct;
    }
    list->count++;
}

gly_expr *gly_expr_and(gly_arena *arena, uint32_t count, gly_expr *const *conjuncts) {
    if (count == 0) {
        return NULL;
    }
    if (count == 1) {
        return conjuncts[0];
    }
    conjunct_list list = {0};
    bool nullable = false;
    for (uint32_t i = 0; i < count; i++) {
        gly_expr_each_conjunct(conjuncts[i], add_conjunct, &list);
        nullable = nullable || conjuncts[i]->nullable;
    }
    list.items = GLY_ARENA_ARRAY(arena, gly_expr *, list.count);
    list.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        gly_expr_each_conjunct(conjuncts[i], add_conjunct, &list);
    }
    gly_expr *both =
        gly_expr_call(arena, GLY_FN_AND, GLY_TYPE_OF(BOOLEAN), nullable, list.count, list.items);
    both->line = conjuncts[0]->line;
    both->position = conjuncts[0]->position;
    return both;
}

bool gly_expr_equal(const gly_expr *a, const gly_expr *b) {
    if (a == b) {
        return true;
    }
    if (a == NULL || b == NULL || a->kind != b->kind || !gly_type_equal(a->type, b->type)) {
        return false;
    }
    switch ((gly_expr_kind)a->kind) {
    case GLY_EXPR_LITERAL:
        return gly_value_equal(&a->value, &b->value);
    case GLY_EXPR_COLUMN:
        return a->column == b->column;
    case GLY_EXPR_CALL:
        if (a->function != b->function || a->is_distinct != b->is_distinct || a->mode != b->mode ||
            !gly_expr_equal(a->filter, b->filter)) {
            return false;
        }
        break;
    case GLY_EXPR_CAST:
        if (a->is_try != b->is_try) {
            return false;
        }
        break;
    }
    if (a->arg_count != b->arg_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->arg_count; i++) {
        if (!gly_expr_equal(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

bool gly_expr_is_literal(const gly_expr *expr) { return expr->kind == GLY_EXPR_LITERAL; }

/* True if holds(node) for expr or any node below it. */
static bool any_node(const gly_expr *expr, bool (*holds)(const gly_expr *node)) {
    if (holds(expr)) {
        return true;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (any_node(expr->args[i], holds)) {
            return true;
        }
    }
    return expr->filter != NULL && any_node(expr->filter, holds);
}

static bool is_nondeterministic(const gly_expr *node) {
    return node->kind == GLY_EXPR_CALL &&
           (gly_function_get(node->function)->flags & GLY_FUNCTION_NONDET) != 0;
}

bool gly_expr_is_deterministic(const gly_expr *expr) {
    return !any_node(expr, is_nondeterministic);
}

static int integral_digits(gly_type type) {
    switch (type.id) {
    case GLY_TYPE_BOOLEAN:
        return 1;
    case GLY_TYPE_TINYINT:
        return 3;
    case GLY_TYPE_SMALLINT:
        return 5;
    case GLY_TYPE_INT:
        return 10;
    default:
        return 19;
    }
}

/* A cast of any value of one type to the other gives a value. */
static bool cast_is_safe(gly_type from, gly_type to) {
    if (gly_type_equal(from, to) || from.id == GLY_TYPE_NULL || to.id == GLY_TYPE_STRING) {
        return true;
    }
    bool from_integral = gly_type_is_integral(from) || from.id == GLY_TYPE_BOOLEAN;
    if (to.id == GLY_TYPE_FLOAT || to.id == GLY_TYPE_DOUBLE) {
        return from_integral || gly_type_is_numeric(from);
    }
    if (from_integral && gly_type_is_integral(to)) {
        return from.id <= to.id;
    }
    if (from_integral && to.id == GLY_TYPE_DECIMAL) {
        return to.precision - to.scale >= integral_digits(from);
    }
    if (from.id == GLY_TYPE_DECIMAL && to.id == GLY_TYPE_DECIMAL) {
        return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
    }
    if (to.id == GLY_TYPE_BOOLEAN) {
        return gly_type_is_numeric(from);
    }
    if (to.id == GLY_TYPE_BINARY) {
        return true;
    }
    bool from_time = from.id == GLY_TYPE_DATE || from.id == GLY_TYPE_TIMESTAMP ||
                     from.id == GLY_TYPE_TIMESTAMP_NTZ;
    bool to_time =
        to.id == GLY_TYPE_DATE || to.id == GLY_TYPE_TIMESTAMP || to.id == GLY_TYPE_TIMESTAMP_NTZ;
    return from_time && to_time;
}

static bool node_can_fail(const gly_expr *node) {
    if (node->kind == GLY_EXPR_CALL) {
        return (gly_function_get(node->function)->flags & GLY_FUNCTION_CAN_FAIL) != 0;
    }
    return node->kind == GLY_EXPR_CAST && !node->is_try &&
           !cast_is_safe(node->args[0]->type, node->type);
}

bool gly_expr_can_fail(const gly_expr *expr) { return any_node(expr, node_can_fail); }

static bool is_aggregate(const gly_expr *node) {
    return node->kind == GLY_EXPR_CALL &&
           (gly_function_get(node->function)->flags & GLY_FUNCTION_AGGREGATE) != 0;
}

bool gly_expr_has_aggregate(const gly_expr *expr) { return any_node(expr, is_aggregate); }

void gly_expr_each_column(const gly_expr *expr, void (*visit)(void *context, uint32_t column),
                          void *context) {
    if (expr->kind == GLY_EXPR_COLUMN) {
        visit(context, expr->column);
        return;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        gly_expr_each_column(expr->args[i], visit, context);
    }
    if (expr->filter != NULL) {
        gly_expr_each_column(expr->filter, visit, context);
    }
}

gly_expr *gly_expr_rewrite(gly_arena *arena, gly_expr *expr,
                           gly_expr *(*rewrite)(void *context, gly_arena *arena, gly_expr *expr),
                           void *context) {
    gly_expr **args = NULL;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        gly_expr *arg = gly_expr_rewrite(arena, expr->args[i], rewrite, context);
        if (arg != expr->args[i] && args == NULL) {
            args = gly_arena_copy(arena, expr->args, expr->arg_count * sizeof *args);
        }
        if (args != NULL) {
            args[i] = arg;
        }
    }
    gly_expr *filter =
        expr->filter == NULL ? NULL : gly_expr_rewrite(arena, expr->filter, rewrite, context);
    if (args != NULL || filter != expr->filter) {
        gly_expr *copy = gly_arena_copy(arena, expr, sizeof *expr);
        copy->args = args != NULL ? args : expr->args;
        copy->filter = filter;
        expr = copy;
    }
    gly_expr *changed = rewrite(context, arena, expr);
    return changed == NULL ? expr : changed;
}

/* printing */

static void format_list(const gly_expr *expr, uint32_t first, const char *separator, bool with_ids,
                        gly_builder *out) {
    for (uint32_t i = first; i < expr->arg_count; i++) {
        if (i > first) {
            gly_builder_add_text(out, separator);
        }
        gly_expr_format(expr->args[i], with_ids, out);
    }
}

/* AND and OR are flattened; Spark prints the tree: ((a AND b) AND c). */
static void format_flat(const gly_expr *expr, const char *word, bool with_ids, gly_builder *out) {
    gly_builder_add_repeat(out, '(', expr->arg_count > 1 ? expr->arg_count - 1 : 0);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (i > 0) {
            gly_builder_format(out, " %s ", word);
        }
        gly_expr_format(expr->args[i], with_ids, out);
        if (i > 0) {
            gly_builder_add_char(out, ')');
        }
    }
}

static void format_case(const gly_expr *expr, bool with_ids, gly_builder *out) {
    gly_builder_add_text(out, "CASE");
    uint32_t i = 0;
    for (; i + 1 < expr->arg_count; i += 2) {
        gly_builder_add_text(out, " WHEN ");
        gly_expr_format(expr->args[i], with_ids, out);
        gly_builder_add_text(out, " THEN ");
        gly_expr_format(expr->args[i + 1], with_ids, out);
    }
    if (i < expr->arg_count) {
        gly_builder_add_text(out, " ELSE ");
        gly_expr_format(expr->args[i], with_ids, out);
    }
    gly_builder_add_text(out, " END");
}

static void format_aggregate(const gly_expr *expr, bool with_ids, gly_builder *out) {
    static const char *const modes[] = {"", "partial_", "merge_", ""};
    gly_builder_format(out, "%s%s(", modes[expr->mode & 3], gly_function_label(expr->function));
    if (expr->is_distinct) {
        gly_builder_add_text(out, "distinct ");
    }
    if (expr->arg_count == 0) {
        gly_builder_add_char(out, '1'); /* count(*) */
    }
    format_list(expr, 0, ", ", with_ids, out);
    gly_builder_add_char(out, ')');
    if (expr->filter != NULL) {
        gly_builder_add_text(out, " FILTER (WHERE ");
        gly_expr_format(expr->filter, with_ids, out);
        gly_builder_add_char(out, ')');
    }
}

static void format_call(const gly_expr *expr, bool with_ids, gly_builder *out) {
    const char *label = gly_function_label(expr->function);
    switch (expr->function) {
    case GLY_FN_AND:
        format_flat(expr, "AND", with_ids, out);
        return;
    case GLY_FN_OR:
        format_flat(expr, "OR", with_ids, out);
        return;
    case GLY_FN_NOT:
        gly_builder_add_text(out, "NOT ");
        format_list(expr, 0, ", ", with_ids, out);
        return;
    case GLY_FN_CASE:
        format_case(expr, with_ids, out);
        return;
    case GLY_FN_IN:
        gly_expr_format(expr->args[0], with_ids, out);
        gly_builder_add_text(out, " IN (");
        format_list(expr, 1, ",", with_ids, out);
        gly_builder_add_char(out, ')');
        return;
    case GLY_FN_LIKE:
        gly_expr_format(expr->args[0], with_ids, out);
        gly_builder_add_text(out, " LIKE ");
        gly_expr_format(expr->args[1], with_ids, out);
        if (expr->arg_count > 2) {
            gly_builder_add_text(out, " ESCAPE ");
            gly_expr_format(expr->args[2], with_ids, out);
        }
        return;
    case GLY_FN_NOT_EQUAL:
        gly_builder_add_text(out, "NOT (");
        format_list(expr, 0, " = ", with_ids, out);
        gly_builder_add_char(out, ')');
        return;
    default:
        break;
    }
    if (gly_function_get(expr->function)->name[0] == '$' && expr->arg_count == 2) {
        gly_builder_add_char(out, '(');
        gly_expr_format(expr->args[0], with_ids, out);
        gly_builder_format(out, " %s ", label);
        gly_expr_format(expr->args[1], with_ids, out);
        gly_builder_add_char(out, ')');
        return;
    }
    gly_builder_format(out, "%s(", label);
    format_list(expr, 0, ", ", with_ids, out);
    gly_builder_add_char(out, ')');
}

void gly_expr_format(const gly_expr *expr, bool with_ids, gly_builder *out) {
    char type[GLY_TYPE_TEXT_SIZE];
    switch ((gly_expr_kind)expr->kind) {
    case GLY_EXPR_LITERAL:
        gly_value_format(&expr->value, out);
        return;
    case GLY_EXPR_COLUMN:
        gly_builder_add_str(out, expr->name);
        if (with_ids || expr->name.size == 0) {
            gly_builder_format(out, "#%u", expr->column);
        }
        return;
    case GLY_EXPR_CAST:
        gly_builder_add_text(out, expr->is_try ? "try_cast(" : "cast(");
        gly_expr_format(expr->args[0], with_ids, out);
        gly_builder_format(out, " as %s)", gly_type_format(expr->type, type, sizeof type));
        return;
    case GLY_EXPR_CALL:
        if ((gly_function_get(expr->function)->flags & GLY_FUNCTION_AGGREGATE) != 0) {
            format_aggregate(expr, with_ids, out);
        } else {
            format_call(expr, with_ids, out);
        }
        return;
    }
}
