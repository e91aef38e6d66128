/* driver_cache.c - on which executor each partition of a cached table lies.
 *
 * Written by the owner thread as CACHE TABLE's tasks end, read by sessions and for the locality of
 * the stages that read the table.  Invariant: a partition's executor is 0 once that executor is
 * lost.
 */
#include "driver/driver_internal.h"

#include <stdlib.h>

static gly_driver_cache *find(gly_driver *driver, uint64_t cache_id) {
    for (size_t i = 0; i < driver->caches.count; i++) {
        if (driver->caches.items[i].cache_id == cache_id) {
            return &driver->caches.items[i];
        }
    }
    return NULL;
}

void gly_driver_cache_put(gly_driver *driver, uint64_t cache_id, uint32_t partition_count,
                          uint32_t partition, uint32_t executor_id) {
    pthread_mutex_lock(&driver->lock);
    gly_driver_cache *cache = find(driver, cache_id);
    if (cache == NULL) {
        gly_driver_cache fresh = {cache_id, partition_count,
                                  GLY_NEW_ARRAY(uint32_t, partition_count)};
        gly_array_push(&driver->caches, fresh);
        cache = &driver->caches.items[driver->caches.count - 1];
    }
    cache->executors[partition] = executor_id;
    pthread_mutex_unlock(&driver->lock);
}

void gly_driver_cache_lose(gly_driver *driver, uint32_t executor_id) {
    pthread_mutex_lock(&driver->lock);
    for (size_t i = 0; i < driver->caches.count; i++) {
        gly_driver_cache *cache = &driver->caches.items[i];
        for (uint32_t p = 0; p < cache->partition_count; p++) {
            cache->executors[p] = cache->executors[p] == executor_id ? 0 : cache->executors[p];
        }
    }
    atomic_fetch_add(&driver->cache_moves, 1);
    pthread_mutex_unlock(&driver->lock);
}

uint32_t gly_driver_cache_find(gly_driver *driver, uint64_t cache_id, uint32_t partition) {
    pthread_mutex_lock(&driver->lock);
    const gly_driver_cache *cache = find(driver, cache_id);
    uint32_t executor =
        cache != NULL && partition < cache->partition_count ? cache->executors[partition] : 0;
    pthread_mutex_unlock(&driver->lock);
    return executor;
}

bool gly_driver_cache_move(gly_driver *driver, uint64_t cache_id, uint32_t partition, uint32_t from,
                           uint32_t to) {
    pthread_mutex_lock(&driver->lock);
    gly_driver_cache *cache = find(driver, cache_id);
    bool is_there =
        cache != NULL && partition < cache->partition_count && cache->executors[partition] == from;
    if (is_there) {
        cache->executors[partition] = to;
        atomic_fetch_add(&driver->cache_moves, 1);
    }
    pthread_mutex_unlock(&driver->lock);
    return is_there;
}

void gly_driver_cache_remove(gly_driver *driver, uint64_t cache_id) {
    pthread_mutex_lock(&driver->lock);
    gly_driver_cache *cache = find(driver, cache_id);
    if (cache != NULL) {
        free(cache->executors);
        gly_array_remove_at(&driver->caches, (size_t)(cache - driver->caches.items));
    }
    pthread_mutex_unlock(&driver->lock);
}

bool gly_driver_cache_holds(gly_driver *driver, uint32_t executor_id) {
    bool holds = false;
    pthread_mutex_lock(&driver->lock);
    for (size_t i = 0; i < driver->caches.count && !holds; i++) {
        const gly_driver_cache *cache = &driver->caches.items[i];
        for (uint32_t p = 0; p < cache->partition_count && !holds; p++) {
            holds = cache->executors[p] == executor_id;
        }
    }
    pthread_mutex_unlock(&driver->lock);
    return holds;
}

bool gly_driver_cache_is_complete(gly_driver *driver, uint64_t cache_id) {
    pthread_mutex_lock(&driver->lock);
    const gly_driver_cache *cache = find(driver, cache_id);
    bool complete = cache != NULL;
    for (uint32_t p = 0; complete && p < cache->partition_count; p++) {
        complete = cache->executors[p] != 0;
    }
    pthread_mutex_unlock(&driver->lock);
    return complete;
}

