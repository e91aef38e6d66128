/* explain.h - plans as text, in Spark's words and shape.
 *
 * Physical ones begin with "== Physical Plan =="; headings of logical plans are the caller's, who
 * knows whether they are parsed, analyzed or optimized.  Every function appends whole lines.
 */
#ifndef GLY_EXPLAIN_H
#define GLY_EXPLAIN_H

#include "lib/plan/logical.h"
#include "lib/plan/physical.h"

/* A tree with "+- " and ":- " branches, one node a line.  Columns of a logical plan carry their
 * "#id".  A RESULT root is not shown. */
void gly_explain_logical(const gly_logical *plan, gly_builder *out);
void gly_explain_physical(const gly_physical *plan, gly_builder *out);
/* EXPLAIN FORMATTED: the tree with (id)s, then a paragraph for each node. */
void gly_explain_formatted(const gly_physical *plan, gly_builder *out);
/* EXPLAIN ANALYZE: as gly_explain_physical; note(context, node, out) may add to each line. */
void gly_explain_annotated(const gly_physical *plan,
                           void (*note)(void *context, const gly_physical *node,
                                        gly_builder *out),
                           void *context, gly_builder *out);

#endif
