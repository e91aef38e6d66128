/* shuffle_writer.c - scatter rows into a block builder per partition; blocks wait until the end.
 *
 *   batch --counting sort of positions by partition--> builders[p] --full--> block (compressed)
 *   blocks: in memory while the budget allows; refused: all of them to a scratch file, once more
 *   save:   partition by partition, memory and scratch file pieces in the order they were made
 *
 * So a task that fits its memory writes every byte once, and one that does not writes it twice, in
 * large sequential pieces, and never sorts.  Blocks grow smaller as partitions grow more, so that
 * all builders together stay near BUFFER_BYTES.
 *
 * Invariant: held_bytes = memory of builders and of blocks in memory, and reserved_bytes of the
 * budget covers it, except for the batch that is being taken.
 */
#include "lib/shuffle/shuffle_writer.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/shuffle/scratch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 32 << 20,
    SMALLEST_BLOCK = 16 << 10,
    LARGEST_BLOCK = 512 << 10,
    RESERVE_STEP = 1 << 20,
    WRITE_BYTES = 1 << 20,
};

typedef struct segment { /* one block of one partition */
    uint32_t partition;
    size_t size;
    char *memory;    /* NULL: in the scratch file ... */
    uint64_t offset; /* ... from here */
} segment;

struct gly_shuffle_writer {
    gly_shuffle_writer_options options;
    gly_type *types;
    uint32_t column_count;
    gly_shuffle_block_builder **builders; /* per partition, made when its first row comes */
    uint32_t *counts;                     /* per partition, zero between pushes */
    uint32_t *touched;                    /* partitions that the current batch has rows for */
    uint16_t positions[GLY_BATCH_ROWS];   /* rows of the current batch, by partition */
    GLY_ARRAY(segment) segments;
    gly_builder block; /* the block being made */
    gly_scratch_file *scratch;
    size_t held_bytes, reserved_bytes;
    uint64_t rows, spill_count;
};

gly_shuffle_writer *gly_shuffle_writer_make(const gly_type *types, uint32_t column_count,
                                            const gly_shuffle_writer_options *options) {
    gly_shuffle_writer *writer = GLY_NEW(gly_shuffle_writer);
    GLY_ASSERT(options->partition_count > 0);
    writer->options = *options;
    if (writer->options.block_bytes == 0) {
        size_t fair = BUFFER_BYTES / options->partition_count;
        writer->options.block_bytes =
            GLY_MIN(GLY_MAX(fair, (size_t)SMALLEST_BLOCK), (size_t)LARGEST_BLOCK);
    }
    writer->column_count = column_count;
    writer->types = GLY_NEW_ARRAY(gly_type, column_count + 1);
    if (column_count > 0) {
        memcpy(writer->types, types, column_count * sizeof *types);
    }
    writer->builders = GLY_NEW_ARRAY(gly_shuffle_block_builder *, options->partition_count);
    writer->counts = GLY_NEW_ARRAY(uint32_t, options->partition_count);
    writer->touched = GLY_NEW_ARRAY(uint32_t, GLY_MIN(options->partition_count, GLY_BATCH_ROWS));
    return writer;
}

static void forget_reservation(gly_shuffle_writer *writer) {
    gly_budget_release(writer->options.budget, writer->reserved_bytes);
    writer->reserved_bytes = 0;
}

void gly_shuffle_writer_free(gly_shuffle_writer *writer) {
    if (writer == NULL) {
        return;
    }
    for (uint32_t p = 0; p < writer->options.partition_count; p++) {
        gly_shuffle_block_builder_free(writer->builders[p]);
    }
    for (size_t i = 0; i < writer->segments.count; i++) {
        free(writer->segments.items[i].memory);
    }
    gly_array_clear(&writer->segments);
    gly_builder_clear(&writer->block);
    gly_scratch_file_close(writer->scratch);
    forget_reservation(writer);
    free(writer->builders);
    free(writer->counts);
    free(writer->touched);
    free(writer->types);
    free(writer);
}

