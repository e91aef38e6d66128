/* explain_node.h - the words for one node; explain.c draws the tree around them. */
#ifndef GLY_EXPLAIN_NODE_H
#define GLY_EXPLAIN_NODE_H

#include "lib/plan/logical.h"
#include "lib/plan/physical.h"

/* Each appends to out without a line end, except the paragraph, which is whole lines. */
void gly_explain_node_logical(const gly_logical *node, gly_builder *out);
void gly_explain_node_line(const gly_physical *node, gly_builder *out);
void gly_explain_node_name(const gly_physical *node, gly_builder *out); /* "BroadcastHashJoin" */
void gly_explain_node_paragraph(const gly_physical *node, gly_builder *out);

#endif
