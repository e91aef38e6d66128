/* plan_check.h - is a physical plan well formed?  Used on plans that came as bytes, and by tests
 * on what the planner made. */
#ifndef GLY_PLAN_CHECK_H
#define GLY_PLAN_CHECK_H

#include "lib/plan/physical.h"

enum {
    GLY_PLAN_CHECK_MAX_DEPTH = 4000,       /* nodes below each other, and expressions too */
    GLY_PLAN_CHECK_MAX_EXPRS = 4 << 20,    /* expressions of a whole plan, shared ones counted anew */
    GLY_PLAN_CHECK_MAX_NODES = 1 << 20,
};

bool gly_plan_check_type(gly_type type);
/* One expression and all below: columns exist and have the type they claim, functions exist and
 * have as many arguments as they take.  has_aggregate: a call of an aggregate at the top. */
GLY_NODISCARD gly_status gly_plan_check_expr(const gly_expr *expr, const gly_schema *input,
                                             bool is_aggregate, gly_error *err);
/* One node, its children taken as good.  PROTOCOL with a sentence that names the node. */
GLY_NODISCARD gly_status gly_plan_check_node(const gly_physical *node, gly_error *err);
/* The whole plan. */
GLY_NODISCARD gly_status gly_plan_check(const gly_physical *plan, gly_error *err);

#endif
