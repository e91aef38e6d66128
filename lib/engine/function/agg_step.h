/* agg_step.h - the loops of aggregate functions: one step keeps one state, for many groups.
 *
 * An aggregate function is one or more steps (avg is ADD and COUNT).  A state is a few bytes at a
 * fixed offset in a group's row.  `rows[i] + offset` is the state of element i, whose value is
 * data[positions[i]] (positions NULL: data[i]); NULLs have been taken out before.  The `one` loops
 * are for a single group (no GROUP BY, or all rows of a run).
 */
#ifndef GLY_AGG_STEP_H
#define GLY_AGG_STEP_H

#include "lib/data/row_store.h"

typedef enum gly_agg_op {
    GLY_AGG_COUNT, /* i64; the values are not looked at */
    GLY_AGG_ADD,   /* i64, i128 or f64 */
    GLY_AGG_MIN,   /* the value */
    GLY_AGG_MAX,
    GLY_AGG_BIT_AND, /* integers of any width */
    GLY_AGG_BIT_OR,
    GLY_AGG_BIT_XOR,
    GLY_AGG_FIRST,          /* the value, and a byte: SEEN, NULL */
    GLY_AGG_FIRST_MERGE,    /* inputs: value, seen */
    GLY_AGG_VARIANCE,       /* count, mean, m2 as f64 (Welford) */
    GLY_AGG_VARIANCE_MERGE, /* inputs: count, mean, m2 (Chan et al.) */
} gly_agg_op;

enum { GLY_AGG_SEEN = 1, GLY_AGG_NULL = 2 };

/* False on overflow (ADD). */
typedef bool (*gly_agg_step_loop)(const void *data, const uint16_t *positions, uint8_t *const *rows,
                                  uint32_t offset, uint32_t count);
typedef bool (*gly_agg_step_one)(const void *data, const uint16_t *positions, uint8_t *state,
                                 uint32_t count);

/* NULL if there is none (text and FIRST have their own functions; a combination that no type rule
 * produces). */
gly_agg_step_loop gly_agg_step_find(gly_agg_op op, gly_kind input, gly_kind state);
gly_agg_step_one gly_agg_step_find_one(gly_agg_op op, gly_kind input, gly_kind state);

/* Where a new group's MIN, MAX or BIT_AND starts: writes the value that every other one replaces.
 */
void gly_agg_step_identity(gly_agg_op op, gly_kind kind, void *state);

/* MIN and MAX of text: flag bytes (at flag_offset) say whether there is a value yet; long bytes are
 * copied into heap, where room was reserved. */
void gly_agg_step_text(gly_agg_op op, const gly_text *data, const uint16_t *positions,
                       uint8_t *const *rows, uint32_t offset, uint32_t flag_offset, uint32_t count,
                       gly_row_store *heap);
/* Merges (count, mean, m2) triples. */
void gly_agg_step_merge_variance(const double *counts, const double *means, const double *m2s,
                                 const uint16_t *positions, uint8_t *const *rows, uint32_t offset,
                                 uint32_t count);

#endif
