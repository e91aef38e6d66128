/* shared_cache.h - what tasks of one executor share: broadcast tables, cached blocks, open files.
 *
 * An entry is built once: the first task that asks becomes its builder, others wait until it is
 * published (or until the builder gives up: then one of the waiters builds).  Entries are
 * ref-counted; dropping a stage or a query removes the entries that nobody holds any more and lets
 * the others go with their last holder.  All functions are thread-safe.
 *
 * Deadlock rule: tasks of a stage ask for entries in the same (plan) order and publish one before
 * they ask for the next.
 */
#ifndef GLY_SHARED_CACHE_H
#define GLY_SHARED_CACHE_H

#include "lib/base/budget.h"
#include "lib/engine/task.h"

#include <stdatomic.h>

typedef struct gly_block_store gly_block_store;     /* lib/engine/pipeline/block_store.h */
typedef struct gly_shuffle_files gly_shuffle_files; /* lib/shuffle/shuffle_files.h */
typedef struct gly_shared_entry gly_shared_entry;

typedef struct gly_shared_key {
    uint64_t query_id;
    uint32_t stage_id;
    uint32_t node_id; /* gly_physical.id */
} gly_shared_key;

/* memory: the executor's budget (not a task's).  local_dir: where cached blocks go under pressure.
 */
gly_shared_cache *gly_shared_cache_make(gly_budget *memory, const char *local_dir);
void gly_shared_cache_free(gly_shared_cache *cache); /* no task may run; accepts NULL */

/* *ret holds a reference.  *ret_build true: the caller builds, and calls publish or abandon exactly
 * once (waiters hang until then).  False: the value is there.  Waiting ends with CANCELLED soon
 * after *cancelled becomes true (cancelled may be NULL). */
GLY_NODISCARD gly_status gly_shared_cache_acquire(gly_shared_cache *cache, gly_shared_key key,
                                                  const atomic_bool *cancelled,
                                                  gly_shared_entry **ret, bool *ret_build,
                                                  gly_error *err);
/* value belongs to the entry from now on; destroy(value) runs when the last reference goes.
 * Memory is the builder's to account: reserve it from gly_shared_cache_budget, release it in
 * destroy.  The caller keeps its reference. */
void gly_shared_cache_publish(gly_shared_entry *entry, void *value, void (*destroy)(void *value));
/* The build failed; takes the builder's reference. */
void gly_shared_cache_abandon(gly_shared_entry *entry);
void *gly_shared_cache_value(const gly_shared_entry *entry);
void gly_shared_cache_release(gly_shared_entry *entry); /* accepts NULL */

/* Forgets entries of a stage, or of all stages of the query (stage_id UINT32_MAX). */
void gly_shared_cache_drop(gly_shared_cache *cache, uint64_t query_id, uint32_t stage_id);

gly_budget *gly_shared_cache_budget(gly_shared_cache *cache);       /* the executor's */
gly_block_store *gly_shared_cache_blocks(gly_shared_cache *cache);  /* CACHE TABLE's partitions */
gly_shuffle_files *gly_shared_cache_files(gly_shared_cache *cache); /* open shuffle files */

#endif
