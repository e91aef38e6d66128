/* parse_expr.c - expressions by binding power (Pratt), with Spark's precedence:
 *
 *   OR < AND < NOT < IS, IN, LIKE, BETWEEN < comparison < | < ^ < & < << >> < + - || < * / % DIV
 *      < unary + - ~ < ::type
 *
 * Chains of AND, OR and || become one node with many arguments; other chains lean left, and their
 * depth is limited like that of parentheses.  Operands are in parse_primary.c.
 */
#include "lib/sql/parse/parser.h"

enum {
    POWER_OR = 1,
    POWER_AND,
    POWER_NOT,
    POWER_PREDICATE,
    POWER_COMPARE,
    POWER_BIT_OR,
    POWER_BIT_XOR,
    POWER_BIT_AND,
    POWER_SHIFT,
    POWER_SUM,
    POWER_PRODUCT,
    POWER_UNARY,
};

typedef struct infix {
    int power; /* 0: not an infix operator */
    gly_function_id function;
    bool is_flat;
} infix;

static gly_status read_power(gly_parser *parser, int least, gly_ast_expr **ret);

static infix infix_of_symbol(uint16_t kind) {
    switch (kind) {
    case '=':
        return (infix){POWER_COMPARE, GLY_FN_EQUAL, false};
    case GLY_TOKEN_NULL_SAFE:
        return (infix){POWER_COMPARE, GLY_FN_NULL_SAFE_EQUAL, false};
    case GLY_TOKEN_NOT_EQUAL:
        return (infix){POWER_COMPARE, GLY_FN_NOT_EQUAL, false};
    case '<':
        return (infix){POWER_COMPARE, GLY_FN_LESS, false};
    case GLY_TOKEN_LESS_EQUAL:
        return (infix){POWER_COMPARE, GLY_FN_LESS_EQUAL, false};
    case '>':
        return (infix){POWER_COMPARE, GLY_FN_GREATER, false};
    case GLY_TOKEN_GREATER_EQUAL:
        return (infix){POWER_COMPARE, GLY_FN_GREATER_EQUAL, false};
    case '|':
        return (infix){POWER_BIT_OR, GLY_FN_BIT_OR, false};
    case '^':
        return (infix){POWER_BIT_XOR, GLY_FN_BIT_XOR, false};
    case '&':
        return (infix){POWER_BIT_AND, GLY_FN_BIT_AND, false};
    case GLY_TOKEN_SHIFT_LEFT:
        return (infix){POWER_SHIFT, GLY_FN_SHIFT_LEFT, false};
    case GLY_TOKEN_SHIFT_RIGHT:
        return (infix){POWER_SHIFT, GLY_FN_SHIFT_RIGHT, false};
    case GLY_TOKEN_SHIFT_RIGHT_UNSIGNED:
        return (infix){POWER_SHIFT, GLY_FN_SHIFT_RIGHT_UNSIGNED, false};
    case '+':
        return (infix){POWER_SUM, GLY_FN_ADD, false};
    case '-':
        return (infix){POWER_SUM, GLY_FN_SUBTRACT, false};
    case GLY_TOKEN_CONCAT:
        return (infix){POWER_SUM, GLY_FN_CONCAT, true};
    case '*':
        return (infix){POWER_PRODUCT, GLY_FN_MULTIPLY, false};
    case '/':
        return (infix){POWER_PRODUCT, GLY_FN_DIVIDE, false};
    case '%':
        return (infix){POWER_PRODUCT, GLY_FN_MODULO, false};
    default:
        return (infix){0};
    }
}

static infix infix_of(const gly_token *token) {
    if (token->kind != GLY_TOKEN_WORD) {
        return infix_of_symbol(token->kind);
    }
    switch (token->keyword) {
    case GLY_KW_OR:
        return (infix){POWER_OR, GLY_FN_OR, true};
    case GLY_KW_AND:
        return (infix){POWER_AND, GLY_FN_AND, true};
    case GLY_KW_DIV:
        return (infix){POWER_PRODUCT, GLY_FN_INT_DIVIDE, false};
    default:
        return (infix){0};
    }
}

static gly_status make_operator(gly_parser *parser, const gly_token *token,
                                gly_function_id function, uint32_t count, gly_ast_expr **args,
                                gly_ast_expr **ret) {
    gly_ast_expr *expr = gly_parser_make(parser, GLY_AST_OPERATOR, token, 0);
    expr->function = function;
    expr->arg_count = count;
    expr->args = args;
    *ret = expr;
    return gly_parser_finish(parser, expr);
}

