/* work_queue.h - keys that need a look: each at most once, delays, back-off per key.
 *
 * The semantics of client-go's rate-limited workqueue, for one thread: a key added while it waits
 * is one entry (the earliest time wins); failures double a key's delay from 100 ms to 5 minutes.
 */
#ifndef GLY_WORK_QUEUE_H
#define GLY_WORK_QUEUE_H

#include "lib/base/base.h"
#include "lib/base/str.h"

typedef struct gly_work_queue gly_work_queue;

gly_work_queue *gly_work_queue_make(uint64_t seed) __attribute__((returns_nonnull));
void gly_work_queue_free(gly_work_queue *queue);
void gly_work_queue_add(gly_work_queue *queue, gly_str key, int64_t now_ms, int64_t delay_ms);
void gly_work_queue_retry(gly_work_queue *queue, gly_str key, int64_t now_ms); /* with back-off */
void gly_work_queue_forget(gly_work_queue *queue, gly_str key); /* resets the back-off */
/* The next key that is due, into a builder; false: none is. */
bool gly_work_queue_next(gly_work_queue *queue, int64_t now_ms, gly_builder *ret_key);
/* Milliseconds until one is due; -1: empty. */
int64_t gly_work_queue_wait_ms(const gly_work_queue *queue, int64_t now_ms);
size_t gly_work_queue_count(const gly_work_queue *queue);

#endif
