/* explain.h - plans as text, in Spark's words and shape. */
#ifndef GLY_EXPLAIN_H
#define GLY_EXPLAIN_H

#include "lib/plan/logical.h"
#include "lib/plan/physical.h"

/* A tree with "+- " and ":- " branches, one node a line. */
void gly_explain_logical(const gly_logical *plan, gly_builder *out);
void gly_explain_physical(const gly_physical *plan, gly_builder *out);
/* EXPLAIN FORMATTED: the tree with (id)s, then a paragraph for each node. */
void gly_explain_formatted(const gly_physical *plan, gly_builder *out);

#endif