static gly_status make_unary(gly_parser *parser, const gly_token *token, gly_function_id function,
                             gly_ast_expr *arg, gly_ast_expr **ret) {
    gly_ast_expr **args = GLY_ARENA_ARRAY(parser->arena, gly_ast_expr *, 1);
    args[0] = arg;
    return make_operator(parser, token, function, 1, args, ret);
}

static gly_status negate_if(gly_parser *parser, bool negated, const gly_token *token,
                            gly_ast_expr **ret) {
    return negated ? make_unary(parser, token, GLY_FN_NOT, *ret, ret) : GLY_OK;
}

/* -literal is a literal; so is -INTERVAL '1' DAY. */
static gly_status negate_literal(gly_parser *parser, const gly_token *token, gly_ast_expr *arg,
                                 gly_ast_expr **ret) {
    bool interval = arg->kind == GLY_AST_LITERAL && !arg->value.is_null &&
                    (arg->value.type.id == GLY_TYPE_INTERVAL_MONTH ||
                     arg->value.type.id == GLY_TYPE_INTERVAL_DAY);
    if (!interval || arg->value.i64 == INT64_MIN) {
        return make_unary(parser, token, GLY_FN_NEGATE, arg, ret);
    }
    gly_value value = arg->value;
    value.i64 = -value.i64;
    *ret = gly_parser_literal(parser, token, value);
    return GLY_OK;
}

static gly_status read_unary(gly_parser *parser, int least, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    if (token->kind == '-' || token->kind == '+' || token->kind == '~') {
        (void)gly_parser_take(parser, token->kind);
        if (token->kind == '-' && gly_parser_is(parser, GLY_TOKEN_NUMBER)) {
            return gly_parse_literal_number(parser, true, ret);
        }
        gly_ast_expr *arg;
        GLY_TRY(read_power(parser, POWER_UNARY, &arg));
        if (token->kind == '-') {
            return negate_literal(parser, token, arg, ret);
        }
        if (token->kind == '~') {
            return make_unary(parser, token, GLY_FN_BIT_NOT, arg, ret);
        }
        *ret = arg;
        return GLY_OK;
    }
    if (gly_parser_is_word(parser, GLY_KW_NOT) || token->kind == '!') {
        if (least > POWER_NOT && token->kind != '!') {
            return gly_parser_fail(parser, "expected a value; put NOT ... into parentheses");
        }
        (void)(gly_parser_take(parser, '!') || gly_parser_take_word(parser, GLY_KW_NOT));
        gly_ast_expr *arg;
        GLY_TRY(read_power(parser, POWER_NOT, &arg));
        return make_unary(parser, token, GLY_FN_NOT, arg, ret);
    }
    return gly_parse_primary_read(parser, ret);
}

/* predicates: the left side has been read */

static gly_status read_in(gly_parser *parser, const gly_token *token, gly_ast_expr *left,
                          gly_ast_expr **ret) {
    if (!gly_parser_is(parser, '(')) {
        return gly_parser_fail(parser, "expected '(' and a list of values or a query");
    }
    if (gly_parse_select_is_query(parser)) {
        gly_ast_expr *expr = gly_parser_make(parser, GLY_AST_IN_QUERY, token, 1);
        expr->args[0] = left;
        if (left->kind == GLY_AST_CALL && left->name.size == 0) { /* a row: (a, b) IN */
            expr->arg_count = left->arg_count;
            expr->args = left->args;
        }
        GLY_TRY(gly_parser_expect(parser, '('));
        GLY_TRY(gly_parse_select_query(parser, &expr->query));
        GLY_TRY(gly_parser_expect(parser, ')'));
        *ret = expr;
        return gly_parser_finish(parser, expr);
    }
    GLY_TRY(gly_parser_expect(parser, '('));
    uint32_t count = 0;
    gly_ast_expr **args = NULL;
    GLY_PARSER_PUSH(parser, args, count, left);
    do {
        gly_ast_expr *member;
        GLY_TRY(gly_parse_expr_read(parser, &member));
        GLY_PARSER_PUSH(parser, args, count, member);
    } while (gly_parser_take(parser, ','));
    GLY_TRY(gly_parser_expect(parser, ')'));
    return make_operator(parser, token, GLY_FN_IN, count, args, ret);
}

