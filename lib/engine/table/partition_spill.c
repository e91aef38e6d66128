/* partition_spill.c - one spill file, a block builder and a list of extents per partition.
 *
 * Rows travel as shuffle blocks: self-contained, checksummed, and read back as batches that go
 * through the same code as any other input.
 * Invariant: an extent is whole blocks; after seal there are no builders.
 */
#include "lib/engine/table/partition_spill.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/engine/pipeline/spill.h"
#include "lib/shuffle/shuffle_block.h"

enum { SMALLEST_BLOCK = 4 << 10, LARGEST_BLOCK = 256 << 10, BUDGET_FRACTION = 8 };

typedef struct extent {
    uint64_t offset, size;
} extent;

typedef GLY_ARRAY(extent) extents;

struct gly_partition_spill {
    gly_task_state *task;
    gly_budget *budget;
    size_t reserved_bytes;
    gly_spill *file;
    uint32_t column_count, partition_count;
    gly_type *types;
    size_t block_bytes;
    gly_shuffle_block_builder **builders; /* made at first use */
    extents *extents;
    uint64_t *rows;
    gly_builder out;
};

struct gly_partition_reader {
    const gly_partition_spill *spill;
    uint32_t partition;
    size_t next;
    void *bytes;
    size_t capacity;
    gly_shuffle_block_reader *blocks;
};

gly_status gly_partition_spill_make(gly_task_state *task, gly_budget *budget, const gly_type *types,
                                    uint32_t column_count, uint32_t partition_count,
                                    gly_partition_spill **ret, gly_error *err) {
    gly_spill *file;
    GLY_TRY(gly_spill_open(task, &file, err));
    gly_partition_spill *spill = GLY_NEW(gly_partition_spill);
    spill->task = task;
    spill->budget = budget;
    spill->file = file;
    spill->column_count = column_count;
    spill->partition_count = partition_count;
    spill->types = GLY_NEW_ARRAY(gly_type, column_count);
    memcpy(spill->types, types, column_count * sizeof *types);
    spill->builders = GLY_NEW_ARRAY(gly_shuffle_block_builder *, partition_count);
    spill->extents = GLY_NEW_ARRAY(extents, partition_count);
    spill->rows = GLY_NEW_ARRAY(uint64_t, partition_count);
    size_t share = GLY_MIN(task->budget.limit_bytes, (size_t)1 << 40) / BUDGET_FRACTION;
    size_t block = GLY_MIN(share / partition_count, (size_t)LARGEST_BLOCK);
    spill->block_bytes = GLY_MAX(block, (size_t)SMALLEST_BLOCK);
    *ret = spill;
    return GLY_OK;
}

static void free_builders(gly_partition_spill *spill) {
    for (uint32_t i = 0; spill->builders != NULL && i < spill->partition_count; i++) {
        if (spill->builders[i] != NULL) {
            gly_shuffle_block_builder_free(spill->builders[i]);
        }
    }
    free(spill->builders);
    spill->builders = NULL;
    gly_builder_clear(&spill->out);
    if (spill->reserved_bytes > 0) {
        gly_budget_release(spill->budget, spill->reserved_bytes);
        spill->reserved_bytes = 0;
    }
}

void gly_partition_spill_free(gly_partition_spill *spill) {
    if (spill == NULL) {
        return;
    }
    free_builders(spill);
    for (uint32_t i = 0; i < spill->partition_count; i++) {
        gly_array_clear(&spill->extents[i]);
    }
    gly_spill_close(spill->file);
    free(spill->extents);
    free(spill->rows);
    free(spill->types);
    free(spill);
}

static gly_status flush(gly_partition_spill *spill, uint32_t partition, gly_error *err) {
    gly_builder_reset(&spill->out);
    GLY_TRY(gly_shuffle_block_builder_flush(
        spill->builders[partition], spill->task->environment->shuffle_codec, &spill->out, err));
    if (spill->out.size == 0) {
        return GLY_OK;
    }
    extent written = {gly_spill_size(spill->file), spill->out.size};
    GLY_TRY(gly_spill_write(spill->file, spill->out.data, spill->out.size, err));
    gly_array_push(&spill->extents[partition], written);
    return GLY_OK;
}