uint64_t gly_shuffle_writer_rows(const gly_shuffle_writer *writer) { return writer->rows; }

uint64_t gly_shuffle_writer_spilled_bytes(const gly_shuffle_writer *writer) {
    return writer->scratch == NULL ? 0 : gly_scratch_file_size(writer->scratch);
}

uint64_t gly_shuffle_writer_spill_count(const gly_shuffle_writer *writer) {
    return writer->spill_count;
}

/* ------------------------------------------------------------------ taking rows */

static gly_status make_block(gly_shuffle_writer *writer, uint32_t partition, gly_error *err) {
    gly_builder_reset(&writer->block);
    GLY_TRY(gly_shuffle_block_builder_flush(writer->builders[partition], writer->options.codec,
                                            &writer->block, err));
    if (writer->block.size == 0) {
        return GLY_OK;
    }
    segment piece = {.partition = partition, .size = writer->block.size};
    piece.memory = gly_alloc(piece.size);
    memcpy(piece.memory, writer->block.data, piece.size);
    gly_array_push(&writer->segments, piece);
    writer->held_bytes += piece.size;
    return GLY_OK;
}

static gly_status make_all_blocks(gly_shuffle_writer *writer, gly_error *err) {
    for (uint32_t p = 0; p < writer->options.partition_count; p++) {
        if (writer->builders[p] != NULL) {
            size_t before = gly_shuffle_block_builder_size(writer->builders[p]);
            GLY_TRY(make_block(writer, p, err));
            gly_shuffle_block_builder_reset(writer->builders[p]);
            writer->held_bytes -= before;
        }
    }
    return GLY_OK;
}

/* Moves all blocks that are in memory to the scratch file, gathered into large writes. */
static gly_status spill_blocks(gly_shuffle_writer *writer, gly_error *err) {
    if (writer->scratch == NULL) {
        GLY_TRY(gly_scratch_file_open(writer->options.spill_dir, writer->options.disk,
                                      &writer->scratch, err));
    }
    gly_builder *gathered = &writer->block;
    gly_builder_reset(gathered);
    uint64_t base = gly_scratch_file_size(writer->scratch);
    for (size_t i = 0; i < writer->segments.count; i++) {
        segment *piece = &writer->segments.items[i];
        if (piece->memory == NULL) {
            continue;
        }
        piece->offset = base + gathered->size;
        gly_builder_add(gathered, piece->memory, piece->size);
        writer->held_bytes -= piece->size;
        free(piece->memory);
        piece->memory = NULL;
        if (gathered->size >= WRITE_BYTES) {
            GLY_TRY(gly_scratch_file_write(writer->scratch, gathered->data, gathered->size, err));
            base += gathered->size;
            gly_builder_reset(gathered);
        }
    }
    writer->spill_count++;
    return gly_scratch_file_write(writer->scratch, gathered->data, gathered->size, err);
}

/* After a change of held_bytes: reserve what is new, or spill. */
static gly_status keep_account(gly_shuffle_writer *writer, gly_error *err) {
    if (writer->held_bytes <= writer->reserved_bytes) {
        return GLY_OK;
    }
    size_t more = writer->held_bytes - writer->reserved_bytes;
    size_t step = GLY_MAX(more, (size_t)RESERVE_STEP);
    if (gly_budget_try_reserve(writer->options.budget, step)) {
        writer->reserved_bytes += step;
        return GLY_OK;
    }
    if (gly_budget_try_reserve(writer->options.budget, more)) {
        writer->reserved_bytes += more;
        return GLY_OK;
    }
    GLY_TRY(make_all_blocks(writer, err));
    GLY_TRY(spill_blocks(writer, err));
    GLY_ASSERT(writer->held_bytes == 0);
    forget_reservation(writer);
    return GLY_OK;
}

