/* test_fn_text.c - text functions: code points, edges, long and short results. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

static const gly_expr_case_column texts[] = {
    {"s", "string", "hello|null||Größe|a long string that is not inline|日本語"},
    {"n", "int", "2|1|3|-2|null|2"},
    {0}};

GLY_TEST(lengths) {
    GLY_EXPR_CASE(texts, "(length s)", "5|null|0|5|32|3");
    GLY_EXPR_CASE(texts, "(octet_length s)", "5|null|0|7|32|9");
    GLY_EXPR_CASE(texts, "(length (cast s binary))", "5|null|0|7|32|9");
    GLY_EXPR_CASE(texts, "(ascii s)", "104|null|0|71|97|26085");
}

GLY_TEST(substrings) {
    GLY_EXPR_CASE(texts, "(substring s 2)", "ello|null||röße| long string that is not inline|本語");
    GLY_EXPR_CASE(texts, "(substring s 2 2)", "el|null||rö| l|本語");
    GLY_EXPR_CASE(texts, "(substring s -3 2)", "ll|null||öß|in|日本");
    GLY_EXPR_CASE(texts, "(substring s 0 1)", "h|null||G|a|日");
    GLY_EXPR_CASE(texts, "(substring s n)", "ello|null||ße|null|本語");
    GLY_EXPR_CASE(texts, "(substring s n 1)", "e|null||ß|null|本");
    GLY_EXPR_VALUE("(substring 'abc' -5 3)", "a");
    GLY_EXPR_VALUE("(substring 'abc' -5 2)", "");
    GLY_EXPR_VALUE("(substring 'abc' 2 -1)", "");
    GLY_EXPR_VALUE("(substring 'abc' 9)", "");
    GLY_EXPR_VALUE("(substring 'abc' 2 2147483647)", "bc");
    GLY_EXPR_CASE(texts, "(left s 2)", "he|null||Gr|a |日本");
    GLY_EXPR_CASE(texts, "(right s 2)", "lo|null||ße|ne|本語");
    GLY_EXPR_VALUE("(left 'abc' -1)", "");
    GLY_EXPR_VALUE("(right 'abc' 0)", "");
}

GLY_TEST(positions) {
    GLY_EXPR_CASE(texts, "(instr s 'e')", "2|null|0|5|32|0");
    GLY_EXPR_CASE(texts, "(locate 'l' s 4)", "4|null|0|0|29|0");
    GLY_EXPR_VALUE("(locate 'b' 'abcabc' 3)", "5");
    GLY_EXPR_VALUE("(locate 'b' 'abc' 0)", "0");
    GLY_EXPR_VALUE("(instr '日本語' '語')", "3");
    GLY_EXPR_VALUE("(instr 'abc' '')", "1");
}

GLY_TEST(trims) {
    GLY_EXPR_VALUE("(trim '  a b  ')", "a b");
    GLY_EXPR_VALUE("(ltrim '  a b  ')", "a b  ");
    GLY_EXPR_VALUE("(rtrim '  a b  ')", "  a b");
    GLY_EXPR_VALUE("(trim 'xxayyx' 'xy')", "a");
    GLY_EXPR_VALUE("(rtrim 'Größeß' 'ß')", "Größe");
    GLY_EXPR_VALUE("(trim '   ')", "");
}

GLY_TEST(builders) {
    GLY_EXPR_CASE(texts, "(upper s)",
                  "HELLO|null||GRÖSSE|A LONG STRING THAT IS NOT INLINE|日本語");
    GLY_EXPR_CASE(texts, "(lower (upper s))",
                  "hello|null||grösse|a long string that is not inline|日本語");
    GLY_EXPR_CASE(texts, "(initcap s)",
                  "Hello|null||Größe|A Long String That Is Not Inline|日本語");
    GLY_EXPR_CASE(texts, "(reverse s)",
                  "olleh|null||eßörG|enilni ton si taht gnirts gnol a|語本日");
    GLY_EXPR_CASE(texts, "(concat s '-' s)",
                  "hello-hello|null|-|Größe-Größe|a long string that is not inline-a long string "
                  "that is not inline|日本語-日本語");
    GLY_EXPR_CASE(texts, "(concat_ws ',' s null 'x')",
                  "hello,x|x|,x|Größe,x|a long string that is not inline,x|日本語,x");
    GLY_EXPR_CASE(texts, "(lpad s 6 '*-')", "*hello|null|*-*-*-|*Größe|a long|*-*日本語");
    GLY_EXPR_CASE(texts, "(rpad s 6)", "hello |null|      |Größe |a long|日本語   ");
    GLY_EXPR_VALUE("(lpad 'abc' -1 'x')", "");
    GLY_EXPR_VALUE("(lpad 'abc' 5 '')", "abc");
    GLY_EXPR_VALUE("(replace 'abcabc' 'b' 'XX')", "aXXcaXXc");
    GLY_EXPR_VALUE("(replace 'abcabc' 'b')", "acac");
    GLY_EXPR_VALUE("(replace 'abc' '' 'x')", "abc");
    GLY_EXPR_VALUE("(repeat 'ab' 3)", "ababab");
    GLY_EXPR_VALUE("(repeat 'ab' 0)", "");
    GLY_EXPR_VALUE("(repeat 'abcdefghijkl' 2147483647)", "!longer than 1 GiB");
    GLY_EXPR_VALUE("(chr 65)", "A");
    GLY_EXPR_VALUE("(chr 321)", "A");
    GLY_EXPR_VALUE("(chr -1)", "");
    GLY_EXPR_VALUE("(chr 228)", "ä");
    GLY_EXPR_VALUE("(upper 'ﬁ')", "FI");
}

GLY_TEST(parts) {
    GLY_EXPR_VALUE("(split_part '11.12.13' '.' 3)", "13");
    GLY_EXPR_VALUE("(split_part '11.12.13' '.' -1)", "13");
    GLY_EXPR_VALUE("(split_part '11.12.13' '.' -3)", "11");
    GLY_EXPR_VALUE("(split_part '11.12.13' '.' 4)", "");
    GLY_EXPR_VALUE("(split_part '11.12.13' '' 1)", "11.12.13");
    GLY_EXPR_VALUE("(split_part '11.12.13' '.' 0)", "!The index 0 is not valid");
}

GLY_SUITE("fn_text", lengths, substrings, positions, trims, builders, parts)
