/* moved_blocks.c - a table of names and places behind one lock.
 *
 * Entries come when an executor leaves and go with their query.  A block that moves twice has its
 * last place here: names do not change on the way. Not here: who moves what
 * (driver/driver_decommission.c), how it is read (lib/engine/pipeline/block_place.c).
 */
#include "executor/moved_blocks.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/hash.h"
#include "lib/base/map.h"

#include <pthread.h>

typedef struct entry {
    uint64_t key;
    char *name, *executor_id, *host_id, *endpoint, *path;
} entry;

struct gly_moved_blocks {
    pthread_mutex_t lock;
    atomic_size_t count;
    GLY_ARRAY(entry *) entries;
    gly_map by_name; /* hash of the name; two names of one hash: the later one is known only */
};

gly_moved_blocks *gly_moved_blocks_make(void) {
    gly_moved_blocks *blocks = GLY_NEW(gly_moved_blocks);
    pthread_mutex_init(&blocks->lock, NULL);
    atomic_init(&blocks->count, 0);
    return blocks;
}

static void free_entry(entry *item) {
    free(item->name);
    free(item->executor_id);
    free(item->host_id);
    free(item->endpoint);
    free(item->path);
    free(item);
}

void gly_moved_blocks_free(gly_moved_blocks *blocks) {
    if (blocks != NULL) {
        for (size_t i = 0; i < blocks->entries.count; i++) {
            free_entry(blocks->entries.items[i]);
        }
        gly_array_clear(&blocks->entries);
        gly_map_clear(&blocks->by_name);
        pthread_mutex_destroy(&blocks->lock);
        free(blocks);
    }
}

gly_str gly_moved_blocks_name(gly_str path) {
    if (path.size == 0 || path.data[0] != '/') {
        return path;
    }
    size_t begin = path.size;
    while (path.data[begin - 1] != '/') {
        begin--;
    }
    return (gly_str){path.data + begin, path.size - begin};
}

static char *text_of(gly_str text) {
    char *copy = gly_alloc(text.size + 1);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

static void remove_at(gly_moved_blocks *blocks, size_t i) {
    entry *item = blocks->entries.items[i];
    if (gly_map_get(&blocks->by_name, item->key) == item) {
        (void)gly_map_remove(&blocks->by_name, item->key);
    }
    free_entry(item);
    gly_array_remove_at(&blocks->entries, i);
}

void gly_moved_blocks_put(gly_moved_blocks *blocks, const Galley__MovedBlocks *message) {
    pthread_mutex_lock(&blocks->lock);
    for (size_t i = 0; i < message->n_paths; i++) {
        gly_str name = gly_moved_blocks_name(gly_str_of(message->paths[i]));
        entry *item = GLY_NEW(entry);
        *item = (entry){.key = gly_hash_bytes(name.data, name.size),
                        .name = text_of(name),
                        .executor_id = gly_alloc_string(message->executor_id),
                        .host_id = gly_alloc_string(message->host_id),
                        .endpoint = gly_alloc_string(message->endpoint),
                        .path = gly_alloc_string(message->paths[i])};
        const entry *old = gly_map_get(&blocks->by_name, item->key);
        for (size_t k = 0; old != NULL && k < blocks->entries.count; k++) {
            if (blocks->entries.items[k] == old) {
                remove_at(blocks, k);
                break;
            }
        }
        gly_array_push(&blocks->entries, item);
        gly_map_put(&blocks->by_name, item->key, item);
    }
    atomic_store(&blocks->count, blocks->entries.count);
    pthread_mutex_unlock(&blocks->lock);
}

static gly_str add_text(gly_builder *texts, const char *text, size_t *at) {
    *at = texts->size;
    gly_builder_add(texts, text, strlen(text) + 1);
    return (gly_str){NULL, strlen(text)};
}

bool gly_moved_blocks_find(gly_moved_blocks *blocks, gly_str path, gly_builder *texts,
                           gly_map_status *ret) {
    if (atomic_load(&blocks->count) == 0) {
        return false;
    }
    gly_str name = gly_moved_blocks_name(path);
    size_t at[4];
    pthread_mutex_lock(&blocks->lock);
    const entry *item = gly_map_get(&blocks->by_name, gly_hash_bytes(name.data, name.size));
    bool found = item != NULL && gly_str_equal(gly_str_of(item->name), name);
    if (found) {
        ret->executor_id = add_text(texts, item->executor_id, &at[0]);
        ret->host_id = add_text(texts, item->host_id, &at[1]);
        ret->endpoint = add_text(texts, item->endpoint, &at[2]);
        ret->path = add_text(texts, item->path, &at[3]);
        ret->executor_id.data = texts->data + at[0]; /* now that it does not grow any more */
        ret->host_id.data = texts->data + at[1];
        ret->endpoint.data = texts->data + at[2];
        ret->path.data = texts->data + at[3];
    }
    pthread_mutex_unlock(&blocks->lock);
    return found;
}

void gly_moved_blocks_drop(gly_moved_blocks *blocks, gly_str prefix) {
    if (atomic_load(&blocks->count) == 0) {
        return;
    }
    pthread_mutex_lock(&blocks->lock);
    for (size_t i = blocks->entries.count; i-- > 0;) {
        if (gly_str_starts_with(gly_str_of(blocks->entries.items[i]->name), prefix)) {
            remove_at(blocks, i);
        }
    }
    atomic_store(&blocks->count, blocks->entries.count);
    pthread_mutex_unlock(&blocks->lock);
}
