/* scope.c - finding what a name means, and saying well why it means nothing.
 *
 * Names are compared without case.  An unqualified name must have one meaning; columns hidden by
 * USING have only their qualified names.  Aliases of the select list come before or after the
 * columns of FROM, as the clause wants (gly_alias_use).  A name found only in the query around a
 * subquery makes it correlated, which WHERE allows.
 */
#include "lib/sql/analyze/analyzer.h"

void gly_scope_add(gly_analyzer *an, gly_scope *scope, gly_scope_column column) {
    if (scope->count == scope->capacity) {
        uint32_t capacity = GLY_MAX(scope->capacity * 2, 8u);
        gly_scope_column *columns = GLY_ARENA_ARRAY(an->arena, gly_scope_column, capacity);
        if (scope->count > 0) {
            memcpy(columns, scope->columns, scope->count * sizeof *columns);
        }
        scope->columns = columns;
        scope->capacity = capacity;
    }
    scope->columns[scope->count++] = column;
}

void gly_scope_add_outputs(gly_analyzer *an, gly_scope *scope, gly_str relation,
                           const gly_logical *plan) {
    for (uint32_t i = 0; i < plan->output_count; i++) {
        const gly_output *output = &plan->output[i];
        gly_scope_add(an, scope,
                      (gly_scope_column){.relation = relation,
                                         .name = output->name,
                                         .id = output->id,
                                         .type = output->type,
                                         .nullable = output->nullable,
                                         .plan = plan});
    }
}

/* The name as people write it: t.a */
static gly_str full_name(gly_analyzer *an, const gly_ast_expr *name) {
    gly_builder text = {0};
    for (uint32_t i = 0; i < name->part_count; i++) {
        gly_builder_format(&text, "%s%.*s", i == 0 ? "" : ".",
                           (int)GLY_MIN(name->parts[i].size, (size_t)128), name->parts[i].data);
    }
    gly_str copy = gly_arena_str(an->arena, gly_builder_str(&text));
    gly_builder_clear(&text);
    return copy;
}

static bool matches(const gly_scope_column *column, const gly_ast_expr *name) {
    gly_str last = name->parts[name->part_count - 1];
    if (!gly_str_equal_ignore_case(column->name, last)) {
        return false;
    }
    if (name->part_count == 1) {
        return !column->is_hidden;
    }
    return column->relation.size > 0 &&
           gly_str_equal_ignore_case(column->relation, name->parts[name->part_count - 2]);
}

static gly_status fail_ambiguous(gly_analyzer *an, const gly_scope *scope,
                                 const gly_ast_expr *name) {
    gly_builder candidates = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < scope->count && count < 5; i++) {
        const gly_scope_column *column = &scope->columns[i];
        if (matches(column, name)) {
            gly_builder_format(&candidates, "%s%.*s%s%.*s", count++ == 0 ? "" : ", ",
                               (int)GLY_MIN(column->relation.size, (size_t)64),
                               column->relation.data, column->relation.size > 0 ? "." : "",
                               (int)GLY_MIN(column->name.size, (size_t)64), column->name.data);
        }
    }
    gly_str text = full_name(an, name);
    gly_status status = gly_fail(
        an->err, GLY_E_AMBIGUOUS_COLUMN,
        "Column '%.*s' is ambiguous (line %u, column %u): it could be %s. Write the name of the "
        "table in front of it",
        GLY_STR_ARG(text), name->line, name->position, candidates.data);
    gly_builder_clear(&candidates);
    return status;
}