/* LIKE, ILIKE, RLIKE: the word has been taken. */
static gly_status read_like(gly_parser *parser, const gly_token *token, gly_ast_expr *left,
                            gly_ast_expr **ret) {
    gly_keyword word = (gly_keyword)token->keyword;
    if ((gly_parser_is_word(parser, GLY_KW_ALL) || gly_parser_is_word(parser, GLY_KW_ANY)) &&
        gly_parser_peek_at(parser, 1)->kind == '(') {
        return gly_parser_refuse(parser, token, "LIKE ALL and LIKE ANY are not supported yet");
    }
    gly_ast_expr *pattern;
    GLY_TRY(read_power(parser, POWER_COMPARE, &pattern));
    gly_ast_expr **args = GLY_ARENA_ARRAY(parser->arena, gly_ast_expr *, 3);
    args[0] = left;
    args[1] = pattern;
    uint32_t count = 2;
    if ((word == GLY_KW_LIKE || word == GLY_KW_ILIKE) &&
        gly_parser_take_word(parser, GLY_KW_ESCAPE)) {
        const gly_token *place = gly_parser_peek(parser);
        gly_str escape;
        GLY_TRY(gly_parser_string(parser, "the escape character in quotes", &escape));
        args[count++] =
            gly_parser_literal(parser, place, gly_value_text(GLY_TYPE_OF(STRING), escape));
    }
    if (word == GLY_KW_ILIKE) {
        for (uint32_t i = 0; i < 2; i++) {
            GLY_TRY(make_unary(parser, token, GLY_FN_LOWER, args[i], &args[i]));
        }
    }
    bool like = word == GLY_KW_LIKE || word == GLY_KW_ILIKE;
    return make_operator(parser, token, like ? GLY_FN_LIKE : GLY_FN_RLIKE, count, args, ret);
}

static gly_status read_between(gly_parser *parser, const gly_token *token, gly_ast_expr *left,
                               gly_ast_expr **ret) {
    gly_ast_expr *expr = gly_parser_make(parser, GLY_AST_BETWEEN, token, 3);
    expr->args[0] = left;
    GLY_TRY(read_power(parser, POWER_COMPARE, &expr->args[1]));
    if (!gly_parser_is_word(parser, GLY_KW_AND)) {
        return gly_parser_fail(parser, "expected AND and the upper bound of BETWEEN");
    }
    (void)gly_parser_take_word(parser, GLY_KW_AND);
    GLY_TRY(read_power(parser, POWER_COMPARE, &expr->args[2]));
    *ret = expr;
    return gly_parser_finish(parser, expr);
}

/* IS has been taken. */
static gly_status read_is(gly_parser *parser, const gly_token *token, gly_ast_expr *left,
                          gly_ast_expr **ret) {
    bool negated = gly_parser_take_word(parser, GLY_KW_NOT);
    if (gly_parser_take_word(parser, GLY_KW_NULL)) {
        return make_unary(parser, token, negated ? GLY_FN_IS_NOT_NULL : GLY_FN_IS_NULL, left, ret);
    }
    bool is_true = gly_parser_is_word(parser, GLY_KW_TRUE);
    if (is_true || gly_parser_is_word(parser, GLY_KW_FALSE)) {
        const gly_token *place = gly_parser_peek(parser);
        (void)(gly_parser_take_word(parser, GLY_KW_TRUE) ||
               gly_parser_take_word(parser, GLY_KW_FALSE));
        gly_ast_expr **args = GLY_ARENA_ARRAY(parser->arena, gly_ast_expr *, 2);
        args[0] = left;
        args[1] = gly_parser_literal(parser, place, gly_value_i64(GLY_TYPE_OF(BOOLEAN), is_true));
        GLY_TRY(make_operator(parser, token, GLY_FN_NULL_SAFE_EQUAL, 2, args, ret));
        return negate_if(parser, negated, token, ret);
    }
    if (gly_parser_take_words(parser, GLY_KW_DISTINCT, GLY_KW_FROM)) {
        gly_ast_expr **args = GLY_ARENA_ARRAY(parser->arena, gly_ast_expr *, 2);
        args[0] = left;
        GLY_TRY(read_power(parser, POWER_COMPARE, &args[1]));
        GLY_TRY(make_operator(parser, token, GLY_FN_NULL_SAFE_EQUAL, 2, args, ret));
        return negate_if(parser, !negated, token, ret);
    }
    return gly_parser_fail(parser, "expected NULL, TRUE, FALSE or DISTINCT FROM");
}

static bool is_like(const gly_token *token) {
    return token->kind == GLY_TOKEN_WORD &&
           (token->keyword == GLY_KW_LIKE || token->keyword == GLY_KW_ILIKE ||
            token->keyword == GLY_KW_RLIKE || token->keyword == GLY_KW_REGEXP);
}

