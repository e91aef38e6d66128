/* test_kernel_bits.c - masks, bits, selections and comparisons against plain loops. */
#include "lib/data/batch.h"
#include "lib/engine/kernel/k_arith.h"
#include "lib/engine/kernel/k_bits.h"
#include "lib/engine/kernel/k_compare.h"
#include "lib/engine/kernel/k_decimal.h"
#include "lib/engine/kernel/k_gather.h"
#include "lib/engine/kernel/k_hash.h"
#include "tests/support/check.h"

#include "lib/base/hash.h"
#include "lib/base/random.h"

#include <math.h>

enum { MOST = 2048 };

GLY_TEST(bits_and_selections) {
    static const uint32_t counts[] = {0, 1, 7, 8, 63, 64, 65, 127, 1000, 2047, 2048};
    gly_random random = {5};
    for (size_t c = 0; c < GLY_ARRAY_LEN(counts); c++) {
        for (uint64_t share = 0; share <= 4; share++) {
            uint32_t count = counts[c];
            uint8_t bytes[MOST + 64], back[MOST + 64];
            uint64_t bits[MOST / 64 + 1] = {0}, again[MOST / 64 + 1] = {0};
            uint16_t selection[MOST + 8], filtered[MOST + 8];
            uint32_t wanted = 0;
            for (uint32_t i = 0; i < count; i++) {
                bytes[i] = gly_random_below(&random, 4) < share;
                wanted += bytes[i];
            }
            gly_k_bits_from_bytes(bytes, count, bits);
            GLY_CHECK_INT(gly_k_bits_count(bits, count), wanted);
            uint32_t selected = gly_k_bits_to_selection(bits, count, selection);
            GLY_CHECK_INT(selected, wanted);
            uint32_t at = 0;
            for (uint32_t i = 0; i < count; i++) {
                if (bytes[i]) {
                    GLY_CHECK(selection[at++] == i);
                }
            }
            gly_k_bits_from_selection(selection, selected, count, again);
            GLY_CHECK(memcmp(bits, again, gly_column_words(count) * 8) == 0);
            gly_k_bits_to_bytes(bits, count, back);
            GLY_CHECK(memcmp(bytes, back, count) == 0);
            GLY_CHECK_INT(gly_k_bits_filter(bits, NULL, count, filtered), wanted);
            GLY_CHECK(memcmp(filtered, selection, wanted * 2) == 0);
            GLY_CHECK_INT(gly_k_bits_filter_bytes(bytes, NULL, count, filtered), wanted);
            GLY_CHECK(memcmp(filtered, selection, wanted * 2) == 0);
        }
    }
}

static bool expected_order(gly_k_compare_op op, int order) {
    switch (op) {
    case GLY_K_EQUAL:
        return order == 0;
    case GLY_K_NOT_EQUAL:
        return order != 0;
    case GLY_K_LESS:
        return order < 0;
    case GLY_K_LESS_EQUAL:
        return order <= 0;
    case GLY_K_GREATER:
        return order > 0;
    case GLY_K_GREATER_EQUAL:
        return order >= 0;
    }
    return false;
}

static gly_value random_value(gly_random *random, gly_type type) {
    static const char *const texts[] = {"", "a", "abc", "abcd", "abcde", "abcdefghijkl",
                                        "abcdefghijklm", "abcdefghijklmn", "b", "abd"};
    static const double doubles[] = {0, -0.0, 1, -1, NAN, INFINITY, -INFINITY, 0.5, 1e300, 2};
    uint64_t pick = gly_random_below(random, 10);
    switch (gly_type_kind(type)) {
    case GLY_KIND_TEXT:
        return gly_value_text(type, gly_str_of(texts[pick]));
    case GLY_KIND_F32:
    case GLY_KIND_F64:
        return gly_value_f64(type, (double)(float)doubles[pick]);
    case GLY_KIND_I128:
        return gly_value_decimal(type, ((gly_i128)pick - 5) * ((gly_i128)1 << (pick * 9)));
    default:
        return gly_value_i64(type, (int64_t)pick - 5);
    }
}

