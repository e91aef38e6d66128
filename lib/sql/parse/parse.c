/* parse.c - a script to statements: lexes, matches parentheses, reads one statement after another.
 *
 * The text is copied into the arena first, because trees point into it.  Recursion is bounded by
 * gly_parser_enter; memory by the size of the text.  The grammar of a statement is in
 * parse_statement.c; queries in parse_select.c.
 */
#include "lib/sql/parse/parser.h"

/* Pairs '(' and ')' so that looking past a parenthesis is one step. */
static void match_parentheses(gly_parser *parser) {
    uint32_t *closing = GLY_ARENA_ARRAY(parser->arena, uint32_t, parser->token_count);
    uint32_t *open = GLY_ARENA_ARRAY(parser->arena, uint32_t, parser->token_count);
    uint32_t depth = 0;
    for (uint32_t i = 0; i < parser->token_count; i++) {
        closing[i] = parser->token_count;
        if (parser->tokens[i].kind == '(') {
            open[depth++] = i;
        } else if (parser->tokens[i].kind == ')' && depth > 0) {
            closing[open[--depth]] = i;
        } else if (parser->tokens[i].kind == ';') {
            depth = 0;
        }
    }
    parser->closing = closing;
}

gly_status gly_parse_script(gly_arena *arena, gly_str text, uint32_t *ret_count,
                            gly_statement **ret, gly_error *err) {
    gly_parser parser = {.arena = arena, .text = gly_arena_str(arena, text), .err = err};
    if (text.size > UINT32_MAX / 4) {
        return gly_fail(err, GLY_E_PARSE, "The script is too long: at most 1 GiB is allowed");
    }
    gly_lex_text(arena, parser.text, &parser.token_count, &parser.tokens);
    match_parentheses(&parser);
    gly_statement *statements = NULL;
    uint32_t count = 0;
    while (true) {
        while (gly_parser_take(&parser, ';')) {
        }
        if (gly_parser_is(&parser, GLY_TOKEN_END)) {
            break;
        }
        const gly_token *first = gly_parser_peek(&parser);
        gly_statement statement = {.line = first->line};
        GLY_TRY(gly_parse_statement_read(&parser, &statement));
        if (!gly_parser_is(&parser, ';') && !gly_parser_is(&parser, GLY_TOKEN_END)) {
            return gly_parser_fail(&parser, "expected the end of the statement");
        }
        const gly_token *last = &parser.tokens[parser.at - 1];
        statement.text = (gly_str){first->text.data,
                                   (size_t)(last->text.data + last->text.size - first->text.data)};
        GLY_PARSER_PUSH(&parser, statements, count, statement);
    }
    *ret_count = count;
    *ret = statements;
    return GLY_OK;
}
