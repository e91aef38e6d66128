/* test_fn_encode.c - bytes as text, digests, numbers in other bases and with separators. */
#include "tests/support/check.h"
#include "tests/support/expr_case.h"

static const gly_expr_case_column values[] = {
    {"s", "string", "Spark|null||Größe|a long string that is not inline|日本語"},
    {"n", "bigint", "17|0|-1|null|255|-9223372036854775808"},
    {"b", "int", "16|2|-16|8|null|36"},
    {"d", "double", "12332.5|-0.001|null|1e21|NaN|0.125"},
    {0}};

GLY_TEST(hexadecimal) {
    GLY_EXPR_CASE(values, "(hex s)",
                  "537061726B|null||4772C3B6C39F65|"
                  "61206C6F6E6720737472696E672074686174206973206E6F7420696E6C696E65|"
                  "E697A5E69CACE8AA9E");
    GLY_EXPR_CASE(values, "(hex n)", "11|0|FFFFFFFFFFFFFFFF|null|FF|8000000000000000");
    GLY_EXPR_CASE(values, "(cast (unhex (hex s)) string)",
                  "Spark|null||Größe|a long string that is not inline|日本語");
    GLY_EXPR_VALUE("(hex (unhex 'aBc'))", "0ABC");
    GLY_EXPR_VALUE("(hex (unhex 'F'))", "0F");
    GLY_EXPR_VALUE("(unhex 'GG')", "null");
    GLY_EXPR_VALUE("(unhex 'a ')", "null");
    GLY_EXPR_VALUE("(unhex 'é')", "null");
}

GLY_TEST(base_64) {
    GLY_EXPR_CASE(values, "(base64 (cast s binary))",
                  "U3Bhcms=|null||R3LDtsOfZQ==|YSBsb25nIHN0cmluZyB0aGF0IGlzIG5vdCBpbmxpbmU=|"
                  "5pel5pys6Kqe");
    GLY_EXPR_CASE(values, "(cast (unbase64 (base64 (cast s binary))) string)",
                  "Spark|null||Größe|a long string that is not inline|日本語");
    GLY_EXPR_VALUE("(length (base64 (cast (repeat 'a' 57) binary)))", "76");
    GLY_EXPR_VALUE("(length (base64 (cast (repeat 'a' 58) binary)))", "82");
    GLY_EXPR_VALUE("(= (unbase64 (base64 (cast (repeat 'xyz' 99) binary))) (cast (repeat 'xyz' 99) "
                   "binary))",
                   "true");
    GLY_EXPR_VALUE("(hex (unbase64 '/w'))", "FF");
    GLY_EXPR_VALUE("(hex (unbase64 '*/ w-=='))", "FF");
    GLY_EXPR_VALUE("(hex (unbase64 '/w=*'))", "!Padding in the wrong place");
    GLY_EXPR_VALUE("(unbase64 '=')", "!Padding in the wrong place");
    GLY_EXPR_VALUE("(unbase64 'U3Bh=')", "!Padding in the wrong place");
    GLY_EXPR_VALUE("(unbase64 'U')", "!not a whole byte");
    GLY_EXPR_VALUE("(unbase64 'U=')", "!not a whole byte");
    GLY_EXPR_VALUE("(unbase64 'U3A=U')", "!Letters behind the padding");
}

GLY_TEST(urls) {
    GLY_EXPR_CASE(values, "(url_encode s)",
                  "Spark|null||Gr%C3%B6%C3%9Fe|a+long+string+that+is+not+inline|"
                  "%E6%97%A5%E6%9C%AC%E8%AA%9E");
    GLY_EXPR_CASE(values, "(url_decode (url_encode s))",
                  "Spark|null||Größe|a long string that is not inline|日本語");
    GLY_EXPR_VALUE("(url_encode '.-*_~%+')", ".-*_%7E%25%2B");
    GLY_EXPR_VALUE("(url_decode 'a%c3%9F+')", "aß ");
    GLY_EXPR_VALUE("(url_decode 'a%4')", "!A % without two digits");
    GLY_EXPR_VALUE("(url_decode '%4g')", "!A % without two digits");
    GLY_EXPR_VALUE("(try_url_decode '%')", "null");
}

