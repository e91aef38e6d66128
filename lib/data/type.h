/* type.h - what a value is (Spark's logical types) and how it lies in memory (physical kinds).
 *
 * BOOLEAN is one byte, 0 or 1.  DATE is days since 1970-01-01.  TIMESTAMP is microseconds since the
 * epoch in UTC, TIMESTAMP_NTZ the same without a zone.  INTERVAL_MONTH is months (Spark's year-month
 * interval), INTERVAL_DAY microseconds (day-time interval).  DECIMAL(p, s) is the unscaled number.
 */
#ifndef GLY_TYPE_H
#define GLY_TYPE_H

#include "lib/base/str.h"

typedef enum gly_type_id {
#define GLY_TYPE(name, text, kind) GLY_TYPE_##name,
#include "lib/data/types.def"
#undef GLY_TYPE
    GLY_TYPE_COUNT
} gly_type_id;

typedef enum gly_kind {
    GLY_KIND_I8,
    GLY_KIND_I16,
    GLY_KIND_I32,
    GLY_KIND_I64,
    GLY_KIND_I128,
    GLY_KIND_F32,
    GLY_KIND_F64,
    GLY_KIND_TEXT, /* gly_text, 16 bytes */
    GLY_KIND_COUNT
} gly_kind;

typedef struct gly_type {
    uint8_t id;        /* gly_type_id */
    uint8_t precision; /* DECIMAL only: 1 to 38 */
    int8_t scale;      /* DECIMAL only: 0 to precision */
} gly_type;

enum { GLY_DECIMAL_MAX_PRECISION = 38, GLY_DECIMAL_NARROW_PRECISION = 18 };

#define GLY_TYPE_OF(name) ((gly_type){.id = GLY_TYPE_##name})
static inline gly_type gly_type_decimal(int precision, int scale) {
    return (gly_type){GLY_TYPE_DECIMAL, (uint8_t)precision, (int8_t)scale};
}
static inline bool gly_type_equal(gly_type a, gly_type b) {
    return a.id == b.id &&
           (a.id != GLY_TYPE_DECIMAL || (a.precision == b.precision && a.scale == b.scale));
}

gly_kind gly_type_kind(gly_type type);
size_t gly_kind_width(gly_kind kind); /* bytes of one value */
static inline size_t gly_type_width(gly_type type) { return gly_kind_width(gly_type_kind(type)); }
bool gly_type_is_integral(gly_type type); /* TINYINT to BIGINT */
bool gly_type_is_numeric(gly_type type);  /* integral, FLOAT, DOUBLE, DECIMAL */
bool gly_type_is_text(gly_type type);     /* STRING or BINARY */
/* "decimal(15,2)", "bigint": writes into buffer (32 bytes are enough) and returns it. */
const char *gly_type_format(gly_type type, char *buffer, size_t buffer_size);
enum { GLY_TYPE_TEXT_SIZE = 32 };
/* Spark's and SQL's names, any case: "int", "integer", "long", "decimal(10,2)", "string", ... */
bool gly_type_parse(gly_str text, gly_type *ret);

#endif
