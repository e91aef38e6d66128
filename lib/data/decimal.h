/* decimal.h - unscaled 128-bit arithmetic: powers of ten, rescaling HALF_UP, text. */
#ifndef GLY_DECIMAL_H
#define GLY_DECIMAL_H

#include "lib/data/type.h"

gly_i128 gly_decimal_power(int exponent); /* 10^0 .. 10^38 */
/* |value| < 10^precision */
bool gly_decimal_fits(gly_i128 value, int precision);
/* From one scale to another, HALF_UP; false if it does not fit 38 digits. */
bool gly_decimal_rescale(gly_i128 value, int from_scale, int to_scale, gly_i128 *ret);
/* a*b and a/b (result at result_scale, HALF_UP) over a 256-bit middle; false on overflow of 38
 * digits or b = 0. */
bool gly_decimal_multiply(gly_i128 a, gly_i128 b, int drop_digits, gly_i128 *ret);
bool gly_decimal_divide(gly_i128 a, gly_i128 b, int add_digits, gly_i128 *ret);
/* "-12.340"; buffer of 48 bytes; bytes written, no NUL. */
size_t gly_decimal_format(gly_i128 value, int scale, char buffer[48]);
/* Any decimal or scientific text, rounded HALF_UP to scale; false if it is not a number or does
 * not fit the type. */
bool gly_decimal_parse(gly_str text, gly_type type, gly_i128 *ret);
/* Precision and scale of a literal's text ("1.50" -> 3, 2). */
bool gly_decimal_parse_literal(gly_str text, gly_type *ret_type, gly_i128 *ret);
double gly_decimal_to_double(gly_i128 value, int scale);
bool gly_decimal_from_double(double value, gly_type type, gly_i128 *ret);

#endif
