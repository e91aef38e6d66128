/* parquet_convert.c - what Parquet's types mean to Spark, and the loops that convert the values.
 *
 * Unsigned integers widen to the next signed type (UINT_64 to decimal(20,0)); decimals become their
 * unscaled number; INT96 and all timestamp units become microseconds.  Invariant: input may be
 * unaligned, output is aligned to its type; nothing here knows of pages or nulls.
 */
#include "lib/io/parquet/parquet_convert.h"

#include "lib/io/parquet/hot.h"

/* ConvertedType */
enum {
    CONVERTED_UTF8 = 0,
    CONVERTED_ENUM = 4,
    CONVERTED_DECIMAL = 5,
    CONVERTED_DATE = 6,
    CONVERTED_TIME_MILLIS = 7,
    CONVERTED_TIME_MICROS = 8,
    CONVERTED_TIMESTAMP_MILLIS = 9,
    CONVERTED_TIMESTAMP_MICROS = 10,
    CONVERTED_UINT_8 = 11,
    CONVERTED_UINT_16 = 12,
    CONVERTED_UINT_32 = 13,
    CONVERTED_UINT_64 = 14,
    CONVERTED_INT_8 = 15,
    CONVERTED_INT_16 = 16,
    CONVERTED_INT_32 = 17,
    CONVERTED_INT_64 = 18,
    CONVERTED_JSON = 19,
    CONVERTED_BSON = 20,
    CONVERTED_INTERVAL = 21,
};

/* Field numbers of LogicalType */
enum {
    LOGICAL_STRING = 1,
    LOGICAL_ENUM = 4,
    LOGICAL_DECIMAL = 5,
    LOGICAL_DATE = 6,
    LOGICAL_TIME = 7,
    LOGICAL_TIMESTAMP = 8,
    LOGICAL_INTEGER = 10,
    LOGICAL_NULL = 11,
    LOGICAL_JSON = 12,
    LOGICAL_BSON = 13,
    LOGICAL_UUID = 14,
    LOGICAL_FLOAT16 = 15,
};

/* One meaning, whichever of the two annotations said it. */
typedef enum meaning {
    MEANS_NOTHING,
    MEANS_TEXT,
    MEANS_BYTES,
    MEANS_DECIMAL,
    MEANS_DATE,
    MEANS_TIME,
    MEANS_TIMESTAMP,
    MEANS_INTEGER,
    MEANS_FLOAT16,
    MEANS_INTERVAL,
    MEANS_UNKNOWN,
} meaning;

static meaning read_logical(const gly_parquet_annotation *from, gly_parquet_annotation *to) {
    *to = *from;
    switch (from->logical) {
    case LOGICAL_STRING:
    case LOGICAL_ENUM:
    case LOGICAL_JSON:
        return MEANS_TEXT;
    case LOGICAL_BSON:
    case LOGICAL_UUID:
        return MEANS_BYTES;
    case LOGICAL_DECIMAL:
        return MEANS_DECIMAL;
    case LOGICAL_DATE:
        return MEANS_DATE;
    case LOGICAL_TIME:
        return MEANS_TIME;
    case LOGICAL_TIMESTAMP:
        return MEANS_TIMESTAMP;
    case LOGICAL_INTEGER:
        return MEANS_INTEGER;
    case LOGICAL_NULL:
        return MEANS_NOTHING;
    case LOGICAL_FLOAT16:
        return MEANS_FLOAT16;
    default:
        return MEANS_UNKNOWN;
    }
}

