/* fresh_copy.h - a second copy of a small plan, with column ids of its own. */
#ifndef GLY_FRESH_COPY_H
#define GLY_FRESH_COPY_H

#include "lib/sql/optimize/rule.h"

/* Scans with filters and projections over them, and semi joins of such: worth running twice. */
bool gly_fresh_copy_is_cheap(const gly_logical *plan);
/* plan must be cheap.  ret_old[i] became ret_new[i] (a column). */
gly_logical *gly_fresh_copy_of(gly_rule_context *context, const gly_logical *plan,
                               uint32_t *ret_count, gly_output **ret_old, gly_expr ***ret_new);

#endif