gly_status gly_partition_spill_append(gly_partition_spill *spill, uint32_t partition,
                                      const gly_batch *batch, const uint16_t *positions,
                                      uint32_t row_count, gly_error *err) {
    if (row_count == 0) {
        return GLY_OK;
    }
    GLY_ASSERT(spill->builders != NULL && partition < spill->partition_count);
    if (spill->builders[partition] == NULL) {
        spill->builders[partition] =
            gly_shuffle_block_builder_make(spill->types, spill->column_count);
        spill->reserved_bytes += spill->block_bytes;
        gly_budget_force(spill->budget, spill->block_bytes);
    }
    gly_shuffle_block_builder *builder = spill->builders[partition];
    gly_shuffle_block_builder_append(builder, batch, positions, row_count);
    spill->rows[partition] += row_count;
    if (gly_shuffle_block_builder_size(builder) >= spill->block_bytes) {
        return flush(spill, partition, err);
    }
    return GLY_OK;
}

gly_status gly_partition_spill_scatter(gly_partition_spill *spill, const gly_batch *batch,
                                       const uint64_t *hashes, uint32_t level, gly_error *err) {
    uint16_t sorted[GLY_BATCH_ROWS];
    uint32_t starts[GLY_PARTITION_SPILL_COUNT + 1] = {0};
    uint32_t fill[GLY_PARTITION_SPILL_COUNT];
    for (uint32_t i = 0; i < batch->selected; i++) {
        starts[gly_partition_spill_of(hashes[i], level) + 1]++;
    }
    for (uint32_t p = 0; p < GLY_PARTITION_SPILL_COUNT; p++) {
        starts[p + 1] += starts[p];
        fill[p] = starts[p];
    }
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t p = gly_partition_spill_of(hashes[i], level);
        sorted[fill[p]++] = (uint16_t)gly_batch_row(batch, i);
    }
    for (uint32_t p = 0; p < GLY_PARTITION_SPILL_COUNT; p++) {
        GLY_TRY(gly_partition_spill_append(spill, p, batch, sorted + starts[p],
                                           starts[p + 1] - starts[p], err));
    }
    return GLY_OK;
}

gly_status gly_partition_spill_seal(gly_partition_spill *spill, gly_error *err) {
    for (uint32_t i = 0; spill->builders != NULL && i < spill->partition_count; i++) {
        if (spill->builders[i] != NULL) {
            GLY_TRY(flush(spill, i, err));
        }
    }
    free_builders(spill);
    return GLY_OK;
}

uint64_t gly_partition_spill_rows(const gly_partition_spill *spill, uint32_t partition) {
    return spill->rows[partition];
}

gly_partition_reader *gly_partition_reader_make(const gly_partition_spill *spill,
                                                uint32_t partition) {
    gly_partition_reader *reader = GLY_NEW(gly_partition_reader);
    reader->spill = spill;
    reader->partition = partition;
    reader->blocks = gly_shuffle_block_reader_make(spill->types, spill->column_count);
    return reader;
}

void gly_partition_reader_free(gly_partition_reader *reader) {
    if (reader != NULL) {
        gly_shuffle_block_reader_free(reader->blocks);
        free(reader->bytes);
        free(reader);
    }
}

gly_status gly_partition_reader_next(gly_partition_reader *reader, const gly_batch **ret,
                                     gly_error *err) {
    const gly_task_spec *spec = reader->spill->task->spec;
    const extents *list = &reader->spill->extents[reader->partition];
    for (;;) {
        GLY_TRY(gly_shuffle_block_reader_next(reader->blocks, ret, err));
        if (*ret != NULL || reader->next == list->count) {
            return GLY_OK;
        }
        if (spec->cancelled != NULL && atomic_load(spec->cancelled)) {
            return gly_fail(err, GLY_E_CANCELLED, "the task was cancelled");
        }
        extent next = list->items[reader->next++];
        if (next.size > reader->capacity) {
            free(reader->bytes);
            reader->bytes = gly_alloc_aligned(next.size);
            reader->capacity = next.size;
        }
        GLY_TRY(gly_spill_read_at(reader->spill->file, next.offset, next.size, reader->bytes, err));
        gly_shuffle_block_reader_set(reader->blocks, (gly_str){reader->bytes, next.size});
    }
}
