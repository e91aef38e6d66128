/* parquet_convert.h - from Parquet's physical types to Galley's values.
 *
 * A conversion is chosen once per column from the schema; then whole vectors are converted.
 */
#ifndef GLY_PARQUET_CONVERT_H
#define GLY_PARQUET_CONVERT_H

#include "lib/data/text.h"
#include "lib/data/type.h"

typedef enum gly_parquet_physical { /* the format's numbers */
                                    GLY_PARQUET_BOOLEAN = 0,
                                    GLY_PARQUET_INT32 = 1,
                                    GLY_PARQUET_INT64 = 2,
                                    GLY_PARQUET_INT96 = 3,
                                    GLY_PARQUET_FLOAT = 4,
                                    GLY_PARQUET_DOUBLE = 5,
                                    GLY_PARQUET_BYTE_ARRAY = 6,
                                    GLY_PARQUET_FIXED = 7,
} gly_parquet_physical;

typedef enum gly_parquet_conversion {
    GLY_PARQUET_COPY,      /* 1, 4, 8 bytes or text: the same in memory */
    GLY_PARQUET_I32_TO_I8, /* annotated INT_8 */
    GLY_PARQUET_I32_TO_I16,
    GLY_PARQUET_I32_TO_I64, /* decimals, widening */
    GLY_PARQUET_I32_TO_I128,
    GLY_PARQUET_I32_TO_F64,
    GLY_PARQUET_U8_TO_I16,
    GLY_PARQUET_U16_TO_I32,
    GLY_PARQUET_U32_TO_I64,
    GLY_PARQUET_U64_TO_I128, /* decimal(20,0) */
    GLY_PARQUET_I64_TO_I128,
    GLY_PARQUET_MILLIS,       /* to microseconds */
    GLY_PARQUET_NANOS,        /* to microseconds, rounded down */
    GLY_PARQUET_INT96_MICROS, /* Julian day and nanoseconds, as old Spark, Hive and Impala write */
    GLY_PARQUET_F32_TO_F64,
    GLY_PARQUET_F16_TO_F32,
    GLY_PARQUET_BYTES_TO_I64, /* decimals: big-endian two's complement, FIXED or BYTE_ARRAY */
    GLY_PARQUET_BYTES_TO_I128,
    GLY_PARQUET_BYTES_TO_TEXT, /* FIXED: views */
} gly_parquet_conversion;

/* An annotated schema element, before it is understood. */
typedef struct gly_parquet_annotation {
    int converted; /* -1: none; else the format's ConvertedType */
    int logical;   /* 0: none; else the field number in LogicalType */
    int precision, scale;
    int bit_width;  /* logical INTEGER */
    bool is_signed; /* logical INTEGER */
    bool is_utc;    /* logical TIME, TIMESTAMP */
    int unit;       /* logical TIME, TIMESTAMP: 1 millis, 2 micros, 3 nanos */
} gly_parquet_annotation;

/* Spark's type for a leaf; NULL if there is one, else why not ("has the type TIME, ..."). */
const char *gly_parquet_convert_type(gly_parquet_physical physical, uint32_t type_length,
                                     const gly_parquet_annotation *annotation, gly_type *ret_type,
                                     gly_parquet_conversion *ret_conversion, bool *ret_unsigned);
/* The conversion that makes `wanted` from what would be `own` by `conversion`: the same type, or a
 * widening Spark allows (int to bigint or double, float to double, decimals of equal scale). */
bool gly_parquet_convert_widen(gly_type own, gly_parquet_conversion conversion,
                               gly_parquet_physical physical, gly_type wanted,
                               gly_parquet_conversion *ret);
/* Bytes of one value of a fixed-width physical type (FIXED: type_length); 0 for BYTE_ARRAY. */
uint32_t gly_parquet_convert_width(gly_parquet_physical physical, uint32_t type_length);

/* Converts count packed physical values (BOOLEAN: bytes).  False: a value does not fit the type. */
GLY_NODISCARD bool gly_parquet_convert_fixed(gly_parquet_conversion conversion, uint32_t width,
                                             const void *input, size_t count, void *output);
/* Converts BYTE_ARRAY values to decimals; to text is no conversion. */
GLY_NODISCARD bool gly_parquet_convert_text(gly_parquet_conversion conversion,
                                            const gly_text *input, size_t count, void *output);

#endif
