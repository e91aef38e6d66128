/* endpoint_messages.h - the driver's messages to and from protobuf, for executor_endpoint.c only.
 */
#ifndef GLY_ENDPOINT_MESSAGES_H
#define GLY_ENDPOINT_MESSAGES_H

#include "driver/cluster/executor_endpoint.h"
#include "proto/galley/executor.pb-c.h"

/* NULL if malformed.  Texts and bytes of the result point into the arena. */
Galley__ExecutorMessage *gly_endpoint_messages_unpack(gly_arena *arena, gly_str bytes);
/* Points into the message; texts are NUL-terminated. */
void gly_endpoint_messages_read_register(const Galley__Register *message, gly_executor_info *ret);
void gly_endpoint_messages_read_heartbeat(gly_arena *arena, uint32_t executor_id,
                                          const Galley__Heartbeat *message,
                                          gly_executor_heartbeat *ret);
/* The arena that the message lies in goes into the batch. */
void gly_endpoint_messages_read_updates(gly_arena *arena, uint32_t executor_id,
                                        const Galley__ExecutorMessage *message,
                                        gly_task_update_batch *ret);

/* Points into the message. */
void gly_endpoint_messages_read_pulled(uint32_t executor_id, const Galley__BlockPulled *message,
                                       gly_executor_pulled *ret);

/* Each appends one DriverMessage with commands; they may be glued. */
void gly_endpoint_messages_add_registered(const gly_executor_endpoint_options *options,
                                          gly_builder *out);
void gly_endpoint_messages_add_launch(const gly_executor_endpoint_launch *launches, size_t count,
                                      gly_builder *out);
void gly_endpoint_messages_add_kill(const uint64_t *task_ids, size_t count, gly_builder *out);
void gly_endpoint_messages_add_drop_stage(uint64_t query_id, uint32_t stage_id,
                                          uint32_t stage_attempt, gly_builder *out);
void gly_endpoint_messages_add_drop_query(uint64_t query_id, gly_builder *out);
void gly_endpoint_messages_add_drop_cache(uint64_t cache_id, gly_builder *out);
/* endpoint, host_id: of the executor that has the block, or the blocks now. */
void gly_endpoint_messages_add_pull(const gly_executor_endpoint_pull *pull, const char *endpoint,
                                    const char *host_id, gly_builder *out);
void gly_endpoint_messages_add_moved(uint32_t executor_id, const char *endpoint,
                                     const char *host_id, const gly_str *paths, uint32_t count,
                                     gly_builder *out);
void gly_endpoint_messages_add_shutdown(const char *reason, gly_builder *out);

#endif
