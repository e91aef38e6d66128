/* parse_select.c - queries: WITH, SELECT, VALUES, set operations, ORDER BY, LIMIT.
 *
 * A query is terms joined by UNION, EXCEPT and (binding tighter) INTERSECT, then the clauses that
 * belong to the whole.  A chain of set operations is one node, so that its length costs no stack.
 * FROM is in parse_from.c.
 */
#include "lib/sql/parse/parser.h"

static bool begins_query(const gly_token *token, const gly_token *next) {
    if (token->kind != GLY_TOKEN_WORD) {
        return false;
    }
    switch (token->keyword) {
    case GLY_KW_SELECT:
    case GLY_KW_WITH:
        return true;
    case GLY_KW_VALUES:
        return next->kind == '(' || next->kind == GLY_TOKEN_NUMBER ||
               next->kind == GLY_TOKEN_STRING ||
               (next->kind == GLY_TOKEN_WORD && next->keyword == GLY_KW_NULL);
    case GLY_KW_TABLE:
        return next->kind == GLY_TOKEN_WORD || next->kind == GLY_TOKEN_QUOTED;
    default:
        return false;
    }
}

/* What may follow a query in parentheses that is part of a larger query. */
static bool continues_query(const gly_token *token) {
    if (token->kind != GLY_TOKEN_WORD) {
        return token->kind == ')';
    }
    switch (token->keyword) {
    case GLY_KW_UNION:
    case GLY_KW_EXCEPT:
    case GLY_KW_MINUS:
    case GLY_KW_INTERSECT:
    case GLY_KW_ORDER:
    case GLY_KW_LIMIT:
    case GLY_KW_OFFSET:
    case GLY_KW_SORT:
    case GLY_KW_CLUSTER:
    case GLY_KW_DISTRIBUTE:
        return true;
    default:
        return false;
    }
}

bool gly_parse_select_is_query(const gly_parser *parser) {
    uint32_t at = parser->at;
    uint32_t last = parser->token_count - 1;
    while (at < last && parser->tokens[at].kind == '(') {
        at++;
    }
    if (at == parser->at ||
        !begins_query(&parser->tokens[at], &parser->tokens[GLY_MIN(at + 1, last)])) {
        return false;
    }
    for (uint32_t open = parser->at + 1; open < at; open++) {
        uint32_t close = parser->closing[open];
        if (close >= last || !continues_query(&parser->tokens[close + 1])) {
            return false;
        }
    }
    return true;
}

/* hints: names with arguments, of which we know a few; anything else is ignored, as Spark does */

static gly_status read_hint(gly_parser *parser, gly_ast_query *query) {
    gly_str name;
    GLY_TRY(gly_parser_name(parser, true, "the name of a hint", &name));
    bool broadcast = gly_str_equal_ignore_case(name, GLY_STR("broadcast")) ||
                     gly_str_equal_ignore_case(name, GLY_STR("broadcastjoin")) ||
                     gly_str_equal_ignore_case(name, GLY_STR("mapjoin"));
    bool coalesce = gly_str_equal_ignore_case(name, GLY_STR("coalesce"));
    bool repartition = gly_str_equal_ignore_case(name, GLY_STR("repartition"));
    if (!gly_parser_take(parser, '(')) {
        return GLY_OK;
    }
    while (!gly_parser_is(parser, ')')) {
        const gly_token *token = gly_parser_peek(parser);
        if (token->kind == GLY_TOKEN_NUMBER) {
            int64_t count;
            if ((repartition || coalesce) && gly_str_to_i64(token->text, &count) && count > 0 &&
                count <= INT32_MAX) {
                query->repartition = count;
            }
            (void)gly_parser_take(parser, GLY_TOKEN_NUMBER);
        } else {
            uint32_t count;
            gly_str *parts;
            GLY_TRY(gly_parser_dotted(parser,
                                      repartition ? "the name of a column" : "the name of a table",
                                      &count, &parts));
            if (broadcast) {
                GLY_PARSER_PUSH(parser, query->broadcasts, query->broadcast_count,
                                parts[count - 1]);
            } else if (repartition) {
                gly_ast_expr *column = gly_parser_make(parser, GLY_AST_NAME, token, 0);
                column->parts = parts;
                column->part_count = count;
                GLY_PARSER_PUSH(parser, query->distributes, query->distribute_count, column);
            } else if (coalesce) {
                return gly_parser_refuse(parser, token,
                                         "The hint COALESCE takes a number of "
                                         "partitions and nothing else");
            }
        }
        if (!gly_parser_take(parser, ',')) {
            break;
        }
    }
    return gly_parser_expect(parser, ')');
}