static meaning read_converted(const gly_parquet_annotation *from, gly_parquet_annotation *to) {
    *to = *from;
    switch (from->converted) {
    case CONVERTED_UTF8:
    case CONVERTED_ENUM:
    case CONVERTED_JSON:
        return MEANS_TEXT;
    case CONVERTED_BSON:
        return MEANS_BYTES;
    case CONVERTED_DECIMAL:
        return MEANS_DECIMAL;
    case CONVERTED_DATE:
        return MEANS_DATE;
    case CONVERTED_TIME_MILLIS:
    case CONVERTED_TIME_MICROS:
        return MEANS_TIME;
    case CONVERTED_TIMESTAMP_MILLIS:
    case CONVERTED_TIMESTAMP_MICROS:
        to->is_utc = true;
        to->unit = from->converted == CONVERTED_TIMESTAMP_MILLIS ? 1 : 2;
        return MEANS_TIMESTAMP;
    case CONVERTED_UINT_8:
    case CONVERTED_UINT_16:
    case CONVERTED_UINT_32:
    case CONVERTED_UINT_64:
        to->is_signed = false;
        to->bit_width = 8 << (from->converted - CONVERTED_UINT_8);
        return MEANS_INTEGER;
    case CONVERTED_INT_8:
    case CONVERTED_INT_16:
    case CONVERTED_INT_32:
    case CONVERTED_INT_64:
        to->is_signed = true;
        to->bit_width = 8 << (from->converted - CONVERTED_INT_8);
        return MEANS_INTEGER;
    case CONVERTED_INTERVAL:
        return MEANS_INTERVAL;
    default:
        return from->converted < 0 ? MEANS_NOTHING : MEANS_UNKNOWN;
    }
}

static const char *integer_type(gly_parquet_physical physical, const gly_parquet_annotation *note,
                                gly_type *type, gly_parquet_conversion *conversion,
                                bool *is_unsigned) {
    *is_unsigned = !note->is_signed;
    if (physical == GLY_PARQUET_INT64) {
        if (note->bit_width != 64) {
            return "has an integer annotation that does not fit its type INT64";
        }
        *type = note->is_signed ? GLY_TYPE_OF(BIGINT) : gly_type_decimal(20, 0);
        *conversion = note->is_signed ? GLY_PARQUET_COPY : GLY_PARQUET_U64_TO_I128;
        return NULL;
    }
    if (physical != GLY_PARQUET_INT32) {
        return "has an integer annotation on a type that is no integer";
    }
    switch (note->bit_width) {
    case 8:
        *type = note->is_signed ? GLY_TYPE_OF(TINYINT) : GLY_TYPE_OF(SMALLINT);
        *conversion = note->is_signed ? GLY_PARQUET_I32_TO_I8 : GLY_PARQUET_U8_TO_I16;
        return NULL;
    case 16:
        *type = note->is_signed ? GLY_TYPE_OF(SMALLINT) : GLY_TYPE_OF(INT);
        *conversion = note->is_signed ? GLY_PARQUET_I32_TO_I16 : GLY_PARQUET_U16_TO_I32;
        return NULL;
    case 32:
        *type = note->is_signed ? GLY_TYPE_OF(INT) : GLY_TYPE_OF(BIGINT);
        *conversion = note->is_signed ? GLY_PARQUET_COPY : GLY_PARQUET_U32_TO_I64;
        return NULL;
    default:
        return "has an integer annotation that does not fit its type INT32";
    }
}

static const char *decimal_type(gly_parquet_physical physical, uint32_t type_length,
                                const gly_parquet_annotation *note, gly_type *type,
                                gly_parquet_conversion *conversion) {
    if (note->precision < 1 || note->precision > GLY_DECIMAL_MAX_PRECISION || note->scale < 0 ||
        note->scale > note->precision) {
        return "is a decimal with more than 38 digits or an impossible scale";
    }
    *type = gly_type_decimal(note->precision, note->scale);
    bool is_narrow = note->precision <= GLY_DECIMAL_NARROW_PRECISION;
    switch (physical) {
    case GLY_PARQUET_INT32:
        *conversion = is_narrow ? GLY_PARQUET_I32_TO_I64 : GLY_PARQUET_I32_TO_I128;
        return NULL;
    case GLY_PARQUET_INT64:
        *conversion = is_narrow ? GLY_PARQUET_COPY : GLY_PARQUET_I64_TO_I128;
        return NULL;
    case GLY_PARQUET_FIXED:
        if (type_length < 1) {
            return "is a decimal of no bytes";
        }
        *conversion = is_narrow ? GLY_PARQUET_BYTES_TO_I64 : GLY_PARQUET_BYTES_TO_I128;
        return NULL;
    case GLY_PARQUET_BYTE_ARRAY:
        *conversion = is_narrow ? GLY_PARQUET_BYTES_TO_I64 : GLY_PARQUET_BYTES_TO_I128;
        return NULL;
    default:
        return "has a decimal annotation on a type that cannot be a decimal";
    }
}

