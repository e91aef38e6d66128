/* parse_from.c - FROM: tables, files, derived tables, table functions and joins.
 *
 * Joins and commas lean left: ((a JOIN b) JOIN c).  A comma binds looser than JOIN.  The depth of
 * the tree is limited like that of expressions.
 */
#include "lib/sql/parse/parser.h"

static gly_status read_join_tree(gly_parser *parser, gly_ast_relation **ret);

static bool is_alias(const gly_parser *parser) {
    const gly_token *token = gly_parser_peek(parser);
    return token->kind == GLY_TOKEN_QUOTED ||
           (token->kind == GLY_TOKEN_WORD &&
            gly_lex_use((gly_keyword)token->keyword) == GLY_KEYWORD_FREE);
}

/* [AS] alias [(columns)] */
static gly_status read_alias(gly_parser *parser, gly_ast_relation *relation) {
    bool as = gly_parser_take_word(parser, GLY_KW_AS);
    if (!as && !is_alias(parser)) {
        return GLY_OK;
    }
    GLY_TRY(gly_parser_name(parser, as, "a name after AS", &relation->alias));
    if (gly_parser_is(parser, '(')) {
        GLY_TRY(gly_parser_name_list(parser, &relation->column_count, &relation->columns));
    }
    return GLY_OK;
}

static gly_ast_relation *make_relation(gly_parser *parser, gly_ast_relation_kind kind) {
    const gly_token *token = gly_parser_peek(parser);
    gly_ast_relation *relation = GLY_ARENA_NEW(parser->arena, gly_ast_relation);
    relation->kind = (uint8_t)kind;
    relation->depth = 1;
    relation->line = token->line;
    relation->position = token->position;
    return relation;
}

static gly_status read_named(gly_parser *parser, gly_ast_relation **ret) {
    gly_ast_relation *relation = make_relation(parser, GLY_AST_TABLE);
    *ret = relation;
    GLY_TRY(gly_parser_dotted(parser, "a table, a query in parentheses or format.`path`",
                              &relation->part_count, &relation->parts));
    if (gly_parser_is(parser, '(') && relation->part_count == 1) {
        relation->kind = GLY_AST_FUNCTION;
        relation->name = relation->parts[0];
        (void)gly_parser_take(parser, '(');
        if (!gly_parser_is(parser, ')')) {
            GLY_TRY(gly_parse_expr_list(parser, &relation->arg_count, &relation->args));
        }
        GLY_TRY(gly_parser_expect(parser, ')'));
    } else if (relation->part_count == 2) { /* there are no schemas: it is format.`path` */
        relation->kind = GLY_AST_FILES;
        relation->format = relation->parts[0];
        relation->path = relation->parts[1];
    }
    return read_alias(parser, relation);
}

static gly_status read_derived(gly_parser *parser, gly_ast_relation **ret) {
    gly_ast_relation *relation = make_relation(parser, GLY_AST_DERIVED);
    *ret = relation;
    if (gly_parser_is_word(parser, GLY_KW_VALUES)) {
        /* bare VALUES ... [alias]: a query of its own, without clauses */
        GLY_TRY(gly_parse_select_query(parser, &relation->query));
    } else {
        GLY_TRY(gly_parser_expect(parser, '('));
        GLY_TRY(gly_parse_select_query(parser, &relation->query));
        GLY_TRY(gly_parser_expect(parser, ')'));
    }
    return read_alias(parser, relation);
}

static gly_status read_relation(gly_parser *parser, gly_ast_relation **ret) {
    const gly_token *token = gly_parser_peek(parser);
    if (gly_parser_is_word(parser, GLY_KW_LATERAL)) {
        return gly_parser_refuse(parser, token, "LATERAL is not supported yet");
    }
    if (gly_parser_is_word(parser, GLY_KW_VALUES) && gly_parser_peek_at(parser, 1)->kind == '(') {
        return read_derived(parser, ret);
    }
    if (!gly_parser_is(parser, '(')) {
        return read_named(parser, ret);
    }
    if (gly_parse_select_is_query(parser)) {
        return read_derived(parser, ret);
    }
    (void)gly_parser_take(parser, '(');
    GLY_TRY(read_join_tree(parser, ret));
    GLY_TRY(gly_parser_expect(parser, ')'));
    gly_ast_relation *inner = *ret;
    if (inner->alias.size == 0 && inner->kind != GLY_AST_JOIN) {
        return read_alias(parser, inner);
    }
    if (inner->kind == GLY_AST_JOIN &&
        (is_alias(parser) || gly_parser_is_word(parser, GLY_KW_AS))) {
        return gly_parser_refuse(parser, gly_parser_peek(parser),
                                 "An alias for a join in parentheses is not supported; name its "
                                 "tables, or write (SELECT * FROM ...) AS alias");
    }
    return GLY_OK;
}

typedef struct join_words {
    bool is_join, is_natural, is_cross;
    gly_join_kind kind;
} join_words;

/* [NATURAL] [INNER | CROSS | LEFT [OUTER | SEMI | ANTI] | RIGHT [OUTER] | FULL [OUTER] | SEMI |
 * ANTI] JOIN */
