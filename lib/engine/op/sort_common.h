/* sort_common.h - the faces that SORT and TOPN share; op_sort.c and op_topn.c only. */
#ifndef GLY_SORT_COMMON_H
#define GLY_SORT_COMMON_H

#include "lib/engine/op/operator.h"

/* prepare reads plan->sort; limit UINT64_MAX: all rows. */
gly_status gly_sort_common_prepare(gly_op_node *node, uint64_t limit, gly_error *err);
void gly_sort_common_dispose(gly_op_node *node);
gly_status gly_sort_common_open_sink(gly_op_node *node, gly_worker *worker, void **ret_local,
                                     gly_error *err);
gly_status gly_sort_common_sink(void *local, const gly_batch *batch, gly_error *err);
gly_status gly_sort_common_finish(void *local, gly_error *err);
void gly_sort_common_close_sink(void *local);
gly_status gly_sort_common_seal(gly_op_node *node, gly_error *err);
gly_status gly_sort_common_open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                                       gly_error *err);
gly_status gly_sort_common_next(void *local, const gly_batch **ret, gly_error *err);
void gly_sort_common_close_source(void *local);

#endif