/* The id under which the column's own table put it out, if it was only passed on since then. */
static uint32_t origin_of(const gly_scope_column *column) {
    const gly_logical *plan = column->plan;
    uint32_t id = column->id;
    while (plan != NULL) {
        uint32_t at = gly_logical_find(plan, id);
        if (at == plan->output_count) {
            break;
        }
        if (plan->kind == GLY_LOGICAL_PROJECT) {
            const gly_expr *expr = plan->project.exprs[at];
            if (expr->kind != GLY_EXPR_COLUMN ||
                !gly_str_equal(expr->name, plan->output[at].name)) {
                break;
            }
            id = expr->column;
        } else if (plan->kind != GLY_LOGICAL_FILTER && plan->kind != GLY_LOGICAL_SORT &&
                   plan->kind != GLY_LOGICAL_LIMIT) {
            break;
        }
        plan = plan->children[0];
    }
    return id;
}

/* SELECT a, a puts out one column twice: either may be meant. */
static bool is_same_column(const gly_scope_column *a, const gly_scope_column *b) {
    return a->id == b->id ||
           (a->plan != NULL && a->plan == b->plan && origin_of(a) == origin_of(b));
}

static gly_status find_column(gly_analyzer *an, const gly_scope *scope, const gly_ast_expr *name,
                              const gly_scope_column **ret) {
    const gly_scope_column *found = NULL;
    for (uint32_t i = 0; i < scope->count; i++) {
        const gly_scope_column *column = &scope->columns[i];
        if (!matches(column, name)) {
            continue;
        }
        if (found != NULL && !is_same_column(found, column)) {
            return fail_ambiguous(an, scope, name);
        }
        found = found == NULL ? column : found;
    }
    *ret = found;
    return GLY_OK;
}

static gly_status find_alias(gly_analyzer *an, const gly_scope *scope, const gly_ast_expr *name,
                             gly_expr **ret) {
    *ret = NULL;
    if (name->part_count != 1) {
        return GLY_OK;
    }
    for (uint32_t i = 0; i < scope->alias_count; i++) {
        const gly_item *item = &scope->aliases[i];
        if (!gly_str_equal_ignore_case(item->name, name->parts[0])) {
            continue;
        }
        if (*ret != NULL && !gly_expr_equal(*ret, item->expr)) {
            return gly_analyze_fail(an, GLY_E_AMBIGUOUS_COLUMN, name->line, name->position,
                                    "Column '%.*s' is ambiguous: two columns of the select list "
                                    "have this name",
                                    GLY_STR_ARG(name->parts[0]));
        }
        *ret = item->expr;
    }
    if (*ret != NULL) {
        GLY_TRY(gly_analyze_shared(an, *ret, 1));
    }
    if (*ret != NULL && scope->alias_use == GLY_ALIAS_LAST && scope->aggregates_allowed &&
        !gly_expr_is_deterministic(*ret)) {
        return gly_analyze_fail(an, GLY_E_UNSUPPORTED, name->line, name->position,
                                "'%.*s' is an item of this select list that gives another value "
                                "each time; put it into a subquery to use it here",
                                GLY_STR_ARG(name->parts[0]));
    }
    if (*ret != NULL && !scope->aggregates_allowed && gly_expr_has_aggregate(*ret)) {
        return gly_analyze_fail(an, GLY_E_GROUPING, name->line, name->position,
                                "'%.*s' is an aggregate and cannot be used in %s",
                                GLY_STR_ARG(name->parts[0]), scope->clause);
    }
    return GLY_OK;
}

/* suggestions */

typedef struct suggestion {
    size_t distance;
    gly_str name;
} suggestion;

enum { SUGGESTIONS = 3, LONGEST_COMPARED = 128 };

static void consider(suggestion best[SUGGESTIONS], gly_str wanted, gly_str candidate) {
    if (candidate.size == 0 || candidate.size > LONGEST_COMPARED ||
        wanted.size > LONGEST_COMPARED) {
        return;
    }
    size_t distance = gly_str_distance(wanted, candidate);
    if (distance > GLY_MAX(wanted.size / 3, (size_t)1) + 1) {
        return;
    }
    for (int i = 0; i < SUGGESTIONS; i++) {
        if (best[i].name.size > 0 && gly_str_equal_ignore_case(best[i].name, candidate)) {
            return;
        }
    }
    for (int i = 0; i < SUGGESTIONS; i++) {
        if (best[i].name.size == 0 || distance < best[i].distance) {
            memmove(best + i + 1, best + i, (size_t)(SUGGESTIONS - 1 - i) * sizeof *best);
            best[i] = (suggestion){distance, candidate};
            return;
        }
    }
}

