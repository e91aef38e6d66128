/* agg_step.c - count, sum, min, max, bits and variance over states in rows.
 *
 * Loops are stamped out per input and state kind.  Sums of integers are checked (ANSI), in the
 * `one` form once per call: a batch is summed in a wider type first.  Floating sums of one group
 * use four lanes, so their last digits depend on the batching (as they do on partitioning anyway).
 * Not here: NULLs, filters and which steps make an aggregate (agg_plan.c).
 */
#include "lib/engine/function/agg_step.h"

#include "lib/engine/kernel/kernel.h"

#include <math.h>

#ifndef __clang__
#pragma GCC optimize("O3") /* as the kernels: these are loops over arrays */
#endif

/* 16-byte states are aligned to 8 only. */
typedef struct wide {
    uint64_t words[2];
} wide;

static inline gly_i128 load_i128(const void *memory) {
    gly_i128 value;
    memcpy(&value, memory, sizeof value);
    return value;
}

#define AT(i) (positions == NULL ? (i) : positions[i])

/* Two loops: without and with positions. */
#define LOOPS(body)                                                                                \
    if (positions == NULL) {                                                                       \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            const uint32_t at = i;                                                                 \
            body                                                                                   \
        }                                                                                          \
    } else {                                                                                       \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            const uint32_t at = positions[i];                                                      \
            body                                                                                   \
        }                                                                                          \
    }

static bool count_rows(const void *data, const uint16_t *positions, uint8_t *const *rows,
                       uint32_t offset, uint32_t count) {
    (void)data;
    (void)positions;
    for (uint32_t i = 0; i < count; i++) {
        ++*(int64_t *)(void *)(rows[i] + offset);
    }
    return true;
}

static bool count_one(const void *data, const uint16_t *positions, uint8_t *state, uint32_t count) {
    (void)data;
    (void)positions;
    *(int64_t *)(void *)state += count;
    return true;
}

/* Integers into int64. */
#define ADD_INTEGER(name, type)                                                                    \
    static bool add_##name##_i64(const void *data, const uint16_t *positions,                      \
                                 uint8_t *const *rows, uint32_t offset, uint32_t count) {          \
        const type *values = data;                                                                 \
        unsigned overflow = 0;                                                                     \
        LOOPS(int64_t *state = (int64_t *)(void *)(rows[i] + offset);                              \
              overflow |= __builtin_add_overflow(*state, (int64_t)values[at], state);)             \
        return overflow == 0;                                                                      \
    }                                                                                              \
    GLY_KERNEL_CLONES                                                                              \
    static bool add_##name##_i64_one(const void *data, const uint16_t *positions, uint8_t *state,  \
                                     uint32_t count) {                                             \
        const type *values = data;                                                                 \
        int64_t *sum = (int64_t *)(void *)state;                                                   \
        if (sizeof(type) < 8) {                                                                    \
            int64_t total = 0;                                                                     \
            LOOPS(total += (int64_t)values[at];)                                                   \
            return !__builtin_add_overflow(*sum, total, sum);                                      \
        }                                                                                          \
        int64_t high = 0; /* halves cannot overflow in one call */                                 \
        uint64_t low = 0;                                                                          \
        LOOPS(const int64_t value = (int64_t)values[at]; high += value >> 32;                      \
              low += (uint32_t)value;)                                                             \
        gly_i128 total = (gly_i128)high * (INT64_C(1) << 32) + low + *sum;                         \
        *sum = (int64_t)total;                                                                     \
        return *sum == total;                                                                      \
    }

ADD_INTEGER(i8, int8_t)
ADD_INTEGER(i16, int16_t)
ADD_INTEGER(i32, int32_t)
ADD_INTEGER(i64, int64_t)

static bool add_i64_i128(const void *data, const uint16_t *positions, uint8_t *const *rows,
                         uint32_t offset, uint32_t count) {
    const int64_t *values = data;
    LOOPS(wide *state = (wide *)(void *)(rows[i] + offset);
          const uint64_t low = state->words[0] + (uint64_t)values[at];
          state->words[1] += (uint64_t)(values[at] >> 63) + (low < state->words[0]);
          state->words[0] = low;)
    return true; /* it would take 2^64 rows */
}