/* *ret_taken is false if no predicate stands here. */
static gly_status read_predicate(gly_parser *parser, gly_ast_expr **expr, bool *ret_taken) {
    const gly_token *token = gly_parser_peek(parser);
    const gly_token *next = gly_parser_peek_at(parser, 1);
    *ret_taken = true;
    if (gly_parser_take_word(parser, GLY_KW_IS)) {
        return read_is(parser, token, *expr, expr);
    }
    bool negated = false;
    if (gly_parser_is_word(parser, GLY_KW_NOT) && next->kind == GLY_TOKEN_WORD &&
        (next->keyword == GLY_KW_IN || next->keyword == GLY_KW_BETWEEN || is_like(next))) {
        (void)gly_parser_take_word(parser, GLY_KW_NOT);
        negated = true;
    }
    const gly_token *word = gly_parser_peek(parser);
    if (gly_parser_take_word(parser, GLY_KW_IN)) {
        GLY_TRY(read_in(parser, word, *expr, expr));
    } else if (gly_parser_take_word(parser, GLY_KW_BETWEEN)) {
        GLY_TRY(read_between(parser, word, *expr, expr));
    } else if (is_like(word)) {
        (void)gly_parser_take(parser, GLY_TOKEN_WORD);
        GLY_TRY(read_like(parser, word, *expr, expr));
    } else {
        *ret_taken = false;
        return GLY_OK;
    }
    return negate_if(parser, negated, token, expr);
}

/* ops */

static void take_infix(gly_parser *parser) {
    (void)gly_parser_take(parser, gly_parser_peek(parser)->kind);
}

/* The operator is current and left has been read. */
static gly_status read_infix(gly_parser *parser, infix op, gly_ast_expr *left, gly_ast_expr **ret) {
    const gly_token *token = gly_parser_peek(parser);
    gly_ast_expr **args = NULL;
    uint32_t count = 0;
    GLY_PARSER_PUSH(parser, args, count, left);
    do {
        take_infix(parser);
        gly_ast_expr *right;
        GLY_TRY(read_power(parser, op.power + 1, &right));
        GLY_PARSER_PUSH(parser, args, count, right);
    } while (op.is_flat && infix_of(gly_parser_peek(parser)).function == op.function &&
             infix_of(gly_parser_peek(parser)).power == op.power);
    return make_operator(parser, token, op.function, count, args, ret);
}

static gly_status read_operators(gly_parser *parser, int least, gly_ast_expr **ret) {
    gly_ast_expr *left;
    GLY_TRY(read_unary(parser, least, &left));
    while (true) {
        const gly_token *token = gly_parser_peek(parser);
        if (token->kind == GLY_TOKEN_DOUBLE_COLON) {
            (void)gly_parser_take(parser, GLY_TOKEN_DOUBLE_COLON);
            gly_ast_expr *cast = gly_parser_make(parser, GLY_AST_CAST, token, 1);
            cast->args[0] = left;
            GLY_TRY(gly_parse_literal_type(parser, &cast->type));
            GLY_TRY(gly_parser_finish(parser, cast));
            left = cast;
            continue;
        }
        if (token->kind == '[') {
            return gly_parser_refuse(parser, token, "Arrays and maps are not supported yet");
        }
        if (least <= POWER_PREDICATE) {
            bool taken;
            GLY_TRY(read_predicate(parser, &left, &taken));
            if (taken) {
                continue;
            }
        }
        infix op = infix_of(token);
        if (op.power == 0 || op.power < least) {
            break;
        }
        GLY_TRY(read_infix(parser, op, left, &left));
    }
    *ret = left;
    return GLY_OK;
}

static gly_status read_power(gly_parser *parser, int least, gly_ast_expr **ret) {
    GLY_TRY(gly_parser_enter(parser, 1));
    GLY_TRY(read_operators(parser, least, ret));
    parser->depth--;
    return GLY_OK;
}

gly_status gly_parse_expr_read(gly_parser *parser, gly_ast_expr **ret) {
    return read_power(parser, 0, ret);
}

gly_status gly_parse_expr_value(gly_parser *parser, gly_ast_expr **ret) {
    return read_power(parser, POWER_COMPARE, ret);
}

gly_status gly_parse_expr_list(gly_parser *parser, uint32_t *ret_count, gly_ast_expr ***ret) {
    uint32_t count = 0;
    gly_ast_expr **items = NULL;
    do {
        gly_ast_expr *item;
        GLY_TRY(gly_parse_expr_read(parser, &item));
        GLY_PARSER_PUSH(parser, items, count, item);
    } while (gly_parser_take(parser, ','));
    *ret_count = count;
    *ret = items;
    return GLY_OK;
}
