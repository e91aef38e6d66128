/* parser.h - what the parse_*.c files share: the place in the tokens, taking them, failing.
 *
 * For this folder only; everybody else calls gly_parse_script (sql.h).
 */
#ifndef GLY_PARSER_H
#define GLY_PARSER_H

#include "lib/sql/parse/ast.h"
#include "lib/sql/parse/lex.h"
#include "lib/sql/sql.h"

typedef struct gly_parser {
    gly_arena *arena;
    gly_str text;      /* the whole script */
    gly_token *tokens; /* END last */
    uint32_t token_count;
    uint32_t at;
    uint32_t *closing; /* closing[i]: the ')' of the '(' at i; token_count if there is none */
    uint32_t depth;    /* nesting of what is being read, against GLY_EXPR_MAX_DEPTH */
    gly_error *err;
} gly_parser;

/* A nested query weighs as much as this many nested expressions: it takes more stack. */
enum { GLY_PARSER_QUERY_WEIGHT = 10 };

static inline const gly_token *gly_parser_peek(const gly_parser *parser) {
    return &parser->tokens[parser->at];
}
const gly_token *gly_parser_peek_at(const gly_parser *parser, uint32_t ahead);
bool gly_parser_is(const gly_parser *parser, int kind);
bool gly_parser_is_word(const gly_parser *parser, gly_keyword keyword);
/* Takes it if it is there. */
bool gly_parser_take(gly_parser *parser, int kind);
bool gly_parser_take_word(gly_parser *parser, gly_keyword keyword);
bool gly_parser_take_words(gly_parser *parser, gly_keyword first, gly_keyword second);
/* GROUP BY, ORDER BY: fails if the word stands without BY. */
GLY_NODISCARD gly_status gly_parser_take_by(gly_parser *parser, gly_keyword first, bool *ret_taken);
GLY_NODISCARD gly_status gly_parser_expect(gly_parser *parser, int kind);
GLY_NODISCARD gly_status gly_parser_expect_word(gly_parser *parser, gly_keyword keyword);
/* A name: any word that is not reserved, or one in back quotes.  any: reserved words too. */
bool gly_parser_is_name(const gly_parser *parser);
GLY_NODISCARD gly_status gly_parser_name(gly_parser *parser, bool any, const char *what,
                                         gly_str *ret);
/* name[.name]... */
GLY_NODISCARD gly_status gly_parser_dotted(gly_parser *parser, const char *what,
                                           uint32_t *ret_count, gly_str **ret);
/* One or more adjacent string tokens, put together. */
GLY_NODISCARD gly_status gly_parser_string(gly_parser *parser, const char *what, gly_str *ret);
/* (a, b, c) */
GLY_NODISCARD gly_status gly_parser_name_list(gly_parser *parser, uint32_t *ret_count,
                                              gly_str **ret);

/* PARSE error at the current token: "Syntax error at or near 'x' (line 1, column 2): expected ..."
 */
gly_status gly_parser_fail(gly_parser *parser, const char *format, ...) GLY_PRINTF(2, 3);
/* UNSUPPORTED error at a token: "<message> (line 1, column 2)" */
gly_status gly_parser_refuse(gly_parser *parser, const gly_token *token, const char *format, ...)
    GLY_PRINTF(3, 4);
/* Goes weight levels deeper, or fails; leave with depth -= weight. */
GLY_NODISCARD gly_status gly_parser_enter(gly_parser *parser, uint32_t weight);

/* An expression node at a token, its depth not yet known. */
gly_ast_expr *gly_parser_make(gly_parser *parser, gly_ast_kind kind, const gly_token *token,
                              uint32_t arg_count);
/* Sets depth from the arguments; fails if it is too much. */
GLY_NODISCARD gly_status gly_parser_finish(gly_parser *parser, gly_ast_expr *expr);
gly_ast_expr *gly_parser_literal(gly_parser *parser, const gly_token *token, gly_value value);

/* Appends to an arena array that has room for the next power of two above count. */
#define GLY_PARSER_PUSH(parser, items, count, item)                                                \
    do {                                                                                           \
        if (((count) & ((count)-1)) == 0) {                                                        \
            void *gly_grown = gly_arena_alloc(                                                     \
                (parser)->arena, ((size_t)(count)*2 + ((count) == 0)) * sizeof *(items));          \
            if ((count) > 0) {                                                                     \
                memcpy(gly_grown, (items), (size_t)(count) * sizeof *(items));                     \
            }                                                                                      \
            (items) = gly_grown;                                                                   \
        }                                                                                          \
        (items)[(count)++] = (item);                                                               \
    } while (0)

/* parse_expr.c */
GLY_NODISCARD gly_status gly_parse_expr_read(gly_parser *parser, gly_ast_expr **ret);
/* Without predicates (IN, LIKE, ...), AND, OR. */
GLY_NODISCARD gly_status gly_parse_expr_value(gly_parser *parser, gly_ast_expr **ret);
/* One or more, separated by commas. */
GLY_NODISCARD gly_status gly_parse_expr_list(gly_parser *parser, uint32_t *ret_count,
                                             gly_ast_expr ***ret);
/* parse_primary.c: one operand without operators around it */
GLY_NODISCARD gly_status gly_parse_primary_read(gly_parser *parser, gly_ast_expr **ret);
/* parse_literal.c */
GLY_NODISCARD gly_status gly_parse_literal_number(gly_parser *parser, bool negative,
                                                  gly_ast_expr **ret);
/* INTERVAL is the current word.  ret is NULL if it is a mere name. */
GLY_NODISCARD gly_status gly_parse_literal_interval(gly_parser *parser, gly_ast_expr **ret);
/* DATE 'x', TIMESTAMP 'x': the word is current and a string follows. */
GLY_NODISCARD gly_status gly_parse_literal_typed(gly_parser *parser, gly_type type,
                                                 gly_ast_expr **ret);
GLY_NODISCARD gly_status gly_parse_literal_type(gly_parser *parser, gly_type *ret);
/* parse_select.c */
GLY_NODISCARD gly_status gly_parse_select_query(gly_parser *parser, gly_ast_query **ret);
/* The current '(' begins a query rather than an expression or a relation. */
bool gly_parse_select_is_query(const gly_parser *parser);
/* parse_from.c */
GLY_NODISCARD gly_status gly_parse_from_read(gly_parser *parser, gly_ast_relation **ret);
/* parse_statement.c: up to ';' or the end */
GLY_NODISCARD gly_status gly_parse_statement_read(gly_parser *parser, gly_statement *ret);

#endif