static const char *timestamp_type(gly_parquet_physical physical, const gly_parquet_annotation *note,
                                  gly_type *type, gly_parquet_conversion *conversion) {
    static const gly_parquet_conversion by_unit[] = {
        [1] = GLY_PARQUET_MILLIS, [2] = GLY_PARQUET_COPY, [3] = GLY_PARQUET_NANOS};
    if (physical != GLY_PARQUET_INT64 || note->unit < 1 || note->unit > 3) {
        return "has a timestamp annotation that does not fit its type";
    }
    *type = note->is_utc ? GLY_TYPE_OF(TIMESTAMP) : GLY_TYPE_OF(TIMESTAMP_NTZ);
    *conversion = by_unit[note->unit];
    return NULL;
}

static const char *plain_type(gly_parquet_physical physical, gly_type *type,
                              gly_parquet_conversion *conversion) {
    *conversion = GLY_PARQUET_COPY;
    switch (physical) {
    case GLY_PARQUET_BOOLEAN:
        *type = GLY_TYPE_OF(BOOLEAN);
        return NULL;
    case GLY_PARQUET_INT32:
        *type = GLY_TYPE_OF(INT);
        return NULL;
    case GLY_PARQUET_INT64:
        *type = GLY_TYPE_OF(BIGINT);
        return NULL;
    case GLY_PARQUET_INT96:
        *type = GLY_TYPE_OF(TIMESTAMP);
        *conversion = GLY_PARQUET_INT96_MICROS;
        return NULL;
    case GLY_PARQUET_FLOAT:
        *type = GLY_TYPE_OF(FLOAT);
        return NULL;
    case GLY_PARQUET_DOUBLE:
        *type = GLY_TYPE_OF(DOUBLE);
        return NULL;
    case GLY_PARQUET_BYTE_ARRAY:
        *type = GLY_TYPE_OF(BINARY);
        return NULL;
    case GLY_PARQUET_FIXED:
        *type = GLY_TYPE_OF(BINARY);
        *conversion = GLY_PARQUET_BYTES_TO_TEXT;
        return NULL;
    }
    return "has a physical type the format does not know";
}