static gly_status read_hints(gly_parser *parser, gly_ast_query *query) {
    while (gly_parser_take(parser, GLY_TOKEN_HINT_START)) {
        while (!gly_parser_is(parser, GLY_TOKEN_HINT_END)) {
            GLY_TRY(read_hint(parser, query));
            (void)gly_parser_take(parser, ',');
        }
        (void)gly_parser_take(parser, GLY_TOKEN_HINT_END);
    }
    return GLY_OK;
}

/* SELECT */

static bool is_alias(const gly_parser *parser) {
    const gly_token *token = gly_parser_peek(parser);
    return token->kind == GLY_TOKEN_QUOTED ||
           (token->kind == GLY_TOKEN_WORD &&
            gly_lex_use((gly_keyword)token->keyword) == GLY_KEYWORD_FREE);
}

static gly_status read_item(gly_parser *parser, gly_ast_item *ret) {
    gly_ast_item item = {0};
    GLY_TRY(gly_parse_expr_read(parser, &item.expr));
    if (gly_parser_take_word(parser, GLY_KW_AS)) {
        if (gly_parser_is(parser, '(')) {
            return gly_parser_fail(parser, "expected one name after AS");
        }
        GLY_TRY(gly_parser_name(parser, true, "a name after AS", &item.alias));
    } else if (item.expr->kind != GLY_AST_STAR && is_alias(parser)) {
        GLY_TRY(gly_parser_name(parser, false, "a name", &item.alias));
    }
    *ret = item;
    return GLY_OK;
}

static gly_status read_items(gly_parser *parser, gly_ast_query *query) {
    do {
        gly_ast_item item;
        GLY_TRY(read_item(parser, &item));
        GLY_PARSER_PUSH(parser, query->items, query->item_count, item);
    } while (gly_parser_take(parser, ','));
    return GLY_OK;
}

static gly_status read_groups(gly_parser *parser, gly_ast_query *query) {
    const gly_token *token = gly_parser_peek(parser);
    const gly_token *next = gly_parser_peek_at(parser, 1);
    query->has_groups = true;
    if (gly_parser_is_word(parser, GLY_KW_ALL) && next->kind != ',' && next->kind != '.') {
        (void)gly_parser_take_word(parser, GLY_KW_ALL);
        query->group_all = true;
        return GLY_OK;
    }
    bool sets = token->kind == GLY_TOKEN_WORD &&
                (((token->keyword == GLY_KW_ROLLUP || token->keyword == GLY_KW_CUBE) &&
                  next->kind == '(') ||
                 (token->keyword == GLY_KW_GROUPING && next->kind == GLY_TOKEN_WORD));
    if (sets) {
        return gly_parser_refuse(parser, token,
                                 "ROLLUP, CUBE and GROUPING SETS are not supported yet");
    }
    GLY_TRY(gly_parse_expr_list(parser, &query->group_count, &query->groups));
    token = gly_parser_peek(parser);
    if (gly_parser_is_word(parser, GLY_KW_GROUPING) || gly_parser_is_word(parser, GLY_KW_WITH)) {
        return gly_parser_refuse(parser, token,
                                 "ROLLUP, CUBE and GROUPING SETS are not supported yet");
    }
    return GLY_OK;
}

static gly_status refuse_clauses(gly_parser *parser) {
    static const gly_keyword words[] = {GLY_KW_LATERAL,     GLY_KW_PIVOT,  GLY_KW_UNPIVOT,
                                        GLY_KW_TABLESAMPLE, GLY_KW_WINDOW, GLY_KW_QUALIFY};
    for (size_t i = 0; i < GLY_ARRAY_LEN(words); i++) {
        if (gly_parser_is_word(parser, words[i])) {
            return gly_parser_refuse(parser, gly_parser_peek(parser), "%s is not supported yet",
                                     gly_lex_word(words[i]));
        }
    }
    return GLY_OK;
}

