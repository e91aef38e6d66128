/* cardinality.h - how many rows a logical node will put out, and what its columns look like.
 *
 * Guesses for choosing between plans; never used for correctness.  Rows and distinct counts are
 * doubles and at least 1 (except that a table known to be empty has 0 rows).
 */
#ifndef GLY_CARDINALITY_H
#define GLY_CARDINALITY_H

#include "lib/plan/logical.h"

typedef struct gly_cardinality gly_cardinality; /* remembers what it estimated; one query's */

typedef struct gly_cardinality_column {
    uint32_t id;
    double distinct;      /* values other than NULL */
    double null_fraction; /* 0 .. 1 */
    double width;         /* bytes of a value */
    bool has_bounds;      /* low and high are on gly_cardinality_number's scale */
    bool is_guess;        /* distinct does not come from the data */
    bool is_key;          /* every row of its table seems to have its own value ... */
    double source_distinct; /* ... and so many there were before filters */
    double low, high;
} gly_cardinality_column;

typedef struct gly_cardinality_estimate {
    double rows;
    double source_rows; /* of the largest table below, before filters */
    uint32_t column_count;
    gly_cardinality_column *columns;
} gly_cardinality_estimate;

/* Lives as long as the arena. */
gly_cardinality *gly_cardinality_make(gly_arena *arena);
const gly_cardinality_estimate *gly_cardinality_of(gly_cardinality *cardinality,
                                                   const gly_logical *node);
double gly_cardinality_bytes(const gly_cardinality_estimate *estimate);
/* How many different combinations of exprs there are. */
double gly_cardinality_groups(const gly_cardinality_estimate *estimate, uint32_t count,
                              gly_expr *const *exprs);
/* What is left after the condition: a copy with fewer rows and tighter columns. */
const gly_cardinality_estimate *gly_cardinality_filter(gly_cardinality *cardinality,
                                                       const gly_cardinality_estimate *input,
                                                       gly_expr *condition);
/* Of a join of two inputs; condition may be NULL.  SEMI and ANTI: left's columns only. */
const gly_cardinality_estimate *gly_cardinality_join(gly_cardinality *cardinality, uint8_t kind,
                                                     const gly_cardinality_estimate *left,
                                                     const gly_cardinality_estimate *right,
                                                     gly_expr *condition);
/* Only its rows, cheaply: conditions that are no keys are taken at a third. */
double gly_cardinality_join_rows(const gly_cardinality_estimate *left,
                                 const gly_cardinality_estimate *right, gly_expr *condition);
/* A number that orders values of one type as they compare; false for texts and NULL. */
bool gly_cardinality_number(const gly_value *value, double *ret);
/* For gly_physical.row_estimate. */
uint64_t gly_cardinality_round(double rows);

#endif
