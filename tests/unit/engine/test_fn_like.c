/* test_fn_like.c - LIKE against a slow matcher, and its errors; regular expressions. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

#include "lib/base/random.h"

static const gly_expr_case_column texts[] = {
    {"s", "string", "abc|null||a%c|special packages and requests|日本語"},
    {"p", "string", "a%|%|_|a\\%c|%special%requests%|_本%"},
    {0}};

GLY_TEST(patterns) {
    GLY_EXPR_CASE(texts, "(like s 'abc')", "true|null|false|false|false|false");
    GLY_EXPR_CASE(texts, "(like s 'a%')", "true|null|false|true|false|false");
    GLY_EXPR_CASE(texts, "(like s '%c')", "true|null|false|true|false|false");
    GLY_EXPR_CASE(texts, "(like s '%b%')", "true|null|false|false|false|false");
    GLY_EXPR_CASE(texts, "(like s 'a_c')", "true|null|false|true|false|false");
    GLY_EXPR_CASE(texts, "(like s '%')", "true|null|true|true|true|true");
    GLY_EXPR_CASE(texts, "(like s '')", "false|null|true|false|false|false");
    GLY_EXPR_CASE(texts, "(like s '___')", "true|null|false|true|false|true");
    GLY_EXPR_CASE(texts, "(like s '%special%requests%')", "false|null|false|false|true|false");
    GLY_EXPR_CASE(texts, "(like s 'a\\%c')", "false|null|false|true|false|false");
    GLY_EXPR_CASE(texts, "(like s 'a!%c' '!')", "false|null|false|true|false|false");
    GLY_EXPR_CASE(texts, "(like s '%_語')", "false|null|false|false|false|true");
    GLY_EXPR_CASE(texts, "(like s p)", "true|null|false|true|true|true");
    GLY_EXPR_VALUE("(like 'aab' '%ab')", "true");
    GLY_EXPR_VALUE("(like 'ab' 'ab%ab')", "false");
    GLY_EXPR_VALUE("(like 'x' 'a\\')", "!ends with the escape character");
    GLY_EXPR_VALUE("(like 'x' 'a\\b')", "!the escape character may only stand before");
    GLY_EXPR_CASE(texts, "(startswith s 'a')", "true|null|false|true|false|false");
    GLY_EXPR_CASE(texts, "(endswith s 'c')", "true|null|false|true|false|false");
    GLY_EXPR_CASE(texts, "(contains s 'and')", "false|null|false|false|true|false");
    GLY_EXPR_CASE(texts, "(contains s '')", "true|null|true|true|true|true");
}

static bool slow_like(const char *text, const char *pattern) {
    if (*pattern == '\0') {
        return *text == '\0';
    }
    if (*pattern == '%') {
        return slow_like(text, pattern + 1) || (*text != '\0' && slow_like(text + 1, pattern));
    }
    return *text != '\0' && (*pattern == '_' || *pattern == *text) &&
           slow_like(text + 1, pattern + 1);
}

GLY_TEST(like_as_the_definition_says) {
    gly_random random = {11};
    for (int i = 0; i < 400; i++) {
        char text[12] = {0}, pattern[10] = {0}, expression[64];
        uint64_t text_size = gly_random_below(&random, 11);
        uint64_t pattern_size = gly_random_below(&random, 8);
        for (uint64_t k = 0; k < text_size; k++) {
            text[k] = (char)('a' + gly_random_below(&random, 2));
        }
        for (uint64_t k = 0; k < pattern_size; k++) {
            pattern[k] = "ab%_"[gly_random_below(&random, 4)];
        }
        snprintf(expression, sizeof expression, "(like '%s' '%s')", text, pattern);
        GLY_EXPR_VALUE(expression, slow_like(text, pattern) ? "true" : "false");
    }
}

GLY_TEST(regular_expressions) {
    GLY_EXPR_CASE(texts, "(rlike s '^a')", "true|null|false|true|false|false");
    GLY_EXPR_CASE(texts, "(rlike s 'b|語')", "true|null|false|false|false|true");
    GLY_EXPR_VALUE("(rlike 'x' '(')", "!The regular expression '(' is not valid");
    GLY_EXPR_VALUE("(regexp_extract '100-200' '(\\d+)-(\\d+)')", "100");
    GLY_EXPR_VALUE("(regexp_extract '100-200' '(\\d+)-(\\d+)' 2)", "200");
    GLY_EXPR_VALUE("(regexp_extract '100-200' '(\\d+)-(\\d+)' 0)", "100-200");
    GLY_EXPR_VALUE("(regexp_extract 'x' '(\\d+)' 1)", "");
    GLY_EXPR_VALUE("(regexp_extract 'x' '(\\d+)' 2)", "!has groups 0 to 1");
    GLY_EXPR_VALUE("(regexp_replace '100-200' '(\\d+)' 'num')", "num-num");
    GLY_EXPR_VALUE("(regexp_replace '100-200' '(\\d)(\\d)' '$2$1')", "010-020");
    GLY_EXPR_VALUE("(regexp_replace 'abc' 'x*' '-')", "-a-b-c-");
    GLY_EXPR_VALUE("(regexp_replace 'abc' '(?<n>b)' '[${n}]')", "a[b]c");
    GLY_EXPR_VALUE("(regexp_replace 'abc' 'b' '$')", "!The replacement '$' is not valid");
    GLY_EXPR_VALUE("(regexp_replace 'abc' 'b' '\\$')", "a$c");
    GLY_EXPR_VALUE("(rlike 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac' '(a|aa)+$')", "!too many steps");
}

GLY_TEST(first_match_and_count) {
    GLY_EXPR_CASE(texts, "(regexp_count (substring s 1 0) '')", "1|null|1|1|1|1");
    GLY_EXPR_VALUE("(regexp_count 'aaa' 'a*')", "2");
    GLY_EXPR_VALUE("(regexp_count '日本' '')", "3");
    GLY_EXPR_VALUE("(regexp_count 'abab' 'ab')", "2");
    GLY_EXPR_VALUE("(regexp_instr '日本1' '1')", "3");
    GLY_EXPR_VALUE("(regexp_instr 'abc' '' 5)", "1");
    GLY_EXPR_VALUE("(regexp_instr 'abc' 'x')", "0");
    GLY_EXPR_VALUE("(regexp_substr 'a1b22' '[0-9]+$')", "22");
    GLY_EXPR_VALUE("(regexp_substr 'abc' 'x*')", "null");
    GLY_EXPR_VALUE("(regexp_substr 'abc' 'x')", "null");
    GLY_EXPR_VALUE("(regexp_count 'x' '(')", "!is not valid");
    GLY_EXPR_VALUE("(regexp_count 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac' '(a|aa)+$')",
                   "!too many steps");
}

GLY_SUITE("fn_like", patterns, like_as_the_definition_says, regular_expressions,
          first_match_and_count)