GLY_KERNEL_CLONES
static bool add_i64_i128_one(const void *data, const uint16_t *positions, uint8_t *state,
                             uint32_t count) {
    const int64_t *values = data;
    int64_t high = 0; /* halves cannot overflow in one call */
    uint64_t low = 0;
    LOOPS(high += values[at] >> 32; low += (uint32_t)values[at];)
    gly_i128 total = load_i128(state) + (gly_i128)high * (INT64_C(1) << 32) + low;
    memcpy(state, &total, sizeof total);
    return true;
}

static bool add_i128_i128(const void *data, const uint16_t *positions, uint8_t *const *rows,
                          uint32_t offset, uint32_t count) {
    const wide *values = data;
    unsigned overflow = 0;
    LOOPS(gly_i128 sum = load_i128(rows[i] + offset);
          overflow |= __builtin_add_overflow(sum, load_i128(&values[at]), &sum);
          memcpy(rows[i] + offset, &sum, sizeof sum);)
    return overflow == 0;
}

static bool add_i128_i128_one(const void *data, const uint16_t *positions, uint8_t *state,
                              uint32_t count) {
    const wide *values = data;
    unsigned overflow = 0;
    gly_i128 sum = load_i128(state);
    LOOPS(overflow |= __builtin_add_overflow(sum, load_i128(&values[at]), &sum);)
    memcpy(state, &sum, sizeof sum);
    return overflow == 0;
}

#define ADD_DOUBLE(name, type)                                                                     \
    static bool add_##name##_f64(const void *data, const uint16_t *positions,                      \
                                 uint8_t *const *rows, uint32_t offset, uint32_t count) {          \
        const type *values = data;                                                                 \
        LOOPS(*(double *)(void *)(rows[i] + offset) += (double)values[at];)                        \
        return true;                                                                               \
    }                                                                                              \
    GLY_KERNEL_CLONES                                                                              \
    static bool add_##name##_f64_one(const void *data, const uint16_t *positions, uint8_t *state,  \
                                     uint32_t count) {                                             \
        const type *values = data;                                                                 \
        double lanes[4] = {0};                                                                     \
        uint32_t i = 0;                                                                            \
        for (; i + 4 <= count; i += 4) {                                                           \
            lanes[0] += (double)values[AT(i)];                                                     \
            lanes[1] += (double)values[AT(i + 1)];                                                 \
            lanes[2] += (double)values[AT(i + 2)];                                                 \
            lanes[3] += (double)values[AT(i + 3)];                                                 \
        }                                                                                          \
        for (; i < count; i++) {                                                                   \
            lanes[0] += (double)values[AT(i)];                                                     \
        }                                                                                          \
        *(double *)(void *)state += (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);                 \
        return true;                                                                               \
    }

ADD_DOUBLE(i8, int8_t)
ADD_DOUBLE(i16, int16_t)
ADD_DOUBLE(i32, int32_t)
ADD_DOUBLE(i64, int64_t)
ADD_DOUBLE(f32, float)
ADD_DOUBLE(f64, double)

#define LESS(a, b) ((a) < (b))
#define GREATER(a, b) ((a) > (b))
/* NaN is the largest value (Spark). */
#define FLOAT_LESS(a, b) ((a) < (b) || ((b) != (b) && (a) == (a)))
#define FLOAT_GREATER(a, b) FLOAT_LESS(b, a)

#define EXTREME(name, type, better)                                                                \
    static bool name(const void *data, const uint16_t *positions, uint8_t *const *rows,            \
                     uint32_t offset, uint32_t count) {                                            \
        const type *values = data;                                                                 \
        LOOPS(type *state = (type *)(void *)(rows[i] + offset); const type value = values[at];     \
              *state = better(value, *state) ? value : *state;)                                    \
        return true;                                                                               \
    }                                                                                              \
    GLY_KERNEL_CLONES                                                                              \
    static bool name##_one(const void *data, const uint16_t *positions, uint8_t *state,            \
                           uint32_t count) {                                                       \
        const type *values = data;                                                                 \
        type best = *(type *)(void *)state;                                                        \
        LOOPS(const type value = values[at]; best = better(value, best) ? value : best;)           \
        *(type *)(void *)state = best;                                                             \
        return true;                                                                               \
    }

