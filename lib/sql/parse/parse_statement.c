/* parse_statement.c - everything that is not a query: views, settings, caches, EXPLAIN, SHOW,
 * INSERT.
 *
 * A statement is known by its first words.  SET takes its value as raw text up to the semicolon,
 * because Spark's settings hold anything.  What Galley does not do is refused by name, so that
 * people see a sentence and not a syntax error.
 */
#include "lib/sql/parse/parser.h"

/* Text between two tokens, both included. */
static gly_str text_of(const gly_parser *parser, uint32_t first, uint32_t end) {
    if (end <= first) {
        return (gly_str){"", 0};
    }
    const gly_token *last = &parser->tokens[end - 1];
    const char *start = parser->tokens[first].text.data;
    return (gly_str){start, (size_t)(last->text.data + last->text.size - start)};
}

static gly_status read_query_of(gly_parser *parser, gly_statement *ret) {
    uint32_t first = parser->at;
    GLY_TRY(gly_parse_select_query(parser, &ret->query));
    ret->query_text = text_of(parser, first, parser->at);
    return GLY_OK;
}

static gly_status read_name_of(gly_parser *parser, const char *what, gly_statement *ret) {
    const gly_token *token = gly_parser_peek(parser);
    uint32_t count;
    gly_str *parts;
    GLY_TRY(gly_parser_dotted(parser, what, &count, &parts));
    if (count > 1) {
        return gly_parser_refuse(parser, token,
                                 "There are no schemas yet: name the view without '%.*s.'",
                                 GLY_STR_ARG(parts[0]));
    }
    ret->name = parts[0];
    ret->has_name = true;
    return GLY_OK;
}

/* OPTIONS (key 'value', key = value, ...) */

static gly_status read_option_key(gly_parser *parser, gly_str *ret) {
    gly_builder key = {0};
    if (gly_parser_is(parser, GLY_TOKEN_STRING)) {
        return gly_parser_string(parser, "an option", ret);
    }
    do {
        gly_str part;
        gly_status status = gly_parser_name(parser, true, "the name of an option", &part);
        if (status != GLY_OK) {
            gly_builder_clear(&key);
            return status;
        }
        gly_builder_format(&key, "%s%.*s", key.size == 0 ? "" : ".", GLY_STR_ARG(part));
    } while (gly_parser_take(parser, '.'));
    *ret = gly_arena_str(parser->arena, gly_builder_str(&key));
    gly_builder_clear(&key);
    return GLY_OK;
}

static gly_status read_option_value(gly_parser *parser, gly_str *ret) {
    const gly_token *token = gly_parser_peek(parser);
    if (token->kind == GLY_TOKEN_STRING) {
        return gly_parser_string(parser, "a value", ret);
    }
    bool negative = gly_parser_take(parser, '-');
    token = gly_parser_peek(parser);
    if (token->kind != GLY_TOKEN_NUMBER && (negative || token->kind != GLY_TOKEN_WORD)) {
        return gly_parser_fail(parser, "expected the value of the option, in quotes");
    }
    *ret = token->text;
    if (negative) {
        *ret = gly_str_of(gly_arena_format(parser->arena, "-%.*s", GLY_STR_ARG(token->text)));
    }
    (void)gly_parser_take(parser, token->kind);
    return GLY_OK;
}

