/* batch.c - making an empty batch; the rules of borrowing are in README.md. */
#include "lib/data/batch.h"

gly_batch *gly_batch_make(gly_arena *arena, const gly_type *types, uint32_t column_count,
                          uint32_t capacity) {
    gly_batch *batch = GLY_ARENA_NEW(arena, gly_batch);
    batch->column_count = column_count;
    batch->columns = GLY_ARENA_ARRAY(arena, gly_column, column_count);
    for (uint32_t i = 0; i < column_count; i++) {
        gly_column_make_flat(arena, types[i], capacity, &batch->columns[i]);
    }
    return batch;
}