static gly_status append(gly_shuffle_writer *writer, uint32_t partition, const gly_batch *batch,
                         const uint16_t *rows, uint32_t count, gly_error *err) {
    gly_shuffle_block_builder *builder = writer->builders[partition];
    if (builder == NULL) {
        builder = gly_shuffle_block_builder_make(writer->types, writer->column_count);
        writer->builders[partition] = builder;
    }
    size_t before = gly_shuffle_block_builder_size(builder);
    gly_shuffle_block_builder_append(builder, batch, rows, count);
    gly_status status = GLY_OK;
    if (gly_shuffle_block_builder_used(builder) >= writer->options.block_bytes ||
        gly_shuffle_block_builder_rows(builder) >= (1u << 20)) {
        status = make_block(writer, partition, err);
    }
    writer->held_bytes += gly_shuffle_block_builder_size(builder) - before;
    return status;
}

gly_status gly_shuffle_writer_push(gly_shuffle_writer *writer, const gly_batch *batch,
                                   const uint32_t *partitions, gly_error *err) {
    uint32_t live = batch->selected;
    writer->rows += live;
    if (live == 0) {
        return GLY_OK;
    }
    if (partitions == NULL || writer->options.partition_count == 1) {
        GLY_TRY(append(writer, 0, batch, NULL, 0, err));
        return keep_account(writer, err);
    }
    uint32_t touched_count = 0;
    for (uint32_t i = 0; i < live; i++) {
        if (writer->counts[partitions[i]]++ == 0) {
            writer->touched[touched_count++] = partitions[i];
        }
    }
    uint32_t at = 0;
    for (uint32_t t = 0; t < touched_count; t++) { /* counts become places */
        uint32_t count = writer->counts[writer->touched[t]];
        writer->counts[writer->touched[t]] = at;
        at += count;
    }
    for (uint32_t i = 0; i < live; i++) {
        writer->positions[writer->counts[partitions[i]]++] = (uint16_t)gly_batch_row(batch, i);
    }
    uint32_t start = 0;
    gly_status status = GLY_OK;
    for (uint32_t t = 0; t < touched_count; t++) {
        uint32_t partition = writer->touched[t];
        uint32_t end = writer->counts[partition];
        if (status == GLY_OK) {
            status = append(writer, partition, batch, writer->positions + start, end - start, err);
        }
        start = end;
        writer->counts[partition] = 0;
    }
    GLY_TRY(status);
    return keep_account(writer, err);
}

gly_status gly_shuffle_writer_finish(gly_shuffle_writer *writer, gly_error *err) {
    GLY_TRY(make_all_blocks(writer, err));
    return keep_account(writer, err);
}

/* ------------------------------------------------------------------ the file */

typedef struct output {
    int fd;
    const char *path;
    char *buffer;
    size_t used;
    uint64_t written; /* buffer included */
    gly_disk_space *disk;
    uint64_t taken; /* from disk */
} output;

static gly_status write_out(output *out, const char *bytes, size_t size, gly_error *err) {
    size_t done = 0;
    GLY_TRY(gly_disk_space_take(out->disk, GLY_DISK_FILES, size, err));
    out->taken += size;
    while (done < size) {
        ssize_t wrote = write(out->fd, bytes + done, size - done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return gly_error_from_errno(err, wrote == 0 ? ENOSPC : errno,
                                        "cannot write the shuffle file %s", out->path);
        }
        done += (size_t)wrote;
    }
    return GLY_OK;
}

static gly_status flush_output(output *out, gly_error *err) {
    size_t size = out->used;
    out->used = 0;
    return write_out(out, out->buffer, size, err);
}

static gly_status put_memory(output *out, const char *bytes, size_t size, gly_error *err) {
    out->written += size;
    if (size > WRITE_BYTES - out->used) {
        GLY_TRY(flush_output(out, err));
    }
    if (size >= WRITE_BYTES / 2) {
        GLY_TRY(flush_output(out, err));
        return write_out(out, bytes, size, err);
    }
    memcpy(out->buffer + out->used, bytes, size);
    out->used += size;
    return GLY_OK;
}

