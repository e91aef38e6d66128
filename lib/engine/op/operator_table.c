/* operator_table.c - which operator runs which physical node.
 *
 * EXCHANGE is missing on purpose: the driver cuts plans there.  Adding an operator: a line in
 * lib/plan/operators.def, an op_<name>.c, a line here and in operators.h.
 */
#include "lib/engine/op/operators.h"

static const gly_operator *const table[GLY_PHYSICAL_COUNT] = {
    [GLY_PHYSICAL_SCAN] = &gly_op_scan,
    [GLY_PHYSICAL_CACHED] = &gly_op_cached,
    [GLY_PHYSICAL_VALUES] = &gly_op_values,
    [GLY_PHYSICAL_RANGE] = &gly_op_range,
    [GLY_PHYSICAL_FILTER] = &gly_op_filter,
    [GLY_PHYSICAL_PROJECT] = &gly_op_project,
    [GLY_PHYSICAL_AGGREGATE] = &gly_op_aggregate,
    [GLY_PHYSICAL_HASH_JOIN] = &gly_op_hash_join,
    [GLY_PHYSICAL_NESTED_JOIN] = &gly_op_nested_join,
    [GLY_PHYSICAL_SORT] = &gly_op_sort,
    [GLY_PHYSICAL_TOPN] = &gly_op_topn,
    [GLY_PHYSICAL_LIMIT] = &gly_op_limit,
    [GLY_PHYSICAL_UNION] = &gly_op_union,
    [GLY_PHYSICAL_SHUFFLE_WRITE] = &gly_op_shuffle_write,
    [GLY_PHYSICAL_SHUFFLE_READ] = &gly_op_shuffle_read,
    [GLY_PHYSICAL_FILE_WRITE] = &gly_op_file_write,
    [GLY_PHYSICAL_RESULT] = &gly_op_result,
    [GLY_PHYSICAL_CACHE_WRITE] = &gly_op_cache_write,
};

const gly_operator *gly_operator_find(gly_physical_kind kind) {
    return (unsigned)kind < GLY_PHYSICAL_COUNT ? table[kind] : NULL;
}
