/* selectivity.h - which part of the rows a condition lets through. */
#ifndef GLY_SELECTIVITY_H
#define GLY_SELECTIVITY_H

#include "lib/sql/optimize/cardinality.h"

/* 0 .. 1; where the condition bounds a column, the column in estimate is tightened. */
double gly_selectivity_apply(gly_cardinality_estimate *estimate, const gly_expr *condition);
/* The column that expr is, casts looked through; NULL if it is something else. */
const gly_cardinality_column *gly_selectivity_column(const gly_cardinality_estimate *estimate,
                                                     const gly_expr *expr);

#endif