static gly_str lower_copy(gly_arena *arena, gly_str text) {
    char *copy = gly_arena_alloc(arena, text.size + 1);
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        copy[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    copy[text.size] = '\0';
    return (gly_str){copy, text.size};
}

static gly_status read_options(gly_parser *parser, gly_statement *ret) {
    GLY_TRY(gly_parser_expect(parser, '('));
    if (gly_parser_take(parser, ')')) {
        return GLY_OK;
    }
    do {
        gly_option option;
        GLY_TRY(read_option_key(parser, &option.key));
        (void)gly_parser_take(parser, '=');
        GLY_TRY(read_option_value(parser, &option.value));
        option.key = lower_copy(parser->arena, option.key);
        if (gly_str_equal(option.key, GLY_STR("path"))) {
            ret->path = option.value;
        } else {
            GLY_PARSER_PUSH(parser, ret->options, ret->option_count, option);
        }
    } while (gly_parser_take(parser, ','));
    return gly_parser_expect(parser, ')');
}

/* CREATE VIEW */

/* (a, b) or (a int, b string) */
static gly_status read_columns(gly_parser *parser, bool *ret_typed, gly_statement *ret) {
    GLY_TRY(gly_parser_expect(parser, '('));
    *ret_typed = false;
    do {
        gly_field field = {.nullable = true};
        GLY_TRY(gly_parser_name(parser, false, "a column name", &field.name));
        if (!gly_parser_is(parser, ',') && !gly_parser_is(parser, ')')) {
            (void)gly_parser_take(parser, ':');
            GLY_TRY(gly_parse_literal_type(parser, &field.type));
            *ret_typed = true;
            if (gly_parser_take_words(parser, GLY_KW_NOT, GLY_KW_NULL)) {
                field.nullable = false;
            }
        }
        GLY_PARSER_PUSH(parser, ret->columns, ret->column_count, field);
    } while (gly_parser_take(parser, ','));
    return gly_parser_expect(parser, ')');
}

static gly_status read_create(gly_parser *parser, gly_statement *ret) {
    const gly_token *token = gly_parser_peek(parser);
    ret->kind = GLY_STATEMENT_CREATE_VIEW;
    (void)gly_parser_take_word(parser, GLY_KW_CREATE);
    ret->or_replace = gly_parser_take_words(parser, GLY_KW_OR, GLY_KW_REPLACE);
    if (gly_parser_is_word(parser, GLY_KW_GLOBAL)) {
        return gly_parser_refuse(parser, token,
                                 "Global views are not supported yet; write CREATE "
                                 "TEMPORARY VIEW");
    }
    bool temporary =
        gly_parser_take_word(parser, GLY_KW_TEMPORARY) || gly_parser_take_word(parser, GLY_KW_TEMP);
    if (gly_parser_is_word(parser, GLY_KW_VIEW) && !temporary) {
        return gly_parser_refuse(parser, token,
                                 "Only temporary views are supported; write CREATE "
                                 "TEMPORARY VIEW");
    }
    if (!gly_parser_take_word(parser, GLY_KW_VIEW)) {
        if (gly_parser_is_word(parser, GLY_KW_TABLE) ||
            gly_parser_peek(parser)->keyword == GLY_KW_NONE) {
            return gly_parser_refuse(
                parser, token,
                "CREATE %.*s is not supported yet; write files with INSERT "
                "OVERWRITE DIRECTORY, read them with CREATE TEMPORARY VIEW ... "
                "USING",
                GLY_STR_ARG(gly_parser_peek(parser)->text));
        }
        return gly_parser_fail(parser, "expected TEMPORARY VIEW");
    }
    if (gly_parser_take_word(parser, GLY_KW_IF)) {
        GLY_TRY(gly_parser_expect_word(parser, GLY_KW_NOT));
        GLY_TRY(gly_parser_expect_word(parser, GLY_KW_EXISTS));
        return gly_parser_refuse(parser, token,
                                 "IF NOT EXISTS is not allowed for temporary views; "
                                 "write CREATE OR REPLACE TEMPORARY VIEW");
    }
    GLY_TRY(read_name_of(parser, "the name of the view", ret));
    bool typed = false;
    if (gly_parser_is(parser, '(')) {
        GLY_TRY(read_columns(parser, &typed, ret));
    }
    if (gly_parser_take_word(parser, GLY_KW_USING)) {
        GLY_TRY(gly_parser_name(parser, true, "a format (parquet, csv, json)", &ret->format));
        if (gly_parser_take_word(parser, GLY_KW_OPTIONS)) {
            GLY_TRY(read_options(parser, ret));
        }
        return GLY_OK;
    }
    if (typed) {
        return gly_parser_fail(parser, "expected USING and a format (columns with types describe "
                                       "files)");
    }
    if (!gly_parser_take_word(parser, GLY_KW_AS)) {
        return gly_parser_fail(parser, "expected AS and a query, or USING and a format");
    }
    return read_query_of(parser, ret);
}

static gly_status read_drop(gly_parser *parser, gly_statement *ret) {
    const gly_token *token = gly_parser_peek(parser);
    ret->kind = GLY_STATEMENT_DROP_VIEW;
    (void)gly_parser_take_word(parser, GLY_KW_DROP);
    if (!gly_parser_take_word(parser, GLY_KW_VIEW)) {
        if (gly_parser_is_word(parser, GLY_KW_TABLE)) {
            return gly_parser_refuse(parser, token,
                                     "There are no tables yet; DROP VIEW drops "
                                     "temporary views");
        }
        return gly_parser_fail(parser, "expected VIEW");
    }
    ret->if_exists = gly_parser_take_words(parser, GLY_KW_IF, GLY_KW_EXISTS);
    return read_name_of(parser, "the name of the view", ret);
}

/* INSERT OVERWRITE [LOCAL] DIRECTORY 'path' USING format [OPTIONS (...)] query */
static gly_status read_insert(gly_parser *parser, gly_statement *ret) {
    const gly_token *token = gly_parser_peek(parser);
    ret->kind = GLY_STATEMENT_INSERT_DIRECTORY;
    (void)gly_parser_take_word(parser, GLY_KW_INSERT);
    if (gly_parser_take_word(parser, GLY_KW_OVERWRITE)) {
        ret->mode = GLY_WRITE_OVERWRITE;
    } else if (gly_parser_take_word(parser, GLY_KW_INTO)) {
        ret->mode = GLY_WRITE_APPEND;
    } else {
        return gly_parser_fail(parser, "expected OVERWRITE DIRECTORY or INTO DIRECTORY");
    }
    (void)gly_parser_take_word(parser, GLY_KW_LOCAL);
    if (!gly_parser_take_word(parser, GLY_KW_DIRECTORY)) {
        return gly_parser_refuse(parser, token,
                                 "There are no tables to insert into yet; write "
                                 "INSERT OVERWRITE DIRECTORY 'path' USING parquet "
                                 "SELECT ...");
    }
    if (gly_parser_is(parser, GLY_TOKEN_STRING)) {
        GLY_TRY(gly_parser_string(parser, "a path", &ret->path));
    } else if (gly_parser_is(parser, GLY_TOKEN_QUOTED)) {
        GLY_TRY(gly_parser_name(parser, false, "a path", &ret->path));
    }
    if (!gly_parser_take_word(parser, GLY_KW_USING) &&
        !gly_parser_take_words(parser, GLY_KW_STORED, GLY_KW_AS)) {
        return gly_parser_fail(parser, ret->path.size == 0 ? "expected a path in quotes"
                                                           : "expected USING and a format");
    }
    GLY_TRY(gly_parser_name(parser, true, "a format (parquet, csv, json)", &ret->format));
    if (gly_parser_take_word(parser, GLY_KW_OPTIONS)) {
        GLY_TRY(read_options(parser, ret));
    }
    if (ret->path.size == 0) {
        return gly_parser_fail(parser, "the path of the directory is missing: write it behind "
                                       "DIRECTORY, in quotes");
    }
    (void)gly_parser_take_word(parser, GLY_KW_AS);
    return read_query_of(parser, ret);
}

/* SET */

static gly_str unquote(gly_str text) {
    text = gly_str_trim(text);
    if (text.size >= 2 && text.data[0] == text.data[text.size - 1] &&
        (text.data[0] == '\'' || text.data[0] == '"' || text.data[0] == '`')) {
        text = (gly_str){text.data + 1, text.size - 2};
    }
    return text;
}

/* Moves to the semicolon or the end; the raw text passed. */
static gly_str take_raw(gly_parser *parser) {
    const char *start = gly_parser_peek(parser)->text.data;
    uint32_t at = parser->at;
    while (parser->tokens[at].kind != ';' && parser->tokens[at].kind != GLY_TOKEN_END) {
        at++;
    }
    const gly_token *stop = &parser->tokens[at];
    const char *end = start;
    if (at > parser->at) {
        const gly_token *last = &parser->tokens[at - 1];
        end = last->text.data + last->text.size;
    }
    (void)stop;
    parser->at = at;
    return (gly_str){start, (size_t)(end - start)};
}

static gly_status read_set(gly_parser *parser, gly_statement *ret) {
    ret->kind = GLY_STATEMENT_SET;
    (void)gly_parser_take_word(parser, GLY_KW_SET);
    if (gly_parser_take_words(parser, GLY_KW_TIME, GLY_KW_ZONE)) {
        gly_str zone = unquote(take_raw(parser));
        if (zone.size == 0) {
            return gly_parser_fail(parser, "expected a time zone such as 'UTC'");
        }
        ret->name = GLY_STR("spark.sql.session.timeZone");
        ret->value = gly_str_equal_ignore_case(zone, GLY_STR("local")) ? GLY_STR("UTC") : zone;
        ret->has_name = ret->has_value = true;
        return GLY_OK;
    }
    const gly_token *token = gly_parser_peek(parser);
    if (token->kind == GLY_TOKEN_ERROR) {
        return gly_parser_fail(parser, "expected a setting");
    }
    gly_str raw = take_raw(parser);
    if (raw.size == 0 || gly_str_equal(gly_str_trim(raw), GLY_STR("-v"))) {
        return GLY_OK;
    }
    const char *equals = memchr(raw.data, '=', raw.size);
    size_t key_size = equals == NULL ? raw.size : (size_t)(equals - raw.data);
    ret->name = unquote((gly_str){raw.data, key_size});
    ret->has_name = true;
    if (ret->name.size == 0 || memchr(ret->name.data, ' ', ret->name.size) != NULL) {
        return gly_fail(parser->err, GLY_E_PARSE,
                        "Syntax error at or near '%.*s' (line %u, column %u): expected SET "
                        "key=value, SET key or SET",
                        (int)GLY_MIN(raw.size, (size_t)40), raw.data, token->line, token->position);
    }
    if (equals != NULL) {
        ret->has_value = true;
        ret->value = unquote((gly_str){equals + 1, raw.size - key_size - 1});
    }
    return GLY_OK;
}

static gly_status read_reset(gly_parser *parser, gly_statement *ret) {
    ret->kind = GLY_STATEMENT_RESET;
    (void)gly_parser_take_word(parser, GLY_KW_RESET);
    gly_str key = unquote(take_raw(parser));
    ret->name = key;
    ret->has_name = key.size > 0;
    return GLY_OK;
}

/* caches */

static gly_status read_cache(gly_parser *parser, gly_statement *ret) {
    ret->kind = GLY_STATEMENT_CACHE;
    (void)gly_parser_take_word(parser, GLY_KW_CACHE);
    ret->is_lazy = gly_parser_take_word(parser, GLY_KW_LAZY);
    GLY_TRY(gly_parser_expect_word(parser, GLY_KW_TABLE));
    GLY_TRY(read_name_of(parser, "the name of the view", ret));
    if (gly_parser_take_word(parser, GLY_KW_OPTIONS)) {
        GLY_TRY(
            read_options(parser, ret)); /* storageLevel: accepted, memory and disk is what we do */
    }
    if (gly_parser_take_word(parser, GLY_KW_AS) || gly_parser_is_word(parser, GLY_KW_SELECT) ||
        gly_parser_is_word(parser, GLY_KW_WITH)) {
        return read_query_of(parser, ret);
    }
    return GLY_OK;
}

static gly_status read_uncache(gly_parser *parser, gly_statement *ret) {
    ret->kind = GLY_STATEMENT_UNCACHE;
    (void)gly_parser_take_word(parser, GLY_KW_UNCACHE);
    GLY_TRY(gly_parser_expect_word(parser, GLY_KW_TABLE));
    ret->if_exists = gly_parser_take_words(parser, GLY_KW_IF, GLY_KW_EXISTS);
    return read_name_of(parser, "the name of the view", ret);
}

static gly_status read_clear(gly_parser *parser, gly_statement *ret) {
    ret->kind = GLY_STATEMENT_CLEAR_CACHE;
    (void)gly_parser_take_word(parser, GLY_KW_CLEAR);
    return gly_parser_expect_word(parser, GLY_KW_CACHE);
}

/* EXPLAIN, SHOW, DESCRIBE */

static gly_status read_explain(gly_parser *parser, gly_statement *ret) {
    ret->kind = GLY_STATEMENT_EXPLAIN;
    (void)gly_parser_take_word(parser, GLY_KW_EXPLAIN);
    const gly_token *token = gly_parser_peek(parser);
    if (gly_parser_take_word(parser, GLY_KW_EXTENDED)) {
        ret->explain_mode = GLY_EXPLAIN_EXTENDED;
    } else if (gly_parser_take_word(parser, GLY_KW_FORMATTED)) {
        ret->explain_mode = GLY_EXPLAIN_FORMATTED;
    } else if (gly_parser_take_word(parser, GLY_KW_ANALYZE)) {
        ret->explain_mode = GLY_EXPLAIN_ANALYZE;
    } else if (gly_parser_is_word(parser, GLY_KW_CODEGEN) ||
               gly_parser_is_word(parser, GLY_KW_COST)) {
        return gly_parser_refuse(parser, token,
                                 "EXPLAIN %.*s is not supported; EXTENDED, "
                                 "FORMATTED and ANALYZE are",
                                 GLY_STR_ARG(token->text));
    }
    if (gly_parser_is_word(parser, GLY_KW_EXPLAIN)) {
        return gly_parser_fail(parser, "expected the statement to explain");
    }
    const gly_token *first = gly_parser_peek(parser);
    uint32_t start = parser->at;
    ret->inner = GLY_ARENA_NEW(parser->arena, gly_statement);
    ret->inner->line = first->line;
    GLY_TRY(gly_parse_statement_read(parser, ret->inner));
    ret->inner->text = text_of(parser, start, parser->at);
    return GLY_OK;
}

static gly_status read_pattern(gly_parser *parser, gly_statement *ret) {
    bool like = gly_parser_take_word(parser, GLY_KW_LIKE);
    if (like || gly_parser_is(parser, GLY_TOKEN_STRING)) {
        GLY_TRY(gly_parser_string(parser, "a pattern in quotes", &ret->value));
        ret->has_value = true;
    }
    return GLY_OK;
}

static gly_status read_show(gly_parser *parser, gly_statement *ret) {
    (void)gly_parser_take_word(parser, GLY_KW_SHOW);
    if (gly_parser_take_word(parser, GLY_KW_TABLES) || gly_parser_take_word(parser, GLY_KW_VIEWS)) {
        ret->kind = GLY_STATEMENT_SHOW_TABLES;
        return read_pattern(parser, ret);
    }
    if (gly_parser_take_word(parser, GLY_KW_FUNCTIONS)) {
        ret->kind = GLY_STATEMENT_SHOW_FUNCTIONS;
        return read_pattern(parser, ret);
    }
    if (gly_parser_take_word(parser, GLY_KW_COLUMNS)) {
        ret->kind = GLY_STATEMENT_SHOW_COLUMNS;
        if (!gly_parser_take_word(parser, GLY_KW_IN)) {
            GLY_TRY(gly_parser_expect_word(parser, GLY_KW_FROM));
        }
        return read_name_of(parser, "the name of a view", ret);
    }
    return gly_parser_fail(parser, "expected TABLES, VIEWS, FUNCTIONS or COLUMNS IN view");
}

static gly_status read_describe(gly_parser *parser, gly_statement *ret) {
    ret->kind = GLY_STATEMENT_DESCRIBE;
    (void)(gly_parser_take_word(parser, GLY_KW_DESCRIBE) ||
           gly_parser_take_word(parser, GLY_KW_DESC));
    uint16_t behind = gly_parser_peek_at(parser, 1)->kind;
    if (behind != ';' && behind != GLY_TOKEN_END) {
        (void)(gly_parser_take_word(parser, GLY_KW_QUERY) ||
               (gly_parser_is_word(parser, GLY_KW_TABLE) &&
                gly_parser_take_word(parser, GLY_KW_TABLE)) ||
               gly_parser_take_word(parser, GLY_KW_EXTENDED) ||
               gly_parser_take_word(parser, GLY_KW_FORMATTED));
    }
    if (gly_parser_is_word(parser, GLY_KW_SELECT) || gly_parser_is_word(parser, GLY_KW_WITH) ||
        gly_parser_is_word(parser, GLY_KW_VALUES) || gly_parser_is(parser, '(')) {
        return read_query_of(parser, ret);
    }
    return read_name_of(parser, "the name of a view, or a query", ret);
}

gly_status gly_parse_statement_read(gly_parser *parser,
                                    gly_statement *ret) { /* long: one case per word */
    const gly_token *token = gly_parser_peek(parser);
    if (token->kind == '(') {
        return read_query_of(parser, ret);
    }
    if (token->kind != GLY_TOKEN_WORD) {
        return gly_parser_fail(parser, "expected a statement (SELECT, WITH, VALUES, CREATE, ...)");
    }
    switch (token->keyword) {
    case GLY_KW_SELECT:
    case GLY_KW_WITH:
    case GLY_KW_VALUES:
    case GLY_KW_TABLE:
        ret->kind = GLY_STATEMENT_QUERY;
        return read_query_of(parser, ret);
    case GLY_KW_CREATE:
        return read_create(parser, ret);
    case GLY_KW_DROP:
        return read_drop(parser, ret);
    case GLY_KW_INSERT:
        return read_insert(parser, ret);
    case GLY_KW_SET:
        return read_set(parser, ret);
    case GLY_KW_RESET:
        return read_reset(parser, ret);
    case GLY_KW_CACHE:
        return read_cache(parser, ret);
    case GLY_KW_UNCACHE:
        return read_uncache(parser, ret);
    case GLY_KW_CLEAR:
        return read_clear(parser, ret);
    case GLY_KW_EXPLAIN:
        return read_explain(parser, ret);
    case GLY_KW_SHOW:
        return read_show(parser, ret);
    case GLY_KW_DESC:
    case GLY_KW_DESCRIBE:
        return read_describe(parser, ret);
    case GLY_KW_ALTER:
    case GLY_KW_ANALYZE:
    case GLY_KW_DELETE:
    case GLY_KW_MERGE:
    case GLY_KW_REFRESH:
    case GLY_KW_TRUNCATE:
    case GLY_KW_UPDATE:
    case GLY_KW_USE:
        return gly_parser_refuse(parser, token, "%s is not supported yet",
                                 gly_lex_word((gly_keyword)token->keyword));
    default:
        return gly_parser_fail(parser, "expected a statement (SELECT, WITH, VALUES, CREATE, ...)");
    }
}
