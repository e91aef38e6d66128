/* analyze.c - from words to a logical plan: the entry points, error places, limits.
 *
 * A query is resolved bottom up: FROM gives a plan and a scope, every clause is bound against the
 * scope and becomes a node.  Views and common table expressions are analyzed again at each use, so
 * every use has column ids of its own.  Two counters keep hostile or huge input in bounds: depth
 * (stack) and work (memory).  The clauses are in the resolve_*.c files, the nodes in node_build.c.
 */
#include "lib/sql/analyze/analyzer.h"

#include <stdio.h>

gly_status gly_analyze_fail(gly_analyzer *an, gly_status status, uint32_t line, uint32_t position,
                            const char *format, ...) {
    char text[GLY_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text - 64, format, arguments);
    va_end(arguments);
    return gly_fail(an->err, status, "%s (line %u, column %u)", text, line, position);
}

gly_status gly_analyze_place(gly_analyzer *an, gly_status status, uint32_t line,
                             uint32_t position) {
    if (status == GLY_OK || an->err == NULL || line == 0 ||
        strstr(an->err->message, "(line ") != NULL) {
        return status;
    }
    size_t used = strlen(an->err->message);
    snprintf(an->err->message + used, sizeof an->err->message - used, " (line %u, column %u)", line,
             position);
    return status;
}

gly_status gly_analyze_enter(gly_analyzer *an, uint32_t weight, uint32_t line, uint32_t position) {
    if (an->depth + weight > GLY_ANALYZER_MAX_DEPTH) {
        return gly_analyze_fail(an, GLY_E_ANALYSIS, line, position,
                                "The query is nested too deeply after its views and common table "
                                "expressions are expanded");
    }
    an->depth += weight;
    return GLY_OK;
}

gly_status gly_analyze_work(gly_analyzer *an, uint32_t amount) {
    if (amount > GLY_ANALYZER_MAX_WORK - an->work) {
        return gly_fail(an->err, GLY_E_ANALYSIS,
                        "The query is too large after its views and common table expressions are "
                        "expanded; cache some of them (CACHE TABLE) or write it smaller");
    }
    an->work += amount;
    return GLY_OK;
}

/* Nodes of the tree, counting shared ones as often as they are met; stops at limit. */
static uint32_t tree_size(const gly_expr *expr, uint32_t limit) {
    uint32_t size = 1;
    for (uint32_t i = 0; i < expr->arg_count && size < limit; i++) {
        size += tree_size(expr->args[i], limit - size);
    }
    if (expr->filter != NULL && size < limit) {
        size += tree_size(expr->filter, limit - size);
    }
    return size;
}

gly_status gly_analyze_shared(gly_analyzer *an, const gly_expr *expr, uint32_t uses) {
    uint64_t size = tree_size(expr, GLY_ANALYZER_MAX_WORK);
    return gly_analyze_work(an, (uint32_t)GLY_MIN(size * uses, (uint64_t)UINT32_MAX));
}

gly_expr *gly_analyze_column(gly_analyzer *an, const gly_output *output) {
    return gly_expr_column(an->arena, output->id, output->type, output->nullable, output->name);
}

gly_output gly_analyze_output(gly_analyzer *an, const gly_expr *expr, gly_str name) {
    return (gly_output){(*an->next_id)++, name, expr->type, expr->nullable};
}

gly_status gly_analyze_limits(gly_analyzer *an, const gly_ast_query *query, gly_logical *plan,
                              gly_logical **ret) {
    int64_t limit = -1, offset = 0;
    *ret = plan;
    if (query->limit == NULL && query->offset == NULL) {
        return GLY_OK;
    }
    if (query->limit != NULL) {
        GLY_TRY(gly_resolve_expr_constant(an, query->limit, "LIMIT", &limit));
        if (limit < 0) {
            return gly_analyze_fail(an, GLY_E_INVALID_ARGUMENT, query->limit->line,
                                    query->limit->position, "LIMIT must not be negative");
        }
    }
    if (query->offset != NULL) {
        GLY_TRY(gly_resolve_expr_constant(an, query->offset, "OFFSET", &offset));
        if (offset < 0) {
            return gly_analyze_fail(an, GLY_E_INVALID_ARGUMENT, query->offset->line,
                                    query->offset->position, "OFFSET must not be negative");
        }
    }
    gly_logical *node = gly_logical_make(an->arena, GLY_LOGICAL_LIMIT, 1, 0);
    node->children[0] = plan;
    node->output_count = plan->output_count;
    node->output = plan->output;
    node->limit.limit = limit < 0 ? UINT64_MAX : (uint64_t)limit;
    node->limit.offset = (uint64_t)offset;
    *ret = node;
    return GLY_OK;
}

