/* function_table.c - function ids to code.
 *
 * One line a function; functions whose code depends on the type (numbers, decimals, dates) have a
 * line in a table per kind of result.  LAZY functions have none: the expression compiler makes
 * branches of them; AND and OR are here for the case that all their arguments are cheap.
 */
#include "lib/engine/function/function_table.h"

#include "lib/engine/function/fn_arith.h"
#include "lib/engine/function/fn_bits.h"
#include "lib/engine/function/fn_boolean.h"
#include "lib/engine/function/fn_cast.h"
#include "lib/engine/function/fn_compare.h"
#include "lib/engine/function/fn_date.h"
#include "lib/engine/function/fn_date_format.h"
#include "lib/engine/function/fn_date_make.h"
#include "lib/engine/function/fn_date_unit.h"
#include "lib/engine/function/fn_decimal.h"
#include "lib/engine/function/fn_digest.h"
#include "lib/engine/function/fn_encode.h"
#include "lib/engine/function/fn_hash.h"
#include "lib/engine/function/fn_in.h"
#include "lib/engine/function/fn_interval.h"
#include "lib/engine/function/fn_like.h"
#include "lib/engine/function/fn_math.h"
#include "lib/engine/function/fn_misc.h"
#include "lib/engine/function/fn_number_text.h"
#include "lib/engine/function/fn_regex.h"
#include "lib/engine/function/fn_round.h"
#include "lib/engine/function/fn_text.h"
#include "lib/engine/function/fn_text_build.h"
#include "lib/engine/function/fn_text_near.h"
#include "lib/engine/function/fn_text_part.h"

enum {
    VECTOR = GLY_KERNEL_VECTOR,
    NARROW = GLY_KERNEL_NARROW,
    NULLS = GLY_KERNEL_NULLS,
    NONDET = GLY_KERNEL_NONDET,
    SHAPELESS = GLY_KERNEL_SHAPELESS,
};

