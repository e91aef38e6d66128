/* value.h - one scalar: literals, statistics, bounds.  Not for rows of data. */
#ifndef GLY_VALUE_H
#define GLY_VALUE_H

#include "lib/base/arena.h"
#include "lib/data/type.h"

typedef struct gly_value {
    gly_type type;
    bool is_null;
    union {
        int64_t i64; /* BOOLEAN, integers, DATE, TIMESTAMP*, INTERVAL_*, DECIMAL up to 18 digits */
        gly_i128 i128; /* DECIMAL beyond 18 digits (only .i128 is valid then) */
        double f64;  /* FLOAT (exactly representable) and DOUBLE */
        gly_str text; /* STRING, BINARY: bytes belong to the arena the value was made in */
    };
} gly_value;

static inline gly_value gly_value_null(gly_type type) {
    return (gly_value){.type = type, .is_null = true};
}
static inline gly_value gly_value_i64(gly_type type, int64_t value) {
    return (gly_value){.type = type, .i64 = value};
}
static inline gly_value gly_value_f64(gly_type type, double value) {
    return (gly_value){.type = type, .f64 = value};
}
static inline gly_value gly_value_text(gly_type type, gly_str text) {
    return (gly_value){.type = type, .text = text};
}
/* A DECIMAL value of either width from the unscaled number. */
gly_value gly_value_decimal(gly_type type, gly_i128 unscaled);
gly_i128 gly_value_unscaled(const gly_value *value); /* DECIMAL of either width */

/* Same type, neither null: <0, 0, >0 in Spark's order (NaN largest, -0.0 = 0.0). */
int gly_value_compare(const gly_value *a, const gly_value *b);
bool gly_value_equal(const gly_value *a, const gly_value *b); /* nulls are equal */
/* As Spark shows it ("null" for NULL; no quotes). */
void gly_value_format(const gly_value *value, gly_builder *out);
/* As a SQL literal: quoted strings, DATE '...', 1.50BD. */
void gly_value_format_sql(const gly_value *value, gly_builder *out);
gly_value gly_value_copy(gly_arena *arena, const gly_value *value);

#endif
