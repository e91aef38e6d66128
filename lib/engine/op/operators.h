/* operators.h - the operators there are; each is the last thing in its op_<name>.c.
 *
 * operator_table.c maps physical kinds to them.  Questions that the pipeline builder asks about one
 * operator only (is this aggregate a stream? does this join need its build side?) are in
 * op_aggregate.h and op_hash_join.h.
 */
#ifndef GLY_OPERATORS_H
#define GLY_OPERATORS_H

#include "lib/engine/op/operator.h"

extern const gly_operator gly_op_scan;
extern const gly_operator gly_op_cached;
extern const gly_operator gly_op_values;
extern const gly_operator gly_op_range;
extern const gly_operator gly_op_filter;
extern const gly_operator gly_op_project;
extern const gly_operator gly_op_aggregate;
extern const gly_operator gly_op_hash_join;
extern const gly_operator gly_op_nested_join;
extern const gly_operator gly_op_sort;
extern const gly_operator gly_op_topn;
extern const gly_operator gly_op_limit;
extern const gly_operator gly_op_union;
extern const gly_operator gly_op_shuffle_write;
extern const gly_operator gly_op_shuffle_read;
extern const gly_operator gly_op_file_write;
extern const gly_operator gly_op_result;
extern const gly_operator gly_op_cache_write;

#endif