GLY_TEST(comparisons_of_all_kinds) {
    const gly_type types[] = {GLY_TYPE_OF(TINYINT), GLY_TYPE_OF(SMALLINT), GLY_TYPE_OF(INT),
                              GLY_TYPE_OF(BIGINT),  GLY_TYPE_OF(FLOAT),    GLY_TYPE_OF(DOUBLE),
                              GLY_TYPE_OF(STRING),  gly_type_decimal(38, 0)};
    gly_arena *arena = gly_arena_make();
    gly_random random = {9};
    for (size_t t = 0; t < GLY_ARRAY_LEN(types); t++) {
        gly_column a, b;
        gly_kind kind = gly_type_kind(types[t]);
        gly_column_make_flat(arena, types[t], 300, &a);
        gly_column_make_flat(arena, types[t], 300, &b);
        for (uint32_t i = 0; i < 300; i++) {
            gly_value x = random_value(&random, types[t]), y = random_value(&random, types[t]);
            gly_column_set(arena, &a, i, &x);
            gly_column_set(arena, &b, i, &y);
        }
        uint16_t rows[150];
        for (uint32_t i = 0; i < 150; i++) {
            rows[i] = (uint16_t)(2 * i + 1);
        }
        for (int op = GLY_K_EQUAL; op <= GLY_K_GREATER_EQUAL; op++) {
            uint8_t all[300], constant[300], some[300];
            gly_k_compare_run(op, kind, a.data, b.data, UINT32_MAX, 300, all);
            gly_k_compare_run(op, kind, a.data, b.data, 0, 300, constant);
            gly_k_compare_rows(op, kind, a.data, 0, b.data, UINT32_MAX, rows, 150, some);
            for (uint32_t i = 0; i < 300; i++) {
                gly_value x = gly_column_get(&a, i), y = gly_column_get(&b, i);
                gly_value first_x = gly_column_get(&a, 0), first_y = gly_column_get(&b, 0);
                GLY_CHECK_INT(all[i], expected_order(op, gly_value_compare(&x, &y)));
                GLY_CHECK_INT(constant[i], expected_order(op, gly_value_compare(&x, &first_y)));
                if (i % 2 == 1) {
                    GLY_CHECK_INT(some[i], expected_order(op, gly_value_compare(&first_x, &y)));
                }
            }
        }
    }
    gly_arena_free(arena);
}

static void check_i64(gly_k_arith_op op, int64_t a, int64_t b) {
    int64_t x[3] = {1, a, 2}, y[3] = {3, b, 4}, z[3], one;
    uint16_t row = 1;
    bool overflow = op == GLY_K_ADD        ? __builtin_add_overflow(a, b, &one)
                    : op == GLY_K_SUBTRACT ? __builtin_sub_overflow(a, b, &one)
                                           : __builtin_mul_overflow(a, b, &one);
    GLY_CHECK_INT(gly_k_arith_run(op, GLY_KIND_I64, x, UINT32_MAX, y, UINT32_MAX, 3, z), overflow);
    GLY_CHECK_INT(z[1], one);
    GLY_CHECK_INT(gly_k_arith_run(op, GLY_KIND_I64, &a, 0, &b, UINT32_MAX, 1, z), overflow);
    GLY_CHECK_INT(gly_k_arith_run(op, GLY_KIND_I64, &a, UINT32_MAX, &b, 0, 1, z), overflow);
    GLY_CHECK_INT(gly_k_arith_rows(op, GLY_KIND_I64, x, UINT32_MAX, y, UINT32_MAX, &row, 1, z),
                  overflow);
    GLY_CHECK_INT(z[1], one);
}