static gly_status read_select(gly_parser *parser, gly_ast_query *query) {
    query->kind = GLY_AST_SELECT;
    GLY_TRY(read_hints(parser, query));
    query->is_distinct = gly_parser_take_word(parser, GLY_KW_DISTINCT);
    const gly_token *next = gly_parser_peek_at(parser, 1);
    if (!query->is_distinct && gly_parser_is_word(parser, GLY_KW_ALL) && next->kind != ',' &&
        next->kind != '.' && next->kind != GLY_TOKEN_END &&
        !(next->kind == GLY_TOKEN_WORD && next->keyword == GLY_KW_FROM)) {
        (void)gly_parser_take_word(parser, GLY_KW_ALL);
    }
    GLY_TRY(read_items(parser, query));
    if (gly_parser_take_word(parser, GLY_KW_FROM)) {
        GLY_TRY(gly_parse_from_read(parser, &query->from));
    }
    GLY_TRY(refuse_clauses(parser));
    if (gly_parser_take_word(parser, GLY_KW_WHERE)) {
        GLY_TRY(gly_parse_expr_read(parser, &query->where));
    }
    bool grouped;
    GLY_TRY(gly_parser_take_by(parser, GLY_KW_GROUP, &grouped));
    if (grouped) {
        GLY_TRY(read_groups(parser, query));
    }
    if (gly_parser_take_word(parser, GLY_KW_HAVING)) {
        GLY_TRY(gly_parse_expr_read(parser, &query->having));
    }
    return refuse_clauses(parser);
}

static gly_status read_values(gly_parser *parser, gly_ast_query *query) {
    query->kind = GLY_AST_VALUES;
    do {
        uint32_t width = 1;
        gly_ast_expr **row;
        const gly_token *token = gly_parser_peek(parser);
        if (gly_parser_is(parser, '(') && !gly_parse_select_is_query(parser)) {
            (void)gly_parser_take(parser, '(');
            GLY_TRY(gly_parse_expr_list(parser, &width, &row));
            GLY_TRY(gly_parser_expect(parser, ')'));
        } else {
            row = GLY_ARENA_ARRAY(parser->arena, gly_ast_expr *, 1);
            GLY_TRY(gly_parse_expr_read(parser, &row[0]));
        }
        if (query->row_count > 0 && width != query->row_width) {
            return gly_fail(parser->err, GLY_E_PARSE,
                            "The rows of VALUES must have as many values as the first one: this "
                            "one has %u, not %u (line %u, column %u)",
                            width, query->row_width, token->line, token->position);
        }
        query->row_width = width;
        GLY_PARSER_PUSH(parser, query->rows, query->row_count, row);
    } while (gly_parser_take(parser, ','));
    return GLY_OK;
}

static gly_ast_query *make_query(gly_parser *parser) {
    const gly_token *token = gly_parser_peek(parser);
    gly_ast_query *query = GLY_ARENA_NEW(parser->arena, gly_ast_query);
    query->line = token->line;
    query->position = token->position;
    return query;
}

/* TABLE t is SELECT * FROM t. */
static gly_status read_table(gly_parser *parser, gly_ast_query *query) {
    const gly_token *token = gly_parser_peek(parser);
    gly_ast_relation *from = GLY_ARENA_NEW(parser->arena, gly_ast_relation);
    *from = (gly_ast_relation){
        .kind = GLY_AST_TABLE, .depth = 1, .line = token->line, .position = token->position};
    GLY_TRY(gly_parser_dotted(parser, "the name of a table", &from->part_count, &from->parts));
    gly_ast_item item = {.expr = gly_parser_make(parser, GLY_AST_STAR, token, 0)};
    GLY_PARSER_PUSH(parser, query->items, query->item_count, item);
    query->from = from;
    return GLY_OK;
}

static bool has_clauses(const gly_ast_query *query) {
    return query->order_count > 0 || query->sort_count > 0 || query->distribute_count > 0 ||
           query->limit != NULL || query->offset != NULL || query->cte_count > 0;
}

static gly_status read_term(gly_parser *parser, gly_ast_query **ret) {
    gly_ast_query *query = make_query(parser);
    *ret = query;
    if (gly_parser_take_word(parser, GLY_KW_SELECT)) {
        return read_select(parser, query);
    }
    if (gly_parser_take_word(parser, GLY_KW_VALUES)) {
        return read_values(parser, query);
    }
    if (gly_parser_take_word(parser, GLY_KW_TABLE)) {
        return read_table(parser, query);
    }
    if (gly_parser_take(parser, '(')) {
        GLY_TRY(gly_parse_select_query(parser, &query->inner));
        query->kind = GLY_AST_NESTED;
        return gly_parser_expect(parser, ')');
    }
    return gly_parser_fail(parser, "expected a query (SELECT, VALUES, WITH or '(')");
}

