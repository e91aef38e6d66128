/* parser.c - taking tokens, and saying clearly what was expected where.
 *
 * The grammar files move only forward; the few places that need to see farther use peek_at or the
 * table of matching parentheses.  Invariant: at never passes the END token, so looking is always
 * safe.  The grammar is in parse_statement.c, parse_select.c, parse_from.c, parse_expr.c,
 * parse_primary.c and parse_literal.c.
 */
#include "lib/sql/parse/parser.h"

#include <stdio.h>

const gly_token *gly_parser_peek_at(const gly_parser *parser, uint32_t ahead) {
    uint32_t at = parser->at + ahead;
    return &parser->tokens[at < parser->token_count ? at : parser->token_count - 1];
}

bool gly_parser_is(const gly_parser *parser, int kind) {
    return gly_parser_peek(parser)->kind == kind;
}

bool gly_parser_is_word(const gly_parser *parser, gly_keyword keyword) {
    const gly_token *token = gly_parser_peek(parser);
    return token->kind == GLY_TOKEN_WORD && token->keyword == keyword;
}

static void advance(gly_parser *parser) {
    if (parser->at + 1 < parser->token_count) {
        parser->at++;
    }
}

bool gly_parser_take(gly_parser *parser, int kind) {
    if (!gly_parser_is(parser, kind)) {
        return false;
    }
    advance(parser);
    return true;
}

bool gly_parser_take_word(gly_parser *parser, gly_keyword keyword) {
    if (!gly_parser_is_word(parser, keyword)) {
        return false;
    }
    advance(parser);
    return true;
}

bool gly_parser_take_words(gly_parser *parser, gly_keyword first, gly_keyword second) {
    const gly_token *next = gly_parser_peek_at(parser, 1);
    if (!gly_parser_is_word(parser, first) || next->kind != GLY_TOKEN_WORD ||
        next->keyword != second) {
        return false;
    }
    advance(parser);
    advance(parser);
    return true;
}

gly_status gly_parser_take_by(gly_parser *parser, gly_keyword first, bool *ret_taken) {
    *ret_taken = gly_parser_take_word(parser, first);
    return *ret_taken ? gly_parser_expect_word(parser, GLY_KW_BY) : GLY_OK;
}

gly_status gly_parser_expect(gly_parser *parser, int kind) {
    if (gly_parser_take(parser, kind)) {
        return GLY_OK;
    }
    return gly_parser_fail(parser, "expected '%c'", kind);
}

gly_status gly_parser_expect_word(gly_parser *parser, gly_keyword keyword) {
    if (gly_parser_take_word(parser, keyword)) {
        return GLY_OK;
    }
    return gly_parser_fail(parser, "expected %s", gly_lex_word(keyword));
}

bool gly_parser_is_name(const gly_parser *parser) {
    const gly_token *token = gly_parser_peek(parser);
    return token->kind == GLY_TOKEN_QUOTED ||
           (token->kind == GLY_TOKEN_WORD &&
            gly_lex_use((gly_keyword)token->keyword) != GLY_KEYWORD_RESERVED);
}

gly_status gly_parser_name(gly_parser *parser, bool any, const char *what, gly_str *ret) {
    const gly_token *token = gly_parser_peek(parser);
    if (!gly_parser_is_name(parser) && !(any && token->kind == GLY_TOKEN_WORD)) {
        const gly_token *next = gly_parser_peek_at(parser, 1);
        bool meant = next->kind == ',' || next->kind == '.' || next->kind == ')' ||
                     next->kind == GLY_TOKEN_END ||
                     (next->kind == GLY_TOKEN_WORD && next->keyword == GLY_KW_FROM);
        if (token->kind == GLY_TOKEN_WORD && meant) {
            return gly_parser_fail(parser, "expected %s; the word %s is reserved, write `%.*s`",
                                   what, gly_lex_word((gly_keyword)token->keyword),
                                   GLY_STR_ARG(token->text));
        }
        return gly_parser_fail(parser, "expected %s", what);
    }
    *ret = token->kind == GLY_TOKEN_QUOTED ? token->value : token->text;
    if (ret->size == 0) {
        return gly_parser_fail(parser, "a name cannot be empty");
    }
    advance(parser);
    return GLY_OK;
}

gly_status gly_parser_dotted(gly_parser *parser, const char *what, uint32_t *ret_count,
                             gly_str **ret) {
    gly_str *parts = NULL;
    uint32_t count = 0;
    do {
        gly_str part;
        GLY_TRY(gly_parser_name(parser, count > 0, what, &part));
        GLY_PARSER_PUSH(parser, parts, count, part);
    } while (gly_parser_take(parser, '.'));
    *ret_count = count;
    *ret = parts;
    return GLY_OK;
}

gly_status gly_parser_string(gly_parser *parser, const char *what, gly_str *ret) {
    if (!gly_parser_is(parser, GLY_TOKEN_STRING)) {
        return gly_parser_fail(parser, "expected %s", what);
    }
    gly_str first = gly_parser_peek(parser)->value;
    advance(parser);
    if (!gly_parser_is(parser, GLY_TOKEN_STRING)) {
        *ret = first;
        return GLY_OK;
    }
    size_t size = first.size;
    uint32_t count = 0;
    for (; gly_parser_peek_at(parser, count)->kind == GLY_TOKEN_STRING; count++) {
        size += gly_parser_peek_at(parser, count)->value.size;
    }
    char *text = gly_arena_alloc(parser->arena, size + 1);
    size_t at = 0;
    memcpy(text, first.data, first.size);
    at += first.size;
    for (uint32_t i = 0; i < count; i++) {
        gly_str more = gly_parser_peek(parser)->value;
        memcpy(text + at, more.data, more.size);
        at += more.size;
        advance(parser);
    }
    text[at] = '\0';
    *ret = (gly_str){text, at};
    return GLY_OK;
}

