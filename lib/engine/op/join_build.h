/* join_build.h - the build side of a hash join while it grows and when it is done; may be shared.
 *
 * Layout columns: the build columns that are put out, read by the condition or are keys, then keys
 * that are no plain columns (and float keys, in normal form).  Rows come as batches of layout
 * columns.
 */
#ifndef GLY_JOIN_BUILD_H
#define GLY_JOIN_BUILD_H

#include "lib/base/array.h"
#include "lib/engine/table/join_probe.h"
#include "lib/engine/table/partition_spill.h"

typedef struct gly_join_build {
    gly_arena *arena;  /* own */
    gly_budget budget; /* own, child of the task's or the executor's */
    gly_row_layout layout;
    uint32_t key_count;
    uint32_t *keys; /* layout columns */
    GLY_ARRAY(gly_row_store *) stores;
    gly_join_table table;
    bool *has_nulls; /* per layout column, set by seal */
    bool has_rows, has_null_key;
} gly_join_build;

/* has_marks: rows remember whether they found a match (RIGHT, FULL). */
gly_join_build *gly_join_build_make(gly_budget *parent, const gly_type *types,
                                    uint32_t column_count, const uint32_t *keys, uint32_t key_count,
                                    bool has_marks);
void gly_join_build_free(gly_join_build *build); /* accepts NULL */
/* A new, empty store that belongs to the build.  Callers lock. */
gly_row_store *gly_join_build_add_store(gly_join_build *build);
/* Frees the rows and the directory; ready for other rows. */
void gly_join_build_empty(gly_join_build *build);
/* Appends rows: element i is positions[i] of the columns (NULL: i), its hash hashes[i].  False:
 * memory was refused, nothing was added (never with force). */
bool gly_join_build_put(gly_row_store *store, const gly_column *columns, const uint16_t *positions,
                        const uint64_t *hashes, uint32_t count, bool force);
/* Appends a batch read back from disk: computes its hashes. */
bool gly_join_build_put_batch(gly_join_build *build, gly_row_store *store, const gly_batch *batch,
                              gly_arena *scratch, bool force);
/* Writes a store's rows to disk by partition and frees it. */
GLY_NODISCARD gly_status gly_join_build_spill(gly_row_store *store, gly_partition_spill *spill,
                                              gly_error *err);
/* Builds the directory with up to `threads` threads.  False: refused. */
bool gly_join_build_seal(gly_join_build *build, uint32_t threads, bool force);
gly_join_side gly_join_build_side(const gly_join_build *build);

#endif