static gly_status put_scratch(output *out, gly_scratch_file *scratch, uint64_t offset, size_t size,
                              gly_error *err) {
    out->written += size;
    while (size > 0) {
        if (out->used == WRITE_BYTES) {
            GLY_TRY(flush_output(out, err));
        }
        size_t part = GLY_MIN(size, WRITE_BYTES - out->used);
        GLY_TRY(gly_scratch_file_read_at(scratch, offset, part, out->buffer + out->used, err));
        out->used += part;
        offset += part;
        size -= part;
    }
    return GLY_OK;
}

/* The writer's segments by partition (a stable counting sort); starts has partition_count + 1. */
static uint32_t *sort_segments(const gly_shuffle_writer *writer, uint32_t *starts) {
    uint32_t partition_count = writer->options.partition_count;
    uint32_t *order = gly_alloc((writer->segments.count + 1) * sizeof *order);
    uint32_t *next = GLY_NEW_ARRAY(uint32_t, partition_count + 1);
    for (size_t i = 0; i < writer->segments.count; i++) {
        next[writer->segments.items[i].partition + 1]++;
    }
    for (uint32_t p = 0; p < partition_count; p++) {
        next[p + 1] += next[p];
    }
    memcpy(starts, next, (partition_count + 1) * sizeof *starts);
    for (size_t i = 0; i < writer->segments.count; i++) {
        order[next[writer->segments.items[i].partition]++] = (uint32_t)i;
    }
    free(next);
    return order;
}

static gly_status put_partition(output *out, gly_shuffle_writer *writer, const uint32_t *order,
                                uint32_t count, gly_error *err) {
    for (uint32_t i = 0; i < count; i++) {
        segment *piece = &writer->segments.items[order[i]];
        if (piece->memory == NULL) {
            GLY_TRY(put_scratch(out, writer->scratch, piece->offset, piece->size, err));
            continue;
        }
        GLY_TRY(put_memory(out, piece->memory, piece->size, err));
        writer->held_bytes -= piece->size;
        free(piece->memory);
        piece->memory = NULL;
        piece->size = 0;
    }
    return GLY_OK;
}

static gly_status put_all(output *out, gly_shuffle_writer *const *writers, uint32_t writer_count,
                          uint64_t *offsets, gly_error *err) {
    uint32_t partition_count = writers[0]->options.partition_count;
    uint32_t **orders = GLY_NEW_ARRAY(uint32_t *, writer_count);
    uint32_t *starts = gly_alloc((size_t)writer_count * (partition_count + 1) * sizeof *starts);
    for (uint32_t w = 0; w < writer_count; w++) {
        orders[w] = sort_segments(writers[w], starts + (size_t)w * (partition_count + 1));
    }
    gly_status status = GLY_OK;
    for (uint32_t p = 0; p < partition_count && status == GLY_OK; p++) {
        offsets[p] = out->written;
        for (uint32_t w = 0; w < writer_count && status == GLY_OK; w++) {
            const uint32_t *start = starts + (size_t)w * (partition_count + 1) + p;
            status = put_partition(out, writers[w], orders[w] + start[0], start[1] - start[0], err);
        }
    }
    offsets[partition_count] = out->written;
    for (uint32_t w = 0; w < writer_count; w++) {
        free(orders[w]);
    }
    free(orders);
    free(starts);
    return status == GLY_OK ? flush_output(out, err) : status;
}

gly_status gly_shuffle_writer_save(gly_shuffle_writer *const *writers, uint32_t writer_count,
                                   const char *path, uint64_t *offsets, gly_error *err) {
    GLY_ASSERT(writer_count > 0);
    output out = {.path = path, .disk = writers[0]->options.disk};
    out.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out.fd < 0) {
        return gly_error_from_errno(err, errno, "cannot make the shuffle file %s", path);
    }
    out.buffer = gly_alloc(WRITE_BYTES);
    gly_status status = put_all(&out, writers, writer_count, offsets, err);
    free(out.buffer);
    if (close(out.fd) != 0 && status == GLY_OK) {
        status = gly_error_from_errno(err, errno, "cannot write the shuffle file %s", path);
    }
    if (status != GLY_OK) {
        unlink(path);
        gly_disk_space_give(out.disk, GLY_DISK_FILES, out.taken);
    }
    return status;
}
