/* stage_cache.c - stages by (query, stage, attempt), counted references, decoded by the first task.
 *
 * The network thread only stores the message; decoding plan and map statuses is done on a task's
 * thread.  Invariant: a stage in the table holds one reference; what tasks see is never written
 * again after decoding. Not here: when to forget (the driver says so).
 */
#include "executor/stage_cache.h"

#include "lib/base/array.h"
#include "lib/plan/plan_codec.h"

#include <pthread.h>

struct gly_stage {
    uint64_t query_id;
    uint32_t stage_id, stage_attempt;
    atomic_uint references;
    gly_arena *arena; /* the message and all that is decoded from it */
    const Galley__StagePlan *message;
    pthread_mutex_t lock;
    bool decoded;
    gly_status status;
    gly_error *error;
    gly_stage_plan plan;
};

struct gly_stage_cache {
    pthread_mutex_t lock;
    GLY_ARRAY(gly_stage *) stages;
};

gly_stage_cache *gly_stage_cache_make(void) {
    gly_stage_cache *cache = GLY_NEW(gly_stage_cache);
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void gly_stage_cache_ref(gly_stage *stage) { atomic_fetch_add(&stage->references, 1); }

void gly_stage_cache_unref(gly_stage *stage) {
    if (stage != NULL && atomic_fetch_sub(&stage->references, 1) == 1) {
        pthread_mutex_destroy(&stage->lock);
        gly_arena_free(stage->arena);
        free(stage->error);
        free(stage);
    }
}

void gly_stage_cache_free(gly_stage_cache *cache) {
    if (cache != NULL) {
        for (size_t i = 0; i < cache->stages.count; i++) {
            gly_stage_cache_unref(cache->stages.items[i]);
        }
        gly_array_clear(&cache->stages);
        pthread_mutex_destroy(&cache->lock);
        free(cache);
    }
}

/* The caller holds the lock. */
static gly_stage *find(gly_stage_cache *cache, uint64_t query_id, uint32_t stage_id,
                       uint32_t stage_attempt) {
    for (size_t i = cache->stages.count; i-- > 0;) { /* the newest are asked for */
        gly_stage *stage = cache->stages.items[i];
        if (stage->query_id == query_id && stage->stage_id == stage_id &&
            stage->stage_attempt == stage_attempt) {
            return stage;
        }
    }
    return NULL;
}

void gly_stage_cache_put(gly_stage_cache *cache, gly_arena *arena,
                         const Galley__StagePlan *message) {
    pthread_mutex_lock(&cache->lock);
    if (find(cache, message->query_id, message->stage_id, message->stage_attempt) != NULL) {
        pthread_mutex_unlock(&cache->lock);
        gly_arena_free(arena);
        return;
    }
    gly_stage *stage = GLY_NEW(gly_stage);
    stage->query_id = message->query_id;
    stage->stage_id = message->stage_id;
    stage->stage_attempt = message->stage_attempt;
    stage->arena = arena;
    stage->message = message;
    atomic_init(&stage->references, 1);
    pthread_mutex_init(&stage->lock, NULL);
    gly_array_push(&cache->stages, stage);
    pthread_mutex_unlock(&cache->lock);
}

gly_stage *gly_stage_cache_get(gly_stage_cache *cache, uint64_t query_id, uint32_t stage_id,
                               uint32_t stage_attempt) {
    pthread_mutex_lock(&cache->lock);
    gly_stage *stage = find(cache, query_id, stage_id, stage_attempt);
    if (stage != NULL) {
        gly_stage_cache_ref(stage);
    }
    pthread_mutex_unlock(&cache->lock);
    return stage;
}

static void drop(gly_stage_cache *cache, uint64_t query_id, bool all, uint32_t stage_id,
                 uint32_t stage_attempt) {
    pthread_mutex_lock(&cache->lock);
    size_t kept = 0;
    for (size_t i = 0; i < cache->stages.count; i++) {
        gly_stage *stage = cache->stages.items[i];
        if (stage->query_id == query_id &&
            (all || (stage->stage_id == stage_id && stage->stage_attempt == stage_attempt))) {
            gly_stage_cache_unref(stage);
        } else {
            cache->stages.items[kept++] = stage;
        }
    }
    cache->stages.count = kept;
    pthread_mutex_unlock(&cache->lock);
}

void gly_stage_cache_drop_stage(gly_stage_cache *cache, uint64_t query_id, uint32_t stage_id,
                                uint32_t stage_attempt) {
    drop(cache, query_id, false, stage_id, stage_attempt);
}

void gly_stage_cache_drop_query(gly_stage_cache *cache, uint64_t query_id) {
    drop(cache, query_id, true, 0, 0);
}

static gly_str bytes_of(ProtobufCBinaryData data) {
    return (gly_str){(const char *)data.data, data.len};
}

static gly_status decode_input(gly_arena *arena, const Galley__StageInput *from, gly_task_input *to,
                               gly_error *err) {
    gly_map_status *maps = GLY_ARENA_ARRAY(arena, gly_map_status, from->n_map_statuses);
    for (size_t i = 0; i < from->n_map_statuses; i++) {
        GLY_TRY(gly_map_status_decode(arena, bytes_of(from->map_statuses[i]), &maps[i], err));
    }
    *to = (gly_task_input){from->shuffle_id, (uint32_t)from->n_map_statuses, maps};
    return GLY_OK;
}

static gly_status decode(gly_stage *stage, gly_error *err) {
    const Galley__StagePlan *message = stage->message;
    gly_physical *plan = NULL;
    if (message->plan.len > 0) {
        GLY_TRY_ADD(gly_plan_codec_decode(stage->arena, bytes_of(message->plan), &plan, err), err,
                    "plan of stage %u", stage->stage_id);
    }
    gly_task_input *inputs = GLY_ARENA_ARRAY(stage->arena, gly_task_input, message->n_inputs);
    for (size_t i = 0; i < message->n_inputs; i++) {
        GLY_TRY_ADD(decode_input(stage->arena, message->inputs[i], &inputs[i], err), err,
                    "input %zu of stage %u", i, stage->stage_id);
    }
    gly_cached_place *cached = GLY_ARENA_ARRAY(stage->arena, gly_cached_place, message->n_cached);
    for (size_t i = 0; i < message->n_cached; i++) {
        const Galley__CachedPartition *from = message->cached[i];
        cached[i] = (gly_cached_place){from->cache_id, from->partition,
                                       gly_str_of(from->executor_id), gly_str_of(from->endpoint)};
    }
    stage->plan = (gly_stage_plan){.plan = plan,
                                   .shuffle_id = message->shuffle_id,
                                   .input_count = (uint32_t)message->n_inputs,
                                   .inputs = inputs,
                                   .task_memory_bytes = message->task_memory_bytes,
                                   .cached_count = (uint32_t)message->n_cached,
                                   .cached = cached};
    return GLY_OK;
}

gly_status gly_stage_cache_plan(gly_stage *stage, const gly_stage_plan **ret, gly_error *err) {
    pthread_mutex_lock(&stage->lock);
    if (!stage->decoded) {
        gly_error error = {0};
        stage->status = decode(stage, &error);
        stage->decoded = true;
        if (stage->status != GLY_OK) {
            stage->error = GLY_NEW(gly_error);
            *stage->error = error;
        }
    }
    pthread_mutex_unlock(&stage->lock);
    if (stage->status != GLY_OK) {
        return gly_error_copy(err, stage->error);
    }
    *ret = &stage->plan;
    return GLY_OK;
}
