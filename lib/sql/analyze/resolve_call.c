/* resolve_call.c - calls by name: the function table, and the names that are not in it.
 *
 * Some names are other expressions in disguise (to_date(x) is a cast, count_if(x) a count) or one
 * value per query (current_date); they are turned into those here.  Aggregates are allowed where
 * the scope says so and never inside each other.
 */
#include "lib/data/timestamp.h"
#include "lib/sql/analyze/analyzer.h"

static bool is_named(const gly_ast_expr *ast, const char *name) {
    return gly_str_equal_ignore_case(ast->name, gly_str_of(name));
}

/* aggregates that are not in the table */
typedef enum disguise { DISGUISE_NONE, DISGUISE_COUNT_IF, DISGUISE_APPROX_COUNT } disguise;

static disguise disguise_of(gly_str name) {
    if (gly_str_equal_ignore_case(name, GLY_STR("count_if"))) {
        return DISGUISE_COUNT_IF;
    }
    if (gly_str_equal_ignore_case(name, GLY_STR("approx_count_distinct"))) {
        return DISGUISE_APPROX_COUNT;
    }
    return DISGUISE_NONE;
}

static bool is_aggregate_name(gly_str name) {
    gly_function_id id;
    return disguise_of(name) != DISGUISE_NONE ||
           (gly_function_find(name, &id) &&
            (gly_function_get(id)->flags & GLY_FUNCTION_AGGREGATE) != 0);
}

bool gly_resolve_call_has_aggregate(const gly_ast_expr *ast) {
    if (ast->kind == GLY_AST_CALL && is_aggregate_name(ast->name)) {
        return true;
    }
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        if (gly_resolve_call_has_aggregate(ast->args[i])) {
            return true;
        }
    }
    return false;
}

/* one value per query */

static int64_t local_now(const gly_analyzer *an) {
    int32_t offset = 0;
    if (an->options->config != NULL) {
        gly_str zone = gly_config_text(an->options->config, GLY_CONFIG_TIME_ZONE);
        if (!gly_timestamp_parse_zone(zone, &offset)) {
            offset = 0;
        }
    }
    return an->options->now_us + offset * GLY_TIMESTAMP_SECOND;
}

static gly_expr *text_literal(gly_analyzer *an, const char *text) {
    return gly_expr_literal(
        an->arena, gly_value_text(GLY_TYPE_OF(STRING), gly_arena_str(an->arena, gly_str_of(text))));
}