static const gly_function_kernel plain[GLY_FN_COUNT_OF_FUNCTIONS] = {
    [GLY_FN_ADD] = {gly_fn_arith_add, NULL, VECTOR},
    [GLY_FN_SUBTRACT] = {gly_fn_arith_subtract, NULL, VECTOR},
    [GLY_FN_MULTIPLY] = {gly_fn_arith_multiply, NULL, VECTOR},
    [GLY_FN_DIVIDE] = {gly_fn_arith_divide, NULL, VECTOR},
    [GLY_FN_INT_DIVIDE] = {gly_fn_arith_int_divide, NULL, 0},
    [GLY_FN_MODULO] = {gly_fn_arith_modulo, NULL, 0},
    [GLY_FN_PMOD] = {gly_fn_arith_pmod, NULL, 0},
    [GLY_FN_NEGATE] = {gly_fn_arith_negate, NULL, 0},
    [GLY_FN_ABS] = {gly_fn_arith_abs, NULL, 0},
    [GLY_FN_TRY_ADD] = {gly_fn_arith_try_add, NULL, 0},
    [GLY_FN_TRY_SUBTRACT] = {gly_fn_arith_try_subtract, NULL, 0},
    [GLY_FN_TRY_MULTIPLY] = {gly_fn_arith_try_multiply, NULL, 0},
    [GLY_FN_TRY_DIVIDE] = {gly_fn_arith_try_divide, NULL, 0},
    [GLY_FN_BIT_AND] = {gly_fn_arith_bit_and, NULL, VECTOR},
    [GLY_FN_BIT_OR] = {gly_fn_arith_bit_or, NULL, VECTOR},
    [GLY_FN_BIT_XOR] = {gly_fn_arith_bit_xor, NULL, VECTOR},
    [GLY_FN_BIT_NOT] = {gly_fn_arith_bit_not, NULL, 0},
    [GLY_FN_EQUAL] = {gly_fn_compare_run, NULL, VECTOR | NARROW},
    [GLY_FN_NOT_EQUAL] = {gly_fn_compare_run, NULL, VECTOR | NARROW},
    [GLY_FN_LESS] = {gly_fn_compare_run, NULL, VECTOR | NARROW},
    [GLY_FN_LESS_EQUAL] = {gly_fn_compare_run, NULL, VECTOR | NARROW},
    [GLY_FN_GREATER] = {gly_fn_compare_run, NULL, VECTOR | NARROW},
    [GLY_FN_GREATER_EQUAL] = {gly_fn_compare_run, NULL, VECTOR | NARROW},
    [GLY_FN_NULL_SAFE_EQUAL] = {gly_fn_compare_null_safe, NULL, NULLS},
    [GLY_FN_IN] = {gly_fn_in_run, gly_fn_in_prepare, NULLS | VECTOR},
    [GLY_FN_AND] = {gly_fn_boolean_and, NULL, NULLS | VECTOR},
    [GLY_FN_OR] = {gly_fn_boolean_or, NULL, NULLS | VECTOR},
    [GLY_FN_NOT] = {gly_fn_boolean_not, NULL, VECTOR},
    [GLY_FN_IS_NULL] = {gly_fn_compare_is_null, NULL, NULLS | VECTOR | SHAPELESS},
    [GLY_FN_IS_NOT_NULL] = {gly_fn_compare_is_not_null, NULL, NULLS | VECTOR | SHAPELESS},
    [GLY_FN_IS_NAN] = {gly_fn_compare_is_nan, NULL, NULLS},
    [GLY_FN_NULLIF] = {gly_fn_compare_nullif, NULL, NULLS},
    [GLY_FN_GREATEST] = {gly_fn_compare_greatest, NULL, NULLS},
    [GLY_FN_LEAST] = {gly_fn_compare_least, NULL, NULLS},
    [GLY_FN_LIKE] = {gly_fn_like_run, gly_fn_like_prepare, 0},
    [GLY_FN_STARTSWITH] = {gly_fn_like_starts, NULL, 0},
    [GLY_FN_ENDSWITH] = {gly_fn_like_ends, NULL, 0},
    [GLY_FN_CONTAINS] = {gly_fn_like_contains, NULL, 0},
    [GLY_FN_RLIKE] = {gly_fn_regex_rlike, gly_fn_regex_prepare, 0},
    [GLY_FN_REGEXP_REPLACE] = {gly_fn_regex_replace, gly_fn_regex_prepare, 0},
    [GLY_FN_REGEXP_EXTRACT] = {gly_fn_regex_extract, gly_fn_regex_prepare, 0},
    [GLY_FN_REGEXP_COUNT] = {gly_fn_regex_count, gly_fn_regex_prepare, 0},
    [GLY_FN_REGEXP_INSTR] = {gly_fn_regex_instr, gly_fn_regex_prepare, 0},
    [GLY_FN_REGEXP_SUBSTR] = {gly_fn_regex_substr, gly_fn_regex_prepare, 0},
    [GLY_FN_LENGTH] = {gly_fn_text_length, NULL, 0},
    [GLY_FN_OCTET_LENGTH] = {gly_fn_text_octet_length, NULL, 0},
    [GLY_FN_SUBSTRING] = {gly_fn_text_substring, NULL, 0},
    [GLY_FN_LEFT] = {gly_fn_text_left, NULL, 0},
    [GLY_FN_RIGHT] = {gly_fn_text_right, NULL, 0},
    [GLY_FN_TRIM] = {gly_fn_text_trim, NULL, 0},
    [GLY_FN_LTRIM] = {gly_fn_text_ltrim, NULL, 0},
    [GLY_FN_RTRIM] = {gly_fn_text_rtrim, NULL, 0},
    [GLY_FN_INSTR] = {gly_fn_text_instr, NULL, 0},
    [GLY_FN_LOCATE] = {gly_fn_text_locate, NULL, 0},
    [GLY_FN_ASCII] = {gly_fn_text_ascii, NULL, 0},
    [GLY_FN_SPLIT_PART] = {gly_fn_text_split_part, NULL, 0},
    [GLY_FN_UPPER] = {gly_fn_text_build_upper, NULL, 0},
    [GLY_FN_LOWER] = {gly_fn_text_build_lower, NULL, 0},
    [GLY_FN_INITCAP] = {gly_fn_text_build_initcap, NULL, 0},
    [GLY_FN_CONCAT] = {gly_fn_text_build_concat, NULL, 0},
    [GLY_FN_CONCAT_WS] = {gly_fn_text_build_concat_ws, NULL, NULLS},
    [GLY_FN_LPAD] = {gly_fn_text_build_lpad, NULL, 0},
    [GLY_FN_RPAD] = {gly_fn_text_build_rpad, NULL, 0},
    [GLY_FN_REPLACE] = {gly_fn_text_build_replace, NULL, 0},
    [GLY_FN_REVERSE] = {gly_fn_text_build_reverse, NULL, 0},
    [GLY_FN_REPEAT] = {gly_fn_text_build_repeat, NULL, 0},
    [GLY_FN_CHR] = {gly_fn_text_build_chr, NULL, 0},
    [GLY_FN_TRANSLATE] = {gly_fn_text_part_translate, NULL, 0},
    [GLY_FN_SUBSTRING_INDEX] = {gly_fn_text_part_substring_index, NULL, 0},
    [GLY_FN_SPACE] = {gly_fn_text_part_space, NULL, 0},
    [GLY_FN_FIND_IN_SET] = {gly_fn_text_part_find_in_set, NULL, 0},
    [GLY_FN_OVERLAY] = {gly_fn_text_part_overlay, NULL, 0},
    [GLY_FN_ELT] = {gly_fn_text_part_elt, NULL, NULLS},
    [GLY_FN_BIT_LENGTH] = {gly_fn_text_part_bit_length, NULL, 0},
    [GLY_FN_LEVENSHTEIN] = {gly_fn_text_near_levenshtein, NULL, 0},
    [GLY_FN_SOUNDEX] = {gly_fn_text_near_soundex, NULL, 0},
    [GLY_FN_LUHN_CHECK] = {gly_fn_text_near_luhn_check, NULL, 0},
    [GLY_FN_FORMAT_NUMBER] = {gly_fn_number_text_format_number, NULL, 0},
    [GLY_FN_BIN] = {gly_fn_number_text_bin, NULL, 0},
    [GLY_FN_CONV] = {gly_fn_number_text_conv, NULL, 0},
    [GLY_FN_HEX] = {gly_fn_encode_hex, NULL, 0},
    [GLY_FN_UNHEX] = {gly_fn_encode_unhex, NULL, 0},
    [GLY_FN_BASE64] = {gly_fn_encode_base64, NULL, 0},
    [GLY_FN_UNBASE64] = {gly_fn_encode_unbase64, NULL, 0},
    [GLY_FN_URL_ENCODE] = {gly_fn_encode_url_encode, NULL, 0},
    [GLY_FN_URL_DECODE] = {gly_fn_encode_url_decode, NULL, 0},
    [GLY_FN_TRY_URL_DECODE] = {gly_fn_encode_try_url_decode, NULL, 0},
    [GLY_FN_MD5] = {gly_fn_digest_md5, NULL, 0},
    [GLY_FN_SHA1] = {gly_fn_digest_sha1, NULL, 0},
    [GLY_FN_SHA2] = {gly_fn_digest_sha2, NULL, 0},
    [GLY_FN_CRC32] = {gly_fn_digest_crc32, NULL, 0},
    [GLY_FN_ROUND] = {gly_fn_round_half_up, NULL, 0},
    [GLY_FN_BROUND] = {gly_fn_round_half_even, NULL, 0},
    [GLY_FN_FLOOR] = {gly_fn_round_floor, NULL, 0},
    [GLY_FN_CEIL] = {gly_fn_round_ceil, NULL, 0},
    [GLY_FN_SQRT] = {gly_fn_math_sqrt, NULL, 0},
    [GLY_FN_POWER] = {gly_fn_math_power, NULL, 0},
    [GLY_FN_EXP] = {gly_fn_math_exp, NULL, 0},
    [GLY_FN_LN] = {gly_fn_math_ln, NULL, NULLS},
    [GLY_FN_LOG10] = {gly_fn_math_log10, NULL, NULLS},
    [GLY_FN_LOG2] = {gly_fn_math_log2, NULL, NULLS},
    [GLY_FN_SIN] = {gly_fn_math_sin, NULL, 0},
    [GLY_FN_COS] = {gly_fn_math_cos, NULL, 0},
    [GLY_FN_TAN] = {gly_fn_math_tan, NULL, 0},
    [GLY_FN_ASIN] = {gly_fn_math_asin, NULL, 0},
    [GLY_FN_ACOS] = {gly_fn_math_acos, NULL, 0},
    [GLY_FN_ATAN] = {gly_fn_math_atan, NULL, 0},
    [GLY_FN_ATAN2] = {gly_fn_math_atan2, NULL, 0},
    [GLY_FN_SIGN] = {gly_fn_math_sign, NULL, 0},
    [GLY_FN_LOG] = {gly_fn_math_log, NULL, NULLS},
    [GLY_FN_LOG1P] = {gly_fn_math_log1p, NULL, NULLS},
    [GLY_FN_EXPM1] = {gly_fn_math_expm1, NULL, 0},
    [GLY_FN_CBRT] = {gly_fn_math_cbrt, NULL, 0},
    [GLY_FN_HYPOT] = {gly_fn_math_hypot, NULL, 0},
    [GLY_FN_RINT] = {gly_fn_math_rint, NULL, 0},
    [GLY_FN_DEGREES] = {gly_fn_math_degrees, NULL, 0},
    [GLY_FN_RADIANS] = {gly_fn_math_radians, NULL, 0},
    [GLY_FN_SINH] = {gly_fn_math_sinh, NULL, 0},
    [GLY_FN_COSH] = {gly_fn_math_cosh, NULL, 0},
    [GLY_FN_TANH] = {gly_fn_math_tanh, NULL, 0},
    [GLY_FN_ASINH] = {gly_fn_math_asinh, NULL, 0},
    [GLY_FN_ACOSH] = {gly_fn_math_acosh, NULL, 0},
    [GLY_FN_ATANH] = {gly_fn_math_atanh, NULL, 0},
    [GLY_FN_COT] = {gly_fn_math_cot, NULL, 0},
    [GLY_FN_SEC] = {gly_fn_math_sec, NULL, 0},
    [GLY_FN_CSC] = {gly_fn_math_csc, NULL, 0},
    [GLY_FN_FACTORIAL] = {gly_fn_math_factorial, NULL, 0},
    [GLY_FN_WIDTH_BUCKET] = {gly_fn_math_width_bucket, NULL, 0},
    [GLY_FN_BIT_COUNT] = {gly_fn_bits_count, NULL, 0},
    [GLY_FN_GETBIT] = {gly_fn_bits_get, NULL, 0},
    [GLY_FN_SHIFT_LEFT] = {gly_fn_bits_shift_left, NULL, 0},
    [GLY_FN_SHIFT_RIGHT] = {gly_fn_bits_shift_right, NULL, 0},
    [GLY_FN_SHIFT_RIGHT_UNSIGNED] = {gly_fn_bits_shift_right_unsigned, NULL, 0},
    [GLY_FN_PI] = {gly_fn_math_pi, NULL, NULLS},
    [GLY_FN_E] = {gly_fn_math_e, NULL, NULLS},
    [GLY_FN_RAND] = {gly_fn_misc_rand, NULL, NULLS | NONDET},
    [GLY_FN_MONOTONIC_ID] = {gly_fn_misc_monotonic_id, NULL, NULLS | NONDET},
    [GLY_FN_RAISE_ERROR] = {gly_fn_misc_raise_error, NULL, NULLS | NONDET},
    [GLY_FN_ASSERT_TRUE] = {gly_fn_misc_assert_true, NULL, NULLS | NONDET},
    [GLY_FN_TEST_SLEEP] = {gly_fn_misc_test_sleep, NULL, NONDET},
    [GLY_FN_TEST_HOLD] = {gly_fn_misc_test_hold, NULL, NONDET},
    [GLY_FN_HASH] = {gly_fn_hash_murmur3, NULL, NULLS},
    [GLY_FN_XXHASH64] = {gly_fn_hash_xxhash64, NULL, NULLS},
    [GLY_FN_YEAR] = {gly_fn_date_year, NULL, VECTOR},
    [GLY_FN_QUARTER] = {gly_fn_date_quarter, NULL, VECTOR},
    [GLY_FN_MONTH] = {gly_fn_date_month, NULL, VECTOR},
    [GLY_FN_DAY] = {gly_fn_date_day, NULL, VECTOR},
    [GLY_FN_DAYOFWEEK] = {gly_fn_date_dayofweek, NULL, 0},
    [GLY_FN_WEEKDAY] = {gly_fn_date_weekday, NULL, 0},
    [GLY_FN_DAYOFYEAR] = {gly_fn_date_dayofyear, NULL, 0},
    [GLY_FN_WEEKOFYEAR] = {gly_fn_date_weekofyear, NULL, 0},
    [GLY_FN_HOUR] = {gly_fn_date_hour, NULL, 0},
    [GLY_FN_MINUTE] = {gly_fn_date_minute, NULL, 0},
    [GLY_FN_SECOND] = {gly_fn_date_second, NULL, 0},
    [GLY_FN_DATE_ADD] = {gly_fn_interval_date_add, NULL, 0},
    [GLY_FN_DATE_SUB] = {gly_fn_interval_date_sub, NULL, 0},
    [GLY_FN_ADD_MONTHS] = {gly_fn_interval_add_months, NULL, 0},
    [GLY_FN_DATEDIFF] = {gly_fn_date_datediff, NULL, 0},
    [GLY_FN_MONTHS_BETWEEN] = {gly_fn_date_months_between, NULL, 0},
    [GLY_FN_LAST_DAY] = {gly_fn_date_last_day, NULL, 0},
    [GLY_FN_TRUNC] = {gly_fn_date_trunc_date, NULL, 0},
    [GLY_FN_DATE_TRUNC] = {gly_fn_date_trunc_timestamp, NULL, 0},
    [GLY_FN_MAKE_DATE] = {gly_fn_date_make_date, NULL, 0},
    [GLY_FN_NEXT_DAY] = {gly_fn_date_make_next_day, NULL, 0},
    [GLY_FN_DAYNAME] = {gly_fn_date_make_dayname, NULL, 0},
    [GLY_FN_MONTHNAME] = {gly_fn_date_make_monthname, NULL, 0},
    [GLY_FN_YEAR_OF_WEEK] = {gly_fn_date_make_year_of_week, NULL, 0},
    [GLY_FN_SECOND_FRACTION] = {gly_fn_date_make_second_fraction, NULL, 0},
    [GLY_FN_MAKE_TIMESTAMP] = {gly_fn_date_make_timestamp, NULL, 0},
    [GLY_FN_MAKE_TIMESTAMP_NTZ] = {gly_fn_date_make_timestamp, NULL, 0},
    [GLY_FN_TRY_MAKE_TIMESTAMP] = {gly_fn_date_make_try_timestamp, NULL, 0},
    [GLY_FN_TRY_MAKE_TIMESTAMP_NTZ] = {gly_fn_date_make_try_timestamp, NULL, 0},
    [GLY_FN_DATE_FROM_UNIX_DATE] = {gly_fn_date_make_same32, NULL, 0},
    [GLY_FN_UNIX_DATE] = {gly_fn_date_make_same32, NULL, 0},
    [GLY_FN_UNIX_MICROS] = {gly_fn_date_make_same64, NULL, 0},
    [GLY_FN_TIMESTAMP_MICROS] = {gly_fn_date_make_same64, NULL, 0},
    [GLY_FN_UNIX_MILLIS] = {gly_fn_date_make_unix_millis, NULL, 0},
    [GLY_FN_UNIX_SECONDS] = {gly_fn_date_make_unix_seconds, NULL, 0},
    [GLY_FN_TIMESTAMP_MILLIS] = {gly_fn_date_make_timestamp_millis, NULL, 0},
    [GLY_FN_TIMESTAMP_SECONDS] = {gly_fn_date_make_timestamp_seconds, NULL, 0},
    [GLY_FN_TIMESTAMPADD] = {gly_fn_date_unit_add, NULL, 0},
    [GLY_FN_TIMESTAMPDIFF] = {gly_fn_date_unit_diff, NULL, 0},
    [GLY_FN_DATE_FORMAT] = {gly_fn_date_format_run, gly_fn_date_format_prepare, 0},
    [GLY_FN_FROM_UNIXTIME] = {gly_fn_date_format_from_unixtime, gly_fn_date_format_prepare, 0},
    [GLY_FN_TO_DATE] = {gly_fn_date_format_to_date, gly_fn_date_format_prepare, 0},
    [GLY_FN_TO_TIMESTAMP] = {gly_fn_date_format_to_timestamp, gly_fn_date_format_prepare, 0},
    [GLY_FN_UNIX_TIMESTAMP] = {gly_fn_date_format_unix_timestamp, gly_fn_date_format_prepare, 0},
};