static gly_status resolve_body(gly_analyzer *an, const gly_ast_query *query, const gly_scope *outer,
                               gly_correlation *correlation, gly_logical **ret) {
    if (query->kind == GLY_AST_SELECT) {
        return gly_resolve_select_query(an, query, outer, correlation, ret); /* orders as well */
    }
    gly_logical *plan = NULL;
    const gly_scope *around = an->around;
    switch ((gly_ast_query_kind)query->kind) {
    case GLY_AST_VALUES:
        GLY_TRY(gly_resolve_sets_values(an, query, &plan));
        break;
    case GLY_AST_SETS:
        an->around = outer != NULL ? outer : around;
        GLY_TRY(gly_resolve_sets_query(an, query, &plan));
        an->around = around;
        break;
    default:
        GLY_TRY(gly_analyze_any_query(an, query->inner, outer, correlation, &plan));
        break;
    }
    if (correlation != NULL && correlation->is_used) {
        *ret = plan; /* only ORDER BY and LIMIT of the outside are lost; refused by the caller */
        return GLY_OK;
    }
    return gly_resolve_order_output(an, query, plan, ret);
}

static gly_status resolve_query(gly_analyzer *an, const gly_ast_query *query,
                                const gly_scope *outer, gly_correlation *correlation,
                                gly_logical **ret) {
    const gly_cte_frame *before = an->ctes;
    for (uint32_t i = 0; i < query->cte_count; i++) {
        gly_cte_frame *frame = GLY_ARENA_NEW(an->arena, gly_cte_frame);
        *frame = (gly_cte_frame){&query->ctes[i], an->ctes, an->ctes};
        for (uint32_t j = 0; j < i; j++) {
            if (gly_str_equal_ignore_case(query->ctes[j].name, query->ctes[i].name)) {
                return gly_analyze_fail(an, GLY_E_ANALYSIS, query->ctes[i].line,
                                        query->ctes[i].position, "WITH names '%.*s' twice",
                                        GLY_STR_ARG(query->ctes[i].name));
            }
        }
        an->ctes = frame;
    }
    gly_logical *plan;
    GLY_TRY(resolve_body(an, query, outer, correlation, &plan));
    bool lost = correlation != NULL && correlation->is_used && correlation->want != GLY_WANT_EXISTS;
    if (lost && (query->limit != NULL || query->offset != NULL)) {
        return gly_analyze_fail(an, GLY_E_UNSUPPORTED, query->line, query->position,
                                "LIMIT in a subquery that names columns of the query around it is "
                                "not supported");
    }
    an->ctes = before;
    *ret = plan;
    return GLY_OK;
}

gly_status gly_analyze_any_query(gly_analyzer *an, const gly_ast_query *query,
                                 const gly_scope *outer, gly_correlation *correlation,
                                 gly_logical **ret) {
    GLY_TRY(gly_analyze_enter(an, 10, query->line, query->position));
    const gly_ast_query *hints = an->hints;
    GLY_TRY(resolve_query(an, query, outer, correlation, ret));
    an->hints = hints;
    an->depth -= 10;
    return GLY_OK;
}

gly_status gly_analyze_query(gly_arena *arena, const gly_analyze_options *options,
                             const gly_ast_query *query, uint32_t *next_id, gly_logical **ret,
                             gly_error *err) {
    gly_error unused; /* places are added to the message, so there must be one */
    gly_analyzer an = {
        .arena = arena, .options = options, .next_id = next_id, .err = err == NULL ? &unused : err};
    gly_logical *plan;
    GLY_TRY(gly_analyze_any_query(&an, query, NULL, NULL, &plan));
    GLY_TRY(gly_node_build_check(&an, plan));
    *ret = plan;
    return GLY_OK;
}

gly_status gly_analyze_insert(gly_arena *arena, const gly_analyze_options *options,
                              const gly_statement *statement, uint32_t *next_id, gly_logical **ret,
                              gly_error *err) {
    gly_logical *plan;
    GLY_TRY(gly_analyze_query(arena, options, statement->query, next_id, &plan, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        const gly_output *output = &plan->output[i];
        if (output->type.id == GLY_TYPE_NULL) {
            return gly_fail(err, GLY_E_TYPE_MISMATCH,
                            "Column '%.*s' cannot be written: it is NULL without a type; write "
                            "CAST(NULL AS ...)",
                            GLY_STR_ARG(output->name));
        }
        for (uint32_t j = 0; j < i; j++) {
            if (gly_str_equal_ignore_case(plan->output[j].name, output->name)) {
                return gly_fail(err, GLY_E_ANALYSIS,
                                "Two columns of the query are called '%.*s'; give one of them "
                                "another name with AS, files need different names",
                                GLY_STR_ARG(output->name));
            }
        }
    }
    gly_logical *node = gly_logical_make(arena, GLY_LOGICAL_WRITE, 1, 0);
    node->children[0] = plan;
    node->write.format = gly_arena_str(arena, statement->format);
    node->write.path = gly_arena_str(arena, statement->path);
    node->write.mode = statement->mode;
    node->write.option_count = statement->option_count;
    node->write.options = statement->options;
    *ret = node;
    return GLY_OK;
}