GLY_TEST(overflow_is_found) {
    static const int64_t edges[] = {0, 1, -1, 2, -2, INT32_MAX, INT32_MIN, INT64_C(1) << 31,
                                    INT64_C(1) << 32, INT64_C(3037000500), INT64_MAX, INT64_MIN,
                                    INT64_MAX - 1, INT64_MIN + 1, INT64_MAX / 2, INT64_MIN / 2};
    for (size_t i = 0; i < GLY_ARRAY_LEN(edges); i++) {
        for (size_t k = 0; k < GLY_ARRAY_LEN(edges); k++) {
            check_i64(GLY_K_ADD, edges[i], edges[k]);
            check_i64(GLY_K_SUBTRACT, edges[i], edges[k]);
            check_i64(GLY_K_MULTIPLY, edges[i], edges[k]);
        }
    }
    for (int a = -128; a < 128; a++) {
        for (int b = -128; b < 128; b++) {
            int8_t x = (int8_t)a, y = (int8_t)b, z;
            bool bad = gly_k_arith_run(GLY_K_MULTIPLY, GLY_KIND_I8, &x, UINT32_MAX, &y,
                                       UINT32_MAX, 1, &z);
            GLY_CHECK(bad == (a * b < -128 || a * b > 127));
            bad = gly_k_arith_run(GLY_K_ADD, GLY_KIND_I8, &x, UINT32_MAX, &y, UINT32_MAX, 1, &z);
            GLY_CHECK(bad == (a + b < -128 || a + b > 127));
        }
    }
}

GLY_TEST(decimals_narrow_and_back) {
    gly_i128 wide[5] = {0, -1, INT64_MAX, INT64_MIN, 42}, back[5];
    int64_t narrow[5];
    GLY_CHECK(gly_k_decimal_narrow(wide, 5, narrow));
    gly_k_decimal_widen(narrow, 5, back);
    GLY_CHECK(memcmp(wide, back, sizeof wide) == 0);
    wide[4] = (gly_i128)INT64_MAX + 1;
    GLY_CHECK(!gly_k_decimal_narrow(wide, 5, narrow));
    int64_t values[6] = {15, -15, 14, -14, 25, 0};
    gly_k_decimal_drop(values, 6, 10);
    static const int64_t rounded[6] = {2, -2, 1, -1, 3, 0};
    GLY_CHECK(memcmp(values, rounded, sizeof values) == 0);
}

/* The same values hash alike in every shape and position. */
GLY_TEST(hashes_ignore_shapes) {
    const gly_type types[] = {GLY_TYPE_OF(INT), GLY_TYPE_OF(DOUBLE), GLY_TYPE_OF(STRING),
                              gly_type_decimal(30, 2)};
    gly_arena *arena = gly_arena_make();
    gly_random random = {1};
    for (size_t t = 0; t < GLY_ARRAY_LEN(types); t++) {
        gly_column flat;
        uint64_t hashes[100], other[100];
        gly_column_make_flat(arena, types[t], 100, &flat);
        flat.count = 100;
        uint32_t codes[100];
        for (uint32_t i = 0; i < 100; i++) {
            gly_value value = random_value(&random, types[t]);
            if (i % 9 == 4) {
                value = gly_value_null(types[t]);
            }
            gly_column_set(arena, &flat, i, &value);
            codes[i] = i;
        }
        gly_k_hash_column(&flat, NULL, 100, hashes, false);
        gly_column dictionary = flat;
        dictionary.shape = GLY_SHAPE_DICTIONARY;
        dictionary.codes = codes;
        dictionary.dictionary_count = 100;
        gly_k_hash_column(&dictionary, NULL, GLY_MIN(100, GLY_BATCH_ROWS), other, false);
        GLY_CHECK(memcmp(hashes, other, GLY_MIN(100, GLY_BATCH_ROWS) * 8) == 0);
        uint16_t row = 50;
        gly_k_hash_column(&flat, &row, 1, other, false);
        GLY_CHECK(other[0] == hashes[50]);
        gly_value value = gly_column_get(&flat, 50);
        gly_column constant;
        gly_column_constant(arena, &value, 2, &constant);
        gly_k_hash_column(&constant, NULL, 2, other, false);
        GLY_CHECK(other[1] == hashes[50]);
        GLY_CHECK(hashes[4] == GLY_HASH_NULL);
    }
    double zeros[4] = {0.0, -0.0, NAN, -NAN};
    gly_column column = {.type = GLY_TYPE_OF(DOUBLE), .count = 4, .data = zeros};
    uint64_t hashes[4];
    gly_k_hash_column(&column, NULL, GLY_MIN(4, GLY_BATCH_ROWS), hashes, false);
    GLY_CHECK(hashes[0] == hashes[1]);
    gly_arena_free(arena);
}

GLY_SUITE("kernel_bits", bits_and_selections, comparisons_of_all_kinds, overflow_is_found,
          decimals_narrow_and_back, hashes_ignore_shapes)