/* set operations */

static bool take_set(gly_parser *parser, gly_ast_set *ret) {
    if (gly_parser_take_word(parser, GLY_KW_UNION)) {
        *ret = GLY_AST_UNION;
    } else if (gly_parser_take_word(parser, GLY_KW_EXCEPT) ||
               gly_parser_take_word(parser, GLY_KW_MINUS)) {
        *ret = GLY_AST_EXCEPT;
    } else {
        return false;
    }
    return true;
}

static bool take_all(gly_parser *parser) {
    if (gly_parser_take_word(parser, GLY_KW_ALL)) {
        return true;
    }
    (void)gly_parser_take_word(parser, GLY_KW_DISTINCT);
    return false;
}

/* Terms joined by INTERSECT. */
static gly_status read_intersect(gly_parser *parser, gly_ast_query **ret) {
    gly_ast_query *sets = make_query(parser);
    sets->kind = GLY_AST_SETS;
    gly_ast_branch branch = {.set = GLY_AST_INTERSECT};
    do {
        branch.is_all = sets->branch_count > 0 && take_all(parser);
        GLY_TRY(read_term(parser, &branch.query));
        GLY_PARSER_PUSH(parser, sets->branches, sets->branch_count, branch);
    } while (gly_parser_take_word(parser, GLY_KW_INTERSECT));
    *ret = sets->branch_count == 1 ? sets->branches[0].query : sets;
    return GLY_OK;
}

static gly_status read_sets(gly_parser *parser, gly_ast_query **ret) {
    gly_ast_query *sets = make_query(parser);
    sets->kind = GLY_AST_SETS;
    gly_ast_set set = GLY_AST_UNION;
    do {
        gly_ast_branch branch = {.set = (uint8_t)set};
        branch.is_all = sets->branch_count > 0 && take_all(parser);
        GLY_TRY(read_intersect(parser, &branch.query));
        GLY_PARSER_PUSH(parser, sets->branches, sets->branch_count, branch);
    } while (take_set(parser, &set));
    *ret = sets->branch_count == 1 ? sets->branches[0].query : sets;
    return GLY_OK;
}

/* clauses of the whole */

static gly_status read_orders(gly_parser *parser, uint32_t *ret_count, gly_ast_order **ret) {
    do {
        gly_ast_order order = {0};
        GLY_TRY(gly_parse_expr_read(parser, &order.expr));
        order.descending = gly_parser_take_word(parser, GLY_KW_DESC);
        if (!order.descending) {
            (void)gly_parser_take_word(parser, GLY_KW_ASC);
        }
        order.nulls_first = !order.descending;
        if (gly_parser_take_words(parser, GLY_KW_NULLS, GLY_KW_FIRST)) {
            order.nulls_first = true;
        } else if (gly_parser_take_words(parser, GLY_KW_NULLS, GLY_KW_LAST)) {
            order.nulls_first = false;
        }
        GLY_PARSER_PUSH(parser, *ret, *ret_count, order);
    } while (gly_parser_take(parser, ','));
    return GLY_OK;
}

static gly_status read_cluster(gly_parser *parser, gly_ast_query *query) {
    GLY_TRY(gly_parse_expr_list(parser, &query->distribute_count, &query->distributes));
    for (uint32_t i = 0; i < query->distribute_count; i++) {
        gly_ast_order order = {.expr = query->distributes[i], .nulls_first = true};
        GLY_PARSER_PUSH(parser, query->sorts, query->sort_count, order);
    }
    return GLY_OK;
}

static gly_status read_limits(gly_parser *parser, gly_ast_query *query) {
    while (true) {
        const gly_token *token = gly_parser_peek(parser);
        if (query->limit == NULL && gly_parser_take_word(parser, GLY_KW_LIMIT)) {
            if (!gly_parser_take_word(parser, GLY_KW_ALL)) {
                GLY_TRY(gly_parse_expr_read(parser, &query->limit));
            }
        } else if (query->offset == NULL && gly_parser_take_word(parser, GLY_KW_OFFSET)) {
            GLY_TRY(gly_parse_expr_read(parser, &query->offset));
        } else if (gly_parser_is_word(parser, GLY_KW_FETCH)) {
            return gly_parser_refuse(parser, token, "FETCH is not supported; write LIMIT n");
        } else {
            return GLY_OK;
        }
    }
}