GLY_TEST(digests) {
    GLY_EXPR_VALUE("(md5 (cast '' binary))", "d41d8cd98f00b204e9800998ecf8427e");
    GLY_EXPR_VALUE("(md5 (cast 'message digest' binary))", "f96b697d7cb7938d525a2f31aaf161d0");
    GLY_EXPR_VALUE("(sha1 (cast 'abc' binary))", "a9993e364706816aba3e25717850c26c9cd0d89d");
    GLY_EXPR_VALUE("(sha2 (cast 'abc' binary) 224)",
                   "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
    GLY_EXPR_VALUE("(sha2 (cast 'abc' binary) 0)",
                   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    GLY_EXPR_VALUE("(sha2 (cast 'abc' binary) 384)",
                   "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                   "8086072ba1e7cc2358baeca134c825a7");
    GLY_EXPR_VALUE("(sha2 (cast 'abc' binary) 512)",
                   "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    GLY_EXPR_VALUE("(sha2 (cast 'abc' binary) 1)", "null");
    GLY_EXPR_VALUE("(crc32 (cast '123456789' binary))", "3421780262");
    GLY_EXPR_CASE(values, "(crc32 (cast s binary))",
                  "1557323817|null|0|2490273813|72625120|2819314405");
}

GLY_TEST(bases) {
    GLY_EXPR_VALUE("(bin 13)", "1101");
    GLY_EXPR_VALUE("(bin -1)", "1111111111111111111111111111111111111111111111111111111111111111");
    GLY_EXPR_CASE(values, "(conv (cast n string) 10 b)", "11|0|-1|null|null|3W5E11264SGSF");
    GLY_EXPR_VALUE("(conv 'zz' 36 10)", "1295");
    GLY_EXPR_VALUE("(conv '' 10 16)", "null");
    GLY_EXPR_VALUE("(conv '-' 10 16)", "0");
    GLY_EXPR_VALUE("(conv '1' 37 16)", "null");
    GLY_EXPR_VALUE("(conv '1' 10 -2147483648)", "null");
    GLY_EXPR_VALUE("(conv '18446744073709551616' 10 16)", "!more than 64 bits");
}

GLY_TEST(numbers) {
    GLY_EXPR_CASE(values, "(format_number d 2)",
                  "12,332.50|-0.00|null|1,000,000,000,000,000,000,000.00|NaN|0.12");
    GLY_EXPR_CASE(values, "(format_number n 0)", "17|0|-1|null|255|-9,223,372,036,854,775,808");
    GLY_EXPR_VALUE("(format_number 12345.6785 3)", "12,345.678");
    GLY_EXPR_VALUE("(format_number -0.5 0)", "-0");
    GLY_EXPR_VALUE("(format_number 1e0 400)",
                   "1.000000000000000000000000000000000000000000000000000000000000000000000000000"
                   "00000000000000000000000000000000000000000000000000000000000000000000000000000"
                   "00000000000000000000000000000000000000000000000000000000000000000000000000000"
                   "00000000000000000000000000000000000000000000000000000000000000000000000000000"
                   "0000000000000000000000000000000000");
    GLY_EXPR_VALUE("(length (format_number 1.7976931348623157e308 340))", "752");
    GLY_EXPR_VALUE("(format_number 1.5 200000)", "!Too many digits");
    GLY_EXPR_VALUE("(format_number 1 -1)", "null");
    GLY_EXPR_VALUE("(format_number 'a' 1)", "!expected (number, int)");
}

GLY_SUITE("fn_encode", hexadecimal, base_64, urls, digests, bases, numbers)
