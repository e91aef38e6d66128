/* parse_primary.c - one operand: literals, names, calls, CASE, CAST and other special forms, and
 * what stands in parentheses.
 *
 * Special forms (EXTRACT(x FROM y), SUBSTRING(x FROM a FOR b), TRIM(BOTH x FROM y), POSITION(x IN
 * y)) are known by their word and what follows; anything else with a parenthesis is a call whose
 * name the analyzer looks up.  Operators around operands are in parse_expr.c.
 */
#include "lib/sql/parse/parser.h"

static gly_status read_call_args(gly_parser *parser, gly_ast_expr *call) {
    GLY_TRY(gly_parser_expect(parser, '('));
    if (gly_parser_is(parser, '*') && gly_parser_peek_at(parser, 1)->kind == ')') {
        (void)gly_parser_take(parser, '*');
        call->is_star = true;
    } else if (!gly_parser_is(parser, ')')) {
        call->is_distinct = gly_parser_take_word(parser, GLY_KW_DISTINCT);
        if (!call->is_distinct && gly_parser_is_word(parser, GLY_KW_ALL) &&
            gly_parser_peek_at(parser, 1)->kind != ')' &&
            gly_parser_peek_at(parser, 1)->kind != ',') {
            (void)gly_parser_take_word(parser, GLY_KW_ALL);
        }
        GLY_TRY(gly_parse_expr_list(parser, &call->arg_count, &call->args));
    }
    return gly_parser_expect(parser, ')');
}

/* FILTER (WHERE ...), OVER: behind the parenthesis of a call. */
static gly_status read_call_tail(gly_parser *parser, gly_ast_expr *call) {
    const gly_token *token = gly_parser_peek(parser);
    const gly_token *next = gly_parser_peek_at(parser, 1);
    if (gly_parser_is_word(parser, GLY_KW_FILTER) && next->kind == '(') {
        (void)gly_parser_take_word(parser, GLY_KW_FILTER);
        GLY_TRY(gly_parser_expect(parser, '('));
        GLY_TRY(gly_parser_expect_word(parser, GLY_KW_WHERE));
        GLY_TRY(gly_parse_expr_read(parser, &call->filter));
        GLY_TRY(gly_parser_expect(parser, ')'));
    }
    token = gly_parser_peek(parser);
    next = gly_parser_peek_at(parser, 1);
    if (gly_parser_is_word(parser, GLY_KW_OVER) &&
        (next->kind == '(' || next->kind == GLY_TOKEN_WORD)) {
        return gly_parser_refuse(parser, token, "Window functions are not supported yet");
    }
    if (token->kind == GLY_TOKEN_WORD && next->kind == GLY_TOKEN_WORD &&
        ((gly_str_equal_ignore_case(token->text, GLY_STR("within")) &&
          next->keyword == GLY_KW_GROUP) ||
         ((gly_str_equal_ignore_case(token->text, GLY_STR("ignore")) ||
           gly_str_equal_ignore_case(token->text, GLY_STR("respect"))) &&
          next->keyword == GLY_KW_NULLS))) {
        return gly_parser_refuse(parser, token, "%.*s %.*s is not supported yet",
                                 GLY_STR_ARG(token->text), GLY_STR_ARG(next->text));
    }
    return GLY_OK;
}

/* date(x), int(x): a cast. */
static bool is_cast_name(gly_str name, gly_type *ret) {
    static const char *const names[] = {"boolean", "tinyint",   "smallint", "int",
                                        "bigint",  "float",     "double",   "decimal",
                                        "date",    "timestamp", "binary",   "string"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(names); i++) {
        if (gly_str_equal_ignore_case(name, gly_str_of(names[i]))) {
            return gly_type_parse(name, ret);
        }
    }
    return false;
}

