/* fn_cast_text.c - text to values and values to text, as Spark's CAST.
 *
 * White space (and control characters) around a value is ignored.  What is no value raises
 * CAST_INVALID_INPUT, or is NULL for try_cast.  The grammars of dates, timestamps, decimals and
 * doubles are in lib/data.
 */
#include "lib/engine/function/fn_cast_text.h"

#include "lib/data/date.h"
#include "lib/data/decimal.h"
#include "lib/data/number_text.h"
#include "lib/engine/function/fn_cast.h"

/* Spark's trimAll: white space and ISO control characters. */
static gly_str trim_all(gly_str text) {
    while (text.size > 0 && ((unsigned char)text.data[0] <= ' ' || text.data[0] == 0x7f)) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && ((unsigned char)text.data[text.size - 1] <= ' ' ||
                             text.data[text.size - 1] == 0x7f)) {
        text.size--;
    }
    return text;
}

static gly_status malformed(gly_call *call, uint32_t row, gly_error *err) {
    return gly_fn_cast_bad_row(call, row, GLY_E_CAST_INVALID, "it is malformed", err);
}

gly_status gly_fn_cast_text_boolean(gly_call *call, gly_error *err) {
    static const char *const words[2][5] = {{"f", "false", "n", "no", "0"},
                                            {"t", "true", "y", "yes", "1"}};
    GLY_CALL_EACH(call, row) {
        gly_str text = trim_all(gly_call_text(call, 0, row));
        int found = -1;
        for (int value = 0; value < 2; value++) {
            for (int i = 0; i < 5; i++) {
                if (gly_str_equal_ignore_case(text, gly_str_of(words[value][i]))) {
                    found = value;
                }
            }
        }
        if (found < 0) {
            GLY_TRY(malformed(call, row, err));
        } else {
            GLY_CALL_RESULT(call, uint8_t)[row] = (uint8_t)found;
        }
    }
    return GLY_OK;
}

gly_status gly_fn_cast_text_integer(gly_call *call, gly_error *err) {
    gly_type type = call->result->type;
    int64_t most = (int64_t)(UINT64_MAX >> (65 - gly_type_width(type) * 8));
    GLY_CALL_EACH(call, row) {
        int64_t value;
        if (!gly_str_to_i64(trim_all(gly_call_text(call, 0, row)), &value) || value > most ||
            value < -most - 1) {
            GLY_TRY(malformed(call, row, err));
            continue;
        }
        switch (gly_type_kind(type)) {
        case GLY_KIND_I8:
            GLY_CALL_RESULT(call, int8_t)[row] = (int8_t)value;
            break;
        case GLY_KIND_I16:
            GLY_CALL_RESULT(call, int16_t)[row] = (int16_t)value;
            break;
        case GLY_KIND_I32:
            GLY_CALL_RESULT(call, int32_t)[row] = (int32_t)value;
            break;
        default:
            GLY_CALL_RESULT(call, int64_t)[row] = value;
            break;
        }
    }
    return GLY_OK;
}

gly_status gly_fn_cast_text_float(gly_call *call, gly_error *err) {
    bool is_float = call->result->type.id == GLY_TYPE_FLOAT;
    GLY_CALL_EACH(call, row) {
        double value;
        if (!gly_number_text_parse_double(trim_all(gly_call_text(call, 0, row)), &value)) {
            GLY_TRY(malformed(call, row, err));
        } else if (is_float) {
            GLY_CALL_RESULT(call, float)[row] = (float)value;
        } else {
            GLY_CALL_RESULT(call, double)[row] = value;
        }
    }
    return GLY_OK;
}

gly_status gly_fn_cast_text_decimal(gly_call *call, gly_error *err) {
    gly_type type = call->expr->type;
    GLY_CALL_EACH(call, row) {
        gly_str text = trim_all(gly_call_text(call, 0, row));
        gly_i128 value;
        if (gly_decimal_parse(text, type, &value)) {
            gly_call_put_decimal(call, row, value);
            continue;
        }
        double number; /* a number, but too large? */
        bool is_number = gly_number_text_parse_double(text, &number);
        GLY_TRY(gly_fn_cast_bad_row(call, row, is_number ? GLY_E_CAST_OVERFLOW : GLY_E_CAST_INVALID,
                                    is_number ? "it overflows" : "it is malformed", err));
    }
    return GLY_OK;
}

gly_status gly_fn_cast_text_date(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int32_t days;
        if (!gly_date_parse(trim_all(gly_call_text(call, 0, row)), &days)) {
            GLY_TRY(malformed(call, row, err));
        } else {
            GLY_CALL_RESULT(call, int32_t)[row] = days;
        }
    }
    return GLY_OK;
}

gly_status gly_fn_cast_text_timestamp(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int64_t micros;
        if (!gly_timestamp_parse(trim_all(gly_call_text(call, 0, row)), &micros)) {
            GLY_TRY(malformed(call, row, err));
        } else {
            GLY_CALL_RESULT(call, int64_t)[row] = micros;
        }
    }
    return GLY_OK;
}

gly_status gly_fn_cast_text_to(gly_call *call, gly_error *err) {
    (void)err;
    gly_type from = call->args[0].type;
    gly_builder long_text = {0};
    GLY_CALL_EACH(call, row) {
        char buffer[64];
        size_t size = 0;
        switch ((gly_type_id)from.id) {
        case GLY_TYPE_TINYINT:
        case GLY_TYPE_SMALLINT:
        case GLY_TYPE_INT:
        case GLY_TYPE_BIGINT:
            size = gly_number_text_i64(gly_call_integer(call, 0, row), buffer);
            break;
        case GLY_TYPE_DOUBLE:
            size = gly_number_text_double(GLY_CALL_ARG(call, 0, double, row), buffer);
            break;
        case GLY_TYPE_FLOAT:
            size = gly_number_text_float(GLY_CALL_ARG(call, 0, float, row), buffer);
            break;
        case GLY_TYPE_DECIMAL:
            size = gly_decimal_format(gly_call_decimal(call, 0, row), from.scale, buffer);
            break;
        case GLY_TYPE_DATE:
            size = gly_date_format(GLY_CALL_ARG(call, 0, int32_t, row), buffer);
            break;
        case GLY_TYPE_TIMESTAMP:
        case GLY_TYPE_TIMESTAMP_NTZ:
            size = gly_timestamp_format(GLY_CALL_ARG(call, 0, int64_t, row), buffer);
            break;
        default: {
            gly_value value = gly_column_get(&call->args[0], row);
            gly_builder_reset(&long_text);
            gly_value_format(&value, &long_text);
            gly_call_put_text(call, row, gly_builder_str(&long_text));
            continue;
        }
        }
        gly_call_put_text(call, row, (gly_str){buffer, size});
    }
    gly_builder_clear(&long_text);
    return GLY_OK;
}
