/* fn_bits.c - << >> >>> as functions, bit_count, getbit.
 *
 * Shifts are Java's: of the distance only the low 5 bits count for int, 6 for bigint.  & | ^ ~ are
 * in fn_arith.c.
 */
#include "lib/engine/function/fn_bits.h"

#include <stdio.h>

#define SHIFT(name, expression32, expression64)                                                    \
    gly_status gly_fn_bits_##name(gly_call *call, gly_error *err) {                                \
        (void)err;                                                                                 \
        bool wide = call->result->type.id == GLY_TYPE_BIGINT;                                      \
        GLY_CALL_EACH(call, row) {                                                                 \
            uint32_t distance = (uint32_t)GLY_CALL_ARG(call, 1, int32_t, row) & (wide ? 63 : 31);  \
            if (wide) {                                                                            \
                int64_t value = GLY_CALL_ARG(call, 0, int64_t, row);                               \
                GLY_CALL_RESULT(call, int64_t)[row] = (int64_t)(expression64);                     \
            } else {                                                                               \
                int32_t value = GLY_CALL_ARG(call, 0, int32_t, row);                               \
                GLY_CALL_RESULT(call, int32_t)[row] = (int32_t)(expression32);                     \
            }                                                                                      \
        }                                                                                          \
        return GLY_OK;                                                                             \
    }

SHIFT(shift_left, (uint32_t)value << distance, (uint64_t)value << distance)
SHIFT(shift_right, value >> distance, value >> distance)
SHIFT(shift_right_unsigned, (uint32_t)value >> distance, (uint64_t)value >> distance)

static int64_t integer_of(const gly_call *call, uint32_t row) {
    return call->args[0].type.id == GLY_TYPE_BOOLEAN ? GLY_CALL_ARG(call, 0, uint8_t, row)
                                                     : gly_call_integer(call, 0, row);
}

/* Of the value as 64 bits, whatever its type. */
gly_status gly_fn_bits_count(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)
        [row] = __builtin_popcountll((unsigned long long)integer_of(call, row));
    }
    return GLY_OK;
}

gly_status gly_fn_bits_get(gly_call *call, gly_error *err) {
    int bits = (int)gly_kind_width(gly_type_kind(call->args[0].type)) * 8;
    GLY_CALL_EACH(call, row) {
        int32_t position = GLY_CALL_ARG(call, 1, int32_t, row);
        if (position < 0 || position >= bits) {
            char what[64];
            snprintf(what, sizeof what, "The bit %d is not between 0 and %d", position, bits - 1);
            return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, what, NULL);
        }
        GLY_CALL_RESULT(call, int8_t)
        [row] = (int8_t)((uint64_t)gly_call_integer(call, 0, row) >> position & 1);
    }
    return GLY_OK;
}