const char *gly_parquet_convert_type(gly_parquet_physical physical, uint32_t type_length,
                                     const gly_parquet_annotation *annotation, gly_type *ret_type,
                                     gly_parquet_conversion *ret_conversion, bool *ret_unsigned) {
    gly_parquet_annotation note;
    *ret_unsigned = false;
    meaning means = annotation->logical != 0 ? read_logical(annotation, &note)
                                             : read_converted(annotation, &note);
    if (means == MEANS_UNKNOWN && annotation->logical != 0 && annotation->converted >= 0) {
        means = read_converted(annotation, &note);
    }
    bool is_bytes = physical == GLY_PARQUET_BYTE_ARRAY || physical == GLY_PARQUET_FIXED;
    switch (means) {
    case MEANS_TEXT:
    case MEANS_BYTES:
        if (!is_bytes) {
            return "has a text annotation on a type that is no text";
        }
        *ret_type = means == MEANS_TEXT ? GLY_TYPE_OF(STRING) : GLY_TYPE_OF(BINARY);
        *ret_conversion =
            physical == GLY_PARQUET_FIXED ? GLY_PARQUET_BYTES_TO_TEXT : GLY_PARQUET_COPY;
        return NULL;
    case MEANS_DECIMAL:
        return decimal_type(physical, type_length, &note, ret_type, ret_conversion);
    case MEANS_DATE:
        if (physical != GLY_PARQUET_INT32) {
            return "has a date annotation on a type other than INT32";
        }
        *ret_type = GLY_TYPE_OF(DATE);
        *ret_conversion = GLY_PARQUET_COPY;
        return NULL;
    case MEANS_TIMESTAMP:
        return timestamp_type(physical, &note, ret_type, ret_conversion);
    case MEANS_INTEGER:
        return integer_type(physical, &note, ret_type, ret_conversion, ret_unsigned);
    case MEANS_FLOAT16:
        if (physical != GLY_PARQUET_FIXED || type_length != 2) {
            return "has a half-float annotation that does not fit its type";
        }
        *ret_type = GLY_TYPE_OF(FLOAT);
        *ret_conversion = GLY_PARQUET_F16_TO_F32;
        return NULL;
    case MEANS_TIME:
        return "has the type TIME, which has no counterpart here";
    case MEANS_INTERVAL:
        return "has the type INTERVAL, which cannot be read";
    case MEANS_UNKNOWN:
        return "has a logical type that cannot be read";
    case MEANS_NOTHING:
        break;
    }
    return plain_type(physical, ret_type, ret_conversion);
}

bool gly_parquet_convert_widen(gly_type own, gly_parquet_conversion conversion,
                               gly_parquet_physical physical, gly_type wanted,
                               gly_parquet_conversion *ret) {
    *ret = conversion;
    if (gly_type_equal(own, wanted)) {
        return true;
    }
    if (own.id == GLY_TYPE_FLOAT && wanted.id == GLY_TYPE_DOUBLE &&
        conversion == GLY_PARQUET_COPY) {
        *ret = GLY_PARQUET_F32_TO_F64;
        return true;
    }
    if ((own.id == GLY_TYPE_BINARY || own.id == GLY_TYPE_STRING) &&
        (wanted.id == GLY_TYPE_BINARY || wanted.id == GLY_TYPE_STRING)) {
        return true;
    }
    bool is_signed32 = conversion == GLY_PARQUET_COPY || conversion == GLY_PARQUET_I32_TO_I8 ||
                       conversion == GLY_PARQUET_I32_TO_I16;
    if (physical == GLY_PARQUET_INT32 && is_signed32 && gly_type_is_integral(own)) {
        switch (wanted.id) {
        case GLY_TYPE_SMALLINT:
            *ret = GLY_PARQUET_I32_TO_I16;
            return own.id == GLY_TYPE_TINYINT;
        case GLY_TYPE_INT:
            *ret = GLY_PARQUET_COPY;
            return true;
        case GLY_TYPE_BIGINT:
            *ret = GLY_PARQUET_I32_TO_I64;
            return true;
        case GLY_TYPE_DOUBLE:
            *ret = GLY_PARQUET_I32_TO_F64;
            return true;
        default:
            return false;
        }
    }
    if (own.id == GLY_TYPE_DECIMAL && wanted.id == GLY_TYPE_DECIMAL && own.scale == wanted.scale &&
        own.precision <= wanted.precision) {
        bool is_narrow = wanted.precision <= GLY_DECIMAL_NARROW_PRECISION;
        if (is_narrow || own.precision > GLY_DECIMAL_NARROW_PRECISION) {
            return true;
        }
        *ret = physical == GLY_PARQUET_INT32   ? GLY_PARQUET_I32_TO_I128
               : physical == GLY_PARQUET_INT64 ? GLY_PARQUET_I64_TO_I128
                                               : GLY_PARQUET_BYTES_TO_I128;
        return true;
    }
    return false;
}