static const gly_function_kernel decimals[GLY_FN_COUNT_OF_FUNCTIONS] = {
    [GLY_FN_ADD] = {gly_fn_decimal_add, NULL, VECTOR | NARROW},
    [GLY_FN_SUBTRACT] = {gly_fn_decimal_subtract, NULL, VECTOR | NARROW},
    [GLY_FN_MULTIPLY] = {gly_fn_decimal_multiply, NULL, VECTOR | NARROW},
    [GLY_FN_DIVIDE] = {gly_fn_decimal_divide, NULL, 0},
    [GLY_FN_INT_DIVIDE] = {gly_fn_decimal_int_divide, NULL, 0},
    [GLY_FN_MODULO] = {gly_fn_decimal_modulo, NULL, 0},
    [GLY_FN_PMOD] = {gly_fn_decimal_pmod, NULL, 0},
    [GLY_FN_NEGATE] = {gly_fn_decimal_negate, NULL, 0},
    [GLY_FN_ABS] = {gly_fn_decimal_abs, NULL, 0},
    [GLY_FN_TRY_ADD] = {gly_fn_decimal_try_add, NULL, VECTOR | NARROW},
    [GLY_FN_TRY_SUBTRACT] = {gly_fn_decimal_try_subtract, NULL, VECTOR | NARROW},
    [GLY_FN_TRY_MULTIPLY] = {gly_fn_decimal_try_multiply, NULL, VECTOR | NARROW},
    [GLY_FN_TRY_DIVIDE] = {gly_fn_decimal_try_divide, NULL, 0},
};