typedef gly_i128 loose_i128 __attribute__((aligned(8)));

#define EXTREMES(name, type, less, greater)                                                        \
    EXTREME(min_##name, type, less)                                                                \
    EXTREME(max_##name, type, greater)

EXTREMES(i8, int8_t, LESS, GREATER)
EXTREMES(i16, int16_t, LESS, GREATER)
EXTREMES(i32, int32_t, LESS, GREATER)
EXTREMES(i64, int64_t, LESS, GREATER)
EXTREMES(i128, loose_i128, LESS, GREATER)
EXTREMES(f32, float, FLOAT_LESS, FLOAT_GREATER)
EXTREMES(f64, double, FLOAT_LESS, FLOAT_GREATER)

#define BITS(name, type, op)                                                                       \
    static bool name(const void *data, const uint16_t *positions, uint8_t *const *rows,            \
                     uint32_t offset, uint32_t count) {                                            \
        const type *values = data;                                                                 \
        LOOPS(type *state = (type *)(void *)(rows[i] + offset);                                    \
              *state = (type)(*state op values[at]);)                                              \
        return true;                                                                               \
    }                                                                                              \
    GLY_KERNEL_CLONES                                                                              \
    static bool name##_one(const void *data, const uint16_t *positions, uint8_t *state,            \
                           uint32_t count) {                                                       \
        const type *values = data;                                                                 \
        type all = *(type *)(void *)state;                                                         \
        LOOPS(all = (type)(all op values[at]);)                                                    \
        *(type *)(void *)state = all;                                                              \
        return true;                                                                               \
    }

#define ALL_BITS(name, type)                                                                       \
    BITS(and_##name, type, &)                                                                      \
    BITS(or_##name, type, |)                                                                       \
    BITS(xor_##name, type, ^)

ALL_BITS(i8, uint8_t)
ALL_BITS(i16, uint16_t)
ALL_BITS(i32, uint32_t)
ALL_BITS(i64, uint64_t)

typedef struct variance {
    double count, mean, m2;
} variance;

static inline void add_variance(variance *state, double value) {
    state->count += 1;
    double delta = value - state->mean;
    state->mean += delta / state->count;
    state->m2 += delta * (value - state->mean);
}

static bool variance_f64(const void *data, const uint16_t *positions, uint8_t *const *rows,
                         uint32_t offset, uint32_t count) {
    const double *values = data;
    LOOPS(add_variance((variance *)(void *)(rows[i] + offset), values[at]);)
    return true;
}

static bool variance_f64_one(const void *data, const uint16_t *positions, uint8_t *state,
                             uint32_t count) {
    const double *values = data;
    LOOPS(add_variance((variance *)(void *)state, values[at]);)
    return true;
}

void gly_agg_step_merge_variance(const double *counts, const double *means, const double *m2s,
                                 const uint16_t *positions, uint8_t *const *rows, uint32_t offset,
                                 uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = AT(i);
        variance *state = (variance *)(void *)(rows[i] + offset);
        double total = state->count + counts[at];
        if (counts[at] == 0) {
            continue;
        }
        double delta = means[at] - state->mean;
        state->mean += delta * counts[at] / total;
        state->m2 += m2s[at] + delta * delta * state->count * counts[at] / total;
        state->count = total;
    }
}

void gly_agg_step_text(gly_agg_op op, const gly_text *data, const uint16_t *positions,
                       uint8_t *const *rows, uint32_t offset, uint32_t flag_offset, uint32_t count,
                       gly_row_store *heap) {
    for (uint32_t i = 0; i < count; i++) {
        const gly_text *value = &data[AT(i)];
        gly_text *state = (gly_text *)(void *)(rows[i] + offset);
        uint8_t *flag = rows[i] + flag_offset;
        int order = *flag == 0 ? 0 : gly_text_compare(value, state);
        if (*flag == 0 || (op == GLY_AGG_MIN ? order < 0 : order > 0)) {
            *state = gly_row_store_copy_text(heap, value);
            *flag = GLY_AGG_SEEN;
        }
    }
}

typedef struct entry {
    uint8_t op, input, state;
    gly_agg_step_loop loop;
    gly_agg_step_one one;
} entry;

#define KIND(name) GLY_KIND_##name
#define ADD_ROW(I, S, f)                                                                           \
    { GLY_AGG_ADD, KIND(I), KIND(S), f, f##_one }
#define EXTREME_ROW(K, f)                                                                          \
    {GLY_AGG_MIN, KIND(K), KIND(K), min_##f, min_##f##_one}, {                                     \
        GLY_AGG_MAX, KIND(K), KIND(K), max_##f, max_##f##_one                                      \
    }

#define BITS_ROWS(K, f)                                                                            \
    {GLY_AGG_BIT_AND, KIND(K), KIND(K), and_##f, and_##f##_one},                                   \
        {GLY_AGG_BIT_OR, KIND(K), KIND(K), or_##f, or_##f##_one}, {                                \
        GLY_AGG_BIT_XOR, KIND(K), KIND(K), xor_##f, xor_##f##_one                                  \
    }

static const entry table[] = {
    ADD_ROW(I8, I64, add_i8_i64),
    ADD_ROW(I16, I64, add_i16_i64),
    ADD_ROW(I32, I64, add_i32_i64),
    ADD_ROW(I64, I64, add_i64_i64),
    ADD_ROW(I64, I128, add_i64_i128),
    ADD_ROW(I128, I128, add_i128_i128),
    ADD_ROW(I8, F64, add_i8_f64),
    ADD_ROW(I16, F64, add_i16_f64),
    ADD_ROW(I32, F64, add_i32_f64),
    ADD_ROW(I64, F64, add_i64_f64),
    ADD_ROW(F32, F64, add_f32_f64),
    ADD_ROW(F64, F64, add_f64_f64),
    EXTREME_ROW(I8, i8),
    EXTREME_ROW(I16, i16),
    EXTREME_ROW(I32, i32),
    EXTREME_ROW(I64, i64),
    EXTREME_ROW(I128, i128),
    EXTREME_ROW(F32, f32),
    EXTREME_ROW(F64, f64),
    BITS_ROWS(I8, i8),
    BITS_ROWS(I16, i16),
    BITS_ROWS(I32, i32),
    BITS_ROWS(I64, i64),
    {GLY_AGG_VARIANCE, KIND(F64), KIND(F64), variance_f64, variance_f64_one},
};

static const entry *find(gly_agg_op op, gly_kind input, gly_kind state) {
    static const entry count_entry = {GLY_AGG_COUNT, 0, 0, count_rows, count_one};
    if (op == GLY_AGG_COUNT) {
        return &count_entry;
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(table); i++) {
        if (table[i].op == op && table[i].input == input && table[i].state == state) {
            return &table[i];
        }
    }
    return NULL;
}

gly_agg_step_loop gly_agg_step_find(gly_agg_op op, gly_kind input, gly_kind state) {
    const entry *found = find(op, input, state);
    return found == NULL ? NULL : found->loop;
}

gly_agg_step_one gly_agg_step_find_one(gly_agg_op op, gly_kind input, gly_kind state) {
    const entry *found = find(op, input, state);
    return found == NULL ? NULL : found->one;
}

void gly_agg_step_identity(gly_agg_op op, gly_kind kind, void *state) {
    const bool is_min = op == GLY_AGG_MIN;
    if (op == GLY_AGG_BIT_AND) {
        memset(state, 0xff, gly_kind_width(kind));
        return;
    }
#define IDENTITY(name, type, lowest, highest)                                                      \
    case GLY_KIND_##name: {                                                                        \
        type value = is_min ? highest : lowest;                                                    \
        memcpy(state, &value, sizeof value);                                                       \
        break;                                                                                     \
    }
    switch (kind) {
        IDENTITY(I8, int8_t, INT8_MIN, INT8_MAX)
        IDENTITY(I16, int16_t, INT16_MIN, INT16_MAX)
        IDENTITY(I32, int32_t, INT32_MIN, INT32_MAX)
        IDENTITY(I64, int64_t, INT64_MIN, INT64_MAX)
        IDENTITY(I128, gly_i128, (gly_i128)((gly_u128)1 << 127),
                 (gly_i128)(((gly_u128)1 << 127) - 1))
        IDENTITY(F32, float, -INFINITY, NAN)
        IDENTITY(F64, double, -(double)INFINITY, (double)NAN)
    default:
        break;
    }
#undef IDENTITY
}