uint32_t gly_parquet_convert_width(gly_parquet_physical physical, uint32_t type_length) {
    switch (physical) {
    case GLY_PARQUET_BOOLEAN:
        return 1;
    case GLY_PARQUET_INT32:
    case GLY_PARQUET_FLOAT:
        return 4;
    case GLY_PARQUET_INT64:
    case GLY_PARQUET_DOUBLE:
        return 8;
    case GLY_PARQUET_INT96:
        return 12;
    case GLY_PARQUET_FIXED:
        return type_length;
    case GLY_PARQUET_BYTE_ARRAY:
        break;
    }
    return 0;
}

/* ---- loops ---------------------------------------------------------------------------------- */

/* LOOP(name, from, to, expression of x): output[i] = expression of the unaligned input[i]. */
#define LOOP(name, from, to, expression)                                                           \
    GLY_HOT_CLONES static void name(const char *restrict input, size_t count,                      \
                                    to *restrict output) {                                         \
        for (size_t i = 0; i < count; i++) {                                                       \
            from x;                                                                                \
            memcpy(&x, input + i * sizeof x, sizeof x);                                            \
            output[i] = (to)(expression);                                                          \
        }                                                                                          \
    }

LOOP(i32_to_i8, int32_t, int8_t, x)
LOOP(i32_to_i16, int32_t, int16_t, x)
LOOP(i32_to_i64, int32_t, int64_t, x)
LOOP(i32_to_i128, int32_t, gly_i128, x)
LOOP(i32_to_f64, int32_t, double, x)
LOOP(u8_to_i16, uint32_t, int16_t, x & 0xff)
LOOP(u16_to_i32, uint32_t, int32_t, x & 0xffff)
LOOP(u32_to_i64, uint32_t, int64_t, x)
LOOP(u64_to_i128, uint64_t, gly_i128, x)
LOOP(i64_to_i128, int64_t, gly_i128, x)
LOOP(nanos, int64_t, int64_t, x / 1000 - (x % 1000 < 0))
LOOP(f32_to_f64, float, double, x)

static bool millis(const char *input, size_t count, int64_t *output) {
    bool overflow = false;
    for (size_t i = 0; i < count; i++) {
        int64_t x;
        memcpy(&x, input + i * 8, 8);
        overflow |= __builtin_mul_overflow(x, (int64_t)1000, &output[i]);
    }
    return !overflow;
}

/* 8 bytes nanoseconds of the day, 4 bytes Julian day; 2440588 is 1970-01-01. */
static void int96(const char *input, size_t count, int64_t *output) {
    for (size_t i = 0; i < count; i++) {
        int64_t nanoseconds;
        int32_t day;
        memcpy(&nanoseconds, input + i * 12, 8);
        memcpy(&day, input + i * 12 + 8, 4);
        int64_t micros = nanoseconds / 1000 - (nanoseconds % 1000 < 0);
        uint64_t days = (uint64_t)((int64_t)day - 2440588);
        output[i] = (int64_t)(days * UINT64_C(86400000000) + (uint64_t)micros);
    }
}

static float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = (half >> 10) & 31;
    uint32_t fraction = half & 0x3ff;
    uint32_t bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000 | fraction << 13;
    } else if (exponent != 0) {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    } else {
        float small = (float)fraction * 0x1p-24f;
        memcpy(&bits, &small, 4);
        bits |= sign;
    }
    float result;
    memcpy(&result, &bits, 4);
    return result;
}

static void halves(const char *input, size_t count, float *output) {
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, input + i * 2, 2);
        output[i] = half_to_float(half);
    }
}

