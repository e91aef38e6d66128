/* type.c - names, kinds and widths of Spark's types.  The table is types.def. */
#include "lib/data/type.h"

#include <stdio.h>

static const struct {
    const char *text;
    gly_kind kind;
} types[GLY_TYPE_COUNT] = {
#define GLY_TYPE(name, text, kind) [GLY_TYPE_##name] = {text, kind},
#include "lib/data/types.def"
#undef GLY_TYPE
};

static const uint8_t widths[GLY_KIND_COUNT] = {
    [GLY_KIND_I8] = 1,   [GLY_KIND_I16] = 2, [GLY_KIND_I32] = 4, [GLY_KIND_I64] = 8,
    [GLY_KIND_I128] = 16, [GLY_KIND_F32] = 4, [GLY_KIND_F64] = 8, [GLY_KIND_TEXT] = 16,
};

gly_kind gly_type_kind(gly_type type) {
    GLY_ASSERT(type.id < GLY_TYPE_COUNT);
    if (type.id == GLY_TYPE_DECIMAL && type.precision > GLY_DECIMAL_NARROW_PRECISION) {
        return GLY_KIND_I128;
    }
    return types[type.id].kind;
}

size_t gly_kind_width(gly_kind kind) { return widths[kind]; }

bool gly_type_is_integral(gly_type type) {
    return type.id >= GLY_TYPE_TINYINT && type.id <= GLY_TYPE_BIGINT;
}

bool gly_type_is_numeric(gly_type type) {
    return type.id >= GLY_TYPE_TINYINT && type.id <= GLY_TYPE_DECIMAL;
}

bool gly_type_is_text(gly_type type) {
    return type.id == GLY_TYPE_STRING || type.id == GLY_TYPE_BINARY;
}

const char *gly_type_format(gly_type type, char *buffer, size_t buffer_size) {
    if (type.id == GLY_TYPE_DECIMAL) {
        snprintf(buffer, buffer_size, "decimal(%d,%d)", type.precision, type.scale);
    } else {
        snprintf(buffer, buffer_size, "%s",
                 type.id < GLY_TYPE_COUNT ? types[type.id].text : "unknown");
    }
    return buffer;
}

static bool parse_decimal(gly_str text, gly_type *ret) {
    /* text is what follows "decimal", "dec" or "numeric" */
    int64_t precision = 10;
    int64_t scale = 0;
    text = gly_str_trim(text);
    if (text.size > 0) {
        if (text.data[0] != '(' || text.data[text.size - 1] != ')') {
            return false;
        }
        gly_str inner = {text.data + 1, text.size - 2};
        const char *comma = memchr(inner.data, ',', inner.size);
        size_t first = comma == NULL ? inner.size : (size_t)(comma - inner.data);
        if (!gly_str_to_i64(gly_str_trim((gly_str){inner.data, first}), &precision) ||
            (comma != NULL &&
             !gly_str_to_i64(gly_str_trim((gly_str){comma + 1, inner.size - first - 1}),
                             &scale))) {
            return false;
        }
    }
    if (precision < 1 || precision > GLY_DECIMAL_MAX_PRECISION || scale < 0 || scale > precision) {
        return false;
    }
    *ret = gly_type_decimal((int)precision, (int)scale);
    return true;
}

bool gly_type_parse(gly_str text, gly_type *ret) {
    static const struct {
        const char *text;
        gly_type_id id;
    } aliases[] = {{"integer", GLY_TYPE_INT},       {"long", GLY_TYPE_BIGINT},
                   {"short", GLY_TYPE_SMALLINT},    {"byte", GLY_TYPE_TINYINT},
                   {"real", GLY_TYPE_FLOAT},        {"double precision", GLY_TYPE_DOUBLE},
                   {"timestamp_ltz", GLY_TYPE_TIMESTAMP}, {"null", GLY_TYPE_NULL}};
    static const char *const decimals[] = {"decimal", "dec", "numeric"};
    text = gly_str_trim(text);
    for (size_t i = 0; i < GLY_ARRAY_LEN(decimals); i++) {
        gly_str name = gly_str_of(decimals[i]);
        if (text.size >= name.size &&
            gly_str_equal_ignore_case((gly_str){text.data, name.size}, name) &&
            (text.size == name.size || text.data[name.size] == '(' ||
             text.data[name.size] == ' ')) {
            return parse_decimal((gly_str){text.data + name.size, text.size - name.size}, ret);
        }
    }
    for (int i = 0; i < GLY_TYPE_COUNT; i++) {
        if (gly_str_equal_ignore_case(text, gly_str_of(types[i].text))) {
            *ret = (gly_type){.id = (uint8_t)i};
            return true;
        }
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(aliases); i++) {
        if (gly_str_equal_ignore_case(text, gly_str_of(aliases[i].text))) {
            *ret = (gly_type){.id = (uint8_t)aliases[i].id};
            return true;
        }
    }
    if (text.size > 8 && (gly_str_starts_with(text, GLY_STR("varchar(")) ||
                          gly_str_starts_with(text, GLY_STR("VARCHAR(")))) {
        *ret = GLY_TYPE_OF(STRING);
        return true;
    }
    return false;
}
