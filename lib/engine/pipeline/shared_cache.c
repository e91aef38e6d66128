/* shared_cache.c - a latch per entry: the first task builds, the others wait for it.
 *
 * One lock and one condition for all entries: there are few (a broadcast join each), and waiting
 * for one is rare and long.  Waiters wake every 50 ms to see whether their task was cancelled.
 *
 * Invariant: references counts holders and the builder; an entry in the list with none of them
 * stays until its stage or query is dropped; one that is not in the list goes with its last
 * reference.
 */
#include "lib/engine/pipeline/shared_cache.h"

#include "lib/base/alloc.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/shuffle/shuffle_files.h"

#include <pthread.h>
#include <time.h>

enum { OPEN_FILES = 256, WAIT_NS = 50 * 1000 * 1000 };

typedef enum entry_state { BUILDING, READY, VACANT } entry_state; /* VACANT: the builder gave up */

struct gly_shared_entry {
    gly_shared_entry *next;
    gly_shared_cache *cache;
    gly_shared_key key;
    entry_state state;
    uint32_t references;
    bool is_dropped; /* not in the list any more */
    void *value;
    void (*destroy)(void *value);
};

struct gly_shared_cache {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    gly_shared_entry *entries;
    gly_budget *memory;
    gly_block_store *blocks;
    gly_shuffle_files *files;
};

gly_shared_cache *gly_shared_cache_make(gly_budget *memory, const char *local_dir) {
    gly_shared_cache *cache = GLY_NEW(gly_shared_cache);
    pthread_mutex_init(&cache->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cache->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    cache->memory = memory;
    cache->blocks = gly_block_store_make(memory, local_dir);
    cache->files = gly_shuffle_files_make(OPEN_FILES);
    if (memory->reclaim == NULL) {
        memory->reclaim = gly_block_store_reclaim;
        memory->reclaim_context = cache->blocks;
    }
    return cache;
}

static void free_entry(gly_shared_entry *entry) {
    if (entry->value != NULL && entry->destroy != NULL) {
        entry->destroy(entry->value);
    }
    free(entry);
}

void gly_shared_cache_free(gly_shared_cache *cache) {
    if (cache == NULL) {
        return;
    }
    for (gly_shared_entry *entry = cache->entries; entry != NULL;) {
        gly_shared_entry *next = entry->next;
        GLY_ASSERT(entry->references == 0);
        free_entry(entry);
        entry = next;
    }
    if (cache->memory->reclaim_context == cache->blocks) {
        cache->memory->reclaim = NULL;
        cache->memory->reclaim_context = NULL;
    }
    gly_block_store_free(cache->blocks);
    gly_shuffle_files_free(cache->files);
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* ------------------------------------------------------------------ entries */

static bool same_key(gly_shared_key a, gly_shared_key b) {
    return a.query_id == b.query_id && a.stage_id == b.stage_id && a.node_id == b.node_id;
}

static gly_shared_entry *find_or_add(gly_shared_cache *cache, gly_shared_key key) {
    gly_shared_entry *entry = cache->entries;
    while (entry != NULL && !same_key(entry->key, key)) {
        entry = entry->next;
    }
    if (entry == NULL) {
        entry = GLY_NEW(gly_shared_entry);
        entry->cache = cache;
        entry->key = key;
        entry->state = VACANT;
        entry->next = cache->entries;
        cache->entries = entry;
    }
    return entry;
}

static void wait_a_little(gly_shared_cache *cache) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_NS;
    if (until.tv_nsec >= 1000 * 1000 * 1000) {
        until.tv_nsec -= 1000 * 1000 * 1000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&cache->changed, &cache->lock, &until);
}

/* Gives one reference back; locked.  Returns the entry if the caller has to free it (unlocked). */
static gly_shared_entry *drop_reference(gly_shared_entry *entry) {
    entry->references--;
    return entry->references == 0 && entry->is_dropped ? entry : NULL;
}

gly_status gly_shared_cache_acquire(gly_shared_cache *cache, gly_shared_key key,
                                    const atomic_bool *cancelled, gly_shared_entry **ret,
                                    bool *ret_build, gly_error *err) {
    pthread_mutex_lock(&cache->lock);
    gly_shared_entry *entry = find_or_add(cache, key);
    entry->references++;
    bool is_cancelled = false;
    while (entry->state == BUILDING && !is_cancelled) {
        is_cancelled = cancelled != NULL && atomic_load(cancelled);
        if (!is_cancelled) {
            wait_a_little(cache);
        }
    }
    gly_shared_entry *unused = NULL;
    if (is_cancelled) {
        unused = drop_reference(entry);
    } else {
        *ret_build = entry->state == VACANT;
        entry->state = *ret_build ? BUILDING : READY;
        *ret = entry;
    }
    pthread_mutex_unlock(&cache->lock);
    if (unused != NULL) {
        free_entry(unused);
    }
    return is_cancelled ? gly_fail(err, GLY_E_CANCELLED, "the task was cancelled") : GLY_OK;
}

void gly_shared_cache_publish(gly_shared_entry *entry, void *value, void (*destroy)(void *value)) {
    pthread_mutex_lock(&entry->cache->lock);
    GLY_ASSERT(entry->state == BUILDING);
    entry->value = value;
    entry->destroy = destroy;
    entry->state = READY;
    pthread_cond_broadcast(&entry->cache->changed);
    pthread_mutex_unlock(&entry->cache->lock);
}

void gly_shared_cache_abandon(gly_shared_entry *entry) {
    gly_shared_cache *cache = entry->cache;
    pthread_mutex_lock(&cache->lock);
    GLY_ASSERT(entry->state == BUILDING);
    entry->state = VACANT;
    gly_shared_entry *unused = drop_reference(entry);
    pthread_cond_broadcast(&cache->changed);
    pthread_mutex_unlock(&cache->lock);
    if (unused != NULL) {
        free_entry(unused);
    }
}

void *gly_shared_cache_value(const gly_shared_entry *entry) { return entry->value; }

void gly_shared_cache_release(gly_shared_entry *entry) {
    if (entry == NULL) {
        return;
    }
    gly_shared_cache *cache = entry->cache;
    pthread_mutex_lock(&cache->lock);
    gly_shared_entry *unused = drop_reference(entry);
    pthread_mutex_unlock(&cache->lock);
    if (unused != NULL) {
        free_entry(unused);
    }
}

void gly_shared_cache_drop(gly_shared_cache *cache, uint64_t query_id, uint32_t stage_id) {
    gly_shared_entry *unused = NULL;
    pthread_mutex_lock(&cache->lock);
    gly_shared_entry **place = &cache->entries;
    while (*place != NULL) {
        gly_shared_entry *entry = *place;
        if (entry->key.query_id != query_id ||
            (stage_id != UINT32_MAX && entry->key.stage_id != stage_id)) {
            place = &entry->next;
            continue;
        }
        *place = entry->next;
        entry->is_dropped = true;
        if (entry->references == 0) {
            entry->next = unused;
            unused = entry;
        }
    }
    pthread_mutex_unlock(&cache->lock);
    while (unused != NULL) {
        gly_shared_entry *next = unused->next;
        free_entry(unused);
        unused = next;
    }
}

gly_budget *gly_shared_cache_budget(gly_shared_cache *cache) { return cache->memory; }
gly_block_store *gly_shared_cache_blocks(gly_shared_cache *cache) { return cache->blocks; }
gly_shuffle_files *gly_shared_cache_files(gly_shared_cache *cache) { return cache->files; }
