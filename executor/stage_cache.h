/* stage_cache.h - the stages this executor knows: each plan arrives once and is decoded once. */
#ifndef GLY_STAGE_CACHE_H
#define GLY_STAGE_CACHE_H

#include "lib/engine/task.h"
#include "proto/galley/executor.pb-c.h"

typedef struct gly_stage_cache gly_stage_cache;
typedef struct gly_stage gly_stage;

typedef struct gly_stage_plan { /* what tasks of a stage need; lives as long as the stage */
    const gly_physical *plan;
    uint32_t shuffle_id;
    uint32_t input_count;
    const gly_task_input *inputs;
    uint64_t task_memory_bytes;
    uint32_t cached_count;
    const gly_cached_place *cached;
} gly_stage_plan;

gly_stage_cache *gly_stage_cache_make(void);
void gly_stage_cache_free(gly_stage_cache *cache); /* accepts NULL */
/* Takes the arena, in which the message lies.  A stage that is known already is kept. */
void gly_stage_cache_put(gly_stage_cache *cache, gly_arena *arena,
                         const Galley__StagePlan *message);
/* With a reference; NULL if it is not known. */
gly_stage *gly_stage_cache_get(gly_stage_cache *cache, uint64_t query_id, uint32_t stage_id,
                               uint32_t stage_attempt);
void gly_stage_cache_ref(gly_stage *stage);
void gly_stage_cache_unref(gly_stage *stage); /* accepts NULL */
void gly_stage_cache_drop_stage(gly_stage_cache *cache, uint64_t query_id, uint32_t stage_id,
                                uint32_t stage_attempt);
void gly_stage_cache_drop_query(gly_stage_cache *cache, uint64_t query_id);

/* Decodes at the first call; later ones (and other threads) get the same plan or the same error. */
GLY_NODISCARD gly_status gly_stage_cache_plan(gly_stage *stage, const gly_stage_plan **ret,
                                              gly_error *err);

#endif
