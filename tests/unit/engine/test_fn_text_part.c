/* test_fn_text_part.c - lists, delimiters, replaced characters; distances and sounds. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

static const gly_expr_case_column values[] = {
    {"s", "string", "a,b,c|null||größe,a|a long text, that is not inline|日本,語"},
    {"n", "int", "1|2|-1|3|null|2"},
    {0}};

GLY_TEST(parts) {
    GLY_EXPR_CASE(values, "(substring_index s ',' n)", "a|null||größe,a|null|日本,語");
    GLY_EXPR_CASE(values, "(substring_index s ',' -1)", "c|null||a| that is not inline|語");
    GLY_EXPR_VALUE("(substring_index 'aaaaa' 'aa' 2)", "a");
    GLY_EXPR_VALUE("(substring_index 'aaaaa' 'aa' -2)", "a");
    GLY_EXPR_VALUE("(substring_index 'a' 'abc' -1)", "a");
    GLY_EXPR_VALUE("(substring_index 'a.b' '.' -2147483648)", "a.b");
    GLY_EXPR_CASE(values, "(find_in_set 'a' s)", "1|null|0|2|0|0");
    GLY_EXPR_VALUE("(find_in_set '' '')", "1");
    GLY_EXPR_VALUE("(find_in_set '' 'a,')", "2");
    GLY_EXPR_VALUE("(find_in_set 'a,b' 'a,b')", "0");
}

GLY_TEST(choices) {
    GLY_EXPR_CASE(values, "(elt n s 'two' 'three')", "!The index -1 is not between 1 and 3");
    GLY_EXPR_VALUE("(elt 2 'a' null)", "null");
    GLY_EXPR_VALUE("(elt 0 'a' 'b')", "!The index 0 is not between 1 and 2");
    GLY_EXPR_VALUE("(elt 3 'a' 'b')", "!The index 3 is not between 1 and 2");
}

GLY_TEST(replacing) {
    GLY_EXPR_CASE(values, "(overlay s '*-' n)", "*-b,c|null|*-|gr*-e,a|null|日*-語");
    GLY_EXPR_VALUE("(overlay 'abc' 'X' 0)", "Xabc");
    GLY_EXPR_VALUE("(overlay 'abc' 'X' 2147483647 2147483647)", "abcX");
    GLY_EXPR_VALUE("(hex (overlay (unhex '010203') (unhex 'FF') 2 1))", "01FF03");
    GLY_EXPR_VALUE("(overlay (unhex '01') 'x' 1)", "!expected (string, string");
    GLY_EXPR_CASE(values, "(translate s 'aö,' 'AO')",
                  "Abc|null||grOßeA|A long text thAt is not inline|日本語");
    GLY_EXPR_VALUE("(translate 'aab' 'aa' '12')", "11b");
    GLY_EXPR_CASE(values, "(length (space n))", "1|2|0|3|null|2");
    GLY_EXPR_VALUE("(space 2147483647)", "!longer than 1 GiB");
    GLY_EXPR_CASE(values, "(bit_length s)", "40|null|0|72|248|80");
}

GLY_TEST(distances) {
    GLY_EXPR_CASE(values, "(levenshtein s 'a')", "4|null|1|6|30|4");
    GLY_EXPR_CASE(values, "(levenshtein s 'a,c' n)", "-1|null|-1|-1|null|-1");
    GLY_EXPR_VALUE("(levenshtein 'kitten' 'sitting')", "3");
    GLY_EXPR_VALUE("(levenshtein 'kitten' 'sitting' 3)", "3");
    GLY_EXPR_VALUE("(levenshtein 'kitten' 'sitting' 2)", "-1");
    GLY_EXPR_VALUE("(levenshtein '' 'abc' 2147483647)", "3");
    GLY_EXPR_VALUE("(levenshtein '' '' 0)", "0");
    GLY_EXPR_VALUE("(levenshtein '日本語' '日語')", "1");
}

GLY_TEST(sounds) {
    GLY_EXPR_CASE(values, "(soundex s)", "A120|null||G600|A452|日本,語");
    GLY_EXPR_VALUE("(soundex 'Tymczak')", "T522");
    GLY_EXPR_VALUE("(soundex 'Ashcraft')", "A261");
    GLY_EXPR_VALUE("(luhn_check '8112189876')", "true");
    GLY_EXPR_VALUE("(luhn_check '8112189875')", "false");
    GLY_EXPR_VALUE("(luhn_check '')", "false");
    GLY_EXPR_VALUE("(luhn_check '1 8')", "false");
}

GLY_SUITE("fn_text_part", parts, choices, replacing, distances, sounds)
