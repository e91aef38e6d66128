/* key_columns.c - normal forms of key columns; shared by aggregation and joins. */
#include "lib/engine/table/key_columns.h"

static inline double normal_f64(double value) {
    return value != value ? __builtin_nan("") : value + 0.0; /* -0.0 + 0.0 is 0.0 */
}

void gly_key_columns_prepare(const gly_column *key, const uint16_t *selection, uint32_t live,
                             gly_arena *scratch, gly_column *ret) {
    gly_kind kind = gly_type_kind(key->type);
    bool is_float = kind == GLY_KIND_F32 || kind == GLY_KIND_F64;
    if (key->shape == GLY_SHAPE_FLAT && selection == NULL && !is_float) {
        *ret = *key;
        return;
    }
    gly_column_flatten(scratch, key, selection, live, ret);
    if (kind == GLY_KIND_F64) {
        double *values = ret->data;
        for (uint32_t i = 0; i < live; i++) {
            values[i] = normal_f64(values[i]);
        }
    } else if (kind == GLY_KIND_F32) {
        float *values = ret->data;
        for (uint32_t i = 0; i < live; i++) {
            values[i] = (float)normal_f64((double)values[i]);
        }
    }
}
