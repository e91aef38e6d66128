/* number_text.h - numbers as Spark (Java) prints them, and back. */
#ifndef GLY_NUMBER_TEXT_H
#define GLY_NUMBER_TEXT_H

#include "lib/base/str.h"

/* Java's Double.toString: shortest digits that read back, "1.0E10", "NaN", "Infinity". */
size_t gly_number_text_double(double value, char buffer[32]);
size_t gly_number_text_float(float value, char buffer[32]);
size_t gly_number_text_i64(int64_t value, char buffer[24]);
size_t gly_number_text_i128(gly_i128 value, char buffer[48]);
/* As CAST(text AS DOUBLE): white space trimmed, "NaN", "Infinity", "1e5", "1d"; false if not. */
bool gly_number_text_parse_double(gly_str text, double *ret);

#endif