/* "Did you mean 'a' or 'b'?", or what columns there are. */
static void describe_near(const gly_scope *scope, const gly_ast_expr *name, gly_builder *out) {
    suggestion best[SUGGESTIONS] = {{0, {NULL, 0}}};
    gly_str wanted = name->parts[name->part_count - 1];
    for (uint32_t i = 0; i < scope->count; i++) {
        consider(best, wanted, scope->columns[i].name);
    }
    for (uint32_t i = 0; i < scope->alias_count; i++) {
        consider(best, wanted, scope->aliases[i].name);
    }
    if (best[0].name.size > 0) {
        bool more = best[1].name.size > 0 && best[1].distance == best[0].distance;
        gly_builder_format(out, ". Did you mean '%.*s'", GLY_STR_ARG(best[0].name));
        if (more) {
            gly_builder_format(out, " or '%.*s'", GLY_STR_ARG(best[1].name));
        }
        gly_builder_add_char(out, '?');
        return;
    }
    uint32_t shown = 0;
    for (uint32_t i = 0; i < scope->count && shown < 8; i++) {
        if (!scope->columns[i].is_hidden) {
            gly_builder_format(out, "%s%.*s", shown++ == 0 ? ". The columns here are " : ", ",
                               (int)GLY_MIN(scope->columns[i].name.size, (size_t)64),
                               scope->columns[i].name.data);
        }
    }
    if (shown == 8 && scope->count > 8) {
        gly_builder_add_text(out, ", ...");
    }
    if (scope->count == 0) {
        gly_builder_add_text(out, ". There is no FROM here that has columns; put text into quotes: "
                                  "'...'");
    }
}

/* The name is known further outside than it may be used. */
static gly_status fail_around(gly_analyzer *an, const gly_ast_expr *name) {
    for (const gly_scope *scope = an->around; scope != NULL; scope = scope->outer) {
        const gly_scope_column *column;
        GLY_TRY(find_column(an, scope, name, &column));
        if (column != NULL) {
            gly_str text = full_name(an, name);
            return gly_analyze_fail(
                an, GLY_E_UNSUPPORTED, name->line, name->position,
                "Column '%.*s' belongs to the query around this one; a subquery may name such "
                "columns in its own WHERE, but not yet inside a set operation or a query in FROM",
                GLY_STR_ARG(text));
        }
    }
    return GLY_OK;
}

static gly_status fail_unknown(gly_analyzer *an, const gly_scope *scope, const gly_ast_expr *name) {
    GLY_TRY(fail_around(an, name));
    gly_str text = full_name(an, name);
    if (name->part_count > 1) {
        bool known = false;
        gly_str relation = name->parts[name->part_count - 2];
        for (const gly_scope *s = scope; s != NULL && !known; s = s->outer) {
            for (uint32_t i = 0; i < s->count && !known; i++) {
                known = gly_str_equal_ignore_case(s->columns[i].relation, relation);
            }
        }
        if (!known) {
            return gly_analyze_fail(an, GLY_E_COLUMN_NOT_FOUND, name->line, name->position,
                                    "Column '%.*s' does not exist: FROM has no table called "
                                    "'%.*s' here",
                                    GLY_STR_ARG(text), (int)GLY_MIN(relation.size, (size_t)128),
                                    relation.data);
        }
    }
    gly_builder near = {0};
    describe_near(scope, name, &near);
    gly_status status = gly_fail(
        an->err, GLY_E_COLUMN_NOT_FOUND, "Column '%.*s' does not exist (line %u, column %u)%s",
        GLY_STR_ARG(text), name->line, name->position, near.data == NULL ? "" : near.data);
    gly_builder_clear(&near);
    return status;
}

