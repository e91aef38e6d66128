/* plan_depth.h - refuses plans so deep that walking them could exhaust the stack. */
#ifndef GLY_PLAN_DEPTH_H
#define GLY_PLAN_DEPTH_H

#include "lib/plan/logical.h"

enum { GLY_PLAN_DEPTH_MAX = 2 * GLY_EXPR_MAX_DEPTH };

/* UNSUPPORTED if relations are nested deeper than GLY_PLAN_DEPTH_MAX.  (Expressions are limited by
 * the parser.)  Does not recurse. */
GLY_NODISCARD gly_status gly_plan_depth_check(const gly_logical *plan, gly_error *err);

#endif