static const gly_function_kernel intervals[GLY_FN_COUNT_OF_FUNCTIONS] = {
    [GLY_FN_ADD] = {gly_fn_interval_add, NULL, 0},
    [GLY_FN_SUBTRACT] = {gly_fn_interval_subtract, NULL, 0},
    [GLY_FN_TRY_ADD] = {gly_fn_interval_try_add, NULL, 0},
    [GLY_FN_TRY_SUBTRACT] = {gly_fn_interval_try_subtract, NULL, 0},
    [GLY_FN_NEGATE] = {gly_fn_interval_negate, NULL, 0},
    [GLY_FN_ABS] = {gly_fn_interval_abs, NULL, 0},
};

/* Arithmetic exists three times: the first argument or the result says which. */
static const gly_function_kernel *table_of(const gly_expr *expr) {
    gly_type type = expr->type;
    if (expr->function == GLY_FN_INT_DIVIDE && expr->args[0]->type.id == GLY_TYPE_DECIMAL) {
        return decimals;
    }
    switch ((gly_type_id)type.id) {
    case GLY_TYPE_DECIMAL:
        return decimals;
    case GLY_TYPE_DATE:
    case GLY_TYPE_TIMESTAMP:
    case GLY_TYPE_TIMESTAMP_NTZ:
    case GLY_TYPE_INTERVAL_DAY:
    case GLY_TYPE_INTERVAL_MONTH:
        return intervals;
    default:
        return plain;
    }
}

gly_status gly_function_table_find(const gly_expr *expr, const gly_function_kernel **ret,
                                   gly_error *err) {
    char place[GLY_CALL_PLACE_SIZE];
    if (expr->kind == GLY_EXPR_CAST) {
        *ret = gly_fn_cast_find(expr->args[0]->type, expr->type);
        if (*ret == NULL) {
            char from[GLY_TYPE_TEXT_SIZE], to[GLY_TYPE_TEXT_SIZE];
            return gly_fail(err, GLY_E_TYPE_MISMATCH, "A value of type %s cannot be cast to %s%s",
                            gly_type_format(expr->args[0]->type, from, sizeof from),
                            gly_type_format(expr->type, to, sizeof to),
                            gly_call_place(expr, place));
        }
        return GLY_OK;
    }
    const gly_function_kernel *table = table_of(expr);
    *ret = &table[expr->function];
    if ((*ret)->run == NULL) {
        *ret = &plain[expr->function];
    }
    if ((*ret)->run == NULL) {
        return gly_fail(err, GLY_E_UNSUPPORTED, "The function %s is not implemented%s",
                        gly_function_get(expr->function)->name, gly_call_place(expr, place));
    }
    return GLY_OK;
}