static gly_expr *constant_of(gly_analyzer *an, gly_str name) {
    static const struct {
        const char *name;
        gly_type_id type; /* NULL: text */
        const char *text;
    } constants[] = {
        {"current_date", GLY_TYPE_DATE, NULL},
        {"curdate", GLY_TYPE_DATE, NULL},
        {"current_timestamp", GLY_TYPE_TIMESTAMP, NULL},
        {"now", GLY_TYPE_TIMESTAMP, NULL},
        {"localtimestamp", GLY_TYPE_TIMESTAMP_NTZ, NULL},
        {"current_user", GLY_TYPE_NULL, "galley"},
        {"user", GLY_TYPE_NULL, "galley"},
        {"session_user", GLY_TYPE_NULL, "galley"},
        {"current_catalog", GLY_TYPE_NULL, "spark_catalog"},
        {"current_database", GLY_TYPE_NULL, "default"},
        {"current_schema", GLY_TYPE_NULL, "default"},
        {"version", GLY_TYPE_NULL, "4.0.0 galley"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(constants); i++) {
        if (!gly_str_equal_ignore_case(name, gly_str_of(constants[i].name))) {
            continue;
        }
        gly_type type = {.id = (uint8_t)constants[i].type};
        switch (constants[i].type) {
        case GLY_TYPE_DATE:
            return gly_expr_literal(an->arena,
                                    gly_value_i64(type, gly_timestamp_to_date(local_now(an))));
        case GLY_TYPE_TIMESTAMP:
            return gly_expr_literal(an->arena, gly_value_i64(type, an->options->now_us));
        case GLY_TYPE_TIMESTAMP_NTZ:
            return gly_expr_literal(an->arena, gly_value_i64(type, local_now(an)));
        default:
            return text_literal(an, constants[i].text);
        }
    }
    return NULL;
}

gly_status gly_resolve_call_bare(gly_analyzer *an, const gly_ast_expr *ast, gly_expr **ret) {
    static const char *const words[] = {"current_date", "current_timestamp",
                                        "current_user", "session_user",
                                        "user",         "localtimestamp"};
    *ret = NULL;
    for (size_t i = 0; i < GLY_ARRAY_LEN(words); i++) {
        if (gly_str_equal_ignore_case(ast->parts[0], gly_str_of(words[i]))) {
            *ret = constant_of(an, ast->parts[0]);
            (*ret)->line = ast->line;
            (*ret)->position = ast->position;
        }
    }
    return GLY_OK;
}

/* EXTRACT and date_part */

static gly_expr *int_literal(gly_analyzer *an, int64_t value) {
    return gly_expr_literal(an->arena, gly_value_i64(GLY_TYPE_OF(INT), value));
}

static gly_status add_one(gly_analyzer *an, const gly_ast_expr *ast, gly_expr **expr) {
    gly_expr *args[2] = {*expr, int_literal(an, 1)};
    return gly_coerce_call(an, GLY_FN_ADD, 2, args, ast->line, ast->position, expr);
}

gly_status gly_resolve_call_extract(gly_analyzer *an, const gly_ast_expr *ast, gly_str field,
                                    gly_expr *arg, gly_expr **ret) {
    static const struct {
        const char *name;
        gly_function_id function;
    } fields[] = {
        {"year", GLY_FN_YEAR},
        {"y", GLY_FN_YEAR},
        {"years", GLY_FN_YEAR},
        {"yr", GLY_FN_YEAR},
        {"quarter", GLY_FN_QUARTER},
        {"qtr", GLY_FN_QUARTER},
        {"month", GLY_FN_MONTH},
        {"mon", GLY_FN_MONTH},
        {"months", GLY_FN_MONTH},
        {"day", GLY_FN_DAY},
        {"d", GLY_FN_DAY},
        {"days", GLY_FN_DAY},
        {"week", GLY_FN_WEEKOFYEAR},
        {"w", GLY_FN_WEEKOFYEAR},
        {"weeks", GLY_FN_WEEKOFYEAR},
        {"dayofweek", GLY_FN_DAYOFWEEK},
        {"dow", GLY_FN_DAYOFWEEK},
        {"doy", GLY_FN_DAYOFYEAR},
        {"dayofyear", GLY_FN_DAYOFYEAR},
        {"hour", GLY_FN_HOUR},
        {"h", GLY_FN_HOUR},
        {"hours", GLY_FN_HOUR},
        {"minute", GLY_FN_MINUTE},
        {"m", GLY_FN_MINUTE},
        {"min", GLY_FN_MINUTE},
        {"minutes", GLY_FN_MINUTE},
        {"second", GLY_FN_SECOND_FRACTION},
        {"s", GLY_FN_SECOND_FRACTION},
        {"sec", GLY_FN_SECOND_FRACTION},
        {"seconds", GLY_FN_SECOND_FRACTION},
        {"yearofweek", GLY_FN_YEAR_OF_WEEK},
        {"dayofweek_iso", GLY_FN_WEEKDAY}, /* from 1 instead of 0 */
        {"dow_iso", GLY_FN_WEEKDAY},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(fields); i++) {
        if (gly_str_equal_ignore_case(field, gly_str_of(fields[i].name))) {
            GLY_TRY(
                gly_coerce_call(an, fields[i].function, 1, &arg, ast->line, ast->position, ret));
            return fields[i].function == GLY_FN_WEEKDAY ? add_one(an, ast, ret) : GLY_OK;
        }
    }
    return gly_analyze_fail(an, GLY_E_ANALYSIS, ast->line, ast->position,
                            "EXTRACT does not know the field '%.*s'; it knows year, quarter, "
                            "month, week, day, dayofweek, doy, hour, minute and second",
                            (int)GLY_MIN(field.size, (size_t)64), field.data);
}

static gly_status resolve_date_part(gly_analyzer *an, const gly_ast_expr *ast, uint32_t count,
                                    gly_expr **args, gly_expr **ret) {
    if (count != 2 || args[0]->kind != GLY_EXPR_LITERAL || args[0]->type.id != GLY_TYPE_STRING ||
        args[0]->value.is_null) {
        return gly_analyze_fail(an, GLY_E_WRONG_ARGUMENTS, ast->line, ast->position,
                                "%.*s takes the name of a field in quotes and a date",
                                GLY_STR_ARG(ast->name));
    }
    return gly_resolve_call_extract(an, ast, args[0]->value.text, args[1], ret);
}

/* other disguises: *ret stays NULL if name is none */

static gly_status resolve_typeof(gly_analyzer *an, const gly_ast_expr *ast, uint32_t count,
                                 gly_expr **args, gly_expr **ret) {
    if (count != 1) {
        return gly_analyze_fail(an, GLY_E_WRONG_ARGUMENTS, ast->line, ast->position,
                                "Function typeof takes 1 argument, but was given %u", count);
    }
    char type[GLY_TYPE_TEXT_SIZE];
    *ret = text_literal(an, gly_type_format(args[0]->type, type, sizeof type));
    return GLY_OK;
}

/* nullifzero(x) = if(x = 0, NULL, x), zeroifnull(x) = coalesce(x, 0); *ret stays NULL if name is
 * neither. */
static gly_status resolve_zero(gly_analyzer *an, const gly_ast_expr *ast, uint32_t count,
                               gly_expr **args, gly_expr **ret) {
    bool null_if = is_named(ast, "nullifzero");
    if (!null_if && !is_named(ast, "zeroifnull")) {
        return GLY_OK;
    }
    if (count != 1) {
        return gly_analyze_fail(an, GLY_E_WRONG_ARGUMENTS, ast->line, ast->position,
                                "Function %.*s takes 1 argument, but was given %u",
                                GLY_STR_ARG(ast->name), count);
    }
    gly_expr *parts[3] = {args[0], int_literal(an, 0), args[0]};
    if (!null_if) {
        return gly_coerce_call(an, GLY_FN_COALESCE, 2, parts, ast->line, ast->position, ret);
    }
    GLY_TRY(gly_coerce_call(an, GLY_FN_EQUAL, 2, parts, ast->line, ast->position, &parts[0]));
    parts[1] = gly_expr_literal(an->arena, gly_value_null(GLY_TYPE_OF(NULL)));
    return gly_coerce_call(an, GLY_FN_IF, 3, parts, ast->line, ast->position, ret);
}

static gly_status resolve_disguise(gly_analyzer *an, const gly_ast_expr *ast, uint32_t count,
                                   gly_expr **args, gly_expr **ret) {
    *ret = NULL;
    if (count == 0) {
        *ret = constant_of(an, ast->name);
        if (*ret == NULL && is_named(ast, "unix_timestamp")) {
            *ret = gly_coerce_bigint(an, an->options->now_us / GLY_TIMESTAMP_SECOND);
        }
        if (*ret == NULL && is_named(ast, "current_timezone")) {
            gly_str zone = an->options->config == NULL
                               ? GLY_STR("UTC")
                               : gly_config_text(an->options->config, GLY_CONFIG_TIME_ZONE);
            *ret = gly_expr_literal(
                an->arena, gly_value_text(GLY_TYPE_OF(STRING), gly_arena_str(an->arena, zone)));
        }
        return GLY_OK;
    }
    if (is_named(ast, "date_part") || is_named(ast, "datepart")) {
        return resolve_date_part(an, ast, count, args, ret);
    }
    if (is_named(ast, "typeof")) {
        return resolve_typeof(an, ast, count, args, ret);
    }
    GLY_TRY(resolve_zero(an, ast, count, args, ret));
    if (*ret != NULL) {
        return GLY_OK;
    }
    bool text = args[0]->type.id == GLY_TYPE_STRING;
    if (is_named(ast, "to_date") && (count == 1 || !text)) {
        return gly_coerce_explicit(an, args[0], GLY_TYPE_OF(DATE), false, ast->line, ast->position,
                                   ret);
    }
    if (is_named(ast, "to_timestamp") && (count == 1 || !text)) {
        return gly_coerce_explicit(an, args[0], GLY_TYPE_OF(TIMESTAMP), false, ast->line,
                                   ast->position, ret);
    }
    return GLY_OK;
}

/* aggregates */

static gly_status check_aggregate(gly_analyzer *an, const gly_scope *scope,
                                  const gly_ast_expr *ast) {
    if (scope->in_aggregate) {
        return gly_analyze_fail(an, GLY_E_GROUPING, ast->line, ast->position,
                                "Aggregate function %.*s cannot be inside another aggregate "
                                "function; compute the inner one in a subquery",
                                GLY_STR_ARG(ast->name));
    }
    if (!scope->aggregates_allowed) {
        bool where = strcmp(scope->clause, "WHERE") == 0;
        return gly_analyze_fail(an, GLY_E_GROUPING, ast->line, ast->position,
                                "Aggregate function %.*s is not allowed in %s%s",
                                GLY_STR_ARG(ast->name), scope->clause, where ? "; use HAVING" : "");
    }
    return GLY_OK;
}

static bool is_constant_not_null(const gly_expr *expr) {
    return expr->kind == GLY_EXPR_LITERAL && !expr->value.is_null;
}

/* Binds the arguments and the filter of an aggregate. */
static gly_status resolve_aggregate_args(gly_analyzer *an, gly_scope *scope,
                                         const gly_ast_expr *ast, gly_expr ***ret_args,
                                         gly_expr **ret_filter) {
    gly_scope inside = *scope;
    inside.in_aggregate = true;
    inside.pending = scope->pending_below;
    GLY_TRY(gly_resolve_expr_list(an, &inside, ast->arg_count, ast->args, ret_args));
    *ret_filter = NULL;
    if (ast->filter != NULL) {
        inside.clause = "FILTER";
        GLY_TRY(gly_resolve_expr_condition(an, &inside, ast->filter, ret_filter));
    }
    return GLY_OK;
}

static gly_status resolve_aggregate(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                    gly_function_id id, gly_expr **ret) {
    GLY_TRY(check_aggregate(an, scope, ast));
    gly_expr **args, *filter;
    GLY_TRY(resolve_aggregate_args(an, scope, ast, &args, &filter));
    uint32_t count = ast->arg_count;
    bool distinct = ast->is_distinct && id != GLY_FN_MIN && id != GLY_FN_MAX &&
                    id != GLY_FN_BOOL_AND && id != GLY_FN_BOOL_OR;
    if (ast->is_star && id != GLY_FN_COUNT) {
        return gly_analyze_fail(an, GLY_E_WRONG_ARGUMENTS, ast->line, ast->position,
                                "%.*s(*) has no meaning; only count(*) has",
                                GLY_STR_ARG(ast->name));
    }
    if (id == GLY_FN_COUNT && count == 0 && !ast->is_star) {
        return gly_analyze_fail(an, GLY_E_WRONG_ARGUMENTS, ast->line, ast->position,
                                "Function count takes at least 1 argument; write count(*) to "
                                "count rows");
    }
    switch (disguise_of(ast->name)) {
    case DISGUISE_COUNT_IF: {
        if (count != 1) {
            return gly_analyze_fail(an, GLY_E_WRONG_ARGUMENTS, ast->line, ast->position,
                                    "Function count_if takes 1 argument, but was given %u", count);
        }
        gly_expr *branch[2] = {args[0], gly_coerce_bigint(an, 1)};
        GLY_TRY(gly_coerce_call(an, GLY_FN_CASE, 2, branch, ast->line, ast->position, &args[0]));
        break;
    }
    case DISGUISE_APPROX_COUNT:
        distinct = true; /* exact is also approximate */
        count = GLY_MIN(count, 1u);
        break;
    case DISGUISE_NONE:
        break;
    }
    if (id == GLY_FN_COUNT && count == 1 && !distinct && is_constant_not_null(args[0])) {
        count = 0; /* count(1) counts rows */
    }
    GLY_TRY(gly_coerce_call(an, id, count, args, ast->line, ast->position, ret));
    (*ret)->is_distinct = distinct;
    (*ret)->filter = filter;
    return GLY_OK;
}

/* plain functions */

static gly_status fail_function(gly_analyzer *an, const gly_ast_expr *ast) {
    static const char *const windows[] = {"row_number",   "rank",      "dense_rank",
                                          "lag",          "lead",      "ntile",
                                          "percent_rank", "cume_dist", "nth_value"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(windows); i++) {
        if (is_named(ast, windows[i])) {
            return gly_analyze_fail(an, GLY_E_UNSUPPORTED, ast->line, ast->position,
                                    "Window functions are not supported yet: %s", windows[i]);
        }
    }
    gly_str name = {ast->name.data, GLY_MIN(ast->name.size, (size_t)128)};
    const char *near = gly_function_suggest(ast->name);
    return gly_fail(an->err, GLY_E_FUNCTION_NOT_FOUND,
                    "Function '%.*s' does not exist (line %u, column %u)%s%s%s", GLY_STR_ARG(name),
                    ast->line, ast->position,
                    near[0] == '\0' ? "; SHOW FUNCTIONS lists what there is" : ". Did you mean '",
                    near, near[0] == '\0' ? "" : "'?");
}

/* Functions for tests are there when a test asks for them. */
static bool is_allowed(const gly_analyzer *an, gly_function_id id) {
    return (id != GLY_FN_TEST_SLEEP && id != GLY_FN_TEST_HOLD) ||
           (an->options->config != NULL &&
            gly_config_bool(an->options->config, GLY_CONFIG_TEST_FUNCTIONS));
}

static gly_status resolve_plain(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                gly_expr **ret) {
    gly_expr **args;
    if (ast->is_star || ast->is_distinct || ast->filter != NULL) {
        return gly_analyze_fail(an, GLY_E_WRONG_ARGUMENTS, ast->line, ast->position,
                                "%s is allowed only in aggregate functions, and '%.*s' is none",
                                ast->is_star       ? "(*)"
                                : ast->is_distinct ? "DISTINCT"
                                                   : "FILTER",
                                (int)GLY_MIN(ast->name.size, (size_t)128), ast->name.data);
    }
    gly_function_id id;
    bool known = gly_function_find(ast->name, &id) && is_allowed(an, id);
    GLY_TRY(gly_resolve_expr_list(an, scope, ast->arg_count, ast->args, &args));
    GLY_TRY(resolve_disguise(an, ast, ast->arg_count, args, ret));
    if (*ret != NULL) {
        if ((*ret)->line == 0) {
            (*ret)->line = ast->line;
            (*ret)->position = ast->position;
        }
        return GLY_OK;
    }
    if (!known && is_named(ast, "random")) {
        id = GLY_FN_RAND;
        known = true;
    }
    if (!known) {
        return fail_function(an, ast);
    }
    return gly_coerce_call(an, id, ast->arg_count, args, ast->line, ast->position, ret);
}

gly_status gly_resolve_call_named(gly_analyzer *an, gly_scope *scope, const gly_ast_expr *ast,
                                  gly_expr **ret) {
    if (ast->name.size == 0) {
        return gly_analyze_fail(an, GLY_E_UNSUPPORTED, ast->line, ast->position,
                                "A row (a, b) is supported only in front of IN (query)");
    }
    gly_function_id id = GLY_FN_COUNT;
    if (disguise_of(ast->name) != DISGUISE_NONE ||
        (gly_function_find(ast->name, &id) &&
         (gly_function_get(id)->flags & GLY_FUNCTION_AGGREGATE) != 0)) {
        return resolve_aggregate(an, scope, ast, id, ret);
    }
    return resolve_plain(an, scope, ast, ret);
}