/* Which executor has the cached partition that node reads when it puts out partition; 0: none or
 * not known.  A UNION's partitions are its children's, one child after the other; of a join's
 * cached sides the first one counts. */
static uint32_t find_executor(gly_driver *driver, const gly_physical *node, uint32_t partition) {
    if (node->kind == GLY_PHYSICAL_CACHED) {
        const gly_driver_cache *cache = find(driver, node->cached.cache_id);
        return cache != NULL && partition < cache->partition_count ? cache->executors[partition]
                                                                   : 0;
    }
    uint32_t executor = 0;
    for (uint32_t i = 0; i < node->child_count && executor == 0; i++) {
        const gly_physical *child = node->children[i];
        if (node->kind != GLY_PHYSICAL_UNION) {
            executor = find_executor(driver, child, partition);
        } else if (partition < child->partition_count) {
            return find_executor(driver, child, partition);
        } else {
            partition -= child->partition_count;
        }
    }
    return executor;
}

const gly_scheduler_preference *gly_driver_cache_preferences(gly_driver *driver, gly_arena *arena,
                                                             const gly_physical *plan,
                                                             uint32_t task_count) {
    gly_scheduler_preference *preferences =
        GLY_ARENA_ARRAY(arena, gly_scheduler_preference, task_count);
    uint32_t *executors = GLY_ARENA_ARRAY(arena, uint32_t, task_count);
    bool has_any = false;
    pthread_mutex_lock(&driver->lock);
    for (uint32_t p = 0; p < task_count && driver->caches.count > 0; p++) {
        executors[p] = find_executor(driver, plan, p);
        preferences[p].executor_count = executors[p] != 0;
        preferences[p].executors = &executors[p];
        has_any |= executors[p] != 0;
    }
    pthread_mutex_unlock(&driver->lock);
    return has_any ? preferences : NULL;
}

typedef GLY_ARRAY(gly_executor_endpoint_cached) place_list;

static void add_places(gly_driver *driver, const gly_physical *node, place_list *places) {
    if (node->kind == GLY_PHYSICAL_CACHED) {
        const gly_driver_cache *cache = find(driver, node->cached.cache_id);
        for (uint32_t p = 0; cache != NULL && p < cache->partition_count; p++) {
            gly_executor_endpoint_cached place = {cache->cache_id, p, cache->executors[p], {0}};
            if (cache->executors[p] != 0) {
                gly_array_push(places, place);
            }
        }
    }
    for (uint32_t i = 0; i < node->child_count; i++) {
        add_places(driver, node->children[i], places);
    }
}

const gly_executor_endpoint_cached *gly_driver_cache_places(gly_driver *driver, gly_arena *arena,
                                                            const gly_physical *plan,
                                                            uint32_t *ret_count) {
    place_list places = {0};
    pthread_mutex_lock(&driver->lock);
    if (driver->caches.count > 0) {
        add_places(driver, plan, &places);
    }
    pthread_mutex_unlock(&driver->lock);
    gly_executor_endpoint_cached *list =
        GLY_ARENA_ARRAY(arena, gly_executor_endpoint_cached, places.count);
    *ret_count = 0;
    uint32_t last = 0;
    char address[300] = "";
    gly_str endpoint = {0};
    for (size_t i = 0; i < places.count; i++) {
        gly_executor_endpoint_cached place = places.items[i];
        if (place.executor_id != last) {
            bool is_known = gly_executor_endpoint_place(driver->endpoint, place.executor_id,
                                                        address, sizeof address);
            endpoint = is_known ? gly_arena_str(arena, gly_str_of(address)) : (gly_str){0};
            last = place.executor_id;
        }
        if (endpoint.size > 0) {
            place.endpoint = endpoint;
            list[(*ret_count)++] = place;
        }
    }
    gly_array_clear(&places);
    return list;
}
