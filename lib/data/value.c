/* value.c - one scalar: order, equality, text.
 *
 * Used for literals, statistics and bounds, never for rows of data (kernels do those).  Invariant:
 * a DECIMAL beyond 18 digits lives in .i128, everything else integral in .i64; gly_value_decimal
 * and gly_value_unscaled are the only places that choose.
 */
#include "lib/data/value.h"

#include "lib/data/date.h"
#include "lib/data/decimal.h"
#include "lib/data/number_text.h"

#include <math.h>

gly_value gly_value_decimal(gly_type type, gly_i128 unscaled) {
    gly_value value;
    memset(&value, 0, sizeof value);
    value.type = type;
    if (gly_type_kind(type) == GLY_KIND_I128) {
        value.i128 = unscaled;
    } else {
        value.i64 = (int64_t)unscaled;
    }
    return value;
}

gly_i128 gly_value_unscaled(const gly_value *value) {
    return gly_type_kind(value->type) == GLY_KIND_I128 ? value->i128 : (gly_i128)value->i64;
}

static int compare_doubles(double a, double b) {
    if (isnan(a) || isnan(b)) {
        return (int)isnan(a) - (int)isnan(b) > 0 ? 1 : isnan(a) && isnan(b) ? 0 : -1;
    }
    return (a > b) - (a < b);
}

int gly_value_compare(const gly_value *a, const gly_value *b) {
    switch (gly_type_kind(a->type)) {
    case GLY_KIND_I8:
    case GLY_KIND_I16:
    case GLY_KIND_I32:
    case GLY_KIND_I64:
        return (a->i64 > b->i64) - (a->i64 < b->i64);
    case GLY_KIND_I128:
        return (a->i128 > b->i128) - (a->i128 < b->i128);
    case GLY_KIND_F32:
    case GLY_KIND_F64:
        return compare_doubles(a->f64, b->f64);
    case GLY_KIND_TEXT:
        return gly_str_compare(a->text, b->text);
    case GLY_KIND_COUNT:
        break;
    }
    GLY_UNREACHABLE();
}

bool gly_value_equal(const gly_value *a, const gly_value *b) {
    if (a->is_null || b->is_null) {
        return a->is_null && b->is_null && gly_type_equal(a->type, b->type);
    }
    return gly_type_equal(a->type, b->type) && gly_value_compare(a, b) == 0;
}

static void format_interval_month(int64_t months, gly_builder *out) {
    uint64_t magnitude = months < 0 ? 0 - (uint64_t)months : (uint64_t)months;
    gly_builder_format(out, "INTERVAL '%s%llu-%llu' YEAR TO MONTH", months < 0 ? "-" : "",
                       (unsigned long long)(magnitude / 12), (unsigned long long)(magnitude % 12));
}

