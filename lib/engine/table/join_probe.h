/* join_probe.h - probes batches against a join table and makes the output batches, for every kind.
 *
 * A cursor: begin(batch), then next until it gives NULL.  A stream pushes what it gets, a source
 * returns it; so the same code serves the probe pipeline and spilled partitions afterwards.
 */
#ifndef GLY_JOIN_PROBE_H
#define GLY_JOIN_PROBE_H

#include "lib/data/schema.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/table/join_table.h"
#include "lib/plan/logical.h"

enum { GLY_JOIN_NOT_STORED = UINT32_MAX };

/* What all workers of a join share; immutable. */
typedef struct gly_join_spec {
    uint8_t kind; /* gly_join_kind */
    bool is_flipped;
    const gly_schema *probe_schema, *build_schema;
    const uint32_t *stored; /* build column -> layout column, or GLY_JOIN_NOT_STORED */
    uint32_t key_count;
    gly_expr *const *probe_keys;
    gly_expr_program *key_program; /* NULL: the keys are plain columns */
    gly_expr_program *condition;   /* NULL: none */
    const bool *condition_columns; /* which of probe's, then build's columns it reads */
    uint32_t partition;
} gly_join_spec;

/* One build side, or the part of it that is in memory. */
typedef struct gly_join_side {
    const gly_join_table *table;
    const bool *has_nulls; /* per layout column */
    bool has_rows;         /* in the whole build side; NULL_AWARE_ANTI */
    bool has_null_key;
} gly_join_side;

typedef struct gly_join_probe gly_join_probe;
/* always_hash: hashes are wanted even when the table does without. */
gly_join_probe *gly_join_probe_make(const gly_join_spec *spec, bool always_hash);
void gly_join_probe_free(gly_join_probe *probe); /* accepts NULL */
void gly_join_probe_set_side(gly_join_probe *probe, gly_join_side side);

/* Starts with a batch, which must stay until the next begin.
 * seen: NULL, or a flag per live row: it found a match in another part of the build side already;
 * updated with the matches found now.  is_last: no other part follows, so rows without a match are
 * put out (LEFT, FULL, ANTI). */
GLY_NODISCARD gly_status gly_join_probe_begin(gly_join_probe *probe, const gly_batch *batch,
                                              bool *seen, bool is_last, gly_error *err);
/* Hashes of the live rows' keys since begin. */
const uint64_t *gly_join_probe_hashes(const gly_join_probe *probe);
/* The next output batch (valid until the next call), NULL when the input batch is done. */
GLY_NODISCARD gly_status gly_join_probe_next(gly_join_probe *probe, const gly_batch **ret,
                                             gly_error *err);
/* Build rows without a match as output rows (RIGHT, FULL), in the arena. */
void gly_join_probe_unmatched(const gly_join_spec *spec, const gly_join_side *side,
                              uint8_t *const *rows, uint32_t count, gly_arena *arena,
                              gly_batch *ret);

#endif