static gly_status read_order(gly_parser *parser, gly_ast_query *query) {
    const gly_token *token = gly_parser_peek(parser);
    if (gly_parser_is_word(parser, GLY_KW_ALL) && gly_parser_peek_at(parser, 1)->kind != ',' &&
        gly_parser_peek_at(parser, 1)->kind != '.') {
        return gly_parser_refuse(parser, token, "ORDER BY ALL is not supported yet");
    }
    return read_orders(parser, &query->order_count, &query->orders);
}

static gly_status read_clauses(gly_parser *parser, gly_ast_query *query) {
    bool order, sort, distribute, cluster;
    GLY_TRY(gly_parser_take_by(parser, GLY_KW_DISTRIBUTE, &distribute));
    if (distribute) {
        GLY_TRY(gly_parse_expr_list(parser, &query->distribute_count, &query->distributes));
    }
    GLY_TRY(gly_parser_take_by(parser, GLY_KW_SORT, &sort));
    if (sort) {
        GLY_TRY(read_orders(parser, &query->sort_count, &query->sorts));
    }
    GLY_TRY(gly_parser_take_by(parser, GLY_KW_CLUSTER, &cluster));
    if (cluster && (sort || distribute)) {
        return gly_parser_fail(parser, "CLUSTER BY stands for DISTRIBUTE BY and SORT BY; write "
                                       "one or the others");
    }
    if (cluster) {
        GLY_TRY(read_cluster(parser, query));
    }
    GLY_TRY(gly_parser_take_by(parser, GLY_KW_ORDER, &order));
    if (order) {
        GLY_TRY(read_order(parser, query));
    }
    return read_limits(parser, query);
}

static gly_status read_ctes(gly_parser *parser, uint32_t *ret_count, gly_ast_cte **ret) {
    if (gly_parser_is_word(parser, GLY_KW_NONE) &&
        gly_str_equal_ignore_case(gly_parser_peek(parser)->text, GLY_STR("recursive"))) {
        return gly_parser_refuse(parser, gly_parser_peek(parser),
                                 "WITH RECURSIVE is not supported yet");
    }
    do {
        const gly_token *token = gly_parser_peek(parser);
        gly_ast_cte cte = {.line = token->line, .position = token->position};
        GLY_TRY(gly_parser_name(parser, false, "the name of a common table expression", &cte.name));
        if (gly_parser_is(parser, '(')) {
            GLY_TRY(gly_parser_name_list(parser, &cte.column_count, &cte.columns));
        }
        (void)gly_parser_take_word(parser, GLY_KW_AS);
        GLY_TRY(gly_parser_expect(parser, '('));
        GLY_TRY(gly_parse_select_query(parser, &cte.query));
        GLY_TRY(gly_parser_expect(parser, ')'));
        GLY_PARSER_PUSH(parser, *ret, *ret_count, cte);
    } while (gly_parser_take(parser, ','));
    return GLY_OK;
}

static gly_status read_query(gly_parser *parser, gly_ast_query **ret) {
    uint32_t cte_count = 0;
    gly_ast_cte *ctes = NULL;
    if (gly_parser_take_word(parser, GLY_KW_WITH)) {
        GLY_TRY(read_ctes(parser, &cte_count, &ctes));
    }
    gly_ast_query *query;
    GLY_TRY(read_sets(parser, &query));
    if (query->kind == GLY_AST_NESTED && cte_count == 0) {
        gly_ast_query outer = {0};
        GLY_TRY(read_clauses(parser, &outer));
        if (!has_clauses(&outer)) {
            *ret = query->inner; /* nothing outside: the parentheses mean nothing */
            return GLY_OK;
        }
        outer.kind = GLY_AST_NESTED;
        outer.inner = query->inner;
        outer.line = query->line;
        outer.position = query->position;
        *query = outer;
    } else {
        query->ctes = ctes;
        query->cte_count = cte_count;
        GLY_TRY(read_clauses(parser, query));
    }
    *ret = query;
    return GLY_OK;
}

gly_status gly_parse_select_query(gly_parser *parser, gly_ast_query **ret) {
    GLY_TRY(gly_parser_enter(parser, GLY_PARSER_QUERY_WEIGHT));
    GLY_TRY(read_query(parser, ret));
    parser->depth -= GLY_PARSER_QUERY_WEIGHT;
    return GLY_OK;
}