static void format_interval_day(int64_t micros, gly_builder *out) {
    uint64_t rest = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    unsigned fraction = (unsigned)(rest % 1000000);
    rest /= 1000000;
    gly_builder_format(out, "INTERVAL '%s%llu %02u:%02u:%02u", micros < 0 ? "-" : "",
                       (unsigned long long)(rest / 86400), (unsigned)(rest / 3600 % 24),
                       (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
    if (fraction != 0) {
        char digits[8];
        int size = 6;
        for (int i = 5; i >= 0; i--, fraction /= 10) {
            digits[i] = (char)('0' + fraction % 10);
        }
        while (digits[size - 1] == '0') {
            size--;
        }
        gly_builder_add_char(out, '.');
        gly_builder_add(out, digits, (size_t)size);
    }
    gly_builder_add_text(out, "' DAY TO SECOND");
}

static void format_binary(gly_str bytes, const char *separator, gly_builder *out) {
    for (size_t i = 0; i < bytes.size; i++) {
        gly_builder_format(out, "%s%02X", i == 0 ? "" : separator, (unsigned char)bytes.data[i]);
    }
}

void gly_value_format(const gly_value *value, gly_builder *out) {
    char buffer[48];
    size_t size = 0;
    if (value->is_null) {
        gly_builder_add_text(out, "null");
        return;
    }
    switch ((gly_type_id)value->type.id) {
    case GLY_TYPE_NULL:
        gly_builder_add_text(out, "null");
        return;
    case GLY_TYPE_BOOLEAN:
        gly_builder_add_text(out, value->i64 != 0 ? "true" : "false");
        return;
    case GLY_TYPE_TINYINT:
    case GLY_TYPE_SMALLINT:
    case GLY_TYPE_INT:
    case GLY_TYPE_BIGINT:
        size = gly_number_text_i64(value->i64, buffer);
        break;
    case GLY_TYPE_FLOAT:
        size = gly_number_text_float((float)value->f64, buffer);
        break;
    case GLY_TYPE_DOUBLE:
        size = gly_number_text_double(value->f64, buffer);
        break;
    case GLY_TYPE_DECIMAL:
        size = gly_decimal_format(gly_value_unscaled(value), value->type.scale, buffer);
        break;
    case GLY_TYPE_STRING:
        gly_builder_add_str(out, value->text);
        return;
    case GLY_TYPE_BINARY:
        gly_builder_add_char(out, '[');
        format_binary(value->text, " ", out);
        gly_builder_add_char(out, ']');
        return;
    case GLY_TYPE_DATE:
        size = gly_date_format((int32_t)value->i64, buffer);
        break;
    case GLY_TYPE_TIMESTAMP:
    case GLY_TYPE_TIMESTAMP_NTZ:
        size = gly_timestamp_format(value->i64, buffer);
        break;
    case GLY_TYPE_INTERVAL_MONTH:
        format_interval_month(value->i64, out);
        return;
    case GLY_TYPE_INTERVAL_DAY:
        format_interval_day(value->i64, out);
        return;
    case GLY_TYPE_COUNT:
        break;
    }
    gly_builder_add(out, buffer, size);
}

static void format_quoted(gly_str text, gly_builder *out) {
    gly_builder_add_char(out, '\'');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\') {
            gly_builder_add_char(out, '\\');
        }
        gly_builder_add_char(out, text.data[i]);
    }
    gly_builder_add_char(out, '\'');
}

void gly_value_format_sql(const gly_value *value, gly_builder *out) {
    static const char *const prefixes[GLY_TYPE_COUNT] = {
        [GLY_TYPE_DATE] = "DATE '",
        [GLY_TYPE_TIMESTAMP] = "TIMESTAMP '",
        [GLY_TYPE_TIMESTAMP_NTZ] = "TIMESTAMP_NTZ '",
    };
    static const char *const suffixes[GLY_TYPE_COUNT] = {
        [GLY_TYPE_TINYINT] = "Y", [GLY_TYPE_SMALLINT] = "S", [GLY_TYPE_BIGINT] = "L",
        [GLY_TYPE_DECIMAL] = "BD", [GLY_TYPE_DOUBLE] = "D",  [GLY_TYPE_DATE] = "'",
        [GLY_TYPE_TIMESTAMP] = "'", [GLY_TYPE_TIMESTAMP_NTZ] = "'",
    };
    if (value->is_null) {
        gly_builder_add_text(out, "NULL");
        return;
    }
    if (value->type.id == GLY_TYPE_STRING) {
        format_quoted(value->text, out);
        return;
    }
    if (value->type.id == GLY_TYPE_BINARY) {
        gly_builder_add_text(out, "X'");
        format_binary(value->text, "", out);
        gly_builder_add_char(out, '\'');
        return;
    }
    bool is_float = value->type.id == GLY_TYPE_FLOAT || value->type.id == GLY_TYPE_DOUBLE;
    if (value->type.id == GLY_TYPE_FLOAT || (is_float && !isfinite(value->f64))) {
        char type[GLY_TYPE_TEXT_SIZE];
        gly_builder_add_text(out, "CAST('");
        gly_value_format(value, out);
        gly_builder_format(out, "' AS %s)", gly_type_format(value->type, type, sizeof type));
        return;
    }
    if (prefixes[value->type.id] != NULL) {
        gly_builder_add_text(out, prefixes[value->type.id]);
    }
    gly_value_format(value, out);
    if (suffixes[value->type.id] != NULL) {
        gly_builder_add_text(out, suffixes[value->type.id]);
    }
}

gly_value gly_value_copy(gly_arena *arena, const gly_value *value) {
    gly_value copy = *value;
    if (!value->is_null && gly_type_is_text(value->type)) {
        copy.text = gly_arena_str(arena, value->text);
    }
    return copy;
}
