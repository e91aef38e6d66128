/* unwrap_cast.h - comparisons of a cast column with a literal, without the cast. */
#ifndef GLY_UNWRAP_CAST_H
#define GLY_UNWRAP_CAST_H

#include "lib/sql/optimize/rule.h"

/* cast(a as wider) op literal -> a op narrow literal, when both say exactly the same; else expr. */
gly_expr *gly_unwrap_cast_comparison(gly_rule_context *context, gly_expr *expr);
gly_expr *gly_unwrap_cast_in(gly_rule_context *context, gly_expr *expr);

#endif
