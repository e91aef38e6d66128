/* test_number_text.c - numbers as Java prints them, and back. */
#include "lib/data/number_text.h"
#include "tests/support/check.h"

#include "lib/base/random.h"

#include <float.h>
#include <math.h>

static const char *show(double value) {
    static char buffer[40];
    buffer[gly_number_text_double(value, buffer)] = '\0';
    return buffer;
}

static const char *show_float(float value) {
    static char buffer[40];
    buffer[gly_number_text_float(value, buffer)] = '\0';
    return buffer;
}

GLY_TEST(prints_doubles_as_java) {
    GLY_CHECK_TEXT(show(0), "0.0");
    GLY_CHECK_TEXT(show(-0.0), "-0.0");
    GLY_CHECK_TEXT(show(1), "1.0");
    GLY_CHECK_TEXT(show(-1.5), "-1.5");
    GLY_CHECK_TEXT(show(100), "100.0");
    GLY_CHECK_TEXT(show(0.1), "0.1");
    GLY_CHECK_TEXT(show(0.001), "0.001");
    GLY_CHECK_TEXT(show(0.00123), "0.00123");
    GLY_CHECK_TEXT(show(0.0001), "1.0E-4");
    GLY_CHECK_TEXT(show(9999999), "9999999.0");
    GLY_CHECK_TEXT(show(9999999.999999), "9999999.999999");
    GLY_CHECK_TEXT(show(1e7), "1.0E7");
    GLY_CHECK_TEXT(show(12345678.9), "1.23456789E7");
    GLY_CHECK_TEXT(show(1e10), "1.0E10");
    GLY_CHECK_TEXT(show(0.1 + 0.2), "0.30000000000000004");
    GLY_CHECK_TEXT(show(1.0 / 3), "0.3333333333333333");
    GLY_CHECK_TEXT(show(DBL_MAX), "1.7976931348623157E308");
    GLY_CHECK_TEXT(show(DBL_MIN), "2.2250738585072014E-308");
    GLY_CHECK_TEXT(show(4.9e-324), "4.9E-324");
    GLY_CHECK_TEXT(show(2e23), "2.0E23");
    GLY_CHECK_TEXT(show((double)NAN), "NaN");
    GLY_CHECK_TEXT(show((double)-INFINITY), "-Infinity");
    GLY_CHECK_TEXT(show(123456.789), "123456.789");
    GLY_CHECK_TEXT(show_float(0.1f), "0.1");
    GLY_CHECK_TEXT(show_float(3.4028235e38f), "3.4028235E38");
    GLY_CHECK_TEXT(show_float(1.4e-45f), "1.4E-45");
    GLY_CHECK_TEXT(show_float(16777216.0f), "1.6777216E7");
}

GLY_TEST(printed_doubles_read_back) {
    gly_random random = {7};
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = gly_random_u64(&random);
        double value, back;
        memcpy(&value, &bits, 8);
        if (!isfinite(value)) {
            continue;
        }
        if (i % 3 == 0) {
            value = (double)(int64_t)(bits >> 20) / 1e4; /* the short path */
        }
        char buffer[40];
        size_t size = gly_number_text_double(value, buffer);
        GLY_CHECK(size < 32);
        bool good = gly_number_text_parse_double((gly_str){buffer, size}, &back);
        GLY_CHECK(good && back == value);
    }
}

GLY_TEST(parses_doubles_as_java) {
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1", 1},       {" 1.5 ", 1.5}, {".5", 0.5},  {"5.", 5},      {"1e3", 1000},
                {"-1E-2", -.01}, {"1d", 1},      {"2.5F", 2.5}, {"+7", 7},     {"1e400", INFINITY},
                {"Infinity", INFINITY}, {"-inf", -INFINITY}, {"0.1", 0.1},
                {"123456789012345678901234567890", 123456789012345678901234567890.0},
                {"3.4028234663852886e38", 3.4028234663852886e38}};
    static const char *const bad[] = {"",    " ",   "abc", "1e",    "1e+", "--1", "1.2.3", "1x",
                                      ".",   "e5",  "-",   "0x10",  "1 2", "nano", "1dd"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(good); i++) {
        double value = 0;
        GLY_CHECK(gly_number_text_parse_double(gly_str_of(good[i].text), &value));
        GLY_CHECK(value == good[i].value);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        double value;
        bool parsed = gly_number_text_parse_double(gly_str_of(bad[i]), &value);
        if (parsed) {
            fprintf(stderr, "'%s' was read as %g\n", bad[i], value);
        }
        GLY_CHECK(!parsed);
    }
    double nan = 0;
    GLY_CHECK(gly_number_text_parse_double(GLY_STR("NaN"), &nan) && isnan(nan));
}

GLY_TEST(prints_integers) {
    char buffer[48];
    buffer[gly_number_text_i64(INT64_MIN, buffer)] = '\0';
    GLY_CHECK_TEXT(buffer, "-9223372036854775808");
    gly_i128 least = (gly_i128)1 << 126;
    buffer[gly_number_text_i128(-least * 2, buffer)] = '\0';
    GLY_CHECK_TEXT(buffer, "-170141183460469231731687303715884105728");
}

GLY_SUITE("number_text", prints_doubles_as_java, printed_doubles_read_back, parses_doubles_as_java,
          prints_integers)