gly_status gly_parser_name_list(gly_parser *parser, uint32_t *ret_count, gly_str **ret) {
    gly_str *names = NULL;
    uint32_t count = 0;
    GLY_TRY(gly_parser_expect(parser, '('));
    do {
        gly_str name;
        GLY_TRY(gly_parser_name(parser, false, "a column name", &name));
        GLY_PARSER_PUSH(parser, names, count, name);
    } while (gly_parser_take(parser, ','));
    GLY_TRY(gly_parser_expect(parser, ')'));
    *ret_count = count;
    *ret = names;
    return GLY_OK;
}

/* errors */

enum { SHOWN = 40 };

/* A piece of the text that fits a message: one line, whole code points. */
static gly_str shorten(gly_str text) {
    size_t size = 0;
    while (size < text.size && size < SHOWN && text.data[size] != '\n' && text.data[size] != '\r') {
        size++;
    }
    while (size > 0 && size < text.size && ((unsigned char)text.data[size] & 0xC0) == 0x80) {
        size--;
    }
    return (gly_str){text.data, size};
}

/* The word at the current token, or the one before it, may be a mistyped keyword. */
static const gly_token *mistyped(const gly_parser *parser, const char **ret_word) {
    for (uint32_t back = 0; back < 2 && back <= parser->at; back++) {
        const gly_token *token = &parser->tokens[parser->at - back];
        gly_type type;
        gly_function_id function;
        if (token->kind == GLY_TOKEN_WORD && token->keyword == GLY_KW_NONE &&
            !gly_type_parse(token->text, &type) && !gly_function_find(token->text, &function)) {
            *ret_word = gly_lex_suggest(token->text);
            if ((*ret_word)[0] != '\0') {
                return token;
            }
        }
    }
    return NULL;
}

gly_status gly_parser_fail(gly_parser *parser, const char *format, ...) {
    const gly_token *token = gly_parser_peek(parser);
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    char place[96];
    if (token->kind == GLY_TOKEN_END) {
        snprintf(place, sizeof place, "Syntax error at the end of the statement");
    } else {
        gly_str shown = shorten(token->text);
        snprintf(place, sizeof place, "Syntax error at or near '%.*s'", GLY_STR_ARG(shown));
    }
    if (token->kind == GLY_TOKEN_ERROR) {
        return gly_fail(parser->err, GLY_E_PARSE, "%s (line %u, column %u): %.*s", place,
                        token->line, token->position, GLY_STR_ARG(token->value));
    }
    const char *word = "";
    const gly_token *wrong = mistyped(parser, &word);
    if (wrong != NULL) {
        return gly_fail(parser->err, GLY_E_PARSE,
                        "%s (line %u, column %u): %s. Did you mean %s instead of '%.*s'?", place,
                        token->line, token->position, what, word, GLY_STR_ARG(wrong->text));
    }
    return gly_fail(parser->err, GLY_E_PARSE, "%s (line %u, column %u): %s", place, token->line,
                    token->position, what);
}

gly_status gly_parser_refuse(gly_parser *parser, const gly_token *token, const char *format, ...) {
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return gly_fail(parser->err, GLY_E_UNSUPPORTED, "%s (line %u, column %u)", what, token->line,
                    token->position);
}

gly_status gly_parser_enter(gly_parser *parser, uint32_t weight) {
    if (parser->depth + weight > GLY_EXPR_MAX_DEPTH) {
        const gly_token *token = gly_parser_peek(parser);
        return gly_fail(parser->err, GLY_E_PARSE,
                        "The statement is nested too deeply at line %u, column %u: at most %d "
                        "levels of expressions and %d of queries are allowed",
                        token->line, token->position, GLY_EXPR_MAX_DEPTH,
                        GLY_EXPR_MAX_DEPTH / GLY_PARSER_QUERY_WEIGHT);
    }
    parser->depth += weight;
    return GLY_OK;
}

/* nodes */

gly_ast_expr *gly_parser_make(gly_parser *parser, gly_ast_kind kind, const gly_token *token,
                              uint32_t arg_count) {
    gly_ast_expr *expr = GLY_ARENA_NEW(parser->arena, gly_ast_expr);
    expr->kind = (uint8_t)kind;
    expr->line = token->line;
    expr->position = token->position;
    expr->depth = 1;
    expr->arg_count = arg_count;
    expr->args = arg_count == 0 ? NULL : GLY_ARENA_ARRAY(parser->arena, gly_ast_expr *, arg_count);
    return expr;
}

gly_status gly_parser_finish(gly_parser *parser, gly_ast_expr *expr) {
    uint32_t deepest = expr->filter == NULL ? 0 : expr->filter->depth;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        deepest = GLY_MAX(deepest, (uint32_t)expr->args[i]->depth);
    }
    if (deepest + 1 > GLY_EXPR_MAX_DEPTH) {
        return gly_fail(parser->err, GLY_E_PARSE,
                        "The expression at line %u, column %u is nested too deeply: at most %d "
                        "levels are allowed",
                        expr->line, expr->position, GLY_EXPR_MAX_DEPTH);
    }
    expr->depth = (uint16_t)(deepest + 1);
    return GLY_OK;
}

gly_ast_expr *gly_parser_literal(gly_parser *parser, const gly_token *token, gly_value value) {
    gly_ast_expr *expr = gly_parser_make(parser, GLY_AST_LITERAL, token, 0);
    expr->value = value;
    expr->type = value.type;
    return expr;
}