/* Big-endian two's complement of any length; false if it does not fit 128 bits. */
static inline bool read_big_endian(const uint8_t *bytes, size_t size, gly_i128 *ret) {
    if (size == 0) {
        *ret = 0;
        return true;
    }
    uint8_t sign = (bytes[0] & 0x80) != 0 ? 0xff : 0;
    while (size > 16) {
        if (bytes[0] != sign || ((bytes[1] ^ sign) & 0x80) != 0) {
            return false;
        }
        bytes++;
        size--;
    }
    gly_u128 value = sign == 0 ? 0 : ~(gly_u128)0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    *ret = (gly_i128)value;
    return true;
}

static bool store_decimal(gly_parquet_conversion conversion, gly_i128 value, size_t at,
                          void *output) {
    if (conversion == GLY_PARQUET_BYTES_TO_I128) {
        ((gly_i128 *)output)[at] = value;
        return true;
    }
    ((int64_t *)output)[at] = (int64_t)value;
    return value == (int64_t)value;
}

static bool fixed_decimals(gly_parquet_conversion conversion, uint32_t width, const uint8_t *input,
                           size_t count, void *output) {
    bool fits = true;
    for (size_t i = 0; i < count; i++) {
        gly_i128 value = 0;
        fits &= read_big_endian(input + i * width, width, &value);
        fits &= store_decimal(conversion, value, i, output);
    }
    return fits;
}

bool gly_parquet_convert_text(gly_parquet_conversion conversion, const gly_text *input,
                              size_t count, void *output) {
    bool fits = true;
    for (size_t i = 0; i < count; i++) {
        gly_i128 value = 0;
        fits &= read_big_endian((const uint8_t *)gly_text_data(&input[i]), input[i].size, &value);
        fits &= store_decimal(conversion, value, i, output);
    }
    return fits;
}

/* long: one case per conversion */
bool gly_parquet_convert_fixed(gly_parquet_conversion conversion, uint32_t width, const void *input,
                               size_t count, void *output) {
    switch (conversion) {
    case GLY_PARQUET_COPY:
        memcpy(output, input, count * width);
        return true;
    case GLY_PARQUET_I32_TO_I8:
        i32_to_i8(input, count, output);
        return true;
    case GLY_PARQUET_I32_TO_I16:
        i32_to_i16(input, count, output);
        return true;
    case GLY_PARQUET_I32_TO_I64:
        i32_to_i64(input, count, output);
        return true;
    case GLY_PARQUET_I32_TO_I128:
        i32_to_i128(input, count, output);
        return true;
    case GLY_PARQUET_I32_TO_F64:
        i32_to_f64(input, count, output);
        return true;
    case GLY_PARQUET_U8_TO_I16:
        u8_to_i16(input, count, output);
        return true;
    case GLY_PARQUET_U16_TO_I32:
        u16_to_i32(input, count, output);
        return true;
    case GLY_PARQUET_U32_TO_I64:
        u32_to_i64(input, count, output);
        return true;
    case GLY_PARQUET_U64_TO_I128:
        u64_to_i128(input, count, output);
        return true;
    case GLY_PARQUET_I64_TO_I128:
        i64_to_i128(input, count, output);
        return true;
    case GLY_PARQUET_MILLIS:
        return millis(input, count, output);
    case GLY_PARQUET_NANOS:
        nanos(input, count, output);
        return true;
    case GLY_PARQUET_INT96_MICROS:
        int96(input, count, output);
        return true;
    case GLY_PARQUET_F32_TO_F64:
        f32_to_f64(input, count, output);
        return true;
    case GLY_PARQUET_F16_TO_F32:
        halves(input, count, output);
        return true;
    case GLY_PARQUET_BYTES_TO_I64:
    case GLY_PARQUET_BYTES_TO_I128:
        return fixed_decimals(conversion, width, input, count, output);
    case GLY_PARQUET_BYTES_TO_TEXT:
        for (size_t i = 0; i < count; i++) {
            ((gly_text *)output)[i] = gly_text_make((const char *)input + i * width, width);
        }
        return true;
    }
    return false;
}
