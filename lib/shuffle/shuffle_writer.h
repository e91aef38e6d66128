/* shuffle_writer.h - a map task's output: rows by partition, then one file, contiguous per
 * partition.
 *
 * Each worker thread of the task has a writer of its own (push, finish: that thread only); at the
 * end one thread saves all of them into one file.  Which partition a row belongs to is the caller's
 * business.
 */
#ifndef GLY_SHUFFLE_WRITER_H
#define GLY_SHUFFLE_WRITER_H

#include "lib/base/budget.h"
#include "lib/shuffle/disk_space.h"
#include "lib/shuffle/shuffle_block.h"

typedef struct gly_shuffle_writer gly_shuffle_writer;

typedef struct gly_shuffle_writer_options {
    uint32_t partition_count;
    gly_codec codec;
    gly_budget *budget;    /* refused: what is held goes to a scratch file */
    const char *spill_dir; /* for that file; must outlive the writer */
    size_t block_bytes;    /* rows of a partition become a block at this size; 0: by partitions */
    gly_disk_space *disk;  /* what files take; may be NULL */
} gly_shuffle_writer_options;

gly_shuffle_writer *gly_shuffle_writer_make(const gly_type *types, uint32_t column_count,
                                            const gly_shuffle_writer_options *options);
void gly_shuffle_writer_free(gly_shuffle_writer *writer); /* gives memory back; accepts NULL */
/* partitions[i] belongs to the i-th live row; NULL: all go to partition 0. */
GLY_NODISCARD gly_status gly_shuffle_writer_push(gly_shuffle_writer *writer, const gly_batch *batch,
                                                 const uint32_t *partitions, gly_error *err);
/* No more rows: all become blocks. */
GLY_NODISCARD gly_status gly_shuffle_writer_finish(gly_shuffle_writer *writer, gly_error *err);
uint64_t gly_shuffle_writer_rows(const gly_shuffle_writer *writer);
uint64_t gly_shuffle_writer_spilled_bytes(const gly_shuffle_writer *writer);
uint64_t gly_shuffle_writer_spill_count(const gly_shuffle_writer *writer);

/* Writes the blocks of all (finished) writers to a new file at path: partition by partition,
 * writers in order.  offsets: partition_count + 1, filled.  The file's bytes are taken from the
 * options' disk; whoever deletes it gives them back.  On failure no file is left.  DISK_FULL or IO
 * name the path. */
GLY_NODISCARD gly_status gly_shuffle_writer_save(gly_shuffle_writer *const *writers,
                                                 uint32_t writer_count, const char *path,
                                                 uint64_t *offsets, gly_error *err);
#endif