static bool is_one_of(gly_str name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (gly_str_equal_ignore_case(name, gly_str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

/* timestampadd(HOUR, n, time), timestampdiff(HOUR, start, end) and what else Spark calls them: the
 * unit is a word, not a column, and goes on as a text. */
static void name_unit(gly_parser *parser, const gly_token *token, gly_ast_expr *call) {
    static const char *const adds[] = {"timestampadd", "dateadd", "date_add"};
    static const char *const diffs[] = {"timestampdiff", "datediff", "date_diff", "timediff"};
    bool add = is_one_of(call->name, adds, GLY_ARRAY_LEN(adds));
    if (call->arg_count != 3 || call->args[0]->kind != GLY_AST_NAME ||
        call->args[0]->part_count != 1 ||
        (!add && !is_one_of(call->name, diffs, GLY_ARRAY_LEN(diffs)))) {
        return;
    }
    call->name = add ? GLY_STR("timestampadd") : GLY_STR("timestampdiff");
    call->args[0] = gly_parser_literal(
        parser, token, gly_value_text(GLY_TYPE_OF(STRING), call->args[0]->parts[0]));
}

static gly_status read_call(gly_parser *parser, const gly_token *token, gly_str name,
                            gly_ast_expr **ret) {
    gly_ast_expr *call = gly_parser_make(parser, GLY_AST_CALL, token, 0);
    call->name = name;
    GLY_TRY(read_call_args(parser, call));
    GLY_TRY(read_call_tail(parser, call));
    name_unit(parser, token, call);
    gly_type type;
    if (call->arg_count == 1 && !call->is_distinct && call->filter == NULL &&
        is_cast_name(name, &type)) {
        call->kind = GLY_AST_CAST;
        call->type = type;
    }
    *ret = call;
    return gly_parser_finish(parser, call);
}

/* a, a.b.c, a.*, f(...), `a`(...) */
static gly_status read_name(gly_parser *parser, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    gly_str *parts = NULL;
    uint32_t count = 0;
    while (true) {
        gly_str part;
        GLY_TRY(gly_parser_name(parser, count > 0, "a value or a column", &part));
        GLY_PARSER_PUSH(parser, parts, count, part);
        if (!gly_parser_is(parser, '.')) {
            break;
        }
        (void)gly_parser_take(parser, '.');
        if (gly_parser_take(parser, '*')) {
            gly_ast_expr *star = gly_parser_make(parser, GLY_AST_STAR, token, 0);
            star->parts = parts;
            star->part_count = count;
            *ret = star;
            return GLY_OK;
        }
    }
    if (gly_parser_is(parser, '(') && count <= 3) {
        return read_call(parser, token, parts[count - 1], ret); /* catalog.schema.f */
    }
    gly_ast_expr *name = gly_parser_make(parser, GLY_AST_NAME, token, 0);
    name->parts = parts;
    name->part_count = count;
    *ret = name;
    return GLY_OK;
}

static gly_status read_case(gly_parser *parser, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    gly_ast_expr *expr = gly_parser_make(parser, GLY_AST_CASE, token, 0);
    uint32_t count = 0;
    gly_ast_expr **args = NULL;
    (void)gly_parser_take_word(parser, GLY_KW_CASE);
    if (!gly_parser_is_word(parser, GLY_KW_WHEN)) {
        gly_ast_expr *operand;
        GLY_TRY(gly_parse_expr_read(parser, &operand));
        GLY_PARSER_PUSH(parser, args, count, operand);
        expr->has_operand = true;
    }
    if (!gly_parser_is_word(parser, GLY_KW_WHEN)) {
        return gly_parser_fail(parser, "expected WHEN");
    }
    while (gly_parser_take_word(parser, GLY_KW_WHEN)) {
        gly_ast_expr *part;
        GLY_TRY(gly_parse_expr_read(parser, &part));
        GLY_PARSER_PUSH(parser, args, count, part);
        GLY_TRY(gly_parser_expect_word(parser, GLY_KW_THEN));
        GLY_TRY(gly_parse_expr_read(parser, &part));
        GLY_PARSER_PUSH(parser, args, count, part);
    }
    if (gly_parser_take_word(parser, GLY_KW_ELSE)) {
        gly_ast_expr *other;
        GLY_TRY(gly_parse_expr_read(parser, &other));
        GLY_PARSER_PUSH(parser, args, count, other);
    }
    if (!gly_parser_take_word(parser, GLY_KW_END)) {
        return gly_parser_fail(parser,
                               "expected WHEN, ELSE or END of the CASE at line %u, column %u",
                               token->line, token->position);
    }
    expr->arg_count = count;
    expr->args = args;
    *ret = expr;
    return gly_parser_finish(parser, expr);
}

static gly_status read_cast(gly_parser *parser, bool is_try, gly_ast_expr **ret) {
    gly_ast_expr *expr = gly_parser_make(parser, GLY_AST_CAST, gly_parser_peek(parser), 1);
    expr->is_try = is_try;
    (void)gly_parser_take(parser, GLY_TOKEN_WORD);
    GLY_TRY(gly_parser_expect(parser, '('));
    GLY_TRY(gly_parse_expr_read(parser, &expr->args[0]));
    GLY_TRY(gly_parser_expect_word(parser, GLY_KW_AS));
    GLY_TRY(gly_parse_literal_type(parser, &expr->type));
    GLY_TRY(gly_parser_expect(parser, ')'));
    *ret = expr;
    return gly_parser_finish(parser, expr);
}

static gly_status read_extract(gly_parser *parser, gly_ast_expr **ret) {
    gly_ast_expr *expr = gly_parser_make(parser, GLY_AST_EXTRACT, gly_parser_peek(parser), 1);
    (void)gly_parser_take(parser, GLY_TOKEN_WORD);
    GLY_TRY(gly_parser_expect(parser, '('));
    if (gly_parser_is(parser, GLY_TOKEN_STRING)) {
        GLY_TRY(gly_parser_string(parser, "a field", &expr->name));
    } else {
        GLY_TRY(gly_parser_name(parser, false, "a field such as YEAR or MONTH", &expr->name));
    }
    GLY_TRY(gly_parser_expect_word(parser, GLY_KW_FROM));
    GLY_TRY(gly_parse_expr_read(parser, &expr->args[0]));
    GLY_TRY(gly_parser_expect(parser, ')'));
    *ret = expr;
    return gly_parser_finish(parser, expr);
}

/* NAME(x, y, ... of a call that may go on with words instead of commas; before its ')'. */
static gly_status read_list_so_far(gly_parser *parser, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    gly_ast_expr *call = gly_parser_make(parser, GLY_AST_CALL, token, 0);
    call->name = token->text;
    (void)gly_parser_take(parser, GLY_TOKEN_WORD);
    GLY_TRY(gly_parser_expect(parser, '('));
    if (!gly_parser_is(parser, ')')) {
        GLY_TRY(gly_parse_expr_list(parser, &call->arg_count, &call->args));
    }
    *ret = call;
    return GLY_OK;
}

/* SUBSTRING(x FROM a [FOR b]); with commas it is an ordinary call. */
static gly_status read_substring(gly_parser *parser, gly_ast_expr **ret) {
    gly_ast_expr *call;
    GLY_TRY(read_list_so_far(parser, &call));
    if (call->arg_count == 1 && gly_parser_take_word(parser, GLY_KW_FROM)) {
        gly_ast_expr **args = GLY_ARENA_ARRAY(parser->arena, gly_ast_expr *, 3);
        args[0] = call->args[0];
        GLY_TRY(gly_parse_expr_read(parser, &args[1]));
        call->arg_count = 2;
        if (gly_parser_take_word(parser, GLY_KW_FOR)) {
            GLY_TRY(gly_parse_expr_read(parser, &args[2]));
            call->arg_count = 3;
        }
        call->args = args;
    }
    GLY_TRY(gly_parser_expect(parser, ')'));
    *ret = call;
    return gly_parser_finish(parser, call);
}

/* TRIM([BOTH | LEADING | TRAILING] [characters] FROM text), TRIM(text) */
static gly_status read_trim(gly_parser *parser, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    gly_ast_expr *call = gly_parser_make(parser, GLY_AST_CALL, token, 0);
    call->name = GLY_STR("trim");
    (void)gly_parser_take(parser, GLY_TOKEN_WORD);
    GLY_TRY(gly_parser_expect(parser, '('));
    uint16_t behind = gly_parser_peek_at(parser, 1)->kind;
    bool directed = false;
    if (behind != ')' && behind != ',' && behind != '(' && behind != '.') {
        if (gly_parser_take_word(parser, GLY_KW_LEADING)) {
            call->name = GLY_STR("ltrim");
            directed = true;
        } else if (gly_parser_take_word(parser, GLY_KW_TRAILING)) {
            call->name = GLY_STR("rtrim");
            directed = true;
        } else {
            directed = gly_parser_take_word(parser, GLY_KW_BOTH);
        }
    }
    gly_ast_expr **args = GLY_ARENA_ARRAY(parser->arena, gly_ast_expr *, 2);
    uint32_t count = 0;
    if (!(directed && gly_parser_is_word(parser, GLY_KW_FROM)) && !gly_parser_is(parser, ')')) {
        GLY_TRY(gly_parse_expr_read(parser, &args[count++]));
    }
    if (gly_parser_take_word(parser, GLY_KW_FROM)) {
        args[1] = args[0];
        GLY_TRY(gly_parse_expr_read(parser, &args[0]));
        count++;
    } else if (!directed && gly_parser_take(parser, ',')) {
        GLY_TRY(gly_parse_expr_read(parser, &args[count++]));
    } else if (directed) {
        return gly_parser_fail(parser, "expected FROM");
    }
    GLY_TRY(gly_parser_expect(parser, ')'));
    call->arg_count = count;
    call->args = args;
    *ret = call;
    return gly_parser_finish(parser, call);
}

/* POSITION(x IN y), POSITION(x, y[, start]) */
static gly_status read_position(gly_parser *parser, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    gly_ast_expr *call = gly_parser_make(parser, GLY_AST_CALL, token, 0);
    call->name = token->text;
    (void)gly_parser_take(parser, GLY_TOKEN_WORD);
    GLY_TRY(gly_parser_expect(parser, '('));
    gly_ast_expr **args = NULL;
    uint32_t count = 0;
    gly_ast_expr *arg;
    GLY_TRY(gly_parse_expr_value(parser, &arg)); /* IN is not a predicate of it */
    GLY_PARSER_PUSH(parser, args, count, arg);
    if (gly_parser_take_word(parser, GLY_KW_IN)) {
        call->name = GLY_STR("locate");
        GLY_TRY(gly_parse_expr_read(parser, &arg));
        GLY_PARSER_PUSH(parser, args, count, arg);
    } else {
        while (gly_parser_take(parser, ',')) {
            GLY_TRY(gly_parse_expr_read(parser, &arg));
            GLY_PARSER_PUSH(parser, args, count, arg);
        }
    }
    GLY_TRY(gly_parser_expect(parser, ')'));
    call->arg_count = count;
    call->args = args;
    *ret = call;
    return gly_parser_finish(parser, call);
}

static bool is_word(const gly_token *token, const char *word) {
    return token->kind == GLY_TOKEN_WORD &&
           gly_str_equal_ignore_case(token->text, gly_str_of(word));
}

/* OVERLAY(x PLACING y FROM a [FOR b]), OVERLAY(x, y, a[, b]); the word has no other meaning. */
static gly_status read_overlay(gly_parser *parser, gly_ast_expr **ret) {
    gly_ast_expr *call;
    GLY_TRY(read_list_so_far(parser, &call));
    if (call->arg_count == 1 && is_word(gly_parser_peek(parser), "placing")) {
        gly_ast_expr **args = GLY_ARENA_ARRAY(parser->arena, gly_ast_expr *, 4);
        args[0] = call->args[0];
        (void)gly_parser_take(parser, GLY_TOKEN_WORD);
        GLY_TRY(gly_parse_expr_read(parser, &args[1]));
        GLY_TRY(gly_parser_expect_word(parser, GLY_KW_FROM));
        GLY_TRY(gly_parse_expr_read(parser, &args[2]));
        call->arg_count = 3;
        if (gly_parser_take_word(parser, GLY_KW_FOR)) {
            GLY_TRY(gly_parse_expr_read(parser, &args[3]));
            call->arg_count = 4;
        }
        call->args = args;
    }
    GLY_TRY(gly_parser_expect(parser, ')'));
    *ret = call;
    return gly_parser_finish(parser, call);
}

static gly_status read_subquery(gly_parser *parser, gly_ast_kind kind, const gly_token *token,
                                gly_ast_expr **ret) {
    gly_ast_expr *expr = gly_parser_make(parser, kind, token, 0);
    GLY_TRY(gly_parser_expect(parser, '('));
    GLY_TRY(gly_parse_select_query(parser, &expr->query));
    GLY_TRY(gly_parser_expect(parser, ')'));
    *ret = expr;
    return GLY_OK;
}

static gly_status read_parenthesis(gly_parser *parser, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    if (gly_parse_select_is_query(parser)) {
        return read_subquery(parser, GLY_AST_SUBQUERY, token, ret);
    }
    GLY_TRY(gly_parser_expect(parser, '('));
    uint32_t count;
    gly_ast_expr **items;
    GLY_TRY(gly_parse_expr_list(parser, &count, &items));
    GLY_TRY(gly_parser_expect(parser, ')'));
    if (count == 1) {
        *ret = items[0];
        return GLY_OK;
    }
    gly_ast_expr *row = gly_parser_make(parser, GLY_AST_CALL, token, 0); /* only before IN */
    row->arg_count = count;
    row->args = items;
    *ret = row;
    return gly_parser_finish(parser, row);
}

/* Words with a meaning of their own here; *ret stays NULL for all others. */
static gly_status read_word(gly_parser *parser, gly_ast_expr **ret) { /* long: one case per word */
    const gly_token *token = gly_parser_peek(parser);
    const gly_token *next = gly_parser_peek_at(parser, 1);
    bool call = next->kind == '(';
    *ret = NULL;
    switch (token->keyword) {
    case GLY_KW_NULL:
        (void)gly_parser_take(parser, GLY_TOKEN_WORD);
        *ret = gly_parser_literal(parser, token, gly_value_null(GLY_TYPE_OF(NULL)));
        return GLY_OK;
    case GLY_KW_TRUE:
    case GLY_KW_FALSE:
        (void)gly_parser_take(parser, GLY_TOKEN_WORD);
        *ret = gly_parser_literal(
            parser, token, gly_value_i64(GLY_TYPE_OF(BOOLEAN), token->keyword == GLY_KW_TRUE));
        return GLY_OK;
    case GLY_KW_CASE:
        return read_case(parser, ret);
    case GLY_KW_INTERVAL:
        return gly_parse_literal_interval(parser, ret);
    case GLY_KW_DATE:
    case GLY_KW_TIMESTAMP:
    case GLY_KW_TIMESTAMP_LTZ:
    case GLY_KW_TIMESTAMP_NTZ:
        if (next->kind != GLY_TOKEN_STRING) {
            return GLY_OK;
        }
        return gly_parse_literal_typed(parser,
                                       token->keyword == GLY_KW_DATE ? GLY_TYPE_OF(DATE)
                                       : token->keyword == GLY_KW_TIMESTAMP_NTZ
                                           ? GLY_TYPE_OF(TIMESTAMP_NTZ)
                                           : GLY_TYPE_OF(TIMESTAMP),
                                       ret);
    case GLY_KW_CAST:
        return call ? read_cast(parser, false, ret) : GLY_OK;
    case GLY_KW_TRY_CAST:
        return call ? read_cast(parser, true, ret) : GLY_OK;
    case GLY_KW_EXTRACT:
        return call ? read_extract(parser, ret) : GLY_OK;
    case GLY_KW_SUBSTR:
    case GLY_KW_SUBSTRING:
        return call ? read_substring(parser, ret) : GLY_OK;
    case GLY_KW_TRIM:
        return call ? read_trim(parser, ret) : GLY_OK;
    case GLY_KW_POSITION:
        return call ? read_position(parser, ret) : GLY_OK;
    case GLY_KW_EXISTS:
        if (!call) {
            return GLY_OK;
        }
        (void)gly_parser_take(parser, GLY_TOKEN_WORD);
        return read_subquery(parser, GLY_AST_EXISTS, token, ret);
    case GLY_KW_LIKE:
    case GLY_KW_RLIKE:
        if (!call) {
            return GLY_OK;
        }
        (void)gly_parser_take(parser, GLY_TOKEN_WORD);
        return read_call(parser, token, token->text, ret);
    default:
        return call && is_word(token, "overlay") ? read_overlay(parser, ret) : GLY_OK;
    }
}

static gly_status read_operand(gly_parser *parser, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    switch (token->kind) {
    case GLY_TOKEN_NUMBER:
        return gly_parse_literal_number(parser, false, ret);
    case GLY_TOKEN_STRING: {
        gly_str text;
        GLY_TRY(gly_parser_string(parser, "a string", &text));
        *ret = gly_parser_literal(parser, token, gly_value_text(GLY_TYPE_OF(STRING), text));
        return GLY_OK;
    }
    case GLY_TOKEN_BINARY:
        (void)gly_parser_take(parser, GLY_TOKEN_BINARY);
        *ret = gly_parser_literal(parser, token, gly_value_text(GLY_TYPE_OF(BINARY), token->value));
        return GLY_OK;
    case GLY_TOKEN_QUOTED:
        return read_name(parser, ret);
    case GLY_TOKEN_WORD:
        GLY_TRY(read_word(parser, ret));
        return *ret != NULL ? GLY_OK : read_name(parser, ret);
    case '(':
        return read_parenthesis(parser, ret);
    case '*':
        (void)gly_parser_take(parser, '*');
        *ret = gly_parser_make(parser, GLY_AST_STAR, token, 0);
        return GLY_OK;
    case ':':
    case '?':
        return gly_parser_refuse(parser, token, "Parameters in SQL text are not supported yet");
    default:
        return gly_parser_fail(parser, "expected a value, a column or an expression");
    }
}

gly_status gly_parse_primary_read(gly_parser *parser, gly_ast_expr **ret) {
    return read_operand(parser, ret);
}
