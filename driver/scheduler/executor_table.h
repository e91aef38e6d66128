/* executor_table.h - the executors the scheduler knows, their hosts, and who has free slots. */
#ifndef GLY_EXECUTOR_TABLE_H
#define GLY_EXECUTOR_TABLE_H

#include "driver/scheduler/scheduler_internal.h"

/* NULL if the id was used before. */
gly_executor *gly_executor_table_add(gly_scheduler *scheduler, uint32_t executor_id, gly_str host,
                                     gly_str rack, uint32_t slots);
gly_executor *gly_executor_table_find(const gly_scheduler *scheduler, uint32_t executor_id);
/* Takes it out of all offers for ever. */
void gly_executor_table_remove(gly_scheduler *scheduler, gly_executor *executor);
void gly_executor_table_decommission(gly_scheduler *scheduler, gly_executor *executor);
void gly_executor_table_take(gly_scheduler *scheduler, gly_executor *executor, uint32_t slots);
void gly_executor_table_give(gly_scheduler *scheduler, gly_executor *executor, uint32_t slots);
/* Takes executors without free slots out of the free list, after an offer round. */
void gly_executor_table_settle(gly_scheduler *scheduler);
/* The index of a host, made if new. */
uint32_t gly_executor_table_host(gly_scheduler *scheduler, gly_str name);
void gly_executor_table_clear(gly_scheduler *scheduler);

#endif
