/* fn_misc.c - functions with state or with errors on purpose.
 *
 * rand(seed) is Spark's XORShiftRandom seeded with seed + partition, so equal partitions give equal
 * numbers.  monotonically_increasing_id is the partition shifted by 33 bits plus the row's number.
 */
#include "lib/engine/function/fn_misc.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/engine/function/fn_hash.h"

/* XORShiftRandom (Marsaglia 2003), as Spark seeds it: MurmurHash3 of the seed's bytes, twice. */
static uint64_t scramble_seed(int64_t seed) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)seed >> (56 - 8 * i));
    }
    uint32_t low = gly_fn_hash_murmur3_bytes(bytes, 8, 0x3c074a61);
    uint32_t high = gly_fn_hash_murmur3_bytes(bytes, 8, low);
    return (uint64_t)high << 32 | low;
}

static uint64_t next_bits(uint64_t *state, int bits) {
    uint64_t next = *state ^ (*state << 21);
    next ^= next >> 35;
    next ^= next << 4;
    *state = next;
    return next & ((UINT64_C(1) << bits) - 1);
}

gly_status gly_fn_misc_rand(gly_call *call, gly_error *err) {
    (void)err;
    uint64_t *state = *call->local;
    if (state == NULL) {
        int64_t seed = (int64_t)call->expr->line << 32 | call->expr->position;
        if (call->arg_count > 0) {
            seed = gly_call_arg_valid(call, 0, 0) ? gly_call_integer(call, 0, 0) : 0;
        }
        state = *call->local = GLY_ARENA_NEW(call->local_arena, uint64_t);
        *state = scramble_seed((int64_t)((uint64_t)seed + call->partition));
    }
    GLY_CALL_EACH(call, row) {
        uint64_t high = next_bits(state, 26);
        uint64_t low = next_bits(state, 27);
        GLY_CALL_RESULT(call, double)[row] = (double)((high << 27) + low) * 0x1.0p-53;
    }
    return GLY_OK;
}

gly_status gly_fn_misc_monotonic_id(gly_call *call, gly_error *err) {
    (void)err;
    uint64_t next = ((uint64_t)call->partition << 33) + *call->row_number;
    GLY_CALL_EACH(call, row) { GLY_CALL_RESULT(call, int64_t)[row] = (int64_t)next++; }
    *call->row_number += call->row_count;
    return GLY_OK;
}

gly_status gly_fn_misc_raise_error(gly_call *call, gly_error *err) {
    char place[GLY_CALL_PLACE_SIZE];
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_arg_valid(call, 0, row) ? gly_call_text(call, 0, row)
                                                        : GLY_STR("null");
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "%.*s%s",
                        GLY_STR_ARG(gly_call_excerpt(text)), gly_call_place(call->expr, place));
    }
    return GLY_OK;
}

gly_status gly_fn_misc_assert_true(gly_call *call, gly_error *err) {
    char place[GLY_CALL_PLACE_SIZE];
    GLY_CALL_EACH(call, row) {
        if (gly_call_arg_valid(call, 0, row) && GLY_CALL_ARG(call, 0, uint8_t, row) != 0) {
            gly_call_set_null(call, row);
            continue;
        }
        if (call->arg_count > 1 && gly_call_arg_valid(call, 1, row)) {
            return gly_fail(err, GLY_E_INVALID_ARGUMENT, "%.*s%s",
                            GLY_STR_ARG(gly_call_excerpt(gly_call_text(call, 1, row))),
                            gly_call_place(call->expr, place));
        }
        gly_builder text = {0};
        gly_expr_format(call->expr->args[0], false, &text);
        gly_status status =
            gly_fail(err, GLY_E_INVALID_ARGUMENT, "'%.*s' is not true!%s",
                     GLY_STR_ARG(gly_call_excerpt(gly_builder_str(&text))),
                     gly_call_place(call->expr, place));
        gly_builder_clear(&text);
        return status;
    }
    return GLY_OK;
}

/* A row that takes as many milliseconds as its argument says, for tests of what happens meanwhile. */
gly_status gly_fn_misc_test_sleep(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        int64_t ms = gly_call_integer(call, 0, row);
        if (ms > 0) {
            gly_clock_sleep_ms(ms);
        }
        GLY_CALL_RESULT(call, int64_t)[row] = ms;
    }
    return GLY_OK;
}

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LOST_ON_PURPOSE(memory) __lsan_ignore_object(memory)
#else
#define LOST_ON_PURPOSE(memory) ((void)(memory))
#endif

/* Memory that no budget knows of, for tests of what the system does then.  Written to, never freed. */
gly_status gly_fn_misc_test_hold(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        int64_t bytes = gly_call_integer(call, 0, row);
        if (bytes > 0) {
            void *memory = gly_alloc((size_t)bytes);
            memset(memory, 1, (size_t)bytes);
            LOST_ON_PURPOSE(memory);
        }
        GLY_CALL_RESULT(call, int64_t)[row] = bytes;
    }
    return GLY_OK;
}