static gly_expr *make_column(gly_analyzer *an, const gly_scope_column *column,
                             const gly_ast_expr *name) {
    gly_expr *expr =
        gly_expr_column(an->arena, column->id, column->type, column->nullable, column->name);
    expr->line = name->line;
    expr->position = name->position;
    return expr;
}

static gly_status find_outer(gly_analyzer *an, const gly_scope *scope, const gly_ast_expr *name,
                             gly_expr **ret) {
    *ret = NULL;
    uint32_t levels = 1;
    for (const gly_scope *outer = scope->outer; outer != NULL; outer = outer->outer, levels++) {
        const gly_scope_column *column;
        GLY_TRY(find_column(an, outer, name, &column));
        if (column == NULL) {
            continue;
        }
        gly_str text = full_name(an, name);
        if (levels > 1 || !scope->outer_allowed) {
            return gly_analyze_fail(
                an, GLY_E_UNSUPPORTED, name->line, name->position,
                "Column '%.*s' belongs to %s; a subquery may name such columns only in its own "
                "WHERE, compared with its own columns",
                GLY_STR_ARG(text),
                levels > 1 ? "a query further outside" : "the query around this one");
        }
        *ret = make_column(an, column, name);
        return GLY_OK;
    }
    return GLY_OK;
}

gly_status gly_scope_resolve(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *name,
                             gly_expr **ret) {
    gly_alias_use use = scope->in_aggregate && scope->alias_use == GLY_ALIAS_FIRST
                            ? GLY_ALIAS_LAST
                            : scope->alias_use;
    gly_expr *alias = NULL;
    if (use == GLY_ALIAS_FIRST) {
        GLY_TRY(find_alias(an, scope, name, &alias));
        if (alias != NULL) {
            *ret = alias;
            return GLY_OK;
        }
    }
    const gly_scope_column *column;
    GLY_TRY(find_column(an, scope, name, &column));
    if (column != NULL) {
        *ret = make_column(an, column, name);
        return GLY_OK;
    }
    if (use == GLY_ALIAS_LAST) {
        GLY_TRY(find_alias(an, scope, name, &alias));
        if (alias != NULL) {
            *ret = alias;
            return GLY_OK;
        }
    }
    GLY_TRY(find_outer(an, scope, name, ret));
    if (*ret != NULL) {
        return GLY_OK;
    }
    if (name->part_count == 1) {
        GLY_TRY(gly_resolve_call_bare(an, name, ret));
        if (*ret != NULL) {
            return GLY_OK;
        }
    }
    return fail_unknown(an, scope, name);
}

gly_status gly_scope_expand(gly_analyzer *an, const gly_scope *scope, const gly_ast_expr *star,
                            uint32_t *count, gly_item **items) {
    gly_str relation = {NULL, 0};
    if (star->part_count > 0) {
        relation = star->parts[star->part_count - 1];
    }
    uint32_t before = *count;
    GLY_TRY(gly_analyze_work(an, scope->count));
    for (uint32_t i = 0; i < scope->count; i++) {
        const gly_scope_column *column = &scope->columns[i];
        if (star->part_count == 0 ? column->is_hidden
                                  : !gly_str_equal_ignore_case(column->relation, relation)) {
            continue;
        }
        gly_item item = {column->name, make_column(an, column, star)};
        GLY_ANALYZER_PUSH(an, *items, *count, item);
    }
    if (*count == before && star->part_count > 0) {
        return gly_analyze_fail(an, GLY_E_COLUMN_NOT_FOUND, star->line, star->position,
                                "'%.*s.*' names no table of FROM",
                                (int)GLY_MIN(relation.size, (size_t)128), relation.data);
    }
    if (scope->count == 0) {
        return gly_analyze_fail(an, GLY_E_ANALYSIS, star->line, star->position,
                                "* needs a FROM that has columns");
    }
    return GLY_OK;
}