static gly_status read_join_words(gly_parser *parser, join_words *ret) {
    uint32_t start = parser->at;
    join_words words = {.kind = GLY_JOIN_INNER};
    words.is_natural = gly_parser_take_word(parser, GLY_KW_NATURAL);
    if (gly_parser_take_word(parser, GLY_KW_CROSS)) {
        words.is_cross = true;
    } else if (gly_parser_take_word(parser, GLY_KW_RIGHT)) {
        words.kind = GLY_JOIN_RIGHT;
        (void)gly_parser_take_word(parser, GLY_KW_OUTER);
    } else if (gly_parser_take_word(parser, GLY_KW_FULL)) {
        words.kind = GLY_JOIN_FULL;
        (void)gly_parser_take_word(parser, GLY_KW_OUTER);
    } else if (!gly_parser_take_word(parser, GLY_KW_INNER)) {
        bool left = gly_parser_take_word(parser, GLY_KW_LEFT);
        if (gly_parser_take_word(parser, GLY_KW_SEMI)) {
            words.kind = GLY_JOIN_SEMI;
        } else if (gly_parser_take_word(parser, GLY_KW_ANTI)) {
            words.kind = GLY_JOIN_ANTI;
        } else if (left) {
            words.kind = GLY_JOIN_LEFT;
            (void)gly_parser_take_word(parser, GLY_KW_OUTER);
        }
    }
    words.is_join = gly_parser_take_word(parser, GLY_KW_JOIN);
    if (!words.is_join && parser->at != start) {
        return gly_parser_fail(parser, "expected JOIN");
    }
    *ret = words;
    return GLY_OK;
}

static gly_status make_join(gly_parser *parser, const gly_token *token, gly_ast_relation *left,
                            gly_ast_relation *right, gly_ast_relation **ret) {
    gly_ast_relation *join = GLY_ARENA_NEW(parser->arena, gly_ast_relation);
    join->kind = GLY_AST_JOIN;
    join->join = GLY_JOIN_INNER;
    join->line = token->line;
    join->position = token->position;
    join->left = left;
    join->right = right;
    uint32_t depth = 1u + GLY_MAX(left->depth, right->depth);
    if (depth > GLY_EXPR_MAX_DEPTH) {
        return gly_fail(parser->err, GLY_E_PARSE,
                        "FROM at line %u, column %u joins too many tables: at most %d are allowed",
                        token->line, token->position, GLY_EXPR_MAX_DEPTH);
    }
    join->depth = (uint16_t)depth;
    *ret = join;
    return GLY_OK;
}

static gly_status read_join_condition(gly_parser *parser, const join_words *words,
                                      gly_ast_relation *join) {
    if (gly_parser_take_word(parser, GLY_KW_ON)) {
        if (words->is_natural || words->is_cross) {
            parser->at--;
            return gly_parser_fail(parser, "%s JOIN takes no condition",
                                   words->is_cross ? "CROSS" : "NATURAL");
        }
        return gly_parse_expr_read(parser, &join->on);
    }
    if (gly_parser_take_word(parser, GLY_KW_USING)) {
        if (words->is_natural || words->is_cross) {
            parser->at--;
            return gly_parser_fail(parser, "%s JOIN takes no condition",
                                   words->is_cross ? "CROSS" : "NATURAL");
        }
        return gly_parser_name_list(parser, &join->using_count, &join->using);
    }
    return GLY_OK;
}

/* relation, then any number of JOINs */
static gly_status read_joins(gly_parser *parser, gly_ast_relation **ret) {
    gly_ast_relation *left;
    GLY_TRY(read_relation(parser, &left));
    while (true) {
        const gly_token *token = gly_parser_peek(parser);
        join_words words = {0};
        GLY_TRY(read_join_words(parser, &words));
        if (!words.is_join) {
            break;
        }
        gly_ast_relation *right;
        GLY_TRY(read_relation(parser, &right));
        GLY_TRY(make_join(parser, token, left, right, &left));
        left->join = (uint8_t)words.kind;
        left->is_natural = words.is_natural;
        GLY_TRY(read_join_condition(parser, &words, left));
    }
    *ret = left;
    return GLY_OK;
}

static gly_status read_join_tree(gly_parser *parser, gly_ast_relation **ret) {
    GLY_TRY(gly_parser_enter(parser, 2));
    GLY_TRY(read_joins(parser, ret));
    parser->depth -= 2;
    return GLY_OK;
}

gly_status gly_parse_from_read(gly_parser *parser, gly_ast_relation **ret) {
    gly_ast_relation *left;
    GLY_TRY(read_join_tree(parser, &left));
    while (gly_parser_is(parser, ',')) {
        const gly_token *token = gly_parser_peek(parser);
        (void)gly_parser_take(parser, ',');
        gly_ast_relation *right;
        GLY_TRY(read_join_tree(parser, &right));
        GLY_TRY(make_join(parser, token, left, right, &left));
    }
    *ret = left;
    return GLY_OK;
}
