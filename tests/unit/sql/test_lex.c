/* test_lex.c - tokens: kinds, places, hostile bytes. */
#include "lib/sql/parse/lex.h"
#include "tests/support/check.h"

static gly_arena *arena;

/* Kinds as letters: w word, k keyword, q quoted, s string, n number, b binary, e error, $ end. */
static const char *kinds_of(gly_str text) {
    gly_token *tokens;
    uint32_t count;
    gly_builder out = {0};
    gly_lex_text(arena, text, &count, &tokens);
    for (uint32_t i = 0; i < count; i++) {
        switch (tokens[i].kind) {
        case GLY_TOKEN_WORD:
            gly_builder_add_char(&out, tokens[i].keyword == GLY_KW_NONE ? 'w' : 'k');
            break;
        case GLY_TOKEN_QUOTED:
            gly_builder_add_char(&out, 'q');
            break;
        case GLY_TOKEN_STRING:
            gly_builder_add_char(&out, 's');
            break;
        case GLY_TOKEN_BINARY:
            gly_builder_add_char(&out, 'b');
            break;
        case GLY_TOKEN_NUMBER:
            gly_builder_add_char(&out, 'n');
            break;
        case GLY_TOKEN_ERROR:
            gly_builder_add_char(&out, 'e');
            break;
        case GLY_TOKEN_END:
            gly_builder_add_char(&out, '$');
            break;
        case GLY_TOKEN_HINT_START:
            gly_builder_add_char(&out, 'H');
            break;
        case GLY_TOKEN_HINT_END:
            gly_builder_add_char(&out, 'h');
            break;
        default:
            gly_builder_add_char(&out, tokens[i].kind < 256 ? (char)tokens[i].kind : 'o');
            break;
        }
    }
    const char *copy = gly_arena_string(arena, out.data);
    gly_builder_clear(&out);
    return copy;
}

static void check_kinds(const char *text, const char *expected) {
    arena = gly_arena_make();
    GLY_CHECK_TEXT(kinds_of(gly_str_of(text)), expected);
    gly_arena_free(arena);
}

GLY_TEST(kinds) {
    check_kinds("", "$");
    check_kinds("select a1 `b``c` 'd' \"e\" 1 x'0f' r'\\'", "kwqssnbs$");
    check_kinds("a.b .5 1.5 1. 1.e2 a.5", "w.wnnnn"
                                          "w.n$");
    check_kinds("1a 12L 1e5 1e", "wnnw$");
    check_kinds("<= >= <> != <=> == || :: << >>", "oooo"
                                                  "o=oooo$");
    check_kinds("a--b\nc/*d/*e*/f*/g", "www$");
    check_kinds("select /*+ broadcast(t) */ a /*+ no */", "kHk(w)hw$");
    check_kinds("a\tb\r\nc\x0b", "www$");
    check_kinds("\xc3\xa9t\xc3\xa9 = 1", "w=n$");
    check_kinds("?@{}", "?@{}$");
    check_kinds("\x01", "e$");
}

GLY_TEST(unfinished) {
    check_kinds("'abc", "e$");
    check_kinds("'abc\\", "e$");
    check_kinds("'abc\\'", "e$");
    check_kinds("'a''", "e$");
    check_kinds("`abc", "e$");
    check_kinds("/* /* */", "e$");
    check_kinds("/*", "e$");
    check_kinds("x'", "e$");
    check_kinds("x'z'", "e$");
    check_kinds("r\"", "e$");
    check_kinds("1.5x", "e$");
}

GLY_TEST(bad_utf8_ends_the_text) {
    check_kinds("a \xff b", "we$");
    check_kinds("'\xc3'", "ee$");
    check_kinds("a\xed\xa0\x80", "we$");
    check_kinds("a\xc0\x80", "we$");
    check_kinds("a\xf4\x90\x80\x80", "we$");
    arena = gly_arena_make();
    GLY_CHECK_TEXT(kinds_of((gly_str){"a\0b", 3}), "we$");
    GLY_CHECK_TEXT(kinds_of((gly_str){"a\xf0\x9f\x98\x80"
                                      "b",
                                      5}),
                   "w$");
    GLY_CHECK_TEXT(kinds_of((gly_str){"a\xf0\x9f\x98\x80"
                                      "b",
                                      4}),
                   "we$"); /* cut */
    gly_arena_free(arena);
}

GLY_TEST(places) {
    arena = gly_arena_make();
    gly_token *tokens;
    uint32_t count;
    gly_lex_text(arena, GLY_STR("a\n  'x\ny' \xc3\xa9 b"), &count, &tokens);
    GLY_CHECK_INT(count, 5);
    GLY_CHECK(tokens[0].line == 1 && tokens[0].position == 1);
    GLY_CHECK(tokens[1].line == 2 && tokens[1].position == 3);
    GLY_CHECK(tokens[2].line == 3 && tokens[2].position == 4);
    GLY_CHECK(tokens[3].line == 3 && tokens[3].position == 6); /* code points, not bytes */
    GLY_CHECK_INT(tokens[4].kind, GLY_TOKEN_END);
    gly_arena_free(arena);
}

GLY_TEST(keywords_are_sorted_and_found) {
    for (int i = 1; i < GLY_KW_COUNT; i++) {
        const char *word = gly_lex_word((gly_keyword)i);
        GLY_CHECK(i == 1 || strcmp(gly_lex_word((gly_keyword)(i - 1)), word) < 0);
        GLY_CHECK_INT(gly_lex_keyword(gly_str_of(word)), i);
    }
    GLY_CHECK_INT(gly_lex_keyword(GLY_STR("sElEcT")), GLY_KW_SELECT);
    GLY_CHECK_INT(gly_lex_keyword(GLY_STR("SELECTS")), GLY_KW_NONE);
    GLY_CHECK_INT(gly_lex_keyword(GLY_STR("SELEC")), GLY_KW_NONE);
    GLY_CHECK_INT(gly_lex_keyword(GLY_STR("")), GLY_KW_NONE);
    GLY_CHECK_TEXT(gly_lex_suggest(GLY_STR("form")), "FROM");
    GLY_CHECK_TEXT(gly_lex_suggest(GLY_STR("whree")), "WHERE");
    GLY_CHECK_TEXT(gly_lex_suggest(GLY_STR("quantity")), "");
}

GLY_SUITE("lex", kinds, unfinished, bad_utf8_ends_the_text, places, keywords_are_sorted_and_found)
